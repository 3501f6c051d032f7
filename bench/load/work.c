/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/load/work.h"

#include "bench/load/http.h"
#include "bench/load/pattern.h"
#include "gateway/base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t size_of(const struct bench_conn *c)
{
    return c->thread->config->size;
}

static void unit_done(struct bench_conn *c, int64_t since_ns)
{
    bench_thread_time(c->thread, gw_clock_ns() - since_ns);
    bench_count(&c->thread->counts.units, 1);
}

/* Sends the next piece of a stream of `size` bytes, if there is one. */
static void send_pattern(struct bench_conn *c, uint64_t size)
{
    uint64_t n = GW_MIN(size - c->sent, (uint64_t)BENCH_PATTERN_RUN);
    if (n == 0)
        return;
    uint64_t at = c->sent;
    c->sent += n;
    bench_conn_send(c, bench_pattern_at(at), n);
}

static bool compare(struct bench_conn *c, uint64_t position, const uint8_t *data, size_t len)
{
    if (bench_pattern_matches(position, data, len))
        return true;
    bench_conn_fail(c,
                    "wrong bytes: what was received at %" PRIu64 " to %" PRIu64
                    " of the stream is not what was sent",
                    position, position + len);
    return false;
}

static bool nothing_expected(struct bench_conn *c, const uint8_t *data, size_t len)
{
    (void)c, (void)data, (void)len; /* a server may speak first */
    return true;
}

static void nothing_sent(struct bench_conn *c)
{
    (void)c;
}

/* ---- connections that wait for their next unit ---- */

static void rest(struct bench_conn *c)
{
    struct bench_thread *t = c->thread;
    t->idle_slots[t->idle_count++] = c->slot;
    c->waits = true;
}

static struct bench_conn *next_idle(struct bench_thread *t)
{
    while (t->idle_count > 0) {
        struct bench_conn *c = gw_pool_at(&t->pool, t->idle_slots[--t->idle_count]);
        if (c->waits && c->state == BENCH_CONN_OPEN) {
            c->waits = false;
            return c;
        }
    }
    return NULL;
}

void bench_work_go_on(struct bench_conn *c)
{
    if (bench_thread_take_unit(c->thread))
        c->thread->work->next(c);
    else
        rest(c);
}

void bench_work_wake(struct bench_thread *t)
{
    struct bench_conn *c;
    while (t->units_left > 0 && (c = next_idle(t)))
        bench_work_go_on(c);
}

/* ---- handshake ---- */

static void handshake_opened(struct bench_conn *c)
{
    bench_thread_time(c->thread, gw_clock_ns() - c->began_ns);
    bench_conn_close(c);
}

static void handshake_ended(struct bench_conn *c)
{
    bench_count(&c->thread->counts.units, 1);
}

static const struct bench_work handshake = {
    .unit = "handshake",
    .time = "connect and handshake",
    .replaces = true,
    .opened = handshake_opened,
    .received = nothing_expected,
    .sent = nothing_sent,
    .ended = handshake_ended,
};

/* ---- echo: latency, churn, bulk both ways ---- */

static void ask(struct bench_conn *c, int64_t due_ns)
{
    c->sent = c->received = 0;
    c->asked_ns = due_ns;
    c->since_ns = gw_clock_ns();
    send_pattern(c, size_of(c));
}

static void echo_sent(struct bench_conn *c)
{
    send_pattern(c, size_of(c));
}

/* Takes bytes of the echo; true when it is complete. */
static bool take_echo(struct bench_conn *c, const uint8_t *data, size_t len)
{
    if (len > c->sent - c->received) {
        bench_conn_fail(c, "the server sent more than was requested: is it an echo?");
        return false;
    }
    if (!compare(c, c->received, data, len))
        return false;
    c->received += len;
    return c->received == size_of(c);
}

static void closed_loop_next(struct bench_conn *c)
{
    ask(c, gw_clock_ns());
}

static bool closed_loop_received(struct bench_conn *c, const uint8_t *data, size_t len)
{
    if (take_echo(c, data, len)) {
        unit_done(c, c->asked_ns);
        bench_work_go_on(c);
    }
    return c->state != BENCH_CONN_GONE;
}

/* A request that waited so long at the end that it would show counts with that time; otherwise a
 * server that stands still would look as fast as before. */
static void waited(struct bench_thread *t, int64_t ns, uint64_t longest_ns, uint64_t times)
{
    if (ns > 0 && (uint64_t)ns > longest_ns)
        bench_histogram_add(t->times, ns, times);
}

static void asked_and_waited(struct bench_thread *t, int64_t now, uint64_t longest_ns)
{
    bool exists = true;
    for (uint32_t slot = 0; exists; slot++) {
        struct bench_conn *c = bench_thread_conn(t, slot, &exists);
        if (!c || c->state != BENCH_CONN_OPEN || c->waits)
            continue;
        waited(t, now - c->asked_ns, longest_ns, 1);
        t->unanswered++;
    }
}

static void closed_loop_finish(struct bench_thread *t)
{
    asked_and_waited(t, gw_clock_ns(), t->times->max_ns);
}

static const struct bench_work closed_loop = {
    .unit = "request",
    .time = "request to answer",
    .opened = bench_work_go_on,
    .next = closed_loop_next,
    .received = closed_loop_received,
    .sent = echo_sent,
    .ended = nothing_sent,
    .finish = closed_loop_finish,
};

/* ---- at a given rate: latency, bulk in pieces ---- */

static bool open_loop_received(struct bench_conn *c, const uint8_t *data, size_t len)
{
    if (take_echo(c, data, len)) {
        unit_done(c, c->asked_ns);
        rest(c);
    }
    return c->state != BENCH_CONN_GONE;
}

/* What is due while all connections are busy waits, and its time counts from when it was due. */
static void open_loop_tick(struct bench_thread *t)
{
    int64_t now = gw_clock_ns();
    if (bench_thread_phase(t) == BENCH_RAMP) {
        t->due_ns = (double)now;
        return;
    }
    while (t->due_ns <= (double)now) {
        struct bench_conn *c = next_idle(t);
        if (!c)
            return;
        t->work->ask(c, (int64_t)t->due_ns);
        t->due_ns += (double)GW_NS_PER_SEC / t->rate;
    }
}

/* Those that no connection was free for, too: so many of them at a time that it takes no time. */
static void open_loop_finish(struct bench_thread *t)
{
    int64_t now = gw_clock_ns();
    uint64_t longest_ns = t->times->max_ns;
    double late_ns = (double)now - t->due_ns;
    double each_ns = (double)GW_NS_PER_SEC / t->rate;
    uint64_t count = late_ns >= 0 ? (uint64_t)(late_ns / each_ns) + 1 : 0;
    uint64_t step = count / 10000 + 1;
    asked_and_waited(t, now, longest_ns);
    for (uint64_t i = 0; i < count; i += step)
        waited(t, (int64_t)(late_ns - (double)i * each_ns), longest_ns, GW_MIN(step, count - i));
    t->unanswered += count;
}

static int64_t open_loop_wait_ns(const struct bench_thread *t)
{
    if (bench_thread_phase(t) == BENCH_RAMP || t->idle_count == 0)
        return -1;
    return GW_MAX((int64_t)t->due_ns - gw_clock_ns(), INT64_C(0));
}

static const struct bench_work open_loop = {
    .unit = "request",
    .time = "due to answer",
    .opened = rest,
    .received = open_loop_received,
    .sent = echo_sent,
    .ended = nothing_sent,
    .ask = ask,
    .tick = open_loop_tick,
    .wait_ns = open_loop_wait_ns,
    .finish = open_loop_finish,
};

/* ---- churn ---- */

static void churn_opened(struct bench_conn *c)
{
    ask(c, c->began_ns);
}

static bool churn_received(struct bench_conn *c, const uint8_t *data, size_t len)
{
    if (take_echo(c, data, len))
        bench_conn_close(c);
    return c->state != BENCH_CONN_GONE;
}

static void churn_ended(struct bench_conn *c)
{
    unit_done(c, c->asked_ns);
}

static const struct bench_work churn = {
    .unit = "connection",
    .time = "connect to closed",
    .replaces = true,
    .opened = churn_opened,
    .received = churn_received,
    .sent = echo_sent,
    .ended = churn_ended,
};

/* ---- idle ---- */

static void idle_opened(struct bench_conn *c)
{
    bench_count(&c->thread->counts.units, 1);
}

static const struct bench_work idle = {
    .unit = "connection",
    .rests = true,
    .opened = idle_opened,
    .received = nothing_expected,
    .sent = nothing_sent,
    .ended = nothing_sent,
};

/* ---- bulk ---- */

static void both_opened(struct bench_conn *c)
{
    send_pattern(c, UINT64_MAX);
}

static void both_sent(struct bench_conn *c)
{
    send_pattern(c, UINT64_MAX);
}

static bool both_received(struct bench_conn *c, const uint8_t *data, size_t len)
{
    if (len > c->sent - c->received) {
        bench_conn_fail(c, "the server sent more than it was sent: is it an echo?");
        return false;
    }
    c->received += len;
    return compare(c, c->received - len, data, len);
}

static const struct bench_work bulk_both = {
    .streams = true,
    .opened = both_opened,
    .received = both_received,
    .sent = both_sent,
    .ended = nothing_sent,
};

/* Sends the head of the next request. It is the same for all connections of a thread. */
static void request(struct bench_conn *c)
{
    struct bench_thread *t = c->thread;
    c->sent = c->received = 0;
    c->in_body = false;
    bench_conn_send(c, (const uint8_t *)t->head, strlen(t->head));
}

static bool is_expected(struct bench_conn *c, const uint8_t *head, size_t len)
{
    const struct bench_config *config = c->thread->config;
    if (bench_http_status(head, len) != 200)
        bench_conn_fail(c, "the server answered %.*s", (int)strcspn((const char *)head, "\r"),
                        head);
    else if (!bench_http_content_length(head, len, &c->body_left))
        bench_conn_fail(
            c, "the server's answer has no readable Content-Length; name a plain file with --path");
    else if (config->direction == BENCH_DOWN && !config->path && c->body_left != config->size)
        bench_conn_fail(c, "the server answered with %" PRIu64 " bytes instead of %" PRIu64,
                        c->body_left, config->size);
    else if (bench_http_has_line(head, len, "Connection: close"))
        bench_conn_fail(c, "the server accepts no more requests on a connection; raise its limit, "
                           "such as keepalive_requests of nginx");
    return c->state != BENCH_CONN_GONE;
}

static bool head_of_answer(struct bench_conn *c, const uint8_t *head, size_t len)
{
    if (!is_expected(c, head, len))
        return false;
    c->to_compare = bench_http_has_line(head, len, "Server: ktlsgate-bench");
    c->in_body = true;
    return true;
}

/* A head that comes in pieces is put together. How many of the bytes were taken; 0: failed. */
static size_t collect_head(struct bench_conn *c, const uint8_t *data, size_t len)
{
    if (!c->head)
        c->head = malloc(BENCH_HTTP_HEAD_MAX);
    if (!c->head || len > BENCH_HTTP_HEAD_MAX - c->head_len)
        len = c->head ? BENCH_HTTP_HEAD_MAX - c->head_len : 0;
    if (len == 0) {
        bench_conn_fail(c, "the head of the server's answer is too long");
        return 0;
    }
    memcpy(c->head + c->head_len, data, len);
    size_t before = c->head_len;
    size_t head = bench_http_head_len(c->head, before + len);
    c->head_len = head ? 0 : before + len;
    if (head == 0)
        return len;
    return head_of_answer(c, c->head, head) ? head - before : 0;
}

static size_t take_head(struct bench_conn *c, const uint8_t *data, size_t len)
{
    static const char version[] = "HTTP/1.";
    size_t head = c->head_len ? 0 : bench_http_head_len(data, len);
    if (c->head_len == 0 && memcmp(data, version, GW_MIN(len, sizeof(version) - 1)) != 0) {
        bench_conn_fail(c, "the server's answer is not HTTP");
        return 0;
    }
    if (head == 0)
        return collect_head(c, data, len);
    return head_of_answer(c, data, head) ? head : 0;
}

/* How many of the bytes were taken; all of them, or the body begins or ends there. 0: failed. */
static size_t take_answer(struct bench_conn *c, const uint8_t *data, size_t len)
{
    if (!c->in_body)
        return take_head(c, data, len);
    size_t n = (size_t)GW_MIN((uint64_t)len, c->body_left);
    if (c->to_compare && !compare(c, c->received, data, n))
        return 0;
    bench_count(&c->thread->counts.bytes_down, n);
    c->received += n;
    c->body_left -= n;
    return n;
}

static void answered(struct bench_conn *c)
{
    const struct bench_config *config = c->thread->config;
    if (config->direction == BENCH_UP && c->sent < config->size) {
        bench_conn_fail(c, "the server answered before it had all that was sent to it");
        return;
    }
    if (config->rate) {
        unit_done(c, c->asked_ns);
        rest(c);
        return;
    }
    bench_count(&c->thread->counts.units, 1);
    bench_work_go_on(c);
}

static void request_due(struct bench_conn *c, int64_t due_ns)
{
    c->asked_ns = due_ns;
    c->since_ns = gw_clock_ns();
    request(c);
}

static bool bulk_received(struct bench_conn *c, const uint8_t *data, size_t len)
{
    while (len > 0) {
        size_t n = take_answer(c, data, len);
        if (n == 0)
            return false;
        data += n;
        len -= n;
        if (c->in_body && c->body_left == 0)
            answered(c);
        if (c->state == BENCH_CONN_GONE)
            return false;
    }
    return true;
}

static const struct bench_work bulk_down = {
    .streams = true,
    .is_http = true,
    .opened = bench_work_go_on,
    .next = request,
    .received = bulk_received,
    .sent = nothing_sent,
    .ended = nothing_sent,
};

/* The head or a piece of the body was sent. */
static void up_sent(struct bench_conn *c)
{
    send_pattern(c, size_of(c));
}

static const struct bench_work bulk_up = {
    .streams = true,
    .is_http = true,
    .opened = bench_work_go_on,
    .next = request,
    .received = bulk_received,
    .sent = up_sent,
    .ended = nothing_sent,
};

static const struct bench_work bulk_down_paced = {
    .time = "due to answer",
    .streams = true,
    .is_http = true,
    .opened = rest,
    .received = bulk_received,
    .sent = nothing_sent,
    .ended = nothing_sent,
    .ask = request_due,
    .tick = open_loop_tick,
    .wait_ns = open_loop_wait_ns,
    .finish = open_loop_finish,
};

const struct bench_work *bench_work_of(const struct bench_config *config)
{
    static const struct bench_work *const bulk[] = {
        [BENCH_DOWN] = &bulk_down, [BENCH_UP] = &bulk_up, [BENCH_BOTH] = &bulk_both};
    switch (config->command) {
    case BENCH_HANDSHAKE:
        return &handshake;
    case BENCH_BULK:
        return config->rate ? &bulk_down_paced : bulk[config->direction];
    case BENCH_LATENCY:
        return config->rate ? &open_loop : &closed_loop;
    case BENCH_IDLE:
        return &idle;
    case BENCH_CHURN:
        return &churn;
    default:
        return NULL;
    }
}
