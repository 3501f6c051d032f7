/* SPDX-License-Identifier: Apache-2.0 */
/* A handshake of gateway/tls in both roles, over memory. */
#pragma once

#include "gateway/base/wipe.h"
#include "tests/unit/tlspair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* Two services and one connection between them. */
struct duo {
    struct gw_cert_pair shown; /* by the client, if at all */
    struct gw_tls_side to;     /* client role */
    struct gw_tls_side at;     /* server role */
    struct gw_ticket_keys *keys;
    struct gw_tls_context *client_tls;
    struct gw_tls_context *server_tls;
    bool refuse; /* the server lets nobody pass */

    struct gw_handshake *client;
    struct gw_handshake *server;
    enum gw_handshake_verdict client_verdict;
    enum gw_handshake_verdict server_verdict;
    struct gw_handover_keys client_keys;
    struct gw_handover_keys server_keys;
    size_t piece; /* bytes that are handed over at a time; 0: all */
    int judge; /* whether the client asks for the target's names: 1: it may pass, -1: it may not */
    unsigned judged;
};

static inline bool allows(void *arg, const struct gw_identity *id)
{
    const struct duo *d = arg;
    (void)id;
    return !d->refuse;
}

/* Of the client, whose target this is. */
static inline bool judges(void *arg, const struct gw_identity *id)
{
    struct duo *d = arg;
    assert_string_equal(gw_identity_first(id, GW_NAME_CN), "server");
    d->judged++;
    return d->judge > 0;
}

static inline void plan(const struct tlsworld *w, struct duo *d)
{
    memset(d, 0, sizeof(*d));
    tlsworld_side(w, &d->at);
    d->to = (struct gw_tls_side){
        .session_scope = "default",
        .role = GW_ROLE_CLIENT,
        .peer_name = "gate.test",
        .cacerts[0] = w->ca_file,
        .verify = GW_VERIFY_REQUIRED,
        .verify_depth = GW_VERIFY_DEPTH_MAX,
        .tls_min = 0x0303,
        .tls_max = 0x0304,
        .session_tickets = true,
        .session_age_ns = INT64_C(86400) * 1000000000,
        .max_cert_chain = 24 << 10,
    };
    d->to.certs = &d->shown;
}

static inline void build(struct duo *d)
{
    d->keys = tlsworld_ticket_keys();
    d->server_tls = tlsworld_context(&d->at, d->keys);
    d->client_tls = tlsworld_context(&d->to, NULL);
}

static inline void disconnect(struct duo *d)
{
    gw_handshake_free(d->client);
    gw_handshake_free(d->server);
    d->client = d->server = NULL;
}

static inline void destroy(struct duo *d)
{
    disconnect(d);
    gw_tls_context_free(d->client_tls);
    gw_tls_context_free(d->server_tls);
    gw_wipe_pages_free(d->keys, sizeof(*d->keys));
}

static inline bool move(struct duo *d, struct gw_handshake *from, struct gw_handshake *to,
                        enum gw_handshake_verdict *verdict)
{
    const uint8_t *data;
    size_t len = gw_handshake_output(from, &data);
    if (!len)
        return false;
    size_t some = d->piece ? GW_MIN(len, d->piece) : len;
    *verdict = gw_handshake_input(to, data, some);
    gw_handshake_output_sent(from, some);
    return true;
}

/* Until neither has more to say. */
static inline void go_on(struct duo *d)
{
    bool moved = true;
    while (moved) {
        moved = move(d, d->client, d->server, &d->server_verdict);
        moved |= move(d, d->server, d->client, &d->client_verdict);
    }
}

static inline void shake_hands(struct duo *d)
{
    d->server = gw_handshake_new(d->server_tls, allows, d);
    d->client = gw_handshake_new(d->client_tls, d->judge ? judges : NULL, d);
    assert_true(d->server && d->client);
    d->server_verdict = gw_handshake_begin(d->server);
    d->client_verdict = gw_handshake_begin(d->client);
    go_on(d);
}
