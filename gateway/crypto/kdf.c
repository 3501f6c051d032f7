/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcrypto's TLS13-KDF and TLS1-PRF would work, but each use needs a fetch, a context and a
 * parameter list, and details differ between 3.0 and 3.5.
 */
#include "gateway/crypto/kdf.h"

#include "gateway/base/bytes.h"
#include "gateway/base/wipe.h"

#include <errno.h>

/* Moves as much of one hash block as fits to *out. */
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

int gw_kdf_expand(enum gw_hash hash, const uint8_t *key, size_t key_len, const uint8_t *info,
                  size_t info_len, uint8_t *out, size_t out_len)
{
    /* T(i-1) || info || i. Room for T(i-1) comes first, so that all is contiguous. */
    uint8_t input[GW_HASH_MAX + GW_KDF_INFO_MAX + 1], block[GW_HASH_MAX];
    size_t hash_len = gw_hash_len(hash), left = out_len;
    struct gw_writer w = gw_writer_of(input + hash_len, sizeof(input) - hash_len - 1);
    gw_write_bytes(&w, info, info_len);
    if (w.failed || info_len > GW_KDF_INFO_MAX || out_len > 255 * hash_len)
        return -EINVAL;
    for (uint8_t round = 1; left; round++) {
        const uint8_t *start = round == 1 ? input + hash_len : input;
        *w.at = round;
        gw_hmac(hash, key, key_len, start, (size_t)(w.at + 1 - start), block);
        memcpy(input, block, hash_len);
        give_block(block, hash_len, &out, &left);
    }
    gw_wipe(input, sizeof(input));
    gw_wipe(block, sizeof(block));
    return 0;
}

int gw_kdf_expand_label(enum gw_hash hash, const uint8_t *secret, size_t secret_len,
                        const char *label, const uint8_t *context, size_t context_len, uint8_t *out,
                        size_t out_len)
{
    uint8_t info[GW_KDF_INFO_MAX];
    struct gw_writer w = gw_writer_of(info, sizeof(info));
    write_label(&w, out_len, label, context, context_len);
    if (w.failed)
        return -EINVAL;
    return gw_kdf_expand(hash, secret, secret_len, info, gw_writer_len(&w), out, out_len);
}

/* The key's blocks are hashed once for all of them. */
static void hmac_with(const struct gw_hmac_run *begun, const uint8_t *data, size_t len,
                      uint8_t out[GW_HASH_MAX])
{
    struct gw_hmac_run run = *begun;
    gw_hmac_add(&run, data, len);
    gw_hmac_end(&run, out);
}

int gw_kdf_p_hash(enum gw_hash hash, const uint8_t *secret, size_t secret_len, const uint8_t *seed,
                  size_t seed_len, uint8_t *out, size_t out_len)
{
    uint8_t input[GW_HASH_MAX + GW_KDF_SEED_MAX]; /* A(i) || seed */
    uint8_t a[GW_HASH_MAX], block[GW_HASH_MAX];
    size_t hash_len = gw_hash_len(hash), left = out_len;
    struct gw_hmac_run begun;
    if (seed_len > GW_KDF_SEED_MAX)
        return -EINVAL;
    memcpy(input + hash_len, seed, seed_len);
    gw_hmac_begin(&begun, hash, secret, secret_len);
    hmac_with(&begun, input + hash_len, seed_len, a);
    while (left) {
        memcpy(input, a, hash_len);
        hmac_with(&begun, input, hash_len + seed_len, block);
        give_block(block, hash_len, &out, &left);
        if (left)
            hmac_with(&begun, input, hash_len, a);
    }
    gw_wipe(&begun, sizeof(begun));
    gw_wipe(input, sizeof(input));
    gw_wipe(a, sizeof(a));
    gw_wipe(block, sizeof(block));
    return 0;
}

int gw_kdf_prf(enum gw_hash hash, const uint8_t *secret, size_t secret_len, const char *label,
               const uint8_t *seed_a, size_t seed_a_len, const uint8_t *seed_b, size_t seed_b_len,
               uint8_t *out, size_t out_len)
{
    uint8_t seed[GW_KDF_SEED_MAX];
    struct gw_writer w = gw_writer_of(seed, sizeof(seed));
    gw_write_bytes(&w, label, strlen(label));
    gw_write_bytes(&w, seed_a, seed_a_len);
    gw_write_bytes(&w, seed_b, seed_b_len);
    if (w.failed)
        return -EINVAL;
    return gw_kdf_p_hash(hash, secret, secret_len, seed, gw_writer_len(&w), out, out_len);
}
