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

static int lock(int fd, int command, struct flock *ret)
{
    *ret = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, command, ret);
}

/* The process that has locked the file; 0: none, or the file cannot be opened. */
static pid_t user_of(const char *path)
{
    struct flock held;
    gw_auto_fd fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    return fd >= 0 && !lock(fd, F_GETLK, &held) && held.l_type != F_UNLCK ? held.l_pid : 0;
}

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
    struct flock held;
    (void)lock(p->fd, F_SETLK, &held); /* some file systems have none */
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
    pid_t user = user_of(path);
    int r = user ? 0 : write_beside(ret);
    if (user || r)
        ret->path = NULL;
    if (user)
        return gw_error_set(err, GW_EXIT_START,
                            "--pidfile %s: process %d still runs with this file; name another "
                            "file, or stop that process",
                            path, (int)user);
    return r ? gw_error_set(err, GW_EXIT_START, "--pidfile %s: cannot be written: %s", path,
                            strerror(-r))
             : 0;
}

void gw_pidfile_unlock(struct gw_pidfile *p)
{
    struct flock none = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
    if (p->fd >= 0)
        (void)fcntl(p->fd, F_SETLK, &none);
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
