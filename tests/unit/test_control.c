/* SPDX-License-Identifier: Apache-2.0 */
/* Every verdict on control records, as a table of what a peer sends and what comes of it. */
#include "gateway/base/limits.h"
#include "gateway/record/control.h"
#include "tests/support/record_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    TLS13 = 0x1301,
    TLS12 = 0xc02f,
};

/* The engine of the records, the row's last word. */
enum engines {
    USER,
    RX_KERNEL, /* one that cannot change keys */
    TX_KERNEL,
    REKEYS, /* both directions in one that can */
};

struct row {
    uint16_t suite;
    enum gw_role role;
    const char *records; /* "TYPE:HEX …"; after all but the last, the connection must continue */
    enum gw_control_verdict verdict;
    enum gw_reason reason;
    uint8_t alert;
    enum engines engines;
    bool reply;
};

#define SERVER GW_ROLE_SERVER
#define CLIENT GW_ROLE_CLIENT
#define GO_ON GW_CONTROL_GO_ON, GW_REASON_NONE, 0
#define CLOSED GW_CONTROL_CLOSED, GW_REASON_NONE, 0
#define UPDATE GW_CONTROL_KEY_UPDATE, GW_REASON_NONE, 0
#define REPLY UPDATE, .reply = true
#define PEER(alert) GW_CONTROL_PEER_FAILED, GW_REASON_CLIENT_ALERT, alert
#define UNEXPECTED(alert) GW_CONTROL_FAIL, GW_REASON_RECORD_UNEXPECTED, GW_ALERT_##alert
#define REFUSE GW_CONTROL_REFUSE, GW_REASON_NONE, GW_ALERT_NO_RENEGOTIATION
#define RENEGOTIATION GW_CONTROL_FAIL, GW_REASON_RENEGOTIATION, GW_ALERT_UNEXPECTED_MESSAGE
#define NO_REKEY GW_CONTROL_END_CLEANLY, GW_REASON_REKEY_UNSUPPORTED, GW_ALERT_CLOSE_NOTIFY

static const struct row rows[] = {
    /* alerts */
    {TLS13, SERVER, "21:0100", CLOSED},
    {TLS13, SERVER, "21:0200", CLOSED},
    {TLS12, SERVER, "21:0100", CLOSED},
    {TLS12, CLIENT, "21:0200", CLOSED},
    {TLS13, SERVER, "21:0100", CLOSED, .engines = RX_KERNEL},
    {TLS13, SERVER, "21:0228", PEER(40)},
    {TLS13, SERVER, "21:0128", PEER(40)}, /* TLS 1.3: the level means nothing */
    {TLS13, SERVER, "21:0028", PEER(40)},
    {TLS13, SERVER, "21:01ff", PEER(255)}, /* an unknown alert is an error */
    {TLS13, SERVER, "21:0164", PEER(100)}, /* TLS 1.3 has no no_renegotiation */
    {TLS12, SERVER, "21:0228", PEER(40)},
    {TLS12, SERVER, "21:025a", PEER(90)},
    {TLS12, SERVER, "21:0128", GO_ON},
    {TLS12, SERVER, "21:0164", GO_ON},
    {TLS12, SERVER, "21:015a 21:0100", CLOSED},
    {TLS12, SERVER, "21:0328", UNEXPECTED(ILLEGAL_PARAMETER)},
    {TLS12, SERVER, "21:0028", UNEXPECTED(ILLEGAL_PARAMETER)},
    {TLS13, SERVER, "21:015a 21:0100", CLOSED},
    {TLS13, SERVER, "21:025a", GO_ON},
    {TLS13, SERVER, "21:", UNEXPECTED(UNEXPECTED_MESSAGE)},
    {TLS12, SERVER, "21:", UNEXPECTED(UNEXPECTED_MESSAGE)},
    {TLS13, SERVER, "21:01", UNEXPECTED(DECODE_ERROR)},
    {TLS13, SERVER, "21:010001", UNEXPECTED(DECODE_ERROR)},
    {TLS13, SERVER, "21:01000100", UNEXPECTED(DECODE_ERROR)},
    {TLS12, SERVER, "21:01000100", UNEXPECTED(DECODE_ERROR)},

    /* KeyUpdate */
    {TLS13, SERVER, "22:1800000100", UPDATE},
    {TLS13, SERVER, "22:1800000101", REPLY},
    {TLS13, CLIENT, "22:1800000101", REPLY},
    {TLS13, SERVER, "22:1800000100 22:1800000101", REPLY},
    {TLS13, SERVER, "22:18 22:00 22:0000", UNEXPECTED(DECODE_ERROR)},
    {TLS13, SERVER, "22:18 22:00 22:00 22:01 22:01", REPLY},
    {TLS13, SERVER, "22:18000001 22:01", REPLY},
    {TLS13, SERVER, "22:1800 22:000100 22:1800000101", REPLY},
    {TLS13, SERVER, "22:1800000102", UNEXPECTED(ILLEGAL_PARAMETER)},
    {TLS13, SERVER, "22:18000001ff", UNEXPECTED(ILLEGAL_PARAMETER)},
    {TLS13, SERVER, "22:18000000", UNEXPECTED(DECODE_ERROR)},
    {TLS13, SERVER, "22:180000020000", UNEXPECTED(DECODE_ERROR)},
    {TLS13, SERVER, "22:1801000100", UNEXPECTED(DECODE_ERROR)},
    {TLS13, SERVER, "22:180000010018", UNEXPECTED(UNEXPECTED_MESSAGE)},
    {TLS13, SERVER, "22:18000001001800000100", UNEXPECTED(UNEXPECTED_MESSAGE)},
    {TLS13, SERVER, "22:1800 23:", UNEXPECTED(UNEXPECTED_MESSAGE)},
    {TLS13, SERVER, "22:18000001 23:00", UNEXPECTED(UNEXPECTED_MESSAGE)},
    {TLS13, SERVER, "22:1800 22:", UNEXPECTED(UNEXPECTED_MESSAGE)},
    {TLS13, SERVER, "22:1800 21:0100", CLOSED},
    {TLS13, SERVER, "22:1800000100", NO_REKEY, .engines = RX_KERNEL},
    {TLS13, SERVER, "22:1800000101", NO_REKEY, .engines = RX_KERNEL},
    {TLS13, SERVER, "22:18000000", UNEXPECTED(DECODE_ERROR), .engines = RX_KERNEL},
    {TLS13, SERVER, "22:1800000102", UNEXPECTED(ILLEGAL_PARAMETER), .engines = RX_KERNEL},
    {TLS13, CLIENT, "22:18000001ff", UNEXPECTED(ILLEGAL_PARAMETER), .engines = RX_KERNEL},
    {TLS13, SERVER, "22:180000010018", UNEXPECTED(UNEXPECTED_MESSAGE), .engines = RX_KERNEL},
    {TLS13, SERVER, "22:18", NO_REKEY, .engines = RX_KERNEL},
    {TLS13, SERVER, "22:18000001", NO_REKEY, .engines = RX_KERNEL},
    {TLS13, SERVER, "22:1800000101", NO_REKEY, .engines = TX_KERNEL},
    {TLS13, SERVER, "22:1800000100", UPDATE, .engines = TX_KERNEL},
    {TLS13, SERVER, "22:1800000100", UPDATE, .engines = REKEYS},
    {TLS13, SERVER, "22:1800000101", REPLY, .engines = REKEYS},
    {TLS13, SERVER, "22:1800000102", UNEXPECTED(ILLEGAL_PARAMETER), .engines = REKEYS},
    {TLS13, SERVER, "22:180000010018", UNEXPECTED(UNEXPECTED_MESSAGE), .engines = REKEYS},
    {TLS12, SERVER, "22:1800000100", UNEXPECTED(UNEXPECTED_MESSAGE), .engines = REKEYS},
    /* in parts: the kernel opens no further record after the first */
    {TLS13, SERVER, "22:18", NO_REKEY, .engines = REKEYS},
    {TLS13, SERVER, "22:18000001", NO_REKEY, .engines = REKEYS},
    /* behind another message: the kernel does not see it, and continues once it has the key */
    {TLS13, CLIENT, "22:0400000301020318000001 22:00", UPDATE},
    {TLS13, CLIENT, "22:040000030102031800000101", REPLY, .engines = REKEYS},
    {TLS13, CLIENT, "22:0400000301020318000001", NO_REKEY, .engines = REKEYS},
    {TLS12, SERVER, "22:1800000100", UNEXPECTED(UNEXPECTED_MESSAGE)},

    /* renegotiation */
    {TLS12, SERVER, "22:01", GO_ON},
    {TLS12, SERVER, "22:01000102", REFUSE},
    {TLS12, SERVER, "22:010000020303", REFUSE},
    {TLS12, SERVER, "22:010000020303", REFUSE, .engines = RX_KERNEL},
    {TLS12, SERVER, "22:01000002 22:0303 23:00", GO_ON},
    {TLS12, SERVER, "22:01000002 23:00", UNEXPECTED(UNEXPECTED_MESSAGE)},
    {TLS12, SERVER, "22:010000020303 21:0100", CLOSED},
    {TLS12, SERVER, "22:01000001ff0100000122 22:01000001ff 22:01000001ff", RENEGOTIATION},
    {TLS12, SERVER, "22:01000001ff0100000122 22:01000001ff 22:01", GO_ON},
    {TLS12, SERVER, "22:010000000100", UNEXPECTED(DECODE_ERROR)},
    {TLS12, SERVER, "22:01010001", UNEXPECTED(ILLEGAL_PARAMETER)},
    {TLS12, SERVER, "22:010000020303 22:14", UNEXPECTED(UNEXPECTED_MESSAGE)},
    {TLS12, CLIENT, "22:00000000", REFUSE},
    {TLS12, CLIENT, "22:0000000000000000 22:00000000", REFUSE},
    {TLS12, CLIENT, "22:00000000 22:00000000 22:00000000 22:00000000", RENEGOTIATION},
    {TLS12, CLIENT, "22:0000000100", UNEXPECTED(DECODE_ERROR)},
    {TLS12, CLIENT, "22:01000000", UNEXPECTED(UNEXPECTED_MESSAGE)},
    {TLS12, SERVER, "22:00000000", UNEXPECTED(UNEXPECTED_MESSAGE)},
    {TLS13, SERVER, "22:01000000", UNEXPECTED(UNEXPECTED_MESSAGE)},
    {TLS13, CLIENT, "22:00000000", UNEXPECTED(UNEXPECTED_MESSAGE)},

    /* tickets */
    {TLS13, CLIENT, "22:0400000301", GO_ON},
    {TLS13, CLIENT, "22:04000003010203", GO_ON},
    {TLS13, CLIENT, "22:0400000301 22:02031800000101", REPLY},
    {TLS13, CLIENT, "22:0400000301020304000002aabb", GO_ON},
    {TLS13, CLIENT, "22:04 22:0000 22:03aa 22:bbcc 23:", GO_ON},
    {TLS13, CLIENT, "22:04 22:0000 22:03aa 22:bb 23:", UNEXPECTED(UNEXPECTED_MESSAGE)},
    {TLS13, CLIENT, "22:04000003aabbcc22", UNEXPECTED(UNEXPECTED_MESSAGE)},
    {TLS13, CLIENT, "22:04000000", UNEXPECTED(DECODE_ERROR)},
    {TLS13, CLIENT, "22:04010000", GO_ON},
    {TLS13, CLIENT, "22:04010001", UNEXPECTED(ILLEGAL_PARAMETER)},
    {TLS13, CLIENT, "22:04ffffff", UNEXPECTED(ILLEGAL_PARAMETER)},
    {TLS13, CLIENT, "22:04000003010203", GO_ON, .engines = RX_KERNEL},
    {TLS13, SERVER, "22:04000003010203", UNEXPECTED(UNEXPECTED_MESSAGE)},
    {TLS12, CLIENT, "22:04000003010203", UNEXPECTED(UNEXPECTED_MESSAGE)},

    /* other handshake messages */
    {TLS13, SERVER, "22:0b000000", UNEXPECTED(UNEXPECTED_MESSAGE)},
    {TLS13, SERVER, "22:14", UNEXPECTED(UNEXPECTED_MESSAGE)},
    {TLS13, CLIENT, "22:0d", UNEXPECTED(UNEXPECTED_MESSAGE)}, /* we offer no post_handshake_auth */
    {TLS13, SERVER, "22:05", UNEXPECTED(UNEXPECTED_MESSAGE)}, /* EndOfEarlyData */
    {TLS12, SERVER, "22:14", UNEXPECTED(UNEXPECTED_MESSAGE)},
    {TLS13, SERVER, "22:", UNEXPECTED(UNEXPECTED_MESSAGE)},
    {TLS12, SERVER, "22:", UNEXPECTED(UNEXPECTED_MESSAGE)},

    /* other records */
    {TLS13, SERVER, "23:", GO_ON},
    {TLS12, SERVER, "23: 23: 23:", GO_ON},
    {TLS13, SERVER, "23:00", GO_ON},
    {TLS12, SERVER, "20:01", UNEXPECTED(UNEXPECTED_MESSAGE)},
    {TLS13, SERVER, "20:01", UNEXPECTED(UNEXPECTED_MESSAGE)},
    {TLS13, SERVER, "24:01", UNEXPECTED(UNEXPECTED_MESSAGE)},
    {TLS13, SERVER, "0:", UNEXPECTED(UNEXPECTED_MESSAGE)},
    {TLS13, SERVER, "255:00", UNEXPECTED(UNEXPECTED_MESSAGE)},
};

static void set_engines(struct record_fixture *f, enum engines engines)
{
    if (engines == RX_KERNEL || engines == REKEYS)
        gw_record_moved(&f->rec.rx);
    if (engines == TX_KERNEL || engines == REKEYS)
        gw_record_moved(&f->rec.tx);
    f->rec.kernel_rekeys = engines == REKEYS;
}

/* Reads "TYPE:HEX"; returns what follows. */
static const char *parse_record(const char *text, uint8_t *type, uint8_t *payload, size_t *len)
{
    char *end;
    *type = (uint8_t)strtoul(text, &end, 10);
    assert_int_equal(*end, ':');
    for (*len = 0, end++; *end && *end != ' '; end += 2) {
        unsigned v;
        assert_int_equal(sscanf(end, "%2x", &v), 1);
        payload[(*len)++] = (uint8_t)v;
    }
    return *end ? end + 1 : end;
}

static enum gw_control_verdict judge_all(struct gw_record *rec, const char *text,
                                         struct gw_control *control)
{
    enum gw_control_verdict verdict = GW_CONTROL_GO_ON;
    while (*text) {
        uint8_t type, payload[64];
        size_t len;
        text = parse_record(text, &type, payload, &len);
        /* Exactly as large as it is, for the address sanitizer. */
        uint8_t *exact = malloc(len ? len : 1);
        assert_non_null(exact);
        memcpy(exact, payload, len);
        assert_true(verdict == GW_CONTROL_GO_ON || verdict == GW_CONTROL_KEY_UPDATE ||
                    verdict == GW_CONTROL_REFUSE);
        memset(control, 0xff, sizeof(*control));
        verdict = gw_control_judge(rec, type, exact, len, control);
        free(exact);
    }
    return verdict;
}

static void verdicts(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        const struct row *row = &rows[i];
        struct record_fixture f;
        struct gw_control c;
        fixture_init(&f, ktls_suite_find(row->suite), row->role);
        set_engines(&f, row->engines);
        enum gw_control_verdict verdict = judge_all(&f.rec, row->records, &c);
        if (verdict != row->verdict || c.reason != row->reason || c.alert != row->alert ||
            (verdict == GW_CONTROL_KEY_UPDATE && c.reply != row->reply))
            fail_msg("row %zu, %04x %s: verdict %d, %s, %s", i, row->suite, row->records, verdict,
                     gw_reason_info(c.reason)->word, gw_alert_name(c.alert));
        assert_int_equal(f.rec.close_received, verdict == GW_CONTROL_CLOSED);
        fixture_done(&f);
    }
}

/* Asserts that `record` is let pass `limit` times, and no more unless `forgive` is called. */
static void assert_limit(struct gw_record *rec, const char *record, enum gw_control_verdict usual,
                         unsigned limit, bool (*forgive)(struct gw_record *rec))
{
    struct gw_control c;
    for (unsigned round = 0; round < (forgive ? 3 : 1); round++) {
        for (unsigned i = 0; i < limit; i++)
            assert_int_equal(judge_all(rec, record, &c), usual);
        assert_true(!forgive || forgive(rec));
    }
    for (unsigned i = 0; forgive && i < limit; i++)
        assert_int_equal(judge_all(rec, record, &c), usual);
    assert_int_equal(judge_all(rec, record, &c), GW_CONTROL_FAIL);
    assert_int_equal(c.reason, GW_REASON_RECORD_FLOOD);
    assert_int_equal(c.alert, GW_ALERT_UNEXPECTED_MESSAGE);
}

static bool data_came(struct gw_record *rec)
{
    return gw_control_saw_data(rec);
}

static bool seal_one(struct gw_record *rec, uint8_t type)
{
    uint8_t slot[GW_RECORD_SEAL_ROOM_FRONT + 1 + GW_RECORD_SEAL_ROOM_BACK] = {0}, *start;
    size_t size;
    return gw_record_seal(rec, type, slot + GW_RECORD_SEAL_ROOM_FRONT, 1, &start, &size) == 0;
}

static bool data_went(struct gw_record *rec)
{
    return seal_one(rec, GW_CONTENT_DATA);
}

static bool kernel_data_went(struct gw_record *rec)
{
    gw_record_count_sent(rec, 1);
    return true;
}

/* 2^16 records sent, under one key or many; one of them at least crosses the mark. */
static bool much_went(struct gw_record *rec, bool (*went)(struct gw_record *rec), bool rekey)
{
    for (uint32_t i = 0; i < 1 << 16; i++) {
        if (!went(rec) || (rekey && i % 1000 == 0 && gw_record_update(&rec->tx)))
            return false;
    }
    return true;
}

static bool much_data_went(struct gw_record *rec)
{
    return much_went(rec, data_went, false);
}

static bool much_data_went_under_many_keys(struct gw_record *rec)
{
    return much_went(rec, data_went, true);
}

static bool much_kernel_data_went(struct gw_record *rec)
{
    return much_went(rec, kernel_data_went, false);
}

static bool large_kernel_sends_went(struct gw_record *rec)
{
    for (int i = 0; i < 1 << 12; i++)
        gw_record_count_sent(rec, 16 * GW_RECORD_PLAINTEXT_MAX);
    return true;
}

static void floods_end(void **state)
{
    static const struct {
        uint16_t suite;
        enum gw_role role;
        const char *record;
        enum gw_control_verdict usual;
        unsigned limit;
        bool data_resets;
    } floods[] = {
        {TLS13, SERVER, "23:", GW_CONTROL_GO_ON, GW_EMPTY_RECORDS_MAX, true},
        {TLS12, SERVER, "23:", GW_CONTROL_GO_ON, GW_EMPTY_RECORDS_MAX, true},
        {TLS13, SERVER, "22:1800000100", GW_CONTROL_KEY_UPDATE, GW_KEY_UPDATES_MAX, true},
        {TLS13, SERVER, "22:1800000101", GW_CONTROL_KEY_UPDATE, GW_KEY_UPDATES_MAX, true},
        {TLS13, CLIENT, "22:0400000101", GW_CONTROL_GO_ON, GW_EMPTY_RECORDS_MAX, true},
        {TLS13, SERVER, "21:015a", GW_CONTROL_GO_ON, GW_WARNING_ALERTS_MAX, false},
        {TLS12, SERVER, "21:0164", GW_CONTROL_GO_ON, GW_WARNING_ALERTS_MAX, false},
    };
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(floods); i++) {
        struct record_fixture f;
        fixture_init(&f, ktls_suite_find(floods[i].suite), floods[i].role);
        assert_limit(&f.rec, floods[i].record, floods[i].usual, floods[i].limit,
                     floods[i].data_resets ? data_came : NULL);
        fixture_done(&f);
    }
}

/* After each 2^16 records of data sent, and not with each one from then on. */
static void much_data_sent_forgives_once(void **state)
{
    struct record_fixture f;
    struct gw_control c;
    (void)state;
    fixture_init(&f, ktls_suite_find(TLS12), SERVER);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < GW_EMPTY_RECORDS_MAX; i++)
            assert_int_equal(judge_all(&f.rec, "23:", &c), GW_CONTROL_GO_ON);
        gw_record_count_sent(&f.rec, (size_t)GW_RECORD_PLAINTEXT_MAX << 16);
    }
    for (unsigned i = 0; i < GW_EMPTY_RECORDS_MAX; i++)
        assert_int_equal(judge_all(&f.rec, "23:", &c), GW_CONTROL_GO_ON);
    gw_record_count_sent(&f.rec, GW_RECORD_PLAINTEXT_MAX);
    assert_int_equal(judge_all(&f.rec, "23:", &c), GW_CONTROL_FAIL);
    assert_int_equal(c.reason, GW_REASON_RECORD_FLOOD);
    fixture_done(&f);
}

/* Neither payload sent nor received forgives it. */
static void renegotiations_add_up(void **state)
{
    struct record_fixture f;
    struct gw_control c;
    (void)state;
    fixture_init(&f, ktls_suite_find(TLS12), SERVER);
    for (int i = 0; i < GW_RENEGOTIATIONS_MAX; i++) {
        assert_int_equal(judge_all(&f.rec, "22:010000020303", &c), GW_CONTROL_REFUSE);
        assert_true(gw_control_saw_data(&f.rec));
    }
    assert_int_equal(judge_all(&f.rec, "22:010000020303", &c), GW_CONTROL_FAIL);
    assert_int_equal(c.reason, GW_REASON_RENEGOTIATION);
    fixture_done(&f);
}

/* Payload does not forgive warnings. */
static void warnings_add_up(void **state)
{
    struct record_fixture f;
    struct gw_control c;
    (void)state;
    fixture_init(&f, ktls_suite_find(TLS12), SERVER);
    for (int i = 0; i < GW_WARNING_ALERTS_MAX; i++) {
        assert_int_equal(judge_all(&f.rec, "21:0164", &c), GW_CONTROL_GO_ON);
        assert_true(gw_control_saw_data(&f.rec));
    }
    assert_int_equal(judge_all(&f.rec, "21:0164", &c), GW_CONTROL_FAIL);
    fixture_done(&f);
}

/* A 64 KiB ticket, one byte a record: it ends as a flood long before it is complete. */
static void tickets_in_crumbs_end(void **state)
{
    struct record_fixture f;
    struct gw_control c;
    (void)state;
    fixture_init(&f, ktls_suite_find(TLS13), CLIENT);
    assert_int_equal(judge_all(&f.rec, "22:04010000", &c), GW_CONTROL_GO_ON);
    assert_int_equal(f.rec.hs_skip, 65536);
    assert_limit(&f.rec, "22:aa", GW_CONTROL_GO_ON, GW_EMPTY_RECORDS_MAX - 2, NULL);
    fixture_done(&f);
}

/* A download of terabytes by a client that says nothing but an empty record now and then. */
static void sending_forgives(void **state)
{
    static const struct {
        const char *record;
        enum gw_control_verdict usual;
        bool (*forgive)(struct gw_record *rec);
    } forgiven[] = {
        {"23:", GW_CONTROL_GO_ON, much_data_went},
        {"23:", GW_CONTROL_GO_ON, much_data_went_under_many_keys},
        {"23:", GW_CONTROL_GO_ON, much_kernel_data_went},
        {"23:", GW_CONTROL_GO_ON, large_kernel_sends_went},
    };
    struct record_fixture f;
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(forgiven); i++) {
        fixture_init(&f, ktls_suite_find(TLS13), SERVER);
        assert_limit(&f.rec, forgiven[i].record, forgiven[i].usual, 32, forgiven[i].forgive);
        fixture_done(&f);
    }
}

static bool two_records_went(struct gw_record *rec)
{
    gw_record_count_sent(rec, GW_RECORD_PLAINTEXT_MAX + 1);
    return true;
}

/* Java asks for our next key with each record that it reads, until it has read our answer. Our
 * answer is not data. */
static void each_record_sent_grants_an_update(void **state)
{
    static const struct {
        bool (*happened)(struct gw_record *rec);
        unsigned granted;
    } grants[] = {
        {data_came, 0},
        {data_went, 1},
        {kernel_data_went, 1},
        {two_records_went, 2},
        {much_data_went, GW_KEY_UPDATES_GRANTED_MAX},
        {large_kernel_sends_went, GW_KEY_UPDATES_GRANTED_MAX},
    };
    struct record_fixture f;
    struct gw_control c;
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(grants); i++) {
        fixture_init(&f, ktls_suite_find(TLS13), SERVER);
        for (int n = 0; n < GW_KEY_UPDATES_MAX; n++) {
            assert_int_equal(judge_all(&f.rec, "22:1800000100", &c), GW_CONTROL_KEY_UPDATE);
            assert_false(c.granted);
        }
        assert_true(grants[i].happened(&f.rec));
        for (unsigned n = 0; n < grants[i].granted + GW_KEY_UPDATES_MAX; n++) {
            assert_int_equal(judge_all(&f.rec, "22:1800000101", &c), GW_CONTROL_KEY_UPDATE);
            assert_int_equal(c.granted, n < grants[i].granted);
        }
        assert_int_equal(judge_all(&f.rec, "22:1800000100", &c), GW_CONTROL_FAIL);
        assert_int_equal(c.reason, GW_REASON_RECORD_FLOOD);
        fixture_done(&f);
    }
    fixture_init(&f, ktls_suite_find(TLS13), SERVER);
    for (int i = 0; i < GW_KEY_UPDATES_MAX; i++) {
        assert_int_equal(judge_all(&f.rec, "22:1800000101", &c), GW_CONTROL_KEY_UPDATE);
        assert_true(seal_one(&f.rec, GW_CONTENT_HANDSHAKE));
    }
    assert_int_equal(judge_all(&f.rec, "22:1800000101", &c), GW_CONTROL_FAIL);
    fixture_done(&f);
}

static void nothing_counts_after_close(void **state)
{
    static const char *const ignored[] = {"21:0228", "22:1800000101", "22:01", "20:01",
                                          "21:",     "23:",           "255:",  "21:0100"};
    struct record_fixture f;
    struct gw_control c;
    (void)state;
    fixture_init(&f, ktls_suite_find(TLS13), SERVER);
    f.rec.rx.keys.seq = 9;
    assert_int_equal(judge_all(&f.rec, "21:0100", &c), GW_CONTROL_CLOSED);
    for (size_t i = 0; i < GW_ARRAY_SIZE(ignored); i++)
        assert_int_equal(judge_all(&f.rec, ignored[i], &c), GW_CONTROL_GO_ON);
    assert_int_equal(f.rec.rx.keys.seq, 9);
    fixture_done(&f);
}

/* The verdict comes with the record that ends the message, and the next one is under the next key.
 */
static void key_update_in_parts(void **state)
{
    uint8_t wire[64], plain[3] = "abc";
    struct record_fixture f;
    struct gw_control c;
    struct gw_opened o;
    (void)state;
    fixture_init(&f, ktls_suite_find(TLS13), SERVER);
    f.peer_tx.seq = f.rec.rx.keys.seq = f.rec.tx.keys.seq = 5;
    assert_int_equal(judge_all(&f.rec, "22:18000001", &c), GW_CONTROL_GO_ON);
    int size = ktls_soft_seal(&f.peer_tx, GW_CONTENT_HANDSHAKE, "\1", 1, 0, wire);
    assert_int_equal(gw_record_open(&f.rec, wire, (size_t)size, &o), GW_OPEN_RECORD);
    assert_int_equal(gw_control_judge(&f.rec, o.type, o.payload, o.payload_len, &c),
                     GW_CONTROL_KEY_UPDATE);
    assert_true(c.reply);
    assert_int_equal(f.rec.rx.keys.seq, 6); /* the keys are the caller's to change */
    assert_int_equal(gw_record_update(&f.rec.rx), 0);
    assert_int_equal(ktls_update(&f.peer_tx), 0);
    size = ktls_soft_seal(&f.peer_tx, GW_CONTENT_DATA, plain, sizeof(plain), 0, wire);
    assert_int_equal(gw_record_open(&f.rec, wire, (size_t)size, &o), GW_OPEN_RECORD);
    assert_memory_equal(o.payload, plain, sizeof(plain));
    fixture_done(&f);
}

static void no_reply_after_our_close(void **state)
{
    struct record_fixture f;
    struct gw_control c;
    (void)state;
    fixture_init(&f, ktls_suite_find(TLS13), SERVER);
    f.rec.close_sent = true;
    assert_int_equal(judge_all(&f.rec, "22:1800000101", &c), GW_CONTROL_KEY_UPDATE);
    assert_false(c.reply);
    gw_record_moved(&f.rec.tx); /* nor is the connection cut for what it could not answer */
    assert_int_equal(judge_all(&f.rec, "22:1800000101", &c), GW_CONTROL_KEY_UPDATE);
    fixture_done(&f);
}

static void data_amid_a_message(void **state)
{
    struct record_fixture f;
    struct gw_control c;
    (void)state;
    fixture_init(&f, ktls_suite_find(TLS13), CLIENT);
    assert_true(gw_control_saw_data(&f.rec));
    assert_int_equal(judge_all(&f.rec, "22:18", &c), GW_CONTROL_GO_ON);
    assert_false(gw_control_saw_data(&f.rec));
    assert_int_equal(judge_all(&f.rec, "22:00000100", &c), GW_CONTROL_KEY_UPDATE);
    assert_true(gw_control_saw_data(&f.rec));
    assert_int_equal(judge_all(&f.rec, "22:04000003aabb", &c), GW_CONTROL_GO_ON);
    assert_false(gw_control_saw_data(&f.rec));
    assert_int_equal(judge_all(&f.rec, "22:cc", &c), GW_CONTROL_GO_ON);
    assert_true(gw_control_saw_data(&f.rec));
    fixture_done(&f);
}

/* ---- what we send ---- */

static void alerts_we_send(void **state)
{
    uint8_t out[GW_CONTROL_MAX];
    (void)state;
    for (unsigned description = 0; description < 256; description++) {
        bool warning = description == 0 || description == 90 || description == 100;
        assert_int_equal(gw_control_alert(out, (uint8_t)description), 2);
        assert_int_equal(out[0], warning ? 1 : 2);
        assert_int_equal(out[1], description);
    }
    assert_string_equal(gw_alert_name(GW_ALERT_ACCESS_DENIED), "access_denied");
    assert_string_equal(gw_alert_name(0), "close_notify");
    assert_string_equal(gw_alert_name(255), "unknown");
}

static void key_updates_we_send(void **state)
{
    uint8_t out[GW_CONTROL_MAX];
    (void)state;
    assert_int_equal(gw_control_key_update(out, false), 5);
    assert_memory_equal(out, "\x18\0\0\1\0", 5);
    assert_int_equal(gw_control_key_update(out, true), 5);
    assert_memory_equal(out, "\x18\0\0\1\1", 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts),
        cmocka_unit_test(floods_end),
        cmocka_unit_test(warnings_add_up),
        cmocka_unit_test(much_data_sent_forgives_once),
        cmocka_unit_test(renegotiations_add_up),
        cmocka_unit_test(tickets_in_crumbs_end),
        cmocka_unit_test(sending_forgives),
        cmocka_unit_test(each_record_sent_grants_an_update),
        cmocka_unit_test(nothing_counts_after_close),
        cmocka_unit_test(key_update_in_parts),
        cmocka_unit_test(no_reply_after_our_close),
        cmocka_unit_test(data_amid_a_message),
        cmocka_unit_test(alerts_we_send),
        cmocka_unit_test(key_updates_we_send),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
