/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/ocsp.h"

#include "gateway/tls/anchors.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <string.h>

/* The fault that a check found. NULL: none. */
typedef const char *verdict;

static const char revoked[] = "it says that the certificate is revoked; get a new certificate";

/* Two certificates may have the name; one of them signed it. */
static X509 *find_issuer(const struct gw_ocsp_subject *s)
{
    for (int i = 0; i < sk_X509_num(s->chain); i++) {
        X509 *ca = sk_X509_value(s->chain, i);
        if (X509_check_issued(ca, s->leaf) == X509_V_OK &&
            X509_verify(s->leaf, X509_get0_pubkey(ca)) == 1)
            return ca;
    }
    return NULL;
}

/* Signed by the issuer itself, or by a responder with a certificate from the issuer for that
 * purpose, which the response includes. */
static bool signed_for(OCSP_BASICRESP *basic, X509 *issuer)
{
    X509_STORE *store = X509_STORE_new();
    STACK_OF(X509) *certs = sk_X509_new_null();
    bool good = store && certs && X509_STORE_add_cert(store, issuer) &&
                X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) &&
                sk_X509_push(certs, issuer) &&
                OCSP_basic_verify(basic, certs, store, OCSP_TRUSTOTHER | OCSP_NOEXPLICIT) == 1;
    sk_X509_free(certs);
    X509_STORE_free(store);
    return good;
}

static bool is_about(const OCSP_SINGLERESP *single, X509 *leaf, X509 *issuer)
{
    const OCSP_CERTID *id = OCSP_SINGLERESP_get0_id(single);
    OCSP_CERTID *copy = OCSP_CERTID_dup(id); /* the call below needs one that is not const */
    ASN1_OBJECT *hash = NULL;
    bool same = false;
    if (copy && OCSP_id_get0_info(NULL, &hash, NULL, NULL, copy)) {
        const EVP_MD *md = EVP_get_digestbyobj(hash);
        OCSP_CERTID *ours = md ? OCSP_cert_to_id(md, leaf, issuer) : NULL;
        same = ours && OCSP_id_cmp(ours, copy) == 0;
        OCSP_CERTID_free(ours);
    }
    OCSP_CERTID_free(copy);
    return same;
}

static OCSP_SINGLERESP *find_single(OCSP_BASICRESP *basic, X509 *leaf, X509 *issuer)
{
    for (int i = 0; i < OCSP_resp_count(basic); i++)
        if (is_about(OCSP_resp_get0(basic, i), leaf, issuer))
            return OCSP_resp_get0(basic, i);
    return NULL;
}

static verdict judge_single(OCSP_SINGLERESP *single, struct gw_ocsp *ret)
{
    ASN1_GENERALIZEDTIME *begins = NULL;
    ASN1_GENERALIZEDTIME *ends = NULL;
    switch (OCSP_single_get0_status(single, NULL, NULL, &begins, &ends)) {
    case V_OCSP_CERTSTATUS_GOOD:
        break;
    case V_OCSP_CERTSTATUS_REVOKED:
        return revoked;
    default:
        return "it says that the responder does not know the certificate";
    }
    if (!gw_anchors_time(begins, &ret->begins) || (ends && !gw_anchors_time(ends, &ret->ends)))
        return "its dates cannot be read";
    if (!ends)
        ret->ends = ret->begins + GW_OCSP_LIFE;
    return NULL;
}

static verdict judge_basic(OCSP_BASICRESP *basic, const struct gw_ocsp_subject *s,
                           struct gw_ocsp *ret)
{
    X509 *issuer = find_issuer(s);
    if (!issuer)
        return "it cannot be checked without the issuer's certificate; add that to the file of the "
               "certificate";
    if (!signed_for(basic, issuer))
        return "it is not signed by the issuer of the certificate";
    OCSP_SINGLERESP *single = find_single(basic, s->leaf, issuer);
    return single ? judge_single(single, ret) : "it is for another certificate";
}

static verdict judge(const struct gw_file *file, const struct gw_ocsp_subject *s,
                     struct gw_ocsp *ret)
{
    const unsigned char *at = file->data;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)file->len);
    verdict v = "it is not an OCSP response in DER";
    if (response && at == file->data + file->len) {
        bool answered = OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL;
        OCSP_BASICRESP *basic = answered ? OCSP_response_get1_basic(response) : NULL;
        v = basic ? judge_basic(basic, s, ret)
                  : "it contains an error of the responder, not a status";
        OCSP_BASICRESP_free(basic);
    }
    OCSP_RESPONSE_free(response);
    ERR_clear_error();
    return v;
}

int gw_ocsp_load(struct gw_ocsp *ret, struct gw_files *files, const char *flag, const char *path,
                 const struct gw_ocsp_subject *subject, struct gw_error *err)
{
    struct gw_file file;
    *ret = (struct gw_ocsp){NULL};
    int r = gw_files_read(files, path, GW_OCSP_MAX, &file);
    if (r < 0)
        return gw_error_set(err, GW_EXIT_START, "%s %s: the file cannot be read: %s", flag, path,
                            strerror(-r));
    verdict v = judge(&file, subject, ret);
    if (v) {
        r = gw_error_set(err, GW_EXIT_USAGE, "%s %s: the OCSP response cannot be used: %s", flag,
                         path, v);
        return v == revoked ? -EKEYREVOKED : r;
    }
    ret->der = malloc(file.len);
    if (!ret->der)
        return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    memcpy(ret->der, file.data, file.len);
    ret->len = file.len;
    if (!gw_ocsp_in_date(ret, gw_files_time(files)))
        gw_notes_add(gw_files_notes(files),
                     "%s %s: the OCSP response is out of date, so it is not sent to clients", flag,
                     path);
    return 0;
}

void gw_ocsp_done(struct gw_ocsp *ocsp)
{
    free(ocsp->der);
    *ocsp = (struct gw_ocsp){NULL};
}
