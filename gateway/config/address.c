/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/config/address.h"

#include "gateway/base/fd.h"
#include "gateway/config/units.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

static const char form_needed[] = "it is not HOST:PORT, [v6]:PORT or unix:PATH";

static int refuse(const char *why, const char **ret_why)
{
    *ret_why = why;
    return -EINVAL;
}

static uint16_t port_of(const struct gw_address *a)
{
    if (a->addr.ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)&a->addr)->sin_port);
    if (a->addr.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)&a->addr)->sin6_port);
    return 0;
}

static int read_unix(const char *path, struct gw_address_spec *spec, const char **ret_why)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&spec->numeric.addr;
    size_t len = strlen(path);
    if (!len)
        return refuse("the path after unix: is missing", ret_why);
    if (len >= sizeof(un->sun_path))
        return refuse("the path is longer than the 107 bytes a socket's name may have", ret_why);
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path, len + 1);
    spec->kind = GW_ADDRESS_UNIX;
    spec->numeric.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
    return 0;
}

static int read_port(const char *text, enum gw_address_use use, uint16_t *ret_port,
                     const char **ret_why)
{
    uint64_t port;
    const char *unused;
    if (!*text)
        return refuse("the port after the colon is missing", ret_why);
    if (gw_units_count(text, &port, &unused) || port > UINT16_MAX)
        return refuse("the port is not a number from 1 to 65535", ret_why);
    if (!port && use == GW_ADDRESS_TARGET)
        return refuse("port 0 cannot be connected to", ret_why);
    *ret_port = (uint16_t)port;
    return 0;
}

/* Labels of 1 to 63 letters, digits, '-' and '_'; the name may end in a dot. */
static bool name_ok(const char *name)
{
    size_t label = 0;
    for (const char *at = name; *at; at++) {
        if (*at == '.' ? label == 0 : !isalnum((unsigned char)*at) && !strchr("-_", *at))
            return false;
        label = *at == '.' ? 0 : label + 1;
        if (label > 63)
            return false;
    }
    return *name != '\0';
}

bool gw_address_is_host(const char *text)
{
    struct in6_addr v6;
    if (inet_pton(AF_INET6, text, &v6) == 1)
        return true;
    return strlen(text) <= GW_ADDRESS_HOST_MAX && name_ok(text) &&
           (inet_pton(AF_INET, text, &v6) == 1 || strspn(text, "0123456789.") < strlen(text));
}

size_t gw_address_name_len(const char *host)
{
    size_t len = strcspn(host, "%");
    return len - (len > 1 && host[len - 1] == '.');
}

static struct addrinfo *look_up(const struct gw_address_spec *spec, int flags, int *ret_error)
{
    const struct addrinfo hints = {
        .ai_flags = flags,
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
    };
    char service[8];
    struct addrinfo *list = NULL;
    (void)snprintf(service, sizeof(service), "%u", spec->port);
    *ret_error = getaddrinfo(spec->host, service, &hints, &list);
    return *ret_error ? NULL : list;
}

static void take_addrinfo(struct gw_address *a, const struct addrinfo *info)
{
    *a = (struct gw_address){.len = info->ai_addrlen};
    memcpy(&a->addr, info->ai_addr, info->ai_addrlen);
}

/* An IPv4 address must be four plain numbers: the resolver would also accept 127.1 and 0x7f.1. */
static int read_ipv4(struct gw_address_spec *spec, const char **ret_why)
{
    struct sockaddr_in *in = (struct sockaddr_in *)&spec->numeric.addr;
    struct in_addr v4;
    if (inet_pton(AF_INET, spec->host, &v4) != 1)
        return strspn(spec->host, "0123456789.") == strlen(spec->host)
                   ? refuse("the IPv4 address is not four numbers from 0 to 255", ret_why)
                   : 0;
    spec->numeric = (struct gw_address){.len = sizeof(*in)};
    *in = (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons(spec->port),
        .sin_addr = v4,
    };
    spec->kind = GW_ADDRESS_NUMERIC;
    return 0;
}

static int read_numeric(struct gw_address_spec *spec, bool bracketed, const char **ret_why)
{
    if (!bracketed)
        return read_ipv4(spec, ret_why);
    int error;
    struct addrinfo *list = look_up(spec, AI_NUMERICHOST | AI_NUMERICSERV, &error);
    if (error == EAI_MEMORY)
        return refuse("there is no memory to read it", ret_why);
    if (!list || list->ai_family != AF_INET6) {
        if (list)
            freeaddrinfo(list);
        return refuse("there is no IPv6 address in the brackets", ret_why);
    }
    take_addrinfo(&spec->numeric, list);
    spec->kind = GW_ADDRESS_NUMERIC;
    freeaddrinfo(list);
    return 0;
}

static int read_host(const char *host, size_t len, bool bracketed, struct gw_address_spec *spec,
                     const char **ret_why)
{
    if (len > GW_ADDRESS_HOST_MAX)
        return refuse("the host is longer than the 253 bytes a name may have", ret_why);
    memcpy(spec->host, host, len);
    spec->host[len] = '\0';
    if (!bracketed && strchr(spec->host, ':'))
        return refuse("an IPv6 address goes in brackets: [::1]:443", ret_why);
    if (!bracketed && (!len || !strcmp(spec->host, "*"))) {
        spec->kind = GW_ADDRESS_ANY;
        return 0;
    }
    if (!bracketed && !name_ok(spec->host))
        return refuse("the host is not a name or an address", ret_why);
    spec->kind = GW_ADDRESS_NAME;
    return read_numeric(spec, bracketed, ret_why);
}

/* Splits at the last colon, or after the brackets. */
static int split(const char *text, const char **ret_host, size_t *ret_len, const char **ret_port,
                 const char **ret_why)
{
    bool bracketed = text[0] == '[';
    const char *end = bracketed ? strchr(text, ']') : strrchr(text, ':');
    if (!end)
        return refuse(bracketed ? "the closing bracket is missing" : form_needed, ret_why);
    if (bracketed && end[1] != ':')
        return refuse("after the bracket comes a colon and the port", ret_why);
    *ret_host = bracketed ? text + 1 : text;
    *ret_len = (size_t)(end - *ret_host);
    *ret_port = bracketed ? end + 2 : end + 1;
    return 0;
}

int gw_address_read(const char *text, enum gw_address_use use, struct gw_address_spec *ret_spec,
                    const char **ret_why)
{
    struct gw_address_spec spec = {.text = text};
    const char *host;
    const char *port;
    size_t len;
    int error;
    if (!strncmp(text, "unix:", 5)) {
        error = read_unix(text + 5, &spec, ret_why);
    } else {
        error = split(text, &host, &len, &port, ret_why);
        if (!error)
            error = read_port(port, use, &spec.port, ret_why);
        if (!error)
            error = read_host(host, len, text[0] == '[', &spec, ret_why);
    }
    if (error)
        return error;
    if (spec.kind == GW_ADDRESS_ANY && use == GW_ADDRESS_TARGET)
        return refuse("the host before the colon is missing", ret_why);
    *ret_spec = spec;
    return 0;
}

/* Tried, not read from a table: a machine may resolve a name to an address that it does not
 * have. */
static bool can_bind(const struct gw_address *a)
{
    struct gw_address probe = *a;
    if (a->addr.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&probe.addr)->sin6_port = 0;
    else
        ((struct sockaddr_in *)&probe.addr)->sin_port = 0;
    gw_auto_fd fd = socket(a->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && !bind(fd, (const struct sockaddr *)&probe.addr, probe.len);
}

static void resolve_any(const struct gw_address_spec *spec, struct gw_address *out)
{
    struct sockaddr_in6 v6 = {
        .sin6_family = AF_INET6,
        .sin6_port = htons(spec->port),
        .sin6_addr = IN6ADDR_ANY_INIT,
    };
    const struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(spec->port)};
    *out = (struct gw_address){.len = sizeof(v6), .dual_stack = true};
    memcpy(&out->addr, &v6, sizeof(v6));
    if (!can_bind(out)) {
        *out = (struct gw_address){.len = sizeof(v4)};
        memcpy(&out->addr, &v4, sizeof(v4));
    }
}

/* Writes the numeric form. */
static void print_numeric(struct gw_address *a)
{
    char host[64];
    bool v6 = a->addr.ss_family == AF_INET6;
    if (getnameinfo((const struct sockaddr *)&a->addr, a->len, host, sizeof(host), NULL, 0,
                    NI_NUMERICHOST))
        (void)snprintf(host, sizeof(host), "?");
    (void)snprintf(a->text, sizeof(a->text), v6 ? "[%s]:%u" : "%s:%u", host, port_of(a));
}

static bool listed(const struct gw_address *list, unsigned count, const struct gw_address *a)
{
    for (unsigned i = 0; i < count; i++)
        if (list[i].len == a->len && !memcmp(&list[i].addr, &a->addr, a->len))
            return true;
    return false;
}

static int resolve_name(const struct gw_address_spec *spec, enum gw_address_use use,
                        struct gw_address *out, unsigned max, const char **ret_why)
{
    int error;
    struct addrinfo *list = look_up(spec, AI_NUMERICSERV, &error);
    unsigned count = 0;
    for (const struct addrinfo *i = list; i && count < max; i = i->ai_next) {
        struct gw_address a;
        if (i->ai_family != AF_INET && i->ai_family != AF_INET6)
            continue;
        take_addrinfo(&a, i);
        if (listed(out, count, &a) || (use == GW_ADDRESS_LISTEN && !can_bind(&a)))
            continue;
        print_numeric(&a);
        out[count++] = a;
    }
    if (list)
        freeaddrinfo(list);
    *ret_why = error ? gai_strerror(error) : "none of its addresses belongs to this machine";
    return count ? (int)count : -EADDRNOTAVAIL;
}

int gw_address_resolve(const struct gw_address_spec *spec, enum gw_address_use use,
                       struct gw_address *out, unsigned max, const char **ret_why)
{
    if (spec->kind == GW_ADDRESS_NAME)
        return resolve_name(spec, use, out, max, ret_why);
    if (spec->kind == GW_ADDRESS_ANY)
        resolve_any(spec, out);
    else
        *out = spec->numeric;
    (void)snprintf(out->text, sizeof(out->text), "%s", spec->text);
    return 1;
}

static bool is_any(const struct gw_address *a)
{
    if (a->addr.ss_family == AF_INET)
        return ((const struct sockaddr_in *)&a->addr)->sin_addr.s_addr == htonl(INADDR_ANY);
    return a->addr.ss_family == AF_INET6 &&
           !memcmp(&((const struct sockaddr_in6 *)&a->addr)->sin6_addr, &in6addr_any,
                   sizeof(in6addr_any));
}

bool gw_address_same(const struct gw_address *a, const struct gw_address *b)
{
    if (a->addr.ss_family == AF_UNIX || b->addr.ss_family == AF_UNIX)
        return listed(a, 1, b);
    if (!port_of(a) || port_of(a) != port_of(b))
        return false;
    if (is_any(a) && is_any(b))
        return a->dual_stack || b->dual_stack || a->addr.ss_family == b->addr.ss_family;
    return listed(a, 1, b);
}

static bool is_loopback(const struct gw_address *a)
{
    if (a->addr.ss_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)&a->addr)->sin_addr.s_addr) >> 24 ==
               IN_LOOPBACKNET;
    return a->addr.ss_family == AF_INET6 &&
           !memcmp(&((const struct sockaddr_in6 *)&a->addr)->sin6_addr, &in6addr_loopback,
                   sizeof(in6addr_loopback));
}

bool gw_address_reaches(const struct gw_address *target, const struct gw_address *listener)
{
    if (gw_address_same(target, listener))
        return true;
    return is_any(listener) && is_loopback(target) && port_of(listener) == port_of(target) &&
           (listener->dual_stack || listener->addr.ss_family == target->addr.ss_family);
}
