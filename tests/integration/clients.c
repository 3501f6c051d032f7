/* SPDX-License-Identifier: Apache-2.0 */
/* Many clients at once, in one thread. */
#include "tests/integration/check.h"
#include "tests/integration/client_steps.h"
#include "tests/integration/net.h"

#include <openssl/err.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum phase {
    HANDSHAKE,
    WORK,
    MEET,
    CLOSE, /* all bytes came; until the peer's close_notify */
    DONE,
    FAILED,
};

enum {
    EVENTS = 256
};

struct crowd {
    const struct client_options *options;
    const struct client_work *work;
    SSL_CTX *ctx;
    struct client *slots;
    unsigned at_once;
    unsigned to_start;
    unsigned running;
    unsigned meeting;
    unsigned good;
    char *error;
    int epoll_fd;
};

static void start(struct crowd *crowd, struct client *c)
{
    client_begin(c, crowd->ctx, crowd->options);
    c->work = *crowd->work;
    c->phase = HANDSHAKE;
    c->events = EPOLLOUT;
    struct epoll_event e = {.events = EPOLLOUT, .data.ptr = c};
    assert_return_code(epoll_ctl(crowd->epoll_fd, EPOLL_CTL_ADD, c->fd, &e), 0);
    crowd->to_start--;
    crowd->running++;
}

/* ---- phases: each returns the events it waits for, 0 when the phase changed ---- */

static void say_close_notify(struct client *c)
{
    ERR_clear_error();
    (void)SSL_shutdown(c->ssl);
}

static short do_handshake(struct client *c)
{
    short events = client_step_handshake(c);
    if (events)
        return events;
    c->phase = c->end == CLIENT_OPEN ? WORK : FAILED;
    return 0;
}

static bool all_sent(const struct client *c)
{
    return c->sent == c->work.up_bytes;
}

static void work_done(struct client *c)
{
    c->phase = c->work.leave ? DONE : CLOSE;
    if (c->work.leave && !c->work.half_close)
        say_close_notify(c);
}

static short do_work(struct client *c)
{
    short out = client_step_send(c, c->work.up_bytes);
    bool said = SSL_get_shutdown(c->ssl) & SSL_SENT_SHUTDOWN;
    if (all_sent(c) && c->work.half_close && !said)
        say_close_notify(c);
    short in = c->end == CLIENT_OPEN ? client_step_receive(c, c->work.down_bytes) : 0;
    if (c->end != CLIENT_OPEN || c->wrong) {
        c->phase = FAILED;
        return 0;
    }
    if (!all_sent(c) || c->received < c->work.down_bytes)
        return (short)(out | in);
    if (c->work.meet)
        c->phase = MEET;
    else
        work_done(c);
    return 0;
}

static short do_close(struct client *c)
{
    short events = client_step_receive(c, c->work.down_bytes + 1);
    if (events)
        return events;
    bool proper = c->end == CLIENT_CLOSE_NOTIFY && c->received == c->work.down_bytes;
    if (proper)
        say_close_notify(c);
    c->phase = proper ? DONE : FAILED;
    return 0;
}

static short wait_for_nothing(struct client *c)
{
    (void)c;
    return 0;
}

static short (*const phases[])(struct client *c) = {
    [HANDSHAKE] = do_handshake, [WORK] = do_work,          [MEET] = wait_for_nothing,
    [CLOSE] = do_close,         [DONE] = wait_for_nothing, [FAILED] = wait_for_nothing,
};

/* ---- the crowd ---- */

static void finish(struct crowd *crowd, struct client *c)
{
    if (c->phase == DONE)
        crowd->good++;
    else if (!crowd->error[0])
        client_describe(c, crowd->error);
    crowd->running--;
    client_close(c);
    if (crowd->to_start > 0)
        start(crowd, c);
}

static void go_on(struct crowd *crowd, struct client *c)
{
    int before = c->phase;
    short want = 0;
    int phase;
    do {
        phase = c->phase;
        want = phases[phase](c);
    } while (want == 0 && c->phase != phase);
    if (c->phase == MEET && before != MEET)
        crowd->meeting++;
    if (c->phase == DONE || c->phase == FAILED) {
        finish(crowd, c);
        return;
    }
    uint32_t events = (uint32_t)want;
    struct epoll_event e = {.events = events, .data.ptr = c};
    if (events != c->events)
        assert_return_code(epoll_ctl(crowd->epoll_fd, EPOLL_CTL_MOD, c->fd, &e), 0);
    c->events = events;
}

static void part(struct crowd *crowd, void (*met)(void *arg), void *arg)
{
    if (met)
        met(arg);
    crowd->meeting = 0;
    for (unsigned i = 0; i < crowd->at_once; i++) {
        struct client *c = &crowd->slots[i];
        if (!c->ssl || c->phase != MEET)
            continue;
        work_done(c);
        go_on(crowd, c);
    }
}

static bool turn(struct crowd *crowd)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(crowd->epoll_fd, events, EVENTS, DEADLINE_MS);
    for (int i = 0; i < n; i++)
        go_on(crowd, events[i].data.ptr);
    return n > 0;
}

static void give_up(struct crowd *crowd)
{
    for (unsigned i = 0; i < crowd->at_once; i++) {
        struct client *c = &crowd->slots[i];
        if (!c->ssl)
            continue;
        if (!crowd->error[0]) {
            c->end = CLIENT_STUCK;
            client_describe(c, crowd->error);
        }
        client_close(c);
    }
}

unsigned clients_run(const struct client_options *options, const struct client_work *work,
                     unsigned count, unsigned at_once, void (*met)(void *arg), void *arg,
                     char error[160])
{
    struct crowd crowd = {
        .options = options,
        .work = work,
        .ctx = client_context(options),
        .slots = calloc(at_once, sizeof(struct client)),
        .at_once = at_once,
        .to_start = count,
        .error = error,
        .epoll_fd = epoll_create1(EPOLL_CLOEXEC),
    };
    error[0] = '\0';
    assert_non_null(crowd.slots);
    for (unsigned i = 0; i < at_once && crowd.to_start > 0; i++)
        start(&crowd, &crowd.slots[i]);
    while (crowd.running > 0 && turn(&crowd))
        if (crowd.meeting > 0 && crowd.meeting == crowd.running)
            part(&crowd, met, arg);
    give_up(&crowd);
    (void)close(crowd.epoll_fd);
    free(crowd.slots);
    SSL_CTX_free(crowd.ctx);
    return crowd.good;
}
