/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/library.h"

#include "gateway/base/attr.h"
#include "gateway/crypto/kdf_library.h"
#include "gateway/crypto/provider.h"
#include "gateway/crypto/x25519_lanes.h"
#include "gateway/tls/context.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>

static enum gw_crypto asked;
static bool refused; /* ours are refused; why_not_ours says why */
static OSSL_LIB_CTX *library;
static struct gw_provider *provider; /* the algorithms of our own; NULL: the next provider */
static OSSL_PROVIDER *plain;         /* libcrypto's own */
static char why_not_ours[GW_PROVIDER_WHY_MAX];
static const char *trouble = "";
static unsigned users;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards all of these */

static void unmake(void)
{
    gw_kdf_library_end();
    gw_provider_leave(provider);
    if (plain)
        (void)OSSL_PROVIDER_unload(plain);
    plain = NULL;
    OSSL_LIB_CTX_free(library);
    library = NULL;
    gw_provider_free(provider);
    provider = NULL;
}

/* The ssl section of a configuration file is global to the process and would apply to every
 * SSL_CTX, ours included. In addition, libcrypto would copy the names of all its legacy ciphers
 * into each library context, which iterates over them for each operation with a key. The first
 * initialization decides both. */
bool gw_tls_library_begin(void)
{
    return OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ADD_ALL_CIPHERS, NULL) ==
           1;
}

/* A key in an older form of PEM (RFC 1421) is encrypted by a cipher that libcrypto looks up by name
 * among those of the process. A library context copies these names at its first use, so load them
 * before. */
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

/* On false the caller cleans up. */
static bool make_with_ours(void)
{
    why_not_ours[0] = '\0';
    library = OSSL_LIB_CTX_new();
    provider = library ? gw_provider_new(library, why_not_ours) : NULL;
    return provider != NULL;
}

static bool make_plain(void)
{
    library = OSSL_LIB_CTX_new();
    plain = library ? OSSL_PROVIDER_load(library, "default") : NULL;
    return plain && gw_kdf_library_begin(library);
}

static const char *make(void)
{
    if (!gw_tls_library_begin())
        return "libssl cannot be initialized";
    if (asked == GW_CRYPTO_LIBRARY || refused || !make_with_ours()) {
        unmake();
        if (!make_plain())
            return "libcrypto lacks its default provider, or TLS13-KDF or TLS1-PRF in it";
    }
    return name_ciphers_of_keys() ? NULL : "libcrypto has no SHA-256, or no memory";
}

static OSSL_LIB_CTX *get(void)
{
    if (users == 0) {
        trouble = make();
        if (trouble) {
            unmake();
            return NULL;
        }
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

const char *gw_tls_library_trouble(void)
{
    return trouble;
}

void gw_tls_library_use(enum gw_crypto crypto)
{
    (void)pthread_mutex_lock(&lock);
    gw_require(users == 0 || crypto == asked);
    refused &= crypto == asked;
    asked = crypto;
    (void)pthread_mutex_unlock(&lock);
}

void gw_tls_library_refuse(const char *why)
{
    (void)pthread_mutex_lock(&lock);
    gw_require(users == 0);
    refused = true;
    (void)snprintf(why_not_ours, sizeof(why_not_ours), "%s", why);
    (void)pthread_mutex_unlock(&lock);
}

bool gw_tls_library_is_ours(void)
{
    return provider != NULL;
}

static const char *x25519_means(void)
{
    if (gw_x25519_lanes_wrong())
        return "libcrypto's ladder, because this processor's AVX-512 IFMA does not compute the "
               "keys of RFC 7748";
    if (gw_x25519_ladder_works())
        return "AVX-512 IFMA";
    return gw_x25519_lanes_work() ? "keys by libcrypto_mb" : "libcrypto's ladder";
}

bool gw_tls_library_describe(char text[GW_LIBRARY_TEXT_MAX])
{
    bool as_asked = asked == GW_CRYPTO_LIBRARY;
    if (!gw_tls_library_get()) {
        (void)snprintf(text, GW_LIBRARY_TEXT_MAX, "nothing: %s", trouble);
        return false;
    }
    if (as_asked)
        (void)snprintf(text, GW_LIBRARY_TEXT_MAX, "libcrypto alone, as set by --crypto library");
    else if (!provider)
        (void)snprintf(text, GW_LIBRARY_TEXT_MAX, "libcrypto alone, because %s", why_not_ours);
    else
        (void)snprintf(text, GW_LIBRARY_TEXT_MAX,
                       "our own key schedule, HMAC and X25519 (%s) within OpenSSL", x25519_means());
    as_asked |= provider ? !gw_x25519_lanes_wrong() : !gw_provider_is_built();
    gw_tls_library_put();
    return as_asked;
}

const char *gw_tls_library_version(void)
{
    return OpenSSL_version(OPENSSL_VERSION);
}
