/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/ring/buffer: memory that was given back to the system is gone, in parts, and once; and
 * what is read into slots goes out in one packet. */
#include "gateway/ring/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum {
    MANY = 3 * GW_TRIM_STEP + 5,
    MIDDLE = GW_BUFFER_BYTES / 2, /* of a buffer: on a page of its own */
    FULL = 0xaa,
};

struct stock {
    struct gw_buffers all;
    struct gw_buf *taken[MANY];
};

/* Takes so many, fills them, and gives them back. */
static void use(struct stock *s, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        s->taken[i] = gw_buffers_take(&s->all);
        assert_non_null(s->taken[i]);
        memset(s->taken[i]->data, FULL, GW_BUFFER_BYTES);
    }
    for (unsigned i = count; i-- > 0;)
        gw_buffers_give(&s->all, s->taken[i]);
}

/* Buffers that hold what was written to them. */
static unsigned full(const struct stock *s)
{
    unsigned n = 0;
    for (uint32_t id = 0; id < s->all.made; id++)
        n += s->all.by_id[id]->data[MIDDLE] == FULL;
    return n;
}

static struct stock *start(void)
{
    static struct stock s;
    assert_int_equal(gw_buffers_init(&s.all, MANY), 0);
    use(&s, MANY);
    assert_int_equal(full(&s), MANY);
    return &s;
}

static void a_part_at_a_time(void **state)
{
    struct stock *s = start();
    (void)state;
    assert_false(gw_buffers_trim(&s->all)); /* nobody asked for it */
    assert_int_equal(full(s), MANY);
    gw_buffers_begin_trim(&s->all);
    for (unsigned left = MANY; left > 0;) {
        bool more = gw_buffers_trim(&s->all);
        left -= left < GW_TRIM_STEP ? left : GW_TRIM_STEP;
        assert_int_equal(full(s), left);
        assert_int_equal(more, left > 0);
    }
    gw_buffers_done(&s->all);
}

static void what_was_trimmed_is_left_alone(void **state)
{
    struct stock *s = start();
    (void)state;
    gw_buffers_begin_trim(&s->all);
    while (gw_buffers_trim(&s->all))
        ;
    use(s, 3);
    s->all.free[0]->data[MIDDLE] = FULL; /* nobody has it: a mark */
    gw_buffers_begin_trim(&s->all);
    assert_false(gw_buffers_trim(&s->all));
    assert_int_equal(full(s), 1);
    gw_buffers_done(&s->all);
}

/* What is in use meanwhile keeps its contents, and what comes back is not for this time. */
static void it_ends_though_buffers_come_and_go(void **state)
{
    struct stock *s = start();
    unsigned turns = 0;
    (void)state;
    struct gw_buf *kept = gw_buffers_take(&s->all);
    gw_buffers_begin_trim(&s->all);
    do
        use(s, 2 * GW_TRIM_STEP);
    while (gw_buffers_trim(&s->all) && ++turns < 100);
    assert_in_range(turns, 0, MANY / GW_TRIM_STEP);
    assert_int_equal(kept->data[MIDDLE], FULL);
    gw_buffers_give(&s->all, kept);
    gw_buffers_done(&s->all);
}

/* ---- slots ---- */

static size_t wire_bytes(const struct iovec *slots)
{
    size_t bytes = 0;
    for (unsigned i = 0; i < GW_BUFFER_SLOTS; i++)
        bytes += slots[i].iov_len + GW_RECORD_SEAL_ROOM_FRONT + GW_RECORD_SEAL_ROOM_BACK;
    return bytes;
}

static void slots_fill_one_packet(void **state)
{
    static uint8_t data[GW_BUFFER_BYTES];
    struct iovec slots[GW_BUFFER_SLOTS];
    (void)state;
    gw_buffer_slots(data, GW_RECORD_PLAINTEXT_MAX, slots);
    assert_int_equal(wire_bytes(slots), GW_BURST_BYTES);
    for (unsigned i = 0; i < GW_BUFFER_SLOTS; i++) {
        assert_ptr_equal(slots[i].iov_base, gw_buffer_slot(data, i));
        assert_in_range(slots[i].iov_len, 1, GW_RECORD_PLAINTEXT_MAX);
    }
    assert_int_equal(slots[0].iov_len, GW_RECORD_PLAINTEXT_MAX);
}

/* A peer may want small records (RFC 8449): then all slots have the same. */
static void small_records_are_all_equal(void **state)
{
    static uint8_t data[GW_BUFFER_BYTES];
    struct iovec slots[GW_BUFFER_SLOTS];
    (void)state;
    gw_buffer_slots(data, 512, slots);
    for (unsigned i = 0; i < GW_BUFFER_SLOTS; i++)
        assert_int_equal(slots[i].iov_len, 512);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_fill_one_packet),
        cmocka_unit_test(small_records_are_all_equal),
        cmocka_unit_test(a_part_at_a_time),
        cmocka_unit_test(what_was_trimmed_is_left_alone),
        cmocka_unit_test(it_ends_though_buffers_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
