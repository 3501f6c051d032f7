/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/record/control.h"

#include "gateway/base/bytes.h"
#include "gateway/base/limits.h"

/* HandshakeType (RFC 8446 4, RFC 5246 7.4). */
enum {
    HELLO_REQUEST = 0,
    CLIENT_HELLO = 1,
    NEW_SESSION_TICKET = 4,
    KEY_UPDATE = 24,
};

enum {
    HS_HEADER = 4,
    ALERT_LEN = 2,
    BODY_MAX = 64 * 1024, /* the maximum body of a skipped message */
};

static enum gw_control_verdict fail(struct gw_control *ret, enum gw_reason reason, uint8_t alert)
{
    *ret = (struct gw_control){.reason = reason, .alert = alert};
    return GW_CONTROL_FAIL;
}

static enum gw_control_verdict unexpected(struct gw_control *ret, uint8_t alert)
{
    return fail(ret, GW_REASON_RECORD_UNEXPECTED, alert);
}

static enum gw_control_verdict flood(struct gw_control *ret)
{
    return fail(ret, GW_REASON_RECORD_FLOOD, GW_ALERT_UNEXPECTED_MESSAGE);
}

static enum gw_control_verdict end_cleanly(struct gw_control *ret, enum gw_reason reason)
{
    *ret = (struct gw_control){.reason = reason, .alert = GW_ALERT_CLOSE_NOTIFY};
    return GW_CONTROL_END_CLEANLY;
}

/* Counts one more of a kind that a peer may send only in limited number. False past the limit. */
static bool count(uint8_t *counter, uint8_t max)
{
    if (*counter >= max)
        return false;
    (*counter)++;
    return true;
}

/* ---- alerts ---- */

static enum gw_control_verdict judge_warning(struct gw_record *rec, struct gw_control *ret)
{
    return count(&rec->warning_alerts, GW_WARNING_ALERTS_MAX) ? GW_CONTROL_GO_ON : flood(ret);
}

/* TLS 1.3 has only these two warnings, whatever the level says (RFC 8446 6). */
static bool is_warning(const struct gw_record *rec, uint8_t level, uint8_t description)
{
    if (gw_record_is_tls13(rec))
        return description == GW_ALERT_USER_CANCELED;
    return level == GW_ALERT_LEVEL_WARNING;
}

static enum gw_control_verdict judge_alert(struct gw_record *rec, const uint8_t *payload,
                                           size_t len, struct gw_control *ret)
{
    if (len == 0)
        return unexpected(ret, GW_ALERT_UNEXPECTED_MESSAGE);
    if (len != ALERT_LEN)
        return unexpected(ret, GW_ALERT_DECODE_ERROR);
    struct gw_reader r = gw_reader_of(payload, len);
    uint8_t level = gw_read_u8(&r);
    uint8_t description = gw_read_u8(&r);

    if (!gw_record_is_tls13(rec) && level != GW_ALERT_LEVEL_WARNING &&
        level != GW_ALERT_LEVEL_FATAL)
        return unexpected(ret, GW_ALERT_ILLEGAL_PARAMETER);
    if (description == GW_ALERT_CLOSE_NOTIFY) {
        rec->close_received = true;
        return GW_CONTROL_CLOSED;
    }
    if (is_warning(rec, level, description))
        return judge_warning(rec, ret);
    *ret = (struct gw_control){.reason = GW_REASON_CLIENT_ALERT, .alert = description};
    return GW_CONTROL_PEER_FAILED;
}

/* ---- handshake messages ---- */

static enum gw_control_verdict update_keys(struct gw_record *rec, bool asked,
                                           struct gw_control *ret)
{
    ret->reply = asked && !rec->close_sent;
    if (ret->reply && !gw_record_can_rekey(rec, &rec->tx))
        return end_cleanly(ret, GW_REASON_REKEY_UNSUPPORTED);
    return GW_CONTROL_KEY_UPDATE;
}

/* Takes the one byte of a KeyUpdate, which must be the last of its record: bytes after it would
 * belong to neither key (RFC 8446 5.1). */
static enum gw_control_verdict take_key_update(struct gw_record *rec, uint32_t len,
                                               struct gw_reader *r, struct gw_control *ret)
{
    if (len != 1)
        return unexpected(ret, GW_ALERT_DECODE_ERROR);
    if (gw_reader_left(r) == 0) /* do not wait for a kernel that cannot follow */
        return gw_record_can_rekey(rec, &rec->rx) ? GW_CONTROL_GO_ON
                                                  : end_cleanly(ret, GW_REASON_REKEY_UNSUPPORTED);
    uint8_t request = gw_read_u8(r);
    if (gw_reader_left(r) > 0)
        return unexpected(ret, GW_ALERT_UNEXPECTED_MESSAGE);
    if (request > 1)
        return unexpected(ret, GW_ALERT_ILLEGAL_PARAMETER);
    if (!gw_record_can_rekey(rec, &rec->rx))
        return end_cleanly(ret, GW_REASON_REKEY_UNSUPPORTED);
    ret->granted = rec->updates_granted > 0;
    rec->updates_granted -= ret->granted;
    if (!ret->granted && !count(&rec->key_updates, GW_KEY_UPDATES_MAX))
        return flood(ret);
    rec->hs_part_len = 0;
    return update_keys(rec, request == 1, ret);
}

/* Skips a message's body, which is not kept. */
static enum gw_control_verdict skip_body(struct gw_record *rec, uint32_t len,
                                         struct gw_control *ret)
{
    if (len == 0)
        return unexpected(ret, GW_ALERT_DECODE_ERROR);
    if (len > BODY_MAX)
        return unexpected(ret, GW_ALERT_ILLEGAL_PARAMETER);
    rec->hs_skip = len;
    return GW_CONTROL_GO_ON;
}

static enum gw_control_verdict skip_ticket(struct gw_record *rec, uint32_t len, struct gw_reader *r,
                                           struct gw_control *ret)
{
    (void)r;
    enum gw_control_verdict verdict = skip_body(rec, len, ret);
    if (verdict == GW_CONTROL_GO_ON && !count(&rec->empty_records, GW_EMPTY_RECORDS_MAX))
        return flood(ret);
    return verdict;
}

/* Refuses renegotiation with a warning, and the connection continues (RFC 5246 7.2.2). A peer that
 * sends nothing else is cut off. */
static enum gw_control_verdict refuse(struct gw_record *rec, struct gw_control *ret)
{
    if (!count(&rec->renegotiations, GW_RENEGOTIATIONS_MAX))
        return fail(ret, GW_REASON_RENEGOTIATION, GW_ALERT_UNEXPECTED_MESSAGE);
    ret->refuses = true;
    return GW_CONTROL_GO_ON;
}

static enum gw_control_verdict refuse_client_hello(struct gw_record *rec, uint32_t len,
                                                   struct gw_reader *r, struct gw_control *ret)
{
    (void)r;
    enum gw_control_verdict verdict = skip_body(rec, len, ret);
    return verdict == GW_CONTROL_GO_ON ? refuse(rec, ret) : verdict;
}

static enum gw_control_verdict refuse_hello_request(struct gw_record *rec, uint32_t len,
                                                    struct gw_reader *r, struct gw_control *ret)
{
    (void)r;
    if (len > 0)
        return unexpected(ret, GW_ALERT_DECODE_ERROR);
    rec->hs_part_len = 0;
    return refuse(rec, ret);
}

/*
 * The messages that may follow the handshake; any other is unexpected. `take` gets a message with a
 * complete header, and the rest of the record.
 */
static const struct message {
    uint8_t type;
    bool tls13;
    bool to_server;
    bool to_client;
    enum gw_control_verdict (*take)(struct gw_record *rec, uint32_t len, struct gw_reader *r,
                                    struct gw_control *ret);
} messages[] = {
    {KEY_UPDATE, .tls13 = true, .to_server = true, .to_client = true, .take = take_key_update},
    {NEW_SESSION_TICKET, .tls13 = true, .to_client = true, .take = skip_ticket},
    {CLIENT_HELLO, .to_server = true, .take = refuse_client_hello},
    {HELLO_REQUEST, .to_client = true, .take = refuse_hello_request},
};

static const struct message *find_message(const struct gw_record *rec, uint8_t type)
{
    for (size_t i = 0; i < GW_ARRAY_SIZE(messages); i++) {
        const struct message *m = &messages[i];
        bool for_us = rec->role == GW_ROLE_SERVER ? m->to_server : m->to_client;
        if (m->type == type && m->tls13 == gw_record_is_tls13(rec) && for_us)
            return m;
    }
    return NULL;
}

/* Moves header bytes from the record to hs_part, up to a whole header. */
static void collect_header(struct gw_record *rec, struct gw_reader *r)
{
    size_t n = GW_MIN((size_t)(HS_HEADER - rec->hs_part_len), gw_reader_left(r));
    struct gw_writer w = gw_writer_of(rec->hs_part, sizeof(rec->hs_part));
    w.at += rec->hs_part_len;
    gw_write_bytes(&w, gw_read_span(r, n), n);
    rec->hs_part_len = (uint8_t)gw_writer_len(&w);
}

static void skip(struct gw_record *rec, struct gw_reader *r)
{
    uint32_t n = (uint32_t)GW_MIN((size_t)rec->hs_skip, gw_reader_left(r));
    gw_read_span(r, n);
    rec->hs_skip -= n;
    if (rec->hs_skip == 0)
        rec->hs_part_len = 0;
}

/* Processes the next part of a record that has bytes left. */
static enum gw_control_verdict take_message(struct gw_record *rec, struct gw_reader *r,
                                            struct gw_control *ret)
{
    if (rec->hs_skip > 0) {
        skip(rec, r);
        return GW_CONTROL_GO_ON;
    }
    collect_header(rec, r);
    struct gw_reader header = gw_reader_of(rec->hs_part, HS_HEADER);
    const struct message *m = find_message(rec, gw_read_u8(&header));
    if (!m)
        return unexpected(ret, GW_ALERT_UNEXPECTED_MESSAGE);
    if (rec->hs_part_len < HS_HEADER)
        return GW_CONTROL_GO_ON;
    return m->take(rec, gw_read_u24(&header), r, ret);
}

/* True when a partial KeyUpdate ends its record. The kernel goes by the first byte of a record: it
 * opens no other before it has the next key, but the rest of the message is under the present one
 * (kernel-notes/rekey-pending.md). */
static bool kernel_is_stuck(const struct gw_record *rec)
{
    return rec->rx.engine == GW_ENGINE_KERNEL && rec->hs_part_len > 0 &&
           rec->hs_part[0] == KEY_UPDATE;
}

static enum gw_control_verdict judge_handshake(struct gw_record *rec, const uint8_t *payload,
                                               size_t len, struct gw_control *ret)
{
    enum gw_control_verdict verdict = GW_CONTROL_GO_ON;
    struct gw_reader r = gw_reader_of(payload, len);
    if (len == 0)
        return unexpected(ret, GW_ALERT_UNEXPECTED_MESSAGE);
    while (verdict == GW_CONTROL_GO_ON && gw_reader_left(&r) > 0)
        verdict = take_message(rec, &r, ret);
    /* A message in a thousand parts costs as much as a thousand empty records. */
    if (verdict == GW_CONTROL_GO_ON && kernel_is_stuck(rec))
        return end_cleanly(ret, GW_REASON_REKEY_UNSUPPORTED);
    bool in_parts = verdict == GW_CONTROL_GO_ON && rec->hs_part_len > 0;
    if (in_parts && !count(&rec->empty_records, GW_EMPTY_RECORDS_MAX))
        return flood(ret);
    if (verdict != GW_CONTROL_GO_ON || !ret->refuses)
        return verdict;
    ret->alert = GW_ALERT_NO_RENEGOTIATION;
    return GW_CONTROL_REFUSE;
}

size_t gw_control_key_update(uint8_t out[GW_CONTROL_MAX], bool request)
{
    struct gw_writer w = gw_writer_of(out, GW_CONTROL_MAX);
    gw_write_be(&w, KEY_UPDATE, 1);
    gw_write_be(&w, 1, 3);
    gw_write_be(&w, request, 1);
    return gw_writer_len(&w);
}

/* ---- dispatch ---- */

static enum gw_control_verdict judge_data(struct gw_record *rec, size_t len, struct gw_control *ret)
{
    bool in_place = len > 0 ? gw_control_saw_data(rec) : rec->hs_part_len == 0;
    if (!in_place)
        return unexpected(ret, GW_ALERT_UNEXPECTED_MESSAGE);
    if (len == 0 && !count(&rec->empty_records, GW_EMPTY_RECORDS_MAX))
        return flood(ret);
    return GW_CONTROL_GO_ON;
}

enum gw_control_verdict gw_control_judge(struct gw_record *rec, uint8_t type,
                                         const uint8_t *payload, size_t len, struct gw_control *ret)
{
    *ret = (struct gw_control){.reason = GW_REASON_NONE};
    if (rec->close_received)
        return GW_CONTROL_GO_ON;
    switch (type) {
    case GW_CONTENT_ALERT:
        return judge_alert(rec, payload, len, ret);
    case GW_CONTENT_HANDSHAKE:
        return judge_handshake(rec, payload, len, ret);
    case GW_CONTENT_DATA:
        return judge_data(rec, len, ret);
    default:
        return unexpected(ret, GW_ALERT_UNEXPECTED_MESSAGE);
    }
}
