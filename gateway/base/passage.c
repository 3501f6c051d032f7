/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/base/passage.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

/* Room for one descriptor; the kernel closes any others. */
union control {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
};

int gw_passage_send(int fd, const void *data, size_t len, int passed)
{
    union control control = {{0}};
    struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = len};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    if (passed >= 0) {
        msg.msg_control = control.bytes;
        msg.msg_controllen = sizeof(control.bytes);
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(passed));
        memcpy(CMSG_DATA(c), &passed, sizeof(passed));
    }
    return sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int descriptor_in(struct msghdr *msg)
{
    int fd = msg->msg_flags & MSG_CTRUNC ? GW_PASSAGE_LOST : -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
            c->cmsg_len == CMSG_LEN(sizeof(fd)))
            memcpy(&fd, CMSG_DATA(c), sizeof(fd));
    return fd;
}

ssize_t gw_passage_receive(int fd, void *data, size_t size, int *ret_fd)
{
    union control control = {{0}};
    struct iovec iov = {.iov_base = data, .iov_len = size};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    if (ret_fd) {
        *ret_fd = -1;
        msg.msg_control = control.bytes;
        msg.msg_controllen = sizeof(control.bytes);
    }
    /* MSG_TRUNC returns the length of the whole message, so that a longer one is not mistaken for
     * ours. */
    ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC);
    if (n < 0)
        return errno == ECONNRESET ? 0 : -errno;
    if (ret_fd)
        *ret_fd = descriptor_in(&msg);
    return n;
}
