/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/library.h"

#include "gateway/base/attr.h"
#include "gateway/tls/context.h"
#include "gateway/tls/provider.h"

#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <pthread.h>

static OSSL_LIB_CTX *library;
static struct gw_provider *provider; /* what it computes with */
static unsigned users;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of both */

static void unmake(void)
{
    gw_provider_leave(provider);
    OSSL_LIB_CTX_free(library);
    library = NULL;
    gw_provider_free(provider);
    provider = NULL;
}

static bool make(void)
{
    library = OSSL_LIB_CTX_new();
    provider = library ? gw_provider_new(library) : NULL;
    if (provider)
        return true;
    unmake();
    return false;
}

static OSSL_LIB_CTX *get(void)
{
    if (users == 0) {
        /* The ssl section of a configuration file is global to the process and would be applied to
         * every SSL_CTX, ours too; the first initialisation decides whether a file is read. */
        if (!OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL))
            return NULL;
        if (!make())
            return NULL;
    }
    users++;
    return library;
}

OSSL_LIB_CTX *gw_tls_library_get(void)
{
    (void)pthread_mutex_lock(&lock);
    OSSL_LIB_CTX *got = get();
    (void)pthread_mutex_unlock(&lock);
    return got;
}

void gw_tls_library_put(void)
{
    (void)pthread_mutex_lock(&lock);
    gw_require(users > 0);
    if (--users == 0)
        unmake();
    (void)pthread_mutex_unlock(&lock);
}

const char *gw_tls_library_version(void)
{
    return OpenSSL_version(OPENSSL_VERSION);
}
