/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/flood/result.h"

#include "bench/tool/commands.h"
#include "bench/tool/machine.h"
#include "gateway/base/attr.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <unistd.h>

/* A share of the rate below this is reported; more is within the time that a start may take. */
#define REACHED 0.98
#define START_SECONDS 0.005

static double per_second(uint64_t n, const struct bench_flood_result *r)
{
    return r->seconds > 0 ? (double)n / r->seconds : 0;
}

static const char *kind_of(const struct bench_config *config)
{
    return bench_flood_kind_words[config->flood.flood.kind];
}

static const char *family_of(const struct bench_config *config)
{
    return config->flood.flood.sources.len == 4 ? "IPv4" : "IPv6";
}

static void print_sources(const struct gw_net *net, char *out, size_t size)
{
    char address[INET6_ADDRSTRLEN];
    (void)inet_ntop(net->len == 4 ? AF_INET : AF_INET6, net->bytes, address, sizeof(address));
    (void)snprintf(out, size, "%s/%u", address, net->bits);
}

/* Those of the flood's own pace. */
static uint64_t paced(const struct bench_flood_result *r)
{
    return r->packets - r->answers;
}

static bool is_reached(const struct bench_config *config, const struct bench_flood_result *r)
{
    const struct bench_flood *flood = &config->flood.flood;
    return (double)paced(r) >= REACHED * (double)flood->rate * (r->paced_seconds - START_SECONDS);
}

/* ---- a terminal ---- */

static bool progress_shown;

void bench_flood_progress(const struct bench_config *config, const struct bench_flood_result *r)
{
    if (!isatty(STDERR_FILENO))
        return;
    progress_shown = true;
    (void)fprintf(stderr,
                  "\r\033[K%s, %.0f of %" PRIu64 " s   %.0f packets/s   %" PRIu64 " sent   ",
                  kind_of(config), r->seconds, config->flood.flood.secs, per_second(r->packets, r),
                  r->packets);
    if (r->listened)
        (void)fprintf(stderr, "%" PRIu64 " accepted", r->accepted);
}

void bench_flood_progress_end(void)
{
    if (progress_shown)
        (void)fputs("\r\033[K", stderr);
    progress_shown = false;
}

/* ---- a table ---- */

static void print_sent(FILE *out, const struct bench_config *config,
                       const struct bench_flood_result *r)
{
    (void)fprintf(out, "  %-10s %" PRIu64 " packets, %.0f a second, %.1f Mbit/s\n", "sent",
                  r->packets, per_second(r->packets, r), per_second(r->bytes, r) * 8 / 1e6);
    if (!is_reached(config, r))
        (void)fprintf(out, "  %-10s of %" PRIu64 " a second were asked for; %s\n", "",
                      config->flood.flood.rate,
                      r->full ? "the link carried no more" : "the processor sent no more");
    (void)fprintf(out, "  %-10s %" PRIu64 " packets, %.2f %% of them\n", "arrived", r->arrived,
                  r->packets ? (double)r->arrived / (double)r->packets * 100 : 0);
    if (r->answers)
        (void)fprintf(out, "  %-10s %" PRIu64 " SYN-ACKs, %.0f a second\n", "answered", r->answers,
                      per_second(r->answers, r));
    if (r->listened)
        (void)fprintf(out,
                      "  %-10s %" PRIu64 " connections, %.0f a second; %" PRIu64 " bytes read\n",
                      "accepted", r->accepted, per_second(r->accepted, r), r->read);
}

void bench_flood_table(FILE *out, const struct bench_config *config,
                       const struct bench_flood_result *r)
{
    char sources[64];
    print_sources(&config->flood.flood.sources, sources, sizeof(sources));
    (void)fprintf(out, "flood %s, %s from %s, ", kind_of(config), family_of(config), sources);
    if (r->into_file) {
        (void)fprintf(out, "into %s: %" PRIu64 " packets\n", config->flood.pcap, r->packets);
        return;
    }
    (void)fprintf(out, "into a %s, %.1f s\n", r->listened ? "listener" : "rule that drops",
                  r->seconds);
    (void)fprintf(out, "  %-10s %s\n", "of",
                  bench_flood_kind_about((enum bench_flood_kind)config->flood.flood.kind));
    print_sent(out, config, r);
}

/* ---- JSON ---- */

static json_t *settings_json(const struct bench_config *config, const struct bench_flood_result *r)
{
    const struct bench_flood *flood = &config->flood.flood;
    char sources[64], title[128];
    print_sources(&flood->sources, sources, sizeof(sources));
    (void)snprintf(title, sizeof(title), "flood %s, %s, %" PRIu64 " packets/s", kind_of(config),
                   family_of(config), flood->rate);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "title", title, "kind",
                     kind_of(config), "family", family_of(config), "sources", sources, "into",
                     r->into_file  ? "file"
                     : r->listened ? "listen"
                                   : "drop",
                     "rate", (json_int_t)flood->rate, "seconds",
                     (json_int_t)config->flood.flood.secs, "count", (json_int_t)flood->count,
                     "size", (json_int_t)flood->size, "seed", (json_int_t)flood->seed);
}

static json_t *result_json(const struct bench_config *config, const struct bench_flood_result *r)
{
    json_t *result = json_pack("{s:s, s:I}", "unit", "packet", "packets", (json_int_t)r->packets);
    if (!result || r->into_file)
        return result;
    json_t *sent =
        json_pack("{s:f, s:f, s:I, s:I, s:I, s:b, s:I}", "seconds", r->seconds, "per_second",
                  per_second(r->packets, r), "bytes", (json_int_t)r->bytes, "answers",
                  (json_int_t)r->answers, "link_full", (json_int_t)r->full, "rate_reached",
                  is_reached(config, r), "arrived", (json_int_t)r->arrived);
    (void)json_object_update_new(result, sent);
    if (r->listened)
        (void)json_object_update_new(result,
                                     json_pack("{s:I, s:I}", "accepted", (json_int_t)r->accepted,
                                               "bytes_read", (json_int_t)r->read));
    return result;
}

json_t *bench_flood_json(const struct bench_config *config, const struct bench_flood_result *r)
{
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "tool", "ktlsgate-bench " KTLSGATE_VERSION,
                     "work", bench_command_info(config->command)->word, "command", config->line,
                     "machine", bench_machine_json(), "settings", settings_json(config, r),
                     "result", result_json(config, r));
}
