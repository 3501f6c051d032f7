/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/proc/adopt: sets that come faster than they can be loaded. These cannot be loaded at all;
 * tests/integration/test_r_reload.c has others. */
#include "gateway/proc/adopt.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    PATIENCE_MS = 20000
};

static int no_files(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void expect_kept(struct gw_adopt *a, int64_t number)
{
    struct gw_termset current = {0};
    struct pollfd p = {.fd = a->done_fd, .events = POLLIN};
    int64_t got = 0;
    assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
    assert_int_equal(gw_adopt_take(a, &current, 0, &got), GW_ADOPT_KEPT);
    assert_int_equal(got, number);
    assert_non_null(strstr(a->err.text, "the copy of the files cannot be used"));
}

static void each_result_has_the_number_of_its_set(void **state)
{
    static const struct gw_config config;
    struct gw_adopt a;
    (void)state;
    assert_int_equal(gw_adopt_init(&a, &config, NULL), 0);
    int replaced = no_files();
    gw_adopt_begin(&a, no_files(), 7);
    gw_adopt_begin(&a, replaced, 8);
    gw_adopt_begin(&a, no_files(), 9);
    assert_int_equal(fcntl(replaced, F_GETFD), -1);
    expect_kept(&a, 7);
    expect_kept(&a, 9);
    gw_adopt_begin(&a, no_files(), 10);
    expect_kept(&a, 10);
    gw_adopt_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_result_has_the_number_of_its_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
