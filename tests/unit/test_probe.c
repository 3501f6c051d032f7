/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/main/probe: what `ktlsgate probe` prints here, natively and in the test kernel. */
#include "gateway/main/probe.h"

#include "ktlsinstall.h"

#include "gateway/record/aead.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/skip.h"

__attribute__((returns_nonnull)) static char *written_with(bool json, bool measure)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    assert_int_equal(gw_probe_write(out, json, measure), 0);
    assert_int_equal(fclose(out), 0);
    assert_non_null(text);
    return text;
}

static char *written(bool json)
{
    return written_with(json, false);
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
    char *text = written_with(true, true);
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

/* The number behind a key; 0: it is not there. */
static unsigned long long number(const char *json, const char *key)
{
    char quoted[96];
    (void)snprintf(quoted, sizeof(quoted), "\"%s\": ", key);
    const char *at = strstr(json, quoted);
    return at ? strtoull(at + strlen(quoted), NULL, 10) : 0;
}

static unsigned long long figure(const char *json, unsigned v, const char *flow, const char *way)
{
    char key[64];
    (void)snprintf(key, sizeof(key), "tls_1_%u_%s_%s_ns_per_gib", 2 + v, flow, way);
    return number(json, key);
}

static void chose(const char *json, unsigned v, const char *flow, const char *what,
                  const char *word)
{
    char piece[96];
    (void)snprintf(piece, sizeof(piece), "\"tls_1_%u_%s_%s\": \"%s\"", 2 + v, flow, what, word);
    has(json, piece);
}

/* Its choices follow from its own figures, whatever those are. */
static void measures(void **state)
{
    (void)state;
    static const char *const flows[2] = {"rx", "tx"};
    struct ktls_probe probe;
    assert_int_equal(ktls_probe(&probe), 0);
    char *json = written_with(true, true);
    for (unsigned v = 0; v < 2; v++)
        for (unsigned i = 0; i < 2; i++) {
            const struct ktls_trial *records = (i ? probe.tx : probe.rx)[v];
            bool right = i ? probe.splice_tx.works : probe.splice_full.works;
            unsigned long long user = figure(json, v, flows[i], "user");
            unsigned long long copy = figure(json, v, flows[i], "kernel_copy");
            unsigned long long splice = figure(json, v, flows[i], "kernel_splice");
            assert_true(user > 0);
            assert_int_equal(copy > 0, records[KTLS_AES_128_GCM].works);
            bool splices = right && splice > 0 && splice * 10 <= copy * 9;
            unsigned long long kernel = splices ? splice : copy;
            chose(json, v, flows[i], "relay_auto", splices ? "splice" : "copy");
            chose(json, v, flows[i], "records_measured",
                  kernel > 0 && kernel * 10 <= user * 9 ? "kernel" : "user");
        }
    if (!probe.attach.works)
        has(json, "\"tls_1_3_rx_kernel_copy\": {\"works\": false, \"error\": \"ENOENT\"");
    free(json);
}

static void has_every_section(void **state)
{
    (void)state;
    static const char *const titles[] = {"\nKernel\n", "\nProcessor\n", "\nLibraries\n",
                                         "\nLimits\n", "\nRecords in the user engine\n"};
    static const char *const keys[] = {"\"version\"",       "\"can_serve\": true",
                                       "\"release\"",       "\"io_uring\": {\"works\": true}",
                                       "\"cpus_allowed\"",  "\"openssl\": \"3.",
                                       "\"liburing\": \"/", "\"nofile_soft\"",
                                       "\"memlock_hard\"",  "\"user_engine\": {"};
    char *text = written(false), *json = written(true);
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
        has(text, titles[i]);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        has(json, keys[i]);
    free(text);
    free(json);
}

/* Each provider of a cipher, with what was measured of it or why it is not used. */
static void assert_provider_told(const char *text, const char *json, enum ktls_cipher cipher,
                                 const char *key, size_t index)
{
    struct gw_aead_figure figure;
    char piece[160];
    const char *name = gw_aead_at(cipher, index, &figure)->name;
    if (figure.error) {
        (void)snprintf(piece, sizeof(piece), "\"%s_%s\": {\"works\": false", key, name);
        has(json, piece);
        has(json, gw_aead_why(figure.error));
        has(text, gw_aead_why(figure.error));
        return;
    }
    (void)snprintf(piece, sizeof(piece), "\"%s_%s_mb_per_s\": %llu,", key, name,
                   (unsigned long long)gw_aead_mb_per_s(&figure));
    has(json, piece);
    (void)snprintf(piece, sizeof(piece), "\"%s_%s_ns_per_256_bytes\": %llu", key, name,
                   (unsigned long long)figure.small_ns / 2);
    has(json, piece);
    (void)snprintf(piece, sizeof(piece), " %.1f GB/s; %llu ns for a record of 256 bytes\n",
                   (double)gw_aead_mb_per_s(&figure) / 1000,
                   (unsigned long long)figure.small_ns / 2);
    has(text, piece);
}

static void tells_providers(void **state)
{
    (void)state;
    static const char *const keys[KTLS_CIPHER_COUNT] = {"aes_128_gcm", "aes_256_gcm",
                                                        "chacha20_poly1305"};
    char *text = written(false), *json = written(true);
    for (int c = 0; c < KTLS_CIPHER_COUNT; c++) {
        char piece[96];
        const char *chosen = gw_aead_choose((enum ktls_cipher)c)->name;
        (void)snprintf(piece, sizeof(piece), "\"%s\": \"%s\"", keys[c], chosen);
        has(json, piece);
        (void)snprintf(piece, sizeof(piece), "\n  %-40s %s\n",
                       ktls_cipher_name((enum ktls_cipher)c), chosen);
        has(text, piece);
        assert_provider_told(text, json, (enum ktls_cipher)c, keys[c], 0);
        assert_provider_told(text, json, (enum ktls_cipher)c, keys[c], 1);
    }
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
        cmocka_unit_test(tells_providers),
        cmocka_unit_test(measures),
    };
    return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
