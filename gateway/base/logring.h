/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A one-way queue of byte entries from one worker to the master in shared memory: one writer, one
 * reader, no locks, no system call unless the reader sleeps. It survives the worker: the entries of
 * a killed worker can still be read.
 *
 * The reader does not trust the writer: it checks positions and lengths, and resets a broken ring,
 * which reads as empty.
 */
#pragma once

#include "gateway/base/attr.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    GW_LOGRING_BYTES = 1 << 18,
    GW_LOGRING_ENTRY_MAX = 4096,
    /* Kept free of entries that anybody can cause: room for a hundred with identities. */
    GW_LOGRING_SPARE = GW_LOGRING_BYTES / 2,
};

struct gw_logring {
    /* Writer's cache line. */
    uint64_t head __attribute__((aligned(64))); /* bytes ever written */
    uint64_t dropped;                           /* entries that did not fit */
    /* Reader's cache line. */
    uint64_t tail __attribute__((aligned(64))); /* bytes ever read */
    uint64_t reported;      /* those of `dropped` that gw_logring_dropped returned */
    uint32_t reader_sleeps; /* 1: the writer must wake the reader once */
    uint8_t data[GW_LOGRING_BYTES] __attribute__((aligned(64)));
};

/* Writer: appends an entry of 1 to GW_LOGRING_ENTRY_MAX bytes, and leaves at least `spare` bytes
 * free for others. False, with dropped + 1, when it does not fit. *ret_wake: the reader sleeps and
 * must be woken (once). */
bool gw_logring_push(struct gw_logring *ring, const void *entry, size_t len, size_t spare,
                     bool *ret_wake);

/* Reader: copies the oldest entry to `out` (GW_LOGRING_ENTRY_MAX bytes). Returns its length; 0 when
 * there is none. */
size_t gw_logring_pop(struct gw_logring *ring, void *out);

/* Reader: the number of entries dropped since the last call. */
uint64_t gw_logring_dropped(struct gw_logring *ring);

/* Reader: announces that it will sleep. False when entries arrived meanwhile: read them instead. */
bool gw_logring_sleep(struct gw_logring *ring);
