/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/base/wipe: secrets go, and their pages stay out of core dumps. */
#include "gateway/base/wipe.h"

#include "gateway/base/compat.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/skip.h"

static void overwrites(void **state)
{
    (void)state;
    static const uint8_t zeroes[32];
    struct {
        uint8_t before;
        uint8_t key[32];
        uint8_t after;
    } s;
    memset(&s, 0xa5, sizeof(s));
    gw_wipe_object(&s.key);
    assert_memory_equal(s.key, zeroes, sizeof(zeroes));
    assert_int_equal(s.before, 0xa5);
    assert_int_equal(s.after, 0xa5);
    gw_wipe(NULL, 0);
    gw_wipe(&s.before, 0);
    assert_int_equal(s.before, 0xa5);
}

/* The line "VmFlags:" of the mapping that holds p; false when it was not found. */
static bool flags_of(const void *p, char *line, size_t size)
{
    FILE *f = fopen("/proc/self/smaps", "re");
    bool inside = false;
    bool found = false;
    while (f && !found && fgets(line, (int)size, f)) {
        uintptr_t from;
        uintptr_t to;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &from, &to) == 2)
            inside = (uintptr_t)p >= from && (uintptr_t)p < to;
        found = inside && strncmp(line, "VmFlags:", 8) == 0;
    }
    if (f)
        (void)fclose(f);
    return found;
}

static void check_pages(uint8_t *p, size_t len)
{
    char flags[256];
    assert_non_null(p);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(p[i], 0);
    p[len - 1] = 1;
    assert_true(flags_of(p, flags, sizeof(flags)));
    assert_non_null(strstr(flags, " dd")); /* MADV_DONTDUMP */
}

static void pages_stay_out_of_dumps(void **state)
{
    (void)state;
    uint8_t *p = gw_wipe_pages_new(5000);
    check_pages(p, 5000);
    gw_wipe_pages_free(p, 5000);
    gw_wipe_pages_free(NULL, 5000);
    assert_null(gw_wipe_pages_new(SIZE_MAX / 2));
}

static void shared_pages_cross_fork(void **state)
{
    (void)state;
    int status;
    uint8_t *p = gw_wipe_shared_new(64);
    check_pages(p, 64);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        p[0] = 42;
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(p[0], 42);
    gw_wipe_pages_free(p, 64);
}

/* Only a child forbids itself: the test itself may be looked at. */
static void process_leaves_no_dump(void **state)
{
    (void)state;
    if (GW_WITH_ASAN)
        skip_with("the address sanitizer must be able to look at the process");
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit core = {1, 1};
        gw_wipe_forbid_dumps();
        bool none = !getrlimit(RLIMIT_CORE, &core) && core.rlim_max == 0;
        _exit(none && prctl(PR_GET_DUMPABLE) == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overwrites),
        cmocka_unit_test(pages_stay_out_of_dumps),
        cmocka_unit_test(shared_pages_cross_fork),
        cmocka_unit_test(process_leaves_no_dump),
    };
    return cmocka_run_group_tests_name("wipe", tests, NULL, NULL);
}
