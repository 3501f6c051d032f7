/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PROXY protocol header, versions 1 and 2, as a load balancer in front of us sends it. Told
 * strictly by the first bytes of the stream; where they are no header there is no guessing what
 * else.
 */
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

enum {
    /* Longer ones are refused: of version 2, with room for values that nobody here reads. */
    GW_PROXY_IN_MAX = 4096
};

enum gw_proxy_verdict {
    GW_PROXY_PARTIAL, /* so far it may become one */
    GW_PROXY_WHOLE,
    GW_PROXY_BAD,
};

union gw_proxy_end {
    struct sockaddr sa; /* AF_INET or AF_INET6; AF_UNSPEC: not told */
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct gw_proxy_in {
    size_t len; /* WHOLE: of the header; what follows is the stream */
    /* WHOLE: who connected to the load balancer, and where to. Not told by UNKNOWN and LOCAL, nor
     * for what is not TCP: then the connection's own addresses are meant. */
    union gw_proxy_end client, local;
    const char *why; /* BAD: a phrase */
};

/* Looks at the first bytes of a stream. PARTIAL is never the answer to GW_PROXY_IN_MAX bytes. */
enum gw_proxy_verdict gw_proxy_parse(const void *data, size_t len, struct gw_proxy_in *ret);
