/* SPDX-License-Identifier: Apache-2.0 */
/* Exhaustion in a worker: descriptors, memory, buffers that the kernel may pick. Open connections
 * continue, new ones wait or get a reason, nothing spins, and all recovers when resources
 * return. */
#include "gateway/base/compat.h"
#include "tests/integration/attempt.h"
#include "tests/integration/check.h"
#include "tests/integration/client_steps.h"
#include "tests/integration/net.h"
#include "tests/integration/stage.h"

#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define KIB UINT64_C(1024)
#define MIB (KIB * 1024)

enum {
    FULL = 5,   /* connections that the descriptors are enough for */
    CROWD = 60, /* more than the buffers that are lent to the kernel first */
    WATCH_MS = 1000,
    RECORD = 5000,
    ALERT_INTERNAL_ERROR = 80,
    STORM = 300,
    HALF_OPEN = 200,
};

static pid_t worker;

static void serve(void)
{
    stage_serve(&(struct gateway_options){
        .flags = {"--handshake-timeout", "60s"},
    });
    worker = stage_worker();
}

static struct client_options options(void)
{
    return (struct client_options){.port = gateway->port};
}

static long worker_size_kib(void)
{
    char path[64], line[256];
    long kib = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)worker);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f))
        if (strncmp(line, "VmSize:", 7) == 0)
            kib = strtol(line + 7, NULL, 10);
    if (f)
        (void)fclose(f);
    return kib;
}

/* Processor time that the worker has used so far. */
static long worker_cpu_ms(void)
{
    clockid_t clock;
    struct timespec t = {0};
    if (clock_getcpuclockid(worker, &clock) == 0)
        (void)clock_gettime(clock, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Nothing can continue, so it should do nearly nothing: spinning takes a whole processor. */
static void expect_rest(void)
{
    long before = worker_cpu_ms();
    (void)poll(NULL, 0, WATCH_MS);
    long used = worker_cpu_ms() - before;
    if (used > WATCH_MS / 20)
        fail_msg("the worker used %ld ms of processor time in %d ms in which it could do nothing",
                 used, WATCH_MS);
}

/* ---- descriptors ---- */

static void limit_worker(int what, rlim_t value)
{
    struct rlimit limit;
    if (prlimit(worker, what, NULL, &limit))
        skip_because("this user may not set limits of the worker");
    limit.rlim_cur = value;
    if (prlimit(worker, what, &limit, NULL))
        skip_because("this user may not set limits of the worker");
}

static void unlimit_worker(int what)
{
    struct rlimit limit;
    assert_return_code(prlimit(worker, what, NULL, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_return_code(prlimit(worker, what, &limit, NULL), 0);
}

/* Lets the worker open `more` descriptors. The limit is on their numbers, and below it some may be
 * in use. */
static void leave_descriptors(unsigned more)
{
    char path[64];
    bool used[1024] = {false};
    unsigned limit = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)worker);
    DIR *dir = opendir(path);
    if (!dir)
        skip_because("/proc/PID/fd of the worker is not readable");
    for (struct dirent *e; (e = readdir(dir));)
        used[strtoul(e->d_name, NULL, 10) % 1024] |= e->d_name[0] != '.';
    (void)closedir(dir);
    for (unsigned free = 0; free < more; limit++)
        free += !used[limit % 1024];
    limit_worker(RLIMIT_NOFILE, limit);
}

static void fill(struct client crowd[FULL])
{
    for (int i = 0; i < FULL; i++) {
        stage_join(&crowd[i], NULL);
        stage_echo(&crowd[i], 1000);
    }
}

static void empty(struct client *crowd, int count)
{
    for (int i = 0; i < count; i++) {
        stage_echo(&crowd[i], 20000);
        stage_leave(&crowd[i]);
    }
}

static void await_fds(int want)
{
    int64_t deadline = net_now_ms() + DEADLINE_MS;
    int now;
    while ((now = process_fds(worker)) != want && net_now_ms() < deadline)
        (void)poll(NULL, 0, 10);
    assert_int_equal(now, want);
}

/* Two for each of those that are open and one more: the next client is accepted, and there is none
 * for its backend. */
static void no_descriptor_for_the_backend(void **state)
{
    struct client crowd[FULL], c;
    struct conn_line line;
    (void)state;
    serve();
    int fds = process_fds(worker);
    leave_descriptors(2 * FULL + 1);
    fill(crowd);
    for (int i = 0; i < 3; i++) {
        stage_join(&c, NULL);
        assert_int_equal(client_read_end(&c), CLIENT_ALERTED);
        assert_int_equal(c.alert, ALERT_INTERNAL_ERROR);
        client_close(&c);
        gateway_expect(gateway, "no-memory", &line);
        assert_string_equal(line.detail, "Too many open files");
    }
    stage_leave(&crowd[0]);
    await_fds(fds + 2 * (FULL - 1));
    stage_join(&c, NULL);
    empty(&c, 1);
    empty(crowd + 1, FULL - 1);
    unlimit_worker(RLIMIT_NOFILE);
    await_fds(fds);
    gateway_stop(gateway);
}

/* ---- memory and buffers ---- */

static void expect_service(void)
{
    const struct client_options o = options();
    struct attempts a;
    backend_set_plan(backend, &BACKEND_PLAN(.echo = true));
    attempts_begin(&a, &o, 50000);
    for (int i = 0; i < 20; i++)
        assert_int_equal(attempt_one(&a), ATTEMPT_GOOD);
    attempts_done(&a);
}

/* Sends half a record, which the gateway has to hold. */
static void send_half(struct client *c)
{
    c->wire.hold = true;
    assert_int_equal(client_step_send(c, RECORD), 0);
    size_t part = c->wire.held_len / 2;
    assert_true(net_send(c->fd, c->wire.held, part, 0));
    c->wire.held_len -= part;
    memmove(c->wire.held, c->wire.held + part, c->wire.held_len);
}

/* Each connection comes to hold a buffer; for the first of them only there are some. */
static void no_memory_for_buffers(void **state)
{
    static struct client crowd[CROWD];
    (void)state;
    serve();
    int fds = process_fds(worker);
    for (int i = 0; i < CROWD; i++)
        stage_join(&crowd[i], NULL);
    while (backend_accepted(backend) < CROWD) /* then the worker is done with handshakes, too */
        (void)poll(NULL, 0, 1);
    limit_worker(RLIMIT_AS, (rlim_t)worker_size_kib() * KIB);
    for (int i = 0; i < CROWD; i++)
        send_half(&crowd[i]);
    expect_rest();
    unlimit_worker(RLIMIT_AS);
    for (int i = 0; i < CROWD; i++) {
        client_release(&crowd[i]);
        client_receive(&crowd[i], RECORD);
    }
    empty(crowd, CROWD);
    expect_service();
    await_fds(fds);
    gateway_stop(gateway);
}

/* ---- peers that stop ---- */

/* Memory once it has stopped to change. */
static long settled_kib(void)
{
    long before, now = process_memory_kib(worker);
    do {
        before = now;
        (void)poll(NULL, 0, 200);
        now = process_memory_kib(worker);
    } while (now != before);
    return now;
}

/* A ClientHello of 32 KiB in two records, but for its last byte. */
static size_t make_long_hello(uint8_t *out)
{
    const size_t record = 16384, whole = 2 * record;
    size_t len = 0;
    for (size_t at = 0; at < whole; at += record) {
        const uint8_t header[] = {22, 3, 1, record >> 8, record & 0xff};
        memcpy(out + len, header, sizeof(header));
        memset(out + len + sizeof(header), 0, record);
        len += sizeof(header) + record;
    }
    const uint8_t message[] = {1, 0, (whole - 4) >> 8, (whole - 4) & 0xff};
    memcpy(out + 5, message, sizeof(message));
    return len - 1;
}

/* Bytes of the worker for each of HALF_OPEN peers that sent this, and then nothing. */
static long bytes_each(const char *what, const void *data, size_t len)
{
    static int fds[HALF_OPEN];
    int closed = process_fds(worker);
    long before = settled_kib();
    for (int i = 0; i < HALF_OPEN; i++) {
        fds[i] = net_connect(gateway->port);
        assert_return_code(fds[i], 0);
        assert_true(len == 0 || net_send(fds[i], data, len, 0));
    }
    await_fds(closed + HALF_OPEN);
    long each = (settled_kib() - before) * 1024 / HALF_OPEN;
    for (int i = 0; i < HALF_OPEN; i++)
        (void)close(fds[i]);
    await_fds(closed);
    print_message("    %s: %ld bytes each\n", what, each);
    return each;
}

/* The figures are in docs/limits.md; under MALLOC_PERTURB_, which meson sets, they are higher. The
 * cheapest case comes first: memory that one case frees may serve the next, and would hide it in
 * the other order. */
static void a_peer_that_does_not_go_on_costs_little(void **state)
{
    static uint8_t hello[2 * 16384 + 10];
    size_t len = make_long_hello(hello);
    (void)state;
    if (GW_WITH_ASAN)
        skip_because("the address sanitizer has its own malloc");
    serve();
    assert_true(bytes_each("nothing sent", "", 0) < 4 * 1024);
    assert_true(bytes_each("one byte", "\x16", 1) < 96 * 1024);
    assert_true(bytes_each("a ClientHello of 32 KiB without its end", hello, len) < 192 * 1024);
    gateway_stop(gateway);
}

/* ---- signals ---- */

struct storm {
    pthread_t thread;
    atomic_bool stop;
};

/* What means the master reaches the workers of its process group too. A stop makes the kernel
 * interrupt the wait for completions. */
static void *send_signals(void *arg)
{
    static const int to_worker[] = {SIGHUP, SIGUSR1, SIGUSR2, SIGINT, SIGTERM, SIGSTOP, SIGCONT};
    struct storm *s = arg;
    for (int i = 0; i < STORM && !atomic_load(&s->stop); i++) {
        for (size_t k = 0; k < sizeof(to_worker) / sizeof(to_worker[0]); k++)
            (void)kill(worker, to_worker[k]);
        (void)kill(gateway->pid, SIGHUP);
        (void)poll(NULL, 0, 1);
    }
    return NULL;
}

static void signals_change_nothing(void **state)
{
    struct storm storm = {.stop = false};
    struct attempts a;
    (void)state;
    serve();
    const struct client_options o = options();
    attempts_begin(&a, &o, 2 * MIB);
    assert_int_equal(pthread_create(&storm.thread, NULL, send_signals, &storm), 0);
    for (int i = 0; i < (world_is_small() ? 3 : 10); i++)
        (void)attempt_one(&a);
    atomic_store(&storm.stop, true);
    (void)pthread_join(storm.thread, NULL);
    attempts_check(&a);
    assert_int_equal(a.count[ATTEMPT_FAILED], 0);
    attempts_done(&a);
    gateway_stop(gateway);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(no_descriptor_for_the_backend),
        STAGED(no_memory_for_buffers),
        STAGED(a_peer_that_does_not_go_on_costs_little),
        STAGED(signals_change_nothing),
    };
    return run_world("m_limits", tests);
}
