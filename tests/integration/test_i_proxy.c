/* SPDX-License-Identifier: Apache-2.0 */
/* The PROXY header is the first the backend sees, exact to the byte, and the stream follows. */
#include "tests/integration/check.h"
#include "tests/integration/stage.h"

#include "gateway/base/bytes.h"
#include "gateway/wire/crc32c.h"
#include "gateway/wire/proxy.h"
#include "tests/support/best_group.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

static int start(void **state)
{
    (void)state;
    return stage_start_with(&BACKEND_PLAN(.fin_after_fin = true));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stage_stop)

static uint16_t own_port(int fd)
{
    struct sockaddr_in addr;
    socklen_t len = sizeof(addr);
    assert_return_code(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
    return ntohs(addr.sin_port);
}

/* Sends "hello" and returns what the backend got: head and stream. */
static struct backend_account visit(const char *version, uint16_t *ret_port)
{
    struct client c;
    struct backend_account a;
    stage_serve(&(struct gateway_options){
        .flags = {"--proxy-protocol", version},
    });
    stage_join(&c, NULL);
    *ret_port = own_port(c.fd);
    client_send_text(&c, "hello");
    stage_leave(&c);
    gateway_expect(gateway, "finished", NULL);
    assert_true(backend_await(backend, 0, &a));
    gateway_stop(gateway);
    return a;
}

static void version_1(void **state)
{
    char want[128];
    uint16_t port;
    (void)state;
    struct backend_account a = visit("v1", &port);
    int len = snprintf(want, sizeof(want), "PROXY TCP4 127.0.0.1 127.0.0.1 %u %u\r\nhello", port,
                       gateway->port);
    assert_int_equal(a.received, len);
    assert_memory_equal(a.head, want, (size_t)len);
}

static void version_2(void **state)
{
    uint8_t want[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x7f\0\0\1\x7f\0\0\1ssddhello";
    uint16_t port;
    (void)state;
    struct backend_account a = visit("v2", &port);
    const uint16_t ports[2] = {htons(port), htons(gateway->port)};
    memcpy(want + 24, ports, sizeof(ports));
    assert_int_equal(a.received, sizeof(want) - 1);
    assert_memory_equal(a.head, want, sizeof(want) - 1);
}

static void nothing_without_being_asked(void **state)
{
    uint16_t port;
    (void)state;
    struct backend_account a = visit("off", &port);
    assert_int_equal(a.received, 5);
    assert_memory_equal(a.head, "hello", 5);
}

/* ---- what is known of its TLS ---- */

enum {
    ADDRESSES = 12,
    TYPE_CRC = 0x03,
    TYPE_SSL = 0x20,
};

/* The value of a TLV among `len` bytes of them; length 0 when there is none. */
static struct gw_tlv_value find(const uint8_t *tlvs, size_t len, uint8_t type)
{
    struct gw_reader r = gw_reader_of(tlvs, len);
    struct gw_tlv_value found = {.data = NULL};
    while (gw_reader_left(&r) > 0) {
        uint8_t this = gw_read_u8(&r);
        size_t size = gw_read_u16(&r);
        const uint8_t *value = gw_read_span(&r, size);
        assert_non_null(value);
        if (this == type)
            found = (struct gw_tlv_value){value, size};
    }
    return found;
}

/* A header, taken apart. */
struct header {
    struct gw_tlv_value all; /* TLVs behind the addresses */
    struct gw_tlv_value ssl; /* the values inside the SSL TLV */
    uint8_t client;
    uint32_t verify;
    size_t len;
};

static void check_crc(const struct backend_account *a, const struct header *h)
{
    uint8_t copy[BACKEND_HEAD_MAX];
    struct gw_tlv_value crc = find(h->all.data, h->all.len, TYPE_CRC);
    assert_int_equal(crc.len, 4);
    struct gw_reader r = gw_reader_of(crc.data, crc.len);
    memcpy(copy, a->head, h->len);
    memset(copy + ((const uint8_t *)crc.data - a->head), 0, 4);
    assert_int_equal(gw_crc32c(0, copy, h->len), gw_read_u32(&r));
}

static struct header take_apart(const struct backend_account *a)
{
    struct header h = {.len = GW_PROXY_V2_HEADER + (size_t)(a->head[14] << 8 | a->head[15])};
    assert_true(a->head_len >= h.len && h.len > GW_PROXY_V2_HEADER + ADDRESSES);
    assert_memory_equal(a->head, "\r\n\r\n\0\r\nQUIT\n\x21\x11", 14);
    h.all = (struct gw_tlv_value){a->head + GW_PROXY_V2_HEADER + ADDRESSES,
                                  h.len - GW_PROXY_V2_HEADER - ADDRESSES};
    struct gw_tlv_value ssl = find(h.all.data, h.all.len, TYPE_SSL);
    struct gw_reader r = gw_reader_of(ssl.data, ssl.len);
    h.client = gw_read_u8(&r);
    h.verify = gw_read_u32(&r);
    assert_false(r.failed);
    h.ssl = (struct gw_tlv_value){r.at, gw_reader_left(&r)};
    check_crc(a, &h);
    return h;
}

static void assert_value(const struct gw_tlv_value *in, uint8_t type, const char *want)
{
    char text[64];
    struct gw_tlv_value value = find(in->data, in->len, type);
    (void)snprintf(text, sizeof(text), "%.*s", (int)value.len, (const char *)value.data);
    assert_string_equal(text, want);
}

static void assert_cert(const struct gw_tlv_value *in, enum identity id)
{
    struct gw_tlv_value value = find(in->data, in->len, 0x28);
    unsigned char *der = NULL;
    FILE *f = fopen(world_cert(id), "re");
    assert_non_null(f);
    X509 *cert = PEM_read_X509(f, NULL, NULL, NULL);
    assert_int_equal(fclose(f), 0);
    int len = i2d_X509(cert, &der);
    assert_int_equal(value.len, len);
    assert_memory_equal(value.data, der, value.len);
    OPENSSL_free(der);
    X509_free(cert);
}

static void serve(const char *mode, const char *verify, const char *tickets)
{
    gateway = gateway_start(&(struct gateway_options){
        .target = backend_port(backend),
        .flags = {"--proxy-protocol", mode, "--cacert", world_cert(ID_CA), "--verify", verify,
                  "--allow-all", "--alpn", "ktls-test", "--session-tickets", tickets,
                  "--max-cert-chain", "100k"},
    });
}

/* Sends "hello"; what the backend got, the log line and, where asked for, a ticket. */
static struct backend_account visit_as(const struct client_options *options, unsigned number,
                                       struct conn_line *ret_line, SSL_SESSION **ret_session)
{
    struct client c;
    struct backend_account a;
    struct client_options o = *options;
    o.port = gateway->port;
    client_connect(&c, &o);
    assert_int_equal(client_resumed(&c), o.session != NULL);
    client_send_text(&c, "hello");
    client_close_notify(&c);
    assert_int_equal(client_read_end(&c), CLIENT_CLOSE_NOTIFY);
    if (ret_session)
        *ret_session = client_take_session(&c);
    client_close(&c);
    gateway_expect(gateway, "finished", ret_line);
    assert_true(backend_await(backend, number, &a));
    assert_memory_equal(a.head + a.received - 5, "hello", 5);
    return a;
}

/* The header of a resumed session includes the client's certificate too, but not that it was shown
 * now; facts about ours only if we showed it. */
static void what_it_tells(int version, bool full, bool resumed, const struct backend_account *a,
                          const struct conn_line *line)
{
    struct header h = take_apart(a);
    bool tls13 = version == TLS1_3_VERSION;
    assert_int_equal(h.client, resumed ? 5 : 7);
    assert_int_equal(h.verify, 0);
    assert_value(&h.all, 0x01, "ktls-test");
    assert_value(&h.all, 0x02, "localhost");
    assert_value(&h.all, 0x05, line->unique_id);
    assert_true(strlen(line->unique_id) > 16);
    assert_value(&h.ssl, 0x21, tls13 ? "TLSv1.3" : "TLSv1.2");
    assert_value(&h.ssl, 0x22, "alice");
    assert_value(&h.ssl, 0x23, line->suite);
    assert_value(&h.ssl, 0x24, resumed ? "" : "ecdsa-with-SHA256");
    assert_value(&h.ssl, 0x25, resumed ? "" : "EC256");
    assert_value(&h.ssl, 0x26, tls13 ? test_best_group() : "x25519");
    assert_value(&h.ssl, 0x27, resumed ? "" : "ecdsa_secp256r1_sha256");
    if (full)
        assert_cert(&h.ssl, ID_ALICE);
    else
        assert_int_equal(find(h.ssl.data, h.ssl.len, 0x28).len, 0);
}

static void tells_of(int version, bool full)
{
    struct client_options alice = {
        .version = version, .with_cert = true, .identity = ID_ALICE, .alpn = "ktls-test"};
    struct conn_line line;
    struct conn_line next;
    SSL_SESSION *session;
    serve(full ? "v2-tls-full" : "v2-tls", "required", "on");
    backend_set_plan(backend, &BACKEND_PLAN(.fin_after_fin = true));
    struct backend_account a = visit_as(&alice, 0, &line, &session);
    what_it_tells(version, full, false, &a, &line);
    alice.session = session;
    a = visit_as(&alice, 1, &next, NULL);
    what_it_tells(version, full, true, &a, &next);
    assert_string_not_equal(line.unique_id, next.unique_id);
    SSL_SESSION_free(session);
    gateway_stop(gateway);
}

static void version_2_with_tls(void **state)
{
    (void)state;
    tells_of(TLS1_2_VERSION, false);
    tells_of(TLS1_3_VERSION, false);
}

static void version_2_with_all(void **state)
{
    (void)state;
    tells_of(TLS1_2_VERSION, true);
    tells_of(TLS1_3_VERSION, true);
}

static void a_client_without_certificate(void **state)
{
    static const uint8_t of_certificate[] = {0x22, 0x28};
    (void)state;
    serve("v2-tls-full", "optional", "on");
    struct backend_account a =
        visit_as(&(struct client_options){.sni = "localhost"}, 0, NULL, NULL);
    struct header h = take_apart(&a);
    assert_int_equal(h.client, GW_PROXY_CLIENT_SSL);
    assert_int_not_equal(h.verify, 0);
    for (size_t i = 0; i < sizeof(of_certificate); i++)
        assert_int_equal(find(h.ssl.data, h.ssl.len, of_certificate[i]).len, 0);
    assert_int_equal(find(h.all.data, h.all.len, 0x01).len, 0);
    gateway_stop(gateway);
}

/* A client may request any bytes as a name; bytes that are not a host name could be mistaken for
 * something else. */
static void the_name_is_told_if_it_is_one(void **state)
{
    static const struct {
        const char *wanted; /* --proxy-authority */
        const char *sni;
        bool told;
    } rows[] = {
        {"on", "localhost", true},
        {"on", "Host_1.under-score.test.", true},
        {"on", "a b", false},
        {"on", "a\r\nX: y", false},
        {"on",
         "\xc3\xbc"
         "ber.test",
         false},
        {"on", "a/../b", false},
        {"on", "a:443", false},
        {"off", "localhost", false},
    };
    unsigned count = 0;
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (i == 0 || strcmp(rows[i].wanted, rows[i - 1].wanted) != 0) {
            if (i > 0)
                gateway_stop(gateway);
            stage_serve(&(struct gateway_options){
                .flags = {"--proxy-protocol", "v2-tls", "--proxy-authority", rows[i].wanted}});
        }
        struct backend_account a = visit_as(
            &(struct client_options){.sni = rows[i].sni, .any_server = true}, count++, NULL, NULL);
        struct header h = take_apart(&a);
        struct gw_tlv_value name = find(h.all.data, h.all.len, 0x02);
        assert_int_equal(name.len, rows[i].told ? strlen(rows[i].sni) : 0);
        if (rows[i].told)
            assert_memory_equal(name.data, rows[i].sni, name.len);
    }
    gateway_stop(gateway);
}

/* It must not reach the backend as somebody less known than it is. */
static void a_certificate_too_large_to_tell(void **state)
{
    struct client c;
    struct backend_account a;
    (void)state;
    serve("v2-tls-full", "required", "on");
    client_connect(&c, &(struct client_options){.port = gateway->port,
                                                .version = TLS1_3_VERSION,
                                                .with_cert = true,
                                                .identity = ID_BULKY});
    assert_int_equal(client_read_end(&c), CLIENT_ALERTED);
    assert_int_equal(c.alert, 42); /* bad_certificate */
    assert_int_equal(c.tickets, 0);
    client_close(&c);
    gateway_expect(gateway, "cert-too-large", NULL);
    assert_int_equal(backend_accepted(backend), 0);
    gateway_stop(gateway);
    serve("v2-tls", "required", "off"); /* this header does not include it; no ticket holds it */
    a = visit_as(&(struct client_options){.with_cert = true, .identity = ID_BULKY}, 0, NULL, NULL);
    struct header h = take_apart(&a);
    assert_value(&h.ssl, 0x22, "bulky");
    gateway_stop(gateway);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(version_1),
        TEST(version_2),
        TEST(nothing_without_being_asked),
        TEST(version_2_with_tls),
        TEST(version_2_with_all),
        TEST(a_client_without_certificate),
        TEST(the_name_is_told_if_it_is_one),
        TEST(a_certificate_too_large_to_tell),
    };
    return run_world("i_proxy", tests);
}
