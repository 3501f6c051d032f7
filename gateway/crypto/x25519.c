/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/crypto/x25519.h"

#include "gateway/base/attr.h"
#include "gateway/base/wipe.h"
#include "gateway/crypto/algorithm.h"
#include "gateway/crypto/x25519_stock.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <stdint.h>
#include <string.h>

#define NAME "X25519"
#define KEM_NAME "KTLSGATE-X25519"

enum {
    KEY_LEN = GW_X25519_KEY_LEN,
    GROUP_ID = 0x001d,
    FUNCTIONS_MAX = 48,
    PARAMS_MAX = 24
};

/* The functions of the default provider in use. Each gets that provider's own context. */
struct algorithms {
    void *context;
    /* its key management, with some functions replaced by ours */
    OSSL_DISPATCH keys[FUNCTIONS_MAX + 1];
    OSSL_FUNC_keymgmt_query_operation_name_fn *keys_name;
    OSSL_FUNC_keymgmt_new_fn *key_new;
    OSSL_FUNC_keymgmt_free_fn *key_free;
    OSSL_FUNC_keymgmt_import_fn *key_import;
    OSSL_FUNC_keymgmt_get_params_fn *key_get_params;
    OSSL_FUNC_keymgmt_gen_init_fn *gen_init;
    OSSL_FUNC_keymgmt_gen_set_params_fn *gen_set_params;
    OSSL_FUNC_keymgmt_gen_fn *gen;
    OSSL_FUNC_keymgmt_gen_cleanup_fn *gen_cleanup;
    const OSSL_DISPATCH *exchange; /* its key exchange; the next functions belong to it */
    OSSL_FUNC_keyexch_newctx_fn *exchange_new;
    OSSL_FUNC_keyexch_freectx_fn *exchange_free;
    OSSL_FUNC_keyexch_init_fn *exchange_init;
    OSSL_FUNC_keyexch_set_peer_fn *exchange_set_peer;
    OSSL_FUNC_keyexch_derive_fn *exchange_derive;
};

static struct algorithms use; /* for the one provider of a process */

/* ---- the default provider's functions ---- */

static const OSSL_DISPATCH *find(const OSSL_PROVIDER *whole, int operation)
{
    int no_cache = 0;
    const OSSL_ALGORITHM *a = OSSL_PROVIDER_query_operation(whole, operation, &no_cache);
    for (; a && a->algorithm_names; a++)
        if (gw_algorithm_is(a, NAME))
            return a->implementation;
    return NULL;
}

/* A function that is needed, and where its pointer is stored. */
struct wanted {
    int id;
    void *ret;
};

/* False: one of them is missing. */
static bool take(const OSSL_DISPATCH *functions, const struct wanted *wanted, size_t count)
{
    size_t found = 0;
    for (const OSSL_DISPATCH *f = functions; f->function_id; f++)
        for (size_t i = 0; i < count; i++)
            if (wanted[i].id == f->function_id) {
                memcpy(wanted[i].ret, &f->function, sizeof(f->function));
                found++;
            }
    return found == count;
}

static const struct wanted of_exchange[] = {
    {OSSL_FUNC_KEYEXCH_NEWCTX, &use.exchange_new},
    {OSSL_FUNC_KEYEXCH_FREECTX, &use.exchange_free},
    {OSSL_FUNC_KEYEXCH_INIT, &use.exchange_init},
    {OSSL_FUNC_KEYEXCH_SET_PEER, &use.exchange_set_peer},
    {OSSL_FUNC_KEYEXCH_DERIVE, &use.exchange_derive},
};

/* Without this function, operations have the name of the keys. */
static const struct wanted of_names[] = {
    {OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, &use.keys_name},
};

static const struct wanted of_keys[] = {
    {OSSL_FUNC_KEYMGMT_NEW, &use.key_new},
    {OSSL_FUNC_KEYMGMT_FREE, &use.key_free},
    {OSSL_FUNC_KEYMGMT_IMPORT, &use.key_import},
    {OSSL_FUNC_KEYMGMT_GET_PARAMS, &use.key_get_params},
    {OSSL_FUNC_KEYMGMT_GEN_INIT, &use.gen_init},
    {OSSL_FUNC_KEYMGMT_GEN_SET_PARAMS, &use.gen_set_params},
    {OSSL_FUNC_KEYMGMT_GEN, &use.gen},
    {OSSL_FUNC_KEYMGMT_GEN_CLEANUP, &use.gen_cleanup},
};

/* ---- scalar multiplication ---- */

/* Not all of the default provider's functions accept NULL. */
static void free_key(void *key)
{
    if (key)
        use.key_free(key);
}

static void free_exchange(void *exchange)
{
    if (exchange)
        use.exchange_free(exchange);
}

/* Makes a key of these parts, which libcrypto does not compare. Without a private part it is a
 * peer's. */
static void *import(uint8_t *private, uint8_t public[KEY_LEN])
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, public, KEY_LEN),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PRIV_KEY, private, KEY_LEN),
        OSSL_PARAM_END,
    };
    int selection = private ? OSSL_KEYMGMT_SELECT_KEYPAIR : OSSL_KEYMGMT_SELECT_PUBLIC_KEY;
    if (!private)
        params[1] = params[2];
    void *key = use.key_new(use.context);
    if (key && use.key_import(key, selection, params))
        return key;
    free_key(key);
    return NULL;
}

/* Gets that part of a key. False: it has none. */
static bool part_of(void *key, const char *name, uint8_t ret[KEY_LEN])
{
    OSSL_PARAM params[] = {OSSL_PARAM_octet_string(name, ret, KEY_LEN), OSSL_PARAM_END};
    return key && use.key_get_params(key, params) && params[0].return_size == KEY_LEN;
}

/* Refuses a zero result, as RFC 8446 7.4.2 demands: libcrypto does so. */
static bool multiply_keys(void *own, void *peer, uint8_t out[KEY_LEN])
{
    size_t len = KEY_LEN;
    void *exchange = own && peer ? use.exchange_new(use.context) : NULL;
    bool ok = exchange && use.exchange_init(exchange, own, NULL) &&
              use.exchange_set_peer(exchange, peer) &&
              use.exchange_derive(exchange, out, &len, KEY_LEN) && len == KEY_LEN;
    free_exchange(exchange);
    return ok;
}

/* ---- keys ---- */

/* The public key of a private one: its product with the base point (RFC 7748 4.1). */
static bool publish(uint8_t private[KEY_LEN], uint8_t *public)
{
    uint8_t base[KEY_LEN] = {9};
    void *own = import(private, base); /* its own public key is not used */
    void *peer = import(NULL, base);
    bool ok = multiply_keys(own, peer, public);
    free_key(peer);
    free_key(own);
    return ok;
}

static void *fresh_key(uint8_t ret_public[KEY_LEN])
{
    uint8_t private[KEY_LEN];
    bool made = gw_x25519_stock_take(publish, private, ret_public);
    void *key = made ? import(private, ret_public) : NULL;
    gw_wipe(private, sizeof(private));
    return key;
}

/* Makes a fresh private key; returns its public key, and its secret with that peer. */
static bool agree_by_libcrypto(void *peer, uint8_t *public, uint8_t *secret)
{
    void *key = fresh_key(public);
    bool ok = multiply_keys(key, peer, secret);
    free_key(key);
    return ok;
}

static bool agree(void *peer, uint8_t *public, uint8_t *secret)
{
    uint8_t private[KEY_LEN], theirs[KEY_LEN];
    if (!gw_x25519_ladder_works())
        return agree_by_libcrypto(peer, public, secret);
    bool ok = part_of(peer, OSSL_PKEY_PARAM_PUB_KEY, theirs) &&
              gw_x25519_stock_take(publish, private, public) &&
              gw_x25519_lanes_secret(secret, private, theirs);
    gw_wipe(private, sizeof(private));
    return ok;
}

static bool meet_by_libcrypto(void *own, const uint8_t *public, uint8_t *secret)
{
    uint8_t copy[KEY_LEN];
    memcpy(copy, public, sizeof(copy));
    void *peer = import(NULL, copy);
    bool ok = multiply_keys(own, peer, secret);
    free_key(peer);
    return ok;
}

/* Computes the secret of that key with a public key from the peer. */
static bool meet(void *own, const uint8_t *public, uint8_t *secret)
{
    uint8_t private[KEY_LEN];
    if (!gw_x25519_ladder_works())
        return meet_by_libcrypto(own, public, secret);
    bool ok = part_of(own, OSSL_PKEY_PARAM_PRIV_KEY, private) &&
              gw_x25519_lanes_secret(secret, private, public);
    gw_wipe(private, sizeof(private));
    return ok;
}

/* ---- key exchange, as libcrypto's core calls it (provider-keyexch(7)), if the lanes work ---- */

struct exchange {
    uint8_t private[KEY_LEN];
    uint8_t public[KEY_LEN]; /* the peer's public key */
    bool has_private, has_public;
};

static void *new_exchange(void *provider_context)
{
    (void)provider_context;
    return OPENSSL_zalloc(sizeof(struct exchange));
}

static void end_exchange(void *ctx)
{
    OPENSSL_clear_free(ctx, sizeof(struct exchange));
}

static void *copy_exchange(void *ctx)
{
    return OPENSSL_memdup(ctx, sizeof(struct exchange));
}

static int begin_exchange(void *ctx, void *key, const OSSL_PARAM params[])
{
    struct exchange *x = ctx;
    (void)params;
    x->has_private = part_of(key, OSSL_PKEY_PARAM_PRIV_KEY, x->private);
    return key != NULL;
}

static int set_peer(void *ctx, void *key)
{
    struct exchange *x = ctx;
    x->has_public = part_of(key, OSSL_PKEY_PARAM_PUB_KEY, x->public);
    return x->has_public;
}

/* Sets *len only on success. */
static int exchange(void *ctx, unsigned char *secret, size_t *len, size_t room)
{
    struct exchange *x = ctx;
    if (!x->has_private || !x->has_public)
        return 0;
    if (secret && (room < KEY_LEN || !gw_x25519_lanes_secret(secret, x->private, x->public)))
        return 0;
    *len = KEY_LEN;
    return 1;
}

static const OSSL_DISPATCH exchange_functions[] = {
    {OSSL_FUNC_KEYEXCH_NEWCTX, (void (*)(void))new_exchange},
    {OSSL_FUNC_KEYEXCH_FREECTX, (void (*)(void))end_exchange},
    {OSSL_FUNC_KEYEXCH_DUPCTX, (void (*)(void))copy_exchange},
    {OSSL_FUNC_KEYEXCH_INIT, (void (*)(void))begin_exchange},
    {OSSL_FUNC_KEYEXCH_SET_PEER, (void (*)(void))set_peer},
    {OSSL_FUNC_KEYEXCH_DERIVE, (void (*)(void))exchange},
    {0, NULL},
};

const OSSL_DISPATCH *gw_x25519_exchange(void)
{
    return gw_x25519_ladder_works() ? exchange_functions : use.exchange;
}

/* ---- key generation, as libcrypto's core calls it (provider-keymgmt(7)) ---- */

struct generation {
    void *whole; /* the default provider's */
    int selection;
    bool special; /* other parameters than the group were set */
};

static int set_generation(void *ctx, const OSSL_PARAM params[])
{
    struct generation *g = ctx;
    for (const OSSL_PARAM *p = params; p && p->key; p++)
        g->special |= strcmp(p->key, OSSL_PKEY_PARAM_GROUP_NAME) != 0;
    return use.gen_set_params(g->whole, params);
}

static void end_generation(void *ctx)
{
    struct generation *g = ctx;
    if (g && g->whole)
        use.gen_cleanup(g->whole);
    free(g);
}

static void *begin_generation(void *provider_context, int selection, const OSSL_PARAM params[])
{
    struct generation *g = calloc(1, sizeof(*g));
    if (!g)
        return NULL;
    g->selection = selection;
    g->whole = use.gen_init(provider_context, selection, NULL);
    if (g->whole && (!params || set_generation(g, params)))
        return g;
    end_generation(g);
    return NULL;
}

static void *generate(void *ctx, OSSL_CALLBACK *callback, void *arg)
{
    const struct generation *g = ctx;
    uint8_t public[KEY_LEN];
    if (g->special || (g->selection & OSSL_KEYMGMT_SELECT_KEYPAIR) == 0)
        return use.gen(g->whole, callback, arg);
    return fresh_key(public);
}

static const char *operation_name(int operation)
{
    if (operation == OSSL_OP_KEM)
        return KEM_NAME;
    return use.keys_name ? use.keys_name(operation) : NAME;
}

static const OSSL_DISPATCH key_functions[] = {
    {OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, (void (*)(void))operation_name},
    {OSSL_FUNC_KEYMGMT_GEN_INIT, (void (*)(void))begin_generation},
    {OSSL_FUNC_KEYMGMT_GEN_SET_PARAMS, (void (*)(void))set_generation},
    {OSSL_FUNC_KEYMGMT_GEN, (void (*)(void))generate},
    {OSSL_FUNC_KEYMGMT_GEN_CLEANUP, (void (*)(void))end_generation},
};

static bool is_ours(int function_id)
{
    for (size_t i = 0; i < GW_ARRAY_SIZE(key_functions); i++)
        if (key_functions[i].function_id == function_id)
            return true;
    return function_id == OSSL_FUNC_KEYMGMT_GEN_SET_TEMPLATE; /* there are no templates for it */
}

/* Takes over its functions, with some replaced by ours. */
static bool replace_keys(const OSSL_DISPATCH *f)
{
    size_t count = GW_ARRAY_SIZE(key_functions);
    memcpy(use.keys, key_functions, sizeof(key_functions));
    for (; f->function_id && count < FUNCTIONS_MAX; f++)
        if (!is_ours(f->function_id))
            use.keys[count++] = *f;
    return !f->function_id;
}

const OSSL_DISPATCH *gw_x25519_keys(void)
{
    return use.keys;
}

/* ---- as libcrypto's core calls it (provider-kem(7)) ---- */

struct encapsulation {
    void *key; /* owned by the caller, who keeps it that long */
};

static void *new_context(void *provider_context)
{
    (void)provider_context;
    return calloc(1, sizeof(struct encapsulation));
}

/* Supports only TLS's operation, not for example DHKEM (RFC 9180 4.1). */
static int begin(void *ctx, void *key, const OSSL_PARAM params[])
{
    struct encapsulation *e = ctx;
    if (params && OSSL_PARAM_locate_const(params, OSSL_KEM_PARAM_OPERATION))
        return 0;
    e->key = key;
    return key != NULL;
}

static int encapsulate(void *ctx, unsigned char *out, size_t *out_len, unsigned char *secret,
                       size_t *secret_len)
{
    const struct encapsulation *e = ctx;
    *out_len = KEY_LEN;
    *secret_len = KEY_LEN;
    if (!out) /* the caller only asks for the lengths */
        return 1;
    return agree(e->key, out, secret);
}

static int decapsulate(void *ctx, unsigned char *secret, size_t *secret_len,
                       const unsigned char *in, size_t len)
{
    const struct encapsulation *e = ctx;
    *secret_len = KEY_LEN;
    if (len != KEY_LEN)
        return 0;
    return !secret || meet(e->key, in, secret);
}

static const OSSL_DISPATCH kem_functions[] = {
    {OSSL_FUNC_KEM_NEWCTX, (void (*)(void))new_context},
    {OSSL_FUNC_KEM_FREECTX, (void (*)(void))free},
    {OSSL_FUNC_KEM_ENCAPSULATE_INIT, (void (*)(void))begin},
    {OSSL_FUNC_KEM_ENCAPSULATE, (void (*)(void))encapsulate},
    {OSSL_FUNC_KEM_DECAPSULATE_INIT, (void (*)(void))begin},
    {OSSL_FUNC_KEM_DECAPSULATE, (void (*)(void))decapsulate},
    {0, NULL},
};

const OSSL_ALGORITHM gw_x25519_kem = {KEM_NAME, "provider=default", kem_functions,
                                      "X25519 as a key encapsulation"};

int gw_x25519_capability(const OSSL_PARAM params[], OSSL_CALLBACK *callback, void *arg)
{
    unsigned id = 0, is_kem = 1;
    OSSL_PARAM copy[PARAMS_MAX + 2];
    size_t count = 0;
    const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, OSSL_CAPABILITY_TLS_GROUP_ID);
    if (!p || !OSSL_PARAM_get_uint(p, &id) || id != GROUP_ID)
        return callback(params, arg);
    for (p = params; p->key && count < PARAMS_MAX; p++)
        if (strcmp(p->key, OSSL_CAPABILITY_TLS_GROUP_IS_KEM) != 0)
            copy[count++] = *p;
    copy[count++] = OSSL_PARAM_construct_uint(OSSL_CAPABILITY_TLS_GROUP_IS_KEM, &is_kem);
    copy[count] = OSSL_PARAM_construct_end();
    return callback(copy, arg);
}

const char *gw_x25519_begin(const OSSL_PROVIDER *whole)
{
    const OSSL_DISPATCH *keys = find(whole, OSSL_OP_KEYMGMT);
    const OSSL_DISPATCH *exchange = find(whole, OSSL_OP_KEYEXCH);
    use = (struct algorithms){
        .context = OSSL_PROVIDER_get0_provider_ctx(whole),
        .exchange = exchange,
    };
    if (!keys || !exchange)
        return "X25519";
    (void)take(keys, of_names, GW_ARRAY_SIZE(of_names));
    if (!take(keys, of_keys, GW_ARRAY_SIZE(of_keys)) || !replace_keys(keys))
        return "X25519 keys of a known form";
    if (!take(exchange, of_exchange, GW_ARRAY_SIZE(of_exchange)))
        return "X25519 exchange of a known form";
    return gw_x25519_stock_begin() ? NULL : "memory for X25519 keys";
}
