/* SPDX-License-Identifier: Apache-2.0 */
/* The terms of all services, loaded and exchanged together. */
#pragma once

#include "gateway/base/error.h"
#include "gateway/base/files.h"
#include "gateway/config/config.h"
#include "gateway/route/terms.h"
#include "gateway/tls/tickets.h"

struct gw_termset {
    struct gw_terms *terms[GW_MAX_SERVICES]; /* held once each */
    unsigned count;
    /* the configuration they are made from, if it was read again; owned */
    struct gw_config *config;
};

/*
 * Loads the files that the services of `config` name, through `files`. `tickets`: one table per
 * service. Adds notes to those of `files`. Returns 0, or a negative errno with *err filled and *ret
 * empty.
 */
gw_must_check int gw_termset_load(struct gw_termset *ret, const struct gw_config *config,
                                  struct gw_ticket_keys *tickets, struct gw_files *files,
                                  struct gw_error *err);

/* Like gw_termset_load, after reading the configuration again (gateway/config/again.h). Refuses a
 * configuration with other services. Notes changes that a reload cannot apply. */
gw_must_check int gw_termset_reload(struct gw_termset *ret, const struct gw_config *first,
                                    struct gw_ticket_keys *tickets, struct gw_files *files,
                                    struct gw_error *err);

/* Whether only the set itself holds its terms, so that it may be freed elsewhere. */
bool gw_termset_idle(const struct gw_termset *set);

/* An empty set is allowed. */
void gw_termset_done(struct gw_termset *set);
