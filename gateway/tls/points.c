/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/points.h"

#include "gateway/tls/dname.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

enum {
    FULL_NAME = 0, /* DIST_POINT_NAME.type; any other is relative to the issuer's name */
    POINT_TEXT = 128
};

static bool has(const struct gw_points *p, const uint8_t id[GW_POINT_LEN])
{
    for (unsigned i = 0; i < p->count; i++)
        if (memcmp(p->ids[i], id, GW_POINT_LEN) == 0)
            return true;
    return false;
}

static void add(struct gw_points *p, const GENERAL_NAME *name, const EVP_MD *sha256)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned char *der = NULL;
    int len = i2d_GENERAL_NAME(name, &der);
    if (len <= 0 || !EVP_Digest(der, (size_t)len, digest, NULL, sha256, NULL))
        p->more = true;
    else if (!has(p, digest) && p->count == GW_POINTS_MAX)
        p->more = true;
    else if (!has(p, digest))
        memcpy(p->ids[p->count++], digest, GW_POINT_LEN);
    OPENSSL_free(der);
}

static void add_all(struct gw_points *p, const GENERAL_NAMES *names, const EVP_MD *sha256)
{
    if (sk_GENERAL_NAME_num(names) <= 0)
        p->more = true;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
        add(p, sk_GENERAL_NAME_value(names, i), sha256);
}

/* libcrypto appends a relative name to the issuer's, and leaves a full name unchanged. */
static void add_point(struct gw_points *p, DIST_POINT_NAME *name, const X509_NAME *issuer,
                      const EVP_MD *sha256)
{
    if (name->type == FULL_NAME) {
        add_all(p, name->name.fullname, sha256);
    } else if (!DIST_POINT_set_dpname(name, issuer) || !name->dpname) {
        p->more = true;
    } else {
        GENERAL_NAME whole = {.type = GEN_DIRNAME, .d.directoryName = name->dpname};
        add(p, &whole, sha256);
    }
}

static bool name_the_issuer(const GENERAL_NAMES *names, const X509_NAME *issuer)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DIRNAME && X509_NAME_cmp(name->d.directoryName, issuer) == 0)
            return true;
    }
    return false;
}

static void add_of_cert(struct gw_points *p, const DIST_POINT *point, const X509_NAME *issuer,
                        const EVP_MD *sha256)
{
    if (point->CRLissuer && !name_the_issuer(point->CRLissuer, issuer))
        return;
    if (point->reasons)
        p->more = true;
    else if (point->distpoint)
        add_point(p, point->distpoint, issuer, sha256);
    else
        add_all(p, point->CRLissuer, sha256);
}

void gw_points_of_cert(struct gw_points *ret, const X509 *cert, const EVP_MD *sha256)
{
    *ret = (struct gw_points){.count = 0};
    if (X509_get_ext_by_NID(cert, NID_crl_distribution_points, -1) < 0)
        return;
    (void)ERR_set_mark();
    CRL_DIST_POINTS *points = X509_get_ext_d2i(cert, NID_crl_distribution_points, NULL, NULL);
    if (!points)
        ret->more = true;
    for (int i = 0; i < sk_DIST_POINT_num(points); i++)
        add_of_cert(ret, sk_DIST_POINT_value(points, i), X509_get_issuer_name(cert), sha256);
    CRL_DIST_POINTS_free(points);
    (void)ERR_pop_to_mark();
}

void gw_points_of_crl(struct gw_points *ret, DIST_POINT_NAME *name, const X509_NAME *issuer,
                      const EVP_MD *sha256)
{
    *ret = (struct gw_points){.count = 0};
    if (name->type != FULL_NAME || !name_the_issuer(name->name.fullname, issuer))
        add_point(ret, name, issuer, sha256);
}

/* ---- as text ---- */

/* The printing of points, one by one. */
struct printing {
    struct gw_text *out;
    const char *before; /* precedes the next one */
    unsigned count;
};

static void print_name(struct printing *p, const GENERAL_NAME *name)
{
    char text[POINT_TEXT] = "a name that is not a URI";
    if (p->count == GW_POINTS_MAX)
        return;
    if (name->type == GEN_DIRNAME)
        gw_dname_print(name->d.directoryName, text, sizeof(text));
    else if (name->type == GEN_URI)
        (void)snprintf(text, sizeof(text), "%.*s",
                       ASN1_STRING_length(name->d.uniformResourceIdentifier),
                       (const char *)ASN1_STRING_get0_data(name->d.uniformResourceIdentifier));
    for (char *at = text; *at; at++)
        if (*at < ' ' || *at > '~')
            *at = '?';
    gw_text_append(p->out, "%s%s", p->before, text);
    p->before = ", ";
    p->count++;
}

static void print_names(struct printing *p, const GENERAL_NAMES *names)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
        print_name(p, sk_GENERAL_NAME_value(names, i));
}

static void print_point(struct printing *p, DIST_POINT_NAME *name, const X509_NAME *issuer)
{
    if (name->type == FULL_NAME) {
        print_names(p, name->name.fullname);
    } else if (DIST_POINT_set_dpname(name, issuer) && name->dpname) {
        GENERAL_NAME whole = {.type = GEN_DIRNAME, .d.directoryName = name->dpname};
        print_name(p, &whole);
    }
}

void gw_points_print_cert(struct gw_text *out, const X509 *cert, const char *before)
{
    struct printing p = {.out = out, .before = before};
    (void)ERR_set_mark();
    CRL_DIST_POINTS *points = X509_get_ext_d2i(cert, NID_crl_distribution_points, NULL, NULL);
    for (int i = 0; i < sk_DIST_POINT_num(points); i++) {
        const DIST_POINT *point = sk_DIST_POINT_value(points, i);
        if (point->distpoint)
            print_point(&p, point->distpoint, X509_get_issuer_name(cert));
        else
            print_names(&p, point->CRLissuer);
    }
    CRL_DIST_POINTS_free(points);
    (void)ERR_pop_to_mark();
}

void gw_points_print_crl(struct gw_text *out, DIST_POINT_NAME *name, const X509_NAME *issuer)
{
    struct printing p = {.out = out, .before = ""};
    print_point(&p, name, issuer);
}

bool gw_points_meet(const struct gw_points *a, const struct gw_points *b)
{
    for (unsigned i = 0; i < a->count; i++)
        if (has(b, a->ids[i]))
            return true;
    return false;
}

bool gw_points_equal(const struct gw_points *a, const struct gw_points *b)
{
    for (unsigned i = 0; i < a->count; i++)
        if (!has(b, a->ids[i]))
            return false;
    return a->count == b->count;
}
