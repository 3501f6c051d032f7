/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/load/origin.h"

#include "bench/load/http.h"
#include "bench/load/pattern.h"
#include "gateway/base/fd.h"
#include "gateway/base/pool.h"
#include "gateway/ring/ring.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    CONNS_MAX = 1 << 17,
    BUFFERS_MAX = 1 << 14,
    BACKLOG = 4096,
    METHOD_LEN = 5, /* of "GET /" and "PUT /" */
};

#define GET_BYTES "GET /bytes/"

enum mode {
    ORIGIN_NEW,   /* undecided: the first bytes are kept in `head` until they decide */
    ORIGIN_ECHO,  /* what comes is sent back */
    ORIGIN_HEAD,  /* HTTP: the next head is awaited */
    ORIGIN_BODY,  /* reading the body of a PUT */
    ORIGIN_REPLY, /* sending an answer's head or body */
    ORIGIN_GONE,
};

struct origin_conn {
    struct origin *origin;
    uint32_t slot, generation;
    int fd;
    enum mode mode;
    uint16_t in_flight;
    bool wrong;    /* a byte of the body was not the pattern's */
    uint64_t left; /* bytes of the body still to come, or to be sent */
    uint64_t at;   /* position in it */
    uint32_t head_len;
    struct gw_buf *buf; /* ECHO: on its way back; HTTP: bytes [start, end) are not looked at yet */
    uint32_t start, end;
    const uint8_t *out; /* being sent */
    size_t out_left;
    char head[512]; /* HTTP: a head that is not all there, and then the answer's */
};

/* One thread. */
struct origin {
    int listener;
    int cpu;
    bool full; /* no more connections are accepted before one ends */
    pthread_t id;
    struct gw_ring *ring;
    struct gw_pool pool;
    struct gw_error err;
};

static struct gw_token begin(struct origin_conn *c, enum gw_op op)
{
    c->in_flight |= (uint16_t)(1U << op);
    return (struct gw_token){.op = op, .slot = c->slot, .generation = c->generation};
}

static void give(struct origin_conn *c)
{
    if (c->buf)
        gw_ring_buffer_give(c->origin->ring, c->buf);
    c->buf = NULL;
    c->start = c->end = 0;
}

static void accept_more(struct origin *o)
{
    gw_ring_accept(o->ring, (struct gw_token){.op = GW_OP_ACCEPT}, o->listener);
}

static void free_when_still(struct origin_conn *c)
{
    struct origin *o = c->origin;
    if (c->mode != ORIGIN_GONE || c->in_flight)
        return;
    give(c);
    gw_ring_close(o->ring, &c->fd);
    gw_pool_give(&o->pool, c->slot);
    if (o->full)
        accept_more(o);
    o->full = false;
}

static void receive(struct origin_conn *c)
{
    give(c);
    gw_ring_recv_pick(c->origin->ring, begin(c, GW_OP_RECV), c->fd, 0, 0);
}

static void send_rest(struct origin_conn *c)
{
    gw_ring_send(c->origin->ring, begin(c, GW_OP_SEND), c->fd, c->out, c->out_left);
}

static void send_bytes(struct origin_conn *c, const void *data, size_t len)
{
    c->out = data;
    c->out_left = len;
    send_rest(c);
}

/* ---- HTTP ---- */

static void answer(struct origin_conn *c, const char *status, uint64_t body)
{
    int n = snprintf(c->head, sizeof(c->head),
                     "HTTP/1.1 %s\r\nServer: ktlsgate-bench\r\nContent-Length: %" PRIu64 "\r\n\r\n",
                     status, body);
    c->mode = ORIGIN_REPLY;
    c->left = body;
    c->at = 0;
    send_bytes(c, c->head, (size_t)n);
}

/* The N of GET /bytes/N HTTP/1.1; false: it is none. */
static bool read_get(const char *head, uint64_t *ret)
{
    char *end;
    const char *n = head + strlen(GET_BYTES);
    if (strncmp(head, GET_BYTES, strlen(GET_BYTES)) != 0 || *n < '0' || *n > '9')
        return false;
    errno = 0;
    *ret = strtoull(n, &end, 10);
    return errno == 0 && !strncmp(end, " HTTP/1.1\r\n", 11);
}

/* `head` is whole, and followed by a NUL. */
static void take_head(struct origin_conn *c, size_t len)
{
    uint64_t bytes;
    const uint8_t *head = (const uint8_t *)c->head;
    c->head_len = 0;
    if (read_get(c->head, &bytes)) {
        answer(c, "200 OK", bytes);
    } else if (!strncmp(c->head, "PUT ", 4) && bench_http_content_length(head, len, &bytes)) {
        c->mode = ORIGIN_BODY;
        c->left = bytes;
        c->at = 0;
        c->wrong = false;
        if (bytes == 0)
            answer(c, "200 OK", 0);
    } else {
        answer(c, "400 Bad Request", 0);
    }
}

static void take_body(struct origin_conn *c)
{
    size_t n = (size_t)GW_MIN((uint64_t)(c->end - c->start), c->left);
    c->wrong |= !bench_pattern_matches(c->at, c->buf->data + c->start, n);
    c->start += (uint32_t)n;
    c->at += n;
    c->left -= n;
    if (c->left == 0)
        answer(c, c->wrong ? "422 Wrong Bytes" : "200 OK", 0);
}

/* Heads may come in pieces; they are collected in c->head. False: too long. */
static bool collect_head(struct origin_conn *c)
{
    size_t room = sizeof(c->head) - 1 - c->head_len;
    size_t n = GW_MIN(room, (size_t)(c->end - c->start));
    memcpy(c->head + c->head_len, c->buf->data + c->start, n);
    c->head[c->head_len + n] = '\0';
    size_t head = bench_http_head_len((const uint8_t *)c->head, c->head_len + n);
    if (head == 0) {
        c->start += (uint32_t)n;
        c->head_len += (uint32_t)n;
        return n < room;
    }
    c->start += (uint32_t)(head - c->head_len);
    take_head(c, head);
    return true;
}

static void go_on(struct origin_conn *c)
{
    bool good = true;
    while (good && c->start < c->end && (c->mode == ORIGIN_HEAD || c->mode == ORIGIN_BODY)) {
        if (c->mode == ORIGIN_HEAD)
            good = collect_head(c);
        else
            take_body(c);
    }
    if (!good)
        c->mode = ORIGIN_GONE;
    else if (c->mode == ORIGIN_HEAD || c->mode == ORIGIN_BODY)
        receive(c);
}

static void reply_goes_on(struct origin_conn *c)
{
    size_t n = (size_t)GW_MIN(c->left, (uint64_t)BENCH_PATTERN_RUN);
    if (n == 0) {
        c->mode = ORIGIN_HEAD;
        go_on(c);
        return;
    }
    uint64_t at = c->at;
    c->at += n;
    c->left -= n;
    send_bytes(c, bench_pattern_at(at), n);
}

/* ---- completions ---- */

/* Puts what was kept of a beginning before the bytes that came now. */
static void prepend_kept(struct origin_conn *c)
{
    _Static_assert((int)GW_BUFFER_FRONT >= (int)METHOD_LEN,
                   "there is room before what the kernel receives");
    c->start -= c->head_len;
    memcpy(c->buf->data + c->start, c->head, c->head_len);
    c->head_len = 0;
}

/* Decides whether it is HTTP; keeps the bytes while they are too few. */
static void tell_mode(struct origin_conn *c)
{
    prepend_kept(c);
    const uint8_t *data = c->buf->data + c->start;
    size_t have = c->end - c->start;
    size_t n = GW_MIN(have, (size_t)METHOD_LEN);
    if (memcmp(data, "GET /", n) != 0 && memcmp(data, "PUT /", n) != 0) {
        c->mode = ORIGIN_ECHO;
    } else if (n == METHOD_LEN) {
        c->mode = ORIGIN_HEAD;
    } else {
        memcpy(c->head, data, n);
        c->head_len = (uint32_t)n;
    }
}

static void received(struct origin_conn *c, const struct gw_completion *done)
{
    if (done->res == -ENOBUFS) {
        receive(c);
        return;
    }
    if (done->res <= 0) {
        c->mode = ORIGIN_GONE;
        return;
    }
    c->buf = done->buf;
    c->start = GW_BUFFER_FRONT;
    c->end = c->start + (uint32_t)done->res;
    if (c->mode == ORIGIN_NEW)
        tell_mode(c);
    if (c->mode == ORIGIN_NEW)
        receive(c);
    else if (c->mode == ORIGIN_ECHO)
        send_bytes(c, c->buf->data + c->start, c->end - c->start);
    else
        go_on(c);
}

static void sent(struct origin_conn *c, int res)
{
    if (res <= 0) {
        c->mode = ORIGIN_GONE;
        return;
    }
    c->out += res;
    c->out_left -= (size_t)res;
    if (c->out_left > 0)
        send_rest(c);
    else if (c->mode == ORIGIN_ECHO)
        receive(c);
    else
        reply_goes_on(c);
}

static void accepted(struct origin *o, int fd)
{
    uint32_t slot;
    struct origin_conn *c = gw_pool_take(&o->pool, &slot);
    if (!c) {
        (void)close(fd);
        return;
    }
    *c = (struct origin_conn){.origin = o, .fd = fd, .slot = slot};
    c->generation = gw_pool_generation(&o->pool, slot);
    receive(c);
}

/* Without a free descriptor, trying again at once would be a busy loop. */
static void accept_done(struct origin *o, const struct gw_completion *done)
{
    if (done->res >= 0)
        accepted(o, done->res);
    if (done->more)
        return;
    o->full = (done->res == -EMFILE || done->res == -ENFILE) && o->pool.used > 0;
    if (!o->full)
        accept_more(o);
}

static void on_completion(void *arg, const struct gw_completion *done)
{
    struct origin *o = arg;
    if (done->token.op == GW_OP_ACCEPT) {
        accept_done(o, done);
        return;
    }
    struct origin_conn *c = gw_pool_find(&o->pool, done->token.slot, done->token.generation);
    if (!c)
        return;
    c->in_flight &= (uint16_t) ~(1U << done->token.op);
    if (done->token.op == GW_OP_RECV)
        received(c, done);
    else
        sent(c, done->res);
    free_when_still(c);
}

/* ---- threads ---- */

static int serve(struct origin *o)
{
    const struct gw_ring_config ring = {.max_conns = CONNS_MAX / 8, .max_buffers = BUFFERS_MAX};
    int r = gw_ring_new(&o->ring, &ring);
    if (r)
        return gw_error_set(&o->err, GW_EXIT_START, "%s", gw_ring_why(r));
    if (gw_pool_init(&o->pool, sizeof(struct origin_conn), CONNS_MAX, false))
        return gw_error_set(&o->err, GW_EXIT_OTHER, "out of memory");
    accept_more(o);
    do
        r = gw_ring_wait(o->ring, -1, on_completion, o);
    while (!r || r == -EINTR);
    return gw_error_set(&o->err, GW_EXIT_OTHER, "io_uring failed: %s", strerror(-r));
}

static void *run(void *arg)
{
    struct origin *o = arg;
    cpu_set_t set;
    if (o->cpu >= 0) {
        CPU_ZERO(&set);
        CPU_SET(o->cpu, &set);
        (void)sched_setaffinity(0, sizeof(set), &set);
    }
    if (serve(o)) /* the process waits for signals only */
        (void)kill(getpid(), SIGTERM);
    return NULL;
}

/* -1 with errno. */
static int bind_port(const struct gw_address *at, int shared)
{
    int one = 1;
    int fd = socket(at->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && at->addr.ss_family != AF_UNIX) {
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &shared, sizeof(shared));
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    }
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&at->addr, at->len))
        gw_fd_close(&fd);
    return fd;
}

/* Threads share a port, processes must not: another origin would get half of a load. */
static bool is_free(const struct gw_address *at)
{
    gw_auto_fd fd = at->addr.ss_family == AF_UNIX ? -1 : bind_port(at, 0);
    return fd >= 0 || at->addr.ss_family == AF_UNIX;
}

static int open_port(struct gw_address *at, bool first, struct gw_error *err)
{
    int fd = first && !is_free(at) ? -1 : bind_port(at, 1);
    socklen_t len = sizeof(at->addr);
    if (fd >= 0 && !listen(fd, BACKLOG) &&
        !getsockname(fd, (struct sockaddr *)&at->addr, &len)) /* the port that 0 stands for */
        return fd;
    (void)gw_error_set(err, GW_EXIT_START, "--listen %s: %s", at->text, strerror(errno));
    gw_fd_close(&fd);
    return -1;
}

static unsigned port_of(const struct gw_address *at)
{
    return at->addr.ss_family == AF_INET6
               ? ntohs(((const struct sockaddr_in6 *)&at->addr)->sin6_port)
               : ntohs(((const struct sockaddr_in *)&at->addr)->sin_port);
}

static int start(const struct bench_config *config, struct gw_address *at, struct origin *o,
                 unsigned i, struct gw_error *err)
{
    o->cpu = config->cpus.count ? config->cpus.list[i % config->cpus.count] : -1;
    o->listener = open_port(at, i == 0, err);
    if (o->listener < 0)
        return -EIO;
    int r = pthread_create(&o->id, NULL, run, o);
    return r ? gw_error_set(err, GW_EXIT_OTHER, "no thread: %s", strerror(r)) : 0;
}

static int start_all(const struct bench_config *config, struct origin *origins,
                     struct gw_error *err)
{
    struct gw_address at = config->listen;
    if (at.addr.ss_family == AF_UNIX && config->threads > 1)
        return gw_error_set(err, GW_EXIT_USAGE, "--threads: only one can listen on %s", at.text);
    for (unsigned i = 0; i < config->threads; i++) {
        int r = start(config, &at, &origins[i], i, err);
        if (r)
            return r;
    }
    if (at.addr.ss_family == AF_UNIX)
        (void)printf("origin: %s\n", at.text);
    else
        (void)printf("origin: port %u\n", port_of(&at));
    (void)fflush(stdout);
    return 0;
}

static int wait_for_end(const sigset_t *signals, const struct origin *origins, unsigned count,
                        struct gw_error *err)
{
    int signal = 0;
    (void)sigwait(signals, &signal);
    for (unsigned i = 0; i < count; i++) {
        if (origins[i].err.text[0]) {
            *err = origins[i].err;
            return -EIO;
        }
    }
    return 0;
}

int bench_origin_run(const struct bench_config *config, struct gw_error *err)
{
    static struct origin origins[BENCH_THREADS_MAX]; /* threads use them until the process ends */
    const struct sockaddr_un *path = (const struct sockaddr_un *)&config->listen.addr;
    sigset_t signals;
    bench_pattern_init();
    (void)gw_fd_raise_limit();
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    int r = start_all(config, origins, err);
    if (r)
        return r;
    r = wait_for_end(&signals, origins, (unsigned)config->threads, err);
    if (path->sun_family == AF_UNIX)
        (void)unlink(path->sun_path);
    return r;
}
