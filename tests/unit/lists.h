/* SPDX-License-Identifier: Apache-2.0 */
/* Services with lists of revoked certificates, for the tests of those. */
#pragma once

#include "tests/unit/tlspair.h"

#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static inline struct gw_service service_with(const struct tlsworld *w, const char *crl)
{
    struct gw_service service;
    tlsworld_service(w, &service);
    service.cert_count = 1;
    service.verify = GW_VERIFY_REQUIRED;
    service.cacerts[0] = w->ca_file;
    service.crls[0] = crl;
    return service;
}

/* A CRL file of `ca` with up to two certificates in it. */
static inline const char *crl_file(const struct tlsworld *w, const char *name,
                                   const struct test_cert *ca, const struct test_cert *a,
                                   const struct test_cert *b)
{
    const struct test_cert *revoked[] = {a, b, NULL};
    X509_CRL *crl = test_crl_new(&(struct test_crl_spec){.ca = ca, .revoked = revoked});
    const char *path = test_dir_crl(w->dir, name, crl, NULL);
    X509_CRL_free(crl);
    return path;
}

static inline const char *crl_of(const struct tlsworld *w, const struct test_crl_spec *spec)
{
    X509_CRL *crl = test_crl_new(spec);
    const char *path = test_dir_crl(w->dir, "some.crl", crl, NULL);
    X509_CRL_free(crl);
    return path;
}

/* No context comes about, and the sentence holds these words. */
static inline void refused(const struct gw_service *service, enum gw_exit exit, const char *says)
{
    struct gw_tls_context *tls = NULL;
    struct gw_error err = {.text = ""};
    int r = gw_tls_context_new(&tls, service, NULL, NULL, &err);
    if (r == 0)
        fail_msg("accepted, but '%s' was expected", says);
    assert_int_equal(err.exit, exit);
    if (!strstr(err.text, "--crl ") || !strstr(err.text, says))
        fail_msg("'%s' does not say '%s'", err.text, says);
}

/* What a list is about (RFC 5280 5.2.5): an empty one to fill … */
static inline ISSUING_DIST_POINT *new_scope(void)
{
    ISSUING_DIST_POINT *idp = ISSUING_DIST_POINT_new();
    assert_non_null(idp);
    return idp;
}

/* … and then put into the list, which frees it. */
static inline void add_scope(X509_CRL *crl, ISSUING_DIST_POINT *idp)
{
    assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_issuing_distribution_point, idp, 1, 0), 1);
    ISSUING_DIST_POINT_free(idp);
}
