/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/tickets.h"

#include "gateway/base/wipe.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

enum {
    /* A write takes less than a microsecond. If it is still incomplete after this many reads, the
     * writer died in it. */
    READ_TRIES = 10000
};

static bool random_bytes(void *data, size_t len)
{
    uint8_t *at = data;
    while (len) {
        ssize_t n = getrandom(at, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

/* A sequence lock: odd, then the change, then even. There is one writer. */
static void write_begin(struct gw_ticket_keys *keys)
{
    __atomic_store_n(&keys->sequence, keys->sequence | 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void write_end(struct gw_ticket_keys *keys)
{
    __atomic_store_n(&keys->sequence, (keys->sequence | 1) + 1, __ATOMIC_RELEASE);
}

int gw_tickets_init(struct gw_ticket_keys *keys)
{
    keys->count = 0;
    return gw_tickets_rotate(keys);
}

int gw_tickets_rotate(struct gw_ticket_keys *keys)
{
    struct gw_ticket_key fresh;
    if (!random_bytes(&fresh, sizeof(fresh)))
        return -EIO;
    write_begin(keys);
    memmove(&keys->keys[1], &keys->keys[0], sizeof(keys->keys) - sizeof(keys->keys[0]));
    keys->keys[0] = fresh;
    if (keys->count < GW_TICKET_KEYS)
        keys->count++;
    write_end(keys);
    gw_wipe_object(&fresh);
    return 0;
}

/* The index of the key of that name; 0 for an empty name; -1 when there is none. */
static int find(const struct gw_ticket_keys *keys, const uint8_t *name)
{
    unsigned count = GW_MIN(__atomic_load_n(&keys->count, __ATOMIC_RELAXED), GW_TICKET_KEYS);
    for (unsigned i = 0; i < count; i++)
        if (!name || memcmp(keys->keys[i].name, name, GW_TICKET_NAME_LEN) == 0)
            return (int)i;
    return -1;
}

/* One read. False when a write was under way. */
static bool look(const struct gw_ticket_keys *keys, const uint8_t *name, struct gw_ticket_key *ret,
                 int *ret_index)
{
    uint32_t before = __atomic_load_n(&keys->sequence, __ATOMIC_ACQUIRE);
    if (before & 1)
        return false;
    *ret_index = find(keys, name);
    if (*ret_index >= 0)
        *ret = keys->keys[*ret_index];
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return __atomic_load_n(&keys->sequence, __ATOMIC_RELAXED) == before;
}

/* The index found, or -1, with *ret wiped. */
static int read_key(const struct gw_ticket_keys *keys, const uint8_t *name,
                    struct gw_ticket_key *ret)
{
    int index = -1;
    for (int tries = 0; tries < READ_TRIES; tries++)
        if (look(keys, name, ret, &index)) {
            if (index < 0)
                break;
            return index;
        }
    gw_wipe_object(ret);
    return -1;
}

bool gw_tickets_newest(const struct gw_ticket_keys *keys, struct gw_ticket_key *ret)
{
    return read_key(keys, NULL, ret) >= 0;
}

bool gw_tickets_find(const struct gw_ticket_keys *keys, const uint8_t name[GW_TICKET_NAME_LEN],
                     struct gw_ticket_key *ret, bool *ret_newest)
{
    int index = read_key(keys, name, ret);
    *ret_newest = index == 0;
    return index >= 0;
}
