/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/proc/opener and named: a process that has lost its rights gets the files that were named
 * to the gateway, and no others, whatever it says. */
#include "gateway/proc/opener.h"

#include "gateway/base/fd.h"
#include "gateway/base/log.h"
#include "gateway/base/passage.h"
#include "gateway/proc/named.h"
#include "gateway/proc/privilege.h"
#include "tests/unit/certs.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/skip.h"

enum {
    NOBODY = 65534,
    MAX = 1 << 16,
    HEAD = 8, /* of a question, before the path */
};

/* ---- names ---- */

static void what_is_named_counts(void **state)
{
    static char text[] = "cert = /etc/a/web.pem\n"
                         "key=\"/etc/a/web key.pem\" cert-dir = {'/srv/live',/srv/more }\n"
                         "# cacert = /etc/shadow\n"
                         "crl = /etc/crl.pem # and /etc/gshadow\n"
                         "ca-names = 'x#1.pem' ocsp = /etc/o.der # 'not' /etc/group\n"
                         "cert = \"/c\\\"#\" key = '/etc/a#b' # don't /etc/sudoers\n"
                         "pidfile = /run/x.pid";
    static char cacert[] = "--cacert", ca[] = "/typed/ca.pem", crl[] = "--crl=./crls";
    static char *argv[] = {cacert, ca, crl};
    static const struct {
        const char *path;
        bool named;
    } rows[] = {
        {"/typed/ca.pem", true},
        {"./crls", true},
        {"./crls/a.crl", true},
        {"--cacert", true}, /* a word like others */
        {"/etc/a/web.pem", true},
        {"/etc/a/web.pem.ocsp", true},
        {"/etc/a/web key.pem", true},
        {"/srv/live", true},
        {"/srv/live/web.example", true},
        {"/srv/live/web.example/privkey.pem", true},
        {"/srv/live//x", true},
        {"/srv/more/..x/y..", true},
        {"/run/x.pid", true},
        {"/etc/crl.pem", true},
        {"", false},
        {"/", false},
        {"/etc", false},
        {"/etc/a", false},
        {"/etc/a/other.pem", false},
        {"/etc/a/web.pe", false},
        {"/etc/a/web.pemx", false},
        {"web.pem", false},
        {"key.pem", true}, /* of a quoted one, and harmless */
        {".ocsp", false},
        {"/srv", false},
        {"/srv/live/../../etc/shadow", false},
        {"/srv/live/..", false},
        {"/srv/livelier/x", false},
        {"/typed/ca.pem/../../etc/shadow", false},
        {"/typed", false},
        {"/etc/shadow", false},
        {"/etc/gshadow", false},
        {"x#1.pem", true},
        {"/etc/o.der", true},
        {"/etc/group", false},
        {"/etc/a#b", true},
        {"/etc/sudoers", false},
        {"/etc/crl.pem.ocsp", true},
        {"/etc/crl.pem.oscp", false},
    };
    const struct gw_config config = {.argc = 3, .argv = argv};
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++)
        if (gw_named(&config, text, strlen(text), rows[i].path) != rows[i].named)
            fail_msg("'%s' is %snamed", rows[i].path, rows[i].named ? "not " : "");
    assert_false(gw_named(&config, NULL, 0, "/etc/a/web.pem"));
    assert_true(gw_named(&config, NULL, 0, "/typed/ca.pem"));
    assert_false(gw_named(&config, text, 8, "/etc/a/web.pem"));
}

/* ---- the process ---- */

static struct test_dir *dir;
static struct gw_opener opener = {.fd = -1};
static struct gw_config config;
static const char *key, *other, *folder, *member, *file;
static char key_flag[] = "--key", cacert_flag[] = "--cacert", config_flag[] = "--config";
static char *words[] = {key_flag, NULL, cacert_flag, NULL, config_flag, NULL};

static void put(const char **ret, const char *name, const char *text)
{
    *ret = test_dir_file(dir, name, text, strlen(text));
}

static char *word(const char *text)
{
    return (char *)(uintptr_t)text;
}

static int set_up(void **state)
{
    struct gw_error err;
    (void)state;
    dir = test_dir_new();
    folder = test_dir_folder(dir, "folder");
    put(&key, "key.pem", "a key");
    put(&other, "other.pem", "another");
    put(&member, "folder/ca.pem", "a CA");
    put(&file, "config", "nothing = yet\n");
    words[1] = word(key);
    words[3] = word(folder);
    words[5] = word(file);
    config = (struct gw_config){.user = "nobody",
                                .uid = NOBODY,
                                .gid = NOBODY,
                                .argc = 6,
                                .argv = words,
                                .config_file = file};
    return gw_opener_start(&opener, &config, &err);
}

static int tear_down(void **state)
{
    (void)state;
    gw_opener_stop(&opener);
    int gone = opener.pid ? waitpid(opener.pid, NULL, 0) : 0;
    assert_int_equal(gone, opener.pid);
    opener.pid = 0;
    test_dir_free(dir);
    return 0;
}

static void needs_root(void)
{
    if (!opener.pid)
        skip_with("only root has rights to give up");
}

/* What somebody without rights gets of it. */
static int asked(const char *path, struct gw_file *ret, struct gw_files **ret_files)
{
    static struct gw_opener_asker asker;
    asker.fd = opener.fd;
    asker.config_file = config.config_file;
    *ret_files = gw_files_new_by(gw_opener_ask, &asker);
    assert_return_code(seteuid(NOBODY), errno);
    int r = gw_files_read(*ret_files, path, MAX, ret);
    assert_return_code(seteuid(0), errno);
    return r;
}

static void gets(const char *path, const char *text)
{
    struct gw_file got;
    struct gw_files *files;
    assert_int_equal(asked(path, &got, &files), 0);
    assert_string_equal((const char *)got.data, text);
    gw_files_free(files);
}

static void fails(const char *path, int error)
{
    struct gw_file got;
    struct gw_files *files;
    assert_int_equal(asked(path, &got, &files), error);
    gw_files_free(files);
}

static void lists(const char *path, const char *name)
{
    struct gw_file got;
    struct gw_opener_asker asker = {.fd = opener.fd};
    struct gw_files *files = gw_files_new_by(gw_opener_ask, &asker);
    assert_return_code(seteuid(NOBODY), errno);
    int r = gw_files_list(files, path, &got);
    assert_return_code(seteuid(0), errno);
    assert_int_equal(r, 0);
    assert_string_equal((const char *)got.data, name);
    assert_int_equal(got.len, strlen(name) + 1);
    gw_files_free(files);
}

static void what_was_named_is_opened_and_nothing_else(void **state)
{
    char none[300];
    (void)state;
    needs_root();
    gets(key, "a key");
    lists(folder, "ca.pem");
    gets(member, "a CA");
    fails(other, -EACCES);
    fails(test_dir_path(dir), -EACCES);
    fails("/etc/shadow", -EACCES);
    (void)snprintf(none, sizeof(none), "%s/none.pem", folder);
    fails(none, -ENOENT);
    (void)snprintf(none, sizeof(none), "%s/../other.pem", folder);
    fails(none, -EACCES);
}

/* What the configuration file names since it was read last. */
static void the_file_is_read_anew(void **state)
{
    char text[512];
    (void)state;
    needs_root();
    gets(file, "nothing = yet\n");
    fails(other, -EACCES);
    (void)snprintf(text, sizeof(text), "cert = \"%s\"\n", other);
    put(&file, "config", text);
    fails(other, -EACCES);
    gets(file, text);
    gets(other, "another");
    put(&file, "config", "nothing = more\n");
    gets(file, "nothing = more\n");
    fails(other, -EACCES);
}

/* What everybody may read is not opened by the opener, which must know it nevertheless. */
static void a_file_that_all_may_read_is_read_anew(void **state)
{
    char text[512];
    (void)state;
    needs_root();
    assert_return_code(chmod(test_dir_path(dir), 0755), errno);
    assert_return_code(chmod(file, 0644), errno);
    assert_return_code(chmod(other, 0600), errno);
    gets(file, "nothing = yet\n");
    fails(other, -EACCES);
    (void)snprintf(text, sizeof(text), "cert = \"%s\"\n", other);
    put(&file, "config", text);
    assert_return_code(chmod(file, 0644), errno);
    gets(file, text);
    gets(other, "another");
}

static void says(const void *data, size_t len)
{
    assert_int_equal(gw_passage_send(opener.fd, data, len, -1), 0);
}

static void garbage_ends_nothing(void **state)
{
    static char junk[2 * GW_FILES_PATH_MAX];
    char question[HEAD + 300];
    size_t len = strlen(key) + 1;
    (void)state;
    needs_root();
    memset(junk, 'x', sizeof(junk));
    memset(question, 'x', HEAD);
    memcpy(question + HEAD, key, len);
    says("", 0);
    says(junk, 1);
    says(junk, HEAD);
    says(junk, HEAD + 1);
    says(junk, HEAD + GW_FILES_PATH_MAX); /* no NUL */
    says(junk, sizeof(junk));
    says(question, HEAD + len - 1);
    says(question, HEAD + len + 1); /* a NUL amid */
    says("", 0);
    int passed = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(gw_passage_send(opener.fd, junk, sizeof(junk), passed), 0);
    (void)close(passed);
    /* None of these has an answer; that of a question which nobody waits for is passed over. */
    says(question, HEAD + len);
    gets(key, "a key");
    fails(other, -EACCES);
}

/* Answers that do not fit into the socket are lost, and later ones are not. */
static void who_takes_no_answers_blocks_nothing(void **state)
{
    char question[HEAD + 300] = {0};
    size_t len = HEAD + strlen(key) + 1;
    char answer[64];
    int fd;
    (void)state;
    needs_root();
    memcpy(question + HEAD, key, len - HEAD);
    for (int i = 0; i < 2000; i++) {
        if (gw_passage_send(opener.fd, question, len, -1) == -EAGAIN)
            (void)poll(NULL, 0, 1);
    }
    (void)poll(NULL, 0, 50);
    while (gw_passage_receive(opener.fd, answer, sizeof(answer), &fd) > 0)
        gw_fd_close(&fd);
    gets(key, "a key");
}

/* The row of /proc/PID/status, behind its colon. */
static void row_of(pid_t pid, const char *row, char ret[256])
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(ret, 256, f) && (strncmp(ret, row, strlen(row)) != 0 || ret[strlen(row)] != ':'))
        ;
    (void)fclose(f);
    memmove(ret, ret + strlen(row) + 1, strlen(ret + strlen(row) + 1) + 1);
    ret[strcspn(ret, "\n")] = '\0';
}

static void it_keeps_one_right(void **state)
{
    static const struct {
        const char *row, *value;
    } rows[] = {
        {"Uid", "\t65534\t65534\t65534\t65534"}, {"Gid", "\t65534\t65534\t65534\t65534"},
        {"CapPrm", "\t0000000000000004"}, /* CAP_DAC_READ_SEARCH */
        {"CapEff", "\t0000000000000004"},        {"CapInh", "\t0000000000000000"},
        {"CapAmb", "\t0000000000000000"},        {"NoNewPrivs", "\t1"},
    };
    char value[256];
    (void)state;
    needs_root();
    gets(key, "a key"); /* so it has come so far */
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        row_of(opener.pid, rows[i].row, value);
        assert_string_equal(value, rows[i].value);
    }
}

/* As a service manager starts a program of another user: with rights that outlive exec. */
static void become_nobody_with(uint32_t rights)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = {
        {.permitted = rights, .effective = rights, .inheritable = rights}};
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) || setgroups(0, NULL) ||
        setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY) ||
        syscall(SYS_capset, &head, caps))
        _exit(1);
    for (unsigned i = 0; i < 32; i++)
        if (rights & UINT32_C(1) << i && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0))
            _exit(2);
}

/* Without --user too: what was needed for the ports is not needed any more. */
static void what_a_service_manager_gave_is_given_up(void **state)
{
    static const char *const rows[] = {"CapPrm", "CapEff", "CapInh", "CapAmb"};
    static int (*const drops[])(const struct gw_config *,
                                struct gw_error *) = {gw_privilege_drop, gw_privilege_keep_reading};
    static const char *const left[] = {"\t0000000000000000", "\t0000000000000004"};
    (void)state;
    needs_root();
    for (size_t i = 0; i < GW_ARRAY_SIZE(drops); i++) {
        const struct gw_config none = {.user = NULL};
        struct gw_error err;
        char value[256];
        int status = -1;
        pid_t pid = fork();
        if (pid == 0) {
            become_nobody_with(1 << CAP_NET_BIND_SERVICE | 1 << CAP_DAC_READ_SEARCH);
            if (drops[i](&none, &err))
                _exit(3);
            for (size_t k = 0; k < GW_ARRAY_SIZE(rows); k++) {
                row_of(getpid(), rows[k], value);
                if (strcmp(value, left[k < 2 ? i : 0]) != 0)
                    _exit(4 + (int)k);
            }
            _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
    }
}

static void without_it_own_rights_hold(void **state)
{
    (void)state;
    needs_root();
    assert_return_code(kill(opener.pid, SIGKILL), errno);
    assert_int_equal(waitpid(opener.pid, NULL, 0), opener.pid);
    fails(key, -EACCES);
    gets("/dev/null", "");
    opener.pid = 0;
}

static void who_keeps_his_rights_needs_none(void **state)
{
    struct gw_opener none = {.pid = 1};
    const struct gw_config root = {.user = geteuid() ? NULL : "root"};
    struct gw_error err;
    (void)state;
    assert_int_equal(gw_opener_start(&none, &root, &err), 0);
    if (!geteuid()) {
        assert_int_equal(none.pid, 0);
        assert_int_equal(none.fd, -1);
    }
    gw_opener_stop(&none);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_named_counts),
        TEST(what_was_named_is_opened_and_nothing_else),
        TEST(the_file_is_read_anew),
        TEST(a_file_that_all_may_read_is_read_anew),
        TEST(garbage_ends_nothing),
        TEST(who_takes_no_answers_blocks_nothing),
        TEST(it_keeps_one_right),
        TEST(what_a_service_manager_gave_is_given_up),
        TEST(without_it_own_rights_hold),
        TEST(who_keeps_his_rights_needs_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
