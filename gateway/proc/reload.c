/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/proc/reload.h"

#include "gateway/base/clock.h"
#include "gateway/base/fd.h"
#include "gateway/base/log.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

int gw_reload_init(struct gw_reload *r, struct gw_heritage *h, struct gw_error *err)
{
    *r = (struct gw_reload){.h = h, .due_ns = INT64_MAX, .loader.channel_fd = -1, .first_fd = -1};
    return gw_opener_start(&r->opener, h->config, err);
}

int gw_reload_start(struct gw_reload *r, struct gw_error *err)
{
    const struct gw_loader_base base = {.files = r->h->files, .fd = -1};
    r->first_fd = gw_files_seal(r->h->files);
    if (r->first_fd < 0)
        return gw_error_set(err, GW_EXIT_OTHER, "no memory for a copy of the files: %s",
                            strerror(-r->first_fd));
    int error = gw_loader_start(&r->loader, r->h, &base, r->opener.fd, err);
    gw_files_free(r->h->files); /* the loader has its own copy */
    r->h->files = NULL;
    return error;
}

void gw_reload_done(struct gw_reload *r)
{
    if (!r->h)
        return;
    gw_loader_stop(&r->loader);
    gw_opener_stop(&r->opener);
    gw_fd_close(&r->first_fd);
}

static void count(struct gw_reload *r, enum gw_counter counter)
{
    gw_stats_add(gw_heritage_own_stats(r->h), counter, 1);
}

/* Reports a failure. The old set stays in force. */
static void failed(struct gw_reload *r, const char *why)
{
    count(r, GW_COUNTER_RELOADS_FAILED);
    if (r->by_signal || strcmp(why, r->last_error) != 0)
        gw_log(GW_LOG_ERROR, "reload: %s; the previous files stay in force", why);
    (void)snprintf(r->last_error, sizeof(r->last_error), "%s", why);
}

/* ---- requests ---- */

/* A dead loader is replaced when there is something to read: so a file that kills its reader costs
 * one process per request, and no more. */
static int ask_loader(struct gw_reload *r, struct gw_error *err)
{
    const struct gw_loader_base base = {.fd = r->first_fd >= 0 ? r->first_fd : r->h->files_fd};
    unsigned manner = (r->behind ? GW_LOADER_ANYWAY : 0U) | (r->by_signal ? GW_LOADER_ALOUD : 0U);
    int error = 0;
    if (!r->loader.pid)
        error = gw_loader_start(&r->loader, r->h, &base, r->opener.fd, err);
    if (!error && gw_loader_ask(&r->loader, manner))
        error = gw_error_set(err, GW_EXIT_OTHER, "the loader process does not answer");
    return error;
}

static void ask(struct gw_reload *r, bool by_signal, int64_t now_ns)
{
    struct gw_error err;
    r->by_signal = by_signal;
    r->asked_ns = now_ns;
    r->asked = ask_loader(r, &err) == 0;
    if (!r->asked)
        failed(r, err.text);
}

/* The loader has closed its channel and will be reaped soon. */
static bool is_dying(const struct gw_reload *r)
{
    return r->loader.pid && r->loader.channel_fd < 0;
}

static void plan(struct gw_reload *r, int64_t now_ns)
{
    int64_t interval = r->h->config->reload_interval_ns;
    r->due_ns = interval ? now_ns + interval : INT64_MAX;
}

void gw_reload_begin(struct gw_reload *r, int64_t now_ns)
{
    plan(r, now_ns);
}

void gw_reload_hup(struct gw_reload *r, int64_t now_ns)
{
    if (r->asked) {
        r->again = true;
        gw_log(GW_LOG_INFO, "HUP: the files are being read already; they will be read once more");
        return;
    }
    gw_log(GW_LOG_INFO, "HUP: reading the files again");
    if (is_dying(r)) {
        r->again = true;
        return;
    }
    ask(r, true, now_ns);
}

void gw_reload_due(struct gw_reload *r, int64_t now_ns)
{
    plan(r, now_ns);
    if (!r->asked && !is_dying(r))
        ask(r, false, now_ns);
}

/* ---- the loader's responses ---- */

static long long ms_since(const struct gw_reload *r, int64_t now_ns)
{
    return (long long)((now_ns - r->asked_ns) / GW_NS_PER_MS);
}

static bool take_answer(struct gw_reload *r, struct gw_loader_answer *a, unsigned workers,
                        int64_t now_ns)
{
    switch (a->result) {
    case GW_LOADER_FRESH:
        gw_fd_close(&r->first_fd);
        gw_fd_close(&r->h->files_fd);
        r->h->files_fd = a->files_fd;
        gw_expiry_replace(&r->h->expiry, &a->expiry);
        r->number++;
        r->outstanding = workers;
        r->behind = false;
        r->last_error[0] = '\0';
        return true;
    case GW_LOADER_SAME:
        r->last_error[0] = '\0';
        if (r->by_signal)
            gw_log(GW_LOG_INFO, "reload: nothing has changed (%lld ms)", ms_since(r, now_ns));
        return false;
    case GW_LOADER_BROKEN:
        failed(r, a->text);
        return false;
    case GW_LOADER_LOST:
        r->behind = true; /* the loader believes them in force */
        failed(r, "no descriptor is free for the files that the loader read");
    }
    return false;
}

/* The loader is dead, or sent something invalid. */
static bool lost(struct gw_reload *r)
{
    if (r->asked)
        failed(r, "the loader process died while it read the files");
    else
        gw_log(GW_LOG_ERROR, "the loader process ended; the next reload starts another");
    r->asked = false;
    gw_loader_stop(&r->loader);
    if (r->loader.pid > 0)
        (void)kill(r->loader.pid, SIGKILL);
    return false;
}

bool gw_reload_take(struct gw_reload *r, unsigned workers, int64_t now_ns)
{
    struct gw_loader_answer answer;
    int got = gw_loader_take(&r->loader, &answer);
    if (got == -EAGAIN)
        return false;
    if (got != 1 || !r->asked)
        return lost(r);
    r->asked = false;
    bool fresh = take_answer(r, &answer, workers, now_ns);
    if (r->again) {
        r->again = false;
        ask(r, true, now_ns);
    }
    return fresh;
}

void gw_reload_answered(struct gw_reload *r, int64_t number, bool adopted, int64_t now_ns)
{
    if (number != r->number || r->outstanding == 0)
        return; /* about a set that has been replaced meanwhile */
    r->outstanding--;
    if (!adopted) {
        r->behind = true; /* the loader believes it in force */
        failed(r, "a worker could not load the files that the loader read");
    }
    if (r->outstanding || r->behind)
        return;
    count(r, GW_COUNTER_RELOADS);
    gw_log(GW_LOG_INFO, "reload: new files are in force (%lld ms)", ms_since(r, now_ns));
}

static bool buried(pid_t *pid)
{
    if (!*pid || waitpid(*pid, NULL, WNOHANG) != *pid)
        return false;
    *pid = 0;
    return true;
}

static void bury_loader(struct gw_reload *r, int64_t now_ns)
{
    if (r->loader.channel_fd >= 0)
        (void)lost(r);
    if (r->again) {
        r->again = false;
        ask(r, true, now_ns);
    }
}

void gw_reload_reap(struct gw_reload *r, int64_t now_ns)
{
    if (buried(&r->opener.pid)) {
        gw_opener_stop(&r->opener);
        gw_log(GW_LOG_ERROR, "the process that opens files ended, and only a restart replaces it; "
                             "from now on a reload reads only files that --user may read; restart "
                             "the gateway, or let that user read its files");
    }
    if (buried(&r->loader.pid))
        bury_loader(r, now_ns);
}
