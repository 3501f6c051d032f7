/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the configuration again while the gateway runs, for a reload.
 *
 * A reload replaces the terms of a service in place: its certificates, its trust, its rules, its
 * TLS policy. Everything else (listeners, targets, engines, limits) needs a restart.
 */
#pragma once

#include "gateway/base/error.h"
#include "gateway/base/files.h"
#include "gateway/config/config.h"

/*
 * Parses the command line of `first` again (which `first` keeps by pointer), and its file through
 * `files` (NULL: from disk), with all checks. Asks neither the resolver, the user database nor the
 * system for limits: listeners, targets, ids and workers come from `first`, service by service in
 * order, and a service that `first` lacks has none. The result suits gw_terms_new. Returns 0 and
 * *ret, owned by the caller, or a negative errno with *err filled.
 */
gw_must_check int gw_config_again(struct gw_config **ret, const struct gw_config *first,
                                  struct gw_files *files, struct gw_error *err);

/* Whether both have the same services, by name and role, in the same order: a connection refers to
 * its service by number. */
bool gw_config_same_services(const struct gw_config *a, const struct gw_config *b);

enum {
    GW_SETTING_TEXT_MAX = 512
};

/*
 * Whether two configurations of the same command agree on everything that a reload does not apply.
 * If not, ret_what lists all differences, such as "max-conns; service web: listen, target", as far
 * as there is room (then it ends in "… and 9 more"), or is "the services" when these differ or are
 * in another order. Otherwise it is "".
 */
bool gw_config_same_settings(const struct gw_config *a, const struct gw_config *b,
                             char ret_what[static GW_SETTING_TEXT_MAX]);
