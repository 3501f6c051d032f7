/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/base/files: what is read once stays as it was, here and behind a sealed descriptor. */
#include "gateway/base/files.h"

#include "gateway/base/fd.h"
#include "tests/unit/certs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "gateway/base/attr.h"
#include "gateway/base/compat.h"
#include "tests/support/skip.h"

enum {
    MAX = 1 << 20,
    BIG = 100000
};

static struct test_dir *dir;

static const char *put(const char *name, const void *data, size_t len)
{
    return test_dir_file(dir, name, data, len);
}

static void holds(struct gw_files *files, const char *path, const char *text)
{
    struct gw_file f;
    assert_int_equal(gw_files_read(files, path, MAX, &f), 0);
    assert_int_equal(f.len, strlen(text));
    assert_string_equal((const char *)f.data, text);
}

static struct gw_files *copy_of(struct gw_files *files)
{
    struct gw_files *copy = NULL;
    gw_auto_fd fd = gw_files_seal(files);
    assert_return_code(fd, -fd);
    assert_int_equal(gw_files_open(&copy, fd), 0);
    return copy;
}

static void a_file_is_read_once(void **state)
{
    struct gw_files *files = gw_files_new();
    struct gw_file f;
    (void)state;
    const char *path = put("once", "first", 5);
    assert_return_code(chmod(path, 0640), errno);
    assert_int_equal(gw_files_read(files, path, MAX, &f), 0);
    assert_int_equal(f.mode, 0640);
    (void)put("once", "second", 6);
    holds(files, path, "first");
    const char *none = put("none", "", 0);
    holds(files, none, "");
    assert_return_code(unlink(none), errno);
    assert_return_code(unlink(path), errno);
    assert_int_equal(gw_files_read(files, "/nonexistent/file", MAX, &f), -ENOENT);
    gw_files_free(files);
}

static void limits_hold(void **state)
{
    static uint8_t data[BIG];
    struct gw_files *files = gw_files_new();
    struct gw_file f;
    (void)state;
    for (size_t i = 0; i < BIG; i++)
        data[i] = (uint8_t)(i * 31 >> 3);
    const char *path = put("big", data, BIG);
    assert_int_equal(gw_files_read(files, path, BIG, &f), 0);
    assert_int_equal(f.len, BIG);
    assert_memory_equal(f.data, data, BIG);
    assert_int_equal(gw_files_read(files, path, BIG - 1, &f), -EFBIG);
    gw_files_free(files);
    files = gw_files_new();
    assert_int_equal(gw_files_read(files, path, BIG - 1, &f), -EFBIG);
    assert_int_equal(gw_files_read(files, "/", MAX, &f), -EISDIR);
    gw_files_free(files);
    assert_return_code(unlink(path), errno);
}

/* A silent writer is waited for only a limited time; data that comes in parts is waited for. */
static void a_pipe_holds_nobody_up(void **state)
{
    struct gw_files *files = gw_files_new();
    char path[256];
    int ends[2];
    (void)state;
    (void)snprintf(path, sizeof(path), "%s/fifo", test_dir_path(dir));
    assert_return_code(mkfifo(path, 0600), errno);
    holds(files, path, "");
    assert_return_code(unlink(path), errno);
    assert_return_code(pipe(ends), errno);
    pid_t child = fork();
    assert_return_code(child, errno);
    if (child == 0) {
        for (int i = 0; i < 2; i++) {
            (void)poll(NULL, 0, 50);
            (void)!write(ends[1], "part", 4);
        }
        _exit(0);
    }
    (void)close(ends[1]);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
    holds(files, path, "partpart");
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    gw_files_free(files);
}

static void a_folder_is_listed_in_order(void **state)
{
    struct gw_files *files = gw_files_new();
    struct gw_file f;
    char path[256], inner[300];
    (void)state;
    (void)snprintf(path, sizeof(path), "%s/folder", test_dir_path(dir));
    assert_return_code(mkdir(path, 0700), errno);
    for (int i = 0; i < 3; i++) {
        (void)snprintf(inner, sizeof(inner), "%s/%s", path, &"b\0a\0.h"[2 * i]);
        assert_return_code(close(open(inner, O_CREAT | O_WRONLY, 0600)), errno);
    }
    assert_int_equal(gw_files_list(files, path, &f), 0);
    assert_int_equal(f.len, 4);
    assert_memory_equal(f.data, "a\0b", 4);
    struct gw_files *copy = copy_of(files);
    for (int i = 0; i < 3; i++) {
        (void)snprintf(inner, sizeof(inner), "%s/%s", path, &"b\0a\0.h"[2 * i]);
        assert_return_code(unlink(inner), errno);
    }
    assert_return_code(rmdir(path), errno);
    assert_int_equal(gw_files_list(copy, path, &f), 0);
    assert_memory_equal(f.data, "a\0b", 4);
    gw_files_free(copy);
    gw_files_free(files);
}

/* The other side sees what this one saw, failures too, and nothing else. */
static void a_sealed_set_is_the_same(void **state)
{
    struct gw_files *files = gw_files_new();
    struct gw_file f;
    (void)state;
    const char *a = put("a", "alpha", 5);
    const char *b = put("b", "", 0);
    holds(files, a, "alpha");
    holds(files, b, "");
    assert_int_equal(gw_files_read(files, "/nonexistent/file", MAX, &f), -ENOENT);
    struct gw_files *copy = copy_of(files);
    gw_files_free(files);
    assert_return_code(unlink(a), errno);
    assert_return_code(unlink(b), errno);
    holds(copy, a, "alpha");
    holds(copy, b, "");
    assert_int_equal(gw_files_read(copy, "/nonexistent/file", MAX, &f), -ENOENT);
    assert_int_equal(gw_files_read(copy, "/etc/hostname", MAX, &f), -ESTALE);
    assert_int_equal(gw_files_list(copy, "/", &f), -ESTALE);
    gw_files_free(copy);
}

/* What was read as it is in force goes along, and is in force for the next set, too. */
static void what_is_in_force_is_remembered(void **state)
{
    struct gw_files *sets[3] = {gw_files_new()};
    struct gw_file f;
    (void)state;
    const char *path = put("changes", "first", 5);
    holds(sets[0], path, "first");
    assert_null(gw_files_before(sets[0], ""));
    for (int i = 1; i < 3; i++) {
        (void)put("changes", "second", 6);
        sets[i] = gw_files_new();
        assert_int_equal(gw_files_follow(sets[i], sets[i - 1]), 0);
        holds(sets[i], path, "second");
        holds(gw_files_before(sets[i], ""), path, "first");
        assert_int_equal(gw_files_read(gw_files_before(sets[i], ""), "/etc/hostname", MAX, &f),
                         -ENOENT);
        assert_int_equal(gw_files_follow(sets[i], NULL), 0);
        assert_int_equal(gw_files_read(gw_files_before(sets[i], ""), "/etc/passwd", MAX, &f),
                         -ESTALE);
    }
    assert_false(gw_files_equal(sets[1], sets[0]));
    assert_false(gw_files_equal(sets[0], sets[1]));
    assert_true(gw_files_equal(sets[1], sets[2]));
    struct gw_files *copy = copy_of(sets[2]);
    holds(copy, path, "second");
    holds(gw_files_before(copy, ""), path, "first");
    assert_int_equal(gw_files_read(gw_files_before(copy, ""), "/etc/passwd", MAX, &f), -ESTALE);
    assert_true(gw_files_equal(copy, sets[2]));
    gw_files_free(copy);
    for (int i = 0; i < 3; i++)
        gw_files_free(sets[i]);
}

/* Of what somebody has fallen back on, others may have what came later. */
static void what_is_in_force_is_each_ones_own(void **state)
{
    struct gw_files *sets[3] = {gw_files_new()};
    (void)state;
    const char *path = put("shared", "first", 5);
    holds(sets[0], path, "first");
    for (int i = 1; i < 3; i++) {
        (void)put("shared", i == 1 ? "second" : "third", i == 1 ? 6 : 5);
        sets[i] = gw_files_new();
        assert_int_equal(gw_files_follow(sets[i], sets[i - 1]), 0);
        holds(sets[i], path, i == 1 ? "second" : "third");
        holds(gw_files_before(sets[i], "one"), path, "first");
        if (i == 2)
            holds(gw_files_before(sets[i], "another"), path, "second");
        assert_int_equal(gw_files_follow(sets[i], NULL), 0);
    }
    struct gw_files *copy = copy_of(sets[2]);
    holds(copy, path, "third");
    holds(gw_files_before(copy, "one"), path, "first");
    holds(gw_files_before(copy, "another"), path, "second");
    assert_true(gw_files_equal(copy, sets[2]));
    gw_files_free(copy);
    for (int i = 0; i < 3; i++)
        gw_files_free(sets[i]);
}

static void notes_are_kept_with_the_files(void **state)
{
    struct gw_files *a = gw_files_new();
    struct gw_files *b = gw_files_new();
    (void)state;
    gw_notes_add(gw_files_notes(a), "%s", "one");
    gw_notes_add(gw_files_notes(a), "%s", "one");
    assert_int_equal(gw_files_notes(a)->count, 1);
    assert_false(gw_files_equal(a, b));
    assert_int_equal(gw_files_follow(b, a), 0);
    gw_notes_add(gw_files_notes(gw_files_before(b, "")), "%s", "one"); /* the same notes */
    assert_int_equal(gw_files_follow(b, NULL), 0);
    assert_true(gw_files_equal(a, b));
    for (int i = 0; i < GW_NOTES_MAX + 3; i++)
        gw_notes_add(gw_files_notes(a), "number %d", i);
    assert_int_equal(gw_files_notes(a)->count, GW_NOTES_MAX);
    assert_int_equal(gw_files_notes(a)->more, 4);
    gw_files_free(b);
    gw_files_free(a);
}

static void a_sealed_set_cannot_be_changed(void **state)
{
    struct gw_files *files = gw_files_new();
    (void)state;
    gw_auto_fd fd = gw_files_seal(files);
    assert_return_code(fd, -fd);
    assert_int_equal(write(fd, "x", 1), -1);
    assert_int_equal(errno, EPERM);
    gw_files_free(files);
}

static void refused(const void *data, size_t len, bool sealed)
{
    struct gw_files *files = NULL;
    gw_auto_fd fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(write(fd, data, len), len);
    if (sealed)
        assert_return_code(
            fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE),
            errno);
    assert_int_equal(gw_files_open(&files, fd), -EPROTO);
    assert_null(files);
}

/* Every cut of a good one, and every byte of its head changed to what it cannot be. */
static void damage_is_seen(void **state)
{
    struct gw_files *files = gw_files_new();
    uint8_t good[256];
    (void)state;
    const char *path = put("x", "data", 4);
    holds(files, path, "data");
    gw_auto_fd fd = gw_files_seal(files);
    ssize_t len = pread(fd, good, sizeof(good), 0);
    assert_in_range(len, 30, sizeof(good) - 1);
    for (size_t cut = 0; cut < (size_t)len; cut++)
        if (cut != sizeof(int64_t)) /* the time of an empty set */
            refused(good, cut, true);
    refused(good, (size_t)len, false);
    for (size_t at = 24; at < 40; at++) { /* the lengths of path, owner and data */
        good[at] ^= 0x80;
        refused(good, (size_t)len, true);
        good[at] ^= 0x80;
    }
    gw_files_free(files);
    assert_return_code(unlink(path), errno);
}

/* How often bytes stand in memory that can be written to, but for the stack. */
static unsigned count_in_memory(const uint8_t *bytes, size_t len)
{
    static uint8_t piece[1 << 20];
    unsigned count = 0;
    char line[512];
    gw_auto_fd mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    FILE *maps = fopen("/proc/self/maps", "re");
    assert_return_code(mem, errno);
    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps)) {
        unsigned long from, to;
        char can[5];
        if (sscanf(line, "%lx-%lx %4s", &from, &to, can) != 3 || can[1] != 'w' ||
            strstr(line, "[stack]") || (from <= (unsigned long)piece && (unsigned long)piece < to))
            continue;
        for (; from < to; from += GW_MIN(to - from, sizeof(piece) - len + 1)) {
            ssize_t n = pread(mem, piece, GW_MIN(to - from, sizeof(piece)), (off_t)from);
            for (const uint8_t *at = piece; n > 0 && at; count += at != NULL) {
                at = memmem(at, (size_t)(piece + n - at), bytes, len);
                at += at ? 1 : 0;
            }
        }
    }
    (void)fclose(maps);
    return count;
}

/* A key may be anywhere in a file, whose copy grows as it is read. */
static void what_is_moved_stays_nowhere(void **state)
{
    enum {
        LEN = 32,
        AT = 5000
    };
    uint8_t secret[LEN];
    static uint8_t data[BIG];
    struct gw_file f;
    (void)state;
    if (GW_WITH_ASAN)
        skip_with("what the sanitizer keeps of freed memory is not ours");
    for (unsigned i = 0; i < LEN; i++)
        secret[i] = data[AT + i] = (uint8_t)(i * 41 + 200);
    const char *path = put("moved", data, BIG);
    memset(data, 0, sizeof(data));
    struct gw_files *files = gw_files_new();
    unsigned before = count_in_memory(secret, LEN);
    assert_int_equal(gw_files_read(files, path, MAX, &f), 0);
    assert_memory_equal(f.data + AT, secret, LEN);
    assert_int_equal(count_in_memory(secret, LEN), before + 1);
    gw_files_free(files);
    assert_int_equal(count_in_memory(secret, LEN), before);
    assert_return_code(unlink(path), errno);
}

static int set_up(void **state)
{
    (void)state;
    dir = test_dir_new();
    return 0;
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
        cmocka_unit_test(a_file_is_read_once),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(a_pipe_holds_nobody_up),
        cmocka_unit_test(a_folder_is_listed_in_order),
        cmocka_unit_test(a_sealed_set_is_the_same),
        cmocka_unit_test(what_is_in_force_is_remembered),
        cmocka_unit_test(what_is_in_force_is_each_ones_own),
        cmocka_unit_test(notes_are_kept_with_the_files),
        cmocka_unit_test(a_sealed_set_cannot_be_changed),
        cmocka_unit_test(damage_is_seen),
        cmocka_unit_test(what_is_moved_stays_nowhere),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
