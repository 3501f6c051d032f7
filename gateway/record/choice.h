/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chooses, from measured figures, the engine and the way of relaying of a flow. Pure decisions;
 * measure.h makes the figures.
 */
#pragma once

#include "gateway/config/config.h"

#include "ktlsinstall.h"

/* A direction of the relay. */
enum gw_flow {
    GW_FLOW_RX, /* from the TLS side */
    GW_FLOW_TX, /* to the TLS side */
    GW_FLOW_COUNT
};

/* The engine that runs the records, and how the bytes are moved. */
enum gw_way {
    GW_WAY_USER,   /* user engine, copied */
    GW_WAY_COPY,   /* kernel engine, copied */
    GW_WAY_SPLICE, /* kernel engine, through a pipe */
    GW_WAY_COUNT
};

enum {
    GW_VERSIONS = 2, /* [0] TLS 1.2, [1] TLS 1.3, as in struct ktls_probe */
    /* A way replaces a simpler one only if it is cheaper by this much. Repeated measurements on a
     * busy machine differ by some percent, which should not change the path from one start to the
     * next. */
    GW_CHOICE_MARGIN_PERCENT = 10,
    GW_CHOICE_TEXT_MAX = 768,
};

struct gw_figure {
    uint64_t ns_per_gib; /* processor time; 0: not measured */
    int error;           /* why it was not measured: an errno; 0: it was not tried */
};

struct gw_figures {
    struct gw_figure at[GW_VERSIONS][GW_FLOW_COUNT][GW_WAY_COUNT];
};

/* The decisions for --relay auto and --records measured. */
struct gw_choice {
    bool splice[GW_VERSIONS][GW_FLOW_COUNT]; /* splicing is cheaper than copying */
    /* [enum gw_relay]: the kernel engine, relaying this way, is cheaper than the user engine */
    bool kernel[GW_RELAY_COUNT][GW_VERSIONS][GW_FLOW_COUNT];
};

/*
 * Never chooses a way that was not measured. Never chooses splice where the self-test found it
 * wrong; from the TLS side also where it loses bytes when a pipe has little room (splice_full),
 * since such a kernel is only used for splicing on demand.
 */
void gw_choice_make(const struct gw_figures *figures, const struct ktls_probe *probe,
                    struct gw_choice *ret);

/* Whether the engine chosen from AES-128-GCM's figures also suits this cipher, because it costs
 * about the same. */
bool gw_choice_covers(enum ktls_cipher cipher);

/* One line for the log: the figures and the choice of each version and flow. `engines`: includes
 * the two engines, else only the two ways of relaying. */
void gw_choice_describe(const struct gw_figures *figures, const struct gw_choice *choice,
                        bool engines, char ret_text[GW_CHOICE_TEXT_MAX]);

const char *gw_flow_word(enum gw_flow flow); /* "rx", "tx" */
const char *gw_way_word(enum gw_way way);    /* "user", "kernel copy", "kernel splice" */
