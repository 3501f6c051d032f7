/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/tls/certdir: which files make up which certificate, and what is not passed over. */
#include "gateway/tls/certdir.h"

#include "gateway/base/fd.h"
#include "gateway/base/log.h"
#include "tests/unit/certs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct test_dir *dir;
static char warnings[4096];

static void keep_warning(void *arg, enum gw_log_level level, const char *message)
{
    (void)arg;
    assert_int_equal(level, GW_LOG_WARNING);
    strncat(warnings, message, sizeof(warnings) - strlen(warnings) - 1);
    strncat(warnings, "\n", sizeof(warnings) - strlen(warnings) - 1);
}

/* Empty files, and folders, whose names end in a slash; parted by blanks. */
static const char *put(const char *folder, const char *names)
{
    char copy[512];
    const char *path = test_dir_folder(dir, folder);
    (void)snprintf(copy, sizeof(copy), "%s", names);
    for (char *name = strtok(copy, " "); name; name = strtok(NULL, " ")) {
        char full[600];
        size_t len = strlen(name);
        (void)snprintf(full, sizeof(full), "%s/%s", folder, name);
        if (name[len - 1] == '/')
            (void)test_dir_folder(dir, full);
        else
            (void)test_dir_file(dir, full, "", 0);
    }
    return path;
}

/* "cert=key[+response] …" without the folder. */
static void describe(const struct gw_certdir *d, const char *folder, char *out, size_t size)
{
    size_t skip = strlen(folder) + 1;
    *out = '\0';
    for (unsigned i = 0; i < d->count; i++) {
        const struct gw_certdir_entry *e = &d->entries[i];
        size_t len = strlen(out);
        (void)snprintf(out + len, size - len, "%s%s=%s%s%s", i ? " " : "", e->cert_file + skip,
                       e->key_file + skip, e->ocsp_file ? "+" : "",
                       e->ocsp_file ? e->ocsp_file + skip : "");
    }
}

static void finds_by(struct gw_files *files, const char *folder, const char *glob,
                     const char *expected)
{
    struct gw_certdir d;
    struct gw_error err = {.text = ""};
    char text[1024];
    if (gw_certdir_read(&d, files, folder, glob, &err))
        fail_msg("%s", err.text);
    gw_log_notes(gw_files_notes(files));
    describe(&d, folder, text, sizeof(text));
    assert_string_equal(text, expected);
    gw_certdir_done(&d);
}

static void finds(struct gw_files *files, const char *folder, const char *expected)
{
    finds_by(files, folder, NULL, expected);
}

static void folders_are_understood(void **state)
{
    static const struct {
        const char *name, *files, *expected;
    } rows[] = {
        {"bundles", "b.pem a.pem c.crt", "a.pem=a.pem b.pem=b.pem c.crt=c.crt"},
        {"pairs", "a.pem a.key b.crt b.key c.cer c.key d.pem",
         "a.pem=a.key b.crt=b.key c.cer=c.key d.pem=d.pem"},
        {"pkcs12", "a.p12 a.pem a.key b.pfx", "a.p12=a.p12 a.pem=a.key b.pfx=b.pfx"},
        {"added", "a.pem a.pem.key b.crt b.crt.key b.key", "a.pem=a.pem.key b.crt=b.crt.key"},
        {"hidden", ".a.pem .b.key ..data/ x.pem", "x.pem=x.pem"},
        {"certbot",
         "a.example/ a.example/cert.pem a.example/chain.pem a.example/README "
         "a.example/fullchain.pem a.example/privkey.pem",
         "a.example/fullchain.pem=a.example/privkey.pem"},
        {"kubernetes", "x/ x/tls.crt x/tls.key x/ca.crt x/..data/ y/ y/tls.crt y/tls.key",
         "x/tls.crt=x/tls.key y/tls.crt=y/tls.key"},
        {"itself", "tls.crt tls.key", "tls.crt=tls.key"},
        {"two-types", "x/ x/rsa.pem x/rsa.key x/ec.pem", "x/ec.pem=x/ec.pem x/rsa.pem=x/rsa.key"},
        {"layout-and-more", "x/ x/tls.crt x/tls.key x/rsa.pem",
         "x/tls.crt=x/tls.key x/rsa.pem=x/rsa.pem"},
        {"responses", "a.pem a.ocsp b.pem b.pem.ocsp b.ocsp x/ x/tls.crt x/tls.key x/tls.crt.ocsp",
         "a.pem=a.pem+a.ocsp b.pem=b.pem+b.pem.ocsp x/tls.crt=x/tls.key+x/tls.crt.ocsp"},
        {"named-like-a-file", "a.pem/ a.pem/cert.pem a.pem/key.pem",
         "a.pem/cert.pem=a.pem/key.pem"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gw_files *files = gw_files_new();
        warnings[0] = '\0';
        finds(files, put(rows[i].name, rows[i].files), rows[i].expected);
        assert_string_equal(warnings, "");
        gw_files_free(files);
    }
}

static void patterns_choose_certificates(void **state)
{
    static const struct {
        const char *name, *glob, *files, *expected;
    } rows[] = {
        {"any", "*", "a b.example c.combined d.key .e f.ocsp g.pem",
         "a=a b.example=b.example c.combined=c.combined g.pem=g.pem"},
        {"some", "*.combined", "a.combined b.pem c.combined~ README d.key x/ x/e.combined x/f.crt",
         "a.combined=a.combined x/e.combined=x/e.combined"},
        {"none-of-ours", "[ab]", "a b c a.pem b.pem", "a=a b=b"},
        {"keys", "*.c?",
         "a.c1 a.key b.c2 b.c2.key b.key c.c3 d.c4 x/ x/e.c5 x/e.key f.cert f.cert.key",
         "a.c1=a.key b.c2=b.c2.key c.c3=c.c3 d.c4=d.c4 x/e.c5=x/e.key"},
        {"keys-of-names", "*", "one two.test two.test.key three.test three.key one.key",
         "one=one.key three.test=three.key two.test=two.test.key"},
        {"responses-by", "*.c", "a.c a.c.ocsp a.ocsp b.c b.ocsp b.key d.ocsp",
         "a.c=a.c+a.c.ocsp b.c=b.key+b.ocsp"},
        {"never-keys", "*.key", "a.pem a.key b.ocsp x/ x/tls.crt x/tls.key", "x/tls.crt=x/tls.key"},
        {"never-hidden", "*a", ".a a .aa", "a=a"},
        {"p12-by", "*", "a.p12 a.key b.keystore", "a.p12=a.p12 b.keystore=b.keystore"},
        {"layout-by", "*.pem",
         "x/ x/fullchain.pem x/privkey.pem x/cert.pem x/chain.pem x/README z.pem",
         "x/fullchain.pem=x/privkey.pem z.pem=z.pem"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gw_files *files = gw_files_new();
        warnings[0] = '\0';
        finds_by(files, put(rows[i].name, rows[i].files), rows[i].glob, rows[i].expected);
        assert_string_equal(warnings, "");
        gw_files_free(files);
    }
}

/* A link that leads nowhere. */
static void put_link(const char *folder, const char *name)
{
    char link[512];
    (void)snprintf(link, sizeof(link), "%s/%s", folder, name);
    assert_int_equal(symlink("/nonexistent/x", link), 0);
}

/* The rest is taken. */
static void what_fits_nothing_is_named(void **state)
{
    struct gw_files *files = gw_files_new();
    const char *folder = put("odd", "a.pem README a.pem~ x/ x/b.pem x/y/ x/y/c.pem x/notes b.key "
                                    "c.ocsp z/ k/ k/tls.key");
    (void)state;
    put_link(folder, "gone");
    put_link(folder, "d.crt"); /* the load of it will report the fault */
    warnings[0] = '\0';
    finds(files, folder, "a.pem=a.pem d.crt=d.crt x/b.pem=x/b.pem");
    static const char *const named[] = {
        "odd/README: skipped",
        "odd/a.pem~: skipped",
        "odd/x/y: skipped",
        "odd/x/notes: skipped",
        "odd/b.key: a key without its certificate",
        "odd/c.ocsp: an OCSP response without its certificate",
        "odd/z: no certificate in this folder",
        "odd/k/tls.key: a key without its certificate",
        "odd/k: no certificate in this folder",
        "odd/gone: it cannot be read: No such file",
    };
    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
        if (!strstr(warnings, named[i]))
            fail_msg("'%s' is not in '%s'", named[i], warnings);
    assert_int_equal(gw_files_notes(files)->count, sizeof(named) / sizeof(named[0]));
    gw_files_free(files);
}

static void refused_by(const char *folder, const char *glob, enum gw_exit exit, const char *says)
{
    struct gw_files *files = gw_files_new();
    struct gw_error err = {.text = ""};
    struct gw_certdir d;
    assert_true(gw_certdir_read(&d, files, folder, glob, &err) < 0);
    assert_int_equal(err.exit, exit);
    if (strncmp(err.text, "--cert-dir ", 11) != 0 || !strstr(err.text, says))
        fail_msg("'%s' does not say '%s'", err.text, says);
    gw_certdir_done(&d);
    gw_files_free(files);
}

static void refused(const char *folder, enum gw_exit exit, const char *says)
{
    refused_by(folder, NULL, exit, says);
}

static void mistakes_are_refused(void **state)
{
    (void)state;
    refused("/nonexistent", GW_EXIT_START, "No such file");
    refused(test_dir_file(dir, "file", "", 0), GW_EXIT_START, "Not a directory");
    refused(put("empty", ""), GW_EXIT_USAGE, "empty: no certificate in this folder");
    refused(put("only-odd", "README"), GW_EXIT_USAGE, "no certificate in this folder");
    refused_by(put("only-others", "a.pem a.key"), "*.crt", GW_EXIT_USAGE,
               "no file name matches the pattern *.crt of --cert-glob");
    refused(put("only-keys", "x/ x/tls.key"), GW_EXIT_USAGE, "no certificate in this folder");
}

/* As a worker sees it that is given the files. */
static void a_sealed_set_gives_the_same(void **state)
{
    struct gw_files *files = gw_files_new();
    struct gw_files *copy = NULL;
    const char *folder = put("sealed", "a.pem b.pem b.key x/ x/tls.crt x/tls.key");
    const char *expected = "a.pem=a.pem b.pem=b.key x/tls.crt=x/tls.key";
    (void)state;
    finds(files, folder, expected);
    gw_auto_fd fd = gw_files_seal(files);
    assert_true(fd >= 0);
    assert_int_equal(gw_files_open(&copy, fd), 0);
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/a.pem", folder);
    assert_int_equal(unlink(path), 0);
    finds(copy, folder, expected);
    gw_files_free(copy);
    gw_files_free(files);
}

static int set_up(void **state)
{
    (void)state;
    dir = test_dir_new();
    gw_log_setup(&(struct gw_log_config){.level = GW_LOG_INFO, .sink = keep_warning});
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
        cmocka_unit_test(folders_are_understood),
        cmocka_unit_test(patterns_choose_certificates),
        cmocka_unit_test(what_fits_nothing_is_named),
        cmocka_unit_test(mistakes_are_refused),
        cmocka_unit_test(a_sealed_set_gives_the_same),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
