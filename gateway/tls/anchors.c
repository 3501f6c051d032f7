/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/anchors.h"

#include "gateway/tls/points.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int gw_anchors_init(struct gw_anchors *a, OSSL_LIB_CTX *library)
{
    *a = (struct gw_anchors){.sha256 = EVP_MD_fetch(library, "SHA256", NULL)};
    return a->sha256 ? 0 : -ENOMEM;
}

void gw_anchors_done(struct gw_anchors *a)
{
    for (unsigned i = 0; i < a->count; i++)
        X509_free(a->all[i].cert);
    free(a->all);
    EVP_MD_free(a->sha256);
    *a = (struct gw_anchors){0};
}

/* YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ and nothing else (RFC 5280 4.1.2.5), as in libcrypto's own
 * verification. ASN1_TIME_to_tm alone accepts forms without seconds, with fractions or with a time
 * zone, and reads some of them as another century. */
static bool has_strict_form(const ASN1_TIME *time)
{
    const unsigned char *text = ASN1_STRING_get0_data(time);
    int digits = ASN1_STRING_type(time) == V_ASN1_UTCTIME ? 12 : 14;
    if (ASN1_STRING_length(time) != digits + 1 || text[digits] != 'Z')
        return false;
    for (int i = 0; i < digits; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    return true;
}

bool gw_anchors_time(const ASN1_TIME *time, int64_t *ret)
{
    struct tm tm;
    if (!time || !has_strict_form(time) || !ASN1_TIME_to_tm(time, &tm))
        return false;
    *ret = timegm(&tm);
    return true;
}

bool gw_anchors_serial(const struct gw_anchors *a, const ASN1_INTEGER *number,
                       struct gw_serial *ret)
{
    const unsigned char *data = ASN1_STRING_get0_data(number);
    int len = ASN1_STRING_length(number);
    uint8_t digest[EVP_MAX_MD_SIZE];
    *ret = (struct gw_serial){0};
    for (; len > 0 && *data == 0; len--)
        data++;
    if (len > GW_SERIAL_BYTES_MAX) {
        if (!EVP_Digest(data, (size_t)len, digest, NULL, a->sha256, NULL))
            return false;
        data = digest;
        len = GW_SERIAL_BYTES_MAX;
        ret->len = GW_SERIAL_HASHED;
    }
    ret->len |= (uint8_t)len | (ASN1_STRING_type(number) & V_ASN1_NEG ? GW_SERIAL_NEGATIVE : 0);
    if (len > 0)
        memcpy(ret->bytes, data, (size_t)len);
    return true;
}

bool gw_anchors_id(const struct gw_anchors *a, const X509 *ca, uint8_t ret[GW_CHAIN_ID_LEN])
{
    const unsigned char *name = NULL;
    size_t name_len = 0;
    unsigned char *key = NULL;
    int key_len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(ca), &key);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    /* The DER of each contains its length, so no two pairs give the same bytes. */
    bool ok = md && key_len > 0 &&
              X509_NAME_get0_der(X509_get_subject_name(ca), &name, &name_len) &&
              EVP_DigestInit_ex(md, a->sha256, NULL) && EVP_DigestUpdate(md, name, name_len) &&
              EVP_DigestUpdate(md, key, (size_t)key_len) && EVP_DigestFinal_ex(md, ret, NULL);
    EVP_MD_CTX_free(md);
    OPENSSL_free(key);
    return ok;
}

static bool read_anchor(const struct gw_anchors *a, X509 *ca, struct gw_anchor *ret)
{
    *ret = (struct gw_anchor){.cert = ca, .is_ca = X509_check_ca(ca) > 0};
    gw_points_of_cert(&ret->points, ca, a->sha256);
    return X509_digest(ca, a->sha256, ret->fingerprint, NULL) && gw_anchors_id(a, ca, ret->id) &&
           gw_anchors_serial(a, X509_get0_serialNumber(ca), &ret->serial) &&
           gw_anchors_time(X509_get0_notAfter(ca), &ret->not_after);
}

int gw_anchors_add(struct gw_anchors *a, X509 *ca)
{
    struct gw_anchor fresh;
    if (!read_anchor(a, ca, &fresh))
        return -EINVAL;
    for (unsigned i = 0; i < a->count; i++)
        if (memcmp(a->all[i].fingerprint, fresh.fingerprint, sizeof(fresh.fingerprint)) == 0)
            return 0;
    struct gw_anchor *grown = reallocarray(a->all, a->count + 1, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    a->all = grown;
    if (!X509_up_ref(ca))
        return -ENOMEM;
    grown[a->count++] = fresh;
    return 1;
}

static int by_fingerprint(const void *a, const void *b)
{
    const struct gw_anchor *x = a;
    const struct gw_anchor *y = b;
    return memcmp(x->fingerprint, y->fingerprint, sizeof(x->fingerprint));
}

/* Any anchor that signed it will do: all that did have the same name and key. */
static const struct gw_anchor *find_issuer(const struct gw_anchors *a, const struct gw_anchor *of)
{
    if (X509_self_signed(of->cert, 0) == 1)
        return NULL;
    for (unsigned i = 0; i < a->count; i++) {
        X509 *ca = a->all[i].cert;
        if (&a->all[i] != of && X509_check_issued(ca, of->cert) == X509_V_OK &&
            X509_verify(of->cert, X509_get0_pubkey(ca)) == 1)
            return &a->all[i];
    }
    return NULL;
}

/* Mainly a CA that changed its key and kept its name. */
static bool find_namesake(const struct gw_anchors *a, const struct gw_anchor *of)
{
    const X509_NAME *name = X509_get_subject_name(of->cert);
    for (unsigned i = 0; i < a->count; i++)
        if (X509_NAME_cmp(X509_get_subject_name(a->all[i].cert), name) == 0 &&
            memcmp(a->all[i].id, of->id, sizeof(of->id)) != 0)
            return true;
    return false;
}

void gw_anchors_seal(struct gw_anchors *a)
{
    if (a->count)
        qsort(a->all, a->count, sizeof(*a->all), by_fingerprint);
    for (unsigned i = 0; i < a->count; i++) {
        a->all[i].issuer = find_issuer(a, &a->all[i]);
        a->all[i].has_namesake = find_namesake(a, &a->all[i]);
    }
}

const struct gw_anchor *gw_anchors_of(const struct gw_anchors *a, const X509 *cert)
{
    for (unsigned i = 0; i < a->count; i++)
        if (a->all[i].cert == cert)
            return &a->all[i];
    return NULL;
}

const struct gw_anchor *gw_anchors_find(const struct gw_anchors *a,
                                        const uint8_t fingerprint[GW_CHAIN_ID_LEN])
{
    struct gw_anchor key = {.cert = NULL};
    memcpy(key.fingerprint, fingerprint, sizeof(key.fingerprint));
    return a->count ? bsearch(&key, a->all, a->count, sizeof(*a->all), by_fingerprint) : NULL;
}
