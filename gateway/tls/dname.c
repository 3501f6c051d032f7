/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/dname.h"

#include "gateway/base/attr.h"

#include <openssl/objects.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Text up to `end`, which leaves room for the dots of a cut name. */
struct output {
    char *at;
    const char *end;
    bool cut;
};

static void put(struct output *o, const char *text, size_t len)
{
    o->cut |= len > (size_t)(o->end - o->at);
    if (o->cut)
        return;
    memcpy(o->at, text, len);
    o->at += len;
}

static void put_text(struct output *o, const char *text)
{
    put(o, text, strlen(text));
}

/* RFC 4514 2.4. */
static bool is_special(const unsigned char *s, size_t i, size_t len)
{
    return strchr("\"+,;<>\\", s[i]) || (i == 0 && (s[i] == ' ' || s[i] == '#')) ||
           (i + 1 == len && s[i] == ' ');
}

/* Some terminals obey the characters from U+0080 to U+009F. */
static bool is_control(const unsigned char *s, size_t width)
{
    return s[0] < ' ' || s[0] == 0x7f || (width == 2 && s[0] == 0xc2 && s[1] < 0xa0);
}

static void put_escaped(struct output *o, const unsigned char *s, size_t width)
{
    char text[2 * 3 + 1] = "";
    for (size_t i = 0; i < width; i++)
        (void)snprintf(text + 3 * i, sizeof(text) - 3 * i, "\\%02x", s[i]);
    put_text(o, text);
}

static void put_value(struct output *o, const unsigned char *s, size_t len)
{
    char escape[2];
    size_t width;
    for (size_t i = 0; i < len && !o->cut; i += width) {
        width = 1;
        while (s[i] >= 0xc0 && i + width < len && (s[i + width] & 0xc0) == 0x80)
            width++; /* a UTF-8 character is cut as a whole */
        if (is_control(s + i, width)) {
            put_escaped(o, s + i, width);
        } else if (is_special(s, i, len)) {
            escape[0] = '\\';
            escape[1] = (char)s[i];
            put(o, escape, 2);
        } else {
            put(o, (const char *)s + i, width);
        }
    }
}

static void put_type(struct output *o, const ASN1_OBJECT *type)
{
    char number[64] = "?";
    int nid = OBJ_obj2nid(type);
    if (nid == NID_undef)
        (void)OBJ_obj2txt(number, sizeof(number), type, 1);
    put_text(o, nid == NID_undef ? number : OBJ_nid2sn(nid));
    put_text(o, "=");
}

/* A value that is not text is written as its bytes in hex. */
static void put_hex(struct output *o, const ASN1_STRING *s)
{
    char digits[3];
    put_text(o, "#");
    for (int i = 0; i < ASN1_STRING_length(s) && !o->cut; i++) {
        (void)snprintf(digits, sizeof(digits), "%02x", ASN1_STRING_get0_data(s)[i]);
        put_text(o, digits);
    }
}

static void put_entry(struct output *o, const X509_NAME_ENTRY *e)
{
    const ASN1_STRING *s = X509_NAME_ENTRY_get_data(e);
    unsigned char *utf8 = NULL;
    int type = ASN1_STRING_type(s);
    bool plain = type == V_ASN1_UTF8STRING || type == V_ASN1_PRINTABLESTRING;
    put_type(o, X509_NAME_ENTRY_get_object(e));
    int len = plain ? ASN1_STRING_length(s) : ASN1_STRING_to_UTF8(&utf8, s);
    if (len < 0)
        put_hex(o, s);
    else
        put_value(o, plain ? ASN1_STRING_get0_data(s) : utf8, (size_t)len);
    OPENSSL_free(utf8);
}

void gw_dname_print(const X509_NAME *name, char *out, size_t size)
{
    gw_require(size >= 8);
    struct output o = {.at = out, .end = out + size - sizeof("...")};
    int last = X509_NAME_entry_count(name) - 1;
    for (int i = last; i >= 0 && !o.cut; i--) {
        const X509_NAME_ENTRY *e = X509_NAME_get_entry(name, i);
        const X509_NAME_ENTRY *above = i < last ? X509_NAME_get_entry(name, i + 1) : NULL;
        if (above)
            put_text(&o, X509_NAME_ENTRY_set(above) == X509_NAME_ENTRY_set(e) ? "+" : ",");
        put_entry(&o, e);
    }
    (void)strcpy(o.at, o.cut ? "..." : "");
}
