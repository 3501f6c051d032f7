/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/siege/crowd.h"

#include "bench/compare/child.h"
#include "bench/load/tlsclient.h"
#include "bench/tool/options.h"
#include "gateway/base/clock.h"
#include "gateway/base/fd.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    EVENTS_MAX = 64,
    READ_MAX = 16384,
    SPARE = 64, /* guests beyond those that rate and timeout make */
    FIRST = 16, /* the last byte of the first address */
    ADDRESSES_MAX = BENCH_CROWD_RATE_MAX / BENCH_CROWD_EACH,
};

_Static_assert(FIRST + ADDRESSES_MAX <= 255, "the network of a link has no more addresses");

#define LOOK_NS (2 * GW_NS_PER_MS)

struct guest {
    int fd; /* -1: the place is free */
    bool counts, connected;
    int64_t due_ns;
    struct bench_tls_handshake *hs;
};

struct party {
    const struct bench_crowd *crowd;
    struct bench_crowd_counters *counters;
    struct bench_config config;
    struct bench_tls_client *tls;
    struct sockaddr_in gateway;
    int epoll;
    struct guest *guests;
    uint32_t *free; /* places, a stack */
    uint32_t room, free_count;
    double due_ns; /* when the next is due */
    uint64_t invited;
};

static enum bench_crowd_phase phase_of(const struct party *p)
{
    return (enum bench_crowd_phase)atomic_load(&p->counters->phase);
}

/* They are taken in turn. */
static unsigned addresses_of(const struct bench_crowd *crowd)
{
    return (unsigned)((crowd->rate + BENCH_CROWD_EACH - 1) / BENCH_CROWD_EACH);
}

/* There is one writer: no locked addition. */
static void add(_Atomic uint64_t *counter)
{
    atomic_store(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1);
}

/* ---- a guest ---- */

static void leave(struct party *p, struct guest *g)
{
    bench_tls_handshake_free(g->hs);
    gw_fd_close(&g->fd);
    *g = (struct guest){.fd = -1};
    p->free[p->free_count++] = (uint32_t)(g - p->guests);
}

static void fail(struct party *p, struct guest *g, const char *fmt, ...) gw_printf(3, 4);
static void fail(struct party *p, struct guest *g, const char *fmt, ...)
{
    struct gw_error *error = &p->counters->error;
    va_list args;
    va_start(args, fmt);
    if (g->counts && !error->text[0])
        (void)vsnprintf(error->text, sizeof(error->text), fmt, args);
    va_end(args);
    if (g->counts)
        add(&p->counters->failed);
    leave(p, g);
}

static void succeed(struct party *p, struct guest *g)
{
    if (g->counts) {
        bench_histogram_add(&p->counters->times, gw_clock_ns() - g->due_ns, 1);
        add(&p->counters->succeeded);
    }
    add(&p->counters->greeted);
    leave(p, g);
}

static bool listen_for(struct party *p, struct guest *g, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u32 = (uint32_t)(g - p->guests)};
    return !epoll_ctl(p->epoll, EPOLL_CTL_MOD, g->fd, &event);
}

/* Sends the guest's next message. A client's handshake message fits into an empty send buffer. */
static void speak(struct party *p, struct guest *g)
{
    const uint8_t *out;
    size_t len = bench_tls_handshake_output(g->hs, &out);
    if (len > 0 && send(g->fd, out, len, MSG_NOSIGNAL) != (ssize_t)len) {
        fail(p, g, "a handshake could not be sent: %s", strerror(errno));
        return;
    }
    bench_tls_handshake_sent(g->hs, len);
    if (bench_tls_handshake_done(g->hs))
        succeed(p, g);
}

static void take(struct party *p, struct guest *g, const void *data, size_t len)
{
    if (bench_tls_handshake_input(g->hs, data, len))
        speak(p, g);
    else
        fail(p, g, "a handshake failed: %s", bench_tls_handshake_why(g->hs));
}

static void connected(struct party *p, struct guest *g)
{
    int error = 0;
    socklen_t len = sizeof(error);
    if (getsockopt(g->fd, SOL_SOCKET, SO_ERROR, &error, &len) || error) {
        fail(p, g, "the gateway did not accept a connection: %s", strerror(error ? error : errno));
        return;
    }
    g->connected = true;
    if (listen_for(p, g, EPOLLIN))
        take(p, g, NULL, 0);
    else
        fail(p, g, "epoll: %s", strerror(errno));
}

static void hear(struct party *p, struct guest *g)
{
    uint8_t data[READ_MAX];
    ssize_t n = recv(g->fd, data, sizeof(data), 0);
    if (n > 0)
        take(p, g, data, (size_t)n);
    else if (n == 0 || errno != EAGAIN)
        fail(p, g, "the gateway ended a handshake: %s", n ? strerror(errno) : "it closed");
}

/* ---- its arrival ---- */

static bool start_connect(struct party *p, struct guest *g)
{
    int one = 1; /* the port is chosen by connect, which knows the other end */
    const struct bench_arena_end *end = &p->crowd->arena->links[p->crowd->link].far;
    struct sockaddr_in from = {.sin_family = AF_INET};
    struct epoll_event event = {.events = EPOLLOUT, .data.u32 = (uint32_t)(g - p->guests)};
    uint8_t *last = (uint8_t *)&from.sin_addr + 3;
    memcpy(&from.sin_addr, end->v4, sizeof(end->v4));
    *last = (uint8_t)(FIRST + p->invited % addresses_of(p->crowd));
    g->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    g->hs = bench_tls_handshake_new(p->tls);
    return g->fd >= 0 && g->hs &&
           !setsockopt(g->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one)) &&
           !bind(g->fd, (const struct sockaddr *)&from, sizeof(from)) &&
           !epoll_ctl(p->epoll, EPOLL_CTL_ADD, g->fd, &event) &&
           (!connect(g->fd, (const struct sockaddr *)&p->gateway, sizeof(p->gateway)) ||
            errno == EINPROGRESS);
}

/* There is room for all that can be under way within the timeout: without room this guest is so
 * late that the ones before it are still waiting. */
static void invite(struct party *p, bool counts)
{
    if (counts)
        add(&p->counters->begun);
    if (p->free_count == 0) {
        if (counts)
            add(&p->counters->late);
        return;
    }
    struct guest *g = &p->guests[p->free[--p->free_count]];
    *g = (struct guest){.fd = -1, .counts = counts, .due_ns = (int64_t)p->due_ns};
    p->invited++;
    if (!start_connect(p, g))
        fail(p, g, "a connection could not be started: %s", strerror(errno));
}

static void invite_all_due(struct party *p)
{
    enum bench_crowd_phase phase = phase_of(p);
    int64_t now = gw_clock_ns();
    while (p->due_ns <= (double)now) {
        if (phase != BENCH_CROWD_DRAIN)
            invite(p, phase == BENCH_CROWD_COUNT);
        p->due_ns += (double)GW_NS_PER_SEC / (double)p->crowd->rate;
    }
}

static void send_off_late(struct party *p)
{
    int64_t now = gw_clock_ns();
    for (uint32_t i = 0; i < p->room; i++) {
        struct guest *g = &p->guests[i];
        if (g->fd < 0 || now - g->due_ns < p->crowd->timeout_ns)
            continue;
        if (g->counts)
            add(&p->counters->late);
        leave(p, g);
    }
}

/* ---- all of them ---- */

static void turn(struct party *p)
{
    struct epoll_event events[EVENTS_MAX];
    int64_t until_ns = GW_MIN((int64_t)p->due_ns - gw_clock_ns(), LOOK_NS);
    const struct timespec wait = {.tv_nsec = (long)GW_MAX(until_ns, 0)};
    int n = epoll_pwait2(p->epoll, events, EVENTS_MAX, &wait, NULL);
    for (int i = 0; i < n; i++) {
        struct guest *g = &p->guests[events[i].data.u32];
        if (g->fd >= 0 && g->connected)
            hear(p, g);
        else if (g->fd >= 0)
            connected(p, g);
    }
}

static int prepare(struct party *p)
{
    struct gw_error *err = &p->counters->error;
    const struct bench_crowd *crowd = p->crowd;
    const struct bench_arena_link *link = &crowd->arena->links[crowd->link];
    bench_options_defaults(BENCH_HANDSHAKE, &p->config);
    memcpy(&p->gateway.sin_addr, link->near.v4, sizeof(link->near.v4));
    p->room = (uint32_t)(crowd->rate * (uint64_t)(crowd->timeout_ns / GW_NS_PER_MS) / 1000) + SPARE;
    if (gw_fd_raise_limit() < p->room + SPARE)
        return gw_error_set(err, GW_EXIT_START, "too many open files; raise ulimit -n");
    p->guests = calloc(p->room, sizeof(*p->guests));
    p->free = calloc(p->room, sizeof(*p->free));
    p->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!p->guests || !p->free || p->epoll < 0)
        return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    for (uint32_t i = 0; i < p->room; i++) {
        p->guests[i].fd = -1;
        p->free[p->free_count++] = i;
    }
    int r = bench_arena_enter(crowd->arena, link->far.space, err);
    return r ? r : bench_tls_client_new(&p->tls, &p->config, err);
}

/* It ends by a signal. */
static gw_noreturn void be_crowd(const struct bench_crowd *crowd)
{
    struct party p = {
        .crowd = crowd,
        .counters = crowd->counters,
        .gateway = {.sin_family = AF_INET, .sin_port = htons((uint16_t)crowd->port)},
    };
    (void)prctl(PR_SET_TIMERSLACK, 1);
    if (prepare(&p))
        _exit(EXIT_FAILURE);
    p.due_ns = (double)gw_clock_ns();
    for (;;) {
        send_off_late(&p);
        invite_all_due(&p);
        turn(&p);
    }
}

/* ---- seen from outside ---- */

/* For `ip -batch`: the addresses there, and here how they are reached. */
static void write_addresses(FILE *there, FILE *here, const struct bench_crowd *crowd)
{
    const struct bench_arena_link *link = &crowd->arena->links[crowd->link];
    const uint8_t *v4 = link->far.v4;
    char mac[BENCH_ARENA_MAC_MAX];
    (void)bench_arena_mac(&link->far, mac);
    for (unsigned i = 0; i < addresses_of(crowd); i++) {
        (void)fprintf(there, "address add %u.%u.%u.%u/24 dev %s\n", v4[0], v4[1], v4[2], FIRST + i,
                      link->far.name);
        (void)fprintf(here, "neighbour add %u.%u.%u.%u lladdr %s dev %s nud permanent\n", v4[0],
                      v4[1], v4[2], FIRST + i, mac, link->near.name);
    }
}

static int give_addresses(const struct bench_crowd *crowd, const char *there, const char *here,
                          struct gw_error *err)
{
    static const char *const words[] = {"ip", "-batch", "-", NULL};
    const struct bench_arena_link *link = &crowd->arena->links[crowd->link];
    int r = bench_space_run(crowd->arena->spaces[link->far.space], words, there, err);
    return r ? r : bench_space_run(crowd->arena->spaces[link->near.space], words, here, err);
}

int bench_crowd_settle(const struct bench_crowd *crowd, struct gw_error *err)
{
    char *text[2] = {NULL, NULL};
    size_t size[2];
    FILE *there = open_memstream(&text[0], &size[0]);
    FILE *here = open_memstream(&text[1], &size[1]);
    if (there && here)
        write_addresses(there, here, crowd);
    bool written = there && here;
    if (there)
        written &= !fclose(there);
    if (here)
        written &= !fclose(here);
    int r = written ? give_addresses(crowd, text[0], text[1], err)
                    : gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    free(text[0]);
    free(text[1]);
    return r;
}

int bench_crowd_begin(struct bench_crowd *crowd, struct gw_error *err)
{
    if (!crowd->counters)
        crowd->counters = bench_child_memory(sizeof(*crowd->counters));
    if (!crowd->counters)
        return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    memset(crowd->counters, 0, sizeof(*crowd->counters));
    (void)fflush(NULL);
    pid_t pid = bench_child_fork(&crowd->cpus);
    if (pid < 0)
        return gw_error_set(err, GW_EXIT_OTHER, "no process: %s", strerror(-pid));
    if (pid == 0)
        be_crowd(crowd);
    crowd->pid = pid;
    return 0;
}

int bench_crowd_check(struct bench_crowd *crowd, struct gw_error *err)
{
    int status;
    if (!crowd->pid)
        return 0;
    int r = bench_child_wait(crowd->pid, 0, &status);
    if (r == -ETIMEDOUT)
        return 0;
    if (r)
        return gw_error_set(err, GW_EXIT_OTHER, "interrupted");
    crowd->pid = 0;
    const char *why = crowd->counters->error.text;
    return gw_error_set(err, GW_EXIT_OTHER, "the clients ended before their time: %.300s",
                        WIFEXITED(status) ? why : "killed");
}

bool bench_crowd_is_drained(const struct bench_crowd *crowd)
{
    const struct bench_crowd_counters *c = crowd->counters;
    return atomic_load(&c->succeeded) + atomic_load(&c->failed) + atomic_load(&c->late) ==
           atomic_load(&c->begun);
}

void bench_crowd_end(struct bench_crowd *crowd)
{
    bench_child_stop(crowd->pid);
    crowd->pid = 0;
}
