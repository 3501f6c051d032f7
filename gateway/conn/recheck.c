/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --recheck-on-reload: the gateway keeps what admitted a connection, and judges it again when new
 * terms come into force, at every --reload-interval and when a CRL expires. A single connection is
 * judged again when its certificates expire (tenure.c). Each turn judges only some connections, so
 * that traffic does not wait for thousands.
 */
#include "gateway/conn/conn_private.h"

#include "gateway/base/clock.h"
#include "gateway/base/log.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    JUDGED_PER_TURN = 64, /* some microseconds each */
    SLOTS_PER_TURN = 16384
};

/* Allocated with the length that the names of the identity need. */
struct gw_passport {
    struct gw_chain chain;
    struct gw_identity identity;
};

static struct gw_terms *current_terms(const struct gw_conn *c)
{
    return c->env->terms[c->service_index];
}

static enum gw_reason judge(struct gw_conn *c, const struct gw_passport *p)
{
    const struct gw_terms *terms = current_terms(c);
    time_t now = (time_t)(gw_clock_wall_ns() / GW_NS_PER_SEC);
    enum gw_reason reason = GW_REASON_NONE;
    if (terms->service->tls.verify == GW_VERIFY_NONE)
        return reason;
    const char *detail = "";
    if (p->chain.present)
        reason = gw_tls_context_judge_chain(terms->tls, &p->chain, now, &detail);
    gw_authorize_log_notes(terms);
    if (!reason)
        return gw_authorize(c, terms, &p->identity);
    gw_facts_set(&c->facts, GW_FACT_DETAIL, detail);
    return reason;
}

static struct gw_passport *make(const struct gw_identity *id, const struct gw_chain *chain)
{
    size_t len = gw_identity_len(id);
    struct gw_passport *p = malloc(offsetof(struct gw_passport, identity) + len);
    if (!p)
        return NULL;
    p->chain = *chain;
    gw_identity_copy(&p->identity, id);
    return p;
}

enum gw_reason gw_recheck_keep(struct gw_conn *c, const struct gw_identity *id)
{
    struct gw_chain chain;
    if (!c->env->config->recheck_on_reload ||
        current_terms(c)->service->tls.verify == GW_VERIFY_NONE)
        return GW_REASON_NONE;
    if (!gw_handshake_chain(c->hs, &chain))
        return GW_REASON_CERT_INVALID;
    c->passport = make(id, &chain);
    if (!c->passport)
        return GW_REASON_NO_MEMORY;
    /* The handshake began before the current terms came into force. */
    return c->terms == current_terms(c) ? GW_REASON_NONE : judge(c, c->passport);
}

void gw_recheck_drop(struct gw_conn *c)
{
    free(c->passport);
    c->passport = NULL;
}

/* Seconds since 1970. */
static int64_t next_end_of_list(const struct gw_conn_env *env, time_t now)
{
    int64_t next = INT64_MAX;
    for (unsigned i = 0; i < env->config->service_count; i++)
        next = GW_MIN(next, gw_tls_context_next_end(env->terms[i]->tls, now));
    return next;
}

void gw_recheck_plan(struct gw_conn_env *env)
{
    int64_t interval = env->config->reload_interval_ns;
    int64_t wall_ns = gw_clock_wall_ns();
    env->recheck_at_ns = 0;
    if (!env->config->recheck_on_reload)
        return;
    int64_t end = next_end_of_list(env, (time_t)(wall_ns / GW_NS_PER_SEC));
    int64_t after = GW_MIN(gw_clock_until_ns(end, wall_ns), interval ? interval : INT64_MAX);
    if (after < INT64_MAX)
        env->recheck_at_ns = env->now_ns + after;
}

static void begin(struct gw_conn_env *env)
{
    gw_recheck_plan(env);
    env->rechecking = true;
    env->recheck_slot = 0;
    env->recheck_ended = 0;
}

void gw_conn_terms_changed(struct gw_conn_env *env)
{
    if (env->config->recheck_on_reload)
        begin(env);
}

/* NULL: the peer has not been admitted yet. A peer that was admitted when no certificate was
 * required has no passport, and must leave once one is required. */
static const struct gw_passport *passport_of(const struct gw_conn *c)
{
    static const struct gw_passport nobody;
    bool inside = c->service->role == GW_ROLE_SERVER && c->step > GW_STEP_HANDSHAKE;
    return c->passport ? c->passport : inside ? &nobody : NULL;
}

int64_t gw_recheck_end(const struct gw_conn *c)
{
    return c->passport && c->passport->chain.present ? c->passport->chain.not_after : INT64_MAX;
}

static void end_for(struct gw_conn *c, enum gw_reason reason)
{
    gw_conn_end_with(c, reason, gw_authorize_alert(reason));
}

bool gw_recheck_ended(struct gw_conn *c)
{
    enum gw_reason reason = judge(c, c->passport);
    if (reason)
        end_for(c, reason);
    return reason != GW_REASON_NONE;
}

static bool recheck(struct gw_conn *c, void (*leave)(struct gw_conn *c))
{
    const struct gw_passport *p = passport_of(c);
    if (!p || c->reason != GW_REASON_NONE)
        return false;
    enum gw_reason reason = judge(c, p);
    if (reason) {
        c->env->recheck_ended++;
        end_for(c, reason);
        leave(c);
    }
    return true;
}

static void finish(struct gw_conn_env *env)
{
    env->rechecking = false;
    if (env->recheck_ended)
        gw_log(GW_LOG_WARNING, "recheck: ended %u connection%s that may no longer pass",
               env->recheck_ended, env->recheck_ended == 1 ? "" : "s");
}

void gw_recheck_some(struct gw_conn_env *env, void (*leave)(struct gw_conn *c))
{
    unsigned judged = 0;
    if (!env->rechecking && env->recheck_at_ns && env->now_ns >= env->recheck_at_ns)
        begin(env);
    for (unsigned i = 0; env->rechecking && i < SLOTS_PER_TURN && judged < JUDGED_PER_TURN; i++) {
        uint32_t slot = env->recheck_slot++;
        if (slot >= env->pool.limit || !gw_pool_at(&env->pool, slot)) {
            finish(env);
            break;
        }
        struct gw_conn *c = gw_pool_find(&env->pool, slot, gw_pool_generation(&env->pool, slot));
        judged += c && recheck(c, leave);
    }
}
