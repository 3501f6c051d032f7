/* SPDX-License-Identifier: Apache-2.0 */
/* Mutual TLS: allowed clients pass; others get the right alert, no ticket and no backend. */
#include "tests/integration/check.h"
#include "tests/integration/stage.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

enum {
    ALERT_HANDSHAKE_FAILURE = 40,
    ALERT_CERTIFICATE_EXPIRED = 45,
    ALERT_UNKNOWN_CA = 48,
    ALERT_ACCESS_DENIED = 49,
    ALERT_CERTIFICATE_REQUIRED = 116,
};

static void serve(const char *rule, const char *value)
{
    stage_serve(&(struct gateway_options){
        .flags = {"--cacert", world_cert(ID_CA), rule, value},
    });
}

/* Echoes bytes and ends properly. *ret_session gets the ticket unless it is NULL. */
static void pass(const struct client_options *options, SSL_SESSION **ret_session)
{
    struct client c;
    stage_join(&c, options);
    stage_echo(&c, 30000);
    client_close_notify(&c);
    assert_int_equal(client_read_end(&c), CLIENT_CLOSE_NOTIFY);
    if (ret_session)
        *ret_session = client_take_session(&c);
    client_close(&c);
}

static void allowed_client_passes(void **state)
{
    struct conn_line line;
    (void)state;
    serve("--allow-cn", "alice");
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        const struct client_options options = stage_client(ID_ALICE, version);
        pass(&options, NULL);
        gateway_expect(gateway, "finished", &line);
        assert_string_equal(line.cn, "alice");
    }
    gateway_stop(gateway);
}

static const struct refusal {
    bool with_cert;
    enum identity identity;
    int alert12;
    int alert13;
    const char *reason;
    const char *cn;     /* the name in the log; NULL: none */
    const char *detail; /* NULL: any */
} refusals[] = {
    {false, ID_ALICE, ALERT_HANDSHAKE_FAILURE, ALERT_CERTIFICATE_REQUIRED, "cert-missing"},
    {true, ID_STRANGER, ALERT_UNKNOWN_CA, ALERT_UNKNOWN_CA, "cert-untrusted", "stranger"},
    {true, ID_EXPIRED, ALERT_CERTIFICATE_EXPIRED, ALERT_CERTIFICATE_EXPIRED, "cert-expired",
     "expired"},
    {true, ID_MALLORY, ALERT_ACCESS_DENIED, ALERT_ACCESS_DENIED, "not-allowed", "mallory",
     "no rule matches its cn"},
};

/* In TLS 1.3 the client's handshake is done before the server has seen its certificate. */
static void expect_refused(const struct refusal *row, int version)
{
    struct client c;
    struct conn_line line;
    struct client_options options = stage_client(row->identity, version);
    options.with_cert = row->with_cert;
    client_open(&c, &options);
    enum client_end end = client_handshake(&c);
    if (end == CLIENT_OPEN)
        end = client_read_end(&c);
    assert_int_equal(end, CLIENT_ALERTED);
    assert_int_equal(c.alert, version == TLS1_3_VERSION ? row->alert13 : row->alert12);
    assert_int_equal(c.received, 0);
    assert_int_equal(c.tickets, 0);
    client_close(&c);
    gateway_expect(gateway, row->reason, &line);
    assert_string_equal(line.cn, row->cn ? row->cn : "");
    assert_int_equal(strncmp(line.subject, "CN=", 3) == 0, row->cn != NULL);
    if (row->detail)
        assert_string_equal(line.detail, row->detail);
}

static void others_are_refused(void **state)
{
    (void)state;
    serve("--allow-cn", "alice");
    for (unsigned i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        expect_refused(&refusals[i], TLS1_2_VERSION);
        expect_refused(&refusals[i], TLS1_3_VERSION);
    }
    assert_int_equal(backend_accepted(backend), 0);
    gateway_stop(gateway);
}

static unsigned told_one_by_one(const char *reason, const char *last)
{
    struct conn_line line = {.reason = ""};
    unsigned told = 0;
    while (strcmp(line.reason, last) != 0) {
        gateway_conn(gateway, &line);
        told += strcmp(line.reason, reason) == 0;
    }
    return told;
}

/* Anybody may show a certificate any number of times. A client that is refused by a rule has proved
 * its identity. */
static void who_shows_what_nobody_trusts_is_summed(void **state)
{
    enum {
        ROUNDS = 12
    };
    struct client_options options;
    struct client c;
    (void)state;
    if (world_is_small())
        skip_because("handshakes are too slow here to come in one second");
    stage_serve(&(struct gateway_options){
        .flags = {"--cacert", world_cert(ID_CA), "--allow-cn", "alice", "--log-rate", "1"},
    });
    for (int i = 0; i < ROUNDS; i++) {
        options = stage_client(i % 2 ? ID_MALLORY : ID_STRANGER, TLS1_2_VERSION);
        client_open(&c, &options);
        if (client_handshake(&c) == CLIENT_OPEN)
            (void)client_read_end(&c);
        assert_int_equal(c.alert, i % 2 ? ALERT_ACCESS_DENIED : ALERT_UNKNOWN_CA);
        client_close(&c);
    }
    options = stage_client(ID_ALICE, 0);
    pass(&options, NULL);
    unsigned told = told_one_by_one("cert-untrusted", "finished");
    assert_true(told < ROUNDS / 2);
    assert_int_equal(gateway_summed(gateway, "cert-untrusted", ROUNDS / 2 - told),
                     ROUNDS / 2 - told);
    assert_int_equal(logbook_count(&gateway->log, " reason=not-allowed "), ROUNDS / 2);
    gateway_stop(gateway);
}

/* Bytes that came along with the Finished of a refused peer go nowhere. */
static void early_bytes_of_the_refused_are_dropped(void **state)
{
    struct client c;
    (void)state;
    serve("--allow-cn", "alice");
    struct client_options options = stage_client(ID_MALLORY, TLS1_3_VERSION);
    options.hold = true;
    client_connect(&c, &options);
    c.work.up_seed = STAGE_SEED;
    client_send(&c, 100000);
    client_release(&c);
    assert_int_equal(client_read_end(&c), CLIENT_ALERTED);
    assert_int_equal(c.alert, ALERT_ACCESS_DENIED);
    client_close(&c);
    gateway_expect(gateway, "not-allowed", NULL);
    assert_int_equal(backend_accepted(backend), 0);
    gateway_stop(gateway);
}

static void rules_of_other_kinds(void **state)
{
    (void)state;
    serve("--allow-ou", "tests");
    struct client_options options = stage_client(ID_MALLORY, 0);
    pass(&options, NULL);
    gateway_expect(gateway, "finished", NULL);
    gateway_stop(gateway);
    serve("--allow-all", NULL);
    options.port = gateway->port;
    pass(&options, NULL);
    gateway_expect(gateway, "finished", NULL);
    gateway_stop(gateway);
}

/* The log has the rule as it was written, here in the longest form of a digest. */
static void a_long_rule_is_told_whole(void **state)
{
    struct conn_line line;
    char pattern[96];
    const struct client_options options = stage_client(ID_ALICE, 0);
    (void)state;
    serve("--allow-all", NULL);
    pass(&options, NULL);
    gateway_expect(gateway, "finished", &line);
    assert_string_equal(line.rule, "all");
    gateway_stop(gateway);
    for (size_t i = 0; i < 32; i++)
        (void)snprintf(&pattern[3 * i], 4, "%.2s%s", &line.fingerprint[2 * i], i < 31 ? ":" : "");
    serve("--allow-fingerprint", pattern);
    const struct client_options again = stage_client(ID_ALICE, 0);
    pass(&again, NULL);
    gateway_expect(gateway, "finished", &line);
    assert_string_equal(line.rule, pattern);
    gateway_stop(gateway);
}

/* Whatever lets them in: the log says which rule refuses. */
static void the_denied_are_refused(void **state)
{
    static const struct refusal denied = {
        true,          ID_MALLORY, ALERT_ACCESS_DENIED, ALERT_ACCESS_DENIED,
        "not-allowed", "mallory",  "--deny-cn"};
    struct conn_line line;
    (void)state;
    stage_serve(&(struct gateway_options){
        .flags = {"--cacert", world_cert(ID_CA), "--allow-all", "--deny-cn", "mallory"},
    });
    expect_refused(&denied, TLS1_2_VERSION);
    expect_refused(&denied, TLS1_3_VERSION);
    assert_int_equal(backend_accepted(backend), 0);
    const struct client_options options = stage_client(ID_ALICE, 0);
    pass(&options, NULL);
    gateway_expect(gateway, "finished", &line);
    gateway_stop(gateway);
}

/* A resumed session brings the identity along, and it is judged again. */
static void resumption_knows_who_it_is(void **state)
{
    struct conn_line line;
    (void)state;
    serve("--allow-cn", "alice");
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_SESSION *session;
        struct client_options options = stage_client(ID_ALICE, version);
        pass(&options, &session);
        gateway_expect(gateway, "finished", NULL);
        assert_non_null(session);
        options.with_cert = false;
        options.session = session;
        pass(&options, NULL);
        SSL_SESSION_free(session);
        gateway_expect(gateway, "finished", &line);
        assert_true(line.resumed);
        assert_string_equal(line.cn, "alice");
    }
    gateway_stop(gateway);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(allowed_client_passes),
        STAGED(others_are_refused),
        STAGED(who_shows_what_nobody_trusts_is_summed),
        STAGED(early_bytes_of_the_refused_are_dropped),
        STAGED(rules_of_other_kinds),
        STAGED(a_long_rule_is_told_whole),
        STAGED(the_denied_are_refused),
        STAGED(resumption_knows_who_it_is),
    };
    return run_world("c_mutual", tests);
}
