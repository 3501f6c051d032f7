/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway/proc/supervise and gateway/proc/reload: reloads while workers live, die and end. Workers
 * are stand-ins. So is the loader: a process that does nothing, whose answers the test gives.
 */
#include "tests/unit/master_rig.h"

#include "gateway/base/fd.h"
#include "gateway/proc/reload.h"
#include "gateway/proc/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define IN_FORCE "reload: new files are in force"
#define SAME "reload: nothing has changed"
#define AGAIN "they will be read once more"

enum {
    ALOUD_ANYWAY = GW_LOADER_ALOUD | GW_LOADER_ANYWAY,
    QUIET_MS = 60, /* nothing came for this long: a test considers that it never comes */
};

/* ---- the stand-in loader ---- */

static int answers[2]; /* a pipe: one letter an answer */
static const struct orders *orders;
static int64_t sets; /* in the master: the number of fresh ones so far */

int __wrap_gw_loader_start(struct gw_loader *l, const struct gw_heritage *h,
                           const struct gw_loader_base *base, int opener_fd, struct gw_error *err);
int __wrap_gw_loader_ask(struct gw_loader *l, unsigned manner);
int __wrap_gw_loader_take(struct gw_loader *l, struct gw_loader_answer *ret);
int __real_gw_channel_send_fd(int fd, enum gw_channel_kind kind, int64_t value, int passed);
int __wrap_gw_channel_send_fd(int fd, enum gw_channel_kind kind, int64_t value, int passed);

int __wrap_gw_loader_start(struct gw_loader *l, const struct gw_heritage *h,
                           const struct gw_loader_base *base, int opener_fd, struct gw_error *err)
{
    (void)h, (void)base, (void)opener_fd, (void)err;
    pid_t master = getpid(), pid = fork();
    if (!pid) {
        int none = -1;
        gw_spawn_become("ktlsgate-files", &none, 1);
        rig_outlast(master);
        _exit(0);
    }
    *l = (struct gw_loader){.pid = pid, .channel_fd = fcntl(answers[0], F_DUPFD_CLOEXEC, 0)};
    return pid < 0 ? -EAGAIN : 0;
}

int __wrap_gw_loader_ask(struct gw_loader *l, unsigned manner)
{
    if (l->channel_fd < 0)
        return -EBADF;
    rig_tell('Q', (int64_t)manner << 32 | l->pid);
    return 0;
}

/* A set of files, whose size is its number. */
static int new_set(void)
{
    int fd = memfd_create("set", MFD_CLOEXEC);
    (void)!ftruncate(fd, ++sets);
    return fd;
}

int __wrap_gw_loader_take(struct gw_loader *l, struct gw_loader_answer *ret)
{
    char letter;
    if (read(l->channel_fd, &letter, 1) != 1)
        return -errno;
    *ret = (struct gw_loader_answer){.files_fd = -1};
    switch (letter) {
    case 'f':
        ret->result = GW_LOADER_FRESH;
        ret->files_fd = new_set();
        ret->expiry.count = 1;
        ret->expiry.rows[0] = (struct gw_expiry_row){.ends = 1, .name = "--cert fresh"};
        return 1;
    case 's':
        ret->result = GW_LOADER_SAME;
        return 1;
    case 'b':
        ret->result = GW_LOADER_BROKEN;
        (void)snprintf(ret->text, sizeof(ret->text), "a fault in a file");
        return 1;
    case 'l':
        ret->result = GW_LOADER_LOST;
        return 1;
    case 'e':
        return 0;
    default:
        return -EPROTO;
    }
}

int __wrap_gw_channel_send_fd(int fd, enum gw_channel_kind kind, int64_t value, int passed)
{
    if (kind == GW_CHANNEL_FILES && orders->unreachable)
        return -EAGAIN;
    return __real_gw_channel_send_fd(fd, kind, value, passed);
}

/* ---- the test's side of it ---- */

static struct gw_reload reload;

static int set_up(void **state)
{
    sets = 0;
    if (rig_set_up(state) || pipe2(answers, O_CLOEXEC | O_NONBLOCK))
        return -1;
    struct fixture *f = *state;
    orders = f->orders;
    reload = (struct gw_reload){.h = &f->heritage, .due_ns = INT64_MAX, .first_fd = -1};
    reload.loader.channel_fd = reload.opener.fd = -1;
    f->reload = &reload;
    f->times.respawn_fast_ns = 1;
    return 0;
}

static int tear_down(void **state)
{
    gw_fd_close(&answers[0]);
    gw_fd_close(&answers[1]);
    return rig_tear_down(state);
}

static void start(struct fixture *f, struct report ret[WORKERS])
{
    rig_start(f);
    rig_expect_both(f, 'R', ret);
    rig_wait_for_line(f, " info ready\n");
}

/* The loader is asked, with these manners; its process. */
static pid_t expect_question(struct fixture *f, unsigned manner)
{
    struct report r = rig_expect(f, 'Q');
    assert_int_equal(r.value >> 32, manner);
    return (pid_t)(r.value & INT32_MAX);
}

static void answer(char letter)
{
    assert_int_equal(write(answers[1], &letter, 1), 1);
}

static pid_t hup(struct fixture *f, unsigned manner)
{
    rig_signal(f, SIGHUP);
    return expect_question(f, manner);
}

/* A HUP that brings fresh files, which both workers get. */
static void renew(struct fixture *f, int64_t number)
{
    struct report r[WORKERS];
    (void)hup(f, GW_LOADER_ALOUD);
    answer('f');
    rig_expect_both(f, 'F', r);
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(r[i].value, number);
}

/* All that came before has been handled by then. */
static void expect_not_in_force(struct fixture *f, unsigned before)
{
    unsigned times = rig_count(f, SAME);
    (void)hup(f, GW_LOADER_ALOUD);
    answer('s');
    rig_wait_for_lines(f, SAME, times + 1);
    assert_int_equal(rig_count(f, IN_FORCE), before);
}

static void nothing_more_comes(struct fixture *f)
{
    if (rig_report_there(f, QUIET_MS))
        fail_msg("%c came", rig_expect(f, '\0').what);
}

static void stop(struct fixture *f)
{
    struct report r[WORKERS];
    rig_signal(f, SIGTERM);
    rig_expect_both(f, 'D', r);
    rig_expect_exit(f, GW_EXIT_OK);
}

/* ---- workers ---- */

/* One that answered and then died does not answer for the other. */
static void in_force_means_all_workers(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    f->orders->reaction[1] = IGNORE;
    start(f, r);
    renew(f, 1);
    expect_not_in_force(f, 0);
    rig_kill(&r[0]);
    r[0] = rig_expect(f, 'R');
    assert_int_equal(r[0].value, 1);
    rig_wait_for_line(f, "worker 0 is back");
    assert_int_equal(rig_count(f, IN_FORCE), 0);
    rig_kill(&r[1]);
    assert_int_equal(rig_expect(f, 'R').value, 1);
    rig_wait_for_line(f, IN_FORCE);
    f->orders->reaction[1] = ADOPT;
    renew(f, 2);
    rig_wait_for_lines(f, IN_FORCE, 2);
    stop(f);
}

/* Its place is filled much later. */
static void an_empty_place_holds_up_no_reload(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    f->times.respawn_fast_ns = f->times.respawn_first_ns = f->times.respawn_max_ns = AN_HOUR_NS;
    start(f, r);
    for (int64_t number = 1; number <= 2; number++) {
        if (number == 1)
            rig_kill(&r[1]);
        rig_wait_for_line(f, "; it is replaced in ");
        (void)hup(f, GW_LOADER_ALOUD);
        answer('f');
        struct report files = rig_expect(f, 'F');
        assert_int_equal(files.index, 0);
        assert_int_equal(files.value, number);
        rig_wait_for_lines(f, IN_FORCE, (unsigned)number);
    }
    rig_signal(f, SIGTERM);
    (void)rig_expect(f, 'D');
    rig_expect_exit(f, GW_EXIT_OK);
}

/* Files wait in the channel of a worker that still starts. */
static void a_hup_may_come_before_ready(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    rig_all_behave(f, HOLD);
    rig_start(f);
    rig_expect_both(f, 'H', r);
    renew(f, 1);
    rig_wait_for_line(f, IN_FORCE);
    assert_int_equal(rig_count(f, " info ready\n"), 0);
    stop(f);
}

/* A worker without the new files is worse than none: the next one begins with them. */
static void who_cannot_be_sent_files_is_replaced(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS], again[WORKERS];
    start(f, r);
    f->orders->unreachable = true;
    (void)hup(f, GW_LOADER_ALOUD);
    answer('f');
    rig_expect_both(f, 'R', again);
    for (unsigned i = 0; i < WORKERS; i++) {
        assert_int_not_equal(again[i].pid, r[i].pid);
        assert_int_equal(again[i].value, 1);
    }
    rig_wait_for_line(f, IN_FORCE);
    stop(f);
}

static void an_answer_to_older_files_does_not_count(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    f->orders->reaction[0] = f->orders->reaction[1] = IGNORE;
    start(f, r);
    renew(f, 1);
    f->orders->reaction[0] = f->orders->reaction[1] = ADOPT_OLDER;
    renew(f, 2);
    rig_wait_for_line(f, IN_FORCE);
    expect_not_in_force(f, 1);
    stop(f);
}

static void an_answer_to_no_files_ends_a_worker(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    f->orders->reaction[1] = ADOPT_NEWER;
    start(f, r);
    (void)hup(f, GW_LOADER_ALOUD);
    answer('f');
    for (unsigned told = 0; told < 3; told++) { /* each has the files, and one comes again */
        struct report any = rig_next(f);
        assert_int_equal(any.value, 1);
        if (any.what != 'F' || any.index == 0)
            assert_int_equal(any.what, any.index ? 'R' : 'F');
    }
    rig_wait_for_line(f, "worker 1 sent an invalid message and is killed");
    rig_wait_for_line(f, IN_FORCE);
    stop(f);
}

/* One of two could not load them: both get them at the next HUP. */
static void files_that_one_kept_out_come_again(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    f->orders->reaction[0] = KEEP;
    start(f, r);
    renew(f, 1);
    rig_wait_for_line(f, "a worker could not load the files that the loader read");
    f->orders->reaction[0] = ADOPT;
    (void)hup(f, ALOUD_ANYWAY);
    assert_int_equal(rig_count(f, IN_FORCE), 0);
    answer('f');
    rig_expect_both(f, 'F', r);
    rig_wait_for_line(f, IN_FORCE);
    renew(f, 3);
    rig_wait_for_lines(f, IN_FORCE, 2);
    stop(f);
}

/* ---- the end ---- */

static void hup_changes_nothing_at_the_end(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    rig_all_behave(f, NEVER_DRAIN);
    f->times.stop_again_ns = 0;
    start(f, r);
    (void)hup(f, GW_LOADER_ALOUD);
    rig_signal(f, SIGTERM);
    rig_expect_both(f, 'D', r);
    rig_signal(f, SIGHUP);
    rig_wait_for_line(f, "HUP: nothing to reload");
    answer('f'); /* that it was asked for before */
    nothing_more_comes(f);
    rig_signal(f, SIGTERM);
    rig_expect_exit(f, GW_EXIT_OK);
    assert_int_equal(rig_count(f, IN_FORCE), 0);
}

static void the_interval_ends_with_the_gateway(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    rig_all_behave(f, NEVER_DRAIN);
    f->times.stop_again_ns = 0;
    f->config.reload_interval_ns = 10 * GW_NS_PER_MS;
    start(f, r);
    (void)expect_question(f, 0);
    rig_signal(f, SIGTERM);
    rig_expect_both(f, 'D', r);
    answer('s');
    nothing_more_comes(f);
    rig_signal(f, SIGTERM);
    rig_expect_exit(f, GW_EXIT_OK);
}

/* ---- questions and failures ---- */

static void a_hup_meanwhile_asks_once_more(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    start(f, r);
    for (unsigned round = 1; round <= 2; round++) {
        (void)hup(f, GW_LOADER_ALOUD);
        rig_signal(f, SIGHUP);
        rig_wait_for_lines(f, AGAIN, round);
        answer('b');
        (void)expect_question(f, GW_LOADER_ALOUD);
        answer('s');
        nothing_more_comes(f);
    }
    rig_wait_for_lines(f, "reload: a fault in a file; the previous files stay in force", 2);
    stop(f);
}

/* It does not ask again what nobody has answered, and the answer to a HUP is still logged. */
static void the_interval_waits_for_an_answer(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    f->config.reload_interval_ns = 10 * GW_NS_PER_MS;
    start(f, r);
    (void)expect_question(f, 0);
    nothing_more_comes(f);
    rig_signal(f, SIGHUP);
    rig_wait_for_line(f, AGAIN);
    answer('s');
    (void)expect_question(f, GW_LOADER_ALOUD);
    assert_int_equal(rig_count(f, SAME), 0);
    nothing_more_comes(f);
    answer('s');
    rig_wait_for_line(f, SAME);
    (void)expect_question(f, 0);
}

/* Workers may get files meanwhile. */
static void await_question(struct fixture *f)
{
    struct report r = {0};
    while (r.what != 'Q') {
        r = rig_next(f);
        assert_true(r.what == 'Q' || r.what == 'F');
    }
    assert_int_equal(r.value >> 32, 0);
}

/* The interval tells a failure once, until files are good again; a HUP tells it each time. */
static void a_failure_is_told_once_more_after_good_files(void **state)
{
    static const char fault[] = "reload: a fault in a file; the previous files stay in force";
    static const struct {
        char answer;
        unsigned told; /* by then */
    } steps[] = {{'b', 1}, {'b', 1}, {'s', 1}, {'b', 2}, {'f', 2}, {'b', 3}, {'b', 3}};
    struct fixture *f = *state;
    struct report r[WORKERS];
    f->config.reload_interval_ns = 10 * GW_NS_PER_MS;
    start(f, r);
    for (size_t i = 0; i < GW_ARRAY_SIZE(steps); i++) {
        await_question(f);
        if (i > 0)
            rig_wait_for_lines(f, fault, steps[i - 1].told);
        answer(steps[i].answer);
    }
    await_question(f);
    rig_signal(f, SIGHUP);
    rig_wait_for_line(f, AGAIN);
    answer('b');
    (void)expect_question(f, GW_LOADER_ALOUD);
    answer('b');
    rig_wait_for_lines(f, fault, 4);
}

static void a_set_that_was_lost_is_asked_for_again(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    start(f, r);
    (void)hup(f, GW_LOADER_ALOUD);
    answer('l');
    rig_wait_for_line(f, "no descriptor is free for the files that the loader read");
    (void)hup(f, ALOUD_ANYWAY);
    answer('f');
    rig_expect_both(f, 'F', r);
    rig_wait_for_line(f, IN_FORCE);
    expect_not_in_force(f, 1);
    stop(f);
}

/* What expires is looked at with new files, not only once a day. */
static void new_files_are_looked_at(void **state)
{
    static const char expired[] = "--cert fresh: the certificate expired on ";
    struct fixture *f = *state;
    struct report r[WORKERS];
    start(f, r);
    renew(f, 1);
    rig_wait_for_line(f, expired);
    renew(f, 2);
    rig_wait_for_lines(f, IN_FORCE, 2);
    assert_int_equal(rig_count(f, expired), 1);
    stop(f);
}

/* ---- the death of a loader ---- */

/* It answers what nobody asked, or nothing that makes sense; it lives on, and is killed. */
static void a_loader_that_babbles_is_replaced(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    start(f, r);
    pid_t first = hup(f, GW_LOADER_ALOUD);
    answer('s');
    rig_wait_for_line(f, SAME);
    answer('s');
    rig_wait_for_line(f, "the loader process ended; the next reload starts another");
    pid_t second = hup(f, GW_LOADER_ALOUD);
    assert_int_not_equal(second, first);
    answer('?');
    rig_wait_for_line(f, "the loader process died while it read the files");
    assert_int_not_equal(hup(f, GW_LOADER_ALOUD), second);
    answer('s');
    rig_wait_for_lines(f, SAME, 2);
    stop(f);
}

/* The master learns of it from SIGCHLD alone; a HUP that waits goes to the next loader. */
static void a_hup_outlives_loaders(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    start(f, r);
    pid_t loader = hup(f, GW_LOADER_ALOUD);
    for (unsigned i = 1; i <= 2; i++) {
        rig_signal(f, SIGHUP);
        rig_wait_for_lines(f, AGAIN, i);
        assert_int_equal(kill(loader, SIGKILL), 0);
        pid_t next = expect_question(f, GW_LOADER_ALOUD);
        assert_int_not_equal(next, loader);
        loader = next;
        rig_wait_for_lines(f, "the loader process died while it read the files", i);
    }
    answer('s');
    rig_wait_for_line(f, SAME);
    nothing_more_comes(f);
    stop(f);
}

/* HUP comes while a loader is known to be dead and has not been buried. */
static void a_hup_waits_for_a_burial(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    f->config.reload_interval_ns = AN_HOUR_NS;
    start(f, r);
    pid_t first = hup(f, GW_LOADER_ALOUD);
    rig_signal(f, SIGSTOP);
    rig_await_state(f->master, 'T');
    answer('e');
    rig_signal(f, SIGHUP);
    rig_signal(f, SIGCONT);
    assert_int_not_equal(expect_question(f, GW_LOADER_ALOUD), first);
    answer('s');
    rig_wait_for_line(f, SAME);
    nothing_more_comes(f);
    stop(f);
}

/* It comes due in the turn in which a loader is found to be dead. */
static void the_interval_waits_for_a_burial(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    f->config.reload_interval_ns = 50 * GW_NS_PER_MS;
    start(f, r);
    pid_t first = expect_question(f, 0);
    rig_signal(f, SIGSTOP);
    rig_await_state(f->master, 'T');
    answer('e');
    (void)poll(NULL, 0, 100);
    rig_signal(f, SIGCONT);
    assert_int_not_equal(expect_question(f, 0), first);
    rig_wait_for_line(f, "the loader process died while it read the files");
    assert_int_equal(rig_count(f, "does not answer"), 0);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(in_force_means_all_workers),
        TEST(an_empty_place_holds_up_no_reload),
        TEST(a_hup_may_come_before_ready),
        TEST(who_cannot_be_sent_files_is_replaced),
        TEST(an_answer_to_older_files_does_not_count),
        TEST(an_answer_to_no_files_ends_a_worker),
        TEST(files_that_one_kept_out_come_again),
        TEST(hup_changes_nothing_at_the_end),
        TEST(the_interval_ends_with_the_gateway),
        TEST(a_hup_meanwhile_asks_once_more),
        TEST(the_interval_waits_for_an_answer),
        TEST(a_failure_is_told_once_more_after_good_files),
        TEST(a_set_that_was_lost_is_asked_for_again),
        TEST(new_files_are_looked_at),
        TEST(a_loader_that_babbles_is_replaced),
        TEST(a_hup_outlives_loaders),
        TEST(a_hup_waits_for_a_burial),
        TEST(the_interval_waits_for_a_burial),
    };
    (void)alarm(110); /* a master that does not end must not hold up the tests */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
