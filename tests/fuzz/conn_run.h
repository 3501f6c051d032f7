/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection of gateway/conn against the doubles of ring and kernel (tests/model), driven by a
 * script. Between two steps everything comes to rest, so that what comes of a script does not
 * depend on the order of completions, and two engines can be compared.
 *
 * Every byte is checked on the way: the backend gets what the client sent and the client what the
 * backend sent, in order; the client can open every record, and none comes behind an alert.
 */
#pragma once

#include "gateway/conn/conn.h"

#include "tests/fuzz/handshake_fake.h"

enum conn_engine {
    CONN_USER,
    CONN_KERNEL,
    CONN_MIXED,  /* the kernel refuses to attach or takes one direction only, by chance */
    CONN_REKEYS, /* the kernel can change keys */
    CONN_SPLICE, /* splices bytes through pipes */
    CONN_LOSES,  /* the same, where splice loses what does not fit into a pipe */
    CONN_ENGINES
};

/* What comes before the client's first byte. */
enum conn_preface {
    CONN_PREFACE_NONE,
    CONN_PREFACE_V1,
    CONN_PREFACE_V2,
    CONN_PREFACE_LOCAL,
    CONN_PREFACE_BROKEN, /* where a header must come */
    CONN_PREFACES
};

struct conn_setup {
    const struct ktls_suite *suite;
    struct handshake_fake handshake; /* but for its keys */
    enum gw_proxy_protocol proxy;
    enum conn_preface preface;
    int connect_result; /* as in tests/model/ring_fake.h */
    bool scarce;        /* buffers and pipes are often not there */
    bool polls_once;    /* as in tests/model/ring_fake.h */
    bool deaf;          /* the client begins with CONN_PAUSE */
    int send_error;     /* what the kernel engine's sends end with; 0: as usual */
    uint32_t rekey_after;
    unsigned interval; /* seconds of --reload-interval, with --recheck-on-reload; 0: neither */
    uint64_t seed;
};

enum conn_act {
    /* Of the client; adjacent ones may arrive together. */
    CONN_DATA,       /* `len` bytes, `pad` (TLS 1.3) */
    CONN_RECORD,     /* any type, any payload */
    CONN_TAMPERED,   /* as CONN_DATA, then one bit flipped */
    CONN_CUT,        /* as CONN_DATA, but only the first `bit` bytes of the record */
    CONN_KEY_UPDATE, /* `type` 1: asks for one back */
    CONN_RAW,        /* bytes that are no record */
    CONN_CLOSE_NOTIFY,
    /* Of the client, its connection. */
    CONN_FIN,
    CONN_RESET,
    /* Of the backend. */
    CONN_BACKEND_DATA,
    CONN_BACKEND_FIN,
    CONN_BACKEND_RESET,
    /* Of the surroundings. */
    CONN_TIME,    /* `type` seconds pass */
    CONN_STOP,    /* the gateway is stopped */
    CONN_PAUSE,   /* the client stops reading */
    CONN_PAUSE_B, /* the backend stops reading; a second time: it reads again */
    CONN_SIP,     /* The client takes only one record, then stops. */
    CONN_SIP_B,   /* The backend takes `len` bytes, then stops. */
    CONN_ACTS
};

struct conn_step {
    enum conn_act act;
    bool together; /* with the next step of the client */
    uint8_t piece; /* so many squared and one bytes at a time; 0: all at once */
    uint8_t type;
    uint16_t len, pad;
    uint32_t bit;
    const uint8_t *bytes; /* `len` of them, for CONN_RECORD and CONN_RAW */
};

struct conn_result {
    enum gw_reason reason;
    char detail[64];
    int alert;                     /* the last that the client got; -1: none */
    size_t up, down;               /* bytes that arrived, */
    size_t up_whole, down_whole;   /* bytes that belong to each stream */
    uint64_t bytes_up, bytes_down; /* as reported */
    bool backend_fin, backend_reset;
    bool harmless;  /* as reported */
    bool rx_kernel; /* the kernel ran the client's records at the end */
    uint64_t key_updates_in, key_updates_out;
    bool over; /* when the script was; at last everybody leaves */
};

void conn_run(const struct conn_setup *setup, const struct conn_step *steps, size_t count,
              enum conn_engine engine, struct conn_result *ret);
