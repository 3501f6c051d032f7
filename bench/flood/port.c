/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/flood/port.h"

#include "bench/dpdk/eal.h"

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <string.h>

enum {
    BUFFERS = 1024,
    DESCRIPTORS = 512,
};

#define DEVICE "net_af_packet0"

/* Frames that were made and not yet taken, from `first` on. */
struct queue {
    struct rte_mbuf *frames[BENCH_PORT_BURST];
    uint16_t first, end;
};

static struct {
    uint16_t id;
    struct rte_mempool *pool;
    struct queue floods, answers;
} port;

/* ---- start and end ---- */

static int set_up(void)
{
    const struct rte_eth_conf config = {.rxmode = {.mq_mode = RTE_ETH_MQ_RX_NONE}};
    int r = rte_eth_dev_get_port_by_name(DEVICE, &port.id);
    if (!r)
        r = rte_eth_dev_configure(port.id, 1, 1, &config);
    if (!r)
        r = rte_eth_rx_queue_setup(port.id, 0, DESCRIPTORS, 0, NULL, port.pool);
    if (!r)
        r = rte_eth_tx_queue_setup(port.id, 0, DESCRIPTORS, 0, NULL);
    return r ? r : rte_eth_dev_start(port.id);
}

/* Its packets wait in no queue of the kernel's (qdisc): the link takes them or it does not. */
static int probe(const char *name)
{
    char device[128];
    (void)snprintf(device, sizeof(device),
                   DEVICE ",iface=%s,blocksz=65536,framesz=2048,framecnt=2048,qdisc_bypass=1",
                   name);
    port.pool = rte_pktmbuf_pool_create("frames", BUFFERS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
    return port.pool ? rte_dev_probe(device) : -rte_errno;
}

int bench_port_open(const char *name, struct gw_error *err)
{
    int r = bench_eal_start();
    if (!r)
        r = probe(name);
    if (!r)
        r = set_up();
    if (!r)
        return 0;
    bench_port_close();
    return gw_error_set(err, GW_EXIT_START, "DPDK cannot use interface %s: %s", name, strerror(-r));
}

static void drop(struct queue *q)
{
    while (q->first < q->end)
        rte_pktmbuf_free(q->frames[q->first++]);
}

void bench_port_close(void)
{
    drop(&port.floods);
    drop(&port.answers);
    bench_eal_end();
}

/* ---- frames ---- */

static uint8_t *data_of(struct rte_mbuf *m)
{
    return rte_pktmbuf_mtod(m, uint8_t *);
}

static void set_len(struct rte_mbuf *m, size_t len)
{
    m->data_len = (uint16_t)len;
    m->pkt_len = (uint32_t)len;
}

/* As much of the queue as is taken. */
static struct bench_port_sent flush(struct queue *q)
{
    struct bench_port_sent sent = {.frames = 0};
    uint64_t lens[BENCH_PORT_BURST];
    for (uint16_t i = q->first; i < q->end; i++) /* what was taken is not ours to look at */
        lens[i] = q->frames[i]->pkt_len;
    sent.frames = rte_eth_tx_burst(port.id, 0, q->frames + q->first, (uint16_t)(q->end - q->first));
    for (unsigned i = 0; i < sent.frames; i++)
        sent.bytes += lens[q->first + i];
    q->first = (uint16_t)(q->first + sent.frames);
    sent.full = q->first < q->end;
    return sent;
}

struct bench_port_sent bench_port_send(bench_port_fill *fill, void *arg, unsigned count)
{
    struct queue *q = &port.floods;
    uint16_t wanted = (uint16_t)GW_MIN(count, (unsigned)BENCH_PORT_BURST);
    if (q->first == q->end) {
        bool got = rte_pktmbuf_alloc_bulk(port.pool, q->frames, wanted) == 0;
        q->first = 0;
        q->end = got ? wanted : 0;
        for (uint16_t i = 0; i < q->end; i++)
            set_len(q->frames[i], fill(arg, data_of(q->frames[i])));
    }
    return flush(q);
}

/* The answer to a frame, in the buffer of another. */
static void answer_one(struct queue *q, const struct rte_mbuf *came, bench_port_answer *answer,
                       void *arg)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(port.pool);
    size_t len =
        m ? answer(arg, rte_pktmbuf_mtod(came, const uint8_t *), came->data_len, data_of(m)) : 0;
    if (len) {
        set_len(m, len);
        q->frames[q->end++] = m;
    } else {
        rte_pktmbuf_free(m);
    }
}

struct bench_port_sent bench_port_receive(bench_port_answer *answer, void *arg)
{
    struct rte_mbuf *came[BENCH_PORT_BURST];
    struct queue *q = &port.answers;
    if (q->first == q->end) {
        uint16_t count = rte_eth_rx_burst(port.id, 0, came, BENCH_PORT_BURST);
        q->first = q->end = 0;
        for (uint16_t i = 0; i < count; i++) {
            answer_one(q, came[i], answer, arg);
            rte_pktmbuf_free(came[i]);
        }
    }
    return flush(q);
}
