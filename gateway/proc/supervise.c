/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/proc/supervise.h"

#include "gateway/base/clock.h"
#include "gateway/base/fd.h"
#include "gateway/base/log.h"
#include "gateway/proc/logpump.h"
#include "gateway/proc/spawn.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const struct gw_supervise_times gw_supervise_default_times = {
    .respawn_fast_ns = GW_RESPAWN_FAST_NS,
    .respawn_first_ns = GW_RESPAWN_FIRST_NS,
    .respawn_max_ns = GW_RESPAWN_MAX_NS,
    .ticket_life_ns = GW_TICKET_KEY_LIFE_NS,
    .stop_again_ns = GW_STOP_AGAIN_NS,
    .expiry_ns = GW_EXPIRY_LOOK_NS,
    .kill_grace_ns = GW_KILL_GRACE_NS,
};

enum phase {
    STARTING, /* not all workers have been ready yet */
    RUNNING,
    ENDING, /* workers are no longer replaced */
};

enum {
    POLL_SIGNAL,
    POLL_LOG,
    POLL_STDERR,
    POLL_LOADER,
    POLL_WORKERS
};

enum {
    LAST_LINES_MS = 1000 /* at the end, for a slow reader of the log */
};

#define NEVER INT64_MAX

/* The place of one worker, which outlives the processes in it. */
struct place {
    pid_t pid;      /* 0: empty */
    int channel_fd; /* -1: none */
    bool was_ready; /* a worker here was ready before */
    int64_t started_ns;
    int64_t delay_ns;    /* the last back-off */
    int64_t spawn_at_ns; /* when to fill the empty place */
    int64_t owes;        /* number of the last set sent to it, until it answers; 0: none */
};

struct supervisor {
    struct gw_heritage *h;
    struct gw_reload *reload; /* NULL: none */
    const struct gw_supervise_times *times;
    unsigned count;
    struct place *places;
    struct pollfd *polls;
    int signal_fd;
    enum phase phase;
    enum gw_exit exit;
    int64_t rotate_at_ns;
    int64_t expiry_at_ns;
    int64_t stopped_ns; /* when the first TERM or INT came; 0: none yet */
    int64_t kill_at_ns;
};

/* ---- ending ---- */

static void kill_one(const struct place *p)
{
    if (p->pid > 0) /* 0 would be our own process group */
        (void)kill(p->pid, SIGKILL);
}

static void kill_all(struct supervisor *s)
{
    for (unsigned i = 0; i < s->count; i++)
        kill_one(&s->places[i]);
    s->kill_at_ns = NEVER;
}

/* From here on workers are not replaced. */
static void begin_end(struct supervisor *s)
{
    s->phase = ENDING;
    for (unsigned i = 0; i < s->count; i++)
        s->places[i].spawn_at_ns = NEVER;
    if (s->reload)
        s->reload->due_ns = NEVER;
    /* The next gateway may start now, while this one's connections end. */
    gw_listeners_done(&s->h->listeners);
    gw_pidfile_unlock(&s->h->pidfile);
}

static void drain(struct supervisor *s)
{
    int64_t timeout = s->h->config->shutdown_timeout_ns;
    for (unsigned i = 0; i < s->count; i++)
        /* If the message fails, the worker is dying or stuck; the kill below ends it. */
        (void)gw_channel_send(s->places[i].channel_fd, GW_CHANNEL_DRAIN, timeout);
    s->kill_at_ns = gw_clock_ns() + timeout + s->times->kill_grace_ns;
    begin_end(s);
}

static void take_stop_signal(struct supervisor *s, const char *name)
{
    int64_t now = gw_clock_ns();
    if (s->phase != ENDING) {
        s->stopped_ns = now;
        gw_log(GW_LOG_INFO, "%s: stopping; connections have %lld ms to end", name,
               (long long)(s->h->config->shutdown_timeout_ns / GW_NS_PER_MS));
        drain(s);
    } else if (now - s->stopped_ns < s->times->stop_again_ns) {
        gw_log(GW_LOG_DEBUG, "%s again at the same time", name);
    } else {
        gw_log(GW_LOG_WARNING, "%s again: stopping at once", name);
        kill_all(s);
    }
}

static void kill_late(struct supervisor *s)
{
    for (unsigned i = 0; i < s->count; i++)
        if (s->places[i].pid)
            gw_log(GW_LOG_WARNING, "worker %u did not end within --shutdown-timeout and is killed",
                   i);
    kill_all(s);
}

/* ---- reload ---- */

static void settle(struct supervisor *s, struct place *p, bool adopted)
{
    if (p->owes)
        gw_reload_answered(s->reload, p->owes, adopted, gw_clock_ns());
    p->owes = 0;
}

static void spread_files(struct supervisor *s)
{
    for (unsigned i = 0; i < s->count; i++) {
        struct place *p = &s->places[i];
        p->owes = s->reload->number;
        /* An absent worker starts with the new files; one that cannot be reached ends. */
        if (p->channel_fd >= 0 &&
            gw_channel_send_fd(p->channel_fd, GW_CHANNEL_FILES, p->owes, s->h->files_fd) == 0)
            continue;
        kill_one(p);
        settle(s, p, true);
    }
}

static void look_at_ends(struct supervisor *s, int64_t now)
{
    gw_expiry_warn(&s->h->expiry, time(NULL));
    s->expiry_at_ns = now + s->times->expiry_ns;
}

static void take_loader(struct supervisor *s)
{
    unsigned count = s->phase == ENDING ? 0 : s->count;
    if (gw_reload_take(s->reload, count, gw_clock_ns()) && count) {
        spread_files(s);
        look_at_ends(s, gw_clock_ns());
    }
}

static void take_hup(struct supervisor *s)
{
    if (!s->reload || s->phase == ENDING)
        gw_log(GW_LOG_INFO, "HUP: nothing to reload");
    else
        gw_reload_hup(s->reload, gw_clock_ns());
}

/* ---- starting and replacing ---- */

static void back_off(struct supervisor *s, struct place *p, int64_t now)
{
    if (now - p->started_ns >= s->times->respawn_fast_ns)
        p->delay_ns = 0;
    else
        p->delay_ns =
            GW_MIN(GW_MAX(2 * p->delay_ns, s->times->respawn_first_ns), s->times->respawn_max_ns);
    p->spawn_at_ns = now + p->delay_ns;
}

static void start_worker(struct supervisor *s, unsigned index)
{
    struct place *p = &s->places[index];
    struct gw_spawned got;
    p->started_ns = gw_clock_ns();
    int r = gw_spawn_worker(s->h, index, &got);
    if (r) {
        gw_log(GW_LOG_ERROR, "worker %u cannot be started: %s", index, strerror(-r));
        back_off(s, p, p->started_ns);
        return;
    }
    p->pid = got.pid;
    p->channel_fd = got.channel_fd;
    p->spawn_at_ns = NEVER;
}

static void describe_end(int status, uint64_t lost, char *out, size_t size)
{
    int n;
    if (WIFSIGNALED(status))
        n = snprintf(out, size, "was killed by signal %d (%s)", WTERMSIG(status),
                     strsignal(WTERMSIG(status)));
    else
        n = snprintf(out, size, "ended with exit code %d", WEXITSTATUS(status));
    if (lost && n > 0 && (size_t)n < size)
        (void)snprintf(out + n, size - (size_t)n, " with %llu connection%s open",
                       (unsigned long long)lost, lost == 1 ? "" : "s");
}

static void cannot_start(struct supervisor *s, unsigned index)
{
    gw_log(GW_LOG_ERROR, "worker %u cannot start; giving up", index);
    s->exit = GW_EXIT_START;
    begin_end(s);
    kill_all(s);
}

static void take_death(struct supervisor *s, unsigned index, int status)
{
    struct place *p = &s->places[index];
    char how[128];
    bool clean = s->phase == ENDING && WIFEXITED(status) && !WEXITSTATUS(status);
    long pid = p->pid;
    p->pid = 0;
    gw_fd_close(&p->channel_fd);
    settle(s, p, true);                     /* its replacement starts with the newest set */
    gw_logpump_flush(s->h->logs, index, 0); /* its last entries precede our line about it */
    /* Now, not when its place is filled again: its open connections count toward --max-conns. */
    describe_end(status, gw_stats_bury(&s->h->stats[index]), how, sizeof(how));
    if (s->phase == ENDING) {
        gw_log(clean ? GW_LOG_DEBUG : GW_LOG_WARNING, "worker %u (process %ld) %s", index, pid,
               how);
        return;
    }
    if (!p->was_ready && WIFEXITED(status) && WEXITSTATUS(status) == GW_EXIT_START) {
        cannot_start(s, index);
        return;
    }
    back_off(s, p, gw_clock_ns());
    gw_log(GW_LOG_ERROR, "worker %u (process %ld) %s; it is replaced in %lld ms", index, pid, how,
           (long long)(p->delay_ns / GW_NS_PER_MS));
}

static void reap(struct supervisor *s)
{
    if (s->reload && s->phase != ENDING)
        gw_reload_reap(s->reload, gw_clock_ns());
    for (unsigned i = 0; i < s->count; i++) {
        int status;
        if (s->places[i].pid && waitpid(s->places[i].pid, &status, WNOHANG) == s->places[i].pid)
            take_death(s, i, status);
    }
}

static void take_ready(struct supervisor *s, unsigned index)
{
    struct place *p = &s->places[index];
    if (p->was_ready)
        gw_log(GW_LOG_INFO, "worker %u is back (process %ld)", index, (long)p->pid);
    p->was_ready = true;
    for (unsigned i = 0; i < s->count; i++)
        if (!s->places[i].was_ready)
            return;
    if (s->phase == STARTING) {
        s->phase = RUNNING;
        gw_log(GW_LOG_INFO, "ready");
        if (s->reload)
            gw_reload_begin(s->reload, gw_clock_ns());
    }
}

static void take_message(struct supervisor *s, unsigned index)
{
    struct place *p = &s->places[index];
    struct gw_channel_message m;
    int r = gw_channel_receive(p->channel_fd, false, &m);
    if (r == -EAGAIN)
        return;
    if (r == 1 && m.kind == GW_CHANNEL_READY) {
        take_ready(s, index);
        return;
    }
    if (r == 1 && m.value <= p->owes) { /* an answer to an older set does not count */
        if (m.value == p->owes)
            settle(s, p, m.kind == GW_CHANNEL_ADOPTED);
        return;
    }
    /* A worker without its channel cannot be drained, and one that sends an invalid message no
     * longer runs our program. Dying workers come here too; the signal does not change their
     * end. */
    if (r)
        gw_log(GW_LOG_ERROR, "worker %u sent an invalid message and is killed", index);
    if (r || s->phase != ENDING)
        kill_one(p);
    gw_fd_close(&p->channel_fd);
}

/* ---- signals ---- */

static const int watched[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};

int gw_supervise_signals(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    for (size_t i = 0; i < GW_ARRAY_SIZE(watched); i++)
        (void)sigaddset(&set, watched[i]);
    /* Standard error may be a pipe without a reader. */
    (void)signal(SIGPIPE, SIG_IGN);
    /* Our parent may have set it to be ignored; the kernel would then reap our workers
     * unnoticed. */
    (void)signal(SIGCHLD, SIG_DFL);
    if (sigprocmask(SIG_BLOCK, &set, NULL))
        return -errno;
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

static void take_signals(struct supervisor *s)
{
    struct signalfd_siginfo info;
    while (read(s->signal_fd, &info, sizeof(info)) == sizeof(info)) {
        switch (info.ssi_signo) {
        case SIGTERM:
            take_stop_signal(s, "TERM");
            break;
        case SIGINT:
            take_stop_signal(s, "INT");
            break;
        case SIGHUP:
            take_hup(s);
            break;
        default:
            reap(s);
        }
    }
}

/* ---- time ---- */

static void rotate_tickets(struct supervisor *s, int64_t now)
{
    const struct gw_config *c = s->h->config;
    for (unsigned i = 0; i < c->service_count; i++)
        if (gw_tickets_rotate(&s->h->tickets[i])) /* a reload may enable tickets */
            gw_log(GW_LOG_ERROR,
                   "no random bytes are available for new session ticket keys; the old ones stay");
    s->rotate_at_ns = now + s->times->ticket_life_ns;
}

static void take_deadlines(struct supervisor *s)
{
    int64_t now = gw_clock_ns();
    for (unsigned i = 0; i < s->count; i++)
        if (now >= s->places[i].spawn_at_ns)
            start_worker(s, i);
    if (now >= s->rotate_at_ns)
        rotate_tickets(s, now);
    if (now >= s->expiry_at_ns)
        look_at_ends(s, now);
    if (now >= s->kill_at_ns)
        kill_late(s);
    if (s->reload && now >= s->reload->due_ns)
        gw_reload_due(s->reload, now);
}

/* Milliseconds for poll(2), rounded up so that it does not return before the deadline. */
static int wait_ms(const struct supervisor *s)
{
    int64_t next = GW_MIN(GW_MIN(s->rotate_at_ns, s->expiry_at_ns), s->kill_at_ns);
    if (s->reload)
        next = GW_MIN(next, s->reload->due_ns);
    for (unsigned i = 0; i < s->count; i++)
        next = GW_MIN(next, s->places[i].spawn_at_ns);
    if (next == NEVER)
        return -1;
    int64_t ms = (next - gw_clock_ns() + GW_NS_PER_MS - 1) / GW_NS_PER_MS;
    return (int)GW_MIN(GW_MAX(ms, 0), INT_MAX);
}

/* ---- the loop ---- */

static void take_logs(struct supervisor *s)
{
    uint64_t count;
    (void)!read(s->h->log_wake_fd, &count, sizeof(count));
}

static int wait_for_events(struct supervisor *s)
{
    bool more_logs = gw_logpump_turn(s->h->logs, s->count);
    bool stuck = more_logs && !gw_log_ready(0);
    s->polls[POLL_SIGNAL] = (struct pollfd){.fd = s->signal_fd, .events = POLLIN};
    s->polls[POLL_LOG] = (struct pollfd){.fd = s->h->log_wake_fd, .events = POLLIN};
    s->polls[POLL_STDERR] = (struct pollfd){.fd = stuck ? STDERR_FILENO : -1, .events = POLLOUT};
    int loader_fd = s->reload ? gw_reload_fd(s->reload) : -1;
    s->polls[POLL_LOADER] = (struct pollfd){.fd = loader_fd, .events = POLLIN};
    for (unsigned i = 0; i < s->count; i++)
        s->polls[POLL_WORKERS + i] =
            (struct pollfd){.fd = s->places[i].channel_fd, .events = POLLIN};
    int n = poll(s->polls, POLL_WORKERS + s->count, more_logs && !stuck ? 0 : wait_ms(s));
    return n < 0 && errno != EINTR ? -errno : 0;
}

static void take_events(struct supervisor *s)
{
    if (s->polls[POLL_LOG].revents)
        take_logs(s);
    if (s->polls[POLL_LOADER].revents)
        take_loader(s);
    /* Messages before deaths: READY from a worker that then died still counts. */
    for (unsigned i = 0; i < s->count; i++)
        if (s->polls[POLL_WORKERS + i].revents)
            take_message(s, i);
    if (s->polls[POLL_SIGNAL].revents)
        take_signals(s);
    take_deadlines(s);
}

static bool anybody_left(const struct supervisor *s)
{
    for (unsigned i = 0; i < s->count; i++)
        if (s->places[i].pid || s->places[i].spawn_at_ns != NEVER)
            return true;
    return false;
}

static int init(struct supervisor *s)
{
    s->count = s->h->config->workers;
    s->places = calloc(s->count, sizeof(*s->places));
    s->polls = calloc(POLL_WORKERS + s->count, sizeof(*s->polls));
    if (!s->places || !s->polls)
        return -ENOMEM;
    for (unsigned i = 0; i < s->count; i++)
        s->places[i].channel_fd = -1;
    s->kill_at_ns = NEVER;
    s->rotate_at_ns = gw_clock_ns() + s->times->ticket_life_ns;
    return 0;
}

static void done(struct supervisor *s)
{
    for (unsigned i = 0; s->places && i < s->count; i++)
        gw_fd_close(&s->places[i].channel_fd);
    free(s->places);
    free(s->polls);
}

enum gw_exit gw_supervise(struct gw_heritage *h, const struct gw_supervise_times *times,
                          struct gw_reload *reload, int signal_fd)
{
    struct supervisor s = {.h = h, .reload = reload, .times = times, .signal_fd = signal_fd};
    int r = init(&s);
    if (!r)
        take_deadlines(&s); /* every place is empty and due */
    while (!r && anybody_left(&s)) {
        r = wait_for_events(&s);
        if (!r)
            take_events(&s);
    }
    for (unsigned i = 0; i < s.count; i++)
        gw_logpump_flush(h->logs, i, LAST_LINES_MS);
    if (r) {
        gw_log(GW_LOG_ERROR, "the supervising loop failed: %s", strerror(-r));
        s.exit = GW_EXIT_OTHER;
    }
    done(&s); /* remaining workers see their channels close, and drain */
    return s.exit;
}
