/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that are gone in every way there is, many at once, and backends that break off: each
 * connection ends, with its reason, long before any time-out, and leaves nothing behind. */
#include "tests/integration/attempt.h"
#include "tests/integration/check.h"
#include "tests/integration/client_steps.h"
#include "tests/integration/net.h"
#include "tests/integration/stage.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define KIB UINT64_C(1024)

enum {
    EACH = 5, /* clients of a kind and version at once */
    RECORD = 9000,
};

static pid_t worker;
static int fds;

/* No time-out strikes while a test waits. */
static void serve(void)
{
    stage_serve(&(struct gateway_options){
        .flags = {"--handshake-timeout", "10m", "--close-timeout", "10m", "--idle-timeout", "10m",
                  "--log-rate", "1000000"},
    });
    worker = stage_worker();
    fds = process_fds(worker);
}

static void expect_nothing_left(void)
{
    process_await_fds(worker, fds);
    gateway_stop(gateway); /* which asserts that there are as many ends as beginnings */
}

/* ---- how far a client comes ---- */

static void come_nowhere(struct client *c)
{
    (void)c;
}

static void send_part_of_held(struct client *c)
{
    size_t part = c->wire.held_len / 2;
    assert_true(net_send(c->fd, c->wire.held, part, 0));
}

static void half_a_hello(struct client *c)
{
    c->wire.hold = true;
    assert_int_equal(client_step_handshake(c), POLLIN);
    send_part_of_held(c);
}

/* Held first, so that no answer can come before the step ends. */
static void whole_hello(struct client *c)
{
    c->wire.hold = true;
    assert_int_equal(client_step_handshake(c), POLLIN);
    client_release(c);
}

/* The server's flight has come; nothing answers it. */
static void no_finished(struct client *c)
{
    whole_hello(c);
    assert_true(net_await(c->fd, POLLIN, net_now_ms() + DEADLINE_MS));
}

static void handshake(struct client *c)
{
    assert_int_equal(client_handshake(c), CLIENT_OPEN);
    c->work.up_seed = c->work.down_seed = STAGE_SEED;
}

static void some_echo(struct client *c)
{
    handshake(c);
    client_send(c, RECORD);
    client_receive(c, RECORD);
}

static void half_a_record(struct client *c)
{
    some_echo(c);
    c->wire.hold = true;
    client_send(c, RECORD);
    send_part_of_held(c);
}

/* Half of the record's header, which a kernel treats apart. */
static void half_a_header(struct client *c)
{
    some_echo(c);
    c->wire.hold = true;
    client_send(c, RECORD);
    assert_true(net_send(c->fd, c->wire.held, 3, 0));
}

/* What it asked for is on its way, and never read. */
static void unread(struct client *c)
{
    some_echo(c);
    for (int i = 0; i < 20; i++)
        (void)client_step_send(c, c->sent + 32 * KIB);
}

static void closed_its_half(struct client *c)
{
    some_echo(c);
    client_close_notify(c);
}

/* ---- how it is gone ---- */

static void fin(struct client *c)
{
    (void)shutdown(c->fd, SHUT_WR);
}

static void fin_and_close(struct client *c)
{
    (void)close(c->fd);
    c->fd = -1;
}

static void fin_then_reset(struct client *c)
{
    (void)shutdown(c->fd, SHUT_WR);
    client_reset(c);
}

#define EARLY "handshake-closed handshake-reset"
#define CUT "client-truncated client-reset"

static const struct kind {
    const char *name;
    void (*come)(struct client *c);
    void (*go)(struct client *c);
    const char *reasons;
} kinds[] = {
    {"connect, FIN", come_nowhere, fin, EARLY},
    {"connect, RST", come_nowhere, client_reset, EARLY},
    {"half a hello, FIN", half_a_hello, fin, EARLY},
    {"half a hello, RST", half_a_hello, client_reset, EARLY},
    {"hello, close", whole_hello, fin_and_close, EARLY},
    {"no Finished, FIN", no_finished, fin, EARLY},
    {"no Finished, RST", no_finished, client_reset, EARLY},
    {"handshake, FIN", handshake, fin, CUT},
    {"handshake, RST", handshake, client_reset, CUT},
    {"echo, FIN", some_echo, fin, CUT},
    {"echo, close", some_echo, fin_and_close, CUT},
    {"echo, FIN, RST", some_echo, fin_then_reset, CUT},
    {"half a header, FIN", half_a_header, fin, CUT},
    {"half a header, RST", half_a_header, client_reset, CUT},
    {"half a record, FIN", half_a_record, fin, CUT},
    {"half a record, RST", half_a_record, client_reset, CUT},
    {"half a record, close", half_a_record, fin_and_close, CUT},
    {"unread, RST", unread, client_reset, CUT},
    {"unread, close", unread, fin_and_close, CUT},
    {"close_notify, FIN", closed_its_half, fin, "finished"},
    {"close_notify, RST", closed_its_half, client_reset, "finished client-reset"},
    {"close_notify, close", closed_its_half, fin_and_close, "finished client-reset"},
};

enum {
    KINDS = sizeof(kinds) / sizeof(kinds[0]),
    ALL = KINDS * EACH * 2
};

struct guest {
    struct client client;
    const struct kind *kind;
    uint16_t port; /* its own */
    bool told;
};

static struct guest guests[ALL];

static uint16_t own_port(int fd)
{
    struct sockaddr_in addr;
    socklen_t len = sizeof(addr);
    assert_return_code(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
    return ntohs(addr.sin_port);
}

static void welcome(struct guest *g, unsigned number)
{
    const struct client_options options = {
        .port = gateway->port,
        .version = number % 2 ? TLS1_3_VERSION : TLS1_2_VERSION,
    };
    *g = (struct guest){.kind = &kinds[number / 2 % KINDS]};
    client_open(&g->client, &options);
    g->port = own_port(g->client.fd);
    g->kind->come(&g->client);
}

static void take_line(const char *line)
{
    char reason[32], address[64];
    assert_true(logline_field(line, "reason", reason, sizeof(reason)));
    assert_true(logline_field(line, "client", address, sizeof(address)));
    uint16_t port = (uint16_t)strtoul(strrchr(address, ':') + 1, NULL, 10);
    for (unsigned i = 0; i < ALL; i++) {
        struct guest *g = &guests[i];
        if (g->port != port || g->told)
            continue;
        g->told = true;
        if (!strstr(g->kind->reasons, reason))
            fail_msg("%s: it ended for the reason %s", g->kind->name, reason);
        return;
    }
    fail_msg("nobody was at port %u", port);
}

static void await_all_ends(void)
{
    char line[LOG_LINE_MAX];
    size_t cursor = 0;
    for (unsigned n = 0; n < ALL; n++) {
        if (logbook_await(&gateway->log, &cursor, CONN_LINE_WORDS, line)) {
            take_line(line);
            continue;
        }
        for (unsigned i = 0; i < ALL; i++)
            if (!guests[i].told)
                print_error("still open: %s\n", guests[i].kind->name);
        fail_msg("%u of %u connections stayed open", ALL - n, ALL);
    }
}

static void whoever_is_gone_is_noticed(void **state)
{
    (void)state;
    serve();
    for (unsigned i = 0; i < ALL; i++)
        welcome(&guests[i], i);
    for (unsigned i = 0; i < ALL; i++)
        guests[i].kind->go(&guests[i].client);
    await_all_ends();
    for (unsigned i = 0; i < ALL; i++)
        client_close(&guests[i].client);
    expect_nothing_left();
}

/* ---- backends that break off ---- */

static void expect_service(void)
{
    const struct client_options options = {.port = gateway->port};
    struct attempts a;
    backend_set_plan(backend, &BACKEND_PLAN(.echo = true));
    attempts_begin(&a, &options, 50000);
    for (int i = 0; i < 10; i++)
        assert_int_equal(attempt_one(&a), ATTEMPT_GOOD);
    attempts_done(&a);
}

/* Sends and receives as much as goes, until the connection is over. */
static void talk(struct client *c, uint64_t bytes)
{
    int64_t deadline = net_now_ms() + DEADLINE_MS;
    while (c->end == CLIENT_OPEN && net_now_ms() < deadline) {
        short events = client_step_send(c, bytes);
        if (c->end == CLIENT_OPEN)
            events = (short)(events | client_step_receive(c, UINT64_MAX));
        assert_false(c->wrong);
        if (c->end == CLIENT_OPEN)
            (void)net_await(c->fd, events, deadline);
    }
    assert_int_not_equal(c->end, CLIENT_OPEN);
}

/* The backend resets in the midst of what comes and of what it sends, with records half relayed. */
static void a_backend_that_breaks_off_both_ways(void **state)
{
    const uint64_t after[] = {1, 5000, 16384, 100000, 1000003};
    (void)state;
    serve();
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        for (size_t i = 0; i < sizeof(after) / sizeof(after[0]); i++) {
            struct client c;
            struct conn_line line;
            backend_set_plan(backend,
                             &BACKEND_PLAN(.up_seed = STAGE_SEED, .down_seed = STAGE_SEED,
                                           .down_bytes = 1 << 30, .reset_after = after[i]));
            stage_join(&c, &(struct client_options){.version = version});
            talk(&c, after[i] + 300 * KIB);
            assert_true(c.end == CLIENT_ALERTED || c.end == CLIENT_WAS_RESET);
            client_close(&c);
            gateway_expect(gateway, "backend-reset", &line);
            assert_true(line.bytes_up >= after[i]);
            struct backend_account a;
            assert_true(backend_await(backend, 0, &a));
            assert_false(a.wrong);
        }
    }
    expect_service();
    expect_nothing_left();
}

/* It ends its stream, continues to read, and then breaks off. */
static void a_backend_that_ends_and_then_breaks_off(void **state)
{
    (void)state;
    serve();
    struct client c;
    backend_set_plan(backend, &BACKEND_PLAN(.up_seed = STAGE_SEED, .down_seed = STAGE_SEED,
                                            .down_bytes = 70000, .reset_after = 300000));
    stage_join(&c, &(struct client_options){.version = TLS1_3_VERSION});
    assert_int_equal(client_read_end(&c), CLIENT_CLOSE_NOTIFY);
    assert_int_equal(c.received, 70000);
    c.end = CLIENT_OPEN;
    int64_t deadline = net_now_ms() + DEADLINE_MS;
    for (short events = POLLOUT; c.end == CLIENT_OPEN && net_await(c.fd, events, deadline);)
        events = client_step_send(&c, UINT64_MAX);
    assert_int_not_equal(c.end, CLIENT_OPEN);
    client_close(&c);
    gateway_expect(gateway, "backend-reset", NULL);
    expect_service();
    expect_nothing_left();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(whoever_is_gone_is_noticed),
        STAGED(a_backend_that_breaks_off_both_ways),
        STAGED(a_backend_that_ends_and_then_breaks_off),
    };
    return run_world("n_abandon", tests);
}
