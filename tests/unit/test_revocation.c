/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway/tls/revocation: the certificates that CRLs refuse, in full handshakes and in resumed
 * ones, now and after the CRLs expired.
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

/* Takes what has turned out while peers were judged. */
static void take_notes(const struct gw_tls_context *tls)
{
    struct gw_notes *notes = gw_tls_context_notes(tls);
    gw_log_notes(notes);
    gw_notes_done(notes);
}

/* ---- admission ---- */

static void the_revoked_are_refused(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side =
        side_with(w, crl_file(w, "one.crl", w->ca, w->client_other, w->client_future));
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    meets(w, tls, w->client, NULL, GW_REASON_NONE, 0);
    meets(w, tls, w->client_other, NULL, GW_REASON_CERT_REVOKED, REVOKED);
    /* Another fault of a certificate takes precedence, and its serial number does not matter. */
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
        struct gw_tls_side side = side_with(w, paths[i]);
        side.cacerts[1] = foreign;
        if (i == 1)
            side.crls[1] = both;
        struct gw_tls_context *tls = tlsworld_context(&side, NULL);
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
    struct gw_tls_side side = side_with(w, crl_file(w, "one.crl", w->ca, NULL, NULL));
    side.cacerts[1] = test_dir_cert(w->dir, "foreign.pem", w->foreign_ca, NULL);
    forget_warnings();
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    assert_non_null(strstr(warnings, "there is no CRL of CN=Foreign CA;"));
    meets(w, tls, w->client, NULL, GW_REASON_NONE, 0);
    meets(w, tls, w->client_foreign, NULL, GW_REASON_CERT_NO_CRL, UNKNOWN_CA);
    gw_tls_context_free(tls);
    side.crl_soft = true;
    meets_once(w, &side, w->client_foreign, GW_REASON_NONE, 0);
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
            struct gw_tls_side side = side_with(w, rows[i].crls[0]);
            enum gw_reason reason = soft ? rows[i].soft : rows[i].hard;
            side.crls[1] = rows[i].crls[1];
            side.cacerts[1] = t.middle_file;
            side.crl_soft = soft;
            struct gw_tls_context *tls = tlsworld_context(&side, NULL);
            int alert = reason == GW_REASON_CERT_REVOKED ? REVOKED : UNKNOWN_CA;
            meets(w, tls, t.leaf, NULL, reason, alert);
            meets(w, tls, t.leaf, t.middle, reason, alert);
            gw_tls_context_free(tls);
        }
    /* The root alone is trusted: the intermediate's list cannot be verified, and its clients have
     * none. What the root says of the intermediate is known. */
    struct gw_tls_side side = side_with(w, root_not);
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    meets(w, tls, t.leaf, t.middle, GW_REASON_CERT_REVOKED, REVOKED);
    gw_tls_context_free(tls);
    side.crls[0] = root_fine;
    tls = tlsworld_context(&side, NULL);
    meets(w, tls, t.leaf, t.middle, GW_REASON_CERT_NO_CRL, UNKNOWN_CA);
    gw_tls_context_free(tls);
    /* The intermediate alone is trusted, as it stands: it needs no list of its root. */
    side = side_with(w, middle_fine);
    side.cacerts[0] = t.middle_file;
    meets_once(w, &side, t.leaf, GW_REASON_NONE, 0);
    fell(&t);
}

/* One name, two keys: each has its own list. */
static void a_ca_that_changed_its_key_is_two(void **state)
{
    const struct tlsworld *w = *state;
    struct test_cert *next = test_cert_new(&(struct test_cert_spec){.cn = "Test CA", .ca = true});
    struct test_cert *young =
        test_cert_new(&(struct test_cert_spec){.cn = "young", .issuer = next});
    struct gw_tls_side side = side_with(w, crl_file(w, "old.crl", w->ca, w->client, NULL));
    side.cacerts[1] = test_dir_cert(w->dir, "next.pem", next, NULL);
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    meets(w, tls, w->client, NULL, GW_REASON_CERT_REVOKED, REVOKED);
    meets(w, tls, w->client_other, NULL, GW_REASON_NONE, 0);
    meets(w, tls, young, NULL, GW_REASON_CERT_NO_CRL, UNKNOWN_CA);
    gw_tls_context_free(tls);
    side.crls[1] = crl_file(w, "next.crl", next, NULL, NULL);
    tls = tlsworld_context(&side, NULL);
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
            struct gw_tls_side side = side_with(w, test_dir_crl(w->dir, "two.crl", a, b));
            meets_once(w, &side, w->client, GW_REASON_CERT_REVOKED, REVOKED);
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
    struct gw_tls_side side = side_with(w, test_dir_crl(w->dir, "users.crl", users, NULL));
    side.cacerts[1] = t.middle_file;
    side.crls[1] = crl_file(w, "middle.crl", t.middle, NULL, NULL);
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    meets(w, tls, w->client, NULL, GW_REASON_CERT_REVOKED, REVOKED);
    meets(w, tls, w->client_other, NULL, GW_REASON_NONE, 0);
    meets(w, tls, t.leaf, NULL, GW_REASON_CERT_NO_CRL, UNKNOWN_CA); /* nothing about the middle */
    gw_tls_context_free(tls);
    side.crls[2] = test_dir_crl(w->dir, "cas.crl", cas, NULL);
    tls = tlsworld_context(&side, NULL);
    meets(w, tls, t.leaf, NULL, GW_REASON_NONE, 0); /* a list of users says nothing of a CA */
    meets(w, tls, w->client, NULL, GW_REASON_CERT_REVOKED, REVOKED);
    gw_tls_context_free(tls);
    side.crls[0] = side.crls[2];
    side.crls[2] = NULL;
    meets_once(w, &side, w->client_other, GW_REASON_CERT_NO_CRL, UNKNOWN_CA);
    X509_CRL_free(users);
    X509_CRL_free(cas);
    fell(&t);
}

/* ---- parts of a CA's certificates ---- */

#define FIRST "http://crl.test/1.crl"
#define SECOND "http://crl.test/2.crl"

static void first_users(X509_CRL *crl)
{
    static const char *const uris[] = {"http://crl.test/other", FIRST, NULL};
    ISSUING_DIST_POINT *idp = scope_of(uris);
    idp->onlyuser = 0xff;
    add_scope(crl, idp);
}

static void second(X509_CRL *crl)
{
    static const char *const uris[] = {SECOND, NULL};
    add_scope(crl, scope_of(uris));
}

static void relative(X509_CRL *crl)
{
    ISSUING_DIST_POINT *idp = new_scope();
    X509_NAME *name = X509_NAME_new();
    idp->distpoint = DIST_POINT_NAME_new();
    idp->distpoint->type = 1;
    assert_true(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"CRL1",
                                           -1, -1, 0));
    idp->distpoint->name.relativename = sk_X509_NAME_ENTRY_new_null();
    assert_true(sk_X509_NAME_ENTRY_push(idp->distpoint->name.relativename,
                                        X509_NAME_ENTRY_dup(X509_NAME_get_entry(name, 0))));
    X509_NAME_free(name);
    add_scope(crl, idp);
}

/* The name that every certificate of the CA is said to have. */
static void issuers_own(X509_CRL *crl)
{
    static const char *const uris[] = {"http://crl.test/other", NULL};
    ISSUING_DIST_POINT *idp = scope_of(uris);
    GENERAL_NAME *name = GENERAL_NAME_new();
    assert_non_null(name);
    GENERAL_NAME_set0_value(name, GEN_DIRNAME, X509_NAME_dup(X509_CRL_get_issuer(crl)));
    assert_true(sk_GENERAL_NAME_push(idp->distpoint->name.fullname, name));
    add_scope(crl, idp);
}

static void add_points(X509 *cert, DIST_POINT *point)
{
    CRL_DIST_POINTS *points = CRL_DIST_POINTS_new();
    assert_true(points && sk_DIST_POINT_push(points, point));
    assert_int_equal(X509_add1_ext_i2d(cert, NID_crl_distribution_points, points, 0, 0), 1);
    CRL_DIST_POINTS_free(points);
}

/* The whole name of what `relative` says. */
static void add_relative_point(X509 *cert)
{
    DIST_POINT *point = DIST_POINT_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    X509_NAME *whole = X509_NAME_dup(X509_get_issuer_name(cert));
    assert_true(point && name && whole &&
                X509_NAME_add_entry_by_txt(whole, "CN", MBSTRING_ASC, (const unsigned char *)"CRL1",
                                           -1, -1, 0));
    GENERAL_NAME_set0_value(name, GEN_DIRNAME, whole);
    point->distpoint = DIST_POINT_NAME_new();
    point->distpoint->type = 0;
    point->distpoint->name.fullname = GENERAL_NAMES_new();
    assert_true(sk_GENERAL_NAME_push(point->distpoint->name.fullname, name));
    add_points(cert, point);
}

static void add_partial_point(X509 *cert)
{
    static const char *const uris[] = {FIRST, NULL};
    ISSUING_DIST_POINT *idp = scope_of(uris);
    DIST_POINT *point = DIST_POINT_new();
    assert_non_null(point);
    point->distpoint = idp->distpoint;
    idp->distpoint = NULL;
    point->reasons = ASN1_BIT_STRING_new();
    assert_true(ASN1_BIT_STRING_set_bit(point->reasons, 1, 1));
    ISSUING_DIST_POINT_free(idp);
    add_points(cert, point);
}

static struct test_cert *pointing(const struct tlsworld *w, const char *points)
{
    return test_cert_new(
        &(struct test_cert_spec){.cn = "device", .points = points, .issuer = w->ca});
}

/* A list of a distribution point covers the certificates that name it, and no others. */
static void a_list_of_a_point_is_about_those_that_name_it(void **state)
{
    const struct tlsworld *w = *state;
    enum gw_reason none = GW_REASON_NONE, no_crl = GW_REASON_CERT_NO_CRL;
    const struct {
        const char *points;
        void (*tweak)(X509_CRL *crl);
        enum gw_reason reason; /* of a certificate that is on no list */
        enum gw_reason listed; /* the result if the certificate is on this list */
    } rows[] = {
        {"URI:" FIRST, first_users, none, GW_REASON_CERT_REVOKED},
        {"URI:ldap://x/,URI:" FIRST, first_users, none, GW_REASON_CERT_REVOKED},
        {"URI:" SECOND, first_users, no_crl, no_crl},
        {"URI:http://crl.test/1.cr", first_users, no_crl, no_crl},
        {"DNS:crl.test", first_users, no_crl, no_crl},
        {NULL, first_users, no_crl, no_crl},
        {NULL, second, no_crl, no_crl},
        {"dirName:whole", relative, none, GW_REASON_CERT_REVOKED},
        {"URI:" FIRST, relative, no_crl, no_crl},
        {"URI:" FIRST, issuers_own, none, GW_REASON_CERT_REVOKED},
        {NULL, issuers_own, none, GW_REASON_CERT_REVOKED},
        {"URI:" FIRST, NULL, none, GW_REASON_CERT_REVOKED},
        /* Only four of five names are kept: listed certificates are refused, the others have no
         * list. */
        {"URI:a:1,URI:a:2,URI:a:3,URI:a:4,URI:" FIRST, first_users, no_crl, GW_REASON_CERT_REVOKED},
        {"URI:" FIRST ",URI:a:1,URI:a:2,URI:a:3,URI:a:4", first_users, none,
         GW_REASON_CERT_REVOKED},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        struct test_cert *cert;
        if (rows[i].points && strncmp(rows[i].points, "dirName", 7) == 0)
            cert = test_cert_new(&(struct test_cert_spec){
                .cn = "device", .issuer = w->ca, .tweak = add_relative_point});
        else
            cert = pointing(w, rows[i].points);
        for (int listed = 0; listed < 2; listed++) {
            const struct test_cert *revoked[] = {listed ? cert : w->client, NULL};
            struct gw_tls_side side = side_with(
                w, crl_of(w, &(struct test_crl_spec){
                                 .ca = w->ca, .revoked = revoked, .tweak = rows[i].tweak}));
            enum gw_reason reason = listed ? rows[i].listed : rows[i].reason;
            meets_once(w, &side, cert, reason,
                       reason == GW_REASON_CERT_REVOKED ? REVOKED : UNKNOWN_CA);
        }
        test_cert_free(cert);
    }
}

/* A CA that cuts its certificates into parts, each with a list of its own. */
static void parts_are_judged_by_their_own_lists(void **state)
{
    const struct tlsworld *w = *state;
    struct test_cert *certs[4];
    for (int i = 0; i < 4; i++)
        certs[i] = pointing(w, i < 2 ? "URI:" FIRST : "URI:" SECOND);
    const struct test_cert *on_first[] = {certs[0], NULL};
    const struct test_cert *on_second[] = {certs[2], NULL};
    X509_CRL *first = test_crl_new(&(struct test_crl_spec){
        .ca = w->ca, .revoked = on_first, .number = 1, .tweak = first_users});
    X509_CRL *other = test_crl_new(
        &(struct test_crl_spec){.ca = w->ca, .revoked = on_second, .number = 9, .tweak = second});
    for (int order = 0; order < 2; order++) {
        struct gw_tls_side side = side_with(
            w, test_dir_crl(w->dir, "parts.crl", order ? first : other, order ? other : first));
        struct gw_tls_context *tls = tlsworld_context(&side, NULL);
        for (int i = 0; i < 4; i++)
            meets(w, tls, certs[i], NULL, i % 2 ? GW_REASON_NONE : GW_REASON_CERT_REVOKED, REVOKED);
        meets(w, tls, w->client, NULL, GW_REASON_CERT_NO_CRL, UNKNOWN_CA);
        gw_tls_context_free(tls);
    }
    X509_CRL_free(first);
    X509_CRL_free(other);
    for (int i = 0; i < 4; i++)
        test_cert_free(certs[i]);
}

/* Two lists are about a certificate: one that is current is enough, in whatever order they lie. */
static void a_current_list_outweighs_an_old_one(void **state)
{
    const struct tlsworld *w = *state;
    X509_CRL *brief = test_crl_new(
        &(struct test_crl_spec){.ca = w->ca, .begins = -60, .ends = 600, .tweak = users_only});
    X509_CRL *lasting = test_crl_new(&(struct test_crl_spec){.ca = w->ca});
    for (int order = 0; order < 2; order++) {
        struct gw_tls_side side = side_with(
            w, test_dir_crl(w->dir, "two.crl", order ? brief : lasting, order ? lasting : brief));
        struct gw_tls_context *tls = tlsworld_context(&side, NULL);
        test_ahead = 610;
        meets(w, tls, w->client, NULL, GW_REASON_NONE, 0);
        test_ahead = 0;
        gw_tls_context_free(tls);
    }
    X509_CRL_free(brief);
    X509_CRL_free(lasting);
}

/* A point for some reasons only is covered by no list: what is not listed may be so elsewhere. */
static void points_for_some_reasons_are_not_covered(void **state)
{
    const struct tlsworld *w = *state;
    struct test_cert *cert = test_cert_new(
        &(struct test_cert_spec){.cn = "device", .issuer = w->ca, .tweak = add_partial_point});
    struct gw_tls_side side =
        side_with(w, crl_of(w, &(struct test_crl_spec){.ca = w->ca, .tweak = first_users}));
    meets_once(w, &side, cert, GW_REASON_CERT_NO_CRL, UNKNOWN_CA);
    side.crl_soft = true;
    meets_once(w, &side, cert, GW_REASON_NONE, 0);
    const struct test_cert *revoked[] = {cert, NULL};
    side.crls[0] =
        crl_of(w, &(struct test_crl_spec){.ca = w->ca, .revoked = revoked, .tweak = first_users});
    meets_once(w, &side, cert, GW_REASON_CERT_REVOKED, REVOKED);
    test_cert_free(cert);
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
        struct gw_tls_side side =
            side_with(w, crl_of(w, &(struct test_crl_spec){.ca = w->ca,
                                                           .revoked = revoked,
                                                           .begins = rows[i].begins,
                                                           .ends = rows[i].ends}));
        refused(&side, GW_EXIT_USAGE, rows[i].says);
        side.crl_soft = true;
        forget_warnings();
        struct gw_tls_context *tls = tlsworld_context(&side, NULL);
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
    struct gw_tls_side side =
        side_with(w, crl_of(w, &(struct test_crl_spec){
                                   .ca = w->ca, .revoked = revoked, .begins = -60, .ends = 600}));
    for (int soft = 0; soft < 2; soft++) {
        side.crl_soft = soft;
        struct gw_tls_context *tls = tlsworld_context(&side, NULL);
        forget_warnings();
        test_ahead = 590;
        meets(w, tls, w->client, NULL, GW_REASON_NONE, 0);
        take_notes(tls);
        assert_int_equal(warning_count, 0);
        test_ahead = 610;
        for (int i = 0; i < 3; i++) {
            meets(w, tls, w->client, NULL, soft ? GW_REASON_NONE : GW_REASON_CERT_NO_CRL, EXPIRED);
            assert_int_equal(warning_count, i > 0); /* tls does not log */
            take_notes(tls);
        }
        meets(w, tls, w->client_other, NULL, GW_REASON_CERT_REVOKED, REVOKED);
        take_notes(tls);
        assert_int_equal(warning_count, 1);
        assert_non_null(strstr(warnings, "some.crl: the CRL of CN=Test CA expired on 20"));
        test_ahead = -120; /* the clock was set back to before it was made */
        meets(w, tls, w->client, NULL, soft ? GW_REASON_NONE : GW_REASON_CERT_NO_CRL,
              BAD_CERTIFICATE);
        meets(w, tls, w->client_other, NULL, GW_REASON_CERT_REVOKED, REVOKED);
        test_ahead = 0;
        gw_tls_context_free(tls);
    }
}

/* A worker that takes a dead one's place long after a reload loads what was good then. */
static void a_copy_is_loaded_as_at_its_time(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side =
        side_with(w, crl_of(w, &(struct test_crl_spec){.ca = w->ca, .begins = -60, .ends = 600}));
    struct test_cert *brief = test_cert_new(&(struct test_cert_spec){
        .cn = "server", .san = "DNS:gate.test", .begins = -60, .ends = 600, .issuer = w->ca});
    side.certs[0] = (struct gw_cert_pair){test_dir_cert(w->dir, "brief.pem", brief, NULL),
                                          test_dir_key(w->dir, "brief.key", brief), NULL};
    struct gw_files *first = gw_files_new();
    struct gw_files *copy = NULL;
    struct gw_tls_context *tls = NULL;
    struct gw_error err = {.text = ""};
    assert_int_equal(gw_tls_context_new(&tls, &side, NULL, first, &err), 0);
    gw_tls_context_free(tls);
    gw_auto_fd fd = gw_files_seal(first);
    test_ahead = 610;
    assert_int_equal(gw_files_open(&copy, fd), 0);
    assert_int_equal(gw_files_time(copy), gw_files_time(first));
    if (gw_tls_context_new(&tls, &side, NULL, copy, &err))
        fail_msg("%s", err.text);
    gw_tls_context_free(tls);
    assert_int_not_equal(gw_tls_context_new(&tls, &side, NULL, NULL, &err), 0);
    test_ahead = 0;
    gw_files_free(copy);
    gw_files_free(first);
    test_cert_free(brief);
}

static void what_is_tolerated_is_told(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side =
        side_with(w, crl_of(w, &(struct test_crl_spec){.ca = w->ca, .begins = -60, .ends = 600}));
    side.crl_soft = true;
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
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
    struct gw_tls_side services[3] = {side_with(w, NULL), side_with(w, fine), side_with(w, not )};
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
    struct gw_tls_side before = side_with(w, NULL);
    struct gw_tls_side after = side_with(w, crl_file(w, "not.crl", w->ca, t.middle, NULL));
    struct gw_tls_side anchored = after;
    anchored.cacerts[1] = t.middle_file;
    anchored.crls[1] = crl_file(w, "middle.crl", t.middle, NULL, NULL);
    struct gw_tls_side anchored_before = anchored;
    anchored_before.crls[0] = NULL;
    struct gw_ticket_keys *keys = tlsworld_ticket_keys();
    const struct gw_tls_side *pairs[2][2] = {{&before, &after}, {&anchored_before, &anchored}};
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

/* All three are anchors. The issuer of the anchor's issuer counts, too. */
static void an_anchor_s_issuer_may_be_revoked(void **state)
{
    const struct tlsworld *w = *state;
    struct tree t = grow(w);
    struct test_cert *low =
        test_cert_new(&(struct test_cert_spec){.cn = "Low CA", .ca = true, .issuer = t.middle});
    struct test_cert *leaf = test_cert_new(&(struct test_cert_spec){.cn = "deep", .issuer = low});
    const char *roots[] = {crl_file(w, "root.crl", w->ca, w->client, NULL),
                           crl_file(w, "root-not.crl", w->ca, t.middle, NULL)};
    for (int revoked = 0; revoked < 2; revoked++) {
        struct gw_tls_side side = side_with(w, roots[revoked]);
        side.cacerts[1] = t.middle_file;
        side.cacerts[2] = test_dir_cert(w->dir, "low.pem", low, NULL);
        side.crls[1] = crl_file(w, "middle.crl", t.middle, NULL, NULL);
        side.crls[2] = crl_file(w, "low.crl", low, NULL, NULL);
        meets_once(w, &side, leaf, revoked ? GW_REASON_CERT_REVOKED : GW_REASON_NONE,
                   revoked ? REVOKED : 0);
    }
    test_cert_free(leaf);
    test_cert_free(low);
    fell(&t);
}

static void a_list_that_expired_ends_resumption(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side =
        side_with(w, crl_of(w, &(struct test_crl_spec){.ca = w->ca, .begins = -60, .ends = 600}));
    struct gw_ticket_keys *keys = tlsworld_ticket_keys();
    struct gw_tls_context *tls = tlsworld_context(&side, keys);
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

/* A ticket keeps which points the certificate names. */
static void parts_are_judged_at_resumption_too(void **state)
{
    const struct tlsworld *w = *state;
    struct test_cert *cert = pointing(w, "URI:" FIRST);
    const struct test_cert *revoked[] = {cert, NULL};
    static const struct {
        void (*tweak)(X509_CRL *crl);
        bool listed;
        enum gw_reason reason;
    } rows[] = {{first_users, false, GW_REASON_NONE},
                {first_users, true, GW_REASON_CERT_REVOKED},
                {second, false, GW_REASON_CERT_NO_CRL},
                {second, true, GW_REASON_CERT_NO_CRL}};
    struct gw_tls_side before =
        side_with(w, crl_of(w, &(struct test_crl_spec){.ca = w->ca, .tweak = first_users}));
    struct gw_ticket_keys *keys = tlsworld_ticket_keys();
    struct gw_tls_context *old = tlsworld_context(&before, keys);
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        struct gw_tls_side after = side_with(
            w, crl_of(w, &(struct test_crl_spec){.ca = w->ca,
                                                 .revoked = rows[i].listed ? revoked : NULL,
                                                 .tweak = rows[i].tweak}));
        struct gw_tls_context *new = tlsworld_context(&after, keys);
        for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
            struct visitor v;
            begin_visit(&v, w, version, cert, NULL);
            assert_false(visit(&v, old, GW_REASON_NONE));
            assert_int_equal(visit(&v, new, rows[i].reason), rows[i].reason == GW_REASON_NONE);
            end_visit(&v);
        }
        gw_tls_context_free(new);
    }
    gw_tls_context_free(old);
    gw_wipe_pages_free(keys, sizeof(*keys));
    test_cert_free(cert);
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
        cmocka_unit_test(a_list_of_a_point_is_about_those_that_name_it),
        cmocka_unit_test(parts_are_judged_by_their_own_lists),
        cmocka_unit_test(a_current_list_outweighs_an_old_one),
        cmocka_unit_test(points_for_some_reasons_are_not_covered),
        cmocka_unit_test(a_list_out_of_date_does_not_start),
        cmocka_unit_test(one_that_expires_meanwhile_refuses),
        cmocka_unit_test(a_copy_is_loaded_as_at_its_time),
        cmocka_unit_test(what_is_tolerated_is_told),
        cmocka_unit_test(the_revoked_do_not_resume),
        cmocka_unit_test(nor_do_those_of_a_revoked_ca),
        cmocka_unit_test(an_anchor_s_issuer_may_be_revoked),
        cmocka_unit_test(a_list_that_expired_ends_resumption),
        cmocka_unit_test(parts_are_judged_at_resumption_too),
    };
    return cmocka_run_group_tests(tests, set_up, tlsworld_teardown);
}
