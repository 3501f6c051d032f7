/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/compare/namelist.h"

#include <stdio.h>
#include <string.h>

bool bench_namelist_next(const char **at, char *name, size_t size)
{
    const char *from = *at;
    if (!from)
        return false;
    size_t len = strcspn(from, ",");
    (void)snprintf(name, size, "%.*s", (int)len, from);
    *at = from[len] ? from + len + 1 : NULL;
    return true;
}

bool bench_namelist_has(const char *list, const char *name)
{
    char one[64];
    if (!list)
        return true;
    while (bench_namelist_next(&list, one, sizeof(one)))
        if (!strcmp(one, name))
            return true;
    return false;
}
