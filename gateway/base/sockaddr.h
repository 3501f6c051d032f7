/* SPDX-License-Identifier: Apache-2.0 */
/* Socket addresses as text: "192.0.2.1:443", "[2001:db8::1]:443", "unix" for any local socket and
 * "unknown" for others. IPv4 addresses mapped into IPv6 are printed as IPv4. */
#pragma once

#include <stddef.h>
#include <sys/socket.h>

/* Writes at most `size` bytes, always terminated. 64 bytes hold every address. */
void gw_sockaddr_print(const struct sockaddr_storage *addr, char *out, size_t size);
