/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/proc/adopt.h"

#include "gateway/base/clock.h"
#include "gateway/base/fd.h"
#include "gateway/base/log.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#define BURY_NS GW_NS_PER_SEC /* how often to check whether handshakes still hold old terms */

enum {
    NICE = 10 /* the thread shares the loop's processor, and can wait */
};

struct old_set {
    struct gw_list node;
    struct gw_termset set;
};

int gw_adopt_init(struct gw_adopt *a, const struct gw_config *config,
                  struct gw_ticket_keys *tickets)
{
    *a = (struct gw_adopt){.config = config, .tickets = tickets, .files_fd = -1, .next_fd = -1};
    gw_list_init(&a->old);
    a->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return a->done_fd < 0 ? -errno : 0;
}

int gw_adopt_now(struct gw_termset *ret, const struct gw_config *config,
                 struct gw_ticket_keys *tickets, int files_fd, struct gw_error *err)
{
    struct gw_files *files = NULL;
    int r = gw_files_open(&files, files_fd);
    if (r)
        return gw_error_set(err, GW_EXIT_OTHER, "the copy of the files cannot be used: %s",
                            strerror(-r));
    r = gw_termset_reload(ret, config, tickets, files, err);
    gw_files_free(files);
    return r;
}

/* ---- the thread ---- */

static void *work(void *arg)
{
    struct gw_adopt *a = arg;
    uint64_t one = 1;
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
    if (a->job == GW_ADOPT_LOAD)
        a->result = gw_adopt_now(&a->fresh, a->config, a->tickets, a->files_fd, &a->err);
    else
        gw_termset_done(&a->fresh);
    (void)!write(a->done_fd, &one, sizeof(one));
    return NULL;
}

/* Signals stay with the loop's thread. */
static int start(struct gw_adopt *a, enum gw_adopt_job job)
{
    sigset_t all, before;
    a->job = job;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&a->thread, NULL, work, a);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error)
        a->job = GW_ADOPT_IDLE;
    return -error;
}

/* If no thread can start, the loop loads the files itself. */
static void start_load(struct gw_adopt *a, int files_fd, int64_t number)
{
    a->files_fd = files_fd;
    a->number = number;
    if (start(a, GW_ADOPT_LOAD) == 0)
        return;
    a->job = GW_ADOPT_LOAD;
    a->thread = pthread_self();
    (void)work(a);
}

static void join(struct gw_adopt *a)
{
    if (!pthread_equal(a->thread, pthread_self()))
        (void)pthread_join(a->thread, NULL);
}

/* ---- the loop ---- */

void gw_adopt_begin(struct gw_adopt *a, int files_fd, int64_t number)
{
    if (a->job == GW_ADOPT_IDLE) {
        start_load(a, files_fd, number);
        return;
    }
    gw_fd_close(&a->next_fd);
    a->next_fd = files_fd;
    a->next_number = number;
}

static int exchange(struct gw_adopt *a, struct gw_termset *current, int64_t now_ns)
{
    struct old_set *old = malloc(sizeof(*old));
    if (!old) {
        gw_termset_done(&a->fresh);
        return gw_error_set(&a->err, GW_EXIT_OTHER, "out of memory");
    }
    old->set = *current;
    *current = a->fresh;
    a->fresh = (struct gw_termset){0};
    gw_list_append(&a->old, &old->node);
    a->due_ns = now_ns + BURY_NS;
    return 0;
}

static enum gw_adopt_outcome take_load(struct gw_adopt *a, struct gw_termset *current,
                                       int64_t now_ns)
{
    gw_fd_close(&a->files_fd);
    if (a->result == 0)
        a->result = exchange(a, current, now_ns);
    return a->result ? GW_ADOPT_KEPT : GW_ADOPT_CHANGED;
}

enum gw_adopt_outcome gw_adopt_take(struct gw_adopt *a, struct gw_termset *current, int64_t now_ns,
                                    int64_t *ret_number)
{
    enum gw_adopt_outcome outcome = GW_ADOPT_NOTHING;
    uint64_t count;
    if (read(a->done_fd, &count, sizeof(count)) != sizeof(count))
        return outcome;
    join(a);
    *ret_number = a->number;
    if (a->job == GW_ADOPT_LOAD)
        outcome = take_load(a, current, now_ns);
    else if (!gw_list_empty(&a->old))
        a->due_ns = now_ns; /* one unused set after the other */
    a->job = GW_ADOPT_IDLE;
    int next = a->next_fd;
    a->next_fd = -1;
    if (next >= 0)
        start_load(a, next, a->next_number);
    return outcome;
}

/* Takes the first set that no handshake holds from the list. */
static bool take_idle(struct gw_adopt *a, struct gw_termset *ret)
{
    for (struct gw_list *n = a->old.next; n != &a->old; n = n->next) {
        struct old_set *old = gw_container_of(n, struct old_set, node);
        if (!gw_termset_idle(&old->set))
            continue;
        *ret = old->set;
        gw_list_remove(&old->node);
        free(old);
        return true;
    }
    return false;
}

void gw_adopt_bury(struct gw_adopt *a, int64_t now_ns)
{
    if (a->job == GW_ADOPT_IDLE && take_idle(a, &a->fresh) && start(a, GW_ADOPT_BURY))
        gw_termset_done(&a->fresh);
    a->due_ns = gw_list_empty(&a->old) ? 0 : now_ns + BURY_NS;
}

void gw_adopt_done(struct gw_adopt *a)
{
    if (a->job != GW_ADOPT_IDLE)
        join(a);
    gw_termset_done(&a->fresh);
    while (!gw_list_empty(&a->old)) {
        struct old_set *old = gw_container_of(a->old.next, struct old_set, node);
        gw_list_remove(&old->node);
        gw_termset_done(&old->set);
        free(old);
    }
    gw_fd_close(&a->files_fd);
    gw_fd_close(&a->next_fd);
    gw_fd_close(&a->done_fd);
}
