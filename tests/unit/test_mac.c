/* SPDX-License-Identifier: Apache-2.0 */
/* Our HMAC computes what libcrypto's does, in each way that libssl asks for it, and refuses what no
 * handshake asks for. */
#include "gateway/base/attr.h"
#include "gateway/tls/library.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/provider.h>
#include <openssl/rand.h>

enum {
    LEN_MAX = 300
};

static OSSL_LIB_CTX *library;
static uint8_t key[LEN_MAX], data[LEN_MAX];

static int set_up(void **state)
{
    (void)state;
    library = gw_tls_library_get();
    return library && RAND_bytes(key, sizeof(key)) == 1 && RAND_bytes(data, sizeof(data)) == 1 ? 0
                                                                                               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    gw_tls_library_put();
    return 0;
}

static const struct {
    const char *name;
    size_t len;
} digests[] = {{"SHA256", 32}, {"SHA2-256", 32}, {"SHA384", 48}, {"SHA2-384", 48}};

/* libcrypto's own, of the default library context. */
static void their_mac(const char *digest, size_t key_len, size_t len, uint8_t *out)
{
    EVP_MD *md = EVP_MD_fetch(NULL, digest, NULL);
    assert_non_null(HMAC(md, key, (int)key_len, data, len, out, NULL));
    EVP_MD_free(md);
}

static EVP_MAC_CTX *new_mac(void)
{
    EVP_MAC *mac = EVP_MAC_fetch(library, "HMAC", NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    assert_non_null(ctx);
    assert_string_equal(OSSL_PROVIDER_get0_name(EVP_MAC_get0_provider(mac)), "ktlsgate");
    EVP_MAC_free(mac);
    return ctx;
}

static int begin_mac(EVP_MAC_CTX *ctx, const char *digest, size_t key_len)
{
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t)digest, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_init(ctx, key, key_len, params);
}

/* As for tickets: in pieces, one context again and again. */
static void macs_are_the_same(void **state)
{
    uint8_t ours[EVP_MAX_MD_SIZE], theirs[EVP_MAX_MD_SIZE];
    EVP_MAC_CTX *ctx = new_mac();
    size_t out_len = 0;
    (void)state;
    for (size_t d = 0; d < GW_ARRAY_SIZE(digests); d++) {
        for (size_t len = 1; len < LEN_MAX; len += 13) {
            size_t data_len = LEN_MAX - len, part = data_len / 3;
            assert_int_equal(begin_mac(ctx, digests[d].name, len), 1);
            assert_int_equal(EVP_MAC_CTX_get_mac_size(ctx), digests[d].len);
            assert_int_equal(EVP_MAC_update(ctx, data, part), 1);
            assert_int_equal(EVP_MAC_update(ctx, data + part, data_len - part), 1);
            assert_int_equal(EVP_MAC_final(ctx, ours, &out_len, sizeof(ours)), 1);
            assert_int_equal(out_len, digests[d].len);
            their_mac(digests[d].name, len, data_len, theirs);
            assert_memory_equal(ours, theirs, out_len);
        }
    }
    EVP_MAC_CTX_free(ctx);
}

/* Begun again without naming it. */
static void the_hash_stays(void **state)
{
    uint8_t ours[EVP_MAX_MD_SIZE], theirs[EVP_MAX_MD_SIZE];
    EVP_MAC_CTX *ctx = new_mac();
    size_t len = 0;
    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(i ? EVP_MAC_init(ctx, key, 48, NULL) : begin_mac(ctx, "SHA384", 48), 1);
        assert_int_equal(EVP_MAC_update(ctx, data, 77), 1);
        assert_int_equal(EVP_MAC_final(ctx, ours, &len, sizeof(ours)), 1);
        assert_int_equal(len, 48);
        their_mac("SHA384", 48, 77, theirs);
        assert_memory_equal(ours, theirs, 48);
    }
    EVP_MAC_CTX_free(ctx);
}

/* As for the Finished messages. */
static void at_once_it_is_the_same(void **state)
{
    uint8_t ours[EVP_MAX_MD_SIZE], theirs[EVP_MAX_MD_SIZE];
    size_t out_len = 0;
    (void)state;
    for (size_t d = 0; d < GW_ARRAY_SIZE(digests); d++) {
        assert_non_null(EVP_Q_mac(library, "HMAC", NULL, digests[d].name, NULL, key, digests[d].len,
                                  data, LEN_MAX, ours, sizeof(ours), &out_len));
        assert_int_equal(out_len, digests[d].len);
        their_mac(digests[d].name, digests[d].len, LEN_MAX, theirs);
        assert_memory_equal(ours, theirs, out_len);
    }
}

/* A copy continues from where it was made, and neither disturbs the other. */
static void a_copy_goes_on(void **state)
{
    uint8_t one[EVP_MAX_MD_SIZE], two[EVP_MAX_MD_SIZE], theirs[EVP_MAX_MD_SIZE];
    size_t len = 0;
    EVP_MAC_CTX *ctx = new_mac();
    (void)state;
    assert_int_equal(begin_mac(ctx, "SHA256", 32), 1);
    assert_int_equal(EVP_MAC_update(ctx, data, 100), 1);
    EVP_MAC_CTX *copy = EVP_MAC_CTX_dup(ctx);
    assert_non_null(copy);
    assert_int_equal(EVP_MAC_update(copy, data + 100, 100), 1);
    assert_int_equal(EVP_MAC_final(ctx, one, &len, sizeof(one)), 1);
    EVP_MAC_CTX_free(ctx);
    assert_int_equal(EVP_MAC_final(copy, two, &len, sizeof(two)), 1);
    EVP_MAC_CTX_free(copy);
    their_mac("SHA256", 32, 100, theirs);
    assert_memory_equal(one, theirs, 32);
    their_mac("SHA256", 32, 200, theirs);
    assert_memory_equal(two, theirs, 32);
}

static EVP_PKEY *new_key(size_t len)
{
    EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key_ex(library, "HMAC", NULL, key, len);
    assert_non_null(pkey);
    return pkey;
}

static int begin_signature(EVP_MD_CTX *ctx, const char *digest, EVP_PKEY *pkey)
{
    return EVP_DigestSignInit_ex(ctx, NULL, digest, library, NULL, pkey, NULL);
}

/* As for binders. The key may be gone before the signature is made. */
static void signatures_are_the_same(void **state)
{
    uint8_t ours[EVP_MAX_MD_SIZE], theirs[EVP_MAX_MD_SIZE];
    (void)state;
    for (size_t d = 0; d < GW_ARRAY_SIZE(digests); d++) {
        for (size_t key_len = 0; key_len < LEN_MAX; key_len += 23) {
            EVP_MD_CTX *ctx = EVP_MD_CTX_new();
            EVP_PKEY *pkey = new_key(key_len);
            size_t len = 0;
            assert_int_equal(begin_signature(ctx, digests[d].name, pkey), 1);
            EVP_PKEY_free(pkey);
            assert_int_equal(EVP_DigestSignUpdate(ctx, data, 200), 1);
            assert_int_equal(EVP_DigestSignFinal(ctx, NULL, &len), 1);
            assert_int_equal(len, digests[d].len);
            len--; /* it is longer */
            assert_int_not_equal(EVP_DigestSignFinal(ctx, ours, &len), 1);
            len = sizeof(ours);
            assert_int_equal(EVP_DigestSignFinal(ctx, ours, &len), 1);
            assert_int_equal(len, digests[d].len);
            their_mac(digests[d].name, key_len, 200, theirs);
            assert_memory_equal(ours, theirs, len);
            EVP_MD_CTX_free(ctx);
        }
    }
}

static void what_no_handshake_asks_for_is_refused(void **state)
{
    static const char *const others[] = {"SHA1", "SHA512", "MD5", "SHA3-256", "nosuch"};
    uint8_t out[EVP_MAX_MD_SIZE];
    size_t len = sizeof(out);
    EVP_MAC_CTX *mac = new_mac();
    EVP_PKEY *pkey = new_key(32);
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(others); i++) {
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        assert_int_not_equal(begin_mac(mac, others[i], 32), 1);
        assert_int_not_equal(begin_signature(ctx, others[i], pkey), 1);
        EVP_MD_CTX_free(ctx);
    }
    assert_int_not_equal(EVP_MAC_update(mac, data, 1), 1); /* it never began */
    assert_int_not_equal(EVP_MAC_final(mac, out, &len, sizeof(out)), 1);
    assert_int_not_equal(EVP_MAC_init(mac, NULL, 0, NULL), 1);
    assert_int_equal(begin_mac(mac, "SHA256", 32), 1);
    assert_int_not_equal(EVP_MAC_final(mac, out, &len, 31), 1); /* it is longer */
    assert_int_equal(EVP_MAC_final(mac, out, &len, 32), 1);
    assert_int_not_equal(EVP_MAC_final(mac, out, &len, 32), 1); /* it is over */
    EVP_MAC_CTX_free(mac);
    EVP_PKEY_free(pkey);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(macs_are_the_same),
        cmocka_unit_test(the_hash_stays),
        cmocka_unit_test(at_once_it_is_the_same),
        cmocka_unit_test(a_copy_goes_on),
        cmocka_unit_test(signatures_are_the_same),
        cmocka_unit_test(what_no_handshake_asks_for_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
