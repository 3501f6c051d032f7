/* SPDX-License-Identifier: Apache-2.0 */
/* bench/flood: its packets never leave the ranges for benchmarks, whatever comes back, and it sends
 * in an arena alone. What each kind looks like is in tests/integration/test_bench_flood.py. */
#include "bench/flood/packet.h"
#include "bench/flood/sender.h"

#include <net/ethernet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum {
    V4_SOURCE = 26,
    V6_SOURCE = 22,
    V4_TCP = 34,
    V6_TCP = 54,
    HOSTILE_FRAMES = 20000,
};

static const struct bench_arena_plan plan = {
    .spaces = 2, .links = 1, .link = {{.name = "flood", .near = 0, .far = 1, .rest = true}}};

static struct bench_arena_link link_;
static struct gw_error err;

static struct bench_flood flood_of(int kind, const char *sources)
{
    const char *why;
    struct bench_flood flood = {
        .kind = kind, .port = 443, .rate = 1000, .size = 64, .seed = 1, .secs = 1};
    assert_int_equal(gw_net_read(sources, &flood.sources, &why), 0);
    return flood;
}

static struct bench_packets *packets_of(int kind, const char *sources)
{
    const struct bench_flood flood = flood_of(kind, sources);
    struct bench_packets *p = bench_packets_new(&flood, &link_);
    assert_non_null(p);
    return p;
}

static const char *const families[] = {"198.18.0.0/15", "2001:2::/48"};

static void each_kind_has_shapes_of_both_families(void **state gw_unused)
{
    for (int kind = 0; kind < BENCH_FLOOD_KINDS; kind++) {
        unsigned seen = 0;
        for (unsigned i = 0; i < bench_shapes_count; i++)
            if ((int)bench_shapes[i].kind == kind)
                seen |= bench_shapes[i].families;
        assert_int_equal(seen, BENCH_V4_V6);
        assert_non_null(bench_flood_kind_words[kind]);
        assert_non_null(bench_flood_kind_about((enum bench_flood_kind)kind));
    }
    assert_null(bench_flood_kind_words[BENCH_FLOOD_KINDS]);
}

static void names_of_shapes_are_unique(void **state gw_unused)
{
    for (unsigned i = 0; i < bench_shapes_count; i++)
        for (unsigned j = 0; j < i; j++)
            if (bench_shapes[i].kind == bench_shapes[j].kind &&
                bench_shapes[i].families & bench_shapes[j].families)
                assert_string_not_equal(bench_shapes[i].name, bench_shapes[j].name);
}

/* All that stands where addresses do, in thousands of frames of each kind. */
static void no_packet_leaves_the_ranges(void **state gw_unused)
{
    uint8_t frame[BENCH_FRAME_MAX];
    for (int kind = 0; kind < BENCH_FLOOD_KINDS; kind++) {
        for (unsigned f = 0; f < GW_ARRAY_SIZE(families); f++) {
            struct bench_packets *p = packets_of(kind, families[f]);
            size_t len = f ? 16 : 4;
            const uint8_t *source = frame + (f ? V6_SOURCE : V4_SOURCE);
            for (unsigned i = 0; i < 3000; i++) {
                assert_in_range(bench_packets_next(p, frame), ETHER_HDR_LEN + len, sizeof(frame));
                assert_true(bench_flood_may_use(source, len));
                assert_memory_equal(source + len, f ? link_.near.v6 : link_.near.v4, len);
            }
            bench_packets_free(p);
        }
    }
}

static void other_ranges_are_refused(void **state gw_unused)
{
    static const char *const bad[] = {
        "198.17.255.0/24", "198.20.0.0/16", "198.16.0.0/14", "10.0.0.0/8",
        "127.0.0.1",       "0.0.0.0/0",     "2001:2::/47",   "2001:2:1::/48",
        "2001:db8::/32",   "::1",           "::/0",          "fe80::/10"};
    static const char *const good[] = {"198.18.0.0/15", "198.19.255.255", "2001:2::/48",
                                       "2001:2:0:ffff::1"};
    for (size_t i = 0; i < GW_ARRAY_SIZE(bad); i++) {
        const struct bench_flood flood = flood_of(BENCH_FLOOD_SYN, bad[i]);
        if (!bench_flood_check(&flood, &err))
            fail_msg("%s is accepted", bad[i]);
    }
    for (size_t i = 0; i < GW_ARRAY_SIZE(good); i++) {
        const struct bench_flood flood = flood_of(BENCH_FLOOD_SYN, good[i]);
        if (bench_flood_check(&flood, &err))
            fail_msg("%s: %s", good[i], err.text);
    }
}

static void all_is_bounded(void **state gw_unused)
{
    const struct bench_flood good = flood_of(BENCH_FLOOD_SYN, families[0]);
    struct bench_flood bad[] = {good, good, good, good, good, good};
    bad[0].rate = 0;
    bad[1].rate = BENCH_FLOOD_RATE_MAX + 1;
    bad[2].secs = 0;
    bad[3].secs = BENCH_FLOOD_SECONDS_MAX + 1;
    bad[4].size = BENCH_FLOOD_SIZE_MIN - 1;
    bad[5].size = BENCH_FLOOD_SIZE_MAX + 1;
    assert_int_equal(bench_flood_check(&good, &err), 0);
    for (size_t i = 0; i < GW_ARRAY_SIZE(bad); i++)
        assert_int_not_equal(bench_flood_check(&bad[i], &err), 0);
    assert_int_equal(bench_flood_packets(&good), 1000);
    bad[0] = good;
    bad[0].count = 7;
    assert_int_equal(bench_flood_packets(&bad[0]), 7);
    bad[0].count = 7000000;
    assert_int_equal(bench_flood_packets(&bad[0]), 1000);
}

/* ---- answers ---- */

static void swap(uint8_t *a, uint8_t *b, size_t len)
{
    uint8_t kept[16];
    memcpy(kept, a, len);
    memcpy(a, b, len);
    memcpy(b, kept, len);
}

/* What a target says to a SYN, in its place. */
static void make_syn_ack(uint8_t *frame, bool v6)
{
    uint8_t *addresses = frame + (v6 ? V6_SOURCE : V4_SOURCE);
    uint8_t *tcp = frame + (v6 ? V6_TCP : V4_TCP);
    uint32_t seq;
    swap(addresses, addresses + (v6 ? 16 : 4), v6 ? 16 : 4);
    swap(tcp, tcp + 2, 2);
    memcpy(&seq, tcp + 4, 4);
    seq = htobe32(be32toh(seq) + 1);
    memcpy(tcp + 8, &seq, 4);
    tcp[13] = 0x12;
}

static void syn_acks_to_ours_are_answered_and_nothing_else_is(void **state gw_unused)
{
    uint8_t frame[BENCH_FRAME_MAX], out[BENCH_FRAME_MAX];
    for (unsigned f = 0; f < GW_ARRAY_SIZE(families); f++) {
        struct bench_packets *p = packets_of(BENCH_FLOOD_HANDSHAKE_HALF_HELLO, families[f]);
        uint8_t *source = frame + (f ? V6_SOURCE : V4_SOURCE);
        uint8_t *tcp = frame + (f ? V6_TCP : V4_TCP);
        uint8_t *const touched[] = {&frame[12], &source[-1 - (f ? 1 : 2)], /* protocol */
                                    &source[3], &source[f ? 20 : 5],       /* both addresses */
                                    &tcp[1],    &tcp[3],                   /* both ports */
                                    &tcp[11],   &tcp[13]};                 /* its number, flags */
        size_t len = bench_packets_next(p, frame);
        assert_int_equal(bench_packets_answer(p, frame, len, out), 0);
        make_syn_ack(frame, f);
        assert_true(bench_packets_answer(p, frame, len, out) > len);
        for (size_t i = 0; i < GW_ARRAY_SIZE(touched); i++) {
            *touched[i] ^= 1;
            assert_int_equal(bench_packets_answer(p, frame, len, out), 0);
            *touched[i] ^= 1;
        }
        for (size_t cut = 0; cut < (f ? V6_TCP : V4_TCP) + 14U; cut++)
            assert_int_equal(bench_packets_answer(p, frame, cut, out), 0);
        bench_packets_free(p);
    }
}

/* Frames of chance, and good ones with bits of chance. */
static void whatever_comes_back_does_no_harm(void **state gw_unused)
{
    uint8_t frame[BENCH_FRAME_MAX], out[BENCH_FRAME_MAX];
    struct bench_random r = {.state = 1};
    for (unsigned f = 0; f < GW_ARRAY_SIZE(families); f++) {
        struct bench_packets *p = packets_of(BENCH_FLOOD_HANDSHAKE_GARBAGE, families[f]);
        for (unsigned i = 0; i < HOSTILE_FRAMES; i++) {
            size_t len = bench_packets_next(p, frame);
            make_syn_ack(frame, f);
            for (unsigned bits = 0; bits < 4; bits++)
                frame[bench_random_next(&r) % len] ^= (uint8_t)bench_random_next(&r);
            if (i % 4 == 0)
                bench_random_fill(&r, frame, len);
            assert_true(bench_packets_answer(p, frame, bench_random_next(&r) % (len + 1), out) <=
                        sizeof(out));
        }
        bench_packets_free(p);
    }
}

static void other_kinds_do_not_answer(void **state gw_unused)
{
    uint8_t frame[BENCH_FRAME_MAX], out[BENCH_FRAME_MAX];
    struct bench_packets *p = packets_of(BENCH_FLOOD_SYN, families[0]);
    size_t len = bench_packets_next(p, frame);
    make_syn_ack(frame, false);
    assert_int_equal(bench_packets_answer(p, frame, len, out), 0);
    bench_packets_free(p);
}

/* ---- where it sends ---- */

/* An arena that is nothing but the namespace we are in. */
static void it_sends_in_no_namespace_but_one_made_for_it(void **state gw_unused)
{
    const struct bench_flood flood = flood_of(BENCH_FLOOD_SYN, families[0]);
    struct bench_flood_counters counters = {0};
    struct bench_arena arena = {.made = true, .space_count = 2, .link_count = 1, .links = {link_}};
    arena.home = bench_space_here(&err);
    arena.spaces[0] = bench_space_here(&err);
    arena.spaces[1] = bench_space_here(&err);
    assert_int_not_equal(bench_flood_send(&flood, &arena, 0, &counters, &err), 0);
    assert_non_null(strstr(err.text, "made for it alone"));
    assert_int_equal(counters.packets, 0);
    bench_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_has_shapes_of_both_families),
        cmocka_unit_test(names_of_shapes_are_unique),
        cmocka_unit_test(no_packet_leaves_the_ranges),
        cmocka_unit_test(other_ranges_are_refused),
        cmocka_unit_test(all_is_bounded),
        cmocka_unit_test(syn_acks_to_ours_are_answered_and_nothing_else_is),
        cmocka_unit_test(whatever_comes_back_does_no_harm),
        cmocka_unit_test(other_kinds_do_not_answer),
        cmocka_unit_test(it_sends_in_no_namespace_but_one_made_for_it),
    };
    bench_arena_foresee(&plan, 0, &link_);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
