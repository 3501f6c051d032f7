/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers with units as people write them. Every function reads the whole text or fails. On failure
 * it leaves its result unchanged and sets *ret_why to a static phrase for the error message.
 */
#pragma once

#include "gateway/base/attr.h"

#include <stddef.h>
#include <stdint.h>

/* A decimal number without sign, blank or unit. -EINVAL, or -ERANGE above UINT64_MAX. */
gw_must_check int gw_units_count(const char *text, uint64_t *ret_count, const char **ret_why);

/* `500ms`, `10s`, `5m`, `1h`, `7d` or `0`, as nanoseconds. -EINVAL, or -ERANGE past INT64_MAX. */
gw_must_check int gw_units_duration(const char *text, int64_t *ret_ns, const char **ret_why);

/* Bytes: `4096`, `64k`, `1m`, `2g` (powers of 1024). -EINVAL, or -ERANGE past UINT64_MAX. */
gw_must_check int gw_units_size(const char *text, uint64_t *ret_bytes, const char **ret_why);

enum {
    GW_UNITS_TEXT_MAX = 32
};

/* Writes a duration in the form that gw_units_duration reads, in the largest unit that is exact (at
 * least milliseconds). Returns out. */
const char *gw_units_duration_text(int64_t ns, char out[GW_UNITS_TEXT_MAX]);
