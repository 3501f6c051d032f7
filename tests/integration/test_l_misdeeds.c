/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The result of clients that violate or stretch the record protocol: a transcript of what the
 * client and the backend see and the gateway logs. It is the same in both engines and in every
 * kernel, since each is compared with the one written here. The few alerts that a kernel cannot
 * distinguish are listed.
 */
#include "tests/integration/check.h"
#include "tests/integration/forge.h"
#include "tests/integration/stage.h"

#include <inttypes.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

enum {
    BEFORE = 1000, /* bytes that pass before the violation */
    AFTER = 500,   /* bytes that pass after it, if the connection continues */
    CASES_MAX = 128,
    NAME_SIZE = 64,
    TRANSCRIPT_SIZE = 160,
};

enum kind {
    SEAL,    /* `times` records of `type` with `data` */
    PAD,     /* the same in TLS 1.3, with 100 bytes of padding */
    RAW,     /* bytes of `data`, unsealed */
    TAMPER,  /* one bit of a record changed */
    SWAP,    /* a sequence number left out */
    CUT_FIN, /* FIN within a record */
    FIN,     /* FIN without close_notify */
    RST,     /* RST */
    AMID,    /* the beginning of a handshake message, and data */
    GOODBYE, /* close_notify and then a record more */
};

/* What follows a header of RAW: a kernel looks at one when that much is there. */
#define FILLER "0123456789abcdef0123456789abcdef"

/* A byte string that may hold zeroes. */
#define BYTES(text) text, sizeof(text) - 1

struct misdeed {
    const char *name;
    enum kind kind;
    uint8_t type;
    const char *data;
    size_t len;
    unsigned times;    /* 0: once */
    const char *tls12; /* the transcript; NULL: not in this version */
    const char *tls13;
};

#define GOES_ON "close_notify; backend 1500 bytes, FIN; finished"
#define FATAL(alert, reason) "alert " #alert "; backend 1000 bytes, RST; " reason

#define CCS SSL3_RT_CHANGE_CIPHER_SPEC
#define ALERT SSL3_RT_ALERT
#define HANDSHAKE SSL3_RT_HANDSHAKE
#define DATA SSL3_RT_APPLICATION_DATA

static const struct misdeed misdeeds[] = {
    /* damaged records */
    {"tampered", TAMPER, 0, NULL, 0, 0, FATAL(20, "record-bad-mac"), FATAL(20, "record-bad-mac")},
    {"left_out", SWAP, 0, NULL, 0, 0, FATAL(20, "record-bad-mac"), FATAL(20, "record-bad-mac")},
    /* headers */
    {"too_long", RAW, 0, BYTES("\x17\x03\x03\x48\x01 a"), 0, FATAL(22, "record-overflow"),
     FATAL(22, "record-overflow")},
    {"longest", RAW, 0, BYTES("\x17\x03\x03\xff\xff a"), 0, FATAL(22, "record-overflow"),
     FATAL(22, "record-overflow")},
    {"no_body", RAW, 0, BYTES("\x17\x03\x03\x00\x00"), 0, FATAL(20, "record-bad-mac"),
     FATAL(20, "record-bad-mac")},
    {"body_below_tag", RAW, 0,
     BYTES("\x17\x03\x03\x00\x05"
           "abcde"),
     0, FATAL(20, "record-bad-mac"), FATAL(20, "record-bad-mac")},
    {"of_ssl3", RAW, 0,
     BYTES("\x17\x03\x00\x00\x20"
           "0123456789abcdef0123456789abcdef"),
     0, FATAL(70, "record-unexpected"), FATAL(20, "record-bad-mac")},
    {"of_no_version", RAW, 0,
     BYTES("\x17\x05\x05\x00\x20"
           "0123456789abcdef0123456789abcdef"),
     0, FATAL(70, "record-unexpected"), FATAL(70, "record-unexpected")},
    {"plain_http", RAW, 0, BYTES("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), 0,
     FATAL(10, "record-unexpected"), FATAL(10, "record-unexpected")},
    {"plain_alert", RAW, 0, BYTES("\x15\x03\x03\x00\x02\x02\x28"), 0, FATAL(20, "record-bad-mac"),
     FATAL(10, "record-unexpected")},
    {"plain_handshake", RAW, 0, BYTES("\x16\x03\x03\x00\x04\x0e\x00\x00\x00"), 0,
     FATAL(20, "record-bad-mac"), FATAL(10, "record-unexpected")},
    {"plain_change_cipher_spec", RAW, 0, BYTES("\x14\x03\x03\x00\x01\x01"), 0,
     FATAL(20, "record-bad-mac"), FATAL(10, "record-unexpected")},
    /* content types */
    {"of_type_0", SEAL, 0, BYTES("abc"), 0, FATAL(10, "record-unexpected"),
     FATAL(10, "record-unexpected")},
    {"of_type_24", SEAL, 24, BYTES("abc"), 0, FATAL(10, "record-unexpected"),
     FATAL(10, "record-unexpected")},
    {"of_type_99", SEAL, 99, BYTES("abc"), 0, FATAL(10, "record-unexpected"),
     FATAL(10, "record-unexpected")},
    {"of_type_255", SEAL, 255, BYTES("abc"), 0, FATAL(10, "record-unexpected"),
     FATAL(10, "record-unexpected")},
    {"sealed_change_cipher_spec", SEAL, CCS, BYTES("\x01"), 0, FATAL(10, "record-unexpected"),
     FATAL(10, "record-unexpected")},
    {"all_padding", SEAL, 0, BYTES(""), 0, NULL, FATAL(10, "record-unexpected")},
    /* data */
    {"an_empty_record", SEAL, DATA, BYTES(""), 0, GOES_ON, GOES_ON},
    {"a_padded_empty_record", PAD, DATA, BYTES(""), 0, NULL, GOES_ON},
    {"32_empty_records", SEAL, DATA, BYTES(""), 32, GOES_ON, GOES_ON},
    {"33_empty_records", SEAL, DATA, BYTES(""), 33, FATAL(10, "record-flood"),
     FATAL(10, "record-flood")},
    /* alerts */
    {"user_canceled", SEAL, ALERT, BYTES("\x01\x5a"), 0, GOES_ON, GOES_ON},
    {"user_canceled_padded", PAD, ALERT, BYTES("\x01\x5a"), 0, NULL, GOES_ON},
    {"5_warnings", SEAL, ALERT, BYTES("\x01\x5a"), 5, GOES_ON, GOES_ON},
    {"6_warnings", SEAL, ALERT, BYTES("\x01\x5a"), 6, FATAL(10, "record-flood"),
     FATAL(10, "record-flood")},
    {"no_certificate_warning", SEAL, ALERT, BYTES("\x01\x29"), 0, GOES_ON,
     "FIN; backend 1000 bytes, RST; client-alert"},
    {"fatal_alert", SEAL, ALERT, BYTES("\x02\x28"), 0, "FIN; backend 1000 bytes, RST; client-alert",
     "FIN; backend 1000 bytes, RST; client-alert"},
    {"alert_of_no_level", SEAL, ALERT, BYTES("\x07\x28"), 0, FATAL(47, "record-unexpected"),
     "FIN; backend 1000 bytes, RST; client-alert"},
    {"alert_of_one_byte", SEAL, ALERT, BYTES("\x01"), 0, FATAL(50, "record-unexpected"),
     FATAL(50, "record-unexpected")},
    {"two_alerts_in_one", SEAL, ALERT, BYTES("\x01\x5a\x01\x5a"), 0, FATAL(50, "record-unexpected"),
     FATAL(50, "record-unexpected")},
    {"empty_alert", SEAL, ALERT, BYTES(""), 0, FATAL(10, "record-unexpected"),
     FATAL(10, "record-unexpected")},
    /* handshake messages */
    {"client_hello", SEAL, HANDSHAKE, BYTES("\x01\x00\x00\x02\x03\x03"), 0,
     /* OpenSSL, which this client is, takes the warning for an end, and says so under a sequence
      * number that the test has used */
     "warning 100; backend 1000 bytes, RST; record-bad-mac", FATAL(10, "record-unexpected")},
    {"4_client_hellos", SEAL, HANDSHAKE, BYTES("\x01\x00\x00\x02\x03\x03"), 4,
     "warning 100; backend 1000 bytes, RST; renegotiation", NULL},
    {"data_amid_a_client_hello", AMID, HANDSHAKE, BYTES("\x01\x00\x00\x2f\x03\x03"), 0,
     "warning 100; backend 1000 bytes, RST; record-unexpected", NULL},
    {"hello_request", SEAL, HANDSHAKE, BYTES("\x00\x00\x00\x00"), 0, FATAL(10, "record-unexpected"),
     FATAL(10, "record-unexpected")},
    {"certificate", SEAL, HANDSHAKE, BYTES("\x0b\x00\x00\x04\x00\x00\x00\x00"), 0,
     FATAL(10, "record-unexpected"), FATAL(10, "record-unexpected")},
    {"finished", SEAL, HANDSHAKE, BYTES("\x14\x00\x00\x02zz"), 0, FATAL(10, "record-unexpected"),
     FATAL(10, "record-unexpected")},
    {"ticket", SEAL, HANDSHAKE, BYTES("\x04\x00\x00\x04\x00\x00\x00\x00"), 0,
     FATAL(10, "record-unexpected"), FATAL(10, "record-unexpected")},
    {"empty_handshake", SEAL, HANDSHAKE, BYTES(""), 0, FATAL(10, "record-unexpected"),
     FATAL(10, "record-unexpected")},
    {"key_update", SEAL, HANDSHAKE, BYTES("\x18\x00\x00\x01\x00"), 0,
     FATAL(10, "record-unexpected"), NULL},
    {"key_update_of_no_value", SEAL, HANDSHAKE, BYTES("\x18\x00\x00\x01\x02"), 0, NULL,
     FATAL(47, "record-unexpected")},
    {"key_update_of_2_bytes", SEAL, HANDSHAKE, BYTES("\x18\x00\x00\x02\x00\x00"), 0, NULL,
     FATAL(50, "record-unexpected")},
    {"data_amid_a_message", AMID, HANDSHAKE, BYTES("\x18\x00"), 0, NULL,
     FATAL(10, "record-unexpected")},
    /* ends */
    {"truncated", FIN, 0, NULL, 0, 0, "FIN; backend 1000 bytes, RST; client-truncated",
     "FIN; backend 1000 bytes, RST; client-truncated"},
    {"truncated_within_a_record", CUT_FIN, 0, NULL, 0, 0,
     "FIN; backend 1000 bytes, RST; client-truncated",
     "FIN; backend 1000 bytes, RST; client-truncated"},
    {"reset", RST, 0, NULL, 0, 0, "nothing; backend 1000 bytes, RST; client-reset",
     "nothing; backend 1000 bytes, RST; client-reset"},
    {"record_after_the_end", GOODBYE, 0, NULL, 0, 0,
     "close_notify; backend 1000 bytes, FIN; finished",
     "close_notify; backend 1000 bytes, FIN; finished"},
};

/* Where a kernel's RX differs from the user engine, or reports less: it requires 0x0303 in every
 * header, before it checks the type; in TLS 1.3 it opens a record whatever type its header has; it
 * reports content type 0 for a record that it could not open; it skips any number of empty records
 * by itself; a partial record stays unread, which turns the FIN into a RST; and it recognizes a
 * KeyUpdate by its first byte only (kernel-notes/rekey-pending.md). */
static const struct {
    const char *name;
    const char *transcript;
} kernel_says[] = {
    {"of_ssl3_tls13", FATAL(70, "record-unexpected")},
    {"plain_http_tls12", FATAL(70, "record-unexpected")},
    {"plain_http_tls13", FATAL(70, "record-unexpected")},
    {"plain_alert_tls13", FATAL(20, "record-bad-mac")},
    {"plain_handshake_tls13", FATAL(20, "record-bad-mac")},
    {"plain_change_cipher_spec_tls13", FATAL(20, "record-bad-mac")},
    {"of_type_0_tls12", FATAL(20, "record-bad-mac")},
    {"all_padding_tls13", FATAL(20, "record-bad-mac")},
    {"33_empty_records_tls12", GOES_ON},
    {"33_empty_records_tls13", GOES_ON},
    {"truncated_within_a_record_tls12", "RST; backend 1000 bytes, RST; client-truncated"},
    {"truncated_within_a_record_tls13", "RST; backend 1000 bytes, RST; client-truncated"},
    {"data_amid_a_message_tls13", "close_notify; backend 1000 bytes, RST; rekey-unsupported"},
};

/* But splice reports an empty record that arrives alone, so they may be counted: either is
 * right. */
#define SPLICE_MAY_SAY FATAL(10, "record-flood")

static bool may_be_counted(const struct misdeed *deed)
{
    return relay_is_splice() && strcmp(deed->name, "33_empty_records") == 0;
}

enum {
    KERNEL_SAYS = sizeof(kernel_says) / sizeof(kernel_says[0])
};

enum {
    MISDEEDS = sizeof(misdeeds) / sizeof(misdeeds[0])
};

struct test_case {
    const struct misdeed *deed;
    int version;
    const char *expected;
    char name[NAME_SIZE];
};

static int start(void **state)
{
    (void)stage_start(state);
    stage_serve(&(struct gateway_options){.workers = 1});
    gateway->bad_records = true; /* the kernel counts some of these as such */
    return 0;
}

/* ---- doing it ---- */

/* After it both directions are surely run by the engine that is tested. */
static void echo(struct forge *f, size_t len)
{
    forge_send_data(f, len);
    client_receive(&f->client, len);
}

static void say_goodbye(struct forge *f)
{
    forge_send(f, ALERT, "\x01\x00", 2, 0);
}

static void commit(struct forge *f, const struct misdeed *deed)
{
    switch (deed->kind) {
    case SEAL:
        for (unsigned i = 0; i < deed->times || i == 0; i++)
            forge_send(f, deed->type, deed->data, deed->len, 0);
        return;
    case PAD:
        forge_send(f, deed->type, deed->data, deed->len, 100);
        return;
    case RAW:
        forge_send_raw(f, deed->data, deed->len);
        forge_send_raw(f, FILLER, strlen(FILLER));
        return;
    case TAMPER:
        forge_send_damaged(f, AFTER, 0x10, 0);
        return;
    case SWAP:
        f->keys.seq++;
        forge_send_data(f, AFTER);
        return;
    case CUT_FIN:
        forge_send_damaged(f, AFTER, 0, AFTER / 2);
        client_truncate(&f->client);
        return;
    case FIN:
        client_truncate(&f->client);
        return;
    case RST:
        client_reset(&f->client);
        return;
    case AMID:
        forge_send(f, deed->type, deed->data, deed->len, 0);
        forge_send_data(f, AFTER);
        return;
    case GOODBYE:
        say_goodbye(f);
        forge_send_data(f, AFTER);
        return;
    }
}

/* ---- the transcript ---- */

static const char *end_seen(struct forge *f, char text[32])
{
    static const char *const words[] = {
        [CLIENT_OPEN] = "nothing",  [CLIENT_CLOSE_NOTIFY] = "close_notify",
        [CLIENT_TRUNCATED] = "FIN", [CLIENT_ALERTED] = "alert",
        [CLIENT_WAS_RESET] = "RST", [CLIENT_STUCK] = "nothing",
        [CLIENT_FAILED] = "broken",
    };
    enum client_end end = f->client.fd >= 0 ? client_read_end(&f->client) : CLIENT_OPEN;
    if (end == CLIENT_ALERTED)
        (void)snprintf(text, 32, "alert %d", f->client.alert);
    else if (end == CLIENT_FAILED && f->warned >= 0)
        (void)snprintf(text, 32, "warning %d", f->warned);
    else
        (void)snprintf(text, 32, "%s", words[end]);
    return text;
}

static void write_transcript(struct forge *f, char out[TRANSCRIPT_SIZE])
{
    char end[32];
    struct conn_line line;
    struct backend_account account;
    (void)end_seen(f, end);
    client_close(&f->client);
    gateway_conn(gateway, &line);
    assert_true(backend_await(backend, 0, &account));
    assert_false(account.wrong);
    assert_int_equal(line.bytes_up, account.received);
    (void)snprintf(out, TRANSCRIPT_SIZE, "%s; backend %" PRIu64 " bytes, %s; %s", end,
                   account.received,
                   account.got_fin     ? "FIN"
                   : account.got_reset ? "RST"
                                       : "nothing",
                   line.reason);
}

static void run_case(void **state)
{
    const struct test_case *t = *state;
    static struct forge f;
    char transcript[TRANSCRIPT_SIZE];
    (void)start(state);
    backend_set_plan(backend, &BACKEND_PLAN(.echo = true, .up_seed = STAGE_SEED));
    forge_connect(&f, gateway->port, t->version);
    f.client.work.up_seed = f.client.work.down_seed = STAGE_SEED;
    echo(&f, BEFORE);
    commit(&f, t->deed);
    if (strcmp(t->expected, GOES_ON) == 0) {
        forge_send_data(&f, AFTER);
        if (!may_be_counted(t->deed))
            client_receive(&f.client, AFTER);
        say_goodbye(&f);
    }
    write_transcript(&f, transcript);
    if (!may_be_counted(t->deed) || strcmp(transcript, SPLICE_MAY_SAY) != 0)
        assert_string_equal(transcript, t->expected);
    gateway_stop(gateway);
}

static size_t add(const struct misdeed *deed, int version, const char *expected,
                  struct test_case *t, struct CMUnitTest *test)
{
    if (!expected)
        return 0;
    *t = (struct test_case){.deed = deed, .version = version, .expected = expected};
    (void)snprintf(t->name, sizeof(t->name), "%s_%s", deed->name,
                   version == TLS1_2_VERSION ? "tls12" : "tls13");
    for (unsigned i = 0; i < KERNEL_SAYS && engine_is_kernel(); i++)
        if (strcmp(kernel_says[i].name, t->name) == 0)
            t->expected = kernel_says[i].transcript;
    *test = (struct CMUnitTest){
        .name = t->name,
        .test_func = run_case,
        .teardown_func = stage_stop,
        .initial_state = t,
    };
    return 1;
}

int main(void)
{
    static struct test_case cases[CASES_MAX];
    static struct CMUnitTest tests[CASES_MAX];
    size_t n = 0;
    _Static_assert(MISDEEDS * 2 <= CASES_MAX, "room for all");
    for (unsigned i = 0; i < MISDEEDS; i++) {
        n += add(&misdeeds[i], TLS1_2_VERSION, misdeeds[i].tls12, &cases[n], &tests[n]);
        n += add(&misdeeds[i], TLS1_3_VERSION, misdeeds[i].tls13, &cases[n], &tests[n]);
    }
    return world_run("l_misdeeds", tests, n);
}
