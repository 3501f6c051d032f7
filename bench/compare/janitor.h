/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that only waits for the end of this one, and then kills the groups of processes that
 * are left and removes the folder: nothing stays behind, also when this one gets KILL. There is
 * one.
 */
#pragma once

#include "gateway/base/error.h"

#include <stdbool.h>
#include <sys/types.h>

gw_must_check int bench_janitor_start(const char *folder, struct gw_error *err);
/* A group lives, or is gone. Nothing without a janitor. */
void bench_janitor_tell(pid_t group, bool lives);
/* It does its work now, and is waited for. */
void bench_janitor_end(void);
