/* SPDX-License-Identifier: Apache-2.0 */
/* ClientHellos: their length, the name that a client asks for, and the certificate that answers. */
#include "gateway/base/bytes.h"
#include "gateway/tls/handshake_private.h"

#include <openssl/tls1.h>

enum {
    RECORD_CHANGE_CIPHER_SPEC = 20,
    RECORD_HANDSHAKE = 22,
    CLIENT_HELLO = 1,
};

/* ---- its length (RFC 8446 4, 5.1) ---- */

static size_t fill(uint8_t *to, size_t *have, size_t want, const uint8_t *data, size_t len)
{
    size_t n = GW_MIN(len, want - *have);
    memcpy(to + *have, data, n);
    *have += n;
    return n;
}

/* In TLS 1.3 a second ClientHello may follow a ChangeCipherSpec; in TLS 1.2 what follows it is
 * encrypted. */
static size_t take_record_header(struct gw_handshake *hs, const uint8_t *data, size_t len)
{
    struct gw_hello_watch *w = &hs->hello;
    size_t n = fill(w->record, &w->record_have, sizeof(w->record), data, len);
    if (w->record_have < sizeof(w->record))
        return n;
    w->record_have = 0;
    w->record_left = (size_t)w->record[3] << 8 | w->record[4];
    bool change = w->record[0] == RECORD_CHANGE_CIPHER_SPEC;
    w->over = change ? SSL_version(hs->ssl) != TLS1_3_VERSION : w->record[0] != RECORD_HANDSHAKE;
    return n;
}

static size_t take_message_header(struct gw_hello_watch *w, const uint8_t *data, size_t len)
{
    size_t n = fill(w->message, &w->message_have, sizeof(w->message), data, len);
    if (w->message_have < sizeof(w->message))
        return n;
    w->message_have = 0;
    w->message_left =
        (size_t)w->message[1] << 16 | (size_t)w->message[2] << 8 | (size_t)w->message[3];
    return n;
}

static size_t take_body(struct gw_hello_watch *w, const uint8_t *data, size_t len)
{
    size_t n = GW_MIN(len, w->record_left);
    if (w->record[0] == RECORD_HANDSHAKE && w->message_left == 0) {
        n = take_message_header(w, data, n);
    } else if (w->record[0] == RECORD_HANDSHAKE) {
        n = GW_MIN(n, w->message_left);
        w->message_left -= n;
    }
    w->record_left -= n;
    return n;
}

bool gw_handshake_hello_fits(struct gw_handshake *hs, const uint8_t *data, size_t len)
{
    struct gw_hello_watch *w = &hs->hello;
    while (len > 0 && !w->over) {
        size_t n = w->record_left ? take_body(w, data, len) : take_record_header(hs, data, len);
        if (w->message[0] == CLIENT_HELLO && w->message_left > GW_CLIENT_HELLO_BYTES_MAX)
            return false;
        data += n;
        len -= n;
    }
    return true;
}

/* ---- the name ---- */

/* server_name as in RFC 6066 3: a list that defines only host_name (type 0), so a list of one. */
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

/* Whether a certificate may answer. A malformed name counts as a requested one. */
static bool may_be_answered(const struct gw_handshake *hs, bool asked)
{
    switch (hs->tls->strict_sni) {
    case GW_STRICT_SNI_OFF:
        return true;
    case GW_STRICT_SNI_UNKNOWN:
        return hs->name_known || !asked;
    case GW_STRICT_SNI_ON:
        return hs->name_known;
    }
    return false;
}

/* libssl refuses a malformed message right after this. */
int gw_handshake_take_hello(SSL *ssl, int *alert, void *arg)
{
    struct gw_handshake *hs = SSL_get_app_data(ssl);
    const unsigned char *data;
    size_t len;
    (void)arg;
    hs->sni[0] = '\0';
    hs->family = 0;
    bool asked = SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &data, &len);
    if (asked)
        take_server_name(hs, data, len);
    hs->name_known = gw_sni_find(&hs->tls->keyring.sni, hs->sni, &hs->family);
    if (may_be_answered(hs, asked))
        return SSL_CLIENT_HELLO_SUCCESS;
    hs->reason = GW_REASON_HANDSHAKE_SNI;
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_CLIENT_HELLO_ERROR;
}
