/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/proc/pidfile.h"

#include "gateway/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_new(int fd)
{
    char text[16];
    int len = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    ssize_t n = write(fd, text, (size_t)len);
    if (n < 0)
        return -errno;
    return n == len ? 0 : -ENOSPC;
}

/* Writes a file beside it and renames that: a reader sees a complete number or the old file, and a
 * link placed there by another user is not followed. */
static int write_beside(struct gw_pidfile *p)
{
    char beside[PATH_MAX];
    int len = snprintf(beside, sizeof(beside), "%s.%d.new", p->path, (int)getpid());
    if (len >= (int)sizeof(beside))
        return -ENAMETOOLONG;
    p->fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (p->fd < 0)
        return -errno;
    int r = write_new(p->fd);
    if (!r && rename(beside, p->path))
        r = -errno;
    if (r) {
        (void)unlink(beside);
        gw_fd_close(&p->fd);
    }
    return r;
}

int gw_pidfile_write(struct gw_pidfile *ret, const char *path, struct gw_error *err)
{
    *ret = (struct gw_pidfile){.path = path, .fd = -1};
    if (!path)
        return 0;
    int r = write_beside(ret);
    if (r) {
        ret->path = NULL;
        return gw_error_set(err, GW_EXIT_START, "--pidfile %s: cannot be written: %s", path,
                            strerror(-r));
    }
    return 0;
}

static bool is_ours(const struct gw_pidfile *p)
{
    struct stat there, ours;
    return !lstat(p->path, &there) && !fstat(p->fd, &ours) && there.st_dev == ours.st_dev &&
           there.st_ino == ours.st_ino;
}

void gw_pidfile_done(struct gw_pidfile *p)
{
    /* A file that cannot be found or removed any more is still open here. If another process
     * replaced it, ours is gone anyway. */
    if (p->path && !(is_ours(p) && !unlink(p->path)))
        (void)!ftruncate(p->fd, 0);
    gw_fd_close(&p->fd);
    p->path = NULL;
}
