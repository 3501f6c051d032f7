/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/tool/value.h"

#include <string.h>

struct bench_value bench_value_of(const json_t *json)
{
    if (json_is_number(json)) {
        double n = json_number_value(json);
        return (struct bench_value){true, n, n, n};
    }
    const json_t *median = json_object_get(json, "median");
    const json_t *min = json_object_get(json, "min"), *max = json_object_get(json, "max");
    if (!json_is_number(median))
        return (struct bench_value){.known = false};
    double n = json_number_value(median);
    return (struct bench_value){true, n, json_is_number(min) ? json_number_value(min) : n,
                                json_is_number(max) ? json_number_value(max) : n};
}

struct bench_value bench_value_at(const json_t *object, const char *key)
{
    return bench_value_of(json_object_get(object, key));
}

const char *bench_text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

const json_t *bench_find(const json_t *list, const char *key, const char *value)
{
    size_t i;
    const json_t *item;
    json_array_foreach(list, i, item)
    {
        if (!strcmp(bench_text_at(item, key), value))
            return item;
    }
    return NULL;
}
