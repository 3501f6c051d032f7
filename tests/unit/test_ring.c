/* SPDX-License-Identifier: Apache-2.0 */
/* The real io_uring on socket pairs: every operation, buffers, cancel, close, starvation. */
#include "gateway/ring/ring.h"
#include "gateway/ring/ring_private.h"
#include "gateway/ring/token.h"

#include "gateway/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    MAX_BUFFERS = 48,
    SEEN_MAX = 256
};

struct fixture {
    struct gw_ring *ring;
    struct gw_completion seen[SEEN_MAX];
    unsigned count;
    int pair[2];
};

static struct gw_token token(enum gw_op op, uint32_t slot)
{
    return (struct gw_token){.op = op, .slot = slot, .generation = slot + 7};
}

static void note(void *arg, const struct gw_completion *c)
{
    struct fixture *f = arg;
    assert_true(f->count < SEEN_MAX);
    f->seen[f->count++] = *c;
}

/* Turns the ring until `count` completions were seen in all. */
static void await(struct fixture *f, unsigned count)
{
    for (int turns = 0; f->count < count && turns < 100; turns++)
        assert_int_equal(gw_ring_wait(f->ring, GW_NS_PER_SEC, note, f), 0);
    assert_int_equal(f->count, count);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct gw_ring_config config = {
        .max_conns = 16,
        .max_buffers = MAX_BUFFERS,
        .standing = true,
    };
    int error = gw_ring_new(&f->ring, &config);
    if (error == -EPERM || error == -ENOSYS) {
        fprintf(stderr, "SKIP: no io_uring here: %s\n", gw_ring_why(error));
        exit(77);
    }
    assert_int_equal(error, 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, f->pair), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 2; i++)
        if (f->pair[i] >= 0)
            (void)close(f->pair[i]);
    gw_ring_free(f->ring);
    free(f);
    return 0;
}

static void tokens_survive_the_way(void **state)
{
    (void)state;
    struct gw_token t = {.op = GW_OP_SEND, .leg = 1, .slot = 0xffffff, .generation = 0xfffffff1};
    struct gw_token back = gw_token_unpack(gw_token_pack(t));
    assert_int_equal(back.op, t.op);
    assert_int_equal(back.leg, t.leg);
    assert_int_equal(back.slot, t.slot);
    assert_int_equal(back.generation, t.generation);
}

static void picked_receive_brings_a_buffer(void **state)
{
    struct fixture *f = *state;
    gw_ring_recv_pick(f->ring, token(GW_OP_RECV, 3), f->pair[0], 0, 0);
    assert_int_equal(gw_ring_wait(f->ring, 0, note, f), 0);
    assert_int_equal(f->count, 0); /* nothing there, no buffer taken */
    assert_int_equal(gw_ring_buffers_in_use(f->ring), 0);

    assert_int_equal(write(f->pair[1], "hello", 5), 5);
    await(f, 1);
    struct gw_completion *c = &f->seen[0];
    assert_int_equal(c->res, 5);
    assert_int_equal(c->token.slot, 3);
    assert_int_equal(c->token.generation, 10);
    assert_non_null(c->buf);
    assert_memory_equal(c->buf->data + GW_BUFFER_FRONT, "hello", 5);
    assert_int_equal(gw_ring_buffers_in_use(f->ring), 1);
    gw_ring_buffer_give(f->ring, c->buf);
    assert_int_equal(gw_ring_buffers_in_use(f->ring), 0);
}

/* ---- many long steps in one turn ---- */

enum {
    STEPS = 16
};

struct steps {
    struct fixture *f;
    unsigned done;
    unsigned waited; /* steps of this turn until the first answer had left; 0: none has */
};

/* Each step answers with a byte, and says that it took long. */
static void long_step(void *arg, const struct gw_completion *c)
{
    struct steps *s = arg;
    char byte;
    if (c->token.op != GW_OP_POLL)
        return;
    s->done++;
    gw_ring_send(s->f->ring, token(GW_OP_SEND, c->token.slot), s->f->pair[0], "x", 1);
    gw_ring_flush(s->f->ring);
    if (!s->waited && recv(s->f->pair[1], &byte, 1, MSG_DONTWAIT) == 1)
        s->waited = s->done;
}

static void answers_leave_before_all_are_made(void **state)
{
    struct fixture *f = *state;
    struct steps s = {.f = f};
    for (uint32_t i = 0; i < STEPS; i++)
        gw_ring_poll(f->ring, token(GW_OP_POLL, i), f->pair[0], POLLOUT, false);
    for (int turns = 0; s.done < STEPS && turns < 10; turns++)
        assert_int_equal(gw_ring_wait(f->ring, GW_NS_PER_SEC, long_step, &s), 0);
    assert_int_equal(s.done, STEPS);
    assert_in_range(s.waited, 1, STEPS / 2);
}

static void picked_receive_respects_max(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(write(f->pair[1], "0123456789", 10), 10);
    gw_ring_recv_pick(f->ring, token(GW_OP_RECV, 1), f->pair[0], 4, 0);
    await(f, 1);
    assert_int_equal(f->seen[0].res, 4);
    gw_ring_buffer_give(f->ring, f->seen[0].buf);
}

static void end_of_stream_brings_no_buffer(void **state)
{
    struct fixture *f = *state;
    gw_ring_recv_pick(f->ring, token(GW_OP_RECV, 1), f->pair[0], 0, 0);
    assert_int_equal(shutdown(f->pair[1], SHUT_WR), 0);
    await(f, 1);
    assert_int_equal(f->seen[0].res, 0);
    assert_null(f->seen[0].buf);
    assert_int_equal(gw_ring_buffers_in_use(f->ring), 0);
}

static void dontwait_does_not_wait(void **state)
{
    struct fixture *f = *state;
    gw_ring_recv_pick(f->ring, token(GW_OP_RECV, 1), f->pair[0], 0, GW_RECV_DONTWAIT);
    await(f, 1);
    assert_int_equal(f->seen[0].res, -EAGAIN);
    assert_null(f->seen[0].buf);
}

/* Takes every buffer there is, gets ENOBUFS, gives one back, and the next receive works. */
static void starvation_ends_when_a_buffer_returns(void **state)
{
    enum {
        ALL_BUFFERS = 2 * MAX_BUFFERS /* as many as that may be lent */
    };
    struct fixture *f = *state;
    char bytes[4096];
    memset(bytes, 'x', sizeof(bytes));
    struct gw_buf *held[ALL_BUFFERS];
    unsigned count = 0;
    assert_int_equal(write(f->pair[1], bytes, ALL_BUFFERS + 2), ALL_BUFFERS + 2);
    for (int tries = 0; tries < ALL_BUFFERS * 4 && count < ALL_BUFFERS; tries++) {
        f->count = 0;
        gw_ring_recv_pick(f->ring, token(GW_OP_RECV, 1), f->pair[0], 1, 0);
        await(f, 1);
        if (f->seen[0].res == 1)
            held[count++] = f->seen[0].buf;
        else
            assert_int_equal(f->seen[0].res, -ENOBUFS);
    }
    assert_int_equal(count, ALL_BUFFERS);
    assert_int_equal(gw_ring_buffers_free(f->ring), 0);
    assert_null(gw_ring_buffer_take(f->ring));

    f->count = 0;
    gw_ring_recv_pick(f->ring, token(GW_OP_RECV, 1), f->pair[0], 1, 0);
    await(f, 1);
    assert_int_equal(f->seen[0].res, -ENOBUFS);

    gw_ring_buffer_give(f->ring, held[--count]);
    f->count = 0;
    gw_ring_recv_pick(f->ring, token(GW_OP_RECV, 1), f->pair[0], 1, 0);
    await(f, 1);
    assert_int_equal(f->seen[0].res, 1);
    gw_ring_buffer_give(f->ring, f->seen[0].buf);
    while (count > 0)
        gw_ring_buffer_give(f->ring, held[--count]);
}

/* A hundred receives at once must not make the worker's stock of buffers grow a hundredfold. */
static void a_burst_doubles_what_is_lent_once(void **state)
{
    enum {
        BURST = 200
    };
    static const char bytes[BURST];
    struct fixture *f = *state;
    struct gw_ring_config config = {.max_conns = BURST, .max_buffers = 4096};
    gw_ring_free(f->ring);
    assert_int_equal(gw_ring_new(&f->ring, &config), 0);
    assert_int_equal(write(f->pair[0], bytes, BURST), BURST);
    uint32_t before = f->ring->lent[GW_LENT_BUFFERS].target;
    for (uint32_t i = 0; i < BURST; i++)
        gw_ring_recv_pick(f->ring, token(GW_OP_RECV, i), f->pair[1], 1, 0);
    await(f, BURST);
    unsigned starved = 0;
    for (unsigned i = 0; i < BURST; i++) {
        starved += f->seen[i].res == -ENOBUFS;
        if (f->seen[i].buf)
            gw_ring_buffer_give(f->ring, f->seen[i].buf);
    }
    assert_int_equal(starved, BURST - before);
    assert_int_equal(gw_ring_wait(f->ring, 0, note, f), 0);
    assert_int_equal(f->ring->lent[GW_LENT_BUFFERS].target, 2 * before);
    assert_int_equal(f->ring->lent[GW_LENT_BUFFERS].count, 2 * before);
}

/* What a burst made the kernel hold of buffers must not be all there are: a flow that takes them
 * itself would find none for as long as nothing is received. */
static void what_is_lent_leaves_some(void **state)
{
    enum {
        CONNS = 129
    };
    static const char bytes[2 * CONNS];
    struct fixture *f = *state;
    struct gw_ring_config config = {.max_conns = CONNS, .max_buffers = 2 * CONNS};
    gw_ring_free(f->ring);
    assert_int_equal(gw_ring_new(&f->ring, &config), 0);
    for (int burst = 0; burst < 10; burst++) {
        f->count = 0;
        assert_int_equal(write(f->pair[0], bytes, CONNS), CONNS);
        for (uint32_t i = 0; i < CONNS; i++)
            gw_ring_recv_pick(f->ring, token(GW_OP_RECV, i), f->pair[1], 1, 0);
        await(f, CONNS);
        for (unsigned i = 0; i < CONNS; i++)
            gw_ring_completion_give(f->ring, &f->seen[i]);
        assert_int_equal(gw_ring_wait(f->ring, 0, note, f), 0);
    }
    assert_true(f->ring->lent[GW_LENT_BUFFERS].count > CONNS);
    for (unsigned i = 0; i < 2 * CONNS; i++)
        assert_non_null(gw_ring_buffer_take(f->ring));
}

/* ---- standing receives ---- */

static void stand(struct fixture *f, uint32_t slot)
{
    static int works = -1;
    if (works < 0)
        works = gw_ring_try_standing(f->ring);
    if (!works) {
        print_message("SKIP: this kernel's multishot receives may miss the end of a stream\n");
        skip();
    }
    gw_ring_recv_standing(f->ring, token(GW_OP_STANDING, slot), f->pair[0]);
}

static void put(struct fixture *f, size_t len)
{
    static const uint8_t bytes[GW_SNIPPET_BYTES * 4];
    assert_int_equal(write(f->pair[1], bytes, len), (ssize_t)len);
}

static void standing_receive_takes_one_message_after_the_other(void **state)
{
    struct fixture *f = *state;
    stand(f, 1);
    for (unsigned i = 0; i < 100; i++) { /* more than are lent at a time */
        uint8_t message[2] = {(uint8_t)i, 'x'};
        assert_int_equal(write(f->pair[1], message, 2), 2);
        await(f, i + 1);
        struct gw_completion *c = &f->seen[i];
        assert_true(c->more && c->res == 2 && !c->buf && c->snippet);
        assert_int_equal(c->snippet->len, 2);
        assert_memory_equal(c->snippet->data, message, 2);
        gw_ring_snippet_give(f->ring, c->snippet);
    }
    assert_int_equal(gw_ring_buffers_in_use(f->ring), 0);
    assert_int_equal(f->ring->lent[GW_LENT_SNIPPETS].target, 32); /* they came round */
}

static void standing_receive_ends_with_the_stream(void **state)
{
    struct fixture *f = *state;
    stand(f, 1);
    put(f, 3);
    await(f, 1);
    put(f, 3);
    assert_int_equal(shutdown(f->pair[1], SHUT_WR), 0);
    await(f, 3);
    assert_true(f->seen[0].more && f->seen[1].more && f->seen[1].res == 3);
    assert_true(!f->seen[2].more && f->seen[2].res == 0 && !f->seen[2].snippet);
    gw_ring_completion_give(f->ring, &f->seen[0]);
    gw_ring_completion_give(f->ring, &f->seen[1]);
}

/* Data that was there when it began may not be reported. */
static void a_look_finds_an_end_that_was_there(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(gw_ring_look(f->ring, f->pair[0]), -EAGAIN);
    put(f, 3);
    assert_int_equal(gw_ring_look(f->ring, f->pair[0]), 1);
    assert_int_equal(shutdown(f->pair[1], SHUT_WR), 0);
    assert_int_equal(gw_ring_look(f->ring, f->pair[0]), 1);
    stand(f, 1);
    while (f->count == 0)
        assert_int_equal(gw_ring_wait(f->ring, GW_NS_PER_SEC, note, f), 0);
    assert_int_equal(f->seen[0].res, 3);
    assert_int_equal(gw_ring_look(f->ring, f->pair[0]), 0);
    gw_ring_completion_give(f->ring, &f->seen[0]);
    gw_ring_cancel(f->ring, token(GW_OP_STANDING, 1)); /* some report it nevertheless */
    await(f, 2);
    assert_false(f->seen[1].more);
}

static void standing_receive_brings_much_in_pieces(void **state)
{
    struct fixture *f = *state;
    stand(f, 1);
    put(f, GW_SNIPPET_BYTES * 2 + 1);
    await(f, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(f->seen[i].res, i < 2 ? GW_SNIPPET_BYTES : 1);
        gw_ring_completion_give(f->ring, &f->seen[i]);
    }
}

static void standing_receive_is_cancelled(void **state)
{
    struct fixture *f = *state;
    stand(f, 1);
    put(f, 1);
    await(f, 1);
    gw_ring_cancel(f->ring, token(GW_OP_STANDING, 1));
    await(f, 2);
    assert_true(!f->seen[1].more && f->seen[1].res == -ECANCELED);
    gw_ring_completion_give(f->ring, &f->seen[0]);
    put(f, 1);
    assert_int_equal(gw_ring_wait(f->ring, 0, note, f), 0);
    assert_int_equal(f->count, 2);
}

/* Takes the snippets that come until the receive ends. */
static unsigned hoard(struct fixture *f, struct gw_snippet **held, unsigned count)
{
    bool more = true;
    stand(f, 1);
    while (more) {
        f->count = 0;
        put(f, 1);
        assert_int_equal(gw_ring_wait(f->ring, GW_NS_PER_SEC, note, f), 0);
        for (unsigned i = 0; i < f->count; i++) {
            more = f->seen[i].more;
            assert_true(f->seen[i].res > 0 || f->seen[i].res == -ENOBUFS);
            if (f->seen[i].snippet)
                held[count++] = f->seen[i].snippet;
        }
    }
    return count;
}

/* Without a free snippet, standing receives stop, and no others. */
static void standing_receives_end_without_snippets(void **state)
{
    struct fixture *f = *state;
    struct gw_snippet *held[GW_SNIPPETS];
    unsigned count = 0;
    while (count < GW_SNIPPETS) /* each time more are lent */
        count = hoard(f, held, count);
    assert_false(gw_ring_can_stand(f->ring));
    put(f, 1);
    gw_ring_recv_pick(f->ring, token(GW_OP_RECV, 1), f->pair[0], 0, 0);
    f->count = 0;
    await(f, 1);
    assert_true(f->seen[0].res > 0 && f->seen[0].buf);
    gw_ring_completion_give(f->ring, &f->seen[0]);
    while (count > 0)
        gw_ring_snippet_give(f->ring, held[--count]);
    assert_int_equal(gw_ring_wait(f->ring, 0, note, f), 0);
    assert_true(gw_ring_can_stand(f->ring));
}

static void send_and_sendmsg_carry_bytes(void **state)
{
    struct fixture *f = *state;
    char got[16];
    struct iovec iov[2] = {{(void *)(uintptr_t) "ab", 2}, {(void *)(uintptr_t) "cde", 3}};
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
    gw_ring_send(f->ring, token(GW_OP_SEND, 1), f->pair[0], "xyz", 3);
    await(f, 1);
    gw_ring_sendmsg(f->ring, token(GW_OP_SEND, 1), f->pair[0], &msg);
    await(f, 2);
    assert_int_equal(f->seen[0].res, 3);
    assert_int_equal(f->seen[1].res, 5);
    assert_int_equal(read(f->pair[1], got, sizeof(got)), 8);
    assert_memory_equal(got, "xyzabcde", 8);
}

static void send_to_a_closed_peer_gives_epipe_and_no_signal(void **state)
{
    struct fixture *f = *state;
    (void)close(f->pair[1]);
    f->pair[1] = -1;
    gw_ring_send(f->ring, token(GW_OP_SEND, 1), f->pair[0], "x", 1);
    await(f, 1);
    assert_int_equal(f->seen[0].res, -EPIPE);
}

static void recvmsg_scatters(void **state)
{
    struct fixture *f = *state;
    struct gw_buf *buf = gw_ring_buffer_take(f->ring);
    assert_non_null(buf);
    buf->iov[0] = (struct iovec){buf->data, 2};
    buf->iov[1] = (struct iovec){buf->data + 100, 10};
    buf->msg = (struct msghdr){.msg_iov = buf->iov, .msg_iovlen = 2};
    assert_int_equal(write(f->pair[1], "abcd", 4), 4);
    gw_ring_recvmsg(f->ring, token(GW_OP_RECV, 1), f->pair[0], buf, 0);
    await(f, 1);
    assert_int_equal(f->seen[0].res, 4);
    assert_memory_equal(buf->data, "ab", 2);
    assert_memory_equal(buf->data + 100, "cd", 2);
    gw_ring_buffer_give(f->ring, buf);
}

static void cancel_ends_an_operation(void **state)
{
    struct fixture *f = *state;
    gw_ring_recv_pick(f->ring, token(GW_OP_RECV, 1), f->pair[0], 0, 0);
    gw_ring_recv_pick(f->ring, token(GW_OP_RECV, 2), f->pair[0], 0, 0);
    assert_int_equal(gw_ring_wait(f->ring, 0, note, f), 0);
    gw_ring_cancel(f->ring, token(GW_OP_RECV, 1));
    gw_ring_cancel(f->ring, token(GW_OP_RECV, 9)); /* nobody: harmless */
    await(f, 1);
    assert_int_equal(f->seen[0].res, -ECANCELED);
    assert_int_equal(f->seen[0].token.slot, 1);
    gw_ring_cancel(f->ring, token(GW_OP_RECV, 2));
    await(f, 2);
}

static void multishot_poll_tells_each_wakeup(void **state)
{
    struct fixture *f = *state;
    char got[4];
    gw_ring_poll(f->ring, token(GW_OP_POLL, 1), f->pair[0], POLLIN, true);
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(write(f->pair[1], "x", 1), 1);
        await(f, i);
        assert_true(f->seen[i - 1].res & POLLIN);
        assert_true(f->seen[i - 1].more);
        assert_int_equal(read(f->pair[0], got, sizeof(got)), 1);
    }
    gw_ring_cancel(f->ring, token(GW_OP_POLL, 1));
    await(f, 4);
    assert_false(f->seen[3].more);
}

static int listen_loopback(struct sockaddr_in *addr)
{
    socklen_t len = sizeof(*addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    *addr = (struct sockaddr_in){.sin_family = AF_INET};
    addr->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)addr, len), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)addr, &len), 0);
    return fd;
}

static void accept_goes_on_and_connect_connects(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_in addr;
    int listener = listen_loopback(&addr);
    gw_ring_accept(f->ring, token(GW_OP_ACCEPT, 0), listener);
    for (unsigned i = 0; i < 3; i++) {
        int fd = gw_ring_socket(f->ring, AF_INET);
        assert_true(fd >= 0);
        gw_ring_connect(f->ring, token(GW_OP_CONNECT, 1), fd, (struct sockaddr *)&addr,
                        sizeof(addr));
        await(f, i * 2 + 2);
        for (unsigned k = i * 2; k < i * 2 + 2; k++) {
            if (f->seen[k].token.op != GW_OP_ACCEPT) {
                assert_int_equal(f->seen[k].res, 0);
                continue;
            }
            int got = f->seen[k].res;
            assert_true(got >= 0);
            assert_true(f->seen[k].more);
            assert_true(fcntl(got, F_GETFD) & FD_CLOEXEC);
            gw_ring_close(f->ring, &got);
            assert_int_equal(got, -1);
        }
        gw_ring_close(f->ring, &fd);
    }
    gw_ring_cancel(f->ring, token(GW_OP_ACCEPT, 0));
    await(f, 7);
    assert_false(f->seen[6].more);
    (void)close(listener);
}

static void refused_connect_says_so(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_in addr;
    (void)close(listen_loopback(&addr)); /* a port where nobody listens */
    int fd = gw_ring_socket(f->ring, AF_INET);
    gw_ring_connect(f->ring, token(GW_OP_CONNECT, 1), fd, (struct sockaddr *)&addr, sizeof(addr));
    await(f, 1);
    assert_int_equal(f->seen[0].res, -ECONNREFUSED);
    gw_ring_close(f->ring, &fd);
}

static void close_really_closes(void **state)
{
    struct fixture *f = *state;
    char byte;
    gw_ring_close(f->ring, &f->pair[0]);
    assert_int_equal(gw_ring_wait(f->ring, GW_NS_PER_SEC, note, f), 0);
    assert_int_equal(f->count, 0);
    assert_int_equal(read(f->pair[1], &byte, 1), 0);
}

/* Of a connection that was reset nothing is waited for, though the kernel keeps its count. */
static void a_reset_leaves_nothing_unacked(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_in addr;
    char page[4096] = {0};
    int listener = listen_loopback(&addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_return_code(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    int peer = accept(listener, NULL, NULL);
    assert_true(peer >= 0);
    assert_int_equal(gw_ring_unacked(f->ring, fd), 0);
    while (send(fd, page, sizeof(page), MSG_DONTWAIT) > 0)
        ;
    assert_true(gw_ring_unacked(f->ring, fd) > 0);
    gw_ring_abort_on_close(f->ring, peer, true);
    (void)close(peer);
    struct pollfd reset = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&reset, 1, 1000), 1);
    assert_int_equal(gw_ring_unacked(f->ring, fd), -EPIPE);
    (void)close(fd);
    (void)close(listener);
}

static void waiting_ends_in_time(void **state)
{
    struct fixture *f = *state;
    int64_t before = gw_clock_ns();
    assert_int_equal(gw_ring_wait(f->ring, 20 * GW_NS_PER_MS, note, f), 0);
    assert_true(gw_clock_ns() - before >= 19 * GW_NS_PER_MS);
    assert_int_equal(f->count, 0);
}

static void more_operations_than_the_queue_holds(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < 3000; i++)
        gw_ring_cancel(f->ring, token(GW_OP_RECV, i));
    assert_int_equal(gw_ring_wait(f->ring, 0, note, f), 0);
    picked_receive_brings_a_buffer(state);
}

enum {
    FLOOD = 6000 /* more than the completion queue of so small a ring holds */
};

struct flood {
    struct gw_ring *ring;
    int fd;
    unsigned total;
    uint8_t seen[FLOOD]; /* of each operation's completions */
};

/* Each starts one more, so that the queue overflows while it is emptied, too. */
static void count_flood(void *arg, const struct gw_completion *c)
{
    struct flood *f = arg;
    assert_true(c->token.slot < FLOOD);
    assert_int_equal(c->res, POLLOUT);
    f->total++;
    if (f->seen[c->token.slot]++ == 0)
        gw_ring_poll(f->ring, c->token, f->fd, POLLOUT, false);
}

static void more_completions_than_the_queue_holds(void **state)
{
    struct fixture *f = *state;
    static struct flood flood;
    flood = (struct flood){.ring = f->ring, .fd = f->pair[0]};
    assert_true(f->ring->uring.cq.ring_entries < FLOOD);
    for (unsigned i = 0; i < FLOOD; i++)
        gw_ring_poll(f->ring, token(GW_OP_POLL, i), f->pair[0], POLLOUT, false);
    for (int turns = 0; flood.total < 2 * FLOOD && turns < 1000; turns++)
        assert_int_equal(gw_ring_wait(f->ring, GW_NS_PER_SEC, count_flood, &flood), 0);
    assert_int_equal(gw_ring_wait(f->ring, 0, count_flood, &flood), 0);
    assert_int_equal(flood.total, 2 * FLOOD);
    for (unsigned i = 0; i < FLOOD; i++)
        assert_int_equal(flood.seen[i], 2);
}

static void features_are_named(void **state)
{
    struct fixture *f = *state;
    struct gw_ring_features features;
    gw_ring_get_features(f->ring, &features);
    assert_non_null(strstr(features.flags_text, "CQSIZE"));
    assert_true(features.setup_flags != 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_survive_the_way),
        TEST(answers_leave_before_all_are_made),
        TEST(picked_receive_brings_a_buffer),
        TEST(picked_receive_respects_max),
        TEST(end_of_stream_brings_no_buffer),
        TEST(dontwait_does_not_wait),
        TEST(starvation_ends_when_a_buffer_returns),
        TEST(a_burst_doubles_what_is_lent_once),
        TEST(what_is_lent_leaves_some),
        TEST(standing_receive_takes_one_message_after_the_other),
        TEST(standing_receive_ends_with_the_stream),
        TEST(a_look_finds_an_end_that_was_there),
        TEST(standing_receive_brings_much_in_pieces),
        TEST(standing_receive_is_cancelled),
        TEST(standing_receives_end_without_snippets),
        TEST(send_and_sendmsg_carry_bytes),
        TEST(send_to_a_closed_peer_gives_epipe_and_no_signal),
        TEST(recvmsg_scatters),
        TEST(cancel_ends_an_operation),
        TEST(multishot_poll_tells_each_wakeup),
        TEST(accept_goes_on_and_connect_connects),
        TEST(refused_connect_says_so),
        TEST(close_really_closes),
        TEST(a_reset_leaves_nothing_unacked),
        TEST(waiting_ends_in_time),
        TEST(more_operations_than_the_queue_holds),
        TEST(more_completions_than_the_queue_holds),
        TEST(features_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
