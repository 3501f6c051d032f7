/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration read once more while the gateway runs, for a reload.
 *
 * A reload exchanges in place what a service serves by: whom it shows itself as, whom it trusts,
 * who may pass, its TLS policy. Everything else (listeners, targets, engines, limits) needs a new
 * start.
 */
#pragma once

#include "gateway/base/error.h"
#include "gateway/base/files.h"
#include "gateway/config/config.h"

/*
 * Parses the command line of `first` again (which it kept by pointer), and its file, through
 * `files` (NULL: from disk), with all checks. Asks neither a resolver nor the user database nor the
 * limits of this machine: listeners, targets, ids, workers are those of `first`, service by service
 * in their order, so a service that `first` does not have is without. Good for gw_terms_new.
 * Returns 0 and *ret, owned by the caller; else a negative errno with *err filled.
 */
gw_must_check int gw_config_again(struct gw_config **ret, const struct gw_config *first,
                                  struct gw_files *files, struct gw_error *err);

/* Whether both have the same services, by name and role, in the same order: a connection knows its
 * service by number. */
bool gw_config_same_services(const struct gw_config *a, const struct gw_config *b);

enum {
    GW_SETTING_TEXT_MAX = 512
};

/*
 * Whether two configurations of the same command say the same of everything that a reload does not
 * exchange. If not, ret_what names all differences, such as "max-conns; service web: listen,
 * target", as far as there is room (then "… and 9 more" ends it); "the services" when they are
 * others, or stand in another order. Else it is "".
 */
bool gw_config_same_settings(const struct gw_config *a, const struct gw_config *b,
                             char ret_what[static GW_SETTING_TEXT_MAX]);
