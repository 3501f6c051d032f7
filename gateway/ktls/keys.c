/* SPDX-License-Identifier: Apache-2.0 */
#include "ktlsinstall.h"

#include "gateway/crypto/kdf.h"
#include "gateway/crypto/kdf_library.h"

#include <errno.h>
#include <string.h>

enum {
    KEY_BLOCK_MAX = 2 * KTLS_KEY_MAX + 2 * KTLS_IV_LEN,
};

_Static_assert((int)KTLS_SHA256 == (int)GW_SHA256 && (int)KTLS_SHA384 == (int)GW_SHA384,
               "a suite's hash is one of gateway/crypto");
_Static_assert((int)KTLS_HASH_MAX == (int)GW_HASH_MAX, "and as long");

int ktls_hkdf_expand_label(enum ktls_hash hash, const uint8_t *secret, size_t secret_len,
                           const char *label, const uint8_t *context, size_t context_len,
                           uint8_t *out, size_t out_len)
{
    return (gw_kdf_library_is_used() ? gw_kdf_library_expand_label : gw_kdf_expand_label)(
        (enum gw_hash)hash, secret, secret_len, label, context, context_len, out, out_len);
}

/* Fills *ret_keys from a traffic secret, which may be ret_keys->secret itself. */
static int keys_from_secret(const struct ktls_suite *suite, const uint8_t *secret,
                            struct ktls_keys *ret_keys)
{
    size_t hash_len = ktls_hash_len(suite->hash);
    struct ktls_keys keys = {.suite = suite};
    memcpy(keys.secret, secret, hash_len);
    int r = ktls_hkdf_expand_label(suite->hash, secret, hash_len, "key", NULL, 0, keys.key,
                                   suite->key_len);
    if (!r)
        r = ktls_hkdf_expand_label(suite->hash, secret, hash_len, "iv", NULL, 0, keys.iv,
                                   KTLS_IV_LEN);
    if (!r)
        *ret_keys = keys;
    ktls_wipe(&keys, sizeof(keys));
    return r;
}

int ktls_derive_tls13(const struct ktls_suite *suite, const uint8_t *secret, size_t secret_len,
                      struct ktls_keys *ret_keys)
{
    if (!suite || suite->version != KTLS_TLS_1_3 || secret_len != ktls_hash_len(suite->hash))
        return -EINVAL;
    return keys_from_secret(suite, secret, ret_keys);
}

int ktls_update(struct ktls_keys *keys)
{
    const struct ktls_suite *suite = keys->suite;
    if (!suite || suite->version != KTLS_TLS_1_3)
        return -EINVAL;

    uint8_t next_secret[KTLS_HASH_MAX];
    size_t hash_len = ktls_hash_len(suite->hash);
    int r = ktls_hkdf_expand_label(suite->hash, keys->secret, hash_len, "traffic upd", NULL, 0,
                                   next_secret, hash_len);
    if (!r)
        r = keys_from_secret(suite, next_secret, keys);
    ktls_wipe(next_secret, sizeof(next_secret));
    return r;
}

static void fill_tls12(struct ktls_keys *keys, const struct ktls_suite *suite, const uint8_t *key,
                       const uint8_t *iv, size_t iv_len)
{
    *keys = (struct ktls_keys){.suite = suite, .seq = 1};
    memcpy(keys->key, key, suite->key_len);
    memcpy(keys->iv, iv, iv_len);
}

int ktls_derive_tls12(const struct ktls_suite *suite, const uint8_t master[KTLS_MASTER_LEN],
                      const uint8_t client_random[KTLS_RANDOM_LEN],
                      const uint8_t server_random[KTLS_RANDOM_LEN],
                      struct ktls_keys *ret_client_write, struct ktls_keys *ret_server_write)
{
    if (!suite || suite->version != KTLS_TLS_1_2)
        return -EINVAL;

    uint8_t block[KEY_BLOCK_MAX];
    size_t key_len = suite->key_len;
    size_t iv_len = KTLS_IV_LEN - suite->explicit_nonce_len;
    /* The server's random comes first here, unlike in the master secret (RFC 5246 6.3). */
    int r = (gw_kdf_library_is_used() ? gw_kdf_library_prf : gw_kdf_prf)(
        (enum gw_hash)suite->hash, master, KTLS_MASTER_LEN, "key expansion", server_random,
        KTLS_RANDOM_LEN, client_random, KTLS_RANDOM_LEN, block, 2 * (key_len + iv_len));
    if (!r) {
        const uint8_t *ivs = block + 2 * key_len;
        fill_tls12(ret_client_write, suite, block, ivs, iv_len);
        fill_tls12(ret_server_write, suite, block + key_len, ivs + iv_len, iv_len);
    }
    ktls_wipe(block, sizeof(block));
    return r;
}
