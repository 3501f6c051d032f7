/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Computes with secrets that MemorySanitizer takes for undefined memory: it reports a branch or an
 * address that depends on one. What comes out must be as undefined as what went in, else the
 * sanitizer has lost sight of it. Built and run by run.py, one part a run.
 *
 * libcrypto is not watched: what it makes of a secret is marked here (wraps), and it alone answers
 * for the time that its hashes and ciphers take.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "gateway/base/attr.h"
#include "gateway/crypto/kdf.h"
#include "gateway/crypto/mac.h"
#include "gateway/crypto/schedule.h"
#include "gateway/crypto/x25519_lanes.h"
#include "gateway/crypto/x25519_limbs.h"
#include "gateway/crypto/x25519_stock.h"
#include "gateway/record/aead_evp.h"
#include "gateway/record/aead_ipsec_mb_private.h"
#include "gateway/tls/tickets.h"

#include <errno.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <sanitizer/msan_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SKIPPED = 77,
    LANES = GW_X25519_LANES,
    KEY_LEN = GW_X25519_KEY_LEN,
    DATA_LEN = 300 /* more than two blocks of either hash */
};

/* ---- what is secret ---- */

static void hide(void *p, size_t len)
{
    __msan_poison(p, len);
}

static bool holds_secrets(const void *p, size_t len)
{
    return __msan_test_shadow(p, len) != -1;
}

static void require(bool what, const char *words)
{
    if (what)
        return;
    (void)fprintf(stderr, "%s\n", words);
    exit(EXIT_FAILURE);
}

static void require_secret(const void *p, size_t len)
{
    const uint8_t *bytes = p;
    for (size_t i = 0; i < len; i++)
        require(holds_secrets(bytes + i, 1), "what was made of a secret is not watched any more");
}

/* ---- what libcrypto does with secrets ---- */

#define WRAP_HASH(name, type)                                                                      \
    int __real_##name##_Init(type *c);                                                             \
    int __wrap_##name##_Init(type *c);                                                             \
    int __wrap_##name##_Init(type *c)                                                              \
    {                                                                                              \
        int r = __real_##name##_Init(c);                                                           \
        __msan_unpoison(c, sizeof(*c));                                                            \
        return r;                                                                                  \
    }                                                                                              \
    int __real_##name##_Update(type *c, const void *data, size_t len);                             \
    int __wrap_##name##_Update(type *c, const void *data, size_t len);                             \
    int __wrap_##name##_Update(type *c, const void *data, size_t len)                              \
    {                                                                                              \
        int r = __real_##name##_Update(c, data, len);                                              \
        if (len > 0 && holds_secrets(data, len))                                                   \
            hide(c, sizeof(*c));                                                                   \
        return r;                                                                                  \
    }                                                                                              \
    int __real_##name##_Final(unsigned char *out, type *c);                                        \
    int __wrap_##name##_Final(unsigned char *out, type *c);                                        \
    int __wrap_##name##_Final(unsigned char *out, type *c)                                         \
    {                                                                                              \
        size_t len = sizeof(*c) == sizeof(SHA256_CTX) ? 32 : 48;                                   \
        bool secret = holds_secrets(c, sizeof(*c));                                                \
        int r = __real_##name##_Final(out, c);                                                     \
        __msan_unpoison(out, len);                                                                 \
        if (secret)                                                                                \
            hide(out, len);                                                                        \
        return r;                                                                                  \
    }

WRAP_HASH(SHA256, SHA256_CTX)
WRAP_HASH(SHA384, SHA512_CTX)

/* Whether the two are the same is not secret: the peer learns it. */
int __wrap_CRYPTO_memcmp(const void *a, const void *b, size_t len);
int __wrap_CRYPTO_memcmp(const void *a, const void *b, size_t len)
{
    const uint8_t *x = a, *y = b;
    uint8_t differs = 0;
    for (size_t i = 0; i < len; i++)
        differs |= x[i] ^ y[i];
    __msan_unpoison(&differs, sizeof(differs));
    return differs;
}

int __wrap_RAND_priv_bytes(unsigned char *out, int len);
int __wrap_RAND_priv_bytes(unsigned char *out, int len)
{
    for (int i = 0; i < len; i++)
        out[i] = (uint8_t)(i * 11 + 3);
    hide(out, (size_t)len);
    return 1;
}

/* ---- parts ---- */

static uint8_t key[DATA_LEN], data[DATA_LEN];

static void fill(void)
{
    for (size_t i = 0; i < DATA_LEN; i++) {
        key[i] = (uint8_t)(i * 7 + 1);
        data[i] = (uint8_t)(i * 13 + 5);
    }
    hide(key, sizeof(key));
}

static void skip_for(const char *why)
{
    (void)fprintf(stderr, "%s\n", why);
    exit(SKIPPED);
}

static void skip_without_lanes(void)
{
    if (!gw_x25519_lanes_work())
        skip_for("the processor has no AVX-512 IFMA");
}

/* All that a computation in registers has: with keys near the ends of what they can be, too. */
static void limbs(void)
{
    uint8_t out[FE_BYTES];
    uint64_t a[FE_LIMBS], b[FE_LIMBS], words[FE_WORDS];
    fe_key_words(words, key);
    require_secret(words, sizeof(words));
    fe_from_bytes(a, key);
    fe_from_bytes(b, key + FE_BYTES);
    fe_multiply(b, a, b);
    fe_invert(b, b);
    fe_to_bytes(out, b);
    require_secret(out, sizeof(out));
}

static void keys(void)
{
    uint8_t private[LANES][KEY_LEN], public[LANES][KEY_LEN];
    skip_without_lanes();
    for (unsigned lane = 0; lane < LANES; lane++)
        memcpy(private[lane], key + lane, KEY_LEN);
    gw_x25519_lanes_keys(public, private);
    require_secret(public, sizeof(public));
}

/* Whether there is a secret is what the peer learns, but nothing before it has said so. */
static void secret(void)
{
    uint8_t out[KEY_LEN];
    skip_without_lanes();
    (void)gw_x25519_lanes_secret(out, key, data);
    require_secret(out, sizeof(out));
}

static bool publish(uint8_t private[KEY_LEN], uint8_t *public)
{
    memcpy(public, private, KEY_LEN);
    return true;
}

static void stock(void)
{
    uint8_t private[KEY_LEN], public[KEY_LEN];
    for (unsigned i = 0; i < LANES + 1; i++) {
        gw_x25519_stock_refill();
        bool made = gw_x25519_stock_take(publish, private, public);
        __msan_unpoison(&made, sizeof(made)); /* nobody gets a key that is none */
        require(made, "there is no key");
        require_secret(private, sizeof(private));
    }
    gw_x25519_stock_end();
}

static void hmac(void)
{
    static const size_t key_lens[] = {0, 1, 32, 48, 64, 128, DATA_LEN};
    uint8_t out[GW_HASH_MAX];
    for (int h = GW_SHA256; h <= GW_SHA384; h++)
        for (size_t i = 0; i < GW_ARRAY_SIZE(key_lens); i++) {
            enum gw_hash hash = (enum gw_hash)h;
            gw_hmac(hash, key, key_lens[i], data, sizeof(data), out);
            if (key_lens[i] > 0)
                require_secret(out, gw_hash_len(hash));
            gw_hash(hash, key, sizeof(key), out);
            require_secret(out, gw_hash_len(hash));
        }
}

static void kdf(void)
{
    uint8_t out[3 * GW_HASH_MAX];
    for (int h = GW_SHA256; h <= GW_SHA384; h++) {
        enum gw_hash hash = (enum gw_hash)h;
        size_t len = gw_hash_len(hash);
        require(!gw_kdf_expand_label(hash, key, len, "key", data, len, out, sizeof(out)), "expand");
        require_secret(out, sizeof(out));
        require(
            !gw_kdf_prf(hash, key, len, "key expansion", data, 32, data + 32, 32, out, sizeof(out)),
            "prf");
        require_secret(out, sizeof(out));
    }
}

/* ---- what libcrypto's core calls ---- */

static void (*find(const OSSL_DISPATCH *functions, int id))(void)
{
    for (const OSSL_DISPATCH *f = functions; f->function_id; f++)
        if (f->function_id == id)
            return f->function;
    require(false, "a function is missing");
    return NULL;
}

/* libcrypto's own functions would write them where nobody watches. */
static OSSL_PARAM of_hash(const char *name)
{
    static char sha384[] = "SHA384";
    return (OSSL_PARAM)OSSL_PARAM_utf8_string(name, sha384, sizeof(sha384) - 1);
}

static OSSL_PARAM of_bytes(const char *name, const void *bytes, size_t len)
{
    return (OSSL_PARAM)OSSL_PARAM_octet_string(name, (void *)(uintptr_t)bytes, len);
}

/* As libssl does for a ticket. */
static void mac_with(const uint8_t *mac_key, size_t key_len)
{
    const OSSL_DISPATCH *f = gw_mac_functions;
    uint8_t out[GW_HASH_MAX];
    size_t len = 0;
    const OSSL_PARAM params[] = {of_hash(OSSL_MAC_PARAM_DIGEST), OSSL_PARAM_END};
    void *m = ((OSSL_FUNC_mac_newctx_fn *)find(f, OSSL_FUNC_MAC_NEWCTX))(NULL);
    require(((OSSL_FUNC_mac_init_fn *)find(f, OSSL_FUNC_MAC_INIT))(m, mac_key, key_len, params) &&
                ((OSSL_FUNC_mac_update_fn *)find(f, OSSL_FUNC_MAC_UPDATE))(m, data, sizeof(data)) &&
                ((OSSL_FUNC_mac_final_fn *)find(f, OSSL_FUNC_MAC_FINAL))(m, out, &len, sizeof(out)),
            "there is no MAC");
    require_secret(out, len);
    ((OSSL_FUNC_mac_freectx_fn *)find(f, OSSL_FUNC_MAC_FREECTX))(m);
}

static void mac(void)
{
    mac_with(key, 32);
    mac_with(key, sizeof(key));
}

static void derive(int mode, const OSSL_PARAM more[3])
{
    uint8_t out[48];
    const OSSL_PARAM params[] = {
        OSSL_PARAM_int(OSSL_KDF_PARAM_MODE, &mode),
        of_hash(OSSL_KDF_PARAM_DIGEST),
        of_bytes(OSSL_KDF_PARAM_PREFIX, "tls13 ", 6),
        more[0],
        more[1],
        more[2],
        OSSL_PARAM_END,
    };
    require(((OSSL_FUNC_kdf_derive_fn *)find(gw_schedule_functions, OSSL_FUNC_KDF_DERIVE))(
                NULL, out, sizeof(out), params),
            "there is no derivation");
    require_secret(out, sizeof(out));
}

static void schedule(void)
{
    const OSSL_PARAM extracts[] = {
        of_bytes(OSSL_KDF_PARAM_KEY, key, 48),
        of_bytes(OSSL_KDF_PARAM_SALT, key + 48, 48),
        of_bytes(OSSL_KDF_PARAM_LABEL, "derived", 7),
    };
    const OSSL_PARAM expands[] = {
        of_bytes(OSSL_KDF_PARAM_KEY, key, 48),
        of_bytes(OSSL_KDF_PARAM_LABEL, "s ap traffic", 12),
        of_bytes(OSSL_KDF_PARAM_DATA, data, 48),
    };
    derive(EVP_KDF_HKDF_MODE_EXTRACT_ONLY, extracts);
    derive(EVP_KDF_HKDF_MODE_EXPAND_ONLY, expands);
}

/* ---- tickets ---- */

/* The name of a key stands in each ticket. */
static void tickets(void)
{
    struct gw_ticket_keys all = {0};
    struct gw_ticket_key found;
    uint8_t name[GW_TICKET_NAME_LEN];
    bool newest;
    require(!gw_tickets_init(&all) && !gw_tickets_rotate(&all), "there are no ticket keys");
    memcpy(name, all.keys[1].name, sizeof(name));
    for (unsigned i = 0; i < GW_TICKET_KEYS; i++) {
        hide(all.keys[i].aes_key, sizeof(all.keys[i].aes_key));
        hide(all.keys[i].hmac_key, sizeof(all.keys[i].hmac_key));
    }
    require(gw_tickets_find(&all, name, &found, &newest) && !newest, "the key is not found");
    require_secret(found.aes_key, sizeof(found.aes_key));
    mac_with(found.hmac_key, sizeof(found.hmac_key));
    require(!gw_tickets_rotate(&all) && gw_tickets_newest(&all, &found), "no key is newest");
    name[0] ^= 1;
    require(!gw_tickets_find(&all, name, &found, &newest), "a key is found that is not there");
}

/* ---- records ---- */

static void open_both(const struct gw_aead_provider *p, enum ktls_cipher cipher)
{
    enum {
        LEN = 100
    };
    uint8_t sealed[LEN + KTLS_TAG_LEN], wrong[LEN + KTLS_TAG_LEN];
    struct gw_aead *seal = p->create(cipher, key, true), *open = p->create(cipher, key, false);
    require(seal && open, "there is no key");
    memcpy(sealed, data, LEN);
    require(!p->seal(seal, data, data, 5, sealed, LEN), "it is not sealed");
    __msan_unpoison(sealed, sizeof(sealed)); /* anybody sees it */
    memcpy(wrong, sealed, sizeof(wrong));
    wrong[LEN] ^= 1;
    require(!p->open(open, data, data, 5, sealed, LEN), "it is not opened");
    require(p->open(open, data, data, 5, wrong, LEN) == -EBADMSG, "a wrong tag is not refused");
    require(!p->rekey(open, key + 1), "the key is not changed");
    p->destroy(seal);
    p->destroy(open);
}

static void aead(void)
{
    require(!gw_aead_evp_init(), "libcrypto lacks a cipher");
    for (int c = 0; c < KTLS_CIPHER_COUNT; c++)
        open_both(&gw_aead_evp, (enum ktls_cipher)c);
}

/* Not there in a build without the library. */
#pragma weak gw_aead_ipsec_mb_admit

static void judge_tag(bool right)
{
    enum {
        LEN = 40
    };
    uint8_t tag[KTLS_TAG_LEN], record[LEN + KTLS_TAG_LEN];
    memcpy(record, data, sizeof(record));
    memcpy(tag, data + (right ? LEN : 0), sizeof(tag));
    hide(tag, sizeof(tag));
    require(gw_aead_ipsec_mb_admit(tag, record, LEN) == (right ? 0 : -EBADMSG),
            "a tag is misjudged");
}

static void tag(void)
{
    int r = gw_aead_ipsec_mb_init();
    if (r == -ENOSYS)
        skip_for("this build has no ipsec_mb");
    judge_tag(true);
    judge_tag(false);
    if (r == -ENODEV)
        return;
    require(r == 0, "ipsec_mb does not begin");
    open_both(&gw_aead_ipsec_mb, KTLS_AES_128_GCM);
    open_both(&gw_aead_ipsec_mb, KTLS_AES_256_GCM);
    open_both(&gw_aead_ipsec_mb_chacha, KTLS_CHACHA20_POLY1305);
}

extern const char *secrets_part; /* for what is planted in it alone */
const char *secrets_part = "";

static const struct {
    const char *name;
    void (*run)(void);
} parts[] = {
    {"limbs", limbs},     {"keys", keys}, {"secret", secret}, {"stock", stock},
    {"hmac", hmac},       {"kdf", kdf},   {"mac", mac},       {"schedule", schedule},
    {"tickets", tickets}, {"aead", aead}, {"tag", tag},
};

int main(int argc, char **argv)
{
    fill();
    (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    for (size_t i = 0; i < GW_ARRAY_SIZE(parts); i++) {
        if (argc < 2)
            (void)puts(parts[i].name);
        else if (!strcmp(parts[i].name, argv[1])) {
            secrets_part = parts[i].name;
            parts[i].run();
            return 0;
        }
    }
    return argc < 2 ? 0 : EXIT_FAILURE;
}
