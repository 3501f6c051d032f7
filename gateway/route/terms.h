/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terms of a service: the certificates it shows, its trust, its CRLs and its rules. Everything
 * that a reload replaces, and replaced as a whole, so that no handshake sees a mixture of old and
 * new.
 *
 * Immutable once made. Each handshake holds the terms that it began with; the last holder frees
 * them. All holders are in one thread.
 */
#pragma once

#include "gateway/base/error.h"
#include "gateway/base/files.h"
#include "gateway/config/config.h"
#include "gateway/route/ruleset.h"
#include "gateway/tls/context.h"

struct gw_terms {
    struct gw_tls_context *tls;
    struct gw_ruleset *rules;
    const struct gw_service *service; /* must outlive the terms */
    unsigned holders;
};

/*
 * Loads and checks everything that the service names, through `files` (NULL: from disk). `tickets`
 * (NULL: none) must outlive the terms. The caller holds the terms once. Returns 0, or a negative
 * errno with *err filled.
 */
gw_must_check int gw_terms_new(struct gw_terms **ret, const struct gw_service *service,
                               struct gw_ticket_keys *tickets, struct gw_files *files,
                               struct gw_error *err);

static inline struct gw_terms *gw_terms_hold(struct gw_terms *terms)
{
    terms->holders++;
    return terms;
}
/* NULL is allowed. */
void gw_terms_put(struct gw_terms *terms);

/* Whether admission depends on the names in a peer's certificate. */
static inline bool gw_terms_ask_names(const struct gw_terms *terms)
{
    const struct gw_service *s = terms->service;
    return s->rule_count != 1 || s->rules[0].kind != GW_RULE_ALL;
}

/* Whether a peer with this identity may pass. */
static inline struct gw_ruling gw_terms_judge(const struct gw_terms *terms,
                                              const struct gw_identity *id)
{
    if (terms->service->tls.verify == GW_VERIFY_NONE)
        return (struct gw_ruling){.pass = true};
    return gw_ruleset_judge(terms->rules, id, terms->service->tls.verify == GW_VERIFY_OPTIONAL);
}
