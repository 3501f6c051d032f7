/* SPDX-License-Identifier: Apache-2.0 */
/* Networks as people write them: ADDRESS/BITS, or a single address, of IPv4 or IPv6. IPv4 mapped
 * into IPv6 is IPv4, and no part of ::/0. */
#pragma once

#include "gateway/base/attr.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* A single address is a network of all its bits. */
struct gw_net {
    uint8_t bytes[16]; /* 4 or 16 are used */
    uint8_t len;       /* 4 or 16 */
    uint8_t bits;
};

/* Reads an address or a network. Returns 0; -EINVAL with *ret_why a static phrase. */
gw_must_check int gw_net_read(const char *text, struct gw_net *ret, const char **ret_why);
/* Whether the network contains the address. False for anything but IPv4 and IPv6. */
bool gw_net_has(const struct gw_net *net, const struct sockaddr *addr);
