/* SPDX-License-Identifier: Apache-2.0 */
/* Networks as people write them: ADDRESS/BITS, or an address alone, of IPv4 or IPv6. IPv4 that is
 * mapped into IPv6 is IPv4, and no part of ::/0. */
#pragma once

#include "gateway/base/attr.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* An address is one of all its bits. */
struct gw_net {
    uint8_t bytes[16]; /* 4 or 16 of them */
    uint8_t len;       /* 4 or 16 */
    uint8_t bits;
};

/* The address or network of a text. Returns 0; -EINVAL with *ret_why a static phrase. */
gw_must_check int gw_net_read(const char *text, struct gw_net *ret, const char **ret_why);
/* Whether the address is in it; one that is neither IPv4 nor IPv6 never is. */
bool gw_net_has(const struct gw_net *net, const struct sockaddr *addr);
