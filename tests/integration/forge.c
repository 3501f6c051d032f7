/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/integration/forge.h"

#include "gateway/ktls/softrecord.h"
#include "tests/integration/check.h"
#include "tests/integration/net.h"
#include "tests/integration/pattern.h"

#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <string.h>

#define SECRET_LABEL "CLIENT_TRAFFIC_SECRET_0 "

/* Of the connection that is in its handshake: there is one at a time. */
static uint8_t secret[KTLS_HASH_MAX];
static size_t secret_len;

/* "LABEL CLIENT_RANDOM SECRET", both in hex. */
static void take_secret(const SSL *ssl, const char *line)
{
    long len = 0;
    (void)ssl;
    if (strncmp(line, SECRET_LABEL, strlen(SECRET_LABEL)) != 0)
        return;
    uint8_t *bytes = OPENSSL_hexstr2buf(strrchr(line, ' ') + 1, &len);
    assert_non_null(bytes);
    assert_true(len <= (long)sizeof(secret));
    memcpy(secret, bytes, (size_t)len);
    secret_len = (size_t)len;
    OPENSSL_free(bytes);
}

/* In the place of the client's own callback, which takes fatal ones only. */
static void note_alert(const SSL *ssl, int where, int value)
{
    struct forge *f = SSL_get_app_data(ssl);
    if (where != SSL_CB_READ_ALERT)
        return;
    if (value >> 8 == SSL3_AL_FATAL)
        f->client.alert = value & 0xff;
    else
        f->warned = value & 0xff;
}

static void derive_12(struct forge *f, const struct ktls_suite *suite)
{
    uint8_t master[KTLS_MASTER_LEN], client[KTLS_RANDOM_LEN], server[KTLS_RANDOM_LEN];
    struct ktls_keys unused;
    const SSL *ssl = f->client.ssl;
    assert_int_equal(SSL_SESSION_get_master_key(SSL_get_session(ssl), master, sizeof(master)),
                     sizeof(master));
    assert_int_equal(SSL_get_client_random(ssl, client, sizeof(client)), sizeof(client));
    assert_int_equal(SSL_get_server_random(ssl, server, sizeof(server)), sizeof(server));
    assert_int_equal(ktls_derive_tls12(suite, master, client, server, &f->keys, &unused), 0);
}

void forge_connect(struct forge *f, uint16_t port, int version)
{
    *f = (struct forge){.warned = -1};
    client_open(&f->client, &(struct client_options){.port = port, .version = version});
    SSL_CTX_set_keylog_callback(f->client.ctx, take_secret);
    assert_int_equal(SSL_set_app_data(f->client.ssl, f), 1);
    SSL_set_info_callback(f->client.ssl, note_alert);
    assert_int_equal(client_handshake(&f->client), CLIENT_OPEN);
    const SSL_CIPHER *cipher = SSL_get_current_cipher(f->client.ssl);
    const struct ktls_suite *suite = ktls_suite_find(SSL_CIPHER_get_protocol_id(cipher));
    assert_non_null(suite);
    if (version == TLS1_3_VERSION)
        assert_int_equal(ktls_derive_tls13(suite, secret, secret_len, &f->keys), 0);
    else
        derive_12(f, suite);
}

void forge_send_raw(struct forge *f, const void *data, size_t len)
{
    assert_true(net_send(f->client.fd, data, len, 0));
}

static size_t seal(struct forge *f, uint8_t type, const void *data, size_t len, size_t pad,
                   uint8_t out[KTLS_SOFT_PLAIN_MAX + KTLS_SOFT_OVERHEAD])
{
    int n = ktls_soft_seal(&f->keys, type, data, len, pad, out);
    assert_true(n > 0);
    return (size_t)n;
}

void forge_send(struct forge *f, uint8_t type, const void *data, size_t len, size_t pad)
{
    uint8_t record[KTLS_SOFT_PLAIN_MAX + KTLS_SOFT_OVERHEAD];
    forge_send_raw(f, record, seal(f, type, data, len, pad, record));
}

void forge_send_damaged(struct forge *f, size_t len, uint8_t flip, size_t cut)
{
    uint8_t data[KTLS_SOFT_PLAIN_MAX], record[KTLS_SOFT_PLAIN_MAX + KTLS_SOFT_OVERHEAD];
    assert_true(len <= sizeof(data));
    pattern_fill(data, len, f->client.work.up_seed, f->client.sent);
    f->client.sent += len;
    size_t size = seal(f, SSL3_RT_APPLICATION_DATA, data, len, 0, record);
    record[size / 2] ^= flip;
    forge_send_raw(f, record, cut ? cut : size);
}

void forge_send_data(struct forge *f, size_t len)
{
    forge_send_damaged(f, len, 0, 0);
}
