/* SPDX-License-Identifier: Apache-2.0 */
/* The name that a client asks for, and who answers to it. */
#include "gateway/base/bytes.h"
#include "gateway/tls/handshake_private.h"

#include <openssl/tls1.h>

/* server_name as in RFC 6066 3: a list, of which only host_name (type 0) is defined, so of one. */
static void take_server_name(struct gw_handshake *hs, const uint8_t *data, size_t len)
{
    struct gw_reader r = gw_reader_of(data, len);
    struct gw_reader list = gw_read_sub(&r, gw_read_u16(&r));
    bool host = gw_read_u8(&list) == 0;
    size_t name_len = gw_read_u16(&list);
    const uint8_t *name = gw_read_span(&list, name_len);
    if (name && host && name_len < sizeof(hs->sni) && !memchr(name, '\0', name_len)) {
        memcpy(hs->sni, name, name_len);
        hs->sni[name_len] = '\0';
    }
}

/* What is malformed libssl refuses right after this. */
int gw_handshake_take_hello(SSL *ssl, int *alert, void *arg)
{
    struct gw_handshake *hs = SSL_get_app_data(ssl);
    const unsigned char *data;
    size_t len;
    (void)arg;
    hs->sni[0] = '\0';
    hs->family = 0;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &data, &len))
        take_server_name(hs, data, len);
    hs->name_known = gw_sni_find(&hs->tls->keyring.sni, hs->sni, &hs->family);
    if (hs->name_known || !hs->tls->strict_sni)
        return SSL_CLIENT_HELLO_SUCCESS;
    hs->reason = GW_REASON_HANDSHAKE_SNI;
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_CLIENT_HELLO_ERROR;
}
