/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/crypto/result.h"

#include "bench/crypto/rounds.h"
#include "bench/tool/machine.h"
#include "gateway/base/clock.h"

#include <string.h>

static const char *const direction_names[BENCH_DIRECTIONS] = {"seal", "open"};

static const char *size_text(size_t len, char out[32])
{
    bool kib = len >= 1024 && len % 1024 == 0;
    (void)snprintf(out, 32, "%zu %s", kib ? len / 1024 : len, kib ? "KiB" : "B");
    return out;
}

static bool is_wanted(const struct bench_config *config, int cipher)
{
    return config->crypto.ciphers & 1U << cipher;
}

double bench_crypto_gb_per_s(const struct bench_crypto_figure *figure, size_t len)
{
    return figure->best_ns > 0 ? (double)len / figure->best_ns : 0;
}

double bench_crypto_floor(const struct bench_crypto_result *r, const struct bench_sizes *sizes,
                          enum ktls_cipher cipher, enum bench_crypto_direction direction,
                          size_t len, const char **ret_name)
{
    double best_ns = 0;
    unsigned s = 0;
    while (s < sizes->count && sizes->list[s] != len)
        s++;
    for (unsigned p = 0; p < r->count && s < sizes->count; p++) {
        const struct bench_crypto_figure *f = &r->figures[p][cipher][direction][s];
        bool direct = !r->providers[p].remark;
        if (direct && f->known && f->best_ns > 0 && (best_ns <= 0 || f->best_ns < best_ns)) {
            best_ns = f->best_ns;
            *ret_name = r->providers[p].name;
        }
    }
    return best_ns / 1e9 * (double)(UINT64_C(1) << 30) / (double)len;
}

/* ---- a table ---- */

static void print_figure(FILE *out, const struct bench_crypto_figure *f, size_t len, bool as_ns)
{
    if (!f->known)
        (void)fprintf(out, " %10s", "-");
    else if (as_ns)
        (void)fprintf(out, " %10.0f", f->best_ns);
    else
        (void)fprintf(out, " %10.*f", bench_crypto_gb_per_s(f, len) < 0.1 ? 3 : 2,
                      bench_crypto_gb_per_s(f, len));
}

static bool knows(const struct bench_crypto_result *r, unsigned provider, int cipher,
                  const struct bench_sizes *sizes)
{
    for (unsigned s = 0; s < sizes->count; s++)
        if (r->figures[provider][cipher][BENCH_SEAL][s].known)
            return true;
    return false;
}

static void print_block(FILE *out, const struct bench_config *config,
                        const struct bench_crypto_result *r, int cipher, bool as_ns)
{
    const struct bench_sizes *sizes = &config->crypto.sizes;
    char text[32];
    for (unsigned d = 0; d < BENCH_DIRECTIONS; d++) {
        (void)fprintf(out, "  %s, %-20s", direction_names[d], as_ns ? "ns each" : "GB/s");
        for (unsigned s = 0; s < sizes->count; s++)
            (void)fprintf(out, " %10s", size_text(sizes->list[s], text));
        (void)fputc('\n', out);
        for (unsigned p = 0; p < r->count; p++) {
            if (!knows(r, p, cipher, sizes))
                continue;
            (void)fprintf(out, "    %-22s", r->providers[p].name);
            for (unsigned s = 0; s < sizes->count; s++)
                print_figure(out, &r->figures[p][cipher][d][s], sizes->list[s], as_ns);
            (void)fputc('\n', out);
        }
    }
}

/* How far apart the rounds were: the median and the worst, compared with the best. */
static void print_spread(FILE *out, const struct bench_crypto_result *r)
{
    double median = 0, worst = 0;
    unsigned count = 0;
    const struct bench_crypto_figure *f = &r->figures[0][0][0][0];
    for (size_t i = 0; i < sizeof(r->figures) / sizeof(*f); i++) {
        if (!f[i].known || f[i].best_ns <= 0)
            continue;
        median += f[i].median_ns / f[i].best_ns - 1;
        worst = GW_MAX(worst, f[i].median_ns / f[i].best_ns - 1);
        count++;
    }
    if (count)
        (void)fprintf(out,
                      "The best of %d alternating rounds. The median round took %.0f %% longer on "
                      "average, at worst\n"
                      "%.0f %%.\n",
                      BENCH_ROUNDS, median / count * 100, worst * 100);
}

/* A remark, behind the names of all that it is about. */
static void print_remark(FILE *out, const struct bench_crypto_result *r, const char *remark)
{
    const char *joint = "";
    for (unsigned p = 0; p < r->count; p++) {
        const struct bench_crypto_provider *who = &r->providers[p];
        if (who->absent[0] || !who->remark || strcmp(who->remark, remark) != 0)
            continue;
        (void)fprintf(out, "%s%s", joint, who->name);
        joint = ", ";
    }
    (void)fprintf(out, ": %s\n", remark);
}

static bool is_first_with(const struct bench_crypto_result *r, unsigned index)
{
    const char *remark = r->providers[index].remark;
    for (unsigned p = 0; p < index; p++)
        if (r->providers[p].remark && !strcmp(r->providers[p].remark, remark))
            return false;
    return true;
}

static void print_remarks(FILE *out, const struct bench_crypto_result *r)
{
    for (unsigned p = 0; p < r->count; p++) {
        const struct bench_crypto_provider *who = &r->providers[p];
        if (who->absent[0])
            (void)fprintf(out, "%s: %s\n", who->name, who->absent);
        else if (who->remark && is_first_with(r, p))
            print_remark(out, r, who->remark);
    }
}

void bench_crypto_table(FILE *out, const struct bench_config *config,
                        const struct bench_crypto_result *r)
{
    for (int c = 0; c < KTLS_CIPHER_COUNT; c++) {
        if (!is_wanted(config, c))
            continue;
        (void)fprintf(out, "%s\n", ktls_cipher_name((enum ktls_cipher)c));
        print_block(out, config, r, c, false);
        print_block(out, config, r, c, true);
        (void)fputc('\n', out);
    }
    print_spread(out, r);
    print_remarks(out, r);
}

/* ---- JSON ---- */

static json_t *figure_json(const struct bench_crypto_result *r, const struct bench_sizes *sizes,
                           unsigned p, int cipher, unsigned d, unsigned s)
{
    const struct bench_crypto_figure *f = &r->figures[p][cipher][d][s];
    double gb = bench_crypto_gb_per_s(f, sizes->list[s]);
    return json_pack("{s:s, s:s, s:s, s:I, s:{s:f, s:f, s:f}, s:f, s:f}", "provider",
                     r->providers[p].name, "cipher", ktls_cipher_name((enum ktls_cipher)cipher),
                     "direction", direction_names[d], "size", (json_int_t)sizes->list[s], "ns",
                     "best", f->best_ns, "median", f->median_ns, "worst", f->worst_ns, "gb_per_s",
                     gb, "gbit_per_s", gb * 8);
}

static json_t *figures_json(const struct bench_crypto_result *r, const struct bench_sizes *sizes)
{
    json_t *list = json_array();
    for (unsigned p = 0; p < r->count; p++)
        for (int c = 0; c < KTLS_CIPHER_COUNT; c++)
            for (unsigned d = 0; d < BENCH_DIRECTIONS; d++)
                for (unsigned s = 0; s < sizes->count; s++)
                    if (r->figures[p][c][d][s].known)
                        json_array_append_new(list, figure_json(r, sizes, p, c, d, s));
    return list;
}

static json_t *providers_json(const struct bench_crypto_result *r)
{
    json_t *list = json_array();
    for (unsigned p = 0; p < r->count; p++) {
        const struct bench_crypto_provider *who = &r->providers[p];
        json_t *row = json_pack("{s:s, s:b}", "name", who->name, "direct", !who->remark);
        if (who->remark)
            json_object_set_new(row, "remark", json_string(who->remark));
        if (who->absent[0])
            json_object_set_new(row, "absent", json_string(who->absent));
        json_array_append_new(list, row);
    }
    return list;
}

json_t *bench_crypto_json(const struct bench_config *config, const struct bench_crypto_result *r,
                          json_t *roofs)
{
    json_t *result = json_pack("{s:o, s:o}", "providers", providers_json(r), "figures",
                               figures_json(r, &config->crypto.sizes));
    if (roofs)
        json_object_set_new(result, "relay", roofs);
    return json_pack("{s:s, s:s, s:s, s:o, s:{s:s, s:I, s:f, s:i}, s:o}", "tool",
                     "ktlsgate-bench " KTLSGATE_VERSION, "work", "crypto", "command", config->line,
                     "machine", bench_machine_json(), "settings", "title", "AEAD, one thread",
                     "rounds", (json_int_t)BENCH_ROUNDS, "seconds",
                     (double)config->time_ns / (double)GW_NS_PER_SEC, "cpu",
                     config->cpus.count ? config->cpus.list[0] : -1, "result", result);
}
