/* SPDX-License-Identifier: Apache-2.0 */
/* A comparison for people and for programs, and what it says beside a baseline. */
#pragma once

#include "bench/compare/compare.h"

void bench_show_progress(const struct bench_comparison *c, unsigned round, unsigned case_at,
                         unsigned system_at);
void bench_show_progress_end(void);
/* Tables or JSON on standard output; --out and --baseline. 0, or negative errno with *err filled.
 */
gw_must_check int bench_show_result(const struct bench_comparison *c, struct gw_error *err);
