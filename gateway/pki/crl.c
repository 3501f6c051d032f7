/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/pki/crl.h"

#include <errno.h>
#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <time.h>

static bool counts(const struct gw_pki_record *r, int64_t now)
{
    return r->revoked && r->expires + GW_PKI_CRL_KEEP_S > now;
}

static bool add_reason(X509_REVOKED *entry, enum gw_pki_reason reason)
{
    long code = gw_pki_reason_code(reason);
    if (!code)
        return true;
    ASN1_ENUMERATED *value = ASN1_ENUMERATED_new();
    bool ok = value && ASN1_ENUMERATED_set(value, code) &&
              X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, value, 0, 0) == 1;
    ASN1_ENUMERATED_free(value);
    return ok;
}

static bool add_entry(X509_CRL *crl, const struct gw_pki_record *r)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_INTEGER *serial = ASN1_INTEGER_new();
    ASN1_TIME *when = ASN1_TIME_set(NULL, (time_t)r->revoked);
    bool ok = entry && serial && when && gw_pki_serial_put(&r->serial, serial) &&
              X509_REVOKED_set_serialNumber(entry, serial) &&
              X509_REVOKED_set_revocationDate(entry, when) && add_reason(entry, r->reason) &&
              X509_CRL_add0_revoked(crl, entry);
    if (!ok)
        X509_REVOKED_free(entry);
    ASN1_INTEGER_free(serial);
    ASN1_TIME_free(when);
    return ok;
}

static bool add_entries(X509_CRL *crl, const struct gw_pki_register *reg, int64_t now)
{
    for (size_t i = 0; reg && i < reg->count; i++)
        if (counts(&reg->records[i], now) && !add_entry(crl, &reg->records[i]))
            return false;
    return X509_CRL_sort(crl) == 1;
}

/* The number is the time in seconds, or the previous one plus one if that is larger: so it grows
 * even if the previous file was lost or the clock was set back. */
static bool add_number(X509_CRL *crl, const X509_CRL *before, int64_t now)
{
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    ASN1_INTEGER *old = before ? X509_CRL_get_ext_d2i(before, NID_crl_number, NULL, NULL) : NULL;
    BIGNUM *n = old ? ASN1_INTEGER_to_BN(old, NULL) : BN_new();
    BIGNUM *clock = BN_new();
    bool ok = number && n && clock && BN_add_word(n, 1) && BN_set_word(clock, (BN_ULONG)now) &&
              BN_to_ASN1_INTEGER(BN_cmp(n, clock) > 0 ? n : clock, number) &&
              X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0) == 1;
    BN_free(clock);
    BN_free(n);
    ASN1_INTEGER_free(old);
    ASN1_INTEGER_free(number);
    return ok;
}

static bool add_key_identifier(X509_CRL *crl, X509 *issuer)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, NULL, NULL, crl, 0);
    X509_EXTENSION *ext =
        X509V3_EXT_conf_nid(NULL, &ctx, NID_authority_key_identifier, "keyid:always");
    bool ok = ext && X509_CRL_add_ext(crl, ext, -1);
    X509_EXTENSION_free(ext);
    return ok;
}

static bool set_times(X509_CRL *crl, int64_t now, int64_t span_s)
{
    ASN1_TIME *this = ASN1_TIME_set(NULL, (time_t)(now - GW_PKI_BACKDATE_S));
    ASN1_TIME *next = ASN1_TIME_set(NULL, (time_t)(now + span_s));
    bool ok =
        this && next && X509_CRL_set1_lastUpdate(crl, this) && X509_CRL_set1_nextUpdate(crl, next);
    ASN1_TIME_free(this);
    ASN1_TIME_free(next);
    return ok;
}

static bool fill(X509_CRL *crl, const struct gw_pki_crl_draft *d)
{
    const EVP_MD *hash = EVP_PKEY_is_a(d->signer->key, "ED25519") ? NULL : EVP_sha256();
    return X509_CRL_set_version(crl, X509_CRL_VERSION_2) &&
           X509_CRL_set_issuer_name(crl, X509_get_subject_name(d->signer->cert)) &&
           set_times(crl, d->now, d->span_s) && add_entries(crl, d->reg, d->now) &&
           add_key_identifier(crl, d->signer->cert) && add_number(crl, d->before, d->now) &&
           X509_CRL_sign(crl, d->signer->key, hash) > 0;
}

int gw_pki_crl_make(X509_CRL **ret, const struct gw_pki_crl_draft *draft, OSSL_LIB_CTX *library,
                    struct gw_error *err)
{
    X509_CRL *crl = X509_CRL_new_ex(library, NULL);
    if (crl && fill(crl, draft)) {
        *ret = crl;
        return 0;
    }
    X509_CRL_free(crl);
    return gw_pki_key_error("make a CRL", err);
}

/* ---- files ---- */

static bool is_of(X509_CRL *crl, X509 *issuer)
{
    return !X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer)) &&
           X509_CRL_verify(crl, X509_get0_pubkey(issuer)) == 1;
}

X509_CRL *gw_pki_crl_find(const struct gw_pki_text *text, X509 *issuer, OSSL_LIB_CTX *library)
{
    BIO *bio = BIO_new_mem_buf(text->data, (int)text->len);
    X509_CRL *found = NULL;
    while (bio && !found) {
        X509_CRL *crl = X509_CRL_new_ex(library, NULL);
        if (!crl || !PEM_read_bio_X509_CRL(bio, &crl, NULL, NULL)) {
            X509_CRL_free(crl);
            break;
        }
        if (is_of(crl, issuer))
            found = crl;
        else
            X509_CRL_free(crl);
    }
    BIO_free(bio);
    ERR_clear_error();
    return found;
}

int gw_pki_crl_write(struct gw_pki_text *text, X509_CRL *crl, struct gw_error *err)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool ok = bio && PEM_write_bio_X509_CRL(bio, crl) == 1 && !gw_pki_text_append(text, bio);
    BIO_free(bio);
    return ok ? 0 : gw_pki_key_error("write a CRL", err);
}

bool gw_pki_crl_complete(X509_CRL *crl, const struct gw_pki_register *reg, int64_t now)
{
    X509_REVOKED *entry;
    ASN1_INTEGER *serial = ASN1_INTEGER_new();
    bool complete = serial != NULL;
    for (size_t i = 0; complete && i < reg->count; i++)
        complete =
            !counts(&reg->records[i], now) || (gw_pki_serial_put(&reg->records[i].serial, serial) &&
                                               X509_CRL_get0_by_serial(crl, &entry, serial) == 1);
    ASN1_INTEGER_free(serial);
    return complete;
}

int64_t gw_pki_crl_span(const X509_CRL *crl)
{
    int64_t from = gw_pki_certificate_time(X509_CRL_get0_lastUpdate(crl));
    int64_t until = gw_pki_certificate_time(X509_CRL_get0_nextUpdate(crl));
    return from < 0 || until < 0 ? 0 : until - from - GW_PKI_BACKDATE_S;
}
