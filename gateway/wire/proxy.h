/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PROXY protocol header, versions 1 and 2 (HAProxy's doc/proxy-protocol.txt): tells a backend who
 * the client is, before the first byte of the stream.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

enum {
    GW_PROXY_V1_MAX = 107,
    GW_PROXY_V2_HEADER = 16
};

struct gw_proxy_info {
    int version;                   /* 1 or 2 */
    const struct sockaddr *client; /* who connected */
    const struct sockaddr *local;  /* where to */
};

/*
 * Writes the header to out[0…cap). IPv4 addresses mapped into IPv6 count as IPv4 when both are;
 * a mixed pair is written as IPv6. A client that is not TCP (a unix socket) is told as UNKNOWN
 * (v1) or LOCAL (v2), which means: use the connection's own addresses.
 * Returns the length; -ENOSPC; -EINVAL (version).
 */
ssize_t gw_proxy_encode(uint8_t *out, size_t cap, const struct gw_proxy_info *info);
