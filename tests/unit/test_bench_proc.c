/* SPDX-License-Identifier: Apache-2.0 */
/* bench/tool/proc: children that use a known amount of time and memory. */
#include "bench/tool/proc.h"

#include "gateway/base/attr.h"
#include "gateway/base/clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    BURN_MS = 60,
    MEMORY = 16 << 20,
    PAGE = 4096, /* the smallest that there is */
};

/* The messages between the parent and a child. */
struct talk {
    int to_child[2];
    int to_parent[2];
};

typedef void child_fn(void);

static int64_t own_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * GW_NS_PER_SEC + now.tv_nsec;
}

static void burn(void)
{
    int64_t until = own_ns() + BURN_MS * GW_NS_PER_MS;
    while (own_ns() < until)
        ;
}

static void *burn_in_thread(void *arg gw_unused)
{
    burn();
    return NULL;
}

static void burn_in_ended_thread(void)
{
    pthread_t id;
    if (!pthread_create(&id, NULL, burn_in_thread, NULL))
        (void)pthread_join(id, NULL);
}

static void burn_in_grandchild_that_stays(void)
{
    int done[2];
    char byte;
    if (pipe(done))
        return;
    if (fork() == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        burn();
        (void)!write(done[1], "", 1);
        for (;;)
            (void)pause();
    }
    (void)!read(done[0], &byte, 1);
}

static void burn_in_grandchild_that_ended(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        burn();
        _exit(0);
    }
    (void)waitpid(pid, NULL, 0);
}

static void do_nothing(void)
{
}

/* Without AddressSanitizer's checks, which would read the memory's shadow: that would be an eighth
 * more. */
__attribute__((no_sanitize("address"))) static void take_memory(void)
{
    volatile char *memory =
        mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t at = 0; memory != MAP_FAILED && at < MEMORY; at += PAGE)
        memory[at] = 1;
}

/* A child, independent of the test's own time, that works on command. */
static pid_t start(struct talk *t, child_fn *work)
{
    char byte;
    assert_int_equal(pipe(t->to_child), 0);
    assert_int_equal(pipe(t->to_parent), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_NAME, "a) R 1 (");
        (void)!read(t->to_child[0], &byte, 1);
        work();
        (void)!write(t->to_parent[1], "", 1);
        for (;;)
            (void)pause();
    }
    return pid;
}

static void let_it_work(struct talk *t)
{
    char byte;
    assert_int_equal(write(t->to_child[1], "", 1), 1);
    assert_int_equal(read(t->to_parent[0], &byte, 1), 1);
}

static void stop(struct talk *t, pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    for (int i = 0; i < 2; i++) {
        (void)close(t->to_child[i]);
        (void)close(t->to_parent[i]);
    }
}

static void measure(child_fn *work, bool memory, struct bench_proc *before,
                    struct bench_proc *after)
{
    struct talk t;
    struct gw_error err = {.text = ""};
    struct bench_pids pids = {.count = 1};
    pids.list[0] = start(&t, work);
    assert_int_equal(bench_proc_read(&pids, memory, before, &err), 0);
    let_it_work(&t);
    assert_int_equal(bench_proc_read(&pids, memory, after, &err), 0);
    stop(&t, pids.list[0]);
}

static void time_is_counted_wherever_it_went(void **state gw_unused)
{
    static const struct {
        child_fn *work;
        int64_t least_ms, most_ms;
        unsigned processes;
    } rows[] = {
        {do_nothing, 0, 10, 1},
        {burn, BURN_MS, BURN_MS + 30, 1},
        {burn_in_ended_thread, BURN_MS, BURN_MS + 30, 1},
        {burn_in_grandchild_that_stays, BURN_MS, BURN_MS + 30, 2},
        {burn_in_grandchild_that_ended, BURN_MS - 10, BURN_MS + 30, 1}, /* reported in ticks */
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        struct bench_proc before, after;
        measure(rows[i].work, false, &before, &after);
        int64_t ms = (after.cpu_ns - before.cpu_ns) / GW_NS_PER_MS;
        if (ms < rows[i].least_ms || ms > rows[i].most_ms)
            fail_msg("row %zu: %lld ms", i, (long long)ms);
        assert_int_equal(before.processes, 1);
        assert_int_equal(after.processes, rows[i].processes);
        assert_int_equal(after.pss_bytes, 0); /* nobody asked */
    }
}

static void memory_is_counted_when_asked_for(void **state gw_unused)
{
    struct bench_proc before, after;
    measure(take_memory, true, &before, &after);
    assert_true(before.pss_bytes > 0);
    assert_in_range(after.anon_bytes - before.anon_bytes, MEMORY, MEMORY + (1 << 20));
    /* The share of a library that others map, too, falls while they begin. */
    assert_in_range(after.pss_bytes - before.pss_bytes, MEMORY - (1 << 20), MEMORY + (1 << 20));
}

static void a_child_of_one_that_is_named_counts_once(void **state gw_unused)
{
    struct talk t;
    struct bench_proc one, both;
    struct bench_pids pids = {.count = 1};
    struct gw_error err;
    pids.list[0] = getpid();
    pid_t child = start(&t, do_nothing);
    assert_int_equal(bench_proc_read(&pids, false, &one, &err), 0);
    pids.list[pids.count++] = child;
    assert_int_equal(bench_proc_read(&pids, false, &both, &err), 0);
    assert_int_equal(one.processes, 2);
    assert_int_equal(both.processes, 2);
    stop(&t, child);
}

static void a_process_that_is_gone_is_told(void **state gw_unused)
{
    struct talk t;
    struct bench_proc proc;
    struct gw_error err;
    struct bench_pids pids = {.count = 1};
    pids.list[0] = start(&t, do_nothing);
    stop(&t, pids.list[0]);
    assert_int_not_equal(bench_proc_read(&pids, false, &proc, &err), 0);
    assert_non_null(strstr(err.text, "--pid"));
    assert_non_null(strstr(err.text, "no such process"));
    assert_int_equal(err.exit, GW_EXIT_START);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_is_counted_wherever_it_went),
        cmocka_unit_test(memory_is_counted_when_asked_for),
        cmocka_unit_test(a_child_of_one_that_is_named_counts_once),
        cmocka_unit_test(a_process_that_is_gone_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
