/* SPDX-License-Identifier: Apache-2.0 */
/* A pure function in a file of its own, so that the tests' double can link it. */
#include "gateway/ring/ring.h"

#include <linux/tls.h>
#include <string.h>
#include <sys/socket.h>

int gw_ring_control_type(const struct msghdr *msg)
{
    const struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);
    if (!cmsg || cmsg->cmsg_level != SOL_TLS || cmsg->cmsg_type != TLS_GET_RECORD_TYPE ||
        cmsg->cmsg_len < CMSG_LEN(1))
        return -1;
    return *CMSG_DATA(cmsg);
}

void gw_ring_control_type_set(struct msghdr *msg, uint8_t type)
{
    struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);
    gw_require(cmsg != NULL);
    cmsg->cmsg_level = SOL_TLS;
    cmsg->cmsg_type = TLS_SET_RECORD_TYPE;
    cmsg->cmsg_len = CMSG_LEN(1);
    *CMSG_DATA(cmsg) = type;
    msg->msg_controllen = cmsg->cmsg_len;
}
