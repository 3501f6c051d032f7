/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/arena/space.h"

#include "gateway/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define HERE "/proc/thread-self/ns/net"

enum {
    SAID_MAX = 300
};

/* ---- going there ---- */

int bench_space_here(struct gw_error *err)
{
    int fd = open(HERE, O_RDONLY | O_CLOEXEC);
    return fd >= 0 ? fd : gw_error_set(err, GW_EXIT_START, HERE ": %s", strerror(errno));
}

int bench_space_enter(int space, struct gw_error *err)
{
    return setns(space, CLONE_NEWNET)
               ? gw_error_set(err, GW_EXIT_START, "a network namespace: %s", strerror(errno))
               : 0;
}

/* Returns to the thread's own namespace: it must not continue in the wrong one. */
static void go_back(int home)
{
    gw_require(!setns(home, CLONE_NEWNET));
}

bool bench_space_is(int space, int other)
{
    struct stat a, b;
    return !fstat(space, &a) && !fstat(other, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int bench_space_socket(int space, int family, int type, struct gw_error *err)
{
    gw_auto_fd home = bench_space_here(err);
    int r = home < 0 ? home : bench_space_enter(space, err);
    if (r)
        return r;
    int fd = socket(family, type | SOCK_CLOEXEC, 0);
    if (fd < 0)
        fd = gw_error_set(err, GW_EXIT_START, "no socket: %s", strerror(errno));
    go_back(home);
    return fd;
}

static int raise_loopback(int space, struct gw_error *err)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    gw_auto_fd fd = bench_space_socket(space, AF_INET, SOCK_DGRAM, err);
    if (fd < 0)
        return fd;
    return ioctl(fd, SIOCSIFFLAGS, &request)
               ? gw_error_set(err, GW_EXIT_START, "a loopback device: %s", strerror(errno))
               : 0;
}

int bench_space_make(struct gw_error *err)
{
    gw_auto_fd home = bench_space_here(err);
    if (home < 0)
        return home;
    if (unshare(CLONE_NEWNET))
        return gw_error_set(err, GW_EXIT_START, "no network namespace: %s%s", strerror(errno),
                            errno == EPERM ? "; it takes root (CAP_SYS_ADMIN)" : "");
    int space = bench_space_here(err);
    go_back(home);
    int r = space < 0 ? space : raise_loopback(space, err);
    if (r)
        gw_fd_close(&space);
    return r ? r : space;
}

/* ---- programs ---- */

/* A file without a name that holds the text. */
static int file_of(const char *text)
{
    int fd = memfd_create("bench", MFD_CLOEXEC);
    size_t len = text ? strlen(text) : 0;
    if (fd >= 0 && (write(fd, text, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET)))
        gw_fd_close(&fd);
    return fd;
}

static void add_roots_path(void)
{
    char path[4096];
    const char *own = getenv("PATH");
    (void)snprintf(path, sizeof(path), "%s:/usr/sbin:/sbin", own ? own : "/usr/bin:/bin");
    (void)setenv("PATH", path, 1);
}

static gw_noreturn void be_program(int space, const char *const *words, int in, int out)
{
    sigset_t none;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)dup2(in, STDIN_FILENO);
    (void)dup2(out, STDOUT_FILENO);
    (void)dup2(out, STDERR_FILENO);
    add_roots_path();
    if (!setns(space, CLONE_NEWNET))
        (void)execvp(words[0], (char *const *)(uintptr_t)words);
    (void)dprintf(STDERR_FILENO, "%s", errno == ENOENT ? "is not installed" : strerror(errno));
    _exit(127);
}

/* In one line. */
static void read_said(int out, char said[SAID_MAX])
{
    ssize_t len = pread(out, said, SAID_MAX - 1, 0);
    said[GW_MAX(len, 0)] = '\0';
    for (char *at = said; (at = strchr(at, '\n'));)
        *at = at[1] ? ' ' : '\0';
}

int bench_space_run(int space, const char *const *words, const char *input, struct gw_error *err)
{
    char said[SAID_MAX];
    int status;
    gw_auto_fd in = file_of(input);
    gw_auto_fd out = file_of(NULL);
    pid_t pid = in >= 0 && out >= 0 ? fork() : -1;
    if (pid < 0)
        return gw_error_set(err, GW_EXIT_START, "%s: %s", words[0], strerror(errno));
    if (pid == 0)
        be_program(space, words, in, out);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return gw_error_set(err, GW_EXIT_START, "%s: %s", words[0], strerror(errno));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    read_said(out, said);
    return gw_error_set(err, GW_EXIT_START, "%s, in a network namespace: %s", words[0],
                        said[0] ? said : "failed and does not say why");
}

int bench_space_nft(int space, const char *rules, struct gw_error *err)
{
    return bench_space_run(space, (const char *const[]){"nft", "-f", "-", NULL}, rules, err);
}

/* ---- what is there ---- */

/* Opens a file of /proc that depends on the reader's namespace. */
static int open_there(int space, const char *path, int flags, struct gw_error *err)
{
    gw_auto_fd home = bench_space_here(err);
    int r = home < 0 ? home : bench_space_enter(space, err);
    if (r)
        return r;
    int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0)
        fd = gw_error_set(err, GW_EXIT_START, "%s: %s", path, strerror(errno));
    go_back(home);
    return fd;
}

int bench_space_sysctl(int space, const char *name, const char *value, struct gw_error *err)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "/proc/sys/%s", name);
    gw_auto_fd fd = open_there(space, path, O_WRONLY, err);
    if (fd < 0)
        return fd;
    if (write(fd, value, strlen(value)) < 0)
        return gw_error_set(err, GW_EXIT_START, "%s: '%s': %s", path, value, strerror(errno));
    return 0;
}

/* These are of the whole machine. */
static bool is_of_namespace(const char *name)
{
    return strcmp(name, "net/netfilter/nf_conntrack_max") != 0;
}

int bench_space_sysctls(int space, const char *path, struct gw_error *err)
{
    char line[256], name[128], value[64];
    int r = 0;
    FILE *in = fopen(path, "re");
    if (!in)
        return gw_error_set(err, GW_EXIT_START, "%s: %s", path, strerror(errno));
    while (!r && fgets(line, sizeof(line), in)) {
        if (sscanf(line, "%127[a-z0-9_.] = %63[^\n]", name, value) != 2)
            continue;
        for (char *at = name; (at = strchr(at, '.'));)
            *at = '/';
        if (is_of_namespace(name))
            r = bench_space_sysctl(space, name, value, err);
    }
    (void)fclose(in);
    return r;
}

enum {
    RX_PACKETS = 1,
    RX_DROPPED = 3,
    TX_PACKETS = 9,
    FIGURES = TX_PACKETS + 1, /* of a line of /proc/net/dev, that we look at */
};

/* A line of it: name, colon, figures. */
static bool read_line(const char *line, const char *link, struct bench_space_traffic *ret)
{
    uint64_t figures[FIGURES];
    size_t len = strlen(link);
    line += strspn(line, " ");
    if (strncmp(line, link, len) != 0 || line[len] != ':')
        return false;
    line += len + 1;
    for (unsigned i = 0; i < FIGURES; i++) {
        char *end;
        figures[i] = strtoull(line, &end, 10);
        line = end;
    }
    *ret = (struct bench_space_traffic){.rx_packets = figures[RX_PACKETS],
                                        .rx_dropped = figures[RX_DROPPED],
                                        .tx_packets = figures[TX_PACKETS]};
    return true;
}

int bench_space_traffic(int space, const char *link, struct bench_space_traffic *ret,
                        struct gw_error *err)
{
    char line[512];
    bool found = false;
    int fd = open_there(space, "/proc/thread-self/net/dev", O_RDONLY, err);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    if (fd < 0)
        return fd;
    if (!file) {
        gw_fd_close(&fd);
        return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    }
    while (!found && fgets(line, sizeof(line), file))
        found = read_line(line, link, ret);
    (void)fclose(file);
    return found ? 0 : gw_error_set(err, GW_EXIT_OTHER, "link %s is gone", link);
}

int bench_space_checksums(int space, const char *link, struct gw_error *err)
{
    struct ethtool_value value = {.cmd = ETHTOOL_STXCSUM, .data = 0};
    struct ifreq request = {.ifr_data = (char *)&value};
    gw_auto_fd fd = bench_space_socket(space, AF_INET, SOCK_DGRAM, err);
    if (fd < 0)
        return fd;
    (void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", link);
    if (ioctl(fd, SIOCETHTOOL, &request))
        return gw_error_set(err, GW_EXIT_START, "checksums of link %s: %s", link, strerror(errno));
    return 0;
}
