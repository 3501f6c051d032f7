/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All parameters come with the derivation itself: libssl makes a context for each and sets nothing
 * else in it. So a context holds nothing, and one serves all.
 */
#include "gateway/crypto/schedule.h"

#include "gateway/base/bytes.h"
#include "gateway/base/wipe.h"
#include "gateway/crypto/hmac.h"
#include "gateway/crypto/kdf.h"
#include "gateway/crypto/mac.h"
#include "gateway/crypto/provider.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

enum {
    LABEL_MAX = 64
};

static const char prefix[] = "tls13 ";

static _Thread_local struct gw_traffic_secrets *watched;

void gw_provider_watch(struct gw_traffic_secrets *secrets)
{
    watched = secrets;
}

struct bytes {
    const uint8_t *data;
    size_t len;
};

/* The parameters of one derivation. */
struct request {
    int mode;
    enum gw_hash hash;
    bool hash_known;
    struct bytes key, salt, prefix, label, data;
};

static bool take_mode(const OSSL_PARAM *p, struct request *r)
{
    return OSSL_PARAM_get_int(p, &r->mode);
}

static bool take_digest(const OSSL_PARAM *p, struct request *r)
{
    r->hash_known = p->data_type == OSSL_PARAM_UTF8_STRING && gw_mac_hash(p->data, &r->hash);
    return r->hash_known;
}

/* In the order in which libssl passes them. */
static const struct {
    const char *key;
    bool (*take)(const OSSL_PARAM *p, struct request *r); /* NULL: the parameter is a byte string */
    size_t at;                                            /* where the byte string goes */
} rows[] = {
    {OSSL_KDF_PARAM_MODE, take_mode, 0},
    {OSSL_KDF_PARAM_DIGEST, take_digest, 0},
    {OSSL_KDF_PARAM_KEY, NULL, offsetof(struct request, key)},
    {OSSL_KDF_PARAM_SALT, NULL, offsetof(struct request, salt)},
    {OSSL_KDF_PARAM_PREFIX, NULL, offsetof(struct request, prefix)},
    {OSSL_KDF_PARAM_LABEL, NULL, offsetof(struct request, label)},
    {OSSL_KDF_PARAM_DATA, NULL, offsetof(struct request, data)},
};

static bool take_bytes(const OSSL_PARAM *p, struct bytes *ret)
{
    if (p->data_type != OSSL_PARAM_OCTET_STRING)
        return false;
    *ret = (struct bytes){.data = p->data, .len = p->data_size};
    return true;
}

/* Parses from row *at on, and advances *at past the row it found. False: a parameter that no
 * handshake uses. */
static bool take(const OSSL_PARAM *p, struct request *r, size_t *at)
{
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        size_t row = (*at + i) % GW_ARRAY_SIZE(rows);
        if (strcmp(p->key, rows[row].key) != 0)
            continue;
        *at = row + 1;
        return rows[row].take ? rows[row].take(p, r)
                              : take_bytes(p, (struct bytes *)((char *)r + rows[row].at));
    }
    return false;
}

static bool read_request(const OSSL_PARAM params[], struct request *r)
{
    size_t at = 0;
    *r = (struct request){.mode = -1};
    for (const OSSL_PARAM *p = params; p && p->key; p++)
        if (!take(p, r, &at))
            return false;
    return r->hash_known && r->prefix.len == sizeof(prefix) - 1 &&
           !memcmp(r->prefix.data, prefix, r->prefix.len);
}

/* ---- the derivations ---- */

static void keep(uint8_t to[GW_HASH_MAX], uint8_t *to_len, const uint8_t *secret, size_t len)
{
    memcpy(to, secret, len);
    *to_len = (uint8_t)len;
}

static void watch(const char *label, const uint8_t *secret, size_t len)
{
    struct gw_traffic_secrets *w = watched;
    if (!w || len > GW_HASH_MAX)
        return;
    if (!strcmp(label, "c ap traffic"))
        keep(w->client, &w->client_len, secret, len);
    else if (!strcmp(label, "s ap traffic"))
        keep(w->server, &w->server_len, secret, len);
    else if (!strcmp(label, "res master"))
        keep(w->resumption, &w->resumption_len, secret, len);
}

/* HKDF-Expand-Label (RFC 8446 7.1). */
static bool expand(const struct request *r, uint8_t *out, size_t len)
{
    char label[LABEL_MAX];
    if (r->label.len >= sizeof(label))
        return false;
    memcpy(label, r->label.data, r->label.len);
    label[r->label.len] = '\0';
    if (gw_kdf_expand_label(r->hash, r->key.data, r->key.len, label, r->data.data, r->data.len, out,
                            len))
        return false;
    watch(label, out, len);
    return true;
}

/* HKDF-Extract of the next secret of the schedule. Its salt is derived from the previous one. Zeros
 * replace an absent salt or key (RFC 8446 7.1). */
static bool extract(const struct request *r, uint8_t *out, size_t len)
{
    static const uint8_t zeros[GW_HASH_MAX];
    uint8_t salt[GW_HASH_MAX] = {0};
    uint8_t empty[GW_HASH_MAX];
    size_t hash_len = gw_hash_len(r->hash);
    if (len != hash_len)
        return false;
    if (r->salt.len > 0) {
        gw_hash(r->hash, NULL, 0, empty);
        if (gw_kdf_expand_label(r->hash, r->salt.data, r->salt.len, "derived", empty, hash_len,
                                salt, hash_len))
            return false;
    }
    const struct bytes key =
        r->key.len > 0 ? r->key : (struct bytes){.data = zeros, .len = hash_len};
    gw_hmac(r->hash, salt, hash_len, key.data, key.len, out);
    gw_wipe(salt, sizeof(salt));
    return true;
}

static int derive(void *ctx, unsigned char *out, size_t len, const OSSL_PARAM params[])
{
    struct request r;
    (void)ctx;
    if (!read_request(params, &r))
        return 0;
    switch (r.mode) {
    case EVP_KDF_HKDF_MODE_EXPAND_ONLY:
        return expand(&r, out, len);
    case EVP_KDF_HKDF_MODE_EXTRACT_ONLY:
        return extract(&r, out, len);
    default:
        return 0;
    }
}

/* ---- the PRF of TLS 1.2 ---- */

/* Its parameters. The seed comes in parts, the label first. */
struct prf_request {
    enum gw_hash hash;
    bool hash_known;
    struct bytes secret;
    uint8_t seed[GW_KDF_SEED_MAX];
    struct gw_writer seed_writer;
};

static bool take_for_prf(const OSSL_PARAM *p, struct prf_request *r)
{
    struct bytes part;
    if (!strcmp(p->key, OSSL_KDF_PARAM_SEED)) {
        if (!take_bytes(p, &part))
            return false;
        gw_write_bytes(&r->seed_writer, part.data, part.len);
        return !r->seed_writer.failed;
    }
    if (!strcmp(p->key, OSSL_KDF_PARAM_SECRET))
        return take_bytes(p, &r->secret);
    if (strcmp(p->key, OSSL_KDF_PARAM_DIGEST) != 0 || p->data_type != OSSL_PARAM_UTF8_STRING)
        return false;
    r->hash_known = gw_mac_hash(p->data, &r->hash);
    return r->hash_known;
}

static int derive_by_prf(void *ctx, unsigned char *out, size_t len, const OSSL_PARAM params[])
{
    struct prf_request r = {.hash_known = false};
    (void)ctx;
    r.seed_writer = gw_writer_of(r.seed, sizeof(r.seed));
    for (const OSSL_PARAM *p = params; p && p->key; p++)
        if (!take_for_prf(p, &r))
            return 0;
    return r.hash_known && r.secret.len > 0 && gw_writer_len(&r.seed_writer) > 0 &&
           gw_kdf_p_hash(r.hash, r.secret.data, r.secret.len, r.seed, gw_writer_len(&r.seed_writer),
                         out, len) == 0;
}

/* ---- for libcrypto's core ---- */

static int context; /* only its address is used */

static void *new_context(void *provider_context)
{
    (void)provider_context;
    return &context;
}

static void *dup_context(void *ctx)
{
    return ctx;
}

static void free_context(void *ctx)
{
    (void)ctx;
}

/* Refused, since a parameter set in a context would be lost. */
static int set_params(void *ctx, const OSSL_PARAM params[])
{
    (void)ctx;
    return !params || !params->key;
}

static const OSSL_PARAM *settable(void *ctx, void *provider_context)
{
    static const OSSL_PARAM none[] = {OSSL_PARAM_END};
    (void)ctx, (void)provider_context;
    return none;
}

// clang-format off
#define FUNCTIONS(derivation)                                                  \
    {                                                                          \
        {OSSL_FUNC_KDF_NEWCTX, (void (*)(void))new_context},                   \
        {OSSL_FUNC_KDF_DUPCTX, (void (*)(void))dup_context},                   \
        {OSSL_FUNC_KDF_FREECTX, (void (*)(void))free_context},                 \
        {OSSL_FUNC_KDF_RESET, (void (*)(void))free_context},                   \
        {OSSL_FUNC_KDF_DERIVE, (void (*)(void))(derivation)},                  \
        {OSSL_FUNC_KDF_SETTABLE_CTX_PARAMS, (void (*)(void))settable},         \
        {OSSL_FUNC_KDF_SET_CTX_PARAMS, (void (*)(void))set_params},            \
        {0, NULL},                                                             \
    }
// clang-format on

const OSSL_DISPATCH gw_schedule_functions[] = FUNCTIONS(derive);
const OSSL_DISPATCH gw_schedule_prf_functions[] = FUNCTIONS(derive_by_prf);
