/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What processes cost: processor time and memory of given ones with all their children, from
 * /proc. CPU time is that of all their threads, also of those that ended and of io_uring's in the
 * kernel, in nanoseconds (clock_getcpuclockid(3)); that of children which ended and were waited for
 * is told in ticks, of 10 ms.
 */
#pragma once

#include "bench/tool/config.h"
#include "gateway/base/error.h"

struct bench_proc {
    int64_t cpu_ns;
    uint64_t pss_bytes;  /* proportional set size: shared pages counted by their share */
    uint64_t anon_bytes; /* of it, what is in no file: heap, stacks, anonymous maps */
    unsigned processes;
};

/* Reads them now; memory only if asked for, as that walks page tables. 0, or negative errno with
 * *err filled: no such process, or not ours to look at. */
gw_must_check int bench_proc_read(const struct bench_pids *pids, bool memory,
                                  struct bench_proc *ret, struct gw_error *err);
