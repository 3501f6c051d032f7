/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FIPS mode: a machine's promise that only a validated module does cryptography. The gateway would
 * break it: it uses libcrypto's default provider and, where that is faster, ipsec_mb for records.
 */
#pragma once

#define GW_FIPS_KERNEL_FILE "/proc/sys/crypto/fips_enabled"

/* The source that demands FIPS mode, in words: the kernel by that file, or OpenSSL's configuration
 * file by its default properties or fips_mode (config(5)). NULL: none. */
const char *gw_fips_asked_by(const char *kernel_file);
