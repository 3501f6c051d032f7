/* SPDX-License-Identifier: Apache-2.0 */
/* `ktlsgate-bench crypto` for a moment: every provider that is here does what libcrypto does, and
 * the kernel is among them where $KTLS_EXPECTED says so. The program is in $KTLSGATE_BENCH. */
#include "gateway/base/attr.h"
#include "tests/integration/tool.h"
#include "tests/support/folder.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/skip.h"

enum {
    LIMIT_MS = 60000,
    SIZES = 2,
    CIPHERS = 3,
    DIRECTIONS = 2,
};

static struct tool_result got;
static json_t *saved;

static const char *bench(void)
{
    const char *program = getenv("KTLSGATE_BENCH");
    assert_non_null(program);
    return program;
}

static int run(void **state)
{
    char folder[FOLDER_MAX], file[FOLDER_MAX + 16], flag[FOLDER_MAX + 32];
    (void)state;
    if (!folder_make(folder, "bench"))
        return -1;
    (void)snprintf(file, sizeof(file), "%s/r.json", folder);
    (void)snprintf(flag, sizeof(flag), "--save=%s", file);
    const char *const words[] = {bench(), "crypto", "--time=1ms", "--sizes=64,16k", flag, NULL};
    tool_run(&(struct tool_work){.words = words}, LIMIT_MS, &got);
    saved = json_load_file(file, 0, NULL);
    (void)unlink(file);
    (void)rmdir(folder);
    if (got.exit)
        print_error("%s", got.said);
    return got.exit;
}

static int forget(void **state)
{
    (void)state;
    json_decref(saved);
    return 0;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static unsigned figures_of(const char *provider)
{
    unsigned count = 0;
    size_t i;
    const json_t *figure;
    json_array_foreach(json_object_get(json_object_get(saved, "result"), "figures"), i, figure)
    {
        const json_t *ns = json_object_get(figure, "ns");
        double best = json_number_value(json_object_get(ns, "best"));
        if (strcmp(text_of(figure, "provider"), provider) != 0)
            continue;
        assert_true(best > 0);
        assert_true(json_number_value(json_object_get(ns, "worst")) >= best);
        count++;
    }
    return count;
}

static void libcrypto_runs_everything(void **state)
{
    (void)state;
    assert_int_equal(figures_of("libcrypto"), SIZES * CIPHERS * DIRECTIONS);
    assert_non_null(strstr(got.heard, "AES-256-GCM"));
    assert_non_null(strstr(got.heard, "best of"));
}

static void who_is_here_has_figures_and_who_is_not_says_why(void **state)
{
    size_t i;
    const json_t *provider;
    (void)state;
    json_array_foreach(json_object_get(json_object_get(saved, "result"), "providers"), i, provider)
    {
        bool absent = text_of(provider, "absent")[0];
        print_message("%s: %s\n", text_of(provider, "name"),
                      absent ? text_of(provider, "absent") : "measured");
        assert_int_equal(figures_of(text_of(provider, "name")) == 0, absent);
    }
}

static void the_kernel_is_measured_where_it_can(void **state)
{
    (void)state;
    unsigned count = figures_of("kernel");
    if (!getenv("KTLS_EXPECTED") && count == 0) {
        assert_non_null(strstr(got.heard, "kernel: not in this kernel\n"));
        skip_with("this kernel has no tls");
    }
    assert_int_equal(count, SIZES * CIPHERS * DIRECTIONS);
    assert_int_equal(figures_of("TCP alone"), count);
}

static void bad_flags_are_told(void **state)
{
    static const struct {
        const char *flag, *says;
    } rows[] = {
        {"--sizes=1m", "--sizes '1m'"},
        {"--ciphers=rot13", "--ciphers 'rot13'"},
        {"--relay=/nowhere", "--relay /nowhere"},
        {"more", "'more' is not a flag"},
    };
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        const char *const words[] = {
            bench(),      "crypto", "--time=1ms", "--sizes=64", "--ciphers=aes-128-gcm",
            rows[i].flag, NULL};
        tool_run(&(struct tool_work){.words = words}, LIMIT_MS, &got);
        assert_int_not_equal(got.exit, 0);
        assert_non_null(strstr(got.said, rows[i].says));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(libcrypto_runs_everything),
        cmocka_unit_test(who_is_here_has_figures_and_who_is_not_says_why),
        cmocka_unit_test(the_kernel_is_measured_where_it_can),
        cmocka_unit_test(bad_flags_are_told),
    };
    return cmocka_run_group_tests_name("bench_aead", tests, run, forget);
}
