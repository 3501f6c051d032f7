/* SPDX-License-Identifier: Apache-2.0 */
/* bench/tool/options: each flag with good and bad values, and what is there without them. */
#include "bench/tool/options.h"

#include "bench/tool/commands.h"
#include "gateway/base/clock.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

enum {
    WORDS_MAX = 64
};

#define TO "--target 127.0.0.1:443 "

static struct bench_config config;
static struct gw_error err;
static char copy[4096]; /* the configuration points into it */

/* Reads a line split at blanks, whose first word is the command; `^` stands for a blank. */
static int parse(const char *line)
{
    char *words[WORDS_MAX + 1] = {0};
    int count = 0;
    (void)snprintf(copy, sizeof(copy), "%s", line);
    for (char *at = strtok(copy, " "); at && count < WORDS_MAX; at = strtok(NULL, " ")) {
        for (char *blank = at; (blank = strchr(blank, '^'));)
            *blank = ' ';
        words[count++] = at;
    }
    err = (struct gw_error){.exit = GW_EXIT_OK};
    return bench_options_read(bench_command_find(words[0]), count, words, &config, &err);
}

static void expect_good(const char *line)
{
    if (parse(line))
        fail_msg("'%s': %s", line, err.text);
}

static void expect_refused(const char *line, const char *flag)
{
    if (parse(line) == 0)
        fail_msg("'%s' is accepted", line);
    assert_int_equal(err.exit, GW_EXIT_USAGE);
    if (strncmp(err.text, flag, strlen(flag)) != 0 || strlen(err.text) < 16)
        fail_msg("'%s': '%s' does not tell of %s", line, err.text, flag);
}

static void commands_have_words(void **state gw_unused)
{
    static const char *const words[] = {"handshake", "bulk",   "latency", "idle",
                                        "churn",     "origin", "flood"};
    for (size_t i = 0; i < GW_ARRAY_SIZE(words); i++) {
        enum bench_command command = bench_command_find(words[i]);
        assert_int_not_equal(command, BENCH_COMMAND_COUNT);
        assert_string_equal(bench_command_info(command)->word, words[i]);
        assert_non_null(bench_command_info(command)->title);
        assert_non_null(bench_command_info(command)->about);
    }
    assert_int_equal(bench_command_find("bulks"), BENCH_COMMAND_COUNT);
    assert_int_equal(bench_command_find(""), BENCH_COMMAND_COUNT);
}

static void what_is_not_said(void **state gw_unused)
{
    expect_good("bulk " TO);
    assert_int_equal(config.command, BENCH_BULK);
    assert_int_equal(config.size, 1 << 30);
    assert_int_equal(config.connections, 16);
    assert_int_equal(config.threads, 1);
    assert_int_equal(config.tls, BENCH_TLS_1_3);
    assert_int_equal(config.cipher, BENCH_AES_128_GCM);
    assert_int_equal(config.direction, BENCH_DOWN);
    assert_true(config.time_ns == 10 * GW_NS_PER_SEC);
    assert_true(config.warmup_ns == GW_NS_PER_SEC);
    assert_true(config.timeout_ns == 10 * GW_NS_PER_SEC);
    assert_false(config.plain || config.json);
    assert_int_equal(config.cpus.count + config.pids.count, 0);
    assert_null(config.server_name);
    assert_null(config.groups);
    assert_null(config.cacert);
    assert_null(config.cert);
    assert_null(config.key);
    assert_null(config.path);
    assert_null(config.save);
    assert_int_equal(((struct sockaddr_in *)&config.target.addr)->sin_port, htons(443));
    expect_good("latency " TO);
    assert_int_equal(config.size, 128);
    assert_int_equal(config.rate, 0);
    expect_good("idle " TO);
    assert_int_equal(config.connections, 2000);
    assert_true(config.warmup_ns == 0);
    expect_good("handshake " TO);
    assert_int_equal(config.resume, BENCH_FULL);
    expect_good("flood");
    assert_int_equal(config.flood.flood.kind, BENCH_FLOOD_SYN);
    assert_int_equal(config.flood.flood.sources.bits, 16);
    assert_int_equal(config.flood.flood.secs, 5);
    assert_int_equal(config.flood.into, BENCH_INTO_AUTO);
    assert_null(config.flood.pcap);
    expect_good("origin");
    assert_int_equal(((struct sockaddr_in *)&config.listen.addr)->sin_port, htons(8080));
}

static void what_is_said(void **state gw_unused)
{
    expect_good("bulk " TO "--tls 1.2 --cipher chacha20-poly1305 --groups X25519:P-256 "
                "--server-name a.test --cacert ca --cert c --key k --direction up --size 64k "
                "--connections 8 --threads 2 --cpus 0 --time 250ms --warmup 0 --timeout 1m "
                "--pid 1 --pid 2 --pid 1 --json --save f");
    assert_int_equal(config.tls, BENCH_TLS_1_2);
    assert_int_equal(config.cipher, BENCH_CHACHA20_POLY1305);
    assert_string_equal(config.groups, "X25519:P-256");
    assert_string_equal(config.server_name, "a.test");
    assert_string_equal(config.cacert, "ca");
    assert_string_equal(config.cert, "c");
    assert_string_equal(config.key, "k");
    assert_int_equal(config.direction, BENCH_UP);
    assert_int_equal(config.size, 65536);
    assert_int_equal(config.connections, 8);
    assert_int_equal(config.threads, 2);
    assert_int_equal(config.cpus.count, 1);
    assert_true(config.time_ns == 250 * GW_NS_PER_MS);
    assert_true(config.warmup_ns == 0);
    assert_true(config.timeout_ns == 60 * GW_NS_PER_SEC);
    assert_int_equal(config.pids.count, 2); /* one that is named twice counts once */
    assert_true(config.json);
    assert_string_equal(config.save, "f");
    expect_good("bulk " TO "--direction both --plain --cipher aes-256-gcm");
    assert_int_equal(config.direction, BENCH_BOTH);
    assert_true(config.plain);
    expect_good("bulk " TO "--path /a/b.bin?c=d");
    assert_string_equal(config.path, "/a/b.bin?c=d");
    expect_good("handshake " TO "--resume resumed");
    assert_int_equal(config.resume, BENCH_RESUMED);
    expect_good("latency " TO "--rate 10000000 --size 16m");
    assert_int_equal(config.rate, 10000000);
    expect_good("churn --target [::1]:443 --tls=1.3");
    assert_int_equal(config.target.addr.ss_family, AF_INET6);
    expect_good("flood --kind handshake-half-hello --sources 2001:2:0:8000::/49 --rate 2000000 "
                "--secs 60 --count 9 --size 1400 --seed 9223372036854775807 --into listen "
                "--pcap p --cpus 0 --json --save f");
    assert_int_equal(config.flood.flood.kind, BENCH_FLOOD_HANDSHAKE_HALF_HELLO);
    assert_int_equal(config.flood.flood.sources.len, 16);
    assert_int_equal(config.flood.flood.sources.bits, 49);
    assert_int_equal(config.flood.flood.rate, 2000000);
    assert_int_equal(config.flood.flood.secs, 60);
    assert_int_equal(config.flood.flood.count, 9);
    assert_int_equal(config.flood.flood.size, 1400);
    assert_true(config.flood.flood.seed == INT64_MAX);
    assert_int_equal(config.flood.into, BENCH_INTO_LISTEN);
    assert_string_equal(config.flood.pcap, "p");
    expect_good("origin --listen unix:/tmp/x --threads 64");
    assert_string_equal(((struct sockaddr_un *)&config.listen.addr)->sun_path, "/tmp/x");
}

static void bad_values_name_their_flag(void **state gw_unused)
{
    static const struct {
        const char *line;
        const char *flag;
    } rows[] = {
        {"bulk", "--target"},
        {"bulk --target 127.0.0.1", "--target"},
        {"bulk --target 127.0.0.1:0", "--target"},
        {"bulk --target 127.0.0.1:65536", "--target"},
        {"bulk --target :443", "--target"},
        {"origin --listen nonsense", "--listen"},
        {"bulk " TO "--tls 1.1", "--tls '1.1': is not one of 1.2, 1.3"},
        {"bulk " TO "--cipher AES-128-GCM", "--cipher"},
        {"bulk " TO "--direction sideways", "--direction 'sideways': is not one of down, up, both"},
        {"handshake " TO "--resume half", "--resume"},
        {"bulk " TO "--size 0", "--size"},
        {"bulk " TO "--size -1", "--size"},
        {"bulk " TO "--size 2048g", "--size"},
        {"bulk " TO "--size 99999999999g", "--size"},
        {"latency " TO "--size 17m", "--size"},
        {"churn " TO "--size many", "--size"},
        {"latency " TO "--rate 10000001", "--rate"},
        {"latency " TO "--rate 1.5", "--rate"},
        {"bulk " TO "--connections 0", "--connections"},
        {"bulk " TO "--connections 100001", "--connections"},
        {"idle " TO "--connections 1000001", "--connections"},
        {"bulk " TO "--threads 0", "--threads"},
        {"bulk " TO "--threads 65 --connections 100", "--threads"},
        {"bulk " TO "--threads 3 --connections 2", "--threads"},
        {"bulk " TO "--cpus 0-", "--cpus"},
        {"bulk " TO "--cpus 8191", "--cpus"},
        {"bulk " TO "--time 10", "--time"},
        {"bulk " TO "--time 99ms", "--time"},
        {"bulk " TO "--time 25h", "--time"},
        {"bulk " TO "--warmup -1s", "--warmup"},
        {"bulk " TO "--warmup 2h", "--warmup"},
        {"bulk " TO "--timeout 0", "--timeout"},
        {"bulk " TO "--timeout 61m", "--timeout"},
        {"bulk " TO "--pid 0", "--pid"},
        {"bulk " TO "--pid -1", "--pid"},
        {"bulk " TO "--pid 4294967297", "--pid"},
        {"bulk " TO "--pid self", "--pid"},
        {"bulk " TO "--key k", "--key"},
        {"bulk " TO "--path /a --direction up", "--path"},
        {"bulk " TO "--path a", "--path"},
        {"bulk " TO "--path /a^b", "--path"},
        {"bulk " TO "--path /a\r\nX:y", "--path"},
        {"bulk " TO "--server-name a^b", "--server-name"},
        {"bulk " TO "word", "'word'"},
        {"flood --kind teardrop", "--kind"},
        {"flood --sources nowhere", "--sources"},
        {"flood --rate 2000001", "--rate"},
        {"flood --secs 61", "--secs"},
        {"flood --size 1401", "--size"},
        {"flood --into eth0", "--into 'eth0': is not one of auto, drop, listen"},
        {"flood eth0", "'eth0'"},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++)
        expect_refused(rows[i].line, rows[i].flag);
}

static void too_long_and_too_many(void **state gw_unused)
{
    char line[2048] = "bulk " TO "--path /";
    size_t len = strlen(line);
    memset(line + len, 'a', 512);
    expect_refused(line, "--path");
    line[len + 511] = '\0';
    expect_good(line);
    (void)snprintf(line, sizeof(line), "bulk " TO);
    for (int pid = 1; pid <= BENCH_PIDS_MAX; pid++)
        (void)snprintf(line + strlen(line), 16, "--pid %d ", pid);
    expect_good(line);
    (void)snprintf(line + strlen(line), 16, "--pid 99");
    expect_refused(line, "--pid");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_have_words),   cmocka_unit_test(what_is_not_said),
        cmocka_unit_test(what_is_said),          cmocka_unit_test(bad_values_name_their_flag),
        cmocka_unit_test(too_long_and_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
