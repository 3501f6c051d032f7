/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/tool/proc.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PROCESSES_MAX = 4096
};

struct family {
    pid_t pids[PROCESSES_MAX];
    unsigned count;
};

/* The parent of a process; -1 when it is gone. Its name, which may hold anything, is in brackets.
 */
static pid_t parent_of(pid_t pid)
{
    char path[64], text[512];
    int ppid = -1;
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "re");
    if (!f)
        return -1;
    size_t n = fread(text, 1, sizeof(text) - 1, f);
    (void)fclose(f);
    text[n] = '\0';
    const char *after = strrchr(text, ')');
    if (after && sscanf(after + 1, " %*c %d", &ppid) != 1)
        return -1;
    return ppid;
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
        if (pid > 0 && of->count < PROCESSES_MAX && !is_in(of, pid) && is_in(of, parent_of(pid)))
            of->pids[of->count++] = pid;
    }
    if (dir)
        (void)closedir(dir);
    return of->count > before;
}

static int64_t cpu_of_task(pid_t pid, const char *task)
{
    char path[128];
    long long ns = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/task/%.20s/schedstat", (int)pid, task);
    FILE *f = fopen(path, "re");
    if (!f)
        return 0;
    if (fscanf(f, "%lld", &ns) != 1)
        ns = 0;
    (void)fclose(f);
    return ns;
}

/* -1: there is no such process. */
static int64_t cpu_of(pid_t pid)
{
    char path[64];
    int64_t sum = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    DIR *dir = opendir(path);
    if (!dir)
        return -1;
    for (struct dirent *e = readdir(dir); e; e = readdir(dir))
        if (e->d_name[0] != '.')
            sum += cpu_of_task(pid, e->d_name);
    (void)closedir(dir);
    return sum;
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
        if (memory && !add_memory(of.pids[i], ret))
            return gw_error_set(err, GW_EXIT_START,
                                "--pid %d: its memory may not be looked at (run as its user, or "
                                "as root): %s",
                                (int)of.pids[i], strerror(errno));
        ret->cpu_ns += cpu_ns;
        ret->processes++;
    }
    return 0;
}
