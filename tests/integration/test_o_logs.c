/* SPDX-License-Identifier: Apache-2.0 */
/* A log that cannot be written: connections are not affected, and lost lines are reported once
 * there is a reader. */
#include "tests/integration/attempt.h"
#include "tests/integration/backend.h"
#include "tests/integration/check.h"
#include "tests/integration/net.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    DISK_BYTES = 64 * 1024,
    MANY = 700, /* connections: more than the lines that a worker's log ring and a pipe hold */
    SOME = 60,
};

static struct backend *backend;
static pid_t gateway; /* the master; 0: none */
static uint16_t port;

static int start(void **state)
{
    (void)state;
    backend = backend_start(&BACKEND_PLAN(.echo = true));
    return 0;
}

static int stop(void **state)
{
    (void)state;
    if (gateway) {
        (void)kill(gateway, SIGKILL);
        (void)waitpid(gateway, NULL, 0);
        gateway = 0;
    }
    backend_stop(backend);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

/* ---- a gateway whose log is not ours to read ---- */

static _Noreturn void become_gateway(int log_fd, const char *listen, const char *target)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)dup2(log_fd, STDERR_FILENO);
    execl(getenv("KTLSGATE"), "ktlsgate", "server", "--listen", listen, "--target", target,
          "--cert", world_cert(ID_SERVER), "--key", world_key(ID_SERVER), "--workers", "1", NULL);
    _exit(127);
}

static void await_port(void)
{
    int64_t deadline = net_now_ms() + DEADLINE_MS;
    int fd;
    while ((fd = net_connect(port)) < 0 && net_now_ms() < deadline)
        (void)poll(NULL, 0, 10);
    assert_return_code(fd, 0);
    (void)close(fd);
}

/* Its standard error is log_fd, which stays the caller's. */
static void serve(int log_fd)
{
    char listen[32], target[32];
    assert_non_null(getenv("KTLSGATE"));
    assert_return_code(close(net_listen(1, &port)), 0);
    (void)snprintf(listen, sizeof(listen), "127.0.0.1:%u", port);
    (void)snprintf(target, sizeof(target), "127.0.0.1:%u", backend_port(backend));
    (void)fflush(NULL);
    gateway = fork();
    assert_true(gateway >= 0);
    if (gateway == 0)
        become_gateway(log_fd, listen, target);
    await_port();
}

static void end_gateway(void)
{
    int status;
    assert_return_code(kill(gateway, SIGTERM), 0);
    assert_int_equal(waitpid(gateway, &status, 0), gateway);
    gateway = 0;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void expect_service(unsigned count)
{
    const struct client_options options = {.port = port};
    struct attempts a;
    attempts_begin(&a, &options, 100);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(attempt_one(&a), ATTEMPT_GOOD);
    attempts_done(&a);
}

/* ---- what it wrote ---- */

struct written {
    unsigned closed; /* lines on connections that finished */
    unsigned lost;   /* lines that it says are lost */
    bool summary;
};

/* The number before `words`; 0 when they are not there. */
static unsigned number_before(const char *line, const char *words)
{
    const char *at = strstr(line, words);
    while (at && at > line && at[-1] >= '0' && at[-1] <= '9')
        at--;
    return at ? (unsigned)strtoul(at, NULL, 10) : 0;
}

static void take_line(struct written *w, const char *line)
{
    w->closed += strstr(line, CONN_LINE_WORDS "reason=finished ") && strchr(line, '\n');
    w->lost += number_before(line, " lines are lost");
    w->lost += number_before(line, " log entries were lost");
    w->summary |= strstr(line, " connections: ") != NULL;
}

/* Every line begins as a line. */
static struct written read_log(FILE *f)
{
    struct written w = {.closed = 0};
    char line[LOG_LINE_MAX];
    while (fgets(line, sizeof(line), f)) {
        if (strncmp(line, "20", 2) != 0)
            fail_msg("no line begins with: %s", line);
        take_line(&w, line);
    }
    return w;
}

/* ---- tests ---- */

static void a_device_that_is_always_full(void **state)
{
    (void)state;
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_return_code(full, 0);
    serve(full);
    (void)close(full);
    expect_service(SOME);
    end_gateway();
}

/* A disk of our own, nobody else's; it goes when this program ends. */
static const char *mount_disk(void)
{
    static char path[256];
    char options[32];
    (void)snprintf(path, sizeof(path), "%s/disk", world_folder());
    (void)snprintf(options, sizeof(options), "size=%d", DISK_BYTES);
    if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
        skip_because("a mount of our own needs root");
    assert_return_code(mkdir(path, 0700), 0);
    if (mount("tmpfs", path, "tmpfs", 0, options)) {
        (void)rmdir(path);
        skip_because("no tmpfs can be mounted here");
    }
    return path;
}

static void fill_disk(const char *file)
{
    char bytes[4096] = "full";
    int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_return_code(fd, 0);
    while (write(fd, bytes, sizeof(bytes)) > 0)
        ;
    (void)close(fd);
}

static void a_disk_that_is_full_for_a_while(void **state)
{
    char log[300], filler[300];
    (void)state;
    const char *disk = mount_disk();
    (void)snprintf(log, sizeof(log), "%s/log", disk);
    (void)snprintf(filler, sizeof(filler), "%s/filler", disk);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_return_code(fd, 0);
    serve(fd);
    (void)close(fd);
    expect_service(5);
    fill_disk(filler);
    expect_service(SOME);
    assert_return_code(unlink(filler), 0);
    expect_service(5);
    end_gateway();
    FILE *f = fopen(log, "re");
    assert_non_null(f);
    struct written w = read_log(f);
    (void)fclose(f);
    assert_return_code(umount2(disk, MNT_DETACH), 0);
    assert_return_code(rmdir(disk), 0);
    assert_in_range(w.closed, 10, SOME + 9);
    assert_true(w.lost > 0);
    /* One line may have been torn so late that it looks whole. */
    assert_in_range(w.closed + w.lost, SOME + 10, SOME + 11);
    assert_true(w.summary);
}

/* A reader that pauses gets the contents of the pipe and the worker's ring. */
static void a_pipe_that_nobody_reads_for_a_while(void **state)
{
    int ends[2];
    (void)state;
    assert_return_code(pipe2(ends, O_CLOEXEC), 0);
    serve(ends[1]);
    (void)close(ends[1]);
    expect_service(MANY);
    assert_return_code(kill(gateway, SIGTERM), 0);
    FILE *f = fdopen(ends[0], "r");
    assert_non_null(f);
    struct written w = read_log(f);
    (void)fclose(f);
    int status;
    assert_int_equal(waitpid(gateway, &status, 0), gateway);
    gateway = 0;
    assert_true(w.lost > 0);
    assert_true(w.closed > 100);
    assert_in_range(w.closed + w.lost, MANY, MANY + 10); /* the master's own lines, too */
}

static void a_pipe_whose_reader_is_gone(void **state)
{
    int ends[2];
    (void)state;
    assert_return_code(pipe2(ends, O_CLOEXEC), 0);
    serve(ends[1]);
    (void)close(ends[1]);
    expect_service(5);
    (void)close(ends[0]);
    expect_service(SOME);
    end_gateway();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_device_that_is_always_full),
        TEST(a_disk_that_is_full_for_a_while),
        TEST(a_pipe_that_nobody_reads_for_a_while),
        TEST(a_pipe_whose_reader_is_gone),
    };
    return run_world("o_logs", tests);
}
