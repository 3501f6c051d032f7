/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/siege/outcome.h"

#include "bench/siege/defence.h"
#include "bench/tool/commands.h"
#include "bench/tool/machine.h"
#include "bench/tool/output.h"
#include "gateway/base/clock.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define MIB ((double)(1 << 20))

static double seconds_of(int64_t ns)
{
    return (double)ns / (double)GW_NS_PER_SEC;
}

bool bench_outcome_loss(const struct bench_outcome *o, const struct bench_step *step, double *ret)
{
    for (unsigned i = 0; i < o->count; i++) {
        const struct bench_step *quiet = &o->steps[i];
        if (quiet->rate || quiet->defence != step->defence || quiet->haul.on_time <= 0)
            continue;
        *ret = 1 - step->haul.on_time / quiet->haul.on_time;
        return step->rate > 0;
    }
    return false;
}

/* ---- a table ---- */

static bool is_among(const struct bench_cpus *cpus, int cpu)
{
    for (unsigned i = 0; i < cpus->count; i++)
        if (cpus->list[i] == cpu)
            return true;
    return false;
}

/* Prints which parts share a processor. */
static void print_cpus(FILE *out, const struct bench_stage *s)
{
    const struct {
        const char *who;
        const struct bench_cpus *cpus;
    } rows[] = {{"gateway", &s->gateway_cpu},
                {"clients and backend", &s->load_cpu},
                {"flood", &s->flood_cpu}};
    for (int cpu = 0; cpu < GW_MAX_CPU; cpu++) {
        unsigned here = 0;
        for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++)
            if (is_among(rows[i].cpus, cpu))
                (void)fprintf(out, "%s%s", here++ ? ", " : "  one processor: ", rows[i].who);
        if (here)
            (void)fprintf(out, "%s\n", here > 1 ? " (they share it)" : "");
    }
    (void)fprintf(out, "  packets are received by %s\n",
                  s->config->siege.reception == BENCH_RECEPTION_GATEWAY
                      ? "the processor they are for, as with a network card"
                      : "the processor that sends them");
}

void bench_outcome_head(FILE *out, const struct bench_outcome *o)
{
    const struct bench_config *config = o->stage->config;
    char transfer[48] = "as fast as it goes";
    if (config->siege.transfer)
        (void)snprintf(transfer, sizeof(transfer), "%" PRIu64 " MiB/s", config->siege.transfer);
    (void)fprintf(out,
                  "siege of ktlsgate %s: %" PRIu64 " full handshakes a second, late after %.1f s; "
                  "one transfer down, %s; %.1f s each\n",
                  o->stage->contenders.list[0].version, config->siege.handshakes,
                  seconds_of(config->timeout_ns), transfer, seconds_of(config->time_ns));
    print_cpus(out, o->stage);
    (void)fprintf(out,
                  "  SYNs, sent: a second; handshakes: that succeeded, and their times; transfer: "
                  "what came on time\n  (within %.1f s of when it was due), its slowest 0.2 s, and "
                  "what it loses; busy: the gateway's\n  processor, and the other's\n",
                  BENCH_HAUL_LATE_MS / 1000.0);
}

static void print_block(FILE *out, const struct bench_step *step)
{
    (void)fprintf(out,
                  "\n%s: %s. SYNs from %s\n"
                  "      SYNs      sent  handshakes       p50       p99    on time  slowest   "
                  "loses   busy  other\n",
                  bench_defence_words[step->defence], bench_defence_at(step->defence)->about,
                  bench_assault_sources_about(step->sources));
}

static void print_time(FILE *out, const struct bench_step *step, double quantile)
{
    if (step->times.count)
        (void)fprintf(out, "%7.1f ms",
                      (double)bench_histogram_at(&step->times, quantile) / (double)GW_NS_PER_MS);
    else
        (void)fprintf(out, "%10s", "-");
}

void bench_outcome_row(FILE *out, const struct bench_outcome *o, const struct bench_step *step)
{
    double loss;
    char text[32] = "-";
    if (step == o->steps || step[-1].defence != step->defence || step[-1].sources != step->sources)
        print_block(out, step);
    if (bench_outcome_loss(o, step, &loss))
        (void)snprintf(text, sizeof(text), "%.0f %%", round(loss * 100) + 0.0); /* not -0 */
    (void)fprintf(out, "  %8" PRIu64 "  %8.0f  %8.1f %%", step->rate, step->sent,
                  bench_step_success(step) * 100);
    print_time(out, step, 0.5);
    print_time(out, step, 0.99);
    (void)fprintf(out, "  %5.0f MiB/s  %7.0f  %6s  %4.0f %%  %4.0f %%\n", step->haul.on_time / MIB,
                  step->haul.slowest / MIB, text, step->busy * 100, step->load_busy * 100);
    if (step->haul_ended)
        (void)fprintf(out, "            the transfer ended: %s\n",
                      step->haul_error[0] ? step->haul_error : "killed");
    (void)fflush(out);
}

/* ---- JSON ---- */

static json_t *cpus_json(const struct bench_cpus *cpus)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < cpus->count; i++)
        (void)json_array_append_new(list, json_integer(cpus->list[i]));
    return list;
}

static json_t *settings_json(const struct bench_outcome *o)
{
    const struct bench_stage *s = o->stage;
    const struct bench_config *config = s->config;
    char title[128];
    (void)snprintf(title, sizeof(title), "siege, %" PRIu64 " handshakes/s and a transfer",
                   config->siege.handshakes);
    return json_pack(
        "{s:s, s:s, s:I, s:I, s:f, s:f, s:b, s:o, s:o, s:o}", "title", title, "gateway",
        s->contenders.list[0].version, "handshakes", (json_int_t)config->siege.handshakes,
        "transfer_mib_per_second", (json_int_t)config->siege.transfer, "late_after_seconds",
        seconds_of(config->timeout_ns), "seconds", seconds_of(config->time_ns),
        "received_by_the_gateways_cpu", config->siege.reception == BENCH_RECEPTION_GATEWAY,
        "gateway_cpus", cpus_json(&s->gateway_cpu), "load_cpus", cpus_json(&s->load_cpu),
        "flood_cpus", cpus_json(&s->flood_cpu));
}

static json_t *handshakes_json(const struct bench_step *step)
{
    json_t *json =
        json_pack("{s:I, s:I, s:I, s:I, s:f}", "due", (json_int_t)step->begun, "succeeded",
                  (json_int_t)step->succeeded, "failed", (json_int_t)step->failed, "late",
                  (json_int_t)step->late, "success", bench_step_success(step));
    if (step->times.count)
        (void)json_object_set_new(json, "times_us", bench_output_times_json(&step->times));
    if (step->first_error[0])
        (void)json_object_set_new(json, "first_error", json_string(step->first_error));
    return json;
}

static json_t *transfer_json(const struct bench_outcome *o, const struct bench_step *step)
{
    double loss;
    json_t *json = json_pack("{s:f, s:f, s:f, s:f, s:b}", "bytes_per_second", step->haul.mean,
                             "on_time_per_second", step->haul.on_time, "p50", step->haul.p50,
                             "slowest", step->haul.slowest, "ended", step->haul_ended);
    if (bench_outcome_loss(o, step, &loss))
        (void)json_object_set_new(json, "loss", json_real(loss));
    if (step->haul_error[0])
        (void)json_object_set_new(json, "error", json_string(step->haul_error));
    return json;
}

static json_t *row_json(const struct bench_outcome *o, const struct bench_step *step)
{
    return json_pack(
        "{s:s, s:s, s:I, s:f, s:f, s:f, s:o, s:o, s:f, s:f, s:f}", "defence",
        bench_defence_words[step->defence], "sources", bench_assault_sources_words[step->sources],
        "rate", (json_int_t)step->rate, "seconds", step->seconds, "sent_per_second", step->sent,
        "arrived_per_second", step->arrived, "handshakes", handshakes_json(step), "transfer",
        transfer_json(o, step), "gateway_cpu", step->gateway_cpu, "gateway_processor_busy",
        step->busy, "other_processors_busy", step->load_busy);
}

json_t *bench_outcome_json(const struct bench_outcome *o)
{
    json_t *rows = json_array();
    for (unsigned i = 0; i < o->count; i++)
        (void)json_array_append_new(rows, row_json(o, &o->steps[i]));
    return json_pack(
        "{s:s, s:s, s:s, s:o, s:o, s:{s:o}}", "tool", "ktlsgate-bench " KTLSGATE_VERSION, "work",
        bench_command_info(BENCH_SIEGE)->word, "command", o->stage->config->line, "machine",
        bench_machine_json(), "settings", settings_json(o), "result", "rows", rows);
}
