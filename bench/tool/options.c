/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/tool/options.h"

#include "bench/tool/commands.h"
#include "bench/tool/flags.h"
#include "bench/tool/lists.h"
#include "gateway/config/address.h"
#include "gateway/config/cpus.h"
#include "gateway/config/units.h"

#include <argp.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    KEY_FIRST = 0x1000, /* no characters: the flags have no short forms */
};

/* ---- one value ---- */

struct reading {
    struct bench_config *config;
    struct gw_error *err;
    int error;
};

static int refuse(struct gw_error *err, const struct bench_flag *opt, const char *value,
                  const char *why)
{
    return gw_error_set(err, GW_EXIT_USAGE, "--%s '%.80s': %s", opt->name, value, why);
}

static int set_address(const struct bench_flag *opt, const char *value, struct gw_address *at,
                       struct gw_error *err)
{
    enum gw_address_use use =
        opt->kind == BENCH_FLAG_LISTEN ? GW_ADDRESS_LISTEN : GW_ADDRESS_TARGET;
    struct gw_address_spec spec;
    const char *why;
    if (gw_address_read(value, use, &spec, &why) || gw_address_resolve(&spec, use, at, 1, &why) < 0)
        return refuse(err, opt, value, why);
    return 0;
}

static int read_number(const struct bench_flag *opt, const char *value, uint64_t *ret,
                       const char **why)
{
    int64_t ns = 0;
    switch (opt->kind) {
    case BENCH_FLAG_DURATION:
        if (gw_units_duration(value, &ns, why))
            return -EINVAL;
        *ret = (uint64_t)ns;
        return 0;
    case BENCH_FLAG_SIZE:
        return gw_units_size(value, ret, why);
    default:
        return gw_units_count(value, ret, why);
    }
}

static int set_number(const struct bench_flag *opt, const char *value, uint64_t *at,
                      struct gw_error *err)
{
    const char *why;
    uint64_t n;
    if (read_number(opt, value, &n, &why))
        return refuse(err, opt, value, why);
    if (n < opt->min || n > opt->max)
        return refuse(err, opt, value, n < opt->min ? "is too small" : "is too large");
    *at = n;
    return 0;
}

static int set_word(const struct bench_flag *opt, const char *value, int *at, struct gw_error *err)
{
    for (int i = 0; opt->words[i]; i++) {
        if (!strcmp(opt->words[i], value)) {
            *at = i;
            return 0;
        }
    }
    char why[128] = "is not one of";
    for (int i = 0; opt->words[i]; i++)
        (void)snprintf(why + strlen(why), sizeof(why) - strlen(why), "%s %s", i ? "," : "",
                       opt->words[i]);
    return refuse(err, opt, value, why);
}

static int set_pid(const struct bench_flag *opt, const char *value, struct bench_pids *at,
                   struct gw_error *err)
{
    const char *why;
    uint64_t pid;
    if (gw_units_count(value, &pid, &why) || pid == 0 || pid > INT32_MAX)
        return refuse(err, opt, value, "is not a process number");
    for (unsigned i = 0; i < at->count; i++)
        if (at->list[i] == (pid_t)pid)
            return 0;
    if (at->count == BENCH_PIDS_MAX)
        return refuse(err, opt, value, "is one too many; name a parent instead of its children");
    at->list[at->count++] = (pid_t)pid;
    return 0;
}

static int set_cpus(const struct bench_flag *opt, const char *value, struct bench_cpus *at,
                    struct gw_error *err)
{
    const char *why;
    int count = gw_cpus_read(value, at->list, &why);
    if (count < 0)
        return refuse(err, opt, value, why);
    at->count = (unsigned)count;
    for (int i = 0; i < count; i++)
        if (!gw_cpus_allowed(at->list[i]))
            return refuse(err, opt, value, "this process may not run there");
    return 0;
}

static int set_sizes(const struct bench_flag *opt, const char *value, struct bench_sizes *at,
                     struct gw_error *err)
{
    const char *why;
    return bench_lists_sizes(value, at, &why) ? refuse(err, opt, value, why) : 0;
}

static int set_net(const struct bench_flag *opt, const char *value, struct gw_net *at,
                   struct gw_error *err)
{
    const char *why;
    return gw_net_read(value, at, &why) ? refuse(err, opt, value, why) : 0;
}

static int set_words(const struct bench_flag *opt, const char *value, unsigned *at,
                     struct gw_error *err)
{
    const char *why;
    return bench_lists_words(value, opt->words, at, &why) ? refuse(err, opt, value, why) : 0;
}

static int set(const struct bench_flag *opt, const char *value, struct bench_config *config,
               struct gw_error *err)
{
    void *at = (char *)config + opt->at;
    switch (opt->kind) {
    case BENCH_FLAG_SWITCH:
    case BENCH_FLAG_HIDDEN_SWITCH:
        *(bool *)at = true;
        return 0;
    case BENCH_FLAG_TEXT:
        *(const char **)at = value;
        return 0;
    case BENCH_FLAG_TARGET:
    case BENCH_FLAG_LISTEN:
        return set_address(opt, value, at, err);
    case BENCH_FLAG_NUMBER:
    case BENCH_FLAG_SIZE:
    case BENCH_FLAG_DURATION:
        return set_number(opt, value, at, err);
    case BENCH_FLAG_WORD:
        return set_word(opt, value, at, err);
    case BENCH_FLAG_CPUS:
        return set_cpus(opt, value, at, err);
    case BENCH_FLAG_PID:
        return set_pid(opt, value, at, err);
    case BENCH_FLAG_SIZES:
        return set_sizes(opt, value, at, err);
    case BENCH_FLAG_WORDS:
        return set_words(opt, value, at, err);
    case BENCH_FLAG_NET:
        return set_net(opt, value, at, err);
    }
    return -EINVAL;
}

/* ---- all of them ---- */

static int take_input(struct reading *r, const char *value)
{
    struct bench_report_wish *to = &r->config->report;
    if (!bench_command_info(r->config->command)->inputs)
        return gw_error_set(r->err, GW_EXIT_USAGE, "'%.80s' is not a flag; --help lists them",
                            value);
    if (to->count == BENCH_INPUTS_MAX)
        return gw_error_set(r->err, GW_EXIT_USAGE, "'%.80s' is one file too many", value);
    to->inputs[to->count++] = value;
    return 0;
}

static error_t take(int key, char *value, struct argp_state *state)
{
    struct reading *r = state->input;
    if (key == ARGP_KEY_ARG) {
        r->error = take_input(r, value);
        return r->error ? EINVAL : 0;
    }
    if (key < KEY_FIRST || key >= KEY_FIRST + (int)bench_flags_count)
        return ARGP_ERR_UNKNOWN;
    r->error = set(&bench_flags[key - KEY_FIRST], value, r->config, r->err);
    return r->error ? EINVAL : 0;
}

void bench_options_defaults(enum bench_command command, struct bench_config *ret)
{
    struct gw_error err;
    *ret = (struct bench_config){.command = command};
    for (unsigned i = 0; i < bench_flags_count; i++)
        if (bench_flags[i].initial && bench_flags[i].commands & 1U << command)
            gw_require(!set(&bench_flags[i], bench_flags[i].initial, ret, &err));
}

enum {
    HELP_MAX = 256,
    PATH_BYTES_MAX = 512,
    NAME_BYTES_MAX = 255,
};

/* argp's row of a flag. `help` must live as long as it. */
static struct argp_option row_of(size_t i, char help[HELP_MAX])
{
    const struct bench_flag *opt = &bench_flags[i];
    size_t len = (size_t)snprintf(help, HELP_MAX, "%s", opt->help);
    for (unsigned w = 0; opt->kind == BENCH_FLAG_WORD && opt->words[w]; w++)
        len += (size_t)snprintf(help + len, HELP_MAX - len, "%s%s", w ? ", " : ": ", opt->words[w]);
    if (opt->kind == BENCH_FLAG_PID)
        len += (size_t)snprintf(help + len, HELP_MAX - len, "; repeatable");
    gw_require(len < HELP_MAX);
    if (opt->initial)
        (void)snprintf(help + len, HELP_MAX - len, " (default: %s)", opt->initial);
    return (struct argp_option){
        .name = opt->name,
        .key = KEY_FIRST + (int)i,
        .arg = opt->value   ? opt->value
               : opt->words ? "WORD"
                            : NULL,
        .flags = opt->kind == BENCH_FLAG_HIDDEN_SWITCH ? OPTION_HIDDEN : 0,
        .doc = help,
    };
}

/* Parts of a load's --help, each with the flag of the table that begins it. */
static const struct {
    const char *title;
    const char *first;
} sections[] = {
    {"The server:", "target"},    {"TLS:", "tls"},     {"What connections do:", "resume"},
    {"How much:", "connections"}, {"Results:", "pid"},
};

static unsigned section_of(size_t flag)
{
    unsigned section = 0;
    for (size_t i = 0; i <= flag; i++)
        if (section + 1 < GW_ARRAY_SIZE(sections) &&
            !strcmp(bench_flags[i].name, sections[section + 1].first))
            section++;
    return section;
}

enum {
    ROWS_MAX = BENCH_FLAGS_MAX + GW_ARRAY_SIZE(sections) + 1,
};

/* argp's rows of a command's flags; the rows after them are zero. */
static void fill_rows(enum bench_command command, struct argp_option rows[ROWS_MAX],
                      char helps[][HELP_MAX])
{
    bool titled = 1U << command & BENCH_LOADS;
    size_t count = 0;
    int last = -1;
    for (unsigned i = 0; i < bench_flags_count; i++) {
        int section = (int)section_of(i);
        if (!(bench_flags[i].commands & 1U << command))
            continue;
        if (titled && section != last)
            rows[count++] =
                (struct argp_option){.doc = sections[section].title, .group = section + 1};
        last = section;
        rows[count] = row_of(i, helps[i]);
        rows[count++].group = titled ? section + 1 : 1;
    }
}

/* What may stand in a line of HTTP. */
static bool is_word(const char *text, size_t max)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    return len > 0 && len <= max;
}

static int check(const struct bench_config *config, struct gw_error *err)
{
    bool loads = 1U << config->command & BENCH_LOADS;
    if (loads && config->target.len == 0)
        return gw_error_set(err, GW_EXIT_USAGE,
                            "--target is missing: say what to load, such as "
                            "--target 127.0.0.1:8443");
    if (config->threads > config->connections && loads)
        return gw_error_set(err, GW_EXIT_USAGE,
                            "--threads: each thread needs a connection; raise --connections");
    if (config->key && !config->cert)
        return gw_error_set(err, GW_EXIT_USAGE, "--key has no effect without --cert");
    if (config->command == BENCH_BULK && config->rate && config->direction != BENCH_DOWN)
        return gw_error_set(err, GW_EXIT_USAGE, "--rate is for --direction down alone");
    if (config->path && config->direction != BENCH_DOWN)
        return gw_error_set(err, GW_EXIT_USAGE, "--path is for --direction down alone");
    if (config->path && (config->path[0] != '/' || !is_word(config->path, PATH_BYTES_MAX)))
        return gw_error_set(
            err, GW_EXIT_USAGE,
            "--path '%.80s': it does not begin with '/', has a blank, or is too long",
            config->path);
    if (config->server_name && !is_word(config->server_name, NAME_BYTES_MAX))
        return gw_error_set(err, GW_EXIT_USAGE, "--server-name '%.80s': is not a name",
                            config->server_name);
    if (config->units && (config->rate || config->direction == BENCH_BOTH))
        return gw_error_set(err, GW_EXIT_USAGE,
                            "--units is not for --rate, nor for --direction both: a time bounds "
                            "those");
    if (config->command == BENCH_REPORT && !config->report.count)
        return gw_error_set(err, GW_EXIT_USAGE,
                            "say which results: files that --save has written, or their folder");
    return 0;
}

int bench_options_read(enum bench_command command, int argc, char **argv, struct bench_config *ret,
                       struct gw_error *err)
{
    struct argp_option rows[ROWS_MAX] = {0};
    char helps[BENCH_FLAGS_MAX][HELP_MAX];
    char name[64];
    char about[512];
    const struct bench_command_info *info = bench_command_info(command);
    fill_rows(command, rows, helps);
    (void)snprintf(name, sizeof(name), "ktlsgate-bench %s", info->word);
    (void)snprintf(about, sizeof(about), "%s.\n\v%s", info->title, info->about);
    about[0] = (char)toupper(about[0]);
    struct argp argp = {.options = rows, .parser = take, .args_doc = info->inputs, .doc = about};
    struct reading reading = {.config = ret, .err = err};
    bench_options_defaults(command, ret);
    bench_lists_line(argc, argv, ret->line);
    argp_err_exit_status = GW_EXIT_USAGE;
    argv[0] = name;
    if (argp_parse(&argp, argc, argv, 0, NULL, &reading))
        return reading.error ? reading.error : gw_error_set(err, GW_EXIT_USAGE, "bad usage");
    return check(ret, err);
}
