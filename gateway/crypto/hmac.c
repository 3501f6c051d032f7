/* SPDX-License-Identifier: Apache-2.0 */
/* These functions are deprecated in favour of EVP, whose cost is the reason for this file. Every
 * libcrypto 3 has them. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "gateway/crypto/hmac.h"

#include "gateway/base/wipe.h"

#include <string.h>

enum {
    BLOCK_MAX = SHA512_CBLOCK,
    INNER = 0x36,
    OUTER = 0x5c,
};

static void begin(enum gw_hash hash, union gw_hash_state *s)
{
    if (hash == GW_SHA384)
        (void)SHA384_Init(&s->sha384);
    else
        (void)SHA256_Init(&s->sha256);
}

static void add(enum gw_hash hash, union gw_hash_state *s, const uint8_t *data, size_t len)
{
    if (hash == GW_SHA384)
        (void)SHA384_Update(&s->sha384, data, len);
    else
        (void)SHA256_Update(&s->sha256, data, len);
}

static void end(enum gw_hash hash, union gw_hash_state *s, uint8_t out[GW_HASH_MAX])
{
    if (hash == GW_SHA384)
        (void)SHA384_Final(out, &s->sha384);
    else
        (void)SHA256_Final(out, &s->sha256);
}

void gw_hash(enum gw_hash hash, const uint8_t *data, size_t len, uint8_t out[GW_HASH_MAX])
{
    union gw_hash_state s;
    begin(hash, &s);
    add(hash, &s, data, len);
    end(hash, &s, out);
    gw_wipe(&s, sizeof(s));
}

/* Starts a hash with the key's block, xor'ed with `pad`. */
static void begin_padded(enum gw_hash hash, union gw_hash_state *s, const uint8_t *block,
                         size_t block_len, uint8_t pad)
{
    uint8_t padded[BLOCK_MAX];
    for (size_t i = 0; i < block_len; i++)
        padded[i] = block[i] ^ pad;
    begin(hash, s);
    add(hash, s, padded, block_len);
    gw_wipe(padded, sizeof(padded));
}

void gw_hmac_begin(struct gw_hmac_run *run, enum gw_hash hash, const uint8_t *key, size_t key_len)
{
    size_t block_len = hash == GW_SHA384 ? SHA512_CBLOCK : SHA256_CBLOCK;
    uint8_t block[BLOCK_MAX] = {0};
    if (key_len > block_len)
        gw_hash(hash, key, key_len, block);
    else if (key_len > 0)
        memcpy(block, key, key_len);
    run->hash = hash;
    begin_padded(hash, &run->inner, block, block_len, INNER);
    begin_padded(hash, &run->outer, block, block_len, OUTER);
    gw_wipe(block, sizeof(block));
}

void gw_hmac_add(struct gw_hmac_run *run, const uint8_t *data, size_t len)
{
    add(run->hash, &run->inner, data, len);
}

void gw_hmac_end(struct gw_hmac_run *run, uint8_t out[GW_HASH_MAX])
{
    uint8_t inner[GW_HASH_MAX];
    end(run->hash, &run->inner, inner);
    add(run->hash, &run->outer, inner, gw_hash_len(run->hash));
    end(run->hash, &run->outer, out);
    gw_wipe(inner, sizeof(inner));
    gw_wipe(run, sizeof(*run));
}

void gw_hmac(enum gw_hash hash, const uint8_t *key, size_t key_len, const uint8_t *data, size_t len,
             uint8_t out[GW_HASH_MAX])
{
    struct gw_hmac_run run;
    gw_hmac_begin(&run, hash, key, key_len);
    gw_hmac_add(&run, data, len);
    gw_hmac_end(&run, out);
}
