/* SPDX-License-Identifier: Apache-2.0 */
/* A load balancer before the gateway: a PROXY header from a trusted sender, before the ClientHello,
 * names the client; haproxy and nginx write one, too. */
#include "tests/integration/check.h"
#include "tests/integration/foreign.h"
#include "tests/integration/net.h"
#include "tests/integration/stage.h"

#include "gateway/base/attr.h"
#include "gateway/base/fd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define BYTES(text) (text), sizeof(text) - 1
#define CLIENT "192.0.2.7:56324"

static const struct header {
    const char *bytes;
    size_t len;
    bool told; /* names CLIENT, connected to 198.51.100.8:443 */
} headers[] = {
    {BYTES("PROXY TCP4 192.0.2.7 198.51.100.8 56324 443\r\n"), true},
    {BYTES(SIGNATURE "\x21\x11\x00\x11\xc0\x00\x02\x07\xc6\x33\x64\x08\xdc\x04\x01\xbb\x04\x00\x02"
                     "ab"),
     true},
    {BYTES("PROXY UNKNOWN\r\n"), false},
    {BYTES(SIGNATURE "\x20\x00\x00\x00"), false},
};

static struct foreign balancer;

static int start(void **state)
{
    (void)state;
    return stage_start_with(&BACKEND_PLAN(.fin_after_fin = true));
}

static int stop(void **state)
{
    foreign_stop(&balancer);
    return stage_stop(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

static void serve_for(const char *networks, const char *timeout)
{
    stage_serve(&(struct gateway_options){
        .flags = {"--accept-proxy", "on", "--accept-proxy-from", networks, "--proxy-protocol", "v1",
                  "--handshake-timeout", timeout},
    });
}

static uint16_t own_port(const struct client *c)
{
    struct sockaddr_in addr;
    socklen_t len = sizeof(addr);
    assert_return_code(getsockname(c->fd, (struct sockaddr *)&addr, &len), 0);
    return ntohs(addr.sin_port);
}

/* The header in one piece with the ClientHello. */
static void send_with_hello(struct client *c, const struct header *h)
{
    char all[4096];
    c->wire.hold = true;
    assert_int_equal(SSL_do_handshake(c->ssl), -1);
    assert_true(h->len + c->wire.held_len <= sizeof(all));
    memcpy(all, h->bytes, h->len);
    memcpy(all + h->len, c->wire.held, c->wire.held_len);
    assert_true(net_send(c->fd, all, h->len + c->wire.held_len, 0));
    c->wire.held_len = 0;
    c->wire.hold = false;
}

enum way {
    AT_ONCE,
    BYTE_BY_BYTE,
    WITH_HELLO,
    WAYS
};

/* A whole connection after this header: the named client, and the addresses that the backend
 * got. */
static void visit(const struct header *h, enum way way, unsigned number)
{
    struct client c;
    struct conn_line line;
    struct backend_account a;
    char own[64];
    char want[128];
    client_open(&c, &(struct client_options){.port = gateway->port});
    (void)snprintf(own, sizeof(own), "127.0.0.1:%u", own_port(&c));
    if (way == WITH_HELLO)
        send_with_hello(&c, h);
    else
        assert_true(net_send(c.fd, h->bytes, h->len, way == BYTE_BY_BYTE));
    assert_int_equal(client_handshake(&c), CLIENT_OPEN);
    client_send_text(&c, "hello");
    client_close_notify(&c);
    assert_int_equal(client_read_end(&c), CLIENT_CLOSE_NOTIFY);
    client_close(&c);
    gateway_expect(gateway, "finished", &line);
    assert_string_equal(line.client, h->told ? CLIENT : own);
    assert_string_equal(line.via, h->told ? own : "");
    assert_true(backend_await(backend, number, &a));
    if (h->told)
        (void)snprintf(want, sizeof(want), "PROXY TCP4 192.0.2.7 198.51.100.8 56324 443\r\nhello");
    else
        (void)snprintf(want, sizeof(want), "PROXY TCP4 127.0.0.1 127.0.0.1 %s %u\r\nhello",
                       own + strlen("127.0.0.1:"), gateway->port);
    assert_int_equal(a.received, strlen(want));
    assert_memory_equal(a.head, want, strlen(want));
}

static void it_is_who_the_header_says(void **state)
{
    unsigned number = 0;
    (void)state;
    serve_for("10.0.0.0/8,127.0.0.0/8", "10s");
    for (size_t i = 0; i < GW_ARRAY_SIZE(headers); i++)
        for (int way = 0; way < WAYS; way++)
            visit(&headers[i], (enum way)way, number++);
    gateway_stop(gateway);
}

/* What comes back of this connection when it sends these bytes; -1: reset. Closes it. */
static int answer_on(int connected, const char *bytes, size_t len, bool fin)
{
    char reply[64];
    int error;
    gw_auto_fd fd = connected;
    assert_true(fd >= 0);
    (void)net_send(fd, bytes, len, 0);
    if (fin)
        (void)shutdown(fd, SHUT_WR);
    size_t got = net_receive(fd, reply, sizeof(reply), &error);
    assert_int_not_equal(error, ETIMEDOUT);
    return error ? -1 : (int)got;
}

static int answer_to(const char *bytes, size_t len, bool fin)
{
    return answer_on(net_connect(gateway->port), bytes, len, fin);
}

/* Nobody else gets a byte, whatever it sends. */
static void strangers_are_refused(void **state)
{
    struct conn_line line;
    (void)state;
    serve_for("10.0.0.0/8,::/0,unix", "10s");
    for (size_t i = 0; i < GW_ARRAY_SIZE(headers); i++) {
        assert_true(answer_to(headers[i].bytes, headers[i].len, false) <= 0);
        gateway_expect(gateway, "proxy-stranger", &line);
        assert_int_equal(strncmp(line.client, "127.0.0.1:", 10), 0);
    }
    assert_int_equal(backend_accepted(backend), 0);
    gateway_stop(gateway);
}

/* A peer on a Unix socket has no address, so no network covers it, but the word `unix` does. */
static void networks_do_not_cover_a_unix_socket(void **state)
{
    static const struct {
        const char *from, *reason;
    } rows[] = {{"0.0.0.0/0,::/0", "proxy-stranger"}, {"10.0.0.0/8,unix", "handshake-closed"}};
    struct conn_line line;
    char listen[128];
    (void)state;
    (void)snprintf(listen, sizeof(listen), "unix:%s/balancer.sock", world_folder());
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        stage_serve(&(struct gateway_options){
            .listen = listen,
            .flags = {"--accept-proxy", "on", "--accept-proxy-from", rows[i].from},
        });
        int fd = net_connect_unix(listen + strlen("unix:"));
        assert_true(answer_on(fd, headers[0].bytes, headers[0].len, true) <= 0);
        gateway_expect(gateway, rows[i].reason, &line);
        assert_int_equal(strcmp(line.client, CLIENT) == 0, i == 1);
        gateway_stop(gateway);
    }
}

static void no_header_no_connection(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *detail;
    } rows[] = {
        {BYTES("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
         "the first bytes are not a PROXY header"},
        {BYTES("GET / HTTP/1.1\r\n\r\n"), "the first bytes are not a PROXY header"},
        {BYTES("PROXY TCP4 192.0.2.7 198.51.100.8 56324 443\n"), "its line does not end in CR LF"},
        {BYTES("PROXY TCP4 192.0.2.7 198.51.100.8 56324 99999\r\n"), "its line is malformed"},
        {BYTES(SIGNATURE "\x21\x11\xff\xff"), "it is longer than 4096 bytes"},
        {BYTES(SIGNATURE "\x21\x11\x00\x13\xc0\x00\x02\x07\xc6\x33\x64\x08\xdc\x04\x01\xbb\x03\x00"
                         "\x04\x00\x00\x00\x00"),
         "its checksum is wrong"},
    };
    struct conn_line line;
    (void)state;
    serve_for("127.0.0.1", "10s");
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        assert_true(answer_to(rows[i].bytes, rows[i].len, false) <= 0);
        gateway_expect(gateway, "proxy-header", &line);
        assert_string_equal(line.detail, rows[i].detail);
    }
    assert_int_equal(backend_accepted(backend), 0);
    gateway_stop(gateway);
}

/* A check of whether the port is open, or a balancer that gives up. */
static void it_may_close_before(void **state)
{
    struct conn_line line;
    (void)state;
    serve_for("127.0.0.1", "10s");
    for (size_t len = 0; len < headers[1].len; len += 9) {
        assert_true(answer_to(headers[1].bytes, len, true) <= 0);
        gateway_expect(gateway, "handshake-closed", &line);
        assert_string_equal(line.detail, "before its PROXY header");
    }
    gateway_stop(gateway);
}

/* One timeout for both: it continues to run when the header has arrived. */
static void header_and_handshake_have_one_time(void **state)
{
    struct conn_line line;
    (void)state;
    serve_for("127.0.0.1", "300ms");
    assert_true(answer_to(headers[0].bytes, headers[0].len - 1, false) <= 0);
    gateway_expect(gateway, "handshake-timeout", &line);
    assert_string_equal(line.detail, "no complete PROXY header arrived");
    assert_true(answer_to(headers[0].bytes, headers[0].len, false) <= 0);
    gateway_expect(gateway, "handshake-timeout", &line);
    assert_string_equal(line.detail, "");
    assert_string_equal(line.client, CLIENT);
    gateway_stop(gateway);
}

/* A header that comes late leaves the handshake what is left of the time. */
static void a_late_header_brings_no_time(void **state)
{
    enum {
        TIME_MS = 1000,
        LATE_MS = 700,
    };
    char reply[64];
    int error;
    (void)state;
    serve_for("127.0.0.1", "1s");
    gw_auto_fd fd = net_connect(gateway->port);
    assert_true(fd >= 0);
    int64_t began = net_now_ms();
    assert_true(net_send(fd, headers[0].bytes, headers[0].len - 1, 0));
    (void)poll(NULL, 0, LATE_MS);
    assert_true(net_send(fd, headers[0].bytes + headers[0].len - 1, 1, 0));
    int64_t sent = net_now_ms();
    (void)net_receive(fd, reply, sizeof(reply), &error);
    assert_int_not_equal(error, ETIMEDOUT);
    if (sent - began < TIME_MS)
        assert_true(net_now_ms() - sent < TIME_MS);
    gateway_expect(gateway, "handshake-timeout", NULL);
    gateway_stop(gateway);
}

/* ---- other people's load balancers ---- */

static void configure_haproxy(FILE *out, const struct foreign *f)
{
    (void)fprintf(out,
                  "defaults\n"
                  "  mode tcp\n"
                  "  timeout client 60s\n"
                  "  timeout connect 60s\n"
                  "  timeout server 60s\n"
                  "frontend f\n"
                  "  bind fd@%d\n"
                  "  unique-id-format %%[uuid()]\n"
                  "  default_backend b\n"
                  "backend b\n"
                  "  server s 127.0.0.1:%u send-proxy-v2 proxy-v2-options crc32c,unique-id\n",
                  f->listener, f->target);
}

static void configure_nginx(FILE *out, const struct foreign *f)
{
    (void)fprintf(out,
                  "load_module /usr/lib/nginx/modules/ngx_stream_module.so;\n"
                  "daemon off;\n"
                  "pid nginx.pid;\n"
                  "error_log stderr crit;\n"
                  "events { worker_connections 64; }\n"
                  "stream {\n"
                  "  server {\n"
                  "    listen 127.0.0.1:%u;\n"
                  "    proxy_pass 127.0.0.1:%u;\n"
                  "    proxy_protocol on;\n"
                  "  }\n"
                  "}\n",
                  f->port, f->target);
}

static const struct foreign_kind haproxy = {
    "/usr/sbin/haproxy", {"haproxy", "-q", "-db", "-f", "config"}, NULL, configure_haproxy};
static const struct foreign_kind nginx = {
    "/usr/sbin/nginx", {"nginx", "-e", "stderr", "-p", ".", "-c", "config"}, NULL, configure_nginx};

/* For the log and the backend, the client is the peer of the balancer. */
static void behind(const struct foreign_kind *kind)
{
    struct client c;
    struct conn_line line;
    struct backend_account a;
    char own[64];
    char want[128];
    serve_for("127.0.0.1", "10s");
    foreign_start(&balancer, kind, gateway->port);
    client_connect(&c, &(struct client_options){.port = balancer.port});
    (void)snprintf(own, sizeof(own), "127.0.0.1:%u", own_port(&c));
    (void)snprintf(want, sizeof(want), "PROXY TCP4 127.0.0.1 127.0.0.1 %u %u\r\nhello",
                   own_port(&c), balancer.port);
    client_send_text(&c, "hello");
    client_close_notify(&c);
    assert_int_equal(client_read_end(&c), CLIENT_CLOSE_NOTIFY);
    client_close(&c);
    gateway_expect(gateway, "finished", &line);
    assert_string_equal(line.client, own);
    assert_string_not_equal(line.via, own);
    assert_true(backend_await(backend, 0, &a));
    assert_int_equal(a.received, strlen(want));
    assert_memory_equal(a.head, want, strlen(want));
    gateway_stop(gateway);
}

static void behind_haproxy(void **state)
{
    (void)state;
    behind(&haproxy);
}

static void behind_nginx(void **state)
{
    (void)state;
    behind(&nginx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_who_the_header_says),
        TEST(strangers_are_refused),
        TEST(networks_do_not_cover_a_unix_socket),
        TEST(no_header_no_connection),
        TEST(it_may_close_before),
        TEST(header_and_handshake_have_one_time),
        TEST(a_late_header_brings_no_time),
        TEST(behind_haproxy),
        TEST(behind_nginx),
    };
    return run_world("i_accept", tests);
}
