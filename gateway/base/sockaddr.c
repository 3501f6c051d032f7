/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/base/sockaddr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static void print_v6(const struct sockaddr_in6 *sa, char *out, size_t size)
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (IN6_IS_ADDR_V4MAPPED(&sa->sin6_addr)) {
        (void)inet_ntop(AF_INET, &sa->sin6_addr.s6_addr[12], host, sizeof(host));
        (void)snprintf(out, size, "%s:%u", host, ntohs(sa->sin6_port));
        return;
    }
    (void)inet_ntop(AF_INET6, &sa->sin6_addr, host, sizeof(host));
    (void)snprintf(out, size, "[%s]:%u", host, ntohs(sa->sin6_port));
}

void gw_sockaddr_print(const struct sockaddr_storage *addr, char *out, size_t size)
{
    char host[INET_ADDRSTRLEN] = "?";
    const struct sockaddr_in *sin = (const struct sockaddr_in *)addr;
    switch (addr->ss_family) {
    case AF_INET:
        (void)inet_ntop(AF_INET, &sin->sin_addr, host, sizeof(host));
        (void)snprintf(out, size, "%s:%u", host, ntohs(sin->sin_port));
        return;
    case AF_INET6:
        print_v6((const struct sockaddr_in6 *)addr, out, size);
        return;
    default:
        (void)snprintf(out, size, "%s", addr->ss_family == AF_UNIX ? "unix" : "unknown");
    }
}
