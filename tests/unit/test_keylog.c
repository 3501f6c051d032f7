/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of libssl's key log give the two application traffic secrets, and nothing else does. */
#include "gateway/tls/keylog.h"

#include "gateway/base/attr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CLIENT "CLIENT_TRAFFIC_SECRET_0 "
#define SERVER "SERVER_TRAFFIC_SECRET_0 "
#define RANDOM "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f "
#define SECRET "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void secrets_of_both_lengths_are_kept(void **state)
{
    struct gw_traffic_secrets s = {.client_len = 0};
    uint8_t want[48];
    (void)state;
    for (unsigned i = 0; i < sizeof(want); i++)
        want[i] = (uint8_t)(i % 16 * 0x11);
    gw_keylog_take(CLIENT RANDOM SECRET, &s);
    gw_keylog_take(SERVER RANDOM SECRET "00112233445566778899aabbccddeeff", &s);
    assert_int_equal(s.client_len, 32);
    assert_int_equal(s.server_len, 48);
    assert_int_equal(s.resumption_len, 0);
    assert_memory_equal(s.client, want, 32);
    assert_memory_equal(s.server, want, 48);
}

static void other_lines_change_nothing(void **state)
{
    static const char *const lines[] = {
        "",
        "CLIENT_TRAFFIC_SECRET_0",
        "CLIENT_HANDSHAKE_TRAFFIC_SECRET " RANDOM SECRET,
        "CLIENT_TRAFFIC_SECRET_1 " RANDOM SECRET,
        "EXPORTER_SECRET " RANDOM SECRET,
        "CLIENT_RANDOM " RANDOM SECRET,
        " " CLIENT RANDOM SECRET,
    };
    struct gw_traffic_secrets s, before;
    (void)state;
    memset(&s, 7, sizeof(s));
    before = s;
    for (size_t i = 0; i < GW_ARRAY_SIZE(lines); i++)
        gw_keylog_take(lines[i], &s);
    assert_memory_equal(&s, &before, sizeof(s));
}

static void malformed_lines_give_no_secret(void **state)
{
    static const char *const lines[] = {
        CLIENT,
        CLIENT RANDOM,
        CLIENT SECRET,
        CLIENT "00 " SECRET,
        CLIENT RANDOM SECRET "0",
        CLIENT RANDOM SECRET " ",
        CLIENT RANDOM SECRET SECRET,
        CLIENT RANDOM "x" SECRET,
    };
    static const uint8_t zeros[sizeof(((struct gw_traffic_secrets *)0)->client)];
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(lines); i++) {
        struct gw_traffic_secrets s = {.client_len = 32};
        gw_keylog_take(lines[i], &s);
        assert_int_equal(s.client_len, 0);
        assert_memory_equal(s.client, zeros, sizeof(zeros)); /* nor a part of one */
    }
}

/* All that a byte can be, in either place of a pair. */
static void only_lower_case_hex_is_read(void **state)
{
    (void)state;
    for (int c = 1; c < 256; c++)
        for (int place = 0; place < 2; place++) {
            char line[] = CLIENT RANDOM SECRET;
            struct gw_traffic_secrets s = {.client_len = 0};
            line[sizeof(line) - 3 + (size_t)place] = (char)c;
            gw_keylog_take(line, &s);
            static const char digits[] = "0123456789abcdef";
            const char *at = strchr(digits, c);
            assert_int_equal(s.client_len, at ? 32 : 0);
            if (at)
                assert_int_equal(s.client[31] >> (place ? 0 : 4) & 15, at - digits);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_of_both_lengths_are_kept),
        cmocka_unit_test(other_lines_change_nothing),
        cmocka_unit_test(malformed_lines_give_no_secret),
        cmocka_unit_test(only_lower_case_hex_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
