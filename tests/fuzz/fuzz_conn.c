/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole connections behind their handshake, in two engines: whatever client and backend do, the
 * same must come of it. Input: eight bytes of what the connection is like, then steps (conn_run.h).
 *
 * Where the engines may differ, and why:
 *  - A kernel that cannot change keys ends the connection at the client's KeyUpdate, as soon as it
 *    sees the message's header. One that can does so where the message comes in parts, or where it
 *    takes a part of another for one.
 *  - The kernel steps over empty records of data itself, so nobody counts them, and they do not
 *    come between the parts of a message.
 *  - The kernel looks at a header when the whole record is there; the user engine at once, so it
 *    may end for a record that the kernel still waits for. What the alert says of a wrong header
 *    is also the kernel's choice. So it is of a type that TLS 1.2 does not know, and of a
 *    record of padding alone.
 *  - Bytes that were opened together with a record that ends the connection may be lost with it:
 *    the backend sees a reset then, never an end. Of those that a peer which is gone did not
 *    take any more, one engine may have read, and counted, more at a time than the other.
 *  - One KeyUpdate answers all that came before it; the kernel is given one at a time.
 *  - Where few records may be sealed under one key, it depends on how they are cut when the key
 *    changes, and, where it cannot, when the stream ends.
 *  - While a reader does not read, it depends on what fits into buffers how far the other side
 *    gets.
 */
#include "tests/fuzz/conn_run.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"

#include "gateway/record/control.h"

#include "gateway/base/limits.h"

#include <errno.h>

enum {
    STEPS_MAX = 48,
    REKEY_AFTER_FEW = GW_BATCH_RECORDS_MAX,
};

struct script {
    struct conn_setup setup;
    enum conn_engine other; /* than the user engine */
    struct conn_step steps[STEPS_MAX];
    size_t count;
    bool has[CONN_ACTS];
    bool has_message; /* a record of type handshake */
    bool has_empty;   /* one of data without a byte */
    bool odd_header;  /* bytes that are no header may stand where one is looked for */
};

static void read_setup(struct gw_reader *r, struct script *s)
{
    static const uint16_t suites[] = {0x1301, 0x1302, 0x1303, 0xc02f, 0xc030, 0xcca8};
    static const uint16_t payload_max[] = {0, 512, 1024, 2048, 4096};
    static const int results[] = {0, 0, 0, 0, 0, -ECONNREFUSED, -EHOSTUNREACH, 1};
    struct handshake_fake *hs = &s->setup.handshake;
    s->setup.suite = ktls_suite_find(suites[gw_read_u8(r) % GW_ARRAY_SIZE(suites)]);
    uint8_t choice = gw_read_u8(r);
    s->setup.proxy = (enum gw_proxy_protocol)(choice % 3);
    s->setup.scarce = choice / 3 & 1;
    s->other = choice & 0x80   ? CONN_MIXED
               : choice & 0x20 ? (choice & 0x40 ? CONN_SPLICE : CONN_LOSES)
               : choice & 0x40 ? CONN_REKEYS
                               : CONN_KERNEL;
    uint8_t target = gw_read_u8(r);
    s->setup.connect_result = results[target % GW_ARRAY_SIZE(results)];
    if (s->setup.proxy == GW_PROXY_V2 && target & 0x80)
        s->setup.proxy = target & 0x40 ? GW_PROXY_V2_TLS_FULL : GW_PROXY_V2_TLS;
    hs->cert_len = (target >> 3 & 7) * 9999U; /* of 7 it is too large for a header */
    s->setup.rekey_after = choice & 0x10 ? REKEY_AFTER_FEW : GW_REKEY_AFTER_MAX;
    hs->in_len = 1 + (size_t)gw_read_u8(r) % 200;
    hs->out_len = (size_t)gw_read_u8(r) * 8;
    hs->ticket_len = (size_t)gw_read_u8(r) * 8;
    uint8_t more = gw_read_u8(r);
    hs->keys.payload_max = payload_max[more % GW_ARRAY_SIZE(payload_max)];
    if (more & 0x80)
        s->setup.preface = (enum conn_preface)((more >> 4 & 7) % CONN_PREFACES);
    s->setup.seed = gw_read_u8(r);
}

static void read_bytes(struct gw_reader *r, struct conn_step *step)
{
    size_t len = gw_read_u8(r);
    step->len = (uint16_t)GW_MIN(len, gw_reader_left(r));
    step->bytes = gw_read_span(r, step->len);
}

static void read_data(struct gw_reader *r, struct conn_step *step)
{
    step->len = gw_read_u16(r) % (GW_RECORD_PLAINTEXT_MAX + 1);
    int pad = gw_read_u8(r) * 4;
    step->pad = (uint16_t)GW_MIN(pad, GW_RECORD_PLAINTEXT_MAX - step->len);
}

static struct conn_step read_step(struct gw_reader *r)
{
    uint8_t choice = gw_read_u8(r);
    /* Without those from CONN_SIP on, so that inputs mean what they meant before. */
    struct conn_step step = {.act = (enum conn_act)(choice % CONN_SIP), .together = choice & 0x80};
    if (choice & 0x40)
        step.piece = gw_read_u8(r);
    switch (step.act) {
    case CONN_RECORD:
        step.type = gw_read_u8(r);
        step.pad = gw_read_u8(r);
        read_bytes(r, &step);
        break;
    case CONN_DATA:
        read_data(r, &step);
        break;
    case CONN_TAMPERED:
    case CONN_CUT:
        read_data(r, &step);
        step.bit = gw_read_u24(r);
        break;
    case CONN_RAW:
        read_bytes(r, &step);
        break;
    case CONN_BACKEND_DATA:
        step.len = gw_read_u16(r);
        break;
    case CONN_KEY_UPDATE:
    case CONN_TIME:
        step.type = gw_read_u8(r);
        break;
    default:
        break;
    }
    return step;
}

static bool bends_header(const struct conn_step *step, const struct ktls_suite *suite)
{
    bool tls13 = suite->version == KTLS_TLS_1_3;
    size_t size = GW_RECORD_HEADER + suite->explicit_nonce_len + step->len + KTLS_TAG_LEN +
                  (tls13 ? step->pad + 1U : 0);
    return step->act == CONN_TAMPERED && step->bit / 8 % size < GW_RECORD_HEADER;
}

/* TLS 1.3 hides the type; 0 is padding there. */
static bool odd_type(uint8_t type, bool tls13)
{
    return type == 0 || (!tls13 && (type < GW_CONTENT_CCS || type > GW_CONTENT_DATA));
}

static void note(struct script *s, const struct conn_step *step)
{
    const struct ktls_suite *suite = s->setup.suite;
    bool tls13 = suite->version == KTLS_TLS_1_3;
    bool record = step->act == CONN_RECORD;
    bool data = step->act == CONN_DATA || (record && step->type == GW_CONTENT_DATA);
    s->has[step->act] = true;
    s->has_message |=
        (step->act == CONN_KEY_UPDATE && tls13) || (record && step->type == GW_CONTENT_HANDSHAKE);
    s->has_empty |= data && step->len == 0;
    s->odd_header |= step->act == CONN_RAW || step->act == CONN_CUT ||
                     (record && odd_type(step->type, tls13)) || bends_header(step, suite);
}

static void read_script(struct gw_reader *r, struct script *s)
{
    read_setup(r, s);
    while (s->count < STEPS_MAX && gw_reader_left(r) > 0) {
        struct conn_step *step = &s->steps[s->count++];
        *step = read_step(r);
        note(s, step);
    }
}

static bool is_record_failure(enum gw_reason reason)
{
    return reason == GW_REASON_RECORD_BAD_MAC || reason == GW_REASON_RECORD_OVERFLOW ||
           reason == GW_REASON_RECORD_UNEXPECTED;
}

/* Whether the script may end for different reasons; see the top. */
static bool may_differ(const struct script *s, const struct conn_result *user,
                       const struct conn_result *other)
{
    if (s->has[CONN_PAUSE] || s->has[CONN_PAUSE_B])
        return true;
    if (user->reason == GW_REASON_KEY_LIMIT || other->reason == GW_REASON_KEY_LIMIT)
        return s->setup.rekey_after == REKEY_AFTER_FEW;
    if (other->reason == GW_REASON_REKEY_UNSUPPORTED)
        return s->has_message;
    if (user->reason == GW_REASON_RECORD_FLOOD || user->reason == GW_REASON_RECORD_UNEXPECTED)
        if (s->has_empty)
            return true;
    return s->odd_header && is_record_failure(user->reason);
}

static void compare_backend(const struct conn_result *user, const struct conn_result *other)
{
    gw_require(user->backend_reset == other->backend_reset);
    gw_require(user->backend_fin == other->backend_fin);
    gw_require(user->bytes_up == other->bytes_up || user->reason == GW_REASON_BACKEND_RESET);
    gw_require(user->backend_reset || user->up == other->up);
}

static void compare(const struct script *s, const struct conn_result *user,
                    const struct conn_result *other)
{
    if (user->reason != other->reason) {
        gw_require(may_differ(s, user, other));
        return;
    }
    if (s->has[CONN_PAUSE] || s->has[CONN_PAUSE_B] || user->reason == GW_REASON_KEY_LIMIT)
        return;
    if (s->odd_header && is_record_failure(user->reason)) /* perhaps not at the same step */
        return;
    gw_require(user->alert == other->alert);
    gw_require(strcmp(user->detail, other->detail) == 0);
    gw_require(user->down == other->down);
    gw_require(user->bytes_down == other->bytes_down || user->reason == GW_REASON_CLIENT_RESET);
    gw_require(user->key_updates_in == other->key_updates_in);
    gw_require(!user->key_updates_out == !other->key_updates_out ||
               s->setup.rekey_after == REKEY_AFTER_FEW);
    compare_backend(user, other);
}

/* The report does not accuse a client that obeys the protocol, and a stream that ended properly is
 * complete. */
static void check_honest(const struct script *s, const struct conn_result *result)
{
    if (s->setup.preface == CONN_PREFACE_BROKEN)
        gw_require(result->up == 0 && result->reason != GW_REASON_FINISHED);
    else
        gw_require(result->reason != GW_REASON_PROXY_HEADER);
    bool odd = s->has[CONN_RECORD] || s->has[CONN_TAMPERED] || s->odd_header;
    bool tls13 = s->setup.suite->version == KTLS_TLS_1_3;
    if (odd)
        return;
    gw_require(!is_record_failure(result->reason));
    gw_require(result->reason != GW_REASON_CLIENT_ALERT && result->reason != GW_REASON_INTERNAL);
    if (result->reason != GW_REASON_FINISHED)
        return;
    gw_require(result->up == result->up_whole);
    gw_require(!tls13 || result->down == result->down_whole);
    gw_require(result->backend_fin);
    gw_require(result->alert == GW_ALERT_CLOSE_NOTIFY || s->has[CONN_RESET]); /* which gets none */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct script script;
    struct gw_reader r = gw_reader_of(data, size);
    struct conn_result user, other;
    script = (struct script){.count = 0};
    read_script(&r, &script);
    conn_run(&script.setup, script.steps, script.count, CONN_USER, &user);
    conn_run(&script.setup, script.steps, script.count, script.other, &other);
    check_honest(&script, &user);
    check_honest(&script, &other);
    compare(&script, &user, &other);
    return 0;
}
