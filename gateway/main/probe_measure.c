/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/main/probe_measure.h"

#include "gateway/base/clock.h"
#include "gateway/record/measure.h"

#include <stdio.h>
#include <string.h>

#define BUDGET_NS (200 * GW_NS_PER_MS) /* for each of twelve ways */
#define BYTES_PER_GIB (UINT64_C(1) << 30)

enum {
    NAME_MAX_LEN = 64
};

static uint64_t mb_per_second(const struct gw_figure *figure)
{
    double seconds = (double)figure->ns_per_gib / GW_NS_PER_SEC;
    return (uint64_t)((double)BYTES_PER_GIB / seconds / 1e6);
}

static void report_figure(struct gw_report *r, const char *name, const struct gw_figure *figure)
{
    char key[2 * NAME_MAX_LEN], text[NAME_MAX_LEN];
    bool measured = figure->ns_per_gib > 0;
    if (r->json && !measured) {
        gw_report_trial(r, name, name, (struct ktls_trial){.error = figure->error}, NULL);
        return;
    }
    if (!r->json) {
        (void)snprintf(text, sizeof(text), "not measured: %s",
                       figure->error ? strerror(figure->error) : "not tried");
        if (measured)
            (void)snprintf(text, sizeof(text), "%.3f s per GiB, %llu MB/s of one core",
                           (double)figure->ns_per_gib / GW_NS_PER_SEC,
                           (unsigned long long)mb_per_second(figure));
        gw_report_string(r, name, name, text);
        return;
    }
    (void)snprintf(key, sizeof(key), "%s ns per GiB", name);
    gw_report_number(r, key, key, figure->ns_per_gib, "");
    (void)snprintf(key, sizeof(key), "%s mb per s", name);
    gw_report_number(r, key, key, mb_per_second(figure), "");
}

static void report_flow(struct gw_report *r, unsigned v, enum gw_flow flow,
                        const struct gw_figures *figures, const struct gw_choice *choice)
{
    char name[NAME_MAX_LEN];
    const char *word = gw_flow_word(flow);
    for (unsigned way = 0; way < GW_WAY_COUNT; way++) {
        (void)snprintf(name, sizeof(name), "TLS 1.%u %s %s", 2 + v, word,
                       gw_way_word((enum gw_way)way));
        report_figure(r, name, &figures->at[v][flow][way]);
    }
    (void)snprintf(name, sizeof(name), "TLS 1.%u %s relay auto", 2 + v, word);
    gw_report_string(r, name, name, choice->splice[v][flow] ? "splice" : "copy");
    (void)snprintf(name, sizeof(name), "TLS 1.%u %s records measured", 2 + v, word);
    gw_report_string(r, name, name, choice->kernel[GW_RELAY_AUTO][v][flow] ? "kernel" : "user");
}

void gw_probe_measure(struct gw_report *r, const struct ktls_probe *probe)
{
    struct gw_figures figures;
    struct gw_choice choice;
    gw_measure_all(KTLS_AES_128_GCM, probe, (1U << GW_WAY_COUNT) - 1, BUDGET_NS, &figures);
    gw_choice_make(&figures, probe, &choice);
    gw_report_section(r, "measured",
                      "Measured: processor time of relaying with AES-128-GCM (rx: from TLS, tx: to "
                      "TLS)");
    for (unsigned v = 0; v < GW_VERSIONS; v++)
        for (unsigned flow = 0; flow < GW_FLOW_COUNT; flow++)
            report_flow(r, v, (enum gw_flow)flow, &figures, &choice);
    if (!probe->attach.works)
        gw_report_hint(r, "no tls in the kernel: only the user engine could be measured");
}
