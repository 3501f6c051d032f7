/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/tls/handshake: every way a handshake fails, its close reason, and the alert it sends. */
#include "tests/unit/tlspair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum {
    NO_ALERT = -1,
    ANY_ALERT = -2, /* some alert */
};

static struct gw_tls_side plain(const struct tlsworld *w)
{
    struct gw_tls_side side;
    tlsworld_side(w, &side);
    return side;
}

static struct gw_tls_side with_clients(const struct tlsworld *w)
{
    struct gw_tls_side side = plain(w);
    side.cacerts[0] = w->ca_file;
    side.verify = GW_VERIFY_REQUIRED;
    return side;
}

/* Runs the handshake, which must fail for `reason` and send `alert` to the client. */
static void must_fail(struct tlspair *p, enum gw_reason reason, int alert, const char *detail)
{
    assert_int_equal(tlspair_run(p), GW_HANDSHAKE_FAILED);
    /* The client's alert, if it sends one, is no news to a handshake that failed. */
    assert_int_equal(gw_handshake_input(p->server, "x", 1), GW_HANDSHAKE_FAILED);
    (void)SSL_do_handshake(p->client);
    uint8_t byte;
    (void)SSL_read(p->client, &byte, 1);
    struct gw_handover_keys keys;
    assert_true(gw_handshake_keys(p->server, &keys) < 0);
    assert_int_equal(gw_handshake_tickets(p->server), 0);
    assert_string_equal(gw_reason_info(gw_handshake_reason(p->server))->word,
                        gw_reason_info(reason)->word);
    if (alert == ANY_ALERT)
        assert_true(p->client_alert >= 0);
    else
        assert_int_equal(p->client_alert, alert);
    if (detail)
        assert_string_equal(gw_handshake_detail(p->server), detail);
}

static void client_fails(const struct gw_tls_side *side, SSL_CTX *ctx, enum gw_reason reason,
                         int alert, const char *detail)
{
    struct gw_tls_context *tls = tlsworld_context(side, NULL);
    struct tlspair p;
    tlspair_init(&p, tls, ctx, NULL);
    must_fail(&p, reason, alert, detail);
    tlspair_done(&p);
    gw_tls_context_free(tls);
    SSL_CTX_free(ctx);
}

/* The holder of a refused certificate is known too (NULL: there is none). */
static void holder_is(struct tlspair *p, const struct test_cert *cert)
{
    char subject[64] = "CN=";
    struct gw_handshake_holder holder;
    struct gw_identity id;
    assert_int_equal(gw_handshake_get_holder(p->server, &holder), cert != NULL);
    assert_true(gw_handshake_identity(p->server, &id));
    assert_int_equal(id.present, cert != NULL);
    if (cert) {
        assert_true(X509_NAME_get_text_by_NID(X509_get_subject_name(cert->x509), NID_commonName,
                                              subject + 3, sizeof(subject) - 3) > 0);
        assert_memory_equal(holder.subject, subject, strlen(subject));
        assert_memory_equal(holder.issuer, "CN=", 3);
        assert_string_equal(gw_identity_first(&id, GW_NAME_CN), subject + 3);
        assert_int_equal(strlen(id.fingerprint), 64);
    }
    gw_identity_done(&id);
}

struct raw_case {
    const char *bytes;
    size_t len;
    enum gw_reason reason;
    int alert; /* AlertDescription in the output; NO_ALERT: no output */
};

#define RAW(literal, reason, alert)                                                                \
    {                                                                                              \
        literal, sizeof(literal) - 1, GW_REASON_##reason, alert                                    \
    }

/* A ClientHello without extensions, of the version in its two last bytes of `v`. */
#define HELLO(record_version, hello_version)                                                       \
    "\x16" record_version "\0\x2d\1\0\0\x29" hello_version "0123456789abcdef0123456789abcdef\0"    \
    "\0\2\x13\1\1\0"

static const struct raw_case raw_cases[] = {
    RAW("SSH-2.0-OpenSSH_9.2\r\n", HANDSHAKE_NOT_TLS, NO_ALERT),
    RAW("\x17\3\3\0\5hello", HANDSHAKE_NOT_TLS, 10),
    RAW("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", HANDSHAKE_NOT_TLS, NO_ALERT),
    RAW("\r\n\r\n\0\r\nQUIT\n\x20\0\0", HANDSHAKE_NOT_TLS, NO_ALERT),
    RAW(HELLO("\3\0", "\3\0"), HANDSHAKE_VERSION, 40),   /* SSL 3.0 has no protocol_version */
    RAW(HELLO("\3\1", "\3\1"), HANDSHAKE_VERSION, 70),   /* TLS 1.0 */
    RAW(HELLO("\3\1", "\3\2"), HANDSHAKE_VERSION, 70),   /* TLS 1.1 */
    RAW("\x15\3\1\0\2\2\x28", HANDSHAKE_PROTOCOL, 10),   /* nothing to be alarmed at yet */
    RAW("\x16\3\1\0\4\2\0\0\0", HANDSHAKE_PROTOCOL, 10), /* ServerHello to a server */
    RAW("\x16\3\1\xff\xff", HANDSHAKE_PROTOCOL, 22),     /* record too long */
    RAW("\x16\3\1\0\7\1\0\0\3\3\3\0", HANDSHAKE_PROTOCOL, 50),
};

static void raw_bytes(void **state)
{
    struct gw_tls_side side = plain(*state);
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    SSL_CTX *ctx = tlspair_client_ctx(*state, 0);
    for (size_t i = 0; i < GW_ARRAY_SIZE(raw_cases); i++) {
        const struct raw_case *c = &raw_cases[i];
        struct tlspair p;
        const uint8_t *out;
        tlspair_init(&p, tls, ctx, NULL);
        enum gw_handshake_verdict verdict = gw_handshake_input(p.server, c->bytes, c->len);
        size_t len = gw_handshake_output(p.server, &out);
        int alert = len == 7 && out[0] == 21 ? out[6] : NO_ALERT;
        if (verdict != GW_HANDSHAKE_FAILED || gw_handshake_reason(p.server) != c->reason ||
            alert != c->alert || (alert < 0 && len))
            fail_msg("case %zu: verdict %d reason %s detail '%s' alert %d", i, verdict,
                     gw_reason_info(gw_handshake_reason(p.server))->word,
                     gw_handshake_detail(p.server), alert);
        if (c->reason == GW_REASON_HANDSHAKE_NOT_TLS && alert == NO_ALERT)
            assert_string_equal(gw_handshake_detail(p.server),
                                c->bytes[0] == 'S' ? "the client speaks SSH"
                                                   : "a PROXY header; see --accept-proxy");
        tlspair_done(&p);
    }
    SSL_CTX_free(ctx);
    gw_tls_context_free(tls);
}

/* The bytes, `piece` at a time, to a fresh handshake in *ret. */
static enum gw_handshake_verdict feed(struct gw_tls_context *tls, SSL_CTX *ctx, const char *bytes,
                                      size_t len, size_t piece, struct tlspair *ret)
{
    enum gw_handshake_verdict verdict = GW_HANDSHAKE_MORE;
    tlspair_init(ret, tls, ctx, NULL);
    for (size_t at = 0; at < len && verdict == GW_HANDSHAKE_MORE; at += piece)
        verdict = gw_handshake_input(ret->server, bytes + at, GW_MIN(piece, len - at));
    return verdict;
}

static void check_answer(struct tlspair *p)
{
    static const char head[] = "HTTP/1.1 400 Bad Request\r\n";
    const uint8_t *out;
    char text[1024];
    size_t len = gw_handshake_output(p->server, &out);
    assert_in_range(len, sizeof(head), sizeof(text) - 1);
    memcpy(text, out, len);
    text[len] = '\0';
    assert_memory_equal(text, head, sizeof(head) - 1);
    const char *length = strstr(text, "Content-Length: ");
    const char *body = strstr(text, "\r\n\r\n");
    assert_true(length && body);
    assert_int_equal(strtoul(length + 16, NULL, 10), strlen(body + 4));
    gw_handshake_output_sent(p->server, len);
    assert_int_equal(gw_handshake_output(p->server, &out), 0);
}

/* Whole and byte by byte; and what only begins like it is no HTTP. */
static void plain_http_is_answered(void **state)
{
    static const char *const http[] = {
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "HEAD / HTTP/1.0\r\n\r\n",
        "POST / HTTP/1.1\r\n",
        "PUT / HTTP/1.1\r\n",
        "DELETE / HTTP/1.1\r\n",
        "OPTIONS * HTTP/1.1\r\n",
        "CONNECT x:443 HTTP/1.1\r\n",
        "TRACE / HTTP/1.1\r\n",
        "PATCH / HTTP/1.1\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    };
    static const char *const others[] = {"GETS / HTTP/1.1",  "get / HTTP/1.1", "PRINT SOMETHING",
                                         "GE\x16\3\1\2\1\1", "OPTIONSX",       "G\x15\3\1\1\2"};
    struct gw_tls_side side = plain(*state);
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    SSL_CTX *ctx = tlspair_client_ctx(*state, 0);
    struct tlspair p;
    for (size_t piece = 1; piece < 100; piece += 98) {
        for (size_t i = 0; i < GW_ARRAY_SIZE(http); i++) {
            assert_int_equal(feed(tls, ctx, http[i], strlen(http[i]), piece, &p),
                             GW_HANDSHAKE_FAILED);
            assert_int_equal(gw_handshake_reason(p.server), GW_REASON_HANDSHAKE_HTTP);
            check_answer(&p);
            tlspair_done(&p);
        }
        for (size_t i = 0; i < GW_ARRAY_SIZE(others); i++) {
            assert_int_equal(feed(tls, ctx, others[i], strlen(others[i]), piece, &p),
                             GW_HANDSHAKE_FAILED);
            assert_int_equal(gw_handshake_reason(p.server), GW_REASON_HANDSHAKE_NOT_TLS);
            tlspair_done(&p);
        }
        assert_int_equal(feed(tls, ctx, "OPTIONS", 7, piece, &p), GW_HANDSHAKE_MORE);
        tlspair_done(&p);
    }
    SSL_CTX_free(ctx);
    gw_tls_context_free(tls);
}

/* By what it says of its length, before there is room for it, however small its records are. */
static void too_long_a_hello_is_refused_at_once(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        bool fits;
    } rows[] = {
        {"\x16\3\1\x40\0\1\0\x80\1", 9, false},
        {"\x16\3\1\x40\0\1\0\x80\0", 9, true},
        {"\x16\3\1\x40\0\1\xff\xff\xff", 9, false},
        {"\x16\3\1\0\1\1\x16\3\1\0\1\1\x16\3\1\0\1\0\x16\3\1\0\1\0", 24, false},
        {"\x16\3\1\0\1\1\x16\3\1\0\1\0\x16\3\1\0\1\x80\x16\3\1\0\1\0", 24, true},
    };
    struct gw_tls_side side = plain(*state);
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    SSL_CTX *ctx = tlspair_client_ctx(*state, 0);
    struct tlspair p;
    for (size_t piece = 1; piece < 100; piece += 98)
        for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
            const uint8_t *out;
            enum gw_handshake_verdict verdict =
                feed(tls, ctx, rows[i].bytes, rows[i].len, piece, &p);
            size_t len = gw_handshake_output(p.server, &out);
            assert_int_equal(verdict, rows[i].fits ? GW_HANDSHAKE_MORE : GW_HANDSHAKE_FAILED);
            if (!rows[i].fits) {
                assert_int_equal(gw_handshake_reason(p.server), GW_REASON_HANDSHAKE_TOO_LARGE);
                assert_int_equal(len, 7);
                assert_int_equal(out[6], 47);
            }
            tlspair_done(&p);
        }
    SSL_CTX_free(ctx);
    gw_tls_context_free(tls);
}

/* The second one, which a server of TLS 1.3 asks for, may be no longer. */
static void nor_may_the_next_hello_be_longer(void **state)
{
    static const char next[] = "\x14\3\3\0\1\1\x16\3\3\x40\0\1\0\x80\1";
    struct gw_tls_side side = plain(*state);
    side.groups = "P-384";
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    SSL_CTX *ctx = tlspair_client_ctx(*state, TLS1_3_VERSION);
    struct tlspair p;
    tlspair_init(&p, tls, ctx, NULL);
    (void)SSL_do_handshake(p.client);
    assert_true(tlspair_to_server(&p));
    assert_int_equal(p.verdict, GW_HANDSHAKE_MORE);
    assert_true(tlspair_to_client(&p)); /* a HelloRetryRequest */
    assert_int_equal(gw_handshake_input(p.server, next, sizeof(next) - 1), GW_HANDSHAKE_FAILED);
    assert_int_equal(gw_handshake_reason(p.server), GW_REASON_HANDSHAKE_TOO_LARGE);
    assert_string_equal(gw_handshake_detail(p.server),
                        "a ClientHello of 32769 bytes, of at most 32768");
    tlspair_done(&p);
    SSL_CTX_free(ctx);
    gw_tls_context_free(tls);
}

/* A client that shows its certificate, and `more` times that of its authority. */
static SSL_CTX *with_chain(const struct tlsworld *w, int version, int more)
{
    SSL_CTX *ctx = tlspair_client_ctx(w, version);
    tlspair_show(ctx, w->client);
    for (int i = 0; i < more; i++)
        assert_true(SSL_CTX_add1_chain_cert(ctx, w->ca->x509));
    return ctx;
}

/* Certificates of a client: as many as a chain may have, and their bytes. */
static void too_many_certificates_are_not_verified(void **state)
{
    const struct tlsworld *w = *state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct gw_tls_side side = with_clients(w);
        side.verify_depth = 1;
        client_fails(&side, with_chain(w, version, 3), GW_REASON_CERT_UNTRUSTED, 48,
                     "certificate chain too long (--verify-depth)");
        struct gw_tls_context *tls = tlsworld_context(&side, NULL);
        SSL_CTX *ctx = with_chain(w, version, 2);
        struct tlspair p;
        tlspair_init(&p, tls, ctx, NULL);
        tlspair_succeed(&p);
        tlspair_done(&p);
        gw_tls_context_free(tls);
        SSL_CTX_free(ctx);
        side.verify_depth = GW_VERIFY_DEPTH_MAX;
        side.max_cert_chain = 1 << 10;
        client_fails(&side, with_chain(w, version, 2), GW_REASON_HANDSHAKE_TOO_LARGE, 47,
                     "certificates of more than 1024 bytes (--max-cert-chain)");
    }
}

static void versions(void **state)
{
    struct gw_tls_side side = plain(*state);
    SSL_CTX *ctx = tlspair_client_ctx(*state, TLS1_1_VERSION);
    SSL_CTX_set_security_level(ctx, 0);
    client_fails(&side, ctx, GW_REASON_HANDSHAKE_VERSION, 70, "unsupported protocol");
    side.tls_min = TLS1_3_VERSION;
    client_fails(&side, tlspair_client_ctx(*state, TLS1_2_VERSION), GW_REASON_HANDSHAKE_VERSION, 70,
                 "unsupported protocol");
    side.tls_min = side.tls_max = TLS1_2_VERSION;
    client_fails(&side, tlspair_client_ctx(*state, TLS1_3_VERSION), GW_REASON_HANDSHAKE_VERSION, 70,
                 "unsupported protocol");
}

static void no_cipher_in_common(void **state)
{
    static const char *const lists[] = {"AES128-SHA", "AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA",
                                        "ECDHE-RSA-AES256-SHA384", "DHE-RSA-AES128-GCM-SHA256"};
    struct gw_tls_side side = plain(*state);
    for (size_t i = 0; i < GW_ARRAY_SIZE(lists); i++) {
        SSL_CTX *ctx = tlspair_client_ctx(*state, TLS1_2_VERSION);
        assert_true(SSL_CTX_set_cipher_list(ctx, lists[i]));
        client_fails(&side, ctx, GW_REASON_HANDSHAKE_CIPHER, 40, "no shared cipher");
    }
    SSL_CTX *ctx = tlspair_client_ctx(*state, TLS1_3_VERSION);
    assert_true(SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_CCM_SHA256"));
    client_fails(&side, ctx, GW_REASON_HANDSHAKE_CIPHER, 40, "no shared cipher");
}

static void no_group_or_signature_in_common(void **state)
{
    char group[] = "X448";
    char signature[] = "ed25519";
    struct gw_tls_side side = plain(*state);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_CTX *ctx = tlspair_client_ctx(*state, version);
        assert_true(SSL_CTX_set1_groups_list(ctx, group));
        client_fails(&side, ctx, GW_REASON_HANDSHAKE_CIPHER, 40, NULL);
        ctx = tlspair_client_ctx(*state, version);
        assert_true(SSL_CTX_set1_sigalgs_list(ctx, signature));
        client_fails(&side, ctx, GW_REASON_HANDSHAKE_CIPHER, 40, NULL);
    }
}

static void no_protocol_in_common(void **state)
{
    struct gw_tls_side side = plain(*state);
    side.alpn[0] = "h2";
    side.alpn_count = 1;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_CTX *ctx = tlspair_client_ctx(*state, version);
        assert_int_equal(SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)"\3ftp", 4), 0);
        client_fails(&side, ctx, GW_REASON_HANDSHAKE_ALPN, 120, NULL);
    }
}

static void certificate_fails(const struct tlsworld *w, const struct test_cert *cert,
                              enum gw_reason reason, int alert_tls12, int alert_tls13,
                              const char *detail)
{
    struct gw_tls_side side = with_clients(w);
    for (int verify = GW_VERIFY_OPTIONAL; verify <= GW_VERIFY_REQUIRED; verify++) {
        if (!cert && verify == GW_VERIFY_OPTIONAL)
            continue;
        side.verify = (enum gw_verify)verify;
        for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
            SSL_CTX *ctx = tlspair_client_ctx(w, version);
            if (cert)
                tlspair_show(ctx, cert);
            struct gw_tls_context *tls = tlsworld_context(&side, NULL);
            struct tlspair p;
            tlspair_init(&p, tls, ctx, NULL);
            must_fail(&p, reason, version == TLS1_2_VERSION ? alert_tls12 : alert_tls13, detail);
            holder_is(&p, cert);
            tlspair_done(&p);
            gw_tls_context_free(tls);
            SSL_CTX_free(ctx);
        }
    }
}

static void certificate_missing(void **state)
{
    certificate_fails(*state, NULL, GW_REASON_CERT_MISSING, 40, 116,
                      "peer did not return a certificate");
}

static void certificate_of_a_foreign_ca(void **state)
{
    const struct tlsworld *w = *state;
    certificate_fails(w, w->client_foreign, GW_REASON_CERT_UNTRUSTED, 48, 48,
                      "unable to get local issuer certificate: CN=Foreign CA");
}

static void certificate_signed_by_itself(void **state)
{
    struct test_cert *self = test_cert_new(&(struct test_cert_spec){.cn = "alice"});
    certificate_fails(*state, self, GW_REASON_CERT_UNTRUSTED, 48, 48, NULL);
    test_cert_free(self);
}

static void certificate_expired_or_early(void **state)
{
    const struct tlsworld *w = *state;
    certificate_fails(w, w->client_expired, GW_REASON_CERT_EXPIRED, 45, 45,
                      "certificate has expired");
    certificate_fails(w, w->client_future, GW_REASON_CERT_EXPIRED, 42, 42,
                      "certificate is not yet valid");
}

/* A purpose that is named must be ours; none named is any (RFC 5280 4.2.1.12), which
 * client_other passes with in other tests. "Any purpose" is not taken for it. */
static void certificate_for_another_purpose(void **state)
{
    static const char *const purposes[] = {"serverAuth", "anyExtendedKeyUsage", "emailProtection"};
    const struct tlsworld *w = *state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(purposes); i++) {
        struct test_cert *other = test_cert_new(
            &(struct test_cert_spec){.cn = "alice", .eku = purposes[i], .issuer = w->ca});
        certificate_fails(w, other, GW_REASON_CERT_INVALID, 43, 43,
                          "unsuitable certificate purpose");
        test_cert_free(other);
    }
}

/* Nor may a CA for servers only make clients. */
static void authority_for_another_purpose(void **state)
{
    const struct tlsworld *w = *state;
    struct test_cert *middle = test_cert_new(&(struct test_cert_spec){
        .cn = "servers only", .ca = true, .eku = "serverAuth", .issuer = w->ca});
    struct test_cert *leaf = test_cert_new(
        &(struct test_cert_spec){.cn = "alice", .eku = "clientAuth", .issuer = middle});
    struct gw_tls_side side = with_clients(w);
    side.verify = GW_VERIFY_REQUIRED;
    SSL_CTX *ctx = tlspair_client_ctx(w, 0);
    tlspair_show(ctx, leaf);
    assert_true(SSL_CTX_add1_chain_cert(ctx, middle->x509));
    client_fails(&side, ctx, GW_REASON_CERT_INVALID, 43, "unsuitable certificate purpose");
    test_cert_free(leaf);
    test_cert_free(middle);
}

static void certificate_with_a_small_key(void **state)
{
    const struct tlsworld *w = *state;
    struct test_cert *small = test_cert_new(
        &(struct test_cert_spec){.cn = "alice", .key = TEST_KEY_RSA_1024, .issuer = w->ca});
    struct gw_tls_side side = with_clients(w);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_CTX *ctx = tlspair_client_ctx(w, version);
        SSL_CTX_set_security_level(ctx, 0);
        tlspair_show(ctx, small);
        client_fails(&side, ctx, GW_REASON_CERT_INVALID, 42, NULL);
    }
    test_cert_free(small);
}

/* In TLS 1.2 the CertificateVerify is in the clear: its signature is changed on the way. */
static void certificate_with_a_false_signature(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side = with_clients(w);
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    SSL_CTX *ctx = tlspair_client_ctx(w, TLS1_2_VERSION);
    tlspair_show(ctx, w->client);
    struct tlspair p;
    uint8_t wire[16384];
    tlspair_init(&p, tls, ctx, NULL);
    (void)SSL_do_handshake(p.client);
    assert_true(tlspair_to_server(&p));
    while (tlspair_to_client(&p))
        ;
    (void)SSL_do_handshake(p.client);
    int n = BIO_read(p.from_client, wire, sizeof(wire));
    int verify = -1;
    /* The first such record: the Finished is encrypted, and may begin with any byte. */
    for (int at = 0; at + 5 < n && verify < 0; at += 5 + (wire[at + 3] << 8) + wire[at + 4])
        if (wire[at] == 22 && wire[at + 5] == 15)
            verify = at;
    assert_true(verify >= 0);
    wire[verify + 5 + 4 + 4 + 10] ^= 1; /* headers of record, message, signature */
    p.verdict = gw_handshake_input(p.server, wire, (size_t)n);
    while (tlspair_to_client(&p))
        ;
    must_fail(&p, GW_REASON_CERT_INVALID, 51, "bad signature");
    tlspair_done(&p);
    SSL_CTX_free(ctx);
    gw_tls_context_free(tls);
}

/* The client does not trust the server and says so. */
static void client_sends_an_alert(void **state)
{
    struct gw_tls_side side = plain(*state);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_CTX *ctx = tlspair_client_ctx(*state, version);
        X509_STORE *empty = X509_STORE_new();
        assert_non_null(empty);
        SSL_CTX_set_cert_store(ctx, empty);
        client_fails(&side, ctx, GW_REASON_HANDSHAKE_ALERT, NO_ALERT, "unknown_ca");
    }
}

/* A client that leaves politely after the ServerHello. */
static void client_sends_close_notify(void **state)
{
    struct gw_tls_side side = plain(*state);
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    SSL_CTX *ctx = tlspair_client_ctx(*state, TLS1_2_VERSION);
    struct tlspair p;
    tlspair_init(&p, tls, ctx, NULL);
    (void)SSL_do_handshake(p.client);
    assert_true(tlspair_to_server(&p));
    assert_int_equal(gw_handshake_input(p.server, "\x15\3\3\0\2\1\0", 7), GW_HANDSHAKE_FAILED);
    assert_int_equal(gw_handshake_reason(p.server), GW_REASON_HANDSHAKE_ALERT);
    assert_string_equal(gw_handshake_detail(p.server), "close_notify");
    tlspair_done(&p);
    SSL_CTX_free(ctx);
    gw_tls_context_free(tls);
}

/* A ClientHello that never ends. */
static void too_much_before_the_hello_ends(void **state)
{
    struct gw_tls_side side = plain(*state);
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    SSL_CTX *ctx = tlspair_client_ctx(*state, 0);
    struct tlspair p;
    static uint8_t record[5 + 4096] = {22, 3, 1, 16, 0, 1, 1, 0xff, 0xff, 3, 3};
    const uint8_t *out;
    enum gw_handshake_verdict verdict = GW_HANDSHAKE_MORE;
    size_t sent = 0;
    tlspair_init(&p, tls, ctx, NULL);
    while (verdict == GW_HANDSHAKE_MORE && sent < 2 * (size_t)GW_HANDSHAKE_BYTES_MAX) {
        verdict = gw_handshake_input(p.server, record, sizeof(record));
        sent += sizeof(record);
        memset(record + 5, 0, 16);
    }
    assert_int_equal(verdict, GW_HANDSHAKE_FAILED);
    assert_int_equal(gw_handshake_reason(p.server), GW_REASON_HANDSHAKE_TOO_LARGE);
    assert_true(sent <= GW_HANDSHAKE_BYTES_MAX + sizeof(record));
    assert_int_equal(gw_handshake_output(p.server, &out), 7);
    assert_memory_equal(out, "\x15\3\3\0\2\2\x2f", 7);
    tlspair_done(&p);
    SSL_CTX_free(ctx);
    gw_tls_context_free(tls);
}

/* A certificate chain of 180 KiB: libssl sees the length and answers. */
static void too_large_a_certificate_chain(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side = with_clients(w);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_CTX *ctx = tlspair_client_ctx(w, version);
        tlspair_show(ctx, w->client);
        for (int i = 0; i < 500; i++)
            assert_true(SSL_CTX_add1_chain_cert(ctx, w->ca->x509));
        /* illegal_parameter or bad_certificate, as the library's version likes. */
        client_fails(&side, ctx, GW_REASON_HANDSHAKE_TOO_LARGE, ANY_ALERT,
                     "certificates of more than 24576 bytes (--max-cert-chain)");
    }
}

/* The last record of the client's flight, its Finished, is changed on the way. */
static void a_changed_finished(void **state)
{
    struct gw_tls_side side = plain(*state);
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_CTX *ctx = tlspair_client_ctx(*state, version);
        struct tlspair p;
        uint8_t wire[4096];
        tlspair_init(&p, tls, ctx, NULL);
        (void)SSL_do_handshake(p.client);
        assert_true(tlspair_to_server(&p));
        while (tlspair_to_client(&p))
            ;
        (void)SSL_do_handshake(p.client);
        int n = BIO_read(p.from_client, wire, sizeof(wire));
        assert_true(n > 0);
        wire[n - 1] ^= 1;
        p.verdict = gw_handshake_input(p.server, wire, (size_t)n);
        while (tlspair_to_client(&p))
            ;
        must_fail(&p, GW_REASON_HANDSHAKE_PROTOCOL, 20, "decryption failed or bad record mac");
        tlspair_done(&p);
        SSL_CTX_free(ctx);
    }
    gw_tls_context_free(tls);
}

/* One byte of the client's flights is changed at random. Whatever it was, the handshake fails for
 * a reason, or wants more, or both sides have the same keys. */
static void any_changed_byte(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side = with_clients(w);
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    unsigned seed = 1;
    for (int round = 0; round < 400; round++) {
        SSL_CTX *ctx = tlspair_client_ctx(w, round & 1 ? TLS1_2_VERSION : TLS1_3_VERSION);
        struct tlspair p;
        tlspair_show(ctx, w->client);
        tlspair_init(&p, tls, ctx, NULL);
        for (int flight = 0; flight < 2 && p.verdict == GW_HANDSHAKE_MORE; flight++) {
            uint8_t wire[8192];
            (void)SSL_do_handshake(p.client);
            int n = BIO_read(p.from_client, wire, sizeof(wire));
            seed = seed * 1103515245 + 12345;
            if (n > 0 && flight == (round >> 1 & 1))
                wire[(seed >> 8) % (unsigned)n] ^= (uint8_t)(1 + (seed >> 24) % 255);
            if (n > 0)
                p.verdict = gw_handshake_input(p.server, wire, (size_t)n);
            while (tlspair_to_client(&p))
                ;
        }
        if (p.verdict == GW_HANDSHAKE_FAILED)
            assert_int_not_equal(gw_handshake_reason(p.server), GW_REASON_NONE);
        /* A version byte in a record header, say, that nobody looks at. */
        if (p.verdict == GW_HANDSHAKE_DONE) {
            tlspair_handover(&p);
            tlspair_exchange(&p);
        }
        tlspair_done(&p);
        SSL_CTX_free(ctx);
    }
    gw_tls_context_free(tls);
}

/* A client that reconnected with a lower version after a failure (RFC 7507). */
static void a_fallback_that_was_not_needed(void **state)
{
    struct gw_tls_side side = plain(*state);
    SSL_CTX *ctx = tlspair_client_ctx(*state, TLS1_2_VERSION);
    SSL_CTX_set_mode(ctx, SSL_MODE_SEND_FALLBACK_SCSV);
    client_fails(&side, ctx, GW_REASON_HANDSHAKE_VERSION, 86, "inappropriate fallback");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raw_bytes),
        cmocka_unit_test(plain_http_is_answered),
        cmocka_unit_test(too_long_a_hello_is_refused_at_once),
        cmocka_unit_test(nor_may_the_next_hello_be_longer),
        cmocka_unit_test(too_many_certificates_are_not_verified),
        cmocka_unit_test(versions),
        cmocka_unit_test(no_cipher_in_common),
        cmocka_unit_test(no_group_or_signature_in_common),
        cmocka_unit_test(no_protocol_in_common),
        cmocka_unit_test(certificate_missing),
        cmocka_unit_test(certificate_of_a_foreign_ca),
        cmocka_unit_test(certificate_signed_by_itself),
        cmocka_unit_test(certificate_expired_or_early),
        cmocka_unit_test(certificate_for_another_purpose),
        cmocka_unit_test(authority_for_another_purpose),
        cmocka_unit_test(certificate_with_a_small_key),
        cmocka_unit_test(certificate_with_a_false_signature),
        cmocka_unit_test(client_sends_an_alert),
        cmocka_unit_test(client_sends_close_notify),
        cmocka_unit_test(too_much_before_the_hello_ends),
        cmocka_unit_test(too_large_a_certificate_chain),
        cmocka_unit_test(a_changed_finished),
        cmocka_unit_test(any_changed_byte),
        cmocka_unit_test(a_fallback_that_was_not_needed),
    };
    return cmocka_run_group_tests(tests, tlsworld_setup, tlsworld_teardown);
}
