/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/provider.h"

#include "gateway/tls/schedule.h"

#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/provider.h>
#include <string.h>

#define NAME "ktlsgate"

enum {
    KDFS_MAX = 64
};

/* The default provider lives in a library context of its own: there it is whole, and what it needs
 * for itself it fetches there. */
struct gw_provider {
    OSSL_LIB_CTX *base;
    OSSL_PROVIDER *whole;
    OSSL_PROVIDER *shown; /* this one, in the context that it was made for */
    OSSL_ALGORITHM kdfs[KDFS_MAX + 1];
};

/* libcrypto calls init without an argument, and the rest with a context that is the default
 * provider's, as its algorithms want it. So ours is found here; a process has one at a time. */
static struct gw_provider *current;

static bool is_key_schedule(const OSSL_ALGORITHM *a)
{
    return !strcmp(a->algorithm_names, "TLS13-KDF");
}

/* Its derivations, with ours in the place of one. */
static bool collect_kdfs(struct gw_provider *p)
{
    int no_cache = 0;
    const OSSL_ALGORITHM *a = OSSL_PROVIDER_query_operation(p->whole, OSSL_OP_KDF, &no_cache);
    size_t count = 0;
    bool replaced = false;
    for (; a && a->algorithm_names && count < KDFS_MAX; a++) {
        p->kdfs[count] = *a;
        if (is_key_schedule(a)) {
            p->kdfs[count].implementation = gw_schedule_functions;
            replaced = true;
        }
        count++;
    }
    return replaced && !(a && a->algorithm_names);
}

static const OSSL_ALGORITHM *query(void *ctx, int operation, int *no_cache)
{
    (void)ctx;
    if (operation != OSSL_OP_KDF)
        return OSSL_PROVIDER_query_operation(current->whole, operation, no_cache);
    *no_cache = 0;
    return current->kdfs;
}

static int capabilities(void *ctx, const char *name, OSSL_CALLBACK *callback, void *arg)
{
    (void)ctx;
    return OSSL_PROVIDER_get_capabilities(current->whole, name, callback, arg);
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

static bool load(struct gw_provider *p, OSSL_LIB_CTX *library)
{
    p->base = OSSL_LIB_CTX_new();
    p->whole = p->base ? OSSL_PROVIDER_load(p->base, "default") : NULL;
    if (!p->whole || !collect_kdfs(p))
        return false;
    current = p;
    if (!OSSL_PROVIDER_add_builtin(library, NAME, init))
        return false;
    p->shown = OSSL_PROVIDER_load(library, NAME);
    return p->shown != NULL;
}

struct gw_provider *gw_provider_new(OSSL_LIB_CTX *library)
{
    struct gw_provider *p = calloc(1, sizeof(*p));
    if (p && load(p, library))
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
    if (p->whole)
        (void)OSSL_PROVIDER_unload(p->whole);
    OSSL_LIB_CTX_free(p->base);
    free(p);
}
