/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/record/control.h"
#include "gateway/record/record_private.h"

static enum gw_open_verdict fail(struct gw_opened *ret, enum gw_reason reason, uint8_t alert)
{
    ret->reason = reason;
    ret->alert = alert;
    return GW_OPEN_FAILED;
}

static enum gw_open_verdict wait_for(struct gw_opened *ret, size_t need)
{
    ret->need = need;
    return GW_OPEN_PARTIAL;
}

/* After the handshake every record is protected. TLS 1.3 shows type 23 only and no longer accepts
 * ChangeCipherSpec (RFC 8446 5). A TLS 1.2 type is judged after the record is opened. */
static bool type_may_come(const struct ktls_suite *suite, uint8_t type)
{
    if (gw_suite_is_tls13(suite))
        return type == GW_CONTENT_DATA;
    return type >= GW_CONTENT_CCS && type <= GW_CONTENT_DATA;
}

/* TLS 1.3 requires to ignore the version (RFC 8446 5.1), but bytes that are not TLS are still
 * refused. */
static bool version_may_come(const struct ktls_suite *suite, uint16_t version)
{
    if (gw_suite_is_tls13(suite))
        return version >> 8 == GW_WIRE_VERSION_MAJOR;
    return version == GW_WIRE_VERSION;
}

/* Judges a header as soon as it is complete, so that the gateway never waits for a body that cannot
 * be right. GW_OPEN_RECORD: continue with a body of *ret_body_len bytes. */
static enum gw_open_verdict judge_header(const struct ktls_suite *suite, const uint8_t *header,
                                         size_t *ret_body_len, struct gw_opened *ret)
{
    struct gw_reader r = gw_reader_of(header, GW_RECORD_HEADER);
    ret->type = gw_read_u8(&r);
    uint16_t version = gw_read_u16(&r);
    *ret_body_len = gw_read_u16(&r);

    if (!type_may_come(suite, ret->type))
        return fail(ret, GW_REASON_RECORD_UNEXPECTED, GW_ALERT_UNEXPECTED_MESSAGE);
    if (!version_may_come(suite, version))
        return fail(ret, GW_REASON_RECORD_UNEXPECTED, GW_ALERT_PROTOCOL_VERSION);
    /* Stricter than the 256 (TLS 1.3) and 2048 (TLS 1.2) bytes of expansion that a header may
     * announce: content and padding of TLS 1.3 together are at most 2^14 + 1 bytes (RFC 8446 5.4),
     * and these suites add a known number of bytes. The kernel has the same limit. */
    if (*ret_body_len > GW_RECORD_PLAINTEXT_MAX + gw_suite_overhead(suite))
        return fail(ret, GW_REASON_RECORD_OVERFLOW, GW_ALERT_RECORD_OVERFLOW);
    if (*ret_body_len < gw_suite_front(suite) + KTLS_TAG_LEN)
        return fail(ret, GW_REASON_RECORD_BAD_MAC, GW_ALERT_BAD_RECORD_MAC);
    return GW_OPEN_RECORD;
}

/* Finds the content type before the padding (RFC 8446 5.4). False: there is none. */
static bool strip_padding(struct gw_opened *o)
{
    while (o->payload_len > 0 && o->payload[o->payload_len - 1] == 0)
        o->payload_len--;
    if (o->payload_len == 0)
        return false;
    o->type = o->payload[--o->payload_len];
    return true;
}

static bool decrypt(struct gw_record_half *rx, const uint8_t *header, struct gw_opened *o)
{
    uint8_t nonce[KTLS_IV_LEN];
    uint8_t aad[GW_AAD_MAX];
    const uint8_t *explicit_nonce =
        rx->keys.suite->explicit_nonce_len ? o->payload - GW_EXPLICIT_NONCE_LEN : NULL;
    gw_record_nonce(&rx->keys, explicit_nonce, nonce);
    size_t aad_len = gw_record_aad(&rx->keys, header, o->payload_len, aad);
    return rx->provider->open(rx->aead, nonce, aad, aad_len, o->payload, o->payload_len) == 0;
}

enum gw_open_verdict gw_record_open(struct gw_record *rec, uint8_t *data, size_t len,
                                    struct gw_opened *ret)
{
    struct gw_record_half *rx = &rec->rx;
    const struct ktls_suite *suite = rx->keys.suite;
    size_t body_len;
    gw_require(rx->engine == GW_ENGINE_USER);
    *ret = (struct gw_opened){0};
    if (len < GW_RECORD_HEADER)
        return wait_for(ret, GW_RECORD_HEADER - len);
    enum gw_open_verdict verdict = judge_header(suite, data, &body_len, ret);
    if (verdict != GW_OPEN_RECORD)
        return verdict;
    if (len - GW_RECORD_HEADER < body_len)
        return wait_for(ret, body_len - (len - GW_RECORD_HEADER));
    if (rx->keys.seq == UINT64_MAX)
        return fail(ret, GW_REASON_KEY_LIMIT, GW_ALERT_INTERNAL_ERROR);

    if (gw_unlikely(!rx->aead) && gw_record_wake(rx, false))
        return fail(ret, GW_REASON_NO_MEMORY, GW_ALERT_INTERNAL_ERROR);
    ret->payload = data + GW_RECORD_HEADER + gw_suite_front(suite);
    ret->payload_len = body_len - gw_suite_front(suite) - KTLS_TAG_LEN;
    if (!decrypt(rx, data, ret))
        return fail(ret, GW_REASON_RECORD_BAD_MAC, GW_ALERT_BAD_RECORD_MAC);
    if (gw_suite_is_tls13(suite) && !strip_padding(ret))
        return fail(ret, GW_REASON_RECORD_UNEXPECTED, GW_ALERT_UNEXPECTED_MESSAGE);
    rx->keys.seq++;
    rx->records++;
    ret->consumed = GW_RECORD_HEADER + body_len;
    return GW_OPEN_RECORD;
}
