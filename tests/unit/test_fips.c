/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/tls/fips: the sources that demand FIPS mode count, and no others. */
#include "gateway/tls/fips.h"

#include "gateway/base/attr.h"
#include "tests/unit/certs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ALGORITHMS(row) "openssl_conf = all\n[all]\nalg_section = algorithms\n[algorithms]\n" row

static struct test_dir *dir;

static const char *asked(const char *kernel, const char *configuration)
{
    const char *file = test_dir_file(dir, "fips_enabled", kernel, strlen(kernel));
    const char *conf = test_dir_file(dir, "openssl.cnf", configuration, strlen(configuration));
    assert_int_equal(setenv("OPENSSL_CONF", conf, 1), 0);
    return gw_fips_asked_by(file);
}

static void the_kernel_asks(void **state)
{
    (void)state;
    assert_non_null(strstr(asked("1\n", ""), "the kernel"));
    assert_null(asked("0\n", ""));
    assert_null(asked("", ""));
    assert_null(gw_fips_asked_by("/nonexistent"));
}

static void the_configuration_asks(void **state)
{
    static const char *const rows[] = {
        "default_properties = fips=yes",
        "default_properties = fips",
        "default_properties = provider=x , fips=yes ",
        "fips_mode = yes",
        "fips_mode = ON",
    };
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text), ALGORITHMS("%s\n"), rows[i]);
        const char *by = asked("0\n", text);
        if (!by || !strstr(by, "OpenSSL's configuration"))
            fail_msg("%s", rows[i]);
    }
}

static void others_do_not_ask(void **state)
{
    static const char *const rows[] = {
        "default_properties = fips=no",
        "default_properties = ?fips=yes",
        "default_properties = -fips",
        "default_properties = nofips=yes",
        "default_properties = ,provider=x",
        "fips_mode = no",
        "unknown = yes",
    };
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text), ALGORITHMS("%s\n"), rows[i]);
        if (asked("0\n", text))
            fail_msg("%s", rows[i]);
    }
    assert_null(
        asked("0\n", "[algorithms]\ndefault_properties = fips=yes\n")); /* nothing names it */
    assert_null(asked("0\n", "= [ broken"));
}

static int set_up(void **state)
{
    (void)state;
    dir = test_dir_new();
    return dir ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    test_dir_free(dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kernel_asks),
        cmocka_unit_test(the_configuration_asks),
        cmocka_unit_test(others_do_not_ask),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
