/* SPDX-License-Identifier: Apache-2.0 */
/* The checksum of iSCSI and SCTP (RFC 3720 12.1, polynomial 0x1edc6f41), used in PROXY headers. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Extends the checksum `before` (0: of no bytes) by these bytes. */
uint32_t gw_crc32c(uint32_t before, const void *data, size_t len);
