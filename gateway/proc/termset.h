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
    struct gw_config *config; /* that they are made of, when it was read anew; owned */
};

/*
 * Loads what the services of `config` name, through `files`. `tickets`: one table a service.
 * What there is to say is among the notes of `files`. Returns 0; negative errno with *err filled,
 * and *ret is empty.
 */
gw_must_check int gw_termset_load(struct gw_termset *ret, const struct gw_config *config,
                                  struct gw_ticket_keys *tickets, struct gw_files *files,
                                  struct gw_error *err);

/* The same after reading the configuration again (gateway/config/again.h). Refuses one with other
 * services; notes what has changed and cannot be exchanged. */
gw_must_check int gw_termset_reload(struct gw_termset *ret, const struct gw_config *first,
                                    struct gw_ticket_keys *tickets, struct gw_files *files,
                                    struct gw_error *err);

/* Whether nobody but the set itself holds any of its terms, so that it may be freed elsewhere. */
bool gw_termset_idle(const struct gw_termset *set);

/* An empty one is allowed. */
void gw_termset_done(struct gw_termset *set);
