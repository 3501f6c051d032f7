/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of a connection for its log line, while it lives. Most texts are short and many are
 * absent, so they are packed one after another. A connection whose texts are longer than
 * GW_FACTS_BYTES allocates one block for all of them. The report (report.h) is made from the facts
 * when the connection ends.
 */
#pragma once

#include "gateway/base/attr.h"
#include "gateway/conn/report.h"

#include <stdbool.h>
#include <stdint.h>

/* The texts: name, field of struct gw_conn_report. */
// clang-format off
#define GW_FACTS(X)                                                                    \
    X(CLIENT, client)                                                                  \
    X(VIA, via)                                                                        \
    X(DETAIL, detail)                                                                  \
    X(VERSION, version)                                                                \
    X(SUITE, suite)                                                                    \
    X(GROUP, group)                                                                    \
    X(SNI, sni)                                                                        \
    X(ALPN, alpn)                                                                      \
    X(RULE, rule)                                                                      \
    X(ENGINE_WHY, engine_why)
// clang-format on

enum gw_fact {
#define X(id, field) GW_FACT_##id,
    GW_FACTS(X)
#undef X
    GW_FACT_COUNT
};

enum {
    GW_FACTS_BYTES = 152
};

struct gw_facts {
    uint64_t id;  /* the connection's id */
    uint64_t run; /* the worker's run, if the backend gets the unique id; else 0 */
    uint64_t bytes_up;
    uint64_t bytes_down;
    uint32_t
        handshake_us; /* 0: the handshake did not complete; a longer one counts as 71 minutes */
    uint32_t key_updates_in;
    uint32_t key_updates_out;
    bool resumed;
    uint16_t used; /* bytes of texts */
    char *more;    /* owned: all texts, if they need more room than `texts`; else NULL */
    char texts[GW_FACTS_BYTES]; /* each: its gw_fact, its length, its bytes, a NUL */
};

/* Stores the text, cut to the size of its field in the report. It replaces the earlier one. NULL
 * and
 * "" remove it. Without memory as much of the text is stored as fits. */
void gw_facts_set(struct gw_facts *f, enum gw_fact fact, const char *text);
void gw_facts_printf(struct gw_facts *f, enum gw_fact fact, const char *format, ...)
    gw_printf(3, 4);
/* The text; "" if there is none. Valid until the next gw_facts_set. */
const char *gw_facts_get(const struct gw_facts *f, enum gw_fact fact);
/* Fills the report's fields that the facts have; the others are zeroed. */
void gw_facts_report(const struct gw_facts *f, struct gw_conn_report *ret);
void gw_facts_done(struct gw_facts *f);
