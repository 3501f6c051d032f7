/* SPDX-License-Identifier: Apache-2.0 */
/* What the two providers of ipsec_mb share. */
#pragma once

#include "gateway/record/aead_ipsec_mb.h"

/* The library's table of functions, read only; NULL until gw_aead_ipsec_mb_init has made it. */
const struct IMB_MGR *gw_aead_ipsec_mb_manager(void);

/* The library tells which tag would have been right for the data that it has just decrypted, and
 * judges nothing: this does, and wipes *tag. As gw_aead_provider.open: 0 or -EBADMSG. */
gw_must_check int gw_aead_ipsec_mb_admit(uint8_t tag[KTLS_TAG_LEN], uint8_t *data, size_t len);
