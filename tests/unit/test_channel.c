/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/proc/channel: messages arrive whole, only those the other side may send. */
#include "gateway/proc/channel.h"

#include "gateway/base/passage.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct pair {
    int master;
    int worker;
};

static int open_pair(void **state)
{
    static struct pair p;
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
        return -1;
    p = (struct pair){fds[0], fds[1]};
    *state = &p;
    return 0;
}

static int close_pair(void **state)
{
    struct pair *p = *state;
    (void)close(p->master);
    (void)close(p->worker);
    return 0;
}

static void carries_both_ways(void **state)
{
    struct pair *p = *state;
    struct gw_channel_message m;
    assert_int_equal(gw_channel_receive(p->master, false, &m), -EAGAIN);

    assert_int_equal(gw_channel_send(p->worker, GW_CHANNEL_READY, 0), 0);
    assert_int_equal(gw_channel_receive(p->master, false, &m), 1);
    assert_int_equal(m.kind, GW_CHANNEL_READY);

    assert_int_equal(gw_channel_send(p->master, GW_CHANNEL_DRAIN, INT64_C(10000000000)), 0);
    assert_int_equal(gw_channel_receive(p->worker, true, &m), 1);
    assert_int_equal(m.kind, GW_CHANNEL_DRAIN);
    assert_true(m.value == INT64_C(10000000000));
}

static void end_of_file_comes_after_the_last_message(void **state)
{
    struct pair *p = *state;
    struct gw_channel_message m;
    assert_int_equal(gw_channel_send(p->worker, GW_CHANNEL_READY, 0), 0);
    (void)close(p->worker);
    p->worker = -1;
    assert_int_equal(gw_channel_receive(p->master, false, &m), 1);
    assert_int_equal(gw_channel_receive(p->master, false, &m), 0);
    /* A send to nobody is an error and no signal. */
    assert_int_equal(gw_channel_send(p->master, GW_CHANNEL_DRAIN, 1), -EPIPE);
}

static void refuses_what_is_malformed(void **state)
{
    struct pair *p = *state;
    struct gw_channel_message good = {.kind = GW_CHANNEL_READY};
    struct gw_channel_message unknown = {.kind = 77};
    struct gw_channel_message nothing = {.kind = 0};
    struct gw_channel_message not_yours = {.kind = GW_CHANNEL_DRAIN, .value = 1};
    struct gw_channel_message dirty = {.kind = GW_CHANNEL_READY, .zero = 1};
    struct gw_channel_message negative = {.kind = GW_CHANNEL_READY, .value = -1};
    uint8_t long_one[sizeof(good) + 1] = {0};
    memcpy(long_one, &good, sizeof(good));
    const struct {
        const void *data;
        size_t len;
    } bad[] = {
        {&unknown, sizeof(unknown)},
        {&nothing, sizeof(nothing)},
        {&not_yours, sizeof(not_yours)},
        {&dirty, sizeof(dirty)},
        {&negative, sizeof(negative)},
        {&good, sizeof(good) - 1},
        {&good, 1},
        {long_one, sizeof(long_one)},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct gw_channel_message m = {.kind = 1234};
        assert_int_equal(send(p->worker, bad[i].data, bad[i].len, 0), bad[i].len);
        assert_int_equal(gw_channel_receive(p->master, false, &m), -EPROTO);
        assert_int_equal(m.kind, 1234); /* untouched */
    }
    struct gw_channel_message m;
    assert_int_equal(send(p->worker, &good, sizeof(good), 0), sizeof(good));
    assert_int_equal(gw_channel_receive(p->master, false, &m), 1);
}

/* The kernel drops a descriptor that the receiver has no number for; the message still comes. */
static void a_descriptor_may_get_lost(void **state)
{
    struct pair *p = *state;
    struct gw_channel_message m;
    struct rlimit before, none;
    int fd = 1234;
    assert_int_equal(gw_channel_send_fd(p->master, GW_CHANNEL_FILES, 7, STDERR_FILENO), 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int got = gw_channel_receive_fd(p->worker, &m, &fd);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(got, 1);
    assert_int_equal(fd, GW_PASSAGE_LOST);
    assert_int_equal(m.kind, GW_CHANNEL_FILES);
    assert_true(m.value == 7);

    assert_int_equal(gw_channel_send_fd(p->master, GW_CHANNEL_FILES, 8, STDERR_FILENO), 0);
    assert_int_equal(gw_channel_receive_fd(p->worker, &m, &fd), 1);
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC); /* keys are in what is passed */
    (void)close(fd);
    assert_int_equal(gw_channel_send(p->master, GW_CHANNEL_FILES, 9), 0); /* never had one */
    assert_int_equal(gw_channel_receive_fd(p->worker, &m, &fd), -EPROTO);
}

static void a_full_channel_does_not_block(void **state)
{
    struct pair *p = *state;
    int r = 0;
    for (int i = 0; i < 100000 && !r; i++)
        r = gw_channel_send(p->worker, GW_CHANNEL_READY, 0);
    assert_int_equal(r, -EAGAIN);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, open_pair, close_pair)
    const struct CMUnitTest tests[] = {
        TEST(carries_both_ways),
        TEST(end_of_file_comes_after_the_last_message),
        TEST(refuses_what_is_malformed),
        TEST(a_descriptor_may_get_lost),
        TEST(a_full_channel_does_not_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
