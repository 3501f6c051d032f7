/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/tool/proc.h"

#include "gateway/base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    PROCESSES_MAX = 4096
};

struct family {
    pid_t pids[PROCESSES_MAX];
    unsigned count;
};

/* What /proc/PID/stat says behind the name, which may hold anything and stands in brackets. */
struct stat_line {
    int parent;                /* -1: the process is gone */
    unsigned long children[2]; /* ticks of those that ended, in user mode and in the kernel's */
};

static struct stat_line read_stat(pid_t pid)
{
    struct stat_line line = {.parent = -1};
    char path[64], text[512];
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "re");
    if (!f)
        return line;
    size_t n = fread(text, 1, sizeof(text) - 1, f);
    (void)fclose(f);
    text[n] = '\0';
    const char *after = strrchr(text, ')');
    if (!after || sscanf(after + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %lu %lu",
                         &line.parent, &line.children[0], &line.children[1]) != 3)
        line.parent = -1;
    return line;
}

static bool is_in(const struct family *of, pid_t pid)
{
    for (unsigned i = 0; i < of->count; i++)
        if (of->pids[i] == pid)
            return true;
    return false;
}

/* Adds the children of those that are in it; whether there were any. */
static bool add_children(struct family *of)
{
    unsigned before = of->count;
    DIR *dir = opendir("/proc");
    for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
        pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);
        if (pid > 0 && of->count < PROCESSES_MAX && !is_in(of, pid) &&
            is_in(of, read_stat(pid).parent))
            of->pids[of->count++] = pid;
    }
    if (dir)
        (void)closedir(dir);
    return of->count > before;
}

/* -1: there is no such process. */
static int64_t cpu_of(pid_t pid)
{
    struct stat_line line = read_stat(pid);
    struct timespec own;
    clockid_t clock;
    if (line.parent < 0 || clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &own))
        return -1;
    int64_t tick_ns = GW_NS_PER_SEC / sysconf(_SC_CLK_TCK);
    return (int64_t)own.tv_sec * GW_NS_PER_SEC + own.tv_nsec +
           (int64_t)(line.children[0] + line.children[1]) * tick_ns;
}

static bool add_memory(pid_t pid, struct bench_proc *to)
{
    char path[64], line[256];
    unsigned long kib;
    (void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    while (fgets(line, sizeof(line), f)) {
        if (sscanf(line, "Pss: %lu kB", &kib) == 1)
            to->pss_bytes += (uint64_t)kib * 1024;
        else if (sscanf(line, "Pss_Anon: %lu kB", &kib) == 1)
            to->anon_bytes += (uint64_t)kib * 1024;
    }
    (void)fclose(f);
    return true;
}

int bench_proc_read(const struct bench_pids *pids, bool memory, struct bench_proc *ret,
                    struct gw_error *err)
{
    struct family of = {.count = pids->count};
    *ret = (struct bench_proc){0};
    memcpy(of.pids, pids->list, pids->count * sizeof(of.pids[0]));
    while (add_children(&of))
        ;
    for (unsigned i = 0; i < of.count; i++) {
        int64_t cpu_ns = cpu_of(of.pids[i]);
        if (cpu_ns < 0 && i < pids->count)
            return gw_error_set(err, GW_EXIT_START, "--pid %d: there is no such process",
                                (int)of.pids[i]);
        if (cpu_ns < 0) /* a child that ended meanwhile */
            continue;
        if (memory && !add_memory(of.pids[i], ret) && errno != ENOENT && errno != ESRCH)
            return gw_error_set(
                err, GW_EXIT_START,
                "--pid %d: its memory cannot be read (run as its user, or as root): %s",
                (int)of.pids[i], strerror(errno));
        ret->cpu_ns += cpu_ns;
        ret->processes++;
    }
    return 0;
}
