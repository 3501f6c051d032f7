/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway/proc/supervise and what it stands on (heritage, spawn, pin, privilege, logpump): a real
 * master process with real worker processes, whose work is a stand-in that only reports what
 * happens to it. It reports through a FIFO, since every other descriptor is closed on purpose.
 */
#include "gateway/proc/supervise.h"

#include "gateway/base/clock.h"
#include "gateway/base/compat.h"
#include "gateway/base/fd.h"
#include "gateway/conn/report.h"
#include "gateway/proc/privilege.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/folder.h"
#include "tests/support/skip.h"

enum {
    WORKERS = 2,
    PATIENCE_MS = 20000
};

/* ---- the stand-in worker ---- */

enum behaviour {
    WORK,        /* READY, then end cleanly on DRAIN or the end of the channel */
    CRASH,       /* end at once with exit code 1 */
    REFUSE,      /* say that it cannot start */
    NEVER_DRAIN, /* READY, then go on for ever */
    BABBLE,      /* READY, then send what only the master may send */
    LOG,         /* log, then READY, log again and wake nobody, then die */
};

static char fifo_path[FOLDER_MAX + 8];
static enum behaviour behaviour;
/* One report: the event, and its process. Shorter than PIPE_BUF, so that writes do not mix. */
struct report {
    char what; /* R ready, D drain, E end of channel, C crashed */
    unsigned index;
    pid_t pid;
    int64_t value; /* D: the time-out */
    int64_t at_ns;
    char text[200]; /* R: what the worker sees of itself */
};

/* Descriptors, processors, rights and signals of this process, as words to compare. */
static void describe_self(const struct gw_worker_env *env, char *out, size_t size)
{
    unsigned strange = 0;
    DIR *dir = opendir("/proc/self/fd");
    for (struct dirent *e; dir && (e = readdir(dir));) {
        int fd = atoi(e->d_name);
        bool known = e->d_name[0] == '.' || fd <= 2 || fd == dirfd(dir) || fd == env->channel_fd ||
                     fd == env->log_wake_fd;
        for (unsigned i = 0; i < env->listener_count; i++)
            known = known || fd == env->listeners[i].fd;
        strange += !known;
    }
    if (dir)
        (void)closedir(dir);
    char name[16] = "";
    (void)prctl(PR_GET_NAME, name, 0, 0, 0);
    cpu_set_t set;
    CPU_ZERO(&set);
    (void)sched_getaffinity(0, sizeof(set), &set);
    struct stat st = {0};
    if (env->listener_count)
        (void)fstat(env->listeners[0].fd, &st);
    struct sigaction term = {0};
    (void)sigaction(SIGTERM, NULL, &term);
    sigset_t blocked;
    (void)sigprocmask(SIG_SETMASK, NULL, &blocked);
    (void)snprintf(out, size,
                   "name=%s strange=%u cpus=%d on=%d uid=%d gid=%d nnp=%d ino=%lu "
                   "term=%s blocked=%d dump=%d",
                   name, strange, CPU_COUNT(&set), sched_getcpu(), (int)getuid(), (int)getgid(),
                   prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), (unsigned long)st.st_ino,
                   term.sa_handler == SIG_IGN ? "ignored" : "taken", sigismember(&blocked, SIGCHLD),
                   prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
}

static void tell(int fd, char what, const struct gw_worker_env *env, int64_t value,
                 const char *text)
{
    struct report r = {
        .what = what, .index = env->index, .pid = getpid(), .value = value, .at_ns = gw_clock_ns()};
    (void)snprintf(r.text, sizeof(r.text), "%s", text);
    (void)!write(fd, &r, sizeof(r));
}

static int work(const struct gw_worker_env *env, int fd)
{
    struct pollfd p = {.fd = env->channel_fd, .events = POLLIN};
    for (;;) {
        struct gw_channel_message m;
        (void)poll(&p, 1, -1);
        int r = gw_channel_receive(env->channel_fd, true, &m);
        if (r == -EAGAIN)
            continue;
        tell(fd, r == 1 ? 'D' : 'E', env, r == 1 ? m.value : 0, "");
        for (unsigned i = 0; i < env->listener_count; i++)
            (void)close(env->listeners[i].fd);
        if (behaviour != NEVER_DRAIN || r != 1)
            return r < 0;
    }
}

static void log_line(const struct gw_worker_env *env, const char *message, bool wake)
{
    struct gw_entry_text entry;
    bool asleep;
    size_t len = gw_entry_text_make(&entry, GW_LOG_WARNING, message);
    uint64_t one = 1;
    (void)gw_logring_push(env->log, &entry, len, 0, &asleep);
    if (wake && asleep)
        (void)!write(env->log_wake_fd, &one, sizeof(one));
}

static int stand_in(const struct gw_worker_env *env)
{
    if (behaviour == REFUSE)
        return GW_EXIT_START;
    if (behaviour == LOG)
        log_line(env, "the first \n words", true);
    char seen[200];
    describe_self(env, seen, sizeof(seen)); /* before the FIFO is open */
    int fd = open(fifo_path, O_WRONLY | O_CLOEXEC);
    if (behaviour == CRASH) {
        tell(fd, 'C', env, 0, "");
        return GW_EXIT_OTHER;
    }
    if (gw_channel_send(env->channel_fd, GW_CHANNEL_READY, 0))
        return GW_EXIT_OTHER;
    tell(fd, 'R', env, 0, seen);
    if (behaviour == LOG) {
        log_line(env, "the last words", false);
        return GW_EXIT_OTHER;
    }
    if (behaviour == BABBLE && env->index == 0)
        (void)gw_channel_send(env->channel_fd, GW_CHANNEL_DRAIN, 1);
    return work(env, fd);
}

/* ---- a master in a process of its own ---- */

struct fixture {
    struct gw_config config;
    struct gw_service service;
    struct gw_heritage heritage;
    struct gw_supervise_times times;
    char folder[FOLDER_MAX];
    int fifo;  /* reports of workers */
    int lines; /* what the master prints */
    int lines_write;
    char text[65536]; /* what was read of it */
    size_t text_len;
    pid_t master;
    uint16_t port;
};

static int set_up(void **state)
{
    struct fixture *f = test_calloc(1, sizeof(*f));
    *state = f;
    behaviour = WORK;
    f->config.services[0] = &f->service;
    f->config.service_count = 1;
    f->config.workers = WORKERS;
    f->config.shutdown_timeout_ns = INT64_C(60) * GW_NS_PER_SEC;
    f->config.log_level = GW_LOG_DEBUG;
    f->times = gw_supervise_default_times;
    if (!folder_make(f->folder, "master"))
        return -1;
    (void)snprintf(fifo_path, sizeof(fifo_path), "%s/fifo", f->folder);
    mode_t old = umask(0);
    int ends[2];
    int r = mkfifo(fifo_path, 0666) || chmod(f->folder, 0755) || pipe2(ends, O_CLOEXEC);
    (void)umask(old);
    f->lines = ends[0];
    f->lines_write = ends[1];
    /* Also for writing, so that between two workers it does not look ended. */
    f->fifo = open(fifo_path, O_RDWR | O_CLOEXEC);
    return r || f->fifo < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    if (f->master) {
        (void)kill(f->master, SIGKILL);
        (void)waitpid(f->master, NULL, 0);
    }
    gw_fd_close(&f->fifo);
    gw_fd_close(&f->lines);
    gw_fd_close(&f->lines_write);
    (void)unlink(fifo_path);
    int r = rmdir(f->folder);
    test_free(f);
    return r;
}

static void listen_on_loopback(struct fixture *f)
{
    struct gw_address *a = &f->service.listen[f->service.listen_count++];
    struct sockaddr_in *in = (struct sockaddr_in *)&a->addr;
    in->sin_family = AF_INET;
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    a->len = sizeof(*in);
}

static void make_heritage(struct fixture *f)
{
    struct gw_error err;
    assert_int_equal(gw_heritage_init(&f->heritage, &f->config, stand_in, &err), 0);
    assert_int_equal(gw_listeners_open(&f->heritage.listeners, &f->config, &err), 0);
    if (f->heritage.listeners.count) {
        struct sockaddr_in in;
        socklen_t len = sizeof(in);
        int fd = gw_listener_fd(&f->heritage.listeners.rows[0], 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
        f->port = in.sin_port;
    }
}

/* As where fs.suid_dumpable is 1: a change of user lets everybody of that user read the memory. */
int __real_setresuid(uid_t real, uid_t effective, uid_t saved);
int __wrap_setresuid(uid_t real, uid_t effective, uid_t saved);

int __wrap_setresuid(uid_t real, uid_t effective, uid_t saved)
{
    int r = __real_setresuid(real, effective, saved);
    (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    return r;
}

static gw_noreturn void be_master(struct fixture *f)
{
    struct gw_error err;
    (void)dup2(f->lines_write, STDERR_FILENO);
    (void)dup2(f->lines_write, STDOUT_FILENO);
    (void)signal(SIGCHLD, SIG_IGN); /* as a careless parent leaves it */
    int signals = gw_supervise_signals();
    if (signals < 0 || gw_privilege_drop(&f->config, &err))
        _exit(99);
    if (f->config.user && !GW_WITH_ASAN && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0))
        _exit(98);
    enum gw_exit r = gw_supervise(&f->heritage, &f->times, NULL, signals);
    gw_heritage_done(&f->heritage);
    _exit((int)r);
}

static void start(struct fixture *f)
{
    make_heritage(f);
    f->master = fork();
    assert_true(f->master >= 0);
    if (!f->master)
        be_master(f);
    /* Held by the master and its workers alone, so that their end is an end of file here. */
    gw_fd_close(&f->lines_write);
    gw_heritage_done(&f->heritage);
}

static bool report_there(struct fixture *f, int patience_ms)
{
    struct pollfd p = {.fd = f->fifo, .events = POLLIN};
    return poll(&p, 1, patience_ms) == 1;
}

static struct report expect(struct fixture *f, char what)
{
    struct report r = {0};
    if (!report_there(f, PATIENCE_MS))
        fail_msg("no worker reported anything, expected %c", what);
    assert_int_equal(read(f->fifo, &r, sizeof(r)), sizeof(r));
    if (r.what != what)
        fail_msg("worker %u reported %c, expected %c", r.index, r.what, what);
    return r;
}

/* Both workers' reports of one kind, in order of index. */
static void expect_both(struct fixture *f, char what, struct report ret[WORKERS])
{
    for (unsigned i = 0; i < WORKERS; i++) {
        struct report r = expect(f, what);
        assert_true(r.index < WORKERS);
        ret[r.index] = r;
    }
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(ret[i].what, what);
}

/* No process holds the write end of the master's standard error any more. */
static void expect_all_gone(struct fixture *f)
{
    char text[4096];
    struct pollfd p = {.fd = f->lines, .events = POLLIN};
    for (;;) {
        if (poll(&p, 1, PATIENCE_MS) != 1)
            fail_msg("some process of the gateway is still there");
        if (read(f->lines, text, sizeof(text)) <= 0)
            return;
    }
}

/* Reads what the master prints until `words` are there; it stays in f->text. */
static void wait_for_line(struct fixture *f, const char *words)
{
    struct pollfd p = {.fd = f->lines, .events = POLLIN};
    while (!strstr(f->text, words)) {
        size_t left = sizeof(f->text) - 1 - f->text_len;
        ssize_t n =
            poll(&p, 1, PATIENCE_MS) == 1 ? read(f->lines, f->text + f->text_len, left) : -1;
        if (n <= 0)
            fail_msg("the log has no \"%s\": %s", words, f->text);
        f->text_len += (size_t)n;
        f->text[f->text_len] = '\0';
    }
}

static void expect_exit(struct fixture *f, int code)
{
    int status = -1;
    assert_int_equal(waitpid(f->master, &status, 0), f->master);
    f->master = 0;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), code);
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = port};
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int r = connect(fd, (struct sockaddr *)&in, sizeof(in)) ? -errno : 0;
    (void)close(fd);
    return r;
}

/* ---- tests ---- */

static void term_drains_all(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    listen_on_loopback(f);
    start(f);
    expect_both(f, 'R', r);
    wait_for_line(f, "ready");
    assert_int_equal(connect_to(f->port), 0);
    assert_int_equal(kill(f->master, SIGTERM), 0);
    expect_both(f, 'D', r);
    for (unsigned i = 0; i < WORKERS; i++)
        assert_true(r[i].value == f->config.shutdown_timeout_ns);
    expect_exit(f, GW_EXIT_OK);
    expect_all_gone(f);
    assert_int_equal(connect_to(f->port), -ECONNREFUSED);
}

static void int_drains_and_hup_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    start(f);
    expect_both(f, 'R', r);
    assert_int_equal(kill(f->master, SIGHUP), 0);
    wait_for_line(f, "HUP: nothing to reload");
    assert_int_equal(kill(f->master, SIGINT), 0);
    expect_both(f, 'D', r);
    expect_exit(f, GW_EXIT_OK);
}

static void a_worker_sees_its_own_share_only(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    const int high = fcntl(STDERR_FILENO, F_DUPFD, 100); /* above all that is a worker's */
    assert_true(high > 0);
    listen_on_loopback(f);
    start(f);
    (void)close(high);
    expect_both(f, 'R', r);
    for (unsigned i = 0; i < WORKERS; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "name=ktlsgate-w%u strange=0 ", i);
        assert_non_null(strstr(r[i].text, name));
        assert_non_null(strstr(r[i].text, " nnp=1 "));
        assert_non_null(strstr(r[i].text, " term=ignored blocked=0"));
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
    listen_on_loopback(f);
    f->times.respawn_fast_ns = 1; /* whoever lived at all lived long enough */
    f->times.respawn_first_ns = f->times.respawn_max_ns = INT64_C(3600) * GW_NS_PER_SEC;
    start(f);
    expect_both(f, 'R', r);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(kill(r[1].pid, SIGKILL), 0);
        struct report again = expect(f, 'R');
        assert_int_equal(again.index, 1);
        assert_int_not_equal(again.pid, r[1].pid);
        assert_string_equal(strstr(again.text, "ino="), strstr(r[1].text, "ino="));
        r[1] = again;
    }
    wait_for_line(f, "was killed by signal 9 (Killed)");
    assert_int_equal(kill(r[0].pid, 0), 0); /* the other never noticed */
    assert_int_equal(kill(f->master, SIGTERM), 0);
    struct report d[WORKERS];
    expect_both(f, 'D', d);
    assert_int_equal(d[0].pid, r[0].pid);
    expect_exit(f, GW_EXIT_OK);
}

static void a_worker_that_dies_young_is_backed_off(void **state)
{
    struct fixture *f = *state;
    const int64_t first = 20 * GW_NS_PER_MS;
    const int64_t most = 4 * first;
    const int64_t at_least[] = {first, 2 * first, most, most, most, most, most, most};
    behaviour = CRASH;
    f->config.workers = 1;
    f->times.respawn_fast_ns = INT64_C(3600) * GW_NS_PER_SEC;
    f->times.respawn_first_ns = first;
    f->times.respawn_max_ns = most;
    start(f);
    struct report last = expect(f, 'C');
    for (size_t i = 0; i < GW_ARRAY_SIZE(at_least); i++) {
        struct report r = expect(f, 'C');
        assert_true(r.at_ns - last.at_ns >= at_least[i]);
        assert_true(r.at_ns - last.at_ns < 20 * at_least[i]); /* the cap holds: no 128 × first */
        last = r;
    }
    assert_int_equal(kill(f->master, SIGTERM), 0);
    expect_exit(f, GW_EXIT_OK);
    expect_all_gone(f);
}

static void a_worker_that_cannot_start_ends_the_gateway(void **state)
{
    struct fixture *f = *state;
    behaviour = REFUSE;
    start(f);
    expect_exit(f, GW_EXIT_START);
    expect_all_gone(f);
}

static void a_worker_that_babbles_is_killed_and_replaced(void **state)
{
    struct fixture *f = *state;
    pid_t first = 0, second = 0, other = 0;
    behaviour = BABBLE;
    f->times.respawn_fast_ns = 1;
    start(f);
    while (!second || !other) {
        struct report r = expect(f, 'R');
        if (r.index)
            other = r.pid;
        else
            *(first ? &second : &first) = r.pid;
    }
    assert_int_not_equal(first, second);
    wait_for_line(f, "worker 0 sent an invalid message and is killed");
    assert_int_equal(kill(other, 0), 0);
}

static void who_does_not_drain_is_killed(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    behaviour = NEVER_DRAIN;
    f->config.shutdown_timeout_ns = 30 * GW_NS_PER_MS;
    f->times.kill_grace_ns = 30 * GW_NS_PER_MS;
    start(f);
    expect_both(f, 'R', r);
    int64_t before = gw_clock_ns();
    assert_int_equal(kill(f->master, SIGTERM), 0);
    expect_both(f, 'D', r);
    wait_for_line(f, "did not end within --shutdown-timeout and is killed");
    assert_true(gw_clock_ns() - before >= 60 * GW_NS_PER_MS);
    expect_exit(f, GW_EXIT_OK);
    expect_all_gone(f);
}

/* The master closes its copies after it sent the messages to the workers, so that may be
 * pending. */
static void expect_refused(uint16_t port)
{
    int64_t give_up = gw_clock_ns() + PATIENCE_MS * GW_NS_PER_MS;
    while (connect_to(port) == 0 && gw_clock_ns() < give_up)
        (void)sched_yield();
    assert_int_equal(connect_to(port), -ECONNREFUSED);
}

static void a_second_term_ends_at_once(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    behaviour = NEVER_DRAIN;
    f->times.stop_again_ns = 0;
    listen_on_loopback(f);
    f->config.shutdown_timeout_ns = INT64_C(3600) * GW_NS_PER_SEC;
    start(f);
    expect_both(f, 'R', r);
    assert_int_equal(kill(f->master, SIGTERM), 0);
    expect_both(f, 'D', r);
    expect_refused(f->port); /* nobody new while the old ones drain */
    assert_int_equal(kill(f->master, SIGTERM), 0);
    expect_exit(f, GW_EXIT_OK);
    expect_all_gone(f);
}

static void the_echo_of_a_term_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    struct gw_log_config log = *gw_log_config();
    log.level = GW_LOG_DEBUG;
    gw_log_setup(&log);
    behaviour = NEVER_DRAIN;
    f->times.stop_again_ns = INT64_C(3600) * GW_NS_PER_SEC;
    start(f);
    expect_both(f, 'R', r);
    assert_int_equal(kill(f->master, SIGTERM), 0);
    expect_both(f, 'D', r);
    assert_int_equal(kill(f->master, SIGINT), 0);
    wait_for_line(f, "INT again at the same time");
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(kill(r[i].pid, SIGKILL), 0); /* they were still there */
    expect_exit(f, GW_EXIT_OK);
}

static void workers_end_when_the_master_is_killed(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    listen_on_loopback(f);
    start(f);
    expect_both(f, 'R', r);
    assert_int_equal(kill(f->master, SIGKILL), 0);
    expect_both(f, 'E', r);
    expect_all_gone(f);
}

static void a_dying_worker_during_drain_is_not_replaced(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    behaviour = NEVER_DRAIN;
    f->times.respawn_fast_ns = 1;
    start(f);
    expect_both(f, 'R', r);
    assert_int_equal(kill(f->master, SIGTERM), 0);
    expect_both(f, 'D', r);
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(kill(r[i].pid, SIGKILL), 0);
    expect_exit(f, GW_EXIT_OK);
    expect_all_gone(f);
    assert_false(report_there(f, 0));
}

/* It had died before, and its place was to be filled again much later. */
static void an_empty_place_does_not_delay_the_end(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    f->times.respawn_fast_ns = f->times.respawn_first_ns = f->times.respawn_max_ns =
        INT64_C(3600) * GW_NS_PER_SEC;
    start(f);
    expect_both(f, 'R', r);
    assert_int_equal(kill(r[1].pid, SIGKILL), 0);
    wait_for_line(f, "; it is replaced in ");
    assert_int_equal(kill(f->master, SIGTERM), 0);
    (void)expect(f, 'D');
    expect_all_gone(f);
    expect_exit(f, GW_EXIT_OK);
}

static void gauges_begin_at_0_and_counters_go_on(void **state)
{
    struct fixture *f = *state;
    struct report r[WORKERS];
    f->times.respawn_fast_ns = 1;
    make_heritage(f);
    struct gw_stats *shared = f->heritage.stats;
    struct gw_heritage *h = &f->heritage;
    f->master = fork();
    if (!f->master)
        be_master(f);
    gw_fd_close(&f->lines_write);
    expect_both(f, 'R', r);
    gw_stats_add(&shared[1], GW_COUNTER_OPEN, 7);
    gw_stats_add(&shared[1], GW_COUNTER_ACCEPTED, 7);
    assert_int_equal(kill(r[1].pid, SIGKILL), 0);
    (void)expect(f, 'R');
    assert_int_equal(gw_stats_get(&shared[1], GW_COUNTER_OPEN), 0);
    assert_int_equal(gw_stats_get(&shared[1], GW_COUNTER_ACCEPTED), 7);
    gw_heritage_done(h);
}

static void what_workers_log_is_printed(void **state)
{
    struct fixture *f = *state;
    behaviour = LOG;
    f->config.workers = 1;
    f->times.respawn_first_ns = INT64_C(3600) * GW_NS_PER_SEC;
    start(f);
    wait_for_line(f, "worker 0 (process ");
    assert_non_null(strstr(f->text, " warning worker=0 the first \\u000a words\n"));
    const char *last = strstr(f->text, " warning worker=0 the last words\n");
    assert_non_null(last);
    assert_non_null(strstr(last, " ended with exit code 1; it is replaced in "));
}

/* Whoever reads the log has stopped, and its pipe is full. */
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
    start(f);
    expect_both(f, 'R', r);
    assert_int_equal(kill(r[0].pid, SIGKILL), 0);
    (void)expect(f, 'R');
    assert_int_equal(kill(f->master, SIGTERM), 0);
    expect_exit(f, GW_EXIT_OK);
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
    struct gw_service second = {.name = "second", .session_tickets = true};
    f->service.session_tickets = false; /* a reload may turn them on */
    f->config.services[f->config.service_count++] = &second;
    f->times.ticket_life_ns = 20 * GW_NS_PER_MS;
    make_heritage(f);
    f->master = fork();
    if (!f->master)
        be_master(f);
    gw_fd_close(&f->lines_write);
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
    start(f);
    expect_both(f, 'R', r);
    assert_int_equal(kill(r[0].pid, SIGKILL), 0);
    struct report again = expect(f, 'R'); /* a later worker comes without rights too */
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
    start(f);
    expect_both(f, 'R', r);
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
    start(f);
    wait_for_line(f, "--cpus: processor 8191 does not exist");
    expect_exit(f, GW_EXIT_START);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
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
        TEST(the_echo_of_a_term_changes_nothing),
        TEST(workers_end_when_the_master_is_killed),
        TEST(a_dying_worker_during_drain_is_not_replaced),
        TEST(an_empty_place_does_not_delay_the_end),
        TEST(gauges_begin_at_0_and_counters_go_on),
        TEST(what_workers_log_is_printed),
        TEST(a_full_log_does_not_keep_workers_from_being_replaced),
        TEST(ticket_keys_rotate),
        TEST(rights_are_given_up),
        TEST(workers_are_pinned),
        TEST(a_processor_that_is_not_there_is_named),
    };
    (void)alarm(110); /* a master that does not end must not hold up the tests */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
