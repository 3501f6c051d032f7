/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/proc/pidfile, on a real folder. */
#include "gateway/proc/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/folder.h"
#include "tests/support/skip.h"

static int make_folder(void **state)
{
    static char folder[FOLDER_MAX];
    *state = folder;
    return folder_make(folder, "pidfile") ? 0 : -1;
}

static int remove_folder(void **state)
{
    return rmdir(*state); /* fails when something was left behind */
}

static void the_pidfile_is_whole_and_goes_away(void **state)
{
    const char *folder = *state;
    struct gw_pidfile p;
    struct gw_error err;
    char path[FOLDER_MAX + 32], text[32] = "", want[32];
    (void)snprintf(path, sizeof(path), "%s/pid", folder);
    FILE *old = fopen(path, "we");
    assert_non_null(old);
    (void)fputs("99999999 something old and longer\n", old);
    (void)fclose(old);

    assert_int_equal(gw_pidfile_write(&p, path, &err), 0);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
    (void)fclose(file);
    (void)snprintf(want, sizeof(want), "%d\n", (int)getpid());
    assert_string_equal(text, want);
    gw_pidfile_done(&p);
    assert_int_equal(access(path, F_OK), -1);

    (void)snprintf(path, sizeof(path), "%s/none/pid", folder);
    assert_int_equal(gw_pidfile_write(&p, path, &err), -EIO);
    assert_int_equal(err.exit, GW_EXIT_START);
    assert_non_null(strstr(err.text, "--pidfile "));
    gw_pidfile_done(&p);
}

static void a_pidfile_of_somebody_else_stays(void **state)
{
    const char *folder = *state;
    struct gw_pidfile ours, theirs;
    char path[FOLDER_MAX + 32];
    (void)snprintf(path, sizeof(path), "%s/pid", folder);
    assert_int_equal(gw_pidfile_write(&ours, path, NULL), 0);
    assert_int_equal(gw_pidfile_write(&theirs, path, NULL), 0);
    gw_pidfile_done(&ours);
    assert_int_equal(access(path, F_OK), 0);
    gw_pidfile_done(&theirs);
    assert_int_equal(access(path, F_OK), -1);
}

/* As long as the process with the file neither ends nor gives it free. */
static void a_pidfile_in_use_is_refused(void **state)
{
    const char *folder = *state;
    struct gw_pidfile p;
    struct gw_error err;
    char path[FOLDER_MAX + 32], byte, number[16];
    int ready[2], go[2], status = -1;
    (void)snprintf(path, sizeof(path), "%s/pid", folder);
    assert_int_equal(pipe(ready) + pipe(go), 0);
    for (int unlocks = 0; unlocks < 2; unlocks++) {
        pid_t pid = fork();
        if (!pid) {
            bool fails = gw_pidfile_write(&p, path, NULL) || write(ready[1], "x", 1) != 1 ||
                         read(go[0], &byte, 1) != 1;
            if (unlocks)
                gw_pidfile_unlock(&p);
            _exit(fails || write(ready[1], "x", 1) != 1 || read(go[0], &byte, 1) != 1);
        }
        assert_int_equal(read(ready[0], &byte, 1), 1);
        assert_int_equal(gw_pidfile_write(&p, path, &err), -EIO);
        assert_int_equal(err.exit, GW_EXIT_START);
        (void)snprintf(number, sizeof(number), " %d ", (int)pid);
        assert_non_null(strstr(err.text, number));
        gw_pidfile_done(&p);
        assert_int_equal(access(path, F_OK), 0); /* it is still the other's */
        assert_int_equal(write(go[1], "x", 1), 1);
        assert_int_equal(read(ready[0], &byte, 1), 1);
        if (unlocks)
            assert_int_equal(gw_pidfile_write(&p, path, &err), 0);
        assert_int_equal(write(go[1], "x", 1), 1);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        if (!unlocks) /* it died with the file in place */
            assert_int_equal(gw_pidfile_write(&p, path, &err), 0);
        gw_pidfile_done(&p);
    }
    for (int i = 0; i < 2; i++) {
        (void)close(ready[i]);
        (void)close(go[i]);
    }
}

static void where_it_cannot_be_removed_it_is_emptied(void **state)
{
    const char *folder = *state;
    char path[FOLDER_MAX + 32];
    struct stat st;
    if (geteuid())
        skip_with("only root can become somebody else");
    (void)snprintf(path, sizeof(path), "%s/pid", folder);
    pid_t pid = fork();
    if (!pid) {
        struct gw_pidfile p;
        int r = gw_pidfile_write(&p, path, NULL);
        if (r || setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
            _exit(1);
        gw_pidfile_done(&p);
        _exit(0);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 0);
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        TEST(the_pidfile_is_whole_and_goes_away),
        TEST(a_pidfile_of_somebody_else_stays),
        TEST(a_pidfile_in_use_is_refused),
        TEST(where_it_cannot_be_removed_it_is_emptied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
