/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/integration/daemon.h"

#include "tests/integration/check.h"
#include "tests/integration/harness.h"
#include "tests/integration/net.h"
#include "tests/integration/tool.h"
#include "tests/support/folder.h"

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t running;
static char folder[FOLDER_MAX]; /* "": none */

const char *daemon_folder(void)
{
    if (!folder[0]) {
        assert_true(folder_make(folder, "daemon"));
    }
    return folder;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

uint16_t daemon_port(void)
{
    uint16_t port;
    int fd = net_listen(1, &port);
    assert_true(fd >= 0);
    (void)close(fd);
    return port;
}

/* Only what is safe between fork and exec. Its input stays open: some end with it. */
static _Noreturn void become(const char *const *words, int input)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (chdir(folder) == 0 && dup2(input, 0) == 0 && dup2(quiet, 1) == 1 && dup2(quiet, 2) == 2)
        execvp(words[0], (char *const *)(uintptr_t)words);
    _exit(127);
}

static void await_listening(uint16_t port)
{
    int64_t deadline = net_now_ms() + DEADLINE_MS;
    int fd;
    while ((fd = net_connect(port)) < 0) {
        assert_int_equal(waitpid(running, NULL, WNOHANG), 0); /* it lives */
        assert_true(net_now_ms() < deadline);
        (void)poll(NULL, 0, 20);
    }
    (void)close(fd);
}

static void end(void)
{
    if (running > 0) {
        (void)kill(-running, SIGKILL);
        (void)waitpid(running, NULL, 0);
    }
    running = 0;
}

void daemon_start(const char *const *words, uint16_t port)
{
    char why[64];
    int input[2];
    if (!tool_exists(words[0])) {
        (void)snprintf(why, sizeof(why), "%s is not installed", words[0]);
        skip_because(why);
    }
    end();
    (void)daemon_folder();
    assert_return_code(pipe2(input, O_CLOEXEC), 0);
    (void)fflush(NULL);
    running = fork();
    assert_true(running >= 0);
    (void)setpgid(running, 0); /* in both processes, or the first signal could miss it */
    if (running == 0)
        become(words, input[0]);
    (void)close(input[0]); /* the other end stays ours until we end */
    await_listening(port);
}

int daemon_stop(void **state)
{
    (void)state;
    end();
    if (folder[0])
        (void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    folder[0] = '\0';
    return 0;
}
