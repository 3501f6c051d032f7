/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/crypto/trial.h"

#include "gateway/crypto/kdf.h"
#include "gateway/crypto/x25519_stock.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <string.h>

enum {
    ROUNDS = 8,
    INPUT_LEN = 200, /* more than a block of either hash */
    OUT_MAX = 100,
    KEY_LEN = GW_X25519_KEY_LEN,
};

static const struct {
    const char *name;
    size_t len;
} hashes[] = {
    [GW_SHA256] = {"SHA256", 32},
    [GW_SHA384] = {"SHA384", 48},
};

/* ---- vectors ---- */

/* RFC 5869 A.1: the pseudorandom key, and the first bytes derived from it. */
static bool extracts_as_rfc_5869(void)
{
    static const uint8_t prk[] = {
        0x07, 0x77, 0x09, 0x36, 0x2c, 0x2e, 0x32, 0xdf, 0x0d, 0xdc, 0x3f,
        0x0d, 0xc4, 0x7b, 0xba, 0x63, 0x90, 0xb6, 0xc7, 0x3b, 0xb5, 0x0f,
        0x9c, 0x31, 0x22, 0xec, 0x84, 0x4a, 0xd7, 0xc2, 0xb3, 0xe5,
    };
    static const uint8_t okm[] = {
        0x3c, 0xb2, 0x5f, 0x25, 0xfa, 0xac, 0xd5, 0x7a, 0x90, 0x43, 0x4f,
        0x64, 0xd0, 0x36, 0x2f, 0x2a, 0x2d, 0x2d, 0x0a, 0x90, 0xcf, 0x1a,
        0x5a, 0x4c, 0x5d, 0xb0, 0x2d, 0x56, 0xec, 0xc4, 0xc5, 0xbf,
    };
    static const uint8_t info[] = {0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 1};
    uint8_t key[22], salt[13], out[GW_HASH_MAX];
    memset(key, 0x0b, sizeof(key));
    for (uint8_t i = 0; i < sizeof(salt); i++)
        salt[i] = i;
    gw_hmac(GW_SHA256, salt, sizeof(salt), key, sizeof(key), out);
    bool extracted = !memcmp(out, prk, sizeof(prk));
    gw_hmac(GW_SHA256, prk, sizeof(prk), info, sizeof(info), out);
    return extracted && !memcmp(out, okm, sizeof(okm));
}

/* RFC 8448 3: "s ap traffic" of the master secret. */
static bool derives_as_rfc_8448(void)
{
    static const uint8_t master[] = {
        0x18, 0xdf, 0x06, 0x84, 0x3d, 0x13, 0xa0, 0x8b, 0xf2, 0xa4, 0x49,
        0x84, 0x4c, 0x5f, 0x8a, 0x47, 0x80, 0x01, 0xbc, 0x4d, 0x4c, 0x62,
        0x79, 0x84, 0xd5, 0xa4, 0x1d, 0xa8, 0xd0, 0x40, 0x29, 0x19,
    };
    static const uint8_t transcript[] = {
        0x96, 0x08, 0x10, 0x2a, 0x0f, 0x1c, 0xcc, 0x6d, 0xb6, 0x25, 0x0b,
        0x7b, 0x7e, 0x41, 0x7b, 0x1a, 0x00, 0x0e, 0xaa, 0xda, 0x3d, 0xaa,
        0xe4, 0x77, 0x7a, 0x76, 0x86, 0xc9, 0xff, 0x83, 0xdf, 0x13,
    };
    static const uint8_t secret[] = {
        0xa1, 0x1a, 0xf9, 0xf0, 0x55, 0x31, 0xf8, 0x56, 0xad, 0x47, 0x11,
        0x6b, 0x45, 0xa9, 0x50, 0x32, 0x82, 0x04, 0xb4, 0xf4, 0x4b, 0xfb,
        0x6b, 0x3a, 0x4b, 0x4f, 0x1f, 0x3f, 0xcb, 0x63, 0x16, 0x43,
    };
    uint8_t out[sizeof(secret)];
    return !gw_kdf_expand_label(GW_SHA256, master, sizeof(master), "s ap traffic", transcript,
                                sizeof(transcript), out, sizeof(out)) &&
           !memcmp(out, secret, sizeof(secret));
}

/* RFC 5246 has no vector; this one is from the IETF's TLS list (msg03416), its first bytes. */
static bool derives_as_the_tls_list(void)
{
    static const uint8_t secret[] = {0x9b, 0xbe, 0x43, 0x6b, 0xa9, 0x40, 0xf0, 0x17,
                                     0xb1, 0x76, 0x52, 0x84, 0x9a, 0x71, 0xdb, 0x35};
    static const uint8_t seed[] = {0xa0, 0xba, 0x9f, 0x93, 0x6c, 0xda, 0x31, 0x18,
                                   0x27, 0xa6, 0xf7, 0x96, 0xff, 0xd5, 0x19, 0x8c};
    static const uint8_t want[] = {0xe3, 0xf2, 0x29, 0xba, 0x72, 0x7b, 0xe1, 0x7b, 0x8d, 0x12, 0x26,
                                   0x20, 0x55, 0x7c, 0xd4, 0x53, 0xc2, 0xaa, 0xb2, 0x1d, 0x07, 0xc3,
                                   0xd4, 0x95, 0x32, 0x9b, 0x52, 0xd4, 0xe6, 0x1e, 0xdb, 0x5a};
    uint8_t out[sizeof(want)];
    return !gw_kdf_prf(GW_SHA256, secret, sizeof(secret), "test label", seed, sizeof(seed), NULL, 0,
                       out, sizeof(out)) &&
           !memcmp(out, want, sizeof(want));
}

/* ---- random inputs ---- */

static bool derive(OSSL_LIB_CTX *from, const char *name, const OSSL_PARAM *params, uint8_t *out,
                   size_t len)
{
    EVP_KDF *kdf = EVP_KDF_fetch(from, name, NULL);
    EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    bool ok = ctx && EVP_KDF_derive(ctx, out, len, params) == 1;
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return ok;
}

/* The inputs of both computations. */
struct inputs {
    OSSL_LIB_CTX *from[2];
    enum gw_hash hash;
    uint8_t bytes[INPUT_LEN];
    uint8_t out[2][OUT_MAX];
};

static OSSL_PARAM of_bytes(const char *name, const void *data, size_t len)
{
    return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)data, len);
}

static OSSL_PARAM of_hash(const char *name, const struct inputs *in)
{
    return OSSL_PARAM_construct_utf8_string(name, (char *)(uintptr_t)hashes[in->hash].name, 0);
}

/* Both modes of the key schedule. */
static bool schedule(struct inputs *in, int i, uint8_t *out)
{
    size_t len = hashes[in->hash].len;
    int extract = EVP_KDF_HKDF_MODE_EXTRACT_ONLY, expand = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    const OSSL_PARAM first[] = {
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &extract),
        of_hash(OSSL_KDF_PARAM_DIGEST, in),
        of_bytes(OSSL_KDF_PARAM_KEY, in->bytes, len),
        of_bytes(OSSL_KDF_PARAM_SALT, in->bytes + 48, len),
        of_bytes(OSSL_KDF_PARAM_PREFIX, "tls13 ", 6),
        of_bytes(OSSL_KDF_PARAM_LABEL, "derived", 7),
        OSSL_PARAM_construct_end(),
    };
    const OSSL_PARAM second[] = {
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &expand),
        of_hash(OSSL_KDF_PARAM_DIGEST, in),
        of_bytes(OSSL_KDF_PARAM_KEY, in->bytes, len),
        of_bytes(OSSL_KDF_PARAM_PREFIX, "tls13 ", 6),
        of_bytes(OSSL_KDF_PARAM_LABEL, "c hs traffic", 12),
        of_bytes(OSSL_KDF_PARAM_DATA, in->bytes + 96, len),
        OSSL_PARAM_construct_end(),
    };
    return derive(in->from[i], "TLS13-KDF", first, out, len) &&
           derive(in->from[i], "TLS13-KDF", second, out + len, len);
}

static bool prf(struct inputs *in, int i, uint8_t *out)
{
    const OSSL_PARAM params[] = {
        of_hash(OSSL_KDF_PARAM_DIGEST, in),
        of_bytes(OSSL_KDF_PARAM_SECRET, in->bytes, 48),
        of_bytes(OSSL_KDF_PARAM_SEED, "key expansion", 13),
        of_bytes(OSSL_KDF_PARAM_SEED, in->bytes + 48, 32),
        of_bytes(OSSL_KDF_PARAM_SEED, in->bytes + 80, 32),
        OSSL_PARAM_construct_end(),
    };
    return derive(in->from[i], "TLS1-PRF", params, out, OUT_MAX);
}

static bool hmac(struct inputs *in, int i, uint8_t *out)
{
    const OSSL_PARAM params[] = {of_hash(OSSL_MAC_PARAM_DIGEST, in), OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(in->from[i], "HMAC", NULL);
    EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
    size_t len = 0;
    bool ok = ctx && EVP_MAC_init(ctx, in->bytes, 1 + in->bytes[0] % (INPUT_LEN - 1), params) &&
              EVP_MAC_update(ctx, in->bytes, sizeof(in->bytes)) &&
              EVP_MAC_final(ctx, out, &len, OUT_MAX) && len == hashes[in->hash].len;
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
    return ok;
}

static bool agree(OSSL_LIB_CTX *from, EVP_PKEY *own, EVP_PKEY *peer, uint8_t *out)
{
    size_t len = KEY_LEN;
    EVP_PKEY_CTX *ctx = own && peer ? EVP_PKEY_CTX_new_from_pkey(from, own, NULL) : NULL;
    bool ok = ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
              EVP_PKEY_derive(ctx, out, &len) == 1 && len == KEY_LEN;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

static EVP_PKEY *public_key(OSSL_LIB_CTX *from, const uint8_t bytes[KEY_LEN])
{
    return EVP_PKEY_new_raw_public_key_ex(from, "X25519", NULL, bytes, KEY_LEN);
}

static EVP_PKEY *private_key(OSSL_LIB_CTX *from, const uint8_t bytes[KEY_LEN])
{
    return EVP_PKEY_new_raw_private_key_ex(from, "X25519", NULL, bytes, KEY_LEN);
}

/* With a private key and any 32 bytes that a peer may send. */
static bool exchange(struct inputs *in, int i, uint8_t *out)
{
    EVP_PKEY *own = private_key(in->from[i], in->bytes);
    EVP_PKEY *peer = public_key(in->from[i], in->bytes + 32);
    bool ok = agree(in->from[i], own, peer, out);
    EVP_PKEY_free(own);
    EVP_PKEY_free(peer);
    return ok;
}

static EVP_PKEY *generate(OSSL_LIB_CTX *from, uint8_t ret_public[KEY_LEN])
{
    size_t len = KEY_LEN;
    EVP_PKEY *key = EVP_PKEY_Q_keygen(from, NULL, "X25519");
    if (key && EVP_PKEY_get_raw_public_key(key, ret_public, &len) == 1 && len == KEY_LEN)
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

static bool encapsulate(OSSL_LIB_CTX *from, const uint8_t public[KEY_LEN], uint8_t sent[KEY_LEN],
                        uint8_t *secret)
{
    size_t sent_len = KEY_LEN, secret_len = KEY_LEN;
    EVP_PKEY *peer = public_key(from, public);
    EVP_PKEY_CTX *ctx = peer ? EVP_PKEY_CTX_new_from_pkey(from, peer, NULL) : NULL;
    bool ok = ctx && EVP_PKEY_encapsulate_init(ctx, NULL) == 1 &&
              EVP_PKEY_encapsulate(ctx, sent, &sent_len, secret, &secret_len) == 1 &&
              sent_len == KEY_LEN && secret_len == KEY_LEN;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
    return ok;
}

static bool decapsulate(OSSL_LIB_CTX *from, EVP_PKEY *own, const uint8_t sent[KEY_LEN],
                        uint8_t *secret)
{
    size_t len = KEY_LEN;
    EVP_PKEY_CTX *ctx = own ? EVP_PKEY_CTX_new_from_pkey(from, own, NULL) : NULL;
    bool ok = ctx && EVP_PKEY_decapsulate_init(ctx, NULL) == 1 &&
              EVP_PKEY_decapsulate(ctx, secret, &len, sent, KEY_LEN) == 1 && len == KEY_LEN;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

/* Our server and their client, whose secrets go to out[0] and out[1]. */
static bool serve(struct inputs *in)
{
    uint8_t public[KEY_LEN], sent[KEY_LEN];
    EVP_PKEY *client = generate(in->from[1], public);
    EVP_PKEY *peer = NULL;
    bool ok = client && encapsulate(in->from[0], public, sent, in->out[0]);
    if (ok)
        peer = public_key(in->from[1], sent);
    ok = ok && agree(in->from[1], client, peer, in->out[1]);
    EVP_PKEY_free(peer);
    EVP_PKEY_free(client);
    return ok;
}

/* Our client and their server. */
static bool ask(struct inputs *in)
{
    uint8_t ours[KEY_LEN], theirs[KEY_LEN];
    EVP_PKEY *client = generate(in->from[0], ours);
    EVP_PKEY *server = generate(in->from[1], theirs);
    EVP_PKEY *peer = client ? public_key(in->from[1], ours) : NULL;
    bool ok = client && server && decapsulate(in->from[0], client, theirs, in->out[0]) &&
              agree(in->from[1], server, peer, in->out[1]);
    EVP_PKEY_free(peer);
    EVP_PKEY_free(server);
    EVP_PKEY_free(client);
    return ok;
}

typedef bool compute(struct inputs *in, int i, uint8_t *out);

static bool same(struct inputs *in, compute *computed)
{
    memset(in->out, 0, sizeof(in->out));
    return computed(in, 0, in->out[0]) && computed(in, 1, in->out[1]) &&
           !memcmp(in->out[0], in->out[1], OUT_MAX);
}

static bool meets(struct inputs *in, bool (*met)(struct inputs *in))
{
    memset(in->out, 0, sizeof(in->out));
    return met(in) && !memcmp(in->out[0], in->out[1], KEY_LEN);
}

static const char *compare(struct inputs *in)
{
    if (!same(in, schedule))
        return "the key schedule of TLS 1.3 differs from libcrypto's";
    if (!same(in, prf))
        return "the PRF of TLS 1.2 differs from libcrypto's";
    if (!same(in, hmac))
        return "HMAC differs from libcrypto's";
    if (!same(in, exchange))
        return "X25519 differs from libcrypto's";
    return meets(in, serve) && meets(in, ask) ? NULL : "X25519 keys do not agree with libcrypto's";
}

static const char *compare_all(OSSL_LIB_CTX *ours, OSSL_LIB_CTX *theirs)
{
    struct inputs in = {.from = {ours, theirs}};
    const char *what = NULL;
    for (int i = 0; i < ROUNDS && !what; i++) {
        in.hash = i % 2 ? GW_SHA384 : GW_SHA256;
        what = RAND_bytes(in.bytes, sizeof(in.bytes)) == 1 ? compare(&in) : "no random numbers";
        gw_x25519_stock_refill(); /* so that later keys come from a batch made in advance */
    }
    gw_x25519_stock_end();
    OPENSSL_cleanse(&in, sizeof(in));
    return what;
}

bool gw_crypto_trial(OSSL_LIB_CTX *ours, OSSL_LIB_CTX *theirs, const char **ret_what)
{
    if (!extracts_as_rfc_5869())
        *ret_what = "HMAC does not compute the keys of RFC 5869";
    else if (!derives_as_rfc_8448())
        *ret_what = "the key schedule of TLS 1.3 does not compute the secrets of RFC 8448";
    else if (!derives_as_the_tls_list())
        *ret_what = "the PRF of TLS 1.2 computes wrong bytes";
    else
        *ret_what = compare_all(ours, theirs);
    return !*ret_what;
}
