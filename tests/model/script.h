/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A handshake without cryptography: flights that the client and the server send in turns, of any
 * length, the client's first. The first carries the script, so that both ends know what is to come;
 * the bytes of the others are checked. Afterwards both have the same keys, made from the seed.
 */
#pragma once

#include "gateway/base/reason.h"
#include "gateway/tls/handover.h"
#include "tests/model/queue.h"

#include <stdbool.h>

enum {
    GW_SCRIPT_FLIGHTS_MAX = 5,
    GW_SCRIPT_TICKETS_MAX = 2,
    GW_SCRIPT_TICKET_BYTES = 700, /* at most */
};

enum gw_script_cert {
    GW_SCRIPT_NO_CERT,
    GW_SCRIPT_ALLOWED,
    GW_SCRIPT_STRANGER,
};

struct gw_script {
    uint64_t seed; /* of keys, bytes and ticket lengths */
    const struct ktls_suite *suite;
    enum gw_script_cert cert; /* the client's */
    bool resumed;
    uint8_t tickets;
    uint8_t flights;
    uint16_t len[GW_SCRIPT_FLIGHTS_MAX]; /* of each flight with its header */
    uint16_t payload_max;                /* as in struct gw_handover_keys */
};

/* One end of the conversation. */
struct gw_talk {
    struct gw_script script;
    bool server;
    bool known;      /* there is a script: the server's comes with the first flight */
    bool wants_cert; /* the server, or it refuses the client's last flight */
    unsigned flight; /* under way */
    size_t at;       /* bytes of it received */
    uint8_t head[sizeof(struct gw_script) + 8];
};

enum gw_talk_news {
    GW_TALK_MORE,
    GW_TALK_DONE,    /* all flights are through; what we have to send is in `out` */
    GW_TALK_NOT_TLS, /* the first byte belongs to no handshake */
    GW_TALK_ALERT,   /* the other end gave up */
    GW_TALK_FAILS,   /* we refuse, and have yet to send an alert */
};

/* A script of a random full or resumed handshake. */
void gw_script_make(struct gw_script *script, uint64_t seed, enum ktls_version version);
/* The keys of one end; sequence numbers as after `tickets` tickets. */
void gw_script_keys(const struct gw_script *script, bool server, unsigned tickets,
                    struct gw_handover_keys *ret);
/* The client's beginning: its first flight. */
void gw_talk_begin(struct gw_talk *t, const struct gw_script *script, struct gw_queue *out);
/* Takes bytes up to the end of the last flight to us; how many is in *ret_used. */
enum gw_talk_news gw_talk_take(struct gw_talk *t, const uint8_t *data, size_t len, size_t *ret_used,
                               struct gw_queue *out);
/* An alert that no keys protect. */
void gw_talk_add_alert(struct gw_queue *out, uint8_t description);
/* Whatever `state` says: the next number of a sequence (splitmix64). */
uint64_t gw_script_random(uint64_t *state);
