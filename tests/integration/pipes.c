/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/integration/pipes.h"

#include "tests/integration/check.h"
#include "tests/integration/net.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    STILL_MS = 300, /* nothing moved for this long: a test considers it stuck */
};

static bool is_reading_end(int dir, const char *name)
{
    char what[8] = "";
    struct stat link;
    ssize_t len = readlinkat(dir, name, what, sizeof(what));
    return len > 5 && memcmp(what, "pipe:", 5) == 0 &&
           fstatat(dir, name, &link, AT_SYMLINK_NOFOLLOW) == 0 && link.st_mode & S_IRUSR;
}

/* Opened anew, the same pipe is ours to ask. */
static void look_into(int dir, const char *name, struct pipes *ret)
{
    int bytes = 0;
    int fd = openat(dir, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) /* closed meanwhile */
        return;
    assert_return_code(ioctl(fd, FIONREAD, &bytes), 0);
    ret->open++;
    ret->filled += bytes > 0;
    ret->bytes += (uint64_t)bytes;
    (void)close(fd);
}

bool pipes_look(pid_t pid, struct pipes *ret)
{
    char path[64];
    *ret = (struct pipes){0};
    (void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    DIR *dir = opendir(path);
    if (!dir)
        return false;
    for (struct dirent *e; (e = readdir(dir));)
        if (is_reading_end(dirfd(dir), e->d_name))
            look_into(dirfd(dir), e->d_name, ret);
    (void)closedir(dir);
    return true;
}

void pipes_await_stuck(pid_t pid, unsigned filled)
{
    int64_t deadline = net_now_ms() + DEADLINE_MS;
    struct pipes before, now;
    assert_true(pipes_look(pid, &now));
    do {
        before = now;
        (void)poll(NULL, 0, STILL_MS);
        assert_true(pipes_look(pid, &now));
    } while ((now.filled != filled || now.bytes != before.bytes) && net_now_ms() < deadline);
    assert_int_equal(now.filled, filled);
}

void pipes_await_empty(pid_t pid, struct pipes *ret)
{
    int64_t deadline = net_now_ms() + DEADLINE_MS;
    do
        assert_true(pipes_look(pid, ret));
    while (ret->filled > 0 && net_now_ms() < deadline && poll(NULL, 0, 10) == 0);
    assert_int_equal(ret->filled, 0);
}
