/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/base/wipe.h"

#include "gateway/base/compat.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

void gw_wipe_forbid_dumps(void)
{
    if (GW_WITH_ASAN)
        return; /* the sanitizer's leak check attaches to the process */
    struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static size_t whole_pages(size_t len)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (len + page - 1) & ~(page - 1);
}

static void *map_pages(size_t len, int flags)
{
    size_t size = whole_pages(len);
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    (void)madvise(p, size, MADV_DONTDUMP);
    (void)mlock2(p, size, MLOCK_ONFAULT);
    return p;
}

void *gw_wipe_pages_new(size_t len)
{
    return map_pages(len, MAP_PRIVATE);
}

void *gw_wipe_shared_new(size_t len)
{
    return map_pages(len, MAP_SHARED);
}

void gw_wipe_pages_free(void *p, size_t len)
{
    if (!p)
        return;
    size_t size = whole_pages(len);
    gw_wipe(p, size);
    (void)munmap(p, size);
}
