/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/x25519.h"

#include "gateway/base/attr.h"
#include "gateway/base/wipe.h"
#include "gateway/tls/x25519_lanes.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <pthread.h>
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

/* What of the default provider is called. Its own context goes to each. */
struct algorithms {
    void *context;
    OSSL_DISPATCH keys[FUNCTIONS_MAX + 1]; /* of its key management, with one of ours */
    OSSL_FUNC_keymgmt_query_operation_name_fn *keys_name;
    OSSL_FUNC_keymgmt_new_fn *key_new;
    OSSL_FUNC_keymgmt_free_fn *key_free;
    OSSL_FUNC_keymgmt_import_fn *key_import;
    OSSL_FUNC_keyexch_newctx_fn *exchange_new;
    OSSL_FUNC_keyexch_freectx_fn *exchange_free;
    OSSL_FUNC_keyexch_init_fn *exchange_init;
    OSSL_FUNC_keyexch_set_peer_fn *exchange_set_peer;
    OSSL_FUNC_keyexch_derive_fn *exchange_derive;
};

static struct algorithms use; /* of the provider that a process has one of */

/* ---- the stock of fresh keys ---- */

/* Made eight at once, each used once and wiped then. */
struct stock {
    uint8_t private[GW_X25519_LANES][KEY_LEN];
    uint8_t public[GW_X25519_LANES][KEY_LEN];
    unsigned left;
    bool compared; /* the first eight, with what libcrypto makes of them … */
    bool differed; /* … which then makes all the others, too */
};

static _Thread_local struct stock stock;
static pthread_once_t forks = PTHREAD_ONCE_INIT;

/* A child of this process must not use the same. */
static void empty_stock(void)
{
    gw_wipe_object(&stock);
}

static void watch_forks(void)
{
    (void)pthread_atfork(NULL, NULL, empty_stock);
}

/* ---- what the default provider has ---- */

bool gw_x25519_is(const OSSL_ALGORITHM *a)
{
    size_t len = strlen(NAME);
    return !strncmp(a->algorithm_names, NAME, len) &&
           (a->algorithm_names[len] == ':' || a->algorithm_names[len] == '\0');
}

static const OSSL_DISPATCH *find(const OSSL_PROVIDER *whole, int operation)
{
    int no_cache = 0;
    const OSSL_ALGORITHM *a = OSSL_PROVIDER_query_operation(whole, operation, &no_cache);
    for (; a && a->algorithm_names; a++)
        if (gw_x25519_is(a))
            return a->implementation;
    return NULL;
}

static const char *operation_name(int operation)
{
    if (operation == OSSL_OP_KEM)
        return KEM_NAME;
    return use.keys_name ? use.keys_name(operation) : NAME;
}

static const OSSL_DISPATCH own_name = {OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME,
                                       (void (*)(void))operation_name};

/* Its functions, with ours first: libcrypto takes the first of a kind. */
static bool take_keys(const OSSL_DISPATCH *f)
{
    size_t count = 0;
    use.keys[count++] = own_name;
    for (; f->function_id && count < FUNCTIONS_MAX; f++) {
        if (f->function_id == OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME)
            use.keys_name = OSSL_FUNC_keymgmt_query_operation_name(f);
        else if (f->function_id == OSSL_FUNC_KEYMGMT_NEW)
            use.key_new = OSSL_FUNC_keymgmt_new(f);
        else if (f->function_id == OSSL_FUNC_KEYMGMT_FREE)
            use.key_free = OSSL_FUNC_keymgmt_free(f);
        else if (f->function_id == OSSL_FUNC_KEYMGMT_IMPORT)
            use.key_import = OSSL_FUNC_keymgmt_import(f);
        if (f->function_id != OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME)
            use.keys[count++] = *f;
    }
    return !f->function_id && use.key_new && use.key_free && use.key_import;
}

static bool take_exchange(const OSSL_DISPATCH *f)
{
    for (; f->function_id; f++) {
        if (f->function_id == OSSL_FUNC_KEYEXCH_NEWCTX)
            use.exchange_new = OSSL_FUNC_keyexch_newctx(f);
        else if (f->function_id == OSSL_FUNC_KEYEXCH_FREECTX)
            use.exchange_free = OSSL_FUNC_keyexch_freectx(f);
        else if (f->function_id == OSSL_FUNC_KEYEXCH_INIT)
            use.exchange_init = OSSL_FUNC_keyexch_init(f);
        else if (f->function_id == OSSL_FUNC_KEYEXCH_SET_PEER)
            use.exchange_set_peer = OSSL_FUNC_keyexch_set_peer(f);
        else if (f->function_id == OSSL_FUNC_KEYEXCH_DERIVE)
            use.exchange_derive = OSSL_FUNC_keyexch_derive(f);
    }
    return use.exchange_new && use.exchange_free && use.exchange_init && use.exchange_set_peer &&
           use.exchange_derive;
}

bool gw_x25519_begin(const OSSL_PROVIDER *whole)
{
    const OSSL_DISPATCH *keys = find(whole, OSSL_OP_KEYMGMT);
    const OSSL_DISPATCH *exchange = find(whole, OSSL_OP_KEYEXCH);
    use = (struct algorithms){.context = OSSL_PROVIDER_get0_provider_ctx(whole)};
    (void)pthread_once(&forks, watch_forks);
    return keys && exchange && take_keys(keys) && take_exchange(exchange);
}

const OSSL_DISPATCH *gw_x25519_keys(void)
{
    return use.keys;
}

/* ---- scalar multiplication ---- */

/* Not all of the default provider's functions take NULL. */
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

/* A key of that private part. Its public part is not looked at: that of the base point. */
static void *import(uint8_t private[KEY_LEN], uint8_t public[KEY_LEN])
{
    const OSSL_PARAM params[] = {
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PRIV_KEY, private, KEY_LEN),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, public, KEY_LEN),
        OSSL_PARAM_END,
    };
    void *key = use.key_new(use.context);
    if (key && use.key_import(key, OSSL_KEYMGMT_SELECT_KEYPAIR, params))
        return key;
    free_key(key);
    return NULL;
}

/* Refuses what comes out as zero, as RFC 8446 7.4.2 demands: libcrypto does. */
static bool multiply(void *exchange, void *peer, uint8_t *out)
{
    size_t len = KEY_LEN;
    return use.exchange_set_peer(exchange, peer) &&
           use.exchange_derive(exchange, out, &len, KEY_LEN) && len == KEY_LEN;
}

/* The public key of a private one: its product with the base point. */
static bool publish(void *exchange, uint8_t private[KEY_LEN], uint8_t *public)
{
    uint8_t base[KEY_LEN] = {9}; /* RFC 7748 4.1 */
    void *key = import(private, base);
    bool ok = key && use.exchange_init(exchange, key, NULL) && multiply(exchange, key, public);
    free_key(key);
    return ok;
}

/* ---- fresh keys ---- */

static bool compare_stock(void *exchange)
{
    uint8_t public[KEY_LEN];
    for (unsigned i = 0; i < GW_X25519_LANES; i++)
        if (!publish(exchange, stock.private[i], public) ||
            memcmp(public, stock.public[i], KEY_LEN) != 0)
            return false;
    stock.compared = true;
    return true;
}

static bool fill_stock(void *exchange)
{
    if (RAND_priv_bytes(&stock.private[0][0], sizeof(stock.private)) != 1)
        return false;
    gw_x25519_lanes(stock.public, stock.private);
    if (!stock.compared && !compare_stock(exchange)) {
        empty_stock();
        stock.differed = true;
        return false;
    }
    stock.left = GW_X25519_LANES;
    return true;
}

static bool take_from_stock(void *exchange, uint8_t private[KEY_LEN], uint8_t *public)
{
    if (!gw_x25519_lanes_work() || stock.differed || (!stock.left && !fill_stock(exchange)))
        return false;
    stock.left--;
    memcpy(private, stock.private[stock.left], KEY_LEN);
    memcpy(public, stock.public[stock.left], KEY_LEN);
    gw_wipe(stock.private[stock.left], KEY_LEN);
    return true;
}

static bool make_pair(void *exchange, uint8_t private[KEY_LEN], uint8_t *public)
{
    return take_from_stock(exchange, private, public) ||
           (RAND_priv_bytes(private, KEY_LEN) == 1 && publish(exchange, private, public));
}

/* The public key of a fresh private one, and its secret with that peer. */
static bool agree(void *exchange, void *peer, uint8_t *public, uint8_t *secret)
{
    uint8_t private[KEY_LEN];
    bool made = make_pair(exchange, private, public);
    void *key = made ? import(private, public) : NULL;
    bool ok = key && use.exchange_init(exchange, key, NULL) && multiply(exchange, peer, secret);
    gw_wipe(private, sizeof(private));
    free_key(key);
    return ok;
}

/* The secret of that key with a public one from the peer. */
static bool meet(void *exchange, void *own, const uint8_t *public, uint8_t *secret)
{
    uint8_t copy[KEY_LEN];
    memcpy(copy, public, sizeof(copy));
    const OSSL_PARAM params[] = {
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, copy, sizeof(copy)),
        OSSL_PARAM_END,
    };
    void *peer = use.key_new(use.context);
    bool ok = peer && use.key_import(peer, OSSL_KEYMGMT_SELECT_PUBLIC_KEY, params) &&
              use.exchange_init(exchange, own, NULL) && multiply(exchange, peer, secret);
    free_key(peer);
    return ok;
}

/* ---- as libcrypto's core calls it (provider-kem(7)) ---- */

struct encapsulation {
    void *key; /* the caller's, who holds it for as long */
};

static void *new_context(void *provider_context)
{
    (void)provider_context;
    return calloc(1, sizeof(struct encapsulation));
}

static int begin(void *ctx, void *key, const OSSL_PARAM params[])
{
    struct encapsulation *e = ctx;
    (void)params;
    e->key = key;
    return key != NULL;
}

static int encapsulate(void *ctx, unsigned char *out, size_t *out_len, unsigned char *secret,
                       size_t *secret_len)
{
    const struct encapsulation *e = ctx;
    *out_len = KEY_LEN;
    *secret_len = KEY_LEN;
    if (!out) /* only asks how much there will be */
        return 1;
    void *exchange = use.exchange_new(use.context);
    bool ok = exchange && agree(exchange, e->key, out, secret);
    free_exchange(exchange);
    return ok;
}

static int decapsulate(void *ctx, unsigned char *secret, size_t *secret_len,
                       const unsigned char *in, size_t len)
{
    const struct encapsulation *e = ctx;
    *secret_len = KEY_LEN;
    if (len != KEY_LEN)
        return 0;
    if (!secret)
        return 1;
    void *exchange = use.exchange_new(use.context);
    bool ok = exchange && meet(exchange, e->key, in, secret);
    free_exchange(exchange);
    return ok;
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
