/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command lines made by chance, from a fixed seed: none may crash, and each is either taken whole
 * or refused with a sentence that is fit for a terminal and a log. No host name in them needs a
 * name server: what is mangled has no colon.
 */
#include "gateway/config/command.h"
#include "gateway/config/options.h"
#include "tests/unit/cmdline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    ROUNDS = 100000,
    ARGS_MAX = 24,
    ARG_BYTES = 200
};

static uint64_t state_of_chance = UINT64_C(0x6b746c7367617465);

/* xorshift64*: the same numbers on every machine. */
static uint32_t chance(uint32_t below)
{
    uint64_t x = state_of_chance;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    state_of_chance = x;
    return (uint32_t)((x * UINT64_C(0x2545f4914f6cdd1d)) >> 32) % below;
}

static const char *const values[] = {
    "127.0.0.1:0",
    "[::1]:9",
    ":8443",
    "*:1",
    "unix:/tmp/x",
    "unix:",
    "a.pem",
    "b.key",
    "none",
    "optional",
    "required",
    "on",
    "off",
    "auto",
    "kernel",
    "user",
    "1.2",
    "1.3",
    "1.1",
    "SSLv3",
    "v1",
    "v2",
    "text",
    "json",
    "info",
    "debug",
    "h2",
    "h2,http/1.1",
    "10s",
    "500ms",
    "10",
    "0",
    "1h",
    "9999999h",
    "0-3,8",
    "0",
    "1",
    "3-1",
    "root",
    "nobody",
    "no-such",
    "X25519:P-256",
    "A::B",
    "!x",
    "1000000",
    "256",
    "64",
    "",
    "[",
    "[]",
    "]:1",
    "[::1]",
    "a..b:1",
    "1.2.3:4",
    "%s%n%s",
    "--",
    "-",
    "=",
    "--=",
    "\xc3\xa4",
    "\xff\xfe",
    "\x1b[31m",
    ",",
    "127.0.0.1:1",
    "127.0.0.1:70000",
};

static const char *const bases[] = {
    "--listen=127.0.0.1:0", "--target=127.0.0.1:80", "--cert=c.pem",
    "--cacert=ca.pem",      "--allow-cn=x",
};

static void mangle(char *arg)
{
    size_t len = strlen(arg);
    for (uint32_t n = 1 + chance(3); len && n; n--) {
        char c = (char)(1 + chance(255));
        arg[chance((uint32_t)len)] = c == ':' ? ';' : c;
    }
    for (char *at = arg; (at = strchr(at, ':'));)
        *at = ';';
}

static void make_value(char *out)
{
    (void)snprintf(out, ARG_BYTES, "%s", values[chance(GW_ARRAY_SIZE(values))]);
}

static void make_arg(char *out)
{
    const struct gw_option *opt = gw_option_at(chance(gw_option_count()));
    char value[ARG_BYTES];
    make_value(value);
    uint32_t kind = chance(16);
    if (kind < 6)
        (void)snprintf(out, ARG_BYTES, "--%s=%.100s", opt->name, value);
    else if (kind < 9)
        (void)snprintf(out, ARG_BYTES, "--%s", opt->name);
    else if (kind < 10)
        (void)snprintf(out, ARG_BYTES, "%s", value);
    else
        (void)snprintf(out, ARG_BYTES, "%s", bases[chance(GW_ARRAY_SIZE(bases))]);
    if (chance(8) == 0)
        mangle(out);
}

static void check(int result, const struct gw_config *c, const struct gw_error *err)
{
    if (!result) {
        assert_non_null(c);
        assert_true(c->ask != GW_ASK_RUN || (c->workers >= 1 && c->workers <= GW_MAX_WORKERS));
        assert_true(c->ask != GW_ASK_RUN || c->command != GW_COMMAND_SERVER ||
                    (c->services[0]->listen_count && c->services[0]->target.addr_count &&
                     c->services[0]->tls.cert_count + c->services[0]->tls.cert_dir_count &&
                     c->services[0]->rule_count));
        return;
    }
    assert_null(c);
    assert_true(result < 0);
    assert_in_range(err->exit, GW_EXIT_USAGE, GW_EXIT_START);
    assert_in_range(strlen(err->text), 10, sizeof(err->text) - 1);
    for (const char *at = err->text; *at; at++)
        assert_true((unsigned char)*at >= 0x20 && *at != 0x7f);
}

static void nothing_crashes_and_refusals_are_told(void **state gw_unused)
{
    unsigned accepted = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        char bytes[ARGS_MAX][ARG_BYTES];
        char *argv[ARGS_MAX];
        unsigned argc = chance(chance(4) ? 10 : ARGS_MAX);
        for (unsigned i = 0; i < argc; i++) {
            make_arg(bytes[i]);
            argv[i] = bytes[i];
        }
        struct gw_config *c = NULL;
        struct gw_error err = {.text = ""};
        uint32_t command = chance(GW_COMMAND_COUNT + 2);
        const char *word =
            command < GW_COMMAND_COUNT ? gw_command_info((enum gw_command)command)->word : "server";
        int result = gw_config_parse(&c, word, (int)argc, argv, &err);
        check(result, c, &err);
        accepted += !result;
        gw_config_free(c);
    }
    /* Lines that reach the last checks must be among them. */
    print_message("%u of %u taken\n", accepted, (unsigned)ROUNDS);
    assert_in_range(accepted, ROUNDS / 100, ROUNDS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_crashes_and_refusals_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
