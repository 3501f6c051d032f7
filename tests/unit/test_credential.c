/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/tls/keyring and credential: one certificate that is not good takes no other one with it,
 * at a start and at a reload. */
#include "gateway/base/fd.h"
#include "gateway/tls/ocsp.h"
#include "tests/unit/ahead.h"
#include "tests/unit/certfolder.h"
#include "tests/unit/responder.h"

#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

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

static void put_gate(const struct certfolder *f, const struct test_cert *cert,
                     const struct test_cert *key)
{
    (void)test_dir_cert(f->w->dir, certfolder_in(f, "gate.crt"), cert, f->w->ca);
    (void)test_dir_key(f->w->dir, certfolder_in(f, "gate.key"), key);
}

/* ---- mistakes, each in the files of gate.test ---- */

static void make_expired(const struct certfolder *f)
{
    struct test_cert *cert = new_gate(f->w, -7200, -3600, TEST_KEY_EC);
    put_gate(f, cert, cert);
    test_cert_free(cert);
}

static void make_early(const struct certfolder *f)
{
    struct test_cert *cert = new_gate(f->w, 3600, 7200, TEST_KEY_EC);
    put_gate(f, cert, cert);
    test_cert_free(cert);
}

static void make_weak(const struct certfolder *f)
{
    struct test_cert *cert = new_gate(f->w, 0, 0, TEST_KEY_RSA_1024);
    put_gate(f, cert, cert);
    test_cert_free(cert);
}

static void make_unfit(const struct certfolder *f)
{
    put_gate(f, f->w->server_ec, f->w->other);
}

static void make_damaged(const struct certfolder *f)
{
    static const char text[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    put_gate(f, f->w->server_ec, f->w->server_ec);
    (void)test_dir_file(f->w->dir, certfolder_in(f, "gate.crt"), text, strlen(text));
}

static void make_keyless(const struct certfolder *f)
{
    put_gate(f, f->w->server_ec, f->w->server_ec);
    (void)test_dir_file(f->w->dir, certfolder_in(f, "gate.key"), "", 0);
}

static void make_unreadable(const struct certfolder *f)
{
    char path[256];
    put_gate(f, f->w->server_ec, f->w->server_ec);
    (void)snprintf(path, sizeof(path), "%s/gate.crt", f->path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/nonexistent", path), 0);
}

static const struct mistake {
    const char *name;
    void (*make)(const struct certfolder *f);
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
        struct certfolder f;
        struct gw_files *files = gw_files_new();
        certfolder_init(&f, w, mistakes[i].name);
        mistakes[i].make(&f);
        struct gw_tls_context *tls = certfolder_load(&f.side, files);
        assert_int_equal(gw_tls_context_cert_count(tls), 1);
        assert_true(certfolder_shows(w, tls, "other.test", w->other));
        assert_true(certfolder_shows(w, tls, "gate.test", w->other));
        certfolder_says(files, "skipped: --cert-dir ");
        certfolder_says(files, mistakes[i].says);
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
    struct gw_tls_side side;
    struct gw_cert_pair bad = {"/nonexistent/x.pem", w->rsa_pair.key_file};
    tlsworld_side(w, &side);
    side.certs[0] = bad;
    side.certs[1] = w->other_pair;
    side.certs[2] = w->ec_pair;
    side.cert_count = 3;
    struct gw_tls_context *tls = certfolder_load(&side, files);
    assert_int_equal(gw_tls_context_cert_count(tls), 2);
    assert_true(certfolder_shows(w, tls, "nobody.test", w->other));
    assert_true(certfolder_shows(w, tls, "gate.test", w->server_ec));
    certfolder_says(files, "skipped: --cert /nonexistent/x.pem: the file cannot be read");
    gw_tls_context_free(tls);
    gw_files_free(files);
}

/* It is served all the same: a peer may not look at it. */
static void usages_that_do_not_fit_are_noted(void **state)
{
    static const struct {
        const char *eku;
        bool server, client; /* whether it fits the role */
    } rows[] = {
        {"clientAuth", false, true},
        {"serverAuth", true, false},
        {"serverAuth,clientAuth", true, true},
        {"anyExtendedKeyUsage", true, true},
        {NULL, true, true},
    };
    const struct tlsworld *w = *state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++)
        for (int client = 0; client < 2; client++) {
            struct test_cert *cert = test_cert_new(&(struct test_cert_spec){
                .cn = "usage", .san = "DNS:usage.test", .eku = rows[i].eku, .issuer = w->ca});
            struct gw_files *files = gw_files_new();
            struct gw_tls_side side;
            tlsworld_side(w, &side);
            side.certs[0] = (struct gw_cert_pair){
                test_dir_cert(w->dir, "usage.pem", cert, w->ca),
                test_dir_key(w->dir, "usage.key", cert),
            };
            side.cert_count = 1;
            if (client) {
                side.role = GW_ROLE_CLIENT;
                side.verify = GW_VERIFY_REQUIRED;
                side.cacerts[0] = w->ca_file;
                side.peer_name = "usage.test";
            }
            gw_tls_context_free(certfolder_load(&side, files));
            if (client ? rows[i].client : rows[i].server)
                assert_int_equal(gw_files_notes(files)->count, 0);
            else
                certfolder_says(files, client ? "client authentication is not among them"
                                              : "server authentication is not among them");
            gw_files_free(files);
            test_cert_free(cert);
        }
}

static void so_is_a_folder(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_files *files = gw_files_new();
    const char *dirs[3] = {"/nonexistent/certs", NULL, test_dir_folder(w->dir, "nothing")};
    struct certfolder f;
    certfolder_init(&f, w, "one-of-three");
    dirs[1] = f.path;
    f.side.cert_dirs = dirs;
    f.side.cert_dir_count = 3;
    struct gw_tls_context *tls = certfolder_load(&f.side, files);
    assert_int_equal(gw_tls_context_cert_count(tls), 1);
    certfolder_says(files, "skipped: --cert-dir /nonexistent/certs: the folder cannot be read");
    certfolder_says(files, "nothing: no certificate in this folder");
    gw_tls_context_free(tls);
    gw_files_free(files);
}

static void nothing_left_is_an_error(void **state)
{
    const struct tlsworld *w = *state;
    struct certfolder f;
    struct gw_files *files = gw_files_new();
    certfolder_init(&f, w, "none-left");
    make_expired(&f);
    (void)test_dir_file(w->dir, certfolder_in(&f, "other.pem"), "", 0);
    certfolder_refuses(
        &f.side, files,
        "--cert: none of the 2 certificates can be used; the first error: --cert-dir ");
    certfolder_says(files, "gate.crt: the certificate expired on");
    certfolder_says(files, "other.pem: no PEM certificate in the file");
    gw_files_free(files);
    files = gw_files_new();
    f.side.cert_dir_count = 0;
    f.side.cert_count = 1;
    f.side.certs[0] = (struct gw_cert_pair){"/nonexistent/x.pem", "/nonexistent/x.pem"};
    certfolder_refuses(&f.side, files, "--cert /nonexistent/x.pem: the file cannot be read");
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
static struct gw_tls_context *load_copy(const struct gw_tls_side *side,
                                        const struct gw_files *files)
{
    struct gw_files *copy = NULL;
    gw_auto_fd fd = gw_files_seal(files);
    assert_true(fd >= 0);
    assert_int_equal(gw_files_open(&copy, fd), 0);
    struct gw_tls_context *tls = certfolder_load(side, copy);
    gw_files_free(copy);
    return tls;
}

/* Of this certificate here and in a worker. */
static void serves(const struct certfolder *f, struct gw_files *files, const struct test_cert *gate,
                   const struct test_cert *other)
{
    struct gw_tls_context *both[2] = {certfolder_load(&f->side, files)};
    both[1] = load_copy(&f->side, files);
    for (int i = 0; i < 2; i++) {
        assert_true(certfolder_shows(f->w, both[i], "gate.test", gate));
        assert_true(certfolder_shows(f->w, both[i], "other.test", other));
        gw_tls_context_free(both[i]);
    }
}

/* Meanwhile the other one is renewed; then the mistake is mended. */
static void what_was_in_force_stays(const struct tlsworld *w, const struct mistake *m)
{
    char name[64];
    struct certfolder f;
    struct gw_files *sets[4] = {gw_files_new()};
    struct test_cert *renewed = test_cert_new(
        &(struct test_cert_spec){.cn = "other", .san = "DNS:other.test", .issuer = w->ca});
    struct test_cert *next = new_gate(w, 0, 0, TEST_KEY_EC);
    (void)snprintf(name, sizeof(name), "reload-%s", m->name);
    certfolder_init(&f, w, name);
    put_gate(&f, w->server_ec, w->server_ec);
    serves(&f, sets[0], w->server_ec, w->other);
    assert_int_equal(gw_files_notes(sets[0])->count, 0);

    m->make(&f);
    (void)test_dir_bundle(w->dir, certfolder_in(&f, "other.pem"), renewed, w->ca);
    sets[1] = look(sets[0]);
    serves(&f, sets[1], w->server_ec, renewed);
    certfolder_says(sets[1], "the previous certificate stays in force: --cert-dir ");
    certfolder_says(sets[1], m->says);
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
    struct certfolder f;
    struct gw_files *sets[3];
    certfolder_init(&f, w, "phrases");
    (void)test_dir_cert(w->dir, certfolder_in(&f, "gate.crt"), w->server_ec, w->ca);
    (void)test_dir_key_encrypted(w->dir, certfolder_in(&f, "gate.key"), w->server_ec, "old",
                                 EVP_aes_128_cbc());
    f.side.key_pass_file = test_dir_file(w->dir, "phrases.pass", "old\n", 4);
    sets[0] = gw_files_new();
    serves(&f, sets[0], w->server_ec, w->other);
    (void)test_dir_file(w->dir, "phrases.pass", "new\n", 4);
    sets[1] = look(sets[0]);
    serves(&f, sets[1], w->server_ec, w->other);
    certfolder_says(sets[1], "the previous certificate stays in force: --cert-dir ");
    certfolder_says(sets[1], "the key cannot be decrypted with the pass phrase of --key-pass-file");
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
    struct certfolder f;
    struct gw_files *first = gw_files_new();
    struct test_cert *brief = new_gate(w, -600, 600, TEST_KEY_EC);
    certfolder_init(&f, w, "brief");
    put_gate(&f, brief, brief);
    serves(&f, first, brief, w->other);
    test_ahead = 700;
    struct gw_files *later = look(first);
    serves(&f, later, brief, w->other);
    certfolder_says(later, "stays in force: --cert-dir ");
    certfolder_says(later, "expired on");
    gw_files_free(later);
    later = look(NULL);
    struct gw_tls_context *tls = certfolder_load(&f.side, later);
    assert_int_equal(gw_tls_context_cert_count(tls), 1);
    certfolder_says(later, "skipped");
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
    struct certfolder f;
    struct gw_files *first = gw_files_new();
    struct test_cert *early = new_gate(w, 600, 7200, TEST_KEY_EC);
    certfolder_init(&f, w, "early-bird");
    put_gate(&f, early, early);
    struct gw_tls_context *tls = certfolder_load(&f.side, first);
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
    struct certfolder f;
    struct gw_files *sets[3] = {gw_files_new()};
    struct test_cert *next = new_gate(w, 0, 0, TEST_KEY_EC);
    struct test_cert *other = test_cert_new(
        &(struct test_cert_spec){.cn = "other", .san = "DNS:other.test", .issuer = w->ca});
    assert_true(X509_set_pubkey(other->x509, w->server_ec->key) &&
                X509_sign(other->x509, w->ca->key, EVP_sha256()));
    certfolder_init(&f, w, "shared");
    f.side.cert_dir_count = 0;
    const char *key = test_dir_key(w->dir, certfolder_in(&f, "gate.key"), w->server_ec);
    f.side.certs[0] = (struct gw_cert_pair){
        test_dir_cert(w->dir, certfolder_in(&f, "gate.crt"), w->server_ec, w->ca), key, NULL};
    f.side.certs[1] = (struct gw_cert_pair){
        test_dir_cert(w->dir, certfolder_in(&f, "both.crt"), other, w->ca), key, NULL};
    f.side.certs[2] = w->rsa_pair; /* where all stay, nothing is new */
    f.side.cert_count = 3;
    serves(&f, sets[0], w->server_ec, other);
    put_gate(&f, next, next); /* and the other one is forgotten */
    sets[1] = look(sets[0]);
    serves(&f, sets[1], next, other);
    (void)test_dir_file(w->dir, certfolder_in(&f, "gate.crt"), "", 0);
    sets[2] = look(sets[1]);
    serves(&f, sets[2], next, other);
    certfolder_says(sets[2], "gate.crt: no PEM certificate in the file");
    for (int i = 0; i < 3; i++)
        gw_files_free(sets[i]);
    test_cert_free(other);
    test_cert_free(next);
}

/* A service whose only certificate is broken has nothing to take over: all stays as it was. */
static void a_reload_without_any_good_one_fails(void **state)
{
    const struct tlsworld *w = *state;
    struct certfolder f;
    struct gw_files *first = gw_files_new();
    certfolder_init(&f, w, "only");
    serves(&f, first, w->other, w->other);
    (void)test_dir_file(w->dir, certfolder_in(&f, "other.pem"), "", 0);
    struct gw_files *later = look(first);
    certfolder_refuses(&f.side, later, "other.pem: no PEM certificate in the file");
    gw_files_free(later);
    gw_files_free(first);
}

static void a_folder_that_is_gone_stays_as_it_was(void **state)
{
    const struct tlsworld *w = *state;
    struct certfolder f;
    char moved[256];
    struct gw_files *first = gw_files_new();
    certfolder_init(&f, w, "moved");
    f.side.certs[0] = w->ec_pair;
    f.side.cert_count = 1;
    serves(&f, first, w->server_ec, w->other);
    (void)snprintf(moved, sizeof(moved), "%s.away", f.path);
    assert_int_equal(rename(f.path, moved), 0);
    struct gw_files *later = look(first);
    serves(&f, later, w->server_ec, w->other);
    certfolder_says(
        later,
        "moved: the folder cannot be read: No such file or directory; its certificates stay");
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
    struct gw_tls_side side;
    tlsworld_side(w, &side);
    side.certs[0] = (struct gw_cert_pair){test_dir_cert(w->dir, "st.pem", w->other, w->ca),
                                          w->other_pair.key_file};
    side.cert_count = 1;
    (void)test_dir_file(w->dir, "st.pem.ocsp", garbage, strlen(garbage));
    struct gw_tls_context *tls = certfolder_load(&side, files);
    assert_int_equal(stapled(w, tls), -1);
    certfolder_says(files, "an OCSP response is skipped: --cert ");
    certfolder_says(
        files, "st.pem.ocsp: the OCSP response cannot be used: it is not an OCSP response in DER");
    gw_tls_context_free(tls);
    gw_files_free(files);

    struct gw_files *good = gw_files_new();
    (void)test_dir_ocsp(w->dir, "st.pem.ocsp", &(struct test_ocsp_spec){w->other});
    tls = certfolder_load(&side, good);
    long len = stapled(w, tls);
    assert_in_range(len, 100, GW_OCSP_MAX);
    gw_tls_context_free(tls);

    (void)test_dir_file(w->dir, "st.pem.ocsp", garbage, strlen(garbage));
    files = look(good);
    tls = certfolder_load(&side, files);
    assert_int_equal(stapled(w, tls), len);
    certfolder_says(files, "the previous OCSP response stays in force: --cert ");
    gw_tls_context_free(tls);
    gw_files_free(files);
    gw_files_free(good);
}

/* It says that clients refuse the certificate. */
static void a_revoked_one_is_left_out(void **state)
{
    const struct tlsworld *w = *state;
    struct certfolder f;
    struct gw_files *files = gw_files_new();
    certfolder_init(&f, w, "revoked");
    put_gate(&f, w->server_ec, w->server_ec);
    (void)test_dir_ocsp(
        w->dir, certfolder_in(&f, "gate.ocsp"),
        &(struct test_ocsp_spec){w->server_ec, .status = V_OCSP_CERTSTATUS_REVOKED});
    struct gw_tls_context *tls = certfolder_load(&f.side, files);
    assert_int_equal(gw_tls_context_cert_count(tls), 1);
    certfolder_says(files, "skipped: --cert-dir ");
    certfolder_says(files, "it says that the certificate is revoked");
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
        {"L", "L", NULL, 0}, /* M may be a root, though not one that signs clients */
    };
    const struct tlsworld *w = *state;
    struct test_cert *certs[LETTERS];
    make_letters(certs);
    const char *key = test_dir_key(w->dir, "chain.key", certs[L]);
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        struct gw_files *files = gw_files_new();
        struct gw_tls_side side;
        char got[8];
        tlsworld_side(w, &side);
        side.certs[0] = (struct gw_cert_pair){put_chain(w, certs, rows[i].order), key};
        side.cert_count = 1;
        side.verify = GW_VERIFY_OPTIONAL;
        side.cacerts[0] = w->ca_file;
        struct gw_tls_context *tls = certfolder_load(&side, files);
        sent(w, tls, certs, got);
        assert_string_equal(got, rows[i].sent);
        assert_int_equal(gw_files_notes(files)->count, rows[i].notes);
        if (rows[i].says)
            certfolder_says(files, rows[i].says);
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
    struct gw_tls_side side;
    make_letters(certs);
    tlsworld_side(w, &side);
    side.certs[0] = (struct gw_cert_pair){put_chain(w, certs, "MLR"),
                                          test_dir_key(w->dir, "chain.key", certs[L])};
    side.cert_count = 1;
    certfolder_refuses(&side, files, "this key belongs to certificate 2 in --cert ");
    gw_files_free(files);
    for (int i = 0; i < LETTERS; i++)
        test_cert_free(certs[i]);
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(others_are_served_without_a_bad_one),
        cmocka_unit_test(so_are_those_that_are_named),
        cmocka_unit_test(so_is_a_folder),
        cmocka_unit_test(usages_that_do_not_fit_are_noted),
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
    };
    return cmocka_run_group_tests(tests, tlsworld_setup, tlsworld_teardown);
}
