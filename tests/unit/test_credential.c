/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/tls/keyring and credential: one certificate that is not good takes no other one with it,
 * at a start and at a reload. */
#include "gateway/base/fd.h"
#include "gateway/tls/ocsp.h"
#include "tests/unit/ahead.h"
#include "tests/unit/responder.h"
#include "tests/unit/tlspair.h"

#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Where a test puts its certificates; the one of the world's other.test is always there. */
struct folder {
    const struct tlsworld *w;
    const char *name, *path;
    const char *dirs[1];
    struct gw_service service;
};

static const char *in(const struct folder *f, const char *name)
{
    static char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", f->name, name);
    return path;
}

static void folder_init(struct folder *f, const struct tlsworld *w, const char *name)
{
    *f = (struct folder){.w = w, .name = name, .path = test_dir_folder(w->dir, name)};
    f->dirs[0] = f->path;
    tlsworld_service(w, &f->service);
    f->service.cert_count = 0;
    f->service.cert_dirs = f->dirs;
    f->service.cert_dir_count = 1;
    (void)test_dir_bundle(w->dir, in(f, "other.pem"), w->other, w->ca);
}

/* The certificate of gate.test, made as a row says. */
static struct test_cert *new_gate(const struct tlsworld *w, long begins, long ends,
                                  enum test_key key)
{
    return test_cert_new(&(struct test_cert_spec){.cn = "gate",
                                                  .san = "DNS:gate.test",
                                                  .key = key,
                                                  .begins = begins,
                                                  .ends = ends,
                                                  .issuer = w->ca});
}

static void put_gate(const struct folder *f, const struct test_cert *cert,
                     const struct test_cert *key)
{
    (void)test_dir_cert(f->w->dir, in(f, "gate.crt"), cert, f->w->ca);
    (void)test_dir_key(f->w->dir, in(f, "gate.key"), key);
}

/* Whether the service shows this certificate to who asks for the name. */
static bool shows(const struct tlsworld *w, struct gw_tls_context *tls, const char *name,
                  const struct test_cert *cert)
{
    SSL_CTX *ctx = tlspair_client_ctx(w, 0);
    struct tlspair p;
    char sent[64];
    (void)snprintf(sent, sizeof(sent), "%s", name);
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_NO_CHECK_TIME);
    tlspair_init(&p, tls, ctx, NULL);
    assert_true(SSL_set_tlsext_host_name(p.client, sent));
    tlspair_succeed(&p);
    bool same = X509_cmp(SSL_get0_peer_certificate(p.client), cert->x509) == 0;
    tlspair_done(&p);
    SSL_CTX_free(ctx);
    return same;
}

/* What is said of it, a line each. */
static const char *said(struct gw_files *files)
{
    static char text[4096];
    const struct gw_notes *notes = gw_files_notes(files);
    text[0] = '\0';
    for (unsigned i = 0; i < notes->count; i++) {
        strncat(text, notes->all[i], sizeof(text) - strlen(text) - 1);
        strncat(text, "\n", sizeof(text) - strlen(text) - 1);
    }
    return text;
}

static void says(struct gw_files *files, const char *words)
{
    if (!strstr(said(files), words))
        fail_msg("'%s' is not in '%s'", words, said(files));
}

static struct gw_tls_context *load(const struct gw_service *service, struct gw_files *files)
{
    struct gw_tls_context *tls = NULL;
    struct gw_error err = {.text = ""};
    if (gw_tls_context_new(&tls, service, NULL, files, &err))
        fail_msg("%s", err.text);
    return tls;
}

static void refuses(const struct gw_service *service, struct gw_files *files, const char *words)
{
    struct gw_tls_context *tls = NULL;
    struct gw_error err = {.text = ""};
    if (gw_tls_context_new(&tls, service, NULL, files, &err) == 0)
        fail_msg("accepted, but '%s' was expected", words);
    if (!strstr(err.text, words))
        fail_msg("'%s' does not say '%s'", err.text, words);
}

/* ---- mistakes, each in the files of gate.test ---- */

static void make_expired(const struct folder *f)
{
    struct test_cert *cert = new_gate(f->w, -7200, -3600, TEST_KEY_EC);
    put_gate(f, cert, cert);
    test_cert_free(cert);
}

static void make_early(const struct folder *f)
{
    struct test_cert *cert = new_gate(f->w, 3600, 7200, TEST_KEY_EC);
    put_gate(f, cert, cert);
    test_cert_free(cert);
}

static void make_weak(const struct folder *f)
{
    struct test_cert *cert = new_gate(f->w, 0, 0, TEST_KEY_RSA_1024);
    put_gate(f, cert, cert);
    test_cert_free(cert);
}

static void make_unfit(const struct folder *f)
{
    put_gate(f, f->w->server_ec, f->w->other);
}

static void make_damaged(const struct folder *f)
{
    static const char text[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    put_gate(f, f->w->server_ec, f->w->server_ec);
    (void)test_dir_file(f->w->dir, in(f, "gate.crt"), text, strlen(text));
}

static void make_keyless(const struct folder *f)
{
    put_gate(f, f->w->server_ec, f->w->server_ec);
    (void)test_dir_file(f->w->dir, in(f, "gate.key"), "", 0);
}

static void make_unreadable(const struct folder *f)
{
    char path[256];
    put_gate(f, f->w->server_ec, f->w->server_ec);
    (void)snprintf(path, sizeof(path), "%s/gate.crt", f->path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/nonexistent", path), 0);
}

static const struct mistake {
    const char *name;
    void (*make)(const struct folder *f);
    const char *says;
} mistakes[] = {
    {"expired", make_expired, "gate.crt: the certificate expired on 20"},
    {"early", make_early, "gate.crt: the certificate is not valid before 20"},
    {"weak", make_weak, "gate.crt: the certificate cannot be used: its key is too small"},
    {"unfit", make_unfit, "gate.key: this key does not belong to the certificate"},
    {"damaged", make_damaged, "gate.crt: a certificate in the file is damaged"},
    {"keyless", make_keyless, "gate.key: no PEM private key in the file"},
    {"unreadable", make_unreadable, "gate.crt: the file cannot be read: No such file"},
};

static void others_are_served_without_a_bad_one(void **state)
{
    const struct tlsworld *w = *state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(mistakes); i++) {
        struct folder f;
        struct gw_files *files = gw_files_new();
        folder_init(&f, w, mistakes[i].name);
        mistakes[i].make(&f);
        struct gw_tls_context *tls = load(&f.service, files);
        assert_int_equal(gw_tls_context_cert_count(tls), 1);
        assert_true(shows(w, tls, "other.test", w->other));
        assert_true(shows(w, tls, "gate.test", w->other));
        says(files, "left out: --cert-dir ");
        says(files, mistakes[i].says);
        assert_int_equal(gw_files_notes(files)->count, 1);
        gw_tls_context_free(tls);
        gw_files_free(files);
    }
}

/* A certificate that is named is left out, too; the first that is left is shown without a name. */
static void so_are_those_that_are_named(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_files *files = gw_files_new();
    struct gw_service service;
    struct gw_cert_pair bad = {"/nonexistent/x.pem", w->rsa_pair.key_file};
    tlsworld_service(w, &service);
    service.certs[0] = bad;
    service.certs[1] = w->other_pair;
    service.certs[2] = w->ec_pair;
    service.cert_count = 3;
    struct gw_tls_context *tls = load(&service, files);
    assert_int_equal(gw_tls_context_cert_count(tls), 2);
    assert_true(shows(w, tls, "nobody.test", w->other));
    assert_true(shows(w, tls, "gate.test", w->server_ec));
    says(files, "left out: --cert /nonexistent/x.pem: the file cannot be read");
    gw_tls_context_free(tls);
    gw_files_free(files);
}

static void so_is_a_folder(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_files *files = gw_files_new();
    const char *dirs[3] = {"/nonexistent/certs", NULL, test_dir_folder(w->dir, "nothing")};
    struct folder f;
    folder_init(&f, w, "one-of-three");
    dirs[1] = f.path;
    f.service.cert_dirs = dirs;
    f.service.cert_dir_count = 3;
    struct gw_tls_context *tls = load(&f.service, files);
    assert_int_equal(gw_tls_context_cert_count(tls), 1);
    says(files, "left out: --cert-dir /nonexistent/certs: it cannot be read");
    says(files, "nothing: no certificate in this folder");
    gw_tls_context_free(tls);
    gw_files_free(files);
}

static void nothing_left_is_an_error(void **state)
{
    const struct tlsworld *w = *state;
    struct folder f;
    struct gw_files *files = gw_files_new();
    folder_init(&f, w, "none-left");
    make_expired(&f);
    (void)test_dir_file(w->dir, in(&f, "other.pem"), "", 0);
    refuses(&f.service, files, "--cert: none of 2 can be used; the first: --cert-dir ");
    says(files, "gate.crt: the certificate expired on");
    says(files, "other.pem: no PEM certificate in the file");
    gw_files_free(files);
    files = gw_files_new();
    f.service.cert_dir_count = 0;
    f.service.cert_count = 1;
    f.service.certs[0] = (struct gw_cert_pair){"/nonexistent/x.pem", "/nonexistent/x.pem"};
    refuses(&f.service, files, "--cert /nonexistent/x.pem: the file cannot be read");
    gw_files_free(files);
}

/* ---- reloads ---- */

/* Reads what there is now, with what `last` has in force, as the loader does. */
static struct gw_files *look(const struct gw_files *last)
{
    struct gw_files *files = gw_files_new();
    assert_int_equal(gw_files_follow(files, last), 0);
    return files;
}

/* What a worker loads that is given the set. */
static struct gw_tls_context *load_copy(const struct gw_service *service,
                                        const struct gw_files *files)
{
    struct gw_files *copy = NULL;
    gw_auto_fd fd = gw_files_seal(files);
    assert_true(fd >= 0);
    assert_int_equal(gw_files_open(&copy, fd), 0);
    struct gw_tls_context *tls = load(service, copy);
    gw_files_free(copy);
    return tls;
}

/* Of this certificate here and in a worker. */
static void serves(const struct folder *f, struct gw_files *files, const struct test_cert *gate,
                   const struct test_cert *other)
{
    struct gw_tls_context *both[2] = {load(&f->service, files)};
    both[1] = load_copy(&f->service, files);
    for (int i = 0; i < 2; i++) {
        assert_true(shows(f->w, both[i], "gate.test", gate));
        assert_true(shows(f->w, both[i], "other.test", other));
        gw_tls_context_free(both[i]);
    }
}

/* Meanwhile the other one is renewed; then the mistake is mended. */
static void what_was_in_force_stays(const struct tlsworld *w, const struct mistake *m)
{
    char name[64];
    struct folder f;
    struct gw_files *sets[4] = {gw_files_new()};
    struct test_cert *renewed = test_cert_new(
        &(struct test_cert_spec){.cn = "other", .san = "DNS:other.test", .issuer = w->ca});
    struct test_cert *next = new_gate(w, 0, 0, TEST_KEY_EC);
    (void)snprintf(name, sizeof(name), "reload-%s", m->name);
    folder_init(&f, w, name);
    put_gate(&f, w->server_ec, w->server_ec);
    serves(&f, sets[0], w->server_ec, w->other);
    assert_int_equal(gw_files_notes(sets[0])->count, 0);

    m->make(&f);
    (void)test_dir_bundle(w->dir, in(&f, "other.pem"), renewed, w->ca);
    sets[1] = look(sets[0]);
    serves(&f, sets[1], w->server_ec, renewed);
    says(sets[1], "a certificate stays as it was: --cert-dir ");
    says(sets[1], m->says);
    assert_false(gw_files_equal(sets[1], sets[0]));

    sets[2] = look(sets[1]); /* nothing new, and it stays for as long */
    serves(&f, sets[2], w->server_ec, renewed);
    assert_true(gw_files_equal(sets[2], sets[1]));

    put_gate(&f, next, next);
    sets[3] = look(sets[2]);
    serves(&f, sets[3], next, renewed);
    assert_int_equal(gw_files_notes(sets[3])->count, 0);
    for (int i = 0; i < 4; i++)
        gw_files_free(sets[i]);
    test_cert_free(next);
    test_cert_free(renewed);
}

static void a_bad_renewal_leaves_the_old_one(void **state)
{
    for (size_t i = 0; i < GW_ARRAY_SIZE(mistakes); i++)
        what_was_in_force_stays(*state, &mistakes[i]);
}

/* Keys that had the old pass phrase open by it as long as they stay in force. */
static void what_stays_keeps_its_pass_phrase(void **state)
{
    const struct tlsworld *w = *state;
    struct folder f;
    struct gw_files *sets[3];
    folder_init(&f, w, "phrases");
    (void)test_dir_cert(w->dir, in(&f, "gate.crt"), w->server_ec, w->ca);
    (void)test_dir_key_encrypted(w->dir, in(&f, "gate.key"), w->server_ec, "old",
                                 EVP_aes_128_cbc());
    f.service.key_pass_file = test_dir_file(w->dir, "phrases.pass", "old\n", 4);
    sets[0] = gw_files_new();
    serves(&f, sets[0], w->server_ec, w->other);
    (void)test_dir_file(w->dir, "phrases.pass", "new\n", 4);
    sets[1] = look(sets[0]);
    serves(&f, sets[1], w->server_ec, w->other);
    says(sets[1], "a certificate stays as it was: --cert-dir ");
    says(sets[1], "the key cannot be decrypted by the pass phrase of --key-pass-file");
    sets[2] = look(sets[1]);
    serves(&f, sets[2], w->server_ec, w->other);
    assert_true(gw_files_equal(sets[2], sets[1]));
    for (int i = 0; i < 3; i++)
        gw_files_free(sets[i]);
}

/* What has ended in force is not taken from those that are served; at a start it would be. */
static void what_expires_in_force_stays(void **state)
{
    const struct tlsworld *w = *state;
    struct folder f;
    struct gw_files *first = gw_files_new();
    struct test_cert *brief = new_gate(w, -600, 600, TEST_KEY_EC);
    folder_init(&f, w, "brief");
    put_gate(&f, brief, brief);
    serves(&f, first, brief, w->other);
    test_ahead = 700;
    struct gw_files *later = look(first);
    serves(&f, later, brief, w->other);
    says(later, "stays as it was: --cert-dir ");
    says(later, "expired on");
    gw_files_free(later);
    later = look(NULL);
    struct gw_tls_context *tls = load(&f.service, later);
    assert_int_equal(gw_tls_context_cert_count(tls), 1);
    says(later, "left out");
    gw_tls_context_free(tls);
    test_ahead = 0;
    gw_files_free(later);
    gw_files_free(first);
    test_cert_free(brief);
}

/* The same files, which say something else by then. */
static void what_becomes_valid_is_taken_in(void **state)
{
    const struct tlsworld *w = *state;
    struct folder f;
    struct gw_files *first = gw_files_new();
    struct test_cert *early = new_gate(w, 600, 7200, TEST_KEY_EC);
    folder_init(&f, w, "early-bird");
    put_gate(&f, early, early);
    struct gw_tls_context *tls = load(&f.service, first);
    assert_int_equal(gw_tls_context_cert_count(tls), 1);
    gw_tls_context_free(tls);
    test_ahead = 700;
    struct gw_files *later = look(first);
    serves(&f, later, early, w->other);
    assert_false(gw_files_equal(later, first));
    test_ahead = 0;
    gw_files_free(later);
    gw_files_free(first);
    test_cert_free(early);
}

/* Of the file's two contents each certificate keeps the one that it is in force with. */
static void a_key_of_two_certificates(void **state)
{
    const struct tlsworld *w = *state;
    struct folder f;
    struct gw_files *sets[3] = {gw_files_new()};
    struct test_cert *next = new_gate(w, 0, 0, TEST_KEY_EC);
    struct test_cert *other = test_cert_new(
        &(struct test_cert_spec){.cn = "other", .san = "DNS:other.test", .issuer = w->ca});
    assert_true(X509_set_pubkey(other->x509, w->server_ec->key) &&
                X509_sign(other->x509, w->ca->key, EVP_sha256()));
    folder_init(&f, w, "shared");
    f.service.cert_dir_count = 0;
    const char *key = test_dir_key(w->dir, in(&f, "gate.key"), w->server_ec);
    f.service.certs[0] = (struct gw_cert_pair){
        test_dir_cert(w->dir, in(&f, "gate.crt"), w->server_ec, w->ca), key, NULL};
    f.service.certs[1] =
        (struct gw_cert_pair){test_dir_cert(w->dir, in(&f, "both.crt"), other, w->ca), key, NULL};
    f.service.certs[2] = w->rsa_pair; /* where all stay, nothing is new */
    f.service.cert_count = 3;
    serves(&f, sets[0], w->server_ec, other);
    put_gate(&f, next, next); /* and the other one is forgotten */
    sets[1] = look(sets[0]);
    serves(&f, sets[1], next, other);
    (void)test_dir_file(w->dir, in(&f, "gate.crt"), "", 0);
    sets[2] = look(sets[1]);
    serves(&f, sets[2], next, other);
    says(sets[2], "gate.crt: no PEM certificate in the file");
    for (int i = 0; i < 3; i++)
        gw_files_free(sets[i]);
    test_cert_free(other);
    test_cert_free(next);
}

/* A service whose only certificate is broken has nothing to take over: all stays as it was. */
static void a_reload_without_any_good_one_fails(void **state)
{
    const struct tlsworld *w = *state;
    struct folder f;
    struct gw_files *first = gw_files_new();
    folder_init(&f, w, "only");
    serves(&f, first, w->other, w->other);
    (void)test_dir_file(w->dir, in(&f, "other.pem"), "", 0);
    struct gw_files *later = look(first);
    refuses(&f.service, later, "other.pem: no PEM certificate in the file");
    gw_files_free(later);
    gw_files_free(first);
}

static void a_folder_that_is_gone_stays_as_it_was(void **state)
{
    const struct tlsworld *w = *state;
    struct folder f;
    char moved[256];
    struct gw_files *first = gw_files_new();
    folder_init(&f, w, "moved");
    f.service.certs[0] = w->ec_pair;
    f.service.cert_count = 1;
    serves(&f, first, w->server_ec, w->other);
    (void)snprintf(moved, sizeof(moved), "%s.away", f.path);
    assert_int_equal(rename(f.path, moved), 0);
    struct gw_files *later = look(first);
    serves(&f, later, w->server_ec, w->other);
    says(later, "moved: it cannot be read: No such file or directory; its certificates stay");
    assert_int_equal(rename(moved, f.path), 0);
    gw_files_free(later);
    gw_files_free(first);
}

/* ---- responses ---- */

/* Length of the response that a client is shown; -1: none. */
static long stapled(const struct tlsworld *w, struct gw_tls_context *tls)
{
    SSL_CTX *ctx = tlspair_client_ctx(w, 0);
    struct tlspair p;
    const unsigned char *got;
    tlspair_init(&p, tls, ctx, NULL);
    SSL_set_tlsext_status_type(p.client, TLSEXT_STATUSTYPE_ocsp);
    tlspair_succeed(&p);
    long len = SSL_get_tlsext_status_ocsp_resp(p.client, &got);
    tlspair_done(&p);
    SSL_CTX_free(ctx);
    return len;
}

static void a_bad_response_leaves_the_certificate(void **state)
{
    const struct tlsworld *w = *state;
    static const char garbage[] = "<html>404</html>";
    struct gw_files *files = gw_files_new();
    struct gw_service service;
    tlsworld_service(w, &service);
    service.certs[0] = (struct gw_cert_pair){test_dir_cert(w->dir, "st.pem", w->other, w->ca),
                                             w->other_pair.key_file};
    service.cert_count = 1;
    (void)test_dir_file(w->dir, "st.pem.ocsp", garbage, strlen(garbage));
    struct gw_tls_context *tls = load(&service, files);
    assert_int_equal(stapled(w, tls), -1);
    says(files, "an OCSP response is left out: --cert ");
    says(files, "st.pem.ocsp: the OCSP response cannot be used: it is no OCSP response in DER");
    gw_tls_context_free(tls);
    gw_files_free(files);

    struct gw_files *good = gw_files_new();
    (void)test_dir_ocsp(w->dir, "st.pem.ocsp", &(struct test_ocsp_spec){w->other});
    tls = load(&service, good);
    long len = stapled(w, tls);
    assert_in_range(len, 100, GW_OCSP_MAX);
    gw_tls_context_free(tls);

    (void)test_dir_file(w->dir, "st.pem.ocsp", garbage, strlen(garbage));
    files = look(good);
    tls = load(&service, files);
    assert_int_equal(stapled(w, tls), len);
    says(files, "an OCSP response stays as it was: --cert ");
    gw_tls_context_free(tls);
    gw_files_free(files);
    gw_files_free(good);
}

/* It says that clients refuse the certificate. */
static void a_revoked_one_is_left_out(void **state)
{
    const struct tlsworld *w = *state;
    struct folder f;
    struct gw_files *files = gw_files_new();
    folder_init(&f, w, "revoked");
    put_gate(&f, w->server_ec, w->server_ec);
    (void)test_dir_ocsp(
        w->dir, in(&f, "gate.ocsp"),
        &(struct test_ocsp_spec){w->server_ec, .status = V_OCSP_CERTSTATUS_REVOKED});
    struct gw_tls_context *tls = load(&f.service, files);
    assert_int_equal(gw_tls_context_cert_count(tls), 1);
    says(files, "left out: --cert-dir ");
    says(files, "it says that the certificate is revoked");
    gw_tls_context_free(tls);
    gw_files_free(files);
}

/* ---- chains ---- */

/* Certificates by letter: the leaf, its issuer, that one's issuer, its root, one of no part in it.
 */
enum {
    L,
    M,
    N,
    R,
    X,
    LETTERS
};

static const char letters[] = "LMNRX";

static struct test_cert *new_ca(const char *cn, const struct test_cert *issuer)
{
    return test_cert_new(&(struct test_cert_spec){.cn = cn, .ca = true, .issuer = issuer});
}

static void make_letters(struct test_cert *ret[LETTERS])
{
    ret[R] = new_ca("R", NULL);
    ret[N] = new_ca("N", ret[R]);
    ret[M] = new_ca("M", ret[N]);
    ret[X] = new_ca("X", NULL);
    ret[L] = test_cert_new(
        &(struct test_cert_spec){.cn = "L", .san = "DNS:chain.test", .issuer = ret[M]});
}

static const char *put_chain(const struct tlsworld *w, struct test_cert *const certs[LETTERS],
                             const char *order)
{
    char name[64], *pem;
    BIO *bio = BIO_new(BIO_s_mem());
    for (const char *at = order; *at; at++)
        assert_true(PEM_write_bio_X509(bio, certs[strchr(letters, *at) - letters]->x509));
    long len = BIO_get_mem_data(bio, &pem);
    (void)snprintf(name, sizeof(name), "chain-%s.pem", order);
    const char *path = test_dir_file(w->dir, name, pem, (size_t)len);
    BIO_free(bio);
    return path;
}

/* What a client is sent, by letters. */
static void sent(const struct tlsworld *w, struct gw_tls_context *tls,
                 struct test_cert *const certs[LETTERS], char ret[8])
{
    SSL_CTX *ctx = tlspair_client_ctx(w, 0);
    struct tlspair p;
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    tlspair_init(&p, tls, ctx, NULL);
    tlspair_succeed(&p);
    STACK_OF(X509) *got = SSL_get_peer_cert_chain(p.client);
    unsigned n = 0;
    for (int i = 0; i < sk_X509_num(got) && n < 7; i++)
        for (int c = 0; c < LETTERS; c++)
            if (X509_cmp(sk_X509_value(got, i), certs[c]->x509) == 0)
                ret[n++] = letters[c];
    ret[n] = '\0';
    tlspair_done(&p);
    SSL_CTX_free(ctx);
}

static void chains_are_put_in_order(void **state)
{
    static const struct {
        const char *order, *sent, *says;
        unsigned notes;
    } rows[] = {
        {"LMN", "LMN", NULL, 0},
        {"LMNR", "LMNR", NULL, 0},
        {"LM", "LM", NULL, 0},
        {"LNM", "LMN", "chain-LNM.pem: the intermediates are in the wrong order", 1},
        {"LRNM", "LMNR", "in the wrong order", 1},
        {"LMX", "LMX", "the certificate of CN=X signed none of those before it", 1},
        {"LX", "LX", "the certificate of its issuer CN=M is not in the file", 2},
        {"LN", "LN", "the certificate of its issuer CN=M is not in the file", 2},
        {"LLM", "LM", "the certificate of CN=L is in the file twice", 1},
        {"LMM", "LM", "the certificate of CN=M is in the file twice", 1},
        {"LMNM", "LMN", "the certificate of CN=M is in the file twice", 1},
        {"L", "L", "the certificate of its issuer CN=M is not in the file", 1},
    };
    const struct tlsworld *w = *state;
    struct test_cert *certs[LETTERS];
    make_letters(certs);
    const char *key = test_dir_key(w->dir, "chain.key", certs[L]);
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        struct gw_files *files = gw_files_new();
        struct gw_service service;
        char got[8];
        tlsworld_service(w, &service);
        service.certs[0] = (struct gw_cert_pair){put_chain(w, certs, rows[i].order), key};
        service.cert_count = 1;
        service.verify = GW_VERIFY_OPTIONAL;
        service.cacerts[0] = w->ca_file;
        struct gw_tls_context *tls = load(&service, files);
        sent(w, tls, certs, got);
        assert_string_equal(got, rows[i].sent);
        assert_int_equal(gw_files_notes(files)->count, rows[i].notes);
        if (rows[i].says)
            says(files, rows[i].says);
        gw_tls_context_free(tls);
        gw_files_free(files);
    }
    for (int i = 0; i < LETTERS; i++)
        test_cert_free(certs[i]);
}

static void the_owner_of_a_key_is_named(void **state)
{
    const struct tlsworld *w = *state;
    struct test_cert *certs[LETTERS];
    struct gw_files *files = gw_files_new();
    struct gw_service service;
    make_letters(certs);
    tlsworld_service(w, &service);
    service.certs[0] = (struct gw_cert_pair){put_chain(w, certs, "MLR"),
                                             test_dir_key(w->dir, "chain.key", certs[L])};
    service.cert_count = 1;
    refuses(&service, files, "this key belongs to certificate 2 of --cert ");
    gw_files_free(files);
    for (int i = 0; i < LETTERS; i++)
        test_cert_free(certs[i]);
}

/* ---- encryption ---- */

static const char by_md5_and_des[] =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MFcwGwYJKoZIhvcNAQUDMA4ECOD/RByqgYKXAgIIAAQ4TniHIUQr9r6Y2CKB0KRz\n"
    "ktcorhGCT35suZfI6oe77XVnK+mv8wxsFGDcMuV2cowlQFefhq9juNw=\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";

static const char by_rc2[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
                             "MIGSMFYGCSqGSIb3DQEFDTBJMCwGCSqGSIb3DQEFDDAfBAjbzqqGhsrTIgICCAAC\n"
                             "ARAwDAYIKoZIhvcNAgkFADAZBggqhkiG9w0DAjANAgE6BAhvkzgzlHneNwQ4BXTU\n"
                             "HE9qMl6HfzlrI84F/t4EH5okKYRJiicTsnunr3NXh5HsdLT6vGmVsBzkTI9RoVrd\n"
                             "FI0gT6c=\n"
                             "-----END ENCRYPTED PRIVATE KEY-----\n";

/* As `openssl ec -des` made them. */
static const char by_headed_des[] =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "Proc-Type: 4,ENCRYPTED\n"
    "DEK-Info: DES-CBC,DAE715ABD3117C2F\n"
    "\n"
    "pqosAje0MXCkoww2Azbs+VwLjr7jxlTGPnATpjTq8mTEs1kmZnXeyrD2InvkOAKp\n"
    "FtQ1s2SM24n96ceEG1da2J0QhChlk3O4HsiGitxYv4h3mO9BA/1mfgxNqiNojcys\n"
    "ilNzZ5hsAoO2QCGArN/8V1taFY7LQwKeVXdw0mqwLmY=\n"
    "-----END EC PRIVATE KEY-----\n";

static void what_libcrypto_opens_no_more_is_named(void **state)
{
    const struct tlsworld *w = *state;
    const struct {
        const char *key, *says;
    } rows[] = {{by_md5_and_des, "encrypted with PBKDF1, which OpenSSL opens no more"},
                {by_rc2, "encrypted with RC2-CBC, which OpenSSL opens no more"},
                {by_headed_des, "encrypted with DES-CBC, which OpenSSL opens no more"},
                {by_headed_des, "encrypt it anew, as by openssl pkcs8 -topk8 "}};
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        struct gw_files *files = gw_files_new();
        struct gw_service service;
        tlsworld_service(w, &service);
        service.certs[0].key_file =
            test_dir_file(w->dir, "legacy.key", rows[i].key, strlen(rows[i].key));
        service.cert_count = 1;
        service.key_pass_file = test_dir_file(w->dir, "legacy.pass", "x\n", 2);
        refuses(&service, files, rows[i].says);
        gw_files_free(files);
    }
}

/* ---- PKCS #12 ---- */

struct seal {
    const char *phrase;
    int algorithm; /* a NID of libcrypto, 0: its default, -1: nothing is encrypted */
    bool bare;     /* without a MAC */
};

static const char *put_p12(const struct tlsworld *w, const char *name, const struct test_cert *cert,
                           struct seal s)
{
    STACK_OF(X509) *more = sk_X509_new_null();
    unsigned char *der = NULL;
    assert_true(sk_X509_push(more, w->ca->x509));
    PKCS12 *p = PKCS12_create(s.phrase, "name", cert->key, cert->x509, more, s.algorithm,
                              s.algorithm, 1000, s.bare ? -1 : 1000, 0);
    int len = i2d_PKCS12(p, &der);
    assert_true(len > 0);
    const char *path = test_dir_file(w->dir, name, der, (size_t)len);
    OPENSSL_free(der);
    PKCS12_free(p);
    sk_X509_free(more);
    return path;
}

/* As `openssl pkcs12 -export -legacy` makes it: RC2 of 40 bits for the certificate, Triple DES for
 * the key. The pass phrase is x. */
static const char by_rc2_of_40_bits[] =
    "MIIDcgIBAzCCAzgGCSqGSIb3DQEHAaCCAykEggMlMIIDITCCAhcGCSqGSIb3DQEHBqCCAggwggIE"
    "AgEAMIIB/QYJKoZIhvcNAQcBMBwGCiqGSIb3DQEMAQYwDgQIQ5DpMCBo2y0CAggAgIIB0B7/U6CC"
    "VCGWdJd4qEnzCdGnj1EsnDifqXeR9onzc8M2Koi8TJuhqo5x12dQ6Y3jQ6iCdJWztsFwrva9PO35"
    "ccDZQNKKqDnm+3VxurLZP2sSiY2Ph2byf6vXjkIKmIY3HUOyHBksrImKUFJTKfdnYIlOi/OpI+YN"
    "67QT/S6I6DX1dOtNKpuvlpcN0p82J3psvWn40er/cF7loT1+vK91CxFoOnJAQSCeXlJR22OuYJYj"
    "30cFTf82tpBEafAgeLgLV36LczddM1S1GElHvXU+D0NlcvZyM2b46ErQg8QPhFOkEKlDs10kwOyK"
    "SMEov0QMDkt6dr7njmT5TWpR2t5tdrElgCHsctmgoeYlMUCXLysHR5ZxHr40/ae5uStSEqODzp4S"
    "SELmqkZw4BR1HV7WshOd0cQo57cJ2i3GEomJBChjA4Q+UX5ZnkGpRb6/GrMRUjpK4mqF3BMW7fNR"
    "EbfepfTdR2dt1Enre8452mC3yUGAaG60r2VIufqVxz6MryRu2l6H0kyG/MPZElropycH/0reGo2r"
    "Aq9/ACKS5w8s1ps6EcpIOfgCO5RuWiI3hWHQsxfnf5/EsjxNUttQmiJuzJGzBn3BUkKPIOrJ16xe"
    "4d/xMIIBAgYJKoZIhvcNAQcBoIH0BIHxMIHuMIHrBgsqhkiG9w0BDAoBAqCBtDCBsTAcBgoqhkiG"
    "9w0BDAEDMA4ECJn1Vu5KXejEAgIIAASBkLjKmsf8p69lVxLGHi7jTz5HAEZW8nEJZ+WamYDq3FSe"
    "WZHeyhcIMwO7Pv90mU2E+PxTI4InM6Vhq+Cja7RHFhHvC4GF9gSNs2pLmGWq6TkKedDbJbdK9YhL"
    "DmjAzMUwRdvp/fx1GXFykcd/xPHSUslEYzvJyVnpEIO7SBIMdCFPH8VbzGRIVHJSVOHhC4psXTEl"
    "MCMGCSqGSIb3DQEJFTEWBBRkW0Sx4aVoTMy4z1Pi2BzKrHIKvTAxMCEwCQYFKw4DAhoFAAQU9v5J"
    "UCnKS1npk0e3rZhsM/D6ImQECN6EK1kF/3O5AgIIAA==";

/* What is old but still opened is taken; what is not is named, with the way out of it. */
static void pkcs12_of_old(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_service service;
    struct gw_files *files = gw_files_new();
    uint8_t der[1024];
    int len =
        EVP_DecodeBlock(der, (const uint8_t *)by_rc2_of_40_bits, (int)strlen(by_rc2_of_40_bits));
    assert_true(len > 2);
    tlsworld_service(w, &service);
    service.cert_count = 1;
    service.key_pass_file = test_dir_file(w->dir, "old.pass", "x\n", 2);
    const char *path = put_p12(w, "old.p12", w->server_ec,
                               (struct seal){"x", NID_pbe_WithSHA1And3_Key_TripleDES_CBC});
    service.certs[0] = (struct gw_cert_pair){path, path};
    struct gw_tls_context *tls = load(&service, files);
    assert_true(shows(w, tls, "gate.test", w->server_ec));
    gw_tls_context_free(tls);
    gw_files_free(files);
    files = gw_files_new();
    (void)test_dir_file(w->dir, "old.p12", der, (size_t)len - 2); /* the padding's */
    refuses(&service, files, "old.p12: it is encrypted with RC2-40-CBC, which OpenSSL opens no ");
    refuses(&service, files, "make it anew, as by openssl pkcs12 -legacy -in … -nodes -out ");
    gw_files_free(files);
}

static void pkcs12_holds_all(void **state)
{
    const struct tlsworld *w = *state;
    const struct test_cert *certs[] = {w->server_ec, w->server_rsa};
    const struct {
        struct seal seal;
        const char *pass; /* --key-pass-file */
    } rows[] = {
        {{"secret"}, "secret\n"},
        {{""}, NULL},
        {{NULL}, NULL},
        {{""}, "other\n"},
        {{"secret", .bare = true}, "secret\n"},
        {{"", .bare = true}, NULL},
        {{"", NID_pbe_WithSHA1And3_Key_TripleDES_CBC, true}, "other\n"},
        {{NULL, NID_pbe_WithSHA1And3_Key_TripleDES_CBC, true}, NULL},
        {{NULL, -1, true}, "other\n"},
        {{NULL, -1, true}, NULL},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        struct gw_files *files = gw_files_new();
        struct gw_service service;
        tlsworld_service(w, &service);
        const char *path = put_p12(w, "all.p12", certs[i % 2], rows[i].seal);
        service.certs[0] = (struct gw_cert_pair){path, path};
        service.cert_count = 1;
        if (rows[i].pass)
            service.key_pass_file =
                test_dir_file(w->dir, "p12.pass", rows[i].pass, strlen(rows[i].pass));
        struct gw_tls_context *tls = load(&service, files);
        assert_true(shows(w, tls, "gate.test", certs[i % 2]));
        assert_int_equal(gw_files_notes(files)->count, 0);
        gw_tls_context_free(tls);
        gw_files_free(files);
    }
}

static void what_is_wrong_with_pkcs12(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_service service;
    struct gw_files *files = gw_files_new();
    const char *path = put_p12(w, "sealed.pfx", w->server_ec, (struct seal){"secret"});
    tlsworld_service(w, &service);
    service.certs[0] = (struct gw_cert_pair){path, path};
    service.cert_count = 1;
    refuses(&service, files, "sealed.pfx: it is encrypted; give its pass phrase");
    service.key_pass_file = test_dir_file(w->dir, "p12.pass", "wrong\n", 6);
    refuses(&service, files, "sealed.pfx: it cannot be opened by the pass phrase");
    path = put_p12(w, "bare.pfx", w->server_ec, (struct seal){"secret", .bare = true});
    service.certs[0] = (struct gw_cert_pair){path, path};
    refuses(&service, files, "bare.pfx: it is damaged, or the pass phrase of --key-pass-file");
    service.key_pass_file = NULL;
    refuses(&service, files, "bare.pfx: it is damaged, or encrypted; if it is");
    gw_files_free(files);
    files = gw_files_new();
    (void)test_dir_file(w->dir, "bare.pfx", "\x30\x03\x02\x01\x03", 5);
    refuses(&service, files, "bare.pfx: it is neither PEM nor PKCS #12");
    gw_files_free(files);
}

/* Who names a key has that one, and not what else is in the file. */
static void a_named_key_counts_beside_pkcs12(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_service service;
    struct gw_files *files = gw_files_new();
    const char *path = put_p12(w, "keyed.p12", w->server_ec, (struct seal){""});
    tlsworld_service(w, &service);
    service.cert_count = 1;
    service.certs[0] = (struct gw_cert_pair){path, test_dir_key(w->dir, "own.key", w->server_ec)};
    struct gw_tls_context *tls = load(&service, files);
    assert_true(shows(w, tls, "gate.test", w->server_ec));
    gw_tls_context_free(tls);
    service.certs[0].key_file = test_dir_key(w->dir, "not.key", w->server_rsa);
    refuses(&service, files, "not.key: this key does not belong to the certificate of --cert ");
    service.certs[0].key_file = test_dir_file(w->dir, "no.key", "none", 4);
    refuses(&service, files, "no.key: no PEM private key in the file");
    gw_files_free(files);
}

/* Its own key counts, also in a folder. */
static void pkcs12_in_a_folder(void **state)
{
    const struct tlsworld *w = *state;
    struct folder f;
    struct gw_files *files = gw_files_new();
    folder_init(&f, w, "p12");
    (void)put_p12(w, in(&f, "gate.p12"), w->server_ec, (struct seal){""});
    struct gw_tls_context *tls = load(&f.service, files);
    assert_true(shows(w, tls, "gate.test", w->server_ec));
    assert_true(shows(w, tls, "other.test", w->other));
    gw_tls_context_free(tls);
    gw_files_free(files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(others_are_served_without_a_bad_one),
        cmocka_unit_test(so_are_those_that_are_named),
        cmocka_unit_test(so_is_a_folder),
        cmocka_unit_test(nothing_left_is_an_error),
        cmocka_unit_test(a_bad_renewal_leaves_the_old_one),
        cmocka_unit_test(what_expires_in_force_stays),
        cmocka_unit_test(what_becomes_valid_is_taken_in),
        cmocka_unit_test(a_key_of_two_certificates),
        cmocka_unit_test(a_reload_without_any_good_one_fails),
        cmocka_unit_test(a_folder_that_is_gone_stays_as_it_was),
        cmocka_unit_test(what_stays_keeps_its_pass_phrase),
        cmocka_unit_test(a_bad_response_leaves_the_certificate),
        cmocka_unit_test(a_revoked_one_is_left_out),
        cmocka_unit_test(chains_are_put_in_order),
        cmocka_unit_test(the_owner_of_a_key_is_named),
        cmocka_unit_test(what_libcrypto_opens_no_more_is_named),
        cmocka_unit_test(pkcs12_of_old),
        cmocka_unit_test(pkcs12_holds_all),
        cmocka_unit_test(what_is_wrong_with_pkcs12),
        cmocka_unit_test(a_named_key_counts_beside_pkcs12),
        cmocka_unit_test(pkcs12_in_a_folder),
    };
    return cmocka_run_group_tests(tests, tlsworld_setup, tlsworld_teardown);
}
