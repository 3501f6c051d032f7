/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/compare/server.h"

#include "bench/compare/child.h"
#include "gateway/base/clock.h"
#include "gateway/base/fd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    /* Enough for all cases. Without a bound some make tables of as many as the system allows. */
    FILES_MAX = 32768,
    TEXT_MAX = 8192,
};

#define PATIENCE_NS (15 * GW_NS_PER_SEC)
#define LOOK_NS (10 * GW_NS_PER_MS)

/* Debian's place for it. Where stream is built in, or elsewhere, there is no such file. */
#define NGINX_STREAM "/usr/lib/nginx/modules/ngx_stream_module.so"

/* ---- words ---- */

static char *written(const char *text, const struct bench_peer_facts *facts)
{
    char *out = NULL;
    size_t size;
    FILE *f = open_memstream(&out, &size);
    if (f)
        bench_peer_write(f, text, facts);
    return f && !fclose(f) ? out : NULL;
}

struct words {
    char *list[BENCH_PEER_ARGS + 3];
    unsigned count;
};

static void free_words(struct words *w)
{
    for (unsigned i = 0; i < w->count; i++)
        free(w->list[i]);
}

static bool make_words(struct words *w, const struct bench_contender *c,
                       const struct bench_peer_facts *facts)
{
    char config[BENCH_PLACE_FOLDER_MAX + 64];
    bool good = (w->list[w->count++] = strdup(c->program));
    for (unsigned i = 0; good && i < BENCH_PEER_ARGS && c->peer->args[i]; i++)
        good = (w->list[w->count++] = written(c->peer->args[i], facts));
    if (good && c->peer->config) {
        (void)snprintf(config, sizeof(config), "%s/%s.conf", facts->folder, c->name);
        good = (w->list[w->count++] = strdup(config));
    }
    return good;
}

static char *joined(const struct words *w)
{
    char *text = calloc(1, TEXT_MAX);
    for (unsigned i = 0; text && i < w->count; i++) {
        size_t len = strlen(text);
        (void)snprintf(text + len, TEXT_MAX - len, "%s%s", i ? " " : "",
                       i ? w->list[i] : basename(w->list[i]));
    }
    return text;
}

/* Writes the server's file; c->text describes the set-up. */
static int configure(struct bench_contender *c, const struct bench_place *place,
                     const struct bench_peer_facts *facts, const struct words *w,
                     struct gw_error *err)
{
    char name[64];
    free(c->text);
    c->text = c->peer->config ? written(c->peer->config, facts) : joined(w);
    if (!c->text)
        return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    (void)snprintf(name, sizeof(name), "%s.conf", c->name);
    return c->peer->config ? bench_place_write(place, name, c->text, err) : 0;
}

/* ---- ports ---- */

static struct sockaddr_in loopback(unsigned port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* One that is free now; 0: none. */
static unsigned free_port(void)
{
    struct sockaddr_in at = loopback(0);
    socklen_t len = sizeof(at);
    gw_auto_fd fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)) ||
        getsockname(fd, (struct sockaddr *)&at, &len))
        return 0;
    return ntohs(at.sin_port);
}

static bool answers(unsigned port)
{
    struct sockaddr_in at = loopback(port);
    gw_auto_fd fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && !connect(fd, (const struct sockaddr *)&at, sizeof(at));
}

/* ---- the process ---- */

static gw_noreturn void be_server(const struct words *w, const char *log)
{
    struct rlimit files;
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int out = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    (void)dup2(null, STDIN_FILENO);
    (void)dup2(out, STDOUT_FILENO);
    (void)dup2(out, STDERR_FILENO);
    if (!getrlimit(RLIMIT_NOFILE, &files)) {
        files.rlim_cur = files.rlim_max = GW_MIN(files.rlim_max, (rlim_t)FILES_MAX);
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    (void)execv(w->list[0], w->list);
    (void)dprintf(STDERR_FILENO, "%s: %s\n", w->list[0], strerror(errno));
    _exit(127);
}

/* The last line of the file that is not empty. */
static void last_words(const char *log, char *out, size_t size)
{
    char line[256];
    FILE *f = fopen(log, "re");
    (void)snprintf(out, size, "it printed nothing");
    while (f && fgets(line, sizeof(line), f)) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0])
            (void)snprintf(out, size, "%s", line);
    }
    if (f)
        (void)fclose(f);
}

static int wait_for_port(const struct bench_server *server, const struct bench_contender *c,
                         const char *log, struct gw_error *err)
{
    char words[256];
    int64_t until = gw_clock_ns() + PATIENCE_NS;
    int status, r = -ETIMEDOUT;
    while (r == -ETIMEDOUT && gw_clock_ns() < until) {
        if (answers(server->port))
            return 0;
        r = bench_child_wait(server->pid, LOOK_NS, &status);
    }
    last_words(log, words, sizeof(words));
    (void)gw_error_set(err, GW_EXIT_START, "%s %s: %s", c->name,
                       r ? "does not open its port" : "ended at its start", words);
    return r == -EINTR ? r : -EIO;
}

static int launch(struct bench_server *server, struct bench_contender *c,
                  const struct bench_place *place, const struct bench_cpus *cpus,
                  const struct words *w, struct gw_error *err)
{
    char log[BENCH_PLACE_FOLDER_MAX + 64];
    struct bench_cpus mine = *cpus;
    mine.count = GW_MIN(mine.count, c->workers);
    (void)snprintf(log, sizeof(log), "%s/%s.log", place->folder, c->name);
    pid_t pid = bench_child_fork(&mine);
    if (pid < 0)
        return gw_error_set(err, GW_EXIT_OTHER, "no process: %s", strerror(-pid));
    if (pid == 0)
        be_server(w, log);
    server->pid = pid;
    return wait_for_port(server, c, log, err);
}

int bench_server_start(struct bench_server *server, struct bench_contender *c,
                       const struct bench_place *place, const struct bench_cpus *cpus,
                       struct gw_error *err)
{
    struct words w = {.count = 0};
    *server = (struct bench_server){.port = free_port()};
    const struct bench_peer_facts facts = {
        .folder = place->folder,
        .port = server->port,
        .backend = place->backend,
        .workers = c->workers,
        .load_module = access(NGINX_STREAM, R_OK) ? "" : "load_module " NGINX_STREAM ";",
    };
    int r = make_words(&w, c, &facts) ? 0 : gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    if (!r)
        r = configure(c, place, &facts, &w, err);
    if (!r)
        r = launch(server, c, place, cpus, &w, err);
    free_words(&w);
    if (r)
        bench_server_stop(server);
    return r;
}

void bench_server_stop(struct bench_server *server)
{
    bench_child_stop(server->pid);
    server->pid = 0;
}
