/* SPDX-License-Identifier: Apache-2.0 */
/* The results of a complete handshake: the record keys, and the facts for the log. */
#include "gateway/base/wipe.h"
#include "gateway/tls/handshake_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The sides that the keys protect. */
struct sides {
    struct ktls_keys *client;
    struct ktls_keys *server;
};

static struct sides sides_of(struct gw_handover_keys *keys)
{
    return keys->role == GW_ROLE_CLIENT ? (struct sides){.client = &keys->tx, .server = &keys->rx}
                                        : (struct sides){.client = &keys->rx, .server = &keys->tx};
}

static int derive_server(const struct gw_handshake *hs, const struct ktls_suite *suite,
                         struct ktls_keys *ret)
{
    if (!hs->server_keys.suite)
        return ktls_derive_tls13(suite, hs->secrets.server, hs->secrets.server_len, ret);
    *ret = hs->server_keys;
    return 0;
}

static int derive_tls13(const struct gw_handshake *hs, const struct ktls_suite *suite,
                        struct gw_handover_keys *keys)
{
    struct sides of = sides_of(keys);
    int r = ktls_derive_tls13(suite, hs->secrets.client, hs->secrets.client_len, of.client);
    if (r == 0)
        r = derive_server(hs, suite, of.server);
    /* Nothing from the peer was read under its application key: rx.seq stays 0. */
    keys->tx.seq = hs->sent.protected - hs->sent_before;
    return r;
}

static int derive_tls12(const struct gw_handshake *hs, const struct ktls_suite *suite,
                        struct gw_handover_keys *keys)
{
    struct sides of = sides_of(keys);
    uint8_t master[KTLS_MASTER_LEN] = {0};
    uint8_t client[KTLS_RANDOM_LEN];
    uint8_t server[KTLS_RANDOM_LEN];
    size_t len = SSL_SESSION_get_master_key(SSL_get_session(hs->ssl), master, sizeof(master));
    int r = -EINVAL;
    if (len == sizeof(master) &&
        SSL_get_client_random(hs->ssl, client, sizeof(client)) == sizeof(client) &&
        SSL_get_server_random(hs->ssl, server, sizeof(server)) == sizeof(server))
        r = ktls_derive_tls12(suite, master, client, server, of.client, of.server);
    gw_wipe(master, sizeof(master));
    /* Usually 1, the Finished. Counted, since a peer may split its Finished across records. */
    keys->rx.seq = hs->reads;
    keys->tx.seq = hs->sent.after_ccs;
    if (suite->explicit_nonce_len)
        keys->tx.explicit_nonce = hs->sent.explicit_nonce + 1;
    return r;
}

/* OpenSSL accepts every max_fragment_length, and no option disables that. */
uint16_t gw_handshake_payload_max(const struct gw_handshake *hs)
{
    unsigned code = SSL_SESSION_get_max_fragment_length(SSL_get_session(hs->ssl));
    bool asked = code >= TLSEXT_max_fragment_length_512 && code <= TLSEXT_max_fragment_length_4096;
    return asked ? (uint16_t)(512U << (code - TLSEXT_max_fragment_length_512)) : 0;
}

const struct ktls_suite *gw_handshake_suite(const struct gw_handshake *hs)
{
    return ktls_suite_find(SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(hs->ssl)));
}

int gw_handshake_keys(struct gw_handshake *hs, struct gw_handover_keys *ret)
{
    if (hs->state != GW_HANDSHAKE_COMPLETE)
        return -EINVAL;
    const struct ktls_suite *suite = gw_handshake_suite(hs);
    struct gw_handover_keys keys = {.role = hs->tls->role,
                                    .payload_max = gw_handshake_payload_max(hs)};
    int r = suite->version == KTLS_TLS_1_3 ? derive_tls13(hs, suite, &keys)
                                           : derive_tls12(hs, suite, &keys);
    if (r == 0)
        *ret = keys;
    gw_wipe_object(&keys);
    return r;
}

static void copy_text(char *to, size_t size, const char *text)
{
    (void)snprintf(to, size, "%s", text ? text : "");
}

void gw_handshake_get_info(struct gw_handshake *hs, struct gw_handshake_info *ret)
{
    const unsigned char *alpn = NULL;
    unsigned alpn_len = 0;
    *ret = (struct gw_handshake_info){.ticket_sent = hs->ticket_sent,
                                      .crl_tolerated = hs->crl_tolerated};
    (void)snprintf(ret->sni, sizeof(ret->sni), "%.*s", (int)sizeof(ret->sni) - 1, hs->sni);
    if (hs->state != GW_HANDSHAKE_COMPLETE)
        return;
    ret->resumed = SSL_session_reused(hs->ssl);
    copy_text(ret->version, sizeof(ret->version), SSL_get_version(hs->ssl));
    copy_text(ret->suite, sizeof(ret->suite), SSL_get_cipher_name(hs->ssl));
    int group = SSL_get_negotiated_group(hs->ssl);
    copy_text(ret->group, sizeof(ret->group), group ? SSL_group_to_name(hs->ssl, group) : NULL);
    SSL_get0_alpn_selected(hs->ssl, &alpn, &alpn_len);
    if (alpn)
        (void)snprintf(ret->alpn, sizeof(ret->alpn), "%.*s", (int)alpn_len, (const char *)alpn);
}
