/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/record/measure.h"

#include "gateway/base/clock.h"
#include "gateway/ktls/pair.h"
#include "gateway/record/turns.h"
#include "gateway/ring/buffer.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    ROUND_RECORDS = 8,
    ROUND_BYTES = ROUND_RECORDS * GW_RECORD_PLAINTEXT_MAX,
    SPLICE_RECORDS_PER_FILL = 32,
    ROOM = 2 * ROUND_BYTES, /* the socket's buffer, which holds a whole round */
    WIRE_BYTES = ROUND_RECORDS * (GW_RECORD_PLAINTEXT_MAX + KTLS_SOFT_OVERHEAD),
    BYTES_PER_GIB = 1 << 30,
    STUCK_MS = 5,
};

#define ROUND_LIMIT_NS (2 * GW_NS_PER_SEC) /* a round takes less than a millisecond */
#define CLOCK_TRIAL_NS (GW_NS_PER_MS / 5)

_Static_assert((int)GW_BUFFER_SLOTS <= (int)GW_LANE_IOVS, "a list holds the records of a buffer");

/* Memory that the benches of a flow share, as only one runs at a time: so a round does not find the
 * caches filled with another bench's buffers. Between rounds only the pattern is kept. */
struct bytes {
    uint8_t pattern[ROUND_BYTES];
    uint8_t wire[WIRE_BYTES];
    uint8_t drained[2 * (GW_RECORD_PLAINTEXT_MAX + KTLS_SOFT_OVERHEAD)];
    uint8_t plaintext[GW_RECORD_PLAINTEXT_MAX + KTLS_SOFT_OVERHEAD];
    uint8_t buffer[GW_BUFFER_BYTES];
};

/* The lane and its surroundings: one end feeds, the other drains. */
struct bench {
    struct ktls_pair tls; /* its far end is the lane's */
    struct ktls_pair plain;
    struct gw_lane lane;
    gw_lane_step *step;
    struct gw_pipes pipes;
    struct bytes *bytes;
    int feed_fd;
    int drain_fd;
    int64_t round_until_ns;
    clockid_t clock;     /* the clock that times rounds */
    size_t fed, to_feed; /* bytes of wire */
    size_t came;         /* correct payload bytes of this round */
    size_t part;         /* bytes of an incomplete record in `drained` */
};

/* ---- the timed part: one step of the relay ---- */

static int send_out(struct gw_lane *lane)
{
    while (lane->out_at < lane->out_count) {
        struct iovec *at = &lane->out[lane->out_at];
        const struct msghdr msg = {.msg_iov = at, .msg_iovlen = lane->out_count - lane->out_at};
        ssize_t n = sendmsg(lane->to, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0)
            return -errno;
        size_t sent = (size_t)n;
        for (; sent > 0 && sent >= at->iov_len; at++, lane->out_at++)
            sent -= at->iov_len;
        if (sent > 0) {
            at->iov_base = (uint8_t *)at->iov_base + sent;
            at->iov_len -= sent;
        }
    }
    lane->out_at = lane->out_count = 0;
    return 0;
}

static void add_out(struct gw_lane *lane, void *data, size_t len)
{
    lane->out[lane->out_count++] = (struct iovec){.iov_base = data, .iov_len = len};
}

static int received(ssize_t n)
{
    return n > 0 ? 0 : n == 0 ? -ECONNRESET : -errno;
}

static int copy_kernel(struct gw_lane *lane)
{
    uint8_t *at = lane->buffer + GW_BUFFER_FRONT;
    ssize_t n = recv(lane->from, at, GW_BUFFER_PAYLOAD, MSG_DONTWAIT);
    int r = received(n);
    if (!r)
        add_out(lane, at, (size_t)n);
    return r;
}

/* Like rx.c, appends the rest of a record to its beginning. */
static int copy_user_rx(struct gw_lane *lane)
{
    size_t have = lane->filled - lane->begun;
    size_t at = have ? 0 : GW_BUFFER_FRONT;
    memmove(lane->buffer + at, lane->buffer + lane->begun, have);
    lane->begun = at;
    lane->filled = at + have;
    ssize_t n =
        recv(lane->from, lane->buffer + lane->filled, GW_BUFFER_BYTES - lane->filled, MSG_DONTWAIT);
    int r = received(n);
    if (r)
        return r;
    lane->filled += (size_t)n;
    while (lane->out_count < GW_LANE_IOVS) {
        struct gw_opened o;
        enum gw_open_verdict verdict =
            gw_record_open(&lane->rec, lane->buffer + lane->begun, lane->filled - lane->begun, &o);
        if (verdict == GW_OPEN_FAILED)
            return -EBADMSG;
        if (verdict == GW_OPEN_PARTIAL)
            break;
        lane->begun += o.consumed;
        add_out(lane, o.payload, o.payload_len);
    }
    return 0;
}

/* Like tx.c, reads several slots at once and seals each in place. */
static int copy_user_tx(struct gw_lane *lane)
{
    struct iovec slots[GW_BUFFER_SLOTS];
    gw_buffer_slots(lane->buffer, GW_RECORD_PLAINTEXT_MAX, slots);
    struct msghdr msg = {.msg_iov = slots, .msg_iovlen = GW_BUFFER_SLOTS};
    ssize_t n = recvmsg(lane->from, &msg, MSG_DONTWAIT);
    int r = received(n);
    size_t left = r ? 0 : (size_t)n;
    for (size_t i = 0; left > 0 && !r; i++) {
        uint8_t *start;
        size_t size, len = GW_MIN(left, (size_t)GW_RECORD_PLAINTEXT_MAX);
        r = gw_record_seal(&lane->rec, GW_CONTENT_DATA, slots[i].iov_base, len, &start, &size);
        if (!r)
            add_out(lane, start, size);
        left -= len;
    }
    return r;
}

static int empty_pipe(struct gw_lane *lane)
{
    int r = 0;
    while (lane->pipe->bytes > 0 && r >= 0)
        r = gw_pipe_empty(lane->pipe, lane->to);
    return GW_MIN(r, 0);
}

/* Like splice.c. */
static int splice_kernel(struct gw_lane *lane)
{
    unsigned fills = lane->flow == GW_FLOW_RX ? lane->records_per_fill : 1;
    int r = empty_pipe(lane);
    if (r)
        return r;
    do
        r = gw_pipe_fill(lane->pipe, lane->from, GW_PIPE_BYTES);
    while (r > 0 && --fills > 0 && lane->pipe->bytes < GW_PIPE_BYTES);
    if (lane->pipe->bytes == 0)
        return r == 0 ? -ECONNRESET : r;
    return empty_pipe(lane);
}

static int step_of_gateway(struct gw_lane *lane)
{
    if (lane->way == GW_WAY_SPLICE)
        return splice_kernel(lane);
    int r = send_out(lane);
    if (r)
        return r;
    if (lane->way == GW_WAY_COPY)
        r = copy_kernel(lane);
    else
        r = lane->flow == GW_FLOW_RX ? copy_user_rx(lane) : copy_user_tx(lane);
    return r ? r : send_out(lane);
}

/* ---- the untimed part ---- */

static int make_wire(struct bench *b)
{
    b->fed = b->to_feed = 0;
    if (b->lane.flow == GW_FLOW_TX) {
        memcpy(b->bytes->wire, b->bytes->pattern, ROUND_BYTES);
        b->to_feed = ROUND_BYTES;
        return 0;
    }
    for (size_t i = 0; i < ROUND_RECORDS; i++) {
        int n = ktls_soft_seal(&b->tls.to_far, GW_CONTENT_DATA,
                               b->bytes->pattern + i * GW_RECORD_PLAINTEXT_MAX,
                               GW_RECORD_PLAINTEXT_MAX, 0, b->bytes->wire + b->to_feed);
        if (n < 0)
            return n;
        b->to_feed += (size_t)n;
    }
    return 0;
}

static int feed(struct bench *b)
{
    while (b->fed < b->to_feed) {
        ssize_t n = send(b->feed_fd, b->bytes->wire + b->fed, b->to_feed - b->fed,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN ? 0 : -errno;
        b->fed += (size_t)n;
    }
    return 0;
}

static int came_out(struct bench *b, const uint8_t *data, size_t len)
{
    if (len > ROUND_BYTES - b->came || memcmp(data, b->bytes->pattern + b->came, len) != 0)
        return -EBADMSG;
    b->came += len;
    return 0;
}

/* Opens the whole records among the drained bytes and moves the rest to the start. */
static int open_drained(struct bench *b)
{
    size_t at = 0;
    while (b->part - at >= KTLS_SOFT_HEADER_LEN) {
        const uint8_t *record = b->bytes->drained + at;
        size_t len = KTLS_SOFT_HEADER_LEN + ((size_t)record[3] << 8 | record[4]);
        if (len > sizeof(b->bytes->plaintext))
            return -EBADMSG;
        if (len > b->part - at)
            break;
        uint8_t type = 0;
        int n = ktls_soft_open(&b->tls.from_far, record, len, &type, b->bytes->plaintext);
        if (n < 0)
            return n;
        int r = type == GW_CONTENT_DATA ? came_out(b, b->bytes->plaintext, (size_t)n) : -EBADMSG;
        if (r)
            return r;
        at += len;
    }
    b->part -= at;
    memmove(b->bytes->drained, b->bytes->drained + at, b->part);
    return 0;
}

static int drain(struct bench *b)
{
    for (;;) {
        ssize_t n = recv(b->drain_fd, b->bytes->drained + b->part,
                         sizeof(b->bytes->drained) - b->part, MSG_DONTWAIT);
        if (n <= 0)
            return n < 0 && errno == EAGAIN ? 0 : received(n);
        int r = 0;
        if (b->lane.flow == GW_FLOW_TX) {
            b->part += (size_t)n;
            r = open_drained(b);
        } else {
            r = came_out(b, b->bytes->drained, (size_t)n);
        }
        if (r)
            return r;
    }
}

static int64_t read_clock(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * GW_NS_PER_SEC + t.tv_nsec;
}

/* The thread's clock, unless this kernel advances it in ticks only (as user-mode-linux does). Then
 * the wall clock: the best of many rounds is one without interruption
 * (kernel-notes/thread-clock-ticks.md). */
static clockid_t choose_clock(void)
{
    for (int i = 0; i < 3; i++) {
        int64_t wall_ns = gw_clock_ns(), ns = read_clock(CLOCK_THREAD_CPUTIME_ID), elapsed_ns;
        do
            elapsed_ns = gw_clock_ns() - wall_ns;
        while (elapsed_ns < CLOCK_TRIAL_NS);
        ns = read_clock(CLOCK_THREAD_CPUTIME_ID) - ns;
        if (ns <= 0 || ns > 2 * elapsed_ns)
            return CLOCK_MONOTONIC;
    }
    return CLOCK_THREAD_CPUTIME_ID;
}

/* Loopback usually delivers before the send returns, but does not guarantee it. */
static int await_progress(const struct bench *b)
{
    struct pollfd p[2] = {{.fd = b->lane.from, .events = POLLIN},
                          {.fd = b->drain_fd, .events = POLLIN}};
    (void)poll(p, 2, STUCK_MS);
    return gw_clock_ns() < b->round_until_ns ? 0 : -ETIMEDOUT;
}

/* Runs one round, from feeding to its last byte out. Returns the time of the relay's steps. */
static int run_round(void *arg, int64_t *ret_ns)
{
    struct bench *b = arg;
    int64_t ns = 0;
    int r = make_wire(b);
    b->came = b->part = 0;
    b->round_until_ns = gw_clock_ns() + ROUND_LIMIT_NS;
    while (!r && b->came < ROUND_BYTES) {
        size_t before = b->came;
        r = feed(b);
        if (r)
            break;
        int64_t began_ns = read_clock(b->clock);
        do
            r = b->step(&b->lane);
        while (r == 0);
        ns += read_clock(b->clock) - began_ns;
        if (r == -EAGAIN)
            r = drain(b);
        if (!r && b->came == before)
            r = await_progress(b);
    }
    *ret_ns = ns;
    return r;
}

/* ---- set-up ---- */

/* Like rx.c, continues if the kernel refuses. */
static int start_kernel_records(struct bench *b, const struct ktls_suite *suite,
                                const struct ktls_probe *probe)
{
    bool rx = b->lane.flow == GW_FLOW_RX;
    int r = ktls_pair_start(&b->tls, suite, rx ? KTLS_RX : KTLS_TX);
    if (!r && rx && suite->version == KTLS_TLS_1_3 && probe->no_pad.works)
        (void)ktls_expect_unpadded(b->tls.far);
    return r;
}

static int start_user_records(struct bench *b, const struct ktls_suite *suite)
{
    int r = gw_aead_init();
    if (!r)
        r = ktls_pair_derive(&b->tls, suite);
    struct gw_handover_keys keys = {
        .role = GW_ROLE_SERVER,
        .tx = b->tls.from_far,
        .rx = b->tls.to_far,
    };
    return r ? r : gw_record_init(&b->lane.rec, &keys);
}

static int take_pipe(struct bench *b)
{
    if (b->lane.way != GW_WAY_SPLICE)
        return 0;
    gw_pipes_init(&b->pipes, 1);
    errno = 0;
    b->lane.pipe = gw_pipes_take(&b->pipes);
    if (b->lane.pipe)
        return 0;
    return errno ? -errno : -ENOBUFS; /* the socket did not get its size */
}

static void make_room(const struct bench *b)
{
    const int room = ROOM;
    const int fds[2] = {b->lane.from, b->drain_fd};
    for (size_t i = 0; i < GW_ARRAY_SIZE(fds); i++)
        (void)setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
}

static int set_up(struct bench *b, const struct ktls_suite *suite, const struct ktls_probe *probe)
{
    bool rx = b->lane.flow == GW_FLOW_RX;
    int r = ktls_pair_connect(&b->tls);
    if (!r)
        r = ktls_pair_connect(&b->plain);
    if (!r)
        r = b->lane.way == GW_WAY_USER ? start_user_records(b, suite)
                                       : start_kernel_records(b, suite, probe);
    if (!r)
        r = take_pipe(b);
    b->feed_fd = rx ? b->tls.near : b->plain.near;
    b->lane.from = rx ? b->tls.far : b->plain.far;
    b->lane.to = rx ? b->plain.far : b->tls.far;
    b->drain_fd = rx ? b->plain.near : b->tls.near;
    make_room(b);
    return r;
}

static void tear_down(struct bench *b)
{
    gw_record_done(&b->lane.rec);
    gw_pipes_done(&b->pipes);
    ktls_pair_close(&b->tls);
    ktls_pair_close(&b->plain);
}

static void begin(struct bench *b, struct bytes *bytes, enum gw_flow flow, enum gw_way way)
{
    b->tls.near = b->tls.far = b->plain.near = b->plain.far = -1;
    b->bytes = bytes;
    b->step = step_of_gateway;
    b->lane.flow = flow;
    b->lane.way = way;
    b->lane.buffer = bytes->buffer;
}

/* ---- the ways of one flow ---- */

/* Everything that one flow is measured with. */
struct stage {
    struct bytes bytes;
    struct bench benches[GW_WAY_COUNT];
    struct gw_contender contenders[GW_WAY_COUNT]; /* by way; those not requested have an error */
};

static struct gw_figure figure_of(const struct gw_contender *c)
{
    int error = !c->error && c->best_ns <= 0 ? -ERANGE : c->error; /* the clock stood still */
    if (error)
        return (struct gw_figure){.error = -error};
    return (struct gw_figure){.ns_per_gib = (uint64_t)c->best_ns * (BYTES_PER_GIB / ROUND_BYTES)};
}

static void prepare(struct stage *s, const struct ktls_suite *suite, enum gw_flow flow,
                    unsigned ways, const struct ktls_probe *probe, gw_lane_step *const *steps)
{
    clockid_t clock = choose_clock();
    for (size_t i = 0; i < ROUND_BYTES; i++)
        s->bytes.pattern[i] = (uint8_t)((uint32_t)i * UINT32_C(2654435761) >> 24);
    for (unsigned way = 0; way < GW_WAY_COUNT; way++) {
        struct bench *b = &s->benches[way];
        begin(b, &s->bytes, flow, (enum gw_way)way);
        b->clock = clock;
        b->lane.records_per_fill = probe->splice_full.works ? SPLICE_RECORDS_PER_FILL : 1;
        if (steps && steps[way])
            b->step = steps[way];
        s->contenders[way] = (struct gw_contender){
            .run = run_round,
            .arg = b,
            .error = ways & 1U << way ? set_up(b, suite, probe) : -ECANCELED,
        };
    }
}

static void clear_away(struct stage *s)
{
    for (unsigned way = 0; s && way < GW_WAY_COUNT; way++)
        tear_down(&s->benches[way]);
    free(s);
}

void gw_measure_flow(const struct ktls_suite *suite, enum gw_flow flow, unsigned ways,
                     const struct ktls_probe *probe, int64_t budget_ns, gw_lane_step *const *steps,
                     struct gw_figure ret[GW_WAY_COUNT])
{
    unsigned running = 0;
    struct stage *s = calloc(1, sizeof(*s));
    if (s)
        prepare(s, suite, flow, ways, probe, steps);
    for (unsigned way = 0; s && way < GW_WAY_COUNT; way++)
        running += !s->contenders[way].error;
    if (s)
        gw_turns_take(s->contenders, GW_WAY_COUNT, running * budget_ns, gw_clock_ns);
    for (unsigned way = 0; way < GW_WAY_COUNT; way++)
        if (ways & 1U << way)
            ret[way] = s ? figure_of(&s->contenders[way]) : (struct gw_figure){.error = ENOMEM};
    clear_away(s);
}

/* ---- all flows ---- */

static const struct ktls_suite *suite_of(unsigned version, enum ktls_cipher cipher)
{
    const struct ktls_suite *suite;
    for (size_t i = 0; (suite = ktls_suite_at(i)); i++)
        if (suite->cipher == cipher && (suite->version == KTLS_TLS_1_3) == version)
            return suite;
    return NULL;
}

/* The first requirement of a way that the self-test found missing. NULL: all work. */
static const struct ktls_trial *missing(const struct ktls_probe *probe, enum ktls_cipher cipher,
                                        unsigned version, enum gw_flow flow, enum gw_way way)
{
    bool rx = flow == GW_FLOW_RX;
    const struct ktls_trial *needs[] = {
        &probe->attach,
        rx ? &probe->rx[version][cipher] : &probe->tx[version][cipher],
        rx ? &probe->splice : &probe->splice_tx,
    };
    size_t count = way == GW_WAY_USER ? 0 : way == GW_WAY_COPY ? 2 : 3;
    for (size_t i = 0; i < count; i++)
        if (!needs[i]->works)
            return needs[i];
    return NULL;
}

/* The ways of `ways` that can be measured. The others get the self-test's errno. */
static unsigned ways_that_work(const struct ktls_probe *probe, enum ktls_cipher cipher,
                               unsigned version, enum gw_flow flow, unsigned ways,
                               struct gw_figure ret[GW_WAY_COUNT])
{
    for (unsigned way = 0; way < GW_WAY_COUNT; way++) {
        const struct ktls_trial *trial = missing(probe, cipher, version, flow, (enum gw_way)way);
        if (!trial || !(ways & 1U << way))
            continue;
        ret[way] = (struct gw_figure){.error = trial->error};
        ways &= ~(1U << way);
    }
    return ways;
}

void gw_measure_all(enum ktls_cipher cipher, const struct ktls_probe *probe, unsigned ways,
                    int64_t budget_ns, struct gw_figures *ret)
{
    memset(ret, 0, sizeof(*ret));
    for (unsigned v = 0; v < GW_VERSIONS; v++) {
        const struct ktls_suite *suite = suite_of(v, cipher);
        for (unsigned flow = 0; flow < GW_FLOW_COUNT && suite; flow++) {
            struct gw_figure *at = ret->at[v][flow];
            unsigned these = ways_that_work(probe, cipher, v, (enum gw_flow)flow, ways, at);
            if (these)
                gw_measure_flow(suite, (enum gw_flow)flow, these, probe, budget_ns, NULL, at);
        }
    }
}
