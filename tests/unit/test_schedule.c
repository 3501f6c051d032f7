/* SPDX-License-Identifier: Apache-2.0 */
/* Our key schedules of TLS compute the same as libcrypto's, refuse requests that no handshake
 * makes, and keep the traffic secrets only for a watcher. */
#include "gateway/base/attr.h"
#include "gateway/crypto/hmac.h"
#include "gateway/crypto/provider.h"
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
#include <openssl/kdf.h>
#include <openssl/provider.h>
#include <openssl/rand.h>

/* One derivation, as libssl asks for it; absent parts are NULL. */
struct asked {
    int mode;
    const char *digest;
    uint8_t *key, *salt, *data;
    size_t key_len, salt_len, data_len;
    const char *label;
    size_t out_len;
    bool odd; /* with a parameter that no handshake has */
};

static size_t add(OSSL_PARAM *p, const char *name, const void *data, size_t len)
{
    if (!data)
        return 0;
    *p = OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)data, len);
    return 1;
}

static bool run(OSSL_LIB_CTX *from, const char *name, const OSSL_PARAM *params, uint8_t *out,
                size_t len)
{
    EVP_KDF *kdf = EVP_KDF_fetch(from, name, NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    assert_non_null(ctx);
    bool ok = EVP_KDF_derive(ctx, out, len, params) == 1;
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return ok;
}

static bool derive(OSSL_LIB_CTX *library, struct asked *a, uint8_t *out)
{
    OSSL_PARAM params[10];
    size_t n = 0;
    params[n++] = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &a->mode);
    params[n++] =
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)a->digest, 0);
    n += add(&params[n], OSSL_KDF_PARAM_KEY, a->key, a->key_len);
    n += add(&params[n], OSSL_KDF_PARAM_SALT, a->salt, a->salt_len);
    n += add(&params[n], OSSL_KDF_PARAM_PREFIX, "tls13 ", 6);
    n += add(&params[n], OSSL_KDF_PARAM_LABEL, a->label, a->label ? strlen(a->label) : 0);
    n += add(&params[n], OSSL_KDF_PARAM_DATA, a->data, a->data_len);
    if (a->odd)
        n += add(&params[n], OSSL_KDF_PARAM_INFO, "x", 1);
    params[n] = OSSL_PARAM_construct_end();
    return run(library, "TLS13-KDF", params, out, a->out_len);
}

static OSSL_LIB_CTX *library;

static int set_up(void **state)
{
    (void)state;
    library = gw_tls_library_get();
    return library ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    gw_tls_library_put();
    return 0;
}

static void expect_same(struct asked *a)
{
    uint8_t ours[255], theirs[255];
    bool here = derive(library, a, ours);
    assert_int_equal(here, derive(NULL, a, theirs));
    if (here)
        assert_memory_equal(ours, theirs, a->out_len);
}

static const struct {
    const char *name;
    size_t len;
} digests[] = {{"SHA256", 32}, {"SHA2-256", 32}, {"SHA384", 48}, {"SHA2-384", 48}};

static void it_is_in_use(void **state)
{
    (void)state;
    EVP_KDF *kdf = EVP_KDF_fetch(library, "TLS13-KDF", NULL);
    assert_string_equal(OSSL_PROVIDER_get0_name(EVP_KDF_get0_provider(kdf)), "ktlsgate");
    EVP_KDF_free(kdf);
}

static void expansions_are_the_same(void **state)
{
    static const char *const labels[] = {"derived",  "c hs traffic", "c ap traffic",
                                         "finished", "res master",   "resumption",
                                         "key",      "iv",           "traffic upd"};
    uint8_t key[48], data[48];
    (void)state;
    for (size_t d = 0; d < GW_ARRAY_SIZE(digests); d++) {
        for (size_t l = 0; l < GW_ARRAY_SIZE(labels); l++) {
            struct asked a = {.mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY,
                              .digest = digests[d].name,
                              .key = key,
                              .key_len = digests[d].len,
                              .data = l % 2 ? data : NULL,
                              .data_len = digests[d].len,
                              .label = labels[l]};
            (void)RAND_bytes(key, sizeof(key));
            (void)RAND_bytes(data, sizeof(data));
            for (a.out_len = 1; a.out_len <= 130; a.out_len += 43)
                expect_same(&a);
        }
    }
}

static void extractions_are_the_same(void **state)
{
    uint8_t key[66], salt[48];
    (void)state;
    for (size_t d = 0; d < GW_ARRAY_SIZE(digests); d++) {
        for (unsigned have = 0; have < 4; have++) {
            struct asked a = {.mode = EVP_KDF_HKDF_MODE_EXTRACT_ONLY,
                              .digest = digests[d].name,
                              .key = have & 1 ? key : NULL,
                              .key_len = 1 + 13 * d,
                              .salt = have & 2 ? salt : NULL,
                              .salt_len = digests[d].len,
                              .label = "derived",
                              .out_len = digests[d].len};
            (void)RAND_bytes(key, sizeof(key));
            (void)RAND_bytes(salt, sizeof(salt));
            expect_same(&a);
        }
    }
}

static void what_no_handshake_asks_for_is_refused(void **state)
{
    uint8_t key[48] = {1}, out[255];
    char label[300];
    (void)state;
    const struct asked good = {.mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY,
                               .digest = "SHA256",
                               .key = key,
                               .key_len = 32,
                               .label = "key",
                               .out_len = 16};
    struct asked a = good;
    assert_true(derive(library, &a, out));
    a.mode = EVP_KDF_HKDF_MODE_EXTRACT_AND_EXPAND;
    assert_false(derive(library, &a, out));
    a = good;
    a.digest = "SHA512";
    assert_false(derive(library, &a, out));
    a = good;
    a.odd = true;
    assert_false(derive(library, &a, out));
    a = good;
    memset(label, 'x', sizeof(label));
    label[sizeof(label) - 1] = '\0';
    a.label = label;
    assert_false(derive(library, &a, out));
    a = good;
    a.mode = EVP_KDF_HKDF_MODE_EXTRACT_ONLY; /* of another length than the hash's */
    assert_false(derive(library, &a, out));
}

static void only_traffic_secrets_are_kept(void **state)
{
    uint8_t key[48] = {7}, out[48];
    struct gw_traffic_secrets kept = {.client_len = 0};
    struct asked a = {.mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY,
                      .digest = "SHA384",
                      .key = key,
                      .key_len = 48,
                      .label = "c ap traffic",
                      .out_len = 48};
    (void)state;
    gw_provider_watch(&kept);
    assert_true(derive(library, &a, out));
    assert_int_equal(kept.client_len, 48);
    assert_int_equal(kept.server_len, 0);
    assert_memory_equal(kept.client, out, 48);
    a.label = "s hs traffic";
    assert_true(derive(library, &a, out));
    assert_int_equal(kept.server_len, 0);
    gw_provider_watch(NULL);
    a.label = "s ap traffic";
    assert_true(derive(library, &a, out));
    assert_int_equal(kept.server_len, 0);
}

/* The PRF of TLS 1.2 as libssl asks for it: the label and up to four more parts of the seed. */
struct prf_asked {
    const char *digest;
    uint8_t *secret;
    size_t secret_len;
    const char *label;
    uint8_t *parts;
    size_t part_len; /* of each */
    size_t out_len;
    bool odd;
};

static bool derive_by_prf(OSSL_LIB_CTX *from, const struct prf_asked *a, uint8_t *out)
{
    OSSL_PARAM params[10];
    size_t n = 0;
    if (a->digest)
        params[n++] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
                                                       (char *)(uintptr_t)a->digest, 0);
    n += add(&params[n], OSSL_KDF_PARAM_SECRET, a->secret, a->secret_len);
    n += add(&params[n], OSSL_KDF_PARAM_SEED, a->label, a->label ? strlen(a->label) : 0);
    for (int i = 0; i < 4; i++)
        n += add(&params[n], OSSL_KDF_PARAM_SEED, a->parts, a->part_len);
    if (a->odd)
        n += add(&params[n], OSSL_KDF_PARAM_INFO, "x", 1);
    params[n] = OSSL_PARAM_construct_end();
    return run(from, "TLS1-PRF", params, out, a->out_len);
}

static void the_prf_is_the_same(void **state)
{
    static const char *const labels[] = {"master secret", "extended master secret", "key expansion",
                                         "client finished"};
    static const size_t secret_lens[] = {1, 32, 48, 66, 256}, part_lens[] = {0, 1, 8, 18},
                        out_lens[] = {12, 32, 48, 104, 136};
    uint8_t secret[256], parts[32], ours[255], theirs[255];
    (void)state;
    (void)RAND_bytes(secret, sizeof(secret));
    (void)RAND_bytes(parts, sizeof(parts));
    for (size_t i = 0; i < 4 * 4 * 5 * 4 * 5; i++) {
        struct prf_asked a = {.digest = digests[i % 4].name,
                              .label = labels[i / 4 % 4],
                              .secret = secret,
                              .secret_len = secret_lens[i / 16 % 5],
                              .parts = parts,
                              .part_len = part_lens[i / 80 % 4],
                              .out_len = out_lens[i / 320]};
        assert_true(derive_by_prf(library, &a, ours));
        assert_true(derive_by_prf(NULL, &a, theirs));
        assert_memory_equal(ours, theirs, a.out_len);
    }
}

static void what_no_handshake_asks_of_the_prf_is_refused(void **state)
{
    uint8_t secret[48] = {1}, parts[32] = {2}, out[64];
    const struct prf_asked good = {.digest = "SHA256",
                                   .label = "key expansion",
                                   .secret = secret,
                                   .secret_len = sizeof(secret),
                                   .parts = parts,
                                   .part_len = 16,
                                   .out_len = sizeof(out)};
    struct prf_asked bad[] = {good, good, good, good, good, good};
    (void)state;
    assert_true(derive_by_prf(library, &good, out));
    bad[0].digest = "MD5-SHA1";
    bad[1].digest = NULL;
    bad[2].secret = NULL;
    bad[3].part_len = sizeof(parts); /* too long, with the label */
    bad[4].odd = true;
    bad[5].label = NULL;
    bad[5].parts = NULL;
    for (size_t i = 0; i < GW_ARRAY_SIZE(bad); i++)
        assert_false(derive_by_prf(library, &bad[i], out));
}

static void hmac_is_libcryptos(void **state)
{
    uint8_t key[300], data[300], ours[GW_HASH_MAX], theirs[EVP_MAX_MD_SIZE];
    (void)state;
    (void)RAND_bytes(key, sizeof(key));
    (void)RAND_bytes(data, sizeof(data));
    for (size_t len = 0; len < sizeof(key); len += 7) {
        for (int hash = GW_SHA256; hash <= GW_SHA384; hash++) {
            const EVP_MD *md = hash == GW_SHA384 ? EVP_sha384() : EVP_sha256();
            gw_hmac((enum gw_hash)hash, key, len, data, sizeof(data) - len, ours);
            assert_non_null(HMAC(md, key, (int)len, data, sizeof(data) - len, theirs, NULL));
            assert_memory_equal(ours, theirs, gw_hash_len((enum gw_hash)hash));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_in_use),
        cmocka_unit_test(expansions_are_the_same),
        cmocka_unit_test(extractions_are_the_same),
        cmocka_unit_test(what_no_handshake_asks_for_is_refused),
        cmocka_unit_test(only_traffic_secrets_are_kept),
        cmocka_unit_test(the_prf_is_the_same),
        cmocka_unit_test(what_no_handshake_asks_of_the_prf_is_refused),
        cmocka_unit_test(hmac_is_libcryptos),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
