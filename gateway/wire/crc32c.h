/* SPDX-License-Identifier: Apache-2.0 */
/* The checksum of iSCSI and SCTP (RFC 3720 12.1, polynomial 0x1edc6f41), which PROXY headers
 * carry. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Of the bytes that gave `before` (0: none) with these behind them. */
uint32_t gw_crc32c(uint32_t before, const void *data, size_t len);
