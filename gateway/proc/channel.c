/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/proc/channel.h"

#include "gateway/base/attr.h"
#include "gateway/base/fd.h"
#include "gateway/base/passage.h"

#include <errno.h>

/* The messages of each side. A worker reads what clients send, so the master must expect that an
 * attacker may control it one day: a message outside this table ends that worker. */
static const struct word {
    enum gw_channel_kind kind;
    bool from_master;
    bool has_fd;
} vocabulary[] = {
    {GW_CHANNEL_READY, false, false}, {GW_CHANNEL_DRAIN, true, false},
    {GW_CHANNEL_FILES, true, true},   {GW_CHANNEL_ADOPTED, false, false},
    {GW_CHANNEL_KEPT, false, false},
};

static const struct word *find(uint32_t kind)
{
    for (size_t i = 0; i < GW_ARRAY_SIZE(vocabulary); i++)
        if (vocabulary[i].kind == kind)
            return &vocabulary[i];
    return NULL;
}

int gw_channel_send(int fd, enum gw_channel_kind kind, int64_t value)
{
    return gw_channel_send_fd(fd, kind, value, -1);
}

int gw_channel_send_fd(int fd, enum gw_channel_kind kind, int64_t value, int passed)
{
    struct gw_channel_message m = {.kind = (uint32_t)kind, .value = value};
    return gw_passage_send(fd, &m, sizeof(m), passed);
}

/* Takes one message. Takes a descriptor only if `ret_fd` is not NULL; otherwise the kernel closes
 * it. */
static int receive(int fd, bool from_master, struct gw_channel_message *ret, int *ret_fd)
{
    struct gw_channel_message m = {0};
    ssize_t n = gw_passage_receive(fd, &m, sizeof(m), ret_fd);
    if (n <= 0)
        return (int)n;
    const struct word *word = find(m.kind);
    bool has_fd = ret_fd && *ret_fd != -1;
    if (n == sizeof(m) && !m.zero && m.value >= 0 && word && word->from_master == from_master &&
        word->has_fd == has_fd) {
        *ret = m;
        return 1;
    }
    if (ret_fd)
        gw_fd_close(ret_fd);
    return -EPROTO;
}

int gw_channel_receive(int fd, bool from_master, struct gw_channel_message *ret)
{
    return receive(fd, from_master, ret, NULL);
}

int gw_channel_receive_fd(int fd, struct gw_channel_message *ret, int *ret_fd)
{
    return receive(fd, true, ret, ret_fd);
}
