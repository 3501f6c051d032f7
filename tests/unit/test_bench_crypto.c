/* SPDX-License-Identifier: Apache-2.0 */
/* bench/crypto: the task that all are given, a provider that does something else, the table, and
 * how near a relay is to its roof. */
#include "bench/crypto/gateway.h"
#include "bench/crypto/result.h"
#include "bench/crypto/roofline.h"
#include "gateway/record/aead.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct bench_crypto_task task;

static void laps_stay_in_the_cache(void **state)
{
    (void)state;
    assert_int_equal(bench_crypto_ops(1), BENCH_CRYPTO_OPS_MAX);
    assert_int_equal(bench_crypto_ops(64), BENCH_CRYPTO_OPS_MAX);
    assert_int_equal(bench_crypto_ops(16384), BENCH_CRYPTO_LAP_BYTES / 16384);
}

static void every_provider_of_the_gateway_does_the_task(void **state)
{
    (void)state;
    struct bench_crypto_provider providers[BENCH_CRYPTO_PROVIDERS_MAX];
    unsigned count = bench_crypto_gateway_providers(providers, BENCH_CRYPTO_PROVIDERS_MAX);
    unsigned done = 0;
    assert_true(count >= 1);
    for (unsigned p = 0; p < count; p++)
        for (int c = 0; c < KTLS_CIPHER_COUNT; c++)
            for (int seal = 0; seal < 2; seal++) {
                void *run = NULL;
                int64_t ns = 0;
                assert_int_equal(bench_crypto_task_init(&task, (enum ktls_cipher)c, 256, seal), 0);
                if (providers[p].ways->begin(&providers[p], &task, &run))
                    continue;
                assert_int_equal(providers[p].ways->check(run), 0);
                assert_int_equal(providers[p].ways->lap(run, &ns), 0);
                assert_true(ns > 0);
                providers[p].ways->end(run);
                done++;
            }
    assert_true(done >= 2 * KTLS_CIPHER_COUNT); /* libcrypto runs them all */
}

static void a_provider_that_differs_is_found(void **state)
{
    (void)state;
    struct bench_crypto_provider providers[BENCH_CRYPTO_PROVIDERS_MAX];
    unsigned count = bench_crypto_gateway_providers(providers, BENCH_CRYPTO_PROVIDERS_MAX);
    const struct bench_crypto_provider *libcrypto = &providers[count - 1];
    for (int seal = 0; seal < 2; seal++) {
        void *run = NULL;
        assert_int_equal(bench_crypto_task_init(&task, KTLS_AES_128_GCM, 64, seal), 0);
        assert_int_equal(libcrypto->ways->begin(libcrypto, &task, &run), 0);
        task.sealed[3] ^= 1;
        assert_int_equal(libcrypto->ways->check(run), -EBADMSG);
        libcrypto->ways->end(run);
    }
}

/* ---- figures that were not measured ---- */

static struct bench_crypto_result result;
static struct bench_config config;

static void add(unsigned provider, const char *name, const char *remark, double seal_ns,
                double open_ns)
{
    result.providers[provider] = (struct bench_crypto_provider){.name = name, .remark = remark};
    result.count = provider + 1;
    for (unsigned d = 0; d < BENCH_DIRECTIONS; d++) {
        double ns = d == BENCH_SEAL ? seal_ns : open_ns;
        result.figures[provider][KTLS_AES_128_GCM][d][0] = (struct bench_crypto_figure){
            .known = true, .best_ns = ns, .median_ns = ns * 1.1, .worst_ns = ns * 2};
    }
}

static int set_up(void **state)
{
    (void)state;
    memset(&result, 0, sizeof(result));
    config = (struct bench_config){
        .command = BENCH_CRYPTO,
        .time_ns = 1000000,
        .crypto = {.sizes = {.list = {16384}, .count = 1}, .ciphers = 1U << KTLS_AES_128_GCM}};
    add(0, "fast", NULL, 2000, 4000);
    add(1, "slow", NULL, 8000, 8000);
    add(2, "queued", "through a queue", 1000, 1000);
    result.providers[3] = (struct bench_crypto_provider){.name = "gone", .absent = "not here"};
    result.count = 4;
    return 0;
}

static void the_floor_is_the_fastest_that_is_called_directly(void **state)
{
    (void)state;
    const char *by = "";
    double floor =
        bench_crypto_floor(&result, &config.crypto.sizes, KTLS_AES_128_GCM, BENCH_SEAL, 16384, &by);
    assert_string_equal(by, "fast");
    assert_true(floor > 0.131 && floor < 0.1311); /* 65,536 records of 2 µs */
    assert_true(bench_crypto_floor(&result, &config.crypto.sizes, KTLS_AES_256_GCM, BENCH_SEAL,
                                   16384, &by) == 0);
    assert_true(bench_crypto_floor(&result, &config.crypto.sizes, KTLS_AES_128_GCM, BENCH_SEAL, 64,
                                   &by) == 0);
}

static void the_table_names_all_and_says_what_is_missing(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    bench_crypto_table(out, &config, &result);
    (void)fclose(out);
    assert_non_null(strstr(text, "AES-128-GCM\n"));
    assert_null(strstr(text, "AES-256-GCM\n"));
    assert_non_null(strstr(text, "16 KiB"));
    assert_non_null(strstr(text, " 8.19\n")); /* GB/s of 2 µs */
    assert_non_null(strstr(text, "gone: not here\n"));
    assert_non_null(strstr(text, "queued: through a queue\n"));
    assert_non_null(strstr(text, "took 10 % longer"));
    free(text);
}

static void json_holds_every_figure(void **state)
{
    (void)state;
    json_t *json = bench_crypto_json(&config, &result, NULL);
    const json_t *shown = json_object_get(json, "result");
    const json_t *first = json_array_get(json_object_get(shown, "figures"), 0);
    assert_int_equal(json_array_size(json_object_get(shown, "figures")), 6);
    assert_int_equal(json_array_size(json_object_get(shown, "providers")), 4);
    assert_string_equal(json_string_value(json_object_get(first, "provider")), "fast");
    assert_true(json_number_value(json_object_get(first, "gbit_per_s")) > 65.5);
    json_decref(json);
}

/* ---- the roofline ---- */

#define CASE(name, ours, plain)                                                                    \
    "{\"name\":\"" name "\",\"rows\":[{\"system\":\"ktlsgate\",\"server_cpu\":{\"median\":" ours   \
    "}},{\"system\":\"nginx-plain\",\"server_cpu\":{\"median\":" plain "}}]}"

static json_t *roofs_of(const char *text, struct gw_error *err)
{
    json_t *compare = json_loads(text, 0, NULL);
    assert_non_null(compare);
    json_t *roofs = bench_roofline_of(compare, "x.json", &config, &result, err);
    json_decref(compare);
    return roofs;
}

static void a_relay_is_measured_against_the_floor(void **state)
{
    (void)state;
    struct gw_error err = {.text = ""};
    json_t *roofs = roofs_of(
        "{\"cases\":[" CASE("bulk-down", "0.762144", "0.5") "," CASE("bulk-up", "0.4", "0.5") "]}",
        &err);
    assert_int_equal(json_array_size(roofs), 2);
    const json_t *down = json_array_get(roofs, 0);
    double percent = json_number_value(json_object_get(down, "percent_of_roof"));
    assert_true(percent > 49.9 && percent < 50.1);
    /* Cheaper than plaintext: there is no share to report. */
    assert_null(json_object_get(json_array_get(roofs, 1), "percent_of_roof"));
    bench_roofline_print(stdout, roofs);
    json_decref(roofs);
}

static void a_file_without_the_cases_is_told(void **state)
{
    static const char *const texts[] = {
        "[]",
        "{\"cases\":1}",
        "{\"cases\":[]}",
        "{\"cases\":[{\"name\":\"bulk-down\",\"rows\":[]}]}",
        "{\"cases\":[" CASE("churn", "1", "0.5") "]}",
        "{\"settings\":{\"cipher\":\"AES-256-GCM\"},\"cases\":[" CASE("bulk-down", "1", "0.5") "]}",
    };
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(texts); i++) {
        struct gw_error err = {.text = ""};
        assert_null(roofs_of(texts[i], &err));
        assert_non_null(strstr(err.text, "x.json"));
    }
}

static int start(void **state)
{
    (void)state;
    return gw_aead_init();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(laps_stay_in_the_cache),
        cmocka_unit_test(every_provider_of_the_gateway_does_the_task),
        cmocka_unit_test(a_provider_that_differs_is_found),
        cmocka_unit_test_setup(the_floor_is_the_fastest_that_is_called_directly, set_up),
        cmocka_unit_test_setup(the_table_names_all_and_says_what_is_missing, set_up),
        cmocka_unit_test_setup(json_holds_every_figure, set_up),
        cmocka_unit_test_setup(a_relay_is_measured_against_the_floor, set_up),
        cmocka_unit_test_setup(a_file_without_the_cases_is_told, set_up),
    };
    return cmocka_run_group_tests_name("bench_crypto", tests, start, NULL);
}
