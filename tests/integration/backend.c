/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/integration/backend.h"

#include "tests/integration/http.h"
#include "tests/integration/net.h"
#include "tests/integration/pattern.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    CHUNK = 65536,
    BACKLOG = 4096,
    EVENTS = 64,
};

/* One connection. `pending` is what an echo or an HTTP reply has still to send. */
struct peer {
    int fd;
    uint32_t events; /* asked of epoll */
    struct backend_plan plan;
    struct backend_account account; /* copied to the shared one when it changes */
    unsigned generation;
    unsigned number;
    bool paused;
    bool fin_sent;
    struct http http;
    uint8_t *pending;
    size_t pending_at;
    size_t pending_len;
    struct peer *next; /* in the list of all */
    struct peer **link;
};

struct backend {
    pthread_t thread;
    pthread_mutex_t lock; /* guards the next block */
    pthread_cond_t changed;
    struct backend_plan plan;
    unsigned generation; /* counts the plans */
    struct backend_account *accounts;
    unsigned accepted;
    unsigned room;
    unsigned resumes; /* asked for */
    bool stop;

    uint16_t port;
    int listen_fd;
    int wake_fd;
    int epoll_fd;
    unsigned resumed; /* done */
    struct peer *peers;
    uint8_t chunk[CHUNK];
};

static void fatal(const char *what)
{
    (void)fprintf(stderr, "backend: %s: %s\n", what, strerror(errno));
    abort();
}

/* ---- accounts ---- */

static void publish(struct backend *b, struct peer *p)
{
    (void)pthread_mutex_lock(&b->lock);
    if (p->generation == b->generation) {
        b->accounts[p->number] = p->account;
        (void)pthread_cond_broadcast(&b->changed);
    }
    (void)pthread_mutex_unlock(&b->lock);
}

static void enrol(struct backend *b, struct peer *p)
{
    (void)pthread_mutex_lock(&b->lock);
    if (b->accepted == b->room) {
        b->room = b->room ? b->room * 2 : 64;
        b->accounts = realloc(b->accounts, b->room * sizeof(*b->accounts));
        if (!b->accounts)
            fatal("no memory");
    }
    p->plan = b->plan;
    p->generation = b->generation;
    p->number = b->accepted++;
    b->accounts[p->number] = (struct backend_account){0};
    (void)pthread_cond_broadcast(&b->changed);
    (void)pthread_mutex_unlock(&b->lock);
}

/* ---- one connection ---- */

static void close_peer(struct backend *b, struct peer *p, bool reset)
{
    /* A child that has just been forked may still hold it: a close alone would leave it watched. */
    (void)epoll_ctl(b->epoll_fd, EPOLL_CTL_DEL, p->fd, NULL);
    if (reset)
        net_reset(p->fd);
    else
        (void)close(p->fd);
    p->account.finished = true;
    publish(b, p);
    *p->link = p->next;
    if (p->next)
        p->next->link = p->link;
    free(p->pending);
    free(p);
}

static void take_pending(struct peer *p, const uint8_t *data, size_t len)
{
    if (!p->pending && !(p->pending = malloc(CHUNK)))
        fatal("no memory");
    memcpy(p->pending, data, len);
    p->pending_at = 0;
    p->pending_len = len;
}

static void take_head(struct backend_account *a, const uint8_t *data, size_t len)
{
    size_t room = sizeof(a->head) - a->head_len;
    size_t n = len < room ? len : room;
    memcpy(a->head + a->head_len, data, n);
    a->head_len += n;
}

static void take_http(struct peer *p, const uint8_t *data, size_t len)
{
    char reply[HTTP_REPLY_MAX];
    switch (http_take(&p->http, data, len, p->plan.up_seed)) {
    case HTTP_MORE:
        return;
    case HTTP_WRONG:
        p->account.wrong = true;
        break;
    case HTTP_DONE:
        p->plan.down_bytes = p->http.get ? p->http.length : 0;
        break;
    }
    size_t n = http_reply(&p->http, p->account.wrong, reply);
    take_pending(p, (const uint8_t *)reply, n);
}

static void take(struct peer *p, const uint8_t *data, size_t len)
{
    struct backend_account *a = &p->account;
    take_head(a, data, len);
    if (p->plan.http) {
        take_http(p, data, len);
    } else if (p->plan.up_seed && !a->wrong) {
        size_t good = pattern_match(data, len, p->plan.up_seed, a->received);
        a->wrong = good < len;
        len = good;
    }
    if (p->plan.echo)
        take_pending(p, data, len);
    if (!a->wrong)
        a->received += len;
    p->paused |= p->plan.pause_after && a->received >= p->plan.pause_after;
}

static bool may_read(const struct peer *p)
{
    return !p->account.got_fin && !p->paused && p->pending_len == 0;
}

/* False when the connection is gone. */
static bool receive(struct backend *b, struct peer *p)
{
    ssize_t n = recv(p->fd, b->chunk, sizeof(b->chunk), 0);
    if (n < 0 && errno == EAGAIN)
        return true;
    if (n < 0) {
        p->account.got_reset = true;
        close_peer(b, p, false);
        return false;
    }
    if (n == 0)
        p->account.got_fin = true;
    else
        take(p, b->chunk, (size_t)n);
    publish(b, p);
    if (p->plan.reset_after && p->account.received >= p->plan.reset_after) {
        close_peer(b, p, true);
        return false;
    }
    return true;
}

static uint64_t down_left(const struct peer *p)
{
    if (p->plan.echo || (p->plan.down_after_fin && !p->account.got_fin))
        return 0;
    if (p->plan.http && !http_replied(&p->http))
        return 0;
    return p->plan.down_bytes - p->account.sent;
}

/* Bytes to send next; 0: nothing now. */
static size_t next_bytes(struct backend *b, struct peer *p, const uint8_t **ret)
{
    if (p->pending_len > 0) {
        *ret = p->pending + p->pending_at;
        return p->pending_len;
    }
    uint64_t left = down_left(p);
    size_t n = left < sizeof(b->chunk) ? (size_t)left : sizeof(b->chunk);
    pattern_fill(b->chunk, n, p->plan.down_seed, p->account.sent);
    *ret = b->chunk;
    return n;
}

static void sent(struct peer *p, size_t n)
{
    if (p->pending_len > 0) {
        p->pending_at += n;
        p->pending_len -= n;
        if (p->plan.http)
            return;
    }
    p->account.sent += n;
}

/* False when the connection is gone. */
static bool send_some(struct backend *b, struct peer *p)
{
    const uint8_t *data;
    size_t len = next_bytes(b, p, &data);
    if (p->plan.urgent && send(p->fd, "!", 1, MSG_OOB | MSG_NOSIGNAL) == 1)
        p->plan.urgent = false;
    ssize_t n = len ? send(p->fd, data, len, MSG_NOSIGNAL) : 0;
    if (n < 0 && errno != EAGAIN) {
        p->account.got_reset = true;
        close_peer(b, p, false);
        return false;
    }
    if (n > 0) {
        sent(p, (size_t)n);
        publish(b, p);
    }
    return true;
}

static bool wants_to_send(const struct peer *p)
{
    return p->pending_len > 0 || down_left(p) > 0;
}

static bool fin_is_due(const struct peer *p)
{
    const struct backend_plan *plan = &p->plan;
    if (p->fin_sent || plan->no_fin || wants_to_send(p))
        return false;
    if (plan->http && p->http.close && http_replied(&p->http))
        return true;
    bool early = plan->echo && plan->fin_after_up;
    if (!early && (plan->down_after_fin || plan->fin_after_fin || plan->echo || plan->http))
        return p->account.got_fin;
    return p->account.received >= plan->fin_after_up || p->account.got_fin;
}

static void watch(struct backend *b, struct peer *p)
{
    uint32_t want = (may_read(p) ? (uint32_t)EPOLLIN : 0) |
                    (!p->fin_sent && wants_to_send(p) ? (uint32_t)EPOLLOUT : 0);
    struct epoll_event e = {.events = want, .data.ptr = p};
    if (want != p->events && epoll_ctl(b->epoll_fd, EPOLL_CTL_MOD, p->fd, &e))
        fatal("epoll");
    p->events = want;
}

/* After anything happened to it. */
static void settle(struct backend *b, struct peer *p)
{
    if (fin_is_due(p)) {
        p->fin_sent = true;
        (void)shutdown(p->fd, SHUT_WR);
        publish(b, p);
    }
    if (p->fin_sent && p->account.got_fin) {
        close_peer(b, p, false);
        return;
    }
    watch(b, p);
}

static void on_event(struct backend *b, struct peer *p, uint32_t events)
{
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR) &&
        (may_read(p) || events & (EPOLLHUP | EPOLLERR)) && !receive(b, p))
        return;
    if (wants_to_send(p) && !send_some(b, p))
        return;
    settle(b, p);
}

static void accept_all(struct backend *b)
{
    int fd;
    while ((fd = accept4(b->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
        struct peer *p = calloc(1, sizeof(*p));
        struct epoll_event e = {.data.ptr = p};
        if (!p)
            fatal("no memory");
        p->fd = fd;
        enrol(b, p);
        if (p->plan.receive_buffer)
            (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &p->plan.receive_buffer, sizeof(int));
        p->next = b->peers;
        p->link = &b->peers;
        if (p->next)
            p->next->link = &p->next;
        b->peers = p;
        if (epoll_ctl(b->epoll_fd, EPOLL_CTL_ADD, fd, &e))
            fatal("epoll");
        settle(b, p);
    }
}

/* ---- the thread ---- */

static void resume_all(struct backend *b)
{
    for (struct peer *p = b->peers, *next; p; p = next) {
        next = p->next;
        p->plan.pause_after = 0;
        p->paused = false;
        settle(b, p);
    }
}

/* False when the thread is to end. */
static bool take_orders(struct backend *b)
{
    uint64_t count;
    (void)!read(b->wake_fd, &count, sizeof(count));
    (void)pthread_mutex_lock(&b->lock);
    bool stop = b->stop;
    bool resume = b->resumes != b->resumed;
    b->resumed = b->resumes;
    (void)pthread_mutex_unlock(&b->lock);
    if (resume)
        resume_all(b);
    return !stop;
}

/* Events of one turn may name a peer once only, so none is used after it was freed. */
static bool turn(struct backend *b)
{
    struct epoll_event events[EVENTS];
    bool orders = false;
    bool accepting = false;
    int n = epoll_wait(b->epoll_fd, events, EVENTS, -1);
    for (int i = 0; i < n; i++) {
        if (events[i].data.ptr == &b->wake_fd)
            orders = true;
        else if (events[i].data.ptr == &b->listen_fd)
            accepting = true;
        else
            on_event(b, events[i].data.ptr, events[i].events);
    }
    if (accepting)
        accept_all(b);
    return !orders || take_orders(b);
}

static void *run(void *arg)
{
    struct backend *b = arg;
    while (turn(b))
        ;
    while (b->peers)
        close_peer(b, b->peers, false);
    return NULL;
}

static void watch_own(struct backend *b, int *fd)
{
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = fd};
    if (*fd < 0 || epoll_ctl(b->epoll_fd, EPOLL_CTL_ADD, *fd, &e))
        fatal("epoll");
}

/* ---- for the test ---- */

static struct backend *start(const struct backend_plan *plan, const char *path)
{
    pthread_condattr_t attr;
    struct backend *b = calloc(1, sizeof(*b));
    if (!b)
        fatal("no memory");
    b->plan = *plan;
    (void)pthread_mutex_init(&b->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&b->changed, &attr);
    (void)pthread_condattr_destroy(&attr);
    b->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    b->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    b->listen_fd = path ? net_listen_unix(BACKLOG, path) : net_listen(BACKLOG, &b->port);
    watch_own(b, &b->wake_fd);
    watch_own(b, &b->listen_fd);
    if (pthread_create(&b->thread, NULL, run, b))
        fatal("no thread");
    return b;
}

struct backend *backend_start(const struct backend_plan *plan)
{
    return start(plan, NULL);
}

struct backend *backend_start_unix(const struct backend_plan *plan, const char *path)
{
    return start(plan, path);
}

static void wake(struct backend *b)
{
    uint64_t one = 1;
    (void)!write(b->wake_fd, &one, sizeof(one));
}

void backend_stop(struct backend *b)
{
    if (!b)
        return;
    (void)pthread_mutex_lock(&b->lock);
    b->stop = true;
    (void)pthread_mutex_unlock(&b->lock);
    wake(b);
    (void)pthread_join(b->thread, NULL);
    (void)close(b->listen_fd);
    (void)close(b->wake_fd);
    (void)close(b->epoll_fd);
    (void)pthread_cond_destroy(&b->changed);
    (void)pthread_mutex_destroy(&b->lock);
    free(b->accounts);
    free(b);
}

uint16_t backend_port(const struct backend *b)
{
    return b->port;
}

void backend_set_plan(struct backend *b, const struct backend_plan *plan)
{
    (void)pthread_mutex_lock(&b->lock);
    b->plan = *plan;
    b->generation++;
    b->accepted = 0;
    (void)pthread_mutex_unlock(&b->lock);
}

void backend_resume(struct backend *b)
{
    (void)pthread_mutex_lock(&b->lock);
    b->resumes++;
    (void)pthread_mutex_unlock(&b->lock);
    wake(b);
}

unsigned backend_accepted(struct backend *b)
{
    (void)pthread_mutex_lock(&b->lock);
    unsigned n = b->accepted;
    (void)pthread_mutex_unlock(&b->lock);
    return n;
}

struct backend_account backend_look(struct backend *b, unsigned number)
{
    struct backend_account a = {0};
    (void)pthread_mutex_lock(&b->lock);
    if (number < b->accepted)
        a = b->accounts[number];
    (void)pthread_mutex_unlock(&b->lock);
    return a;
}

/* Waits until it is finished or has received `bytes`. */
static bool await(struct backend *b, unsigned number, uint64_t bytes, struct backend_account *ret)
{
    int64_t at = net_now_ms() + DEADLINE_MS;
    struct timespec until = {.tv_sec = at / 1000, .tv_nsec = at % 1000 * 1000000};
    int error = 0;
    bool there = false;
    (void)pthread_mutex_lock(&b->lock);
    for (;;) {
        there = number < b->accepted &&
                (b->accounts[number].finished || b->accounts[number].received >= bytes);
        if (there || error)
            break;
        error = pthread_cond_timedwait(&b->changed, &b->lock, &until);
    }
    if (there)
        *ret = b->accounts[number];
    (void)pthread_mutex_unlock(&b->lock);
    return there;
}

bool backend_await(struct backend *b, unsigned number, struct backend_account *ret)
{
    return await(b, number, NO_LIMIT, ret);
}

bool backend_await_received(struct backend *b, unsigned number, uint64_t bytes)
{
    struct backend_account a;
    return await(b, number, bytes, &a) && a.received >= bytes;
}
