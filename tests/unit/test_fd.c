/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/base/fd: a descriptor is closed once, and the limit of open files goes up. */
#include "gateway/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

static int is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void closes_once_and_keeps_errno(void **state)
{
    (void)state;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int number = fd;
    assert_true(is_open(number));
    errno = EXDEV;
    gw_fd_close(&fd);
    assert_int_equal(fd, -1);
    assert_false(is_open(number));
    errno = EXDEV;
    gw_fd_close(&fd); /* none: nothing to do or report */
    assert_int_equal(errno, EXDEV);
    fd = number; /* no longer open: the error is not ours to report */
    gw_fd_close(&fd);
    assert_int_equal(errno, EXDEV);
}

static int number_of_a_scope(void)
{
    gw_auto_fd fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return is_open(fd) ? fd : -1;
}

static void scope_closes(void **state)
{
    (void)state;
    int number = number_of_a_scope();
    assert_true(number >= 0);
    assert_false(is_open(number));
}

static void limit_is_raised(void **state)
{
    (void)state;
    struct rlimit lim;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &lim), 0);
    struct rlimit low = {.rlim_cur = 64, .rlim_max = lim.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    assert_true(gw_fd_raise_limit() == lim.rlim_max);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &low), 0);
    assert_true(low.rlim_cur == lim.rlim_max);
    assert_true(gw_fd_raise_limit() == lim.rlim_max);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &lim), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closes_once_and_keeps_errno),
        cmocka_unit_test(scope_closes),
        cmocka_unit_test(limit_is_raised),
    };
    return cmocka_run_group_tests_name("fd", tests, NULL, NULL);
}
