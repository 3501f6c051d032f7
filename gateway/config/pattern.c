/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/config/pattern.h"

#include "gateway/config/uri.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    LABEL_MAX = 63, /* RFC 1035 2.3.4 */
    DNS_MAX = 253,
    DIGEST_BYTES = 32,
    TRUST_DOMAIN_MAX = 255,
};

#define LETTERS "abcdefghijklmnopqrstuvwxyz"
#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* For a tail call: sets the phrase and returns the errno. */
static int no(const char **ret_why, const char *why)
{
    *ret_why = why;
    return -EINVAL;
}

static void lower(char *text)
{
    for (; *text; text++)
        *text = (char)tolower((unsigned char)*text);
}

static bool all_of(const char *part, size_t len, const char *set)
{
    for (size_t i = 0; i < len; i++)
        if (!part[i] || !strchr(set, part[i]))
            return false;
    return true;
}

static bool is_word(const char *part, size_t len, const char *word)
{
    return len == strlen(word) && memcmp(part, word, len) == 0;
}

/* ---- DNS ---- */

static bool is_label(const char *label, size_t len)
{
    return len > 0 && len <= LABEL_MAX && all_of(label, len, LETTERS CAPITALS DIGITS "-_");
}

static int check_label(const char *at, size_t len, bool first, const char **why)
{
    if (is_word(at, len, "*") || (first && is_word(at, len, "**")) || is_label(at, len))
        return 0;
    if (is_word(at, len, "**"))
        return no(why, "** must be the first label");
    if (memchr(at, '*', len))
        return no(why, "* must be a whole label between two dots");
    return no(why, "it is not a DNS name");
}

static int read_dns(const char *text, char *ret, const char **why)
{
    size_t len = strlen(text);
    unsigned labels = 0;
    len -= len > 1 && text[len - 1] == '.';
    if (len > DNS_MAX)
        return no(why, "a DNS name has at most 253 bytes");
    for (size_t at = 0; at <= len; labels++) {
        size_t n = strcspn(text + at, ".");
        n = GW_MIN(n, len - at);
        int error = check_label(text + at, n, at == 0, why);
        if (error)
            return error;
        at += n + 1;
    }
    if (labels > GW_PATTERN_PARTS_MAX)
        return no(why, "it has more than 64 labels");
    (void)snprintf(ret, GW_PATTERN_BYTES_MAX, "%.*s", (int)len, text);
    lower(ret);
    return 0;
}

/* ---- URI ---- */

static bool is_path_part(const char *part, size_t len, bool patterns)
{
    if (patterns && (is_word(part, len, "*") || is_word(part, len, "**")))
        return true;
    return len > 0 && all_of(part, len, LETTERS CAPITALS DIGITS "-._") &&
           !is_word(part, len, ".") && !is_word(part, len, "..");
}

static bool is_trust_domain(const char *part, size_t len, bool patterns)
{
    if (patterns && (is_word(part, len, "*") || is_word(part, len, "**")))
        return true;
    return len > 0 && len <= TRUST_DOMAIN_MAX && all_of(part, len, LETTERS DIGITS "-._");
}

bool gw_pattern_is_spiffe(const char *uri, size_t len)
{
    return len >= 7 && strncasecmp(uri, "spiffe:", 7) == 0;
}

bool gw_pattern_spiffe_ok(const char *uri, size_t len, bool patterns)
{
    if (len < 9 || memcmp(uri, "spiffe://", 9) != 0)
        return false;
    for (size_t at = 9; at <= len;) {
        const char *slash = memchr(uri + at, '/', len - at);
        size_t n = slash ? (size_t)(slash - uri) - at : len - at;
        if (!(at == 9 ? is_trust_domain : is_path_part)(uri + at, n, patterns))
            return false;
        at += n + 1;
    }
    return true;
}

static bool has_scheme(const char *part, size_t len)
{
    const char *colon = memchr(part, ':', len);
    return colon && isalpha((unsigned char)*part) &&
           all_of(part, (size_t)(colon - part), LETTERS CAPITALS DIGITS "+-.");
}

static int check_uri_part(const char *part, size_t len, unsigned number, bool last,
                          const char **why)
{
    if (is_word(part, len, "*") || (last && is_word(part, len, "**")))
        return 0;
    if (is_word(part, len, "**"))
        return no(why, "** must be the last part");
    if (memchr(part, '*', len))
        return no(why, "* must be a whole part between two slashes");
    if (number == 0 && !has_scheme(part, len))
        return no(why, "a URI begins with a scheme, such as spiffe: or https:");
    return 0;
}

static int read_uri(const char *text, char *ret, const char **why)
{
    size_t len = strlen(text);
    unsigned number = 0;
    len -= len > 1 && text[len - 1] == '/';
    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] >= 0x7f)
            return no(why, "a URI has only printable ASCII, without blanks");
    for (size_t at = 0; at <= len; number++) {
        size_t n = GW_MIN(strcspn(text + at, "/"), len - at);
        int error = check_uri_part(text + at, n, number, at + n >= len, why);
        if (error)
            return error;
        at += n + 1;
    }
    if (number > GW_PATTERN_PARTS_MAX)
        return no(why, "it has more than 64 parts");
    bool spiffe = gw_pattern_is_spiffe(text, len);
    if (spiffe && !gw_pattern_spiffe_ok(text, len, true))
        return no(why, "it is not a SPIFFE ID: spiffe://, a trust domain in small letters, then "
                       "parts of letters, digits, '.', '-' and '_'");
    const char *fault = spiffe || *text == '*' ? NULL : gw_uri_fault(text, len);
    if (fault)
        return no(why, fault);
    (void)snprintf(ret, GW_PATTERN_BYTES_MAX, "%.*s", (int)len, text);
    return 0;
}

/* ---- addresses ---- */

static int read_ip(const char *text, char *ret, const char **why)
{
    struct gw_net net;
    char address[INET6_ADDRSTRLEN];
    int error = gw_net_read(text, &net, why);
    if (error)
        return error;
    gw_require(inet_ntop(net.len == 4 ? AF_INET : AF_INET6, net.bytes, address, sizeof(address)));
    (void)snprintf(ret, GW_PATTERN_BYTES_MAX, "%s/%u", address, net.bits);
    return 0;
}

/* ---- email ---- */

static int read_email(const char *text, char *ret, const char **why)
{
    const char *at = strchr(text, '@');
    const char *domain = at ? at + 1 : "";
    size_t name = at ? (size_t)(at - text) : 0;
    if (name == 0 || !*domain || strchr(domain, '@'))
        return no(why, "it is not an email address");
    for (const char *c = text; *c; c++)
        if (*c <= ' ' || *c >= 0x7f)
            return no(why, "an email address has only printable ASCII, without blanks");
    if (strchr(domain, '*') || (memchr(text, '*', name) && !is_word(text, name, "*")))
        return no(why, "* can only stand for everything before the @");
    if (strlen(domain) > DNS_MAX)
        return no(why, "the domain has more than 253 bytes");
    (void)snprintf(ret, GW_PATTERN_BYTES_MAX, "%s", text);
    lower(ret + name + 1);
    return 0;
}

/* ---- digests ---- */

/* 64 hex digits, colons allowed between two bytes. */
static bool read_hex(const char *text, char *ret)
{
    size_t n = 0;
    for (; *text; text++) {
        if (*text == ':' && n > 0 && n % 2 == 0 && text[-1] != ':' && text[1])
            continue;
        if (!isxdigit((unsigned char)*text) || n == 2 * DIGEST_BYTES)
            return false;
        ret[n++] = (char)tolower((unsigned char)*text);
    }
    ret[n] = '\0';
    return n == 2 * DIGEST_BYTES;
}

static int read_fingerprint(const char *text, char *ret, const char **why)
{
    static const char prefix[] = "sha256 Fingerprint="; /* which the command prints before it */
    size_t len = strncasecmp(text, prefix, sizeof(prefix) - 1) == 0 ? sizeof(prefix) - 1 : 0;
    if (read_hex(text + len, ret))
        return 0;
    return no(why, "it is not a SHA-256 in hex, 64 digits; `openssl x509 -noout -fingerprint "
                   "-sha256 -in FILE` prints it");
}

static bool read_base64(const char *text, char *ret)
{
    unsigned char bytes[DIGEST_BYTES + 1];
    if (strlen(text) != 44 || strspn(text, LETTERS CAPITALS DIGITS "+/") != 43 || text[43] != '=' ||
        EVP_DecodeBlock(bytes, (const unsigned char *)text, 44) != DIGEST_BYTES + 1)
        return false;
    for (unsigned i = 0; i < DIGEST_BYTES; i++)
        (void)snprintf(ret + (size_t)2 * i, 3, "%02x", bytes[i]);
    return true;
}

static int read_spki(const char *text, char *ret, const char **why)
{
    bool named = strncmp(text, "sha256/", 7) == 0;
    const char *base64 = named ? text + 7 + (text[7] == '/') : text;
    if (named ? read_base64(base64, ret) || (text[7] == '/' && read_base64(text + 7, ret))
              : read_hex(text, ret))
        return 0;
    return no(why, "it is neither a SHA-256 in hex, 64 digits, nor sha256/ and its base64; "
                   "`ktlsgate check --explain FILE` prints it");
}

/* ---- all kinds ---- */

static int read_text(const char *text, char *ret, const char **why gw_unused)
{
    (void)snprintf(ret, GW_PATTERN_BYTES_MAX, "%s", text);
    return 0;
}

static const struct kind {
    const char *word;
    int (*read)(const char *text, char *ret, const char **why);
} kinds[GW_RULE_KIND_COUNT] = {
    [GW_RULE_ALL] = {"all", NULL},
    [GW_RULE_CN] = {"cn", read_text},
    [GW_RULE_OU] = {"ou", read_text},
    [GW_RULE_DNS] = {"dns", read_dns},
    [GW_RULE_URI] = {"uri", read_uri},
    [GW_RULE_IP] = {"ip", read_ip},
    [GW_RULE_EMAIL] = {"email", read_email},
    [GW_RULE_FINGERPRINT] = {"fingerprint", read_fingerprint},
    [GW_RULE_SPKI] = {"spki", read_spki},
};

int gw_pattern_read(enum gw_rule_kind kind, const char *text, char ret[static GW_PATTERN_BYTES_MAX],
                    const char **ret_why)
{
    if ((unsigned)kind >= GW_RULE_KIND_COUNT || !kinds[kind].read || !text || !*text)
        return no(ret_why, "it is empty");
    if (strlen(text) >= GW_PATTERN_BYTES_MAX)
        return no(ret_why, "it is longer than 4096 bytes");
    return kinds[kind].read(text, ret, ret_why);
}

const char *gw_pattern_kind_word(enum gw_rule_kind kind)
{
    gw_require((unsigned)kind < GW_RULE_KIND_COUNT);
    return kinds[kind].word;
}
