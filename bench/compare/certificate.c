/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/compare/certificate.h"

#include "gateway/pki/certificate.h"
#include "gateway/pki/key.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <time.h>

/* Longer than any comparison takes. */
#define VALID_S (INT64_C(30) * 86400)

static EVP_PKEY *make_key(enum bench_key_type type)
{
    return type == BENCH_KEY_RSA_2048 ? EVP_RSA_gen(2048U) : EVP_EC_gen("P-256");
}

int bench_certificate_make(enum bench_key_type type, struct gw_pki_text *ret_cert,
                           struct gw_pki_text *ret_key, struct gw_error *err)
{
    static const struct gw_pki_request request = {
        .kind = GW_PKI_SERVER,
        .name = "localhost",
        .sans = {{GW_PKI_SAN_DNS, "localhost"}, {GW_PKI_SAN_IP, "127.0.0.1"}},
        .san_count = 2,
    };
    int64_t now = (int64_t)time(NULL);
    struct gw_pki_draft draft = {
        .kind = GW_PKI_SERVER,
        .name = request.name,
        .request = &request,
        .key = make_key(type),
        .from = now - GW_PKI_BACKDATE_S,
        .until = now + VALID_S,
    };
    X509 *cert = NULL;
    int r = draft.key && !gw_pki_serial_make(&draft.serial, NULL)
                ? gw_pki_certificate_make(&cert, &draft, NULL, err)
                : gw_pki_key_error("make a key", err);
    if (!r)
        r = gw_pki_certificate_write(ret_cert, cert, err);
    if (!r)
        r = gw_pki_key_write(ret_key, draft.key, NULL, NULL, err);
    X509_free(cert);
    EVP_PKEY_free(draft.key);
    return r;
}
