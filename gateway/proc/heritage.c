/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/proc/heritage.h"

#include "gateway/base/fd.h"
#include "gateway/base/wipe.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

static size_t tickets_size(const struct gw_config *c)
{
    return c->service_count * sizeof(struct gw_ticket_keys);
}

static size_t stats_size(const struct gw_config *c)
{
    return (c->workers + 1) * sizeof(struct gw_stats);
}

static size_t logs_size(const struct gw_config *c)
{
    return c->workers * sizeof(struct gw_logring);
}

static void *shared_new(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static void shared_free(void *p, size_t size)
{
    if (p)
        (void)munmap(p, size);
}

static int make_tickets(struct gw_heritage *h, struct gw_error *err)
{
    for (unsigned i = 0; i < h->config->service_count; i++)
        if (gw_tickets_init(&h->tickets[i]))
            return gw_error_set(err, GW_EXIT_OTHER,
                                "no random bytes are available for the session ticket keys");
    return 0;
}

int gw_heritage_init(struct gw_heritage *h, const struct gw_config *config, gw_worker_main *worker,
                     struct gw_error *err)
{
    memset(h, 0, sizeof(*h));
    h->files_fd = h->pidfile.fd = -1;
    h->config = config;
    h->worker = worker;
    h->tickets = gw_wipe_shared_new(tickets_size(config));
    h->stats = shared_new(stats_size(config));
    h->logs = shared_new(logs_size(config));
    h->log_wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!h->tickets || !h->stats || !h->logs || h->log_wake_fd < 0)
        return gw_error_set(err, GW_EXIT_OTHER,
                            "no memory for the data that master and workers share");
    return make_tickets(h, err);
}

struct gw_stats *gw_heritage_own_stats(const struct gw_heritage *h)
{
    return &h->stats[h->config->workers];
}

void gw_heritage_done(struct gw_heritage *h)
{
    gw_listeners_done(&h->listeners);
    gw_pidfile_done(&h->pidfile);
    gw_termset_done(&h->set);
    gw_files_free(h->files);
    gw_fd_close(&h->files_fd);
    gw_fd_close(&h->log_wake_fd);
    shared_free(h->logs, logs_size(h->config));
    shared_free(h->stats, stats_size(h->config));
    gw_wipe_pages_free(h->tickets, tickets_size(h->config));
    memset(h, 0, sizeof(*h));
    h->log_wake_fd = h->files_fd = -1;
}

void gw_heritage_share(const struct gw_heritage *h, unsigned index, int channel_fd,
                       struct gw_worker_env *ret)
{
    *ret = (struct gw_worker_env){
        .config = h->config,
        .set = h->set,
        .tickets = h->tickets,
        .files_fd = h->files_fd,
        .ktls = &h->ktls,
        .standing = h->standing,
        .choice = &h->choice,
        .index = index,
        .worker_count = h->config->workers,
        .stats = h->stats,
        .log = &h->logs[index],
        .log_wake_fd = h->log_wake_fd,
        .channel_fd = channel_fd,
        .listener_count = h->listeners.count,
    };
    for (unsigned i = 0; i < h->listeners.count; i++)
        ret->listeners[i] = (struct gw_worker_listener){
            .fd = gw_listener_fd(&h->listeners.rows[i], index),
            .service = h->listeners.rows[i].service,
        };
}
