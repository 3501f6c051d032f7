/* SPDX-License-Identifier: Apache-2.0 */
/* Every way a connection ends: what each side sees of it, and the reason in the log. */
#include "tests/integration/check.h"
#include "tests/integration/net.h"
#include "tests/integration/stage.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MIB (UINT64_C(1024) * 1024)

enum {
    ALERT_BAD_RECORD_MAC = 20,
    ALERT_HANDSHAKE_FAILURE = 40,
    ALERT_PROTOCOL_VERSION = 70,
    ALERT_INTERNAL_ERROR = 80,
    ALERT_NO_APPLICATION_PROTOCOL = 120,
};

#define SHORT_TIME "300ms"

/* A gateway before the backend, with one more flag; NULL: none. */
static void serve(const char *flag, const char *value)
{
    stage_serve(&(struct gateway_options){
        .flags = {flag, value},
    });
}

static void plan(struct backend_plan p)
{
    backend_set_plan(backend, &p);
}

static void join(struct client *c, int version)
{
    stage_join(c, &(struct client_options){.version = version});
}

/* A connection through which bytes have gone both ways, with an echo behind it. */
static void join_and_echo(struct client *c, int version)
{
    join(c, version);
    stage_echo(c, 1000);
}

static struct backend_account account(unsigned number)
{
    struct backend_account a;
    if (!backend_await(backend, number, &a))
        fail_msg("the backend's connection %u does not end", number);
    return a;
}

/* ---- proper ends ---- */

static void half_close_keeps_the_other_direction(void **state)
{
    struct client c;
    (void)state;
    serve(NULL, NULL);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        plan(BACKEND_PLAN(.up_seed = STAGE_SEED, .down_seed = STAGE_SEED, .down_bytes = MIB,
                          .down_after_fin = true));
        join(&c, version);
        client_send(&c, 50000);
        client_close_notify(&c);
        client_receive(&c, MIB);
        assert_int_equal(client_read_end(&c), CLIENT_CLOSE_NOTIFY);
        client_close(&c);
        assert_int_equal(account(0).received, 50000);
        gateway_expect(gateway, "finished", NULL);
    }
    gateway_stop(gateway);
}

static void backend_may_end_first(void **state)
{
    struct client c;
    (void)state;
    serve(NULL, NULL);
    plan(BACKEND_PLAN(.up_seed = STAGE_SEED));
    join(&c, TLS1_3_VERSION);
    assert_int_equal(client_read_end(&c), CLIENT_CLOSE_NOTIFY);
    client_send(&c, MIB);
    client_close_notify(&c);
    struct backend_account a = account(0);
    assert_true(a.got_fin);
    assert_false(a.wrong);
    assert_int_equal(a.received, MIB);
    client_close(&c);
    gateway_expect(gateway, "finished", NULL);
    gateway_stop(gateway);
}

static void closed_without_a_byte(void **state)
{
    struct client c;
    (void)state;
    serve(NULL, NULL);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        join(&c, version);
        client_close_notify(&c);
        assert_int_equal(client_read_end(&c), CLIENT_CLOSE_NOTIFY);
        client_close(&c);
        gateway_expect(gateway, "finished", NULL);
    }
    gateway_stop(gateway);
}

/* Clients that close right after their close_notify, without waiting for ours. */
static void closed_without_waiting(void **state)
{
    struct client c;
    (void)state;
    serve(NULL, NULL);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        join_and_echo(&c, version);
        client_close_notify(&c);
        client_close(&c);
        gateway_expect(gateway, "finished", NULL);
    }
    gateway_stop(gateway);
}

/* ---- broken streams ---- */

/* What was cut must not look complete to the backend: RST, not FIN. */
static void truncation_is_told_apart(void **state)
{
    struct client c;
    (void)state;
    serve(NULL, NULL);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        plan(BACKEND_PLAN(.echo = true));
        join_and_echo(&c, version);
        client_truncate(&c);
        gateway_expect(gateway, "client-truncated", NULL);
        assert_true(account(0).got_reset);
        client_close(&c);
    }
    gateway_stop(gateway);
}

static void client_resets(void **state)
{
    struct client c;
    (void)state;
    serve(NULL, NULL);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        plan(BACKEND_PLAN(.echo = true));
        join_and_echo(&c, version);
        client_reset(&c);
        client_close(&c);
        gateway_expect(gateway, "client-reset", NULL);
        assert_true(account(0).got_reset);
    }
    gateway_stop(gateway);
}

/* A client that resets while neither side takes anything: the backend reads ours only once its own
 * is read. */
static void client_resets_amid_both_ways(void **state)
{
    struct client c;
    (void)state;
    serve("--close-timeout", "90s"); /* longer than is waited for the line */
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        plan(BACKEND_PLAN(.echo = true));
        join(&c, version);
        client_send_until_stuck(&c);
        client_reset(&c);
        client_close(&c);
        gateway_expect(gateway, "client-reset", NULL);
        assert_true(account(0).got_reset);
    }
    gateway_stop(gateway);
}

/* ---- what came before the end ---- */

enum {
    MUCH = 200000, /* more than the backend's kernel takes while it does not read */
    LAST_RECORD = MUCH % 16384,
};

static void cut_it(struct client *c)
{
    client_send(c, MUCH);
    client_truncate(c);
    assert_int_equal(client_read_end(c), CLIENT_TRUNCATED);
}

/* Good records and a bad one in one piece. */
static void damage_it(struct client *c)
{
    c->wire.hold = true;
    client_send(c, MUCH);
    c->wire.held[c->wire.held_len - LAST_RECORD / 2] ^= 0x10;
    client_release(c);
    assert_int_equal(client_read_end(c), CLIENT_ALERTED);
    assert_int_equal(c->alert, ALERT_BAD_RECORD_MAC);
}

static const struct {
    void (*end)(struct client *c);
    const char *reason;
    uint64_t arrive;
} late_ends[] = {
    {cut_it, "client-truncated", MUCH},
    {damage_it, "record-bad-mac", MUCH - LAST_RECORD},
};

/* The backend reads only once the client is gone. All that was authentic arrives, then the reset.
 */
static void all_arrives_before_the_reset(void **state)
{
    (void)state;
    serve(NULL, NULL);
    gateway->bad_records = true;
    for (size_t i = 0; i < 2 * sizeof(late_ends) / sizeof(late_ends[0]); i++) {
        struct client c;
        struct conn_line line;
        plan(BACKEND_PLAN(.up_seed = STAGE_SEED, .no_fin = true, .pause_after = 1,
                          .receive_buffer = 16384));
        join(&c, i % 2 ? TLS1_3_VERSION : TLS1_2_VERSION);
        late_ends[i / 2].end(&c);
        client_close(&c);
        backend_resume(backend);
        struct backend_account a = account(0);
        assert_true(a.got_reset);
        assert_false(a.wrong);
        assert_int_equal(a.received, late_ends[i / 2].arrive);
        gateway_expect(gateway, late_ends[i / 2].reason, &line);
        assert_int_equal(line.bytes_up, a.received);
    }
    gateway_stop(gateway);
}

/* A backend that takes nothing is not waited for longer than --close-timeout. */
static void nobody_takes_it(void **state)
{
    struct client c;
    (void)state;
    serve("--close-timeout", SHORT_TIME);
    plan(BACKEND_PLAN(.no_fin = true, .pause_after = 1, .receive_buffer = 16384));
    join(&c, TLS1_3_VERSION);
    cut_it(&c);
    client_close(&c);
    gateway_expect(gateway, "client-truncated", NULL);
    gateway_stop(gateway);
}

#define AT_LEVEL(level, reason) " " level " worker=0 connection closed reason=" reason " "

/* --truncation end: what was cut looks complete, and the answer is given. */
static void truncation_may_be_an_end(void **state)
{
    (void)state;
    serve("--truncation", "end");
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct client c;
        plan(BACKEND_PLAN(.up_seed = STAGE_SEED, .down_seed = STAGE_SEED, .down_bytes = MIB,
                          .down_after_fin = true));
        join(&c, version);
        client_send(&c, 50000);
        client_truncate(&c);
        client_receive(&c, MIB);
        assert_int_equal(client_read_end(&c), CLIENT_CLOSE_NOTIFY);
        client_close(&c);
        assert_true(account(0).got_fin);
        assert_int_equal(account(0).received, 50000);
        gateway_expect(gateway, "client-truncated", NULL);
    }
    gateway_expect_words(gateway, AT_LEVEL("info", "client-truncated"));
    assert_int_equal(logbook_count(&gateway->log, AT_LEVEL("warning", "client-truncated")), 0);
    gateway_stop(gateway);
}

/* Behind our close_notify many clients just close. What was cut may still be an upload: the backend
 * sees what --truncation says, and the detail names it. */
static void truncated_behind_our_end(void **state)
{
    static const char *const words[] = {"reset", "end"};
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct client c;
        if (i % 2 == 0)
            serve("--truncation", words[i / 2]);
        plan(BACKEND_PLAN(.up_seed = STAGE_SEED));
        join(&c, i % 2 ? TLS1_3_VERSION : TLS1_2_VERSION);
        assert_int_equal(client_read_end(&c), CLIENT_CLOSE_NOTIFY);
        client_send(&c, 50000);
        client_truncate(&c);
        struct backend_account a = account(0);
        assert_int_equal(a.got_reset, i < 2);
        assert_int_equal(a.received, 50000);
        client_close(&c);
        gateway_expect(gateway, "finished", NULL);
        gateway_expect_words(gateway, "detail=\"without close_notify\"");
        if (i % 2)
            gateway_stop(gateway);
    }
}

/* A client that closes without reading its tickets sends RST. Nothing is lost by that
 * after a close_notify, or before the first byte. */
static void leaving_is_no_warning(void **state)
{
    struct client c;
    uint8_t byte;
    (void)state;
    serve(NULL, NULL);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        plan(BACKEND_PLAN(.echo = true));
        join(&c, version);
        /* A reset that comes earlier may leave no connection to the backend at all. */
        assert_true(backend_await_received(backend, 0, 0));
        client_reset(&c);
        client_close(&c);
        gateway_expect(gateway, "client-reset", NULL);
        (void)account(0); /* else the backend may take it for one of the next plan */
        plan(
            BACKEND_PLAN(.down_seed = STAGE_SEED, .down_bytes = 100 * MIB, .down_after_fin = true));
        join(&c, version);
        client_send(&c, 1000);
        client_close_notify(&c);
        assert_true(client_receive_some(&c, &byte, 1) == 1); /* so the backend got its FIN */
        client_reset(&c);
        client_close(&c);
        gateway_expect(gateway, "client-reset", NULL);
        assert_true(account(0).got_fin);
    }
    assert_int_equal(logbook_count(&gateway->log, AT_LEVEL("info", "client-reset")), 4);
    plan(BACKEND_PLAN(.echo = true));
    join_and_echo(&c, TLS1_3_VERSION);
    client_reset(&c);
    client_close(&c);
    gateway_expect(gateway, "client-reset", NULL);
    gateway_expect_words(gateway, AT_LEVEL("warning", "client-reset"));
    gateway_stop(gateway);
}

/* A stream that the backend broke off must not look complete to the client. */
static void backend_resets(void **state)
{
    struct client c;
    (void)state;
    serve(NULL, NULL);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        plan(BACKEND_PLAN(.no_fin = true, .reset_after = 1000));
        join(&c, version);
        client_send(&c, 1000);
        assert_int_equal(client_read_end(&c), CLIENT_ALERTED);
        assert_int_equal(c.alert, ALERT_INTERNAL_ERROR);
        client_close(&c);
        gateway_expect(gateway, "backend-reset", NULL);
    }
    gateway_stop(gateway);
}

/* ---- behind small messages, which are received in another way ---- */

enum {
    SMALL = 20, /* bytes of a message */
    TALK = 5 * SMALL,
    TIMES = 4, /* of each end: some come at once with the message before, others after it */
};

/* There and back, so that the gateway waits for the next one on both sides. */
static void talk(struct client *c, int version)
{
    join(c, version);
    for (int bytes = 0; bytes < TALK; bytes += SMALL)
        stage_echo(c, SMALL);
}

/* The last message and the end leave one right after the other. */
static void truncate_behind_it(struct client *c)
{
    client_send(c, SMALL);
    client_truncate(c);
}

static void reset_behind_it(struct client *c)
{
    client_send(c, SMALL);
    client_reset(c);
}

static void close_behind_it(struct client *c)
{
    client_send(c, SMALL);
    client_close_notify(c);
    client_receive(c, SMALL);
    assert_int_equal(client_read_end(c), CLIENT_CLOSE_NOTIFY);
}

/* The backend ends behind its answer. */
static void be_closed(struct client *c)
{
    client_send(c, SMALL);
    client_receive(c, SMALL);
    assert_int_equal(client_read_end(c), CLIENT_CLOSE_NOTIFY);
    client_close_notify(c);
}

static void be_reset(struct client *c)
{
    client_send(c, SMALL);
    assert_int_equal(client_read_end(c), CLIENT_ALERTED);
    assert_int_equal(c->alert, ALERT_INTERNAL_ERROR);
}

static const struct {
    void (*end)(struct client *c);
    struct backend_plan plan;
    const char *reason;
    bool stays; /* the client closes only on command */
} small_ends[] = {
    {truncate_behind_it, {.echo = true}, "client-truncated", true},
    {reset_behind_it, {.echo = true}, "client-reset", false},
    {close_behind_it, {.echo = true}, "finished", false},
    {be_closed, {.echo = true, .fin_after_up = TALK + SMALL}, "finished", false},
    {be_reset, {.echo = true, .reset_after = TALK + SMALL}, "backend-reset", false},
};

static void end_behind_small_messages(int version)
{
    for (size_t i = 0; i < sizeof(small_ends) / sizeof(small_ends[0]) * TIMES; i++) {
        struct client c;
        plan(small_ends[i / TIMES].plan);
        talk(&c, version);
        small_ends[i / TIMES].end(&c);
        if (!small_ends[i / TIMES].stays)
            client_close(&c);
        gateway_expect(gateway, small_ends[i / TIMES].reason, NULL);
        if (small_ends[i / TIMES].stays)
            client_close(&c);
    }
}

static void every_end_behind_small_messages(void **state)
{
    (void)state;
    serve(NULL, NULL);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++)
        end_behind_small_messages(version);
    gateway_stop(gateway);
}

/* A unix socket reports its end in another way than a connection. */
static void unix_backend_ends_behind_small_messages(void **state)
{
    char path[256];
    (void)state;
    backend_stop(backend);
    (void)snprintf(path, sizeof(path), "%s/backend", world_folder());
    struct backend_plan ends = {.echo = true, .fin_after_up = TALK + SMALL};
    backend = backend_start_unix(&ends, path);
    stage_serve(&(struct gateway_options){.target_path = path});
    for (int i = 0; i < TIMES; i++) {
        struct client c;
        plan(ends);
        talk(&c, TLS1_3_VERSION);
        be_closed(&c);
        client_close(&c);
        gateway_expect(gateway, "finished", NULL);
    }
    gateway_stop(gateway);
}

/* ---- broken records ---- */

/* One flipped bit of one record. */
static void tampering_is_noticed(void **state)
{
    struct client c;
    (void)state;
    serve(NULL, NULL);
    gateway->bad_records = true;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        plan(BACKEND_PLAN(.echo = true));
        join_and_echo(&c, version);
        c.wire.hold = true;
        client_send(&c, 5000);
        c.wire.held[2500] ^= 0x10;
        client_release(&c);
        assert_int_equal(client_read_end(&c), CLIENT_ALERTED);
        assert_int_equal(c.alert, ALERT_BAD_RECORD_MAC);
        client_close(&c);
        gateway_expect(gateway, "record-bad-mac", NULL);
        struct backend_account a = account(0);
        assert_true(a.got_reset);
        assert_int_equal(a.received, 1000);
    }
    gateway_stop(gateway);
}

/* ---- backends that are not there ---- */

static void expect_no_backend(const char *reason)
{
    struct client c;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        join(&c, version);
        assert_int_equal(client_read_end(&c), CLIENT_ALERTED);
        assert_int_equal(c.alert, ALERT_INTERNAL_ERROR);
        client_close(&c);
        gateway_expect(gateway, reason, NULL);
    }
}

static void backend_refuses(void **state)
{
    uint16_t port;
    (void)state;
    assert_return_code(close(net_listen(1, &port)), 0);
    gateway = gateway_start(&(struct gateway_options){.target = port});
    expect_no_backend("backend-refused");
    gateway_stop(gateway);
}

/* A backlog that is full: SYNs are not answered. */
static void backend_does_not_answer(void **state)
{
    enum {
        CROWD = 4
    };
    int crowd[CROWD];
    uint16_t port;
    (void)state;
    int listener = net_listen(0, &port);
    for (int i = 0; i < CROWD; i++)
        assert_return_code(crowd[i] = net_connect_begin(port), 0);
    gateway = gateway_start(&(struct gateway_options){
        .target = port,
        .flags = {"--connect-timeout", SHORT_TIME},
    });
    expect_no_backend("backend-timeout");
    gateway_stop(gateway);
    for (int i = 0; i < CROWD; i++)
        (void)close(crowd[i]);
    (void)close(listener);
}

/* ---- time-outs ---- */

static void idle_timeout(void **state)
{
    struct client c;
    (void)state;
    serve("--idle-timeout", SHORT_TIME);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        join_and_echo(&c, version);
        assert_int_equal(client_read_end(&c), CLIENT_CLOSE_NOTIFY);
        client_close(&c);
        gateway_expect(gateway, "idle-timeout", NULL);
    }
    gateway_stop(gateway);
}

/* All bytes from before the end arrive, though the client continues to send: its bytes are read
 * until it ends, too. A RST could destroy what it has not read. */
static void client_still_sends_at_our_end(void **state)
{
    struct client c;
    uint8_t more;
    int error;
    (void)state;
    serve("--idle-timeout", "1s");
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        plan(BACKEND_PLAN(.down_seed = STAGE_SEED, .down_bytes = 50000, .no_fin = true,
                          .pause_after = 1));
        join(&c, version);
        client_send_until_stuck(&c);
        assert_int_equal(client_read_end(&c), CLIENT_CLOSE_NOTIFY);
        assert_int_equal(c.received, 50000);
        client_send(&c, MIB);
        client_truncate(&c);
        assert_int_equal(net_receive(c.fd, &more, sizeof(more), &error), 0);
        assert_int_equal(error, 0);
        client_close(&c);
        gateway_expect(gateway, "idle-timeout", NULL);
    }
    gateway_stop(gateway);
}

static void end_without_an_answer(int version)
{
    struct client c;
    plan(BACKEND_PLAN(.no_fin = true));
    join(&c, version);
    client_send(&c, 1000);
    client_close_notify(&c);
    assert_int_equal(client_read_end(&c), CLIENT_CLOSE_NOTIFY);
    client_close(&c);
    gateway_expect(gateway, "close-timeout", NULL);
}

static void close_timeout(void **state)
{
    (void)state;
    serve("--close-timeout", SHORT_TIME);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++)
        end_without_an_answer(version);
    gateway_stop(gateway);
}

/* The same where nothing else ends a silent connection. */
static void close_timeout_without_an_idle_one(void **state)
{
    (void)state;
    stage_serve(&(struct gateway_options){
        .flags = {"--close-timeout", SHORT_TIME, "--idle-timeout", "0"},
    });
    end_without_an_answer(TLS1_3_VERSION);
    gateway_stop(gateway);
}

/* What a raw client sees after it sent `data`: nothing but the end. */
static void expect_hung_up(const void *data, size_t len, const char *reason)
{
    char answer[512];
    int error;
    int fd = net_connect(gateway->port);
    assert_return_code(fd, 0);
    assert_true(net_send(fd, data, len, 0));
    (void)net_receive(fd, answer, sizeof(answer), &error);
    assert_int_not_equal(error, ETIMEDOUT);
    (void)close(fd);
    gateway_expect(gateway, reason, NULL);
}

/* It gets this even if it sends more, and an end that is not a reset. */
static void expect_answer(const char *data, const char *begins, const char *reason)
{
    static char more[100000];
    char answer[512] = "";
    int error;
    int fd = net_connect(gateway->port);
    assert_return_code(fd, 0);
    assert_true(net_send(fd, data, strlen(data), 0));
    (void)net_send(fd, more, sizeof(more), 0);
    size_t len = net_receive(fd, answer, sizeof(answer) - 1, &error);
    assert_int_equal(error, 0);
    assert_true(len > strlen(begins));
    assert_memory_equal(answer, begins, strlen(begins));
    assert_non_null(strstr(answer, "speaks TLS"));
    (void)close(fd);
    gateway_expect(gateway, reason, NULL);
}

static void handshake_timeout(void **state)
{
    static const uint8_t half_hello[] = {0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 1, 2, 3};
    (void)state;
    serve("--handshake-timeout", SHORT_TIME);
    expect_hung_up(half_hello, 0, "handshake-timeout");
    expect_hung_up(half_hello, 3, "handshake-timeout");
    expect_hung_up(half_hello, sizeof(half_hello), "handshake-timeout");
    assert_int_equal(backend_accepted(backend), 0);
    gateway_stop(gateway);
}

/* ---- handshakes that fail ---- */

static void not_tls(void **state)
{
    static const char http[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    static const char ssh[] = "SSH-2.0-OpenSSH_9.2\r\n";
    (void)state;
    serve(NULL, NULL);
    expect_answer(http, "HTTP/1.1 400 Bad Request\r\n", "handshake-http");
    expect_hung_up(ssh, strlen(ssh), "handshake-not-tls");
    assert_int_equal(backend_accepted(backend), 0);
    gateway_stop(gateway);
}

/* Of many strangers most are only counted; a known peer has a log line among them. */
static void strangers_are_summed(void **state)
{
    enum {
        STRANGERS = 400
    };
    struct conn_line conn;
    struct client c;
    unsigned long told = 0;
    (void)state;
    serve(NULL, NULL);
    for (int i = 0; i < STRANGERS; i++) {
        int fd = net_connect(gateway->port);
        assert_return_code(fd, 0);
        (void)close(fd);
    }
    stage_join(&c, NULL);
    stage_leave(&c);
    for (gateway_conn(gateway, &conn); strcmp(conn.reason, "finished") != 0;
         gateway_conn(gateway, &conn))
        told += strcmp(conn.reason, "handshake-closed") == 0;
    assert_true(told < STRANGERS);
    assert_int_equal(gateway_summed(gateway, "handshake-closed", STRANGERS - told),
                     STRANGERS - told);
    gateway_stop(gateway);
}

/* Though nothing else happens then that would wake the worker. */
static void a_sum_waits_for_nobody(void **state)
{
    (void)state;
    serve("--log-rate", "1");
    for (int i = 0; i < 3; i++) {
        int fd = net_connect(gateway->port);
        assert_return_code(fd, 0);
        (void)close(fd);
    }
    gateway_expect_words(gateway, "2 more connections ended with handshake-closed in ");
    gateway_stop(gateway);
}

static void gone_during_the_handshake(void **state)
{
    (void)state;
    serve(NULL, NULL);
    int fd = net_connect(gateway->port);
    assert_return_code(fd, 0);
    (void)close(fd);
    gateway_expect(gateway, "handshake-closed", NULL);
    fd = net_connect(gateway->port);
    assert_return_code(fd, 0);
    assert_true(net_send(fd, "\x16\x03\x01", 3, 0));
    net_reset(fd);
    gateway_expect(gateway, "handshake-reset", NULL);
    gateway_stop(gateway);
}

static void expect_refused(struct client_options options, int alert, const char *reason)
{
    struct client c;
    options.port = gateway->port;
    client_open(&c, &options);
    assert_int_equal(client_handshake(&c), alert < 0 ? CLIENT_FAILED : CLIENT_ALERTED);
    assert_int_equal(c.alert, alert);
    client_close(&c);
    gateway_expect(gateway, reason, NULL);
    assert_int_equal(backend_accepted(backend), 0);
}

static void nothing_in_common(void **state)
{
    (void)state;
    serve("--tls-min", "1.3");
    expect_refused((struct client_options){.version = TLS1_2_VERSION}, ALERT_PROTOCOL_VERSION,
                   "handshake-version");
    gateway_stop(gateway);
    serve("--ciphersuites", "TLS_AES_256_GCM_SHA384");
    expect_refused(
        (struct client_options){.version = TLS1_3_VERSION, .suite = "TLS_AES_128_GCM_SHA256"},
        ALERT_HANDSHAKE_FAILURE, "handshake-cipher");
    gateway_stop(gateway);
    serve("--alpn", "h2");
    expect_refused((struct client_options){.alpn = "http/1.1"}, ALERT_NO_APPLICATION_PROTOCOL,
                   "handshake-alpn");
    gateway_stop(gateway);
}

static void client_does_not_trust_us(void **state)
{
    (void)state;
    serve(NULL, NULL);
    expect_refused((struct client_options){.trust = ID_FOREIGN}, -1, "handshake-client-alert");
    gateway_stop(gateway);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(half_close_keeps_the_other_direction),
        STAGED(backend_may_end_first),
        STAGED(closed_without_a_byte),
        STAGED(closed_without_waiting),
        STAGED(truncation_is_told_apart),
        STAGED(client_resets),
        STAGED(client_resets_amid_both_ways),
        STAGED(all_arrives_before_the_reset),
        STAGED(nobody_takes_it),
        STAGED(truncation_may_be_an_end),
        STAGED(truncated_behind_our_end),
        STAGED(leaving_is_no_warning),
        STAGED(backend_resets),
        STAGED(every_end_behind_small_messages),
        STAGED(unix_backend_ends_behind_small_messages),
        STAGED(tampering_is_noticed),
        STAGED(backend_refuses),
        STAGED(backend_does_not_answer),
        STAGED(idle_timeout),
        STAGED(client_still_sends_at_our_end),
        STAGED(close_timeout),
        STAGED(close_timeout_without_an_idle_one),
        STAGED(handshake_timeout),
        STAGED(not_tls),
        STAGED(strangers_are_summed),
        STAGED(a_sum_waits_for_nobody),
        STAGED(gone_during_the_handshake),
        STAGED(nothing_in_common),
        STAGED(client_does_not_trust_us),
    };
    return run_world("b_close", tests);
}
