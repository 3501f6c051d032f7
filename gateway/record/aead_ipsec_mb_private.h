/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the two providers of ipsec_mb. */
#pragma once

#include "gateway/record/aead_ipsec_mb.h"

/* The library's table of functions, read only. NULL before gw_aead_ipsec_mb_init has made it. */
const struct IMB_MGR *gw_aead_ipsec_mb_manager(void);

/* The library computes the correct tag of the data that it decrypted, but does not compare. This
 * function compares, and wipes *tag. Like gw_aead_provider.open: 0 or -EBADMSG. */
gw_must_check int gw_aead_ipsec_mb_admit(uint8_t tag[KTLS_TAG_LEN], uint8_t *data, size_t len);
