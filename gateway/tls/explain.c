/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/explain.h"

#include "gateway/tls/context_private.h"
#include "gateway/tls/failure.h"
#include "gateway/tls/identity_private.h"
#include "gateway/tls/pkcs12.h"
#include "gateway/tls/policy.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <string.h>

/* Sets the verification up as libssl does for a handshake (ssl_verify_cert_chain). X509_V_OK, the
 * fault, which `why` then describes, or negative without memory. */
static int verify(const struct gw_tls_context *tls, STACK_OF(X509) * certs,
                  char why[static GW_FAULT_MAX])
{
    struct gw_chain chain;
    bool tolerated;
    const char *peer = tls->role == GW_ROLE_SERVER ? "ssl_client" : "ssl_server";
    X509_STORE_CTX *v = X509_STORE_CTX_new_ex(tls->library, NULL);
    int result = -ENOMEM;
    if (v && X509_STORE_CTX_init(v, tls->trust.store, sk_X509_value(certs, 0), certs) &&
        X509_STORE_CTX_set_default(v, peer) &&
        X509_VERIFY_PARAM_set1(X509_STORE_CTX_get0_param(v), SSL_CTX_get0_param(tls->ctx))) {
        X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(v),
                                         SSL_CTX_get_security_level(tls->ctx));
        result = gw_trust_verify(&tls->trust, v, &chain, &tolerated);
        if (result != X509_V_OK)
            gw_fault_describe(&tls->trust, v, result, why);
    }
    X509_STORE_CTX_free(v);
    ERR_clear_error();
    return result;
}

/* Finds the versions of the side that do not accept the key. */
static void judge_key(const struct gw_tls_side *side, const X509 *leaf, struct gw_explained *ret)
{
    const EVP_PKEY *key = X509_get0_pubkey(leaf);
    unsigned spoken = 0;
    unsigned refused = 0;
    for (uint16_t v = side->tls_min; v <= side->tls_max; v++, spoken++)
        if (!key || !gw_policy_takes_key(side, key, v))
            ret->without[refused++] = v;
    if (refused == spoken && ret->reason == GW_REASON_NONE) {
        ret->reason = GW_REASON_HANDSHAKE_CIPHER;
        (void)strcpy(ret->why, "its key is on a curve that the service does not accept");
    }
}

static int explain(const struct gw_tls_context *tls, STACK_OF(X509) * certs,
                   struct gw_explained *ret, struct gw_error *err)
{
    *ret = (struct gw_explained){.reason = GW_REASON_NONE};
    int result = tls->trust.store ? verify(tls, certs, ret->why) : X509_V_OK;
    if (result < 0)
        return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    if (!gw_identity_read(&ret->id, sk_X509_value(certs, 0)))
        ret->reason = gw_reason_in(tls->role, GW_REASON_CERT_INVALID);
    if (result != X509_V_OK)
        ret->reason = gw_reason_in(tls->role, gw_failure_of_verify(result));
    return 0;
}

/* From PEM, DER or PKCS #12. */
static int read_certs(const struct gw_tls_context *tls, const struct gw_tls_side *side,
                      const char *path, struct gw_files *files, STACK_OF(X509) * *ret,
                      struct gw_error *err)
{
    struct gw_pemfile file;
    struct gw_pemkey_reader keys;
    int r = gw_pemfile_read(&file, files, "--explain", path, err);
    if (r < 0)
        return r;
    if (!gw_pemfile_is_der(&file))
        return gw_pemfile_certs(&file, tls->library, ret, err);
    if (gw_pemfile_der(&file, tls->library, ret) == 0)
        return 0;
    gw_pemkey_init(&keys, tls->library);
    if (side->key_pass_file)
        r = gw_pemkey_read_phrase(&keys, files, side->key_pass_file, err);
    if (!r)
        r = gw_pkcs12_certs(&keys, &file, ret, err);
    gw_pemkey_done(&keys);
    return r;
}

int gw_explain(const struct gw_tls_context *tls, const struct gw_tls_side *side, const char *path,
               struct gw_files *files, struct gw_explained *ret, struct gw_error *err)
{
    STACK_OF(X509) *certs = NULL;
    struct gw_files *own = files ? NULL : gw_files_new();
    int r = files || own ? read_certs(tls, side, path, files ? files : own, &certs, err)
                         : gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    if (!r)
        r = explain(tls, certs, ret, err);
    if (!r && tls->trust.store)
        judge_key(side, sk_X509_value(certs, 0), ret);
    sk_X509_pop_free(certs, X509_free);
    gw_files_free(own);
    return r;
}
