/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/compare/peer.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Connections that each must be able to hold: --connections of the idle case, and some. */
#define CONNS 16000

static void configure_ktlsgate(const struct bench_site *site, FILE *out)
{
    (void)fprintf(out,
                  "workers = 1\n"
                  "log-level = error\n"
                  "max-conns = %d\n"
                  "service bench {\n"
                  "    listen = \"127.0.0.1:%u\"\n"
                  "    target = \"127.0.0.1:%u\"\n"
                  "    cert = \"%s\"\n"
                  "    key = \"%s\"\n"
                  "}\n",
                  CONNS / 2, site->port, site->origin, site->cert, site->key);
}

/* proxy_buffer_size: with 64k instead of the default 16k a transfer took 0 to 6 % less CPU time, an
 * idle connection 96 KiB more; it stays as most people have it. */
static void configure_nginx(const struct bench_site *site, FILE *out, bool tls)
{
    (void)fprintf(out,
                  "load_module /usr/lib/nginx/modules/ngx_stream_module.so;\n"
                  "user root;\n"
                  "daemon off;\n"
                  "worker_processes 1;\n"
                  "worker_rlimit_nofile %d;\n"
                  "error_log stderr crit;\n"
                  "pid %s/nginx.pid;\n"
                  "events {\n"
                  "    worker_connections %d;\n"
                  "}\n"
                  "stream {\n"
                  "    server {\n"
                  "        listen 127.0.0.1:%u%s backlog=4096;\n"
                  "        proxy_pass 127.0.0.1:%u;\n",
                  CONNS, site->folder, CONNS, site->port, tls ? " ssl" : "", site->origin);
    if (tls)
        (void)fprintf(out,
                      "        ssl_certificate %s;\n"
                      "        ssl_certificate_key %s;\n"
                      "        ssl_protocols TLSv1.2 TLSv1.3;\n"
                      "        ssl_session_tickets on;\n",
                      site->cert, site->key);
    (void)fputs("    }\n}\n", out);
}

static void configure_nginx_tls(const struct bench_site *site, FILE *out)
{
    configure_nginx(site, out, true);
}

static void configure_nginx_plain(const struct bench_site *site, FILE *out)
{
    configure_nginx(site, out, false);
}

static void configure_haproxy(const struct bench_site *site, FILE *out)
{
    (void)fprintf(out,
                  "global\n"
                  "    nbthread 1\n"
                  "    maxconn %d\n"
                  "defaults\n"
                  "    mode tcp\n"
                  "    timeout connect 5s\n"
                  "    timeout client 10m\n"
                  "    timeout server 10m\n"
                  "listen bench\n"
                  "    bind 127.0.0.1:%u ssl crt %s ssl-min-ver TLSv1.2 backlog 4096\n"
                  "    server origin 127.0.0.1:%u\n",
                  CONNS / 2, site->port, site->both, site->origin);
}

/* syslog: its log has nowhere to go, and asking is cheaper than being refused for each line. */
static void configure_hitch(const struct bench_site *site, FILE *out)
{
    (void)fprintf(out,
                  "frontend = \"[127.0.0.1]:%u\"\n"
                  "backend = \"[127.0.0.1]:%u\"\n"
                  "pem-file = \"%s\"\n"
                  "tls-protos = TLSv1.2 TLSv1.3\n"
                  "workers = 1\n"
                  "backlog = 4096\n"
                  "daemon = off\n"
                  "quiet = on\n"
                  "syslog = off\n"
                  "user = \"nobody\"\n",
                  site->port, site->origin, site->both);
}

static void configure_stunnel(const struct bench_site *site, FILE *out)
{
    (void)fprintf(out,
                  "foreground = quiet\n"
                  "pid =\n"
                  "debug = err\n"
                  "socket = l:TCP_NODELAY=1\n"
                  "socket = r:TCP_NODELAY=1\n"
                  "[bench]\n"
                  "accept = 127.0.0.1:%u\n"
                  "connect = 127.0.0.1:%u\n"
                  "cert = %s\n"
                  "sslVersionMin = TLSv1.2\n",
                  site->port, site->origin, site->both);
}

static const struct bench_peer peers[] = {
    {
        .name = "ktlsgate",
        .version = "--version",
        .args = {"server", "--config", "%"},
        .configure = configure_ktlsgate,
        .ours = true,
    },
    {
        .name = "nginx",
        .program = "nginx",
        .version = "-v",
        .args = {"-e", "stderr", "-c", "%"},
        .configure = configure_nginx_tls,
    },
    {
        .name = "haproxy",
        .program = "haproxy",
        .version = "-v",
        .args = {"-db", "-f", "%"},
        .configure = configure_haproxy,
    },
    {
        .name = "hitch",
        .program = "hitch",
        .version = "--version",
        .args = {"--config", "%"},
        .configure = configure_hitch,
    },
    {
        .name = "stunnel",
        .program = "stunnel",
        .version = "-version",
        .args = {"%"},
        .configure = configure_stunnel,
    },
    {
        .name = "nginx-plain",
        .program = "nginx",
        .version = "-v",
        .args = {"-e", "stderr", "-c", "%"},
        .configure = configure_nginx_plain,
        .plain = true,
    },
};

const struct bench_peer *bench_peer_at(unsigned index)
{
    return index < GW_ARRAY_SIZE(peers) ? &peers[index] : NULL;
}

bool bench_peer_find(const struct bench_peer *peer, const struct bench_site *site,
                     char path[BENCH_PATH_MAX])
{
    static const char *const folders[] = {"/usr/sbin", "/usr/bin", "/usr/local/sbin",
                                          "/usr/local/bin"};
    if (!peer->program) {
        (void)snprintf(path, BENCH_PATH_MAX, "%s", site->ktlsgate);
        return !access(path, X_OK);
    }
    for (size_t i = 0; i < GW_ARRAY_SIZE(folders); i++) {
        (void)snprintf(path, BENCH_PATH_MAX, "%s/%s", folders[i], peer->program);
        if (!access(path, X_OK))
            return true;
    }
    return false;
}

/* The first line of it that has a digit: stunnel says something else before. */
static void read_version(FILE *from, char *out, size_t size)
{
    char line[256];
    out[0] = '\0';
    while (fgets(line, sizeof(line), from)) {
        line[strcspn(line, "\r\n")] = '\0';
        if (!out[0] && strpbrk(line, "0123456789"))
            (void)snprintf(out, size, "%s", line);
    }
}

void bench_peer_version(const struct bench_peer *peer, const char *path, char *out, size_t size)
{
    int ends[2];
    out[0] = '\0';
    if (pipe(ends))
        return;
    pid_t pid = fork();
    if (pid == 0) {
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)dup2(ends[1], STDERR_FILENO);
        (void)close(ends[0]);
        (void)close(ends[1]);
        (void)execl(path, path, peer->version, (char *)NULL);
        _exit(127);
    }
    (void)close(ends[1]);
    FILE *from = pid > 0 ? fdopen(ends[0], "r") : NULL;
    if (from) {
        read_version(from, out, size);
        (void)fclose(from);
    } else {
        (void)close(ends[0]);
    }
    if (pid > 0)
        (void)waitpid(pid, NULL, 0);
}
