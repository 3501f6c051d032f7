/* SPDX-License-Identifier: Apache-2.0 */
/* What a peer may send instead of a good record, and the reason and alert it gets for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/record_sides.h"

/* ---- what must fail ---- */

static void check_tampering(struct record_fixture *f, const struct ktls_suite *suite)
{
    size_t size = peer_seals(f, GW_CONTENT_DATA, 40, 0);
    uint8_t copy[GW_RECORD_HEADER + 40 + 64];
    memcpy(copy, wire, size);
    for (size_t bit = 8 * GW_RECORD_HEADER; bit < 8 * size; bit++) {
        memcpy(wire, copy, size);
        wire[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_failed(f, size, GW_REASON_RECORD_BAD_MAC, GW_ALERT_BAD_RECORD_MAC);
        size_t front = GW_RECORD_HEADER + suite->explicit_nonce_len;
        assert_true(all_zero(wire + front, 40));
    }
    /* In the header every bit counts too; more bytes follow, should the length have grown. */
    for (size_t bit = 0; bit < 8 * GW_RECORD_HEADER; bit++) {
        struct gw_opened o;
        memset(wire, 0, sizeof(wire));
        memcpy(wire, copy, size);
        wire[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(gw_record_open(&f->rec, wire, sizeof(wire), &o), GW_OPEN_FAILED);
    }
    memcpy(wire, copy, size);
    assert_we_open(f, size, GW_CONTENT_DATA, 40);
}

static void tampering_is_seen(void **state)
{
    (void)state;
    each_suite(check_tampering);
}

static void check_replay(struct record_fixture *f, const struct ktls_suite *suite)
{
    (void)suite;
    uint8_t first[128];
    size_t size = peer_seals(f, GW_CONTENT_DATA, 20, 0);
    memcpy(first, wire, size);
    assert_we_open(f, size, GW_CONTENT_DATA, 20);
    memcpy(wire, first, size);
    assert_failed(f, size, GW_REASON_RECORD_BAD_MAC, GW_ALERT_BAD_RECORD_MAC);
    peer_seals(f, GW_CONTENT_DATA, 20, 0);
    size = peer_seals(f, GW_CONTENT_DATA, 20, 0); /* the one before it is left out */
    assert_failed(f, size, GW_REASON_RECORD_BAD_MAC, GW_ALERT_BAD_RECORD_MAC);
}

static void replay_and_loss_are_seen(void **state)
{
    (void)state;
    each_suite(check_replay);
}

/* Headers alone: they are judged before a body is waited for. `need` 0: it fails. */
static const struct header_row {
    uint16_t suite;
    const char *header;
    size_t need;
    enum gw_reason reason;
    uint8_t alert;
} headers[] = {
    {0x1301, "1703034011", 16401, 0, 0},
    {0x1301, "1703014011", 16401, 0, 0}, /* the version must be ignored */
    {0x1301, "1703000010", 16, 0, 0},
    {0x1301, "1703034012", 0, GW_REASON_RECORD_OVERFLOW, GW_ALERT_RECORD_OVERFLOW},
    {0x1301, "1703034100", 0, GW_REASON_RECORD_OVERFLOW, GW_ALERT_RECORD_OVERFLOW},
    {0x1301, "170303ffff", 0, GW_REASON_RECORD_OVERFLOW, GW_ALERT_RECORD_OVERFLOW},
    {0x1301, "170303000f", 0, GW_REASON_RECORD_BAD_MAC, GW_ALERT_BAD_RECORD_MAC},
    {0x1301, "1703030000", 0, GW_REASON_RECORD_BAD_MAC, GW_ALERT_BAD_RECORD_MAC},
    {0x1301, "1702030020", 0, GW_REASON_RECORD_UNEXPECTED, GW_ALERT_PROTOCOL_VERSION},
    {0x1301, "1403030001", 0, GW_REASON_RECORD_UNEXPECTED, GW_ALERT_UNEXPECTED_MESSAGE},
    {0x1301, "1503030002", 0, GW_REASON_RECORD_UNEXPECTED, GW_ALERT_UNEXPECTED_MESSAGE},
    {0x1301, "1603030020", 0, GW_REASON_RECORD_UNEXPECTED, GW_ALERT_UNEXPECTED_MESSAGE},
    {0x1301, "1803030020", 0, GW_REASON_RECORD_UNEXPECTED, GW_ALERT_UNEXPECTED_MESSAGE},
    {0x1301, "4745542020", 0, GW_REASON_RECORD_UNEXPECTED, GW_ALERT_UNEXPECTED_MESSAGE},
    {0x1303, "1703034011", 16401, 0, 0},
    {0x1303, "1703034012", 0, GW_REASON_RECORD_OVERFLOW, GW_ALERT_RECORD_OVERFLOW},
    {0xc02f, "1703034018", 16408, 0, 0},
    {0xc02f, "1703034019", 0, GW_REASON_RECORD_OVERFLOW, GW_ALERT_RECORD_OVERFLOW},
    {0xc02f, "1503030018", 24, 0, 0},
    {0xc02f, "1503030017", 0, GW_REASON_RECORD_BAD_MAC, GW_ALERT_BAD_RECORD_MAC},
    {0xc02f, "1503030002", 0, GW_REASON_RECORD_BAD_MAC, GW_ALERT_BAD_RECORD_MAC},
    {0xc02f, "1403030001", 0, GW_REASON_RECORD_BAD_MAC, GW_ALERT_BAD_RECORD_MAC},
    {0xc02f, "1603030020", 32, 0, 0},
    {0xc02f, "1703010020", 0, GW_REASON_RECORD_UNEXPECTED, GW_ALERT_PROTOCOL_VERSION},
    {0xc02f, "1703040020", 0, GW_REASON_RECORD_UNEXPECTED, GW_ALERT_PROTOCOL_VERSION},
    {0xc02f, "1803030020", 0, GW_REASON_RECORD_UNEXPECTED, GW_ALERT_UNEXPECTED_MESSAGE},
    {0xc02f, "1303030020", 0, GW_REASON_RECORD_UNEXPECTED, GW_ALERT_UNEXPECTED_MESSAGE},
    {0xcca8, "1703034010", 16400, 0, 0},
    {0xcca8, "1703034011", 0, GW_REASON_RECORD_OVERFLOW, GW_ALERT_RECORD_OVERFLOW},
    {0xcca8, "1703030010", 16, 0, 0},
    {0xcca8, "170303000f", 0, GW_REASON_RECORD_BAD_MAC, GW_ALERT_BAD_RECORD_MAC},
};

static void headers_are_judged_early(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(headers); i++) {
        const struct header_row *row = &headers[i];
        struct record_fixture f;
        struct gw_opened o;
        fixture_init(&f, ktls_suite_find(row->suite), GW_ROLE_SERVER);
        assert_int_equal(unhex(row->header, wire), GW_RECORD_HEADER);
        enum gw_open_verdict verdict = gw_record_open(&f.rec, wire, GW_RECORD_HEADER, &o);
        if (verdict != (row->need ? GW_OPEN_PARTIAL : GW_OPEN_FAILED) || o.need != row->need ||
            o.reason != row->reason || o.alert != row->alert)
            fail_msg("%04x %s: verdict %d need %zu reason %s alert %s", row->suite, row->header,
                     verdict, o.need, gw_reason_info(o.reason)->word, gw_alert_name(o.alert));
        fixture_done(&f);
    }
}

/* A TLS 1.3 record with this inner plaintext, authentic but not necessarily well-formed. */
static size_t craft_tls13(struct record_fixture *f, const uint8_t *inner, size_t len)
{
    const struct ktls_suite *suite = f->peer_tx.suite;
    const struct gw_aead_provider *provider = gw_aead_choose(suite->cipher);
    struct gw_aead *aead = provider->create(suite->cipher, f->peer_tx.key, true);
    assert_non_null(aead);
    size_t body = len + KTLS_TAG_LEN;
    uint8_t nonce[KTLS_IV_LEN];
    memcpy(nonce, f->peer_tx.iv, sizeof(nonce));
    nonce[KTLS_IV_LEN - 1] ^= (uint8_t)f->peer_tx.seq++;
    memcpy(wire, (uint8_t[]){23, 3, 3, (uint8_t)(body >> 8), (uint8_t)body}, GW_RECORD_HEADER);
    memcpy(wire + GW_RECORD_HEADER, inner, len);
    assert_int_equal(
        provider->seal(aead, nonce, wire, GW_RECORD_HEADER, wire + GW_RECORD_HEADER, len), 0);
    provider->destroy(aead);
    return GW_RECORD_HEADER + body;
}

static void check_no_type(struct record_fixture *f, const struct ktls_suite *suite)
{
    if (!is_tls13(suite))
        return;
    static const uint8_t zeroes[GW_RECORD_PLAINTEXT_MAX + 1];
    static const size_t lengths[] = {0, 1, 2, 16384, 16385};
    for (size_t i = 0; i < GW_ARRAY_SIZE(lengths); i++) {
        size_t size = craft_tls13(f, zeroes, lengths[i]);
        assert_failed(f, size, GW_REASON_RECORD_UNEXPECTED, GW_ALERT_UNEXPECTED_MESSAGE);
        f->rec.rx.keys.seq++; /* only for this test, which continues after a failure */
    }
    /* The helper makes good records too. */
    size_t size = craft_tls13(f, (const uint8_t *)"\x16", 1);
    memset(opened, 0, sizeof(opened));
    struct gw_opened o;
    assert_int_equal(gw_record_open(&f->rec, wire, size, &o), GW_OPEN_RECORD);
    assert_int_equal(o.type, GW_CONTENT_HANDSHAKE);
    assert_int_equal(o.payload_len, 0);
}

static void content_without_type_fails(void **state)
{
    (void)state;
    each_suite(check_no_type);
}

static void check_too_long(struct record_fixture *f, const struct ktls_suite *suite)
{
    if (!is_tls13(suite))
        return;
    static uint8_t inner[GW_RECORD_PLAINTEXT_MAX + 2];
    memset(inner, GW_CONTENT_DATA, sizeof(inner));
    /* 16384 bytes and the type pass; 16385 and the type do not. */
    struct gw_opened o;
    size_t size = craft_tls13(f, inner, sizeof(inner) - 1);
    assert_int_equal(gw_record_open(&f->rec, wire, size, &o), GW_OPEN_RECORD);
    assert_int_equal(o.payload_len, GW_RECORD_PLAINTEXT_MAX);
    size = craft_tls13(f, inner, sizeof(inner));
    assert_failed(f, size, GW_REASON_RECORD_OVERFLOW, GW_ALERT_RECORD_OVERFLOW);
}

static void content_too_long_fails(void **state)
{
    (void)state;
    each_suite(check_too_long);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tampering_is_seen),        cmocka_unit_test(replay_and_loss_are_seen),
        cmocka_unit_test(headers_are_judged_early), cmocka_unit_test(content_without_type_fails),
        cmocka_unit_test(content_too_long_fails),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
