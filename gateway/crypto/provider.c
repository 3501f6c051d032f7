/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/crypto/provider.h"

#include "gateway/base/attr.h"
#include "gateway/crypto/algorithm.h"
#include "gateway/crypto/mac.h"
#include "gateway/crypto/schedule.h"
#include "gateway/crypto/x25519.h"
#include "gateway/crypto/x25519_stock.h"

#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/provider.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NAME "ktlsgate"

enum {
    ROWS_MAX = 256
};

/* The default provider's algorithms for one operation, with some replaced by ours. */
struct rows {
    OSSL_ALGORITHM rows[ROWS_MAX + 1];
};

/* The operations with an algorithm of ours, or with some left out. */
enum changed {
    KDFS,
    KEYS,
    EXCHANGES,
    KEMS,
    MACS,
    SIGNATURES,
    CIPHERS,
    CHANGED
};

static const int operations[CHANGED] = {
    [KDFS] = OSSL_OP_KDF,       [KEYS] = OSSL_OP_KEYMGMT, [EXCHANGES] = OSSL_OP_KEYEXCH,
    [KEMS] = OSSL_OP_KEM,       [MACS] = OSSL_OP_MAC,     [SIGNATURES] = OSSL_OP_SIGNATURE,
    [CIPHERS] = OSSL_OP_CIPHER,
};

/* The default provider is loaded in a library context of its own: there it is complete, and fetches
 * what it needs. */
struct gw_provider {
    OSSL_LIB_CTX *base;
    OSSL_PROVIDER *whole;
    OSSL_PROVIDER *shown; /* our provider, in the context that it was made for */
    struct rows changed[CHANGED];
};

/* libcrypto calls init without an argument, and the other functions with a context that is the
 * default provider's, as its algorithms require. So ours is found here; a process has one at a
 * time. */
static struct gw_provider *current;

bool gw_provider_is_built(void)
{
    return true;
}

/* Copies the default provider's rows. False: there is no room for all of them and ours. */
static bool copy_rows(const struct gw_provider *p, int operation, struct rows *ret)
{
    int no_cache = 0;
    const OSSL_ALGORITHM *a = OSSL_PROVIDER_query_operation(p->whole, operation, &no_cache);
    int count = 0;
    for (; a && a->algorithm_names && count < ROWS_MAX - 1; a++)
        ret->rows[count++] = *a;
    return !a || !a->algorithm_names;
}

static OSSL_ALGORITHM *end_of(struct rows *r)
{
    OSSL_ALGORITHM *a = r->rows;
    while (a->algorithm_names)
        a++;
    return a;
}

/* Replaces an algorithm's functions by ours. */
static bool replace(struct rows *r, const char *name, const OSSL_DISPATCH *functions)
{
    for (OSSL_ALGORITHM *a = r->rows; a->algorithm_names; a++)
        if (gw_algorithm_is(a, name)) {
            a->implementation = functions;
            return true;
        }
    return false;
}

__attribute__((format(printf, 2, 3))) static bool fail(char why[GW_PROVIDER_WHY_MAX],
                                                       const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why, GW_PROVIDER_WHY_MAX, format, args);
    va_end(args);
    return false;
}

static bool replace_all(struct rows *changed, char why[GW_PROVIDER_WHY_MAX])
{
    const struct {
        enum changed of;
        const char *name;
        const OSSL_DISPATCH *functions;
    } ours[] = {
        {KDFS, "TLS13-KDF", gw_schedule_functions},
        {KDFS, "TLS1-PRF", gw_schedule_prf_functions},
        {KEYS, "X25519", gw_x25519_keys()},
        {EXCHANGES, "X25519", gw_x25519_exchange()},
        {KEYS, "HMAC", gw_mac_key_functions},
        {MACS, "HMAC", gw_mac_functions},
        {SIGNATURES, "HMAC", gw_mac_signature_functions},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(ours); i++)
        if (!replace(&changed[ours[i].of], ours[i].name, ours[i].functions))
            return fail(why, "libcrypto has no %s", ours[i].name);
    return true;
}

/* The algorithms kept: all suites of TLS, so that --ciphers can distinguish refused from unknown
 * ones; random numbers; and keys in files (library.c). For each operation with a key libcrypto
 * iterates over the names of all its algorithms, most of which are other ciphers. */
static const char *const ciphers[] = {
    "AES-128-GCM",      "AES-256-GCM",  "ChaCha20-Poly1305", "AES-128-CCM",      "AES-256-CCM",
    "ARIA-128-GCM",     "ARIA-256-GCM", "AES-128-CBC",       "AES-192-CBC",      "AES-256-CBC",
    "ARIA-128-CBC",     "ARIA-192-CBC", "ARIA-256-CBC",      "CAMELLIA-128-CBC", "CAMELLIA-192-CBC",
    "CAMELLIA-256-CBC", "DES-EDE3-CBC", "AES-256-CTR",       "AES-256-ECB",
};

static bool is_cipher(const OSSL_ALGORITHM *a)
{
    for (size_t i = 0; i < GW_ARRAY_SIZE(ciphers); i++)
        if (gw_algorithm_is(a, ciphers[i]))
            return true;
    return false;
}

static void keep_ciphers(struct rows *r)
{
    OSSL_ALGORITHM *end = r->rows;
    for (const OSSL_ALGORITHM *a = r->rows; a->algorithm_names; a++)
        if (is_cipher(a))
            *end++ = *a;
    *end = (OSSL_ALGORITHM){NULL};
}

static bool collect(struct gw_provider *p, char why[GW_PROVIDER_WHY_MAX])
{
    for (int i = 0; i < CHANGED; i++)
        if (!copy_rows(p, operations[i], &p->changed[i]))
            return fail(why, "libcrypto has more than %d algorithms of one kind", ROWS_MAX - 1);
    keep_ciphers(&p->changed[CIPHERS]);
    *end_of(&p->changed[KEMS]) = gw_x25519_kem;
    const char *missing = gw_x25519_begin(p->whole);
    if (missing)
        return fail(why, "libcrypto has no %s", missing);
    return replace_all(p->changed, why);
}

static const OSSL_ALGORITHM *query(void *ctx, int operation, int *no_cache)
{
    (void)ctx;
    *no_cache = 0;
    for (int i = 0; i < CHANGED; i++)
        if (operations[i] == operation)
            return current->changed[i].rows;
    return OSSL_PROVIDER_query_operation(current->whole, operation, no_cache);
}

/* The callback of libssl that receives a capability. */
struct listener {
    OSSL_CALLBACK *callback;
    void *arg;
};

static int add_ours(const OSSL_PARAM params[], void *arg)
{
    const struct listener *l = arg;
    return gw_x25519_capability(params, l->callback, l->arg);
}

static int capabilities(void *ctx, const char *name, OSSL_CALLBACK *callback, void *arg)
{
    struct listener l = {.callback = callback, .arg = arg};
    (void)ctx;
    if (strcmp(name, "TLS-GROUP") != 0)
        return OSSL_PROVIDER_get_capabilities(current->whole, name, callback, arg);
    return OSSL_PROVIDER_get_capabilities(current->whole, name, add_ours, &l);
}

static const OSSL_DISPATCH functions[] = {
    {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query},
    {OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (void (*)(void))capabilities},
    {0, NULL},
};

static int init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out,
                void **ctx)
{
    (void)handle, (void)in;
    *out = functions;
    *ctx = OSSL_PROVIDER_get0_provider_ctx(current->whole);
    return 1;
}

static bool load(struct gw_provider *p, OSSL_LIB_CTX *library, char why[GW_PROVIDER_WHY_MAX])
{
    p->base = OSSL_LIB_CTX_new();
    p->whole = p->base ? OSSL_PROVIDER_load(p->base, "default") : NULL;
    if (!p->whole)
        return fail(why, "libcrypto has no default provider");
    if (!collect(p, why))
        return false;
    current = p;
    p->shown =
        OSSL_PROVIDER_add_builtin(library, NAME, init) ? OSSL_PROVIDER_load(library, NAME) : NULL;
    return p->shown || fail(why, "libcrypto does not load our provider");
}

struct gw_provider *gw_provider_new(OSSL_LIB_CTX *library, char why[GW_PROVIDER_WHY_MAX])
{
    struct gw_provider *p = calloc(1, sizeof(*p));
    if (p ? load(p, library, why) : fail(why, "memory ran out"))
        return p;
    gw_provider_free(p);
    return NULL;
}

void gw_provider_leave(struct gw_provider *p)
{
    if (p && p->shown)
        (void)OSSL_PROVIDER_unload(p->shown);
}

void gw_provider_free(struct gw_provider *p)
{
    if (!p)
        return;
    gw_x25519_stock_end();
    if (p->whole)
        (void)OSSL_PROVIDER_unload(p->whole);
    OSSL_LIB_CTX_free(p->base);
    free(p);
}
