/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/session.h"

#include "gateway/base/wipe.h"
#include "gateway/tls/handshake_private.h"
#include "gateway/tls/identity_private.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <time.h>

/* The ticket key callback's results (SSL_CTX_set_tlsext_ticket_key_cb(3)). */
enum {
    KEY_ERROR = -1,
    KEY_NONE = 0,
    KEY_FOUND = 1,
    KEY_FOUND_OLD = 2,
};

static bool set_mac(EVP_MAC_CTX *mac, const struct gw_ticket_key *key)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_init(mac, key->hmac_key, sizeof(key->hmac_key), params);
}

static int seal_with(const struct gw_tls_context *tls, const struct gw_ticket_key *key,
                     unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                     EVP_MAC_CTX *mac)
{
    memcpy(name, key->name, sizeof(key->name));
    bool ok = RAND_bytes_ex(tls->library, iv, 16, 0) == 1 &&
              EVP_EncryptInit_ex(cipher, tls->ticket_cipher, NULL, key->aes_key, iv) &&
              set_mac(mac, key);
    return ok ? KEY_FOUND : KEY_ERROR;
}

bool gw_session_peer_allowed(const struct gw_handshake *hs, X509 *cert)
{
    struct gw_identity identity;
    bool ok = gw_identity_read(&identity, cert) && hs->allows(hs->allows_arg, &identity);
    gw_identity_done(&identity);
    return ok;
}

bool gw_session_ticket_key(const struct gw_handshake *hs, struct gw_ticket_key *ret)
{
    return gw_session_peer_allowed(hs, SSL_get0_peer_certificate(hs->ssl)) &&
           gw_tickets_newest(hs->tls->tickets, ret);
}

/* In TLS 1.2 the ticket leaves before any other check, so this one decides. Tickets of TLS 1.3 pass
 * here only if libssl makes them (ticket.h). */
static int seal(struct gw_handshake *hs, unsigned char *name, unsigned char *iv,
                EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
    struct gw_ticket_key key;
    if (!gw_session_ticket_key(hs, &key))
        return KEY_NONE;
    int r = seal_with(hs->tls, &key, name, iv, cipher, mac);
    gw_wipe_object(&key);
    if (r == KEY_FOUND)
        hs->ticket_sent = true;
    return r;
}

static int open_with(const struct gw_tls_context *tls, const unsigned char *name,
                     const unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
    struct gw_ticket_key key;
    bool newest = false;
    if (!gw_tickets_find(tls->tickets, name, &key, &newest))
        return KEY_NONE;
    bool ok =
        EVP_DecryptInit_ex(cipher, tls->ticket_cipher, NULL, key.aes_key, iv) && set_mac(mac, &key);
    gw_wipe_object(&key);
    if (!ok)
        return KEY_ERROR;
    return newest ? KEY_FOUND : KEY_FOUND_OLD;
}

static int on_ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                         EVP_MAC_CTX *mac, int sealing)
{
    struct gw_handshake *hs = SSL_get_app_data(ssl);
    return sealing ? seal(hs, name, iv, cipher, mac) : open_with(hs->tls, name, iv, cipher, mac);
}

bool gw_session_read_chain(SSL_SESSION *session, struct gw_chain *ret)
{
    void *data = NULL;
    size_t len = 0;
    *ret = (struct gw_chain){0};
    return SSL_SESSION_get0_ticket_appdata(session, &data, &len) && data &&
           gw_chain_decode(ret, data, len);
}

bool gw_session_keep_chain(const struct gw_handshake *hs, SSL_SESSION *session)
{
    uint8_t data[GW_CHAIN_BYTES_MAX];
    if (SSL_session_reused(hs->ssl))
        return true;
    size_t len = gw_chain_encode(&hs->chain, data);
    return len && SSL_SESSION_set1_ticket_appdata(session, data, len);
}

/* Seals a session, as `seal` does. */
static int on_ticket_made(SSL *ssl, void *arg)
{
    const struct gw_handshake *hs = SSL_get_app_data(ssl);
    (void)arg;
    return gw_session_keep_chain(hs, SSL_get_session(ssl));
}

/* A clock that was set back may now be before the certificates' validity. */
static bool is_old(const struct gw_trust *trust, const struct gw_chain *chain, time_t now)
{
    return chain->since > now || now - chain->since >= trust->session_age;
}

bool gw_session_holds(SSL_SESSION *session, const struct gw_trust *trust, bool *ret_tolerated)
{
    time_t now = time(NULL);
    struct gw_chain chain;
    return gw_session_read_chain(session, &chain) && !is_old(trust, &chain, now) &&
           chain.present == (SSL_SESSION_get0_peer(session) != NULL) &&
           gw_trust_judge_reason(trust, &chain, now, NULL, ret_tolerated) == GW_REASON_NONE;
}

/* The session context already excludes sessions with another trust; this checks the peer. */
static bool session_usable(struct gw_handshake *hs, SSL_SESSION *session)
{
    return gw_session_holds(session, &hs->tls->trust, &hs->crl_tolerated) &&
           gw_session_peer_allowed(hs, SSL_SESSION_get0_peer(session));
}

static SSL_TICKET_RETURN on_ticket_opened(SSL *ssl, SSL_SESSION *session, const unsigned char *name,
                                          size_t name_len, SSL_TICKET_STATUS status, void *arg)
{
    (void)name;
    (void)name_len;
    (void)arg;
    if ((status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) ||
        !session_usable(SSL_get_app_data(ssl), session))
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

int gw_session_apply(const struct gw_tls_context *tls, SSL_CTX *ctx)
{
    if (!tls->tickets)
        return 0;
    SSL_CTX_set_timeout(ctx, (long)gw_session_life(&tls->trust));
    return SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket_key) &&
                   SSL_CTX_set_session_ticket_cb(ctx, on_ticket_made, on_ticket_opened, NULL)
               ? 0
               : -ENOMEM;
}
