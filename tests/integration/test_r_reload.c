/* SPDX-License-Identifier: Apache-2.0 */
/* HUP and --reload-interval: new certificates, keys and CAs come into force while connections and
 * workers stay; broken files change nothing; whatever dies meanwhile, the newest files count. */
#include "tests/integration/attempt.h"
#include "tests/integration/check.h"
#include "tests/integration/net.h"
#include "tests/integration/renewal.h"
#include "tests/integration/stage.h"

#include "gateway/base/compat.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    STORM = 40,
    CROWD = 200,
    AT_ONCE = 16,
    RECHECKED = 100, /* more than are judged in a turn */
    ALERT_UNKNOWN_CA = 48,
};

/* ---- HUP on and on, from a process of its own ---- */

static pid_t hupper;

static void begin_hups(void)
{
    pid_t master = gateway->pid;
    hupper = fork();
    assert_return_code(hupper, errno);
    while (hupper == 0 && kill(master, SIGHUP) == 0)
        (void)poll(NULL, 0, 20);
    if (hupper == 0)
        _exit(0);
}

static void end_hups(void)
{
    if (hupper <= 0)
        return;
    (void)kill(hupper, SIGKILL);
    (void)waitpid(hupper, NULL, 0);
    hupper = 0;
}

static int start(void **state)
{
    keep_files();
    return stage_start(state);
}

static int stop(void **state)
{
    end_hups();
    put_back();
    return stage_stop(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

/* ---- what is in force ---- */

static void serve(unsigned workers, const char *flag, const char *value)
{
    stage_serve(&(struct gateway_options){
        .workers = workers,
        .flags = {flag, value},
    });
}

static void serve_mutual(void)
{
    stage_serve(&(struct gateway_options){
        .flags = {"--cacert", world_cert(ID_CA), "--allow-all"},
    });
}

static void is_let_in(enum identity id, bool in)
{
    struct client_options o = stage_client(id, TLS1_2_VERSION);
    struct client c;
    o.any_server = true; /* the file of the CA that it trusts is the one that changes */
    client_open(&c, &o);
    enum client_end end = client_handshake(&c);
    if (in) {
        assert_int_equal(end, CLIENT_OPEN);
        c.work.up_seed = c.work.down_seed = STAGE_SEED;
        stage_echo(&c, 10);
        stage_leave(&c);
    } else {
        assert_int_equal(end, CLIENT_ALERTED);
        client_close(&c);
    }
}

/* ---- tests ---- */

#define MODE_WARNING "users other than its owner have access to the file"

static void a_renewed_certificate_is_shown_and_connections_stay(void **state)
{
    struct client old;
    pid_t before[WORKERS_MAX], after[WORKERS_MAX];
    (void)state;
    serve(2, NULL, NULL);
    assert_int_equal(gateway_workers(gateway, before), 2);
    stage_join(&old, NULL);
    stage_echo(&old, 5000);
    answers(ID_SERVER);
    renew_as(ID_SERVER_RSA);
    hup_until(IN_FORCE);
    for (int i = 0; i < 8; i++)
        answers(ID_SERVER_RSA);
    stage_echo(&old, 50000);
    stage_leave(&old);
    assert_int_equal(gateway_workers(gateway, after), 2);
    assert_memory_equal(before, after, 2 * sizeof(pid_t));
    gateway_term(gateway);
    gateway_expect_words(gateway, "reloads: 1, failed 0");
    gateway_await_exit(gateway);
}

static void broken_files_change_nothing(void **state)
{
    (void)state;
    serve(1, NULL, NULL);
    put_garbage(world_cert(ID_SERVER));
    hup_until("no PEM certificate in the file");
    answers(ID_SERVER);
    copy(world_cert(ID_SERVER_RSA), world_cert(ID_SERVER)); /* not of this key */
    hup_until("does not belong to the certificate");
    answers(ID_SERVER);
    assert_return_code(unlink(world_key(ID_SERVER)), errno);
    hup_until("No such file");
    answers(ID_SERVER);
    renew_as(ID_SERVER_EXPIRED);
    hup_until("expired");
    answers(ID_SERVER);
    renew_as(ID_SERVER_RSA);
    hup_until(IN_FORCE);
    answers(ID_SERVER_RSA);
    gateway_term(gateway);
    gateway_expect_words(gateway, "reloads: 1, failed 4");
    gateway_await_exit(gateway);
}

/* One of two: the other is renewed. */
static void a_broken_certificate_stops_no_other(void **state)
{
    static const char says[] = "the previous certificate stays in force: --cert ";
    char data[FILE_MAX];
    (void)state;
    size_t len = slurp(world_cert(ID_SERVER_RSA), data);
    stage_serve(&(struct gateway_options){
        .flags = {"--cert", world_cert(ID_SERVER_RSA), "--key", world_key(ID_SERVER_RSA)},
    });
    put_garbage(world_cert(ID_SERVER_RSA));
    renew_as(ID_SERVER_NEXT);
    hup_until(IN_FORCE);
    gateway_expect_words(gateway, says);
    answers(ID_SERVER_NEXT);
    hup_until("reload: nothing has changed");
    assert_int_equal(logbook_count(&gateway->log, says), 2);
    put_back();
    hup_until(IN_FORCE);
    answers(ID_SERVER);
    put(world_cert(ID_SERVER_RSA), data, len);
    gateway_term(gateway);
    gateway_expect_words(gateway, "reloads: 2, failed 0");
    gateway_await_exit(gateway);
}

/* Before the first reload and after one; what it falls back on is not lost with a loader. */
static void another_loader_knows_what_is_in_force(void **state)
{
    static const char says[] = "the previous certificate stays in force: --cert ";
    char data[FILE_MAX];
    (void)state;
    size_t len = slurp(world_cert(ID_SERVER_RSA), data);
    stage_serve(&(struct gateway_options){
        .flags = {"--cert", world_cert(ID_SERVER_RSA), "--key", world_key(ID_SERVER_RSA)},
    });
    put_garbage(world_cert(ID_SERVER_RSA));
    for (unsigned told = 1; told <= 2; told++) {
        assert_return_code(kill(gateway_loader(gateway), SIGKILL), errno);
        await_line("the next reload starts another");
        hup_until(IN_FORCE);
        assert_int_equal(logbook_count(&gateway->log, says), told);
    }
    put(world_cert(ID_SERVER_RSA), data, len);
    gateway_stop(gateway);
}

static void what_has_not_changed_is_left_alone(void **state)
{
    (void)state;
    serve(1, NULL, NULL);
    hup_until("reload: nothing has changed");
    renew_as(ID_SERVER_RSA);
    hup_until(IN_FORCE);
    hup_until("reload: nothing has changed");
    answers(ID_SERVER_RSA);
    gateway_stop(gateway);
}

static void another_ca_lets_others_in(void **state)
{
    (void)state;
    serve_mutual();
    is_let_in(ID_ALICE, true);
    is_let_in(ID_STRANGER, false);
    copy(world_cert(ID_FOREIGN), world_cert(ID_CA));
    hup_until(IN_FORCE);
    is_let_in(ID_ALICE, false);
    is_let_in(ID_STRANGER, true);
    gateway_stop(gateway);
}

/* A ticket stays valid for a client that is still known, and for no other. */
static void tickets_follow_the_ca(void **state)
{
    struct client_options o;
    struct client c;
    (void)state;
    serve_mutual();
    o = stage_client(ID_ALICE, TLS1_3_VERSION);
    stage_join(&c, &o);
    stage_echo(&c, 100);
    SSL_SESSION *ticket = client_take_session(&c);
    assert_non_null(ticket);
    stage_leave(&c);
    renew_as(ID_SERVER_RSA);
    hup_until(IN_FORCE);
    o.session = ticket;
    o.any_server = true;
    stage_join(&c, &o);
    stage_echo(&c, 100);
    assert_true(client_resumed(&c));
    stage_leave(&c);
    copy(world_cert(ID_FOREIGN), world_cert(ID_CA));
    hup_until(IN_FORCE);
    client_open(&c, &o);
    (void)client_handshake(&c);
    assert_int_equal(client_read_end(&c), CLIENT_ALERTED);
    assert_false(client_resumed(&c));
    client_close(&c);
    SSL_SESSION_free(ticket);
    gateway_stop(gateway);
}

static void the_interval_takes_changes_and_tells_a_failure_once(void **state)
{
    (void)state;
    assert_return_code(chmod(world_key(ID_SERVER), 0644), errno);
    serve(1, "--reload-interval", "1s");
    put_garbage(world_cert(ID_SERVER));
    await_line("no PEM certificate in the file");
    (void)poll(NULL, 0, 2500); /* two more looks */
    assert_int_equal(logbook_count(&gateway->log, "no PEM certificate in the file"), 1);
    renew_as(ID_SERVER_RSA);
    await_line(IN_FORCE);
    answers(ID_SERVER_RSA);
    unsigned told = logbook_count(&gateway->log, MODE_WARNING);
    (void)poll(NULL, 0, 1500); /* one more look, that warns of nothing anew */
    assert_int_equal(logbook_count(&gateway->log, MODE_WARNING), told);
    gateway_stop(gateway);
}

/* And the keys of tickets, which it shares; and no more descriptors than another. */
static void a_worker_that_comes_later_has_the_newest(void **state)
{
    struct client_options o = {.version = TLS1_3_VERSION, .any_server = true};
    struct client c;
    (void)state;
    serve(1, NULL, NULL);
    int before = process_fds(stage_worker());
    renew_as(ID_SERVER_RSA);
    hup_until(IN_FORCE);
    stage_join(&c, &o);
    stage_echo(&c, 100);
    o.session = client_take_session(&c);
    stage_leave(&c);
    gateway->lost_some = true;
    assert_return_code(kill(stage_worker(), SIGKILL), errno);
    await_line("is back");
    answers(ID_SERVER_RSA);
    stage_join(&c, &o);
    stage_echo(&c, 100);
    assert_true(client_resumed(&c));
    stage_leave(&c);
    SSL_SESSION_free(o.session);
    process_await_fds(stage_worker(), before);
    put_back();
    hup_until(IN_FORCE);
    answers(ID_SERVER);
    gateway_stop(gateway);
}

/* It never answers for them, and its successor begins with them. */
static void a_worker_that_dies_with_new_files_holds_up_nothing(void **state)
{
    (void)state;
    serve(1, NULL, NULL);
    pid_t worker = stage_worker();
    assert_return_code(kill(worker, SIGSTOP), errno);
    renew_as(ID_SERVER_RSA);
    hup_until("HUP: reading the files again");
    hup_until("reload: nothing has changed"); /* so the worker was sent them */
    gateway->lost_some = true;
    assert_return_code(kill(worker, SIGKILL), errno);
    await_line(IN_FORCE);
    answers(ID_SERVER_RSA);
    gateway_stop(gateway);
}

/* A worker that had no memory for a set gets it at the next HUP, though nothing has changed. */
static void what_a_worker_could_not_load_comes_again(void **state)
{
    struct rlimit before;
    struct rlimit none;
    (void)state;
    if (GW_WITH_ASAN)
        skip_because("the address sanitizer ends a process that is out of memory");
    serve(1, NULL, NULL);
    pid_t worker = stage_worker();
    if (prlimit(worker, RLIMIT_AS, NULL, &before))
        skip_because("this user may not set limits of the worker");
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    assert_return_code(prlimit(worker, RLIMIT_AS, &none, NULL), errno);
    renew_as(ID_SERVER_RSA);
    hup_until("a worker could not load the files that the loader read");
    assert_return_code(prlimit(worker, RLIMIT_AS, &before, NULL), errno);
    answers(ID_SERVER);
    hup_until(IN_FORCE);
    answers(ID_SERVER_RSA);
    hup_until("reload: nothing has changed");
    gateway_term(gateway);
    gateway_expect_words(gateway, "reloads: 1, failed 1");
    gateway_await_exit(gateway);
}

/* The same where it had no descriptor for it. */
static void a_worker_without_descriptors_stays(void **state)
{
    struct rlimit before;
    (void)state;
    serve(1, NULL, NULL);
    pid_t worker = stage_worker();
    process_take_fds(worker, &before);
    renew_as(ID_SERVER_RSA);
    hup_until("a worker could not load the files that the loader read");
    gateway_expect_words(gateway, "reload: no descriptor is free for the new files");
    process_give_fds(worker, &before);
    answers(ID_SERVER);
    hup_until(IN_FORCE);
    answers(ID_SERVER_RSA);
    assert_int_equal(stage_worker(), worker);
    gateway_term(gateway);
    gateway_expect_words(gateway, "reloads: 1, failed 1");
    gateway_await_exit(gateway);
}

/* It says `words` for the time number `count`, before or after what the master says of it. */
static void is_said_again(const char *words, unsigned count)
{
    int64_t deadline = net_now_ms() + DEADLINE_MS;
    while (logbook_count(&gateway->log, words) < count && net_now_ms() < deadline)
        (void)poll(NULL, 0, 5);
    assert_int_equal(logbook_count(&gateway->log, words), count);
}

static void a_worker_still_speaks(unsigned times)
{
    struct rlimit before;
    pid_t worker = stage_worker();
    process_take_fds(worker, &before);
    hup_until("a worker could not load the files that the loader read");
    process_give_fds(worker, &before);
    is_said_again("reload: no descriptor is free for the new files", times);
}

/* While files are loaded that somebody else has spoken about the log is mute, and not after that:
 * neither in a worker that has adopted some, nor in one that began with them, nor in the next. */
static void workers_speak_after_reloads_and_deaths(void **state)
{
    (void)state;
    serve(1, NULL, NULL);
    renew_as(ID_SERVER_RSA);
    hup_until(IN_FORCE);
    gateway->lost_some = true;
    for (unsigned i = 1; i <= 3; i++) {
        renew_as(i % 2 ? ID_SERVER_NEXT : ID_SERVER_RSA);
        a_worker_still_speaks(i);
        hup_until(IN_FORCE);
        assert_return_code(kill(stage_worker(), SIGKILL), errno);
        await_line("is back");
    }
    gateway_stop(gateway);
}

/* Neither a set nor a loader that the master had no descriptor for is gone for good. */
static void a_master_without_descriptors_tries_again(void **state)
{
    struct rlimit before;
    (void)state;
    serve(1, NULL, NULL);
    pid_t loader = gateway_loader(gateway);
    process_take_fds(gateway->pid, &before);
    renew_as(ID_SERVER_RSA);
    hup_until("no descriptor is free for the files that the loader read");
    answers(ID_SERVER);
    process_give_fds(gateway->pid, &before);
    hup_until(IN_FORCE);
    answers(ID_SERVER_RSA);
    assert_int_equal(gateway_loader(gateway), loader);

    process_take_fds(gateway->pid, &before);
    assert_return_code(kill(loader, SIGKILL), errno);
    await_line("the next reload starts another");
    hup_until("no channel to the loader: Too many open files");
    process_give_fds(gateway->pid, &before);
    put_back();
    hup_until(IN_FORCE);
    answers(ID_SERVER);
    gateway_stop(gateway);
}

static void a_storm_of_hups_leaves_nothing_behind(void **state)
{
    struct client c;
    (void)state;
    serve(1, NULL, NULL);
    int before = process_fds(stage_worker());
    answers(ID_SERVER);
    hup_until("reload: nothing has changed");
    int master = process_fds(gateway->pid);
    stage_join(&c, NULL);
    for (int i = 0; i < STORM; i++) {
        if (i % 2)
            put_back();
        else
            renew_as(ID_SERVER_RSA);
        hup();
        if (i % 5 == 0)
            stage_echo(&c, 20000);
    }
    renew_as(ID_SERVER_NEXT);
    hup();
    /* This last one counts, even if several are being answered. */
    int64_t until = net_now_ms() + DEADLINE_MS;
    while (who_answers() != ID_SERVER_NEXT && net_now_ms() < until)
        (void)poll(NULL, 0, 20);
    answers(ID_SERVER_NEXT);
    stage_echo(&c, 20000);
    stage_leave(&c);
    process_await_fds(stage_worker(), before);
    process_await_fds(gateway->pid, master); /* the newest set in place of the first */
    gateway_stop(gateway);
}

static void clients_do_not_notice(void **state)
{
    char error[160] = "";
    (void)state;
    serve(2, NULL, NULL);
    const struct client_options o = {.port = gateway->port};
    const struct client_work w = {
        .up_bytes = 50000, .up_seed = 3, .down_bytes = 50000, .down_seed = 3, .half_close = true};
    begin_hups();
    for (int round = 0; round < 4; round++) {
        /* The same certificate in other bytes: every worker makes and exchanges all of it. */
        char data[FILE_MAX];
        size_t len = slurp(world_cert(ID_SERVER), data);
        data[len++] = '\n';
        put(world_cert(ID_SERVER), data, len);
        unsigned good = clients_run(&o, &w, CROWD / 4, AT_ONCE, NULL, NULL, error);
        if (good != CROWD / 4)
            fail_msg("%u of %d: %s", good, CROWD / 4, error);
    }
    end_hups();
    gateway_expect_words(gateway, IN_FORCE);
    gateway_stop(gateway);
}

/* Each HUP warns again, as long as the fault exists. */
static void each_hup_warns_again(void **state)
{
    (void)state;
    assert_return_code(chmod(world_key(ID_SERVER), 0644), errno);
    serve(1, NULL, NULL);
    unsigned told = logbook_count(&gateway->log, MODE_WARNING);
    assert_int_equal(told, 1);
    for (int i = 0; i < 3; i++) {
        hup_until("reload: nothing has changed");
        assert_int_equal(logbook_count(&gateway->log, MODE_WARNING), ++told);
    }
    copy(world_cert(ID_SERVER_RSA), world_cert(ID_SERVER));
    copy(world_key(ID_SERVER_RSA), world_key(ID_SERVER));
    assert_return_code(chmod(world_key(ID_SERVER), 0640), errno);
    hup_until(IN_FORCE);
    assert_int_equal(logbook_count(&gateway->log, MODE_WARNING), told + 1);
    gateway_stop(gateway);
}

/* A client was admitted by a CA that is no longer trusted; without the flag, such connections
 * stay. */
static void connections_are_judged_again_if_asked(void **state)
{
    const char *const flags[] = {NULL, "--recheck-on-reload"};
    (void)state;
    for (int ask = 0; ask < 2; ask++) {
        struct client crowd[RECHECKED];
        struct client_options o;
        put_back();
        stage_serve(&(struct gateway_options){
            .flags = {"--cacert", world_cert(ID_CA), "--allow-all", flags[ask]},
        });
        o = stage_client(ID_ALICE, TLS1_3_VERSION);
        o.any_server = true;
        for (int i = 0; i < RECHECKED; i++) {
            stage_join(&crowd[i], &o);
            stage_echo(&crowd[i], 100);
        }
        renew_as(ID_SERVER_RSA);
        hup_until(IN_FORCE);
        for (int i = 0; i < RECHECKED; i++)
            stage_echo(&crowd[i], 100);
        copy(world_cert(ID_FOREIGN), world_cert(ID_CA));
        hup_until(IN_FORCE);
        for (int i = 0; i < RECHECKED && !ask; i++) {
            stage_echo(&crowd[i], 100);
            stage_leave(&crowd[i]);
        }
        for (int i = 0; i < RECHECKED && ask; i++) {
            assert_int_equal(client_read_end(&crowd[i]), CLIENT_ALERTED);
            assert_int_equal(crowd[i].alert, ALERT_UNKNOWN_CA);
            client_close(&crowd[i]);
            gateway_expect(gateway, "cert-untrusted", NULL);
        }
        gateway_stop(gateway);
    }
}

/* A client that sends its certificate only after the CA changed was asked with the old one. */
static void a_handshake_that_began_before_is_judged_again(void **state)
{
    const char *const flags[] = {NULL, "--recheck-on-reload"};
    (void)state;
    for (int ask = 0; ask < 2; ask++) {
        struct client c;
        put_back();
        stage_serve(&(struct gateway_options){
            .flags = {"--cacert", world_cert(ID_CA), "--allow-all", flags[ask]},
        });
        struct client_options o = stage_client(ID_ALICE, TLS1_3_VERSION);
        o.port = gateway->port;
        o.hold = true;
        client_connect(&c, &o);
        copy(world_cert(ID_FOREIGN), world_cert(ID_CA));
        hup_until(IN_FORCE);
        client_release(&c);
        if (ask) {
            assert_int_equal(client_read_end(&c), CLIENT_ALERTED);
            assert_int_equal(c.alert, ALERT_UNKNOWN_CA);
            client_close(&c);
            gateway_expect(gateway, "cert-untrusted", NULL);
        } else {
            c.work.up_seed = c.work.down_seed = STAGE_SEED;
            stage_echo(&c, 100);
            stage_leave(&c);
        }
        gateway_stop(gateway);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_renewed_certificate_is_shown_and_connections_stay),
        TEST(broken_files_change_nothing),
        TEST(a_broken_certificate_stops_no_other),
        TEST(another_loader_knows_what_is_in_force),
        TEST(what_has_not_changed_is_left_alone),
        TEST(another_ca_lets_others_in),
        TEST(tickets_follow_the_ca),
        TEST(the_interval_takes_changes_and_tells_a_failure_once),
        TEST(a_worker_that_comes_later_has_the_newest),
        TEST(a_worker_that_dies_with_new_files_holds_up_nothing),
        TEST(what_a_worker_could_not_load_comes_again),
        TEST(a_worker_without_descriptors_stays),
        TEST(workers_speak_after_reloads_and_deaths),
        TEST(a_master_without_descriptors_tries_again),
        TEST(a_storm_of_hups_leaves_nothing_behind),
        TEST(clients_do_not_notice),
        TEST(each_hup_warns_again),
        TEST(connections_are_judged_again_if_asked),
        TEST(a_handshake_that_began_before_is_judged_again),
    };
    return run_world("r_reload", tests);
}
