/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway/tls in the client role, against gateway/tls in the server role, over memory: both derive
 * the same keys, in every suite, full and resumed, with and without a client certificate; and a
 * target other than --cacert and --target-name require is refused with its own reason.
 */
#include "gateway/base/bytes.h"
#include "gateway/base/clock.h"
#include "gateway/base/wipe.h"
#include "gateway/ktls/softrecord.h"
#include "gateway/tls/session.h"
#include "tests/support/best_group.h"
#include "tests/unit/ahead.h"
#include "tests/unit/duo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum {
    HEADER = KTLS_SOFT_HEADER_LEN,
    ALERT = 21,
    HANDSHAKE = 22,
    DATA = 23,
};

static void take_keys(struct duo *d)
{
    assert_int_equal(d->client_verdict, GW_HANDSHAKE_DONE);
    assert_int_equal(d->server_verdict, GW_HANDSHAKE_DONE);
    assert_int_equal(gw_handshake_keys(d->client, &d->client_keys), 0);
    assert_int_equal(gw_handshake_keys(d->server, &d->server_keys), 0);
    assert_int_equal(d->client_keys.role, GW_ROLE_CLIENT);
    assert_int_equal(d->server_keys.role, GW_ROLE_SERVER);
}

static void assert_same(const struct ktls_keys *a, const struct ktls_keys *b)
{
    assert_ptr_equal(a->suite, b->suite);
    assert_memory_equal(a->key, b->key, a->suite->key_len);
    assert_memory_equal(a->iv, b->iv, sizeof(a->iv));
    assert_memory_equal(a->secret, b->secret, sizeof(a->secret));
    assert_int_equal(a->seq, b->seq);
}

static void send_record(struct ktls_keys *tx, struct ktls_keys *rx)
{
    static uint8_t data[KTLS_SOFT_PLAIN_MAX], opened[KTLS_SOFT_PLAIN_MAX + KTLS_SOFT_OVERHEAD];
    static uint8_t record[KTLS_SOFT_PLAIN_MAX + KTLS_SOFT_OVERHEAD];
    uint8_t type = 0;
    memset(data, (int)tx->seq + 'a', sizeof(data));
    int n = ktls_soft_seal(tx, DATA, data, sizeof(data), 0, record);
    assert_int_equal(ktls_soft_open(rx, record, (size_t)n, &type, opened), sizeof(data));
    assert_int_equal(type, DATA);
    assert_memory_equal(opened, data, sizeof(data));
}

static void keys_fit(struct duo *d)
{
    assert_int_equal(gw_handshake_keys(d->server, &d->server_keys), 0); /* its tickets count */
    assert_same(&d->client_keys.tx, &d->server_keys.rx);
    assert_same(&d->client_keys.rx, &d->server_keys.tx);
    for (int i = 0; i < 3; i++) {
        send_record(&d->client_keys.tx, &d->server_keys.rx);
        send_record(&d->server_keys.tx, &d->client_keys.rx);
    }
}

/* The server's tickets, each record shown and then opened as the gateway does it. The number of
 * sessions that came of them. */
static unsigned take_tickets(struct duo *d)
{
    uint8_t opened[4096];
    uint8_t type = 0;
    const uint8_t *data;
    unsigned had = gw_handshake_sessions(d->client);
    (void)gw_handshake_tickets(d->server);
    size_t len = gw_handshake_output(d->server, &data);
    for (size_t at = 0; at < len;) {
        size_t size = HEADER + ((size_t)data[at + 3] << 8) + data[at + 4];
        assert_true(at + size <= len);
        assert_true(gw_handshake_wants_tickets(d->client));
        assert_true(gw_handshake_show(d->client, data + at, size));
        assert_true(ktls_soft_open(&d->client_keys.rx, data + at, size, &type, opened) > 0);
        assert_int_equal(type, HANDSHAKE);
        at += size;
    }
    gw_handshake_output_sent(d->server, len);
    return gw_handshake_sessions(d->client) - had;
}

static bool resumed(struct gw_handshake *hs)
{
    struct gw_handshake_info info;
    gw_handshake_get_info(hs, &info);
    return info.resumed;
}

/* ---- what goes well ---- */

static void only_suite(struct duo *d, const struct ktls_suite *suite, const char *name)
{
    bool tls13 = suite->version == KTLS_TLS_1_3;
    d->to.tls_min = d->to.tls_max = (uint16_t)suite->version;
    d->to.ciphersuites = tls13 ? name : NULL;
    d->to.ciphers = tls13 ? NULL : name;
}

static void every_suite_gives_both_the_same_keys(void **state)
{
    const struct ktls_suite *suite;
    char name[64];
    for (size_t i = 0; (suite = ktls_suite_at(i)); i++) {
        struct duo d;
        struct gw_handshake_info info;
        if (strstr(suite->name, "TLS_DHE"))
            continue; /* no policy allows it */
        plan(*state, &d);
        (void)snprintf(name, sizeof(name), "%s", suite->name);
        only_suite(&d, suite, name);
        d.piece = i % 2 ? 7 : 0;
        build(&d);
        shake_hands(&d);
        take_keys(&d);
        keys_fit(&d);
        assert_int_equal(d.client_keys.tx.suite->id, suite->id);
        gw_handshake_get_info(d.client, &info);
        assert_string_equal(info.sni, "gate.test");
        gw_handshake_get_info(d.server, &info);
        assert_string_equal(info.sni, "gate.test");
        destroy(&d);
    }
}

/* Our Finished has used the nonce before the first record (RFC 5288 3). */
static void explicit_nonces_go_on_from_finished(void **state)
{
    const uint8_t *data;
    struct duo d;
    plan(*state, &d);
    d.to.tls_max = 0x0303;
    build(&d);
    d.server = gw_handshake_new(d.server_tls, allows, &d);
    d.client = gw_handshake_new(d.client_tls, NULL, NULL);
    (void)gw_handshake_begin(d.client);
    (void)move(&d, d.client, d.server, &d.server_verdict);
    (void)move(&d, d.server, d.client, &d.client_verdict);
    size_t len = gw_handshake_output(d.client, &data);
    size_t at = 0;
    size_t last = 0;
    for (; at < len; at += HEADER + ((size_t)data[at + 3] << 8) + data[at + 4])
        last = at;
    struct gw_reader nonce = gw_reader_of(data + last + HEADER, 8);
    uint64_t used = gw_read_be(&nonce, 8);
    (void)move(&d, d.client, d.server, &d.server_verdict);
    (void)move(&d, d.server, d.client, &d.client_verdict);
    take_keys(&d);
    assert_int_equal(d.client_keys.tx.seq, 1);
    assert_true(d.client_keys.tx.explicit_nonce == used + 1);
    destroy(&d);
}

static void resumes(void **state, uint16_t version)
{
    struct duo d;
    plan(*state, &d);
    d.to.tls_min = d.to.tls_max = version;
    build(&d);
    for (int round = 0; round < 3; round++) {
        shake_hands(&d);
        take_keys(&d);
        assert_int_equal(resumed(d.client), round > 0);
        assert_int_equal(resumed(d.server), round > 0);
        if (version == 0x0304)
            assert_int_equal(take_tickets(&d), 1);
        keys_fit(&d);
        disconnect(&d);
    }
    destroy(&d);
}

static void tls13_resumes(void **state)
{
    resumes(state, 0x0304);
}

static void tls12_resumes(void **state)
{
    resumes(state, 0x0303);
}

/* Whatever the server says of it. */
static void an_old_session_is_not_offered(void **state)
{
    for (uint16_t version = 0x0303; version <= 0x0304; version++) {
        struct duo d;
        plan(*state, &d);
        d.to.tls_min = d.to.tls_max = version;
        build(&d);
        for (int old = 0; old < 2; old++) {
            shake_hands(&d);
            take_keys(&d);
            if (version == 0x0304)
                assert_true(take_tickets(&d) > 0);
            disconnect(&d);
            struct gw_session_stack *stack = &d.client_tls->sessions;
            assert_true(stack->count > 0);
            for (unsigned i = 0; i < stack->count; i++)
                stack->kept[i].since_ns -= (GW_SESSION_LIFE - 60 + 60 * old) * GW_NS_PER_SEC;
            shake_hands(&d);
            assert_int_equal(resumed(d.client), !old);
            disconnect(&d);
        }
        destroy(&d);
    }
}

/* However often it was resumed meanwhile. */
static void a_session_ends_with_the_age_of_the_full_handshake(void **state)
{
    static const struct {
        time_t ahead;
        bool resumes;
    } rows[] = {{0, false}, {1000, true}, {2990, true}, {3000, false}, {4000, true}, {2900, false}};
    for (uint16_t version = 0x0303; version <= 0x0304; version++) {
        struct duo d;
        plan(*state, &d);
        d.to.tls_min = d.to.tls_max = version;
        d.to.session_age_ns = 3000 * GW_NS_PER_SEC;
        build(&d);
        for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
            test_ahead = rows[i].ahead;
            shake_hands(&d);
            take_keys(&d);
            assert_int_equal(resumed(d.client), rows[i].resumes);
            if (version == 0x0304)
                assert_true(take_tickets(&d) > 0);
            disconnect(&d);
        }
        test_ahead = 0;
        destroy(&d);
    }
}

/* One ticket is good for one connection, also when others begin before any is done. */
static void a_tls13_ticket_is_used_once(void **state)
{
    enum {
        AT_ONCE = 2
    };
    struct gw_handshake *clients[AT_ONCE];
    struct duo d;
    plan(*state, &d);
    build(&d);
    shake_hands(&d);
    take_keys(&d);
    assert_int_equal(take_tickets(&d), 1);
    disconnect(&d);
    for (int i = 0; i < AT_ONCE; i++) {
        clients[i] = gw_handshake_new(d.client_tls, NULL, NULL);
        assert_int_equal(gw_handshake_begin(clients[i]), GW_HANDSHAKE_MORE);
    }
    for (int i = 0; i < AT_ONCE; i++) {
        d.client = clients[i];
        d.client_verdict = d.server_verdict = GW_HANDSHAKE_MORE;
        d.server = gw_handshake_new(d.server_tls, allows, &d);
        go_on(&d);
        take_keys(&d);
        assert_int_equal(resumed(d.client), i < 1);
        disconnect(&d);
    }
    destroy(&d);
}

/* Else it would be offered again, and a new certificate that may pass would not be shown. */
static void a_session_of_a_target_that_may_not_pass_is_not_kept(void **state)
{
    for (uint16_t version = 0x0303; version <= 0x0304; version++)
        for (int judge = -1; judge <= 1; judge += 2) {
            struct duo d;
            plan(*state, &d);
            d.to.tls_max = version;
            d.judge = judge;
            build(&d);
            for (int round = 0; round < 2; round++) {
                shake_hands(&d);
                take_keys(&d);
                assert_int_equal(resumed(d.client), round == 1 && judge > 0);
                if (version == 0x0304)
                    assert_int_equal(take_tickets(&d), 1);
                disconnect(&d);
            }
            assert_true(d.judged > 0);
            destroy(&d);
        }
}

static void without_session_tickets_nothing_is_resumed(void **state)
{
    for (uint16_t version = 0x0303; version <= 0x0304; version++) {
        struct duo d;
        plan(*state, &d);
        d.to.tls_max = version;
        d.to.session_tickets = false;
        build(&d);
        for (int round = 0; round < 2; round++) {
            shake_hands(&d);
            take_keys(&d);
            assert_false(resumed(d.client));
            assert_false(gw_handshake_wants_tickets(d.client));
            disconnect(&d);
        }
        destroy(&d);
    }
}

/* The groups of the key shares in a ClientHello that lies in one record; their number. */
static unsigned read_shares(const uint8_t *hello, size_t len, uint16_t groups[8])
{
    enum {
        EXTENSION_KEY_SHARE = 51
    };
    unsigned count = 0;
    struct gw_reader r = gw_reader_of(hello, len);
    (void)gw_read_span(&r, 5 + 4 + 2 + 32); /* record, message, version, random */
    (void)gw_read_span(&r, gw_read_u8(&r));
    (void)gw_read_span(&r, gw_read_u16(&r));
    (void)gw_read_span(&r, gw_read_u8(&r));
    struct gw_reader extensions = gw_read_sub(&r, gw_read_u16(&r));
    while (gw_reader_left(&extensions) > 0) {
        uint16_t type = gw_read_u16(&extensions);
        struct gw_reader e = gw_read_sub(&extensions, gw_read_u16(&extensions));
        if (type != EXTENSION_KEY_SHARE)
            continue;
        (void)gw_read_u16(&e);
        while (gw_reader_left(&e) > 0 && count < 8) {
            groups[count++] = gw_read_u16(&e);
            (void)gw_read_span(&e, gw_read_u16(&e));
        }
    }
    return count;
}

/* One for the hybrid group and one for servers that do not know it, so that none has to ask. */
static void key_shares(void **state)
{
    const struct tlsworld *w = *state;
    bool hybrid = strcmp(test_best_group(), "x25519") != 0;
    const uint16_t expected[] = {0x11ec, 0x001d};
    uint16_t groups[8];
    const uint8_t *hello;
    struct duo d;
    plan(w, &d);
    struct gw_tls_context *tls = tlsworld_context(&d.to, NULL);
    struct gw_handshake *hs = gw_handshake_new(tls, NULL, NULL);
    assert_int_equal(gw_handshake_begin(hs), GW_HANDSHAKE_MORE);
    size_t len = gw_handshake_output(hs, &hello);
    assert_int_equal(read_shares(hello, len, groups), hybrid ? 2 : 1);
    assert_memory_equal(groups, expected + !hybrid, hybrid ? 4 : 2);
    gw_handshake_free(hs);
    gw_tls_context_free(tls);
}

/* One connection now, whose session is offered again later, `before` and `after` what its chain
 * hangs on has ended. The server would resume it: it does not look at its own certificate. */
static void ends_with_its_chain(struct duo *d, uint16_t version, enum gw_reason reason)
{
    static const time_t when[] = {0, 590, 610};
    d->to.tls_min = d->to.tls_max = version;
    build(d);
    for (size_t i = 0; i < GW_ARRAY_SIZE(when); i++) {
        test_ahead = when[i];
        shake_hands(d);
        if (when[i] > 600) {
            assert_int_equal(d->client_verdict, GW_HANDSHAKE_FAILED);
            assert_int_equal(gw_handshake_reason(d->client), reason);
        } else {
            take_keys(d);
            assert_int_equal(resumed(d->client), i > 0);
            if (version == 0x0304)
                assert_true(take_tickets(d) > 0);
        }
        disconnect(d);
    }
    test_ahead = 0;
    destroy(d);
}

static void a_session_ends_with_an_intermediate(void **state)
{
    const struct tlsworld *w = *state;
    struct test_cert *middle = test_cert_new(&(struct test_cert_spec){
        .cn = "middle", .ca = true, .begins = -60, .ends = 600, .issuer = w->ca});
    struct test_cert *leaf = test_cert_new(
        &(struct test_cert_spec){.cn = "server", .san = "DNS:gate.test", .issuer = middle});
    for (uint16_t version = 0x0303; version <= 0x0304; version++) {
        struct duo d;
        plan(w, &d);
        d.at.certs[0].cert_file = test_dir_cert(w->dir, "brief-chain.pem", leaf, middle);
        d.at.certs[0].key_file = test_dir_key(w->dir, "brief-chain.key", leaf);
        d.at.cert_count = 1;
        ends_with_its_chain(&d, version, GW_REASON_CERT_EXPIRED);
    }
    test_cert_free(leaf);
    test_cert_free(middle);
}

static void a_session_ends_with_a_list(void **state)
{
    const struct tlsworld *w = *state;
    X509_CRL *crl = test_crl_new(&(struct test_crl_spec){.ca = w->ca, .begins = -60, .ends = 600});
    for (uint16_t version = 0x0303; version <= 0x0304; version++) {
        struct duo d;
        plan(w, &d);
        d.to.crls[0] = test_dir_crl(w->dir, "brief.crl", crl, NULL);
        ends_with_its_chain(&d, version, GW_REASON_CERT_NO_CRL);
    }
    X509_CRL_free(crl);
}

/* A revoked server gets the alert for that. */
static void a_revoked_server_is_refused(void **state)
{
    const struct tlsworld *w = *state;
    const struct test_cert *revoked[] = {w->server_ec, w->server_rsa, NULL};
    X509_CRL *crl = test_crl_new(&(struct test_crl_spec){.ca = w->ca, .revoked = revoked});
    for (uint16_t version = 0x0303; version <= 0x0304; version++) {
        struct duo d;
        plan(w, &d);
        d.to.tls_min = d.to.tls_max = version;
        d.to.crls[0] = test_dir_crl(w->dir, "servers.crl", crl, NULL);
        build(&d);
        shake_hands(&d);
        assert_int_equal(d.client_verdict, GW_HANDSHAKE_FAILED);
        assert_int_equal(gw_handshake_reason(d.client), GW_REASON_CERT_REVOKED);
        assert_int_equal(d.server_verdict, GW_HANDSHAKE_FAILED);
        assert_non_null(strstr(gw_handshake_detail(d.server), "certificate_revoked"));
        destroy(&d);
    }
    X509_CRL_free(crl);
}

static void mutual(void **state)
{
    const struct tlsworld *w = *state;
    for (uint16_t version = 0x0303; version <= 0x0304; version++) {
        struct duo d;
        struct gw_identity id;
        plan(w, &d);
        d.to.tls_min = d.to.tls_max = version;
        d.to.certs[0].cert_file = test_dir_cert(w->dir, "alice.pem", w->client, NULL);
        d.to.certs[0].key_file = test_dir_key(w->dir, "alice.key", w->client);
        d.to.cert_count = 1;
        d.at.verify = GW_VERIFY_REQUIRED;
        d.at.cacerts[0] = w->ca_file;
        build(&d);
        for (int round = 0; round < 2; round++) {
            shake_hands(&d);
            take_keys(&d);
            assert_int_equal(resumed(d.client), round);
            assert_true(gw_handshake_identity(d.server, &id));
            assert_string_equal(gw_identity_first(&id, GW_NAME_CN), "alice");
            assert_true(gw_handshake_identity(d.client, &id));
            assert_string_equal(gw_identity_first(&id, GW_NAME_CN), "server");
            if (version == 0x0304)
                assert_true(take_tickets(&d) > 0);
            keys_fit(&d);
            disconnect(&d);
        }
        destroy(&d);
    }
}

static void alpn_is_offered(void **state)
{
    struct duo d;
    struct gw_handshake_info info;
    plan(*state, &d);
    d.to.alpn[0] = "h2";
    d.to.alpn[1] = "echo";
    d.to.alpn_count = 2;
    d.at.alpn[0] = "echo";
    d.at.alpn_count = 1;
    build(&d);
    shake_hands(&d);
    take_keys(&d);
    gw_handshake_get_info(d.client, &info);
    assert_string_equal(info.alpn, "echo");
    destroy(&d);
}

/* ---- after the handshake ---- */

/* What the server writes first may come with its Finished; it belongs to the record layer. */
static void early_data_of_the_server_stays_unread(void **state)
{
    uint8_t record[256], got[512], opened[256];
    uint8_t type = 0;
    struct duo d;
    plan(*state, &d);
    build(&d);
    shake_hands(&d);
    take_keys(&d);
    int n = ktls_soft_seal(&d.server_keys.tx, DATA, "hello", 5, 0, record);
    assert_int_equal(gw_handshake_input(d.client, record, (size_t)n), GW_HANDSHAKE_DONE);
    assert_int_equal(gw_handshake_unread(d.client, got, sizeof(got)), n);
    assert_int_equal(ktls_soft_open(&d.client_keys.rx, got, (size_t)n, &type, opened), 5);
    assert_memory_equal(opened, "hello", 5);
    destroy(&d);
}

/* Nothing of what libssl would answer may leave: its sequence numbers are not those in use. */
static bool shown(void **state, uint8_t type, const void *data, size_t len)
{
    uint8_t record[256];
    const uint8_t *out;
    struct duo d;
    plan(*state, &d);
    build(&d);
    shake_hands(&d);
    take_keys(&d);
    int n = ktls_soft_seal(&d.server_keys.tx, type, data, len, 0, record);
    assert_true(gw_handshake_wants_tickets(d.client));
    bool more = gw_handshake_show(d.client, record, (size_t)n);
    if (more)
        assert_int_equal(gw_handshake_output(d.client, &out), 0);
    destroy(&d);
    return more;
}

static void what_is_no_ticket_ends_the_wait(void **state)
{
    static const uint8_t update[] = {24, 0, 0, 1, 1};
    static const uint8_t request[] = {13, 0, 0, 3, 0, 0, 0};
    static const uint8_t close_notify[] = {1, 0};
    assert_false(shown(state, DATA, "x", 1));
    assert_false(shown(state, HANDSHAKE, request, sizeof(request)));
    assert_false(shown(state, ALERT, close_notify, sizeof(close_notify)));
    (void)shown(state, HANDSHAKE, update, sizeof(update)); /* writes nothing, or is the last */
}

static void a_broken_record_ends_the_wait(void **state)
{
    static const uint8_t garbage[] = {DATA, 3, 3, 0, 20, [24] = 1};
    struct duo d;
    plan(*state, &d);
    build(&d);
    shake_hands(&d);
    take_keys(&d);
    assert_false(gw_handshake_show(d.client, garbage, sizeof(garbage)));
    destroy(&d);
}

/* ---- refusals ---- */

static void refused(struct duo *d, enum gw_reason reason)
{
    build(d);
    shake_hands(d);
    assert_int_equal(d->client_verdict, GW_HANDSHAKE_FAILED);
    assert_int_equal(gw_reason_in(GW_ROLE_CLIENT, gw_handshake_reason(d->client)), reason);
    assert_int_equal(d->server_verdict, GW_HANDSHAKE_FAILED); /* it got an alert */
    assert_int_equal(gw_handshake_reason(d->server), GW_REASON_HANDSHAKE_ALERT);
    assert_int_not_equal(gw_handshake_keys(d->client, &d->client_keys), 0);
    destroy(d);
}

/* To a server with this certificate. */
static void plan_with(const struct tlsworld *w, struct duo *d, const struct test_cert *cert)
{
    plan(w, d);
    d->at.certs[0].cert_file = test_dir_cert(w->dir, "one.pem", cert, NULL);
    d->at.certs[0].key_file = test_dir_key(w->dir, "one.key", cert);
    d->at.cert_count = 1;
}

/* Refused for that; GW_REASON_NONE: taken. */
static void judged(struct duo *d, enum gw_reason reason)
{
    if (reason != GW_REASON_NONE) {
        refused(d, reason);
        return;
    }
    build(d);
    shake_hands(d);
    assert_int_equal(d->client_verdict, GW_HANDSHAKE_DONE);
    destroy(d);
}

/* A server with this certificate, for both versions. */
static void certificate_refused(void **state, const struct test_cert_spec *spec,
                                enum gw_reason reason)
{
    const struct tlsworld *w = *state;
    struct test_cert *cert = test_cert_new(spec);
    for (uint16_t version = 0x0303; version <= 0x0304; version++) {
        struct duo d;
        plan_with(w, &d, cert);
        d.to.tls_min = d.to.tls_max = version;
        refused(&d, reason);
    }
    test_cert_free(cert);
}

static void bad_certificates_are_told_apart(void **state)
{
    const struct tlsworld *w = *state;
    const struct {
        struct test_cert_spec spec;
        enum gw_reason reason;
    } rows[] = {
        {{.san = "DNS:gate.test", .issuer = w->foreign_ca}, GW_REASON_BACKEND_UNTRUSTED},
        {{.san = "DNS:gate.test"}, GW_REASON_BACKEND_UNTRUSTED},
        {{.san = "DNS:gate.test", .eku = "clientAuth", .issuer = w->ca}, GW_REASON_BACKEND_INVALID},
        {{.san = "DNS:other.test", .issuer = w->ca}, GW_REASON_BACKEND_NAME},
        {{.san = "IP:192.0.2.1", .issuer = w->ca}, GW_REASON_BACKEND_NAME},
        {{.san = "DNS:*.test.", .issuer = w->ca}, GW_REASON_BACKEND_NAME},
        /* A common name stands for nothing. */
        {{.cn = "gate.test", .issuer = w->ca}, GW_REASON_BACKEND_NAME},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++)
        certificate_refused(state, &rows[i].spec, rows[i].reason);
}

/* The name has three labels, since a wildcard right below the top is refused for that alone. */
static void a_wildcard_is_one_whole_label(void **state)
{
    const struct tlsworld *w = *state;
    static const struct {
        const char *san;
        bool good;
    } rows[] = {
        {"DNS:*.example.test", true},
        {"DNS:GATE.Example.test", true},
        {"DNS:g*.example.test", false},
        {"DNS:*e.example.test", false},
        {"DNS:g*e.example.test", false},
        {"DNS:gate*.example.test", false},
        {"DNS:gate.*.test", false},
        {"DNS:*.*.test", false},
        {"DNS:*.test", false},
        {"DNS:**.example.test", false},
        {"DNS:example.test", false},
        {"DNS:*.gate.example.test", false},
        {"DNS:.example.test", false},
        {"URI:https://gate.example.test", false},
        {"email:x@gate.example.test", false},
        {"DNS:gate.example.testing", false},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        struct test_cert *cert =
            test_cert_new(&(struct test_cert_spec){.san = rows[i].san, .issuer = w->ca});
        struct duo d;
        plan_with(w, &d, cert);
        d.to.peer_name = "gate.example.test";
        judged(&d, rows[i].good ? GW_REASON_NONE : GW_REASON_BACKEND_NAME);
        test_cert_free(cert);
    }
}

/* The target's CA got a new key and kept its name; both are in --cacert. */
static void each_ca_of_a_name_is_tried(void **state)
{
    const struct tlsworld *w = *state;
    struct test_cert *next = test_cert_new(&(struct test_cert_spec){.cn = "Test CA", .ca = true});
    struct test_cert *third = test_cert_new(&(struct test_cert_spec){.cn = "Test CA", .ca = true});
    const struct test_cert *issuers[] = {w->ca, next, third};
    for (size_t i = 0; i < GW_ARRAY_SIZE(issuers); i++)
        for (int bare = 0; bare < 2; bare++) {
            struct test_cert *cert = test_cert_new(&(struct test_cert_spec){
                .san = "DNS:gate.test", .bare = bare, .issuer = issuers[i]});
            struct duo d;
            plan_with(w, &d, cert);
            d.to.cacerts[0] = test_dir_cert(w->dir, "twins.pem", w->ca, next);
            judged(&d, issuers[i] == third ? GW_REASON_BACKEND_UNTRUSTED : GW_REASON_NONE);
            test_cert_free(cert);
        }
    test_cert_free(third);
    test_cert_free(next);
}

/* A target without an authority is known by its own certificate, and must have the name, too. */
static void a_target_that_signed_itself_is_trusted_for_itself(void **state)
{
    const struct tlsworld *w = *state;
    struct test_cert *cert = test_cert_new(&(struct test_cert_spec){.san = "DNS:gate.test"});
    for (int other = 0; other < 2; other++) {
        struct duo d;
        plan_with(w, &d, cert);
        d.to.cacerts[0] = d.at.certs[0].cert_file;
        d.to.peer_name = other ? "other.test" : "gate.test";
        judged(&d, other ? GW_REASON_BACKEND_NAME : GW_REASON_NONE);
    }
    test_cert_free(cert);
}

/* In TLS 1.2 the groups are also the curves of certificates. */
static void a_target_on_p521_is_taken_unless_groups_forbid_it(void **state)
{
    const struct tlsworld *w = *state;
    struct test_cert *cert = test_cert_new(
        &(struct test_cert_spec){.san = "DNS:gate.test", .key = TEST_KEY_P521, .issuer = w->ca});
    for (int i = 0; i < 4; i++) {
        struct duo d;
        plan_with(w, &d, cert);
        d.at.tls_max = d.at.tls_min = i & 1 ? 0x0304 : 0x0303;
        d.to.groups = i & 2 ? "X25519:P-256" : NULL;
        build(&d);
        shake_hands(&d);
        assert_int_equal(d.client_verdict, i == 2 ? GW_HANDSHAKE_FAILED : GW_HANDSHAKE_DONE);
        destroy(&d);
    }
    test_cert_free(cert);
}

/* Its own service would not start with such a certificate, so the server is libssl's. */
static void an_expired_certificate_is_refused(void **state)
{
    const struct tlsworld *w = *state;
    struct test_cert *cert = test_cert_new(&(struct test_cert_spec){
        .san = "DNS:gate.test", .begins = -7200, .ends = -3600, .issuer = w->ca});
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    SSL *ssl = NULL;
    struct duo d;
    uint8_t wire[16384];
    const uint8_t *data;
    plan(w, &d);
    build(&d);
    assert_true(ctx && SSL_CTX_use_certificate(ctx, cert->x509) == 1 &&
                SSL_CTX_use_PrivateKey(ctx, cert->key) == 1 && (ssl = SSL_new(ctx)));
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(ssl);
    d.client = gw_handshake_new(d.client_tls, NULL, NULL);
    assert_int_equal(gw_handshake_begin(d.client), GW_HANDSHAKE_MORE);
    size_t len = gw_handshake_output(d.client, &data);
    assert_int_equal(BIO_write(SSL_get_rbio(ssl), data, (int)len), len);
    gw_handshake_output_sent(d.client, len);
    (void)SSL_do_handshake(ssl);
    int n = BIO_read(SSL_get_wbio(ssl), wire, sizeof(wire));
    assert_int_equal(gw_handshake_input(d.client, wire, (size_t)n), GW_HANDSHAKE_FAILED);
    assert_int_equal(gw_reason_in(GW_ROLE_CLIENT, gw_handshake_reason(d.client)),
                     GW_REASON_BACKEND_EXPIRED);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    test_cert_free(cert);
    destroy(&d);
}

static void a_target_without_a_name_is_verified_by_its_authority(void **state)
{
    const struct tlsworld *w = *state;
    static const struct {
        const char *name;
        bool good;
        const char *sni; /* the host is sent all the same */
    } rows[] = {{"other.test", true, "other.test"},
                {"192.0.2.1", true, ""},
                {NULL, true, ""},
                {NULL, false, ""}};
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        struct duo d;
        struct gw_handshake_info info;
        bool good = rows[i].good;
        struct test_cert *cert =
            test_cert_new(&(struct test_cert_spec){.issuer = good ? w->ca : w->foreign_ca});
        plan(w, &d);
        d.to.peer_name = rows[i].name;
        d.to.peer_unnamed = true;
        d.at.certs[0].cert_file = test_dir_cert(w->dir, "uri.pem", cert, NULL);
        d.at.certs[0].key_file = test_dir_key(w->dir, "uri.key", cert);
        d.at.cert_count = 1;
        test_cert_free(cert);
        if (!good) {
            refused(&d, GW_REASON_BACKEND_UNTRUSTED);
            continue;
        }
        build(&d);
        shake_hands(&d);
        take_keys(&d);
        gw_handshake_get_info(d.server, &info);
        assert_string_equal(info.sni, rows[i].sni);
        destroy(&d);
    }
}

static void an_address_is_verified_as_one(void **state)
{
    const struct tlsworld *w = *state;
    struct test_cert *cert = test_cert_new(&(struct test_cert_spec){
        .san = "IP:192.0.2.1,IP:2001:db8::1,DNS:192.0.2.2", .issuer = w->ca});
    static const struct {
        const char *name;
        bool good;
    } rows[] = {{"192.0.2.1", true}, {"2001:db8::1", true}, {"192.0.2.2", false}};
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        struct duo d;
        struct gw_handshake_info info;
        plan_with(w, &d, cert);
        d.to.peer_name = rows[i].name;
        if (!rows[i].good) {
            refused(&d, GW_REASON_BACKEND_NAME);
            continue;
        }
        build(&d);
        shake_hands(&d);
        take_keys(&d);
        gw_handshake_get_info(d.server, &info);
        assert_string_equal(info.sni, ""); /* RFC 6066 3 */
        destroy(&d);
    }
    test_cert_free(cert);
}

static void what_is_not_tls_is_told(void **state)
{
    static const char answer[] = "220 mail.test ESMTP\r\n";
    struct duo d;
    plan(*state, &d);
    build(&d);
    d.client = gw_handshake_new(d.client_tls, NULL, NULL);
    assert_int_equal(gw_handshake_begin(d.client), GW_HANDSHAKE_MORE);
    assert_int_equal(gw_handshake_input(d.client, answer, sizeof(answer) - 1), GW_HANDSHAKE_FAILED);
    assert_int_equal(gw_reason_in(GW_ROLE_CLIENT, gw_handshake_reason(d.client)),
                     GW_REASON_BACKEND_NOT_TLS);
    destroy(&d);
}

/* A session that came to nothing once is not offered again: a server that just closes when it sees
 * it would never be reached any more. */
static void a_session_that_fails_is_dropped(void **state)
{
    struct duo d;
    plan(*state, &d);
    d.to.tls_max = 0x0303;
    build(&d);
    shake_hands(&d);
    take_keys(&d);
    disconnect(&d);
    d.client = gw_handshake_new(d.client_tls, NULL, NULL);
    assert_int_equal(gw_handshake_begin(d.client), GW_HANDSHAKE_MORE);
    disconnect(&d); /* the server closed */
    shake_hands(&d);
    take_keys(&d);
    assert_false(resumed(d.client));
    destroy(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_suite_gives_both_the_same_keys),
        cmocka_unit_test(explicit_nonces_go_on_from_finished),
        cmocka_unit_test(tls13_resumes),
        cmocka_unit_test(tls12_resumes),
        cmocka_unit_test(an_old_session_is_not_offered),
        cmocka_unit_test(a_session_ends_with_the_age_of_the_full_handshake),
        cmocka_unit_test(a_tls13_ticket_is_used_once),
        cmocka_unit_test(a_session_of_a_target_that_may_not_pass_is_not_kept),
        cmocka_unit_test(without_session_tickets_nothing_is_resumed),
        cmocka_unit_test(key_shares),
        cmocka_unit_test(a_session_ends_with_an_intermediate),
        cmocka_unit_test(a_session_ends_with_a_list),
        cmocka_unit_test(a_revoked_server_is_refused),
        cmocka_unit_test(mutual),
        cmocka_unit_test(alpn_is_offered),
        cmocka_unit_test(early_data_of_the_server_stays_unread),
        cmocka_unit_test(what_is_no_ticket_ends_the_wait),
        cmocka_unit_test(a_broken_record_ends_the_wait),
        cmocka_unit_test(bad_certificates_are_told_apart),
        cmocka_unit_test(a_wildcard_is_one_whole_label),
        cmocka_unit_test(a_target_on_p521_is_taken_unless_groups_forbid_it),
        cmocka_unit_test(each_ca_of_a_name_is_tried),
        cmocka_unit_test(a_target_that_signed_itself_is_trusted_for_itself),
        cmocka_unit_test(an_expired_certificate_is_refused),
        cmocka_unit_test(a_target_without_a_name_is_verified_by_its_authority),
        cmocka_unit_test(an_address_is_verified_as_one),
        cmocka_unit_test(what_is_not_tls_is_told),
        cmocka_unit_test(a_session_that_fails_is_dropped),
    };
    return cmocka_run_group_tests_name("handshake_client", tests, tlsworld_setup,
                                       tlsworld_teardown);
}
