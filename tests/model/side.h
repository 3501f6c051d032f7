/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TLS end of a peer, without sockets: bytes of the wire in and out, plaintext out and in. Two
 * kinds: libssl, as it is; and one that follows a script, which costs little and may send what no
 * TLS library sends.
 */
#pragma once

#include "gateway/record/record.h"
#include "tests/model/script.h"

#include <openssl/ssl.h>

struct model;
struct peer;

struct side_kind {
    void (*begin)(struct model *m, struct peer *p);
    void (*done)(struct peer *p);
    enum ktls_version (*version)(const struct peer *p);
    void (*take)(struct peer *p, const void *data, size_t len); /* from the wire */
    bool (*handshake)(struct peer *p);                          /* goes on; true: it is done */
    size_t (*read)(struct peer *p, uint8_t *data, size_t cap);  /* sets close_seen and alert */
    bool (*write)(struct peer *p, const uint8_t *data, size_t len);
    void (*update)(struct peer *p, bool request); /* a KeyUpdate */
    bool (*close)(struct peer *p);                /* close_notify; whether it was possible */
    /* To the wire: how much there is; at most cap bytes of it. */
    size_t (*waiting)(const struct peer *p);
    size_t (*give)(struct peer *p, void *data, size_t cap);
};

extern const struct side_kind side_libssl;
extern const struct side_kind side_scripted;

/* The scripted kind's own. */
struct scripted_side {
    struct gw_talk talk;
    struct gw_queue in;
    struct gw_queue out;
    struct gw_record rec;
    bool ready; /* there are keys */
    bool over;  /* close_notify or a fatal alert came: nothing more is read */
    bool asked; /* for the answer to a KeyUpdate */
    bool answered;
    unsigned tickets;   /* sent as a server, right after the handshake */
    unsigned under_key; /* records read under the key in use */
};

/* Scripted only: any record, also such as must not be. */
void side_send_record(struct peer *p, uint8_t type, const void *data, size_t len);
void side_send_ticket(struct peer *p);
