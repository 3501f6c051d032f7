/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/identity_private.h"

#include "gateway/base/attr.h"
#include "gateway/config/pattern.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

enum {
    LABEL_MAX = 63, /* RFC 1035 2.3.4 */
    DNS_MAX = 253,
};

/* The names go one after the other into id->text. */
struct filler {
    struct gw_identity *id;
    size_t used;
};

static bool add(struct filler *f, enum gw_name_kind kind, const char *text, size_t len)
{
    struct gw_identity *id = f->id;
    if (id->name_count == GW_IDENTITY_NAMES_MAX || len >= sizeof(id->text) - f->used)
        return false;
    char *to = id->text + f->used;
    memcpy(to, text, len);
    to[len] = '\0';
    f->used += len + 1;
    id->names[id->name_count++] = (struct gw_name){kind, to};
    return true;
}

/* UTF-8 of the subject: no control characters, so no NUL either. Those from U+0080 on are two
 * bytes, and some terminals obey them, too. */
static bool is_text(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        unsigned char next = i + 1 < len ? (unsigned char)s[i + 1] : 0;
        if (c < 0x20 || c == 0x7f || (c == 0xc2 && next < 0xa0))
            return false;
    }
    return len > 0;
}

static bool is_printable(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (s[i] <= ' ' || s[i] >= 0x7f)
            return false;
    return len > 0;
}

/* Labels of letters, digits, '-' and '_'; the first may be '*' alone. */
static bool is_dns(const char *s, size_t len)
{
    size_t label = 0;
    for (size_t i = 0; i < len; i++) {
        char c = s[i];
        bool star = c == '*' && i == 0 && (len == 1 || s[1] == '.');
        if (c == '.') {
            if (label == 0)
                return false;
            label = 0;
        } else if ((!isalnum((unsigned char)c) && c != '-' && c != '_' && !star) ||
                   ++label > LABEL_MAX) {
            return false;
        }
        if (star)
            label = 1;
    }
    return len <= DNS_MAX && label > 0;
}

/* scheme ":" and something after it (RFC 3986 3, 3.1); what says it is a SPIFFE ID must be one. */
static bool is_uri(const char *s, size_t len)
{
    const char *colon = memchr(s, ':', len);
    if (!is_printable(s, len) || !colon || colon + 1 == s + len || !isalpha((unsigned char)s[0]))
        return false;
    for (const char *p = s; p < colon; p++)
        if (!isalnum((unsigned char)*p) && !strchr("+-.", *p))
            return false;
    return !gw_pattern_is_spiffe(s, len) || gw_pattern_spiffe_ok(s, len, false);
}

static bool is_email(const char *s, size_t len)
{
    const char *at = memchr(s, '@', len);
    return is_printable(s, len) && at && at != s && at + 1 != s + len &&
           !memchr(at + 1, '@', (size_t)(s + len - at - 1));
}

static bool add_ia5(struct filler *f, enum gw_name_kind kind, const ASN1_IA5STRING *s,
                    bool (*check)(const char *, size_t))
{
    const char *text = (const char *)ASN1_STRING_get0_data(s);
    int len = ASN1_STRING_length(s);
    return len > 0 && check(text, (size_t)len) && add(f, kind, text, (size_t)len);
}

static bool add_address(struct filler *f, const ASN1_OCTET_STRING *s)
{
    char text[INET6_ADDRSTRLEN];
    int len = ASN1_STRING_length(s);
    int family = len == 4 ? AF_INET : AF_INET6;
    if (len != 4 && len != 16)
        return false;
    return inet_ntop(family, ASN1_STRING_get0_data(s), text, sizeof(text)) &&
           add(f, GW_NAME_IP, text, strlen(text));
}

static bool add_alternative(struct filler *f, const GENERAL_NAME *name)
{
    switch (name->type) {
    case GEN_DNS:
        return add_ia5(f, GW_NAME_DNS, name->d.dNSName, is_dns);
    case GEN_URI:
        return add_ia5(f, GW_NAME_URI, name->d.uniformResourceIdentifier, is_uri);
    case GEN_EMAIL:
        return add_ia5(f, GW_NAME_EMAIL, name->d.rfc822Name, is_email);
    case GEN_IPADD:
        return add_address(f, name->d.iPAddress);
    default:
        return true; /* kinds that no rule and no header knows */
    }
}

/* A SPIFFE ID is the only URI of its certificate (X509-SVID 2), or nobody knows which of them the
 * bearer is. */
static bool is_one_spiffe_id(const struct gw_identity *id)
{
    unsigned uris = 0;
    bool spiffe = false;
    for (unsigned i = 0; i < id->name_count; i++) {
        if (id->names[i].kind != GW_NAME_URI)
            continue;
        uris++;
        spiffe |= gw_pattern_is_spiffe(id->names[i].text, strlen(id->names[i].text));
    }
    return !spiffe || uris == 1;
}

static bool add_alternatives(struct filler *f, const X509 *cert)
{
    int critical = 0;
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, &critical, NULL);
    if (!names)
        return critical == -1; /* there is none; else it is malformed or there are several */
    bool ok = true;
    for (int i = 0; ok && i < sk_GENERAL_NAME_num(names); i++)
        ok = add_alternative(f, sk_GENERAL_NAME_value(names, i));
    GENERAL_NAMES_free(names);
    return ok && is_one_spiffe_id(f->id);
}

static bool add_subject_entry(struct filler *f, enum gw_name_kind kind, const X509_NAME_ENTRY *e)
{
    unsigned char *utf8 = NULL;
    int len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(e));
    bool ok = len > 0 && is_text((const char *)utf8, (size_t)len) &&
              add(f, kind, (const char *)utf8, (size_t)len);
    OPENSSL_free(utf8);
    return ok;
}

/* From the last entry to the first, so that the most specific name of a kind comes first. */
static bool add_subject(struct filler *f, const X509 *cert, int nid, enum gw_name_kind kind)
{
    const X509_NAME *subject = X509_get_subject_name(cert);
    for (int i = X509_NAME_entry_count(subject) - 1; i >= 0; i--) {
        const X509_NAME_ENTRY *e = X509_NAME_get_entry(subject, i);
        if (OBJ_obj2nid(X509_NAME_ENTRY_get_object(e)) == nid && !add_subject_entry(f, kind, e))
            return false;
    }
    return true;
}

static bool set_serial(struct gw_identity *id, const X509 *cert)
{
    BIGNUM *n = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
    char *hex = n ? BN_bn2hex(n) : NULL;
    bool ok = hex && strlen(hex) < sizeof(id->serial);
    if (ok)
        (void)snprintf(id->serial, sizeof(id->serial), "%s", hex);
    OPENSSL_free(hex);
    BN_free(n);
    return ok;
}

enum {
    DIGEST_BYTES = 32
};

static void write_hex(char ret[static 2 * DIGEST_BYTES + 1], const unsigned char *digest)
{
    static const char digits[] = "0123456789abcdef";
    for (unsigned i = 0; i < DIGEST_BYTES; i++) {
        ret[2 * i] = digits[digest[i] >> 4];
        ret[2 * i + 1] = digits[digest[i] & 15];
    }
    ret[2 * DIGEST_BYTES] = '\0';
}

static bool set_fingerprint(struct gw_identity *id, const X509 *cert)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (!X509_digest(cert, EVP_sha256(), digest, &len) || len != DIGEST_BYTES)
        return false;
    write_hex(id->fingerprint, digest);
    return true;
}

static bool set_spki(struct gw_identity *id, const X509 *cert)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned char *der = NULL;
    unsigned out = 0;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
    bool ok = len > 0 && EVP_Digest(der, (size_t)len, digest, &out, EVP_sha256(), NULL) &&
              out == DIGEST_BYTES;
    OPENSSL_free(der);
    if (ok)
        write_hex(id->spki, digest);
    return ok;
}

bool gw_identity_read(struct gw_identity *ret, const X509 *cert)
{
    /* The text is left as it is where no name lies: it is 8 KiB. */
    memset(ret, 0, offsetof(struct gw_identity, text));
    ret->text[0] = '\0';
    if (!cert)
        return true;
    struct filler f = {.id = ret};
    ret->present = add_subject(&f, cert, NID_commonName, GW_NAME_CN) &&
                   add_subject(&f, cert, NID_organizationalUnitName, GW_NAME_OU) &&
                   add_alternatives(&f, cert) && set_serial(ret, cert) &&
                   set_fingerprint(ret, cert) && set_spki(ret, cert);
    ERR_clear_error();
    if (!ret->present)
        memset(ret, 0, sizeof(*ret));
    return ret->present;
}

size_t gw_identity_len(const struct gw_identity *id)
{
    size_t len = offsetof(struct gw_identity, text) + 1;
    if (id->name_count) {
        const char *last = id->names[id->name_count - 1].text;
        len = (size_t)(last - (const char *)id) + strlen(last) + 1;
    }
    return len;
}

void gw_identity_copy(struct gw_identity *ret, const struct gw_identity *id)
{
    memcpy(ret, id, gw_identity_len(id));
    for (unsigned i = 0; i < ret->name_count; i++)
        ret->names[i].text = ret->text + (id->names[i].text - id->text);
}

const char *gw_identity_first(const struct gw_identity *id, enum gw_name_kind kind)
{
    for (unsigned i = 0; i < id->name_count; i++)
        if (id->names[i].kind == kind)
            return id->names[i].text;
    return NULL;
}
