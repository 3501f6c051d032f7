/* SPDX-License-Identifier: Apache-2.0 */
/* The probe of the kernel: how it reads /proc/crypto, and what it finds here. What is asserted of
 * the test kernel (KTLS_EXPECTED is set) are facts about it, written in kernel-notes/. */
#include "gateway/ktls/probe.h"

#include "gateway/base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <cmocka.h>

#include "tests/support/skip.h"

/* --- /proc/crypto --- */

#define ENTRY(name, driver, priority, selftest, internal)                                          \
    "name         : " name "\ndriver       : " driver                                              \
    "\nmodule       : kernel\npriority     : " priority                                            \
    "\nrefcnt       : 1\nselftest     : " selftest "\ninternal     : " internal                    \
    "\ntype         : aead\nasync        : no\n\n"

static void assert_driver(const char *text, size_t room, const char *want)
{
    char name[64] = "unset", *copy = strdup(text);
    FILE *file = *text ? fmemopen(copy, strlen(copy), "r") : fopen("/dev/null", "re");
    assert_non_null(file);
    ktls_find_gcm_driver(file, name, room);
    (void)fclose(file);
    free(copy);
    assert_string_equal(name, want);
}

static void gcm_driver_is_the_best_usable(void **state)
{
    (void)state;
    static const char generic[] =
        ENTRY("gcm(aes)", "gcm_base(ctr(aes-generic),ghash-generic)", "100", "passed", "no");
    static const char internal[] = ENTRY("gcm(aes)", "__generic-gcm-aesni", "900", "passed", "yes");
    static const char failed[] = ENTRY("gcm(aes)", "broken", "800", "unknown", "no");
    static const char vaes[] = ENTRY("gcm(aes)", "generic-gcm-vaes-avx512", "700", "passed", "no");
    static const char other[] = ENTRY("rfc4106(gcm(aes))", "rfc4106-x", "1000", "passed", "no");
    char text[4096];

    assert_driver("", 64, "");
    assert_driver("rubbish\n:\n\n\n", 64, "");
    assert_driver(generic, 64, "gcm_base(ctr(aes-generic),ghash-generic)");
    (void)snprintf(text, sizeof(text), "%s%s%s%s%s", generic, internal, failed, vaes, other);
    assert_driver(text, 64, "generic-gcm-vaes-avx512");
    (void)snprintf(text, sizeof(text), "%s%s%s%s%s", other, vaes, failed, internal, generic);
    assert_driver(text, 64, "generic-gcm-vaes-avx512");
    assert_driver(text, 8, "generic");
    /* The last entry may lack its empty line. */
    text[0] = '\0';
    (void)snprintf(text, sizeof(text), "%s", vaes);
    text[strlen(text) - 1] = '\0';
    assert_driver(text, 64, "generic-gcm-vaes-avx512");
}

/* --- the trials --- */

static int count_fds(void)
{
    int n = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir))
        n++;
    (void)closedir(dir);
    return n;
}

static void assert_consistent(const struct ktls_trial *trial)
{
    assert_true(trial->error >= 0);
    if (trial->works)
        assert_int_equal(trial->error, 0);
}

static void assert_untried(const struct ktls_trial *trial)
{
    assert_false(trial->works);
    assert_int_equal(trial->error, 0);
}

static void each_trial(const struct ktls_probe *probe, void (*check)(const struct ktls_trial *))
{
    for (int v = 0; v < 2; v++) {
        for (int cipher = 0; cipher < KTLS_CIPHER_COUNT; cipher++) {
            check(&probe->tx[v][cipher]);
            check(&probe->rx[v][cipher]);
        }
    }
    check(&probe->rekey);
    check(&probe->no_pad);
    check(&probe->splice);
    check(&probe->splice_full);
    check(&probe->splice_tx);
}

static void probe_is_whole_and_leaves_nothing(void **state)
{
    (void)state;
    struct ktls_probe probe;
    memset(&probe, 0xff, sizeof(probe));
    int fds = count_fds();
    int64_t start = gw_clock_ns();
    assert_int_equal(ktls_probe(&probe), 0);
    assert_true(gw_clock_ns() - start <
                20 * GW_NS_PER_SEC); /* the sum of all limits, not a speed */
    assert_int_equal(count_fds(), fds);
    assert_consistent(&probe.attach);
    each_trial(&probe, probe.attach.works ? assert_consistent : assert_untried);
    if (!probe.attach.works) {
        assert_int_equal(probe.attach.error, ENOENT);
        assert_false(probe.splice_empty_is_eof || probe.polls_partial_record);
    }
}

static void probe_twice_says_the_same(void **state)
{
    (void)state;
    struct ktls_probe one, two;
    memset(&one, 0, sizeof(one));
    memset(&two, 0, sizeof(two));
    assert_int_equal(ktls_probe(&one), 0);
    assert_int_equal(ktls_probe(&two), 0);
    assert_memory_equal(&one, &two, sizeof(one));
}

/* Either right or found to be wrong: both kinds of Debian's 6.1 exist. */
static void assert_right_or_wrong_bytes(const struct ktls_trial *trial)
{
    if (!trial->works)
        assert_int_equal(trial->error, EBADMSG);
}

static void assert_works(const struct ktls_trial *trial)
{
    assert_true(trial->works);
}

static void test_kernel_has_what_we_know(void **state)
{
    (void)state;
    struct utsname name;
    struct ktls_probe probe;
    assert_int_equal(uname(&name), 0);
    if (!getenv("KTLS_EXPECTED"))
        skip_with("for the test kernel, whose abilities are known");
    assert_int_equal(ktls_probe(&probe), 0);
    assert_works(&probe.attach);
    for (int v = 0; v < 2; v++) {
        for (int cipher = 0; cipher < KTLS_CIPHER_COUNT; cipher++) {
            assert_works(&probe.tx[v][cipher]);
            assert_works(&probe.rx[v][cipher]);
        }
    }
    assert_works(&probe.splice);
    assert_works(&probe.splice_tx);
    assert_right_or_wrong_bytes(&probe.no_pad);
    assert_right_or_wrong_bytes(&probe.splice_full);
    assert_true(probe.splice_empty_is_eof);
    if (!strncmp(name.release, "6.", 2) && strtol(name.release + 2, NULL, 10) < 14)
        assert_int_equal(probe.rekey.error, EBUSY);
    else
        assert_works(&probe.rekey);
    assert_int_equal(probe.polls_partial_record, !strncmp(name.release, "6.1.", 4));
    assert_string_not_equal(probe.aes_gcm_driver, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gcm_driver_is_the_best_usable),
        cmocka_unit_test(probe_is_whole_and_leaves_nothing),
        cmocka_unit_test(probe_twice_says_the_same),
        cmocka_unit_test(test_kernel_has_what_we_know),
    };
    return cmocka_run_group_tests_name("ktls_probe", tests, NULL, NULL);
}
