/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/master_rig.h"

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
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char fifo_path[FOLDER_MAX + 8];
static struct orders *orders;

/* ---- the stand-in worker ---- */

static const char *signals_of_self(char room[64])
{
    static const int those[] = {SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGCHLD, SIGUSR1};
    sigset_t blocked;
    size_t at = 0;
    (void)sigprocmask(SIG_SETMASK, NULL, &blocked);
    for (size_t i = 0; i < GW_ARRAY_SIZE(those); i++) {
        struct sigaction action = {0};
        (void)sigaction(those[i], NULL, &action);
        room[at++] = action.sa_handler == SIG_IGN ? 'i' : 't';
        if (sigismember(&blocked, those[i]))
            room[at++] = 'b';
    }
    room[at] = '\0';
    return room;
}

/* Descriptors, processors, rights and signals of this process, as words to compare. Of TERM, INT,
 * HUP, PIPE, CHLD and USR1: ignored or taken, or blocked. */
static void describe_self(const struct gw_worker_env *env, char *out, size_t size)
{
    unsigned strange = 0;
    DIR *dir = opendir("/proc/self/fd");
    for (struct dirent *e; dir && (e = readdir(dir));) {
        int fd = atoi(e->d_name);
        bool known = e->d_name[0] == '.' || fd <= 2 || fd == dirfd(dir) || fd == env->channel_fd ||
                     fd == env->log_wake_fd || fd == env->files_fd;
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
    char signals[64];
    (void)snprintf(out, size,
                   "name=%s of=%u strange=%u cpus=%d on=%d uid=%d gid=%d nnp=%d ino=%lu "
                   "signals=%s dump=%d",
                   name, env->worker_count, strange, CPU_COUNT(&set), sched_getcpu(), (int)getuid(),
                   (int)getgid(), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), (unsigned long)st.st_ino,
                   signals_of_self(signals), prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
}

static void tell(int fd, char what, unsigned index, int64_t value, const char *text)
{
    struct report r = {
        .what = what, .index = index, .pid = getpid(), .value = value, .at_ns = gw_clock_ns()};
    (void)snprintf(r.text, sizeof(r.text), "%s", text);
    (void)!write(fd, &r, sizeof(r));
}

void rig_tell(char what, int64_t value)
{
    gw_auto_fd fd = open(fifo_path, O_WRONLY | O_CLOEXEC);
    tell(fd, what, WORKERS, value, "");
}

void rig_outlast(pid_t master)
{
    while (getppid() == master)
        (void)poll(NULL, 0, 20);
}

static void take_files(const struct gw_worker_env *env, int fd, int64_t number)
{
    int channel = env->channel_fd;
    enum reaction reaction = orders->reaction[env->index];
    if (reaction == ADOPT_NEWER) /* it will be killed for that */
        tell(fd, 'F', env->index, number, "");
    if (reaction == ADOPT_OLDER && number > 1)
        (void)gw_channel_send(channel, GW_CHANNEL_ADOPTED, number - 1);
    if (reaction == ADOPT || reaction == ADOPT_OLDER)
        (void)gw_channel_send(channel, GW_CHANNEL_ADOPTED, number);
    if (reaction == ADOPT_NEWER)
        (void)gw_channel_send(channel, GW_CHANNEL_ADOPTED, number + 1);
    if (reaction == KEEP)
        (void)gw_channel_send(channel, GW_CHANNEL_KEPT, number);
    if (reaction != ADOPT_NEWER)
        tell(fd, 'F', env->index, number, "");
}

static int work(const struct gw_worker_env *env, int fd, enum behaviour behaviour)
{
    struct pollfd p = {.fd = env->channel_fd, .events = POLLIN};
    for (;;) {
        struct gw_channel_message m;
        int files;
        (void)poll(&p, 1, -1);
        int r = gw_channel_receive_fd(env->channel_fd, &m, &files);
        if (r == -EAGAIN)
            continue;
        if (r == 1 && m.kind == GW_CHANNEL_FILES) {
            gw_fd_close(&files);
            take_files(env, fd, m.value);
            continue;
        }
        if (behaviour == HOLD)
            (void)gw_channel_send(env->channel_fd, GW_CHANNEL_READY, 0);
        tell(fd, r == 1 ? 'D' : 'E', env->index, r == 1 ? m.value : 0, "");
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

/* The size of the files is their number. */
static int64_t files_of(const struct gw_worker_env *env)
{
    struct stat st = {0};
    return env->files_fd >= 0 && !fstat(env->files_fd, &st) ? st.st_size : 0;
}

/* What it does after READY. */
static int go_on(const struct gw_worker_env *env, int fd, enum behaviour behaviour)
{
    switch (behaviour) {
    case LOG:
        log_line(env, "the last words", false);
        return GW_EXIT_OTHER;
    case BABBLE:
        (void)gw_channel_send(env->channel_fd, GW_CHANNEL_DRAIN, 1);
        break;
    case STOP:
        return GW_EXIT_START;
    case HANG_UP:
        (void)close(env->channel_fd);
        rig_outlast(getppid());
        return GW_EXIT_OTHER;
    default:
        break;
    }
    return work(env, fd, behaviour);
}

static int stand_in(const struct gw_worker_env *env)
{
    enum behaviour behaviour = orders->behaviour[env->index];
    if (behaviour == REFUSE)
        return GW_EXIT_START;
    if (behaviour == LOG || behaviour == TALK)
        log_line(env, "the first \n words", true);
    char seen[200];
    describe_self(env, seen, sizeof(seen)); /* before the FIFO is open */
    int fd = open(fifo_path, O_WRONLY | O_CLOEXEC);
    if (behaviour == CRASH) {
        tell(fd, 'C', env->index, 0, "");
        return GW_EXIT_OTHER;
    }
    if (behaviour == STOP)
        (void)kill(getppid(), SIGSTOP);
    if (behaviour != HOLD && gw_channel_send(env->channel_fd, GW_CHANNEL_READY, 0))
        return GW_EXIT_OTHER;
    tell(fd, behaviour == HOLD ? 'H' : 'R', env->index, files_of(env), seen);
    return go_on(env, fd, behaviour);
}

/* ---- the fixture ---- */

int rig_set_up(void **state)
{
    struct fixture *f = test_calloc(1, sizeof(*f));
    *state = f;
    orders = mmap(NULL, sizeof(*orders), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (orders == MAP_FAILED)
        return -1;
    f->orders = orders;
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

int rig_tear_down(void **state)
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
    int r = rmdir(f->folder) || munmap(f->orders, sizeof(*f->orders));
    test_free(f);
    return r;
}

void rig_all_behave(struct fixture *f, enum behaviour behaviour)
{
    for (unsigned i = 0; i < WORKERS; i++)
        f->orders->behaviour[i] = behaviour;
}

void rig_listen_on_loopback(struct fixture *f)
{
    struct gw_address *a = &f->service.listen[f->service.listen_count++];
    struct sockaddr_in *in = (struct sockaddr_in *)&a->addr;
    in->sin_family = AF_INET;
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    a->len = sizeof(*in);
}

void rig_make_heritage(struct fixture *f)
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

static gw_noreturn void be_master(struct fixture *f)
{
    struct gw_error err;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* a test that fails for good leaves nobody */
    (void)dup2(f->lines_write, STDERR_FILENO);
    (void)dup2(f->lines_write, STDOUT_FILENO);
    (void)signal(SIGCHLD, SIG_IGN); /* as a careless parent leaves it */
    int signals = gw_supervise_signals();
    if (signals < 0 || gw_privilege_drop(&f->config, &err))
        _exit(99);
    if (f->config.user && !GW_WITH_ASAN && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0))
        _exit(98);
    if (gw_pidfile_write(&f->heritage.pidfile, f->config.pidfile, &err))
        _exit(97);
    enum gw_exit r = gw_supervise(&f->heritage, &f->times, f->reload, signals);
    gw_heritage_done(&f->heritage);
    _exit((int)r);
}

void rig_fork(struct fixture *f)
{
    f->master = fork();
    assert_true(f->master >= 0);
    if (!f->master)
        be_master(f);
    /* Held by the master and its workers alone, so that their end is an end of file here. */
    gw_fd_close(&f->lines_write);
}

void rig_start(struct fixture *f)
{
    rig_make_heritage(f);
    rig_fork(f);
    gw_heritage_done(&f->heritage);
}

/* ---- what is seen of it ---- */

bool rig_report_there(struct fixture *f, int patience_ms)
{
    struct pollfd p = {.fd = f->fifo, .events = POLLIN};
    return poll(&p, 1, patience_ms) == 1;
}

struct report rig_next(struct fixture *f)
{
    struct report r = {0};
    if (!rig_report_there(f, PATIENCE_MS))
        fail_msg("nobody reported anything");
    assert_int_equal(read(f->fifo, &r, sizeof(r)), sizeof(r));
    return r;
}

struct report rig_expect(struct fixture *f, char what)
{
    struct report r = rig_next(f);
    if (r.what != what)
        fail_msg("worker %u reported %c, expected %c", r.index, r.what, what);
    return r;
}

void rig_expect_both(struct fixture *f, char what, struct report ret[WORKERS])
{
    for (unsigned i = 0; i < WORKERS; i++)
        ret[i].what = '\0';
    for (unsigned i = 0; i < WORKERS; i++) {
        struct report r = rig_expect(f, what);
        assert_true(r.index < WORKERS);
        ret[r.index] = r;
    }
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(ret[i].what, what);
}

void rig_expect_all_gone(struct fixture *f)
{
    struct pollfd p = {.fd = f->lines, .events = POLLIN};
    for (;;) {
        if (poll(&p, 1, PATIENCE_MS) != 1)
            fail_msg("some process of the gateway is still there");
        ssize_t n = read(f->lines, f->text + f->text_len, sizeof(f->text) - 1 - f->text_len);
        if (n <= 0)
            return;
        f->text_len += (size_t)n;
    }
}

unsigned rig_count(const struct fixture *f, const char *words)
{
    unsigned count = 0;
    for (const char *at = f->text; (at = strstr(at, words)); at += strlen(words))
        count++;
    return count;
}

static void read_until(struct fixture *f, const char *words, unsigned times)
{
    struct pollfd p = {.fd = f->lines, .events = POLLIN};
    while (rig_count(f, words) < times) {
        size_t left = sizeof(f->text) - 1 - f->text_len;
        ssize_t n =
            poll(&p, 1, PATIENCE_MS) == 1 ? read(f->lines, f->text + f->text_len, left) : -1;
        if (n <= 0)
            fail_msg("the log has no \"%s\" number %u: %s", words, times, f->text);
        f->text_len += (size_t)n;
        f->text[f->text_len] = '\0';
    }
}

void rig_wait_for_line(struct fixture *f, const char *words)
{
    read_until(f, words, 1);
}

void rig_wait_for_lines(struct fixture *f, const char *words, unsigned times)
{
    read_until(f, words, times);
    if (rig_count(f, words) > times)
        fail_msg("the log has \"%s\" more often than %u times: %s", words, times, f->text);
}

void rig_signal(const struct fixture *f, int signal)
{
    assert_int_equal(kill(f->master, signal), 0);
}

void rig_await_state(pid_t pid, char state)
{
    char path[64], text[256];
    int64_t give_up = gw_clock_ns() + PATIENCE_MS * GW_NS_PER_MS;
    char seen = '\0';
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    do {
        FILE *f = fopen(path, "re");
        const char *at = f && fgets(text, sizeof(text), f) ? strrchr(text, ')') : NULL;
        seen = '\0';
        if (at)
            (void)sscanf(at, ") %c", &seen);
        if (f)
            (void)fclose(f);
        else
            return;
        (void)poll(NULL, 0, 1);
    } while (seen != state && gw_clock_ns() < give_up);
    if (seen != state)
        fail_msg("process %d is in state %c, expected %c", (int)pid, seen, state);
}

void rig_kill(const struct report *worker)
{
    assert_int_equal(kill(worker->pid, SIGKILL), 0);
    rig_await_state(worker->pid, 'Z');
}

void rig_expect_exit(struct fixture *f, int code)
{
    int status = -1;
    int64_t give_up = gw_clock_ns() + PATIENCE_MS * GW_NS_PER_MS;
    while (waitpid(f->master, &status, WNOHANG) == 0) {
        if (gw_clock_ns() > give_up)
            fail_msg("the master does not end");
        (void)poll(NULL, 0, 1);
    }
    f->master = 0;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), code);
}

int rig_connect_to(uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = port};
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int r = connect(fd, (struct sockaddr *)&in, sizeof(in)) ? -errno : 0;
    (void)close(fd);
    return r;
}
