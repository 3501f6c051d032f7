/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether our algorithms compute what they should, before anybody relies on them: the vectors of
 * the RFCs, then random inputs beside libcrypto's own algorithms. It takes a millisecond or two.
 */
#pragma once

#include "gateway/base/attr.h"

#include <openssl/types.h>
#include <stdbool.h>

/* `ours` computes with our provider, `theirs` with libcrypto's alone. False: *ret_what says what
 * differs, such as "the PRF of TLS 1.2 differs from libcrypto's". Wipes what it made up. */
gw_must_check bool gw_crypto_trial(OSSL_LIB_CTX *ours, OSSL_LIB_CTX *theirs, const char **ret_what);
