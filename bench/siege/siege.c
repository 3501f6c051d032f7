/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/siege/siege.h"

#include "bench/compare/child.h"
#include "bench/siege/defence.h"
#include "bench/siege/outcome.h"
#include "bench/tool/output.h"
#include "gateway/base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct siege {
    struct bench_config config;
    char nftables[PATH_MAX]; /* as this process, or nft, may be anywhere */
    struct bench_stage stage;
    struct bench_outcome outcome;
    uint64_t rates[BENCH_RATES_MAX];
    unsigned rate_count;
};

/* ---- before ---- */

/* "0,50k,200k" */
static int read_rates(struct siege *s, const char *text, struct gw_error *err)
{
    for (const char *at = text; *at; at += *at == ',') {
        char *end;
        errno = 0;
        unsigned long long rate = strtoull(at, &end, 10);
        bool kilo = *end == 'k';
        end += kilo;
        if (*at < '0' || *at > '9' || errno || (*end && *end != ',') ||
            rate > BENCH_FLOOD_RATE_MAX / (kilo ? 1000 : 1) || s->rate_count == BENCH_RATES_MAX)
            return gw_error_set(
                err, GW_EXIT_USAGE,
                "--rates '%.80s': is not a list of at most %d rates up to %d, such as 0,50k,200k",
                text, BENCH_RATES_MAX, BENCH_FLOOD_RATE_MAX);
        s->rates[s->rate_count++] = rate * (kilo ? 1000 : 1);
        at = end;
    }
    return s->rate_count ? 0 : gw_error_set(err, GW_EXIT_USAGE, "--rates: is empty");
}

static int find_rules(struct siege *s, struct gw_error *err)
{
    char path[PATH_MAX + 32];
    if (!realpath(s->config.siege.nftables, s->nftables))
        return gw_error_set(err, GW_EXIT_START,
                            "--nftables %.200s: %s; it is contrib/nftables of ktlsgate's sources",
                            s->config.siege.nftables, strerror(errno));
    (void)snprintf(path, sizeof(path), "%s/syn-limit.nft", s->nftables);
    if (access(path, R_OK))
        return gw_error_set(err, GW_EXIT_START, "--nftables: %.200s: %s", path, strerror(errno));
    s->config.siege.nftables = s->nftables;
    return 0;
}

static bool has(unsigned set, unsigned i)
{
    return set & 1U << i;
}

static int plan_steps(struct siege *s, struct gw_error *err)
{
    const struct bench_siege_wish *wish = &s->config.siege;
    struct bench_outcome *o = &s->outcome;
    o->stage = &s->stage;
    o->steps = calloc(BENCH_STEPS_MAX, sizeof(*o->steps));
    if (!o->steps)
        return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    for (unsigned d = 0; d < BENCH_DEFENCES; d++)
        for (unsigned f = 0; f < BENCH_ASSAULT_SOURCES; f++)
            for (unsigned i = 0; i < s->rate_count; i++)
                if (has(wish->defences, d) && has(wish->sources, f))
                    o->steps[o->count++] =
                        (struct bench_step){.defence = d, .sources = f, .rate = s->rates[i]};
    return 0;
}

_Static_assert(BENCH_DEFENCES *BENCH_ASSAULT_SOURCES *BENCH_RATES_MAX <= BENCH_STEPS_MAX,
               "raise BENCH_STEPS_MAX");

/* ---- meanwhile ---- */

static void show(const struct bench_step *step, unsigned number, unsigned of)
{
    if (isatty(STDERR_FILENO))
        (void)fprintf(stderr, "\r\033[K%u of %u: %s, %s, %" PRIu64 " SYNs a second ", number, of,
                      bench_defence_words[step->defence],
                      bench_assault_sources_about(step->sources), step->rate);
}

static void show_end(void)
{
    if (isatty(STDERR_FILENO))
        (void)fputs("\r\033[K", stderr);
}

static int run(struct siege *s, struct gw_error *err)
{
    int r = 0;
    unsigned all = s->outcome.count;
    if (!s->config.json)
        bench_outcome_head(stdout, &s->outcome);
    s->outcome.count = 0;
    while (!r && s->outcome.count < all) {
        struct bench_step *step = &s->outcome.steps[s->outcome.count];
        show(step, s->outcome.count + 1, all);
        r = bench_step_run(step, &s->stage, err);
        show_end();
        s->outcome.count += !r;
        if (!r && !s->config.json)
            bench_outcome_row(stdout, &s->outcome, step);
    }
    return r;
}

static int tell(const struct siege *s, struct gw_error *err)
{
    json_t *json = s->config.json || s->config.save ? bench_outcome_json(&s->outcome) : NULL;
    int r = bench_output_give(&s->config, json, err);
    json_decref(json);
    return r;
}

int bench_siege_run(const struct bench_config *config, struct gw_error *err)
{
    struct siege *s = calloc(1, sizeof(*s));
    if (!s)
        return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    s->config = *config;
    bench_child_begin();
    int r = read_rates(s, config->siege.rates, err);
    if (!r)
        r = find_rules(s, err);
    if (!r)
        r = plan_steps(s, err);
    if (!r)
        r = bench_stage_init(&s->stage, &s->config, err);
    if (!r)
        r = run(s, err);
    bench_stage_done(&s->stage);
    if (!r)
        r = tell(s, err);
    free(s->outcome.steps);
    free(s);
    return r;
}
