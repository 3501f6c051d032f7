/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PROXY headers as other people's programs read them: nginx and haproxy take over a listening
 * socket of ours, read the header before a request, and answer with the addresses they understood.
 */
#include "tests/integration/check.h"
#include "tests/integration/harness.h"
#include "tests/integration/net.h"

#include "gateway/base/attr.h"
#include "gateway/base/fd.h"
#include "gateway/wire/proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- a receiver ---- */

/* Both answer with one line: client, its port, local, its port. */
static void configure_nginx(FILE *out, unsigned port, int listener)
{
    (void)listener; /* told by the environment */
    (void)fprintf(out,
                  "daemon off;\n"
                  "pid nginx.pid;\n"
                  "error_log stderr crit;\n"
                  "events { worker_connections 64; }\n"
                  "http {\n"
                  "  access_log off;\n"
                  "  client_body_temp_path body;\n"
                  "  proxy_temp_path proxy;\n"
                  "  fastcgi_temp_path fastcgi;\n"
                  "  uwsgi_temp_path uwsgi;\n"
                  "  scgi_temp_path scgi;\n"
                  "  server {\n"
                  "    listen 127.0.0.1:%u proxy_protocol;\n"
                  "    return 200 \"client=$proxy_protocol_addr $proxy_protocol_port "
                  "local=$proxy_protocol_server_addr $proxy_protocol_server_port\\n\";\n"
                  "  }\n"
                  "}\n",
                  port);
}

static void configure_haproxy(FILE *out, unsigned port, int listener)
{
    (void)port;
    (void)fprintf(out,
                  "defaults\n"
                  "  mode http\n"
                  "  timeout client 60s\n"
                  "  timeout http-request 60s\n"
                  "frontend f\n"
                  "  bind fd@%d accept-proxy\n"
                  "  http-request return status 200 content-type text/plain lf-string "
                  "\"client=%%[src] %%[src_port] local=%%[dst] %%[dst_port]\\n\"\n",
                  listener);
}

static const struct receiver {
    const char *program;
    void (*configure)(FILE *out, unsigned port, int listener);
    const char *const args[8]; /* run in its folder, where its configuration is `config` */
    const char *unknown;       /* how its line begins when the header names no client */
} receivers[] = {
    {"/usr/sbin/nginx",
     configure_nginx,
     {"nginx", "-e", "stderr", "-p", ".", "-c", "config"},
     "client=  local= \n"},
    {"/usr/sbin/haproxy",
     configure_haproxy,
     {"haproxy", "-q", "-db", "-f", "config"},
     "client=127.0.0.1 "},
};

static struct {
    pid_t pid;
    uint16_t port;
    char folder[32];
} running;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int stop_receiver(void **state)
{
    (void)state;
    if (running.pid > 0) {
        (void)kill(-running.pid, SIGKILL); /* nginx has a worker */
        (void)waitpid(running.pid, NULL, 0);
    }
    if (running.folder[0])
        (void)nftw(running.folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    memset(&running, 0, sizeof(running));
    return 0;
}

static void write_config(const struct receiver *r, int listener)
{
    char path[64];
    (void)strcpy(running.folder, "/tmp/ktlsgate-proxy-XXXXXX");
    assert_non_null(mkdtemp(running.folder));
    (void)snprintf(path, sizeof(path), "%s/config", running.folder);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    r->configure(f, running.port, listener);
    assert_int_equal(fclose(f), 0);
}

/* Only what is safe between fork and exec. */
static void become(const struct receiver *r, int listener, char *const environment[])
{
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (chdir(running.folder) == 0 && fcntl(listener, F_SETFD, 0) == 0)
        (void)execve(r->program, (char *const *)(uintptr_t)r->args, environment);
    _exit(127);
}

/* It inherits the listening socket: connections wait in its backlog until it is ready. */
static void start_receiver(const struct receiver *r)
{
    if (access(r->program, X_OK))
        skip_because("it is not installed");
    char inherited[32]; /* how nginx is told of sockets that are open already */
    char *const environment[] = {inherited, NULL};
    gw_auto_fd listener = net_listen(16, &running.port);
    assert_true(listener >= 0);
    write_config(r, listener);
    (void)snprintf(inherited, sizeof(inherited), "NGINX=%d;", listener);
    running.pid = fork();
    assert_true(running.pid >= 0);
    (void)setpgid(running.pid, 0); /* in both processes, or the first signal could miss it */
    if (running.pid == 0)
        become(r, listener, environment);
}

/* ---- what it understands ---- */

static const struct pair {
    const char *client; /* NULL: a unix socket */
    const char *local;
    uint16_t client_port;
    uint16_t local_port;
} pairs[] = {
    {"192.0.2.7", "198.51.100.8", 56324, 443},
    {"2001:db8::7", "2001:db8:1:2:3:4:5:6", 1, 65535},
    {"::ffff:192.0.2.7", "::ffff:198.51.100.8", 1024, 8443},
    {"192.0.2.7", "2001:db8::8", 1024, 8443},
    {"::1.2.3.4", "::1", 1024, 8443},
    {NULL, NULL, 0, 0},
};

/* Any address as IPv6. */
static struct sockaddr_in6 address_of(const char *host, uint16_t port)
{
    struct sockaddr_in6 sa = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    char mapped[INET6_ADDRSTRLEN];
    (void)snprintf(mapped, sizeof(mapped), "%s%s", strchr(host, ':') ? "" : "::ffff:", host);
    assert_int_equal(inet_pton(AF_INET6, mapped, &sa.sin6_addr), 1);
    return sa;
}

static struct sockaddr_in6 socket_address(const char *host, uint16_t port)
{
    return host ? address_of(host, port) : (struct sockaddr_in6){.sin6_family = AF_UNIX};
}

static ssize_t make_header(const struct pair *p, int version, uint8_t *out, size_t cap)
{
    struct sockaddr_in6 client = socket_address(p->client, p->client_port);
    struct sockaddr_in6 local = socket_address(p->local, p->local_port);
    struct gw_proxy_info info = {
        .version = version,
        .client = (const struct sockaddr *)&client,
        .local = (const struct sockaddr *)&local,
    };
    return gw_proxy_encode(out, cap, &info);
}

/* The line it answers with, "" when it closed the connection instead. */
static void ask(const void *header, size_t len, char *line, size_t size)
{
    static const char request[] = "GET / HTTP/1.0\r\n\r\n";
    char all[256 + sizeof(request)];
    char reply[1024] = {0};
    int error;
    gw_auto_fd fd = net_connect(running.port);
    assert_true(fd >= 0 && len <= 256);
    memcpy(all, header, len);
    memcpy(all + len, request, sizeof(request) - 1);
    assert_true(net_send(fd, all, len + sizeof(request) - 1, 0));
    (void)net_receive(fd, reply, sizeof(reply) - 1, &error);
    assert_int_not_equal(error, ETIMEDOUT);
    const char *body = strstr(reply, "\r\n\r\n");
    bool ok = strncmp(reply, "HTTP/1.", 7) == 0 && strstr(reply, " 200 ") && body;
    (void)snprintf(line, size, "%s", ok ? body + 4 : "");
}

static void assert_same(const char *host, unsigned port, const char *want, uint16_t want_port)
{
    struct sockaddr_in6 a = address_of(host, (uint16_t)port);
    struct sockaddr_in6 b = address_of(want, want_port);
    assert_memory_equal(&a, &b, sizeof(a));
}

static void check_pair(const struct receiver *r, const struct pair *p, int version)
{
    uint8_t header[256];
    char line[512];
    char client[64];
    char local[64];
    unsigned client_port;
    unsigned local_port;
    ssize_t len = make_header(p, version, header, sizeof(header));
    assert_true(len > 0);
    ask(header, (size_t)len, line, sizeof(line));
    if (!p->client) {
        assert_int_equal(strncmp(line, r->unknown, strlen(r->unknown)), 0);
        return;
    }
    int words =
        sscanf(line, "client=%63s %u local=%63s %u", client, &client_port, local, &local_port);
    if (words != 4)
        fail_msg("version %d, client %s: answered \"%s\"", version, p->client, line);
    assert_same(client, client_port, p->client, p->client_port);
    assert_same(local, local_port, p->local, p->local_port);
}

static void understands_both_versions(const struct receiver *r)
{
    char line[512];
    start_receiver(r);
    for (size_t i = 0; i < GW_ARRAY_SIZE(pairs); i++)
        for (int version = 1; version <= 2; version++)
            check_pair(r, &pairs[i], version);
    ask("", 0, line, sizeof(line)); /* it does insist on a header */
    assert_string_equal(line, "");
}

static void nginx_understands_both_versions(void **state)
{
    (void)state;
    understands_both_versions(&receivers[0]);
}

static void haproxy_understands_both_versions(void **state)
{
    (void)state;
    understands_both_versions(&receivers[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(nginx_understands_both_versions, stop_receiver),
        cmocka_unit_test_teardown(haproxy_understands_both_versions, stop_receiver),
    };
    bool any = false;
    for (size_t i = 0; i < GW_ARRAY_SIZE(receivers); i++)
        any = any || access(receivers[i].program, X_OK) == 0;
    if (!any) {
        print_message("SKIP: neither nginx nor haproxy is installed\n");
        return EXIT_SKIPPED;
    }
    return cmocka_run_group_tests_name("proxy_receivers", tests, NULL, NULL);
}
