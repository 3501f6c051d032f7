/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/base/error: the sentence, the exit code, and what the caller returns. */
#include "gateway/base/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void carries_sentence_and_exit_code(void **state)
{
    (void)state;
    struct gw_error err = {0};
    assert_int_equal(gw_error_set(&err, GW_EXIT_USAGE, "--%s: %d", "cert", 7), -EINVAL);
    assert_int_equal(err.exit, GW_EXIT_USAGE);
    assert_string_equal(err.text, "--cert: 7");
    assert_int_equal(gw_error_set(&err, GW_EXIT_START, "port %u", 443), -EIO);
    assert_int_equal(err.exit, GW_EXIT_START);
    assert_string_equal(err.text, "port 443");
}

static void nobody_may_want_it(void **state)
{
    (void)state;
    assert_int_equal(gw_error_set(NULL, GW_EXIT_USAGE, "%s", "x"), -EINVAL);
    assert_int_equal(gw_error_set(NULL, GW_EXIT_OTHER, "%s", "x"), -EIO);
}

static void long_sentence_is_cut(void **state)
{
    (void)state;
    struct gw_error err;
    char big[2 * sizeof(err.text)] = {0};
    memset(big, 'x', sizeof(big) - 1);
    (void)gw_error_set(&err, GW_EXIT_OTHER, "%s", big);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(carries_sentence_and_exit_code),
        cmocka_unit_test(nobody_may_want_it),
        cmocka_unit_test(long_sentence_is_cut),
    };
    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
