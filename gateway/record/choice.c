/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/record/choice.h"

#include "gateway/base/attr.h"
#include "gateway/base/clock.h"
#include "gateway/base/text.h"

#include <string.h>

static bool cheaper(const struct gw_figure *one, const struct gw_figure *other)
{
    if (!one->ns_per_gib || !other->ns_per_gib)
        return false;
    double limit = (double)other->ns_per_gib * (100 - GW_CHOICE_MARGIN_PERCENT) / 100;
    return (double)one->ns_per_gib <= limit;
}

static bool splice_is_right(const struct ktls_probe *probe, enum gw_flow flow)
{
    if (flow == GW_FLOW_TX)
        return probe->splice_tx.works;
    return probe->splice.works && probe->splice_full.works;
}

void gw_choice_make(const struct gw_figures *figures, const struct ktls_probe *probe,
                    struct gw_choice *ret)
{
    memset(ret, 0, sizeof(*ret));
    for (unsigned v = 0; v < GW_VERSIONS; v++) {
        for (unsigned flow = 0; flow < GW_FLOW_COUNT; flow++) {
            const struct gw_figure *at = figures->at[v][flow];
            bool splice = splice_is_right(probe, (enum gw_flow)flow) &&
                          cheaper(&at[GW_WAY_SPLICE], &at[GW_WAY_COPY]);
            bool copied = cheaper(&at[GW_WAY_COPY], &at[GW_WAY_USER]);
            bool spliced = cheaper(&at[GW_WAY_SPLICE], &at[GW_WAY_USER]);
            ret->splice[v][flow] = splice;
            ret->kernel[GW_RELAY_COPY][v][flow] = copied;
            ret->kernel[GW_RELAY_SPLICE][v][flow] = at[GW_WAY_SPLICE].ns_per_gib ? spliced : copied;
            ret->kernel[GW_RELAY_AUTO][v][flow] = splice ? spliced : copied;
        }
    }
}

bool gw_choice_covers(enum ktls_cipher cipher)
{
    return cipher == KTLS_AES_128_GCM || cipher == KTLS_AES_256_GCM;
}

const char *gw_flow_word(enum gw_flow flow)
{
    return flow == GW_FLOW_RX ? "rx" : "tx";
}

const char *gw_way_word(enum gw_way way)
{
    static const char *const words[GW_WAY_COUNT] = {
        [GW_WAY_USER] = "user",
        [GW_WAY_COPY] = "kernel copy",
        [GW_WAY_SPLICE] = "kernel splice",
    };
    return words[way];
}

/* ---- the log line ---- */

static void describe_flow(struct gw_text *t, const struct gw_figure at[GW_WAY_COUNT], bool engines)
{
    const char *before = "";
    for (unsigned way = engines ? GW_WAY_USER : GW_WAY_COPY; way < GW_WAY_COUNT; way++) {
        gw_text_append(t, "%s%s ", before, gw_way_word((enum gw_way)way));
        if (at[way].ns_per_gib)
            gw_text_append(t, "%.3f", (double)at[way].ns_per_gib / GW_NS_PER_SEC);
        else
            gw_text_append(t, "not measured (%s)",
                           at[way].error ? strerror(at[way].error) : "not tried");
        before = ", ";
    }
}

void gw_choice_describe(const struct gw_figures *figures, const struct gw_choice *choice,
                        bool engines, char ret_text[GW_CHOICE_TEXT_MAX])
{
    struct gw_text t = gw_text_in(ret_text, GW_CHOICE_TEXT_MAX);
    gw_text_append(&t, "measured, seconds of processor time per GiB of AES-128-GCM: ");
    for (unsigned v = 0; v < GW_VERSIONS; v++) {
        for (unsigned flow = 0; flow < GW_FLOW_COUNT; flow++) {
            gw_text_append(&t, "%sTLS 1.%u %s: ", v || flow ? "; " : "", 2 + v,
                           gw_flow_word((enum gw_flow)flow));
            describe_flow(&t, figures->at[v][flow], engines);
            gw_text_append(&t, " -> %s", choice->splice[v][flow] ? "splice" : "copy");
            if (engines)
                gw_text_append(&t, ", %s",
                               choice->kernel[GW_RELAY_AUTO][v][flow] ? "kernel" : "user");
        }
    }
}
