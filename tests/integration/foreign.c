/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/integration/foreign.h"

#include "tests/integration/check.h"
#include "tests/integration/harness.h"
#include "tests/integration/net.h"

#include "gateway/base/fd.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void foreign_stop(struct foreign *f)
{
    if (f->pid > 0) {
        (void)kill(-f->pid, SIGKILL); /* nginx and varnish have children */
        (void)waitpid(f->pid, NULL, 0);
        logbook_close(&f->log);
    }
    if (f->folder[0])
        (void)nftw(f->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    memset(f, 0, sizeof(*f));
}

static void write_config(const struct foreign *f)
{
    char path[FOLDER_MAX + 8];
    (void)snprintf(path, sizeof(path), "%s/config", f->folder);
    FILE *out = fopen(path, "we");
    assert_non_null(out);
    f->kind->configure(out, f);
    assert_int_equal(fclose(out), 0);
}

/* Only what is safe between fork and exec. */
static void become(const struct foreign *f, int log, char *const argv[], char *const environment[])
{
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (chdir(f->folder) == 0 && (f->listener < 0 || fcntl(f->listener, F_SETFD, 0) == 0) &&
        dup2(log, STDOUT_FILENO) >= 0 && dup2(log, STDERR_FILENO) >= 0)
        (void)execve(f->kind->program, argv, environment);
    _exit(127);
}

static void run(struct foreign *f)
{
    char texts[FOREIGN_ARGS][96];
    char *argv[FOREIGN_ARGS + 1] = {NULL};
    char inherited[32]; /* the variable that gives nginx its open sockets */
    char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"; /* varnish runs a compiler */
    char *const environment[] = {inherited, path, NULL};
    int pipe_fds[2];
    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
    for (int i = 0; i < FOREIGN_ARGS && f->kind->args[i]; i++) {
        const char *arg = f->kind->args[i];
        argv[i] = texts[i];
        (void)snprintf(texts[i], sizeof(texts[i]), "%s%s", *arg == '@' ? f->folder : "",
                       arg + (*arg == '@'));
    }
    (void)snprintf(inherited, sizeof(inherited), "NGINX=%d;", f->listener);
    f->pid = fork();
    assert_true(f->pid >= 0);
    (void)setpgid(f->pid, 0); /* in both processes, or the first signal could miss it */
    if (f->pid == 0)
        become(f, pipe_fds[1], argv, environment);
    (void)close(pipe_fds[1]);
    logbook_open(&f->log, pipe_fds[0]);
}

void foreign_start(struct foreign *f, const struct foreign_kind *kind, uint16_t target)
{
    char line[LOG_LINE_MAX];
    size_t cursor = 0;
    if (access(kind->program, X_OK))
        skip_because("it is not installed");
    *f = (struct foreign){.kind = kind, .target = target, .listener = -1};
    if (!folder_make(f->folder, "foreign")) {
        f->folder[0] = '\0';
        fail_msg("no folder in %s", gw_tmpdir());
    }
    gw_auto_fd listener = kind->ready ? -1 : net_listen(16, &f->port);
    f->listener = listener;
    if (kind->ready)
        (void)snprintf(f->path, sizeof(f->path), "%s/socket", f->folder);
    write_config(f);
    run(f);
    if (kind->ready && !logbook_await(&f->log, &cursor, kind->ready, line)) {
        logbook_print(&f->log);
        fail_msg("%s is not ready", kind->program);
    }
}

int foreign_connect(const struct foreign *f)
{
    int fd = f->path[0] ? net_connect_unix(f->path) : net_connect(f->port);
    assert_true(fd >= 0);
    return fd;
}
