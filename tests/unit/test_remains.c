/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What work with secrets leaves in memory. It runs on a stack that is searched afterwards, and what
 * malloc and libcrypto get back is searched before they do. Only blocks that our own code frees
 * count, and only those parts of a stack that nothing has written over: a secret that is found was
 * left there; one that is not found may have been left elsewhere.
 */
#include "gateway/base/attr.h"
#include "gateway/base/wipe.h"
#include "gateway/crypto/kdf.h"
#include "gateway/crypto/provider.h"
#include "gateway/pki/pass.h"
#include "gateway/tls/handshake_private.h"
#include "gateway/tls/library.h"
#include "gateway/tls/pemkey.h"
#include "ktlsinstall.h"
#include "tests/support/skip.h"
#include "tests/unit/own_stack.h"
#include "tests/unit/tlspair.h"

#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>

/* ---- what is searched for ---- */

enum {
    PART = 16, /* of a secret: whoever has one found enough */
    PARTS_MAX = 64,
};

static struct {
    uint8_t parts[PARTS_MAX][PART];
    size_t count;
    unsigned blocks; /* given back while somebody looked */
    unsigned found;  /* of these, with a part of a secret */
    bool looking;
} secrets;

static void forget(void)
{
    memset(&secrets, 0, sizeof(secrets));
}

/* A secret of whole parts; what is beyond them does not count. */
static void search_for(const void *secret, size_t len)
{
    for (size_t at = 0; at + PART <= len; at += PART) {
        assert_in_range(secrets.count, 0, PARTS_MAX - 1);
        memcpy(secrets.parts[secrets.count++], (const uint8_t *)secret + at, PART);
    }
}

static bool is_in(const void *memory, size_t len)
{
    for (size_t i = 0; i < secrets.count; i++)
        if (memmem(memory, len, secrets.parts[i], PART))
            return true;
    return false;
}

static void look_at(void *block)
{
    if (!block || !secrets.looking)
        return;
    secrets.blocks++;
    secrets.found += is_in(block, malloc_usable_size(block));
}

void __real_free(void *p);
void __wrap_free(void *p);

/* What others leave in a block must not be found in it when it is ours. */
static void give_back(void *p)
{
    if (p)
        gw_wipe(p, malloc_usable_size(p));
    __real_free(p);
}

void __wrap_free(void *p)
{
    look_at(p);
    give_back(p);
}

/* libcrypto's, for which it names who called. */
static void *crypto_malloc(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return malloc(size);
}

static void *crypto_realloc(void *p, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    void *moved = size ? malloc(size) : NULL;
    if (moved && p)
        memcpy(moved, p, GW_MIN(size, malloc_usable_size(p)));
    if (moved || !size)
        give_back(p);
    return moved;
}

static void crypto_free(void *p, const char *file, int line)
{
    (void)line;
    if (file && strstr(file, "gateway/"))
        look_at(p);
    give_back(p);
}

/* ---- where ---- */

static struct own_stack stack;

/* Works on the stack, and looks at what is given back. */
static void work(void (*run)(void *arg), void *arg)
{
    secrets.looking = true;
    own_stack_run(&stack, run, arg);
    secrets.looking = false;
}

static void expect_nothing_on_the_stack(void)
{
    assert_int_not_equal(secrets.count, 0);
    assert_false(is_in(stack.memory, OWN_STACK_SIZE));
}

/* Blocks were given back, and held nothing. */
static void expect_nothing_given_back(void)
{
    assert_int_not_equal(secrets.count, 0);
    assert_int_not_equal(secrets.blocks, 0);
    assert_int_equal(secrets.found, 0);
}

static void fresh(void *secret, size_t len)
{
    assert_int_equal(RAND_bytes(secret, (int)len), 1);
}

/* ---- hash, HMAC, key derivation ---- */

static const enum gw_hash hashes[] = {GW_SHA256, GW_SHA384};

static struct {
    enum gw_hash hash;
    uint8_t key[256], data[64], out[3 * GW_HASH_MAX];
    size_t key_len;
    struct gw_hmac_run run;
} h;

/* The words of a hash as they lie in its state. */
static void search_for_state(enum gw_hash hash, const uint8_t *digest)
{
    size_t word = hash == GW_SHA384 ? 8 : 4;
    uint8_t state[GW_HASH_MAX];
    for (size_t i = 0; i < gw_hash_len(hash); i++)
        state[i] =
            digest[__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? i
                                                          : i / word * word + word - 1 - i % word];
    search_for(state, gw_hash_len(hash));
}

static void search_for_run(const struct gw_hmac_run *run)
{
    const union gw_hash_state *states[] = {&run->inner, &run->outer};
    for (size_t i = 0; i < GW_ARRAY_SIZE(states); i++)
        if (run->hash == GW_SHA384)
            search_for(states[i]->sha384.h, sizeof(states[i]->sha384.h));
        else
            search_for(states[i]->sha256.h, sizeof(states[i]->sha256.h));
}

static void search_for_key(const uint8_t *key, size_t len)
{
    static const uint8_t pads[] = {0, 0x36, 0x5c};
    uint8_t padded[GW_HASH_MAX];
    for (size_t p = 0; p < sizeof(pads); p++) {
        for (size_t i = 0; i < len; i++)
            padded[i] = key[i] ^ pads[p];
        search_for(padded, len);
    }
}

/* The hash of the key's padded block and the data (RFC 2104 2). `key` has the length of a hash. */
static void inner_hash(enum gw_hash hash, const uint8_t *key, size_t key_len, uint8_t *ret)
{
    uint8_t input[SHA512_CBLOCK + sizeof(h.data)];
    size_t block = hash == GW_SHA384 ? SHA512_CBLOCK : SHA256_CBLOCK;
    memset(input, 0x36, block);
    for (size_t i = 0; i < key_len; i++)
        input[i] ^= key[i];
    memcpy(input + block, h.data, sizeof(h.data));
    gw_hash(hash, input, block + sizeof(h.data), ret);
}

static void run_hash(void *arg)
{
    (void)arg;
    gw_hash(h.hash, h.key, h.key_len, h.out);
}

static void a_hash_leaves_nothing(void **state)
{
    (void)state;
    h.key_len = 40;
    for (size_t i = 0; i < GW_ARRAY_SIZE(hashes); i++) {
        forget();
        h.hash = hashes[i];
        fresh(h.key, h.key_len);
        work(run_hash, NULL);
        search_for(h.key, h.key_len);
        search_for_state(h.hash, h.out);
        expect_nothing_on_the_stack();
    }
}

static void run_begin(void *arg)
{
    (void)arg;
    gw_hmac_begin(&h.run, h.hash, h.key, h.key_len);
}

static void run_end(void *arg)
{
    (void)arg;
    gw_hmac_end(&h.run, h.out);
}

static void an_hmac_leaves_nothing(void **state)
{
    static const struct gw_hmac_run wiped;
    static const size_t lens[] = {GW_HASH_MAX, sizeof(h.key)}; /* the longer is hashed first */
    uint8_t short_key[GW_HASH_MAX], inner[GW_HASH_MAX];
    (void)state;
    for (size_t i = 0; i < 2 * GW_ARRAY_SIZE(lens); i++) {
        forget();
        h.hash = hashes[i % 2];
        h.key_len = lens[i / 2];
        size_t short_len = i < 2 ? GW_HASH_MAX : gw_hash_len(h.hash);
        fresh(h.key, h.key_len);
        memcpy(short_key, h.key, sizeof(short_key));
        if (h.key_len > sizeof(short_key))
            gw_hash(h.hash, h.key, h.key_len, short_key);
        search_for_key(short_key, short_len);
        work(run_begin, NULL);
        expect_nothing_on_the_stack();

        forget();
        search_for_run(&h.run);
        gw_hmac_add(&h.run, h.data, sizeof(h.data));
        inner_hash(h.hash, short_key, short_len, inner);
        search_for(inner, gw_hash_len(h.hash));
        search_for_state(h.hash, inner);
        work(run_end, NULL);
        expect_nothing_on_the_stack();
        assert_memory_equal(&h.run, &wiped, sizeof(wiped));
    }
}

static void run_expand(void *arg)
{
    assert_int_equal(gw_kdf_expand(h.hash, h.key, gw_hash_len(h.hash), h.data, 10, h.out,
                                   3 * gw_hash_len(h.hash)),
                     0);
    (void)arg;
}

static void run_p_hash(void *arg)
{
    assert_int_equal(gw_kdf_p_hash(h.hash, h.key, gw_hash_len(h.hash), h.data, sizeof(h.data),
                                   h.out, 3 * gw_hash_len(h.hash)),
                     0);
    (void)arg;
}

static void a_derivation_leaves_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * GW_ARRAY_SIZE(hashes); i++) {
        uint8_t a[GW_HASH_MAX];
        struct gw_hmac_run begun;
        forget();
        h.hash = hashes[i % 2];
        size_t len = gw_hash_len(h.hash);
        fresh(h.key, len);
        fresh(h.data, sizeof(h.data));
        work(i < 2 ? run_expand : run_p_hash, NULL);
        search_for(h.key, len);
        search_for(h.out, 3 * len);
        gw_hmac_begin(&begun, h.hash, h.key, len);
        search_for_run(&begun);
        gw_hmac(h.hash, h.key, len, h.data, sizeof(h.data), a);
        for (int step = 0; step < 3; step++) {
            search_for(a, len);
            gw_hmac(h.hash, h.key, len, a, len, a);
        }
        expect_nothing_on_the_stack();
    }
}

/* ---- what libcrypto gets from us ---- */

static OSSL_LIB_CTX *ours;

static void begin_ours(void)
{
    ours = gw_tls_library_get();
    assert_non_null(ours);
    if (!gw_tls_library_is_ours()) {
        gw_tls_library_put();
        skip_with("handshakes are computed without algorithms of our own");
    }
    forget();
}

static void end_ours(void)
{
    gw_tls_library_put();
}

static void run_mac(void *arg)
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                 OSSL_PARAM_END};
    EVP_MAC *mac = EVP_MAC_fetch(ours, "HMAC", NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    assert_int_equal(EVP_MAC_init(ctx, h.key, 32, params), 1);
    EVP_MAC_CTX_free(ctx); /* it was abandoned */
    EVP_MAC_free(mac);
    (void)arg;
}

static void run_mac_key(void *arg)
{
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key_ex(ours, "HMAC", NULL, h.key, 32);
    assert_non_null(key);
    EVP_PKEY_free(key);
    (void)arg;
}

static void a_mac_leaves_nothing(void **state)
{
    struct gw_hmac_run begun;
    (void)state;
    begin_ours();
    fresh(h.key, 32);
    search_for(h.key, 32);
    gw_hmac_begin(&begun, GW_SHA256, h.key, 32);
    search_for_run(&begun);
    work(run_mac, NULL);
    expect_nothing_given_back();
    secrets.blocks = 0;
    work(run_mac_key, NULL);
    expect_nothing_given_back();
    end_ours();
}

/* RFC 8446 7.1: the salt of the next secret comes from the secret before. */
static void run_extract(void *arg)
{
    char digest[] = "SHA256", prefix[] = "tls13 ", label[] = "derived";
    int mode = EVP_KDF_HKDF_MODE_EXTRACT_ONLY;
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, h.key, 32),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, h.data, 32),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX, prefix, 6),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL, label, 7),
        OSSL_PARAM_END,
    };
    EVP_KDF *kdf = EVP_KDF_fetch(ours, "TLS13-KDF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    assert_int_equal(EVP_KDF_derive(ctx, h.out, 32, params), 1);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    (void)arg;
}

static void the_schedule_leaves_nothing(void **state)
{
    uint8_t empty[GW_HASH_MAX], salt[32];
    (void)state;
    begin_ours();
    fresh(h.key, 32);
    fresh(h.data, 32);
    gw_hash(GW_SHA256, NULL, 0, empty);
    assert_int_equal(
        gw_kdf_expand_label(GW_SHA256, h.key, 32, "derived", empty, 32, salt, sizeof(salt)), 0);
    search_for(salt, sizeof(salt));
    work(run_extract, NULL);
    expect_nothing_on_the_stack();
    end_ours();
}

/* ---- a connection ---- */

static void run_tickets(void *server)
{
    assert_int_equal(gw_handshake_tickets(server), 1);
}

static struct gw_handover_keys keys;

static void run_keys(void *server)
{
    assert_int_equal(gw_handshake_keys(server, &keys), 0);
}

static void search_for_keys(const struct ktls_keys *k)
{
    search_for(k->key, k->suite->key_len);
    if (k->suite->version == KTLS_TLS_1_3)
        search_for(k->secret, ktls_hash_len(k->suite->hash));
}

/* The key of the session that the ticket holds (RFC 8446 4.6.1), in TLS 1.2 the master secret. */
static void search_for_session(const struct gw_handshake *server)
{
    static const uint8_t nonce[8];
    const struct gw_traffic_secrets *s = &server->secrets;
    uint8_t key[GW_HASH_MAX];
    if (SSL_version(server->ssl) == TLS1_3_VERSION)
        assert_int_equal(ktls_hkdf_expand_label(gw_handshake_suite(server)->hash, s->resumption,
                                                s->resumption_len, "resumption", nonce,
                                                sizeof(nonce), key, s->resumption_len),
                         0);
    size_t len = s->resumption_len
                     ? s->resumption_len
                     : SSL_SESSION_get_master_key(SSL_get_session(server->ssl), key, sizeof(key));
    search_for(key, len);
    search_for(s->resumption, s->resumption_len);
}

static void a_connection_leaves_nothing(void **state)
{
    static const uint8_t wiped[GW_HASH_MAX];
    const struct tlsworld *w = *state;
    struct gw_tls_side side;
    struct gw_ticket_keys *ticket_keys = tlsworld_ticket_keys();
    tlsworld_side(w, &side);
    struct gw_tls_context *tls = tlsworld_context(&side, ticket_keys);
    begin_ours();
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        static struct tlspair p;
        SSL_CTX *ctx = tlspair_client_ctx(w, version);
        tlspair_init(&p, tls, ctx, NULL);
        assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_DONE);
        forget();
        search_for_session(p.server);
        if (version == TLS1_3_VERSION) {
            work(run_tickets, p.server);
            expect_nothing_on_the_stack();
            expect_nothing_given_back();
            assert_memory_equal(p.server->secrets.resumption, wiped, sizeof(wiped));
        }
        work(run_keys, p.server);
        search_for_keys(&keys.tx);
        search_for_keys(&keys.rx);
        expect_nothing_on_the_stack();
        tlspair_done(&p);
        SSL_CTX_free(ctx);
    }
    gw_tls_context_free(tls);
    gw_wipe_pages_free(ticket_keys, sizeof(*ticket_keys));
    end_ours();
}

static void run_rotation(void *ticket_keys)
{
    assert_int_equal(gw_tickets_rotate(ticket_keys), 0);
}

static void a_new_ticket_key_leaves_nothing(void **state)
{
    struct gw_ticket_keys *ticket_keys = tlsworld_ticket_keys();
    (void)state;
    forget();
    work(run_rotation, ticket_keys);
    search_for(&ticket_keys->keys[0], sizeof(ticket_keys->keys[0]));
    expect_nothing_on_the_stack();
    gw_wipe_pages_free(ticket_keys, sizeof(*ticket_keys));
}

/* The kernel says no, and may also say yes. */
static void run_install(void *arg)
{
    assert_int_equal(ktls_install(-1, KTLS_TX, arg), -EBADF);
}

static void an_installation_leaves_nothing(void **state)
{
    struct ktls_keys k = {.suite = ktls_suite_find(0x1302)};
    (void)state;
    forget();
    assert_non_null(k.suite);
    fresh(k.key, k.suite->key_len);
    search_for(k.key, k.suite->key_len);
    work(run_install, &k);
    expect_nothing_on_the_stack();
}

/* ---- files ---- */

static struct {
    const char *path;
    const char *phrase_path; /* NULL: the key is not encrypted */
    struct gw_files *files;
} on_disk;

static void run_read(void *arg)
{
    struct gw_file file;
    (void)arg;
    on_disk.files = gw_files_new();
    assert_int_equal(gw_files_read(on_disk.files, on_disk.path, 1 << 20, &file), 0);
}

static void run_free(void *arg)
{
    (void)arg;
    gw_files_free(on_disk.files);
}

static void a_file_leaves_nothing(void **state)
{
    static uint8_t data[40000]; /* more than it reads at once */
    const struct tlsworld *w = *state;
    forget();
    fresh(data, sizeof(data));
    search_for(data, 64);
    search_for(data + sizeof(data) - 64, 64);
    on_disk.path = test_dir_file(w->dir, "secret.bin", data, sizeof(data));
    work(run_read, NULL);
    expect_nothing_on_the_stack();
    work(run_free, NULL);
    expect_nothing_given_back();
}

static void run_read_key(void *arg)
{
    struct gw_pemkey_reader reader;
    struct gw_pemfile file;
    struct gw_error err;
    EVP_PKEY *key;
    int type;
    STACK_OF(X509) * certs;
    (void)arg;
    on_disk.files = gw_files_new();
    gw_pemkey_init(&reader, NULL);
    if (on_disk.phrase_path)
        assert_int_equal(gw_pemkey_read_phrase(&reader, on_disk.files, on_disk.phrase_path, &err),
                         0);
    assert_int_equal(gw_pemfile_read(&file, on_disk.files, "--key", on_disk.path, &err), 0);
    assert_int_equal(gw_pemkey_read(&reader, &file, &key, &type, &err), 0);
    if (!on_disk.phrase_path) {
        assert_int_equal(gw_pemfile_certs(&file, NULL, &certs, &err), 0);
        sk_X509_pop_free(certs, X509_free);
    }
    EVP_PKEY_free(key);
    gw_pemkey_done(&reader);
    gw_files_free(on_disk.files);
}

/* A key with its certificate, and encrypted in both ways, with a pass phrase. */
static void a_key_file_leaves_nothing(void **state)
{
    static const char phrase[] = "a phrase that nobody would use twice, with so many words";
    const struct tlsworld *w = *state;
    const struct test_cert *cert = w->server_ec;
    BIGNUM *number = NULL;
    uint8_t scalar[32];
    assert_int_equal(EVP_PKEY_get_bn_param(cert->key, OSSL_PKEY_PARAM_PRIV_KEY, &number), 1);
    assert_int_equal(BN_bn2binpad(number, scalar, sizeof(scalar)), sizeof(scalar));
    BN_clear_free(number);
    const char *const paths[] = {
        test_dir_bundle(w->dir, "key-and-cert.pem", cert, NULL),
        test_dir_key_encrypted(w->dir, "pkcs8.key", cert, phrase, EVP_aes_256_cbc()),
        test_dir_key_traditional(w->dir, "headed.key", cert, phrase, EVP_aes_256_cbc()),
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(paths); i++) {
        forget();
        on_disk.path = paths[i];
        on_disk.phrase_path =
            i ? test_dir_file(w->dir, "phrase", phrase, sizeof(phrase) - 1) : NULL;
        search_for(scalar, sizeof(scalar));
        search_for(phrase, sizeof(phrase) - 1);
        work(run_read_key, NULL);
        expect_nothing_on_the_stack();
        expect_nothing_given_back();
    }
}

static void run_phrase(void *arg)
{
    struct gw_pki_text text;
    struct gw_error err;
    (void)arg;
    assert_int_equal(gw_pki_pass_read(&text, "--pass-file", on_disk.path, &err), 0);
    assert_int_equal(gw_pki_text_add(&text, "more", 4), 0);
    gw_pki_text_done(&text);
}

static void a_pass_phrase_leaves_nothing(void **state)
{
    static const char phrase[] = "another phrase that nobody would use twice";
    const struct tlsworld *w = *state;
    forget();
    on_disk.path = test_dir_file(w->dir, "phrase", phrase, sizeof(phrase) - 1);
    search_for(phrase, sizeof(phrase) - 1);
    work(run_phrase, NULL);
    expect_nothing_on_the_stack();
    expect_nothing_given_back();
}

static int set_up(void **state)
{
    own_stack_init(&stack);
    return tlsworld_setup(state);
}

static int tear_down(void **state)
{
    own_stack_done(&stack);
    return tlsworld_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hash_leaves_nothing),
        cmocka_unit_test(an_hmac_leaves_nothing),
        cmocka_unit_test(a_derivation_leaves_nothing),
        cmocka_unit_test(a_mac_leaves_nothing),
        cmocka_unit_test(the_schedule_leaves_nothing),
        cmocka_unit_test(a_connection_leaves_nothing),
        cmocka_unit_test(a_new_ticket_key_leaves_nothing),
        cmocka_unit_test(an_installation_leaves_nothing),
        cmocka_unit_test(a_file_leaves_nothing),
        cmocka_unit_test(a_key_file_leaves_nothing),
        cmocka_unit_test(a_pass_phrase_leaves_nothing),
    };
    if (!CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free))
        return 1;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
