/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both key schedules stand on HMAC alone (hmac.h): libcrypto's TLS13-KDF and TLS1-PRF would do, but
 * ask for a fetch, a context and a parameter list each, and differ in details between 3.0 and 3.5.
 */
#include "gateway/ktls/keys.h"

#include "gateway/base/bytes.h"
#include "gateway/ktls/hmac.h"

#include <errno.h>

enum {
    KEY_BLOCK_MAX = 2 * KTLS_KEY_MAX + 2 * KTLS_IV_LEN,
    /* T(i-1) || HkdfLabel || i: length, label and context with their own length bytes. */
    EXPAND_INPUT_MAX = KTLS_HASH_MAX + 2 + 1 + 255 + 1 + 255 + 1,
};

/* Takes what fits of one hash block off the front of *out. */
static void give_block(const uint8_t *block, size_t block_len, uint8_t **out, size_t *left)
{
    size_t n = *left < block_len ? *left : block_len;
    memcpy(*out, block, n);
    *out += n;
    *left -= n;
}

/* Writes HkdfLabel (RFC 8446 7.1). */
static void write_label(struct gw_writer *w, size_t out_len, const char *label,
                        const uint8_t *context, size_t context_len)
{
    static const char prefix[] = "tls13 ";
    gw_write_be(w, out_len, 2);
    gw_write_be(w, strlen(prefix) + strlen(label), 1);
    gw_write_bytes(w, prefix, strlen(prefix));
    gw_write_bytes(w, label, strlen(label));
    gw_write_be(w, context_len, 1);
    gw_write_bytes(w, context, context_len);
}

int ktls_hkdf_expand_label(enum ktls_hash hash, const uint8_t *secret, size_t secret_len,
                           const char *label, const uint8_t *context, size_t context_len,
                           uint8_t *out, size_t out_len)
{
    /* Room for T(i-1) lies in front, so that HKDF-Expand's input is one piece from round 2 on. */
    uint8_t input[EXPAND_INPUT_MAX];
    size_t hash_len = ktls_hash_len(hash);
    struct gw_writer w = gw_writer_of(input + hash_len, sizeof(input) - hash_len - 1);

    write_label(&w, out_len, label, context, context_len);
    if (w.failed || out_len > 255 * hash_len)
        return -EINVAL;

    uint8_t block[KTLS_HASH_MAX];
    uint8_t *at = out;
    size_t left = out_len;
    for (uint8_t round = 1; left; round++) {
        const uint8_t *start = round == 1 ? input + hash_len : input;
        *w.at = round;
        ktls_hmac(hash, secret, secret_len, start, (size_t)(w.at + 1 - start), block);
        memcpy(input, block, hash_len);
        give_block(block, hash_len, &at, &left);
    }
    ktls_wipe(input, sizeof(input));
    ktls_wipe(block, sizeof(block));
    return 0;
}

/* The key's blocks are hashed once for all of them. */
static void hmac_with(const struct ktls_hmac_run *begun, const uint8_t *data, size_t len,
                      uint8_t out[KTLS_HASH_MAX])
{
    struct ktls_hmac_run run = *begun;
    ktls_hmac_add(&run, data, len);
    ktls_hmac_end(&run, out);
}

int ktls_tls12_p_hash(enum ktls_hash hash, const uint8_t *secret, size_t secret_len,
                      const uint8_t *seed, size_t seed_len, uint8_t *out, size_t out_len)
{
    uint8_t input[KTLS_HASH_MAX + KTLS_SEED_MAX]; /* A(i) || seed */
    uint8_t a[KTLS_HASH_MAX], block[KTLS_HASH_MAX];
    size_t hash_len = ktls_hash_len(hash), left = out_len;
    struct ktls_hmac_run begun;
    if (seed_len > KTLS_SEED_MAX)
        return -EINVAL;
    memcpy(input + hash_len, seed, seed_len);
    ktls_hmac_begin(&begun, hash, secret, secret_len);
    hmac_with(&begun, input + hash_len, seed_len, a);
    while (left) {
        memcpy(input, a, hash_len);
        hmac_with(&begun, input, hash_len + seed_len, block);
        give_block(block, hash_len, &out, &left);
        if (left)
            hmac_with(&begun, input, hash_len, a);
    }
    ktls_wipe(&begun, sizeof(begun));
    ktls_wipe(input, sizeof(input));
    ktls_wipe(a, sizeof(a));
    ktls_wipe(block, sizeof(block));
    return 0;
}

int ktls_tls12_prf(enum ktls_hash hash, const uint8_t *secret, size_t secret_len, const char *label,
                   const uint8_t *seed_a, size_t seed_a_len, const uint8_t *seed_b,
                   size_t seed_b_len, uint8_t *out, size_t out_len)
{
    uint8_t seed[KTLS_SEED_MAX];
    struct gw_writer w = gw_writer_of(seed, sizeof(seed));
    gw_write_bytes(&w, label, strlen(label));
    gw_write_bytes(&w, seed_a, seed_a_len);
    gw_write_bytes(&w, seed_b, seed_b_len);
    if (w.failed)
        return -EINVAL;
    return ktls_tls12_p_hash(hash, secret, secret_len, seed, gw_writer_len(&w), out, out_len);
}

/* Fills *ret_keys from a traffic secret that may be ret_keys->secret itself. */
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
    int r = ktls_tls12_prf(suite->hash, master, KTLS_MASTER_LEN, "key expansion", server_random,
                           KTLS_RANDOM_LEN, client_random, KTLS_RANDOM_LEN, block,
                           2 * (key_len + iv_len));
    if (!r) {
        const uint8_t *ivs = block + 2 * key_len;
        fill_tls12(ret_client_write, suite, block, ivs, iv_len);
        fill_tls12(ret_server_write, suite, block + key_len, ivs + iv_len, iv_len);
    }
    ktls_wipe(block, sizeof(block));
    return r;
}
