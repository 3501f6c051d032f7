/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report of a connection that ended: a plain struct that a worker writes to its log ring, and
 * the log line that the master makes of it. The struct comes from another process through shared
 * memory: the formatter trusts nothing in it.
 */
#pragma once

#include "gateway/base/log.h"
#include "gateway/base/logring.h"
#include "gateway/base/reason.h"
#include "gateway/conn/note.h"
#include "gateway/tls/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GW_CONN_CLIENT_SIZE = 64
};

struct gw_conn_report {
    int64_t wall_ns;     /* when it ended */
    uint64_t id;         /* the connection's id, unique within this gateway */
    uint64_t run;        /* the worker's run, if the backend gets the two as a unique id; else 0 */
    uint64_t bytes_up;   /* payload, client to backend */
    uint64_t bytes_down; /* payload, backend to client */
    uint64_t duration_us;
    uint64_t handshake_us; /* 0: the handshake did not complete */
    uint32_t reason;       /* enum gw_reason */
    bool harmless;         /* whatever the reason: nothing was lost, or such an end is allowed */
    bool resumed;
    char service[32]; /* GW_SERVICE_NAME_SIZE */
    char client[GW_CONN_CLIENT_SIZE];
    char via[GW_CONN_CLIENT_SIZE]; /* the load balancer that named the client; else "" */
    char detail[GW_FAULT_MAX];     /* more about the reason: an alert's name, a library's word */
    char version[8];
    char suite[48];
    char group[32];
    char sni[128];
    char alpn[32];
    char rule[256]; /* the pattern that admitted or refused it */
    char tx_engine[8];
    char rx_engine[8];
    char tx_relay[8]; /* kernel engine: "splice" once bytes went through a pipe, else "copy" */
    char rx_relay[8];
    char engine_why[48]; /* why not the kernel; "" when it is the kernel */
    uint32_t key_updates_in;
    uint32_t key_updates_out;
};

enum {
    GW_UNIQUE_ID_MAX = 40
};

/* The level at which the report is logged. The report may hold anything. */
enum gw_log_level gw_conn_report_level(const struct gw_conn_report *report);

/* Whether the report is of a peer that proved nothing: its reason is one of the strangers'
 * (gateway/base/reason.h), and it did not complete a handshake with a certificate. `note` is NULL
 * if it showed none. */
bool gw_conn_report_of_stranger(const struct gw_conn_report *report, const struct gw_note *note);

/* Formats the two as one text that no other connection has: hex digits, as in "9f…-1a". */
void gw_conn_unique_id(char out[GW_UNIQUE_ID_MAX], uint64_t run, uint64_t id);

/* An entry of a log ring is one byte of kind, then its struct. */
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
    char note[GW_NOTE_BYTES_MAX]; /* as much of it as the note fills */
};
_Static_assert(sizeof(struct gw_conn_report) <= 1024, "hundreds fit into a log ring");
_Static_assert(sizeof(struct gw_entry_conn) <= GW_LOGRING_ENTRY_MAX &&
                   sizeof(struct gw_entry_text) <= GW_LOGRING_ENTRY_MAX,
               "an entry fits");

/* Fill an entry; return its length in bytes. */
size_t gw_entry_text_make(struct gw_entry_text *entry, enum gw_log_level level,
                          const char *message);
/* `note` describes the peer's certificate; NULL: it showed none. */
size_t gw_entry_conn_make(struct gw_entry_conn *entry, const struct gw_conn_report *report,
                          const struct gw_note *note);

/* Formats the whole line of an entry. False when the entry is malformed. */
bool gw_entry_format(const void *entry, size_t len, enum gw_log_format format, int worker,
                     struct gw_line *line);
