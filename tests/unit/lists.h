/* SPDX-License-Identifier: Apache-2.0 */
/* Services that verify clients, with lists of revoked certificates, and what clients meet there. */
#pragma once

#include "tests/unit/tlspair.h"

#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static inline struct gw_tls_side side_with(const struct tlsworld *w, const char *crl)
{
    struct gw_tls_side side;
    tlsworld_side(w, &side);
    side.cert_count = 1;
    side.verify = GW_VERIFY_REQUIRED;
    side.cacerts[0] = w->ca_file;
    side.crls[0] = crl;
    return side;
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
static inline void refused(const struct gw_tls_side *side, enum gw_exit exit, const char *says)
{
    struct gw_tls_context *tls = NULL;
    struct gw_error err = {.text = ""};
    int r = gw_tls_context_new(&tls, side, NULL, NULL, &err);
    if (r == 0)
        fail_msg("accepted, but '%s' was expected", says);
    assert_int_equal(err.exit, exit);
    if (!strstr(err.text, "--crl ") || !strstr(err.text, says))
        fail_msg("'%s' does not say '%s'", err.text, says);
}

/* The scope of a list (RFC 5280 5.2.5): makes an empty one to fill. */
static inline ISSUING_DIST_POINT *new_scope(void)
{
    ISSUING_DIST_POINT *idp = ISSUING_DIST_POINT_new();
    assert_non_null(idp);
    return idp;
}

/* Puts the scope into the list, which frees it. */
static inline void add_scope(X509_CRL *crl, ISSUING_DIST_POINT *idp)
{
    assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_issuing_distribution_point, idp, 1, 0), 1);
    ISSUING_DIST_POINT_free(idp);
}

/* One of distribution points with these names; NULL after the last. */
static inline ISSUING_DIST_POINT *scope_of(const char *const uris[])
{
    ISSUING_DIST_POINT *idp = new_scope();
    idp->distpoint = DIST_POINT_NAME_new();
    assert_non_null(idp->distpoint);
    idp->distpoint->type = 0;
    idp->distpoint->name.fullname = GENERAL_NAMES_new();
    for (size_t i = 0; uris[i]; i++) {
        GENERAL_NAME *name = GENERAL_NAME_new();
        ASN1_IA5STRING *uri = ASN1_IA5STRING_new();
        assert_true(name && uri && ASN1_STRING_set(uri, uris[i], -1));
        GENERAL_NAME_set0_value(name, GEN_URI, uri);
        assert_true(sk_GENERAL_NAME_push(idp->distpoint->name.fullname, name));
    }
    return idp;
}

/* ---- admission ---- */

/* Alerts (RFC 8446 6.2). */
enum {
    BAD_CERTIFICATE = 42,
    REVOKED = 44,
    EXPIRED = 45,
    UNKNOWN_CA = 48,
};

/* A client with this certificate, sent along with `middle` (NULL: nothing), gets that answer. */
static inline void meets(const struct tlsworld *w, struct gw_tls_context *tls,
                         const struct test_cert *cert, const struct test_cert *middle,
                         enum gw_reason reason, int alert)
{
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_CTX *ctx = tlspair_client_ctx(w, version);
        struct tlspair p;
        tlspair_show(ctx, cert);
        if (middle)
            assert_true(SSL_CTX_add1_chain_cert(ctx, middle->x509));
        tlspair_init(&p, tls, ctx, NULL);
        enum gw_handshake_verdict verdict = tlspair_run(&p);
        assert_int_equal(verdict,
                         reason == GW_REASON_NONE ? GW_HANDSHAKE_DONE : GW_HANDSHAKE_FAILED);
        assert_int_equal(gw_handshake_reason(p.server), reason);
        if (reason != GW_REASON_NONE) {
            (void)SSL_do_handshake(p.client);
            char none;
            (void)SSL_read(p.client, &none, 1);
            assert_int_equal(p.client_alert, alert);
        }
        tlspair_done(&p);
        SSL_CTX_free(ctx);
    }
}

static inline void meets_once(const struct tlsworld *w, const struct gw_tls_side *side,
                              const struct test_cert *cert, enum gw_reason reason, int alert)
{
    struct gw_tls_context *tls = tlsworld_context(side, NULL);
    meets(w, tls, cert, NULL, reason, alert);
    gw_tls_context_free(tls);
}
