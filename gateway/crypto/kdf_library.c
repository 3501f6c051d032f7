/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/crypto/kdf_library.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

static EVP_KDF *schedule, *prf;

bool gw_kdf_library_begin(OSSL_LIB_CTX *library)
{
    EVP_KDF *new_schedule = EVP_KDF_fetch(library, OSSL_KDF_NAME_TLS1_3_KDF, NULL);
    EVP_KDF *new_prf = EVP_KDF_fetch(library, OSSL_KDF_NAME_TLS1_PRF, NULL);
    if (!new_schedule || !new_prf) {
        EVP_KDF_free(new_schedule);
        EVP_KDF_free(new_prf);
        return false;
    }
    gw_kdf_library_end();
    schedule = new_schedule;
    prf = new_prf;
    return true;
}

void gw_kdf_library_end(void)
{
    EVP_KDF_free(schedule);
    EVP_KDF_free(prf);
    schedule = prf = NULL;
}

bool gw_kdf_library_is_used(void)
{
    return schedule != NULL;
}

static OSSL_PARAM bytes_of(const char *name, const void *data, size_t len)
{
    return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)data, len);
}

static OSSL_PARAM name_of(enum gw_hash hash)
{
    const char *name = hash == GW_SHA384 ? "SHA384" : "SHA256";
    return OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)name, 0);
}

/* libcrypto wipes what its context held of the secret. */
static int derive(EVP_KDF *kdf, const OSSL_PARAM *params, uint8_t *out, size_t out_len)
{
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    int ok = ctx ? EVP_KDF_derive(ctx, out, out_len, params) : 0;
    EVP_KDF_CTX_free(ctx);
    return ok == 1 ? 0 : -EINVAL;
}

int gw_kdf_library_expand_label(enum gw_hash hash, const uint8_t *secret, size_t secret_len,
                                const char *label, const uint8_t *context, size_t context_len,
                                uint8_t *out, size_t out_len)
{
    int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
        name_of(hash),
        bytes_of(OSSL_KDF_PARAM_KEY, secret, secret_len),
        bytes_of(OSSL_KDF_PARAM_PREFIX, "tls13 ", 6),
        bytes_of(OSSL_KDF_PARAM_LABEL, label, strlen(label)),
        context_len ? bytes_of(OSSL_KDF_PARAM_DATA, context, context_len)
                    : OSSL_PARAM_construct_end(),
        OSSL_PARAM_construct_end(),
    };
    return derive(schedule, params, out, out_len);
}

int gw_kdf_library_prf(enum gw_hash hash, const uint8_t *secret, size_t secret_len,
                       const char *label, const uint8_t *seed_a, size_t seed_a_len,
                       const uint8_t *seed_b, size_t seed_b_len, uint8_t *out, size_t out_len)
{
    const OSSL_PARAM params[] = {
        name_of(hash),
        bytes_of(OSSL_KDF_PARAM_SECRET, secret, secret_len),
        bytes_of(OSSL_KDF_PARAM_SEED, label, strlen(label)),
        bytes_of(OSSL_KDF_PARAM_SEED, seed_a, seed_a_len),
        bytes_of(OSSL_KDF_PARAM_SEED, seed_b, seed_b_len),
        OSSL_PARAM_construct_end(),
    };
    return derive(prf, params, out, out_len);
}
