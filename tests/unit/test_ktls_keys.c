/* SPDX-License-Identifier: Apache-2.0 */
/* The key schedule against published vectors, the two of TLS 1.2 and 1.3 also against OpenSSL:
 * records of real in-memory connections are opened with the keys derived here. */
#include "gateway/crypto/kdf.h"
#include "gateway/crypto/kdf_library.h"
#include "gateway/ktls/softrecord.h"
#include "tests/unit/own_stack.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Bytes of a string of hex digits; blanks are skipped. Returns their number. */
static size_t unhex(const char *hex, uint8_t *out, size_t room)
{
    size_t digits = 0;
    for (; *hex; hex++) {
        if (isspace((unsigned char)*hex))
            continue;
        assert_true(isxdigit((unsigned char)*hex) && digits / 2 < room);
        int v = isdigit((unsigned char)*hex) ? *hex - '0' : tolower((unsigned char)*hex) - 'a' + 10;
        out[digits / 2] = (uint8_t)(digits % 2 ? out[digits / 2] << 4 | v : v);
        digits++;
    }
    assert_int_equal(digits % 2, 0);
    return digits / 2;
}

static void assert_hex(const uint8_t *got, const char *hex)
{
    uint8_t want[256];
    size_t len = unhex(hex, want, sizeof(want));
    assert_memory_equal(got, want, len);
}

static bool all_zero(const void *p, size_t len)
{
    const uint8_t *bytes = p;
    uint8_t sum = 0;
    for (size_t i = 0; i < len; i++)
        sum |= bytes[i];
    return sum == 0;
}

/* --- the suite table --- */

static void suites_are_consistent(void **state)
{
    (void)state;
    const struct ktls_suite *suite;
    size_t rows = 0;
    for (; (suite = ktls_suite_at(rows)); rows++) {
        assert_ptr_equal(ktls_suite_find(suite->id), suite);
        bool tls12_gcm = suite->version == KTLS_TLS_1_2 && suite->cipher != KTLS_CHACHA20_POLY1305;
        assert_int_equal(suite->explicit_nonce_len, tls12_gcm ? 8 : 0);
        assert_int_equal(suite->key_len, suite->cipher == KTLS_AES_128_GCM ? 16 : 32);
        assert_int_equal(ktls_hash_len(suite->hash), strstr(suite->name, "SHA384") ? 48 : 32);
    }
    assert_int_equal(rows, 12);
    assert_null(ktls_suite_at(rows));
    assert_null(ktls_suite_at(SIZE_MAX));
    assert_null(ktls_suite_find(0x1304)); /* AES-128-CCM */
    assert_null(ktls_suite_find(0xc013)); /* CBC */
    assert_null(ktls_suite_find(0x009c)); /* static RSA */
}

/* OpenSSL's own table must say the same of each row: name, AEAD and hash. */
static void suites_agree_with_openssl(void **state)
{
    (void)state;
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    SSL *ssl = SSL_new(ctx);
    const struct ktls_suite *suite;
    for (size_t i = 0; (suite = ktls_suite_at(i)); i++) {
        const uint8_t id[2] = {(uint8_t)(suite->id >> 8), (uint8_t)suite->id};
        const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, id);
        assert_non_null(cipher);
        assert_string_equal(SSL_CIPHER_standard_name(cipher), suite->name);
        assert_int_equal(EVP_MD_get_size(SSL_CIPHER_get_handshake_digest(cipher)),
                         ktls_hash_len(suite->hash));
        assert_int_equal(SSL_CIPHER_get_bits(cipher, NULL), suite->key_len * 8);
    }
    SSL_free(ssl);
    SSL_CTX_free(ctx);
}

/* --- RFC 8448, section 3 --- */

struct rfc8448_row {
    const char *secret, *key, *iv;
};

static const struct rfc8448_row rfc8448[] = {
    {"b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38", /* server handshake */
     "3fce516009c21727d0f2e4e86ee403bc", "5d313eb2671276ee13000b30"},
    {"b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21", /* client handshake */
     "dbfaa693d1762c5b666af5d950258d01", "5bd3c71b836e0b76bb73265f"},
    {"a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643", /* server application */
     "9f02283b6c9c07efc26bb9f2ac92e356", "cf782b88dd83549aadf1e984"},
    {"9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5", /* client application */
     "17422dda596ed5d9acd890e3c63f5051", "5b78923dee08579033e523d9"},
};

static void rfc8448_write_keys(void **state)
{
    (void)state;
    const struct ktls_suite *suite = ktls_suite_find(0x1301);
    for (size_t i = 0; i < sizeof(rfc8448) / sizeof(rfc8448[0]); i++) {
        uint8_t secret[32];
        struct ktls_keys keys;
        memset(&keys, 0xee, sizeof(keys));
        unhex(rfc8448[i].secret, secret, sizeof(secret));
        assert_int_equal(ktls_derive_tls13(suite, secret, sizeof(secret), &keys), 0);
        assert_hex(keys.key, rfc8448[i].key);
        assert_hex(keys.iv, rfc8448[i].iv);
        assert_memory_equal(keys.secret, secret, sizeof(secret));
        assert_true(all_zero(keys.key + 16, sizeof(keys.key) - 16));
        assert_ptr_equal(keys.suite, suite);
        assert_int_equal(keys.seq, 0);
        assert_int_equal(keys.explicit_nonce, 0);
    }
}

/* Derive-Secret is HKDF-Expand-Label with the transcript's hash as context. */
static void rfc8448_context(void **state)
{
    (void)state;
    uint8_t master[32], transcript[32], out[32];
    unhex("18df06843d13a08bf2a449844c5f8a478001bc4d4c627984d5a41da8d0402919", master, 32);
    unhex("9608102a0f1ccc6db6250b7b7e417b1a000eaada3daae4777a7686c9ff83df13", transcript, 32);
    assert_int_equal(
        ktls_hkdf_expand_label(KTLS_SHA256, master, 32, "s ap traffic", transcript, 32, out, 32),
        0);
    assert_hex(out, rfc8448[2].secret);
}

/* The client's application data record of the trace (RFC 8448 3): 50 bytes 00, 01, … 31. */
static void rfc8448_record(void **state)
{
    (void)state;
    static const char record_hex[] =
        "1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a20"
        "441e2b62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4";
    uint8_t record[128], secret[32], out[128], type = 0;
    struct ktls_keys keys;
    size_t len = unhex(record_hex, record, sizeof(record));
    unhex(rfc8448[3].secret, secret, sizeof(secret));
    assert_int_equal(ktls_derive_tls13(ktls_suite_find(0x1301), secret, 32, &keys), 0);
    assert_int_equal(ktls_soft_open(&keys, record, len, &type, out), 50);
    assert_int_equal(type, 23);
    for (uint8_t i = 0; i < 50; i++)
        assert_int_equal(out[i], i);

    struct ktls_keys again = keys;
    again.seq = 0;
    uint8_t sealed[128];
    assert_int_equal(ktls_soft_seal(&again, 23, out, 50, 0, sealed), len);
    assert_memory_equal(sealed, record, len);
}

/* Many rounds of HKDF-Expand, both hashes, against libcrypto's own derivation. */
static void expand_against_openssl(void **state)
{
    (void)state;
    static char digests[2][8] = {"SHA256", "SHA384"};
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS13-KDF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    uint8_t secret[48] = "a secret", context[40] = "a context", ours[1000], theirs[1000];
    for (int hash = KTLS_SHA256; hash <= KTLS_SHA384; hash++) {
        size_t secret_len = ktls_hash_len((enum ktls_hash)hash);
        OSSL_PARAM params[] = {
            OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
            OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digests[hash], 0),
            OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret, secret_len),
            OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX, (char[]){"tls13 "}, 6),
            OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL, (char[]){"long"}, 4),
            OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_DATA, context, sizeof(context)),
            OSSL_PARAM_construct_end(),
        };
        assert_int_equal(EVP_KDF_derive(ctx, theirs, sizeof(theirs), params), 1);
        assert_int_equal(ktls_hkdf_expand_label((enum ktls_hash)hash, secret, secret_len, "long",
                                                context, sizeof(context), ours, sizeof(ours)),
                         0);
        assert_memory_equal(ours, theirs, sizeof(ours));
    }
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
}

/* --- the TLS 1.2 PRF: vectors of the IETF TLS list, msg03416 --- */

struct prf_row {
    enum ktls_hash hash;
    const char *secret, *seed, *out;
};

static const struct prf_row prf_rows[] = {
    {KTLS_SHA256, "9bbe436ba940f017b17652849a71db35", "a0ba9f936cda311827a6f796ffd5198c",
     "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14ba"
     "f9af0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a51"
     "10fff70187347b66"},
    {KTLS_SHA384, "b80b733d6ceefcdc71566ea48e5567df", "cd665cf6a8447dd6ff8b27555edb7465",
     "7b0c18e9ced410ed1804f2cfa34a336a1c14dffb4900bb5fd7942107e81c83cde9ca0faa60be9fe34f82b1233c91"
     "46a0e534cb400fed2700884f9dc236f80edd8bfa961144c9e8d792eca722a7b32fc3d416d473ebc2c5fd4abfdad0"
     "5d9184259b5bf8cd4d90fa0d31e2dec479e4f1a26066f2eea9a69236a3e52655c9e9aee691c8f3a26854308d5eaa"
     "3be85e0990703d73e56f"},
};

static void prf_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(prf_rows) / sizeof(prf_rows[0]); i++) {
        const struct prf_row *row = &prf_rows[i];
        uint8_t secret[16], seed[16], out[256];
        unhex(row->secret, secret, sizeof(secret));
        unhex(row->seed, seed, sizeof(seed));
        /* Whole, and cut in two, as the two randoms are. */
        for (size_t cut = 0; cut <= sizeof(seed); cut += 8) {
            assert_int_equal(gw_kdf_prf((enum gw_hash)row->hash, secret, sizeof(secret),
                                        "test label", seed, cut, seed + cut, sizeof(seed) - cut,
                                        out, strlen(row->out) / 2),
                             0);
            assert_hex(out, row->out);
        }
    }
}

/* --- wrong arguments --- */

static void wrong_arguments(void **state)
{
    (void)state;
    static uint8_t bytes[300], out[255 * 32 + 1];
    static char label[300];
    memset(label, 'x', sizeof(label) - 1);
    struct ktls_keys keys = {0}, before = {0};
    const struct ktls_suite *tls12 = ktls_suite_find(0xc02f), *tls13 = ktls_suite_find(0x1302);

    assert_int_equal(ktls_derive_tls13(tls12, bytes, 32, &keys), -EINVAL);
    assert_int_equal(ktls_derive_tls13(NULL, bytes, 32, &keys), -EINVAL);
    assert_int_equal(ktls_derive_tls13(tls13, bytes, 32, &keys), -EINVAL);
    assert_int_equal(ktls_derive_tls12(tls13, bytes, bytes, bytes, &keys, &keys), -EINVAL);
    assert_int_equal(ktls_derive_tls12(NULL, bytes, bytes, bytes, &keys, &keys), -EINVAL);
    assert_int_equal(ktls_update(&keys), -EINVAL);
    assert_memory_equal(&keys, &before, sizeof(keys));
    keys.suite = tls12;
    assert_int_equal(ktls_update(&keys), -EINVAL);

    assert_int_equal(
        ktls_hkdf_expand_label(KTLS_SHA256, bytes, 32, label, NULL, 0, out, sizeof(bytes)),
        -EINVAL);
    assert_int_equal(ktls_hkdf_expand_label(KTLS_SHA256, bytes, 32, "x", bytes, 256, out, 32),
                     -EINVAL);
    assert_int_equal(
        ktls_hkdf_expand_label(KTLS_SHA256, bytes, 32, "x", NULL, 0, out, 255 * 32 + 1), -EINVAL);
    assert_int_equal(ktls_hkdf_expand_label(KTLS_SHA256, bytes, 32, "x", NULL, 0, out, 255 * 32),
                     0);
    assert_int_equal(gw_kdf_prf(GW_SHA256, bytes, 32, "x", bytes, 48, bytes, 48, out, 32), -EINVAL);
}

/* --- against OpenSSL --- */

struct side {
    SSL *ssl;
    BIO *in, *out; /* owned by ssl */
};

struct connection {
    SSL_CTX *client_ctx, *server_ctx;
    struct side client, server;
    uint8_t client_secret[KTLS_HASH_MAX], server_secret[KTLS_HASH_MAX];
    size_t secret_len;
};

static struct connection *keylog_connection;

static void take_secret(const char *line, const char *label, uint8_t *out)
{
    if (strncmp(line, label, strlen(label)))
        return;
    line = strrchr(line, ' ');
    assert_non_null(line);
    keylog_connection->secret_len = unhex(line, out, KTLS_HASH_MAX);
}

static void keylog(const SSL *ssl, const char *line)
{
    (void)ssl;
    take_secret(line, "CLIENT_TRAFFIC_SECRET_0 ", keylog_connection->client_secret);
    take_secret(line, "SERVER_TRAFFIC_SECRET_0 ", keylog_connection->server_secret);
}

static void use_new_certificate(SSL_CTX *ctx)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    assert_non_null(key);
    assert_true(X509_set_version(cert, 2));
    assert_true(ASN1_INTEGER_set(X509_get_serialNumber(cert), 1));
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), -60));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), 3600));
    assert_true(X509_set_pubkey(cert, key));
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    assert_int_equal(SSL_CTX_use_certificate(ctx, cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void side_init(struct side *side, SSL_CTX *ctx)
{
    side->ssl = SSL_new(ctx);
    side->in = BIO_new(BIO_s_mem());
    side->out = BIO_new(BIO_s_mem());
    SSL_set_bio(side->ssl, side->in, side->out);
}

static void pass_bytes(struct side *from, struct side *to)
{
    char buf[4096];
    int n;
    while ((n = BIO_read(from->out, buf, sizeof(buf))) > 0)
        assert_int_equal(BIO_write(to->in, buf, n), n);
}

static SSL_CTX *context_new(const struct ktls_suite *suite, const SSL_METHOD *method)
{
    SSL_CTX *ctx = SSL_CTX_new(method);
    SSL_CTX_set_min_proto_version(ctx, (int)suite->version);
    SSL_CTX_set_max_proto_version(ctx, (int)suite->version);
    SSL_CTX_set_num_tickets(ctx, 0);
    SSL_CTX_set_keylog_callback(ctx, keylog);
    return ctx;
}

/* A finished handshake in memory with exactly this suite; every handshake byte is delivered. */
static void connect_with(struct connection *c, const struct ktls_suite *suite)
{
    memset(c, 0, sizeof(*c));
    keylog_connection = c;
    c->client_ctx = context_new(suite, TLS_client_method());
    c->server_ctx = context_new(suite, TLS_server_method());
    use_new_certificate(c->server_ctx);
    side_init(&c->client, c->client_ctx);
    side_init(&c->server, c->server_ctx);

    const uint8_t id[2] = {(uint8_t)(suite->id >> 8), (uint8_t)suite->id};
    const char *name = SSL_CIPHER_get_name(SSL_CIPHER_find(c->client.ssl, id));
    if (suite->version == KTLS_TLS_1_3)
        assert_true(SSL_set_ciphersuites(c->client.ssl, name));
    else
        assert_true(SSL_set_cipher_list(c->client.ssl, name));

    SSL_set_connect_state(c->client.ssl);
    SSL_set_accept_state(c->server.ssl);
    for (int i = 0; i < 8; i++) {
        (void)SSL_do_handshake(c->client.ssl);
        pass_bytes(&c->client, &c->server);
        (void)SSL_do_handshake(c->server.ssl);
        pass_bytes(&c->server, &c->client);
    }
    assert_true(SSL_is_init_finished(c->client.ssl) && SSL_is_init_finished(c->server.ssl));
    assert_int_equal(SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(c->client.ssl)), suite->id);
}

static void connection_done(struct connection *c)
{
    SSL_free(c->client.ssl);
    SSL_free(c->server.ssl);
    SSL_CTX_free(c->client_ctx);
    SSL_CTX_free(c->server_ctx);
}

static void derive(struct connection *c, const struct ktls_suite *suite, struct ktls_keys *client,
                   struct ktls_keys *server)
{
    if (suite->version == KTLS_TLS_1_3) {
        assert_int_equal(ktls_derive_tls13(suite, c->client_secret, c->secret_len, client), 0);
        assert_int_equal(ktls_derive_tls13(suite, c->server_secret, c->secret_len, server), 0);
        return;
    }
    uint8_t master[KTLS_MASTER_LEN], client_random[32], server_random[32];
    assert_int_equal(
        SSL_SESSION_get_master_key(SSL_get_session(c->server.ssl), master, sizeof(master)),
        sizeof(master));
    SSL_get_client_random(c->server.ssl, client_random, sizeof(client_random));
    SSL_get_server_random(c->server.ssl, server_random, sizeof(server_random));
    assert_int_equal(ktls_derive_tls12(suite, master, client_random, server_random, client, server),
                     0);
    assert_int_equal(client->seq, 1);
    assert_int_equal(server->seq, 1);
    assert_true(all_zero(client->secret, sizeof(client->secret)));
}

/* The single record that `from` has produced must open with `keys`. */
static int open_from(struct side *from, struct ktls_keys *keys, uint8_t *type, uint8_t *plain)
{
    uint8_t record[1024];
    int len = BIO_read(from->out, record, sizeof(record));
    assert_true(len > 5);
    assert_int_equal(record[3] << 8 | record[4], len - 5);
    return ktls_soft_open(keys, record, (size_t)len, type, plain);
}

static void assert_openssl_says(struct side *from, struct ktls_keys *keys, const char *text)
{
    uint8_t plain[1024], type = 0;
    assert_int_equal(SSL_write(from->ssl, text, (int)strlen(text)), strlen(text));
    assert_int_equal(open_from(from, keys, &type, plain), strlen(text));
    assert_int_equal(type, 23);
    assert_memory_equal(plain, text, strlen(text));
}

static void assert_openssl_hears(struct side *to, struct ktls_keys *keys, const char *text)
{
    uint8_t record[1024];
    char got[64];
    size_t pad = keys->suite->version == KTLS_TLS_1_3 ? 7 : 0;
    int len = ktls_soft_seal(keys, 23, text, strlen(text), pad, record);
    assert_true(len > 0);
    assert_int_equal(BIO_write(to->in, record, len), len);
    assert_int_equal(SSL_read(to->ssl, got, sizeof(got)), strlen(text));
    assert_memory_equal(got, text, strlen(text));
}

static void every_suite_against_openssl(void **state)
{
    (void)state;
    const struct ktls_suite *suite;
    for (size_t i = 0; (suite = ktls_suite_at(i)); i++) {
        if (suite->version == KTLS_TLS_1_2 && !strstr(suite->name, "_ECDSA_"))
            continue; /* the same records; only the certificate differs */
        struct connection c;
        struct ktls_keys client, server;
        connect_with(&c, suite);
        derive(&c, suite, &client, &server);
        struct ktls_keys client_copy = client;
        client_copy.explicit_nonce = 77;
        assert_openssl_says(&c.client, &client, "one");
        assert_openssl_says(&c.client, &client, "two");
        assert_openssl_says(&c.server, &server, "three");
        assert_openssl_hears(&c.server, &client_copy, "four");
        assert_openssl_hears(&c.server, &client_copy, "five");
        connection_done(&c);
    }
}

/* OpenSSL changes its keys; ours must follow, twice. */
static void update_against_openssl(void **state)
{
    (void)state;
    for (uint16_t id = 0x1301; id <= 0x1303; id++) {
        struct connection c;
        struct ktls_keys client, server;
        connect_with(&c, ktls_suite_find(id));
        derive(&c, ktls_suite_find(id), &client, &server);
        for (int round = 0; round < 2; round++) {
            uint8_t message[1024], type = 0;
            assert_int_equal(SSL_key_update(c.client.ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
            assert_int_equal(SSL_do_handshake(c.client.ssl), 1);
            assert_int_equal(open_from(&c.client, &client, &type, message), 5);
            assert_int_equal(type, 22);
            assert_memory_equal(message, "\x18\0\0\x01\0", 5);
            assert_int_equal(ktls_update(&client), 0);
            assert_int_equal(client.seq, 0);
            assert_openssl_says(&c.client, &client, "after the update");
        }
        connection_done(&c);
    }
}

/* The other order of the randoms, another sequence number, another direction must all fail. */
static void wrong_keys_do_not_open(void **state)
{
    (void)state;
    const struct ktls_suite *suite = ktls_suite_find(0x1302);
    uint8_t secret[KTLS_HASH_MAX] = {1}, record[128], out[128], type = 0;
    struct ktls_keys keys, reader;
    assert_int_equal(ktls_derive_tls13(suite, secret, 48, &keys), 0);
    reader = keys;
    int len = ktls_soft_seal(&keys, 21, "\1\0", 2, 0, record);
    assert_int_equal(len, 5 + 2 + 1 + 16);
    reader.seq = 1;
    assert_int_equal(ktls_soft_open(&reader, record, (size_t)len, &type, out), -EBADMSG);
    assert_int_equal(reader.seq, 1);
    reader.seq = 0;
    record[7] ^= 1;
    assert_int_equal(ktls_soft_open(&reader, record, (size_t)len, &type, out), -EBADMSG);
    record[7] ^= 1;
    for (size_t cut = 0; cut < (size_t)len; cut++)
        assert_int_equal(ktls_soft_open(&reader, record, cut, &type, out), -EBADMSG);
    assert_int_equal(ktls_soft_open(&reader, record, (size_t)len, &type, out), 2);
    assert_int_equal(type, 21);
}

struct keys_made {
    const struct ktls_suite *suite;
    struct ktls_keys keys, others;
    int error;
};

static void make_keys(void *arg)
{
    static const uint8_t secret[KTLS_MASTER_LEN] = "a secret", random[KTLS_RANDOM_LEN] = "random";
    struct keys_made *m = arg;
    if (m->suite->version == KTLS_TLS_1_2)
        m->error = ktls_derive_tls12(m->suite, secret, random, random, &m->keys, &m->others);
    else
        m->error = ktls_derive_tls13(m->suite, secret, ktls_hash_len(m->suite->hash), &m->keys);
    if (!m->error && m->suite->version == KTLS_TLS_1_3)
        m->error = ktls_update(&m->keys);
}

static void nothing_stays_on_the_stack(void **state)
{
    const struct ktls_suite *suite;
    struct own_stack stack;
    (void)state;
    own_stack_init(&stack);
    for (size_t i = 0; (suite = ktls_suite_at(i)); i++) {
        struct keys_made m = {.suite = suite};
        own_stack_run(&stack, make_keys, &m);
        assert_int_equal(m.error, 0);
        assert_false(own_stack_holds(&stack, m.keys.key, suite->key_len));
        if (suite->version == KTLS_TLS_1_3)
            assert_false(own_stack_holds(&stack, m.keys.secret, ktls_hash_len(suite->hash)));
        else
            assert_false(own_stack_holds(&stack, m.others.key, suite->key_len));
    }
    own_stack_done(&stack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(suites_are_consistent),
        cmocka_unit_test(suites_agree_with_openssl),
        cmocka_unit_test(rfc8448_write_keys),
        cmocka_unit_test(rfc8448_context),
        cmocka_unit_test(rfc8448_record),
        cmocka_unit_test(expand_against_openssl),
        cmocka_unit_test(prf_vectors),
        cmocka_unit_test(wrong_arguments),
        cmocka_unit_test(every_suite_against_openssl),
        cmocka_unit_test(update_against_openssl),
        cmocka_unit_test(wrong_keys_do_not_open),
        cmocka_unit_test(nothing_stays_on_the_stack),
    };
    int failed = cmocka_run_group_tests_name("ours", tests, NULL, NULL);
    if (!gw_kdf_library_begin(NULL))
        return 1;
    failed += cmocka_run_group_tests_name("libcrypto's", tests, NULL, NULL);
    gw_kdf_library_end();
    return failed;
}
