/* SPDX-License-Identifier: Apache-2.0 */
/* The io_uring of one worker: set-up, lent buffers, and the wait. Operations are in ops.c. */
#include "gateway/ring/ring.h"

#include "gateway/ring/ring_private.h"
#include "gateway/ring/token.h"

#include "gateway/base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum {
    SQ_ENTRIES = 1024,
    CQ_PER_CONN = 4, /* an overflow of the completion queue loses nothing, but is slow */
    CQ_ENTRIES_MAX = 1 << 16,
    FLUSH_EACH = 4,  /* long steps between flushes: half a millisecond */
    LENT_FIRST = 32, /* few, so that the same warm buffers are reused */
    LENT_MAX = 4096, /* entries of the buffer ring */
    BUFFERS_MAX = 1 << 16,
    LENT_RING_BYTES = LENT_MAX * sizeof(struct io_uring_buf),
};

/* Best first. A kernel that lacks a flag answers EINVAL (kernel-notes/ring-setup.md). */
static const unsigned setups[] = {
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL,
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL,
    IORING_SETUP_COOP_TASKRUN,
    0,
};

static const struct {
    unsigned flag;
    const char *name;
} flag_names[] = {
    {IORING_SETUP_SINGLE_ISSUER, "SINGLE_ISSUER"},
    {IORING_SETUP_DEFER_TASKRUN, "DEFER_TASKRUN"},
    {IORING_SETUP_COOP_TASKRUN, "COOP_TASKRUN"},
    {IORING_SETUP_SUBMIT_ALL, "SUBMIT_ALL"},
    {IORING_SETUP_CQSIZE, "CQSIZE"},
    {IORING_SETUP_CLAMP, "CLAMP"},
};

static const uint8_t needed_ops[] = {
    IORING_OP_ACCEPT,  IORING_OP_CONNECT, IORING_OP_RECV,         IORING_OP_SEND,
    IORING_OP_SENDMSG, IORING_OP_RECVMSG, IORING_OP_POLL_ADD,     IORING_OP_POLL_REMOVE,
    IORING_OP_CLOSE,   IORING_OP_TIMEOUT, IORING_OP_ASYNC_CANCEL,
};

static int queue_init(struct gw_ring *r, uint32_t max_conns)
{
    uint64_t cq = GW_MIN((uint64_t)max_conns * CQ_PER_CONN + 64, (uint64_t)CQ_ENTRIES_MAX);
    int error = -EINVAL;
    for (size_t i = 0; i < GW_ARRAY_SIZE(setups) && error == -EINVAL; i++) {
        r->params = (struct io_uring_params){
            .flags = setups[i] | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
            .cq_entries = (unsigned)GW_MAX(cq, (uint64_t)SQ_ENTRIES * 2),
        };
        error = io_uring_queue_init_params(SQ_ENTRIES, &r->uring, &r->params);
    }
    if (error)
        return error;
    r->uring_made = true;
    /* saves a lookup per call on kernels that have it */
    (void)io_uring_register_ring_fd(&r->uring);
    return 0;
}

static int check_ops(struct gw_ring *r)
{
    struct io_uring_probe *probe = io_uring_get_probe_ring(&r->uring);
    if (!probe)
        return -EOPNOTSUPP;
    int error = r->params.features & IORING_FEAT_EXT_ARG ? 0 : -EOPNOTSUPP;
    for (size_t i = 0; i < GW_ARRAY_SIZE(needed_ops); i++)
        if (!io_uring_opcode_supported(probe, needed_ops[i]))
            error = -EOPNOTSUPP;
    io_uring_free_probe(probe);
    return error;
}

static void lend_few(struct gw_lent *l)
{
    l->target = GW_MIN(l->limit, (uint32_t)LENT_FIRST);
}

static int lent_init(struct gw_ring *r, enum gw_lent_kind kind, uint32_t limit)
{
    void *mem =
        mmap(NULL, LENT_RING_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mem == MAP_FAILED)
        return -ENOMEM;
    r->lent[kind].ring = mem;
    struct io_uring_buf_reg reg = {
        .ring_addr = (uint64_t)(uintptr_t)mem,
        .ring_entries = LENT_MAX,
        .bgid = (uint16_t)kind,
    };
    int error = io_uring_register_buf_ring(&r->uring, &reg, 0);
    if (error)
        return error == -EINVAL ? -EOPNOTSUPP : error;
    io_uring_buf_ring_init(r->lent[kind].ring);
    r->lent[kind].limit = limit;
    lend_few(&r->lent[kind]);
    return 0;
}

int gw_ring_new(struct gw_ring **ret, const struct gw_ring_config *config)
{
    struct gw_ring *r = calloc(1, sizeof(*r));
    if (!r)
        return -ENOMEM;
    uint32_t held = GW_MIN(GW_MAX(config->max_buffers, 1U), (uint32_t)BUFFERS_MAX);
    uint32_t lent = GW_MIN(held, (uint32_t)LENT_MAX);
    gw_pipes_init(&r->pipes, config->max_pipes);
    int error = gw_buffers_init(&r->buffers, GW_MIN(held + lent, (uint32_t)BUFFERS_MAX));
    if (!error)
        error = queue_init(r, config->max_conns);
    if (!error)
        error = check_ops(r);
    if (!error)
        error = gw_snippets_init(&r->snippets);
    if (!error)
        error = lent_init(r, GW_LENT_BUFFERS, lent);
    if (!error)
        error = lent_init(r, GW_LENT_SNIPPETS, GW_SNIPPETS);
    if (error) {
        gw_ring_free(r);
        return error;
    }
    r->standing = config->standing;
    *ret = r;
    return 0;
}

static void drop_completion(void *arg, const struct gw_completion *c)
{
    gw_ring_completion_give(arg, c);
}

void gw_ring_free(struct gw_ring *r)
{
    if (!r)
        return;
    /* Closes must complete; anything else in flight is a bug of the caller. */
    for (int turns = 0; r->uring_made && r->closes > 0 && turns < 1000; turns++)
        if (gw_ring_wait(r, GW_NS_PER_SEC, drop_completion, r))
            break;
    if (r->uring_made)
        io_uring_queue_exit(&r->uring);
    for (enum gw_lent_kind kind = 0; kind < GW_LENT_KINDS; kind++)
        if (r->lent[kind].ring)
            (void)munmap(r->lent[kind].ring, LENT_RING_BYTES);
    gw_snippets_done(&r->snippets);
    gw_buffers_done(&r->buffers);
    gw_pipes_done(&r->pipes);
    free(r);
}

void gw_ring_get_features(const struct gw_ring *r, struct gw_ring_features *ret)
{
    *ret = (struct gw_ring_features){
        .setup_flags = r->params.flags,
        .features = r->params.features,
    };
    size_t len = 0;
    for (size_t i = 0; i < GW_ARRAY_SIZE(flag_names); i++) {
        if (!(r->params.flags & flag_names[i].flag))
            continue;
        int n = snprintf(ret->flags_text + len, sizeof(ret->flags_text) - len, "%s%s",
                         len ? "|" : "", flag_names[i].name);
        len = GW_MIN(len + (size_t)GW_MAX(n, 0), sizeof(ret->flags_text) - 1);
    }
}

static int disabled_sysctl(void)
{
    FILE *f = fopen("/proc/sys/kernel/io_uring_disabled", "re");
    int c = f ? fgetc(f) : EOF;
    if (f)
        (void)fclose(f);
    return c == '1' || c == '2' ? c - '0' : 0;
}

const char *gw_ring_why(int error)
{
    switch (error) {
    case -EPERM:
    case -EACCES:
        if (disabled_sysctl() == 2)
            return "io_uring is disabled for all users; set the sysctl kernel.io_uring_disabled to "
                   "0";
        if (disabled_sysctl() == 1)
            return "io_uring is disabled for unprivileged users; set the sysctl "
                   "kernel.io_uring_disabled to 0, or add the user to the group of "
                   "kernel.io_uring_group";
        return "io_uring is forbidden here, probably by a container's seccomp profile; allow "
               "io_uring_setup, io_uring_enter and io_uring_register in it";
    case -ENOSYS:
        return "this kernel has no io_uring, or a seccomp profile hides it; use Linux 6.1 or newer "
               "and allow io_uring_setup, io_uring_enter and io_uring_register";
    case -EOPNOTSUPP:
        return "this kernel's io_uring lacks a required operation; use Linux 6.1 or newer";
    case -ENOMEM:
        return "no memory for io_uring; raise the memlock limit (ulimit -l) or lower --max-conns";
    default:
        return strerror(-error);
    }
}

/* ---- buffers ---- */

struct gw_buf *gw_ring_buffer_take(struct gw_ring *r)
{
    return gw_buffers_take(&r->buffers);
}

void gw_ring_buffer_give(struct gw_ring *r, struct gw_buf *buf)
{
    gw_buffers_give(&r->buffers, buf);
}

uint32_t gw_ring_buffers_free(const struct gw_ring *r)
{
    const struct gw_buffers *b = &r->buffers;
    return r->lent[GW_LENT_BUFFERS].count + b->free_count + (b->no_memory ? 0 : b->limit - b->made);
}

uint32_t gw_ring_buffers_in_use(const struct gw_ring *r)
{
    return r->buffers.made - r->buffers.free_count - r->lent[GW_LENT_BUFFERS].count;
}

bool gw_ring_can_stand(const struct gw_ring *r)
{
    return r->standing && r->lent[GW_LENT_SNIPPETS].count > 0;
}

void gw_ring_snippet_give(struct gw_ring *r, struct gw_snippet *snippet)
{
    gw_snippets_give(&r->snippets, snippet);
}

void gw_ring_completion_give(struct gw_ring *r, const struct gw_completion *c)
{
    if (c->buf)
        gw_buffers_give(&r->buffers, c->buf);
    if (c->snippet)
        gw_snippets_give(&r->snippets, c->snippet);
}

/* Lent buffers cannot be taken back; receives use them up. */
void gw_ring_trim(struct gw_ring *r)
{
    for (enum gw_lent_kind kind = 0; kind < GW_LENT_KINDS; kind++)
        lend_few(&r->lent[kind]);
    gw_buffers_begin_trim(&r->buffers);
}

static bool lend_buffer(struct gw_ring *r, struct io_uring_buf_ring *ring, int at)
{
    struct gw_buffers *b = &r->buffers;
    /* When memory is short, half goes to the kernel and half to explicit takers. */
    if (b->no_memory && b->free_count > 0 && r->lent[GW_LENT_BUFFERS].count >= b->free_count)
        return false;
    struct gw_buf *buf = gw_buffers_take(b);
    if (buf)
        io_uring_buf_ring_add(ring, buf->data + GW_BUFFER_FRONT, GW_BUFFER_BYTES - GW_BUFFER_FRONT,
                              (uint16_t)buf->id, io_uring_buf_ring_mask(LENT_MAX), at);
    return buf != NULL;
}

static bool lend_snippet(struct gw_ring *r, struct io_uring_buf_ring *ring, int at)
{
    struct gw_snippet *s = gw_snippets_take(&r->snippets);
    if (s)
        io_uring_buf_ring_add(ring, s->data, GW_SNIPPET_BYTES, (uint16_t)s->id,
                              io_uring_buf_ring_mask(LENT_MAX), at);
    return s != NULL;
}

typedef bool lend_one(struct gw_ring *r, struct io_uring_buf_ring *ring, int at);

/* Tops up the kernel's share, so that receives find buffers. */
static void lend(struct gw_ring *r, enum gw_lent_kind kind, lend_one *one)
{
    struct gw_lent *l = &r->lent[kind];
    int n = 0;
    /* Doubled once for all receives that found none. Lent buffers are used in rotation, so each of
     * them costs memory. */
    if (l->ran_dry && !r->buffers.no_memory)
        l->target = GW_MIN(l->target * 2, l->limit);
    l->ran_dry = false;
    while (l->count < l->target && one(r, l->ring, n)) {
        l->count++;
        n++;
    }
    if (n)
        io_uring_buf_ring_advance(l->ring, n);
}

/* ---- waiting ---- */

static void take_picked(struct gw_ring *r, const struct io_uring_cqe *cqe, struct gw_completion *c)
{
    bool snippet = c->token.op == GW_OP_STANDING;
    struct gw_lent *l = &r->lent[snippet ? GW_LENT_SNIPPETS : GW_LENT_BUFFERS];
    l->ran_dry |= cqe->res == -ENOBUFS;
    if (!(cqe->flags & IORING_CQE_F_BUFFER))
        return;
    uint32_t id = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
    gw_require(l->count > 0 && id < (snippet ? GW_SNIPPETS : r->buffers.made));
    l->count--;
    if (snippet) {
        c->snippet = &r->snippets.all[id];
        c->snippet->len = (uint32_t)GW_MAX(c->res, 0);
    } else {
        c->buf = r->buffers.by_id[id];
    }
}

static void deliver(struct gw_ring *r, const struct io_uring_cqe *cqe, gw_ring_handler *handler,
                    void *arg)
{
    struct gw_completion c = {
        .token = gw_token_unpack(cqe->user_data),
        .res = cqe->res,
        .more = (cqe->flags & IORING_CQE_F_MORE) != 0,
    };
    take_picked(r, cqe, &c);
    if (c.res <= 0) { /* end of stream or error: it holds no bytes */
        gw_ring_completion_give(r, &c);
        c.buf = NULL;
        c.snippet = NULL;
    }
    if (c.token.op == GW_OP_CANCEL)
        return;
    if (c.token.op == GW_OP_CLOSE) {
        r->closes--;
        return;
    }
    handler(arg, &c);
}

/* Entries that cannot be submitted now stay in the queue. */
void gw_ring_flush(struct gw_ring *r)
{
    if (r->undelivered == 0 || ++r->long_steps < FLUSH_EACH)
        return;
    r->long_steps = 0;
    (void)io_uring_submit(&r->uring);
}

int gw_ring_wait(struct gw_ring *r, int64_t timeout_ns, gw_ring_handler *handler, void *arg)
{
    lend(r, GW_LENT_BUFFERS, lend_buffer);
    lend(r, GW_LENT_SNIPPETS, lend_snippet);
    if (gw_buffers_trim(&r->buffers))
        timeout_ns = 0;
    struct __kernel_timespec ts = {
        .tv_sec = timeout_ns / GW_NS_PER_SEC,
        .tv_nsec = timeout_ns % GW_NS_PER_SEC,
    };
    struct io_uring_cqe *cqe = NULL;
    int n = io_uring_submit_and_wait_timeout(&r->uring, &cqe, 1, timeout_ns < 0 ? NULL : &ts, NULL);
    if (n < 0 && n != -ETIME && n != -EBUSY && n != -EAGAIN)
        return n;
    /* Handle only the present completions: those of operations that handlers start wait for the
     * next turn, so no connection can starve the others. */
    r->undelivered = io_uring_cq_ready(&r->uring);
    r->long_steps = 0;
    while (r->undelivered > 0 && io_uring_peek_cqe(&r->uring, &cqe) == 0) {
        struct io_uring_cqe copy = *cqe;
        r->undelivered--;
        io_uring_cqe_seen(&r->uring, cqe);
        deliver(r, &copy, handler, arg);
    }
    return 0;
}
