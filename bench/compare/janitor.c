/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/compare/janitor.h"

#include "gateway/base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    GROUPS_MAX = 16 /* at a time: origin, system, load */
};

struct news {
    pid_t group;
    bool lives;
};

static pid_t janitor;
static int to_it = -1;

/* ---- in it ---- */

static void remove_tree(const char *path)
{
    DIR *dir = opendir(path);
    for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
        char inner[512];
        int n = snprintf(inner, sizeof(inner), "%s/%s", path, e->d_name);
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") || n >= (int)sizeof(inner))
            continue;
        if (e->d_type == DT_DIR)
            remove_tree(inner);
        else
            (void)unlink(inner);
    }
    if (dir)
        (void)closedir(dir);
    (void)rmdir(path);
}

/* Puts it where there is none, or takes it away. */
static void note(pid_t groups[GROUPS_MAX], const struct news *news)
{
    pid_t there = news->lives ? 0 : news->group;
    for (unsigned i = 0; i < GROUPS_MAX; i++) {
        if (groups[i] == there) {
            groups[i] = news->lives ? news->group : 0;
            return;
        }
    }
}

static gw_noreturn void be_janitor(int from, const char *folder)
{
    pid_t groups[GROUPS_MAX] = {0};
    struct news news;
    (void)setpgid(0, 0); /* what ends the others of our group is not meant for it */
    while (read(from, &news, sizeof(news)) == (ssize_t)sizeof(news))
        note(groups, &news);
    for (unsigned i = 0; i < GROUPS_MAX; i++)
        if (groups[i] > 1)
            (void)kill(-groups[i], SIGKILL);
    remove_tree(folder);
    _exit(0);
}

/* ---- in the others ---- */

int bench_janitor_start(const char *folder, struct gw_error *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return gw_error_set(err, GW_EXIT_OTHER, "no pipe: %s", strerror(errno));
    janitor = fork();
    if (janitor == 0) {
        (void)close(ends[1]);
        be_janitor(ends[0], folder);
    }
    (void)close(ends[0]);
    to_it = ends[1];
    if (janitor > 0)
        return 0;
    gw_fd_close(&to_it);
    return gw_error_set(err, GW_EXIT_OTHER, "no process: %s", strerror(errno));
}

void bench_janitor_tell(pid_t group, bool lives)
{
    struct news news;
    memset(&news, 0, sizeof(news)); /* with what is between its members */
    news.group = group;
    news.lives = lives;
    if (to_it >= 0 && write(to_it, &news, sizeof(news)) < 0)
        (void)fprintf(stderr, "ktlsgate-bench: the process that cleans up is gone\n");
}

void bench_janitor_end(void)
{
    if (janitor <= 0)
        return;
    gw_fd_close(&to_it);
    (void)waitpid(janitor, NULL, 0);
    janitor = 0;
}
