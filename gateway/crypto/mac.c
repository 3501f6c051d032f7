/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/crypto/mac.h"

#include "gateway/base/wipe.h"
#include "gateway/crypto/hmac.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

/* ---- shared by both operations ---- */

struct mac {
    enum gw_hash hash; /* kept for the next computation */
    bool hash_known;
    bool begun;
    struct gw_hmac_run run;
};

bool gw_mac_hash(const char *name, enum gw_hash *ret)
{
    if (!OPENSSL_strcasecmp(name, "SHA256") || !OPENSSL_strcasecmp(name, "SHA2-256"))
        *ret = GW_SHA256;
    else if (!OPENSSL_strcasecmp(name, "SHA384") || !OPENSSL_strcasecmp(name, "SHA2-384"))
        *ret = GW_SHA384;
    else
        return false;
    return true;
}

static void *new_mac(void *provider_context)
{
    (void)provider_context;
    return calloc(1, sizeof(struct mac));
}

static void *dup_mac(void *ctx)
{
    struct mac *copy = malloc(sizeof(*copy));
    if (copy)
        memcpy(copy, ctx, sizeof(*copy));
    return copy;
}

static void free_mac(void *ctx)
{
    struct mac *m = ctx;
    if (m)
        gw_wipe_object(m);
    free(m);
}

static int begin(struct mac *m, const uint8_t *key, size_t len)
{
    if (!m->hash_known || (!key && len > 0))
        return 0;
    gw_hmac_begin(&m->run, m->hash, key, len);
    m->begun = true;
    return 1;
}

static int add(void *ctx, const unsigned char *data, size_t len)
{
    struct mac *m = ctx;
    if (!m->begun)
        return 0;
    gw_hmac_add(&m->run, data, len);
    return 1;
}

/* With `out` NULL it only returns the length. */
static int end(void *ctx, unsigned char *out, size_t *ret_len, size_t size)
{
    struct mac *m = ctx;
    uint8_t whole[GW_HASH_MAX];
    size_t len = gw_hash_len(m->hash);
    if (!ret_len || !m->begun || (out && size < len))
        return 0;
    *ret_len = len;
    if (!out)
        return 1;
    m->begun = false;
    gw_hmac_end(&m->run, whole);
    memcpy(out, whole, len);
    return 1;
}

/* ---- the MAC ---- */

/* libssl sets only the hash, as long as its context has no property query. */
static int set_mac(void *ctx, const OSSL_PARAM params[])
{
    struct mac *m = ctx;
    for (const OSSL_PARAM *p = params; p && p->key; p++) {
        if (strcmp(p->key, OSSL_MAC_PARAM_DIGEST) != 0 || p->data_type != OSSL_PARAM_UTF8_STRING ||
            m->begun)
            return 0;
        m->hash_known = gw_mac_hash(p->data, &m->hash);
        if (!m->hash_known)
            return 0;
    }
    return 1;
}

static int begin_mac(void *ctx, const unsigned char *key, size_t len, const OSSL_PARAM params[])
{
    struct mac *m = ctx;
    m->begun = false;
    return key && set_mac(m, params) && begin(m, key, len);
}

static int get_mac(void *ctx, OSSL_PARAM params[])
{
    const struct mac *m = ctx;
    OSSL_PARAM *p = OSSL_PARAM_locate(params, OSSL_MAC_PARAM_SIZE);
    return !p || OSSL_PARAM_set_size_t(p, m->hash_known ? gw_hash_len(m->hash) : 0);
}

static const OSSL_PARAM *settable(void *ctx, void *provider_context)
{
    static const OSSL_PARAM names[] = {OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, NULL, 0),
                                       OSSL_PARAM_END};
    (void)ctx, (void)provider_context;
    return names;
}

static const OSSL_PARAM *gettable(void *ctx, void *provider_context)
{
    static const OSSL_PARAM names[] = {OSSL_PARAM_size_t(OSSL_MAC_PARAM_SIZE, NULL),
                                       OSSL_PARAM_END};
    (void)ctx, (void)provider_context;
    return names;
}

const OSSL_DISPATCH gw_mac_functions[] = {
    {OSSL_FUNC_MAC_NEWCTX, (void (*)(void))new_mac},
    {OSSL_FUNC_MAC_DUPCTX, (void (*)(void))dup_mac},
    {OSSL_FUNC_MAC_FREECTX, (void (*)(void))free_mac},
    {OSSL_FUNC_MAC_INIT, (void (*)(void))begin_mac},
    {OSSL_FUNC_MAC_UPDATE, (void (*)(void))add},
    {OSSL_FUNC_MAC_FINAL, (void (*)(void))end},
    {OSSL_FUNC_MAC_SET_CTX_PARAMS, (void (*)(void))set_mac},
    {OSSL_FUNC_MAC_SETTABLE_CTX_PARAMS, (void (*)(void))settable},
    {OSSL_FUNC_MAC_GET_CTX_PARAMS, (void (*)(void))get_mac},
    {OSSL_FUNC_MAC_GETTABLE_CTX_PARAMS, (void (*)(void))gettable},
    {0, NULL},
};

/* ---- the key ---- */

struct key {
    uint8_t *data; /* NULL: none yet */
    size_t len;
};

static void *new_key(void *provider_context)
{
    (void)provider_context;
    return calloc(1, sizeof(struct key));
}

static void drop(struct key *k)
{
    gw_wipe(k->data, k->len);
    free(k->data);
    *k = (struct key){0};
}

static void free_key(void *key)
{
    if (key)
        drop(key);
    free(key);
}

static int has_key(const void *key, int selection)
{
    const struct key *k = key;
    return k && ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0 || k->data);
}

static int import_key(void *key, int selection, const OSSL_PARAM params[])
{
    struct key *k = key;
    const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PRIV_KEY);
    if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0 || !p ||
        p->data_type != OSSL_PARAM_OCTET_STRING)
        return 0;
    drop(k);
    k->data = malloc(p->data_size + 1); /* non-NULL even for an empty key */
    if (!k->data)
        return 0;
    if (p->data_size > 0)
        memcpy(k->data, p->data, p->data_size);
    k->len = p->data_size;
    return 1;
}

static const OSSL_PARAM *importable(int selection)
{
    static const OSSL_PARAM names[] = {OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PRIV_KEY, NULL, 0),
                                       OSSL_PARAM_END};
    return selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY ? names : NULL;
}

const OSSL_DISPATCH gw_mac_key_functions[] = {
    {OSSL_FUNC_KEYMGMT_NEW, (void (*)(void))new_key},
    {OSSL_FUNC_KEYMGMT_FREE, (void (*)(void))free_key},
    {OSSL_FUNC_KEYMGMT_HAS, (void (*)(void))has_key},
    {OSSL_FUNC_KEYMGMT_IMPORT, (void (*)(void))import_key},
    {OSSL_FUNC_KEYMGMT_IMPORT_TYPES, (void (*)(void))importable},
    {0, NULL},
};

/* ---- the signature ---- */

static void *new_signature(void *provider_context, const char *properties)
{
    (void)properties;
    return new_mac(provider_context);
}

static int begin_signature(void *ctx, const char *hash, void *key, const OSSL_PARAM params[])
{
    struct mac *m = ctx;
    const struct key *k = key;
    m->begun = false;
    m->hash_known = hash && gw_mac_hash(hash, &m->hash);
    return k && k->data && (!params || !params->key) && begin(m, k->data, k->len);
}

const OSSL_DISPATCH gw_mac_signature_functions[] = {
    {OSSL_FUNC_SIGNATURE_NEWCTX, (void (*)(void))new_signature},
    {OSSL_FUNC_SIGNATURE_DUPCTX, (void (*)(void))dup_mac},
    {OSSL_FUNC_SIGNATURE_FREECTX, (void (*)(void))free_mac},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, (void (*)(void))begin_signature},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, (void (*)(void))add},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, (void (*)(void))end},
    {0, NULL},
};
