/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/proc/preflight.h"

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/proc/pin.h"
#include "gateway/proc/verdict.h"
#include "gateway/record/measure.h"
#include "gateway/ring/ring.h"
#include "gateway/route/authorize.h"

#include <errno.h>
#include <string.h>

/* For each of eight or twelve ways: the start takes a quarter of a second longer. */
#define MEASURE_NS (20 * GW_NS_PER_MS)

/* A rule that cannot match is a mistake, and one that turns everybody away. */
static int check_rule(const struct gw_rule *rule, struct gw_error *err)
{
    if (gw_authorize_pattern_ok(rule->kind, rule->pattern))
        return 0;
    switch (rule->kind) {
    case GW_RULE_DNS:
        return gw_error_set(err, GW_EXIT_USAGE,
                            "--allow-dns '%s': DNS names have no wildcards here; give the whole "
                            "name, once for each, or use --allow-uri",
                            rule->pattern);
    case GW_RULE_URI:
        return gw_error_set(err, GW_EXIT_USAGE,
                            "--allow-uri '%s': * must be a whole part between two slashes, and ** "
                            "the last part",
                            rule->pattern);
    default:
        return gw_error_set(err, GW_EXIT_USAGE, "an --allow flag without a name lets nobody pass");
    }
}

static int check_rules(const struct gw_config *config, struct gw_error *err)
{
    int r = 0;
    for (unsigned i = 0; !r && i < config->service_count; i++)
        for (unsigned k = 0; !r && k < config->services[i]->rule_count; k++)
            r = check_rule(&config->services[i]->rules[k], err);
    return r;
}

static int make_contexts(struct gw_heritage *h, struct gw_error *err)
{
    int r = 0;
    for (unsigned i = 0; !r && i < h->config->service_count; i++) {
        const struct gw_service *s = h->config->services[i];
        r = gw_tls_context_new(&h->tls[i], s, s->session_tickets ? &h->tickets[i] : NULL, err);
    }
    return r;
}

static int judge_engines(struct gw_heritage *h, struct gw_error *err)
{
    int probe_error = ktls_probe(&h->ktls);
    if (probe_error)
        memset(&h->ktls, 0, sizeof(h->ktls)); /* nothing works, as far as workers are told */
    for (unsigned i = 0; i < h->config->service_count; i++) {
        const struct gw_service *s = h->config->services[i];
        char text[GW_VERDICT_TEXT_MAX];
        int r = gw_verdict_tell(s, &h->ktls, probe_error, text, err);
        if (r)
            return r;
        if (h->config->service_count > 1)
            gw_log(GW_LOG_INFO, "service %s: %s", s->name, text);
        else
            gw_log(GW_LOG_INFO, "%s", text);
    }
    return 0;
}

/* The ways whose figures a service's settings ask for; a sum of 1 << enum gw_way. */
static unsigned ways_asked_for(const struct gw_service *s)
{
    const unsigned kernel = 1U << GW_WAY_COPY | 1U << GW_WAY_SPLICE;
    if (s->records == GW_RECORDS_MEASURED)
        return kernel | 1U << GW_WAY_USER;
    return s->records != GW_RECORDS_USER && s->relay == GW_RELAY_AUTO ? kernel : 0;
}

/* Only where there is something to choose between: here, so that no client waits for it. */
static void measure(struct gw_heritage *h)
{
    struct gw_figures figures;
    char text[GW_CHOICE_TEXT_MAX];
    unsigned ways = 0;
    for (unsigned i = 0; i < h->config->service_count; i++)
        ways |= ways_asked_for(h->config->services[i]);
    if (!ways || !h->ktls.attach.works)
        return;
    gw_measure_all(KTLS_AES_128_GCM, &h->ktls, ways, MEASURE_NS, &figures);
    gw_choice_make(&figures, &h->ktls, &h->choice);
    gw_choice_tell(&figures, &h->choice, ways & 1U << GW_WAY_USER, text);
    gw_log(GW_LOG_INFO, "%s", text);
}

/* Once here instead of in every worker: one sentence instead of a row of dying processes. */
static int try_ring(struct gw_error *err)
{
    const struct gw_ring_config small = {.max_conns = 1, .max_buffers = 2};
    struct gw_ring_features got;
    struct gw_ring *ring;
    int r = gw_ring_new(&ring, &small);
    if (r)
        return gw_error_set(err, GW_EXIT_START, "%s", gw_ring_why(r));
    gw_ring_get_features(ring, &got);
    gw_ring_free(ring);
    gw_log(GW_LOG_INFO, "io_uring: %s", got.flags_text[0] ? got.flags_text : "no set-up flags");
    return 0;
}

int gw_preflight(struct gw_heritage *h, struct gw_error *err)
{
    int r = check_rules(h->config, err);
    if (!r)
        r = make_contexts(h, err);
    if (!r)
        r = judge_engines(h, err);
    if (!r)
        r = gw_pin_check(h->config, err);
    if (!r)
        r = try_ring(err);
    if (!r)
        measure(h);
    return r;
}
