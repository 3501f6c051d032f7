/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `ktlsgate client` to other people's servers: openssl s_server, gnutls-serv and nginx. Bytes,
 * resumption as the server sees it, and servers that are not to be trusted.
 */
#include "tests/integration/check.h"
#include "tests/integration/daemon.h"
#include "tests/integration/harness.h"
#include "tests/integration/net.h"
#include "tests/integration/pattern.h"
#include "tests/integration/plain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    SEED = 11,
    PAGE_MAX = 65536,
};

static struct gateway *client;
static uint16_t port;
static char port_text[16];

static int start(void **state)
{
    (void)state;
    port = daemon_port();
    (void)snprintf(port_text, sizeof(port_text), "%u", port);
    return 0;
}

static int stop(void **state)
{
    (void)gateway_drop(state);
    return daemon_stop(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

static const char *const versions[] = {"1.2", "1.3"};

static void connect_with(const char *version, const char *flag, const char *value)
{
    client = gateway_start(&(struct gateway_options){
        .client = true,
        .target = port,
        .flags = {"--tls-min", version, "--tls-max", version, flag, value},
    });
}

/* Lines of what daemon_start found out by connecting are not ours: they are the daemon's. */
static void finished(const char *version, bool resumed)
{
    struct conn_line line;
    char expected[16];
    gateway_expect(client, "finished", &line);
    (void)snprintf(expected, sizeof(expected), "TLSv%s", version);
    assert_string_equal(line.version, expected);
    assert_string_equal(line.cn, "server");
    assert_int_equal(line.resumed, resumed);
}

/* ---- HTTP in plaintext ---- */

/* Asks and reads to the end of the stream, which must come properly; a text. */
static void ask(const char *request, char page[PAGE_MAX])
{
    int error;
    int fd = net_connect(client->port);
    assert_true(fd >= 0);
    assert_true(net_send(fd, request, strlen(request), 0));
    size_t len = net_receive(fd, page, PAGE_MAX - 1, &error);
    page[len] = '\0';
    assert_int_equal(error, 0);
    (void)close(fd);
}

/* A file of the test's folder with `bytes` of the stream; its name. */
static const char *write_file(uint64_t bytes)
{
    static uint8_t data[65536];
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/pattern", daemon_folder());
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    for (uint64_t at = 0; at < bytes; at += sizeof(data)) {
        size_t len = bytes - at < sizeof(data) ? (size_t)(bytes - at) : sizeof(data);
        pattern_fill(data, len, SEED, at);
        assert_int_equal(fwrite(data, 1, len, f), len);
    }
    assert_int_equal(fclose(f), 0);
    return "pattern";
}

static uint64_t file_bytes(void)
{
    return world_is_small() ? 300000 : 20000000;
}

/* Reads the reply's head, then the file. */
static void fetch_file(const char *request, uint64_t bytes)
{
    static uint8_t data[65536];
    char head[4096];
    size_t len = 0;
    int error = 0;
    int fd = net_connect(client->port);
    assert_true(net_send(fd, request, strlen(request), 0));
    while (len < 4 || memcmp(head + len - 4, "\r\n\r\n", 4)) {
        assert_true(len < sizeof(head));
        assert_int_equal(net_receive(fd, head + len++, 1, &error), 1);
    }
    assert_non_null(memmem(head, len, " 200 ", 5));
    for (uint64_t at = 0; at < bytes;) {
        uint64_t want = bytes - at < sizeof(data) ? bytes - at : sizeof(data);
        size_t n = net_receive(fd, data, (size_t)want, &error);
        assert_int_equal(n, want);
        assert_int_equal(pattern_match(data, n, SEED, at), n);
        at += n;
    }
    assert_int_equal(net_receive(fd, data, 1, &error), 0);
    assert_int_equal(error, 0); /* FIN, not RST */
    (void)close(fd);
}

/* ---- openssl s_server ---- */

static void s_server(const char *mode, const char *cert, const char *key)
{
    const char *words[] = {"openssl", "s_server", "-accept", port_text, "-cert", cert,
                           "-key",    key,        "-quiet",  mode,      NULL};
    daemon_start(words, port);
}

/* The page says how the server sees the connection. */
static void openssl_says_that_it_was_resumed(void **state)
{
    static char page[PAGE_MAX];
    (void)state;
    s_server("-www", world_cert(ID_SERVER), world_key(ID_SERVER));
    for (int i = 0; i < 2; i++) {
        connect_with(versions[i], NULL, NULL);
        for (int round = 0; round < 3; round++) {
            ask("GET / HTTP/1.0\r\n\r\n", page);
            if (!strstr(page, round ? "\nReused, TLSv1." : "\nNew, TLSv1."))
                fail_msg("TLS %s, connection %d: %s", versions[i], round, page);
            finished(versions[i], round > 0);
        }
        gateway_stop(client);
    }
}

static void openssl_sends_a_file(void **state)
{
    char request[128];
    uint64_t bytes = file_bytes();
    (void)state;
    (void)snprintf(request, sizeof(request), "GET /%s HTTP/1.0\r\n\r\n", write_file(bytes));
    s_server("-WWW", world_cert(ID_SERVER), world_key(ID_SERVER));
    for (int i = 0; i < 2; i++) {
        connect_with(versions[i], NULL, NULL);
        fetch_file(request, bytes);
        finished(versions[i], false);
        gateway_stop(client);
    }
}

static void refused(const char *reason)
{
    struct plain_result r;
    plain_run(&(struct plain_work){.port = client->port, .fin_after = 1}, &r);
    assert_int_equal(r.end, PLAIN_RESET);
    gateway_expect(client, reason, NULL);
    gateway_stop(client);
}

/* An expired certificate of the right CA, and then one that the server wants of us. */
static void openssl_with_bad_certificates(void **state)
{
    (void)state;
    s_server("-www", world_cert(ID_SERVER_EXPIRED), world_key(ID_SERVER_EXPIRED));
    for (int i = 0; i < 2; i++) {
        connect_with(versions[i], NULL, NULL);
        refused("backend-cert-expired");
    }
    s_server("-www", world_cert(ID_ALICE), world_key(ID_ALICE));
    for (int i = 0; i < 2; i++) { /* for clients only, says its certificate */
        connect_with(versions[i], NULL, NULL);
        refused("backend-cert-invalid");
    }
}

static void openssl_wants_a_certificate(void **state)
{
    static char page[PAGE_MAX];
    (void)state;
    const char *words[] = {"openssl",
                           "s_server",
                           "-accept",
                           port_text,
                           "-cert",
                           world_cert(ID_SERVER),
                           "-key",
                           world_key(ID_SERVER),
                           "-quiet",
                           "-www",
                           "-CAfile",
                           world_cert(ID_CA),
                           "-Verify",
                           "2",
                           "-verify_return_error",
                           NULL};
    daemon_start(words, port);
    for (int i = 0; i < 2; i++) {
        connect_with(versions[i], NULL, NULL);
        refused(i ? "backend-alert" : "backend-handshake-alert");
        client = gateway_start(&(struct gateway_options){
            .client = true,
            .target = port,
            .flags = {"--tls-max", versions[i], "--cert", world_cert(ID_ALICE), "--key",
                      world_key(ID_ALICE)},
        });
        ask("GET / HTTP/1.0\r\n\r\n", page);
        assert_non_null(strstr(page, "alice"));
        finished(versions[i], false);
        gateway_stop(client);
    }
}

/* ---- gnutls-serv ---- */

/* It answers line by line. */
static void echo_lines(void)
{
    int error;
    int fd = net_connect(client->port);
    for (int i = 0; i < 100; i++) {
        char line[256], got[256];
        int len = snprintf(line, sizeof(line), "line %d, %0*d\n", i, i * 2 + 1, i);
        assert_true(net_send(fd, line, (size_t)len, 0));
        assert_int_equal(net_receive(fd, got, (size_t)len, &error), len);
        assert_memory_equal(got, line, (size_t)len);
    }
    assert_return_code(shutdown(fd, SHUT_WR), 0);
    char byte;
    assert_int_equal(net_receive(fd, &byte, 1, &error), 0);
    (void)close(fd);
}

static void gnutls_echoes(void **state)
{
    static const char *const priorities[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.2",
                                             "NORMAL:-VERS-ALL:+VERS-TLS1.3"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        const char *words[] = {"gnutls-serv",
                               "--echo",
                               "--quiet",
                               "--disable-client-cert",
                               "--priority",
                               priorities[i],
                               "--x509certfile",
                               world_cert(ID_SERVER),
                               "--x509keyfile",
                               world_key(ID_SERVER),
                               "-p",
                               port_text,
                               NULL};
        daemon_start(words, port);
        connect_with(versions[i], NULL, NULL);
        echo_lines();
        finished(versions[i], false);
        gateway_stop(client);
    }
}

/* ---- nginx ---- */

static void write_nginx_config(void)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/nginx.conf", daemon_folder());
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    (void)fprintf(f,
                  "daemon off;\n"
                  "user root;\n"
                  "pid nginx.pid;\n"
                  "error_log stderr crit;\n"
                  "worker_processes 1;\n"
                  "events { worker_connections 64; }\n"
                  "http {\n"
                  "  access_log off;\n"
                  "  client_body_temp_path body;\n"
                  "  proxy_temp_path proxy;\n"
                  "  fastcgi_temp_path fastcgi;\n"
                  "  uwsgi_temp_path uwsgi;\n"
                  "  scgi_temp_path scgi;\n"
                  "  ssl_protocols TLSv1.2 TLSv1.3;\n"
                  "  ssl_certificate %s;\n"
                  "  ssl_certificate_key %s;\n"
                  "  server {\n"
                  "    listen 127.0.0.1:%u ssl;\n"
                  "    location /how { return 200 \"$ssl_protocol $ssl_session_reused\\n\"; }\n"
                  "    location / { root .; }\n"
                  "  }\n"
                  "}\n",
                  world_cert(ID_SERVER), world_key(ID_SERVER), port);
    assert_int_equal(fclose(f), 0);
}

static void nginx_serves(void **state)
{
    static char page[PAGE_MAX];
    char request[128], expected[64];
    uint64_t bytes = file_bytes();
    static const char *const words[] = {"nginx", "-e", "stderr",     "-p",
                                        ".",     "-c", "nginx.conf", NULL};
    (void)state;
    if (getuid() != 0)
        skip_because("its worker must stay root to read the test's files");
    write_nginx_config();
    (void)snprintf(request, sizeof(request), "GET /%s HTTP/1.0\r\n\r\n", write_file(bytes));
    daemon_start(words, port);
    for (int i = 0; i < 2; i++) {
        connect_with(versions[i], NULL, NULL);
        for (int round = 0; round < 3; round++) {
            ask("GET /how HTTP/1.0\r\n\r\n", page);
            (void)snprintf(expected, sizeof(expected), "TLSv%s %s\n", versions[i],
                           round ? "r" : ".");
            if (!strstr(page, expected))
                fail_msg("TLS %s, connection %d: %s", versions[i], round, page);
            finished(versions[i], round > 0);
        }
        fetch_file(request, bytes);
        finished(versions[i], true);
        gateway_stop(client);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(openssl_says_that_it_was_resumed),
        TEST(openssl_sends_a_file),
        TEST(openssl_with_bad_certificates),
        TEST(openssl_wants_a_certificate),
        TEST(gnutls_echoes),
        TEST(nginx_serves),
    };
    return run_world("l_targets", tests);
}
