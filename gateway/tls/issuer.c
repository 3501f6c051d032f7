/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/issuer.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

static bool may_issue(X509 *ca, X509 *cert)
{
    return X509_check_issued(ca, cert) == X509_V_OK;
}

/* Whether the peer sent another CA that fits. A CA with the same key does not count. */
static bool sent_another(X509_STORE_CTX *v, X509 *ca, X509 *cert)
{
    STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(v);
    for (int i = 0; i < sk_X509_num(sent); i++) {
        X509 *other = sk_X509_value(sent, i);
        if (other != ca && may_issue(other, cert) &&
            EVP_PKEY_eq(X509_get0_pubkey(other), X509_get0_pubkey(ca)) != 1)
            return true;
    }
    return false;
}

static bool has_large_key(const X509 *ca)
{
    const EVP_PKEY *key = X509_get0_pubkey(ca);
    return key && EVP_PKEY_get_bits(key) > GW_ISSUER_KEY_BITS;
}

/* libcrypto searches the anchors first, so a CA that is not an anchor competes with those sent. */
static bool is_doubtful(const struct gw_issuer_search *s, X509_STORE_CTX *v, X509 *ca, X509 *cert)
{
    const struct gw_anchor *anchor = gw_anchors_of(s->anchors, ca);
    if (anchor && anchor->has_namesake)
        return true;
    return (anchor || !has_large_key(ca)) && sent_another(v, ca, cert);
}

static bool try_signature(struct gw_issuer_search *s, X509 *ca, X509 *cert)
{
    if (s->cert == cert && s->ca == ca)
        return s->fits;
    EVP_PKEY *key = X509_get0_pubkey(ca);
    s->tries--;
    s->cert = cert;
    s->ca = ca;
    (void)ERR_set_mark();
    s->fits = key && X509_verify(cert, key) == 1;
    (void)ERR_pop_to_mark();
    return s->fits;
}

/* Replaces libcrypto's own callback. It equals may_issue, except for the right to sign. */
static int on_check_issued(X509_STORE_CTX *v, X509 *cert, X509 *ca)
{
    struct gw_issuer_search *s = X509_STORE_CTX_get_app_data(v);
    if (!may_issue(ca, cert))
        return 0;
    if (!s || ca == cert || !s->tries || !is_doubtful(s, v, ca, cert))
        return 1;
    return try_signature(s, ca, cert);
}

void gw_issuer_apply(X509_STORE *store)
{
    X509_STORE_set_check_issued(store, on_check_issued);
}

void gw_issuer_begin(struct gw_issuer_search *search, const struct gw_anchors *anchors,
                     X509_STORE_CTX *verification)
{
    *search = (struct gw_issuer_search){.anchors = anchors, .tries = GW_ISSUER_TRIES};
    X509_STORE_CTX_set_app_data(verification, search);
}

void gw_issuer_end(X509_STORE_CTX *verification)
{
    X509_STORE_CTX_set_app_data(verification, NULL);
}
