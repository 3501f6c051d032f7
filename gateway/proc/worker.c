/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's loop: accept, completions, timers, and the drain at its end. */
#include "gateway/proc/worker.h"

#include "gateway/base/clock.h"
#include "gateway/base/fd.h"
#include "gateway/base/passage.h"
#include "gateway/conn/conn.h"
#include "gateway/crypto/x25519_stock.h"
#include "gateway/proc/adopt.h"
#include "gateway/proc/strangers.h"
#include "gateway/proc/thrift.h"
#include "gateway/record/aead.h"
#include "gateway/ring/ring.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* The pause after an accept that failed for lack of resources. */
#define ACCEPT_PAUSE_NS (100 * GW_NS_PER_MS)
#define STARVED_PAUSE_NS                                                                           \
    (100 * GW_NS_PER_MS) /* until the next attempt to get memory for buffers                       \
                          */
#define ACCEPT_QUIET_NS (10 * GW_NS_PER_SEC)
/* for close_notify after the end of the drain */
#define LAST_WORDS_NS (GW_LINGER_NS + GW_NS_PER_SEC)

enum {
    PIPES_ALWAYS = 8, /* from GW_WORKER_FDS */
    /* Slots of GW_OP_CHANNEL. */
    FROM_MASTER = 0,
    FROM_ADOPT = 1,
};

struct listener {
    int fd;
    unsigned service;
    bool armed;
};

struct worker {
    const struct gw_worker_env *env;
    struct gw_ring *ring;
    struct gw_conn_env conns;
    struct listener listeners[GW_MAX_LISTENERS];
    unsigned listener_count;
    bool clock_read;         /* conns.now_ns has this turn's time */
    int64_t accept_quiet_ns; /* until then a failed accept is counted but not logged */
    int64_t accept_again_ns; /* when to re-arm failed accepts; 0: none */
    struct gw_termset set;   /* in force now */
    struct gw_adopt adopt;
    struct gw_thrift thrift;
    int64_t keys_due_ns; /* when prepared keys are too old; 0: there are none */
    struct gw_strangers strangers;
    bool draining;
    int64_t drain_deadline_ns; /* when connections are ended */
    int64_t exit_deadline_ns;  /* when the worker exits, whatever is open */
};

/* ---- log ---- */

static void push(struct worker *w, const void *entry, size_t len, size_t spare)
{
    bool wake = false;
    if (!gw_logring_push(w->env->log, entry, len, spare, &wake))
        gw_stats_add(&w->env->stats[w->env->index], GW_COUNTER_LOG_DROPPED, 1);
    uint64_t one = 1;
    if (wake)
        (void)!write(w->env->log_wake_fd, &one, sizeof(one));
}

static void log_sink(void *arg, enum gw_log_level level, const char *message)
{
    struct gw_entry_text entry;
    push(arg, &entry, gw_entry_text_make(&entry, level, message), 0);
}

static void connection_ended(void *arg, const struct gw_conn_report *report,
                             const struct gw_note *note)
{
    struct worker *w = arg;
    struct gw_entry_conn entry;
    enum gw_reason reason = (enum gw_reason)report->reason;
    bool stranger = gw_conn_report_of_stranger(report, note);
    if (!gw_log_wanted(gw_conn_report_level(report)))
        return;
    uint32_t rate = w->env->config->log_rate;
    if (!stranger || gw_strangers_may_log(&w->strangers, reason, rate, w->conns.now_ns))
        push(w, &entry, gw_entry_conn_make(&entry, report, note), stranger ? GW_LOGRING_SPARE : 0);
}

/* As many as clients like: only counted. */
static void connection_refused(void *arg, enum gw_reason reason)
{
    struct worker *w = arg;
    (void)gw_strangers_may_log(&w->strangers, reason, 0, w->conns.now_ns);
}

/* ---- listeners ---- */

static struct gw_token accept_token(unsigned index)
{
    return (struct gw_token){.op = GW_OP_ACCEPT, .slot = index};
}

static void arm_listeners(struct worker *w)
{
    w->accept_again_ns = 0;
    for (unsigned i = 0; i < w->listener_count; i++) {
        struct listener *l = &w->listeners[i];
        if (l->armed || l->fd < 0)
            continue;
        l->armed = true;
        gw_ring_accept(w->ring, accept_token(i), l->fd);
    }
}

/* Takes the clients that already wait in the queue, then closes the listener: new connects go to
 * the remaining workers or are refused. Only a connect that completes between the two is reset. */
static void close_listener(struct worker *w, struct listener *l)
{
    int fd;
    while ((fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
        gw_conn_accepted(&w->conns, fd, l->service);
    gw_fd_close(&l->fd);
}

static void accept_failed(struct worker *w, int error)
{
    gw_stats_add(w->conns.stats, GW_COUNTER_ACCEPT_ERRORS, 1);
    if (w->conns.now_ns >= w->accept_quiet_ns) {
        gw_log(GW_LOG_WARNING, "accept failed: %s; trying again every %d ms", strerror(-error),
               (int)(ACCEPT_PAUSE_NS / GW_NS_PER_MS));
        w->accept_quiet_ns = w->conns.now_ns + ACCEPT_QUIET_NS;
    }
    w->accept_again_ns = w->conns.now_ns + ACCEPT_PAUSE_NS;
}

static void on_accept(struct worker *w, const struct gw_completion *done)
{
    struct listener *l = &w->listeners[done->token.slot];
    l->armed = done->more;
    if (done->res >= 0)
        gw_conn_accepted(&w->conns, done->res, l->service);
    else if (done->res != -ECANCELED && done->res != -ECONNABORTED && done->res != -EINTR)
        accept_failed(w, done->res);
    if (l->armed)
        return;
    if (w->draining)
        close_listener(w, l);
    else if (w->accept_again_ns == 0)
        arm_listeners(w);
}

/* ---- drain ---- */

static void begin_drain(struct worker *w, int64_t timeout_ns)
{
    if (w->draining)
        return;
    w->draining = true;
    w->drain_deadline_ns = w->conns.now_ns + timeout_ns;
    w->exit_deadline_ns = w->drain_deadline_ns + LAST_WORDS_NS;
    for (unsigned i = 0; i < w->listener_count; i++) {
        if (w->listeners[i].armed)
            gw_ring_cancel(w->ring, accept_token(i));
        else if (w->listeners[i].fd >= 0)
            close_listener(w, &w->listeners[i]);
    }
}

static void listen_to(struct worker *w, uint32_t slot, int fd)
{
    gw_ring_poll(w->ring, (struct gw_token){.op = GW_OP_CHANNEL, .slot = slot}, fd, POLLIN, true);
}

static void answer_kept(struct worker *w, int64_t number, const char *why)
{
    gw_log(GW_LOG_ERROR, "reload: %s", why);
    (void)gw_channel_send(w->env->channel_fd, GW_CHANNEL_KEPT, number);
}

static void take_message(struct worker *w, const struct gw_channel_message *msg, int fd)
{
    if (msg->kind == GW_CHANNEL_DRAIN)
        begin_drain(w, msg->value);
    else if (fd == GW_PASSAGE_LOST)
        answer_kept(w, msg->value, "no descriptor is free for the new files");
    else
        gw_adopt_begin(&w->adopt, fd, msg->value);
}

static void on_adopted(struct worker *w, const struct gw_completion *done)
{
    int64_t number = 0;
    enum gw_adopt_outcome outcome = gw_adopt_take(&w->adopt, &w->set, w->conns.now_ns, &number);
    if (outcome == GW_ADOPT_CHANGED) {
        gw_conn_terms_changed(&w->conns);
        (void)gw_channel_send(w->env->channel_fd, GW_CHANNEL_ADOPTED, number);
    }
    if (outcome == GW_ADOPT_KEPT)
        answer_kept(w, number, w->adopt.err.text);
    if (!done->more)
        listen_to(w, FROM_ADOPT, w->adopt.done_fd);
}

static void on_channel(struct worker *w, const struct gw_completion *done)
{
    struct gw_channel_message msg;
    int got, fd;
    while ((got = gw_channel_receive_fd(w->env->channel_fd, &msg, &fd)) == 1)
        take_message(w, &msg, fd);
    if (got != -EAGAIN && !w->draining) {
        gw_log(GW_LOG_WARNING, "the master died; worker %u ends when its connections have ended",
               w->env->index);
        begin_drain(w, w->env->config->shutdown_timeout_ns);
    }
    if (!done->more && got == -EAGAIN)
        listen_to(w, FROM_MASTER, w->env->channel_fd);
}

static bool drained(const struct worker *w)
{
    for (unsigned i = 0; i < w->listener_count; i++)
        if (w->listeners[i].fd >= 0)
            return false;
    return gw_conn_count(&w->conns) == 0;
}

/* ---- loop ---- */

static void on_completion(void *arg, const struct gw_completion *done)
{
    struct worker *w = arg;
    if (!w->clock_read) {
        w->clock_read = true;
        w->conns.now_ns = gw_clock_ns();
    }
    if (done->token.op == GW_OP_ACCEPT)
        on_accept(w, done);
    else if (done->token.op == GW_OP_CHANNEL && done->token.slot == FROM_MASTER)
        on_channel(w, done);
    else if (done->token.op == GW_OP_CHANNEL)
        on_adopted(w, done);
    else
        gw_conn_complete(&w->conns, done);
}

static int64_t earlier(int64_t wait_ns, int64_t deadline_ns, int64_t now_ns)
{
    if (deadline_ns == 0)
        return wait_ns;
    int64_t left = GW_MAX(deadline_ns - now_ns, 0);
    return wait_ns < 0 ? left : GW_MIN(wait_ns, left);
}

static int64_t wait_ns(const struct worker *w)
{
    if (gw_conn_eager(&w->conns))
        return 0;
    int64_t now = gw_clock_ns();
    int64_t wait = gw_wheel_wait_ns(&w->conns.wheel, now);
    wait = earlier(wait, w->accept_again_ns, now);
    wait = earlier(wait, w->thrift.due_ns, now);
    wait = earlier(wait, w->adopt.due_ns, now);
    wait = earlier(wait, w->conns.recheck_at_ns, now);
    wait = earlier(wait, w->keys_due_ns, now);
    wait = earlier(wait, w->strangers.sum_at_ns, now);
    if (!gw_list_empty(&w->conns.starved))
        wait = earlier(wait, now + STARVED_PAUSE_NS, now);
    return w->draining ? earlier(wait, GW_MAX(w->drain_deadline_ns, (int64_t)1), now) : wait;
}

static void deadlines(struct worker *w)
{
    int64_t now = w->conns.now_ns;
    if (w->accept_again_ns && now >= w->accept_again_ns && !w->draining)
        arm_listeners(w);
    if (w->strangers.sum_at_ns && now >= w->strangers.sum_at_ns)
        gw_strangers_sum(&w->strangers, now);
    if (w->adopt.due_ns && now >= w->adopt.due_ns)
        gw_adopt_bury(&w->adopt, now);
    if (w->draining && now >= w->drain_deadline_ns) {
        gw_conn_end_all(&w->conns);
        w->drain_deadline_ns = w->exit_deadline_ns;
    }
}

static void give_memory_back(struct worker *w)
{
    uint64_t load = gw_stats_get(w->conns.stats, GW_COUNTER_HANDSHAKING) +
                    gw_stats_get(w->conns.stats, GW_COUNTER_BUFFERS);
    if (!gw_thrift_turn(&w->thrift, load, w->conns.now_ns))
        return;
    gw_ring_trim(w->ring);
    gw_conn_rest(&w->conns);
}

static int turn(struct worker *w)
{
    w->clock_read = false;
    int error = gw_ring_wait(w->ring, wait_ns(w), on_completion, w);
    if (error && error != -EINTR)
        return error;
    if (!w->clock_read)
        w->conns.now_ns = gw_clock_ns();
    gw_conn_turn(&w->conns);
    deadlines(w);
    __atomic_store_n(&w->conns.stats->counters[GW_COUNTER_BUFFERS], gw_ring_buffers_in_use(w->ring),
                     __ATOMIC_RELAXED);
    give_memory_back(w);
    w->keys_due_ns = gw_x25519_stock_turn(w->conns.now_ns);
    return 0;
}

static int run(struct worker *w)
{
    for (;;) {
        int error = turn(w);
        if (error) {
            gw_log(GW_LOG_ERROR, "io_uring failed: %s", strerror(-error));
            return GW_EXIT_OTHER;
        }
        if (w->draining && drained(w))
            return GW_EXIT_OK;
        if (w->draining && w->conns.now_ns >= w->exit_deadline_ns)
            return GW_EXIT_OK;
    }
}

/* Pipes take only descriptors that connections cannot need; a few are always available. */
static uint32_t max_pipes(const struct gw_config *config)
{
    struct rlimit lim;
    uint64_t need = (uint64_t)config->max_conns * GW_CONN_FDS + gw_config_worker_fds(config);
    if (getrlimit(RLIMIT_NOFILE, &lim))
        return PIPES_ALWAYS;
    uint64_t spare = lim.rlim_cur > need ? (lim.rlim_cur - need) / 2 : 0;
    return (uint32_t)GW_MIN(GW_MAX(spare, (uint64_t)PIPES_ALWAYS), (uint64_t)GW_PIPES_MAX);
}

/* A worker that replaces a dead one after a reload starts with the files in force now. */
static int begin_terms(struct worker *w)
{
    const struct gw_worker_env *env = w->env;
    struct gw_termset inherited = env->set;
    struct gw_error err;
    w->set = env->set;
    if (env->files_fd < 0)
        return GW_EXIT_OK;
    if (gw_adopt_now(&w->set, env->config, env->tickets, env->files_fd, &err)) {
        gw_log(GW_LOG_ERROR, "%s", err.text);
        return GW_EXIT_OTHER;
    }
    gw_termset_done(&inherited);
    (void)close(env->files_fd);
    return GW_EXIT_OK;
}

static int start(struct worker *w)
{
    const struct gw_config *config = w->env->config;
    struct gw_ring_config ring = {
        .max_conns = config->max_conns,
        .max_buffers = GW_MIN(config->max_conns, UINT32_C(1) << 20) * 2 + 64,
        .max_pipes = max_pipes(config),
        .standing = w->env->standing,
    };
    uint64_t run;
    int result = begin_terms(w);
    if (result != GW_EXIT_OK)
        return result;
    if (gw_adopt_init(&w->adopt, config, w->env->tickets)) {
        gw_log(GW_LOG_ERROR, "no descriptor for reloads");
        return GW_EXIT_START;
    }
    int error = gw_ring_new(&w->ring, &ring);
    if (error) {
        gw_log(GW_LOG_ERROR, "cannot set up io_uring: %s", gw_ring_why(error));
        return GW_EXIT_START;
    }
    /* this few bytes always come at once */
    if (getrandom(&run, sizeof(run), 0) != (ssize_t)sizeof(run)) {
        gw_log(GW_LOG_ERROR, "no random bytes are available: %s", strerror(errno));
        return GW_EXIT_START;
    }
    w->conns = (struct gw_conn_env){
        .ring = w->ring,
        .config = config,
        .terms = w->set.terms,
        .ktls = w->env->ktls,
        .choice = *w->env->choice,
        .stats = &w->env->stats[w->env->index],
        .all_stats = w->env->stats,
        .worker_count = w->env->worker_count,
        .ended = connection_ended,
        .refused = connection_refused,
        .arg = w,
        .run = run,
    };
    if (gw_aead_init() || gw_conn_env_init(&w->conns, gw_clock_ns())) {
        gw_log(GW_LOG_ERROR, "no memory for %u connections; lower --max-conns", config->max_conns);
        return GW_EXIT_START;
    }
    return GW_EXIT_OK;
}

static void ignore_signals(void)
{
    /* A terminal's Ctrl-C reaches the whole group; the master decides when to end. */
    const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2};
    for (size_t i = 0; i < GW_ARRAY_SIZE(ignored); i++)
        (void)signal(ignored[i], SIG_IGN);
}

static struct gw_log_config worker_log(struct worker *w)
{
    struct gw_log_config log = *gw_log_config();
    log.level = w->env->config->log_level;
    log.format = w->env->config->log_format;
    log.worker = (int)w->env->index;
    log.sink = log_sink;
    log.arg = w;
    return log;
}

int gw_worker_run(const struct gw_worker_env *env)
{
    static struct worker worker; /* one per process; its wheel is too large for a stack */
    struct worker *w = &worker;
    *w = (struct worker){.env = env, .listener_count = env->listener_count};
    for (unsigned i = 0; i < env->listener_count; i++)
        w->listeners[i] = (struct listener){
            .fd = env->listeners[i].fd,
            .service = env->listeners[i].service,
        };
    ignore_signals();
    struct gw_log_config log = worker_log(w);
    gw_log_setup(&log);
    int result = start(w);
    if (result != GW_EXIT_OK) {
        gw_ring_free(w->ring);
        return result;
    }
    arm_listeners(w);
    listen_to(w, FROM_MASTER, env->channel_fd);
    listen_to(w, FROM_ADOPT, w->adopt.done_fd);
    (void)gw_channel_send(env->channel_fd, GW_CHANNEL_READY, 0);
    result = run(w);
    gw_strangers_sum(&w->strangers, w->conns.now_ns);
    if (gw_conn_count(&w->conns) == 0) {
        gw_conn_env_done(&w->conns);
        gw_adopt_done(&w->adopt);
        gw_ring_free(w->ring);
    }
    return result;
}
