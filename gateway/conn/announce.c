/* SPDX-License-Identifier: Apache-2.0 */
/* Announces the client to the backend with a PROXY header. The header is made as soon as the client
 * may pass, since its certificate is not available later. */
#include "gateway/conn/conn_private.h"

#include "gateway/wire/proxy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    NOT_VERIFIED = 1, /* X509_V_ERR_UNSPECIFIED: there was nothing to verify */
};

static struct gw_tlv_value text_value(const char *text)
{
    return (struct gw_tlv_value){.data = text, .len = text ? strlen(text) : 0};
}

static bool is_of_host(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

/* The name that the client asked for. It may contain any bytes; NULL if it is not a host name,
 * since a backend might take it for one. */
static const char *authority(const struct gw_conn *c, const char *sni)
{
    const char *at = sni;
    while (is_of_host(*at))
        at++;
    return c->service->proxy_authority && *at == '\0' ? sni : NULL;
}

static uint8_t client_bits(const struct gw_conn *c, const struct gw_identity *id)
{
    if (!id->present)
        return GW_PROXY_CLIENT_SSL;
    return GW_PROXY_CLIENT_SSL | GW_PROXY_CLIENT_CERT_SESS |
           (c->facts.resumed ? 0 : GW_PROXY_CLIENT_CERT_CONN);
}

static void fill_tls(const struct gw_conn *c, const struct gw_identity *id,
                     const struct gw_handshake_facts *facts, const char *unique_id,
                     struct gw_proxy_tls *ret)
{
    *ret = (struct gw_proxy_tls){
        .client = client_bits(c, id),
        .verify = id->present ? 0 : NOT_VERIFIED,
        .values =
            {
                [GW_TLV_ALPN] = {facts->alpn, facts->alpn_len},
                [GW_TLV_AUTHORITY] = text_value(authority(c, facts->sni)),
                [GW_TLV_UNIQUE_ID] = text_value(unique_id),
                [GW_TLV_VERSION] = text_value(gw_facts_get(&c->facts, GW_FACT_VERSION)),
                [GW_TLV_CN] = text_value(gw_identity_first(id, GW_NAME_CN)),
                [GW_TLV_CIPHER] = text_value(gw_facts_get(&c->facts, GW_FACT_SUITE)),
                [GW_TLV_SIG_ALG] = text_value(facts->sig_alg),
                [GW_TLV_KEY_ALG] = text_value(facts->key_alg),
                [GW_TLV_GROUP] = text_value(gw_facts_get(&c->facts, GW_FACT_GROUP)),
                [GW_TLV_SIG_SCHEME] = text_value(facts->sig_scheme),
                [GW_TLV_CLIENT_CERT] = {facts->cert, facts->cert_len},
            },
    };
}

/* Allocates and writes the header. */
static enum gw_reason make_header(struct gw_conn *c, const struct gw_proxy_info *info)
{
    ssize_t room = gw_proxy_room(info);
    if (room < 0)
        return GW_REASON_CERT_TOO_LARGE; /* nothing else can make it this long */
    c->header = malloc((size_t)room);
    if (!c->header)
        return GW_REASON_NO_MEMORY;
    ssize_t len = gw_proxy_encode(c->header, (size_t)room, info);
    gw_require(len > 0);
    c->header_len = (uint32_t)len;
    return GW_REASON_NONE;
}

static enum gw_reason make_header_on_tls(struct gw_conn *c, const struct gw_identity *id,
                                         struct gw_proxy_info *info)
{
    char unique_id[GW_UNIQUE_ID_MAX];
    struct gw_handshake_facts facts;
    struct gw_proxy_tls tls;
    bool with_cert = c->service->proxy_protocol == GW_PROXY_V2_TLS_FULL;
    if (!gw_handshake_get_facts(c->hs, with_cert, &facts))
        return GW_REASON_NO_MEMORY;
    c->facts.run = c->env->run;
    gw_conn_unique_id(unique_id, c->facts.run, c->facts.id);
    fill_tls(c, id, &facts, unique_id, &tls);
    info->tls = &tls;
    return make_header(c, info);
}

enum gw_reason gw_announce_make(struct gw_conn *c, const struct gw_identity *id)
{
    enum gw_proxy_protocol mode = c->service->proxy_protocol;
    struct sockaddr_storage peer;
    struct sockaddr_storage local;
    if (mode == GW_PROXY_OFF)
        return GW_REASON_NONE;
    bool told = c->told_client.sa.sa_family != AF_UNSPEC;
    if (!told)
        gw_ring_addresses(c->env->ring, c->tls->fd, &peer, &local);
    struct gw_proxy_info info = {
        .version = mode == GW_PROXY_V1 ? 1 : 2,
        .client = told ? &c->told_client.sa : (const struct sockaddr *)&peer,
        .local = told ? &c->told_local.sa : (const struct sockaddr *)&local,
    };
    bool on_tls = mode == GW_PROXY_V2_TLS || mode == GW_PROXY_V2_TLS_FULL;
    return on_tls ? make_header_on_tls(c, id, &info) : make_header(c, &info);
}

bool gw_announce_send(struct gw_conn *c)
{
    if (!c->header)
        return false;
    gw_ring_send(c->env->ring, gw_conn_begin(c, c->plain, GW_OP_SEND), c->plain->fd,
                 c->header + c->header_sent, c->header_len - c->header_sent);
    return true;
}

bool gw_announce_sent(struct gw_conn *c, size_t sent)
{
    c->header_sent += (uint32_t)sent;
    if (c->header_sent < c->header_len)
        return gw_announce_send(c);
    gw_announce_drop(c);
    return false;
}

void gw_announce_drop(struct gw_conn *c)
{
    free(c->header);
    c->header = NULL;
}
