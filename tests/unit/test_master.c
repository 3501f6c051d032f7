/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/proc/supervise and what it stands on (heritage, spawn, pin, privilege, logpump), without
 * reloads. */
#include "tests/unit/master_rig.h"

#include "gateway/base/compat.h"
#include "gateway/base/log.h"
#include "gateway/tls/tickets.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/skip.h"

/* As where fs.suid_dumpable is 1: a change of user lets everybody of that user read the memory. */
int __real_setresuid(uid_t real, uid_t effective, uid_t saved);
int __wrap_setresuid(uid_t real, uid_t effective, uid_t saved);

int __wrap_setresuid(uid_t real, uid_t effective, uid_t saved)
{
    int r = __real_setresuid(real, effective, saved);
    (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    return r;
}

static const struct orders *orders;

int __real_socketpair(int domain, int type, int protocol, int ret[2]);
int __wrap_socketpair(int domain, int type, int protocol, int ret[2]);

int __wrap_socketpair(int domain, int type, int protocol, int ret[2])
{
    if (!orders->no_channel)
        return __real_socketpair(domain, type, protocol, ret);
    errno = EMFILE;
    return -1;
}

static int set_up(void **state)
{
    int r = rig_set_up(state);
    orders = ((struct fixture *)*state)->orders;
    return r;
}

/* ---- tests ---- */

static void term_drains_all(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    rig_listen_on_loopback(f);
    rig_start(f);
    rig_expect_both(f, 'R', r);
    rig_wait_for_line(f, "ready");
    assert_int_equal(rig_connect_to(f->port), 0);
    rig_signal(f, SIGTERM);
    rig_expect_both(f, 'D', r);
    for (unsigned i = 0; i < WORKERS; i++)
        assert_true(r[i].value == f->config.shutdown_timeout_ns);
    rig_expect_exit(f, GW_EXIT_OK);
    rig_expect_all_gone(f);
    assert_int_equal(rig_count(f, " warning "), 0);
    assert_int_equal(rig_connect_to(f->port), -ECONNREFUSED);
}

static void int_drains_and_hup_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    rig_start(f);
    rig_expect_both(f, 'R', r);
    rig_signal(f, SIGHUP);
    rig_wait_for_line(f, "HUP: nothing to reload");
    rig_signal(f, SIGINT);
    rig_expect_both(f, 'D', r);
    rig_expect_exit(f, GW_EXIT_OK);
}

static void a_worker_sees_its_own_share_only(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    const int high = fcntl(STDERR_FILENO, F_DUPFD, 100); /* above all that is a worker's */
    assert_true(high > 0);
    rig_listen_on_loopback(f);
    rig_start(f);
    (void)close(high);
    rig_expect_both(f, 'R', r);
    for (unsigned i = 0; i < WORKERS; i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "name=ktlsgate-w%u of=2 strange=0 ", i);
        assert_non_null(strstr(r[i].text, name));
        assert_non_null(strstr(r[i].text, " nnp=1 "));
        assert_non_null(strstr(r[i].text, " signals=iiiitt "));
        if (!GW_WITH_ASAN)
            assert_non_null(strstr(r[i].text, " dump=0"));
    }
    /* Each its own listening socket. */
    assert_string_not_equal(strstr(r[0].text, "ino="), strstr(r[1].text, "ino="));
}

static void a_killed_worker_is_replaced_on_the_same_listener(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    rig_listen_on_loopback(f);
    f->times.respawn_fast_ns = 1; /* a process that lived at all lived long enough */
    f->times.respawn_first_ns = f->times.respawn_max_ns = AN_HOUR_NS;
    rig_start(f);
    rig_expect_both(f, 'R', r);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(kill(r[1].pid, SIGKILL), 0);
        struct report again = rig_expect(f, 'R');
        assert_int_equal(again.index, 1);
        assert_int_not_equal(again.pid, r[1].pid);
        assert_string_equal(strstr(again.text, "ino="), strstr(r[1].text, "ino="));
        r[1] = again;
    }
    rig_wait_for_lines(f, "worker 1 is back", 3);
    assert_int_equal(rig_count(f, "was killed by signal 9 (Killed)"), 3);
    assert_int_equal(rig_count(f, " info ready\n"), 1);
    assert_int_equal(kill(r[0].pid, 0), 0); /* the other never noticed */
    rig_signal(f, SIGTERM);
    struct report d[WORKERS];
    rig_expect_both(f, 'D', d);
    assert_int_equal(d[0].pid, r[0].pid);
    rig_expect_exit(f, GW_EXIT_OK);
}

static void a_worker_that_dies_young_is_backed_off(void **state)
{
    struct fixture *f = *state;
    const int64_t first = 20 * GW_NS_PER_MS;
    const int64_t most = 4 * first;
    const int64_t at_least[] = {first, 2 * first, most, most, most, most, most, most};
    rig_all_behave(f, CRASH);
    f->config.workers = 1;
    f->times.respawn_fast_ns = AN_HOUR_NS;
    f->times.respawn_first_ns = first;
    f->times.respawn_max_ns = most;
    rig_start(f);
    struct report last = rig_expect(f, 'C');
    for (size_t i = 0; i < GW_ARRAY_SIZE(at_least); i++) {
        struct report r = rig_expect(f, 'C');
        assert_true(r.at_ns - last.at_ns >= at_least[i]);
        assert_true(r.at_ns - last.at_ns < 20 * at_least[i]); /* the cap holds: no 128 × first */
        last = r;
    }
    rig_signal(f, SIGTERM);
    rig_expect_exit(f, GW_EXIT_OK);
    rig_expect_all_gone(f);
}

static void a_worker_that_cannot_start_ends_the_gateway(void **state)
{
    struct fixture *f = *state;
    rig_all_behave(f, REFUSE);
    rig_start(f);
    rig_expect_exit(f, GW_EXIT_START);
    rig_expect_all_gone(f);
}

static void a_worker_that_babbles_is_killed_and_replaced(void **state)
{
    struct fixture *f = *state;
    pid_t first = 0, second = 0, other = 0;
    f->orders->behaviour[0] = BABBLE;
    f->times.respawn_fast_ns = 1;
    rig_start(f);
    while (!second || !other) {
        struct report r = rig_expect(f, 'R');
        if (r.index)
            other = r.pid;
        else
            *(first ? &second : &first) = r.pid;
    }
    assert_int_not_equal(first, second);
    rig_wait_for_line(f, "worker 0 sent an invalid message and is killed");
    assert_int_equal(kill(other, 0), 0);
}

static void who_does_not_drain_is_killed(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    rig_all_behave(f, NEVER_DRAIN);
    f->config.shutdown_timeout_ns = 30 * GW_NS_PER_MS;
    f->times.kill_grace_ns = 30 * GW_NS_PER_MS;
    rig_start(f);
    rig_expect_both(f, 'R', r);
    int64_t before = gw_clock_ns();
    rig_signal(f, SIGTERM);
    rig_expect_both(f, 'D', r);
    rig_wait_for_line(f, "did not end within --shutdown-timeout and is killed");
    assert_true(gw_clock_ns() - before >= 60 * GW_NS_PER_MS);
    rig_expect_exit(f, GW_EXIT_OK);
    rig_expect_all_gone(f);
    assert_int_equal(rig_count(f, "did not end within"), WORKERS);
}

/* The master closes its copies after it sent the messages to the workers, so that may be
 * pending. */
static void expect_refused(uint16_t port)
{
    int64_t give_up = gw_clock_ns() + PATIENCE_MS * GW_NS_PER_MS;
    while (rig_connect_to(port) == 0 && gw_clock_ns() < give_up)
        (void)sched_yield();
    assert_int_equal(rig_connect_to(port), -ECONNREFUSED);
}

static void a_second_term_ends_at_once(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    rig_all_behave(f, NEVER_DRAIN);
    f->times.stop_again_ns = 0;
    rig_listen_on_loopback(f);
    f->config.shutdown_timeout_ns = AN_HOUR_NS;
    rig_start(f);
    rig_expect_both(f, 'R', r);
    rig_signal(f, SIGTERM);
    rig_expect_both(f, 'D', r);
    expect_refused(f->port); /* nobody new while the old ones drain */
    rig_signal(f, SIGTERM);
    rig_expect_exit(f, GW_EXIT_OK);
    rig_expect_all_gone(f);
}

/* The next gateway need not wait for the connections of this one. */
static void the_pidfile_is_free_once_workers_drain(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    struct gw_pidfile next;
    struct gw_error err;
    char path[FOLDER_MAX + 8];
    (void)snprintf(path, sizeof(path), "%s/pid", f->folder);
    f->config.pidfile = path;
    rig_all_behave(f, NEVER_DRAIN);
    f->times.stop_again_ns = 0;
    rig_start(f);
    rig_expect_both(f, 'R', r);
    assert_int_not_equal(gw_pidfile_write(&next, path, &err), 0);
    rig_signal(f, SIGTERM);
    rig_expect_both(f, 'D', r);
    int64_t give_up = gw_clock_ns() + PATIENCE_MS * GW_NS_PER_MS;
    int error;
    while ((error = gw_pidfile_write(&next, path, &err)) && gw_clock_ns() < give_up)
        (void)sched_yield();
    gw_pidfile_done(&next);
    (void)unlink(path);
    assert_int_equal(error, 0);
    rig_signal(f, SIGTERM);
    rig_expect_exit(f, GW_EXIT_OK);
}

static void the_echo_of_a_term_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    struct gw_log_config log = *gw_log_config();
    log.level = GW_LOG_DEBUG;
    gw_log_setup(&log);
    rig_all_behave(f, NEVER_DRAIN);
    f->times.stop_again_ns = AN_HOUR_NS;
    rig_start(f);
    rig_expect_both(f, 'R', r);
    rig_signal(f, SIGTERM);
    rig_expect_both(f, 'D', r);
    rig_signal(f, SIGINT);
    rig_wait_for_line(f, "INT again at the same time");
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(kill(r[i].pid, SIGKILL), 0); /* they were still there */
    rig_expect_exit(f, GW_EXIT_OK);
}

static void workers_end_when_the_master_is_killed(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    rig_listen_on_loopback(f);
    rig_start(f);
    rig_expect_both(f, 'R', r);
    assert_int_equal(kill(f->master, SIGKILL), 0);
    rig_expect_both(f, 'E', r);
    rig_expect_all_gone(f);
}

static void a_dying_worker_during_drain_is_not_replaced(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    rig_all_behave(f, NEVER_DRAIN);
    f->times.respawn_fast_ns = 1;
    rig_start(f);
    rig_expect_both(f, 'R', r);
    rig_signal(f, SIGTERM);
    rig_expect_both(f, 'D', r);
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(kill(r[i].pid, SIGKILL), 0);
    rig_expect_exit(f, GW_EXIT_OK);
    rig_expect_all_gone(f);
    assert_int_equal(rig_count(f, " warning worker "), WORKERS);
    assert_int_equal(rig_count(f, ") was killed by signal 9 (Killed)\n"), WORKERS);
    assert_false(rig_report_there(f, 0));
}

/* It had died before, and its place was to be filled again much later. */
static void an_empty_place_does_not_delay_the_end(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    f->times.respawn_fast_ns = f->times.respawn_first_ns = f->times.respawn_max_ns = AN_HOUR_NS;
    rig_start(f);
    rig_expect_both(f, 'R', r);
    assert_int_equal(kill(r[1].pid, SIGKILL), 0);
    rig_wait_for_line(f, "; it is replaced in ");
    rig_signal(f, SIGTERM);
    (void)rig_expect(f, 'D');
    rig_expect_all_gone(f);
    rig_expect_exit(f, GW_EXIT_OK);
}

static void gauges_begin_at_0_and_counters_go_on(void **state)
{
    static const enum gw_counter of_others[] = {GW_COUNTER_OPEN, GW_COUNTER_HANDSHAKING};
    struct fixture *f = *state;
    struct report r[WORKERS];
    f->times.respawn_fast_ns = 1;
    rig_make_heritage(f);
    struct gw_stats *shared = f->heritage.stats;
    struct gw_heritage *h = &f->heritage;
    rig_fork(f);
    rig_expect_both(f, 'R', r);
    gw_stats_add(&shared[1], GW_COUNTER_OPEN, 7);
    gw_stats_add(&shared[1], GW_COUNTER_HANDSHAKING, 2);
    gw_stats_add(&shared[1], GW_COUNTER_ACCEPTED, 7);
    for (unsigned gauge = 0; gauge < GW_ARRAY_SIZE(of_others); gauge++)
        gw_stats_add(&shared[0], of_others[gauge], 3);
    assert_int_equal(kill(r[1].pid, SIGKILL), 0);
    (void)rig_expect(f, 'R');
    assert_int_equal(gw_stats_get(&shared[1], GW_COUNTER_OPEN), 0);
    assert_int_equal(gw_stats_get(&shared[1], GW_COUNTER_HANDSHAKING), 0);
    assert_int_equal(gw_stats_get(&shared[1], GW_COUNTER_ACCEPTED), 7);
    assert_int_equal(shared[1].ended[GW_REASON_WORKER_DIED], 7);
    for (unsigned gauge = 0; gauge < GW_ARRAY_SIZE(of_others); gauge++)
        assert_int_equal(gw_stats_get(&shared[0], of_others[gauge]), 3);
    assert_int_equal(shared[0].ended[GW_REASON_WORKER_DIED], 0);
    gw_heritage_done(h);
}

static void what_workers_log_is_printed(void **state)
{
    struct fixture *f = *state;
    f->orders->behaviour[1] = LOG;
    f->times.respawn_first_ns = AN_HOUR_NS;
    rig_start(f);
    rig_wait_for_line(f, "worker 1 (process ");
    assert_non_null(strstr(f->text, " warning worker=1 the first \\u000a words\n"));
    const char *last = strstr(f->text, " warning worker=1 the last words\n");
    assert_non_null(last);
    assert_non_null(strstr(last, " ended with exit code 1; it is replaced in "));
}

static void what_a_living_worker_logs_is_printed(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    f->orders->behaviour[1] = TALK;
    rig_start(f);
    rig_expect_both(f, 'R', r);
    rig_wait_for_line(f, " warning worker=1 the first ");
    assert_int_equal(kill(r[1].pid, 0), 0);
}

/* The reader of the log has stopped, and its pipe is full. */
static void a_full_log_does_not_keep_workers_from_being_replaced(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    char page[4096] = {0};
    int flags = fcntl(f->lines_write, F_GETFL);
    assert_int_equal(fcntl(f->lines_write, F_SETFL, flags | O_NONBLOCK), 0);
    while (write(f->lines_write, page, sizeof(page)) > 0)
        ;
    assert_int_equal(fcntl(f->lines_write, F_SETFL, flags), 0);
    rig_start(f);
    rig_expect_both(f, 'R', r);
    assert_int_equal(kill(r[0].pid, SIGKILL), 0);
    (void)rig_expect(f, 'R');
    rig_signal(f, SIGTERM);
    rig_expect_exit(f, GW_EXIT_OK);
}

/* Shared memory has no event to wait for. */
static void expect_new_key(struct gw_ticket_keys *keys, unsigned service)
{
    struct gw_ticket_key first, now;
    int64_t give_up = gw_clock_ns() + PATIENCE_MS * GW_NS_PER_MS;
    assert_true(gw_tickets_newest(keys, &first));
    do {
        (void)poll(NULL, 0, 1);
        assert_true(gw_tickets_newest(keys, &now));
    } while (!memcmp(first.name, now.name, sizeof(now.name)) && gw_clock_ns() < give_up);
    if (!memcmp(first.name, now.name, sizeof(now.name)))
        fail_msg("service %u keeps its ticket key", service);
}

static void ticket_keys_rotate(void **state)
{
    struct fixture *f = *state;
    struct gw_service second = {.name = "second", .tls.session_tickets = true};
    f->service.tls.session_tickets = false; /* a reload may turn them on */
    f->config.services[f->config.service_count++] = &second;
    f->times.ticket_life_ns = 20 * GW_NS_PER_MS;
    rig_make_heritage(f);
    rig_fork(f);
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < f->config.service_count; i++)
            expect_new_key(&f->heritage.tickets[i], i);
    gw_heritage_done(&f->heritage);
}

static void rights_are_given_up(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    if (geteuid())
        skip_with("only root can give up rights");
    f->config.user = "nobody";
    f->config.uid = 65534;
    f->config.gid = 65534;
    f->times.respawn_fast_ns = 1;
    rig_start(f);
    rig_expect_both(f, 'R', r);
    assert_int_equal(kill(r[0].pid, SIGKILL), 0);
    struct report again = rig_expect(f, 'R'); /* a later worker comes without rights too */
    assert_non_null(strstr(r[1].text, " uid=65534 gid=65534 nnp=1 "));
    assert_non_null(strstr(again.text, " uid=65534 gid=65534 nnp=1 "));
}

static void workers_are_pinned(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    cpu_set_t set;
    assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
    for (int cpu = 0; cpu < CPU_SETSIZE && f->config.cpu_count < WORKERS; cpu++)
        if (CPU_ISSET(cpu, &set))
            f->config.cpus[f->config.cpu_count++] = cpu;
    if (f->config.cpu_count < WORKERS)
        skip_with("too few processors to pin every worker to its own");
    rig_start(f);
    rig_expect_both(f, 'R', r);
    for (unsigned i = 0; i < WORKERS; i++) {
        char want[32];
        (void)snprintf(want, sizeof(want), " cpus=1 on=%d ", f->config.cpus[i]);
        assert_non_null(strstr(r[i].text, want));
    }
}

static void a_processor_that_is_not_there_is_named(void **state)
{
    struct fixture *f = *state;
    f->config.cpus[0] = GW_MAX_CPU - 1;
    f->config.cpu_count = 1;
    rig_start(f);
    rig_wait_for_line(f, "--cpus: processor 8191 does not exist");
    rig_expect_exit(f, GW_EXIT_START);
}

/* The one that has started is not left behind. */
static void a_worker_that_cannot_start_ends_the_others(void **state)
{
    struct fixture *f = *state;
    f->orders->behaviour[0] = NEVER_DRAIN;
    f->orders->behaviour[1] = REFUSE;
    rig_start(f);
    rig_wait_for_line(f, "worker 1 cannot start; giving up");
    rig_expect_exit(f, GW_EXIT_START);
    rig_expect_all_gone(f);
}

/* A place that was filled once is never given up. */
static void a_replacement_that_cannot_start_is_replaced(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    f->times.respawn_first_ns = GW_NS_PER_MS;
    rig_start(f);
    rig_expect_both(f, 'R', r);
    f->orders->behaviour[1] = REFUSE;
    rig_kill(&r[1]);
    rig_wait_for_line(f, "ended with exit code 3; it is replaced in ");
    f->orders->behaviour[1] = WORK;
    assert_int_equal(rig_expect(f, 'R').index, 1);
    rig_wait_for_line(f, "worker 1 is back");
    assert_int_equal(kill(r[0].pid, 0), 0);
}

/* It was ready and cannot start: the master, which slept meanwhile, sees both at once. */
static void ready_counts_before_a_death(void **state)
{
    struct fixture *f = *state;
    f->orders->behaviour[1] = STOP;
    f->times.respawn_first_ns = AN_HOUR_NS;
    rig_start(f);
    struct report r = rig_expect(f, 'R');
    if (r.index == 0)
        r = rig_expect(f, 'R');
    rig_await_state(r.pid, 'Z');
    rig_signal(f, SIGCONT);
    rig_wait_for_line(f, "ended with exit code 3; it is replaced in ");
    rig_wait_for_line(f, " info ready\n");
}

/* SIGCHLD comes once for both. */
static void deaths_at_the_same_time_are_two(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS], again[WORKERS];
    f->times.respawn_fast_ns = 1;
    rig_start(f);
    rig_expect_both(f, 'R', r);
    rig_signal(f, SIGSTOP);
    rig_await_state(f->master, 'T');
    for (unsigned i = 0; i < WORKERS; i++)
        rig_kill(&r[i]);
    rig_signal(f, SIGCONT);
    rig_expect_both(f, 'R', again);
    rig_signal(f, SIGTERM);
    rig_expect_both(f, 'D', r);
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(r[i].pid, again[i].pid);
    rig_expect_exit(f, GW_EXIT_OK);
}

/* HUP is handled after what came before it. */
static void see_all_messages(struct fixture *f)
{
    unsigned before = rig_count(f, "HUP: nothing to reload");
    rig_signal(f, SIGHUP);
    rig_wait_for_lines(f, "HUP: nothing to reload", before + 1);
}

static void ready_means_all_workers(void **state)
{
    struct fixture *f = *state;
    struct report holding = {0};
    f->orders->behaviour[1] = HOLD;
    f->times.respawn_fast_ns = 1;
    rig_start(f);
    for (unsigned i = 0; i < WORKERS; i++) {
        struct report r = rig_next(f);
        assert_int_equal(r.what, r.index ? 'H' : 'R');
        if (r.index)
            holding = r;
    }
    see_all_messages(f);
    assert_int_equal(rig_count(f, " info ready\n"), 0);
    f->orders->behaviour[1] = WORK;
    rig_kill(&holding);
    (void)rig_expect(f, 'R');
    rig_wait_for_line(f, " info ready\n");
    assert_int_equal(rig_count(f, "is back"), 0);
}

/* TERM comes before a worker is ready. */
static void a_start_can_be_broken_off(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    rig_all_behave(f, HOLD);
    rig_start(f);
    rig_expect_both(f, 'H', r);
    rig_signal(f, SIGTERM);
    rig_expect_both(f, 'D', r);
    rig_expect_exit(f, GW_EXIT_OK);
    rig_expect_all_gone(f);
    assert_int_equal(rig_count(f, " info ready\n"), 0);
}

static void a_worker_without_its_channel_is_replaced(void **state)
{
    struct fixture *f = *state;
    pid_t first = 0, other = 0;
    f->orders->behaviour[1] = HANG_UP;
    f->times.respawn_fast_ns = 1;
    rig_start(f);
    while (!first || !other) { /* it may come twice before the other comes */
        struct report r = rig_expect(f, 'R');
        if (r.index == 0)
            other = r.pid;
        else if (!first)
            first = r.pid;
    }
    f->orders->behaviour[1] = WORK;
    rig_await_state(first, 'X');
    rig_wait_for_line(f, "worker 1 is back");
    assert_int_equal(rig_count(f, "invalid message"), 0);
    assert_int_equal(kill(other, 0), 0);
}

/* A long life ends the series of short ones: the next death costs no delay, and the one after that
 * the first one again. */
static void a_long_life_ends_the_back_off(void **state)
{
    struct fixture *f = *state;
    struct report r = {0};
    f->config.workers = 1;
    f->times.respawn_fast_ns = GW_NS_PER_SEC;
    f->times.respawn_first_ns = 2 * GW_NS_PER_MS;
    rig_all_behave(f, CRASH);
    rig_start(f);
    for (int i = 0; i < 3; i++)
        (void)rig_expect(f, 'C');
    rig_all_behave(f, WORK);
    while (r.what != 'R')
        r = rig_next(f);
    while (gw_clock_ns() < r.at_ns + f->times.respawn_fast_ns)
        (void)poll(NULL, 0, 10);
    rig_kill(&r);
    r = rig_expect(f, 'R');
    rig_kill(&r);
    (void)rig_expect(f, 'R');
    rig_wait_for_lines(f, "worker 0 is back", 2);
    assert_non_null(strstr(f->text, "it is replaced in 4 ms"));
    const char *later = strstr(f->text, "it is replaced in 0 ms");
    assert_non_null(later);
    assert_non_null(strstr(later, "it is replaced in 2 ms"));
}

/* The master has no descriptor for a channel; it does not try all the time. */
static void a_worker_that_cannot_be_made_is_tried_again(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    f->times.respawn_fast_ns = 1;
    f->times.respawn_first_ns = 20 * GW_NS_PER_MS;
    rig_start(f);
    rig_expect_both(f, 'R', r);
    f->orders->no_channel = true;
    int64_t since = gw_clock_ns();
    rig_kill(&r[1]);
    rig_wait_for_lines(f, "worker 1 cannot be started: Too many open files", 3);
    assert_true(gw_clock_ns() - since >= 60 * GW_NS_PER_MS);
    f->orders->no_channel = false;
    assert_int_equal(rig_expect(f, 'R').index, 1);
    assert_int_equal(kill(r[0].pid, 0), 0);
}

/* The certificate expires between two looks at the dates. */
static void expiries_are_looked_at_again(void **state)
{
    struct fixture *f = *state;
    struct gw_expiry_row *row = &f->heritage.expiry.rows[0];
    f->times.expiry_ns = 50 * GW_NS_PER_MS;
    rig_make_heritage(f);
    f->heritage.expiry.count = 1;
    row->begins = time(NULL) - 86400 * 9;
    row->ends = time(NULL) + 1;
    (void)snprintf(row->name, sizeof(row->name), "--cert x");
    rig_fork(f);
    rig_wait_for_line(f, "--cert x: the certificate expires in 0 days");
    rig_wait_for_line(f, "--cert x: the certificate expired on ");
    gw_heritage_done(&f->heritage);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, rig_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(term_drains_all),
        TEST(int_drains_and_hup_changes_nothing),
        TEST(a_worker_sees_its_own_share_only),
        TEST(a_killed_worker_is_replaced_on_the_same_listener),
        TEST(a_worker_that_dies_young_is_backed_off),
        TEST(a_worker_that_cannot_start_ends_the_gateway),
        TEST(a_worker_that_babbles_is_killed_and_replaced),
        TEST(who_does_not_drain_is_killed),
        TEST(a_second_term_ends_at_once),
        TEST(the_pidfile_is_free_once_workers_drain),
        TEST(the_echo_of_a_term_changes_nothing),
        TEST(workers_end_when_the_master_is_killed),
        TEST(a_dying_worker_during_drain_is_not_replaced),
        TEST(an_empty_place_does_not_delay_the_end),
        TEST(gauges_begin_at_0_and_counters_go_on),
        TEST(what_workers_log_is_printed),
        TEST(what_a_living_worker_logs_is_printed),
        TEST(a_full_log_does_not_keep_workers_from_being_replaced),
        TEST(ticket_keys_rotate),
        TEST(rights_are_given_up),
        TEST(workers_are_pinned),
        TEST(a_processor_that_is_not_there_is_named),
        TEST(a_worker_that_cannot_start_ends_the_others),
        TEST(a_replacement_that_cannot_start_is_replaced),
        TEST(ready_counts_before_a_death),
        TEST(deaths_at_the_same_time_are_two),
        TEST(ready_means_all_workers),
        TEST(a_start_can_be_broken_off),
        TEST(a_worker_without_its_channel_is_replaced),
        TEST(a_long_life_ends_the_back_off),
        TEST(a_worker_that_cannot_be_made_is_tried_again),
        TEST(expiries_are_looked_at_again),
    };
    (void)alarm(110); /* a master that does not end must not hold up the tests */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
