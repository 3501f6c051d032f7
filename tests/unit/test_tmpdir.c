/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/base/tmpdir: $TMPDIR is heeded where it can be used, and only there. */
#include "tests/support/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void expect(const char *tmpdir, const char *want)
{
    assert_int_equal(setenv("TMPDIR", tmpdir, 1), 0);
    assert_string_equal(gw_tmpdir(), want);
}

static void folders_that_can_be_used(void **state)
{
    char folder[FOLDER_MAX], spaced[FOLDER_MAX + 8];
    (void)state;
    assert_int_equal(unsetenv("TMPDIR"), 0);
    assert_string_equal(gw_tmpdir(), "/tmp");
    assert_true(folder_make(folder, "tmpdir"));
    expect(folder, "/tmp"); /* it is ours alone */
    assert_int_equal(chmod(folder, 0755), 0);
    expect(folder, folder);
    (void)snprintf(spaced, sizeof(spaced), "%s/a b", folder);
    assert_int_equal(mkdir(spaced, 0755), 0);
    expect(spaced, "/tmp");
    assert_int_equal(rmdir(spaced), 0);
    assert_int_equal(rmdir(folder), 0);
    expect(folder, "/tmp"); /* it is not there any more */
}

static void names_that_cannot(void **state)
{
    char path[2 * GW_TMPDIR_MAX + 1] = "";
    (void)state;
    expect("", "/tmp");
    expect(".", "/tmp");
    expect("/dev/null", "/tmp");
    for (size_t len = 1; len < sizeof(path); len++) { /* "////…" is there, however long */
        path[len - 1] = '/';
        expect(path, len < GW_TMPDIR_MAX ? path : "/tmp");
    }
}

static void a_folder_of_its_own(void **state)
{
    char folder[FOLDER_MAX], again[FOLDER_MAX];
    (void)state;
    assert_int_equal(setenv("TMPDIR", "/tmp/../tmp/../tmp/../tmp/../tmp/../tmp/../tmp", 1), 0);
    assert_true(folder_make(folder, "twelve-bytes"));
    assert_true(folder_make(again, "twelve-bytes"));
    assert_string_not_equal(folder, again);
    assert_int_equal(strncmp(folder, gw_tmpdir(), strlen(gw_tmpdir())), 0);
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(rmdir(again), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders_that_can_be_used),
        cmocka_unit_test(names_that_cannot),
        cmocka_unit_test(a_folder_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
