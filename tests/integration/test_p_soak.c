/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A day's traffic in little time, in rounds: connections short and long, full and resumed, with
 * certificates and without, bulk both ways, slow readers, key updates, aborts, floods of
 * handshakes, and now and then the death of a worker. After each round nothing is open, and nothing
 * has grown: neither descriptors nor memory nor, exactly, the number and the bytes of allocations
 * that are not freed.
 *
 *   KTLSGATE_TEST_SOAK  seconds it takes (20; with KTLSGATE_TEST_ALL 600)
 */
#include "gateway/base/compat.h"
#include "tests/integration/alloc_account.h"
#include "tests/integration/attempt.h"
#include "tests/integration/check.h"
#include "tests/integration/client_steps.h"
#include "tests/integration/net.h"
#include "tests/integration/stage.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define KIB UINT64_C(1024)
#define MIB (KIB * 1024)

enum {
    WORKERS = 2,
    SECONDS = 20,
    SECONDS_ALL = 600,
    ROUND_MS = 1500,
    LONG = 12, /* connections that live as long as a round */
    FLOOD = 150,
    WARM_ROUNDS = 2, /* until everything that is made once is made */
    /* What may come and go by chance, of all workers: allocations and their bytes, which pools keep
     * of a busier moment than any before it, and the memory that the heap keeps of that. */
    SLACK_LIVE = 64,
    SLACK_BYTES = 512 * 1024,
    SLACK_KIB = 16 * 1024,
};

static struct alloc_fault *account;
static int64_t round_end_ms;

static int start(void **state)
{
    account = alloc_account_open();
    return account ? stage_start(state) : -1;
}

static int stop(void **state)
{
    (void)stage_stop(state);
    alloc_account_close();
    return 0;
}

/* ---- the activities of a round: each in a thread of its own, until the round ends ---- */

static bool round_goes_on(void)
{
    return net_now_ms() < round_end_ms;
}

static struct client_options visitor(unsigned number)
{
    return (struct client_options){
        .port = gateway->port,
        .version = number % 2 ? TLS1_3_VERSION : TLS1_2_VERSION,
        .with_cert = number % 4 < 2,
        .identity = ID_ALICE,
    };
}

struct actor {
    pthread_t thread;
    void (*act)(struct actor *a);
    unsigned number;
    struct attempts attempts;
};

static void come_and_go(struct actor *a)
{
    (void)attempt_one(&a->attempts);
}

static void come_back(struct actor *a)
{
    SSL_SESSION *session = a->attempts.session;
    a->attempts.options.session = session ? SSL_SESSION_dup(session) : NULL;
    (void)attempt_one(&a->attempts);
    SSL_SESSION_free(a->attempts.options.session);
}

/* Sends in pieces what it takes slowly, and changes its keys between them. The kernel of a test may
 * be one that cannot: then the connection ends, which is fine as well. */
static void take_ones_time(struct actor *a)
{
    struct client c;
    client_begin(&c, a->attempts.ctx, &a->attempts.options);
    c.work.up_seed = c.work.down_seed = STAGE_SEED;
    short events;
    while ((events = client_step_handshake(&c)) && net_await(c.fd, events, round_end_ms))
        ;
    while (c.end == CLIENT_OPEN && SSL_is_init_finished(c.ssl) && round_goes_on()) {
        (void)client_step_send(&c, c.sent + 3000);
        (void)poll(NULL, 0, 20);
        (void)client_step_receive(&c, c.received + 2000);
        if (SSL_version(c.ssl) == TLS1_3_VERSION && c.sent % 7 == 0)
            (void)SSL_key_update(c.ssl, SSL_KEY_UPDATE_REQUESTED);
    }
    a->attempts.count[c.wrong ? ATTEMPT_WRONG : ATTEMPT_GOOD]++;
    client_close(&c);
}

/* Breaks off, each time elsewhere. */
static void break_off(struct actor *a)
{
    struct client c;
    unsigned how = a->number++ % 6;
    client_begin(&c, a->attempts.ctx, &a->attempts.options);
    c.work.up_seed = c.work.down_seed = STAGE_SEED;
    c.wire.hold = how == 1;
    short events = POLLOUT;
    while (how > 0 && (events = client_step_handshake(&c)) && how > 2 &&
           net_await(c.fd, events, round_end_ms))
        ;
    if (how == 1)
        (void)net_send(c.fd, c.wire.held, c.wire.held_len / 2, 0);
    if (how > 3 && SSL_is_init_finished(c.ssl))
        (void)client_step_send(&c, 200 * KIB);
    if (how % 2)
        client_reset(&c);
    a->attempts.count[c.wrong ? ATTEMPT_WRONG : ATTEMPT_FAILED]++;
    client_close(&c);
}

static void *play(void *arg)
{
    struct actor *a = arg;
    while (round_goes_on())
        a->act(a);
    return NULL;
}

static const struct {
    void (*act)(struct actor *a);
    uint64_t bytes;
} parts[] = {
    {come_and_go, 3000},    {come_and_go, 200},  {come_back, 500},
    {come_back, 20000},     {break_off, 0},      {break_off, 0},
    {come_and_go, 4 * MIB}, {take_ones_time, 0}, {take_ones_time, 0},
};

enum {
    ACTORS = sizeof(parts) / sizeof(parts[0])
};

static struct actor actors[ACTORS];

static void cast(void)
{
    for (unsigned i = 0; i < ACTORS; i++) {
        actors[i] = (struct actor){.act = parts[i].act, .number = i};
        const struct client_options options = visitor(i);
        attempts_begin(&actors[i].attempts, &options, parts[i].bytes);
    }
}

static unsigned long dismiss(void)
{
    unsigned long conns = 0;
    for (unsigned i = 0; i < ACTORS; i++) {
        attempts_check(&actors[i].attempts);
        for (int how = 0; how < ATTEMPT_COUNT; how++)
            conns += actors[i].attempts.count[how];
        attempts_done(&actors[i].attempts);
    }
    return conns;
}

/* ---- rounds ---- */

static void flood(void)
{
    char error[160];
    const struct client_options options = visitor(3);
    const struct client_work work = {.up_bytes = 100,
                                     .up_seed = STAGE_SEED,
                                     .down_bytes = 100,
                                     .down_seed = STAGE_SEED,
                                     .leave = true};
    unsigned good = clients_run(&options, &work, FLOOD, FLOOD, NULL, NULL, error);
    if (good != FLOOD)
        fail_msg("%u of %u failed; the first: %s", FLOOD - good, FLOOD, error);
}

/* `victim`: a worker to kill in its midst; 0: none. */
static void play_round(pid_t victim)
{
    struct client old[LONG];
    const struct client_options options = visitor(1);
    for (int i = 0; i < LONG; i++) {
        stage_join(&old[i], &options);
    }
    round_end_ms = net_now_ms() + ROUND_MS;
    for (unsigned i = 0; i < ACTORS; i++)
        assert_int_equal(pthread_create(&actors[i].thread, NULL, play, &actors[i]), 0);
    if (victim)
        assert_return_code(kill(victim, SIGKILL), 0);
    else
        flood();
    for (unsigned i = 0; i < ACTORS; i++)
        (void)pthread_join(actors[i].thread, NULL);
    for (int i = 0; i < LONG; i++) {
        if (!victim) {
            stage_echo(&old[i], 5000);
            stage_leave(&old[i]);
        }
        client_close(&old[i]);
    }
}

/* What all workers have when nothing is open. */
struct state {
    int fds[WORKERS];
    long kib;
    int64_t live, bytes;
};

static void look(struct state *ret)
{
    pid_t pids[WORKERS_MAX];
    assert_int_equal(gateway_workers(gateway, pids), WORKERS);
    ret->kib = 0;
    for (int i = 0; i < WORKERS; i++) {
        ret->fds[i] = process_fds(pids[i]);
        ret->kib += process_memory_kib(pids[i]);
    }
    ret->live = (int64_t)__atomic_load_n(&account->live, __ATOMIC_RELAXED);
    ret->bytes = (int64_t)__atomic_load_n(&account->bytes, __ATOMIC_RELAXED);
}

static bool is_larger(const struct state *now, const struct state *base)
{
    bool larger = now->live > base->live + SLACK_LIVE || now->bytes > base->bytes + SLACK_BYTES;
    larger |= !GW_WITH_ASAN && now->kib > base->kib + SLACK_KIB;
    for (int i = 0; i < WORKERS; i++)
        larger |= now->fds[i] > base->fds[i];
    return larger;
}

/* Waits until all that was open is gone; what then is more than at `base` has leaked. */
static void expect_no_more_than(const struct state *base)
{
    struct state now;
    int64_t deadline = net_now_ms() + DEADLINE_MS;
    for (look(&now); is_larger(&now, base) && net_now_ms() < deadline; look(&now))
        (void)poll(NULL, 0, 50);
    if (is_larger(&now, base))
        fail_msg("descriptors %d+%d, now %d+%d; memory %ld KiB, now %ld; "
                 "allocations %lld of %lld bytes, now %lld of %lld",
                 base->fds[0], base->fds[1], now.fds[0], now.fds[1], base->kib, now.kib,
                 (long long)base->live, (long long)base->bytes, (long long)now.live,
                 (long long)now.bytes);
}

static void rest(const struct state *empty)
{
    struct state now;
    int64_t deadline = net_now_ms() + DEADLINE_MS;
    for (look(&now);
         now.fds[0] + now.fds[1] > empty->fds[0] + empty->fds[1] && net_now_ms() < deadline;
         look(&now))
        (void)poll(NULL, 0, 50);
}

/* Rounds without a death, until `end_ms`: the first ones warm up, and what they leave is the base.
 */
static unsigned play_act(const struct state *empty, int64_t end_ms)
{
    struct state base;
    unsigned rounds = 0;
    for (; rounds < WARM_ROUNDS; rounds++)
        play_round(0);
    rest(empty);
    look(&base);
    while (net_now_ms() < end_ms) {
        play_round(0);
        expect_no_more_than(&base);
        rounds++;
    }
    return rounds;
}

static int seconds(void)
{
    const char *asked = getenv("KTLSGATE_TEST_SOAK");
    int usual = world_wants_all() ? SECONDS_ALL : SECONDS;
    return asked ? (int)strtol(asked, NULL, 10) : usual;
}

static void a_day(void **state)
{
    enum {
        ACTS = 3 /* with a death between two of them */
    };
    struct state empty;
    pid_t pids[WORKERS_MAX];
    unsigned rounds = 0;
    (void)state;
    alloc_account_preload(true);
    stage_serve(&(struct gateway_options){
        .workers = WORKERS,
        .flags = {"--cacert", world_cert(ID_CA), "--verify", "optional", "--allow-all",
                  "--handshake-timeout", "60s"},
    });
    alloc_account_preload(false);
    look(&empty);
    cast();
    int64_t began = net_now_ms();
    for (int act = 1; act <= ACTS; act++) {
        rounds += play_act(&empty, began + (int64_t)seconds() * 1000 * act / ACTS);
        if (act == ACTS)
            break;
        gateway->lost_some = true;
        assert_int_equal(gateway_workers(gateway, pids), WORKERS);
        play_round(pids[act % WORKERS]);
        gateway_expect_words(gateway, "is back");
        rest(&empty);
    }
    unsigned long conns = dismiss() + rounds * (LONG + FLOOD);
    print_message("    %lu connections in %u rounds\n", conns, rounds);
    gateway_stop(gateway);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_day, start, stop),
    };
    return run_world("p_soak", tests);
}
