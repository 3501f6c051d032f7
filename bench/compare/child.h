/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that are started for a while. Each leads a group of its own, so that all it starts can
 * be stopped with it, and none outlives this program: it gets KILL when this one dies. The signals
 * that ask this program to end (INT, TERM, HUP) are blocked and looked at in every wait, so that it
 * always cleans up.
 */
#pragma once

#include "bench/tool/config.h"
#include "gateway/base/attr.h"

/* Before the first child: blocks those signals and adopts grandchildren when their parent ends. */
void bench_child_begin(void);
/* Whether one of the signals came. */
bool bench_child_interrupted(void);

/* Zeroed memory that is shared with the children forked after it; NULL when there is none. It goes
 * with the last of them. */
void *bench_child_memory(size_t len);

/* Forks. In the child (0 is returned) signals are as they were; it runs on these processors (count
 * 0: anywhere). -errno: no process. */
pid_t bench_child_fork(const struct bench_cpus *cpus);
/* Waits for its end: 0 with *ret_status; -ETIMEDOUT; -EINTR: we are to end. */
gw_must_check int bench_child_wait(pid_t pid, int64_t timeout_ns, int *ret_status);
/* Asks it to end, kills after some seconds what is left of its group, and reaps all of it. pid <=
 * 0: does nothing. */
void bench_child_stop(pid_t pid);
