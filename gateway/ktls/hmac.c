/* SPDX-License-Identifier: Apache-2.0 */
/* The functions are deprecated for EVP, whose cost is the reason for this file; they stay in every
 * libcrypto 3. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "gateway/ktls/hmac.h"

#include <openssl/sha.h>
#include <string.h>

enum {
    BLOCK_MAX = SHA512_CBLOCK,
    INNER = 0x36,
    OUTER = 0x5c,
};

union hash_state {
    SHA256_CTX sha256;
    SHA512_CTX sha384;
};

static void begin(enum ktls_hash hash, union hash_state *s)
{
    if (hash == KTLS_SHA384)
        (void)SHA384_Init(&s->sha384);
    else
        (void)SHA256_Init(&s->sha256);
}

static void add(enum ktls_hash hash, union hash_state *s, const uint8_t *data, size_t len)
{
    if (hash == KTLS_SHA384)
        (void)SHA384_Update(&s->sha384, data, len);
    else
        (void)SHA256_Update(&s->sha256, data, len);
}

static void end(enum ktls_hash hash, union hash_state *s, uint8_t out[KTLS_HASH_MAX])
{
    if (hash == KTLS_SHA384)
        (void)SHA384_Final(out, &s->sha384);
    else
        (void)SHA256_Final(out, &s->sha256);
}

void ktls_hash(enum ktls_hash hash, const uint8_t *data, size_t len, uint8_t out[KTLS_HASH_MAX])
{
    union hash_state s;
    begin(hash, &s);
    add(hash, &s, data, len);
    end(hash, &s, out);
    ktls_wipe(&s, sizeof(s));
}

/* Starts a hash with the key's block, each byte of it changed by `pad`. */
static void begin_padded(enum ktls_hash hash, union hash_state *s, const uint8_t *block,
                         size_t block_len, uint8_t pad)
{
    uint8_t padded[BLOCK_MAX];
    for (size_t i = 0; i < block_len; i++)
        padded[i] = block[i] ^ pad;
    begin(hash, s);
    add(hash, s, padded, block_len);
    ktls_wipe(padded, sizeof(padded));
}

void ktls_hmac(enum ktls_hash hash, const uint8_t *key, size_t key_len, const uint8_t *data,
               size_t len, uint8_t out[KTLS_HASH_MAX])
{
    size_t block_len = hash == KTLS_SHA384 ? SHA512_CBLOCK : SHA256_CBLOCK;
    uint8_t block[BLOCK_MAX] = {0};
    uint8_t inner[KTLS_HASH_MAX];
    union hash_state s;
    if (key_len > block_len)
        ktls_hash(hash, key, key_len, block);
    else if (key_len > 0)
        memcpy(block, key, key_len);
    begin_padded(hash, &s, block, block_len, INNER);
    add(hash, &s, data, len);
    end(hash, &s, inner);
    begin_padded(hash, &s, block, block_len, OUTER);
    add(hash, &s, inner, ktls_hash_len(hash));
    end(hash, &s, out);
    ktls_wipe(&s, sizeof(s));
    ktls_wipe(block, sizeof(block));
    ktls_wipe(inner, sizeof(inner));
}
