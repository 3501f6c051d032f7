/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/base/wipe.h"
#include "gateway/record/aead_ipsec_mb_private.h"

#include <errno.h>
#include <intel-ipsec-mb.h>
#include <limits.h>
#include <openssl/crypto.h>

enum {
    KEY_ALIGNMENT = 64, /* the alignment in the library's own build, absent from its header */
};

struct gcm {
    aes_gcm_pre_t expand;
    aes_gcm_enc_dec_t encrypt;
    aes_gcm_enc_dec_t decrypt;
};

/* Each connection has two. The pointer is placed so that rounding up leaves room for the key. */
struct gw_aead {
    _Alignas(KEY_ALIGNMENT) struct gcm_key_data key;
    const struct gcm *gcm;
};

/* Written once before the workers are forked, never freed. */
static IMB_MGR *manager;
static struct gcm gcm_128, gcm_256;

/* ---- once per process ---- */

/* Evaluates what init_mb_mgr_auto() detected. Without AES instructions the library would emulate
 * them (1.x) or give up (2.x). */
static int judge(IMB_MGR *m)
{
    const uint64_t needed = IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ;
    bool tested = m->features & IMB_FEATURE_SELF_TEST;
    if ((m->features & needed) != needed)
        return -ENODEV;
    if (tested && !(m->features & IMB_FEATURE_SELF_TEST_PASS))
        return -EBADMSG;
    if (imb_get_errno(m) || !m->gcm128_enc || !m->gcm256_enc || !m->chacha20_poly1305_init)
        return -EIO;
    return 0;
}

int gw_aead_ipsec_mb_init(void)
{
    IMB_ARCH arch;
    if (manager)
        return 0;
    IMB_MGR *m = alloc_mb_mgr(0);
    if (!m)
        return -ENOMEM;
    init_mb_mgr_auto(m, &arch);
    int r = judge(m);
    if (r) {
        free_mb_mgr(m);
        return r;
    }
    gcm_128 = (struct gcm){m->gcm128_pre, m->gcm128_enc, m->gcm128_dec};
    gcm_256 = (struct gcm){m->gcm256_pre, m->gcm256_enc, m->gcm256_dec};
    manager = m;
    return 0;
}

const struct IMB_MGR *gw_aead_ipsec_mb_manager(void)
{
    return manager;
}

int gw_aead_ipsec_mb_admit(uint8_t tag[KTLS_TAG_LEN], uint8_t *data, size_t len)
{
    int differs = CRYPTO_memcmp(tag, data + len, KTLS_TAG_LEN);
    gw_wipe(tag, KTLS_TAG_LEN);
    if (!differs)
        return 0;
    gw_wipe(data, len); /* unauthenticated data must not be readable */
    return -EBADMSG;
}

/* ---- AES-GCM ---- */

static bool gcm_supports(enum ktls_cipher cipher)
{
    return manager && (cipher == KTLS_AES_128_GCM || cipher == KTLS_AES_256_GCM);
}

static struct gw_aead *gcm_create(enum ktls_cipher cipher, const uint8_t *key, bool seal)
{
    (void)seal; /* one key schedule serves both directions */
    gw_require(gcm_supports(cipher));
    struct gw_aead *aead = aligned_alloc(KEY_ALIGNMENT, sizeof(*aead));
    if (!aead)
        return NULL;
    aead->gcm = cipher == KTLS_AES_128_GCM ? &gcm_128 : &gcm_256;
    aead->gcm->expand(key, &aead->key);
    return aead;
}

static int gcm_rekey(struct gw_aead *aead, const uint8_t *key)
{
    gw_wipe_object(&aead->key);
    aead->gcm->expand(key, &aead->key);
    return 0;
}

static void gcm_destroy(struct gw_aead *aead)
{
    if (!aead)
        return;
    gw_wipe_object(aead);
    free(aead);
}

static int gcm_seal(struct gw_aead *aead, const uint8_t nonce[KTLS_IV_LEN], const uint8_t *aad,
                    size_t aad_len, uint8_t *data, size_t len)
{
    struct gcm_context_data context;
    gw_require(aad_len <= INT_MAX && len <= INT_MAX); /* far below the library's limit */
    aead->gcm->encrypt(&aead->key, &context, data, data, len, nonce, aad, aad_len, data + len,
                       KTLS_TAG_LEN);
    gw_wipe_object(&context);
    return 0;
}

static int gcm_open(struct gw_aead *aead, const uint8_t nonce[KTLS_IV_LEN], const uint8_t *aad,
                    size_t aad_len, uint8_t *data, size_t len)
{
    struct gcm_context_data context;
    uint8_t tag[KTLS_TAG_LEN];
    gw_require(aad_len <= INT_MAX && len <= INT_MAX);
    aead->gcm->decrypt(&aead->key, &context, data, data, len, nonce, aad, aad_len, tag,
                       KTLS_TAG_LEN);
    gw_wipe_object(&context);
    return gw_aead_ipsec_mb_admit(tag, data, len);
}

const struct gw_aead_provider gw_aead_ipsec_mb = {
    .name = "ipsec_mb",
    .supports = gcm_supports,
    .create = gcm_create,
    .rekey = gcm_rekey,
    .destroy = gcm_destroy,
    .seal = gcm_seal,
    .open = gcm_open,
};
