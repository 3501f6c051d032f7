/* SPDX-License-Identifier: Apache-2.0 */
/* The fault of a peer's certificate in words, for people: libcrypto's, with the facts that
 * libcrypto leaves out, such as the name of a missing issuer. */
#pragma once

#include "gateway/tls/trust.h"

#include <openssl/types.h>

enum {
    GW_FAULT_MAX = 208 /* bytes of a description, including the NUL */
};

/* The words for a verification result (X509_V_ERR_…) alone. Static. */
const char *gw_fault_word(int result);

/*
 * Describes a result other than X509_V_OK that gw_trust_verify has just returned for
 * `verification`. Writes those words, and behind them: the missing issuer; the name that a target
 * must have, and those that it has; the CRL that is missing, and those that there are. Names of the
 * peer are escaped. A longer text is cut and ends in "...".
 */
void gw_fault_describe(const struct gw_trust *trust, X509_STORE_CTX *verification, int result,
                       char out[static GW_FAULT_MAX]);
