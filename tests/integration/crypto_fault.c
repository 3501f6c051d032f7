/* SPDX-License-Identifier: Apache-2.0 */
/*
 * To be preloaded: see crypto_fault.h. Only what the program itself calls is at fault. Libraries
 * get what they expect, as after an update of libcrypto that changed what our algorithms rely on.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "tests/integration/crypto_fault.h"

#include <dlfcn.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define PUBLIC __attribute__((visibility("default")))

static bool is_of_library(const void *code)
{
    Dl_info info;
    return !dladdr(code, &info) || !info.dli_fname || strstr(info.dli_fname, ".so");
}

static bool faulty_for(const void *caller, const char *name)
{
    const char *fault = getenv(CRYPTO_FAULT);
    return fault && strcmp(fault, name) == 0 && !is_of_library(caller);
}

#define faulty(name) faulty_for(__builtin_return_address(0), name)

/* Calls what libcrypto has under the name of the function that it stands in. */
#define REAL(type, ...) (((type(*)(__VA_ARGS__))(uintptr_t)dlsym(RTLD_NEXT, __func__)))

PUBLIC int SHA256_Init(SHA256_CTX *c)
{
    int r = REAL(int, SHA256_CTX *)(c);
    c->h[0] ^= faulty(__func__);
    return r;
}

PUBLIC int SHA256_Update(SHA256_CTX *c, const void *data, size_t len)
{
    return REAL(int, SHA256_CTX *, const void *, size_t)(c, data, len - (len && faulty(__func__)));
}

PUBLIC int SHA256_Final(unsigned char *md, SHA256_CTX *c)
{
    int r = REAL(int, unsigned char *, SHA256_CTX *)(md, c);
    md[31] ^= faulty(__func__);
    return r;
}

PUBLIC int SHA384_Update(SHA512_CTX *c, const void *data, size_t len)
{
    return REAL(int, SHA512_CTX *, const void *, size_t)(c, data, len - (len && faulty(__func__)));
}

PUBLIC int SHA384_Final(unsigned char *md, SHA512_CTX *c)
{
    int r = REAL(int, unsigned char *, SHA512_CTX *)(md, c);
    md[47] ^= faulty(__func__);
    return r;
}

PUBLIC int RAND_priv_bytes(unsigned char *buf, int num)
{
    if (!faulty(CRYPTO_FAULT_KEYS))
        return faulty(__func__) ? 0 : REAL(int, unsigned char *, int)(buf, num);
    for (int i = 0; i < num; i++)
        buf[i] = (unsigned char)CRYPTO_FAULT_KEY[i % CRYPTO_FAULT_KEY_LEN];
    return 1;
}

PUBLIC const OSSL_ALGORITHM *OSSL_PROVIDER_query_operation(const OSSL_PROVIDER *provider,
                                                           int operation, int *no_cache)
{
    return faulty(__func__) ? NULL
                            : REAL(const OSSL_ALGORITHM *, const OSSL_PROVIDER *, int,
                                   int *)(provider, operation, no_cache);
}

PUBLIC int OSSL_PROVIDER_get_capabilities(const OSSL_PROVIDER *provider, const char *capability,
                                          OSSL_CALLBACK *callback, void *arg)
{
    return faulty(__func__) ? 1
                            : REAL(int, const OSSL_PROVIDER *, const char *, OSSL_CALLBACK *,
                                   void *)(provider, capability, callback, arg);
}

PUBLIC int OSSL_PROVIDER_add_builtin(OSSL_LIB_CTX *library, const char *name,
                                     OSSL_provider_init_fn *init)
{
    return faulty(__func__) ? 0
                            : REAL(int, OSSL_LIB_CTX *, const char *,
                                   OSSL_provider_init_fn *)(library, name, init);
}
