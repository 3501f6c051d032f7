/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An entry is a 4-byte length and its bytes, padded to 4. Positions only grow. Data wraps at the
 * ring's end, also within an entry.
 */
#include "gateway/base/logring.h"

#include <string.h>

enum {
    HEADER = sizeof(uint32_t)
};

static uint64_t whole(size_t len)
{
    return (HEADER + len + 3) & ~(uint64_t)3;
}

static void copy_in(struct gw_logring *ring, uint64_t at, const void *data, size_t len)
{
    size_t offset = at % GW_LOGRING_BYTES;
    size_t first = GW_MIN(len, GW_LOGRING_BYTES - offset);
    memcpy(ring->data + offset, data, first);
    memcpy(ring->data, (const uint8_t *)data + first, len - first);
}

static void copy_out(const struct gw_logring *ring, uint64_t at, void *data, size_t len)
{
    size_t offset = at % GW_LOGRING_BYTES;
    size_t first = GW_MIN(len, GW_LOGRING_BYTES - offset);
    memcpy(data, ring->data + offset, first);
    memcpy((uint8_t *)data + first, ring->data, len - first);
}

bool gw_logring_push(struct gw_logring *ring, const void *entry, size_t len, size_t spare,
                     bool *ret_wake)
{
    *ret_wake = false;
    uint64_t head = __atomic_load_n(&ring->head, __ATOMIC_RELAXED);
    uint64_t tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
    if (len == 0 || len > GW_LOGRING_ENTRY_MAX ||
        head - tail + whole(len) + spare > GW_LOGRING_BYTES) {
        __atomic_store_n(&ring->dropped, ring->dropped + 1, __ATOMIC_RELAXED);
        return false;
    }
    uint32_t length = (uint32_t)len;
    copy_in(ring, head, &length, HEADER);
    copy_in(ring, head + HEADER, entry, len);
    __atomic_store_n(&ring->head, head + whole(len), __ATOMIC_RELEASE);
    /* Either the reader sees this entry before it sleeps, or the writer sees that the reader
     * sleeps. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__atomic_load_n(&ring->reader_sleeps, __ATOMIC_RELAXED))
        *ret_wake = __atomic_exchange_n(&ring->reader_sleeps, 0, __ATOMIC_ACQ_REL) != 0;
    return true;
}

size_t gw_logring_pop(struct gw_logring *ring, void *out)
{
    uint64_t tail = __atomic_load_n(&ring->tail, __ATOMIC_RELAXED);
    uint64_t head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
    uint64_t filled = head - tail;
    if (filled == 0)
        return 0;
    uint32_t length = 0;
    if (filled >= HEADER && filled <= GW_LOGRING_BYTES)
        copy_out(ring, tail, &length, HEADER);
    /* The writer may change the bytes meanwhile: read them once, and check the copy. */
    __asm__ volatile("" : "+m"(length));
    if (length == 0 || length > GW_LOGRING_ENTRY_MAX || whole(length) > filled) {
        __atomic_store_n(&ring->tail, head, __ATOMIC_RELEASE); /* broken: skip the contents */
        return 0;
    }
    copy_out(ring, tail + HEADER, out, length);
    __atomic_store_n(&ring->tail, tail + whole(length), __ATOMIC_RELEASE);
    return length;
}

uint64_t gw_logring_dropped(struct gw_logring *ring)
{
    uint64_t dropped = __atomic_load_n(&ring->dropped, __ATOMIC_RELAXED);
    uint64_t news = dropped - ring->reported;
    ring->reported = dropped;
    return news;
}

bool gw_logring_sleep(struct gw_logring *ring)
{
    __atomic_store_n(&ring->reader_sleeps, 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__atomic_load_n(&ring->head, __ATOMIC_ACQUIRE) ==
        __atomic_load_n(&ring->tail, __ATOMIC_RELAXED))
        return true;
    __atomic_store_n(&ring->reader_sleeps, 0, __ATOMIC_RELAXED);
    return false;
}
