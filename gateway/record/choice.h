/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What follows from measured figures: which engine and which way of relaying a flow takes. Pure
 * decisions; measure.h makes the figures.
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

/* Who runs the records, and how the bytes pass. */
enum gw_way {
    GW_WAY_USER,   /* our records, copied */
    GW_WAY_COPY,   /* the kernel's records, copied */
    GW_WAY_SPLICE, /* the kernel's records, through a pipe */
    GW_WAY_COUNT
};

enum {
    GW_VERSIONS = 2, /* [0] TLS 1.2, [1] TLS 1.3, as in struct ktls_probe */
    /* A way replaces the plainer one only when it is so much cheaper: the same thing measured twice
     * on a machine that does other work differs by some percent, and for that little nobody should
     * get another path than yesterday. */
    GW_CHOICE_MARGIN_PERCENT = 10,
    GW_CHOICE_TEXT_MAX = 768,
};

struct gw_figure {
    uint64_t ns_per_gib; /* processor time; 0: not measured */
    int error;           /* … and why: an errno; 0: nobody tried */
};

struct gw_figures {
    struct gw_figure at[GW_VERSIONS][GW_FLOW_COUNT][GW_WAY_COUNT];
};

/* What --relay auto and --records measured go by. */
struct gw_choice {
    bool splice[GW_VERSIONS][GW_FLOW_COUNT]; /* cheaper than copying */
    /* [enum gw_relay]: the kernel, relaying so, is cheaper than the user engine */
    bool kernel[GW_RELAY_COUNT][GW_VERSIONS][GW_FLOW_COUNT];
};

/*
 * What was not measured is never chosen. Nor is splice where the self-test does not find it right;
 * from the TLS side also where it loses bytes when a pipe has little room (splice_full): such a
 * kernel has no business with bytes of ours that nobody insists on.
 */
void gw_choice_make(const struct gw_figures *figures, const struct ktls_probe *probe,
                    struct gw_choice *ret);

/* The figures of a cipher speak for it and those that cost about the same: whether the choice of
 * an engine made of AES-128-GCM's does for this one. */
bool gw_choice_covers(enum ktls_cipher cipher);

/* One line for the log: each version and flow with its figures and what was chosen. `engines`: of
 * the two engines, else of the two ways of relaying only. */
void gw_choice_tell(const struct gw_figures *figures, const struct gw_choice *choice, bool engines,
                    char ret_text[GW_CHOICE_TEXT_MAX]);

const char *gw_flow_word(enum gw_flow flow); /* "rx", "tx" */
const char *gw_way_word(enum gw_way way);    /* "user", "kernel copy", "kernel splice" */
