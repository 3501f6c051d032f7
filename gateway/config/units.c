/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/config/units.h"

#include "gateway/base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct unit {
    const char *suffix;
    uint64_t factor;
};

/* From the largest down: the order in which a duration is written. */
static const struct unit durations[] = {
    {"d", UINT64_C(86400000000000)}, {"h", UINT64_C(3600000000000)}, {"m", UINT64_C(60000000000)},
    {"s", UINT64_C(1000000000)},     {"ms", UINT64_C(1000000)},
};

static const struct unit sizes[] = {
    {"", 1},
    {"k", UINT64_C(1) << 10},
    {"m", UINT64_C(1) << 20},
    {"g", UINT64_C(1) << 30},
};

static int refuse(int error, const char *why, const char **ret_why)
{
    *ret_why = why;
    return error;
}

/* Reads the digits at the start; *ret_rest points after them. */
static int read_digits(const char *text, uint64_t *ret_n, const char **ret_rest,
                       const char **ret_why)
{
    const char *at = text;
    uint64_t n = 0;
    for (; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, (uint64_t)(*at - '0'), &n))
            return refuse(-ERANGE, "the number is too large", ret_why);
    if (at == text)
        return refuse(-EINVAL, "it does not begin with a number", ret_why);
    *ret_n = n;
    *ret_rest = at;
    return 0;
}

static const struct unit *find_unit(const struct unit *units, size_t count, const char *suffix)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(units[i].suffix, suffix))
            return &units[i];
    return NULL;
}

int gw_units_count(const char *text, uint64_t *ret_count, const char **ret_why)
{
    uint64_t n;
    const char *rest;
    int error = read_digits(text, &n, &rest, ret_why);
    if (error)
        return error;
    if (*rest)
        return refuse(-EINVAL, "it is not a whole number", ret_why);
    *ret_count = n;
    return 0;
}

int gw_units_duration(const char *text, int64_t *ret_ns, const char **ret_why)
{
    uint64_t n;
    const char *rest;
    int error = read_digits(text, &n, &rest, ret_why);
    if (error)
        return error;
    if (!*rest && n)
        return refuse(-EINVAL, "the unit is missing (ms, s, m, h or d)", ret_why);
    if (!*rest) {
        *ret_ns = 0;
        return 0;
    }
    const struct unit *unit = find_unit(durations, GW_ARRAY_SIZE(durations), rest);
    if (!unit)
        return refuse(-EINVAL, "the unit is not one of ms, s, m, h and d", ret_why);
    if (__builtin_mul_overflow(n, unit->factor, &n) || n > INT64_MAX)
        return refuse(-ERANGE, "the number is too large", ret_why);
    *ret_ns = (int64_t)n;
    return 0;
}

int gw_units_size(const char *text, uint64_t *ret_bytes, const char **ret_why)
{
    uint64_t n;
    const char *rest;
    int error = read_digits(text, &n, &rest, ret_why);
    if (error)
        return error;
    const struct unit *unit = find_unit(sizes, GW_ARRAY_SIZE(sizes), rest);
    if (!unit)
        return refuse(-EINVAL, "the unit is not one of k, m and g", ret_why);
    if (__builtin_mul_overflow(n, unit->factor, &n))
        return refuse(-ERANGE, "the number is too large", ret_why);
    *ret_bytes = n;
    return 0;
}

const char *gw_units_duration_text(int64_t ns, char out[GW_UNITS_TEXT_MAX])
{
    const struct unit *unit = durations;
    uint64_t n = (uint64_t)ns;
    while (unit < &durations[GW_ARRAY_SIZE(durations) - 1] && n % unit->factor)
        unit++;
    if (n)
        (void)snprintf(out, GW_UNITS_TEXT_MAX, "%" PRIu64 "%s", n / unit->factor, unit->suffix);
    else
        (void)snprintf(out, GW_UNITS_TEXT_MAX, "0");
    return out;
}
