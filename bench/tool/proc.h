/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cost of processes: processor time and memory of given ones with all their children, from
 * /proc. CPU time includes all their threads, those that ended and io_uring's in the kernel, in
 * nanoseconds (clock_getcpuclockid(3)). That of children that ended and were waited for comes in
 * ticks of 10 ms.
 */
#pragma once

#include "bench/tool/config.h"
#include "gateway/base/error.h"

struct bench_proc {
    int64_t cpu_ns;
    uint64_t pss_bytes;  /* proportional set size: shared pages counted by their share */
    uint64_t anon_bytes; /* the part outside files: heap, stacks, anonymous maps */
    unsigned processes;
};

/* Reads them now; memory only if asked for, as that walks page tables. 0, or negative errno with
 * *err filled: no such process, or not ours to look at. */
gw_must_check int bench_proc_read(const struct bench_pids *pids, bool memory,
                                  struct bench_proc *ret, struct gw_error *err);
