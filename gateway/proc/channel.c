/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/proc/channel.h"

#include "gateway/base/attr.h"

#include <errno.h>
#include <sys/socket.h>

/* Each side's whole vocabulary. A worker reads what clients send, so the master must expect that
 * one day the other end is not ours any more: a message outside this table ends that worker. */
static const struct {
    enum gw_channel_kind kind;
    bool from_master;
} vocabulary[] = {
    {GW_CHANNEL_READY, false},
    {GW_CHANNEL_DRAIN, true},
};

static bool may_send(uint32_t kind, bool from_master)
{
    for (size_t i = 0; i < GW_ARRAY_SIZE(vocabulary); i++)
        if (vocabulary[i].kind == kind)
            return vocabulary[i].from_master == from_master;
    return false;
}

int gw_channel_send(int fd, enum gw_channel_kind kind, int64_t value)
{
    struct gw_channel_message m = {.kind = (uint32_t)kind, .value = value};
    ssize_t n = send(fd, &m, sizeof(m), MSG_DONTWAIT | MSG_NOSIGNAL);
    return n < 0 ? -errno : 0;
}

int gw_channel_receive(int fd, bool from_master, struct gw_channel_message *ret)
{
    struct gw_channel_message m = {0};
    /* MSG_TRUNC gives the length of the whole message, so that a longer one is not mistaken for
     * one of ours. */
    ssize_t n = recv(fd, &m, sizeof(m), MSG_DONTWAIT | MSG_TRUNC);
    if (n < 0)
        return errno == ECONNRESET ? 0 : -errno;
    if (n == 0)
        return 0;
    if (n != sizeof(m) || m.zero || m.value < 0 || !may_send(m.kind, from_master))
        return -EPROTO;
    *ret = m;
    return 1;
}
