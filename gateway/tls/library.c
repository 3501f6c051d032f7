/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/library.h"

#include "gateway/base/attr.h"
#include "gateway/crypto/provider.h"
#include "gateway/tls/context.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
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

/* The ssl section of a configuration file is global to the process and would be applied to every
 * SSL_CTX, ours too. And the names of all ciphers that libcrypto had before it had providers would
 * go into each library context, which walks over them for each operation with a key. The first
 * initialisation decides of both. */
static bool begin(void)
{
    return OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ADD_ALL_CIPHERS, NULL) ==
           1;
}

/* A key in an older form of PEM (RFC 1421) is encrypted by a cipher of that name, which is looked
 * for among those of the process. A library context takes the names of these at its first use, so
 * it is used before. */
static bool name_ciphers_of_keys(void)
{
    const EVP_CIPHER *const ciphers[] = {
        EVP_des_ede3_cbc(),     EVP_aes_128_cbc(),      EVP_aes_192_cbc(),      EVP_aes_256_cbc(),
        EVP_camellia_128_cbc(), EVP_camellia_192_cbc(), EVP_camellia_256_cbc(), EVP_aria_128_cbc(),
        EVP_aria_192_cbc(),     EVP_aria_256_cbc(),
    };
    EVP_MD *used = EVP_MD_fetch(library, "SHA256", NULL);
    bool ok = used != NULL;
    EVP_MD_free(used);
    for (size_t i = 0; i < GW_ARRAY_SIZE(ciphers); i++)
        ok = ok && EVP_add_cipher(ciphers[i]) == 1;
    return ok;
}

static bool make(void)
{
    library = OSSL_LIB_CTX_new();
    provider = library ? gw_provider_new(library) : NULL;
    if (provider && name_ciphers_of_keys())
        return true;
    unmake();
    return false;
}

static OSSL_LIB_CTX *get(void)
{
    if (users == 0 && (!begin() || !make()))
        return NULL;
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
