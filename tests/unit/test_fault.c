/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway/tls/fault: the words for a refused certificate name what is missing. The log has them
 * after a handshake, and check --explain prints the same.
 */
#include "gateway/tls/explain.h"
#include "gateway/tls/fault.h"
#include "tests/unit/duo.h"
#include "tests/unit/lists.h"

#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NO_ISSUER "unable to get local issuer certificate: "

/* What check --explain prints about a certificate, and `more` behind it in the file. */
static void explains(const struct tlsworld *w, const struct gw_tls_side *side,
                     const struct test_cert *cert, const struct test_cert *more, const char *words)
{
    struct gw_tls_context *tls = tlsworld_context(side, NULL);
    struct gw_error err;
    struct gw_explained e;
    const char *path = test_dir_cert(w->dir, "explained.pem", cert, more);
    assert_int_equal(gw_explain(tls, side, path, NULL, &e, &err), 0);
    assert_string_equal(e.why, words);
    gw_explained_done(&e);
    gw_tls_context_free(tls);
}

/* A client that sends the certificate and `more` is refused with these words. */
static void client_gets(const struct tlsworld *w, const struct gw_tls_side *side,
                        const struct test_cert *cert, const struct test_cert *more,
                        const char *words)
{
    struct gw_tls_context *tls = tlsworld_context(side, NULL);
    SSL_CTX *ctx = tlspair_client_ctx(w, 0);
    struct tlspair p;
    tlspair_show(ctx, cert);
    if (more)
        assert_true(SSL_CTX_add1_chain_cert(ctx, more->x509));
    tlspair_init(&p, tls, ctx, NULL);
    assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_FAILED);
    assert_string_equal(gw_handshake_detail(p.server), words);
    tlspair_done(&p);
    SSL_CTX_free(ctx);
    gw_tls_context_free(tls);
    explains(w, side, cert, more, words);
}

/* A target with this certificate is refused with these words. */
static void target_gets(const struct tlsworld *w, const char *target, const struct test_cert *cert,
                        const char *words)
{
    struct duo d;
    plan(w, &d);
    d.at.certs[0].cert_file = test_dir_cert(w->dir, "target.pem", cert, NULL);
    d.at.certs[0].key_file = test_dir_key(w->dir, "target.key", cert);
    d.at.cert_count = 1;
    d.to.peer_name = target;
    build(&d);
    shake_hands(&d);
    assert_int_equal(d.client_verdict, GW_HANDSHAKE_FAILED);
    assert_string_equal(gw_handshake_detail(d.client), words);
    explains(w, &d.to, cert, NULL, words);
    destroy(&d);
}

/* ---- the issuer ---- */

static void the_missing_issuer_is_named(void **state)
{
    const struct tlsworld *w = *state;
    struct test_cert *middle = test_cert_new(
        &(struct test_cert_spec){.cn = "Middle CA", .ca = true, .issuer = w->foreign_ca});
    struct test_cert *leaf = test_cert_new(
        &(struct test_cert_spec){.cn = "leaf", .san = "DNS:gate.test", .issuer = middle});
    struct gw_tls_side side = side_with(w, NULL);
    client_gets(w, &side, w->client_foreign, NULL, NO_ISSUER "CN=Foreign CA");
    client_gets(w, &side, leaf, NULL, NO_ISSUER "CN=Middle CA");
    client_gets(w, &side, leaf, middle, NO_ISSUER "CN=Foreign CA");
    client_gets(w, &side, w->client_foreign, w->foreign_ca,
                "self-signed certificate in certificate chain: CN=Foreign CA");
    target_gets(w, "gate.test", leaf, NO_ISSUER "CN=Middle CA");
    test_cert_free(leaf);
    test_cert_free(middle);
}

/* A peer may write any bytes as the name of its issuer. */
static void the_name_of_an_issuer_is_escaped_and_cut(void **state)
{
    static const struct {
        const char *cn;
        const char *words;
    } rows[] = {
        {"a, \"b\"\n\x1b[2J\xc2\x9b", NO_ISSUER "CN=a\\, \\\"b\\\"\\0a\\1b[2J\\c2\\9b"},
        {"0123456789012345678901234567890123456789012345678901234567890123", NULL},
    };
    const struct tlsworld *w = *state;
    struct gw_tls_side side = side_with(w, NULL);
    char wide[GW_FAULT_MAX] = NO_ISSUER "CN=";
    (void)strncat(wide, rows[1].cn, sizeof(wide) - strlen(wide) - 1);
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        struct test_cert *ca =
            test_cert_new(&(struct test_cert_spec){.cn = rows[i].cn, .ca = true});
        struct test_cert *cert = test_cert_new(&(struct test_cert_spec){.cn = "eve", .issuer = ca});
        client_gets(w, &side, cert, NULL, rows[i].words ? rows[i].words : wide);
        test_cert_free(cert);
        test_cert_free(ca);
    }
}

/* ---- the names of a target ---- */

static void wanted_and_present_names_are_said(void **state)
{
    static const struct {
        const char *target;
        const char *san;
        const char *words;
    } rows[] = {
        {"gate.test", "DNS:other.test",
         "hostname mismatch: wanted gate.test; the certificate has other.test"},
        {"gate.test", "DNS:a.test,URI:spiffe://x/y,IP:192.0.2.1",
         "hostname mismatch: wanted gate.test; the certificate has a.test, 192.0.2.1"},
        {"127.0.0.1", "DNS:gate.test,IP:::1",
         "IP address mismatch: wanted 127.0.0.1; the certificate has gate.test, ::1"},
        {"gate.test", NULL,
         "hostname mismatch: wanted gate.test; the certificate has no DNS name and no address"},
        {"gate.test",
         "DNS:1.test,DNS:2.test,DNS:3.test,DNS:4.test,DNS:5.test,DNS:6.test,DNS:7.test",
         "hostname mismatch: wanted gate.test; the certificate has 1.test, 2.test, 3.test, 4.test, "
         "5.test and 2 more"},
        {"0123456789012345678901234567890123456789012345678901234567890.gate.gate.gate.gate.test",
         "DNS:0123456789012345678901234567890123456789012345678901234567890.other.test",
         "hostname mismatch: wanted "
         "0123456789012345678901234567890123456789012345678901234567890.gate.gate.gate.gat...; the "
         "certificate has 012345678901234567890123456789012345678901234567890123456789..."},
    };
    const struct tlsworld *w = *state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        struct test_cert *cert = test_cert_new(
            &(struct test_cert_spec){.cn = "server", .san = rows[i].san, .issuer = w->ca});
        target_gets(w, rows[i].target, cert, rows[i].words);
        test_cert_free(cert);
    }
}

static void a_long_text_is_cut(void **state)
{
    char san[5 * 72] = "";
    const struct tlsworld *w = *state;
    struct duo d;
    for (char i = '1'; i <= '5'; i++)
        (void)snprintf(san + strlen(san), sizeof(san) - strlen(san), "%sDNS:%c-%053d.test",
                       *san ? "," : "", i, 0);
    struct test_cert *cert =
        test_cert_new(&(struct test_cert_spec){.cn = "server", .san = san, .issuer = w->ca});
    plan(w, &d);
    d.at.certs[0].cert_file = test_dir_cert(w->dir, "target.pem", cert, NULL);
    d.at.certs[0].key_file = test_dir_key(w->dir, "target.key", cert);
    d.at.cert_count = 1;
    build(&d);
    shake_hands(&d);
    const char *words = gw_handshake_detail(d.client);
    assert_int_equal(strlen(words), GW_FAULT_MAX - 1);
    assert_string_equal(words + strlen(words) - 3, "...");
    destroy(&d);
    test_cert_free(cert);
}

/* ---- revocation lists ---- */

#define FIRST "http://crl.test/1.crl"
#define SECOND "http://crl.test/2.crl"

static void cas_only(X509_CRL *crl)
{
    ISSUING_DIST_POINT *idp = new_scope();
    idp->onlyCA = 0xff;
    add_scope(crl, idp);
}

static void users_of_first(X509_CRL *crl)
{
    static const char *const uris[] = {FIRST, NULL};
    ISSUING_DIST_POINT *idp = scope_of(uris);
    idp->onlyuser = 0xff;
    add_scope(crl, idp);
}

static void first(X509_CRL *crl)
{
    static const char *const uris[] = {FIRST, NULL};
    add_scope(crl, scope_of(uris));
}

/* Each list covers another part of the CA's certificates. */
static void the_lists_that_do_not_cover_it_are_said(void **state)
{
    const struct tlsworld *w = *state;
    const struct {
        const char *points;
        void (*tweaks[2])(X509_CRL *crl);
        const char *words;
    } rows[] = {
        {"URI:" SECOND,
         {first},
         "no CRL covers it: wanted one for users at " SECOND "; there is one for " FIRST},
        {"URI:" SECOND ",URI:http://crl.test/\x7f",
         {users_of_first, cas_only},
         "no CRL covers it: wanted one for users at " SECOND
         ", http://crl.test/?; there is one for users at " FIRST ", CAs"},
        {NULL, {cas_only}, "no CRL covers it: wanted one for users; there is one for CAs"},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        struct test_cert *cert = test_cert_new(
            &(struct test_cert_spec){.cn = "device", .points = rows[i].points, .issuer = w->ca});
        X509_CRL *a =
            test_crl_new(&(struct test_crl_spec){.ca = w->ca, .tweak = rows[i].tweaks[0]});
        X509_CRL *b = NULL;
        if (rows[i].tweaks[1])
            b = test_crl_new(&(struct test_crl_spec){.ca = w->ca, .tweak = rows[i].tweaks[1]});
        struct gw_tls_side side = side_with(w, test_dir_crl(w->dir, "part.crl", a, b));
        struct gw_tls_context *tls = tlsworld_context(&side, NULL);
        meets(w, tls, cert, NULL, GW_REASON_CERT_NO_CRL, UNKNOWN_CA);
        gw_tls_context_free(tls);
        client_gets(w, &side, cert, NULL, rows[i].words);
        X509_CRL_free(a);
        X509_CRL_free(b);
        test_cert_free(cert);
    }
}

/* The CA in --cacert has an issuer there, which could have revoked it. */
static void a_ca_that_no_list_covers_is_named(void **state)
{
    static const char words[] =
        "no CRL covers it: CN=Middle CA: wanted one for CAs at " SECOND "; there is one for " FIRST;
    const struct tlsworld *w = *state;
    struct test_cert *middle = test_cert_new(&(struct test_cert_spec){
        .cn = "Middle CA", .ca = true, .points = "URI:" SECOND, .issuer = w->ca});
    struct test_cert *leaf =
        test_cert_new(&(struct test_cert_spec){.cn = "leaf", .issuer = middle});
    struct gw_tls_side side =
        side_with(w, crl_of(w, &(struct test_crl_spec){.ca = w->ca, .tweak = first}));
    side.cacerts[1] = test_dir_cert(w->dir, "middle.pem", middle, NULL);
    side.crls[1] = crl_file(w, "middle.crl", middle, NULL, NULL);
    client_gets(w, &side, leaf, NULL, words);
    test_cert_free(leaf);
    test_cert_free(middle);
}

static void a_ca_without_a_list_is_named(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side = side_with(w, crl_file(w, "one.crl", w->ca, NULL, NULL));
    side.cacerts[1] = test_dir_cert(w->dir, "foreign.pem", w->foreign_ca, NULL);
    client_gets(w, &side, w->client_foreign, NULL, "unable to get certificate CRL: CN=Foreign CA");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_missing_issuer_is_named),
        cmocka_unit_test(the_name_of_an_issuer_is_escaped_and_cut),
        cmocka_unit_test(wanted_and_present_names_are_said),
        cmocka_unit_test(a_long_text_is_cut),
        cmocka_unit_test(the_lists_that_do_not_cover_it_are_said),
        cmocka_unit_test(a_ca_that_no_list_covers_is_named),
        cmocka_unit_test(a_ca_without_a_list_is_named),
    };
    return cmocka_run_group_tests(tests, tlsworld_setup, tlsworld_teardown);
}
