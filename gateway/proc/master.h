/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway as a whole: a master that opens, starts and supervises, and one worker per processor
 * that relays. Start-up order, each step with its own exit code and sentence: TLS files, kernel,
 * processors, io_uring, listeners, pidfile, dropping rights, workers.
 */
#pragma once

#include "gateway/base/error.h"
#include "gateway/config/config.h"
#include "gateway/proc/heritage.h"

/*
 * Runs the gateway until it gets a signal to stop. `worker` is the main function of each worker
 * process. Returns the exit code. If that is not GW_EXIT_OK, err->text has the reason ("" when it
 * is already in the log).
 */
enum gw_exit gw_master_run(const struct gw_config *config, gw_worker_main *worker,
                           struct gw_error *err);

/* Receives the set that a check loaded. */
typedef void gw_master_shown(const struct gw_termset *set);

/* Like gw_master_run up to the last step that changes nothing: opens no port, writes no file. Calls
 * `shown` on success. Returns GW_EXIT_OK when the gateway would start, as far as these steps
 * show. */
enum gw_exit gw_master_check(const struct gw_config *config, gw_master_shown *shown,
                             struct gw_error *err);
