/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/tls/ocsp: which responses are taken, and what clients that ask are shown. */
#include "gateway/tls/ocsp.h"

#include "gateway/base/log.h"
#include "tests/unit/responder.h"
#include "tests/unit/tlspair.h"

#include <errno.h>
#include <openssl/ocsp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static char warnings[4096];

static void keep_warning(void *arg, enum gw_log_level level, const char *message)
{
    (void)arg;
    assert_int_equal(level, GW_LOG_WARNING);
    strncat(warnings, message, sizeof(warnings) - strlen(warnings) - 1);
}

/* The world's ECDSA certificate, with its issuer in the file. */
static struct gw_tls_side with_issuer(const struct tlsworld *w, const char *name, const char *ocsp)
{
    struct gw_tls_side side;
    char pem[64];
    (void)snprintf(pem, sizeof(pem), "%s.pem", name);
    tlsworld_side(w, &side);
    side.certs[0] = (struct gw_cert_pair){test_dir_cert(w->dir, pem, w->server_ec, w->ca),
                                          w->ec_pair.key_file, ocsp};
    side.cert_count = 1;
    return side;
}

static int judge(const struct gw_ocsp_subject *subject, const char *file, struct gw_error *err)
{
    struct gw_files *files = gw_files_new();
    struct gw_ocsp ocsp;
    int r = gw_ocsp_load(&ocsp, files, "--ocsp-file", file, subject, err);
    gw_log_notes(gw_files_notes(files));
    assert_true(r < 0 ? !ocsp.der : ocsp.begins < ocsp.ends);
    gw_ocsp_done(&ocsp);
    gw_files_free(files);
    return r;
}

/* What is said to this response; NULL: nothing, it is taken. */
static void says(const struct tlsworld *w, const char *file, const char *expected)
{
    const struct gw_ocsp_subject subject = {w->server_ec->x509, sk_X509_new_null()};
    struct gw_error err = {.text = ""};
    assert_true(sk_X509_push(subject.chain, w->ca->x509));
    int r = judge(&subject, file, &err);
    sk_X509_free(subject.chain);
    if (!expected && r)
        fail_msg("%s", err.text);
    if (!expected)
        return;
    assert_true(r < 0);
    assert_int_equal(r == -EKEYREVOKED, strcmp(expected, "revoked") == 0);
    assert_int_equal(err.exit, GW_EXIT_USAGE);
    if (strncmp(err.text, "--ocsp-file ", 12) != 0 || !strstr(err.text, file) ||
        !strstr(err.text, expected))
        fail_msg("'%s' does not say '%s'", err.text, expected);
}

static void what_a_response_may_say(void **state)
{
    const struct tlsworld *w = *state;
    struct test_cert *delegate = test_cert_new(
        &(struct test_cert_spec){.cn = "OCSP", .eku = "OCSPSigning", .issuer = w->ca});
    struct test_cert *foreign_delegate = test_cert_new(
        &(struct test_cert_spec){.cn = "OCSP", .eku = "OCSPSigning", .issuer = w->foreign_ca});
    struct test_cert *twin = test_cert_new(&(struct test_cert_spec){.cn = "Twin", .ca = true});
    struct test_cert *elsewhere = test_cert_new(&(struct test_cert_spec){.issuer = twin});
    ASN1_INTEGER *serial = X509_get_serialNumber(w->server_ec->x509);
    assert_true(X509_set_serialNumber(elsewhere->x509, serial));
    const struct {
        struct test_ocsp_spec spec;
        const char *expected;
    } rows[] = {
        {{.about = w->server_ec}, NULL},
        {{.about = w->server_ec, .signer = delegate}, NULL},
        {{.about = w->server_ec, .signer = foreign_delegate}, "not signed by the issuer"},
        {{.about = w->server_ec, .signer = w->client}, "not signed by the issuer"},
        {{.about = w->server_ec, .signer = w->server_ec}, "not signed by the issuer"},
        {{.about = w->server_ec, .signer = w->foreign_ca}, "not signed by the issuer"},
        {{.about = w->server_rsa}, "for another certificate"},
        {{.about = elsewhere, .signer = w->ca}, "for another certificate"},
        {{.about = w->server_ec, .status = V_OCSP_CERTSTATUS_REVOKED}, "revoked"},
        {{.about = w->server_ec, .status = V_OCSP_CERTSTATUS_UNKNOWN}, "does not know"},
        {{.about = w->server_ec, .endless = true}, NULL},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "row%zu.der", i);
        warnings[0] = '\0';
        says(w, test_dir_ocsp(w->dir, name, &rows[i].spec), rows[i].expected);
        assert_string_equal(warnings, "");
    }
    test_cert_free(elsewhere);
    test_cert_free(twin);
    test_cert_free(foreign_delegate);
    test_cert_free(delegate);
}

/* The old certificate of the CA is there, too, whose key is another one. */
static void the_issuer_is_the_one_that_signed(void **state)
{
    const struct tlsworld *w = *state;
    struct test_cert *next = test_cert_new(&(struct test_cert_spec){.cn = "Test CA", .ca = true});
    struct test_cert *cert = test_cert_new(
        &(struct test_cert_spec){.san = "DNS:gate.test", .bare = true, .issuer = next});
    const char *path = test_dir_ocsp(w->dir, "twins.der", &(struct test_ocsp_spec){.about = cert});
    STACK_OF(X509) *chain = sk_X509_new_null();
    struct gw_files *files = gw_files_new();
    struct gw_ocsp ocsp;
    struct gw_error err = {.text = ""};
    assert_true(files && sk_X509_push(chain, w->ca->x509) && sk_X509_push(chain, next->x509));
    struct gw_ocsp_subject subject = {cert->x509, chain};
    if (gw_ocsp_load(&ocsp, files, "--ocsp-file", path, &subject, &err))
        fail_msg("%s", err.text);
    gw_ocsp_done(&ocsp);
    gw_files_free(files);
    sk_X509_free(chain);
    test_cert_free(cert);
    test_cert_free(next);
}

static void what_is_no_response(void **state)
{
    const struct tlsworld *w = *state;
    static const unsigned char try_later[] = {0x30, 0x03, 0x0a, 0x01, 0x03};
    says(w, test_dir_file(w->dir, "none.der", "", 0), "not an OCSP response in DER");
    says(w, test_dir_file(w->dir, "text.der", "-----BEGIN", 10), "not an OCSP response in DER");
    says(w, test_dir_file(w->dir, "later.der", try_later, sizeof(try_later)),
         "an error of the responder");
    const char *good = test_dir_ocsp(w->dir, "good.der", &(struct test_ocsp_spec){w->server_ec});
    struct gw_files *files = gw_files_new();
    struct gw_file file;
    unsigned char data[GW_OCSP_MAX];
    assert_int_equal(gw_files_read(files, good, sizeof(data), &file), 0);
    memcpy(data, file.data, file.len);
    says(w, test_dir_file(w->dir, "tail.der", data, file.len + 1), "not an OCSP response in DER");
    data[file.len - 1] ^= 1;
    says(w, test_dir_file(w->dir, "forged.der", data, file.len), "not signed by the issuer");
    gw_files_free(files);
    const struct gw_ocsp_subject alone = {w->server_ec->x509, NULL}; /* without the issuer */
    struct gw_error err = {.text = ""};
    assert_true(judge(&alone, good, &err) < 0);
    assert_non_null(strstr(err.text, "add that to the file of the certificate"));
    assert_true(judge(&alone, "/nonexistent/x.ocsp", &err) < 0);
    assert_int_equal(err.exit, GW_EXIT_START);
}

/* A client that asks is shown exactly this file (NULL: nothing), whichever the version. */
static void shown(const struct tlsworld *w, const struct gw_tls_side *side, const char *sigalg,
                  bool asks, const char *path)
{
    struct gw_tls_context *tls = tlsworld_context(side, NULL);
    struct gw_files *files = gw_files_new();
    struct gw_file file = {.len = 0};
    if (path)
        assert_int_equal(gw_files_read(files, path, GW_OCSP_MAX, &file), 0);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_CTX *ctx = tlspair_client_ctx(w, version);
        struct tlspair p;
        const unsigned char *got = NULL;
        if (sigalg)
            assert_true(tlspair_sigalgs(ctx, sigalg));
        tlspair_init(&p, tls, ctx, NULL);
        if (asks)
            SSL_set_tlsext_status_type(p.client, TLSEXT_STATUSTYPE_ocsp);
        tlspair_succeed(&p);
        long len = SSL_get_tlsext_status_ocsp_resp(p.client, &got);
        assert_int_equal(len, path ? (long)file.len : -1);
        if (path)
            assert_memory_equal(got, file.data, file.len);
        tlspair_done(&p);
        SSL_CTX_free(ctx);
    }
    gw_files_free(files);
    gw_tls_context_free(tls);
}

static void clients_that_ask_are_shown_it(void **state)
{
    const struct tlsworld *w = *state;
    const char *ec = test_dir_ocsp(w->dir, "ec.der", &(struct test_ocsp_spec){w->server_ec});
    const char *rsa = test_dir_ocsp(w->dir, "rsa.der", &(struct test_ocsp_spec){w->server_rsa});
    struct gw_tls_side side = with_issuer(w, "asked", ec);
    shown(w, &side, NULL, true, ec);
    shown(w, &side, NULL, false, NULL);
    side.certs[1] = (struct gw_cert_pair){
        test_dir_cert(w->dir, "rsa-with-ca.pem", w->server_rsa, w->ca), w->rsa_pair.key_file, rsa};
    side.cert_count = 2;
    shown(w, &side, NULL, true, ec);
    shown(w, &side, "rsa_pss_rsae_sha256:RSA+SHA256", true, rsa);
    /* The same for one that is not the first, whose certificates the handshake gets. */
    side.certs[2] = side.certs[1];
    side.certs[1] = side.certs[0];
    side.certs[0] = w->other_pair;
    side.cert_count = 3;
    shown(w, &side, "rsa_pss_rsae_sha256:RSA+SHA256", true, rsa);
}

static void beside_the_certificate(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side = with_issuer(w, "beside", NULL);
    shown(w, &side, NULL, true, NULL);
    const char *path =
        test_dir_ocsp(w->dir, "beside.pem.ocsp", &(struct test_ocsp_spec){w->server_ec});
    shown(w, &side, NULL, true, path);
    (void)test_dir_file(w->dir, "beside.pem.ocsp", "", 0);
    warnings[0] = '\0';
    shown(w, &side, NULL, true, NULL);
    assert_non_null(strstr(warnings, "beside.pem.ocsp: the OCSP response cannot be used"));
    static const char *folder;
    folder = test_dir_folder(w->dir, "stapled");
    side.cert_dirs = &folder;
    side.cert_dir_count = 1;
    side.cert_count = 0;
    (void)test_dir_bundle(w->dir, "stapled/a.pem", w->server_ec, w->ca);
    shown(w, &side, NULL, true, NULL);
    path = test_dir_ocsp(w->dir, "stapled/a.ocsp", &(struct test_ocsp_spec){w->server_ec});
    shown(w, &side, NULL, true, path);
    path = test_dir_ocsp(w->dir, "stapled/a.pem.ocsp", &(struct test_ocsp_spec){w->server_ec});
    shown(w, &side, NULL, true, path);
}

static void only_while_it_is_in_date(void **state)
{
    const struct tlsworld *w = *state;
    static const long times[][2] = {{-7200, -3600}, {3600, 7200}};
    for (size_t i = 0; i < GW_ARRAY_SIZE(times); i++) {
        const char *path = test_dir_ocsp(
            w->dir, "late.der",
            &(struct test_ocsp_spec){w->server_ec, .begins = times[i][0], .ends = times[i][1]});
        struct gw_tls_side side = with_issuer(w, "late", path);
        warnings[0] = '\0';
        shown(w, &side, NULL, true, NULL);
        assert_non_null(strstr(warnings, "late.der: the OCSP response is out of date"));
    }
    struct gw_ocsp ocsp = {.begins = 1000, .ends = 2000};
    assert_false(gw_ocsp_in_date(&ocsp, 1500));
    uint8_t some;
    ocsp.der = &some;
    static const struct {
        time_t now;
        bool good;
    } rows[] = {{999, false}, {1000, true}, {1999, true}, {2000, false}};
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++)
        assert_int_equal(gw_ocsp_in_date(&ocsp, rows[i].now), rows[i].good);
}

static int set_up(void **state)
{
    gw_log_setup(&(struct gw_log_config){.level = GW_LOG_INFO, .sink = keep_warning});
    return tlsworld_setup(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_response_may_say),
        cmocka_unit_test(the_issuer_is_the_one_that_signed),
        cmocka_unit_test(what_is_no_response),
        cmocka_unit_test(clients_that_ask_are_shown_it),
        cmocka_unit_test(beside_the_certificate),
        cmocka_unit_test(only_while_it_is_in_date),
    };
    return cmocka_run_group_tests(tests, set_up, tlsworld_teardown);
}
