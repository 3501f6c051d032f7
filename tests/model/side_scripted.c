/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/model/model.h"

static void begin(struct model *m, struct peer *p)
{
    struct gw_script script;
    if (role_of(p) == GW_ROLE_CLIENT) {
        p->own.talk.server = true;
        p->own.talk.wants_cert = p->plan == PLAN_NO_CERT;
        return;
    }
    gw_script_make(&script, p->seed, below(m, 3) ? KTLS_TLS_1_3 : KTLS_TLS_1_2);
    if (p->service == SERVICE_MUTUAL && p->plan != PLAN_NO_CERT)
        script.cert = p->plan == PLAN_NOT_ALLOWED ? GW_SCRIPT_STRANGER : GW_SCRIPT_ALLOWED;
    gw_talk_begin(&p->own.talk, &script, &p->own.out);
}

static void done(struct peer *p)
{
    gw_queue_free(&p->own.in);
    gw_queue_free(&p->own.out);
    gw_record_done(&p->own.rec);
}

static enum ktls_version version(const struct peer *p)
{
    const struct ktls_suite *suite = p->own.talk.script.suite;
    return suite ? suite->version : KTLS_TLS_1_3;
}

static void take(struct peer *p, const void *data, size_t len)
{
    gw_queue_add(&p->own.in, data, len);
}

void side_send_ticket(struct peer *p)
{
    uint8_t ticket[GW_SCRIPT_TICKET_BYTES] = {HANDSHAKE_TICKET};
    size_t len = 20 + p->seed % (sizeof(ticket) - 20);
    ticket[2] = (uint8_t)((len - 4) >> 8);
    ticket[3] = (uint8_t)(len - 4);
    side_send_record(p, GW_CONTENT_HANDSHAKE, ticket, len);
}

/* As a server; after its last flight the client expects a record. */
static void refuse(struct peer *p)
{
    struct scripted_side *s = &p->own;
    struct gw_handover_keys keys;
    uint8_t body[GW_CONTROL_MAX];
    if (s->talk.flight + 1 < s->talk.script.flights) {
        gw_talk_add_alert(&s->out, GW_ALERT_HANDSHAKE_FAILURE);
        return;
    }
    gw_script_keys(&s->talk.script, true, 0, &keys);
    assert_int_equal(gw_record_init(&s->rec, &keys), 0);
    side_send_record(p, GW_CONTENT_ALERT, body, gw_control_alert(body, GW_ALERT_HANDSHAKE_FAILURE));
}

static bool handshake(struct peer *p)
{
    struct scripted_side *s = &p->own;
    struct gw_handover_keys keys;
    size_t used;
    if (s->ready || s->over)
        return s->ready;
    switch (gw_talk_take(&s->talk, s->in.data + s->in.at, gw_queued(&s->in), &used, &s->out)) {
    case GW_TALK_DONE:
        s->in.at += used;
        gw_script_keys(&s->talk.script, s->talk.server, 0, &keys);
        assert_int_equal(gw_record_init(&s->rec, &keys), 0);
        s->ready = true;
        if (s->talk.server && s->talk.script.suite->version == KTLS_TLS_1_3)
            for (; s->tickets < s->talk.script.tickets; s->tickets++)
                side_send_ticket(p);
        break;
    case GW_TALK_MORE:
        s->in.at += used;
        break;
    case GW_TALK_FAILS:
        s->in.at += used;
        refuse(p);
        s->over = true;
        break;
    default: /* the gateway ended it */
        s->over = true;
    }
    return s->ready;
}

/* ---- sending ---- */

void side_send_record(struct peer *p, uint8_t type, const void *data, size_t len)
{
    uint8_t record[GW_RECORD_SEAL_ROOM_FRONT + GW_RECORD_PLAINTEXT_MAX + GW_RECORD_SEAL_ROOM_BACK];
    uint8_t *payload = record + GW_RECORD_SEAL_ROOM_FRONT;
    uint8_t *start;
    size_t size;
    memcpy(payload, data, len);
    assert_int_equal(gw_record_seal(&p->own.rec, type, payload, len, &start, &size), 0);
    gw_queue_add(&p->own.out, start, size);
}

static bool write(struct peer *p, const uint8_t *data, size_t len)
{
    for (size_t at = 0; at < len;) {
        size_t n = GW_MIN(len - at, (size_t)GW_RECORD_PLAINTEXT_MAX);
        side_send_record(p, GW_CONTENT_DATA, data + at, n);
        at += n;
    }
    return true;
}

static void update(struct peer *p, bool request)
{
    uint8_t body[GW_CONTROL_MAX];
    p->own.asked |= request;
    side_send_record(p, GW_CONTENT_HANDSHAKE, body, gw_control_key_update(body, request));
    assert_int_equal(gw_record_update(&p->own.rec.tx), 0);
}

static bool close(struct peer *p)
{
    uint8_t body[GW_CONTROL_MAX];
    side_send_record(p, GW_CONTENT_ALERT, body, gw_control_alert(body, GW_ALERT_CLOSE_NOTIFY));
    return true;
}

/* ---- receiving ---- */

static void on_alert(struct peer *p, const uint8_t *body, size_t len)
{
    assert_int_equal(len, 2);
    if (body[1] == GW_ALERT_NO_RENEGOTIATION) {
        assert_int_equal(body[0], GW_ALERT_LEVEL_WARNING);
        assert_true(++p->refusals <= p->renegotiations);
        return;
    }
    p->alert = body[1];
    p->close_seen = body[1] == GW_ALERT_CLOSE_NOTIFY;
    p->own.over = true;
}

/* A record of the gateway's holds one whole message. */
static void on_handshake(struct peer *p, const uint8_t *body, size_t len)
{
    assert_true(len >= 4);
    assert_int_equal(len - 4, (size_t)body[1] << 16 | body[2] << 8 | body[3]);
    if (body[0] == HANDSHAKE_TICKET)
        return;
    assert_int_equal(body[0], HANDSHAKE_KEY_UPDATE);
    assert_int_equal(gw_record_update(&p->own.rec.rx), 0);
    p->own.answered = p->own.asked;
    p->own.under_key = 0;
    if (body[4] && !p->close_sent)
        update(p, false);
}

static bool fails(const struct peer *p)
{
    return !p->own.talk.server && p->plan == PLAN_NO_CERT;
}

/* Where the handshake fails at its end the gateway has no keys yet. */
static void read_plain_alert(struct peer *p)
{
    uint8_t record[7] = {0};
    if (gw_queued(&p->own.in) < sizeof(record))
        return;
    (void)gw_queue_take(&p->own.in, record, sizeof(record));
    assert_int_equal(record[0], GW_CONTENT_ALERT);
    on_alert(p, record + GW_RECORD_HEADER, 2);
}

static size_t on_record(struct peer *p, const struct gw_opened *o, uint8_t *data)
{
    uint16_t max = p->own.talk.script.payload_max;
    p->own.in.at += o->consumed;
    p->own.under_key++;
    if (p->rekeys && version(p) == KTLS_TLS_1_3)
        assert_in_range(p->own.under_key, 1, REKEY_AFTER + REKEY_SLACK);
    if (o->type == GW_CONTENT_ALERT) {
        on_alert(p, o->payload, o->payload_len);
    } else if (o->type == GW_CONTENT_HANDSHAKE) {
        on_handshake(p, o->payload, o->payload_len);
    } else {
        assert_true(!max || o->payload_len <= max);
        memcpy(data, o->payload, o->payload_len);
        return o->payload_len;
    }
    return 0;
}

/* `cap` is that of a full record at least. */
static size_t read(struct peer *p, uint8_t *data, size_t cap)
{
    struct gw_queue *in = &p->own.in;
    assert_true(cap >= GW_RECORD_PLAINTEXT_MAX);
    if (fails(p) && !p->own.over)
        read_plain_alert(p);
    if (p->own.over && p->alert != NO_ALERT) /* it is the last that is sent */
        assert_int_equal(gw_queued(in), 0);
    while (!p->own.over && !fails(p)) {
        struct gw_opened o;
        enum gw_open_verdict verdict =
            gw_record_open(&p->own.rec, in->data + in->at, gw_queued(in), &o);
        if (verdict == GW_OPEN_PARTIAL)
            break;
        if (verdict == GW_OPEN_FAILED)
            fail_msg("the gateway sent a wrong record: %s", gw_reason_info(o.reason)->word);
        size_t n = on_record(p, &o, data);
        if (n)
            return n;
    }
    return 0;
}

/* ---- the wire ---- */

static size_t waiting(const struct peer *p)
{
    return gw_queued(&p->own.out);
}

static size_t give(struct peer *p, void *data, size_t cap)
{
    return gw_queue_take(&p->own.out, data, cap);
}

const struct side_kind side_scripted = {
    .begin = begin,
    .done = done,
    .version = version,
    .take = take,
    .handshake = handshake,
    .read = read,
    .write = write,
    .update = update,
    .close = close,
    .waiting = waiting,
    .give = give,
};
