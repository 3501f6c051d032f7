/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AEAD providers of Intel's ipsec_mb library, by its direct calls: one key schedule per key and
 * direction, one call per record, no queue of jobs. They are compiled if the library is available
 * (meson option ipsec_mb); otherwise they support nothing.
 */
#pragma once

#include "gateway/record/aead.h"

extern const struct gw_aead_provider gw_aead_ipsec_mb;        /* AES-128-GCM, AES-256-GCM */
extern const struct gw_aead_provider gw_aead_ipsec_mb_chacha; /* ChaCha20-Poly1305 */

/*
 * Makes the library's table of functions for this processor, once per process; later calls do
 * nothing. Before it, and where it fails, the providers support nothing. 0; -ENOSYS: built without
 * the library; -ENODEV: the processor lacks a required feature; -ENOMEM; -EBADMSG: the library's
 * own self-test failed; -EIO: another error of the library.
 */
gw_must_check int gw_aead_ipsec_mb_init(void);
