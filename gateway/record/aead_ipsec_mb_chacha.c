/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/base/wipe.h"
#include "gateway/record/aead_ipsec_mb_private.h"

#include <intel-ipsec-mb.h>
#include <limits.h>
#include <string.h>

enum {
    KEY_LEN = 32,
    /* The AVX2 code of ipsec_mb 1.3 loads 32 bytes from the middle of the key, and drops the second
     * half. */
    READ_BEYOND_KEY = 16,
};

struct gw_aead {
    uint8_t key[KEY_LEN + READ_BEYOND_KEY]; /* ChaCha20 needs no other schedule */
};

static bool chacha_supports(enum ktls_cipher cipher)
{
    return gw_aead_ipsec_mb_manager() && cipher == KTLS_CHACHA20_POLY1305;
}

static int chacha_rekey(struct gw_aead *aead, const uint8_t *key)
{
    memcpy(aead->key, key, KEY_LEN);
    return 0;
}

static struct gw_aead *chacha_create(enum ktls_cipher cipher, const uint8_t *key, bool seal)
{
    (void)seal;
    gw_require(chacha_supports(cipher));
    struct gw_aead *aead = calloc(1, sizeof(*aead));
    if (aead)
        (void)chacha_rekey(aead, key);
    return aead;
}

static void chacha_destroy(struct gw_aead *aead)
{
    if (!aead)
        return;
    gw_wipe_object(aead);
    free(aead);
}

static void run(const struct gw_aead *aead, chacha_poly_enc_dec_update_t update,
                const uint8_t nonce[KTLS_IV_LEN], const uint8_t *aad, size_t aad_len, uint8_t *data,
                size_t len, uint8_t tag[KTLS_TAG_LEN])
{
    const IMB_MGR *m = gw_aead_ipsec_mb_manager();
    struct chacha20_poly1305_context_data context;
    gw_require(aad_len <= INT_MAX && len <= INT_MAX); /* far below the library's limit */
    m->chacha20_poly1305_init(aead->key, &context, nonce, aad, aad_len);
    update(aead->key, &context, data, data, len);
    m->chacha20_poly1305_finalize(&context, tag, KTLS_TAG_LEN);
    gw_wipe_object(&context);
}

static int chacha_seal(struct gw_aead *aead, const uint8_t nonce[KTLS_IV_LEN], const uint8_t *aad,
                       size_t aad_len, uint8_t *data, size_t len)
{
    run(aead, gw_aead_ipsec_mb_manager()->chacha20_poly1305_enc_update, nonce, aad, aad_len, data,
        len, data + len);
    return 0;
}

static int chacha_open(struct gw_aead *aead, const uint8_t nonce[KTLS_IV_LEN], const uint8_t *aad,
                       size_t aad_len, uint8_t *data, size_t len)
{
    uint8_t tag[KTLS_TAG_LEN];
    run(aead, gw_aead_ipsec_mb_manager()->chacha20_poly1305_dec_update, nonce, aad, aad_len, data,
        len, tag);
    return gw_aead_ipsec_mb_admit(tag, data, len);
}

const struct gw_aead_provider gw_aead_ipsec_mb_chacha = {
    .name = "ipsec_mb",
    .supports = chacha_supports,
    .create = chacha_create,
    .rekey = chacha_rekey,
    .destroy = chacha_destroy,
    .seal = chacha_seal,
    .open = chacha_open,
};
