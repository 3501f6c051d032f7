/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is told of a connection when it ends: a plain struct that a worker writes to its log ring,
 * and the log line the master makes of it. The struct comes from another process through shared
 * memory: the formatter believes nothing in it.
 */
#pragma once

#include "gateway/base/log.h"
#include "gateway/base/logring.h"
#include "gateway/base/reason.h"
#include "gateway/conn/note.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gw_conn_report {
    int64_t wall_ns;     /* when it ended */
    uint64_t id;         /* of the connection; no other of this gateway has it */
    uint64_t run;        /* of the worker, where the backend is told the two as one; else 0 */
    uint64_t bytes_up;   /* payload, client to backend */
    uint64_t bytes_down; /* payload, backend to client */
    uint64_t duration_us;
    uint64_t handshake_us; /* 0: the handshake did not finish */
    uint32_t reason;       /* enum gw_reason */
    bool harmless;         /* whatever the reason is: nothing was lost, or it is wanted so */
    bool resumed;
    char service[32]; /* GW_SERVICE_NAME_SIZE */
    char client[64];
    char via[64];    /* the load balancer that told who the client is; else "" */
    char detail[96]; /* more on the reason: an alert's name, a library's word */
    char version[8];
    char suite[48];
    char group[32];
    char sni[128];
    char alpn[32];
    char rule[256]; /* the pattern that let it in, or refused it */
    char tx_engine[8];
    char rx_engine[8];
    char tx_relay[8]; /* kernel engine: "splice" once bytes went through a pipe, else "copy" */
    char rx_relay[8];
    char engine_why[48]; /* why not the kernel; "" when it is */
    uint32_t key_updates_in;
    uint32_t key_updates_out;
};

enum {
    GW_UNIQUE_ID_MAX = 40
};

/* At which level it is logged. What it holds may be anything. */
enum gw_log_level gw_conn_report_level(const struct gw_conn_report *report);

/* Whether it tells of a peer that has proved nothing: it brought about its end by a reason of
 * strangers (gateway/base/reason.h), and did not finish a handshake with a certificate (`note`;
 * NULL: it showed none). */
bool gw_conn_report_of_stranger(const struct gw_conn_report *report, const struct gw_note *note);

/* The two as one text, that no other connection has: "9f…-1a", of hex digits. */
void gw_conn_unique_id(char out[GW_UNIQUE_ID_MAX], uint64_t run, uint64_t id);

/* Entries of a log ring: one byte of kind, then this. */
enum gw_entry_kind {
    GW_ENTRY_TEXT = 1,
    GW_ENTRY_CONN,
};

struct gw_entry_text {
    uint8_t kind;
    uint8_t level;
    char message[GW_LOG_MESSAGE_MAX];
};

struct gw_entry_conn {
    uint8_t kind;
    struct gw_conn_report report;
    char note[GW_NOTE_BYTES_MAX]; /* as much as there is of it */
};
_Static_assert(sizeof(struct gw_conn_report) <= 1024, "hundreds fit into a log ring");
_Static_assert(sizeof(struct gw_entry_conn) <= GW_LOGRING_ENTRY_MAX &&
                   sizeof(struct gw_entry_text) <= GW_LOGRING_ENTRY_MAX,
               "an entry fits");

/* Fill an entry; return its length in bytes. */
size_t gw_entry_text_make(struct gw_entry_text *entry, enum gw_log_level level,
                          const char *message);
/* `note` tells of the peer's certificate; NULL: it showed none. */
size_t gw_entry_conn_make(struct gw_entry_conn *entry, const struct gw_conn_report *report,
                          const struct gw_note *note);

/* Makes the whole line of an entry; false when it is malformed. */
bool gw_entry_format(const void *entry, size_t len, enum gw_log_format format, int worker,
                     struct gw_line *line);
