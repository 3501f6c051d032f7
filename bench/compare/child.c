/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/compare/child.h"

#include "bench/compare/janitor.h"
#include "gateway/base/clock.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long a child may take to end by itself. */
#define PATIENCE_NS (3 * GW_NS_PER_SEC)
#define LOOK_NS (20 * GW_NS_PER_MS)

static const int endings[] = {SIGINT, SIGTERM, SIGHUP};
static bool interrupted;
static sigset_t awaited; /* the signals that a wait unblocks, with SIGCHLD */
static sigset_t before;

void bench_child_begin(void)
{
    (void)sigemptyset(&awaited);
    (void)sigaddset(&awaited, SIGCHLD);
    for (size_t i = 0; i < GW_ARRAY_SIZE(endings); i++)
        (void)sigaddset(&awaited, endings[i]);
    (void)sigprocmask(SIG_BLOCK, &awaited, &before);
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
}

/* Until one of the signals comes, or the time is over. */
static void look(int64_t timeout_ns)
{
    struct timespec wait = {.tv_sec = timeout_ns / GW_NS_PER_SEC,
                            .tv_nsec = timeout_ns % GW_NS_PER_SEC};
    int signal = sigtimedwait(&awaited, NULL, &wait);
    for (size_t i = 0; i < GW_ARRAY_SIZE(endings); i++)
        interrupted |= signal == endings[i];
}

bool bench_child_interrupted(void)
{
    look(0);
    return interrupted;
}

static void be_child(pid_t parent, const struct bench_cpus *cpus)
{
    cpu_set_t set;
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    CPU_ZERO(&set);
    for (unsigned i = 0; i < cpus->count; i++)
        CPU_SET(cpus->list[i], &set);
    if (cpus->count)
        (void)sched_setaffinity(0, sizeof(set), &set);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
}

void *bench_child_memory(size_t len)
{
    void *at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

pid_t bench_child_fork(const struct bench_cpus *cpus)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0) {
        be_child(parent, cpus);
        return 0;
    }
    (void)setpgid(pid, pid); /* both processes do this, since either may be first: a kill of the
                                group must not miss it */
    bench_janitor_tell(pid, true);
    return pid;
}

int bench_child_wait(pid_t pid, int64_t timeout_ns, int *ret_status)
{
    int64_t until = gw_clock_ns() + timeout_ns;
    for (;;) {
        int64_t left = until - gw_clock_ns();
        if (waitpid(pid, ret_status, WNOHANG) == pid) {
            bench_janitor_tell(pid, false);
            return 0;
        }
        if (interrupted)
            return -EINTR;
        if (left <= 0)
            return -ETIMEDOUT;
        look(GW_MIN(left, LOOK_NS));
    }
}

/* Whether nothing of the group is left; those that ended are reaped. */
static bool is_gone(pid_t group)
{
    pid_t pid;
    do
        pid = waitpid(-group, NULL, WNOHANG);
    while (pid > 0);
    return pid < 0 && errno == ECHILD && kill(-group, 0) != 0;
}

void bench_child_stop(pid_t pid)
{
    const int64_t until = gw_clock_ns() + PATIENCE_NS;
    if (pid <= 0)
        return;
    (void)kill(-pid, SIGTERM);
    while (!is_gone(pid)) {
        int64_t late = gw_clock_ns() - until;
        if (late > PATIENCE_NS) /* not even that helps; it is stuck in the kernel */
            return;
        if (late > 0)
            (void)kill(-pid, SIGKILL);
        look(LOOK_NS);
    }
    bench_janitor_tell(pid, false);
}
