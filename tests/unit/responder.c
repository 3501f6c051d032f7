/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/responder.h"

#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <stdio.h>
#include <stdlib.h>

#define must(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "%s:%d: %s failed\n", __FILE__, __LINE__, #cond);                      \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

const char *test_dir_ocsp(struct test_dir *dir, const char *name, const struct test_ocsp_spec *spec)
{
    const struct test_cert *issuer = spec->about->issuer;
    const struct test_cert *signer = spec->signer ? spec->signer : issuer;
    bool usual = !spec->begins && !spec->ends;
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_CERTID *id = OCSP_cert_to_id(NULL, spec->about->x509, issuer->x509);
    ASN1_TIME *begins = X509_gmtime_adj(NULL, usual ? -3600 : spec->begins);
    ASN1_TIME *ends = X509_gmtime_adj(NULL, usual ? 86400 : spec->ends);
    ASN1_TIME *revoked = X509_gmtime_adj(NULL, -7200);
    bool is_revoked = spec->status == V_OCSP_CERTSTATUS_REVOKED;
    must(basic && id && begins && ends && revoked);
    must(OCSP_basic_add1_status(basic, id, spec->status, OCSP_REVOKED_STATUS_KEYCOMPROMISE,
                                is_revoked ? revoked : NULL, begins, spec->endless ? NULL : ends));
    must(OCSP_basic_sign(basic, signer->x509, signer->key, EVP_sha256(), NULL,
                         spec->signer ? 0 : OCSP_NOCERTS));
    OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    unsigned char *der = NULL;
    int len = i2d_OCSP_RESPONSE(response, &der);
    must(len > 0);
    const char *path = test_dir_file(dir, name, der, (size_t)len);
    OPENSSL_free(der);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    OCSP_CERTID_free(id);
    ASN1_TIME_free(begins);
    ASN1_TIME_free(ends);
    ASN1_TIME_free(revoked);
    return path;
}
