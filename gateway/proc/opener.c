/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/proc/opener.h"

#include "gateway/base/clock.h"
#include "gateway/base/fd.h"
#include "gateway/base/log.h"
#include "gateway/base/passage.h"
#include "gateway/config/configfile.h"
#include "gateway/proc/named.h"
#include "gateway/proc/privilege.h"
#include "gateway/proc/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_NS (10 * GW_NS_PER_SEC)

enum {
    ERRNO_MAX = 4095
};

/* The message on the channel, sent up to the path's NUL. */
struct question {
    uint64_t id; /* unknown to an earlier loader, whose responses may still be in the socket */
    char path[GW_FILES_PATH_MAX];
};

/* Comes with a descriptor if the error is 0. */
struct answer {
    uint64_t id;
    int32_t error; /* 0 or a negative errno */
    uint32_t zero;
};

/* ---- the process ---- */

struct opener {
    const struct gw_config *config;
    struct gw_files *file; /* the configuration file; read again at each request for it */
    int fd;
};

static bool is_named(struct opener *o, const char *path)
{
    const char *config_file = o->config->config_file;
    struct gw_file text = {NULL};
    if (config_file && (!o->file || strcmp(path, config_file) == 0)) {
        gw_files_free(o->file);
        o->file = gw_files_new();
    }
    if (o->file && gw_files_read(o->file, config_file, GW_CONFIGFILE_MAX, &text))
        text = (struct gw_file){NULL};
    return gw_named(o->config, (const char *)text.data, text.len, path);
}

/* The loader reads hostile files, so its messages are not trusted, and none ends the opener. A
 * response without room in its socket is lost: the opener does not wait for a loader that does not
 * read. */
static int answer(struct opener *o, const struct question *q, size_t len)
{
    if (len <= offsetof(struct question, path) || len > sizeof(*q) ||
        strnlen(q->path, sizeof(q->path)) != len - offsetof(struct question, path) - 1)
        return -EPROTO;
    gw_auto_fd fd = is_named(o, q->path) ? gw_files_open_path(NULL, q->path) : -EACCES;
    const struct answer a = {.id = q->id, .error = GW_MIN(fd, 0)};
    return gw_passage_send(o->fd, &a, sizeof(a), fd);
}

/* A message of no bytes looks like the end of the connection. */
static bool is_over(int fd)
{
    struct pollfd p = {.fd = fd};
    return poll(&p, 1, 0) == 1 && p.revents & POLLHUP;
}

/* When memory is short, spare this process: it is small and cannot be restarted. */
static void ask_to_be_spared(void)
{
    static const char least[] = "-1000";
    gw_auto_fd fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0)
        (void)!write(fd, least, strlen(least));
}

static gw_noreturn void be_opener(const struct gw_config *config, int fd)
{
    struct opener o = {.config = config, .fd = fd};
    struct pollfd p = {.fd = fd, .events = POLLIN};
    struct question q;
    struct gw_error err;
    gw_spawn_become("ktlsgate-opener", &fd, 1);
    ask_to_be_spared();
    if (gw_privilege_keep_reading(config, &err)) {
        gw_log(GW_LOG_ERROR, "%s", err.text);
        _exit(GW_EXIT_START);
    }
    for (;;) {
        ssize_t n = gw_passage_receive(fd, &q, sizeof(q), NULL);
        if (n > 0)
            (void)answer(&o, &q, (size_t)n);
        else if (n == -EAGAIN || n == -EINTR)
            (void)poll(&p, 1, -1);
        else if (n < 0 || is_over(fd))
            _exit(n ? GW_EXIT_OTHER : GW_EXIT_OK);
    }
}

/* ---- the master's side ---- */

static bool is_wanted(const struct gw_config *config)
{
    if (!gw_privilege_will_drop(config))
        return false;
    if (gw_privilege_reads_all())
        return true;
    if (!geteuid())
        gw_log(GW_LOG_WARNING,
               "root lacks CAP_DAC_READ_SEARCH here, so a reload reads only files that --user %s "
               "may read; add that capability (for a container: --cap-add)",
               config->user);
    return false;
}

int gw_opener_start(struct gw_opener *o, const struct gw_config *config, struct gw_error *err)
{
    int ends[2];
    *o = (struct gw_opener){.fd = -1};
    if (!is_wanted(config))
        return 0;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends))
        return gw_error_set(err, GW_EXIT_OTHER, "no channel to the opener: %s", strerror(errno));
    pid_t pid = fork();
    int error = errno;
    if (!pid)
        be_opener(config, ends[1]);
    gw_fd_close(&ends[1]);
    if (pid < 0) {
        gw_fd_close(&ends[0]);
        return gw_error_set(err, GW_EXIT_OTHER, "the opener cannot be started: %s",
                            strerror(error));
    }
    *o = (struct gw_opener){.pid = pid, .fd = ends[0]};
    return 0;
}

void gw_opener_stop(struct gw_opener *o)
{
    gw_fd_close(&o->fd);
}

/* ---- the loader's side ---- */

static int put_question(struct gw_opener_asker *a, const char *path, uint64_t *ret_id)
{
    struct question q = {.id = (uint64_t)getpid() << 32 | ++a->last};
    size_t len = strlen(path) + 1;
    if (len > sizeof(q.path))
        return -ENAMETOOLONG;
    memcpy(q.path, path, len);
    *ret_id = q.id;
    return gw_passage_send(a->fd, &q, offsetof(struct question, path) + len, -1);
}

/* 1: *ret_fd is the descriptor or a negative errno; 0: not the response to this question; negative
 * errno. */
static int take_answer(const struct gw_opener_asker *a, uint64_t id, int *ret_fd)
{
    struct answer m;
    ssize_t n = gw_passage_receive(a->fd, &m, sizeof(m), ret_fd);
    if (n <= 0)
        return n ? (int)n : -EPIPE;
    bool whole = n == sizeof(m) && m.id == id && !m.zero && m.error <= 0 && m.error >= -ERRNO_MAX;
    if (!whole || (m.error == 0) != (*ret_fd != -1)) {
        gw_fd_close(ret_fd);
        return 0;
    }
    if (m.error)
        *ret_fd = m.error;
    else if (*ret_fd == GW_PASSAGE_LOST)
        *ret_fd = -EMFILE;
    return 1;
}

static int await_answer(const struct gw_opener_asker *a, uint64_t id)
{
    struct pollfd p = {.fd = a->fd, .events = POLLIN};
    int64_t until_ns = gw_clock_ns() + PATIENCE_NS;
    int fd;
    for (;;) {
        int r = take_answer(a, id, &fd);
        if (r == 1)
            return fd;
        if (r < 0 && r != -EAGAIN && r != -EINTR)
            return r;
        int64_t left_ns = until_ns - gw_clock_ns();
        if (left_ns <= 0)
            return -ETIMEDOUT;
        if (r)
            (void)poll(&p, 1, (int)(left_ns / GW_NS_PER_MS) + 1);
    }
}

static bool is_gone(int error)
{
    return error == -EPIPE || error == -ECONNRESET || error == -ENOTCONN;
}

static int ask(struct gw_opener_asker *a, const char *path)
{
    uint64_t id = 0;
    if (a->silent)
        return -ETIMEDOUT;
    int got = put_question(a, path, &id);
    if (!got)
        got = await_answer(a, id);
    a->silent = got == -ETIMEDOUT;
    return is_gone(got) ? -EACCES : got;
}

int gw_opener_ask(void *arg, const char *path)
{
    struct gw_opener_asker *a = arg;
    int own = gw_files_open_path(NULL, path);
    bool names_others = own >= 0 && a->config_file && strcmp(path, a->config_file) == 0;
    if (a->fd < 0 || (own != -EACCES && !names_others))
        return own;
    int got = ask(a, path);
    if (own < 0)
        return got;
    gw_fd_close(&got);
    return own;
}
