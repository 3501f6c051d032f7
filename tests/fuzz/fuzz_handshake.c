/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client may send before it has any keys. Input: one byte (how many bytes the server is fed
 * at a time, 0: all at once), then what comes over the wire. The server asks for a certificate,
 * knows several names, ALPN and tickets.
 */
#include "gateway/base/limits.h"
#include "gateway/tls/handshake.h"
#include "gateway/tls/tickets.h"
#include "tests/fuzz/target.h"
#include "tests/unit/certs.h"

static struct gw_tls_context *make_context(void)
{
    static struct gw_ticket_keys keys;
    struct gw_error err;
    struct gw_tls_context *tls = NULL;
    struct test_dir *dir = test_dir_new();
    struct test_cert *ca = test_cert_new(&(struct test_cert_spec){.cn = "CA", .ca = true});
    struct test_cert *gate = test_cert_new(
        &(struct test_cert_spec){.san = "DNS:gate.test,DNS:*.gate.test", .issuer = ca});
    struct test_cert *other =
        test_cert_new(&(struct test_cert_spec){.san = "DNS:other.test", .issuer = ca});
    struct gw_service *service = calloc(1, sizeof(*service));
    gw_require(service && gw_tickets_init(&keys) == 0);
    *service = (struct gw_service){
        .name = "fuzz",
        .certs = {{test_dir_cert(dir, "gate.pem", gate, NULL), test_dir_key(dir, "gate.key", gate)},
                  {test_dir_cert(dir, "other.pem", other, NULL),
                   test_dir_key(dir, "other.key", other)}},
        .cert_count = 2,
        .cacert_file = test_dir_cert(dir, "ca.pem", ca, NULL),
        .verify = GW_VERIFY_OPTIONAL,
        .tls_min = 0x0303,
        .tls_max = 0x0304,
        .alpn = {"h2", "http/1.1"},
        .alpn_count = 2,
        .session_tickets = true,
    };
    gw_require(gw_tls_context_new(&tls, service, &keys, &err) == 0);
    free(service);
    test_cert_free(other);
    test_cert_free(gate);
    test_cert_free(ca);
    test_dir_free(dir);
    return tls;
}

static bool allows(void *arg, const struct gw_identity *identity)
{
    (void)arg;
    return !identity->present || identity->name_count <= GW_IDENTITY_NAMES_MAX;
}

/* Takes the output as a socket would: all of it. */
static size_t take_output(struct gw_handshake *hs)
{
    const uint8_t *data;
    size_t len = gw_handshake_output(hs, &data);
    size_t sum = 0;
    for (size_t i = 0; i < len; i++)
        sum += data[i];
    gw_handshake_output_sent(hs, len);
    gw_require(gw_handshake_output(hs, &data) == 0);
    return sum;
}

static void check_end(struct gw_handshake *hs, enum gw_handshake_verdict verdict)
{
    struct gw_handover_keys keys;
    struct gw_handshake_info info;
    gw_handshake_get_info(hs, &info);
    gw_require(strnlen(info.sni, sizeof(info.sni)) < sizeof(info.sni));
    /* Nobody without the keys of an exchange gets to the end. */
    gw_require(verdict != GW_HANDSHAKE_DONE);
    gw_require(gw_handshake_keys(hs, &keys) < 0);
    gw_require(gw_handshake_tickets(hs) == 0);
    if (verdict == GW_HANDSHAKE_FAILED) {
        gw_require(gw_handshake_reason(hs) != GW_REASON_NONE);
        gw_require(gw_handshake_input(hs, "x", 1) == GW_HANDSHAKE_FAILED);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct gw_tls_context *tls;
    if (!tls)
        tls = make_context();
    if (size < 1)
        return 0;
    size_t piece = data[0] ? data[0] : size;
    struct gw_handshake *hs = gw_handshake_new(tls, allows, NULL);
    enum gw_handshake_verdict verdict = GW_HANDSHAKE_MORE;
    gw_require(hs);
    for (size_t at = 1; at < size && verdict == GW_HANDSHAKE_MORE;) {
        size_t len = GW_MIN(piece, size - at);
        verdict = gw_handshake_input(hs, data + at, len);
        (void)take_output(hs);
        at += len;
    }
    check_end(hs, verdict);
    gw_handshake_free(hs);
    return 0;
}
