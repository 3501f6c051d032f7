/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/compare/janitor.h"

#include "bench/compare/site.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    GROUPS_MAX = 4 /* at a time; those before have ended long since */
};

static void clean(int from, const char *folder)
{
    pid_t groups[GROUPS_MAX] = {0};
    pid_t group;
    unsigned count = 0;
    while (read(from, &group, sizeof(group)) == (ssize_t)sizeof(group))
        groups[count++ % GROUPS_MAX] = group;
    for (unsigned i = 0; i < GROUPS_MAX; i++)
        if (groups[i] > 1)
            (void)kill(-groups[i], SIGKILL);
    bench_site_remove(folder);
}

int bench_janitor_start(struct bench_janitor *j, const char *folder, struct gw_error *err)
{
    int ends[2];
    const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    if (pipe2(ends, O_CLOEXEC))
        return gw_error_set(err, GW_EXIT_OTHER, "no pipe: %s", strerror(errno));
    j->pid = fork();
    if (j->pid == 0) {
        for (size_t i = 0; i < GW_ARRAY_SIZE(ignored); i++)
            (void)signal(ignored[i], SIG_IGN);
        (void)close(ends[1]);
        clean(ends[0], folder);
        _exit(0);
    }
    (void)close(ends[0]);
    j->pipe = ends[1];
    if (j->pid > 0)
        return 0;
    (void)close(ends[1]);
    return gw_error_set(err, GW_EXIT_OTHER, "no process: %s", strerror(errno));
}

void bench_janitor_tell(const struct bench_janitor *j, pid_t group)
{
    (void)!write(j->pipe, &group, sizeof(group));
}

void bench_janitor_end(struct bench_janitor *j)
{
    (void)close(j->pipe);
    (void)waitpid(j->pid, NULL, 0);
}
