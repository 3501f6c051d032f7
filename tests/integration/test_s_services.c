/* SPDX-License-Identifier: Apache-2.0 */
/* Many tunnels in one process, by --config: each service has its own listeners, rules and target,
 * and one of the client role goes through another of them. */
#include "tests/integration/check.h"
#include "tests/integration/net.h"
#include "tests/integration/plain.h"
#include "tests/integration/stage.h"
#include "tests/integration/tool.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    ALERT_ACCESS_DENIED = 49
};

static const char text[] = "max-conns = 100 # of all of them\n"
                           "service alice {\n"
                           "    listen = {127.0.0.1:0, 'unix:%2$s/alice.sock'}\n"
                           "    target = 127.0.0.1:%1$u\n"
                           "    cert = '%3$s' key = '%4$s' cacert = '%5$s'\n"
                           "    allow-cn = %8$s\n"
                           "}\n"
                           "service others {\n"
                           "    listen = 127.0.0.1:0\n"
                           "    target = 127.0.0.1:%1$u\n"
                           "    cert = '%3$s' key = '%4$s' cacert = '%5$s'\n"
                           "    allow-all = on\n"
                           "    deny-cn = {nobody, alice}\n"
                           "    tls-min = 1.3\n"
                           "}\n"
                           "client out {\n"
                           "    listen = 127.0.0.1:0\n"
                           "    target = 'unix:%2$s/alice.sock'\n"
                           "    target-name = localhost\n"
                           "    cacert = '%5$s' cert = '%6$s' key = '%7$s'\n"
                           "}\n";

static const char *write_config(const char *allowed)
{
    static char path[256];
    (void)snprintf(path, sizeof(path), "%s/services.conf", world_folder());
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    (void)fprintf(f, text, backend_port(backend), world_folder(), world_cert(ID_SERVER),
                  world_key(ID_SERVER), world_cert(ID_CA), world_cert(ID_ALICE),
                  world_key(ID_ALICE), allowed);
    assert_int_equal(fclose(f), 0);
    return path;
}

static void serve(void)
{
    stage_serve(&(struct gateway_options){.config = write_config("alice")});
}

static struct client_options client_of(const char *service, enum identity identity, int version)
{
    struct client_options options = stage_client(identity, version);
    options.port = gateway_port_of(gateway, service);
    return options;
}

static void expect_line(const char *reason, const char *service, const char *detail)
{
    struct conn_line line;
    gateway_expect(gateway, reason, &line);
    assert_string_equal(line.service, service);
    assert_string_equal(line.detail, detail);
}

static void passes(const char *service, enum identity identity, int version)
{
    const struct client_options options = client_of(service, identity, version);
    struct client c;
    client_connect(&c, &options);
    c.work.up_seed = c.work.down_seed = STAGE_SEED;
    stage_echo(&c, 50000);
    stage_leave(&c);
    expect_line("finished", service, "");
}

static void is_refused(const char *service, enum identity identity, const char *detail)
{
    const struct client_options options = client_of(service, identity, TLS1_3_VERSION);
    struct client c;
    client_open(&c, &options);
    enum client_end end = client_handshake(&c);
    if (end == CLIENT_OPEN)
        end = client_read_end(&c);
    assert_int_equal(end, CLIENT_ALERTED);
    assert_int_equal(c.alert, ALERT_ACCESS_DENIED);
    client_close(&c);
    expect_line("not-allowed", service, detail);
}

static void cannot_speak(const char *service, enum identity identity, int version)
{
    const struct client_options options = client_of(service, identity, version);
    struct client c;
    client_open(&c, &options);
    assert_int_equal(client_handshake(&c), CLIENT_ALERTED);
    client_close(&c);
    gateway_expect(gateway, "handshake-version", NULL);
}

static void each_service_has_its_own_rules(void **state)
{
    (void)state;
    serve();
    passes("alice", ID_ALICE, TLS1_2_VERSION);
    passes("alice", ID_ALICE, TLS1_3_VERSION);
    is_refused("alice", ID_MALLORY, "no rule matches its cn");
    passes("others", ID_MALLORY, TLS1_3_VERSION);
    is_refused("others", ID_ALICE, "--deny-cn");
    gateway_stop(gateway);
}

/* Plain bytes in at `out`, TLS to `alice` over a socket file, plain bytes to the backend. */
static void one_goes_through_another(void **state)
{
    struct plain_result r;
    (void)state;
    serve();
    const struct plain_work work = {
        .port = gateway_port_of(gateway, "out"),
        .up_seed = STAGE_SEED,
        .down_seed = STAGE_SEED,
        .up_bytes = 300000,
        .fin_after = 300000,
    };
    plain_run(&work, &r);
    assert_int_equal(r.end, PLAIN_FIN);
    assert_int_equal(r.received, work.up_bytes);
    struct conn_line first;
    struct conn_line second;
    gateway_expect(gateway, "finished", &first);
    gateway_expect(gateway, "finished", &second);
    bool out_first = strcmp(first.service, "out") == 0;
    assert_string_equal((out_first ? &second : &first)->service, "alice");
    assert_string_equal((out_first ? &first : &second)->service, "out");
    gateway_stop(gateway);
}

/* HUP reads the file again: its rules come into force, and changes that need a restart are
 * logged. */
static void rules_are_read_again(void **state)
{
    (void)state;
    serve();
    is_refused("alice", ID_MALLORY, "no rule matches its cn");
    (void)write_config("mallory tls-max = 1.2 relay = copy rekey-after = 99");
    assert_int_equal(kill(gateway->pid, SIGHUP), 0);
    gateway_expect_words(
        gateway, "reload: changed, which needs a restart: service alice: relay, rekey-after");
    gateway_expect_words(gateway, "reload: new files are in force");
    passes("alice", ID_MALLORY, TLS1_2_VERSION);
    cannot_speak("alice", ID_MALLORY, TLS1_3_VERSION);
    is_refused("others", ID_ALICE, "--deny-cn");
    gateway_stop(gateway);
}

static const char *write_open(const char *clients)
{
    static char path[256];
    (void)snprintf(path, sizeof(path), "%s/open.conf", world_folder());
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    (void)fprintf(f,
                  "recheck-on-reload = on\n"
                  "service open { listen = 127.0.0.1:0 target = 127.0.0.1:%u\n"
                  "cert = '%s' key = '%s' %s }\n",
                  backend_port(backend), world_cert(ID_SERVER), world_key(ID_SERVER), clients);
    assert_int_equal(fclose(f), 0);
    return path;
}

/* A client admitted when no certificate was requested must leave once one is required. */
static void the_nameless_leave_when_names_are_asked_for(void **state)
{
    struct client c;
    char clients[512];
    (void)state;
    stage_serve(&(struct gateway_options){.config = write_open("")});
    struct client_options options = stage_client(ID_ALICE, TLS1_3_VERSION);
    options.with_cert = false;
    stage_join(&c, &options);
    stage_echo(&c, 100);
    (void)snprintf(clients, sizeof(clients), "cacert = '%s' allow-all = on", world_cert(ID_CA));
    (void)write_open(clients);
    assert_int_equal(kill(gateway->pid, SIGHUP), 0);
    gateway_expect_words(gateway, "reload: new files are in force");
    assert_int_equal(client_read_end(&c), CLIENT_ALERTED);
    assert_int_equal(c.alert, ALERT_ACCESS_DENIED);
    client_close(&c);
    expect_line("not-allowed", "open", "no certificate");
    gateway_stop(gateway);
}

static const char *write_pair(const char *rules)
{
    static char path[256];
    (void)snprintf(path, sizeof(path), "%s/pair.conf", world_folder());
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    (void)fprintf(f,
                  "recheck-on-reload = on\n"
                  "service far { listen = 'unix:%s/far.sock' target = 127.0.0.1:%u\n"
                  "cert = '%s' key = '%s' }\n"
                  "client near { listen = 127.0.0.1:0 target = 'unix:%s/far.sock'\n"
                  "cacert = '%s' target-name = none %s }\n",
                  world_folder(), backend_port(backend), world_cert(ID_SERVER),
                  world_key(ID_SERVER), world_folder(), world_cert(ID_CA), rules);
    assert_int_equal(fclose(f), 0);
    return path;
}

/* In the client role it is the target that is judged again. */
static void a_target_that_may_no_longer_be_one_is_left(void **state)
{
    char data[5];
    int error;
    (void)state;
    stage_serve(&(struct gateway_options){.config = write_pair("allow-cn = server")});
    int fd = net_connect(gateway_port_of(gateway, "near"));
    assert_true(net_send(fd, "hello", 5, 0));
    assert_int_equal(net_receive(fd, data, 5, &error), 5);
    (void)write_pair("allow-cn = other");
    assert_int_equal(kill(gateway->pid, SIGHUP), 0);
    gateway_expect_words(gateway, "reload: new files are in force");
    assert_int_equal(net_receive(fd, data, 1, &error), 0);
    assert_int_equal(error, ECONNRESET);
    (void)close(fd);
    struct conn_line lines[2]; /* of both services, in any order */
    gateway_conn(gateway, &lines[0]);
    gateway_conn(gateway, &lines[1]);
    bool near_first = strcmp(lines[0].service, "near") == 0;
    assert_string_equal(lines[!near_first].reason, "backend-not-allowed");
    assert_string_equal(lines[near_first].reason, "client-alert");
    gateway_stop(gateway);
}

/* What its user types: openssl s_client through either. */
static void openssl_is_told_apart(void **state)
{
    static const struct {
        const char *service;
        bool passes;
    } rows[] = {{"alice", true}, {"others", false}};
    (void)state;
    serve();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        static const struct tool_cue cues[] = {{"Verify return code: 0 (ok)", "hello\n"},
                                               {"hello", NULL}};
        char address[32];
        (void)snprintf(address, sizeof(address), "127.0.0.1:%u",
                       gateway_port_of(gateway, rows[i].service));
        const char *const words[] = {
            "openssl", "s_client",          "-connect",    address,
            "-CAfile", world_cert(ID_CA),   "-cert",       world_cert(ID_ALICE),
            "-key",    world_key(ID_ALICE), "-servername", "localhost",
            NULL};
        const struct tool_work work = {.words = words, .cues = cues, .cue_count = 2};
        struct tool_result r;
        tool_run(&work, 20000, &r);
        assert_int_equal(r.cues == 2, rows[i].passes);
        struct conn_line line;
        gateway_conn(gateway, &line);
        assert_string_equal(line.service, rows[i].service);
        assert_int_equal(strcmp(line.reason, "not-allowed") == 0, !rows[i].passes);
    }
    gateway_stop(gateway);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(each_service_has_its_own_rules),
        STAGED(one_goes_through_another),
        STAGED(rules_are_read_again),
        STAGED(the_nameless_leave_when_names_are_asked_for),
        STAGED(a_target_that_may_no_longer_be_one_is_left),
        STAGED(openssl_is_told_apart),
    };
    return run_world("s_services", tests);
}
