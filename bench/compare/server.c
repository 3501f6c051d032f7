/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/compare/server.h"

#include "gateway/base/clock.h"
#include "gateway/base/fd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READY_NS (10 * GW_NS_PER_SEC)
#define ASK_NS (3 * GW_NS_PER_SEC)

static void nap(void)
{
    const struct timespec ts = {.tv_nsec = 10 * GW_NS_PER_MS};
    (void)nanosleep(&ts, NULL);
}

static bool answers(uint16_t port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    gw_auto_fd fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && !connect(fd, (struct sockaddr *)&at, sizeof(at));
}

/* A group of its own, so that its children are found again. */
static void become(char *const argv[], const char *words, int cpu)
{
    cpu_set_t set;
    int null = open("/dev/null", O_RDWR);
    int to = open(words, O_WRONLY | O_CREAT | O_APPEND, 0600);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)setpgid(0, 0);
    (void)dup2(null, STDIN_FILENO);
    (void)dup2(to, STDOUT_FILENO);
    (void)dup2(to, STDERR_FILENO);
    (void)close_range(STDERR_FILENO + 1, ~0U, 0);
    if (cpu >= 0) {
        CPU_ZERO(&set);
        CPU_SET(cpu, &set);
        (void)sched_setaffinity(0, sizeof(set), &set);
    }
    (void)execv(argv[0], argv);
    _exit(127);
}

/* The end of what it has said. */
static const char *last_words(const struct bench_server *s, char *out, size_t size)
{
    gw_auto_fd fd = open(s->words, O_RDONLY | O_CLOEXEC);
    off_t end = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
    ssize_t n =
        fd >= 0 ? pread(fd, out, size - 1, end > (off_t)size ? end - (off_t)size + 1 : 0) : 0;
    out[GW_MAX(n, 0)] = '\0';
    for (char *c = out; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
    return out[0] ? out : "it said nothing";
}

static int wait_until_ready(struct bench_server *s, const char *name, uint16_t port,
                            struct gw_error *err)
{
    char words[256];
    int64_t until = gw_clock_ns() + READY_NS;
    while (gw_clock_ns() < until) {
        if (waitpid(s->pid, NULL, WNOHANG) == s->pid) {
            s->pid = 0;
            return gw_error_set(err, GW_EXIT_START, "%s ended at once: %s", name,
                                last_words(s, words, sizeof(words)));
        }
        if (answers(port))
            return 0;
        nap();
    }
    bench_server_stop(s);
    return gw_error_set(err, GW_EXIT_START, "%s takes no connection after ten seconds: %s", name,
                        last_words(s, words, sizeof(words)));
}

static int run(struct bench_server *s, const char *name, char *const argv[], uint16_t port, int cpu,
               struct gw_error *err)
{
    s->port = port;
    s->pid = fork();
    if (s->pid == 0)
        become(argv, s->words, cpu);
    if (s->pid < 0) {
        s->pid = 0;
        return gw_error_set(err, GW_EXIT_OTHER, "no process for %s: %s", name, strerror(errno));
    }
    (void)setpgid(s->pid, s->pid); /* in whichever order the two get there */
    return wait_until_ready(s, name, port, err);
}

int bench_server_start(struct bench_server *s, const struct bench_peer *peer, const char *path,
                       const struct bench_site *site, int cpu, struct gw_error *err)
{
    char config[640];
    char *argv[BENCH_ARGS_MAX + 2] = {(char *)(uintptr_t)path};
    (void)snprintf(config, sizeof(config), "%s/%s.conf", site->folder, peer->name);
    (void)snprintf(s->words, sizeof(s->words), "%s/%s.log", site->folder, peer->name);
    FILE *f = fopen(config, "we");
    if (!f)
        return gw_error_set(err, GW_EXIT_START, "%s: %s", config, strerror(errno));
    peer->configure(site, f);
    if (fclose(f))
        return gw_error_set(err, GW_EXIT_START, "%s: %s", config, strerror(errno));
    for (unsigned i = 0; i < BENCH_ARGS_MAX && peer->args[i]; i++)
        argv[i + 1] = strcmp(peer->args[i], "%") ? (char *)(uintptr_t)peer->args[i] : config;
    return run(s, peer->name, argv, site->port, cpu, err);
}

int bench_server_start_origin(struct bench_server *s, const struct bench_site *site, int cpu,
                              struct gw_error *err)
{
    char listen[32];
    char program[] = "/proc/self/exe", command[] = "origin", flag[] = "--listen";
    char *argv[] = {program, command, flag, listen, NULL};
    (void)snprintf(listen, sizeof(listen), "127.0.0.1:%u", site->origin);
    (void)snprintf(s->words, sizeof(s->words), "%s/origin.log", site->folder);
    return run(s, "the origin", argv, site->origin, cpu, err);
}

void bench_server_stop(struct bench_server *s)
{
    int64_t until = gw_clock_ns() + ASK_NS;
    if (s->pid <= 0)
        return;
    (void)kill(s->pid, SIGTERM);
    while (gw_clock_ns() < until && waitpid(s->pid, NULL, WNOHANG) == 0)
        nap();
    (void)kill(-s->pid, SIGKILL); /* whoever of them is left */
    (void)waitpid(s->pid, NULL, 0);
    while (gw_clock_ns() < until + ASK_NS &&
           answers(s->port)) /* else the next seems ready at once */
        nap();
    s->pid = 0;
}
