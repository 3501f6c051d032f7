/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/proc/loader.h"

#include "gateway/base/fd.h"
#include "gateway/base/log.h"
#include "gateway/base/passage.h"
#include "gateway/proc/opener.h"
#include "gateway/proc/privilege.h"
#include "gateway/proc/spawn.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The message on the channel. The loader reads hostile files, so the master trusts its responses as
 * little as possible: a sealed set, or a sentence for the log. */
struct message {
    uint32_t result;
    char text[sizeof(((struct gw_loader_answer *)0)->text)];
    struct gw_expiry expiry;
};

/* ---- the process ---- */

struct loader {
    const struct gw_heritage *h;
    struct gw_files *last; /* the files in force */
    int channel_fd;
    struct gw_opener_asker asker;
};

static int send_answer(const struct loader *l, const struct message *m, int files_fd)
{
    return gw_passage_send(l->channel_fd, m, sizeof(*m), files_fd);
}

static int check(const struct loader *l, struct gw_files *files, struct gw_expiry *ret_expiry,
                 struct gw_error *err)
{
    struct gw_termset set;
    if (gw_files_follow(files, l->last))
        return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    int r = gw_termset_reload(&set, l->h->config, l->h->tickets, files, err);
    int over = gw_files_follow(files, NULL); /* free the files in force before the set */
    if (r || over)
        return r ? r : over;
    gw_expiry_make(ret_expiry, &set);
    gw_termset_done(&set);
    return 0;
}

/* Sends the set, and keeps it as the files in force. */
static int hand_over(struct loader *l, struct gw_files *files, struct message *m)
{
    m->result = GW_LOADER_FRESH;
    gw_auto_fd fd = gw_files_seal(files);
    if (fd < 0) {
        m->result = GW_LOADER_BROKEN;
        (void)snprintf(m->text, sizeof(m->text), "no memory for a copy of the files: %s",
                       strerror(-fd));
    }
    int r = send_answer(l, m, fd);
    if (m->result == GW_LOADER_FRESH && !r) {
        gw_files_free(l->last);
        l->last = files;
    } else {
        gw_files_free(files);
    }
    return r;
}

static int answer(struct loader *l, uint8_t manner)
{
    struct gw_error err = {.text = ""};
    struct gw_files *files = gw_files_new_by(gw_opener_ask, &l->asker);
    struct message m = {.result = GW_LOADER_SAME};
    l->asker.silent = false;
    bool good = files && check(l, files, &m.expiry, &err) == 0;
    bool fresh = good && (!l->last || !gw_files_equal(files, l->last));
    if (fresh || (good && manner & GW_LOADER_ALOUD))
        gw_log_notes(gw_files_notes(files));
    if (fresh || (good && manner & GW_LOADER_ANYWAY))
        return hand_over(l, files, &m);
    if (!good) {
        m.result = GW_LOADER_BROKEN;
        (void)snprintf(m.text, sizeof(m.text), "%s", files ? err.text : "out of memory");
    }
    gw_files_free(files);
    return send_answer(l, &m, -1);
}

/* Without files in force it accepts any good files and has no fallback. */
static struct gw_files *open_base(int fd)
{
    struct gw_files *files = NULL;
    int error = gw_files_open(&files, fd);
    if (error)
        gw_log(GW_LOG_ERROR, "the loader cannot read the files in force again: %s",
               strerror(-error));
    return files;
}

static gw_noreturn void be_loader(const struct gw_heritage *h, const struct gw_loader_base *base,
                                  int channel_fd, int opener_fd)
{
    struct loader l = {
        .h = h,
        .last = base->files,
        .channel_fd = channel_fd,
        .asker = {.fd = opener_fd, .config_file = h->config->config_file},
    };
    struct pollfd p = {.fd = channel_fd, .events = POLLIN};
    int fd = base->fd;
    int keep[] = {channel_fd, opener_fd, fd};
    struct gw_error err;
    uint8_t manner;
    gw_spawn_become("ktlsgate-files", keep, GW_ARRAY_SIZE(keep));
    if (gw_privilege_drop(h->config, &err)) {
        gw_log(GW_LOG_ERROR, "%s", err.text);
        _exit(GW_EXIT_START);
    }
    if (!l.last)
        l.last = open_base(fd);
    gw_fd_close(&fd);
    for (;;) {
        ssize_t n = gw_passage_receive(channel_fd, &manner, sizeof(manner), NULL);
        if (n == -EAGAIN || n == -EINTR)
            (void)poll(&p, 1, -1);
        else if (n != sizeof(manner) || manner >= GW_LOADER_MANNERS || answer(&l, manner))
            _exit(n ? GW_EXIT_OTHER : GW_EXIT_OK);
    }
}

/* ---- the master's side ---- */

int gw_loader_start(struct gw_loader *l, const struct gw_heritage *h,
                    const struct gw_loader_base *base, int opener_fd, struct gw_error *err)
{
    int ends[2];
    *l = (struct gw_loader){.channel_fd = -1};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends))
        return gw_error_set(err, GW_EXIT_OTHER, "no channel to the loader: %s", strerror(errno));
    pid_t pid = fork();
    int error = errno;
    if (!pid)
        be_loader(h, base, ends[1], opener_fd);
    gw_fd_close(&ends[1]);
    if (pid < 0) {
        gw_fd_close(&ends[0]);
        return gw_error_set(err, GW_EXIT_OTHER, "the loader cannot be started: %s",
                            strerror(error));
    }
    *l = (struct gw_loader){.pid = pid, .channel_fd = ends[0]};
    return 0;
}

int gw_loader_ask(struct gw_loader *l, unsigned manner)
{
    const uint8_t question = (uint8_t)manner;
    return gw_passage_send(l->channel_fd, &question, sizeof(question), -1);
}

int gw_loader_take(struct gw_loader *l, struct gw_loader_answer *ret)
{
    struct message m;
    int fd = -1;
    ssize_t n = gw_passage_receive(l->channel_fd, &m, sizeof(m), &fd);
    if (n <= 0)
        return (int)n;
    bool fresh = n == sizeof(m) && m.result == GW_LOADER_FRESH;
    if (n != sizeof(m) || m.result > GW_LOADER_BROKEN || fresh != (fd != -1)) {
        gw_fd_close(&fd);
        return -EPROTO;
    }
    if (fd == GW_PASSAGE_LOST) {
        *ret = (struct gw_loader_answer){.result = GW_LOADER_LOST, .files_fd = -1};
        return 1;
    }
    *ret = (struct gw_loader_answer){.result = (enum gw_loader_result)m.result, .files_fd = fd};
    m.text[sizeof(m.text) - 1] = '\0';
    (void)snprintf(ret->text, sizeof(ret->text), "%s", m.text);
    ret->expiry = m.expiry;
    return 1;
}

void gw_loader_stop(struct gw_loader *l)
{
    gw_fd_close(&l->channel_fd);
}
