/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays on the heap that grow at their end, one item at a time. The number of items determines the
 * allocated room, so an array is only a pointer and a count. */
#pragma once

#include "gateway/base/attr.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/*
 * Makes room for one more item. `array` is the address of a pointer to the first of `count` items
 * of `size` bytes (NULL when there are none). The array may move; free(3) frees it. It must have
 * grown by this function only, from its first item on. False without memory; nothing has changed
 * then.
 */
gw_must_check static inline bool gw_array_grow(void *array, size_t count, size_t size)
{
    void *items;
    if (count & (count - 1) || (count > 0 && count < 4))
        return true;
    memcpy(&items, array, sizeof(items));
    items = reallocarray(items, count ? 2 * count : 4, size);
    if (!items)
        return false;
    memcpy(array, &items, sizeof(items));
    return true;
}
