/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plaintext backend of all loads: answers GET /bytes/N with N bytes of the pattern, compares
 * what is PUT with it, and echoes everything that is not HTTP. It costs little, because it
 * runs on the machine that is measured.
 */
#pragma once

#include "bench/tool/config.h"
#include "gateway/base/error.h"

/* Opens the port and prints where it answers, then serves until TERM or INT. 0, or negative errno
 * with *err filled. */
gw_must_check int bench_origin_run(const struct bench_config *config, struct gw_error *err);
