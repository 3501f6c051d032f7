/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the command line to an immutable configuration. Steps: defaults; one setter per flag
 * (gateway/config/options.c); the checks that need all flags (gateway/config/validate.c), which
 * also resolve names to addresses and ids.
 */
#pragma once

#include "gateway/base/error.h"
#include "gateway/config/config.h"

/*
 * Parses `argv` (argc strings after the subcommand; unchanged). `subcommand` is the word as typed:
 * a known one, `--help` or `--version`; NULL when there was none. Both are kept by pointer, for
 * gw_config_again only.
 *
 * Returns 0 and *ret_config, owned by the caller (gw_config_free). Check ->ask first: for --help
 * and --version only ->command is also set.
 *
 * Otherwise returns a negative errno, leaves *ret_config unchanged and fills *err (unless NULL):
 * usage (bad flags, unknown user or group), start (a name that does not resolve), other (no
 * memory). Asks the resolver for host names, so it may block. Never logs.
 */
gw_must_check int gw_config_parse(struct gw_config **ret_config, const char *subcommand, int argc,
                                  char **argv, struct gw_error *err);
