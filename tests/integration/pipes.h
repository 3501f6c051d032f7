/* SPDX-License-Identifier: Apache-2.0 */
/* The pipes of another process, and what is in them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct pipes {
    unsigned open;   /* those whose reading end it holds: a worker relays through no others */
    unsigned filled; /* of them have bytes in them, */
    uint64_t bytes;  /* the bytes in them */
};

/* How it is now; false when the process may not be looked at. */
bool pipes_look(pid_t pid, struct pipes *ret);
/* Waits until `filled` of them have bytes in them and nothing moves any more. */
void pipes_await_stuck(pid_t pid, unsigned filled);
/* Waits until none has. */
void pipes_await_empty(pid_t pid, struct pipes *ret);
