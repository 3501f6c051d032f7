/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/identity_private.h"

#include "gateway/base/attr.h"
#include "gateway/config/pattern.h"
#include "gateway/config/uri.h"

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
    DIGEST_BYTES = 32,
};

/* ---- the fault of a name: NULL, or a static phrase ---- */

/* UTF-8 of the subject: no control characters, so no NUL either. Those from U+0080 on have two
 * bytes, and some terminals obey them. */
static const char *text_fault(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        unsigned char next = i + 1 < len ? (unsigned char)s[i + 1] : 0;
        if (c < 0x20 || c == 0x7f || (c == 0xc2 && next < 0xa0))
            return "it contains a control character";
    }
    return len > 0 ? NULL : "it is empty";
}

/* Labels of letters, digits, '-' and '_'. The first label may be a single '*'. */
static const char *dns_fault(const char *s, size_t len)
{
    size_t label = 0;
    for (size_t i = 0; i < len; i++) {
        char c = s[i];
        bool star = c == '*' && i == 0 && (len == 1 || s[1] == '.');
        if (c == '.' && label == 0)
            return "a label is empty";
        if (c != '.' && c != '-' && c != '_' && !star && !isalnum((unsigned char)c))
            return "it contains a character that is not a letter, a digit, '-' or '_'";
        label = c == '.' ? 0 : label + 1;
        if (label > LABEL_MAX)
            return "it has a label of more than 63 bytes";
    }
    if (len > DNS_MAX)
        return "it has more than 253 bytes";
    return len == 0 ? "it is empty" : label == 0 ? "it ends in a dot" : NULL;
}

/* A URI with the scheme spiffe must be a SPIFFE ID. */
static const char *uri_fault(const char *s, size_t len)
{
    if (gw_pattern_is_spiffe(s, len))
        return gw_pattern_spiffe_ok(s, len, false) ? NULL : "it is not a SPIFFE ID";
    return gw_uri_fault(s, len);
}

static const char *email_fault(const char *s, size_t len)
{
    const char *at = memchr(s, '@', len);
    for (size_t i = 0; i < len; i++)
        if (s[i] <= ' ' || s[i] >= 0x7f)
            return "it contains a blank, a control character or one that is not ASCII";
    bool ok =
        at && at != s && at + 1 != s + len && !memchr(at + 1, '@', (size_t)(s + len - at - 1));
    return ok ? NULL : "it is not an email address";
}

static void add(struct gw_identity *id, enum gw_name_kind kind, const char *text, size_t len,
                const char *fault)
{
    if (fault)
        gw_identity_add_unusable(id, kind, text, len, fault);
    else
        gw_identity_add(id, kind, text, len);
}

/* ---- subject alternative names ---- */

static void add_ia5(struct gw_identity *id, enum gw_name_kind kind, const ASN1_IA5STRING *s,
                    const char *(*fault)(const char *, size_t))
{
    const char *text = (const char *)ASN1_STRING_get0_data(s);
    size_t len = (size_t)ASN1_STRING_length(s);
    add(id, kind, len ? text : "", len, len ? fault(text, len) : "it is empty");
}

static void add_address(struct gw_identity *id, const ASN1_OCTET_STRING *s)
{
    char text[INET6_ADDRSTRLEN] = "";
    int len = ASN1_STRING_length(s);
    if ((len == 4 || len == 16) &&
        inet_ntop(len == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(s), text, sizeof(text)))
        gw_identity_add(id, GW_NAME_IP, text, strlen(text));
    else
        gw_identity_add_unusable(id, GW_NAME_IP, "", 0, "it has neither 4 nor 16 bytes");
}

static const char *lonely_fault(const char *s, size_t len)
{
    const char *fault = uri_fault(s, len);
    return fault ? fault : "a certificate with a SPIFFE ID must have no other URI";
}

static void add_alternative(struct gw_identity *id, const GENERAL_NAME *name, bool ambiguous)
{
    switch (name->type) {
    case GEN_DNS:
        add_ia5(id, GW_NAME_DNS, name->d.dNSName, dns_fault);
        return;
    case GEN_URI:
        add_ia5(id, GW_NAME_URI, name->d.uniformResourceIdentifier,
                ambiguous ? lonely_fault : uri_fault);
        return;
    case GEN_EMAIL:
        add_ia5(id, GW_NAME_EMAIL, name->d.rfc822Name, email_fault);
        return;
    case GEN_IPADD:
        add_address(id, name->d.iPAddress);
        return;
    default: /* kinds that rules and headers do not support */
        return;
    }
}

/* A SPIFFE ID is the only URI of its certificate (X509-SVID 2). */
static bool is_ambiguous(GENERAL_NAMES *names)
{
    unsigned uris = 0;
    bool spiffe = false;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_URI)
            continue;
        const ASN1_IA5STRING *s = name->d.uniformResourceIdentifier;
        uris++;
        spiffe |= gw_pattern_is_spiffe((const char *)ASN1_STRING_get0_data(s),
                                       (size_t)ASN1_STRING_length(s));
    }
    return spiffe && uris > 1;
}

static bool add_alternatives(struct gw_identity *id, const X509 *cert)
{
    int critical = 0;
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, &critical, NULL);
    if (!names)
        return critical == -1; /* -1: absent; otherwise malformed or duplicate */
    bool ambiguous = is_ambiguous(names);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
        add_alternative(id, sk_GENERAL_NAME_value(names, i), ambiguous);
    GENERAL_NAMES_free(names);
    return true;
}

/* ---- subject ---- */

static void add_subject_entry(struct gw_identity *id, enum gw_name_kind kind,
                              const X509_NAME_ENTRY *e)
{
    const ASN1_STRING *s = X509_NAME_ENTRY_get_data(e);
    unsigned char *utf8 = NULL;
    int len = ASN1_STRING_to_UTF8(&utf8, s);
    if (len < 0)
        gw_identity_add_unusable(id, kind, (const char *)ASN1_STRING_get0_data(s),
                                 (size_t)ASN1_STRING_length(s), "it is not text");
    else
        add(id, kind, (const char *)utf8, (size_t)len, text_fault((const char *)utf8, (size_t)len));
    OPENSSL_free(utf8);
}

/* From the last entry to the first, so that the most specific name of a kind comes first. */
static void add_subject(struct gw_identity *id, const X509 *cert, int nid, enum gw_name_kind kind)
{
    const X509_NAME *subject = X509_get_subject_name(cert);
    for (int i = X509_NAME_entry_count(subject) - 1; i >= 0; i--) {
        const X509_NAME_ENTRY *e = X509_NAME_get_entry(subject, i);
        if (OBJ_obj2nid(X509_NAME_ENTRY_get_object(e)) == nid)
            add_subject_entry(id, kind, e);
    }
}

/* Common names precede all other names. */
static void add_common_names(struct gw_identity *id, const X509 *cert)
{
    add_subject(id, cert, NID_commonName, GW_NAME_CN);
    if (id->unusable.kinds & 1U << GW_NAME_CN)
        gw_identity_drop_names(id);
}

/* ---- serial number and digests ---- */

static bool set_serial(struct gw_identity *id, const X509 *cert)
{
    BIGNUM *n = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
    char *hex = n ? BN_bn2hex(n) : NULL;
    if (hex)
        (void)snprintf(id->serial, sizeof(id->serial), "%.*s%s", (int)sizeof(id->serial) - 4, hex,
                       strlen(hex) > sizeof(id->serial) - 4 ? "..." : "");
    OPENSSL_free(hex);
    BN_free(n);
    return hex;
}

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
    gw_identity_init(ret);
    if (!cert)
        return true;
    bool ok = set_serial(ret, cert) && set_fingerprint(ret, cert) && set_spki(ret, cert);
    add_common_names(ret, cert);
    add_subject(ret, cert, NID_organizationalUnitName, GW_NAME_OU);
    ret->present = add_alternatives(ret, cert) && ok;
    ERR_clear_error();
    if (!ret->present)
        gw_identity_done(ret);
    return ret->present;
}
