/* SPDX-License-Identifier: Apache-2.0 */
/* The PROXY header that a load balancer sends before a client's first byte. It names the client.
 * Only senders in --accept-proxy-from are trusted; every other peer is refused. */
#include "gateway/conn/conn_private.h"

#include "gateway/base/sockaddr.h"
#include "gateway/base/text.h"

#include <errno.h>
#include <string.h>

static bool believed(const struct gw_service *service, const struct sockaddr_storage *peer)
{
    if (peer->ss_family == AF_UNIX)
        return service->accept_proxy_unix;
    for (unsigned i = 0; i < service->accept_proxy_from_count; i++)
        if (gw_net_has(&service->accept_proxy_from[i], (const struct sockaddr *)peer))
            return true;
    return false;
}

bool gw_preface_begin(struct gw_conn *c)
{
    struct sockaddr_storage peer;
    if (!c->service->accept_proxy)
        return true;
    gw_ring_addresses(c->env->ring, c->tls->fd, &peer, NULL);
    if (!believed(c->service, &peer)) {
        gw_conn_end_now(c, GW_REASON_PROXY_STRANGER);
        return false;
    }
    gw_conn_attach(c);
    gw_conn_set_timer(c, c->service->handshake_timeout_ns);
    gw_conn_read(c);
    return false;
}

static void print_end(const union gw_proxy_end *end, char *out, size_t size)
{
    struct sockaddr_storage ss = {.ss_family = AF_UNSPEC};
    memcpy(&ss, end, sizeof(*end));
    gw_sockaddr_print(&ss, out, size);
}

/* From here on the named client counts as the peer, except for the socket. */
static void take_ends(struct gw_conn *c, const struct gw_proxy_in *in)
{
    if (in->client.sa.sa_family == AF_UNSPEC)
        return;
    c->told_client = in->client;
    c->told_local = in->local;
    char text[GW_CONN_CLIENT_SIZE];
    gw_text_copy(text, sizeof(text), gw_facts_get(&c->facts, GW_FACT_CLIENT));
    gw_facts_set(&c->facts, GW_FACT_VIA, text);
    print_end(&in->client, text, sizeof(text));
    gw_facts_set(&c->facts, GW_FACT_CLIENT, text);
}

/* Appends the remaining bytes. */
static void read_more(struct gw_conn *c)
{
    struct gw_rx *rx = &c->rx;
    gw_ring_recv(c->env->ring, gw_conn_begin(c, c->tls, GW_OP_RECV), c->tls->fd,
                 rx->buf->data + rx->end, GW_BUFFER_BYTES - rx->end, 0);
}

/* True when the header is complete. */
static bool look(struct gw_conn *c)
{
    struct gw_rx *rx = &c->rx;
    struct gw_proxy_in in;
    switch (gw_proxy_parse(rx->buf->data + rx->start, rx->end - rx->start, &in)) {
    case GW_PROXY_PARTIAL:
        read_more(c);
        return false;
    case GW_PROXY_BAD:
        gw_facts_set(&c->facts, GW_FACT_DETAIL, in.why);
        gw_conn_end_now(c, GW_REASON_PROXY_HEADER);
        return false;
    case GW_PROXY_WHOLE:
        break;
    }
    take_ends(c, &in);
    rx->start += (uint32_t)in.len;
    if (rx->start == rx->end)
        gw_conn_give_buffer(c, &rx->buf);
    return true;
}

bool gw_preface_received(struct gw_conn *c, const struct gw_completion *done)
{
    if (done->res == -ENOBUFS) {
        gw_conn_starve(c, c->tls);
        return false;
    }
    if (done->res <= 0) {
        gw_facts_set(&c->facts, GW_FACT_DETAIL, "before its PROXY header");
        gw_conn_end_now(c, done->res == 0 ? GW_REASON_HANDSHAKE_CLOSED : GW_REASON_HANDSHAKE_RESET);
        return false;
    }
    if (done->buf) {
        c->rx.buf = done->buf;
        c->rx.start = c->rx.end = GW_BUFFER_FRONT;
    }
    c->rx.end += (uint32_t)done->res;
    return look(c);
}

void gw_preface_timeout(struct gw_conn *c)
{
    gw_facts_set(&c->facts, GW_FACT_DETAIL, "no complete PROXY header arrived");
    gw_conn_end_now(c, GW_REASON_HANDSHAKE_TIMEOUT);
}
