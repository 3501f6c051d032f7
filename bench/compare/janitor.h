/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that only waits for the end of this one, however it comes, and then kills the process
 * groups it was told of and removes the folder: nothing stays behind, also after SIGKILL.
 */
#pragma once

#include "gateway/base/error.h"

#include <sys/types.h>

struct bench_janitor {
    pid_t pid;
    int pipe;
};

gw_must_check int bench_janitor_start(struct bench_janitor *j, const char *folder,
                                      struct gw_error *err);
/* This group is to be killed at the end, too. */
void bench_janitor_tell(const struct bench_janitor *j, pid_t group);
/* It does its work now, and is waited for. */
void bench_janitor_end(struct bench_janitor *j);
