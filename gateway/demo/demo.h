/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `ktlsgate demo`: a throw-away CA, certificates for a server, an allowed and a refused client, a
 * small HTTP backend, and the real gateway in front of it with mutual TLS. Prints commands to try.
 */
#pragma once

#include "gateway/base/error.h"
#include "gateway/config/config.h"

/* `argv`: the flags after the subcommand, already parsed into `config`. Runs until a signal stops
 * it, then removes everything that it made. Returns the exit code; err->text as in
 * gw_master_run. */
enum gw_exit gw_demo_run(const struct gw_config *config, int argc, char **argv,
                         struct gw_error *err);
