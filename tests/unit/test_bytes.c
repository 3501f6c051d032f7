/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/base/bytes: no read or write leaves its bounds, and the first error sticks. */
#include "gateway/base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void reads_big_endian(void **state)
{
    (void)state;
    static const uint8_t in[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18};
    struct gw_reader r = gw_reader_of(in, sizeof(in));
    assert_int_equal(gw_read_u8(&r), 0x01);
    assert_int_equal(gw_read_u16(&r), 0x0203);
    assert_int_equal(gw_read_u24(&r), 0x040506);
    assert_int_equal(gw_read_u32(&r), 0x0708090a);
    assert_int_equal(gw_reader_left(&r), 8);
    assert_true(gw_read_be(&r, 8) == UINT64_C(0x0b0c0d0e0f101112));
    assert_int_equal(gw_reader_left(&r), 0);
    assert_false(r.failed);
}

static void read_past_the_end_sticks(void **state)
{
    (void)state;
    static const uint8_t in[] = {0xff, 0xff, 0xff};
    struct gw_reader r = gw_reader_of(in, sizeof(in));
    assert_int_equal(gw_read_u32(&r), 0);
    assert_true(r.failed);
    assert_int_equal(gw_reader_left(&r), 0);
    assert_int_equal(gw_read_u8(&r), 0); /* one byte would be there */
    assert_null(gw_read_span(&r, 0));
    struct gw_reader sub = gw_read_sub(&r, 1);
    assert_true(sub.failed);
    assert_int_equal(gw_reader_left(&sub), 0);
}

static void span_of_huge_length_fails(void **state)
{
    (void)state;
    static const uint8_t in[4] = {0};
    struct gw_reader r = gw_reader_of(in, sizeof(in));
    assert_null(gw_read_span(&r, SIZE_MAX));
    assert_true(r.failed);
}

static void sub_reader_ends_where_told(void **state)
{
    (void)state;
    static const uint8_t in[] = {1, 2, 3, 4};
    struct gw_reader r = gw_reader_of(in, sizeof(in));
    struct gw_reader sub = gw_read_sub(&r, 2);
    assert_int_equal(gw_read_u16(&sub), 0x0102);
    assert_int_equal(gw_read_u8(&sub), 0);
    assert_true(sub.failed);
    assert_false(r.failed); /* the outer reader continues */
    assert_int_equal(gw_read_u16(&r), 0x0304);
}

static void nothing_at_all_is_readable(void **state)
{
    (void)state;
    struct gw_reader r = gw_reader_of(NULL, 0);
    assert_int_equal(gw_reader_left(&r), 0);
    struct gw_reader sub = gw_read_sub(&r, 0);
    assert_false(sub.failed);
    assert_false(r.failed);
    assert_int_equal(gw_read_u8(&sub), 0);
    assert_true(sub.failed);
}

static void writes_big_endian(void **state)
{
    (void)state;
    static const uint8_t want[] = {0x16, 0x03, 0x03, 1, 2, 3, 4, 5, 6, 7, 8, 'h', 'i'};
    uint8_t out[sizeof(want)];
    struct gw_writer w = gw_writer_of(out, sizeof(out));
    gw_write_be(&w, 0x16, 1);
    gw_write_be(&w, 0x0303, 2);
    gw_write_be(&w, UINT64_C(0x0102030405060708), 8);
    gw_write_bytes(&w, "hi", 2);
    assert_false(w.failed);
    assert_int_equal(gw_writer_len(&w), sizeof(want));
    assert_memory_equal(out, want, sizeof(want));
}

static void write_past_the_end_sticks(void **state)
{
    (void)state;
    uint8_t out[4] = {0, 0, 0xee, 0xee};
    struct gw_writer w = gw_writer_of(out, 2);
    gw_write_be(&w, 0x010203, 3);
    assert_true(w.failed);
    gw_write_be(&w, 1, 1); /* would fit */
    assert_int_equal(gw_writer_len(&w), 0);
    assert_int_equal(out[0], 0);
    assert_int_equal(out[2], 0xee);
}

static void number_too_wide_fails(void **state)
{
    (void)state;
    for (size_t width = 1; width < 8; width++) {
        uint8_t out[8];
        struct gw_writer w = gw_writer_of(out, sizeof(out));
        gw_write_be(&w, (UINT64_C(1) << (8 * width)) - 1, width);
        assert_false(w.failed);
        gw_write_be(&w, UINT64_C(1) << (8 * width), width);
        assert_true(w.failed);
        assert_int_equal(gw_writer_len(&w), width);
    }
}

static void writer_without_room_takes_nothing(void **state)
{
    (void)state;
    struct gw_writer w = gw_writer_of(NULL, 0);
    gw_write_bytes(&w, "", 0);
    assert_false(w.failed);
    gw_write_be(&w, 0, 1);
    assert_true(w.failed);
}

/* Random cuts of random lengths against plain arithmetic; the block is exactly as long as said, so
 * that the address sanitizer sees a read that leaves it. */
static void random_reads_stay_inside(void **state)
{
    (void)state;
    srandom(7);
    for (int round = 0; round < 2000; round++) {
        size_t len = (size_t)random() % 64;
        uint8_t *data = malloc(len ? len : 1);
        assert_non_null(data);
        memset(data, 0x5a, len);
        struct gw_reader r = gw_reader_of(data, len);
        size_t at = 0;
        while (!r.failed) {
            size_t want = (size_t)random() % 12;
            const uint8_t *p = gw_read_span(&r, want);
            assert_int_equal(p == NULL, want > len - at);
            if (p) {
                assert_ptr_equal(p, data + at);
                at += want;
            }
        }
        free(data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_big_endian),
        cmocka_unit_test(read_past_the_end_sticks),
        cmocka_unit_test(span_of_huge_length_fails),
        cmocka_unit_test(sub_reader_ends_where_told),
        cmocka_unit_test(nothing_at_all_is_readable),
        cmocka_unit_test(writes_big_endian),
        cmocka_unit_test(write_past_the_end_sticks),
        cmocka_unit_test(number_too_wide_fails),
        cmocka_unit_test(writer_without_room_takes_nothing),
        cmocka_unit_test(random_reads_stay_inside),
    };
    return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
