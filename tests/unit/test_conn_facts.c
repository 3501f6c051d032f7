/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/conn/facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum {
    LONG = 4000
};

static void texts_come_back(void **state)
{
    (void)state;
    struct gw_facts f = {.id = 7};
    assert_string_equal(gw_facts_get(&f, GW_FACT_SNI), "");
    gw_facts_set(&f, GW_FACT_SNI, "a.example.test");
    gw_facts_printf(&f, GW_FACT_DETAIL, "no rule matches its %s", "cn");
    assert_string_equal(gw_facts_get(&f, GW_FACT_SNI), "a.example.test");
    assert_string_equal(gw_facts_get(&f, GW_FACT_DETAIL), "no rule matches its cn");
    assert_string_equal(gw_facts_get(&f, GW_FACT_RULE), "");
    gw_facts_done(&f);
}

static void a_later_text_replaces_the_earlier(void **state)
{
    (void)state;
    struct gw_facts f = {0};
    gw_facts_set(&f, GW_FACT_CLIENT, "192.0.2.1:1");
    gw_facts_set(&f, GW_FACT_SUITE, "TLS_AES_128_GCM_SHA256");
    gw_facts_set(&f, GW_FACT_RULE, "billing");
    for (unsigned i = 0; i < LONG; i++)
        gw_facts_set(&f, GW_FACT_CLIENT, i % 2 ? "198.51.100.10:65535" : "192.0.2.1:2");
    assert_string_equal(gw_facts_get(&f, GW_FACT_CLIENT), "198.51.100.10:65535");
    assert_string_equal(gw_facts_get(&f, GW_FACT_SUITE), "TLS_AES_128_GCM_SHA256");
    assert_string_equal(gw_facts_get(&f, GW_FACT_RULE), "billing");
    assert_null(f.more); /* what was replaced takes no room */
    gw_facts_set(&f, GW_FACT_SUITE, NULL);
    gw_facts_set(&f, GW_FACT_RULE, "");
    assert_string_equal(gw_facts_get(&f, GW_FACT_SUITE), "");
    assert_string_equal(gw_facts_get(&f, GW_FACT_RULE), "");
    assert_string_equal(gw_facts_get(&f, GW_FACT_CLIENT), "198.51.100.10:65535");
    gw_facts_done(&f);
}

/* Of an ordinary connection, all texts fit into the struct. */
static void an_ordinary_connection_allocates_nothing(void **state)
{
    (void)state;
    struct gw_facts f = {0};
    gw_facts_set(&f, GW_FACT_CLIENT, "[2001:db8:0:1:2:3:4:5]:65535");
    gw_facts_set(&f, GW_FACT_VERSION, "TLSv1.3");
    gw_facts_set(&f, GW_FACT_SUITE, "TLS_CHACHA20_POLY1305_SHA256");
    gw_facts_set(&f, GW_FACT_GROUP, "X25519MLKEM768");
    gw_facts_set(&f, GW_FACT_SNI, "gateway.example.com");
    gw_facts_set(&f, GW_FACT_ALPN, "h2");
    gw_facts_set(&f, GW_FACT_RULE, "billing");
    assert_null(f.more);
    gw_facts_done(&f);
}

static void long_texts_are_cut_to_their_fields(void **state)
{
    (void)state;
    static char text[LONG + 1];
    static const size_t sizes[] = {
#define X(id, field) sizeof(((struct gw_conn_report *)0)->field),
        GW_FACTS(X)
#undef X
    };
    struct gw_facts f = {0};
    struct gw_conn_report report;
    for (unsigned round = 0; round < 3; round++)
        for (enum gw_fact fact = 0; fact < GW_FACT_COUNT; fact++) {
            memset(text, 'a' + (int)fact, LONG);
            gw_facts_set(&f, fact, text);
        }
    for (enum gw_fact fact = 0; fact < GW_FACT_COUNT; fact++) {
        const char *got = gw_facts_get(&f, fact);
        assert_int_equal(strlen(got), sizes[fact] - 1);
        assert_int_equal(got[0], 'a' + (int)fact);
        assert_string_equal(got + sizes[fact] - 4, "...");
    }
    gw_facts_report(&f, &report);
#define X(id, field) assert_string_equal(report.field, gw_facts_get(&f, GW_FACT_##id));
    GW_FACTS(X)
#undef X
    gw_facts_done(&f);
}

static void the_report_has_all(void **state)
{
    (void)state;
    struct gw_facts f = {
        .id = 1,
        .run = 2,
        .bytes_up = 3,
        .bytes_down = 4,
        .handshake_us = 5,
        .key_updates_in = 6,
        .key_updates_out = 7,
        .resumed = true,
    };
    struct gw_conn_report report;
    memset(&report, 'x', sizeof(report));
    gw_facts_set(&f, GW_FACT_VIA, "10.0.0.1:5");
    gw_facts_report(&f, &report);
    assert_int_equal(report.id, 1);
    assert_int_equal(report.run, 2);
    assert_int_equal(report.bytes_up, 3);
    assert_int_equal(report.bytes_down, 4);
    assert_int_equal(report.handshake_us, 5);
    assert_int_equal(report.key_updates_in, 6);
    assert_int_equal(report.key_updates_out, 7);
    assert_true(report.resumed);
    assert_string_equal(report.via, "10.0.0.1:5");
    assert_string_equal(report.client, "");
    assert_int_equal(report.reason, 0);
    assert_int_equal(report.wall_ns, 0);
    gw_facts_done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_come_back),
        cmocka_unit_test(a_later_text_replaces_the_earlier),
        cmocka_unit_test(an_ordinary_connection_allocates_nothing),
        cmocka_unit_test(long_texts_are_cut_to_their_fields),
        cmocka_unit_test(the_report_has_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
