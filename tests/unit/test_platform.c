/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/main/platform: what processors and drivers are said to be. */
#include "gateway/main/platform.h"

#include "gateway/base/attr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/skip.h"

/* The kernel lists a processor's instructions under names of its own. */
static void cpu_features_agree_with_cpuinfo(void **state)
{
    (void)state;
    static const char *const words[][2] = {
        {"AES-NI", " aes"}, {"VAES", " vaes"}, {"AVX-512 IFMA", " avx512ifma"}};
    char line[8192] = "";
    FILE *file = fopen("/proc/cpuinfo", "re");
    while (file && strncmp(line, "flags", 5) && fgets(line, sizeof(line), file))
        ;
    if (file)
        (void)fclose(file);
    if (strncmp(line, "flags", 5))
        skip_with("/proc/cpuinfo has no flags here");
    line[strcspn(line, "\n")] = ' ';
    for (size_t i = 0; i < GW_ARRAY_SIZE(words); i++) {
        char needle[32];
        bool there = false;
        const char *name;
        (void)snprintf(needle, sizeof(needle), "%s ", words[i][1]);
        for (size_t row = 0; (name = gw_platform_cpu_feature(row, &there)); row++)
            if (!strcmp(name, words[i][0]))
                break;
        assert_non_null(name);
        assert_int_equal(there, strstr(line, needle) != NULL);
    }
}

static void slow_drivers(void **state)
{
    (void)state;
    assert_true(gw_platform_is_slow_aes("gcm_base(ctr(aes-generic),ghash-generic)"));
    assert_true(gw_platform_is_slow_aes("gcm_base(ctr(aes-lib),ghash-lib)"));
    assert_false(gw_platform_is_slow_aes("generic-gcm-aesni"));
    assert_false(gw_platform_is_slow_aes("generic-gcm-vaes-avx512"));
    assert_false(gw_platform_is_slow_aes(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cpu_features_agree_with_cpuinfo),
        cmocka_unit_test(slow_drivers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
