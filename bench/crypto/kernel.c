/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/crypto/kernel.h"

#include "gateway/base/clock.h"
#include "gateway/ktls/pair.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum {
    DATA = 23, /* the content type of application data */
    ROOM = 4 * BENCH_CRYPTO_LAP_BYTES,
};

/* The kinds: the index of a provider. */
enum {
    KTLS,
    TCP,
};

struct run {
    struct ktls_pair pair; /* the far end is the kernel's */
    const struct bench_crypto_task *task;
    bool tls;
    uint8_t got[GW_RECORD_PLAINTEXT_MAX];
};

static const struct ktls_suite *suite_of(enum ktls_cipher cipher)
{
    const struct ktls_suite *suite;
    for (size_t i = 0; (suite = ktls_suite_at(i)); i++)
        if (suite->cipher == cipher && suite->version == KTLS_TLS_1_3)
            return suite;
    return NULL;
}

/* A pair gives up some time after it was begun; each lap begins anew. */
static void extend(struct run *run)
{
    run->pair.deadline_ns = gw_clock_ns() + KTLS_PAIR_LIMIT_MS * GW_NS_PER_MS;
}

static void end(void *arg)
{
    struct run *run = arg;
    if (!run)
        return;
    ktls_pair_close(&run->pair);
    free(run);
}

/* A lap waits whole in a receive buffer. */
static void make_room(const struct run *run)
{
    const int room = ROOM;
    (void)setsockopt(run->pair.near, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
    (void)setsockopt(run->pair.far, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
}

static int begin(const struct bench_crypto_provider *p, const struct bench_crypto_task *task,
                 void **ret_run)
{
    struct run *run = calloc(1, sizeof(*run));
    if (!run)
        return -ENOMEM;
    run->task = task;
    run->tls = p->index == KTLS;
    int r = ktls_pair_connect(&run->pair);
    if (!r)
        make_room(run);
    if (!r && run->tls)
        r = ktls_pair_start(&run->pair, suite_of(task->cipher), task->seal ? KTLS_TX : KTLS_RX);
    if (r) {
        end(run);
        return r == -ENOENT || r == -ENOPROTOOPT || r == -EINVAL ? -ENOTSUP : r;
    }
    *ret_run = run;
    return 0;
}

/* Takes `len` bytes at the near end, to be forgotten. */
static int drain(struct run *run, size_t len)
{
    while (len > 0) {
        ssize_t n =
            recv(run->pair.near, run->pair.in, GW_MIN(len, sizeof(run->pair.in)), MSG_DONTWAIT);
        if (n > 0) {
            len -= (size_t)n;
            continue;
        }
        int r = n == 0            ? -ECONNRESET
                : errno == EAGAIN ? ktls_pair_wait(&run->pair, run->pair.near, POLLIN)
                                  : -errno;
        if (r)
            return r;
    }
    return 0;
}

/* One record's payload at the far end. */
static int receive(struct run *run)
{
    size_t have = 0;
    while (have < run->task->len) {
        ssize_t n = recv(run->pair.far, run->got + have, run->task->len - have, MSG_DONTWAIT);
        if (n > 0) {
            have += (size_t)n;
            continue;
        }
        int r = n == 0            ? -ECONNRESET
                : errno == EAGAIN ? ktls_pair_wait(&run->pair, run->pair.far, POLLIN)
                                  : -errno;
        if (r)
            return r;
    }
    return 0;
}

/* Sends a record at the near end. */
static int feed(struct run *run)
{
    const struct bench_crypto_task *t = run->task;
    if (run->tls) {
        int r = ktls_pair_seal(&run->pair, DATA, t->plain, t->len, 0);
        return r ? r : ktls_pair_flush(&run->pair);
    }
    memcpy(run->pair.out, t->plain, t->len);
    run->pair.sealed = t->len;
    return ktls_pair_flush(&run->pair);
}

/* What a record of the task is on the wire. */
static size_t wire_len(const struct run *run)
{
    return run->task->len + (run->tls ? KTLS_SOFT_HEADER_LEN + 1 + KTLS_TAG_LEN : 0);
}

static int check_seal(struct run *run)
{
    const struct bench_crypto_task *t = run->task;
    int r = ktls_pair_far_send(&run->pair, t->plain, t->len);
    if (r)
        return r;
    return run->tls ? ktls_pair_expect(&run->pair, DATA, t->plain, t->len) : drain(run, t->len);
}

static int check(void *arg)
{
    struct run *run = arg;
    extend(run);
    if (run->task->seal)
        return check_seal(run);
    int r = feed(run);
    if (!r)
        r = receive(run);
    return r ? r : memcmp(run->got, run->task->plain, run->task->len) ? -EBADMSG : 0;
}

static int lap_seal(struct run *run, int64_t *ret_ns)
{
    const struct bench_crypto_task *t = run->task;
    int r = 0;
    int64_t began_ns = gw_clock_ns();
    for (unsigned i = 0; i < t->ops && !r; i++)
        r = ktls_pair_far_send(&run->pair, t->plain, t->len);
    *ret_ns = gw_clock_ns() - began_ns;
    return r ? r : drain(run, wire_len(run) * t->ops);
}

static int lap_open(struct run *run, int64_t *ret_ns)
{
    int r = 0;
    for (unsigned i = 0; i < run->task->ops && !r; i++)
        r = feed(run);
    int64_t began_ns = gw_clock_ns();
    for (unsigned i = 0; i < run->task->ops && !r; i++)
        r = receive(run);
    *ret_ns = gw_clock_ns() - began_ns;
    return r;
}

static int lap(void *arg, int64_t *ret_ns)
{
    struct run *run = arg;
    extend(run);
    return run->task->seal ? lap_seal(run, ret_ns) : lap_open(run, ret_ns);
}

static const struct bench_crypto_ways ways = {
    .begin = begin, .check = check, .lap = lap, .end = end};

/* 0, or why a connection here takes no TLS. */
static int attach_error(void)
{
    struct ktls_pair *pair = calloc(1, sizeof(*pair));
    if (!pair)
        return -ENOMEM;
    int r = ktls_pair_connect(pair);
    if (!r)
        r = ktls_attach(pair->far);
    ktls_pair_close(pair);
    free(pair);
    return r;
}

unsigned bench_crypto_kernel_providers(struct bench_crypto_provider *ret, unsigned room)
{
    gw_require(room >= 2);
    int r = attach_error();
    ret[0] = (struct bench_crypto_provider){
        .name = "kernel", .remark = "with send and recv of loopback TCP", .ways = &ways};
    if (r == -ENOENT)
        (void)snprintf(ret[0].absent, sizeof(ret[0].absent), "not in this kernel");
    else if (r)
        (void)snprintf(ret[0].absent, sizeof(ret[0].absent), "%s", strerror(-r));
    ret[1] = (struct bench_crypto_provider){
        .name = "TCP alone",
        .remark = "the same without TLS, to subtract",
        .ways = &ways,
        .index = TCP,
    };
    return r ? 1 : 2;
}
