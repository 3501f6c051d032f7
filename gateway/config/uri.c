/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/config/uri.h"

#include "gateway/base/attr.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* A part of the URI. */
struct span {
    const char *at;
    size_t len;
};

static bool is_word(struct span s, const char *word)
{
    return s.len == strlen(word) && memcmp(s.at, word, s.len) == 0;
}

/* The bytes before the first of `set`, or all. */
static size_t before(struct span s, const char *set)
{
    for (size_t i = 0; i < s.len; i++)
        if (strchr(set, s.at[i]))
            return i;
    return s.len;
}

static struct span behind(struct span s, size_t n)
{
    return (struct span){s.at + n, s.len - n};
}

static bool is_printable(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] <= ' ' || s.at[i] >= 0x7f)
            return false;
    return true;
}

static const char *scheme_fault(struct span s)
{
    if (!s.len || !isalpha((unsigned char)*s.at))
        return "it does not begin with a scheme";
    for (size_t i = 0; i < s.len; i++)
        if (!isalnum((unsigned char)s.at[i]) && !strchr("+-.", s.at[i]))
            return "it does not begin with a scheme";
    for (size_t i = 0; i < s.len; i++)
        if (isupper((unsigned char)s.at[i]))
            return "its scheme is not in small letters";
    return NULL;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* A character that needs no percent-encoding must not have any (RFC 3986 2.3, 6.2.2.1, 6.2.2.2). */
static const char *percent_fault(struct span s)
{
    for (size_t i = before(s, "%"); i < s.len; i += 1 + before(behind(s, i + 1), "%")) {
        int high = s.len - i > 2 ? hex_digit(s.at[i + 1]) : -1;
        int low = high < 0 ? -1 : hex_digit(s.at[i + 2]);
        if (low < 0)
            return "a percent sign must be followed by two hex digits in capital letters";
        int c = high << 4 | low;
        if (c < 0x80 && (isalnum(c) || (c && strchr("-._~", c))))
            return "a character is percent-encoded that needs no encoding";
    }
    return NULL;
}

static bool is_default_port(struct span scheme, struct span port)
{
    static const struct {
        const char *scheme, *port;
    } rows[] = {{"https", "443"}, {"http", "80"}, {"wss", "443"}, {"ws", "80"}, {"ftp", "21"}};
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++)
        if (is_word(scheme, rows[i].scheme) && is_word(port, rows[i].port))
            return true;
    return false;
}

static const char *port_fault(struct span scheme, struct span port)
{
    if (port.len == 0 || *port.at == '0')
        return "its port is empty or begins with a zero";
    return is_default_port(scheme, port) ? "it names the default port of its scheme" : NULL;
}

/* An address in brackets; one address has many texts (RFC 5952). */
static const char *address_fault(struct span s)
{
    char text[INET6_ADDRSTRLEN];
    char again[INET6_ADDRSTRLEN];
    struct in6_addr address;
    if (s.len >= sizeof(text))
        return "its host is not an IPv6 address";
    memcpy(text, s.at, s.len);
    text[s.len] = '\0';
    if (inet_pton(AF_INET6, text, &address) != 1)
        return "its host is not an IPv6 address";
    gw_require(inet_ntop(AF_INET6, &address, again, sizeof(again)));
    return strcmp(text, again) == 0 ? NULL : "its host is an address that is not in canonical form";
}

static const char *name_fault(struct span s)
{
    for (size_t i = 0; i < s.len; i += s.at[i] == '%' ? 3 : 1)
        if (isupper((unsigned char)s.at[i]))
            return "its host is not in small letters";
    return s.len && s.at[s.len - 1] == '.' ? "its host ends in a dot" : NULL;
}

/* Without user information, or without its password, the delimiter must be absent too. */
static bool is_user(struct span s)
{
    return s.len && s.at[s.len - 1] != ':';
}

/* Checks the part between // and the path: user information, host, port. */
static const char *authority_fault(struct span scheme, struct span s)
{
    const char *at = memrchr(s.at, '@', s.len);
    if (at && !is_user((struct span){s.at, (size_t)(at - s.at)}))
        return "its user, or the password of it, is empty";
    struct span host = at ? behind(s, (size_t)(at - s.at) + 1) : s;
    bool literal = host.len && *host.at == '[';
    size_t end = before(host, literal ? "]" : ":");
    if (literal && end == host.len)
        return "its host is not an IPv6 address";
    struct span rest = behind(host, literal ? end + 1 : end);
    const char *fault = literal ? address_fault((struct span){host.at + 1, end - 1})
                                : name_fault((struct span){host.at, end});
    if (fault || rest.len == 0)
        return fault;
    return *rest.at == ':' ? port_fault(scheme, behind(rest, 1)) : "its port is malformed";
}

/* Checks the path and the part after it. */
static const char *path_fault(struct span all, bool has_host)
{
    struct span s = {all.at, before(all, "?#")};
    if (before(all, "[]") < all.len)
        return "a bracket follows its host";
    if (has_host && s.len == 0 && all.len > 0) /* both empty: rules accept no final slash */
        return "its path is empty; a / belongs between its host and ? or #";
    for (;;) {
        size_t len = before(s, "/");
        struct span part = {s.at, len};
        if (is_word(part, ".") || is_word(part, ".."))
            return "its path has a part . or ..";
        if (len == s.len)
            return NULL;
        s = behind(s, len + 1);
    }
}

const char *gw_uri_fault(const char *uri, size_t len)
{
    struct span all = {uri, len};
    size_t colon = before(all, ":");
    struct span scheme = {uri, colon};
    if (!is_printable(all))
        return "it contains a blank, a control character or one that is not ASCII";
    if (before(all, "\"<>\\^`{|}") < len)
        return "it contains a character that no URI may have, such as a quote or a backslash";
    if (len - colon < 2)
        return "it is not a scheme, a colon and more";
    const char *fault = scheme_fault(scheme);
    if (!fault)
        fault = percent_fault(all);
    if (fault)
        return fault;
    struct span rest = behind(all, colon + 1);
    bool has_host = rest.len >= 2 && memcmp(rest.at, "//", 2) == 0;
    if (has_host) {
        rest = behind(rest, 2);
        size_t end = before(rest, "/?#");
        fault = authority_fault(scheme, (struct span){rest.at, end});
        rest = behind(rest, end);
    }
    return fault ? fault : path_fault(rest, has_host);
}
