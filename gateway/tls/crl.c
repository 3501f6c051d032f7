/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/crl.h"

#include "gateway/tls/dname.h"
#include "gateway/tls/points.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

enum {
    POINTS_TEXT = 512
};

/* The state while a CRL is converted from libcrypto's form. */
struct reading {
    struct gw_crl *crl;
    X509_CRL *from;
    const struct gw_anchors *anchors;
    struct gw_error *err;
};

static int refuse(const struct reading *r, const char *why)
{
    return gw_error_set(r->err, GW_EXIT_USAGE, "--crl %s: the CRL of %s %s", r->crl->path,
                        r->crl->issuer_name, why);
}

static int out_of_memory(const struct reading *r)
{
    return gw_error_set(r->err, GW_EXIT_OTHER, "out of memory");
}

/* ---- the signature ---- */

/* RSA-PSS names its hash in its parameters; absent parameters mean SHA-1 (RFC 4055 3.1). */
static int pss_hash(const X509_CRL *crl)
{
    const X509_ALGOR *algorithm = NULL;
    const void *value = NULL;
    int type = V_ASN1_UNDEF;
    X509_CRL_get0_signature(crl, NULL, &algorithm);
    X509_ALGOR_get0(NULL, &type, &value, algorithm);
    RSA_PSS_PARAMS *pss =
        type == V_ASN1_SEQUENCE ? ASN1_item_unpack(value, ASN1_ITEM_rptr(RSA_PSS_PARAMS)) : NULL;
    const X509_ALGOR *named = pss ? pss->hashAlgorithm : NULL;
    int hash = named ? OBJ_obj2nid(named->algorithm) : NID_sha1;
    RSA_PSS_PARAMS_free(pss);
    return hash;
}

/* Whether the hash is below 112 bits of collision resistance, the policy's limit for certificates.
 * Algorithms without a hash of their own, such as Ed25519, are strong enough. */
static bool hash_is_broken(const X509_CRL *crl)
{
    int nid = X509_CRL_get_signature_nid(crl);
    int hash = NID_undef;
    int key;
    if (nid == NID_rsassaPss)
        hash = pss_hash(crl);
    else
        (void)OBJ_find_sigid_algs(nid, &hash, &key);
    const EVP_MD *md = hash == NID_undef ? NULL : EVP_get_digestbynid(hash);
    return hash != NID_undef && (!md || EVP_MD_get_size(md) * 4 < 112);
}

/* A CA may have changed its key and kept its name, so every anchor of the name is tried. */
static int find_issuer(const struct reading *r)
{
    bool named = false;
    bool may_sign = false;
    for (unsigned i = 0; i < r->anchors->count; i++) {
        const struct gw_anchor *a = &r->anchors->all[i];
        if (X509_NAME_cmp(X509_get_subject_name(a->cert), X509_CRL_get_issuer(r->from)) != 0)
            continue;
        named = true;
        if (!(X509_get_key_usage(a->cert) & KU_CRL_SIGN))
            continue;
        may_sign = true;
        if (X509_CRL_verify(r->from, X509_get0_pubkey(a->cert)) != 1)
            continue;
        memcpy(r->crl->issuer, a->id, sizeof(a->id));
        return hash_is_broken(r->from) ? refuse(r, "is signed with a broken hash (SHA-1 or MD5)")
                                       : 0;
    }
    if (!named)
        return refuse(r, "was issued by none of the CAs in --cacert; add that CA's certificate "
                         "there, or leave the CRL out");
    return refuse(
        r, may_sign
               ? "is not signed with that CA's key in --cacert; it is damaged or forged, or the CA "
                 "has a new key"
               : "is not valid: the CA's certificate does not permit it to sign CRLs (key usage)");
}

/* ---- the scope ---- */

/* NULL: all certificates. */
static bool read_points(const struct reading *r, DIST_POINT_NAME *name)
{
    const X509_NAME *issuer = X509_CRL_get_issuer(r->from);
    char room[POINTS_TEXT];
    struct gw_text text = gw_text_in(room, sizeof(room));
    if (!name)
        return true;
    gw_points_of_crl(&r->crl->points, name, issuer, r->anchors->sha256);
    if (r->crl->points.count)
        gw_points_print_crl(&text, name, issuer);
    r->crl->points_text = strdup(room);
    return !r->crl->points.more;
}

static int read_scope(const struct reading *r, const X509_EXTENSION *e)
{
    ISSUING_DIST_POINT *idp = X509V3_EXT_d2i((X509_EXTENSION *)(uintptr_t)e);
    const char *why = NULL;
    if (!idp)
        why = "has an unreadable issuing distribution point";
    else if (idp->indirectCRL)
        why = "is indirect (it covers certificates of other CAs), which is not supported";
    else if (idp->onlysomereasons)
        why = "covers only some revocation reasons; a CRL for all of them is required";
    else if (idp->onlyattr)
        why = "covers attribute certificates only";
    else if (idp->onlyuser && idp->onlyCA)
        why = "covers neither users' nor CAs' certificates";
    else if (!read_points(r, idp->distpoint))
        why = "names a distribution point that cannot be read, or more than four";
    else if (idp->onlyuser)
        r->crl->scope = GW_CRL_USERS;
    else if (idp->onlyCA)
        r->crl->scope = GW_CRL_CAS;
    ISSUING_DIST_POINT_free(idp);
    return why ? refuse(r, why) : 0;
}

static int read_number(const struct reading *r, const X509_EXTENSION *e)
{
    ASN1_INTEGER *number = X509V3_EXT_d2i((X509_EXTENSION *)(uintptr_t)e);
    bool ok = number && gw_anchors_serial(r->anchors, number, &r->crl->number) &&
              r->crl->number.len <= GW_SERIAL_BYTES_MAX;
    ASN1_INTEGER_free(number);
    return ok ? 0 : refuse(r, "has a number that cannot be read");
}

static int read_extension(const struct reading *r, const X509_EXTENSION *e)
{
    switch (OBJ_obj2nid(X509_EXTENSION_get_object((X509_EXTENSION *)(uintptr_t)e))) {
    case NID_issuing_distribution_point:
        return read_scope(r, e);
    case NID_crl_number:
        return read_number(r, e);
    case NID_delta_crl:
        return refuse(r, "holds only changes (a delta CRL); a complete one is required");
    case NID_authority_key_identifier:
        return 0;
    default:
        return X509_EXTENSION_get_critical(e) ? refuse(r, "has an unknown critical extension") : 0;
    }
}

static int read_extensions(const struct reading *r)
{
    int result = 0;
    for (int i = 0; result == 0 && i < X509_CRL_get_ext_count(r->from); i++) {
        const X509_EXTENSION *e = X509_CRL_get_ext(r->from, i);
        const ASN1_OBJECT *kind = X509_EXTENSION_get_object((X509_EXTENSION *)(uintptr_t)e);
        if (X509_CRL_get_ext_by_OBJ(r->from, kind, i) >= 0)
            return refuse(r, "has an extension twice");
        result = read_extension(r, e);
    }
    return result;
}

static int read_times(const struct reading *r)
{
    const ASN1_TIME *next = X509_CRL_get0_nextUpdate(r->from);
    if (!next)
        return refuse(
            r, "does not say when the next one is due (nextUpdate), so its age cannot be judged");
    if (!gw_anchors_time(X509_CRL_get0_lastUpdate(r->from), &r->crl->this_update) ||
        !gw_anchors_time(next, &r->crl->next_update))
        return refuse(r, "has a date that cannot be read");
    return 0;
}

/* ---- the entries ---- */

static int by_number(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct gw_serial));
}

/* A critical extension changes an entry's meaning, for instance to another issuer's certificate. */
static bool entry_is_plain(const X509_REVOKED *entry)
{
    for (int i = 0; i < X509_REVOKED_get_ext_count(entry); i++) {
        const X509_EXTENSION *e = X509_REVOKED_get_ext(entry, i);
        if (X509_EXTENSION_get_critical(e) &&
            OBJ_obj2nid(X509_EXTENSION_get_object((X509_EXTENSION *)(uintptr_t)e)) !=
                NID_crl_reason)
            return false;
    }
    return true;
}

/* Every entry revokes; a hold revokes while it is listed. */
static int read_entries(const struct reading *r)
{
    STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(r->from);
    int count = entries ? sk_X509_REVOKED_num(entries) : 0;
    if (count <= 0)
        return 0;
    struct gw_serial *revoked = calloc((size_t)count, sizeof(*revoked));
    if (!revoked)
        return out_of_memory(r);
    r->crl->revoked = revoked;
    for (int i = 0; i < count; i++) {
        const X509_REVOKED *entry = sk_X509_REVOKED_value(entries, i);
        if (!entry_is_plain(entry))
            return refuse(r, "has an entry with an unknown critical extension");
        if (!gw_anchors_serial(r->anchors, X509_REVOKED_get0_serialNumber(entry), &revoked[i]))
            return out_of_memory(r);
    }
    qsort(revoked, (size_t)count, sizeof(*revoked), by_number);
    r->crl->count = (unsigned)count;
    return 0;
}

static int read_all(const struct reading *r)
{
    int result = find_issuer(r);
    if (result == 0)
        result = read_extensions(r);
    if (result == 0)
        result = read_times(r);
    return result == 0 ? read_entries(r) : result;
}

int gw_crl_read(struct gw_crl *ret, X509_CRL *crl, const char *path,
                const struct gw_anchors *anchors, struct gw_error *err)
{
    char name[256];
    struct reading r = {ret, crl, anchors, err};
    gw_dname_print(X509_CRL_get_issuer(crl), name, sizeof(name));
    *ret = (struct gw_crl){
        .scope = GW_CRL_USERS | GW_CRL_CAS,
        .issuer_name = strdup(name),
        .path = strdup(path),
    };
    int result = ret->issuer_name && ret->path ? read_all(&r) : out_of_memory(&r);
    ERR_clear_error();
    if (result < 0)
        gw_crl_done(ret);
    return result;
}

void gw_crl_done(struct gw_crl *c)
{
    free(c->revoked);
    free(c->issuer_name);
    free(c->path);
    free(c->points_text);
    *c = (struct gw_crl){0};
}

bool gw_crl_has(const struct gw_crl *c, const struct gw_serial *serial)
{
    return c->count && bsearch(serial, c->revoked, c->count, sizeof(*serial), by_number);
}

bool gw_crl_is_newer(const struct gw_crl *a, const struct gw_crl *b)
{
    /* A shorter number is smaller. Numbers are padded with zeros, so equal lengths compare as
     * numbers. */
    int by_count = by_number(&a->number, &b->number);
    return by_count && a->number.len && b->number.len ? by_count > 0
                                                      : a->this_update > b->this_update;
}

bool gw_crl_covers(const struct gw_crl *c, const struct gw_chain_entry *entry)
{
    return c->scope & (entry->is_ca ? GW_CRL_CAS : GW_CRL_USERS) &&
           (!c->points.count || gw_points_meet(&c->points, &entry->points));
}

bool gw_crl_may_cover(const struct gw_crl *c, const struct gw_chain_entry *entry)
{
    return gw_crl_covers(c, entry) ||
           (c->scope & (entry->is_ca ? GW_CRL_CAS : GW_CRL_USERS) && entry->points.more);
}

bool gw_crl_same_scope(const struct gw_crl *a, const struct gw_crl *b)
{
    return memcmp(a->issuer, b->issuer, sizeof(a->issuer)) == 0 && a->scope == b->scope &&
           gw_points_equal(&a->points, &b->points);
}
