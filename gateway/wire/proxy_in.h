/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PROXY protocol header, versions 1 and 2, from a load balancer in front of the gateway. Parsed
 * strictly from the first bytes of the stream; anything else there is an error.
 */
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

enum {
    /* Longer headers are refused. This leaves room for version 2 TLVs that are ignored. */
    GW_PROXY_IN_MAX = 4096
};

enum gw_proxy_verdict {
    GW_PROXY_PARTIAL, /* may still become a header */
    GW_PROXY_WHOLE,
    GW_PROXY_BAD,
};

union gw_proxy_end {
    struct sockaddr sa; /* AF_INET or AF_INET6; AF_UNSPEC: not given */
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct gw_proxy_in {
    size_t len; /* WHOLE: length of the header, before the stream */
    /* WHOLE: the peer of the load balancer, and the address it connected to. UNKNOWN, LOCAL and
     * anything but TCP do not give them: then the connection's own addresses apply. */
    union gw_proxy_end client, local;
    const char *why; /* BAD: the fault, as a phrase */
};

/* Parses the first bytes of a stream. Never PARTIAL for GW_PROXY_IN_MAX bytes. */
enum gw_proxy_verdict gw_proxy_parse(const void *data, size_t len, struct gw_proxy_in *ret);
