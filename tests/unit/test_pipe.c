/* SPDX-License-Identifier: Apache-2.0 */
/* The stock of pipes: nobody gets another's bytes, and only pipes of full size are used. */
#include "gateway/ring/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/skip.h"

enum {
    LIMIT = 4,
    NOBODY = 65534,
    SKIPPED = 77,
    PATIENCE_MS = 60000,
    PAUSE = 1000, /* takes that are refused after a pipe that could not be made */
};

static int set_up(void **state)
{
    struct gw_pipes *p = malloc(sizeof(*p));
    gw_pipes_init(p, LIMIT);
    *state = p;
    return p == NULL;
}

static int tear_down(void **state)
{
    gw_pipes_done(*state);
    free(*state);
    return 0;
}

static void socket_pair(int pair[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
}

static void close_pair(const int pair[2])
{
    (void)close(pair[0]);
    (void)close(pair[1]);
}

static void bytes_pass_through_and_the_pipe_comes_back(void **state)
{
    struct gw_pipes *p = *state;
    char got[16];
    int pair[2];
    socket_pair(pair);
    struct gw_pipe *pipe = gw_pipes_take(p);
    assert_non_null(pipe);
    assert_int_equal(gw_pipe_fill(pipe, pair[1], GW_PIPE_BYTES), -EAGAIN);
    assert_int_equal(write(pair[0], "through", 7), 7);
    assert_int_equal(gw_pipe_fill(pipe, pair[1], GW_PIPE_BYTES), 7);
    assert_int_equal(pipe->bytes, 7);
    assert_int_equal(gw_pipe_empty(pipe, pair[1]), 7);
    assert_int_equal(pipe->bytes, 0);
    assert_int_equal(read(pair[0], got, sizeof(got)), 7);
    assert_memory_equal(got, "through", 7);
    int in = pipe->in;
    gw_pipes_give(p, pipe);
    pipe = gw_pipes_take(p);
    assert_int_equal(pipe->in, in); /* the same one, still open */
    gw_pipes_give(p, pipe);
    assert_int_equal(shutdown(pair[0], SHUT_WR), 0);
    pipe = gw_pipes_take(p);
    assert_int_equal(gw_pipe_fill(pipe, pair[1], GW_PIPE_BYTES), 0);
    gw_pipes_give(p, pipe);
    close_pair(pair);
}

static void tcp_pair(int pair[2])
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    pair[0] = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    assert_int_equal(connect(pair[0], (struct sockaddr *)&at, len), 0);
    pair[1] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    assert_true(pair[1] >= 0);
    (void)close(listener);
}

/* kernel-notes/splice-urgent.md: so an EAGAIN after a poll that said yes is no reason to poll. */
static void urgent_data_stops_the_filling_and_not_the_poll(void **state)
{
    struct gw_pipes *p = *state;
    char got[16];
    int pair[2];
    tcp_pair(pair);
    struct pollfd look = {.fd = pair[1], .events = POLLIN};
    assert_int_equal(send(pair[0], "!", 1, MSG_OOB), 1);
    assert_int_equal(send(pair[0], "behind", 6, 0), 6);
    assert_int_equal(poll(&look, 1, PATIENCE_MS), 1);
    assert_int_equal(look.revents & POLLIN, POLLIN);
    struct gw_pipe *pipe = gw_pipes_take(p);
    assert_int_equal(gw_pipe_fill(pipe, pair[1], GW_PIPE_BYTES), -EAGAIN);
    assert_int_equal(poll(&look, 1, 0), 1);
    assert_int_equal(recv(pair[1], got, sizeof(got), 0), 6);
    assert_memory_equal(got, "behind", 6);
    gw_pipes_give(p, pipe);
    close_pair(pair);
}

/* By our count, or by the kernel's alone. */
static void a_pipe_with_bytes_in_it_never_comes_back(void **state)
{
    struct gw_pipes *p = *state;
    char got;
    for (int counted = 0; counted < 2; counted++) {
        struct gw_pipe *pipe = gw_pipes_take(p);
        assert_int_equal(write(pipe->in, "secret", 6), 6);
        pipe->bytes = counted ? 6 : 0;
        gw_pipes_give(p, pipe);
        for (int i = 0; i < LIMIT; i++) {
            struct gw_pipe *any = gw_pipes_take(p);
            assert_int_equal(any->bytes, 0);
            assert_int_equal(read(any->out, &got, 1), -1);
            assert_int_equal(errno, EAGAIN);
        }
        for (int i = 0; i < LIMIT; i++)
            gw_pipes_give(p, &p->pipes[i]);
    }
    /* A count that the kernel does not share is as bad. */
    struct gw_pipe *pipe = gw_pipes_take(p);
    pipe->bytes = 1;
    gw_pipes_give(p, pipe);
    assert_int_equal(pipe->in, -1);
}

static void there_are_no_more_than_the_limit(void **state)
{
    struct gw_pipes *p = *state;
    struct gw_pipe *taken[LIMIT];
    for (int i = 0; i < LIMIT; i++) {
        taken[i] = gw_pipes_take(p);
        assert_non_null(taken[i]);
        assert_true(fcntl(taken[i]->in, F_GETPIPE_SZ) >= GW_PIPE_SLOTS * 4096);
    }
    assert_null(gw_pipes_take(p));
    gw_pipes_give(p, taken[2]);
    assert_ptr_equal(gw_pipes_take(p), taken[2]);
    for (int i = 0; i < LIMIT; i++)
        gw_pipes_give(p, taken[i]);
}

static void few_are_kept_open(void **state)
{
    enum {
        MANY = 2 * GW_PIPES_KEPT
    };
    struct gw_pipes *p = *state;
    struct gw_pipe *taken[MANY];
    gw_pipes_done(p);
    gw_pipes_init(p, MANY);
    for (int round = 0; round < 3; round++) {
        unsigned open = 0;
        for (int i = 0; i < MANY; i++)
            assert_non_null(taken[i] = gw_pipes_take(p));
        for (int i = 0; i < MANY; i++)
            gw_pipes_give(p, taken[i]);
        for (int i = 0; i < MANY; i++)
            open += p->pipes[i].in >= 0;
        assert_int_equal(open, GW_PIPES_KEPT);
    }
}

static void bytes_that_were_lost_are_noticed(void **state)
{
    struct gw_pipes *p = *state;
    char got[8];
    int pair[2];
    socket_pair(pair);
    struct gw_pipe *pipe = gw_pipes_take(p);
    assert_int_equal(write(pipe->in, "12345678", 8), 8);
    pipe->bytes = 8;
    assert_int_equal(read(pipe->out, got, sizeof(got)), 8);
    assert_int_equal(gw_pipe_empty(pipe, pair[0]), -EPIPE); /* to wait would be for ever */
    gw_pipes_give(p, pipe);
    close_pair(pair);
}

static void a_full_socket_is_no_loss(void **state)
{
    struct gw_pipes *p = *state;
    static char block[65536];
    int pair[2];
    int res = 0;
    socket_pair(pair);
    struct gw_pipe *pipe = gw_pipes_take(p);
    while (res >= 0) {
        if (pipe->bytes == 0) {
            assert_int_equal(write(pipe->in, block, sizeof(block)), sizeof(block));
            pipe->bytes = sizeof(block);
        }
        res = gw_pipe_empty(pipe, pair[0]);
    }
    assert_int_equal(res, -EAGAIN);
    while (read(pair[1], block, sizeof(block)) > 0)
        ;
    assert_true(gw_pipe_empty(pipe, pair[0]) > 0);
    gw_pipes_give(p, pipe);
    close_pair(pair);
}

/* ---- in a process of its own ---- */

static int status_of(int (*function)(struct gw_pipes *p), struct gw_pipes *p)
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(function(p));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Above pipe-user-pages-soft an unprivileged user gets pipes of two pages, which cannot grow: those
 * are refused, and for a while the kernel is not asked again. */
static int exceed_the_soft_limit(struct gw_pipes *p)
{
    int fds[2];
    int shrunk = 0;
    struct rlimit files = {4096, 4096};
    if (setrlimit(RLIMIT_NOFILE, &files) || setgid(NOBODY) || setuid(NOBODY))
        return SKIPPED;
    while (!shrunk) {
        if (pipe2(fds, O_CLOEXEC))
            return SKIPPED;
        shrunk = fcntl(fds[0], F_GETPIPE_SZ) < 65536;
    }
    if (gw_pipes_take(p) || p->free_count != LIMIT || p->pause != PAUSE)
        return 1;
    (void)close(fds[0]);
    (void)close(fds[1]);
    for (int i = fds[1] - 1; i > fds[1] - 400; i--) /* room for a full one again */
        (void)close(i);
    for (int i = 0; i < PAUSE; i++)
        if (gw_pipes_take(p))
            return 2;
    struct gw_pipe *pipe = gw_pipes_take(p);
    return !pipe || fcntl(pipe->in, F_GETPIPE_SZ) < GW_PIPE_SLOTS * 4096 ? 3 : 0;
}

static void a_shrunk_pipe_is_refused(void **state)
{
    int status = status_of(exceed_the_soft_limit, *state);
    if (status == SKIPPED)
        skip_with("it needs root, to become a user without privilege");
    assert_int_equal(status, 0);
}

static int exhaust_descriptors(struct gw_pipes *p)
{
    struct rlimit files = {16, 16};
    if (setrlimit(RLIMIT_NOFILE, &files))
        return SKIPPED;
    while (dup(0) >= 0)
        ;
    if (errno != EMFILE || gw_pipes_take(p))
        return 1;
    (void)close(15);
    (void)close(14);
    for (int i = 0; i < PAUSE; i++)
        if (gw_pipes_take(p))
            return 2;
    return gw_pipes_take(p) ? 0 : 3;
}

static void without_descriptors_there_is_none(void **state)
{
    assert_int_equal(status_of(exhaust_descriptors, *state), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(bytes_pass_through_and_the_pipe_comes_back),
        TEST(urgent_data_stops_the_filling_and_not_the_poll),
        TEST(a_pipe_with_bytes_in_it_never_comes_back),
        TEST(there_are_no_more_than_the_limit),
        TEST(few_are_kept_open),
        TEST(bytes_that_were_lost_are_noticed),
        TEST(a_full_socket_is_no_loss),
        TEST(a_shrunk_pipe_is_refused),
        TEST(without_descriptors_there_is_none),
    };
    return cmocka_run_group_tests_name("pipe", tests, NULL, NULL);
}
