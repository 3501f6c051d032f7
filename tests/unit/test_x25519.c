/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway/tls/x25519: what it encapsulates is what libcrypto's own X25519 derives, both ways; no
 * key is used twice; and no allocation that fails in it does more than make it fail.
 */
#include "gateway/base/attr.h"
#include "gateway/tls/library.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/skip.h"

enum {
    KEY_LEN = 32,
    SOME = 20
};

/* ---- memory that runs out ---- */

static unsigned long left; /* allocations until one fails; 0: none does */

static bool fails(void)
{
    return left > 0 && --left == 0;
}

static void *failing_malloc(size_t len, const char *file gw_unused, int line gw_unused)
{
    return fails() ? NULL : malloc(len);
}

static void *failing_realloc(void *old, size_t len, const char *file gw_unused, int line gw_unused)
{
    if (len > 0)
        return fails() ? NULL : realloc(old, len);
    free(old);
    return NULL;
}

static void plain_free(void *p, const char *file gw_unused, int line gw_unused)
{
    free(p);
}

/* ---- keys ---- */

/* What a peer with another TLS library has: a key of libcrypto's default context. */
static EVP_PKEY *foreign_key(uint8_t ret_public[KEY_LEN])
{
    size_t len = KEY_LEN;
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    assert_non_null(key);
    assert_int_equal(EVP_PKEY_get_raw_public_key(key, ret_public, &len), 1);
    return key;
}

static void foreign_secret(EVP_PKEY *own, const uint8_t public[KEY_LEN], uint8_t ret[KEY_LEN])
{
    size_t len = KEY_LEN;
    EVP_PKEY *peer = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, public, KEY_LEN);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
    assert_int_equal(EVP_PKEY_derive_init(ctx), 1);
    assert_int_equal(EVP_PKEY_derive_set_peer(ctx, peer), 1);
    assert_int_equal(EVP_PKEY_derive(ctx, ret, &len), 1);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
}

/* As libssl: parameters first, into which the public key is put. */
static EVP_PKEY *public_key(OSSL_LIB_CTX *library, const uint8_t public[KEY_LEN])
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(library, "X25519", NULL);
    if (ctx && EVP_PKEY_paramgen_init(ctx) == 1 && EVP_PKEY_paramgen(ctx, &key) == 1 &&
        EVP_PKEY_set1_encoded_public_key(key, public, KEY_LEN) != 1) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static bool encapsulate(OSSL_LIB_CTX *library, EVP_PKEY *peer, uint8_t out[KEY_LEN],
                        uint8_t secret[KEY_LEN])
{
    size_t out_len = 0, secret_len = 0;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(library, peer, NULL);
    bool ok = ctx && EVP_PKEY_encapsulate_init(ctx, NULL) == 1 &&
              EVP_PKEY_encapsulate(ctx, NULL, &out_len, NULL, &secret_len) == 1 &&
              out_len == KEY_LEN && secret_len == KEY_LEN &&
              EVP_PKEY_encapsulate(ctx, out, &out_len, secret, &secret_len) == 1;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

static bool decapsulate(OSSL_LIB_CTX *library, EVP_PKEY *own, const uint8_t *in, size_t len,
                        uint8_t secret[KEY_LEN])
{
    size_t secret_len = 0;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(library, own, NULL);
    bool ok = ctx && EVP_PKEY_decapsulate_init(ctx, NULL) == 1 &&
              EVP_PKEY_decapsulate(ctx, NULL, &secret_len, in, len) == 1 && secret_len == KEY_LEN &&
              EVP_PKEY_decapsulate(ctx, secret, &secret_len, in, len) == 1;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

/* As libssl for TLS 1.2. */
static bool exchange(OSSL_LIB_CTX *library, EVP_PKEY *own, EVP_PKEY *peer, uint8_t secret[KEY_LEN])
{
    size_t len = 0;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(library, own, NULL);
    bool ok = ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
              EVP_PKEY_derive(ctx, NULL, &len) == 1 && len == KEY_LEN &&
              EVP_PKEY_derive(ctx, secret, &len) == 1 && len == KEY_LEN;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

/* ---- tests ---- */

static void server_and_foreign_client_agree(void **state)
{
    OSSL_LIB_CTX *library = *state;
    uint8_t public[KEY_LEN], out[2][KEY_LEN], secret[2][KEY_LEN], theirs[KEY_LEN];
    EVP_PKEY *client = foreign_key(public);
    EVP_PKEY *peer = public_key(library, public);
    for (int i = 0; i < 2; i++) {
        assert_true(encapsulate(library, peer, out[i], secret[i]));
        foreign_secret(client, out[i], theirs);
        assert_memory_equal(secret[i], theirs, KEY_LEN);
    }
    assert_memory_not_equal(out[0], out[1], KEY_LEN); /* ephemeral */
    EVP_PKEY_free(peer);
    EVP_PKEY_free(client);
}

static void client_and_foreign_server_agree(void **state)
{
    OSSL_LIB_CTX *library = *state;
    uint8_t public[KEY_LEN], secret[KEY_LEN], theirs[KEY_LEN];
    uint8_t *own_public = NULL;
    EVP_PKEY *server = foreign_key(public);
    EVP_PKEY *own = EVP_PKEY_Q_keygen(library, NULL, "X25519");
    assert_int_equal(EVP_PKEY_get1_encoded_public_key(own, &own_public), KEY_LEN);
    assert_true(decapsulate(library, own, public, KEY_LEN, secret));
    foreign_secret(server, own_public, theirs);
    assert_memory_equal(secret, theirs, KEY_LEN);
    OPENSSL_free(own_public);
    EVP_PKEY_free(own);
    EVP_PKEY_free(server);
}

static void both_sides_of_an_exchange_agree(void **state)
{
    OSSL_LIB_CTX *library = *state;
    uint8_t public[KEY_LEN], secret[KEY_LEN], theirs[KEY_LEN];
    uint8_t *own_public = NULL;
    EVP_PKEY *foreign = foreign_key(public);
    for (int i = 0; i < SOME; i++) {
        EVP_PKEY *peer = public_key(library, public);
        EVP_PKEY *own = EVP_PKEY_Q_keygen(library, NULL, "X25519");
        assert_int_equal(EVP_PKEY_get1_encoded_public_key(own, &own_public), KEY_LEN);
        assert_true(exchange(library, own, peer, secret));
        foreign_secret(foreign, own_public, theirs);
        assert_memory_equal(secret, theirs, KEY_LEN);
        OPENSSL_free(own_public);
        EVP_PKEY_free(own);
        EVP_PKEY_free(peer);
    }
    EVP_PKEY_free(foreign);
}

/* Nor without a private key, nor without a peer, nor with too little room, and then it sets
 * nothing; a copy continues from its origin's state. */
static void an_exchange_needs_all_its_parts(void **state)
{
    OSSL_LIB_CTX *library = *state;
    uint8_t public[KEY_LEN], zero[KEY_LEN] = {0}, secret[KEY_LEN], again[KEY_LEN];
    size_t len = KEY_LEN;
    EVP_PKEY *foreign = foreign_key(public);
    EVP_PKEY *peer = public_key(library, public);
    EVP_PKEY *nobody = public_key(library, zero);
    EVP_PKEY *own = EVP_PKEY_Q_keygen(library, NULL, "X25519");
    assert_false(exchange(library, peer, peer, secret));
    assert_false(exchange(library, own, nobody, secret));
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(library, own, NULL);
    assert_int_equal(EVP_PKEY_derive_init(ctx), 1);
    assert_int_not_equal(EVP_PKEY_derive(ctx, secret, &len), 1);
    assert_int_equal(EVP_PKEY_derive_set_peer(ctx, peer), 1);
    len = KEY_LEN - 1;
    assert_int_not_equal(EVP_PKEY_derive(ctx, secret, &len), 1);
    assert_int_equal(len, KEY_LEN - 1);
    len = KEY_LEN;
    assert_int_equal(EVP_PKEY_derive(ctx, secret, &len), 1);
    EVP_PKEY_CTX *copy = EVP_PKEY_CTX_dup(ctx);
    EVP_PKEY_CTX_free(ctx);
    assert_int_equal(EVP_PKEY_derive(copy, again, &len), 1);
    assert_memory_equal(again, secret, KEY_LEN);
    EVP_PKEY_CTX_free(copy);
    EVP_PKEY_free(own);
    EVP_PKEY_free(nobody);
    EVP_PKEY_free(peer);
    EVP_PKEY_free(foreign);
}

/* DHKEM (RFC 9180 4.1) derives further; were it silently left out, the secret would be wrong. */
static void another_encapsulation_is_refused(void **state)
{
    OSSL_LIB_CTX *library = *state;
    char operation[] = "DHKEM";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_utf8_string(OSSL_KEM_PARAM_OPERATION, operation, 0),
        OSSL_PARAM_END,
    };
    uint8_t public[KEY_LEN];
    EVP_PKEY *client = foreign_key(public);
    EVP_PKEY *peer = public_key(library, public);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(library, peer, NULL);
    assert_int_not_equal(EVP_PKEY_encapsulate_init(ctx, params), 1);
    assert_int_not_equal(EVP_PKEY_decapsulate_init(ctx, params), 1);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
    EVP_PKEY_free(client);
}

static void what_is_no_share_is_refused(void **state)
{
    OSSL_LIB_CTX *library = *state;
    uint8_t zero[KEY_LEN + 1] = {0}, out[KEY_LEN], secret[KEY_LEN];
    EVP_PKEY *peer = public_key(library, zero);
    EVP_PKEY *own = EVP_PKEY_Q_keygen(library, NULL, "X25519");
    assert_false(encapsulate(library, peer, out, secret));
    assert_false(decapsulate(library, own, zero, KEY_LEN, secret));
    zero[0] = 9; /* the base point, were it not for the length */
    assert_false(decapsulate(library, own, zero, KEY_LEN - 1, secret));
    assert_false(decapsulate(library, own, zero, KEY_LEN + 1, secret));
    assert_true(decapsulate(library, own, zero, KEY_LEN, secret));
    EVP_PKEY_free(own);
    EVP_PKEY_free(peer);
}

static void any_allocation_may_fail(void **state)
{
    OSSL_LIB_CTX *library = *state;
    uint8_t public[KEY_LEN], out[KEY_LEN], secret[KEY_LEN];
    EVP_PKEY *client = foreign_key(public);
    EVP_PKEY *peer = public_key(library, public);
    EVP_PKEY *own = EVP_PKEY_Q_keygen(library, NULL, "X25519");
    unsigned long failed = 0;
    bool encapsulated = false, decapsulated = false, exchanged = false, generated = false;
    for (unsigned long k = 1; !(encapsulated && decapsulated && exchanged && generated); k++) {
        left = k;
        encapsulated = encapsulate(library, peer, out, secret) && left > 0;
        left = k;
        decapsulated = decapsulate(library, own, public, KEY_LEN, secret) && left > 0;
        left = k;
        exchanged = exchange(library, own, peer, secret) && left > 0;
        left = k;
        EVP_PKEY *made = EVP_PKEY_Q_keygen(library, NULL, "X25519");
        generated = made && left > 0;
        left = 0;
        EVP_PKEY_free(made);
        failed += !encapsulated + !decapsulated + !exchanged + !generated;
        assert_true(k < 1000);
    }
    assert_true(failed > 10);
    EVP_PKEY_free(own);
    EVP_PKEY_free(peer);
    EVP_PKEY_free(client);
}

/* Key pairs are made several at once: no two of the encapsulations have the same. */
static void each_key_is_used_once(void **state)
{
    enum {
        COUNT = 40
    };
    OSSL_LIB_CTX *library = *state;
    uint8_t public[KEY_LEN], out[COUNT][KEY_LEN], secret[KEY_LEN], theirs[KEY_LEN];
    EVP_PKEY *client = foreign_key(public);
    EVP_PKEY *peer = public_key(library, public);
    for (int i = 0; i < COUNT; i++) {
        assert_true(encapsulate(library, peer, out[i], secret));
        foreign_secret(client, out[i], theirs);
        assert_memory_equal(secret, theirs, KEY_LEN);
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(out[i], out[j], KEY_LEN);
    }
    EVP_PKEY_free(peer);
    EVP_PKEY_free(client);
}

/* A generated key is whole, and none comes twice. */
static void generated_keys_are_whole(void **state)
{
    OSSL_LIB_CTX *library = *state;
    uint8_t public[SOME][KEY_LEN], private[KEY_LEN], theirs[KEY_LEN];
    for (int i = 0; i < SOME; i++) {
        size_t len = KEY_LEN;
        EVP_PKEY *key = EVP_PKEY_Q_keygen(library, NULL, "X25519");
        assert_non_null(key);
        assert_int_equal(EVP_PKEY_get_raw_public_key(key, public[i], &len), 1);
        assert_int_equal(EVP_PKEY_get_raw_private_key(key, private, &len), 1);
        EVP_PKEY *same = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, private, KEY_LEN);
        assert_int_equal(EVP_PKEY_get_raw_public_key(same, theirs, &len), 1);
        assert_memory_equal(public[i], theirs, KEY_LEN);
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(public[i], public[j], KEY_LEN);
        EVP_PKEY_free(same);
        EVP_PKEY_free(key);
    }
}

/* What libcrypto of that context makes of the seed (RFC 9180 7.1.3). */
static void derived_key(OSSL_LIB_CTX *library, uint8_t ret_public[KEY_LEN])
{
    uint8_t seed[KEY_LEN] = {1};
    OSSL_PARAM params[] = {OSSL_PARAM_octet_string("dhkem-ikm", seed, KEY_LEN), OSSL_PARAM_END};
    size_t len = KEY_LEN;
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(library, "X25519", NULL);
    assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_params(ctx, params), 1);
    assert_int_equal(EVP_PKEY_generate(ctx, &key), 1);
    assert_int_equal(EVP_PKEY_get_raw_public_key(key, ret_public, &len), 1);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
}

static void a_key_that_is_asked_for_is_no_other(void **state)
{
    uint8_t ours[KEY_LEN], theirs[KEY_LEN];
    if (OPENSSL_version_major() == 3 && OPENSSL_version_minor() < 2)
        skip_with("libcrypto before 3.2 derives no keys from a seed");
    derived_key(*state, ours);
    derived_key(NULL, theirs);
    assert_memory_equal(ours, theirs, KEY_LEN);
}

static void make_some(OSSL_LIB_CTX *library, EVP_PKEY *peer, uint8_t out[SOME][KEY_LEN])
{
    uint8_t secret[KEY_LEN];
    for (int i = 0; i < SOME; i++)
        assert_true(encapsulate(library, peer, out[i], secret));
}

static void a_child_has_keys_of_its_own(void **state)
{
    OSSL_LIB_CTX *library = *state;
    uint8_t public[KEY_LEN], out[SOME][KEY_LEN], childs[SOME][KEY_LEN], secret[KEY_LEN];
    int ends[2], status;
    EVP_PKEY *client = foreign_key(public);
    EVP_PKEY *peer = public_key(library, public);
    assert_true(encapsulate(library, peer, out[0], secret)); /* others are in stock now */
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        make_some(library, peer, childs);
        _exit(write(ends[1], childs, sizeof(childs)) != (ssize_t)sizeof(childs));
    }
    assert_true(pid > 0);
    assert_int_equal(read(ends[0], childs, sizeof(childs)), sizeof(childs));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    make_some(library, peer, out);
    for (int i = 0; i < SOME; i++)
        for (int j = 0; j < SOME; j++)
            assert_memory_not_equal(out[i], childs[j], KEY_LEN);
    (void)close(ends[0]);
    (void)close(ends[1]);
    EVP_PKEY_free(peer);
    EVP_PKEY_free(client);
}

/* In a child, which has no stock: fails one allocation of the first key, which is made with seven
 * others. What it did, as an exit status. */
enum {
    FAILED_CLEANLY,
    WENT_ON, /* without the memory */
    HAD_ALL, /* there are not so many allocations */
    WRONG
};

static int first_key_without(OSSL_LIB_CTX *library, EVP_PKEY *peer, unsigned long k)
{
    uint8_t out[KEY_LEN], secret[KEY_LEN];
    ERR_clear_error();
    left = k;
    bool ok = encapsulate(library, peer, out, secret);
    bool failed = left == 0;
    left = 0;
    if (ok && ERR_peek_error() != 0) /* libssl would take it for a failure */
        return WRONG;
    ERR_clear_error();
    if (!encapsulate(library, peer, out, secret))
        return WRONG;
    if (!failed)
        return ok ? HAD_ALL : WRONG;
    return ok ? WENT_ON : FAILED_CLEANLY;
}

static void any_allocation_of_the_first_may_fail(void **state)
{
    OSSL_LIB_CTX *library = *state;
    uint8_t public[KEY_LEN];
    EVP_PKEY *client = foreign_key(public);
    EVP_PKEY *peer = public_key(library, public);
    unsigned seen[WRONG + 1] = {0};
    for (unsigned long k = 1; seen[HAD_ALL] == 0; k++) {
        int status;
        pid_t pid = fork();
        if (pid == 0)
            _exit(first_key_without(library, peer, k));
        assert_true(pid > 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_in_range(WEXITSTATUS(status), FAILED_CLEANLY, HAD_ALL);
        seen[WEXITSTATUS(status)]++;
        assert_true(k < 1000);
    }
    assert_true(seen[FAILED_CLEANLY] > 0);
    EVP_PKEY_free(peer);
    EVP_PKEY_free(client);
}

static int set_up(void **state)
{
    *state = gw_tls_library_get();
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    gw_tls_library_put();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(server_and_foreign_client_agree),
        cmocka_unit_test(client_and_foreign_server_agree),
        cmocka_unit_test(both_sides_of_an_exchange_agree),
        cmocka_unit_test(an_exchange_needs_all_its_parts),
        cmocka_unit_test(each_key_is_used_once),
        cmocka_unit_test(generated_keys_are_whole),
        cmocka_unit_test(a_key_that_is_asked_for_is_no_other),
        cmocka_unit_test(a_child_has_keys_of_its_own),
        cmocka_unit_test(another_encapsulation_is_refused),
        cmocka_unit_test(what_is_no_share_is_refused),
        cmocka_unit_test(any_allocation_may_fail),
        cmocka_unit_test(any_allocation_of_the_first_may_fail),
    };
    if (!CRYPTO_set_mem_functions(failing_malloc, failing_realloc, plain_free))
        return 1;
    return cmocka_run_group_tests_name("x25519", tests, set_up, tear_down);
}
