/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control records, opened already. Input: one byte of flags (which suite, role and engine), then
 * records of type (1 byte), length (2) and payload.
 */
#include "gateway/base/bytes.h"
#include "gateway/base/limits.h"
#include "gateway/record/control.h"
#include "tests/fuzz/target.h"
#include "tests/support/record_fixture.h"

enum {
    FLAG_TLS12 = 1,
    FLAG_CLIENT = 2,
    FLAG_RX_KERNEL = 4,
    FLAG_TX_KERNEL = 8,
    FLAG_KERNEL_REKEYS = 16,
};

static void check_state(const struct gw_record *rec)
{
    gw_require(rec->hs_part_len <= sizeof(rec->hs_part));
    gw_require(rec->hs_skip <= 64 * 1024);
    gw_require(rec->hs_skip == 0 || rec->hs_part_len == sizeof(rec->hs_part));
    gw_require(rec->role == GW_ROLE_CLIENT || rec->hs_skip == 0 || !gw_record_is_tls13(rec));
    gw_require(rec->empty_records <= GW_EMPTY_RECORDS_MAX);
    gw_require(rec->warning_alerts <= GW_WARNING_ALERTS_MAX);
    gw_require(rec->renegotiations <= GW_RENEGOTIATIONS_MAX);
    gw_require(rec->key_updates <= GW_KEY_UPDATES_MAX);
    gw_require(rec->updates_granted == 0); /* nothing is sent here */
}

static void check_verdict(const struct gw_record *rec, enum gw_control_verdict verdict,
                          const struct gw_control *control)
{
    switch (verdict) {
    case GW_CONTROL_GO_ON:
        break;
    case GW_CONTROL_CLOSED:
        gw_require(rec->close_received);
        break;
    case GW_CONTROL_KEY_UPDATE:
        gw_require(gw_record_can_rekey(rec, &rec->rx));
        gw_require(!control->reply || gw_record_can_rekey(rec, &rec->tx));
        gw_require(rec->hs_part_len == 0);
        break;
    case GW_CONTROL_REFUSE:
        gw_require(!gw_record_is_tls13(rec) && control->alert == GW_ALERT_NO_RENEGOTIATION);
        break;
    case GW_CONTROL_FAIL:
        gw_require(control->alert != GW_ALERT_CLOSE_NOTIFY);
        /* fall through */
    case GW_CONTROL_PEER_FAILED:
    case GW_CONTROL_END_CLEANLY:
        gw_require(control->reason != GW_REASON_NONE && control->reason != GW_REASON_INTERNAL);
        return;
    }
    gw_require(control->reason == GW_REASON_NONE);
}

/* False when the connection would end here. */
static bool judge_one(struct gw_record *rec, struct gw_reader *r)
{
    uint8_t type = gw_read_u8(r);
    size_t len = gw_read_u16(r);
    len = GW_MIN(len, gw_reader_left(r));
    const uint8_t *payload = gw_read_span(r, len);
    if (r->failed)
        return false;
    uint8_t *exact = malloc(len ? len : 1);
    gw_require(exact);
    memcpy(exact, payload, len);
    struct gw_control control;
    bool was_closed = rec->close_received;
    uint8_t updates = rec->key_updates;
    enum gw_control_verdict verdict = gw_control_judge(rec, type, exact, len, &control);
    free(exact);
    check_state(rec);
    check_verdict(rec, verdict, &control);
    gw_require(!was_closed || verdict == GW_CONTROL_GO_ON);
    /* What counts is a whole message; data forgives those before it, also where it may not stand.
     */
    bool forgiven = type == GW_CONTENT_DATA && rec->key_updates == 0;
    gw_require(rec->key_updates == updates || forgiven || rec->hs_part_len == 0);
    return verdict == GW_CONTROL_GO_ON || verdict == GW_CONTROL_REFUSE ||
           verdict == GW_CONTROL_KEY_UPDATE || verdict == GW_CONTROL_CLOSED;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_reader r = gw_reader_of(data, size);
    struct record_fixture f;
    uint8_t flags = gw_read_u8(&r);
    fixture_init(&f, ktls_suite_find(flags & FLAG_TLS12 ? 0xc02f : 0x1301),
                 flags & FLAG_CLIENT ? GW_ROLE_CLIENT : GW_ROLE_SERVER);
    if (flags & FLAG_RX_KERNEL)
        gw_record_moved(&f.rec.rx);
    if (flags & FLAG_TX_KERNEL)
        gw_record_moved(&f.rec.tx);
    f.rec.kernel_rekeys = flags & FLAG_KERNEL_REKEYS;
    while (gw_reader_left(&r) > 0 && judge_one(&f.rec, &r))
        ;
    fixture_done(&f);
    return 0;
}
