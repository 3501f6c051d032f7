/* SPDX-License-Identifier: Apache-2.0 */
/* The facts of a handshake that a backend may receive. */
#include "gateway/tls/handshake_private.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/tls1.h>
#include <openssl/x509.h>
#include <stdio.h>

/* ---- our certificate and signature ---- */

/* HAProxy's spelling, which has its own names for the first two. */
static const struct {
    int type;
    const char *name;
    bool with_bits;
} key_names[] = {
    {EVP_PKEY_RSA, "RSA", true},         {EVP_PKEY_EC, "EC", true},
    {EVP_PKEY_RSA_PSS, "RSA-PSS", true}, {EVP_PKEY_ED25519, "ED25519", false},
    {EVP_PKEY_ED448, "ED448", false},
};

void gw_handshake_name_key(const EVP_PKEY *key, char *out, size_t size)
{
    char bits[12] = "";
    for (size_t i = 0; i < GW_ARRAY_SIZE(key_names); i++) {
        if (key_names[i].type != EVP_PKEY_get_base_id(key))
            continue;
        if (key_names[i].with_bits)
            (void)snprintf(bits, sizeof(bits), "%d", EVP_PKEY_get_bits(key));
        (void)snprintf(out, size, "%s%s", key_names[i].name, bits);
    }
}

/* The SignatureScheme numbers of TLS 1.3 (RFC 8446 4.2.3), which TLS 1.2 uses for the same
 * pairs. */
static const struct {
    int key_type; /* the certificate's */
    int type;     /* the signature's */
    int hash;
    const char *name;
} schemes[] = {
    {EVP_PKEY_EC, EVP_PKEY_EC, NID_sha256, "ecdsa_secp256r1_sha256"},
    {EVP_PKEY_EC, EVP_PKEY_EC, NID_sha384, "ecdsa_secp384r1_sha384"},
    {EVP_PKEY_EC, EVP_PKEY_EC, NID_sha512, "ecdsa_secp521r1_sha512"},
    {EVP_PKEY_RSA, EVP_PKEY_RSA_PSS, NID_sha256, "rsa_pss_rsae_sha256"},
    {EVP_PKEY_RSA, EVP_PKEY_RSA_PSS, NID_sha384, "rsa_pss_rsae_sha384"},
    {EVP_PKEY_RSA, EVP_PKEY_RSA_PSS, NID_sha512, "rsa_pss_rsae_sha512"},
    {EVP_PKEY_RSA_PSS, EVP_PKEY_RSA_PSS, NID_sha256, "rsa_pss_pss_sha256"},
    {EVP_PKEY_RSA_PSS, EVP_PKEY_RSA_PSS, NID_sha384, "rsa_pss_pss_sha384"},
    {EVP_PKEY_RSA_PSS, EVP_PKEY_RSA_PSS, NID_sha512, "rsa_pss_pss_sha512"},
    {EVP_PKEY_RSA, EVP_PKEY_RSA, NID_sha256, "rsa_pkcs1_sha256"},
    {EVP_PKEY_RSA, EVP_PKEY_RSA, NID_sha384, "rsa_pkcs1_sha384"},
    {EVP_PKEY_RSA, EVP_PKEY_RSA, NID_sha512, "rsa_pkcs1_sha512"},
    {EVP_PKEY_ED25519, EVP_PKEY_ED25519, NID_undef, "ed25519"},
    {EVP_PKEY_ED448, EVP_PKEY_ED448, NID_undef, "ed448"},
};

static const char *scheme_name(SSL *ssl, const EVP_PKEY *key)
{
    int key_type = EVP_PKEY_get_base_id(key);
    int type = NID_undef;
    int hash = NID_undef;
    (void)SSL_get_signature_type_nid(ssl, &type);
    (void)SSL_get_signature_nid(ssl, &hash); /* fails for schemes without a hash */
    for (size_t i = 0; i < GW_ARRAY_SIZE(schemes); i++)
        if (schemes[i].key_type == key_type && schemes[i].type == type && schemes[i].hash == hash)
            return schemes[i].name;
    return "";
}

/* A resumed session shows no certificate and signs nothing. */
static void add_ours(SSL *ssl, struct gw_handshake_facts *ret)
{
    const X509 *cert = SSL_session_reused(ssl) ? NULL : SSL_get_certificate(ssl);
    const EVP_PKEY *key = cert ? X509_get0_pubkey(cert) : NULL;
    if (!key)
        return;
    const char *name = OBJ_nid2sn(X509_get_signature_nid(cert));
    ret->sig_alg = name ? name : "";
    gw_handshake_name_key(key, ret->key_alg, sizeof(ret->key_alg));
    ret->sig_scheme = scheme_name(ssl, key);
}

bool gw_handshake_get_facts(struct gw_handshake *hs, bool with_cert, struct gw_handshake_facts *ret)
{
    unsigned alpn_len = 0;
    *ret = (struct gw_handshake_facts){.sni = hs->sni, .sig_alg = "", .sig_scheme = ""};
    SSL_get0_alpn_selected(hs->ssl, &ret->alpn, &alpn_len);
    ret->alpn_len = alpn_len;
    add_ours(hs->ssl, ret);
    const X509 *cert = with_cert ? SSL_get0_peer_certificate(hs->ssl) : NULL;
    if (cert && !hs->peer_der)
        hs->peer_der_len = i2d_X509(cert, &hs->peer_der);
    ERR_clear_error();
    if (cert && hs->peer_der_len <= 0)
        return false;
    ret->cert = hs->peer_der;
    ret->cert_len = (size_t)hs->peer_der_len;
    return true;
}
