/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/tool/output.h"

#include "bench/load/work.h"
#include "bench/tool/commands.h"
#include "bench/tool/machine.h"
#include "gateway/base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define GIB ((double)(UINT64_C(1) << 30))

static const double quantiles[] = {0.5, 0.9, 0.99, 0.999};
static const char *const quantile_names[] = {"p50", "p90", "p99", "p99.9"};

/* ---- words ---- */

static const char *unit_of(const struct bench_config *config)
{
    const char *unit = bench_work_of(config)->unit;
    return unit ? unit : "GiB";
}

/* What is counted, in its unit: GiB for bulk. */
static double amount_of(const struct bench_config *config, const struct bench_result *r)
{
    double amount = bench_result_amount(config, r);
    return config->command == BENCH_BULK ? amount / GIB : amount;
}

static void title_of_tls(const struct bench_config *config, char *out, size_t size)
{
    static const char *const versions[] = {"TLS 1.2", "TLS 1.3"};
    static const char *const ciphers[] = {"AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305"};
    (void)snprintf(out, size, "%s", "plaintext");
    if (!config->plain)
        (void)snprintf(out, size, "%s %s%s", versions[config->tls], ciphers[config->cipher],
                       config->cert ? ", mutual" : "");
}

void bench_output_title(const struct bench_config *config, char *out, size_t size)
{
    static const char *const directions[] = {" down", " up", " both ways"};
    char tls[64], size_text[48] = "";
    const char *more = "";
    title_of_tls(config, tls, sizeof(tls));
    if (config->command == BENCH_BULK)
        more = directions[config->direction];
    else if (config->command == BENCH_HANDSHAKE)
        more = config->resume == BENCH_RESUMED ? ", resumed" : ", full";
    if (config->command == BENCH_LATENCY || config->command == BENCH_CHURN)
        (void)snprintf(size_text, sizeof(size_text), ", %" PRIu64 " bytes", config->size);
    size_t len = (size_t)snprintf(out, size, "%s%s%s, %s, %" PRIu64 " connections",
                                  bench_command_info(config->command)->word, more, size_text, tls,
                                  config->connections);
    if (config->rate && len < size)
        (void)snprintf(out + len, size - len, ", %" PRIu64 " requests/s", config->rate);
}

/* ---- a terminal ---- */

static bool progress_shown;

void bench_output_progress(void *arg, const char *phase, double second, double of,
                           const struct bench_result *so_far)
{
    const struct bench_config *config = arg;
    if (!isatty(STDERR_FILENO))
        return;
    progress_shown = true;
    char until[32] = "";
    if (of > 0)
        (void)snprintf(until, sizeof(until), " of %.0f", of);
    double rate = so_far->seconds > 0 ? amount_of(config, so_far) / so_far->seconds : 0;
    (void)fprintf(stderr, "\r\033[K%s %.0f%s s   %.*f %s%s/s   %" PRIu64 " connections   ", phase,
                  second, until, config->command == BENCH_BULK ? 2 : 0, rate, unit_of(config),
                  config->command == BENCH_BULK ? "" : "s", so_far->connections);
    if (so_far->errors)
        (void)fprintf(stderr, "%" PRIu64 " errors", so_far->errors);
}

void bench_output_progress_end(void)
{
    if (progress_shown)
        (void)fputs("\r\033[K", stderr);
    progress_shown = false;
}

/* ---- a table ---- */

static void row(FILE *out, const char *name, const char *fmt, ...) gw_printf(3, 4);
static void row(FILE *out, const char *name, const char *fmt, ...)
{
    va_list args;
    (void)fprintf(out, "  %-22s", name);
    va_start(args, fmt);
    (void)vfprintf(out, fmt, args);
    va_end(args);
    (void)fputc('\n', out);
}

/* A time in the unit that suits it. */
static const char *time_text(uint64_t ns, char out[32])
{
    if (ns < 10000)
        (void)snprintf(out, 32, "%.2f us", (double)ns / 1e3);
    else if (ns < 10000000)
        (void)snprintf(out, 32, "%.0f us", (double)ns / 1e3);
    else
        (void)snprintf(out, 32, "%.1f ms", (double)ns / 1e6);
    return out;
}

static void print_times(FILE *out, const struct bench_config *config, const struct bench_result *r)
{
    char text[32];
    const char *what = bench_work_of(config)->time;
    if (!what || r->times.count == 0)
        return;
    (void)fprintf(out, "  %-22s", what);
    for (size_t i = 0; i < GW_ARRAY_SIZE(quantiles); i++)
        (void)fprintf(out, "%s %s   ", quantile_names[i],
                      time_text(bench_histogram_at(&r->times, quantiles[i]), text));
    (void)fprintf(out, "max %s\n", time_text(r->times.max_ns, text));
}

static void print_server(FILE *out, const struct bench_config *config, const struct bench_result *r)
{
    double cpu = bench_result_server_seconds(r);
    double amount = amount_of(config, r);
    if (!r->has_server)
        return;
    if (config->command == BENCH_IDLE) {
        double n = (double)GW_MAX(r->connections, UINT64_C(1)) * 1024;
        row(out, "server memory", "%.2f KiB a connection, %.2f KiB of it private (PSS)",
            ((double)r->server_after.pss_bytes - (double)r->server_before.pss_bytes) / n,
            ((double)r->server_after.anon_bytes - (double)r->server_before.anon_bytes) / n);
        row(out, "server CPU", "%.3f ms a second", cpu / r->seconds * 1e3);
    } else if (amount > 0 && config->command == BENCH_BULK) {
        row(out, "server CPU", "%.4f s/GiB, %.0f %% of one processor", cpu / amount,
            cpu / r->seconds * 100);
    } else if (amount > 0) {
        row(out, "server CPU", "%.2f us/%s, %.0f %% of one processor", cpu / amount * 1e6,
            unit_of(config), cpu / r->seconds * 100);
    }
}

/* Prints whether the figures describe the server or this side. */
static void print_limit(FILE *out, const struct bench_config *config, const struct bench_result *r)
{
    row(out, "load", "its busiest thread worked %.0f %% of the time and waited %.0f %% for a",
        r->busiest * 100, r->waited * 100);
    row(out, "", "processor; %s busy %.0f %%",
        config->cpus.count ? "the busiest of --cpus was" : "all processors together were",
        r->cores_busy * 100);
    if (bench_result_load_was_limit(config, r))
        (void)fprintf(
            out, "  The load itself was the limit, not the server: give it more --threads, or "
                 "processors that\n"
                 "  nothing else uses (the origin?), or rely on the server's CPU time only.\n");
    else if (bench_result_machine_was_full(config, r))
        (void)fprintf(out, "  All processors were full, so that load and server took time from "
                           "each other: keep them\n"
                           "  apart (--cpus), or rely on the server's CPU time only.\n");
}

/* Whether requests were answered as fast as they were due. */
static void print_unanswered(FILE *out, const struct bench_config *config,
                             const struct bench_result *r)
{
    if (!config->rate)
        return;
    row(out, "unanswered", "%" PRIu64 " requests at the end", r->unanswered);
    if (!bench_result_rate_was_reached(config, r))
        (void)fprintf(out, "  The rate was not reached: requests waited for a free connection, and "
                           "the times are those\n  of a queue that grew.\n");
}

void bench_output_table(FILE *out, const struct bench_config *config, const struct bench_result *r)
{
    char title[160];
    double amount = amount_of(config, r);
    bench_output_title(config, title, sizeof(title));
    (void)fprintf(out, "%s, %.1f s\n", title, r->seconds);
    if (config->command == BENCH_BULK)
        row(out, "throughput", "%.3f GiB/s (%.2f GiB)", amount / r->seconds, amount);
    else if (config->command == BENCH_IDLE)
        row(out, "connections", "%" PRIu64 ", opened in %.1f s", r->connections, r->ramp_seconds);
    else
        row(out, "rate", "%.0f %ss/s (%.0f)", amount / r->seconds, unit_of(config), amount);
    if (r->group[0])
        row(out, "key exchange", "%s", r->group);
    if (config->resume == BENCH_RESUMED)
        row(out, "resumed", "%" PRIu64 " handshakes, all there were", r->handshakes_resumed);
    print_times(out, config, r);
    print_unanswered(out, config, r);
    print_server(out, config, r);
    print_limit(out, config, r);
    if (r->errors)
        row(out, "errors", "%" PRIu64 ", the first: %s", r->errors, r->first_error);
}

/* ---- JSON ---- */

json_t *bench_output_times_json(const struct bench_histogram *h)
{
    json_t *times = json_object();
    json_object_set_new(times, "count", json_integer((json_int_t)h->count));
    json_object_set_new(times, "mean_us", json_real(bench_histogram_mean(h) / 1e3));
    for (size_t i = 0; i < GW_ARRAY_SIZE(quantiles); i++)
        json_object_set_new(times, quantile_names[i],
                            json_real((double)bench_histogram_at(h, quantiles[i]) / 1e3));
    json_object_set_new(times, "max", json_real((double)h->max_ns / 1e3));
    /* The whole curve: how many took how long, by the ends of the buckets. */
    json_t *curve = json_array();
    for (unsigned i = 0; i < BENCH_CURVE_STEPS; i++) {
        double q = bench_histogram_step(i);
        json_array_append_new(curve, json_pack("[f,f]", q, (double)bench_histogram_at(h, q) / 1e3));
    }
    json_object_set_new(times, "curve", curve);
    return times;
}

static json_t *settings_json(const struct bench_config *config)
{
    char title[160];
    bench_output_title(config, title, sizeof(title));
    json_t *s = json_pack("{s:s, s:s, s:b, s:I, s:I, s:I, s:I}", "title", title, "target",
                          config->target.text, "plain", config->plain, "connections",
                          (json_int_t)config->connections, "threads", (json_int_t)config->threads,
                          "size", (json_int_t)config->size, "rate", (json_int_t)config->rate);
    char tls[64];
    title_of_tls(config, tls, sizeof(tls));
    json_object_set_new(s, "tls", json_string(tls));
    if (config->command == BENCH_HANDSHAKE)
        json_object_set_new(s, "resumed", json_boolean(config->resume == BENCH_RESUMED));
    return s;
}

static json_t *server_json(const struct bench_config *config, const struct bench_result *r)
{
    double cpu = bench_result_server_seconds(r);
    double amount = amount_of(config, r);
    json_t *server =
        json_pack("{s:f, s:i}", "cpu_seconds", cpu, "processes", (int)r->server_after.processes);
    if (config->command == BENCH_IDLE) {
        double n = (double)GW_MAX(r->connections, UINT64_C(1));
        json_object_set_new(
            server, "pss_bytes_per_connection",
            json_real(((double)r->server_after.pss_bytes - (double)r->server_before.pss_bytes) /
                      n));
        json_object_set_new(
            server, "private_bytes_per_connection",
            json_real(((double)r->server_after.anon_bytes - (double)r->server_before.anon_bytes) /
                      n));
    } else if (amount > 0) {
        json_object_set_new(
            server, config->command == BENCH_BULK ? "cpu_s_per_gib" : "cpu_us_per_unit",
            json_real(config->command == BENCH_BULK ? cpu / amount : cpu / amount * 1e6));
    }
    return server;
}

json_t *bench_output_result_json(const struct bench_config *config, const struct bench_result *r)
{
    double amount = amount_of(config, r);
    json_t *result =
        json_pack("{s:f, s:s, s:f, s:f, s:I, s:I, s:I, s:I, s:f, s:s}", "seconds", r->seconds,
                  "unit", unit_of(config), "amount", amount, "per_second", amount / r->seconds,
                  "bytes_down", (json_int_t)r->bytes_down, "bytes_up", (json_int_t)r->bytes_up,
                  "connections", (json_int_t)r->connections, "errors", (json_int_t)r->errors,
                  "load_busy", r->busiest, "group", r->group);
    json_object_set_new(result, "load_waited", json_real(r->waited));
    json_object_set_new(result, "load_cores_busy", json_real(r->cores_busy));
    json_object_set_new(result, "load_was_limit",
                        json_boolean(bench_result_load_was_limit(config, r)));
    json_object_set_new(result, "machine_was_full",
                        json_boolean(bench_result_machine_was_full(config, r)));
    if (config->rate)
        json_object_set_new(result, "unanswered", json_integer((json_int_t)r->unanswered));
    if (config->resume == BENCH_RESUMED)
        json_object_set_new(result, "resumed", json_integer((json_int_t)r->handshakes_resumed));
    if (r->errors)
        json_object_set_new(result, "first_error", json_string(r->first_error));
    if (bench_work_of(config)->time && r->times.count)
        json_object_set_new(result, "times_us", bench_output_times_json(&r->times));
    if (r->has_server)
        json_object_set_new(result, "server", server_json(config, r));
    return result;
}

json_t *bench_output_json(const struct bench_config *config, const struct bench_result *r)
{
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "tool", "ktlsgate-bench " KTLSGATE_VERSION,
                     "work", bench_command_info(config->command)->word, "command", config->line,
                     "machine", bench_machine_json(), "settings", settings_json(config), "result",
                     bench_output_result_json(config, r));
}

int bench_output_save(const char *path, const json_t *json, struct gw_error *err)
{
    char part[4096];
    int n = snprintf(part, sizeof(part), "%s.part", path);
    if (n < 0 || (size_t)n >= sizeof(part))
        return gw_error_set(err, GW_EXIT_OTHER, "'%.80s…': the path is too long", path);
    if (json_dump_file(json, part, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) || rename(part, path))
        return gw_error_set(err, GW_EXIT_OTHER, "%s could not be written: %s", path,
                            strerror(errno));
    return 0;
}

int bench_output_give(const struct bench_config *config, const json_t *json, struct gw_error *err)
{
    int error = 0;
    if ((config->json || config->save) && !json)
        return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    if (config->json) {
        (void)json_dumpf(json, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
        (void)fputc('\n', stdout);
    }
    if (config->save)
        error = bench_output_save(config->save, json, err);
    if (!error && (fflush(stdout) || ferror(stdout)))
        error = gw_error_set(err, GW_EXIT_OTHER, "standard output could not be written");
    return error;
}

int bench_output_result(const struct bench_config *config, const struct bench_result *r,
                        struct gw_error *err)
{
    json_t *json = config->json || config->save ? bench_output_json(config, r) : NULL;
    if (!config->json)
        bench_output_table(stdout, config, r);
    int error = bench_output_give(config, json, err);
    json_decref(json);
    return error;
}
