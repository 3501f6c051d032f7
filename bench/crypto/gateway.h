/* SPDX-License-Identifier: Apache-2.0 */
/* The AEAD providers of the gateway's user engine (gateway/record/aead.h), each called directly. */
#pragma once

#include "bench/crypto/provider.h"

/* After gw_aead_init. */
unsigned bench_crypto_gateway_providers(struct bench_crypto_provider *ret, unsigned room);
