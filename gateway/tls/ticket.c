/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/ticket.h"

#include "gateway/base/bytes.h"
#include "gateway/base/compat.h"
#include "gateway/base/wipe.h"
#include "gateway/crypto/hmac.h"
#include "gateway/ktls/softrecord.h"
#include "gateway/tls/handshake_private.h"
#include "gateway/tls/session.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <time.h>

enum {
    TYPE_HANDSHAKE = 22,
    TYPE_NEW_SESSION_TICKET = 4,
    NONCE_LEN = 8,
    IV_LEN = 16,
    BLOCK_LEN = 16,
    MAC_LEN = 32,
    LENGTH_LEN = 2,
    AHEAD_LEN = 4 + 4 + 4 + 1 + NONCE_LEN + LENGTH_LEN, /* bytes of the message before the ticket */
    SESSION_MAX = 0xff00,                               /* libssl's limit */
    PIECE_MAX = 4096
};

_Static_assert(GW_SESSION_LIFE <= 7 * 24 * 3600, "a ticket lives for a week at most (RFC 8446)");

/* The state of one ticket. */
struct draft {
    const struct gw_handshake *hs;
    struct gw_ticket_key key;
    uint8_t nonce[NONCE_LEN]; /* zeros: a connection gets one ticket */
    struct {
        uint8_t age_add[4];
        uint8_t iv[IV_LEN];
    } random;
    unsigned char *session; /* encoded */
    size_t session_len;
};

/* ---- the session ---- */

/* Derives the key for the next connection on both sides (RFC 8446 4.6.1). */
static bool set_key(const struct draft *d, SSL_SESSION *session)
{
    const struct gw_traffic_secrets *secrets = &d->hs->secrets;
    enum ktls_hash hash = gw_handshake_suite(d->hs)->hash;
    uint8_t key[KTLS_HASH_MAX];
    size_t len = ktls_hash_len(hash);
    bool ok = secrets->resumption_len == len &&
              ktls_hkdf_expand_label(hash, secrets->resumption, len, "resumption", d->nonce,
                                     sizeof(d->nonce), key, len) == 0 &&
              SSL_SESSION_set1_master_key(session, key, len);
    gw_wipe(key, sizeof(key));
    return ok;
}

static bool set_alpn(const struct draft *d, SSL_SESSION *session)
{
    const unsigned char *alpn = NULL;
    unsigned len = 0;
    SSL_get0_alpn_selected(d->hs->ssl, &alpn, &len);
    return !alpn || SSL_SESSION_set1_alpn_selected(session, alpn, len);
}

/* A session too long for a ticket leaves d->session NULL. */
static int encode(struct draft *d, SSL_SESSION *session)
{
    int len = i2d_SSL_SESSION(session, NULL);
    if (len > SESSION_MAX)
        return 0;
    if (len <= 0)
        return -EIO;
    unsigned char *at = d->session = malloc((size_t)len);
    if (!at)
        return -ENOMEM;
    d->session_len = (size_t)len;
    return i2d_SSL_SESSION(session, &at) == len ? 0 : -EIO;
}

/* Works on a copy: the session itself may be in use. */
static int make_session(struct draft *d)
{
    SSL_SESSION *session = SSL_SESSION_dup(SSL_get0_session(d->hs->ssl));
    int r = -EIO;
    if (session && GW_SSL_SESSION_SET_TIME(session, time(NULL)) && set_key(d, session) &&
        set_alpn(d, session) && gw_session_keep_chain(d->hs, session))
        r = encode(d, session);
    SSL_SESSION_free(session);
    return r;
}

/* ---- the message ---- */

static size_t ticket_len(const struct draft *d)
{
    size_t padded = d->session_len + BLOCK_LEN - d->session_len % BLOCK_LEN;
    return GW_TICKET_NAME_LEN + IV_LEN + padded + MAC_LEN;
}

static bool encrypt(const struct draft *d, struct gw_writer *w)
{
    int len = 0, last = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool ok =
        ctx &&
        EVP_EncryptInit_ex(ctx, d->hs->tls->ticket_cipher, NULL, d->key.aes_key, d->random.iv) &&
        EVP_EncryptUpdate(ctx, w->at, &len, d->session, (int)d->session_len) &&
        EVP_EncryptFinal_ex(ctx, w->at + len, &last);
    EVP_CIPHER_CTX_free(ctx);
    if (ok)
        w->at += len + last;
    return ok;
}

/* The key's name, the IV, the encrypted session, and a MAC over them (RFC 5077 4). */
static bool write_ticket(const struct draft *d, struct gw_writer *w)
{
    const uint8_t *start = w->at;
    uint8_t mac[GW_HASH_MAX];
    gw_write_bytes(w, d->key.name, sizeof(d->key.name));
    gw_write_bytes(w, d->random.iv, sizeof(d->random.iv));
    if (!encrypt(d, w))
        return false;
    gw_hmac(GW_SHA256, d->key.hmac_key, sizeof(d->key.hmac_key), start, (size_t)(w->at - start),
            mac);
    gw_write_bytes(w, mac, MAC_LEN);
    return true;
}

static bool write_message(const struct draft *d, struct gw_writer *w)
{
    size_t len = ticket_len(d);
    gw_write_be(w, TYPE_NEW_SESSION_TICKET, 1);
    gw_write_be(w, AHEAD_LEN - 4 + len + LENGTH_LEN, 3);
    gw_write_be(w, (uint64_t)gw_session_life(&d->hs->tls->trust), 4);
    gw_write_bytes(w, d->random.age_add, sizeof(d->random.age_add));
    gw_write_be(w, NONCE_LEN, 1);
    gw_write_bytes(w, d->nonce, sizeof(d->nonce));
    gw_write_be(w, len, LENGTH_LEN);
    if (!write_ticket(d, w))
        return false;
    gw_write_be(w, 0, LENGTH_LEN); /* no extensions */
    return !w->failed;
}

/* ---- the records ---- */

/* Uses no longer records than the client accepts. */
static int seal(struct gw_handshake *hs, const uint8_t *message, size_t len)
{
    uint8_t record[PIECE_MAX + KTLS_SOFT_OVERHEAD];
    size_t max = gw_handshake_payload_max(hs), piece;
    struct ktls_keys *keys = &hs->server_keys;
    int r =
        ktls_derive_tls13(gw_handshake_suite(hs), hs->secrets.server, hs->secrets.server_len, keys);
    keys->seq = hs->sent.protected - hs->sent_before;
    for (size_t at = 0; r == 0 && at < len; at += piece) {
        piece = GW_MIN(len - at, max ? GW_MIN(max, (size_t)PIECE_MAX) : PIECE_MAX);
        int sealed = ktls_soft_seal(keys, TYPE_HANDSHAKE, message + at, piece, 0, record);
        if (sealed < 0 || BIO_write(hs->out, record, sealed) != sealed)
            r = -EIO;
    }
    return r;
}

static int write_out(struct gw_handshake *hs, const struct draft *d)
{
    size_t size = AHEAD_LEN + ticket_len(d) + LENGTH_LEN;
    uint8_t *message = malloc(size);
    struct gw_writer w = gw_writer_of(message, message ? size : 0);
    int r = message ? -EIO : -ENOMEM;
    if (message && write_message(d, &w))
        r = seal(hs, message, gw_writer_len(&w));
    free(message);
    return r;
}

/* libssl calls back for the key and the chain (session.c), and treats a session that is too long as
 * an error. */
static int let_libssl_write(struct gw_handshake *hs)
{
    int len = i2d_SSL_SESSION(SSL_get0_session(hs->ssl), NULL);
    if (len <= 0)
        return -EIO;
    if (len > SESSION_MAX - GW_CHAIN_BYTES_MAX)
        return 0;
    return SSL_new_session_ticket(hs->ssl) == 1 && SSL_do_handshake(hs->ssl) == 1 ? 0 : -EIO;
}

static int write_ours(struct gw_handshake *hs, struct draft *d)
{
    int r = -EIO;
    if (RAND_bytes_ex(hs->tls->library, (unsigned char *)&d->random, sizeof(d->random), 0) == 1)
        r = make_session(d);
    if (r == 0 && d->session) {
        r = write_out(hs, d);
        hs->ticket_sent = r == 0;
    }
    gw_wipe(d->session, d->session_len);
    free(d->session);
    return r;
}

int gw_ticket_write(struct gw_handshake *hs)
{
    struct draft d = {.hs = hs};
    gw_require(!hs->server_keys.suite); /* a second one would need a nonce of its own */
    if (!gw_session_ticket_key(hs, &d.key))
        return 0;
    int r = hs->tls->ours ? write_ours(hs, &d) : let_libssl_write(hs);
    gw_wipe_object(&d);
    return r;
}
