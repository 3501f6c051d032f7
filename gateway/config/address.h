/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses as people write them: first the text alone (gw_address_read: pure), then its meaning on
 * this machine (gw_address_resolve: asks the resolver and the kernel).
 *
 *   HOST:PORT          a name or an IPv4 address
 *   [v6]:PORT          an IPv6 address, `%zone` allowed; IPv6 only
 *   :PORT, *:PORT      every address of this machine, listeners only: one dual-stack IPv6 socket
 *                      where the machine has IPv6, else 0.0.0.0
 *   unix:PATH          a stream socket in the file system
 */
#pragma once

#include "gateway/config/config.h"

enum gw_address_kind {
    GW_ADDRESS_NAME,
    GW_ADDRESS_NUMERIC,
    GW_ADDRESS_ANY,
    GW_ADDRESS_UNIX,
};

enum gw_address_use {
    GW_ADDRESS_LISTEN, /* port 0 lets the kernel choose; the address must be one of this machine */
    GW_ADDRESS_TARGET, /* port and host are required */
};

enum {
    GW_ADDRESS_HOST_MAX = 253
}; /* a DNS name (RFC 1035 2.3.4, without the final dot) */

struct gw_address_spec {
    enum gw_address_kind kind;
    const char *text; /* the text that was read, owned by the caller */
    char host[GW_ADDRESS_HOST_MAX + 1];
    uint16_t port;
    struct gw_address numeric; /* set for GW_ADDRESS_NUMERIC and GW_ADDRESS_UNIX */
};

/* Whether the text is a DNS name, or an IPv4 or IPv6 address without brackets. */
bool gw_address_is_host(const char *text);
/* The length of a host as certificates name it: without the final dot of a fully qualified name,
 * and without the zone of an address. */
size_t gw_address_name_len(const char *host);

/* Reads an address. Returns 0; -EINVAL with *ret_why a static phrase for the error message. */
gw_must_check int gw_address_read(const char *text, enum gw_address_use use,
                                  struct gw_address_spec *ret_spec, const char **ret_why);

/*
 * Fills out[0 … max-1] with the distinct addresses, in the resolver's order; more are dropped.
 * Returns their number (at least 1); -EADDRNOTAVAIL with *ret_why set when there is none.
 */
gw_must_check int gw_address_resolve(const struct gw_address_spec *spec, enum gw_address_use use,
                                     struct gw_address *out, unsigned max, const char **ret_why);

/* Whether sockets on a and b would conflict: the same address and port, or both every address. Port
 * 0 never conflicts. */
bool gw_address_same(const struct gw_address *a, const struct gw_address *b);

/* Whether a connection to `target` would arrive at `listener`: the same address, or this machine's
 * loopback at a port where the listener accepts on every address. */
bool gw_address_reaches(const struct gw_address *target, const struct gw_address *listener);
