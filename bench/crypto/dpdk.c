/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/crypto/dpdk.h"

#include "bench/dpdk/eal.h"
#include "gateway/base/clock.h"

#include <errno.h>
#include <rte_cryptodev.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <string.h>

enum {
    DEVICES = 3,
    OPS = DEVICES * BENCH_CRYPTO_OPS_MAX, /* each device has a task at a time */
    DESCRIPTORS = 2 * BENCH_CRYPTO_OPS_MAX,
    IV_OFFSET = sizeof(struct rte_crypto_op) + sizeof(struct rte_crypto_sym_op),
    ROOM = RTE_PKTMBUF_HEADROOM + GW_RECORD_PLAINTEXT_MAX + KTLS_TAG_LEN,
    POLLS_MAX = 100000000, /* without an answer: the device is stuck */
};

static const char *const names[DEVICES] = {"crypto_aesni_gcm", "crypto_aesni_mb", "crypto_openssl"};

/* What all devices share. */
static struct {
    struct rte_mempool *sessions, *ops, *data;
} dpdk;

struct run {
    const struct bench_crypto_task *task;
    uint8_t device;
    void *session;
    uint8_t aad[BENCH_CRYPTO_AAD + 16]; /* drivers may read whole blocks */
    struct rte_mbuf *data[BENCH_CRYPTO_OPS_MAX];
    struct rte_crypto_op *ops[BENCH_CRYPTO_OPS_MAX];
};

/* ---- start and end ---- */

/* Just as many buffers as laps have: more would be measured out of the caches. */
static int make_pools(unsigned session_size)
{
    dpdk.sessions =
        rte_cryptodev_sym_session_pool_create("sessions", DEVICES, session_size, 0, 0, 0);
    dpdk.ops =
        rte_crypto_op_pool_create("ops", RTE_CRYPTO_OP_TYPE_SYMMETRIC, OPS, 0, KTLS_IV_LEN + 4, 0);
    dpdk.data = rte_pktmbuf_pool_create("data", OPS, 0, 0, ROOM, 0);
    return dpdk.sessions && dpdk.ops && dpdk.data ? 0 : -ENOMEM;
}

static int start_device(const char *name, unsigned *session_size)
{
    int r = rte_dev_probe(name);
    int device = r ? -1 : rte_cryptodev_get_dev_id(name);
    if (device < 0)
        return r ? r : -ENODEV;
    struct rte_cryptodev_config config = {.socket_id = 0, .nb_queue_pairs = 1};
    unsigned size = rte_cryptodev_sym_get_private_session_size((uint8_t)device);
    *session_size = GW_MAX(*session_size, size);
    return rte_cryptodev_configure((uint8_t)device, &config);
}

static int start_queue(const char *name)
{
    int device = rte_cryptodev_get_dev_id(name);
    const struct rte_cryptodev_qp_conf queue = {.nb_descriptors = DESCRIPTORS,
                                                .mp_session = dpdk.sessions};
    if (device < 0)
        return -ENODEV;
    int r = rte_cryptodev_queue_pair_setup((uint8_t)device, 0, &queue, 0);
    return r ? r : rte_cryptodev_start((uint8_t)device);
}

/* 0, or an error that concerns all devices; errors[] has that of each. */
static int start(int errors[DEVICES])
{
    unsigned session_size = 0;
    int r = bench_eal_start();
    if (r)
        return r;
    for (unsigned i = 0; i < DEVICES; i++)
        errors[i] = start_device(names[i], &session_size);
    r = make_pools(session_size);
    for (unsigned i = 0; i < DEVICES && !r; i++)
        if (!errors[i])
            errors[i] = start_queue(names[i]);
    return r;
}

void bench_crypto_dpdk_end(void)
{
    bench_eal_end();
}

/* ---- a task ---- */

static void end(void *arg)
{
    struct run *run = arg;
    if (!run)
        return;
    for (unsigned i = 0; i < BENCH_CRYPTO_OPS_MAX; i++) {
        rte_crypto_op_free(run->ops[i]);
        rte_pktmbuf_free(run->data[i]);
    }
    if (run->session)
        (void)rte_cryptodev_sym_session_free(run->device, run->session);
    free(run);
}

static int make_session(struct run *run)
{
    const struct bench_crypto_task *t = run->task;
    bool chacha = t->cipher == KTLS_CHACHA20_POLY1305;
    struct rte_crypto_sym_xform xform = {
        .type = RTE_CRYPTO_SYM_XFORM_AEAD,
        .aead = {.op = t->seal ? RTE_CRYPTO_AEAD_OP_ENCRYPT : RTE_CRYPTO_AEAD_OP_DECRYPT,
                 .algo = chacha ? RTE_CRYPTO_AEAD_CHACHA20_POLY1305 : RTE_CRYPTO_AEAD_AES_GCM,
                 .key = {.data = t->key,
                         .length = t->cipher == KTLS_AES_128_GCM ? 16 : KTLS_KEY_MAX},
                 .iv = {.offset = IV_OFFSET, .length = KTLS_IV_LEN},
                 .digest_length = KTLS_TAG_LEN,
                 .aad_length = BENCH_CRYPTO_AAD},
    };
    const struct rte_cryptodev_sym_capability_idx wanted = {.type = RTE_CRYPTO_SYM_XFORM_AEAD,
                                                            .algo.aead = xform.aead.algo};
    if (!rte_cryptodev_sym_capability_get(run->device, &wanted))
        return -ENOTSUP;
    run->session = rte_cryptodev_sym_session_create(run->device, &xform, dpdk.sessions);
    return run->session ? 0 : rte_errno == ENOTSUP ? -ENOTSUP : -EIO;
}

static int make_ops(struct run *run)
{
    uint16_t count = (uint16_t)run->task->ops;
    if (rte_pktmbuf_alloc_bulk(dpdk.data, run->data, count) ||
        rte_crypto_op_bulk_alloc(dpdk.ops, RTE_CRYPTO_OP_TYPE_SYMMETRIC, run->ops, count) != count)
        return -ENOMEM;
    for (unsigned i = 0; i < count; i++)
        if (!rte_pktmbuf_append(run->data[i], (uint16_t)(run->task->len + KTLS_TAG_LEN)))
            return -ENOBUFS;
    return 0;
}

static int begin(const struct bench_crypto_provider *p, const struct bench_crypto_task *task,
                 void **ret_run)
{
    struct run *run = calloc(1, sizeof(*run));
    if (!run)
        return -ENOMEM;
    run->task = task;
    run->device = (uint8_t)rte_cryptodev_get_dev_id(p->name);
    memcpy(run->aad, task->aad, sizeof(task->aad));
    int r = make_session(run);
    if (!r)
        r = make_ops(run);
    if (r)
        end(run);
    else
        *ret_run = run;
    return r;
}

static uint8_t *data_of(const struct run *run, unsigned i)
{
    return rte_pktmbuf_mtod(run->data[i], uint8_t *);
}

/* An operation as it goes in: the record before it, in one buffer with its tag behind. */
static void put(struct run *run, unsigned i)
{
    const struct bench_crypto_task *t = run->task;
    struct rte_crypto_op *op = run->ops[i];
    uint8_t *data = data_of(run, i);
    memcpy(data, bench_crypto_before(t), t->len + (t->seal ? 0 : KTLS_TAG_LEN));
    memcpy(rte_crypto_op_ctod_offset(op, uint8_t *, IV_OFFSET), t->nonce, KTLS_IV_LEN);
    op->status = RTE_CRYPTO_OP_STATUS_NOT_PROCESSED;
    op->sess_type = RTE_CRYPTO_OP_WITH_SESSION;
    (void)rte_crypto_op_attach_sym_session(op, run->session);
    op->sym->m_src = run->data[i];
    op->sym->m_dst = NULL;
    op->sym->aead.data.offset = 0;
    op->sym->aead.data.length = (uint32_t)t->len;
    op->sym->aead.digest.data = data + t->len;
    op->sym->aead.digest.phys_addr = rte_pktmbuf_iova_offset(run->data[i], t->len);
    op->sym->aead.aad.data = run->aad;
    op->sym->aead.aad.phys_addr = (rte_iova_t)(uintptr_t)run->aad;
}

/* In and out of the queue, all `count` of them. */
static int burst(struct run *run, uint16_t count)
{
    uint16_t in = 0, out = 0;
    for (unsigned polls = 0; out < count; polls++) {
        uint16_t taken =
            rte_cryptodev_enqueue_burst(run->device, 0, run->ops + in, (uint16_t)(count - in));
        in = (uint16_t)(in + taken);
        out = (uint16_t)(out + rte_cryptodev_dequeue_burst(run->device, 0, run->ops + out,
                                                           (uint16_t)(count - out)));
        if (polls == POLLS_MAX)
            return -ETIMEDOUT;
    }
    return 0;
}

static bool passed(const struct run *run, unsigned i)
{
    return run->ops[i]->status == RTE_CRYPTO_OP_STATUS_SUCCESS;
}

static int check(void *arg)
{
    struct run *run = arg;
    const struct bench_crypto_task *t = run->task;
    put(run, 0);
    int r = burst(run, 1);
    if (r)
        return r;
    if (!passed(run, 0) ||
        memcmp(data_of(run, 0), bench_crypto_after(t), bench_crypto_after_len(t)) != 0)
        return -EBADMSG;
    if (t->seal)
        return 0;
    put(run, 0);
    data_of(run, 0)[t->len] ^= 1;
    r = burst(run, 1);
    return r ? r : passed(run, 0) ? -EBADMSG : 0;
}

static int lap(void *arg, int64_t *ret_ns)
{
    struct run *run = arg;
    uint16_t count = (uint16_t)run->task->ops;
    for (unsigned i = 0; i < count; i++)
        put(run, i);
    int64_t began_ns = gw_clock_ns();
    int r = burst(run, count);
    *ret_ns = gw_clock_ns() - began_ns;
    for (unsigned i = 0; i < count && !r; i++)
        r = passed(run, i) ? 0 : -EBADMSG;
    return r;
}

static const struct bench_crypto_ways ways = {
    .begin = begin, .check = check, .lap = lap, .end = end};

unsigned bench_crypto_dpdk_providers(struct bench_crypto_provider *ret, unsigned room)
{
    int errors[DEVICES];
    gw_require(room >= DEVICES);
    int r = start(errors);
    if (r) {
        *ret = (struct bench_crypto_provider){.name = "DPDK"};
        (void)snprintf(ret->absent, sizeof(ret->absent), "it does not start: %s", strerror(-r));
        return 1;
    }
    for (unsigned i = 0; i < DEVICES; i++) {
        ret[i] = (struct bench_crypto_provider){
            .name = names[i], .remark = "of DPDK, through the queue of a device", .ways = &ways};
        if (errors[i])
            (void)snprintf(ret[i].absent, sizeof(ret[i].absent), "%s", strerror(-errors[i]));
    }
    return DEVICES;
}
