/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway as a whole: a master that opens, starts and watches, and one worker per processor
 * that relays. Start-up order, each step with its own exit code and sentence: TLS files, kernel,
 * processors, io_uring, listeners, pidfile, rights given up, workers.
 */
#pragma once

#include "gateway/base/error.h"
#include "gateway/config/config.h"
#include "gateway/proc/heritage.h"

/*
 * Runs the gateway until it is told to stop. `worker` is what each worker process runs.
 * Returns the exit code. Where it is not GW_EXIT_OK, err->text tells why ("" when the log has
 * already told).
 */
enum gw_exit gw_master_run(const struct gw_config *config, gw_worker_main *worker,
                           struct gw_error *err);

/* Takes what a check has loaded. */
typedef void gw_master_shown(const struct gw_termset *set);

/* The same as far as the last step that changes nothing: no port is opened, no file written.
 * `shown` is called when that is good. Returns GW_EXIT_OK when the gateway would start, as far as
 * that tells. */
enum gw_exit gw_master_check(const struct gw_config *config, gw_master_shown *shown,
                             struct gw_error *err);
