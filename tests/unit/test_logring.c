/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/base/logring: nothing lost, doubled or out of order between two processes, no wake-up
 * missed, what a killed writer finished is read, and a broken ring harms nobody. */
#include "gateway/base/logring.h"

#include "gateway/base/fd.h"
#include "gateway/base/wipe.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    ENTRIES = 1000000,
    GUARD = 64,
    PATIENCE_MS = 30000, /* a wake-up that does not come: only when the test fails */
};

static struct gw_logring *ring;
static int wake_fd = -1;

static int make_ring(void **state)
{
    (void)state;
    ring = gw_wipe_shared_new(sizeof(*ring) + GUARD);
    wake_fd = eventfd(0, EFD_CLOEXEC);
    return ring && wake_fd >= 0 ? 0 : -1;
}

/* The bytes behind the ring are still untouched. */
static int drop_ring(void **state)
{
    (void)state;
    static const uint8_t zeroes[GUARD];
    int changed = memcmp(ring + 1, zeroes, GUARD);
    gw_fd_close(&wake_fd);
    gw_wipe_pages_free(ring, sizeof(*ring) + GUARD);
    return changed ? -1 : 0;
}

/* Entry number n: its length and bytes follow from n. */
static size_t make_entry(uint32_t n, uint8_t *out)
{
    size_t len = sizeof(n) + n * 7 % 90;
    memcpy(out, &n, sizeof(n));
    memset(out + sizeof(n), (int)(n * 31 & 0xff), len - sizeof(n));
    return len;
}

static void check_entry(uint32_t n, const uint8_t *entry, size_t len)
{
    uint8_t want[GW_LOGRING_ENTRY_MAX];
    assert_int_equal(len, make_entry(n, want));
    assert_memory_equal(entry, want, len);
}

static bool push(const void *entry, size_t len)
{
    bool wake;
    return gw_logring_push(ring, entry, len, 0, &wake);
}

static void keeps_order_and_length(void **state)
{
    (void)state;
    uint8_t entry[GW_LOGRING_ENTRY_MAX];
    assert_int_equal(gw_logring_pop(ring, entry), 0);
    for (uint32_t n = 0; n < 100; n++)
        assert_true(push(entry, make_entry(n, entry)));
    for (uint32_t n = 0; n < 100; n++) {
        size_t len = gw_logring_pop(ring, entry);
        check_entry(n, entry, len);
    }
    assert_int_equal(gw_logring_pop(ring, entry), 0);
}

static void lengths_are_limited(void **state)
{
    (void)state;
    uint8_t entry[GW_LOGRING_ENTRY_MAX + 1];
    memset(entry, 7, sizeof(entry));
    assert_false(push(entry, 0));
    assert_false(push(entry, GW_LOGRING_ENTRY_MAX + 1));
    assert_int_equal(ring->dropped, 2);
    assert_true(push(entry, 1));
    assert_true(push(entry, GW_LOGRING_ENTRY_MAX));
    assert_int_equal(gw_logring_pop(ring, entry), 1);
    assert_int_equal(gw_logring_pop(ring, entry), GW_LOGRING_ENTRY_MAX);
    assert_int_equal(gw_logring_pop(ring, entry), 0);
}

static void full_ring_drops_the_new(void **state)
{
    (void)state;
    uint8_t entry[GW_LOGRING_ENTRY_MAX];
    uint32_t pushed = 0;
    while (push(entry, make_entry(pushed, entry)))
        pushed++;
    assert_int_equal(ring->dropped, 1);
    assert_true(pushed > GW_LOGRING_BYTES / 104);
    for (uint32_t n = 0; n < pushed; n++) {
        size_t len = gw_logring_pop(ring, entry);
        check_entry(n, entry, len);
    }
    assert_true(push("x", 1));
    assert_int_equal(gw_logring_dropped(ring), 1);
    assert_int_equal(gw_logring_dropped(ring), 0);
}

/* What anybody can cause fills no more than its part; what counts still fits, and is read behind
 * it.
 */
static void some_of_it_is_spared(void **state)
{
    (void)state;
    uint8_t entry[GW_LOGRING_ENTRY_MAX];
    uint32_t cheap = 0;
    bool wake;
    memset(entry, 'x', sizeof(entry));
    while (gw_logring_push(ring, entry, 1000, GW_LOGRING_SPARE, &wake))
        cheap++;
    assert_in_range(cheap, 1, (GW_LOGRING_BYTES - GW_LOGRING_SPARE) / 1000);
    for (int i = 0; i < 100; i++)
        assert_true(push(i ? (const void *)entry : "dear", i ? 1000 : 4));
    assert_false(gw_logring_push(ring, entry, 1000, GW_LOGRING_SPARE, &wake));
    for (uint32_t i = 0; i < cheap; i++)
        assert_int_equal(gw_logring_pop(ring, entry), 1000);
    assert_int_equal(gw_logring_pop(ring, entry), 4);
    assert_memory_equal(entry, "dear", 4);
}

/* Entries run over the end of the memory at every offset, and positions over the end of 64 bits. */
static void wraps_anywhere(void **state)
{
    (void)state;
    uint8_t entry[GW_LOGRING_ENTRY_MAX];
    ring->head = ring->tail = UINT64_MAX - 3 * GW_LOGRING_BYTES + 1;
    for (uint32_t n = 0; n < 50000; n++) {
        assert_true(push(entry, make_entry(n, entry)));
        memset(entry, 0, sizeof(entry));
        size_t len = gw_logring_pop(ring, entry);
        check_entry(n, entry, len);
    }
    assert_true(ring->head < UINT64_C(1) << 32);
}

static void sleeper_is_woken_once(void **state)
{
    (void)state;
    uint8_t entry[GW_LOGRING_ENTRY_MAX];
    bool wake = true;
    assert_true(gw_logring_push(ring, "a", 1, 0, &wake));
    assert_false(wake);
    assert_false(gw_logring_sleep(ring)); /* there is something */
    assert_int_equal(ring->reader_sleeps, 0);
    assert_int_equal(gw_logring_pop(ring, entry), 1);
    assert_true(gw_logring_sleep(ring));
    assert_true(gw_logring_push(ring, "b", 1, 0, &wake));
    assert_true(wake);
    assert_true(gw_logring_push(ring, "c", 1, 0, &wake));
    assert_false(wake);
}

/* ---- two processes ---- */

static void wake_reader(void)
{
    uint64_t one = 1;
    if (write(wake_fd, &one, sizeof(one)) != sizeof(one))
        _exit(1);
}

/* What a worker does, except that it tries again until there is room. */
static void write_all(void)
{
    uint8_t entry[GW_LOGRING_ENTRY_MAX];
    for (uint32_t n = 0; n < ENTRIES; n++) {
        size_t len = make_entry(n, entry);
        bool wake;
        while (!gw_logring_push(ring, entry, len, 0, &wake))
            (void)sched_yield();
        if (wake)
            wake_reader();
    }
}

static pid_t start_writer(void (*body)(void))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* it must not outlive a test that failed */
        body();
        _exit(0);
    }
    return child;
}

static void wait_for_wake(void)
{
    struct pollfd p = {.fd = wake_fd, .events = POLLIN};
    uint64_t count;
    assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
    assert_int_equal(read(wake_fd, &count, sizeof(count)), sizeof(count));
}

static void a_million_entries_arrive(void **state)
{
    (void)state;
    uint8_t entry[GW_LOGRING_ENTRY_MAX];
    int status;
    uint32_t sleeps = 0;
    pid_t child = start_writer(write_all);
    for (uint32_t n = 0; n < ENTRIES;) {
        size_t len = gw_logring_pop(ring, entry);
        if (len) {
            check_entry(n++, entry, len);
        } else if (gw_logring_sleep(ring)) {
            sleeps++;
            wait_for_wake();
        }
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(gw_logring_pop(ring, entry), 0);
    assert_true(sleeps > 0);
}

/* One entry at a time: the writer waits until the reader has said that it sleeps or took it, so
 * each entry meets the reader on its way to sleep. A lost wake-up ends in the patience. */
static void write_one_by_one(void)
{
    for (uint32_t n = 0; n < ENTRIES / 10; n++) {
        uint8_t entry[GW_LOGRING_ENTRY_MAX];
        bool wake;
        size_t len = make_entry(n, entry);
        while (__atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) != ring->head)
            (void)sched_yield();
        if (!gw_logring_push(ring, entry, len, 0, &wake))
            _exit(1);
        if (wake)
            wake_reader();
    }
}

static void no_wake_up_is_lost(void **state)
{
    (void)state;
    uint8_t entry[GW_LOGRING_ENTRY_MAX];
    int status;
    pid_t child = start_writer(write_one_by_one);
    for (uint32_t n = 0; n < ENTRIES / 10;) {
        size_t len = gw_logring_pop(ring, entry);
        if (len)
            check_entry(n++, entry, len);
        else if (gw_logring_sleep(ring))
            wait_for_wake();
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void write_without_end(void)
{
    uint8_t entry[GW_LOGRING_ENTRY_MAX];
    for (uint32_t n = 0;;) {
        size_t len = make_entry(n, entry);
        if (push(entry, len))
            n++;
        else
            (void)sched_yield();
    }
}

/* Killed in the middle of a push or not: all entries in the ring are whole, and the next writer
 * continues in it. */
static void killed_writer_leaves_whole_entries(void **state)
{
    (void)state;
    for (int round = 0; round < 50; round++) {
        uint8_t entry[GW_LOGRING_ENTRY_MAX];
        uint32_t n = 0;
        size_t len;
        pid_t child = start_writer(write_without_end);
        while (n < 1000 + (uint32_t)round * 97)
            if ((len = gw_logring_pop(ring, entry)))
                check_entry(n++, entry, len);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        while ((len = gw_logring_pop(ring, entry)))
            check_entry(n++, entry, len);
        assert_true(ring->head == ring->tail);
    }
}

/* ---- a writer that lies ---- */

/* An entry that says to be longer than what has been written, by one byte or more, padding too. */
static void no_byte_is_read_that_was_not_written(void **state)
{
    (void)state;
    enum {
        HEADER = 4,
        MOST = 40
    };
    uint8_t entry[GW_LOGRING_ENTRY_MAX];
    for (uint32_t length = 1; length <= MOST; length++)
        for (uint64_t filled = 0; filled <= MOST + 2 * HEADER; filled += HEADER) {
            uint64_t whole = (HEADER + length + 3) / 4 * 4;
            ring->head = ring->tail + filled;
            memcpy(ring->data + ring->tail % GW_LOGRING_BYTES, &length, sizeof(length));
            assert_int_equal(gw_logring_pop(ring, entry), whole <= filled ? length : 0);
            if (whole > filled)
                assert_true(ring->tail == ring->head);
            ring->tail = ring->head = 0;
        }
}

static void broken_ring_reads_as_empty(void **state)
{
    (void)state;
    static const uint32_t lengths[] = {0, GW_LOGRING_ENTRY_MAX + 1, UINT32_MAX, UINT32_MAX - 3,
                                       100};
    uint8_t entry[GW_LOGRING_ENTRY_MAX];
    for (size_t i = 0; i < GW_ARRAY_SIZE(lengths); i++) {
        assert_true(push("x", 1)); /* 8 bytes in all: each of these lengths is a lie */
        memcpy(ring->data + ring->tail % GW_LOGRING_BYTES, &lengths[i], sizeof(lengths[i]));
        assert_int_equal(gw_logring_pop(ring, entry), 0);
        assert_true(ring->head == ring->tail);
        assert_true(push("fine", 4)); /* set right again */
        assert_int_equal(gw_logring_pop(ring, entry), 4);
        assert_memory_equal(entry, "fine", 4);
    }
}

static void broken_positions_read_as_empty(void **state)
{
    (void)state;
    static const uint64_t ahead[] = {1, 3, GW_LOGRING_BYTES + 4, UINT64_MAX, UINT64_MAX / 2};
    uint8_t entry[GW_LOGRING_ENTRY_MAX];
    for (size_t i = 0; i < GW_ARRAY_SIZE(ahead); i++) {
        ring->head = ring->tail + ahead[i];
        assert_int_equal(gw_logring_pop(ring, entry), 0);
        assert_true(ring->head == ring->tail);
        assert_true(push("fine", 4));
        assert_int_equal(gw_logring_pop(ring, entry), 4);
        assert_memory_equal(entry, "fine", 4);
    }
}

/* Random bytes in the whole ring, positions too: a pop stays inside the ring and inside `out` (the
 * address sanitizer looks on), and the reader comes to an end. */
static void random_rings_end(void **state)
{
    (void)state;
    uint8_t *out = malloc(GW_LOGRING_ENTRY_MAX);
    assert_non_null(out);
    srandom(5);
    for (int round = 0; round < 200; round++) {
        for (size_t i = 0; i < GW_LOGRING_BYTES; i += 4) {
            uint32_t v = (uint32_t)random() % (round % 2 ? 64 : UINT32_MAX);
            memcpy(ring->data + i, &v, sizeof(v));
        }
        ring->tail = (uint64_t)random() << 33 | (uint64_t)random();
        ring->head = ring->tail + (uint64_t)random() % (GW_LOGRING_BYTES + 8);
        unsigned entries = 0;
        for (size_t len; (len = gw_logring_pop(ring, out)); entries++)
            assert_true(len <= GW_LOGRING_ENTRY_MAX);
        assert_true(entries <= GW_LOGRING_BYTES / 4);
        assert_true(ring->head == ring->tail);
    }
    free(out);
}

#define with_ring(f) cmocka_unit_test_setup_teardown(f, make_ring, drop_ring)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_ring(keeps_order_and_length),
        with_ring(lengths_are_limited),
        with_ring(full_ring_drops_the_new),
        with_ring(some_of_it_is_spared),
        with_ring(wraps_anywhere),
        with_ring(sleeper_is_woken_once),
        with_ring(a_million_entries_arrive),
        with_ring(no_wake_up_is_lost),
        with_ring(killed_writer_leaves_whole_entries),
        with_ring(no_byte_is_read_that_was_not_written),
        with_ring(broken_positions_read_as_empty),
        with_ring(broken_ring_reads_as_empty),
        with_ring(broken_positions_read_as_empty),
        with_ring(random_rings_end),
    };
    return cmocka_run_group_tests_name("logring", tests, NULL, NULL);
}
