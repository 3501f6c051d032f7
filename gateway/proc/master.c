/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/proc/master.h"

#include "gateway/base/fd.h"
#include "gateway/base/log.h"
#include "gateway/base/wipe.h"
#include "gateway/proc/preflight.h"
#include "gateway/proc/privilege.h"
#include "gateway/proc/summary.h"
#include "gateway/proc/supervise.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct master {
    struct gw_heritage heritage;
    struct gw_reload reload;
    int signal_fd;
    gw_master_shown *shown; /* for a check */
};

static void log_listeners(const struct gw_listeners *l, const struct gw_config *c)
{
    bool many = c->service_count > 1;
    for (unsigned i = 0; i < l->count; i++)
        gw_log(GW_LOG_INFO, "listening on %s%s%s", l->rows[i].name, many ? " for service " : "",
               many ? c->services[l->rows[i].service]->name : "");
}

static void log_open_services(const struct gw_config *c)
{
    bool many = c->service_count > 1;
    for (unsigned i = 0; i < c->service_count; i++)
        if (c->services[i]->role == GW_ROLE_SERVER && c->services[i]->tls.verify == GW_VERIFY_NONE)
            gw_log(GW_LOG_INFO,
                   "%s%s%sno client certificate is requested; to require one, name its authorities "
                   "with --cacert",
                   many ? "service " : "", many ? c->services[i]->name : "", many ? ": " : "");
}

static void log_summary(const struct gw_heritage *h)
{
    struct gw_stats sum = {0};
    char text[GW_LOG_MESSAGE_MAX];
    for (unsigned i = 0; i <= h->config->workers; i++) /* the workers' blocks and the master's */
        gw_stats_sum(&sum, &h->stats[i]);
    gw_summary_write(&sum, text, sizeof(text));
    gw_log(GW_LOG_INFO, "%s", text);
    if (sum.counters[GW_COUNTER_RELOADS] || sum.counters[GW_COUNTER_RELOADS_FAILED])
        gw_log(GW_LOG_INFO, "reloads: %" PRIu64 ", failed %" PRIu64,
               sum.counters[GW_COUNTER_RELOADS], sum.counters[GW_COUNTER_RELOADS_FAILED]);
    if (sum.counters[GW_COUNTER_CRL_TOLERATED])
        gw_log(GW_LOG_INFO, "crl-tolerated: %" PRIu64 " handshakes without a current CRL",
               sum.counters[GW_COUNTER_CRL_TOLERATED]);
}

/*
 * The last step of the start. The master too gives up root, not only its workers: it reads what
 * workers write, and a replacement worker needs nothing but inherited open descriptors. The price:
 * files in a folder of root cannot be removed at the end (see gw_pidfile_done; the next start
 * recognizes a leftover socket file as stale).
 */
static int start(struct master *m, struct gw_error *err)
{
    const struct gw_config *config = m->heritage.config;
    int r = gw_reload_init(&m->reload, &m->heritage, err);
    if (!r)
        r = gw_preflight(&m->heritage, err);
    if (!r)
        r = gw_listeners_open(&m->heritage.listeners, config, err);
    if (!r)
        r = gw_pidfile_write(&m->heritage.pidfile, config->pidfile, err);
    if (!r)
        r = gw_reload_start(&m->reload, err);
    if (!r)
        r = gw_privilege_drop(config, err);
    if (!r && !geteuid())
        gw_log(GW_LOG_WARNING,
               "running as root; use --user to switch to another user once the ports are open");
    return r;
}

static int serve(struct master *m, struct gw_error *err)
{
    unsigned workers = m->heritage.config->workers;
    gw_log(GW_LOG_INFO, "ktlsgate %s, %s", KTLSGATE_VERSION, gw_tls_library_version());
    (void)gw_fd_raise_limit();
    m->signal_fd = gw_supervise_signals();
    if (m->signal_fd < 0)
        return gw_error_set(err, GW_EXIT_OTHER, "signals: %s", strerror(-m->signal_fd));
    int r = start(m, err);
    if (r)
        return r;
    log_listeners(&m->heritage.listeners, m->heritage.config);
    log_open_services(m->heritage.config);
    gw_log(GW_LOG_INFO, "starting %u worker%s", workers, workers == 1 ? "" : "s");
    err->exit = gw_supervise(&m->heritage, &gw_supervise_default_times, &m->reload, m->signal_fd);
    log_summary(&m->heritage);
    return 0;
}

static int check(struct master *m, struct gw_error *err)
{
    int r = gw_preflight(&m->heritage, err);
    if (!r)
        m->shown(&m->heritage.set);
    return r;
}

/* Runs `work` with a master, and then tears it down, however far it came. */
static enum gw_exit with_master(const struct gw_config *config, gw_worker_main *worker,
                                int (*work)(struct master *m, struct gw_error *err),
                                gw_master_shown *shown, struct gw_error *err)
{
    *err = (struct gw_error){.exit = GW_EXIT_OK};
    struct master *m = calloc(1, sizeof(*m));
    if (!m) {
        (void)gw_error_set(err, GW_EXIT_OTHER, "out of memory");
        return err->exit;
    }
    m->signal_fd = -1;
    m->shown = shown;
    gw_wipe_forbid_dumps(); /* before the first key is read */
    if (!gw_heritage_init(&m->heritage, config, worker, err))
        (void)work(m, err);
    gw_reload_done(&m->reload);
    gw_heritage_done(&m->heritage);
    gw_fd_close(&m->signal_fd);
    free(m);
    return err->exit;
}

enum gw_exit gw_master_run(const struct gw_config *config, gw_worker_main *worker,
                           struct gw_error *err)
{
    return with_master(config, worker, serve, NULL, err);
}

enum gw_exit gw_master_check(const struct gw_config *config, gw_master_shown *shown,
                             struct gw_error *err)
{
    return with_master(config, NULL, check, shown, err);
}
