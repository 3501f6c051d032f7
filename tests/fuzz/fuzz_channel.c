/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker that is not ours any more may say to the master, and the other way round. Input:
 * messages of sender (1 byte), length (1) and bytes. */
#include "gateway/proc/channel.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"

#include <errno.h>
#include <sys/socket.h>

enum {
    MESSAGE = 16,
    KIND_READY = 1, /* of a worker */
    KIND_DRAIN = 2, /* of the master */
    KIND_ADOPTED = 4,
    KIND_KEPT = 5,
};

/* Without a descriptor. */
static bool is_word_of(uint32_t kind, bool from_master)
{
    return from_master ? kind == KIND_DRAIN
                       : kind == KIND_READY || kind == KIND_ADOPTED || kind == KIND_KEPT;
}

static bool good(const uint8_t *message, size_t len, bool from_master)
{
    uint32_t words[2];
    int64_t value;
    if (len != MESSAGE)
        return false;
    memcpy(words, message, sizeof(words));
    memcpy(&value, message + sizeof(words), sizeof(value));
    return is_word_of(words[0], from_master) && words[1] == 0 && value >= 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int ends[2] = {-1, -1};
    struct gw_reader r = gw_reader_of(data, size);
    if (ends[0] < 0)
        gw_require(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    while (gw_reader_left(&r) > 0) {
        bool from_master = gw_read_u8(&r) & 1;
        size_t len = gw_read_u8(&r);
        uint8_t *message = input_bytes(&r, len, &len);
        struct gw_channel_message got, blank;
        memset(&blank, 0x5a, sizeof(blank));
        got = blank;
        gw_require(send(ends[0], message, len, 0) == (ssize_t)len);
        int result = gw_channel_receive(ends[1], from_master, &got);
        bool expected = good(message, len, from_master);
        /* One without any byte looks like the end, and ends the worker as a wrong one does. */
        gw_require(result == (expected ? 1 : len ? -EPROTO : 0));
        gw_require(memcmp(&got, expected ? (void *)message : &blank, MESSAGE) == 0);
        gw_require(gw_channel_receive(ends[1], from_master, &got) == -EAGAIN);
        free(message);
    }
    return 0;
}
