/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/compare/contender.h"

#include "bench/compare/child.h"
#include "bench/compare/namelist.h"
#include "gateway/base/clock.h"
#include "gateway/base/fd.h"
#include "gateway/config/units.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where servers are installed, whatever the caller's PATH. */
#define SERVER_FOLDERS ":/usr/local/sbin:/usr/sbin:/sbin"

/* Where ktlsgate is, as seen from this program in a build folder. */
#define BESIDE "../../gateway/main/ktlsgate"

#define PATIENCE_NS (10 * GW_NS_PER_SEC)

/* ---- the program ---- */

static bool is_program(const char *path)
{
    return !access(path, X_OK);
}

static bool find_in_path(const char *program, char out[PATH_MAX])
{
    const char *path = getenv("PATH");
    char folders[8192];
    char *rest = folders;
    (void)snprintf(folders, sizeof(folders), "%s" SERVER_FOLDERS, path ? path : "");
    for (char *folder = strsep(&rest, ":"); folder; folder = strsep(&rest, ":"))
        if (folder[0] && snprintf(out, PATH_MAX, "%s/%s", folder, program) < PATH_MAX &&
            is_program(out))
            return true;
    return false;
}

static bool find_beside(char out[PATH_MAX])
{
    char self[PATH_MAX], path[PATH_MAX + sizeof(BESIDE)];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (n <= 0)
        return false;
    self[n] = '\0';
    *(strrchr(self, '/') + 1) = '\0';
    (void)snprintf(path, sizeof(path), "%s" BESIDE, self);
    return realpath(path, out) && is_program(out);
}

static bool find_program(const struct bench_peer *peer, const struct bench_comparison *compare,
                         char out[PATH_MAX])
{
    if (peer->ours && compare->ktlsgate)
        return realpath(compare->ktlsgate, out) && is_program(out);
    return (peer->ours && find_beside(out)) || find_in_path(peer->program, out);
}

/* ---- its version ---- */

static size_t read_all(int fd, char *out, size_t size)
{
    size_t len = 0;
    ssize_t n;
    while (len < size - 1 && (n = read(fd, out + len, size - 1 - len)) > 0)
        len += (size_t)n;
    out[len] = '\0';
    return len;
}

static void say_version(struct bench_contender *c, char *said, size_t size)
{
    const struct bench_cpus anywhere = {.count = 0};
    int pipe_fds[2], status;
    if (pipe2(pipe_fds, O_CLOEXEC))
        return;
    gw_auto_fd in = pipe_fds[0];
    gw_auto_fd out = pipe_fds[1];
    pid_t pid = bench_child_fork(&anywhere);
    if (pid == 0) {
        (void)dup2(out, STDOUT_FILENO);
        (void)dup2(out, STDERR_FILENO);
        (void)execl(c->program, c->peer->program, c->peer->version_flag, (char *)NULL);
        _exit(127);
    }
    gw_fd_close(&out);
    (void)read_all(in, said, size);
    if (pid > 0 && bench_child_wait(pid, PATIENCE_NS, &status))
        bench_child_stop(pid);
}

static void read_version(struct bench_contender *c)
{
    char said[4096] = "";
    say_version(c, said, sizeof(said));
    const char *at = strstr(said, c->peer->version_after);
    at = at ? at + strlen(c->peer->version_after) : "unknown";
    (void)snprintf(c->version, sizeof(c->version), "%.*s", (int)GW_MIN(strcspn(at, " \n"), 60U),
                   at);
}

/* ---- lists ---- */

static int next_workers(const char **list, unsigned *ret, bool *ret_more, struct gw_error *err)
{
    char text[32];
    const char *why = "is not a number";
    uint64_t n = 0;
    *ret_more = bench_namelist_next(list, text, sizeof(text));
    if (!*ret_more)
        return 0;
    if (gw_units_count(text, &n, &why) || n == 0 || n > GW_MAX_WORKERS)
        return gw_error_set(err, GW_EXIT_USAGE, "--workers '%.30s': %s", text,
                            n ? "is more than a gateway can have" : why);
    *ret = (unsigned)n;
    return 0;
}

int bench_contenders_workers(const char *list, unsigned *ret_max, struct gw_error *err)
{
    bool more = list;
    unsigned n = 1;
    *ret_max = 1;
    while (more) {
        int r = next_workers(&list, &n, &more, err);
        if (r)
            return r;
        *ret_max = GW_MAX(*ret_max, n);
    }
    return 0;
}

static bool is_peer(const char *name)
{
    for (unsigned i = 0; bench_peer_at(i); i++)
        if (!strcmp(bench_peer_at(i)->name, name))
            return true;
    return false;
}

static int check_names(const char *list, struct gw_error *err)
{
    char name[64], all[256] = "";
    for (unsigned i = 0; bench_peer_at(i); i++)
        (void)snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i ? ", " : "",
                       bench_peer_at(i)->name);
    while (bench_namelist_next(&list, name, sizeof(name)))
        if (!is_peer(name))
            return gw_error_set(err, GW_EXIT_USAGE,
                                "--systems '%.60s': there is no such system; choose from %s", name,
                                all);
    return 0;
}

/* ---- all of them ---- */

static bool is_wanted(const struct bench_peer *peer, const struct bench_comparison *compare)
{
    if (compare->systems)
        return bench_namelist_has(compare->systems, peer->name);
    if (compare->workers)
        return peer->ours && !peer->asked;
    return compare->quick ? peer->quick : !peer->asked;
}

static int add(struct bench_contenders *all, const struct bench_contender *like, unsigned workers,
               bool tell, struct gw_error *err)
{
    if (all->count == BENCH_CONTENDERS_MAX)
        return gw_error_set(err, GW_EXIT_USAGE, "--workers: more than %d systems to compare",
                            BENCH_CONTENDERS_MAX);
    struct bench_contender *c = &all->list[all->count++];
    *c = *like;
    c->workers = workers;
    if (tell)
        (void)snprintf(c->name, sizeof(c->name), "%s-%uw", c->peer->name, workers);
    else
        (void)snprintf(c->name, sizeof(c->name), "%s", c->peer->name);
    return 0;
}

/* A row for each count of workers. */
static int add_all(struct bench_contenders *all, const struct bench_contender *like,
                   const struct bench_comparison *compare, struct gw_error *err)
{
    const char *list = compare->workers;
    bool tell = list;
    unsigned workers = 1;
    bool more = true;
    if (!tell)
        return add(all, like, 1, false, err);
    for (;;) {
        int r = next_workers(&list, &workers, &more, err);
        if (r || !more)
            return r;
        r = add(all, like, workers, true, err);
        if (r)
            return r;
    }
}

static void note_absent(struct bench_contenders *all, const char *name)
{
    size_t len = strlen(all->absent);
    (void)snprintf(all->absent + len, sizeof(all->absent) - len, "%s%s", len ? ", " : "", name);
}

int bench_contenders_find(struct bench_contenders *ret, const struct bench_comparison *compare,
                          struct gw_error *err)
{
    const struct bench_peer *peer;
    *ret = (struct bench_contenders){0};
    int r = check_names(compare->systems, err);
    for (unsigned i = 0; !r && (peer = bench_peer_at(i)); i++) {
        struct bench_contender c = {.peer = peer};
        if (!is_wanted(peer, compare))
            continue;
        if (find_program(peer, compare, c.program)) {
            read_version(&c);
            r = add_all(ret, &c, compare, err);
        } else if (peer->ours) {
            r = gw_error_set(
                err, GW_EXIT_START, "there is no program ktlsgate%s%.200s; name it with --ktlsgate",
                compare->ktlsgate ? " at " : "", compare->ktlsgate ? compare->ktlsgate : "");
        } else {
            note_absent(ret, peer->name);
        }
    }
    if (!r && ret->count == 0)
        r = gw_error_set(err, GW_EXIT_START, "none of the systems is installed: %s", ret->absent);
    return r;
}

void bench_contenders_done(struct bench_contenders *all)
{
    for (unsigned i = 0; i < all->count; i++)
        free(all->list[i].text);
    all->count = 0;
}
