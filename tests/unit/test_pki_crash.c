/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CA whose process dies anywhere. Every call that changes the disk is wrapped (see meson.build):
 * a child does one thing with a CA and dies at its n-th such call, for each n until it comes to its
 * end. Then the folder is looked at as the next command finds it. The same wrappers see to it that
 * nothing gets its name, and no command ends, before it was synced: what a power cut may lose.
 */
#include "gateway/base/fd.h"
#include "gateway/pki/issue.h"
#include "gateway/pki/revoke.h"
#include "tests/unit/certs.h"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    DEAD = 99,     /* exit codes of the child: killed as it should */
    UNSYNCED = 98, /* something would be lost in a power cut */
    FAILED = 97,
    DIRTY_MAX = 64,
    POINTS_MAX = 1000,
};

/* ---- the calls ---- */

static int countdown; /* points until the process dies; 0: it does not */
static bool watched;  /* in the child only */
static ino_t dirty[DIRTY_MAX];
static unsigned dirty_count;

static void point(void)
{
    if (countdown && !--countdown)
        _exit(DEAD);
}

static void set_dirty(ino_t ino)
{
    if (!watched)
        return;
    for (unsigned i = 0; i < dirty_count; i++)
        if (dirty[i] == ino)
            return;
    if (dirty_count == DIRTY_MAX)
        _exit(FAILED);
    dirty[dirty_count++] = ino;
}

static void set_clean(ino_t ino)
{
    for (unsigned i = 0; i < dirty_count; i++)
        if (dirty[i] == ino)
            dirty[i--] = dirty[--dirty_count];
}

static void need_clean(ino_t ino)
{
    for (unsigned i = 0; i < dirty_count; i++)
        if (dirty[i] == ino)
            _exit(UNSYNCED);
}

static ino_t ino_of(int at, const char *name)
{
    struct stat st;
    return fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) ? 0 : st.st_ino;
}

static ino_t parent_of(int at, const char *name)
{
    char parent[512];
    const char *slash = strrchr(name, '/');
    (void)snprintf(parent, sizeof(parent), "%.*s", slash ? (int)(slash - name) : 1,
                   slash ? name : ".");
    return ino_of(at, parent);
}

ssize_t __real_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len)
{
    struct stat st;
    point();
    if (countdown == 1)
        (void)!__real_write(fd, data, len / 2); /* it dies in the middle */
    point();
    if (!fstat(fd, &st) && S_ISREG(st.st_mode))
        set_dirty(st.st_ino);
    return __real_write(fd, data, len);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    struct stat st;
    point();
    if (!fstat(fd, &st))
        set_clean(st.st_ino);
    return 0; /* nobody cuts the power here, and the disk is spared */
}

int __real_openat64(int at, const char *name, int flags, ...);
int __wrap_openat64(int at, const char *name, int flags, ...);
int __wrap_openat64(int at, const char *name, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    if (flags & O_CREAT) {
        point();
        set_dirty(parent_of(at, name));
    }
    return __real_openat64(at, name, flags, mode);
}

/* What gets a name must be on the disk with all that is in it. */
static void need_whole(int at, const char *name)
{
    const struct dirent *entry;
    int fd = __real_openat64(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    need_clean(ino_of(at, name));
    while (folder && (entry = readdir(folder)))
        if (entry->d_name[0] != '.')
            need_clean(entry->d_ino);
    if (folder)
        (void)closedir(folder);
}

int __real_renameat(int from_at, const char *from, int to_at, const char *to);
int __wrap_renameat(int from_at, const char *from, int to_at, const char *to);
int __wrap_renameat(int from_at, const char *from, int to_at, const char *to)
{
    point();
    need_whole(from_at, from);
    set_dirty(parent_of(to_at, to));
    return __real_renameat(from_at, from, to_at, to);
}

int __real_mkdirat(int at, const char *name, mode_t mode);
int __wrap_mkdirat(int at, const char *name, mode_t mode);
int __wrap_mkdirat(int at, const char *name, mode_t mode)
{
    point();
    if (strcmp(name, "tmp") != 0) /* nobody minds when that is lost */
        set_dirty(parent_of(at, name));
    return __real_mkdirat(at, name, mode);
}

int __real_mkdir(const char *name, mode_t mode);
int __wrap_mkdir(const char *name, mode_t mode);
int __wrap_mkdir(const char *name, mode_t mode)
{
    point();
    return __real_mkdir(name, mode);
}

int __real_symlinkat(const char *target, int at, const char *name);
int __wrap_symlinkat(const char *target, int at, const char *name);
int __wrap_symlinkat(const char *target, int at, const char *name)
{
    point();
    return __real_symlinkat(target, at, name);
}

int __real_unlinkat(int at, const char *name, int flags);
int __wrap_unlinkat(int at, const char *name, int flags);
int __wrap_unlinkat(int at, const char *name, int flags)
{
    point();
    return __real_unlinkat(at, name, flags);
}

/* ---- a CA to begin with: alice, bob and their CA; carol is revoked ---- */

static struct test_dir *dir;
static char before[256], path[256]; /* the CA as it was, and the copy at work */
static struct gw_error err;
static int64_t now;

static const struct gw_pki_wish wish = {.days = 0};

#define good(call)                                                                                 \
    do {                                                                                           \
        if (call)                                                                                  \
            fail_msg("%s: %s", #call, err.text);                                                   \
    } while (0)

static int issue(struct gw_pki_ca *ca, const char *name)
{
    const struct gw_pki_record *made;
    const struct gw_pki_request request = {.kind = GW_PKI_CLIENT, .name = name};
    return gw_pki_issue(ca, &request, &wish, &made, &err);
}

static int init(struct gw_pki_ca *ca, const char *where)
{
    return gw_pki_ca_init(
        ca, &(struct gw_pki_init){.path = where, .intermediate = true, .now = now}, &err);
}

static int take_back(struct gw_pki_ca *ca, const char *name)
{
    int error =
        gw_pki_revoke(ca, gw_pki_register_by_name(&ca->reg, name), GW_PKI_REASON_SUPERSEDED, &err);
    return error ? error : gw_pki_crl_renew(ca, 0, &err);
}

static int make_first(void **state)
{
    struct gw_pki_ca ca;
    (void)state;
    dir = test_dir_new();
    now = (int64_t)time(NULL);
    (void)snprintf(before, sizeof(before), "%s/before", test_dir_path(dir));
    (void)snprintf(path, sizeof(path), "%s/pki", test_dir_path(dir));
    good(init(&ca, before));
    good(issue(&ca, "alice"));
    good(issue(&ca, "bob"));
    good(issue(&ca, "carol"));
    good(take_back(&ca, "carol"));
    gw_pki_ca_close(&ca);
    return 0;
}

static int remove_all(void **state)
{
    (void)state;
    gw_pki_store_destroy(before);
    gw_pki_store_destroy(path);
    test_dir_free(dir);
    return 0;
}

static void copy_first(void)
{
    char line[1024];
    gw_pki_store_destroy(path);
    (void)snprintf(line, sizeof(line), "cp -a %s %s", before, path);
    assert_int_equal(system(line), 0);
}

/* ---- what must hold ---- */

static struct gw_pki_text file_of(const struct gw_pki_ca *ca, const struct gw_pki_record *r,
                                  const char *file)
{
    struct gw_pki_text text = {.data = NULL};
    char name[GW_PKI_NAME_BYTES];
    (void)snprintf(name, sizeof(name), GW_PKI_ISSUED "/%s/%s", r->serial.text, file);
    good(gw_pki_store_read(&ca->store, name, 65536, &text, NULL, &err));
    assert_true(text.len > 0);
    return text;
}

/* Certificate and key of a folder belong together, and the certificate is the record's. */
static void check_folder(const struct gw_pki_ca *ca, const struct gw_pki_record *r)
{
    static const char *const files[] = {"cert.pem", "chain.pem", "ca.pem", "key.pem", "bundle.p12"};
    struct gw_pki_text texts[GW_ARRAY_SIZE(files)] = {{.data = NULL}};
    struct gw_pki_serial serial;
    X509 *cert = NULL;
    EVP_PKEY *key = NULL;
    for (size_t i = 0; i < (r->replaced ? 3 : GW_ARRAY_SIZE(files)); i++)
        texts[i] = file_of(ca, r, files[i]);
    good(gw_pki_certificate_read(&cert, &texts[0], "cert.pem", ca->library, &err));
    assert_true(gw_pki_serial_of(&serial, X509_get0_serialNumber(cert)));
    assert_string_equal(serial.text, r->serial.text);
    if (!r->replaced) {
        good(gw_pki_key_read(&key, &texts[3], NULL, "key.pem", ca->library, &err));
        assert_int_equal(X509_check_private_key(cert, key), 1);
    }
    EVP_PKEY_free(key);
    X509_free(cert);
    for (size_t i = 0; i < GW_ARRAY_SIZE(files); i++)
        gw_pki_text_done(&texts[i]);
}

/* Before anybody mends: it can be read, every record is whole, and each name that leads anywhere
 * leads to a certificate on record. */
static void check_found(size_t least)
{
    struct gw_pki_ca ca;
    struct gw_pki_names names;
    good(gw_pki_ca_open(&ca, path, GW_PKI_READ, now, &err));
    good(gw_pki_register_whole(&ca.reg, &err));
    assert_true(ca.reg.count >= least);
    for (size_t i = 0; i < ca.reg.count; i++)
        check_folder(&ca, &ca.reg.records[i]);
    good(gw_pki_store_list(&ca.store, GW_PKI_CERTS, &names, &err));
    for (size_t i = 0; i < names.count; i++) {
        char link[GW_PKI_NAME_BYTES], target[GW_PKI_NAME_BYTES] = "";
        (void)snprintf(link, sizeof(link), GW_PKI_CERTS "/%s", names.items[i]);
        assert_true(readlinkat(ca.store.fd, link, target, sizeof(target) - 1) > 0);
        const struct gw_pki_record *r =
            gw_pki_register_by_serial(&ca.reg, strrchr(target, '/') + 1);
        assert_non_null(r);
        assert_string_equal(r->request.name, names.items[i]);
    }
    gw_pki_names_done(&names);
    gw_pki_ca_close(&ca);
}

/* The next command mends it: names lead to the newest, ca.pem and crl.pem say all, tmp/ is empty,
 * and the CA does everything it could do before. */
static void check_mended(void)
{
    struct gw_pki_ca ca;
    struct gw_pki_names names;
    struct gw_pki_crl_status crl;
    char link[GW_PKI_NAME_BYTES], target[GW_PKI_NAME_BYTES];
    good(gw_pki_ca_open(&ca, path, GW_PKI_WRITE, now, &err));
    good(gw_pki_ca_keys(&ca, NULL, &err));
    for (size_t i = 0; i < ca.reg.count; i++) {
        const struct gw_pki_record *r = &ca.reg.records[i];
        (void)snprintf(link, sizeof(link), GW_PKI_CERTS "/%s", r->request.name);
        (void)snprintf(target, sizeof(target), "../" GW_PKI_ISSUED "/%s", r->serial.text);
        assert_int_equal(gw_pki_store_links_to(&ca.store, link, target), !r->replaced);
    }
    gw_pki_crl_look(&ca, &crl);
    assert_true(crl.there && crl.complete);
    assert_true(gw_pki_store_has(&ca.store, "ca.pem"));
    good(gw_pki_store_list(&ca.store, "tmp", &names, &err));
    assert_int_equal(names.count, 0);
    gw_pki_names_done(&names);
    good(issue(&ca, "dave"));
    good(take_back(&ca, "dave"));
    gw_pki_ca_close(&ca);
}

static void verify(const char *name, bool revoked)
{
    char line[2048];
    (void)snprintf(line, sizeof(line),
                   "cd %s && openssl verify -crl_check_all -CAfile ca.pem -CRLfile crl.pem "
                   "-untrusted certs/%s/chain.pem certs/%s/cert.pem > /dev/null 2>&1",
                   path, name, name);
    assert_int_equal(system(line) != 0, revoked);
}

/* ---- one thing that dies everywhere ---- */

struct deed {
    int (*act)(struct gw_pki_ca *ca); /* on an open CA with its keys; NULL: makes the CA */
    void (*check)(void);              /* after the mending; NULL: nothing more */
};

static int act(const struct deed *deed, struct gw_pki_ca *ca)
{
    if (!deed->act)
        return init(ca, path);
    int error = gw_pki_ca_open(ca, path, GW_PKI_WRITE, now, &err);
    if (!error)
        error = gw_pki_ca_keys(ca, NULL, &err);
    return error ? error : deed->act(ca);
}

static gw_noreturn void be_child(const struct deed *deed, int points)
{
    struct gw_pki_ca ca = {.store = {.fd = -1}};
    watched = true;
    countdown = points;
    int error = act(deed, &ca);
    countdown = 0;
    set_clean(ino_of(ca.store.fd, "tmp"));
    if (error)
        (void)fprintf(stderr, "%s\n", err.text);
    _exit(error ? FAILED : dirty_count ? UNSYNCED : 0);
}

static int run_child(const struct deed *deed, int points)
{
    int status;
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (!pid)
        be_child(deed, points);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void dies_everywhere(const struct deed *deed)
{
    int points = 0, code = DEAD;
    while (code == DEAD) {
        copy_first();
        code = run_child(deed, ++points);
        if (code != DEAD && code != 0)
            fail_msg("at point %d: %s", points,
                     code == UNSYNCED ? "something is not synced" : "it fails by itself");
        check_found(3);
        check_mended();
        if (deed->check)
            deed->check();
        assert_in_range(points, 1, POINTS_MAX);
    }
    print_message("died at %d points\n", points - 1);
    assert_true(points > 5);
}

static int act_issue(struct gw_pki_ca *ca)
{
    return issue(ca, "erin");
}

/* Either it is there, with all that belongs to it, or it can be issued again. */
static void check_issue(void)
{
    struct gw_pki_ca ca;
    good(gw_pki_ca_open(&ca, path, GW_PKI_WRITE, now, &err));
    good(gw_pki_ca_keys(&ca, NULL, &err));
    if (!gw_pki_register_by_name(&ca.reg, "erin"))
        good(issue(&ca, "erin"));
    else
        assert_int_not_equal(issue(&ca, "erin"), 0);
    gw_pki_ca_close(&ca);
    verify("erin", false);
    verify("alice", false);
    verify("carol", true);
}

static int act_renew(struct gw_pki_ca *ca)
{
    const struct gw_pki_record *made;
    return gw_pki_renew(ca, gw_pki_register_by_name(&ca->reg, "alice"), &wish, &made, &err);
}

static int act_renew_same_key(struct gw_pki_ca *ca)
{
    const struct gw_pki_record *made;
    return gw_pki_renew(ca, gw_pki_register_by_name(&ca->reg, "alice"),
                        &(struct gw_pki_wish){.keep_key = true}, &made, &err);
}

static void check_renew(void)
{
    struct gw_pki_ca ca;
    good(gw_pki_ca_open(&ca, path, GW_PKI_WRITE, now, &err));
    good(gw_pki_ca_keys(&ca, NULL, &err));
    good(act_renew(&ca));
    gw_pki_ca_close(&ca);
    verify("alice", false);
}

static int act_revoke(struct gw_pki_ca *ca)
{
    return take_back(ca, "alice");
}

/* The record decides, and the list follows it. */
static void check_revoke(void)
{
    struct gw_pki_ca ca;
    good(gw_pki_ca_open(&ca, path, GW_PKI_READ, now, &err));
    bool revoked = gw_pki_register_by_name(&ca.reg, "alice")->revoked != 0;
    gw_pki_ca_close(&ca);
    verify("alice", revoked);
    verify("bob", false);
    verify("carol", true);
}

static int act_crl(struct gw_pki_ca *ca)
{
    return gw_pki_crl_renew(ca, 86400, &err);
}

static void issuing_may_die_anywhere(void **state gw_unused)
{
    dies_everywhere(&(struct deed){act_issue, check_issue});
}

static void renewing_may_die_anywhere(void **state gw_unused)
{
    dies_everywhere(&(struct deed){act_renew, check_renew});
    dies_everywhere(&(struct deed){act_renew_same_key, check_renew});
}

static int act_renew_intermediate(struct gw_pki_ca *ca)
{
    return gw_pki_ca_renew(ca, &err);
}

static void renewing_the_intermediate_may_die_anywhere(void **state gw_unused)
{
    dies_everywhere(&(struct deed){act_renew_intermediate, check_revoke});
}

static void revoking_may_die_anywhere(void **state gw_unused)
{
    dies_everywhere(&(struct deed){act_revoke, check_revoke});
}

static void writing_the_list_may_die_anywhere(void **state gw_unused)
{
    dies_everywhere(&(struct deed){act_crl, check_revoke});
}

/* There is no CA yet, or it is whole. */
static void making_a_ca_may_die_anywhere(void **state gw_unused)
{
    const struct deed deed = {.act = NULL};
    int points = 0, code = DEAD;
    while (code == DEAD) {
        struct gw_pki_ca ca;
        gw_pki_store_destroy(path);
        code = run_child(&deed, ++points);
        assert_true(code == DEAD || code == 0);
        if (gw_pki_ca_open(&ca, path, GW_PKI_READ, now, &err)) {
            assert_true(strstr(err.text, "no CA in this folder") || strstr(err.text, "pki init"));
            good(init(&ca, path));
        }
        gw_pki_ca_close(&ca);
        check_found(0);
        check_mended();
        assert_in_range(points, 1, POINTS_MAX);
    }
    print_message("died at %d points\n", points - 1);
    assert_true(points > 20);
}

/* The mending itself may die too: what is left is found by the next one. */
static int act_mend_only(struct gw_pki_ca *ca gw_unused)
{
    return 0;
}

static void mending_may_die_anywhere(void **state gw_unused)
{
    int points = 0, code = DEAD;
    char line[1024];
    while (code == DEAD) {
        copy_first();
        (void)snprintf(line, sizeof(line),
                       "cd %s && rm -f ca.pem crl.pem certs/* && mkdir tmp/folder && "
                       "echo x > tmp/folder/key.pem && echo x > tmp/file",
                       path);
        assert_int_equal(system(line), 0);
        code = run_child(&(struct deed){act_mend_only, NULL}, ++points);
        assert_true(code == DEAD || code == 0);
        check_found(3);
        check_mended();
        check_revoke();
    }
    print_message("died at %d points\n", points - 1);
    assert_true(points > 10);
}

int main(void)
{
    if (system("openssl version > /dev/null 2>&1") != 0) {
        print_message("SKIP: the openssl program is not installed\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(making_a_ca_may_die_anywhere),
        cmocka_unit_test(issuing_may_die_anywhere),
        cmocka_unit_test(renewing_may_die_anywhere),
        cmocka_unit_test(renewing_the_intermediate_may_die_anywhere),
        cmocka_unit_test(revoking_may_die_anywhere),
        cmocka_unit_test(writing_the_list_may_die_anywhere),
        cmocka_unit_test(mending_may_die_anywhere),
    };
    return cmocka_run_group_tests(tests, make_first, remove_all);
}
