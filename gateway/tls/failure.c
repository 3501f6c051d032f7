/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/failure.h"

#include "gateway/base/attr.h"

#include <ctype.h>
#include <openssl/err.h>
#include <openssl/proverr.h>
#include <stdio.h>

struct row {
    int code;
    enum gw_reason reason;
};

/* Reasons of libssl (sslerr.h). Any other means a violation of the protocol. */
static const struct row ssl_rows[] = {
    {SSL_R_HTTP_REQUEST, GW_REASON_HANDSHAKE_NOT_TLS},
    {SSL_R_HTTPS_PROXY_REQUEST, GW_REASON_HANDSHAKE_NOT_TLS},

    {SSL_R_UNSUPPORTED_PROTOCOL, GW_REASON_HANDSHAKE_VERSION},
    {SSL_R_VERSION_TOO_LOW, GW_REASON_HANDSHAKE_VERSION},
    {SSL_R_VERSION_TOO_HIGH, GW_REASON_HANDSHAKE_VERSION},
    {SSL_R_UNKNOWN_PROTOCOL, GW_REASON_HANDSHAKE_VERSION},
    {SSL_R_WRONG_SSL_VERSION, GW_REASON_HANDSHAKE_VERSION},
    {SSL_R_INAPPROPRIATE_FALLBACK, GW_REASON_HANDSHAKE_VERSION},

    {SSL_R_NO_SHARED_CIPHER, GW_REASON_HANDSHAKE_CIPHER},
    {SSL_R_NO_CIPHERS_SPECIFIED, GW_REASON_HANDSHAKE_CIPHER},
    {SSL_R_NO_SUITABLE_KEY_SHARE, GW_REASON_HANDSHAKE_CIPHER},
    {SSL_R_NO_SUITABLE_GROUPS, GW_REASON_HANDSHAKE_CIPHER},
    {SSL_R_NO_SHARED_GROUPS, GW_REASON_HANDSHAKE_CIPHER},
    {SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, GW_REASON_HANDSHAKE_CIPHER},
    {SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, GW_REASON_HANDSHAKE_CIPHER},
    {SSL_R_WRONG_CURVE, GW_REASON_HANDSHAKE_CIPHER},
    {SSL_R_WRONG_CIPHER_RETURNED, GW_REASON_HANDSHAKE_CIPHER},

    {SSL_R_NO_APPLICATION_PROTOCOL, GW_REASON_HANDSHAKE_ALPN},

    {SSL_R_EXCESSIVE_MESSAGE_SIZE, GW_REASON_HANDSHAKE_TOO_LARGE},

    {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, GW_REASON_CERT_MISSING},
    {SSL_R_BAD_SIGNATURE, GW_REASON_CERT_INVALID},
    {SSL_R_WRONG_SIGNATURE_TYPE, GW_REASON_CERT_INVALID},
    {SSL_R_WRONG_SIGNATURE_SIZE, GW_REASON_CERT_INVALID},
    {SSL_R_UNKNOWN_CERTIFICATE_TYPE, GW_REASON_CERT_INVALID},
    {SSL_R_SIGNATURE_FOR_NON_SIGNING_CERTIFICATE, GW_REASON_CERT_INVALID},

    {SSL_R_CALLBACK_FAILED, GW_REASON_HANDSHAKE_INTERNAL},
    {SSL_R_CERT_CB_ERROR, GW_REASON_HANDSHAKE_INTERNAL},
    {ERR_R_INTERNAL_ERROR, GW_REASON_HANDSHAKE_INTERNAL},
    {ERR_R_MALLOC_FAILURE, GW_REASON_NO_MEMORY},
};

/* Verification results (x509_vfy.h). Any other means an invalid certificate. */
static const struct row verify_rows[] = {
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, GW_REASON_CERT_UNTRUSTED},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, GW_REASON_CERT_UNTRUSTED},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, GW_REASON_CERT_UNTRUSTED},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, GW_REASON_CERT_UNTRUSTED},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, GW_REASON_CERT_UNTRUSTED},
    {X509_V_ERR_CERT_UNTRUSTED, GW_REASON_CERT_UNTRUSTED},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, GW_REASON_CERT_UNTRUSTED},
    {X509_V_ERR_CERT_CHAIN_TOO_LONG, GW_REASON_CERT_UNTRUSTED},
    {X509_V_ERR_INVALID_CA, GW_REASON_CERT_UNTRUSTED},
    {X509_V_ERR_CERT_NOT_YET_VALID, GW_REASON_CERT_EXPIRED},
    {X509_V_ERR_CERT_HAS_EXPIRED, GW_REASON_CERT_EXPIRED},
    {X509_V_ERR_CERT_REVOKED, GW_REASON_CERT_REVOKED},
    {X509_V_ERR_UNABLE_TO_GET_CRL, GW_REASON_CERT_NO_CRL},
    {X509_V_ERR_DIFFERENT_CRL_SCOPE, GW_REASON_CERT_NO_CRL},
    {X509_V_ERR_CRL_NOT_YET_VALID, GW_REASON_CERT_NO_CRL},
    {X509_V_ERR_CRL_HAS_EXPIRED, GW_REASON_CERT_NO_CRL},
    {X509_V_ERR_HOSTNAME_MISMATCH, GW_REASON_BACKEND_NAME},
    {X509_V_ERR_IP_ADDRESS_MISMATCH, GW_REASON_BACKEND_NAME},
    {X509_V_ERR_OUT_OF_MEM, GW_REASON_NO_MEMORY},
};

static enum gw_reason find(const struct row *rows, size_t count, int code, enum gw_reason other)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i].code == code)
            return rows[i].reason;
    return other;
}

enum gw_reason gw_failure_of_verify(int result)
{
    return find(verify_rows, GW_ARRAY_SIZE(verify_rows), result, GW_REASON_CERT_INVALID);
}

/* The peer's alert is queued as SSL_AD_REASON_OFFSET plus its number. */
static bool is_alert(unsigned long error)
{
    int reason = ERR_GET_REASON(error);
    return ERR_GET_LIB(error) == ERR_LIB_SSL && reason >= SSL_AD_REASON_OFFSET &&
           reason < SSL_AD_REASON_OFFSET + 256;
}

static void set(struct gw_failure *ret, enum gw_reason reason, const char *detail)
{
    ret->reason = reason;
    (void)snprintf(ret->detail, sizeof(ret->detail), "%s", detail ? detail : "");
}

/* libssl applies one limit to a peer's certificates and to the CA names that a server sends. It
 * does not report the length of the message. */
static bool too_many_certificates(SSL *ssl, struct gw_failure *ret)
{
    OSSL_HANDSHAKE_STATE state = SSL_get_state(ssl);
    bool request = state == TLS_ST_CR_CERT_REQ;
    if (!request && state != TLS_ST_SR_CERT && state != TLS_ST_CR_CERT)
        return false;
    ret->reason = GW_REASON_HANDSHAKE_TOO_LARGE;
    (void)snprintf(ret->detail, sizeof(ret->detail), "%s of more than %ld bytes (--max-cert-chain)",
                   request ? "CA names" : "certificates", SSL_get_max_cert_list(ssl));
    return true;
}

/* The alert's name as in RFC 8446 6, which the log has for alerts after the handshake, too:
 * libssl's words with underscores, in lower case. */
static void set_alert(struct gw_failure *ret, const char *words)
{
    set(ret, GW_REASON_HANDSHAKE_ALERT, words);
    for (char *at = ret->detail; *at; at++)
        *at = *at == ' ' ? '_' : (char)tolower((unsigned char)*at);
}

static void set_from_error(SSL *ssl, unsigned long error, const char *fault, struct gw_failure *ret)
{
    int code = ERR_GET_REASON(error);
    if (is_alert(error)) {
        set_alert(ret, SSL_alert_desc_string_long(code - SSL_AD_REASON_OFFSET));
        return;
    }
    if (code == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        set(ret, gw_failure_of_verify((int)SSL_get_verify_result(ssl)), fault);
        return;
    }
    if (code == SSL_R_EXCESSIVE_MESSAGE_SIZE && too_many_certificates(ssl, ret))
        return;
    set(ret, find(ssl_rows, GW_ARRAY_SIZE(ssl_rows), code, GW_REASON_HANDSHAKE_PROTOCOL),
        ERR_reason_error_string(error));
}

/* A TLS 1.2 record too short for its nonce and tag. The cipher detects it; libssl does not, and
 * reports an internal error. */
static bool is_short_record(unsigned long error)
{
    return ERR_GET_LIB(error) == ERR_LIB_PROV && ERR_GET_REASON(error) == PROV_R_INVALID_AAD;
}

void gw_failure_take(SSL *ssl, int ssl_error, const char *fault, struct gw_failure *ret)
{
    *ret = (struct gw_failure){.reason = GW_REASON_HANDSHAKE_INTERNAL};
    if (ssl_error == SSL_ERROR_ZERO_RETURN || SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN)
        set_alert(ret, "close_notify");
    /* libcrypto's errors may lie below the one that libssl derived from them. The first one counts,
     * unless any is out of memory. */
    bool found = false;
    for (unsigned long e; (e = ERR_get_error());) {
        if (ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE && ret->reason != GW_REASON_NO_MEMORY) {
            set(ret, GW_REASON_NO_MEMORY, "");
            found = true;
        }
        if (!found && is_short_record(e)) {
            set(ret, GW_REASON_HANDSHAKE_PROTOCOL, "record too short");
            found = true;
        }
        if (found || ERR_GET_LIB(e) != ERR_LIB_SSL)
            continue;
        set_from_error(ssl, e, fault, ret);
        found = true;
    }
}
