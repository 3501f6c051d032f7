/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/base/fd.h"

#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

void gw_fd_close(int *fd)
{
    int saved = errno;
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
    errno = saved;
}

unsigned long gw_fd_raise_limit(void)
{
    struct rlimit lim;
    if (getrlimit(RLIMIT_NOFILE, &lim))
        return 0;
    if (lim.rlim_cur < lim.rlim_max) {
        struct rlimit want = {.rlim_cur = lim.rlim_max, .rlim_max = lim.rlim_max};
        if (!setrlimit(RLIMIT_NOFILE, &want))
            lim = want;
    }
    return (unsigned long)lim.rlim_cur;
}
