/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway/tls/revocation: whom CRLs keep out, in full handshakes and in resumed ones, now and when
 * they are too old.
 */
#include "gateway/base/fd.h"
#include "gateway/base/log.h"
#include "gateway/base/wipe.h"
#include "tests/unit/ahead.h"
#include "tests/unit/lists.h"
#include "tests/unit/tlspair.h"

#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static char warnings[4096];
static unsigned warning_count;

static void keep_warning(void *arg, enum gw_log_level level, const char *message)
{
    (void)arg;
    assert_int_equal(level, GW_LOG_WARNING);
    warning_count++;
    strncat(warnings, message, sizeof(warnings) - strlen(warnings) - 1);
}

static void forget_warnings(void)
{
    warnings[0] = '\0';
    warning_count = 0;
}

/* ---- worlds ---- */

/* A client with this certificate, sent along with `middle` (NULL: nothing), gets that answer. */
static void meets(const struct tlsworld *w, struct gw_tls_context *tls,
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

static void meets_once(const struct tlsworld *w, const struct gw_service *service,
                       const struct test_cert *cert, enum gw_reason reason, int alert)
{
    struct gw_tls_context *tls = tlsworld_context(service, NULL);
    meets(w, tls, cert, NULL, reason, alert);
    gw_tls_context_free(tls);
}

enum {
    REVOKED = 44,
    EXPIRED = 45,
    UNKNOWN_CA = 48,
};

/* ---- who is let in ---- */

static void the_revoked_are_refused(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_service service =
        service_with(w, crl_file(w, "one.crl", w->ca, w->client_other, w->client_future));
    struct gw_tls_context *tls = tlsworld_context(&service, NULL);
    meets(w, tls, w->client, NULL, GW_REASON_NONE, 0);
    meets(w, tls, w->client_other, NULL, GW_REASON_CERT_REVOKED, REVOKED);
    /* What else is wrong with a certificate is told first, and its serial says nothing. */
    meets(w, tls, w->client_foreign, NULL, GW_REASON_CERT_UNTRUSTED, UNKNOWN_CA);
    gw_tls_context_free(tls);
}

static void pem_der_several_and_folders(void **state)
{
    const struct tlsworld *w = *state;
    const struct test_cert *revoked[] = {w->client, NULL};
    X509_CRL *ours = test_crl_new(&(struct test_crl_spec){.ca = w->ca, .revoked = revoked});
    X509_CRL *theirs = test_crl_new(&(struct test_crl_spec){.ca = w->foreign_ca});
    unsigned char *der = NULL;
    int len = i2d_X509_CRL(ours, &der);
    const char *foreign = test_dir_cert(w->dir, "foreign.pem", w->foreign_ca, NULL);
    const char *both = test_dir_crl(w->dir, "both.crl", theirs, ours);
    const char *paths[] = {both, NULL, test_dir_folder(w->dir, "lists")};
    paths[1] = test_dir_file(w->dir, "lists/ours.der", der, (size_t)len);
    (void)test_dir_crl(w->dir, "lists/theirs.pem", theirs, NULL);
    (void)test_dir_file(w->dir, "lists/notes.txt", "none", 4);
    for (size_t i = 0; i < GW_ARRAY_SIZE(paths); i++) {
        struct gw_service service = service_with(w, paths[i]);
        service.cacerts[1] = foreign;
        if (i == 1)
            service.crls[1] = both;
        struct gw_tls_context *tls = tlsworld_context(&service, NULL);
        meets(w, tls, w->client, NULL, GW_REASON_CERT_REVOKED, REVOKED);
        meets(w, tls, w->client_other, NULL, GW_REASON_NONE, 0);
        meets(w, tls, w->client_foreign, NULL, GW_REASON_NONE, 0);
        gw_tls_context_free(tls);
    }
    OPENSSL_free(der);
    X509_CRL_free(ours);
    X509_CRL_free(theirs);
}

/* Two CAs are trusted, one has a CRL. */
static void a_ca_without_a_list_lets_nobody_in(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_service service = service_with(w, crl_file(w, "one.crl", w->ca, NULL, NULL));
    service.cacerts[1] = test_dir_cert(w->dir, "foreign.pem", w->foreign_ca, NULL);
    forget_warnings();
    struct gw_tls_context *tls = tlsworld_context(&service, NULL);
    assert_non_null(strstr(warnings, "no CRL is of /CN=Foreign CA;"));
    meets(w, tls, w->client, NULL, GW_REASON_NONE, 0);
    meets(w, tls, w->client_foreign, NULL, GW_REASON_CERT_NO_CRL, UNKNOWN_CA);
    gw_tls_context_free(tls);
    service.crl_soft = true;
    meets_once(w, &service, w->client_foreign, GW_REASON_NONE, 0);
}

struct tree {
    struct test_cert *middle;
    struct test_cert *leaf;
    const char *middle_file;
};

static struct tree grow(const struct tlsworld *w)
{
    struct tree t;
    t.middle =
        test_cert_new(&(struct test_cert_spec){.cn = "Middle CA", .ca = true, .issuer = w->ca});
    t.leaf = test_cert_new(&(struct test_cert_spec){.cn = "leaf", .issuer = t.middle});
    t.middle_file = test_dir_cert(w->dir, "middle.pem", t.middle, NULL);
    return t;
}

static void fell(struct tree *t)
{
    test_cert_free(t->leaf);
    test_cert_free(t->middle);
}

/* Whether the intermediate CA is an anchor or comes from the client: what its root says counts, and
 * each of the two needs a list. */
static void every_ca_of_a_chain_counts(void **state)
{
    const struct tlsworld *w = *state;
    struct tree t = grow(w);
    const char *root_fine = crl_file(w, "root.crl", w->ca, w->client, NULL);
    const char *root_not = crl_file(w, "root-not.crl", w->ca, t.middle, NULL);
    const char *middle_fine = crl_file(w, "middle.crl", t.middle, NULL, NULL);
    const char *middle_not = crl_file(w, "middle-not.crl", t.middle, t.leaf, NULL);
    const struct {
        const char *crls[2];
        enum gw_reason hard, soft;
    } rows[] = {
        {{root_fine, middle_fine}, GW_REASON_NONE, GW_REASON_NONE},
        {{root_not, middle_fine}, GW_REASON_CERT_REVOKED, GW_REASON_CERT_REVOKED},
        {{root_fine, middle_not}, GW_REASON_CERT_REVOKED, GW_REASON_CERT_REVOKED},
        {{middle_not, NULL}, GW_REASON_CERT_REVOKED, GW_REASON_CERT_REVOKED},
        {{root_not, NULL}, GW_REASON_CERT_REVOKED, GW_REASON_CERT_REVOKED},
        {{root_fine, NULL}, GW_REASON_CERT_NO_CRL, GW_REASON_NONE},
        {{middle_fine, NULL}, GW_REASON_CERT_NO_CRL, GW_REASON_NONE},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++)
        for (int soft = 0; soft < 2; soft++) {
            struct gw_service service = service_with(w, rows[i].crls[0]);
            enum gw_reason reason = soft ? rows[i].soft : rows[i].hard;
            service.crls[1] = rows[i].crls[1];
            service.cacerts[1] = t.middle_file;
            service.crl_soft = soft;
            struct gw_tls_context *tls = tlsworld_context(&service, NULL);
            int alert = reason == GW_REASON_CERT_REVOKED ? REVOKED : UNKNOWN_CA;
            meets(w, tls, t.leaf, NULL, reason, alert);
            meets(w, tls, t.leaf, t.middle, reason, alert);
            gw_tls_context_free(tls);
        }
    /* The root alone is trusted: the intermediate's list cannot be verified, and its clients have
     * none. What the root says of the intermediate is known. */
    struct gw_service service = service_with(w, root_not);
    struct gw_tls_context *tls = tlsworld_context(&service, NULL);
    meets(w, tls, t.leaf, t.middle, GW_REASON_CERT_REVOKED, REVOKED);
    gw_tls_context_free(tls);
    service.crls[0] = root_fine;
    tls = tlsworld_context(&service, NULL);
    meets(w, tls, t.leaf, t.middle, GW_REASON_CERT_NO_CRL, UNKNOWN_CA);
    gw_tls_context_free(tls);
    /* The intermediate alone is trusted, as it stands: it needs no list of its root. */
    service = service_with(w, middle_fine);
    service.cacerts[0] = t.middle_file;
    meets_once(w, &service, t.leaf, GW_REASON_NONE, 0);
    fell(&t);
}

/* One name, two keys: each has its own list. */
static void a_ca_that_changed_its_key_is_two(void **state)
{
    const struct tlsworld *w = *state;
    struct test_cert *next = test_cert_new(&(struct test_cert_spec){.cn = "Test CA", .ca = true});
    struct test_cert *young =
        test_cert_new(&(struct test_cert_spec){.cn = "young", .issuer = next});
    struct gw_service service = service_with(w, crl_file(w, "old.crl", w->ca, w->client, NULL));
    service.cacerts[1] = test_dir_cert(w->dir, "next.pem", next, NULL);
    struct gw_tls_context *tls = tlsworld_context(&service, NULL);
    meets(w, tls, w->client, NULL, GW_REASON_CERT_REVOKED, REVOKED);
    meets(w, tls, w->client_other, NULL, GW_REASON_NONE, 0);
    meets(w, tls, young, NULL, GW_REASON_CERT_NO_CRL, UNKNOWN_CA);
    gw_tls_context_free(tls);
    service.crls[1] = crl_file(w, "next.crl", next, NULL, NULL);
    tls = tlsworld_context(&service, NULL);
    meets(w, tls, young, NULL, GW_REASON_NONE, 0);
    meets(w, tls, w->client, NULL, GW_REASON_CERT_REVOKED, REVOKED);
    gw_tls_context_free(tls);
    test_cert_free(young);
    test_cert_free(next);
}

static void the_newest_list_counts(void **state)
{
    const struct tlsworld *w = *state;
    const struct test_cert *revoked[] = {w->client, NULL};
    /* By number where both have one, else by time; whichever is read first. An old one that has
     * expired does no harm. */
    const struct test_crl_spec specs[][2] = {
        {{.ca = w->ca, .number = 9, .begins = -7200, .ends = -60},
         {.ca = w->ca, .number = 300, .revoked = revoked}},
        {{.ca = w->ca, .begins = -7200, .ends = 86400}, {.ca = w->ca, .revoked = revoked}},
        {{.ca = w->ca, .number = 9, .begins = -60, .ends = 86400},
         {.ca = w->ca, .number = 300, .begins = -7200, .ends = 86400, .revoked = revoked}},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(specs); i++)
        for (int order = 0; order < 2; order++) {
            X509_CRL *a = test_crl_new(&specs[i][order]);
            X509_CRL *b = test_crl_new(&specs[i][!order]);
            struct gw_service service = service_with(w, test_dir_crl(w->dir, "two.crl", a, b));
            meets_once(w, &service, w->client, GW_REASON_CERT_REVOKED, REVOKED);
            X509_CRL_free(a);
            X509_CRL_free(b);
        }
}

/* ---- scope ---- */

static void users_only(X509_CRL *crl)
{
    ISSUING_DIST_POINT *idp = new_scope();
    idp->onlyuser = 0xff;
    add_scope(crl, idp);
}

static void cas_only(X509_CRL *crl)
{
    ISSUING_DIST_POINT *idp = new_scope();
    idp->onlyCA = 0xff;
    add_scope(crl, idp);
}

static void a_list_counts_for_what_it_is_about(void **state)
{
    const struct tlsworld *w = *state;
    struct tree t = grow(w);
    const struct test_cert *two[] = {t.middle, w->client, NULL};
    X509_CRL *users =
        test_crl_new(&(struct test_crl_spec){.ca = w->ca, .revoked = two, .tweak = users_only});
    X509_CRL *cas = test_crl_new(&(struct test_crl_spec){.ca = w->ca, .tweak = cas_only});
    struct gw_service service = service_with(w, test_dir_crl(w->dir, "users.crl", users, NULL));
    service.cacerts[1] = t.middle_file;
    service.crls[1] = crl_file(w, "middle.crl", t.middle, NULL, NULL);
    struct gw_tls_context *tls = tlsworld_context(&service, NULL);
    meets(w, tls, w->client, NULL, GW_REASON_CERT_REVOKED, REVOKED);
    meets(w, tls, w->client_other, NULL, GW_REASON_NONE, 0);
    meets(w, tls, t.leaf, NULL, GW_REASON_CERT_NO_CRL, UNKNOWN_CA); /* nothing about the middle */
    gw_tls_context_free(tls);
    service.crls[2] = test_dir_crl(w->dir, "cas.crl", cas, NULL);
    tls = tlsworld_context(&service, NULL);
    meets(w, tls, t.leaf, NULL, GW_REASON_NONE, 0); /* a list of users says nothing of a CA */
    meets(w, tls, w->client, NULL, GW_REASON_CERT_REVOKED, REVOKED);
    gw_tls_context_free(tls);
    service.crls[0] = service.crls[2];
    service.crls[2] = NULL;
    meets_once(w, &service, w->client_other, GW_REASON_CERT_NO_CRL, UNKNOWN_CA);
    X509_CRL_free(users);
    X509_CRL_free(cas);
    fell(&t);
}

/* ---- time ---- */

static void a_list_out_of_date_does_not_start(void **state)
{
    const struct tlsworld *w = *state;
    static const struct {
        long begins, ends;
        const char *says;
    } rows[] = {{-7200, -60, "expired on 20"}, {60, 7200, "is not valid before 20"}};
    const struct test_cert *revoked[] = {w->client, NULL};
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        struct gw_service service =
            service_with(w, crl_of(w, &(struct test_crl_spec){.ca = w->ca,
                                                              .revoked = revoked,
                                                              .begins = rows[i].begins,
                                                              .ends = rows[i].ends}));
        refused(&service, GW_EXIT_USAGE, rows[i].says);
        service.crl_soft = true;
        forget_warnings();
        struct gw_tls_context *tls = tlsworld_context(&service, NULL);
        assert_non_null(strstr(warnings, rows[i].says));
        meets(w, tls, w->client, NULL, GW_REASON_CERT_REVOKED, REVOKED);
        meets(w, tls, w->client_other, NULL, GW_REASON_NONE, 0);
        gw_tls_context_free(tls);
    }
}

static void one_that_expires_meanwhile_refuses(void **state)
{
    const struct tlsworld *w = *state;
    const struct test_cert *revoked[] = {w->client_other, NULL};
    struct gw_service service = service_with(
        w, crl_of(w, &(struct test_crl_spec){
                         .ca = w->ca, .revoked = revoked, .begins = -60, .ends = 600}));
    for (int soft = 0; soft < 2; soft++) {
        service.crl_soft = soft;
        struct gw_tls_context *tls = tlsworld_context(&service, NULL);
        forget_warnings();
        test_ahead = 590;
        meets(w, tls, w->client, NULL, GW_REASON_NONE, 0);
        assert_int_equal(warning_count, 0);
        test_ahead = 610;
        for (int i = 0; i < 3; i++)
            meets(w, tls, w->client, NULL, soft ? GW_REASON_NONE : GW_REASON_CERT_NO_CRL, EXPIRED);
        meets(w, tls, w->client_other, NULL, GW_REASON_CERT_REVOKED, REVOKED);
        assert_int_equal(warning_count, 1);
        assert_non_null(strstr(warnings, "some.crl: the CRL of /CN=Test CA expired on 20"));
        test_ahead = 0;
        gw_tls_context_free(tls);
    }
}

/* A worker that takes a dead one's place long after a reload loads what was good then. */
static void a_copy_is_loaded_as_at_its_time(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_service service = service_with(
        w, crl_of(w, &(struct test_crl_spec){.ca = w->ca, .begins = -60, .ends = 600}));
    struct test_cert *brief = test_cert_new(&(struct test_cert_spec){
        .cn = "server", .san = "DNS:gate.test", .begins = -60, .ends = 600, .issuer = w->ca});
    service.certs[0] = (struct gw_cert_pair){test_dir_cert(w->dir, "brief.pem", brief, NULL),
                                             test_dir_key(w->dir, "brief.key", brief), NULL};
    struct gw_files *first = gw_files_new();
    struct gw_files *copy = NULL;
    struct gw_tls_context *tls = NULL;
    struct gw_error err = {.text = ""};
    assert_int_equal(gw_tls_context_new(&tls, &service, NULL, first, &err), 0);
    gw_tls_context_free(tls);
    gw_auto_fd fd = gw_files_seal(first);
    test_ahead = 610;
    assert_int_equal(gw_files_open(&copy, fd), 0);
    assert_int_equal(gw_files_time(copy), gw_files_time(first));
    if (gw_tls_context_new(&tls, &service, NULL, copy, &err))
        fail_msg("%s", err.text);
    gw_tls_context_free(tls);
    assert_int_not_equal(gw_tls_context_new(&tls, &service, NULL, NULL, &err), 0);
    test_ahead = 0;
    gw_files_free(copy);
    gw_files_free(first);
    test_cert_free(brief);
}

static void what_is_tolerated_is_told(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_service service = service_with(
        w, crl_of(w, &(struct test_crl_spec){.ca = w->ca, .begins = -60, .ends = 600}));
    service.crl_soft = true;
    struct gw_tls_context *tls = tlsworld_context(&service, NULL);
    for (int late = 0; late < 2; late++) {
        SSL_CTX *ctx = tlspair_client_ctx(w, 0);
        struct tlspair p;
        struct gw_handshake_info info;
        test_ahead = late * 700;
        tlspair_show(ctx, w->client);
        tlspair_init(&p, tls, ctx, NULL);
        assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_DONE);
        gw_handshake_get_info(p.server, &info);
        assert_int_equal(info.crl_tolerated, late);
        tlspair_done(&p);
        SSL_CTX_free(ctx);
    }
    test_ahead = 0;
    gw_tls_context_free(tls);
}

/* ---- resumption ---- */

struct visitor {
    SSL_CTX *ctx;
    SSL_SESSION *session;
};

/* A connection that offers the session of the last one; whether it was resumed. */
static bool visit(struct visitor *v, struct gw_tls_context *tls, enum gw_reason reason)
{
    struct tlspair p;
    tlspair_init(&p, tls, v->ctx, v->session);
    (void)tlspair_run(&p);
    assert_int_equal(gw_handshake_reason(p.server), reason);
    bool resumed = SSL_session_reused(p.client);
    if (reason == GW_REASON_NONE) {
        tlspair_succeed(&p);
        if (!v->session)
            v->session = tlspair_take_session(&p);
    }
    tlspair_done(&p);
    return resumed;
}

static void begin_visit(struct visitor *v, const struct tlsworld *w, int version,
                        const struct test_cert *cert, const struct test_cert *middle)
{
    *v = (struct visitor){.ctx = tlspair_client_ctx(w, version)};
    tlspair_show(v->ctx, cert);
    if (middle)
        assert_true(SSL_CTX_add1_chain_cert(v->ctx, middle->x509));
}

static void end_visit(struct visitor *v)
{
    SSL_SESSION_free(v->session);
    SSL_CTX_free(v->ctx);
}

/* The ticket is of a time when there was no list, or another; tickets outlive a change of lists. */
static void the_revoked_do_not_resume(void **state)
{
    const struct tlsworld *w = *state;
    const char *fine = crl_file(w, "fine.crl", w->ca, w->client_other, NULL);
    const char *not = crl_file(w, "not.crl", w->ca, w->client, NULL);
    struct gw_service services[3] = {service_with(w, NULL), service_with(w, fine),
                                     service_with(w, not )};
    struct gw_ticket_keys *keys = tlsworld_ticket_keys();
    struct gw_tls_context *tls[3];
    for (int i = 0; i < 3; i++)
        tls[i] = tlsworld_context(&services[i], keys);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++)
        for (int first = 0; first < 2; first++) {
            struct visitor v;
            begin_visit(&v, w, version, w->client, NULL);
            assert_false(visit(&v, tls[first], GW_REASON_NONE));
            assert_true(visit(&v, tls[0], GW_REASON_NONE));
            assert_true(visit(&v, tls[1], GW_REASON_NONE));
            assert_false(visit(&v, tls[2], GW_REASON_CERT_REVOKED));
            assert_true(visit(&v, tls[1], GW_REASON_NONE));
            end_visit(&v);
        }
    for (int i = 0; i < 3; i++)
        gw_tls_context_free(tls[i]);
    gw_wipe_pages_free(keys, sizeof(*keys));
}

static void nor_do_those_of_a_revoked_ca(void **state)
{
    const struct tlsworld *w = *state;
    struct tree t = grow(w);
    struct gw_service before = service_with(w, NULL);
    struct gw_service after = service_with(w, crl_file(w, "not.crl", w->ca, t.middle, NULL));
    struct gw_service anchored = after;
    anchored.cacerts[1] = t.middle_file;
    anchored.crls[1] = crl_file(w, "middle.crl", t.middle, NULL, NULL);
    struct gw_service anchored_before = anchored;
    anchored_before.crls[0] = NULL;
    struct gw_ticket_keys *keys = tlsworld_ticket_keys();
    const struct gw_service *pairs[2][2] = {{&before, &after}, {&anchored_before, &anchored}};
    for (int i = 0; i < 2; i++)
        for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
            struct visitor v;
            struct gw_tls_context *old = tlsworld_context(pairs[i][0], keys);
            struct gw_tls_context *new = tlsworld_context(pairs[i][1], keys);
            begin_visit(&v, w, version, t.leaf, t.middle);
            assert_false(visit(&v, old, GW_REASON_NONE));
            assert_true(visit(&v, old, GW_REASON_NONE));
            assert_false(visit(&v, new, GW_REASON_CERT_REVOKED));
            end_visit(&v);
            gw_tls_context_free(old);
            gw_tls_context_free(new);
        }
    gw_wipe_pages_free(keys, sizeof(*keys));
    fell(&t);
}

static void a_list_that_expired_ends_resumption(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_service service = service_with(
        w, crl_of(w, &(struct test_crl_spec){.ca = w->ca, .begins = -60, .ends = 600}));
    struct gw_ticket_keys *keys = tlsworld_ticket_keys();
    struct gw_tls_context *tls = tlsworld_context(&service, keys);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct visitor v;
        begin_visit(&v, w, version, w->client, NULL);
        assert_false(visit(&v, tls, GW_REASON_NONE));
        test_ahead = 590;
        assert_true(visit(&v, tls, GW_REASON_NONE));
        test_ahead = 610;
        assert_false(visit(&v, tls, GW_REASON_CERT_NO_CRL));
        test_ahead = 0;
        end_visit(&v);
    }
    gw_tls_context_free(tls);
    gw_wipe_pages_free(keys, sizeof(*keys));
}

static int set_up(void **state)
{
    struct gw_log_config config = *gw_log_config();
    config.sink = keep_warning;
    gw_log_setup(&config);
    return tlsworld_setup(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_revoked_are_refused),
        cmocka_unit_test(pem_der_several_and_folders),
        cmocka_unit_test(a_ca_without_a_list_lets_nobody_in),
        cmocka_unit_test(every_ca_of_a_chain_counts),
        cmocka_unit_test(a_ca_that_changed_its_key_is_two),
        cmocka_unit_test(the_newest_list_counts),
        cmocka_unit_test(a_list_counts_for_what_it_is_about),
        cmocka_unit_test(a_list_out_of_date_does_not_start),
        cmocka_unit_test(one_that_expires_meanwhile_refuses),
        cmocka_unit_test(a_copy_is_loaded_as_at_its_time),
        cmocka_unit_test(what_is_tolerated_is_told),
        cmocka_unit_test(the_revoked_do_not_resume),
        cmocka_unit_test(nor_do_those_of_a_revoked_ca),
        cmocka_unit_test(a_list_that_expired_ends_resumption),
    };
    return cmocka_run_group_tests(tests, set_up, tlsworld_teardown);
}
