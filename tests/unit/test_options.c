/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/config/options: every row is good, refuses what it must, and stands in --help. */
#include "gateway/config/options.h"

#include "gateway/config/command.h"
#include "gateway/config/help.h"
#include "gateway/config/units.h"
#include "tests/unit/cmdline.h"

#include <ctype.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* A good value for each option whose kind alone does not give one. A row without is a failure. */
static const struct {
    const char *name;
    const char *value;
} samples[] = {
    {"name", "x"},
    {"server", "x.y"},
    {"client", "x"},
    {"dns", "x.y"},
    {"uri", "a://b"},
    {"email", "x@y"},
    {"ip", "::1"},
    {"ou", "x"},
    {"days", "7"},
    {"permit-dns", "x.y"},
    {"permit-ip", "::/0"},
    {"permit-uri", "x.y"},
    {"permit-email", ".x.y"},
    {"within", "10d"},
    {"next-update", "7d"},
    {"key-pass-file", "p"},
    {"bundle-pass-file", "p"},
    {"listen", "127.0.0.1:0"},
    {"target", "unix:/b"},
    {"target-name", "b.test"},
    {"cert", "c.pem"},
    {"key", "k.pem"},
    {"cacert", "ca.pem"},
    {"ciphers", "A-B"},
    {"ciphersuites", "A"},
    {"groups", "P-256"},
    {"alpn", "h2"},
    {"cpus", "0"},
    {"config", "/nowhere"},
    {"accept-proxy-from", "10.0.0.0/8,unix"},
    {"explain", "c.pem"},
    {"user", "root"},
    {"group", "root"},
    {"pidfile", "/p"},
    {"cert-dir", "certs"},
    {"cert-glob", "*.x"},
    {"crl", "ca.crl"},
    {"ca-names", "none"},
    {"key-pass-file", "pass"},
    {"ocsp-file", "c.ocsp"},
};

/* Of each kind of rule. */
static const char *const patterns[GW_RULE_KIND_COUNT] = {
    [GW_RULE_CN] = "x",
    [GW_RULE_OU] = "x",
    [GW_RULE_DNS] = "x.y",
    [GW_RULE_URI] = "a://b",
    [GW_RULE_IP] = "10.0.0.0/8",
    [GW_RULE_EMAIL] = "a@b.test",
    [GW_RULE_FINGERPRINT] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    [GW_RULE_SPKI] = "sha256/ASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4mrze8=",
};

static const char *sample_of(const struct gw_option *opt)
{
    if (opt->kind == GW_OPTION_PATTERN)
        return patterns[opt->first];
    for (size_t i = 0; i < GW_ARRAY_SIZE(samples); i++)
        if (!strcmp(samples[i].name, opt->name))
            return samples[i].value;
    if (opt->kind == GW_OPTION_WORD)
        return opt->words[0];
    if (!opt->initial)
        print_error("--%s has no sample value\n", opt->name);
    assert_non_null(opt->initial);
    return opt->initial;
}

/* The first command that takes the option. */
static const char *command_of(const struct gw_option *opt)
{
    unsigned c = 0;
    while (!(opt->commands & 1u << c))
        c++;
    return c < GW_COMMAND_COUNT ? gw_command_info((enum gw_command)c)->word : "";
}

static struct cmdline parse_flag(const struct gw_option *opt, const char *rest)
{
    char line[1024];
    (void)snprintf(line, sizeof(line), "%s --%s%s", command_of(opt), opt->name, rest);
    return cmdline_parse(line);
}

/* Refused because of this very flag: the sentence begins with its name. */
static void refused(const struct gw_option *opt, const char *rest, const char *words)
{
    struct cmdline c = parse_flag(opt, rest);
    char start[128];
    int len = snprintf(start, sizeof(start), "--%s", opt->name);
    if (!c.result || strncmp(c.err.text, start, (size_t)len) || !strstr(c.err.text, words))
        print_error("--%s%s: %s\n", opt->name, rest, c.result ? c.err.text : "taken");
    assert_int_not_equal(c.result, 0);
    assert_int_equal(c.err.exit, GW_EXIT_USAGE);
    assert_memory_equal(c.err.text, start, (size_t)len);
    assert_non_null(strstr(c.err.text, words));
}

/* Not refused because of this flag; others may still be missing. */
static void taken(const struct gw_option *opt, const char *rest)
{
    struct cmdline c = parse_flag(opt, rest);
    char start[128];
    int len = snprintf(start, sizeof(start), "--%s", opt->name);
    bool blamed = c.result && !strncmp(c.err.text, start, (size_t)len) &&
                  !strstr(c.err.text, "is missing: say") && !strstr(c.err.text, "needs --cacert");
    if (blamed)
        print_error("--%s%s: %s\n", opt->name, rest, c.err.text);
    assert_false(blamed);
    gw_config_free(c.config);
}

static void rows_are_whole(void **state gw_unused)
{
    for (unsigned i = 0; i < gw_option_count(); i++) {
        const struct gw_option *opt = gw_option_at(i);
        assert_true(opt->set && opt->help && opt->commands && opt->group < GW_GROUP_COUNT);
        assert_non_null(gw_option_group_title(opt->group));
        assert_true(islower((unsigned char)opt->help[0]) || isupper((unsigned char)opt->help[0]));
        assert_true(opt->help[strlen(opt->help) - 1] != '.');
        for (const char *at = opt->name; *at; at++)
            assert_true(islower((unsigned char)*at) || *at == '-');
        assert_int_equal(opt->kind == GW_OPTION_WORD, opt->words != NULL);
        assert_int_equal(opt->kind != GW_OPTION_WORD && opt->kind != GW_OPTION_SWITCH,
                         opt->value != NULL);
        if (opt->kind == GW_OPTION_NUMBER || opt->kind == GW_OPTION_SIZE ||
            opt->kind == GW_OPTION_DURATION)
            assert_true(opt->min >= 0 && opt->min < opt->max && (opt->initial || opt->otherwise));
        if (opt->kind == GW_OPTION_DURATION)
            assert_true(opt->min > 0);
        for (unsigned c = 0; c <= GW_COMMAND_COUNT; c++) {
            const struct gw_option *found =
                gw_option_find((enum gw_command)c, opt->name, strlen(opt->name));
            /* One row a command and name. */
            assert_true(!(opt->commands & 1u << c) || found == opt);
        }
    }
}

static bool has_word(const struct gw_option *opt, const char *word)
{
    for (unsigned i = 0; opt->words && opt->words[i]; i++)
        if (!strcmp(opt->words[i], word))
            return true;
    return false;
}

/* Else nobody could say whether what stands behind such a flag is its value. */
static void no_value_is_left_out_where_one_stands_alone(void **state gw_unused)
{
    for (unsigned i = 0; i < gw_option_count(); i++) {
        const struct gw_option *opt = gw_option_at(i);
        if (!opt->alone)
            continue;
        assert_true(has_word(opt, opt->alone));
        for (unsigned c = 0; c < GW_COMMAND_COUNT; c++)
            assert_true(!(opt->commands & 1u << c) || !gw_option_bare((enum gw_command)c));
    }
}

static void each_takes_a_good_value(void **state gw_unused)
{
    char rest[1024];
    for (unsigned i = 0; i < gw_option_count(); i++) {
        const struct gw_option *opt = gw_option_at(i);
        if (opt->kind == GW_OPTION_SWITCH) {
            taken(opt, "");
            continue;
        }
        (void)snprintf(rest, sizeof(rest), " %s", sample_of(opt));
        taken(opt, rest);
        rest[0] = '=';
        taken(opt, rest);
        for (unsigned w = 0; opt->words && opt->words[w]; w++) {
            (void)snprintf(rest, sizeof(rest), "=%s", opt->words[w]);
            taken(opt, rest);
        }
    }
}

static void each_refuses_no_value_and_no_room(void **state gw_unused)
{
    for (unsigned i = 0; i < gw_option_count(); i++) {
        const struct gw_option *opt = gw_option_at(i);
        if (opt->kind == GW_OPTION_SWITCH) {
            refused(opt, "=yes", "takes no value");
            continue;
        }
        if (opt->alone) {
            taken(opt, "");
            taken(opt, " --help");
        } else {
            refused(opt, "", "the value is missing");
            refused(opt, " --help", "the value is missing");
        }
        refused(opt, "=", "the value is empty");
        refused(opt, " ''", "the value is empty");
        refused(opt, "=a\x7f", "control character");
    }
}

static void each_counts_how_often(void **state gw_unused)
{
    char rest[1024];
    for (unsigned i = 0; i < gw_option_count(); i++) {
        const struct gw_option *opt = gw_option_at(i);
        bool is_switch = opt->kind == GW_OPTION_SWITCH;
        const char *sample = is_switch ? "" : sample_of(opt);
        if (opt->set == gw_option_find(GW_COMMAND_SERVER, "help", 4)->set)
            continue; /* nothing behind --help is read */
        (void)snprintf(rest, sizeof(rest), "%s%s --%s%s%s", is_switch ? "" : "=", sample, opt->name,
                       is_switch ? "" : "=", sample);
        if (!opt->repeatable)
            refused(opt, rest, "is given twice; leave one out");
        else if (strcmp(opt->name, "alpn") != 0) /* twice the same protocol is another mistake */
            taken(opt, rest);
    }
}

/* A configuration file asks this: what is stored in a service belongs into its section. */
static void what_a_service_holds_is_of_a_service(void **state gw_unused)
{
    for (unsigned i = 0; i < gw_option_count(); i++) {
        const struct gw_option *opt = gw_option_at(i);
        if (opt->in_service && !gw_option_of_service(opt))
            fail_msg("--%s is stored in a service, but its group is of the whole", opt->name);
    }
}

static void words_and_ranges_are_kept(void **state gw_unused)
{
    char rest[256];
    char text[GW_UNITS_TEXT_MAX];
    for (unsigned i = 0; i < gw_option_count(); i++) {
        const struct gw_option *opt = gw_option_at(i);
        if (opt->kind == GW_OPTION_WORD) {
            refused(opt, "=nonsense", opt->words[0]);
            refused(opt, "=nonsense", opt->words[1]);
            (void)snprintf(rest, sizeof(rest), "=%s^", opt->words[0]);
            refused(opt, rest, opt->words[1]);
        }
        if (opt->kind == GW_OPTION_NUMBER) {
            (void)snprintf(rest, sizeof(rest), "=%" PRId64, opt->min);
            taken(opt, rest);
            (void)snprintf(rest, sizeof(rest), "=%" PRId64, opt->min - 1);
            if (opt->min > 0)
                refused(opt, rest, "out of range");
            (void)snprintf(rest, sizeof(rest), "=%" PRId64, opt->max + 1);
            refused(opt, rest, "out of range");
            refused(opt, "=99999999999999999999999", "too large");
            refused(opt, "=1x", "not a whole number");
            refused(opt, "=-1", "does not begin with a number");
        }
        if (opt->kind == GW_OPTION_SIZE) {
            assert_true(opt->min % 1024 == 0 && opt->max % 1024 == 0 && opt->max <= UINT32_MAX);
            (void)snprintf(rest, sizeof(rest), "=%" PRId64 "k", opt->min >> 10);
            taken(opt, rest);
            (void)snprintf(rest, sizeof(rest), "=%" PRId64, opt->max);
            taken(opt, rest);
            (void)snprintf(rest, sizeof(rest), "=%" PRId64, opt->min - 1);
            refused(opt, rest, "out of range");
            (void)snprintf(rest, sizeof(rest), "=%" PRId64, opt->max + 1);
            refused(opt, rest, "out of range");
            refused(opt, "=4t", "the unit is not one of k, m and g");
        }
        if (opt->kind == GW_OPTION_DURATION) {
            (void)snprintf(rest, sizeof(rest), "=%s", gw_units_duration_text(opt->min, text));
            taken(opt, rest);
            (void)snprintf(rest, sizeof(rest), "=%s", gw_units_duration_text(opt->max, text));
            taken(opt, rest);
            (void)snprintf(rest, sizeof(rest), "=%s",
                           gw_units_duration_text(opt->max + 1000000, text));
            refused(opt, rest, "out of range");
            refused(opt, "=30", "the unit is missing");
            refused(opt, "=30sx", "the unit is not one of");
            refused(opt, "=9999999999999h", "too large");
            if (opt->zero_off)
                taken(opt, "=0");
            else
                refused(opt, "=0", "out of range");
        }
    }
}

/* The words are values of enums that other layers own. */
static void words_mean_their_enums(void **state gw_unused)
{
    static const struct {
        const char *name;
        int value;
        const char *word;
    } rows[] = {
        {"verify", GW_VERIFY_NONE, "none"},
        {"verify", GW_VERIFY_OPTIONAL, "optional"},
        {"verify", GW_VERIFY_REQUIRED, "required"},
        {"strict-sni", GW_STRICT_SNI_OFF, "off"},
        {"strict-sni", GW_STRICT_SNI_UNKNOWN, "unknown"},
        {"strict-sni", GW_STRICT_SNI_ON, "on"},
        {"records", GW_RECORDS_AUTO, "auto"},
        {"records", GW_RECORDS_KERNEL, "kernel"},
        {"records", GW_RECORDS_USER, "user"},
        {"records", GW_RECORDS_MEASURED, "measured"},
        {"proxy-protocol", GW_PROXY_OFF, "off"},
        {"proxy-protocol", GW_PROXY_V1, "v1"},
        {"proxy-protocol", GW_PROXY_V2, "v2"},
        {"proxy-protocol", GW_PROXY_V2_TLS, "v2-tls"},
        {"proxy-protocol", GW_PROXY_V2_TLS_FULL, "v2-tls-full"},
        {"log-format", GW_LOG_TEXT, "text"},
        {"log-format", GW_LOG_JSON, "json"},
        {"log-level", GW_LOG_ERROR, "error"},
        {"log-level", GW_LOG_WARNING, "warning"},
        {"log-level", GW_LOG_INFO, "info"},
        {"log-level", GW_LOG_DEBUG, "debug"},
        {"tls-min", 0x0303, "1.2"},
        {"tls-max", 0x0304, "1.3"},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        const struct gw_option *opt =
            gw_option_find(GW_COMMAND_SERVER, rows[i].name, strlen(rows[i].name));
        assert_string_equal(opt->words[rows[i].value - opt->first], rows[i].word);
    }
    const struct gw_option *level = gw_option_find(GW_COMMAND_SERVER, "log-level", 9);
    for (unsigned i = 0; level->words[i]; i++)
        assert_string_equal(level->words[i], gw_log_level_word((enum gw_log_level)i));
    const struct gw_option *format = gw_option_find(GW_COMMAND_SERVER, "log-format", 10);
    for (unsigned i = 0; format->words[i]; i++)
        assert_string_equal(format->words[i], gw_log_format_word((enum gw_log_format)i));
}

static void other_names_lead_to_ours(void **state gw_unused)
{
    for (unsigned i = 0; i < gw_option_count(); i++) {
        const struct gw_option *opt = gw_option_at(i);
        const char *at = opt->also ? opt->also : "";
        unsigned command = 0;
        while (!(opt->commands & 1u << command))
            command++;
        while (*at) {
            size_t len = strcspn(at, " ");
            assert_null(gw_option_find((enum gw_command)command, at, len));
            assert_ptr_equal(gw_option_nearest((enum gw_command)command, at, len), opt);
            at += len + (at[len] == ' ');
        }
    }
    assert_null(gw_option_nearest(GW_COMMAND_SERVER, "", 0));
    assert_null(gw_option_nearest(GW_COMMAND_PROBE, "lisen", 5));
}

static char *help_of(const char *command)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    gw_config_help(command, f);
    (void)fclose(f);
    return text;
}

/* Whether the help has a line "  --NAME" followed by a blank or its end. */
static const char *entry_of(const char *help, const char *name)
{
    char entry[128];
    int len = snprintf(entry, sizeof(entry), "\n  --%s", name);
    const char *at = help;
    while ((at = strstr(at, entry)) && at[len] != ' ' && at[len] != '\n')
        at++;
    return at;
}

static void check_lines(const char *help)
{
    while (*help) {
        size_t len = strcspn(help, "\n");
        if (len > 80)
            print_error("%.*s\n", (int)len, help);
        assert_true(len <= 80);
        assert_true(!len || help[len - 1] != ' ');
        for (size_t i = 0; i < len; i++)
            assert_true(isprint((unsigned char)help[i]));
        help += len + (help[len] == '\n');
    }
}

/* The first words of the sentence stand behind the entry: at once or on the next line. */
static void check_entry(const char *entry, const struct gw_option *opt)
{
    char start[12];
    (void)snprintf(start, sizeof(start), "%s", opt->help);
    const char *sentence = strstr(entry + 1, start);
    assert_non_null(sentence);
    assert_true(sentence - entry < 160);
    if (opt->initial) {
        const char *note = strstr(sentence, "(default:");
        assert_non_null(note);
        assert_int_equal(
            strncmp(note + 10 + strspn(note + 10, "\n "), opt->initial, strlen(opt->initial)), 0);
    }
}

static void help_lists_what_the_command_takes(void **state gw_unused)
{
    for (unsigned c = 0; c <= GW_COMMAND_COUNT; c++) {
        const char *word = c < GW_COMMAND_COUNT ? gw_command_info((enum gw_command)c)->word : NULL;
        char *help = help_of(word);
        unsigned entries = 0;
        unsigned expected = 0;
        for (const char *at = help; (at = strstr(at, "\n  --")); at++)
            entries++;
        for (unsigned i = 0; i < gw_option_count(); i++) {
            const struct gw_option *opt = gw_option_at(i);
            if (!(opt->commands & 1u << c))
                continue;
            const char *entry = entry_of(help, opt->name);
            if (!entry)
                print_error("%s --help lacks --%s\n", word ? word : "", opt->name);
            assert_non_null(entry);
            check_entry(entry, opt);
            expected++;
        }
        assert_int_equal(entries, expected);
        check_lines(help);
        free(help);
    }
}

static void help_without_a_command_lists_the_commands(void **state gw_unused)
{
    char *help = help_of(NULL);
    char *unknown = help_of("nonsense");
    assert_string_equal(help, unknown);
    for (unsigned c = 0; c < GW_COMMAND_COUNT; c++) {
        const struct gw_command_info *info = gw_command_info((enum gw_command)c);
        assert_non_null(strstr(help, info->word));
        assert_int_equal(gw_command_find(info->word), c);
        /* Examples show the command they belong to. */
        assert_non_null(strstr(info->example, info->word));
    }
    free(help);
    free(unknown);
}

/* Of two words the first one's help is of all commands that it begins. */
static void help_of_half_a_command_lists_its_commands(void **state gw_unused)
{
    char *help = help_of("pki");
    for (unsigned c = 0; c < GW_COMMAND_COUNT; c++) {
        char entry[64];
        const char *word = gw_command_info((enum gw_command)c)->word;
        (void)snprintf(entry, sizeof(entry), "\n  %s ", word);
        assert_int_equal(strstr(help, entry) != NULL, !strncmp(word, "pki ", 4));
    }
    assert_non_null(entry_of(help, "dir"));
    assert_null(entry_of(help, "server"));
    check_lines(help);
    free(help);
}

/* What a person pastes from --help must be taken. */
static void examples_are_good(void **state gw_unused)
{
    for (unsigned c = 0; c < GW_COMMAND_COUNT; c++) {
        char line[1024];
        (void)snprintf(line, sizeof(line), "%s",
                       strstr(gw_command_info((enum gw_command)c)->example, "ktlsgate ") + 9);
        for (char *at = line; *at; at++)
            if (*at == '\\' || *at == '\n')
                *at = ' ';
        struct cmdline result = cmdline_parse(line);
        if (result.result)
            print_error("%s: %s\n", line, result.err.text);
        assert_int_equal(result.result, 0);
        gw_config_free(result.config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_whole),
        cmocka_unit_test(no_value_is_left_out_where_one_stands_alone),
        cmocka_unit_test(each_takes_a_good_value),
        cmocka_unit_test(each_refuses_no_value_and_no_room),
        cmocka_unit_test(each_counts_how_often),
        cmocka_unit_test(what_a_service_holds_is_of_a_service),
        cmocka_unit_test(words_and_ranges_are_kept),
        cmocka_unit_test(words_mean_their_enums),
        cmocka_unit_test(other_names_lead_to_ours),
        cmocka_unit_test(help_lists_what_the_command_takes),
        cmocka_unit_test(help_without_a_command_lists_the_commands),
        cmocka_unit_test(help_of_half_a_command_lists_its_commands),
        cmocka_unit_test(examples_are_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
