/* SPDX-License-Identifier: Apache-2.0 */
/* A file that lies in memory only, the same one for all inputs; its path. For one at a time. */
#pragma once

#include "gateway/base/attr.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static inline const char *memory_file(const void *data, size_t len)
{
    static char path[32];
    static int fd = -1;
    if (fd < 0)
        fd = memfd_create("fuzz", MFD_CLOEXEC);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    gw_require(fd >= 0 && ftruncate(fd, 0) == 0);
    gw_require(pwrite(fd, data, len, 0) == (ssize_t)len);
    return path;
}
