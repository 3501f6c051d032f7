/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/crypto/crypto.h"

#include "bench/crypto/result.h"
#include "bench/crypto/roofline.h"
#include "bench/crypto/rounds.h"
#include "bench/tool/output.h"
#include "gateway/base/clock.h"
#include "gateway/record/aead.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

/* One cipher, direction and size: all providers that run it. */
struct heat {
    struct bench_crypto_task task;
    struct bench_racer racers[BENCH_CRYPTO_PROVIDERS_MAX];
};

static int pin(const struct bench_cpus *cpus, struct gw_error *err)
{
    cpu_set_t set;
    if (!cpus->count)
        return 0;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpus->list[0], &set);
    if (sched_setaffinity(0, sizeof(set), &set))
        return gw_error_set(err, GW_EXIT_START, "--cpus %d: %s", cpus->list[0], strerror(errno));
    return 0;
}

static int wrong(const struct bench_crypto_provider *p, const struct bench_crypto_task *t,
                 const char *why, struct gw_error *err)
{
    return gw_error_set(err, GW_EXIT_OTHER, "%s does not %s %zu bytes by %s as libcrypto does: %s",
                        p->name, t->seal ? "seal" : "open", t->len, ktls_cipher_name(t->cipher),
                        why);
}

/* Sets a provider up for the heat and holds it against libcrypto. */
static int enter(struct heat *heat, const struct bench_crypto_provider *p,
                 struct bench_racer *racer, struct gw_error *err)
{
    void *run = NULL;
    int r = p->absent[0] ? -ENOTSUP : p->ways->begin(p, &heat->task, &run);
    *racer = (struct bench_racer){
        .arg = run, .lap = p->ways ? p->ways->lap : NULL, .ops = heat->task.ops, .error = r};
    if (r)
        return r == -ENOTSUP ? 0 : wrong(p, &heat->task, strerror(-r), err);
    r = p->ways->check(run);
    return r ? wrong(p, &heat->task, r == -EBADMSG ? "other bytes come out" : strerror(-r), err)
             : 0;
}

static struct bench_crypto_figure figure_of(const struct bench_racer *racer)
{
    if (racer->error)
        return (struct bench_crypto_figure){.known = false};
    return (struct bench_crypto_figure){
        .known = true,
        .best_ns = bench_rounds_best(racer),
        .median_ns = bench_rounds_median(racer),
        .worst_ns = bench_rounds_worst(racer),
    };
}

static int run_heat(const struct bench_config *config, struct bench_crypto_result *r,
                    struct heat *heat, struct gw_error *err)
{
    int error = 0;
    unsigned entered = 0;
    for (; entered < r->count && !error; entered++)
        error = enter(heat, &r->providers[entered], &heat->racers[entered], err);
    if (!error)
        bench_rounds_run(heat->racers, r->count, config->time_ns, gw_clock_ns);
    for (unsigned p = 0; p < entered; p++) {
        const struct bench_racer *racer = &heat->racers[p];
        if (!racer->arg)
            continue;
        r->providers[p].ways->end(racer->arg);
        if (racer->error && !error)
            error = wrong(&r->providers[p], &heat->task, strerror(-racer->error), err);
    }
    return error;
}

static void take_figures(struct bench_crypto_result *r, const struct heat *heat, unsigned size)
{
    unsigned d = heat->task.seal ? BENCH_SEAL : BENCH_OPEN;
    for (unsigned p = 0; p < r->count; p++)
        r->figures[p][heat->task.cipher][d][size] = figure_of(&heat->racers[p]);
}

static void show(const struct heat *heat)
{
    if (isatty(STDERR_FILENO))
        (void)fprintf(stderr, "\r\033[K%s, %s, %zu bytes", ktls_cipher_name(heat->task.cipher),
                      heat->task.seal ? "seal" : "open", heat->task.len);
}

static int measure_cipher(const struct bench_config *config, struct bench_crypto_result *r,
                          struct heat *heat, enum ktls_cipher cipher, struct gw_error *err)
{
    const struct bench_sizes *sizes = &config->crypto.sizes;
    for (unsigned s = 0; s < sizes->count; s++) {
        for (unsigned d = 0; d < BENCH_DIRECTIONS; d++) {
            if (bench_crypto_task_init(&heat->task, cipher, sizes->list[s], d == BENCH_SEAL))
                return gw_error_set(err, GW_EXIT_OTHER, "libcrypto lacks %s",
                                    ktls_cipher_name(cipher));
            show(heat);
            int error = run_heat(config, r, heat, err);
            if (error)
                return error;
            take_figures(r, heat, s);
        }
    }
    return 0;
}

static int measure(const struct bench_config *config, struct bench_crypto_result *r,
                   struct gw_error *err)
{
    int error = 0;
    struct heat *heat = calloc(1, sizeof(*heat));
    if (!heat)
        return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    r->count = bench_crypto_providers_begin(r->providers);
    for (int c = 0; c < KTLS_CIPHER_COUNT && !error; c++)
        if (config->crypto.ciphers & 1U << c)
            error = measure_cipher(config, r, heat, (enum ktls_cipher)c, err);
    bench_crypto_providers_end();
    if (isatty(STDERR_FILENO))
        (void)fputs("\r\033[K", stderr);
    free(heat);
    return error;
}

static int tell(const struct bench_config *config, const struct bench_crypto_result *r,
                struct gw_error *err)
{
    json_t *roofs = NULL;
    if (config->crypto.relay) {
        roofs = bench_roofline_read(config->crypto.relay, config, r, err);
        if (!roofs)
            return -EIO;
    }
    if (!config->json)
        bench_crypto_table(stdout, config, r);
    if (!config->json && roofs)
        bench_roofline_print(stdout, roofs);
    json_t *json = bench_crypto_json(config, r, roofs);
    int error = bench_output_give(config, json, err);
    json_decref(json);
    return error;
}

int bench_crypto_run(const struct bench_config *config, struct gw_error *err)
{
    int error = pin(&config->cpus, err);
    if (!error && gw_aead_init())
        error = gw_error_set(err, GW_EXIT_OTHER, "libcrypto lacks a cipher");
    struct bench_crypto_result *r = error ? NULL : calloc(1, sizeof(*r));
    if (!r)
        return error ? error : gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    error = measure(config, r, err);
    if (!error)
        error = tell(config, r, err);
    free(r);
    return error;
}
