/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The AEAD provider that is always available: libcrypto's EVP. Each key and direction has one
 * cipher context; a record causes no allocation.
 */
#pragma once

#include "gateway/record/aead.h"

extern const struct gw_aead_provider gw_aead_evp;

/* Fetches the algorithms, once per process; later calls do nothing. 0; -EIO when libcrypto lacks
 * one of them. Call it before create(). */
gw_must_check int gw_aead_evp_init(void);
