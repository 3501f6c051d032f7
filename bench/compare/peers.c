/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/compare/peers.h"

#include <string.h>
#include <unistd.h>

/*
 * Names between two @ are replaced; @ROOT@ begins a line that is for root alone.
 */
#define NGINX(listen, more)                                                                        \
    "@LOAD_MODULE@\n"                                                                              \
    "@ROOT@user root;\n"                                                                           \
    "daemon off;\n"                                                                                \
    "worker_processes @WORKERS@;\n"                                                                \
    "pid @FOLDER@/nginx.pid;\n"                                                                    \
    "error_log stderr crit;\n"                                                                     \
    "events {\n"                                                                                   \
    "    worker_connections 8192;\n"                                                               \
    "    multi_accept on;\n"                                                                       \
    "}\n"                                                                                          \
    "stream {\n"                                                                                   \
    "    access_log off;\n"                                                                        \
    "    tcp_nodelay on;\n"                                                                        \
    "    proxy_timeout 10m;\n"                                                                     \
    "    proxy_buffer_size 64k;\n"                                                                 \
    "    server {\n"                                                                               \
    "        listen 127.0.0.1:@PORT@ backlog=4096 reuseport" listen ";\n"                          \
    "        proxy_pass 127.0.0.1:@BACKEND@;\n" more "    }\n"                                     \
    "}\n"

/*
 * nginx. Tried, in CPU time: proxy_buffer_size 64k instead of the default 16k takes 3 % (down) to 9
 * % (up) from a transfer and a third from the memory of an idle connection, as pages that are not
 * needed are not touched; 256k takes no more. A session cache in addition to tickets changes
 * nothing in TLS 1.3. reuseport and multi_accept are what its makers advise for many short
 * connections.
 */
#define NGINX_PROGRAM                                                                              \
    .program = "nginx", .version_flag = "-v", .version_after = "nginx/",                           \
    .args = {"-e", "stderr", "-p", "@FOLDER@", "-c"}

#define NGINX_TLS(more)                                                                            \
    NGINX(" ssl", "        ssl_certificate @FOLDER@/cert.pem;\n"                                   \
                  "        ssl_certificate_key @FOLDER@/key.pem;\n"                                \
                  "        ssl_protocols TLSv1.2 TLSv1.3;\n"                                       \
                  "        ssl_session_tickets on;\n" more)

#define KTLSGATE(...)                                                                              \
    .program = "ktlsgate", .version_flag = "--version", .version_after = "ktlsgate ",              \
    .ours = true,                                                                                  \
    .args = {"server",                                                                             \
             "--listen",                                                                           \
             "127.0.0.1:@PORT@",                                                                   \
             "--target",                                                                           \
             "127.0.0.1:@BACKEND@",                                                                \
             "--cert",                                                                             \
             "@FOLDER@/cert.pem",                                                                  \
             "--key",                                                                              \
             "@FOLDER@/key.pem",                                                                   \
             "--workers",                                                                          \
             "@WORKERS@",                                                                          \
             "--log-level",                                                                        \
             "error",                                                                              \
             "--shutdown-timeout",                                                                 \
             "1s",                                                                                 \
             ##__VA_ARGS__}

static const struct bench_peer peers[] = {
    {.name = "ktlsgate", KTLSGATE(), .quick = true},
    {.name = "ktlsgate-copy", KTLSGATE("--records", "kernel", "--relay", "copy"), .asked = true},
    {.name = "ktlsgate-splice",
     KTLSGATE("--records", "kernel", "--relay", "splice"),
     .asked = true},
    {.name = "ktlsgate-user", KTLSGATE("--records", "user"), .asked = true},
    {.name = "nginx", NGINX_PROGRAM, .quick = true, .config = NGINX_TLS("")},
    {
        .name = "nginx-ktls",
        NGINX_PROGRAM,
        .asked = true,
        .config = NGINX_TLS("        ssl_conf_command Options KTLS;\n"),
    },
    /*
     * Tried: tune.bufsize 65536 instead of the default 16384 takes 17 % from the CPU time of a
     * transfer, 32768 half of that, and an idle connection holds no buffer. tune.recv_enough,
     * tune.maxpollevents and tune.ssl.cachesize 0 changed nothing; splicing is for bytes without
     * TLS.
     */
    {
        .name = "haproxy",
        .program = "haproxy",
        .version_flag = "-v",
        .version_after = "version ",
        .quick = true,
        .config = "global\n"
                  "    nbthread @WORKERS@\n"
                  "    maxconn 8192\n"
                  "    tune.bufsize 65536\n"
                  "    ssl-default-bind-options ssl-min-ver TLSv1.2\n"
                  "defaults\n"
                  "    mode tcp\n"
                  "    timeout connect 5s\n"
                  "    timeout client 10m\n"
                  "    timeout server 10m\n"
                  "frontend tls\n"
                  "    bind 127.0.0.1:@PORT@ backlog 4096 ssl crt @FOLDER@/both.pem\n"
                  "    default_backend origin\n"
                  "backend origin\n"
                  "    server origin 127.0.0.1:@BACKEND@\n",
        .args = {"-db", "-f"},
    },
    /*
     * hitch has no setting for its buffers (its ring-slots and ring-data-len are not in the
     * language of its file), and refuses workers that run as root unless this is set.
     */
    {
        .name = "hitch",
        .program = "hitch",
        .version_flag = "--version",
        .version_after = "hitch ",
        .quick = true,
        .config = "frontend = \"[127.0.0.1]:@PORT@\"\n"
                  "backend = \"[127.0.0.1]:@BACKEND@\"\n"
                  "pem-file = \"@FOLDER@/both.pem\"\n"
                  "tls-protos = TLSv1.2 TLSv1.3\n"
                  "workers = @WORKERS@\n"
                  "backlog = 4096\n"
                  "daemon = off\n"
                  "log-level = 1\n"
                  "ocsp-dir = \"\"\n"
                  "@ROOT@user = \"root\"\n",
        .args = {"--config"},
    },
    /* A thread for each connection, whatever one asks for. Larger socket buffers changed nothing.
     */
    {
        .name = "stunnel",
        .program = "stunnel",
        .version_flag = "-version",
        .version_after = "stunnel ",
        .config = "foreground = yes\n"
                  "pid =\n"
                  "syslog = no\n"
                  "debug = err\n"
                  "socket = l:TCP_NODELAY=1\n"
                  "socket = r:TCP_NODELAY=1\n"
                  "[gateway]\n"
                  "accept = 127.0.0.1:@PORT@\n"
                  "connect = 127.0.0.1:@BACKEND@\n"
                  "cert = @FOLDER@/cert.pem\n"
                  "key = @FOLDER@/key.pem\n"
                  "sslVersionMin = TLSv1.2\n"
                  "libwrap = no\n",
    },
    {
        .name = "nginx-plain",
        NGINX_PROGRAM,
        .plain = true,
        .config = NGINX("", ""),
    },
};

const struct bench_peer *bench_peer_at(unsigned i)
{
    return i < GW_ARRAY_SIZE(peers) ? &peers[i] : NULL;
}

/* ---- templates ---- */

static void put_folder(FILE *out, const struct bench_peer_facts *facts)
{
    (void)fputs(facts->folder, out);
}

static void put_port(FILE *out, const struct bench_peer_facts *facts)
{
    (void)fprintf(out, "%u", facts->port);
}

static void put_backend(FILE *out, const struct bench_peer_facts *facts)
{
    (void)fprintf(out, "%u", facts->backend);
}

static void put_workers(FILE *out, const struct bench_peer_facts *facts)
{
    (void)fprintf(out, "%u", facts->workers);
}

static void put_load_module(FILE *out, const struct bench_peer_facts *facts)
{
    (void)fputs(facts->load_module, out);
}

static void put_root(FILE *out, const struct bench_peer_facts *facts)
{
    (void)facts;
    if (geteuid() != 0)
        (void)fputs("# ", out);
}

static const struct {
    const char *name;
    void (*put)(FILE *out, const struct bench_peer_facts *facts);
} places[] = {
    {"@FOLDER@", put_folder},   {"@PORT@", put_port}, {"@BACKEND@", put_backend},
    {"@WORKERS@", put_workers}, {"@ROOT@", put_root}, {"@LOAD_MODULE@", put_load_module},
};

/* Bytes of the name that stands there; 0: none, and nothing was written. */
static size_t put_place(FILE *out, const char *at, const struct bench_peer_facts *facts)
{
    for (size_t i = 0; i < GW_ARRAY_SIZE(places); i++) {
        size_t len = strlen(places[i].name);
        if (!strncmp(at, places[i].name, len)) {
            places[i].put(out, facts);
            return len;
        }
    }
    return 0;
}

void bench_peer_write(FILE *out, const char *text, const struct bench_peer_facts *facts)
{
    while (*text) {
        size_t len = *text == '@' ? put_place(out, text, facts) : 0;
        if (len == 0)
            (void)fputc(*text++, out);
        text += len;
    }
}
