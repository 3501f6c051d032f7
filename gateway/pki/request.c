/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/pki/request.h"

#include "gateway/pki/serial.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

enum {
    DNS_MAX = 253,
    LABEL_MAX = 63,
    URI_MAX = 2048, /* the limit for a SPIFFE ID, and long enough for others */
    EMAIL_MAX = 254,
    OU_MAX = 64, /* RFC 5280 A.1 */
};

static const char *const kind_words[GW_PKI_KIND_COUNT] = {
    [GW_PKI_ROOT] = "root",
    [GW_PKI_INTERMEDIATE] = "intermediate",
    [GW_PKI_SERVER] = "server",
    [GW_PKI_CLIENT] = "client",
};

static const unsigned kind_days[GW_PKI_KIND_COUNT] = {
    [GW_PKI_SERVER] = 90,
    [GW_PKI_CLIENT] = 30,
};

static const char *const san_words[GW_PKI_SAN_KIND_COUNT] = {
    [GW_PKI_SAN_DNS] = "dns",
    [GW_PKI_SAN_URI] = "uri",
    [GW_PKI_SAN_EMAIL] = "email",
    [GW_PKI_SAN_IP] = "ip",
};

const char *gw_pki_kind_word(enum gw_pki_kind kind)
{
    return kind < GW_PKI_KIND_COUNT ? kind_words[kind] : NULL;
}

const char *gw_pki_san_word(enum gw_pki_san_kind kind)
{
    return kind < GW_PKI_SAN_KIND_COUNT ? san_words[kind] : NULL;
}

/* ---- one value; each returns a phrase with the fault, NULL when it is valid ---- */

/* The number of leading bytes that are letters, digits or among `more`. */
static size_t span(const char *text, const char *more)
{
    size_t n = 0;
    while (text[n] && (unsigned char)text[n] < 0x80 &&
           (isalnum((unsigned char)text[n]) || strchr(more, text[n])))
        n++;
    return n;
}

static const char *wrong_name(const char *name)
{
    size_t len = strlen(name);
    if (!len || len > GW_PKI_NAME_MAX)
        return "a name has 1 to 64 characters";
    if (!strncmp(name, "*.", 2))
        return "a name has only letters, digits and . _ - @ +, since it also names a folder; a "
               "wildcard is written --server example.com --dns '*.example.com'";
    if (name[span(name, "._-@+")])
        return "a name has only letters, digits and . _ - @ +, since it also names a folder";
    if (!isalnum((unsigned char)name[0]))
        return "a name begins with a letter or a digit";
    if (!strcmp(name, kind_words[GW_PKI_ROOT]) || !strcmp(name, kind_words[GW_PKI_INTERMEDIATE]))
        return "this name is the CA's own; choose another";
    if (gw_pki_serial_good(name))
        return "this looks like a serial number; choose another name";
    return NULL;
}

bool gw_pki_name_good(const char *name, const char **ret_why)
{
    const char *why = wrong_name(name);
    if (why)
        *ret_why = why;
    return !why;
}

static const char *wrong_labels(const char *name)
{
    for (const char *at = name;; at++) {
        size_t len = span(at, "-");
        if (!len || len > LABEL_MAX || at[0] == '-' || at[len - 1] == '-')
            return "it is not a DNS name: its parts are letters, digits and -, such as "
                   "a.example.com";
        at += len;
        if (!*at)
            return NULL;
        if (*at != '.')
            return "it is not a DNS name: one has only letters, digits, - and .";
    }
}

bool gw_pki_name_is_address(const char *text)
{
    unsigned char bytes[16];
    return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

static const char *wrong_dns(const char *name)
{
    const char *host = strncmp(name, "*.", 2) ? name : name + 2;
    if (!*name || strlen(name) > DNS_MAX)
        return "a DNS name has 1 to 253 characters";
    if (gw_pki_name_is_address(name))
        return "this is an address; give it with --ip";
    if (host != name && !strchr(host, '.'))
        return "a wildcard stands before two parts or more, such as *.example.com";
    return wrong_labels(host);
}

/* See the SPIFFE ID specification, 2. */
static const char *wrong_spiffe(const char *rest)
{
    size_t domain = 0;
    if (strncmp(rest, "//", 2) != 0)
        return "a SPIFFE ID begins with spiffe://";
    rest += 2;
    while (islower((unsigned char)rest[domain]) || isdigit((unsigned char)rest[domain]) ||
           (rest[domain] && strchr(".-_", rest[domain])))
        domain++;
    if (!domain || (rest[domain] && rest[domain] != '/'))
        return "the trust domain of a SPIFFE ID is made of small letters, digits and . - _";
    for (const char *at = rest + domain; *at;) {
        size_t len = span(++at, "._-");
        if ((at[len] && at[len] != '/') || !len)
            return "a part of a SPIFFE ID's path is made of letters, digits and . - _";
        if ((len == 1 && at[0] == '.') || (len == 2 && at[0] == '.' && at[1] == '.'))
            return "a part of a SPIFFE ID's path may not be . or ..";
        at += len;
    }
    return NULL;
}

static bool is_spiffe(const char *uri)
{
    return !strncasecmp(uri, "spiffe:", strlen("spiffe:"));
}

static const char *wrong_uri(const char *uri)
{
    size_t scheme = span(uri, "+-.");
    if (strlen(uri) > URI_MAX)
        return "the URI is longer than 2048 characters";
    if (!isalpha((unsigned char)uri[0]) || uri[scheme] != ':' || !uri[scheme + 1])
        return "a URI begins with its scheme, such as spiffe://example.com/billing";
    if (uri[scheme + span(uri + scheme, "-._~:/?#[]@!$&'()*+,;=%")])
        return "it contains a character that no URI may have";
    return is_spiffe(uri) ? wrong_spiffe(uri + scheme + 1) : NULL;
}

static const char *wrong_email(const char *email)
{
    size_t local = span(email, ".!#$%&'*+/=?^_`{|}~-");
    if (strlen(email) > EMAIL_MAX)
        return "the address is longer than 254 characters";
    if (!local || email[local] != '@' || wrong_labels(email + local + 1))
        return "it is not an email address such as alice@example.com";
    return NULL;
}

static const char *wrong_ip(const char *ip)
{
    return gw_pki_name_is_address(ip) ? NULL
                                      : "it is not an address such as 192.0.2.1 or 2001:db8::1";
}

static const char *(*const wrong_san[GW_PKI_SAN_KIND_COUNT])(const char *) = {
    [GW_PKI_SAN_DNS] = wrong_dns,
    [GW_PKI_SAN_URI] = wrong_uri,
    [GW_PKI_SAN_EMAIL] = wrong_email,
    [GW_PKI_SAN_IP] = wrong_ip,
};

const char *gw_pki_san_wrong(enum gw_pki_san_kind kind, const char *text)
{
    return wrong_san[kind](text);
}

static const char *wrong_ou(const char *ou)
{
    size_t len = strlen(ou);
    if (!len || len > OU_MAX)
        return "an organizational unit has 1 to 64 bytes";
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)ou[i] < 0x20 || ou[i] == 0x7f)
            return "it contains a control character";
    return NULL;
}

/* ---- the whole ---- */

static int refuse(const char *what, const char *value, const char *why, struct gw_error *err)
{
    return gw_error_set(err, GW_EXIT_USAGE, "--%s '%.80s': %s", what, value, why);
}

static int check_sans(const struct gw_pki_request *r, struct gw_error *err)
{
    for (unsigned i = 0; i < r->san_count; i++) {
        const struct gw_pki_san *san = &r->sans[i];
        const char *word = gw_pki_san_word(san->kind);
        const char *why = wrong_san[san->kind](san->text);
        if (why)
            return refuse(word, san->text, why, err);
        for (unsigned k = 0; k < i; k++)
            if (r->sans[k].kind == san->kind && !strcasecmp(r->sans[k].text, san->text))
                return refuse(word, san->text, "it is given twice; leave one out", err);
        for (unsigned k = 0; k < r->san_count; k++)
            if (k != i && r->sans[k].kind == GW_PKI_SAN_URI && san->kind == GW_PKI_SAN_URI &&
                is_spiffe(san->text))
                return refuse(word, san->text, "a certificate with a SPIFFE ID has no other URI",
                              err);
    }
    return 0;
}

static bool serves_a_name(const struct gw_pki_request *r)
{
    for (unsigned i = 0; i < r->san_count; i++)
        if (r->sans[i].kind == GW_PKI_SAN_DNS || r->sans[i].kind == GW_PKI_SAN_IP)
            return true;
    return false;
}

int gw_pki_request_check(const struct gw_pki_request *r, struct gw_error *err)
{
    const char *word = gw_pki_kind_word(r->kind);
    const char *why = wrong_name(r->name);
    if (why)
        return refuse(word, r->name, why, err);
    if (r->ou && (why = wrong_ou(r->ou)))
        return refuse("ou", r->ou, why, err);
    if (!r->days || r->days > GW_PKI_DAYS_MAX)
        return gw_error_set(err, GW_EXIT_USAGE, "--days %u: give 1 to %d", r->days,
                            GW_PKI_DAYS_MAX);
    int error = check_sans(r, err);
    if (!error && r->kind == GW_PKI_SERVER && !serves_a_name(r))
        error = refuse(word, r->name,
                       "this is not a DNS name; give the name or address that clients connect to "
                       "with --dns or --ip",
                       err);
    return error;
}

/* Current clients ignore the common name, so it is also among the alternative names. */
static int add_own_name(struct gw_pki_request *r, struct gw_error *err)
{
    struct gw_pki_san own = {
        .kind = gw_pki_name_is_address(r->name) ? GW_PKI_SAN_IP : GW_PKI_SAN_DNS, .text = r->name};
    if (wrong_san[own.kind](own.text))
        return 0;
    for (unsigned i = 0; i < r->san_count; i++)
        if (r->sans[i].kind == own.kind && !strcasecmp(r->sans[i].text, own.text))
            return 0;
    if (r->san_count == GW_PKI_SANS_MAX)
        return gw_error_set(err, GW_EXIT_USAGE,
                            "--server %s: more than %d names and addresses; leave some out",
                            r->name, GW_PKI_SANS_MAX);
    memmove(r->sans + 1, r->sans, r->san_count * sizeof(*r->sans));
    r->sans[0] = own;
    r->san_count++;
    return 0;
}

int gw_pki_request_complete(struct gw_pki_request *request, struct gw_error *err)
{
    int error = request->kind == GW_PKI_SERVER ? add_own_name(request, err) : 0;
    if (!request->days)
        request->days = kind_days[request->kind];
    return error ? error : gw_pki_request_check(request, err);
}
