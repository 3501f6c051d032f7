/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/proc/spawn.h"

#include "gateway/base/fd.h"
#include "gateway/base/wipe.h"
#include "gateway/proc/pin.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* A terminal's Ctrl-C and a service manager's TERM reach every process of the group. Only the
 * master handles them; it then instructs the workers over their channels. */
static const int masters_signals[] = {SIGINT, SIGTERM, SIGHUP};

static void reset_signals(void)
{
    sigset_t none;
    for (int s = 1; s < NSIG; s++)
        (void)signal(s, SIG_DFL); /* fails for KILL, STOP and libc's own, which is fine */
    for (size_t i = 0; i < GW_ARRAY_SIZE(masters_signals); i++)
        (void)signal(masters_signals[i], SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static int by_value(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

/* Closes every other descriptor, so that none leaks by oversight: the other workers' sockets, and
 * the master's ends of their channels, which would hide the master's death. */
static void close_all_but(int *keep, size_t count)
{
    unsigned from = STDERR_FILENO + 1;
    qsort(keep, count, sizeof(*keep), by_value);
    for (size_t i = 0; i < count; i++) {
        unsigned fd = (unsigned)keep[i];
        if (keep[i] < 0)
            continue;
        if (fd > from)
            (void)close_range(from, fd - 1, 0);
        if (fd >= from)
            from = fd + 1;
    }
    (void)close_range(from, UINT_MAX, 0);
}

void gw_spawn_become(const char *name, int *keep, size_t count)
{
    close_all_but(keep, count);
    reset_signals();
    (void)prctl(PR_SET_NAME, name, 0, 0, 0);
    gw_wipe_forbid_dumps();
}

/* The descriptors of a worker. */
static size_t own(const struct gw_worker_env *env, int keep[GW_MAX_LISTENERS + 3])
{
    size_t count = 0;
    keep[count++] = env->channel_fd;
    keep[count++] = env->log_wake_fd;
    if (env->files_fd >= 0)
        keep[count++] = env->files_fd;
    for (unsigned i = 0; i < env->listener_count; i++)
        keep[count++] = env->listeners[i].fd;
    return count;
}

/* The master dropped its rights before the fork. */
static gw_noreturn void be_worker(const struct gw_heritage *h, unsigned index, int channel_fd)
{
    struct gw_worker_env env;
    struct gw_error err;
    char name[16];
    int keep[GW_MAX_LISTENERS + 3];
    gw_heritage_share(h, index, channel_fd, &env);
    (void)snprintf(name, sizeof(name), "ktlsgate-w%u", index);
    gw_spawn_become(name, keep, own(&env, keep));
    if (gw_pin_worker(h->config, index, &err)) {
        gw_log(GW_LOG_ERROR, "worker %u: %s", index, err.text);
        _exit(GW_EXIT_START);
    }
    _exit(h->worker(&env));
}

int gw_spawn_worker(const struct gw_heritage *h, unsigned index, struct gw_spawned *ret)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends))
        return -errno;
    gw_stats_restart(&h->stats[index]);
    pid_t pid = fork();
    int error = errno;
    if (!pid)
        be_worker(h, index, ends[1]);
    gw_fd_close(&ends[1]);
    if (pid < 0) {
        gw_fd_close(&ends[0]);
        return -error;
    }
    *ret = (struct gw_spawned){.pid = pid, .channel_fd = ends[0]};
    return 0;
}
