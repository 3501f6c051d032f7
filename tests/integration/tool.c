/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/integration/tool.h"

#include "tests/integration/check.h"
#include "tests/integration/net.h"
#include "tests/integration/pattern.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CHUNK = 65536,
    SKIP_MAX = 8192,
};

enum {
    IN,
    OUT,
    ERR,
    PIPES
};

struct tool {
    const struct tool_work *work;
    struct tool_result *result;
    pid_t pid;
    int fds[PIPES]; /* ours; -1: closed */
    size_t head_at;
    uint64_t fed;
    bool skipping;
    char skipped[SKIP_MAX];
    size_t skipped_len;
    char talk[TOOL_TEXT_MAX]; /* what came since the last cue */
    size_t talk_len;
    size_t heard_len;
    size_t said_len;
};

bool tool_exists(const char *program)
{
    char path[4096];
    const char *list = getenv("PATH");
    for (const char *at = list ? list : "/usr/bin:/bin"; *at;) {
        size_t len = strcspn(at, ":");
        (void)snprintf(path, sizeof(path), "%.*s/%s", (int)len, at, program);
        if (access(path, X_OK) == 0)
            return true;
        at += len + (at[len] == ':');
    }
    return false;
}

static _Noreturn void become(const char *const *words, const int child[PIPES])
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)signal(SIGPIPE, SIG_DFL);
    for (int i = 0; i < PIPES; i++)
        (void)dup2(child[i], i);
    execvp(words[0], (char *const *)(uintptr_t)words);
    _exit(127);
}

static void launch(struct tool *t)
{
    int pipes[PIPES][2], child[PIPES];
    for (int i = 0; i < PIPES; i++) {
        assert_return_code(pipe2(pipes[i], O_CLOEXEC), 0);
        child[i] = pipes[i][i != IN];
        t->fds[i] = pipes[i][i == IN];
        assert_return_code(fcntl(t->fds[i], F_SETFL, O_NONBLOCK), 0);
    }
    (void)fflush(NULL);
    t->pid = fork();
    assert_true(t->pid >= 0);
    if (t->pid == 0)
        become(t->work->words, child);
    for (int i = 0; i < PIPES; i++)
        (void)close(child[i]);
}

static void close_pipe(struct tool *t, int which)
{
    if (t->fds[which] >= 0)
        (void)close(t->fds[which]);
    t->fds[which] = -1;
}

/* ---- feeding ---- */

static bool has_head(const struct tool *t)
{
    return t->work->head && t->work->head[t->head_at];
}

static bool fed_up(const struct tool *t)
{
    return !has_head(t) && t->fed == t->work->input;
}

/* How much of the stream may be fed now. */
static uint64_t feedable(const struct tool *t)
{
    uint64_t held_back = t->work->input > 0 && t->result->output < t->work->last_after;
    return t->work->input - held_back - t->fed;
}

static void feed(struct tool *t)
{
    static uint8_t chunk[CHUNK];
    const char *head = t->work->head ? t->work->head + t->head_at : "";
    uint64_t left = feedable(t);
    size_t len = left < CHUNK ? (size_t)left : CHUNK;
    if (!*head)
        pattern_fill(chunk, len, t->work->seed, t->fed);
    ssize_t n = *head ? write(t->fds[IN], head, strlen(head)) : write(t->fds[IN], chunk, len);
    if (n > 0 && *head)
        t->head_at += (size_t)n;
    else if (n > 0)
        t->fed += (uint64_t)n;
    if ((n < 0 && errno != EAGAIN) || (fed_up(t) && !t->work->input_stays_open))
        close_pipe(t, IN);
}

/* ---- talking ---- */

static void keep_text(char *text, size_t *at, const void *data, size_t len)
{
    size_t room = TOOL_TEXT_MAX - 1 - *at;
    size_t n = len < room ? len : room;
    memcpy(text + *at, data, n);
    *at += n;
}

/* Of all that came, the newest half of the room is sure to be there. */
static void remember(struct tool *t, const char *data, size_t len)
{
    const size_t half = TOOL_TEXT_MAX / 2;
    size_t old = t->talk_len < half ? t->talk_len : half;
    size_t n = len < half ? len : half;
    memmove(t->talk, t->talk + t->talk_len - old, old);
    memcpy(t->talk + old, data + len - n, n);
    t->talk_len = old + n;
}

/* Words are fed with one write, and the pipe has room for them. */
static void follow_cues(struct tool *t, const void *data, size_t len)
{
    if (t->result->cues == t->work->cue_count)
        return;
    const struct tool_cue *cue = &t->work->cues[t->result->cues];
    remember(t, data, len);
    if (!memmem(t->talk, t->talk_len, cue->await, strlen(cue->await)))
        return;
    t->result->cues++;
    t->talk_len = 0;
    if (!cue->say || write(t->fds[IN], cue->say, strlen(cue->say)) < 0)
        close_pipe(t, IN);
}

/* ---- taking ---- */

static void check(struct tool *t, const uint8_t *data, size_t len)
{
    if (t->result->wrong)
        return;
    size_t good = pattern_match(data, len, t->work->seed, t->result->output);
    t->result->output += good;
    t->result->wrong = good < len;
}

/* Collects until the words have come; what follows them is checked. */
static void skip_words(struct tool *t, const uint8_t *data, size_t len)
{
    size_t room = sizeof(t->skipped) - t->skipped_len;
    size_t n = len < room ? len : room;
    memcpy(t->skipped + t->skipped_len, data, n);
    t->skipped_len += n;
    const char *found = memmem(t->skipped, t->skipped_len, t->work->skip, strlen(t->work->skip));
    if (!found)
        return;
    t->skipping = false;
    size_t used = (size_t)(found - t->skipped) + strlen(t->work->skip);
    check(t, (uint8_t *)t->skipped + used, t->skipped_len - used);
    check(t, data + n, len - n);
}

static void take_output(struct tool *t)
{
    static uint8_t chunk[CHUNK];
    ssize_t n = read(t->fds[OUT], chunk, sizeof(chunk));
    if (n > 0) {
        keep_text(t->result->heard, &t->heard_len, chunk, (size_t)n);
        follow_cues(t, chunk, (size_t)n);
    }
    if (n > 0 && t->work->cues)
        return;
    if (n > 0 && t->skipping)
        skip_words(t, chunk, (size_t)n);
    else if (n > 0)
        check(t, chunk, (size_t)n);
    else if (n == 0)
        close_pipe(t, OUT);
}

static void take_said(struct tool *t)
{
    char chunk[4096];
    ssize_t n = read(t->fds[ERR], chunk, sizeof(chunk));
    if (n == 0)
        close_pipe(t, ERR);
    if (n <= 0)
        return;
    keep_text(t->result->said, &t->said_len, chunk, (size_t)n);
    follow_cues(t, chunk, (size_t)n);
}

/* ---- the whole ---- */

static bool serve_pipes(struct tool *t, int64_t deadline)
{
    int64_t left = deadline - net_now_ms();
    bool feeding = t->fds[IN] >= 0 && (has_head(t) || feedable(t) > 0);
    struct pollfd polls[PIPES] = {
        {.fd = feeding ? t->fds[IN] : -1, .events = POLLOUT},
        {.fd = t->fds[OUT], .events = POLLIN},
        {.fd = t->fds[ERR], .events = POLLIN},
    };
    if (left <= 0 || poll(polls, PIPES, (int)left) <= 0)
        return false;
    if (polls[IN].revents)
        feed(t);
    if (polls[OUT].revents)
        take_output(t);
    if (polls[ERR].revents)
        take_said(t);
    return true;
}

void tool_run(const struct tool_work *work, int limit_ms, struct tool_result *ret)
{
    static struct tool t;
    int status;
    int64_t deadline = net_now_ms() + limit_ms;
    bool in_time = true;
    t = (struct tool){.work = work, .result = ret, .skipping = work->skip != NULL};
    *ret = (struct tool_result){.exit = -1};
    launch(&t);
    if (fed_up(&t) && !work->input_stays_open && !work->cues)
        close_pipe(&t, IN);
    while ((t.fds[OUT] >= 0 || t.fds[ERR] >= 0) && in_time)
        in_time = serve_pipes(&t, deadline);
    if (!in_time)
        (void)kill(t.pid, SIGKILL);
    for (int i = 0; i < PIPES; i++)
        close_pipe(&t, i);
    (void)waitpid(t.pid, &status, 0);
    if (in_time && WIFEXITED(status))
        ret->exit = WEXITSTATUS(status);
}
