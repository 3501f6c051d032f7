/* SPDX-License-Identifier: Apache-2.0 */
/* The rows by which a provider offers its algorithms (provider-base(7)). */
#pragma once

#include <openssl/core.h>
#include <stdbool.h>

/* Whether `name` is the algorithm's first name. A row lists its names joined by ':'. */
bool gw_algorithm_is(const OSSL_ALGORITHM *a, const char *name);
