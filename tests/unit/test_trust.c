/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/tls/trust, canames and issuer: which names clients are sent, and whose certificates are
 * taken. */
#include "gateway/base/log.h"
#include "gateway/tls/canames.h"
#include "gateway/tls/issuer.h"
#include "tests/unit/ahead.h"
#include "tests/unit/lists.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>

static char warnings[4096];

static void keep_warning(void *arg, enum gw_log_level level, const char *message)
{
    (void)arg;
    assert_int_equal(level, GW_LOG_WARNING);
    strncat(warnings, message, sizeof(warnings) - strlen(warnings) - 1);
}

/* The trials of signatures are counted; those of libcrypto's own verification are not among them.
 */
static unsigned tried;

int __real_X509_verify(X509 *cert, EVP_PKEY *key);
int __wrap_X509_verify(X509 *cert, EVP_PKEY *key);
int __wrap_X509_verify(X509 *cert, EVP_PKEY *key)
{
    tried++;
    return __real_X509_verify(cert, key);
}

/* ---- the names that clients are sent ---- */

/* A CA whose name has this many bytes of DER; 300 to 60000. */
static void add_ca_of(BIO *bio, size_t size)
{
    static char text[65536];
    X509 *cert = X509_new();
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    X509_NAME *name = X509_NAME_new();
    X509_EXTENSION *ca = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "CA:TRUE");
    const unsigned char *der;
    size_t got = 0;
    for (size_t len = size - 30; got < size; len++) {
        memset(text, 'x', len);
        text[len] = '\0';
        X509_NAME_free(name);
        name = X509_NAME_new();
        assert_true(X509_NAME_add_entry_by_NID(name, NID_description, V_ASN1_UTF8STRING,
                                               (unsigned char *)text, (int)len, -1, 0));
        assert_true(X509_NAME_get0_der(name, &der, &got));
    }
    assert_int_equal(got, size);
    assert_true(cert && key && ca && X509_set_version(cert, X509_VERSION_3) &&
                X509_set_subject_name(cert, name) && X509_set_issuer_name(cert, name) &&
                X509_gmtime_adj(X509_getm_notBefore(cert), -60) &&
                X509_gmtime_adj(X509_getm_notAfter(cert), 3600) && X509_set_pubkey(cert, key) &&
                ASN1_INTEGER_set(X509_get_serialNumber(cert), (long)size) &&
                X509_add_ext(cert, ca, -1) && X509_sign(cert, key, EVP_sha256()) &&
                PEM_write_bio_X509(bio, cert));
    X509_EXTENSION_free(ca);
    X509_NAME_free(name);
    EVP_PKEY_free(key);
    X509_free(cert);
}

/* A file of three CAs whose names have `size` bytes on the wire, each with its length. */
static const char *names_file(const struct tlsworld *w, const char *file_name, size_t size)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    assert_non_null(bio);
    add_ca_of(bio, size / 3 - 2);
    add_ca_of(bio, size / 3 - 3);
    add_ca_of(bio, size - size / 3 - (size / 3 - 1) - 2);
    long len = BIO_get_mem_data(bio, &data);
    const char *path = test_dir_file(w->dir, file_name, data, (size_t)len);
    BIO_free(bio);
    return path;
}

/* How many names a client is sent; its certificate passes. */
static int names_sent(const struct tlsworld *w, struct gw_tls_context *tls, int version)
{
    SSL_CTX *ctx = tlspair_client_ctx(w, version);
    struct tlspair p;
    tlspair_show(ctx, w->client);
    tlspair_init(&p, tls, ctx, NULL);
    assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_DONE);
    const STACK_OF(X509_NAME) *names = SSL_get0_peer_CA_list(p.client);
    int count = names ? sk_X509_NAME_num(names) : 0;
    tlspair_done(&p);
    SSL_CTX_free(ctx);
    return count;
}

static void sends(const struct tlsworld *w, const struct gw_tls_side *side, int count)
{
    struct gw_tls_context *tls = tlsworld_context(side, NULL);
    assert_int_equal(names_sent(w, tls, TLS1_2_VERSION), count);
    assert_int_equal(names_sent(w, tls, TLS1_3_VERSION), count);
    gw_tls_context_free(tls);
}

static size_t size_of_own(const struct tlsworld *w)
{
    const unsigned char *der;
    size_t len = 0;
    assert_true(X509_NAME_get0_der(X509_get_subject_name(w->ca->x509), &der, &len));
    return len + 2;
}

/* All names that fit are sent. With one byte more, none is sent, and handshakes still succeed. */
static void names_without_room_are_left_out(void **state)
{
    const struct tlsworld *w = *state;
    size_t room = GW_CANAMES_BYTES_MAX - size_of_own(w);
    struct gw_tls_side side = side_with(w, NULL);
    side.cacerts[1] = names_file(w, "full.pem", room);
    warnings[0] = '\0';
    sends(w, &side, 4);
    assert_string_equal(warnings, "");
    for (size_t more = 1; more < 100000; more = more * 400 + 1) {
        side.cacerts[1] = names_file(w, "more.pem", room + more);
        warnings[0] = '\0';
        sends(w, &side, 0);
        const char *first = strstr(warnings, "--cacert: the names of its ");
        assert_non_null(first);
        assert_null(strstr(first + 1, "--cacert: the names"));
    }
}

static void names_of_a_file_are_sent_instead(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side = side_with(w, NULL);
    struct gw_tls_context *tls = NULL;
    struct gw_error err = {.text = ""};
    sends(w, &side, 1);
    side.ca_names = test_dir_cert(w->dir, "names.pem", w->foreign_ca, w->ca);
    sends(w, &side, 2);
    side.ca_names = test_dir_cert(w->dir, "names.pem", w->ca, w->ca);
    sends(w, &side, 1);
    side.ca_names = "none";
    sends(w, &side, 0);
    side.cacerts[1] = names_file(w, "huge.pem", 70000);
    warnings[0] = '\0';
    sends(w, &side, 0);
    assert_string_equal(warnings, "");
    side.ca_names = side.cacerts[1];
    assert_int_not_equal(gw_tls_context_new(&tls, &side, NULL, NULL, &err), 0);
    assert_int_equal(err.exit, GW_EXIT_USAGE);
    assert_non_null(strstr(err.text, "--ca-names "));
    assert_non_null(strstr(err.text, "70000 bytes"));
    side.ca_names = "/nonexistent/names.pem";
    assert_int_not_equal(gw_tls_context_new(&tls, &side, NULL, NULL, &err), 0);
    assert_int_equal(err.exit, GW_EXIT_START);
}

/* ---- keys on P-521 ---- */

/* In TLS 1.2 the groups of the key exchange are also the curves of certificates. */
static void a_key_on_p521_is_taken_unless_groups_forbid_it(void **state)
{
    const struct tlsworld *w = *state;
    static const struct {
        const char *groups;
        bool old;
    } rows[] = {{NULL, true}, {"X25519:P-521", true}, {"X25519:P-256", false}};
    struct test_cert *cert = test_cert_new(
        &(struct test_cert_spec){.cn = "p521", .key = TEST_KEY_P521, .issuer = w->ca});
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++)
        for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
            struct gw_tls_side side = side_with(w, NULL);
            struct tlspair p;
            side.groups = rows[i].groups;
            struct gw_tls_context *tls = tlsworld_context(&side, NULL);
            SSL_CTX *ctx = tlspair_client_ctx(w, version);
            tlspair_show(ctx, cert);
            tlspair_init(&p, tls, ctx, NULL);
            bool good = rows[i].old || version == TLS1_3_VERSION;
            assert_int_equal(tlspair_run(&p), good ? GW_HANDSHAKE_DONE : GW_HANDSHAKE_FAILED);
            assert_int_equal(gw_handshake_reason(p.server),
                             good ? GW_REASON_NONE : GW_REASON_HANDSHAKE_CIPHER);
            tlspair_done(&p);
            SSL_CTX_free(ctx);
            gw_tls_context_free(tls);
        }
    test_cert_free(cert);
}

/* ---- several CAs of one name ---- */

enum {
    NAMESAKES = 4
};

/* A client that sends `middles` along, NULL after the last. */
static void shows(const struct tlsworld *w, struct gw_tls_context *tls,
                  const struct test_cert *cert, const struct test_cert *const middles[],
                  enum gw_reason reason)
{
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_CTX *ctx = tlspair_client_ctx(w, version);
        struct tlspair p;
        tlspair_show(ctx, cert);
        for (int i = 0; middles[i]; i++)
            assert_true(SSL_CTX_add1_chain_cert(ctx, middles[i]->x509));
        tlspair_init(&p, tls, ctx, NULL);
        (void)tlspair_run(&p);
        assert_int_equal(gw_handshake_reason(p.server), reason);
        tlspair_done(&p);
        SSL_CTX_free(ctx);
    }
}

/* A CA that got new keys and kept its name: each key's clients pass, with key identifiers and
 * without; none whose key is another one. */
static void each_ca_of_a_name_is_tried(void **state)
{
    const struct tlsworld *w = *state;
    struct test_cert *cas[NAMESAKES + 1];
    struct gw_tls_side side = side_with(w, NULL);
    for (int i = 0; i <= NAMESAKES; i++) {
        cas[i] = test_cert_new(&(struct test_cert_spec){.cn = "Twin CA", .ca = true});
        char name[32];
        (void)snprintf(name, sizeof(name), "twin%d.pem", i);
        if (i < NAMESAKES)
            side.cacerts[i + 1] = test_dir_cert(w->dir, name, cas[i], NULL);
    }
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    for (int i = 0; i <= NAMESAKES; i++)
        for (int bare = 0; bare < 2; bare++) {
            struct test_cert *cert = test_cert_new(
                &(struct test_cert_spec){.cn = "client", .bare = bare, .issuer = cas[i]});
            meets(w, tls, cert, NULL, i < NAMESAKES ? GW_REASON_NONE : GW_REASON_CERT_UNTRUSTED,
                  UNKNOWN_CA);
            test_cert_free(cert);
        }
    gw_tls_context_free(tls);
    for (int i = 0; i <= NAMESAKES; i++)
        test_cert_free(cas[i]);
}

/* Each has its own list, and the number of a certificate counts for the key that signed it. */
static void lists_are_of_the_key_that_signed(void **state)
{
    const struct tlsworld *w = *state;
    struct test_cert *cas[2], *certs[2];
    struct gw_tls_side side = side_with(w, NULL);
    for (int i = 0; i < 2; i++) {
        cas[i] = test_cert_new(&(struct test_cert_spec){.cn = "Twin CA", .ca = true});
        certs[i] =
            test_cert_new(&(struct test_cert_spec){.cn = "client", .bare = true, .issuer = cas[i]});
        side.cacerts[i] = test_dir_cert(w->dir, i ? "twin1.pem" : "twin0.pem", cas[i], NULL);
        side.crls[i] = crl_file(w, i ? "twin1.crl" : "twin0.crl", cas[i], certs[0], NULL);
    }
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    meets(w, tls, certs[0], NULL, GW_REASON_CERT_REVOKED, REVOKED);
    meets(w, tls, certs[1], NULL, GW_REASON_NONE, 0);
    gw_tls_context_free(tls);
    side.crls[1] = NULL;
    tls = tlsworld_context(&side, NULL);
    meets(w, tls, certs[1], NULL, GW_REASON_CERT_NO_CRL, UNKNOWN_CA);
    gw_tls_context_free(tls);
    for (int i = 0; i < 2; i++) {
        test_cert_free(certs[i]);
        test_cert_free(cas[i]);
    }
}

/* The old intermediate is in --cacert or sent along; what signed the client is the new one. */
static void the_intermediate_that_signed_is_found(void **state)
{
    const struct tlsworld *w = *state;
    struct test_cert *old =
        test_cert_new(&(struct test_cert_spec){.cn = "Middle", .ca = true, .issuer = w->ca});
    struct test_cert *new =
        test_cert_new(&(struct test_cert_spec){.cn = "Middle", .ca = true, .issuer = w->ca});
    struct test_cert *foreign = test_cert_new(
        &(struct test_cert_spec){.cn = "Middle", .ca = true, .issuer = w->foreign_ca});
    struct gw_tls_side side = side_with(w, NULL);
    struct gw_tls_context *root = tlsworld_context(&side, NULL);
    side.cacerts[1] = test_dir_cert(w->dir, "old.pem", old, NULL);
    struct gw_tls_context *both = tlsworld_context(&side, NULL);
    for (int bare = 0; bare < 2; bare++) {
        struct test_cert *cert =
            test_cert_new(&(struct test_cert_spec){.cn = "client", .bare = bare, .issuer = new});
        struct test_cert *stranger = test_cert_new(
            &(struct test_cert_spec){.cn = "client", .bare = bare, .issuer = foreign});
        const struct test_cert *const sent[][4] = {
            {new, NULL}, {old, new, NULL}, {foreign, old, new}, {new, old, foreign}};
        for (size_t i = 0; i < GW_ARRAY_SIZE(sent); i++) {
            shows(w, root, cert, sent[i], GW_REASON_NONE);
            shows(w, both, cert, sent[i], GW_REASON_NONE);
            shows(w, root, stranger, sent[i], GW_REASON_CERT_UNTRUSTED);
            shows(w, both, stranger, sent[i], GW_REASON_CERT_UNTRUSTED);
        }
        shows(w, both, cert, (const struct test_cert *const[]){old, NULL},
              GW_REASON_CERT_UNTRUSTED);
        test_cert_free(stranger);
        test_cert_free(cert);
    }
    gw_tls_context_free(both);
    gw_tls_context_free(root);
    test_cert_free(foreign);
    test_cert_free(new);
    test_cert_free(old);
}

/* A modulus of so many bits, which nobody can sign with. */
static void enlarge(X509 *cert, size_t bits)
{
    uint8_t n[1024];
    unsigned e = 65537;
    EVP_PKEY *key = NULL;
    memset(n, 0xff, sizeof(n));
    OSSL_PARAM numbers[] = {OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, n, bits / 8),
                            OSSL_PARAM_construct_uint(OSSL_PKEY_PARAM_RSA_E, &e),
                            OSSL_PARAM_construct_end()};
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    assert_true(ctx && EVP_PKEY_fromdata_init(ctx) == 1 &&
                EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, numbers) == 1);
    assert_true(X509_set_pubkey(cert, key));
    EVP_PKEY_free(key);
    EVP_PKEY_CTX_free(ctx);
}

static void to_the_bound(X509 *cert)
{
    enlarge(cert, GW_ISSUER_KEY_BITS);
}

static void beyond_it(X509 *cert)
{
    enlarge(cert, GW_ISSUER_KEY_BITS + 8);
}

/* Of two CAs of one name that are sent, one with such a large key counts by its name alone. */
static void large_keys_of_peers_are_not_tried(void **state)
{
    const struct tlsworld *w = *state;
    static const struct {
        void (*tweak)(X509 *cert);
        enum gw_reason reason;
    } rows[] = {{to_the_bound, GW_REASON_NONE}, {beyond_it, GW_REASON_CERT_UNTRUSTED}};
    struct gw_tls_side side = side_with(w, NULL);
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    struct test_cert *ca = test_cert_new(
        &(struct test_cert_spec){.cn = "Middle", .ca = true, .key = TEST_KEY_RSA, .issuer = w->ca});
    struct test_cert *cert =
        test_cert_new(&(struct test_cert_spec){.cn = "client", .bare = true, .issuer = ca});
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        struct test_cert *large = test_cert_new(&(struct test_cert_spec){
            .cn = "Middle", .ca = true, .bare = true, .issuer = w->ca, .tweak = rows[i].tweak});
        const struct test_cert *const sent[] = {large, ca, NULL};
        shows(w, tls, cert, sent, rows[i].reason);
        test_cert_free(large);
    }
    gw_tls_context_free(tls);
    test_cert_free(cert);
    test_cert_free(ca);
}

/* Few signatures are tried, even with many CAs of one name. */
static void a_crowd_of_one_name_is_cheap(void **state)
{
    const struct tlsworld *w = *state;
    enum {
        KNOWN = 10,
        SENT = GW_VERIFY_DEPTH_MAX + 1,
    };
    struct test_cert *cas[KNOWN + SENT];
    const struct test_cert *sent[SENT + 1] = {NULL};
    struct gw_tls_side side = side_with(w, NULL);
    side.max_cert_chain = GW_CERT_CHAIN_BYTES_MAX;
    for (int i = 0; i < KNOWN + SENT; i++) {
        char name[32];
        cas[i] = test_cert_new(&(struct test_cert_spec){.cn = "Crowd", .ca = true, .bare = true});
        (void)snprintf(name, sizeof(name), "crowd%d.pem", i);
        if (i < KNOWN)
            side.cacerts[i + 1] = test_dir_cert(w->dir, name, cas[i], NULL);
        else
            sent[i - KNOWN] = cas[i];
    }
    struct test_cert *cert = test_cert_new(
        &(struct test_cert_spec){.cn = "client", .bare = true, .issuer = w->foreign_ca});
    assert_true(X509_set_issuer_name(cert->x509, X509_get_subject_name(cas[0]->x509)) &&
                X509_sign(cert->x509, w->foreign_ca->key, EVP_sha256()));
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    tried = 0;
    shows(w, tls, cert, sent, GW_REASON_CERT_UNTRUSTED);
    assert_int_equal(tried, 2 * GW_ISSUER_TRIES); /* in two versions */
    gw_tls_context_free(tls);
    test_cert_free(cert);
    for (int i = 0; i < KNOWN + SENT; i++)
        test_cert_free(cas[i]);
}

/* ---- certificates that are trusted for themselves ---- */

static void what_signed_itself_is_trusted_for_itself(void **state)
{
    const struct tlsworld *w = *state;
    static const struct {
        struct test_cert_spec spec;
        enum gw_reason reason;
        int alert;
    } rows[] = {
        {{.cn = "device"}, GW_REASON_NONE, 0},
        {{.cn = "device", .bare = true}, GW_REASON_NONE, 0},
        {{.cn = "device", .eku = "clientAuth"}, GW_REASON_NONE, 0},
        {{.cn = "device", .key_usage = "digitalSignature"}, GW_REASON_NONE, 0},
        {{.cn = "device", .key = TEST_KEY_RSA}, GW_REASON_NONE, 0},
        {{.cn = "device", .eku = "serverAuth"}, GW_REASON_CERT_INVALID, 43},
        {{.cn = "device", .key_usage = "keyEncipherment"}, GW_REASON_CERT_INVALID, 43},
        {{.cn = "device", .begins = -7200, .ends = -60}, GW_REASON_CERT_EXPIRED, EXPIRED},
        {{.cn = "device", .begins = 60, .ends = 7200}, GW_REASON_CERT_EXPIRED, BAD_CERTIFICATE},
    };
    struct test_cert *other = test_cert_new(&(struct test_cert_spec){.cn = "other"});
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        struct test_cert *pin = test_cert_new(&rows[i].spec);
        struct test_cert *mimic = test_cert_new(&rows[i].spec);
        struct test_cert *child = test_cert_new(
            &(struct test_cert_spec){.cn = "child", .bare = rows[i].spec.bare, .issuer = pin});
        struct test_cert *bare_child =
            test_cert_new(&(struct test_cert_spec){.cn = "child", .bare = true, .issuer = pin});
        struct gw_tls_side side = side_with(w, crl_file(w, "ca.crl", w->ca, NULL, NULL));
        side.cacerts[1] = test_dir_cert(w->dir, "pins.pem", other, pin);
        warnings[0] = '\0';
        struct gw_tls_context *tls = tlsworld_context(&side, NULL);
        assert_null(strstr(warnings, "no CRL"));
        meets(w, tls, pin, NULL, rows[i].reason, rows[i].alert);
        meets(w, tls, other, NULL, GW_REASON_NONE, 0);
        meets(w, tls, w->client, NULL, GW_REASON_NONE, 0);
        shows(w, tls, child, (const struct test_cert *const[]){pin, NULL},
              GW_REASON_CERT_UNTRUSTED);
        shows(w, tls, bare_child, (const struct test_cert *const[]){NULL},
              GW_REASON_CERT_UNTRUSTED);
        if (rows[i].reason == GW_REASON_NONE)
            meets(w, tls, mimic, NULL, GW_REASON_CERT_UNTRUSTED, UNKNOWN_CA);
        gw_tls_context_free(tls);
        test_cert_free(bare_child);
        test_cert_free(child);
        test_cert_free(mimic);
        test_cert_free(pin);
    }
    test_cert_free(other);
}

/* Another certificate that is not a CA's could only be there by mistake. */
static void what_another_signed_is_no_anchor(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side = side_with(w, NULL);
    struct gw_tls_context *tls = NULL;
    struct gw_error err = {.text = ""};
    side.cacerts[1] = test_dir_cert(w->dir, "leaf.pem", w->client, NULL);
    assert_int_not_equal(gw_tls_context_new(&tls, &side, NULL, NULL, &err), 0);
    assert_int_equal(err.exit, GW_EXIT_USAGE);
    assert_non_null(strstr(err.text, "is neither a CA's nor self-signed"));
}

/* A load of the service through a set that follows `last` (NULL: a start). NULL: it failed. */
static struct gw_files *load_behind(const struct gw_tls_side *side, const struct gw_files *last,
                                    struct gw_error *err)
{
    struct gw_tls_context *tls = NULL;
    struct gw_files *files = gw_files_new();
    assert_true(files && (!last || gw_files_follow(files, last) == 0));
    int r = gw_tls_context_new(&tls, side, NULL, files, err);
    gw_tls_context_free(tls);
    if (r == 0)
        return files;
    gw_files_free(files);
    return NULL;
}

/* Neither a start nor a reload takes CAs that have all expired, unless they expired in force. */
static void new_cas_must_be_usable(void **state)
{
    const struct tlsworld *w = *state;
    struct test_cert *brief = test_cert_new(
        &(struct test_cert_spec){.cn = "brief", .ca = true, .begins = -600, .ends = 600});
    struct gw_tls_side side = side_with(w, NULL);
    struct gw_error err = {.text = ""};
    side.cacerts[0] = test_dir_cert(w->dir, "brief.pem", brief, NULL);
    struct gw_files *first = load_behind(&side, NULL, &err);
    assert_non_null(first);
    test_ahead = 700;
    side.cert_count = 2; /* another file of the service is new */
    struct gw_files *later = load_behind(&side, first, &err);
    assert_non_null(later);
    assert_non_null(
        strstr(gw_files_notes(later)->all[0], "has expired, so it verifies no peer any more"));
    assert_null(load_behind(&side, NULL, &err)); /* at a start all is new */
    assert_non_null(strstr(err.text, "brief.pem: all certificates in it have expired"));
    assert_int_equal(err.exit, GW_EXIT_USAGE);
    (void)test_dir_bundle(w->dir, "brief.pem", brief, brief); /* the same twice is new */
    assert_null(load_behind(&side, later, &err));
    (void)test_dir_cert(w->dir, "brief.pem", brief, w->ca); /* one of two is enough */
    gw_files_free(first);
    first = load_behind(&side, later, &err);
    assert_non_null(first);
    side.cacerts[0] = test_dir_cert(w->dir, "brief.pem", brief, NULL);
    side.verify = GW_VERIFY_OPTIONAL;
    gw_files_free(later);
    later = load_behind(&side, first, &err);
    assert_non_null(later);
    test_ahead = 0;
    gw_files_free(later);
    gw_files_free(first);
    test_cert_free(brief);
}

/* A client that cannot verify its target must not come about at all. */
static void nothing_to_verify_by_is_refused(void **state)
{
    const struct tlsworld *w = *state;
    for (int what = 0; what < 4; what++) {
        struct gw_cert_pair none = {NULL};
        struct gw_tls_side side = side_with(w, NULL);
        struct gw_tls_context *tls = NULL;
        struct gw_error err = {.exit = GW_EXIT_OK};
        side.role = GW_ROLE_CLIENT;
        side.certs = &none;
        side.cert_count = 0;
        side.peer_name = what == 0 ? NULL : "gate.test";
        side.verify = what == 1 ? GW_VERIFY_NONE : GW_VERIFY_REQUIRED;
        if (what == 2)
            side.cacerts[0] = NULL;
        int r = gw_tls_context_new(&tls, &side, NULL, NULL, &err);
        assert_int_equal(r == 0, what == 3);
        gw_tls_context_free(tls);
        if (what == 3)
            continue;
        assert_int_equal(err.exit, GW_EXIT_USAGE);
        assert_non_null(strstr(err.text, "--cacert"));
    }
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
        cmocka_unit_test(names_without_room_are_left_out),
        cmocka_unit_test(new_cas_must_be_usable),
        cmocka_unit_test(names_of_a_file_are_sent_instead),
        cmocka_unit_test(a_key_on_p521_is_taken_unless_groups_forbid_it),
        cmocka_unit_test(each_ca_of_a_name_is_tried),
        cmocka_unit_test(lists_are_of_the_key_that_signed),
        cmocka_unit_test(the_intermediate_that_signed_is_found),
        cmocka_unit_test(large_keys_of_peers_are_not_tried),
        cmocka_unit_test(a_crowd_of_one_name_is_cheap),
        cmocka_unit_test(what_signed_itself_is_trusted_for_itself),
        cmocka_unit_test(what_another_signed_is_no_anchor),
        cmocka_unit_test(nothing_to_verify_by_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tlsworld_teardown);
}
