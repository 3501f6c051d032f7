/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/proc/tlsmodule: why a kernel has no tls, from files. */
#include "gateway/proc/tlsmodule.h"

#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "tests/support/folder.h"

static char root[FOLDER_MAX];

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static int make_root(void **state)
{
    (void)state;
    return folder_make(root, "tlsmodule") ? 0 : -1;
}

static int remove_root(void **state)
{
    (void)state;
    return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void make_folder(const char *name)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/%s", root, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static void put_file(const char *name, const char *text)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/%s", root, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fputs(text, file) >= 0, 1);
    assert_int_equal(fclose(file), 0);
}

static void put_packed(const char *name, const char *text)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/%s", root, name);
    gzFile file = gzopen(path, "we");
    assert_non_null(file);
    assert_int_equal(gzputs(file, text), strlen(text));
    assert_int_equal(gzclose(file), Z_OK);
}

static void assert_module(enum gw_tls_module want)
{
    assert_int_equal(gw_tlsmodule_find(root, "6.1.0-x"), want);
}

static void module_is_told_from_files(void **state)
{
    (void)state;
    assert_module(GW_TLS_MODULE_UNKNOWN);
    make_folder("proc");
    put_packed("proc/config.gz", "CONFIG_A=y\nCONFIG_TLS=m\n");
    assert_module(GW_TLS_MODULE_MISSING);
    put_packed("proc/config.gz", "CONFIG_A=y\n# CONFIG_TLS is not set\n");
    assert_module(GW_TLS_MODULE_NOT_BUILT);
    put_file("proc/config.gz", "\x1f\x8b\x08 and nothing that can be unpacked");
    assert_module(GW_TLS_MODULE_UNKNOWN);
    make_folder("boot");
    put_file("boot/config-6.1.0-x", "CONFIG_TLS_DEVICE=y\n# CONFIG_TLS_TOE is not set\n");
    assert_module(GW_TLS_MODULE_UNKNOWN);
    put_file("boot/config-6.1.0-x", "CONFIG_A=y\n# CONFIG_TLS is not set\nCONFIG_B=y\n");
    assert_module(GW_TLS_MODULE_NOT_BUILT);
    put_file("boot/config-6.1.0-x", "CONFIG_TLS=y\n");
    assert_module(GW_TLS_MODULE_BUILTIN);
    put_file("boot/config-6.1.0-x", "CONFIG_TLS=m\n");
    assert_module(GW_TLS_MODULE_MISSING);

    make_folder("lib");
    make_folder("lib/modules");
    make_folder("lib/modules/6.1.0-x");
    put_file("lib/modules/6.1.0-x/modules.dep",
             "kernel/drivers/x.ko: kernel/net/tls/tls.ko\nkernel/net/tlsx/tls.ko:\n");
    assert_module(GW_TLS_MODULE_MISSING);
    put_file("lib/modules/6.1.0-x/modules.dep",
             "kernel/drivers/x.ko:\nkernel/net/tls/tls.ko.zst: kernel/a.ko\n");
    assert_module(GW_TLS_MODULE_INSTALLED);
    assert_int_equal(gw_tlsmodule_find(root, "6.1.0-y"), GW_TLS_MODULE_UNKNOWN);
}

static void every_answer_has_its_words(void **state)
{
    (void)state;
    for (int m = GW_TLS_MODULE_UNKNOWN; m <= GW_TLS_MODULE_NOT_BUILT; m++) {
        assert_non_null(gw_tlsmodule_word((enum gw_tls_module)m));
        assert_true(strlen(gw_tlsmodule_advice((enum gw_tls_module)m)) > 20);
    }
    assert_non_null(strstr(gw_tlsmodule_advice(GW_TLS_MODULE_INSTALLED), "modprobe tls"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(module_is_told_from_files),
        cmocka_unit_test(every_answer_has_its_words),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
