/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/proc/logpump.h"

#include "gateway/base/log.h"
#include "gateway/conn/report.h"

enum {
    ENTRIES_PER_TURN = 256
};

/* Prints one entry of the ring. False when it is empty or standard error is full. Skips an entry in
 * a form that no worker writes. */
static bool print_one(struct gw_logring *ring, unsigned worker, int wait_ms)
{
    uint8_t entry[GW_LOGRING_ENTRY_MAX] __attribute__((aligned(8)));
    struct gw_line line;
    if (!gw_log_ready(wait_ms))
        return false;
    size_t len = gw_logring_pop(ring, entry);
    if (!len)
        return false;
    if (gw_entry_format(entry, len, gw_log_config()->format, (int)worker, &line))
        gw_log_write(line.text, line.len);
    return true;
}

/* Reports the dropped entries, once the ring has room again. */
static void log_dropped(struct gw_logring *ring, unsigned worker)
{
    uint64_t count = gw_log_ready(0) ? gw_logring_dropped(ring) : 0;
    if (count)
        gw_log(GW_LOG_WARNING,
               "worker %u: %llu log entries were lost because the log accepted nothing", worker,
               (unsigned long long)count);
}

static bool turn_one(struct gw_logring *ring, unsigned worker)
{
    log_dropped(ring, worker);
    for (int i = 0; i < ENTRIES_PER_TURN; i++)
        if (!print_one(ring, worker, 0))
            return !gw_logring_sleep(ring);
    return true;
}

bool gw_logpump_turn(struct gw_logring *rings, unsigned count)
{
    bool more = false;
    for (unsigned i = 0; i < count; i++)
        if (turn_one(&rings[i], i))
            more = true;
    return more;
}

void gw_logpump_flush(struct gw_logring *rings, unsigned index, int wait_ms)
{
    while (print_one(&rings[index], index, wait_ms))
        ;
    log_dropped(&rings[index], index);
}
