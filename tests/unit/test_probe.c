/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/main/probe: what `ktlsgate probe` prints here, natively and in the test kernel. */
#include "gateway/main/probe.h"

#include "ktlsinstall.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/skip.h"

__attribute__((returns_nonnull)) static char *written(bool json)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    assert_int_equal(gw_probe_write(out, json), 0);
    assert_int_equal(fclose(out), 0);
    assert_non_null(text);
    return text;
}

static void has(const char *text, const char *piece)
{
    assert_non_null(text);
    if (!strstr(text, piece))
        fail_msg("\"%s\" is not in:\n%s", piece, text);
}

static void has_not(const char *text, const char *piece)
{
    if (strstr(text, piece))
        fail_msg("\"%s\" is in:\n%s", piece, text);
}

/* Another program's opinion of the JSON. */
static void json_is_valid(void **state)
{
    (void)state;
    if (system("python3 -c 'import json' 2>/dev/null"))
        skip_with("python3 is not installed");
    char *text = written(true);
    FILE *tool = popen("python3 -m json.tool >/dev/null", "we");
    assert_non_null(tool);
    assert_true(fputs(text, tool) >= 0);
    assert_int_equal(pclose(tool), 0);
    free(text);
}

static void says_what_the_library_finds(void **state)
{
    (void)state;
    struct ktls_probe probe;
    assert_int_equal(ktls_probe(&probe), 0);
    char *text = written(false), *json = written(true);
    if (probe.attach.works) {
        has(text, "\nkernel engine: yes, ");
        has(json, "\"kernel_engine\": true");
        has(json, "\"tls_1_3_aes_128_gcm_tx\": {\"works\": true}");
        has(json, "\"tls_1_2_chacha20_poly1305_rx\": {\"works\": true}");
        has(json, probe.rekey.works ? "\"rekey\": {\"works\": true}"
                                    : "\"rekey\": {\"works\": false, \"error\": \"EBUSY\"");
        has(json, probe.polls_partial_record ? "\"polls_partial_record\": true"
                                             : "\"polls_partial_record\": false");
        has(text, probe.aes_gcm_driver);
    } else {
        has(text, "\nkernel engine: no, because ");
        has(json, "\"kernel_engine\": false");
        has(json, "\"tls\": {\"works\": false, \"error\": \"ENOENT\"");
        has_not(json, "\"kernel_records\"");
    }
    free(text);
    free(json);
}

static void test_kernel_has_the_engine(void **state)
{
    (void)state;
    if (!getenv("KTLS_EXPECTED"))
        skip_with("for the test kernel, which has tls");
    char *text = written(false);
    has(text, "\nkernel engine: yes, every suite passed the self-test both ways");
    free(text);
}

static void has_every_section(void **state)
{
    (void)state;
    static const char *const titles[] = {"\nKernel\n", "\nProcessor\n", "\nLibraries\n",
                                         "\nLimits\n"};
    static const char *const keys[] = {"\"version\"",       "\"can_serve\": true",
                                       "\"release\"",       "\"io_uring\": {\"works\": true}",
                                       "\"cpus_allowed\"",  "\"openssl\": \"3.",
                                       "\"liburing\": \"/", "\"nofile_soft\"",
                                       "\"memlock_hard\"",  "\"user_engine_aes_128_gcm\""};
    char *text = written(false), *json = written(true);
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
        has(text, titles[i]);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        has(json, keys[i]);
    free(text);
    free(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_valid),
        cmocka_unit_test(says_what_the_library_finds),
        cmocka_unit_test(test_kernel_has_the_engine),
        cmocka_unit_test(has_every_section),
    };
    return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
