/* SPDX-License-Identifier: Apache-2.0 */
/* Session tickets: taken up again in both versions and by every worker, or not given at all. */
#include "tests/integration/check.h"
#include "tests/integration/stage.h"

#include <openssl/ssl.h>

#define MIB (UINT64_C(1024) * 1024)

static void serve(unsigned workers, const char *flag, const char *value)
{
    stage_serve(&(struct gateway_options){
        .workers = workers,
        .flags = {flag, value},
    });
}

/* A whole connection; returns its ticket, NULL when none came. */
static SSL_SESSION *visit(int version, SSL_SESSION *session, uint64_t bytes, bool *ret_resumed)
{
    struct client c;
    stage_join(&c, &(struct client_options){
                       .version = version,
                       .session = session,
                       /* In a resumption of TLS 1.2 the client sends the last Finished. */
                       .hold = session != NULL,
                   });
    if (session) {
        client_send(&c, 3000);
        client_release(&c);
        client_receive(&c, 3000);
    }
    *ret_resumed = client_resumed(&c);
    stage_echo(&c, bytes);
    client_close_notify(&c);
    assert_int_equal(client_read_end(&c), CLIENT_CLOSE_NOTIFY);
    SSL_SESSION *ticket = client_take_session(&c);
    client_close(&c);
    return ticket;
}

static void resumed_sessions_carry_bytes(void **state)
{
    struct conn_line line;
    (void)state;
    serve(1, NULL, NULL);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        bool resumed;
        SSL_SESSION *session = visit(version, NULL, 1000, &resumed);
        assert_false(resumed);
        assert_non_null(session);
        gateway_expect(gateway, "finished", &line);
        assert_false(line.resumed);
        SSL_SESSION *next = visit(version, session, 400000, &resumed);
        assert_true(resumed);
        gateway_expect(gateway, "finished", &line);
        assert_true(line.resumed);
        assert_int_equal(line.bytes_up, 403000);
        SSL_SESSION_free(session);
        SSL_SESSION_free(next);
    }
    gateway_stop(gateway);
}

static void every_worker_takes_the_ticket(void **state)
{
    enum {
        WORKERS = 3,
        VISITS = 16
    };
    unsigned by_worker[WORKERS] = {0};
    struct conn_line line;
    bool resumed;
    (void)state;
    serve(WORKERS, NULL, NULL);
    SSL_SESSION *session = visit(TLS1_2_VERSION, NULL, 1000, &resumed);
    gateway_expect(gateway, "finished", NULL);
    for (int i = 0; i < VISITS; i++) {
        SSL_SESSION_free(visit(TLS1_2_VERSION, session, 100, &resumed));
        assert_true(resumed);
        gateway_expect(gateway, "finished", &line);
        assert_true(line.worker >= 0 && line.worker < WORKERS);
        by_worker[line.worker]++;
    }
    SSL_SESSION_free(session);
    for (int i = 0; i < WORKERS; i++)
        assert_true(by_worker[i] < VISITS);
    gateway_stop(gateway);
}

static void no_tickets_when_off(void **state)
{
    (void)state;
    serve(1, "--session-tickets", "off");
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        bool resumed;
        struct client c;
        stage_join(&c, &(struct client_options){.version = version});
        stage_echo(&c, MIB);
        client_close_notify(&c);
        assert_int_equal(client_read_end(&c), CLIENT_CLOSE_NOTIFY);
        SSL_SESSION *session = SSL_get1_session(c.ssl);
        if (version == TLS1_3_VERSION)
            assert_int_equal(c.tickets, 0);
        client_close(&c);
        gateway_expect(gateway, "finished", NULL);
        assert_false(SSL_SESSION_has_ticket(session));
        SSL_SESSION_free(session);
        SSL_SESSION_free(visit(version, NULL, 100, &resumed));
        gateway_expect(gateway, "finished", NULL);
    }
    gateway_stop(gateway);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(resumed_sessions_carry_bytes),
        STAGED(every_worker_takes_the_ticket),
        STAGED(no_tickets_when_off),
    };
    return run_world("d_resume", tests);
}
