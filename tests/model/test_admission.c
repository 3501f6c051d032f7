/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that are admitted, and those that are refused before a byte is read. */
#include "gateway/conn/conn_private.h"

#include "tests/model/ring_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum {
    WORKERS = 2,
    MOST = 4,
};

static struct {
    struct gw_conn_env env;
    struct gw_config config;
    struct gw_service service; /* of the client role: it begins by a connect, which stays open */
    struct gw_stats stats[WORKERS];
    int fds[MOST + 1];
    unsigned count;
} gateway;

static int never_answered(void *arg, int fd)
{
    (void)arg;
    (void)fd;
    return 1;
}

static void no_close(void *arg, int fd, bool reset)
{
    (void)arg;
    (void)fd;
    (void)reset;
}

static void no_report(void *arg, const struct gw_conn_report *report, const struct gw_note *note)
{
    (void)arg;
    (void)report;
    (void)note;
}

static unsigned refused[GW_REASON_COUNT];

static void count_refused(void *arg, enum gw_reason reason)
{
    (void)arg;
    refused[reason]++;
}

static int begin(void **state)
{
    (void)state;
    struct gw_fake_config fake = {
        .max_buffers = MOST, .prompt = true, .on_connect = never_answered, .on_close = no_close};
    memset(&gateway, 0, sizeof(gateway));
    memset(refused, 0, sizeof(refused));
    gateway.service.role = GW_ROLE_CLIENT;
    gateway.service.target.addr_count = 1;
    gateway.service.target.addrs[0].len = sizeof(struct sockaddr_storage);
    gateway.config.services[0] = &gateway.service;
    gateway.config.service_count = 1;
    gateway.config.max_conns = MOST;
    gateway.service.connect_timeout_ns = 1;
    gateway.env = (struct gw_conn_env){
        .ring = gw_fake_new(&fake),
        .config = &gateway.config,
        .stats = &gateway.stats[0],
        .all_stats = gateway.stats,
        .worker_count = WORKERS,
        .ended = no_report,
        .refused = count_refused,
    };
    return gw_conn_env_init(&gateway.env, 1);
}

static void complete(void *arg, const struct gw_completion *done)
{
    gw_conn_complete(arg, done);
}

static int end(void **state)
{
    (void)state;
    gw_conn_end_all(&gateway.env);
    for (int turns = 0; gw_conn_count(&gateway.env) > 0 && turns < 100; turns++) {
        assert_int_equal(gw_ring_wait(gateway.env.ring, 0, complete, &gateway.env), 0);
        gw_conn_turn(&gateway.env);
    }
    for (unsigned i = 0; i < gateway.count; i++)
        gw_fake_peer_release(gateway.env.ring, gateway.fds[i]);
    gw_conn_env_done(&gateway.env);
    gw_fake_free(gateway.env.ring);
    return 0;
}

/* Whether another one is let in. */
static bool comes_in(void)
{
    uint32_t before = gw_conn_count(&gateway.env);
    int fd = gw_fake_accept(gateway.env.ring);
    gateway.fds[gateway.count++] = fd;
    gw_conn_accepted(&gateway.env, fd, 0);
    bool in = gw_conn_count(&gateway.env) == before + 1;
    assert_int_equal(gw_fake_is_open(gateway.env.ring, fd), in);
    return in;
}

static void open_elsewhere(int64_t more)
{
    gw_stats_add(&gateway.stats[1], GW_COUNTER_OPEN, more);
}

/* --max-conns limits all workers together, and the count distinguishes refused connections. */
static void the_limit_is_of_all_workers(void **state)
{
    (void)state;
    open_elsewhere(MOST - 1);
    assert_true(comes_in());
    assert_false(comes_in());
    assert_int_equal(gateway.stats[0].ended[GW_REASON_MAX_CONNS], 1);
    open_elsewhere(-1);
    assert_true(comes_in());
    assert_false(comes_in());
    assert_int_equal(gateway.stats[0].ended[GW_REASON_MAX_CONNS], 2);
    assert_int_equal(refused[GW_REASON_MAX_CONNS], 2);
    assert_int_equal(gateway.stats[0].ended[GW_REASON_NO_MEMORY], 0);
    assert_int_equal(gw_stats_get(&gateway.stats[0], GW_COUNTER_ACCEPTED), 4);
    assert_int_equal(gw_stats_get(&gateway.stats[0], GW_COUNTER_OPEN), 2);
}

/* The other workers may have all connections, this one none. */
static void others_may_have_all(void **state)
{
    (void)state;
    open_elsewhere(MOST);
    assert_false(comes_in());
    assert_int_equal(gateway.stats[0].ended[GW_REASON_MAX_CONNS], 1);
}

/* No two workers give the same number, nor does one that takes the place of a dead one. */
static void numbers_are_of_one_worker(void **state)
{
    struct gw_conn_env next = gateway.env;
    (void)state;
    assert_int_equal(gateway.env.next_id, 1);
    assert_true(comes_in());
    assert_true(comes_in());
    assert_int_equal(gateway.env.next_id, 1 + 2 * WORKERS);
    assert_int_equal(gw_conn_env_init(&next, 1), 0);
    assert_int_equal(next.next_id, 1 + 2 * WORKERS);
    gw_conn_env_done(&next);
    next.stats = &gateway.stats[1];
    assert_int_equal(gw_conn_env_init(&next, 1), 0);
    assert_int_equal(next.next_id, 2);
    gw_conn_env_done(&next);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_limit_is_of_all_workers, begin, end),
        cmocka_unit_test_setup_teardown(others_may_have_all, begin, end),
        cmocka_unit_test_setup_teardown(numbers_are_of_one_worker, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
