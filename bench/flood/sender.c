/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/flood/sender.h"

#include "bench/flood/packet.h"
#include "bench/flood/port.h"
#include "gateway/base/clock.h"

#include <errno.h>
#include <time.h>

_Static_assert((int)BENCH_FRAME_MAX == (int)BENCH_PORT_FRAME_MAX, "a frame is a frame");

/* A sender that was kept from its processor catches up with so much and forgets the rest. */
#define BACKLOG_NS (100 * GW_NS_PER_MS)
#define NAP_MIN_NS (20 * INT64_C(1000))
#define NAP_MAX_NS (5 * GW_NS_PER_MS)
#define NAP_ANSWERING_NS (200 * INT64_C(1000)) /* somebody may be waiting */
#define LAST_ANSWERS_NS (100 * GW_NS_PER_MS)

struct sender {
    const struct bench_flood *flood;
    struct bench_flood_counters *counters;
    struct bench_packets *packets;
    bool answers;
    int64_t began_ns;
    uint64_t total, sent, forgotten;
};

/* There is one writer: no locked addition. */
static void add(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

static size_t fill(void *arg, uint8_t out[BENCH_FRAME_MAX])
{
    return bench_packets_next(arg, out);
}

static size_t answer(void *arg, const uint8_t *frame, size_t len, uint8_t out[BENCH_FRAME_MAX])
{
    return bench_packets_answer(arg, frame, len, out);
}

/* ---- pace ---- */

static uint64_t in_time(uint64_t rate, int64_t ns)
{
    return (uint64_t)((unsigned __int128)rate * (uint64_t)ns / GW_NS_PER_SEC);
}

/* The number of packets that are due now; the first is due at once. */
static uint64_t due(struct sender *s, int64_t elapsed_ns)
{
    if (s->sent == s->total)
        return 0;
    uint64_t most = GW_MAX(in_time(s->flood->rate, BACKLOG_NS), UINT64_C(1));
    uint64_t wanted = 1 + in_time(s->flood->rate, elapsed_ns) - s->forgotten - s->sent;
    if (wanted > most) {
        s->forgotten += wanted - most;
        wanted = most;
    }
    return GW_MIN(wanted, s->total - s->sent);
}

/* Until the next is due. */
static void nap(const struct sender *s, int64_t elapsed_ns)
{
    int64_t next_ns =
        (int64_t)((unsigned __int128)(s->sent + s->forgotten) * GW_NS_PER_SEC / s->flood->rate);
    int64_t longest_ns = s->answers ? NAP_ANSWERING_NS : NAP_MAX_NS;
    int64_t ns = GW_MIN(GW_MAX(next_ns - elapsed_ns, NAP_MIN_NS), longest_ns);
    (void)nanosleep(&(const struct timespec){.tv_nsec = (long)ns}, NULL);
}

static void count(struct sender *s, struct bench_port_sent sent)
{
    add(&s->counters->packets, sent.frames);
    add(&s->counters->bytes, sent.bytes);
}

/* Sends what is due; false: nothing was. */
static bool step(struct sender *s, int64_t elapsed_ns)
{
    unsigned wanted = (unsigned)GW_MIN(due(s, elapsed_ns), (uint64_t)BENCH_PORT_BURST);
    struct bench_port_sent answered = {.frames = 0}, sent = {.frames = 0};
    if (s->answers)
        answered = bench_port_receive(answer, s->packets);
    if (wanted)
        sent = bench_port_send(fill, s->packets, wanted);
    s->sent += sent.frames;
    count(s, answered);
    count(s, sent);
    add(&s->counters->answers, answered.frames);
    add(&s->counters->full, (uint64_t)answered.full + sent.full);
    return wanted || answered.frames;
}

static int64_t elapsed(struct sender *s)
{
    int64_t ns = gw_clock_ns() - s->began_ns;
    atomic_store_explicit(&s->counters->ns, ns, memory_order_relaxed);
    return ns;
}

static void send_all(struct sender *s)
{
    int64_t ns = 0;
    s->began_ns = gw_clock_ns();
    atomic_store(&s->counters->sending, true);
    while (ns < (int64_t)s->flood->secs * GW_NS_PER_SEC && s->sent < s->total) {
        if (!step(s, ns))
            nap(s, ns);
        ns = elapsed(s);
        atomic_store_explicit(&s->counters->paced_ns, ns, memory_order_relaxed);
    }
}

/* What the last packets bring about. */
static void await_answers(struct sender *s)
{
    const int64_t until_ns = elapsed(s) + LAST_ANSWERS_NS;
    s->total = s->sent;
    while (elapsed(s) < until_ns)
        if (!step(s, 0))
            nap(s, 0);
}

/* ---- all of it ---- */

int bench_flood_send(const struct bench_flood *flood, const struct bench_arena *arena,
                     unsigned link, struct bench_flood_counters *counters, struct gw_error *err)
{
    gw_require(link < arena->link_count);
    const struct bench_arena_link *way = &arena->links[link];
    int r = bench_flood_check(flood, err);
    if (r)
        return r;
    if (!bench_arena_is_in(arena, way->far.space))
        return gw_error_set(err, GW_EXIT_OTHER,
                            "a flood is sent in a network namespace made for it alone, and this "
                            "process is in none");
    struct sender s = {
        .flood = flood,
        .counters = counters,
        .packets = bench_packets_new(flood, way),
        .answers = bench_flood_kind_answers((enum bench_flood_kind)flood->kind),
        .total = bench_flood_packets(flood),
    };
    if (!s.packets)
        return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    r = bench_port_open(way->far.name, err);
    if (!r) {
        send_all(&s);
        if (s.answers)
            await_answers(&s);
        bench_port_close();
    }
    bench_packets_free(s.packets);
    return r;
}
