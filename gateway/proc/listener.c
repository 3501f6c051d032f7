/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/proc/listener.h"

#include "gateway/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    PRIVILEGED_PORTS = 1024,
    PORT_0_TRIES = 8, /* the probed port may be taken before the workers' sockets bind it */
};

static uint16_t *port_of(struct sockaddr_storage *addr)
{
    if (addr->ss_family == AF_INET)
        return &((struct sockaddr_in *)addr)->sin_port;
    return &((struct sockaddr_in6 *)addr)->sin6_port;
}

/* ---- errors as sentences ---- */

static int fail(struct gw_error *err, const struct gw_address *a, const char *why)
{
    return gw_error_set(err, GW_EXIT_START, "--listen %s: %s", a->text, why);
}

static int fail_tcp(struct gw_error *err, const struct gw_address *a, int error)
{
    switch (error) {
    case EADDRINUSE:
        return fail(err, a,
                    "the address is in use by another process; stop it or choose another "
                    "port");
    case EACCES:
        return fail(err, a,
                    "ports below 1024 need CAP_NET_BIND_SERVICE; start as root or give "
                    "that capability (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE)");
    case EADDRNOTAVAIL:
        return fail(err, a, "no network interface here has this address");
    case EAFNOSUPPORT:
        return fail(err, a, "this kernel does not support this kind of address");
    case EMFILE:
    case ENFILE:
        return fail(err, a, "too many open files; raise the limit (ulimit -n, LimitNOFILE=)");
    default:
        return fail(err, a, strerror(error));
    }
}

/* ---- TCP ---- */

struct tcp_want {
    const struct gw_address *at;
    bool reuse_port; /* false: for the probe, which must be alone */
    int cpu;         /* -1: any */
};

static int set_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof(value)) ? -errno : 0;
}

static int set_tcp_options(int fd, const struct tcp_want *w)
{
    /* Connections of a previous instance in TIME_WAIT must not block the port. */
    int r = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    /* An address has its literal meaning, whatever net.ipv6.bindv6only says: [::] is IPv6 only, so
     * 0.0.0.0 with the same port may be used beside it; :PORT is both. */
    if (!r && w->at->addr.ss_family == AF_INET6)
        r = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, !w->at->dual_stack);
    if (!r && w->reuse_port)
        r = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    /* Connections inherit it. Without it the first response waits behind the session ticket until
     * the client acknowledges that, which clients delay by 40 ms. */
    if (!r)
        r = set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    /* Steers connections to the worker on the core that received their packets. Kernels that ignore
     * it spread them by hash, which also works. */
    if (!r && w->cpu >= 0)
        (void)set_option(fd, SOL_SOCKET, SO_INCOMING_CPU, w->cpu);
    return r;
}

/* Returns a listening socket or negative errno. */
static int tcp_socket(const struct tcp_want *w)
{
    gw_auto_fd fd =
        socket(w->at->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
    if (fd < 0)
        return -errno;
    int r = set_tcp_options(fd, w);
    if (r)
        return r;
    /* The kernel limits the backlog to net.core.somaxconn. */
    if (bind(fd, (const struct sockaddr *)&w->at->addr, w->at->len) || listen(fd, INT32_MAX))
        return -errno;
    int out = fd;
    fd = -1;
    return out;
}

/* A socket without SO_REUSEPORT detects another listener, and finds the port that port 0
 * becomes. */
static int probe_port(struct gw_address *at)
{
    gw_auto_fd fd = tcp_socket(&(struct tcp_want){.at = at, .cpu = -1});
    if (fd < 0)
        return fd;
    socklen_t got = sizeof(at->addr);
    return getsockname(fd, (struct sockaddr *)&at->addr, &got) ? -errno : 0;
}

static void close_fds(struct gw_listener *row)
{
    for (unsigned i = 0; i < row->fd_count; i++)
        gw_fd_close(&row->fds[i]);
}

static int open_for_workers(struct gw_listener *row, const struct gw_address *at,
                            const struct gw_config *config)
{
    for (unsigned i = 0; i < row->fd_count; i++) {
        struct tcp_want w = {.at = at, .reuse_port = true, .cpu = -1};
        if (config->cpu_count)
            w.cpu = config->cpus[i % config->cpu_count];
        row->fds[i] = tcp_socket(&w);
        if (row->fds[i] < 0) {
            int r = row->fds[i];
            close_fds(row);
            return r;
        }
    }
    return 0;
}

static int try_tcp(struct gw_listener *row, const struct gw_address *a,
                   const struct gw_config *config)
{
    struct gw_address at = *a;
    int r = probe_port(&at);
    if (r)
        return r;
    char host[NI_MAXHOST] = "";
    (void)getnameinfo((const struct sockaddr *)&at.addr, at.len, host, sizeof(host), NULL, 0,
                      NI_NUMERICHOST);
    (void)snprintf(row->name, sizeof(row->name),
                   at.addr.ss_family == AF_INET ? "%.64s:%u" : "[%.64s]:%u", host,
                   ntohs(*port_of(&at.addr)));
    return open_for_workers(row, &at, config);
}

static int open_tcp(struct gw_listener *row, const struct gw_address *a,
                    const struct gw_config *config, struct gw_error *err)
{
    struct sockaddr_storage addr = a->addr;
    unsigned port = ntohs(*port_of(&addr));
    int r = -EADDRINUSE;
    for (int i = 0; r == -EADDRINUSE && i < (port ? 1 : PORT_0_TRIES); i++)
        r = try_tcp(row, a, config);
    if (r == -EACCES && port >= PRIVILEGED_PORTS)
        return fail(err, a, "a security policy of this machine forbids this port");
    return r ? fail_tcp(err, a, -r) : 0;
}

/* ---- unix: ---- */

/* 0: nothing listens there (and a stale file is removed); -EADDRINUSE; -ENOTSOCK; other errors. */
static int clear_path(const struct gw_address *a, const char *path)
{
    struct stat st;
    if (lstat(path, &st))
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(st.st_mode))
        return -ENOTSOCK;
    gw_auto_fd fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (!connect(fd, (const struct sockaddr *)&a->addr, a->len))
        return -EADDRINUSE;
    /* EAGAIN: a listener with a full backlog; EPROTOTYPE: a datagram socket in use. */
    if (errno != ECONNREFUSED)
        return errno == EACCES ? -EACCES : -EADDRINUSE;
    return unlink(path) && errno != ENOENT ? -errno : 0;
}

/* Returns a listening socket, to whose file only owner and group may connect, or a negative
 * errno. */
static int unix_socket(const struct gw_address *a)
{
    gw_auto_fd fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    /* The file must not be open to everybody, not even until a chmod. */
    mode_t old = umask(0117);
    int r = bind(fd, (const struct sockaddr *)&a->addr, a->len) ? -errno : 0;
    (void)umask(old);
    if (!r && listen(fd, INT32_MAX))
        r = -errno;
    if (r)
        return r;
    int out = fd;
    fd = -1;
    return out;
}

static int fail_unix(struct gw_error *err, const struct gw_address *a, int error)
{
    switch (error) {
    case EADDRINUSE:
        return fail(err, a,
                    "the socket is in use by another process; stop it or choose another "
                    "path");
    case ENOTSOCK:
        return fail(err, a,
                    "the file exists and is not a socket; remove it or choose another path");
    case ENOENT:
        return fail(err, a, "the folder of the socket does not exist; create it first");
    case EACCES:
        return fail(err, a,
                    "the socket cannot be created there: permission denied; check who may write to "
                    "the folder");
    default:
        return fail(err, a, strerror(error));
    }
}

static int open_unix(struct gw_listener *row, const struct gw_address *a,
                     const struct gw_config *config, struct gw_error *err)
{
    const char *path = ((const struct sockaddr_un *)&a->addr)->sun_path;
    int r = clear_path(a, path);
    if (r)
        return fail_unix(err, a, -r);
    row->fds[0] = unix_socket(a);
    if (row->fds[0] < 0)
        return fail_unix(err, a, -row->fds[0]);
    (void)snprintf(row->name, sizeof(row->name), "%s", a->text);

    struct stat st;
    if (stat(path, &st))
        return fail_unix(err, a, errno);
    row->path = path;
    row->device = st.st_dev;
    row->inode = st.st_ino;
    uid_t uid = config->user ? config->uid : (uid_t)-1; /* -1: unchanged */
    gid_t gid = config->user || config->group ? config->gid : (gid_t)-1;
    if (lchown(path, uid, gid))
        return fail_unix(err, a, errno);
    return 0;
}

/* ---- all listeners ---- */

static int open_row(struct gw_listeners *l, unsigned service, const struct gw_address *a,
                    const struct gw_config *config, struct gw_error *err)
{
    if (l->count == GW_MAX_LISTENERS)
        return gw_error_set(err, GW_EXIT_USAGE, "--listen %s: at most %d addresses are supported",
                            a->text, GW_MAX_LISTENERS);
    bool is_unix = a->addr.ss_family == AF_UNIX;
    struct gw_listener *row = &l->rows[l->count];
    row->service = service;
    row->fds = malloc((is_unix ? 1 : config->workers) * sizeof(int));
    if (!row->fds)
        return fail(err, a, "out of memory");
    l->count++;
    row->fd_count = is_unix ? 1 : config->workers;
    for (unsigned i = 0; i < row->fd_count; i++)
        row->fds[i] = -1;
    return is_unix ? open_unix(row, a, config, err) : open_tcp(row, a, config, err);
}

int gw_listeners_open(struct gw_listeners *ret, const struct gw_config *config,
                      struct gw_error *err)
{
    memset(ret, 0, sizeof(*ret));
    for (unsigned s = 0; s < config->service_count; s++) {
        const struct gw_service *service = config->services[s];
        for (unsigned i = 0; i < service->listen_count; i++) {
            int r = open_row(ret, s, &service->listen[i], config, err);
            if (r) {
                gw_listeners_done(ret);
                return r;
            }
        }
    }
    return 0;
}

int gw_listener_fd(const struct gw_listener *row, unsigned worker)
{
    return row->fds[row->fd_count == 1 ? 0 : worker];
}

static void remove_file(const struct gw_listener *row)
{
    struct stat st;
    /* Another process may have replaced the socket; remove only our own. */
    if (row->path && !lstat(row->path, &st) && st.st_dev == row->device && st.st_ino == row->inode)
        (void)unlink(row->path);
}

void gw_listeners_done(struct gw_listeners *l)
{
    for (unsigned i = 0; i < l->count; i++) {
        /* In this order: while our socket exists, no other file has its inode number. */
        remove_file(&l->rows[i]);
        close_fds(&l->rows[i]);
        free(l->rows[i].fds);
    }
    memset(l, 0, sizeof(*l));
}
