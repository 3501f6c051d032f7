/* SPDX-License-Identifier: Apache-2.0 */
/* Reading results that may hold anything: what is missing or of another type is "" or unknown. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

struct bench_value {
    bool known;
    double median, min, max; /* all equal if the file has one number */
};

/* Of a number, or of an object with median, min and max. */
struct bench_value bench_value_of(const json_t *json);
struct bench_value bench_value_at(const json_t *object, const char *key);
/* "" when there is no such text. */
const char *bench_text_at(const json_t *object, const char *key);
/* The element of a list that has `value` at `key`; NULL: none. */
const json_t *bench_find(const json_t *list, const char *key, const char *value);
