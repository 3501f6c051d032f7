/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PROXY headers as other people's programs read them: nginx, haproxy and varnish read the header
 * before a request, and answer with what they understood. First with headers of any addresses, then
 * through a gateway, with all that it knows of a client.
 */
#include "tests/integration/check.h"
#include "tests/integration/client.h"
#include "tests/integration/foreign.h"
#include "tests/integration/net.h"
#include "tests/integration/tool.h"

#include "gateway/base/attr.h"
#include "gateway/base/fd.h"
#include "gateway/wire/proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- receivers ---- */

/* Each answers with one line: client, its port, local, its port, then what it knows of TLVs. */
static void configure_nginx(FILE *out, const struct foreign *f, const char *tlvs)
{
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
                  "local=$proxy_protocol_server_addr $proxy_protocol_server_port%s\\n\";\n"
                  "  }\n"
                  "}\n",
                  f->port, tlvs);
}

static void configure_old_nginx(FILE *out, const struct foreign *f)
{
    configure_nginx(out, f, "");
}

static void configure_new_nginx(FILE *out, const struct foreign *f)
{
    configure_nginx(out, f,
                    " alpn=$proxy_protocol_tlv_alpn authority=$proxy_protocol_tlv_authority "
                    "unique_id=$proxy_protocol_tlv_unique_id cn=$proxy_protocol_tlv_ssl_cn "
                    "version=$proxy_protocol_tlv_ssl_version "
                    "cipher=$proxy_protocol_tlv_ssl_cipher "
                    "sig_alg=$proxy_protocol_tlv_ssl_sig_alg "
                    "key_alg=$proxy_protocol_tlv_ssl_key_alg "
                    "verify=$proxy_protocol_tlv_ssl_verify");
}

static void configure_haproxy(FILE *out, const struct foreign *f)
{
    (void)fprintf(out,
                  "defaults\n"
                  "  mode http\n"
                  "  timeout client 60s\n"
                  "  timeout http-request 60s\n"
                  "frontend f\n"
                  "  bind fd@%d accept-proxy\n"
                  "  http-request return status 200 content-type text/plain lf-string "
                  "\"client=%%[src] %%[src_port] local=%%[dst] %%[dst_port] "
                  "authority=%%[fc_pp_authority] unique_id=%%[fc_pp_unique_id]\\n\"\n",
                  f->listener);
}

static void configure_varnish(FILE *out, const struct foreign *f)
{
    (void)f;
    (void)fprintf(
        out, "vcl 4.1;\n"
             "import proxy;\n"
             "import std;\n"
             "backend none none;\n"
             "sub vcl_recv { return (synth(200)); }\n"
             "sub vcl_synth {\n"
             "  set resp.body = \"client=\" + client.ip + \" \" + std.port(client.ip) +\n"
             "    \" local=\" + server.ip + \" \" + std.port(server.ip) +\n"
             "    \" alpn=\" + proxy.alpn() + \" authority=\" + proxy.authority() +\n"
             "    \" cn=\" + proxy.client_cert_cn() + \" version=\" + proxy.ssl_version() +\n"
             "    \" cipher=\" + proxy.ssl_cipher() + \" sig_alg=\" + proxy.cert_sign() +\n"
             "    \" key_alg=\" + proxy.cert_key() + \" verify=\" + proxy.ssl_verify_result() +\n"
             "    \" ssl=\" + proxy.is_ssl() + \" conn=\" + proxy.client_has_cert_conn() +\n"
             "    \" sess=\" + proxy.client_has_cert_sess() + {\"\n\"};\n"
             "  return (deliver);\n"
             "}\n");
}

enum receiver {
    NGINX,
    HAPROXY,
    VARNISH,
    RECEIVERS
};

static const struct foreign_kind kinds[RECEIVERS] = {
    [NGINX] = {"/usr/sbin/nginx",
               {"nginx", "-e", "stderr", "-p", ".", "-c", "config"},
               NULL,
               configure_old_nginx},
    [HAPROXY] = {"/usr/sbin/haproxy",
                 {"haproxy", "-q", "-db", "-f", "config"},
                 NULL,
                 configure_haproxy},
    [VARNISH] = {"/usr/sbin/varnishd",
                 {"varnishd", "-F", "-n", "@/work", "-f", "@/config", "-a", "@/socket,PROXY", "-j",
                  "none", "-s", "malloc,10m", "-p", "workspace_session=16k"},
                 "said Child starts",
                 configure_varnish},
};

static struct foreign receiver;
static struct gateway *gateway;

static int stop(void **state)
{
    int result = gateway_drop(state);
    foreign_stop(&receiver);
    return result;
}

/* ---- what they understand of addresses ---- */

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
    char mapped[sizeof("::ffff:") + 64];
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

/* The body of an answer; "" when there is none. */
static void body_of(const char *reply, char *line, size_t size)
{
    const char *body = strstr(reply, "\r\n\r\n");
    bool ok = strncmp(reply, "HTTP/1.", 7) == 0 && strstr(reply, " 200 ") && body;
    (void)snprintf(line, size, "%s", ok ? body + 4 : "");
}

/* The line it answers with, "" when it closed the connection instead. */
static void ask(const void *header, size_t len, char *line, size_t size)
{
    static const char request[] = "GET / HTTP/1.0\r\n\r\n";
    char all[256 + sizeof(request)];
    char reply[1024] = {0};
    int error;
    gw_auto_fd fd = foreign_connect(&receiver);
    assert_true(len <= 256);
    memcpy(all, header, len);
    memcpy(all + len, request, sizeof(request) - 1);
    assert_true(net_send(fd, all, len + sizeof(request) - 1, 0));
    (void)net_receive(fd, reply, sizeof(reply) - 1, &error);
    assert_int_not_equal(error, ETIMEDOUT);
    body_of(reply, line, size);
}

static void assert_same(const char *host, unsigned port, const char *want, uint16_t want_port)
{
    struct sockaddr_in6 a = address_of(host, (uint16_t)port);
    struct sockaddr_in6 b = address_of(want, want_port);
    assert_memory_equal(&a, &b, sizeof(a));
}

static void check_pair(const char *unknown, const struct pair *p, int version)
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
        assert_int_equal(strncmp(line, unknown, *unknown ? strlen(unknown) : 1), 0);
        return;
    }
    int words =
        sscanf(line, "client=%63s %u local=%63s %u", client, &client_port, local, &local_port);
    if (words != 4)
        fail_msg("version %d, client %s: answered \"%s\"", version, p->client, line);
    assert_same(client, client_port, p->client, p->client_port);
    assert_same(local, local_port, p->local, p->local_port);
}

/* `unknown`: how its line begins when the header names no client, by version; "": it closes. */
static void understands_both_versions(enum receiver r, const char *const unknown[2])
{
    char line[512];
    foreign_start(&receiver, &kinds[r], 0);
    for (size_t i = 0; i < GW_ARRAY_SIZE(pairs); i++)
        for (int version = 1; version <= 2; version++)
            check_pair(unknown[version - 1], &pairs[i], version);
    ask("", 0, line, sizeof(line)); /* it does insist on a header */
    assert_string_equal(line, "");
}

static void nginx_understands_both_versions(void **state)
{
    static const char *const unknown[] = {"client=  local= ", "client=  local= "};
    (void)state;
    understands_both_versions(NGINX, unknown);
}

static void haproxy_understands_both_versions(void **state)
{
    static const char *const unknown[] = {"client=127.0.0.1 ", "client=127.0.0.1 "};
    (void)state;
    understands_both_versions(HAPROXY, unknown);
}

static void varnish_understands_both_versions(void **state)
{
    static const char *const unknown[] = {"", "client=0.0.0.0 0 "};
    (void)state;
    understands_both_versions(VARNISH, unknown);
}

/* ---- what they understand of TLS ---- */

static void serve(const char *mode)
{
    gateway = gateway_start(&(struct gateway_options){
        .target = receiver.port,
        .target_path = receiver.path[0] ? receiver.path : NULL,
        .flags = {"--proxy-protocol", mode, "--cacert", world_cert(ID_CA), "--allow-all", "--alpn",
                  "http/1.1"},
    });
}

/* One request of alice; the answer and the gateway's line. */
static void ask_through(SSL_SESSION *session, SSL_SESSION **ret_session, char *line, size_t size,
                        struct conn_line *ret)
{
    struct client c;
    char reply[4096] = {0};
    size_t len = 0;
    client_connect(&c, &(struct client_options){
                           .port = gateway->port,
                           .version = TLS1_3_VERSION,
                           .with_cert = true,
                           .identity = ID_ALICE,
                           .alpn = "http/1.1",
                           .session = session,
                       });
    client_send_text(&c, "GET / HTTP/1.0\r\n\r\n");
    for (size_t n = 1; n > 0 && len < sizeof(reply) - 1; len += n)
        n = client_receive_some(&c, reply + len, sizeof(reply) - 1 - len);
    client_close_notify(&c);
    if (ret_session)
        *ret_session = client_take_session(&c);
    client_close(&c);
    gateway_conn(gateway, ret);
    body_of(reply, line, size);
}

static void assert_has(const char *line, const char *key, const char *want)
{
    char value[256];
    if (!logline_field(line, key, value, sizeof(value)))
        fail_msg("no %s= in \"%s\"", key, line);
    assert_string_equal(value, want);
}

static void haproxy_understands_tls(void **state)
{
    char line[1024];
    struct conn_line log;
    (void)state;
    foreign_start(&receiver, &kinds[HAPROXY], 0);
    serve("v2-tls-full"); /* with its checksum, which haproxy verifies */
    ask_through(NULL, NULL, line, sizeof(line), &log);
    assert_has(line, "authority", "localhost");
    line[strcspn(line, "\n")] = '\0';
    assert_has(line, "unique_id", log.unique_id);
    gateway_stop(gateway);
}

/* A header with one byte wrong in a value. */
static void haproxy_verifies_the_checksum(void **state)
{
    static const struct gw_proxy_tls tls = {.client = GW_PROXY_CLIENT_SSL,
                                            .values[GW_TLV_AUTHORITY] = {"gate.test", 9}};
    struct sockaddr_in6 any = address_of("192.0.2.7", 1);
    struct gw_proxy_info info = {2, (const struct sockaddr *)&any, (const struct sockaddr *)&any,
                                 &tls};
    uint8_t header[256];
    char line[512];
    (void)state;
    foreign_start(&receiver, &kinds[HAPROXY], 0);
    ssize_t len = gw_proxy_encode(header, sizeof(header), &info);
    assert_true(len > 0);
    ask(header, (size_t)len, line, sizeof(line));
    assert_non_null(strstr(line, "authority=gate.test"));
    *(uint8_t *)memmem(header, (size_t)len, "gate", 4) = 'G';
    ask(header, (size_t)len, line, sizeof(line));
    assert_string_equal(line, "");
}

static void varnish_understands_tls(void **state)
{
    char line[1024];
    struct conn_line log;
    SSL_SESSION *session;
    (void)state;
    foreign_start(&receiver, &kinds[VARNISH], 0);
    serve("v2-tls-full");
    ask_through(NULL, &session, line, sizeof(line), &log);
    assert_has(line, "alpn", "http/1.1");
    assert_has(line, "authority", "localhost");
    assert_has(line, "cn", "alice");
    assert_has(line, "version", "TLSv1.3");
    assert_has(line, "cipher", log.suite);
    assert_has(line, "sig_alg", "ecdsa-with-SHA256");
    assert_has(line, "key_alg", "EC256");
    assert_has(line, "verify", "0");
    assert_has(line, "ssl", "true");
    assert_has(line, "conn", "true");
    assert_non_null(strstr(line, " sess=true"));
    ask_through(session, NULL, line, sizeof(line), &log);
    assert_true(log.resumed);
    assert_has(line, "cn", "alice");
    assert_has(line, "conn", "false");
    assert_non_null(strstr(line, " sess=true"));
    SSL_SESSION_free(session);
    gateway_stop(gateway);
}

/* Whether this nginx has names for what else is in a header. */
static bool nginx_is_new(void)
{
    static const char *const words[] = {"/usr/sbin/nginx", "-v", NULL};
    struct tool_result result;
    unsigned major = 0;
    unsigned minor = 0;
    if (!tool_exists("/usr/sbin/nginx") && !tool_exists("nginx"))
        return false;
    tool_run(&(struct tool_work){.words = words}, DEADLINE_MS, &result);
    const char *at = strstr(result.said, "nginx/");
    return at && sscanf(at, "nginx/%u.%u", &major, &minor) == 2 && (major > 1 || minor > 23);
}

static void nginx_understands_tls(void **state)
{
    struct foreign_kind kind = kinds[NGINX];
    char line[1024];
    struct conn_line log;
    (void)state;
    bool is_new = nginx_is_new();
    if (is_new)
        kind.configure = configure_new_nginx;
    foreign_start(&receiver, &kind, 0);
    serve("v2-tls-full");
    ask_through(NULL, NULL, line, sizeof(line), &log);
    assert_int_equal(strncmp(line, "client=127.0.0.1 ", 17), 0);
    if (is_new) {
        assert_has(line, "alpn", "http/1.1");
        assert_has(line, "authority", "localhost");
        assert_has(line, "unique_id", log.unique_id);
        assert_has(line, "cn", "alice");
        assert_has(line, "version", "TLSv1.3");
        assert_has(line, "cipher", log.suite);
        assert_has(line, "sig_alg", "ecdsa-with-SHA256");
        assert_has(line, "key_alg", "EC256");
    }
    gateway_stop(gateway);
}

#define TEST(name) cmocka_unit_test_teardown(name, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nginx_understands_both_versions),
        TEST(haproxy_understands_both_versions),
        TEST(varnish_understands_both_versions),
        TEST(haproxy_understands_tls),
        TEST(haproxy_verifies_the_checksum),
        TEST(varnish_understands_tls),
        TEST(nginx_understands_tls),
    };
    return run_world("proxy_receivers", tests);
}
