/* SPDX-License-Identifier: Apache-2.0 */
/* A client in plaintext, for gateways of the client role: sends and receives streams at the same
 * time, every byte checked at its place. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum plain_end {
    PLAIN_FIN,   /* the stream ended properly */
    PLAIN_RESET, /* RST */
    PLAIN_STUCK, /* nothing happened until the deadline */
};

struct plain_work {
    uint16_t port;
    uint64_t up_seed;
    uint64_t up_bytes;
    uint64_t down_seed;
    const char *head;   /* text to send before the stream; NULL: none */
    uint64_t fin_after; /* FIN once all is sent and so many bytes have come */
};

struct plain_result {
    enum plain_end end;
    uint64_t sent;     /* of the stream */
    uint64_t received; /* bytes that were the stream's */
    bool wrong;        /* other bytes followed */
};

/* Runs until the other side ends its stream. */
void plain_run(const struct plain_work *work, struct plain_result *ret);
