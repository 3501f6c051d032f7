/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two gateways back to back, as they replace a pair of stunnels: plaintext into `ktlsgate client`,
 * TLS or mutual TLS to `ktlsgate server`, plaintext to the backend. Streams are whole in both
 * directions, a broken one never looks whole to the plain client, and each log says why.
 */
#include "tests/integration/check.h"
#include "tests/integration/harness.h"
#include "tests/integration/net.h"
#include "tests/integration/pattern.h"
#include "tests/integration/plain.h"
#include "tests/integration/stage.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)

enum {
    UP = 5,
    DOWN = 6,
    MUCH = 200000, /* more than the kernel of a client takes that does not read */
};

static struct gateway *server;
static struct gateway *client;

static int start(void **state)
{
    (void)state;
    return stage_start_with(&BACKEND_PLAN(.up_seed = UP, .down_seed = DOWN));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stage_stop)

static uint64_t large(void)
{
    return world_is_small() ? 3 * MIB : 64 * MIB;
}

/* ---- a pair ---- */

static void serve(const char *const flags[GATEWAY_FLAGS_MAX])
{
    struct gateway_options o = {.target = backend_port(backend)};
    memcpy(o.flags, flags, sizeof(o.flags));
    server = gateway_start(&o);
}

static void connect_to(uint16_t port, const char *const flags[GATEWAY_FLAGS_MAX])
{
    struct gateway_options o = {.client = true, .target = port};
    memcpy(o.flags, flags, sizeof(o.flags));
    client = gateway_start(&o);
}

#define FLAGS(...) ((const char *const[GATEWAY_FLAGS_MAX]){__VA_ARGS__})

static void stop_both(void)
{
    gateway_stop(client);
    gateway_stop(server);
}

static struct plain_result run(struct plain_work work)
{
    struct plain_result r;
    work.port = client->port;
    work.up_seed = UP;
    work.down_seed = DOWN;
    plain_run(&work, &r);
    assert_false(r.wrong);
    return r;
}

/* Both logs report the same, each from its end. */
static void both_finished(uint64_t up, uint64_t down, struct conn_line *ret_client)
{
    struct conn_line s, c;
    gateway_expect(client, "finished", &c);
    gateway_expect(server, "finished", &s);
    assert_true(c.bytes_up == up && c.bytes_down == down);
    assert_true(s.bytes_up == up && s.bytes_down == down);
    assert_string_equal(c.version, s.version);
    assert_string_equal(c.suite, s.suite);
    assert_string_equal(c.cn, "server");
    assert_int_equal(c.resumed, s.resumed);
    if (ret_client)
        *ret_client = c;
}

static void backend_got(unsigned number, uint64_t up)
{
    struct backend_account a;
    assert_true(backend_await(backend, number, &a));
    assert_false(a.wrong);
    assert_int_equal(a.received, up);
}

/* ---- what goes well ---- */

/* 64 MiB each way at the same time, in both versions. With --records kernel that is kTLS in all
 * four directions. */
static void much_both_ways_at_once(void **state)
{
    static const char *const versions[] = {"1.2", "1.3"};
    uint64_t bytes = large();
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct conn_line line;
        serve(FLAGS(NULL));
        connect_to(server->port, FLAGS("--tls-min", versions[i], "--tls-max", versions[i]));
        backend_set_plan(backend, &BACKEND_PLAN(.up_seed = UP, .down_seed = DOWN,
                                                .down_bytes = bytes, .fin_after_fin = true));
        struct plain_result r = run((struct plain_work){.up_bytes = bytes, .fin_after = bytes});
        assert_int_equal(r.end, PLAIN_FIN);
        assert_int_equal(r.sent, bytes);
        assert_int_equal(r.received, bytes);
        backend_got(0, bytes);
        both_finished(bytes, bytes, &line);
        if (engine_is_kernel()) {
            assert_string_equal(line.tx, "kernel");
            assert_string_equal(line.rx, "kernel");
            assert_string_equal(line.tx_relay, relay_is_splice() ? "splice" : "copy");
            assert_string_equal(line.rx_relay, relay_is_splice() ? "splice" : "copy");
            assert_true(logbook_count(&server->log, " tx=kernel rx=kernel") > 0);
            if (relay_is_splice())
                assert_true(logbook_count(&server->log, " tx_relay=splice rx_relay=splice") > 0);
        }
        stop_both();
    }
}

static void half_close_of_the_plain_client(void **state)
{
    (void)state;
    serve(FLAGS(NULL));
    connect_to(server->port, FLAGS(NULL));
    backend_set_plan(backend, &BACKEND_PLAN(.up_seed = UP, .down_seed = DOWN, .down_bytes = MIB,
                                            .down_after_fin = true, .fin_after_fin = true));
    struct plain_result r = run((struct plain_work){.up_bytes = 70000});
    assert_int_equal(r.end, PLAIN_FIN);
    assert_int_equal(r.received, MIB);
    backend_got(0, 70000);
    both_finished(70000, MIB, NULL);
    stop_both();
}

static void half_close_of_the_backend(void **state)
{
    struct backend_account a;
    (void)state;
    serve(FLAGS(NULL));
    connect_to(server->port, FLAGS(NULL));
    backend_set_plan(backend, &BACKEND_PLAN(.down_seed = DOWN, .down_bytes = 9));
    int fd = net_connect(client->port);
    uint8_t data[16];
    int error;
    assert_int_equal(net_receive(fd, data, sizeof(data), &error), 9);
    assert_int_equal(error, 0); /* FIN */
    uint8_t text[4096] = {0};
    assert_true(net_send(fd, text, sizeof(text), 0));
    assert_return_code(shutdown(fd, SHUT_WR), 0);
    assert_true(backend_await(backend, 0, &a));
    assert_int_equal(a.received, sizeof(text));
    assert_true(a.got_fin);
    both_finished(sizeof(text), 9, NULL);
    (void)close(fd);
    stop_both();
}

/* TLS 1.3 tickets serve once, and each connection brings another. */
static void sessions_are_resumed(void **state)
{
    static const char *const versions[] = {"1.2", "1.3"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        serve(FLAGS(NULL));
        connect_to(server->port, FLAGS("--tls-min", versions[i], "--tls-max", versions[i]));
        backend_set_plan(
            backend, &BACKEND_PLAN(.down_seed = DOWN, .down_bytes = 100, .fin_after_fin = true));
        for (int round = 0; round < 5; round++) {
            struct conn_line line;
            struct plain_result r = run((struct plain_work){.up_bytes = 10, .fin_after = 100});
            assert_int_equal(r.end, PLAIN_FIN);
            both_finished(10, 100, &line);
            assert_int_equal(line.resumed, round > 0);
        }
        stop_both();
    }
}

/* The server says nothing, so tickets are all that comes; the client waits for them in vain where
 * the server gives none. */
static void without_tickets_nothing_is_resumed(void **state)
{
    (void)state;
    serve(FLAGS("--session-tickets", "off"));
    connect_to(server->port, FLAGS(NULL));
    backend_set_plan(backend, &BACKEND_PLAN(.up_seed = UP, .fin_after_fin = true));
    for (int round = 0; round < 2; round++) {
        struct conn_line line;
        assert_int_equal(run((struct plain_work){.up_bytes = 10}).end, PLAIN_FIN);
        both_finished(10, 0, &line);
        assert_false(line.resumed);
    }
    stop_both();
}

/* ---- client certificates ---- */

/* What both ends say of a connection that is not to be. Where the server looks at the certificate
 * the client's handshake is over in TLS 1.3, in TLS 1.2 it is not. */
static void mutual_refused(const char *version, const char *const more[GATEWAY_FLAGS_MAX],
                           const char *server_reason, const char *client_reason)
{
    struct plain_result r;
    const char *flags[GATEWAY_FLAGS_MAX] = {"--tls-min", version, "--tls-max", version};
    for (int i = 0; more[i]; i++)
        flags[4 + i] = more[i];
    connect_to(server->port, flags);
    r = run((struct plain_work){.fin_after = 1});
    assert_int_equal(r.end, PLAIN_RESET);
    gateway_expect(server, server_reason, NULL);
    gateway_expect(client, client_reason, NULL);
    gateway_stop(client);
}

static void mutual(void **state)
{
    struct conn_line line;
    (void)state;
    serve(FLAGS("--cacert", world_cert(ID_CA), "--allow-cn", "alice"));
    backend_set_plan(backend, &BACKEND_PLAN(.up_seed = UP, .fin_after_fin = true));
    connect_to(server->port, FLAGS("--cert", world_cert(ID_ALICE), "--key", world_key(ID_ALICE)));
    for (int round = 0; round < 2; round++) {
        assert_int_equal(run((struct plain_work){.up_bytes = 1000}).end, PLAIN_FIN);
        gateway_expect(server, "finished", &line);
        assert_string_equal(line.cn, "alice");
        assert_int_equal(line.resumed, round);
        gateway_expect(client, "finished", &line);
        assert_string_equal(line.cn, "server");
    }
    gateway_stop(client);
    for (int i = 0; i < 2; i++) {
        const char *version = i ? "1.3" : "1.2";
        mutual_refused(version, FLAGS(NULL), "cert-missing",
                       i ? "backend-alert" : "backend-handshake-alert");
        mutual_refused(version,
                       FLAGS("--cert", world_cert(ID_STRANGER), "--key", world_key(ID_STRANGER)),
                       "cert-untrusted", i ? "backend-alert" : "backend-handshake-alert");
        mutual_refused(version,
                       FLAGS("--cert", world_cert(ID_MALLORY), "--key", world_key(ID_MALLORY)),
                       "not-allowed", "backend-alert");
    }
    gateway_stop(server);
}

/* ---- servers that the client does not trust ---- */

static void untrusted(const char *cacert, const char *name, const char *reason)
{
    client = gateway_start(&(struct gateway_options){
        .client = true,
        .target = server->port,
        .cacert = cacert,
        .flags = {"--target-name", name},
    });
    assert_int_equal(run((struct plain_work){.fin_after = 1}).end, PLAIN_RESET);
    gateway_expect(client, reason, NULL);
    gateway_expect(server, "handshake-client-alert", NULL);
    gateway_stop(client);
}

static void untrusted_servers_are_refused(void **state)
{
    (void)state;
    serve(FLAGS(NULL));
    untrusted(world_cert(ID_FOREIGN), "localhost", "backend-cert-untrusted");
    untrusted(NULL, "other.test", "backend-cert-name");
    untrusted(NULL, "127.0.0.2", "backend-cert-name");
    assert_int_equal(backend_accepted(backend), 0);
    gateway_stop(server);
}

/* The rules judge in addition to the name, or instead of it. */
static void rules_judge_the_target(void **state)
{
    static const struct {
        const char *flags[GATEWAY_FLAGS_MAX];
        const char *reason; /* of the client */
        const char *words;  /* its rule where it passes, else its detail */
    } rows[] = {
        {{"--allow-cn", "server"}, "finished", "server"},
        {{"--target-name", "none", "--deny-cn", "x", "--allow-dns", "localhost"},
         "finished",
         "localhost"},
        {{"--allow-cn", "other"}, "backend-not-allowed", "no rule matches its cn"},
        {{"--allow-cn", "server", "--deny-ip", "127.0.0.1"}, "backend-not-allowed", "--deny-ip"},
        {{"--deny-cn", "server", "--tls-max", "1.2"}, "backend-not-allowed", "--deny-cn"},
        {{"--target-name", "none", "--allow-dns", "other.test"},
         "backend-not-allowed",
         "no rule matches its dns"},
        {{"--target-name", "other.test", "--allow-cn", "server"}, "backend-cert-name", NULL},
    };
    (void)state;
    backend_set_plan(backend, &BACKEND_PLAN(.up_seed = UP, .fin_after_fin = true));
    serve(FLAGS(NULL));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct conn_line line;
        bool passes = strcmp(rows[i].reason, "finished") == 0;
        connect_to(server->port, rows[i].flags);
        for (int round = 0; round < 2; round++) {
            assert_int_equal(run((struct plain_work){.up_bytes = 10}).end,
                             passes ? PLAIN_FIN : PLAIN_RESET);
            gateway_expect(client, rows[i].reason, &line);
            assert_string_equal(line.cn, "server");
            assert_int_equal(line.resumed, passes && round == 1);
            if (rows[i].words)
                assert_string_equal(passes ? line.rule : line.detail, rows[i].words);
            gateway_conn(server, &line);
        }
        gateway_stop(client);
    }
    gateway_stop(server);
}

static void names_and_addresses_are_found_in_the_certificate(void **state)
{
    static const char *const names[] = {"localhost", "127.0.0.1"};
    (void)state;
    backend_set_plan(backend, &BACKEND_PLAN(.up_seed = UP, .fin_after_fin = true));
    serve(FLAGS(NULL));
    for (int i = 0; i < 2; i++) {
        struct conn_line line;
        connect_to(server->port, FLAGS("--target-name", names[i]));
        assert_int_equal(run((struct plain_work){.up_bytes = 10}).end, PLAIN_FIN);
        gateway_expect(client, "finished", NULL);
        gateway_expect(server, "finished", &line);
        assert_string_equal(line.sni, i == 0 ? "localhost" : "");
        gateway_stop(client);
    }
    gateway_stop(server);
}

/* ---- streams that break ---- */

static void exchange(int fd)
{
    uint8_t data[5];
    int error;
    assert_true(net_send(fd, "hello", 5, 0));
    assert_int_equal(net_receive(fd, data, 5, &error), 5);
    assert_memory_equal(data, "hello", 5);
}

static void assert_reset(int fd)
{
    uint8_t byte;
    int error;
    assert_int_equal(net_receive(fd, &byte, 1, &error), 0);
    assert_int_equal(error, ECONNRESET);
    (void)close(fd);
}

/* A killed server's kernel sends FIN, as somebody on the way could: that is not the end of data. */
static void a_truncated_stream_is_reset(void **state)
{
    pid_t workers[WORKERS_MAX];
    (void)state;
    backend_set_plan(backend, &BACKEND_PLAN(.echo = true));
    serve(FLAGS(NULL));
    connect_to(server->port, FLAGS(NULL));
    int fd = net_connect(client->port);
    exchange(fd);
    server->lost_some = true;
    assert_int_equal(gateway_workers(server, workers), 1);
    assert_return_code(kill(workers[0], SIGKILL), 0);
    assert_reset(fd);
    gateway_expect(client, "backend-truncated", NULL);
    stop_both();
}

/* ---- a target that is cut: FIN without close_notify ---- */

/* The handshake with the gateway, which has connected. */
static SSL *meet(SSL_CTX *ctx, int listener, int *ret_fd)
{
    struct timeval patience = {.tv_sec = DEADLINE_MS / 1000};
    assert_true(net_await(listener, POLLIN, net_now_ms() + DEADLINE_MS));
    *ret_fd = accept(listener, NULL, NULL);
    assert_return_code(*ret_fd, errno);
    assert_return_code(setsockopt(*ret_fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)),
                       errno);
    assert_return_code(setsockopt(*ret_fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)),
                       errno);
    SSL *ssl = SSL_new(ctx);
    assert_non_null(ssl);
    assert_int_equal(SSL_set_fd(ssl, *ret_fd), 1);
    assert_int_equal(SSL_accept(ssl), 1);
    return ssl;
}

/* All that it sent before comes, though the client reads only now. */
static void take_much(int fd)
{
    static uint8_t data[MUCH];
    int error;
    assert_int_equal(net_receive(fd, data, sizeof(data), &error), MUCH);
    assert_int_equal(pattern_match(data, sizeof(data), DOWN, 0), MUCH);
}

/* The client takes it for an end, and gives its answer. */
static void answer(int fd, SSL *ssl)
{
    char byte;
    int error;
    assert_int_equal(net_receive(fd, &byte, 1, &error), 0);
    assert_int_equal(error, 0);
    assert_true(net_send(fd, "thanks", 6, 0));
    char text[6];
    assert_int_equal(SSL_read(ssl, text, sizeof(text)), sizeof(text));
    assert_memory_equal(text, "thanks", sizeof(text));
    (void)close(fd);
    assert_int_equal(SSL_read(ssl, text, sizeof(text)), 0);
    assert_int_equal(SSL_get_error(ssl, 0), SSL_ERROR_ZERO_RETURN);
}

static void be_cut(SSL_CTX *ctx, int listener, bool is_end)
{
    static uint8_t data[MUCH];
    int window = 16384;
    int target;
    struct conn_line line;
    int fd = net_connect(client->port);
    assert_return_code(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &window, sizeof(window)), errno);
    SSL *ssl = meet(ctx, listener, &target);
    pattern_fill(data, sizeof(data), DOWN, 0);
    assert_int_equal(SSL_write(ssl, data, sizeof(data)), MUCH);
    assert_return_code(shutdown(target, SHUT_WR), errno);
    take_much(fd);
    if (is_end)
        answer(fd, ssl);
    else
        assert_reset(fd);
    gateway_expect(client, "backend-truncated", &line);
    assert_int_equal(line.bytes_down, MUCH);
    SSL_free(ssl);
    (void)close(target);
}

#define CUT_AT(level) " " level " worker=0 connection closed reason=backend-truncated "

static void a_target_that_is_cut(void **state)
{
    static const char *const words[] = {"reset", "end"};
    static const char *const levels[] = {CUT_AT("warning"), CUT_AT("info")};
    static const char *const versions[] = {"1.2", "1.3"};
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    uint16_t port;
    int listener = net_listen(1, &port);
    (void)state;
    assert_non_null(ctx);
    assert_int_equal(SSL_CTX_use_certificate_file(ctx, world_cert(ID_SERVER), SSL_FILETYPE_PEM), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(ctx, world_key(ID_SERVER), SSL_FILETYPE_PEM), 1);
    for (int i = 0; i < 4; i++) {
        connect_to(port, FLAGS("--truncation", words[i % 2], "--tls-min", versions[i / 2],
                               "--tls-max", versions[i / 2]));
        be_cut(ctx, listener, i % 2);
        gateway_expect_words(client, levels[i % 2]);
        gateway_stop(client);
    }
    (void)close(listener);
    SSL_CTX_free(ctx);
}

static void a_reset_goes_through(void **state)
{
    (void)state;
    backend_set_plan(backend, &BACKEND_PLAN(.echo = true, .reset_after = 6));
    serve(FLAGS(NULL));
    connect_to(server->port, FLAGS(NULL));
    int fd = net_connect(client->port);
    exchange(fd);
    assert_true(net_send(fd, "x", 1, 0));
    assert_reset(fd);
    gateway_expect(server, "backend-reset", NULL);
    gateway_expect(client, "backend-alert", NULL);

    backend_set_plan(backend, &BACKEND_PLAN(.echo = true));
    fd = net_connect(client->port);
    exchange(fd);
    net_reset(fd);
    gateway_expect(client, "client-reset", NULL);
    gateway_expect(server, "client-alert", NULL);
    struct backend_account a;
    assert_true(backend_await(backend, 0, &a));
    assert_true(a.got_reset);
    stop_both();
}

static void no_target(void **state)
{
    uint16_t port;
    (void)state;
    (void)close(net_listen(1, &port));
    connect_to(port, FLAGS(NULL));
    assert_int_equal(run((struct plain_work){.fin_after = 1}).end, PLAIN_RESET);
    gateway_expect(client, "backend-refused", NULL);
    gateway_stop(client);

    backend_set_plan(backend, &BACKEND_PLAN(.no_fin = true));
    connect_to(backend_port(backend), FLAGS("--handshake-timeout", "300ms"));
    assert_int_equal(run((struct plain_work){.fin_after = 1}).end, PLAIN_RESET);
    gateway_expect(client, "handshake-timeout", NULL);

    backend_set_plan(backend, &BACKEND_PLAN(.fin_after_up = 1));
    assert_int_equal(run((struct plain_work){.fin_after = 1}).end, PLAIN_RESET);
    gateway_expect(client, "backend-handshake-closed", NULL);

    backend_set_plan(backend, &BACKEND_PLAN(.no_fin = true, .reset_after = 1));
    assert_int_equal(run((struct plain_work){.fin_after = 1}).end, PLAIN_RESET);
    gateway_expect(client, "backend-handshake-reset", NULL);
    gateway_stop(client);
}

/* ---- its end ---- */

static void term_lets_connections_end(void **state)
{
    (void)state;
    backend_set_plan(backend, &BACKEND_PLAN(.echo = true));
    serve(FLAGS(NULL));
    connect_to(server->port, FLAGS(NULL));
    int fd = net_connect(client->port);
    uint8_t byte;
    int error;
    exchange(fd);
    gateway_term(client);
    gateway_expect_words(client, "TERM: stopping");
    exchange(fd);
    assert_return_code(shutdown(fd, SHUT_WR), 0);
    assert_int_equal(net_receive(fd, &byte, 1, &error), 0);
    assert_int_equal(error, 0);
    (void)close(fd);
    both_finished(10, 10, NULL);
    gateway_await_exit(client);
    gateway_stop(server);
}

static void shutdown_timeout_ends_them(void **state)
{
    (void)state;
    backend_set_plan(backend, &BACKEND_PLAN(.echo = true));
    serve(FLAGS(NULL));
    connect_to(server->port, FLAGS("--shutdown-timeout", "200ms"));
    int fd = net_connect(client->port);
    exchange(fd);
    gateway_term(client);
    assert_reset(fd);
    gateway_expect(client, "shutdown", NULL);
    gateway_expect(server, "finished", NULL);
    gateway_await_exit(client);
    gateway_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(much_both_ways_at_once),
        TEST(half_close_of_the_plain_client),
        TEST(half_close_of_the_backend),
        TEST(sessions_are_resumed),
        TEST(without_tickets_nothing_is_resumed),
        TEST(mutual),
        TEST(untrusted_servers_are_refused),
        TEST(rules_judge_the_target),
        TEST(names_and_addresses_are_found_in_the_certificate),
        TEST(a_truncated_stream_is_reset),
        TEST(a_target_that_is_cut),
        TEST(a_reset_goes_through),
        TEST(no_target),
        TEST(term_lets_connections_end),
        TEST(shutdown_timeout_ends_them),
    };
    return run_world("j_client", tests);
}
