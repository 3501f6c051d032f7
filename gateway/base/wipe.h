/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets: types whose names end in _secret, _keys or _key are wiped on every way out. */
#pragma once

#include <stddef.h>
#include <string.h>

/* Overwrites memory in a way the compiler may not remove. */
static inline void gw_wipe(void *p, size_t len)
{
    if (p && len)
        explicit_bzero(p, len);
}

#define gw_wipe_object(ptr) gw_wipe((ptr), sizeof(*(ptr)))

/* Forbids core dumps, and ptrace by other users, for this process: its memory has keys, including
 * some inside libcrypto that cannot be marked individually. */
void gw_wipe_forbid_dumps(void);

/* Anonymous zeroed pages that are excluded from core dumps (MADV_DONTDUMP) and locked if
 * RLIMIT_MEMLOCK permits. NULL when there is no memory. `len` is rounded up to pages. */
void *gw_wipe_pages_new(size_t len);
void gw_wipe_pages_free(void *p, size_t len);

/* Like gw_wipe_pages_new, but shared with child processes across fork. */
void *gw_wipe_shared_new(size_t len);
