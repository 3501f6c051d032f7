/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FIPS mode: the promise of a machine that only a validated module computes. Here it would be
 * broken: record keys, and where it is faster the records themselves, are computed by us.
 */
#pragma once

#define GW_FIPS_KERNEL_FILE "/proc/sys/crypto/fips_enabled"

/* What asks for it, in words: the kernel by that file, or OpenSSL's configuration file by its
 * default properties or fips_mode (config(5)); NULL: nothing. */
const char *gw_fips_asked_by(const char *kernel_file);
