/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/config/help.h"

#include "gateway/config/command.h"
#include "gateway/config/options.h"

#include <string.h>

enum {
    WIDTH = 80,
    COLUMN = 28, /* column where the sentences begin */
    TEXT_MAX = 512,
};

/* Text that grows at its end and is truncated at its size. */
struct text {
    char bytes[TEXT_MAX];
    size_t len;
};

static void add(struct text *t, const char *a, const char *b)
{
    int n = snprintf(t->bytes + t->len, sizeof(t->bytes) - t->len, "%s%s", a, b);
    t->len = GW_MIN(t->len + (size_t)n, sizeof(t->bytes) - 1);
}

static void add_flag(struct text *t, const struct gw_option *opt)
{
    add(t, "  --", opt->name);
    if (opt->value)
        add(t, " ", opt->value);
    size_t line = 0; /* start of the last line */
    for (unsigned i = 0; opt->words && opt->words[i]; i++) {
        add(t, i ? "|" : " ", "");
        if (t->len - line + strlen(opt->words[i]) >= WIDTH) {
            line = t->len + 1;
            add(t, "\n      ", "");
        }
        add(t, opt->words[i], "");
    }
}

static void add_sentence(struct text *t, const struct gw_option *opt)
{
    add(t, opt->help, "");
    if (opt->repeatable)
        add(t, "; repeatable", "");
    if (opt->alone)
        add(t, "; without a value: ", opt->alone);
    if (opt->bare)
        add(t, "; the value may stand without --", opt->name);
    if (opt->initial || opt->otherwise) {
        add(t, " (default: ", opt->initial ? opt->initial : opt->otherwise);
        add(t, ")", "");
    }
}

/* Length of the part of the text that fits into `room`, broken at a blank if there is one. */
static size_t fitting(const char *text, size_t room)
{
    size_t len = strlen(text);
    if (len <= room)
        return len;
    size_t at = room;
    while (at && text[at] != ' ')
        at--;
    return at ? at : room;
}

static void print_wrapped(FILE *out, const char *text)
{
    for (;;) {
        size_t len = fitting(text, WIDTH - COLUMN);
        (void)fprintf(out, "%.*s\n", (int)len, text);
        text += len;
        text += *text == ' ';
        if (!*text)
            return;
        (void)fprintf(out, "%*s", COLUMN, "");
    }
}

static void print_entry(FILE *out, const char *head, const char *sentence)
{
    if (strlen(head) + 2 > COLUMN)
        (void)fprintf(out, "%s\n%*s", head, COLUMN, "");
    else
        (void)fprintf(out, "%-*s", COLUMN, head);
    print_wrapped(out, sentence);
}

static void print_option(FILE *out, const struct gw_option *opt)
{
    struct text head = {.len = 0};
    struct text sentence = {.len = 0};
    add_flag(&head, opt);
    add_sentence(&sentence, opt);
    print_entry(out, head.bytes, sentence.bytes);
}

/* Prints the flags of a group that all of `commands` take (bits 1 << enum gw_command). */
static void print_group(FILE *out, unsigned commands, enum gw_option_group group)
{
    bool titled = false;
    for (unsigned i = 0; i < gw_option_count(); i++) {
        const struct gw_option *opt = gw_option_at(i);
        if (opt->group != group || (opt->commands & commands) != commands)
            continue;
        if (!titled)
            (void)fprintf(out, "\n%s\n", gw_option_group_title(group));
        titled = true;
        print_option(out, opt);
    }
}

static void print_groups(FILE *out, unsigned commands)
{
    for (unsigned group = 0; group < GW_GROUP_COUNT; group++)
        print_group(out, commands, (enum gw_option_group)group);
}

static void print_commands(FILE *out, unsigned commands)
{
    (void)fprintf(out, "\nCommands\n");
    for (unsigned i = 0; i < GW_COMMAND_COUNT; i++) {
        const struct gw_command_info *info = gw_command_info((enum gw_command)i);
        struct text head = {.len = 0};
        if (!(commands & 1u << i))
            continue;
        add(&head, "  ", info->word);
        print_entry(out, head.bytes, info->title);
    }
}

static void print_overview(FILE *out)
{
    (void)fprintf(out,
                  "ktlsgate " KTLSGATE_VERSION
                  ": a TLS gateway with its records in the Linux kernel\n"
                  "\n"
                  "Usage: ktlsgate COMMAND [FLAG ...]\n"
                  "\n"
                  "Example\n"
                  "%s",
                  gw_command_info(GW_COMMAND_DEMO)->example);
    print_commands(out, (1u << GW_COMMAND_COUNT) - 1);
    print_groups(out, 1u << GW_COMMAND_COUNT);
    (void)fprintf(out, "\n`ktlsgate COMMAND --help` lists the flags of a command.\n");
}

/* Prints the two-word commands with the same first word. */
static void print_family(FILE *out, const char *word, unsigned commands)
{
    (void)fprintf(out, "ktlsgate %s: one of the commands below\n\nUsage: ktlsgate %s COMMAND ...\n",
                  word, word);
    print_commands(out, commands);
    print_groups(out, commands);
    (void)fprintf(out, "\n`ktlsgate %s COMMAND --help` lists all flags of a command.\n", word);
}

static void print_command(FILE *out, enum gw_command command)
{
    const struct gw_command_info *info = gw_command_info(command);
    (void)fprintf(out, "ktlsgate %s: %s\n\nUsage: ktlsgate %s %s\n\nExample\n%s", info->word,
                  info->title, info->word, info->usage, info->example);
    print_groups(out, 1u << command);
    (void)fprintf(out,
                  "\n--flag VALUE and --flag=VALUE are the same. Exit codes: 0 success, 2 bad\n"
                  "usage, 3 a port or file could not be opened at start, 1 any other error.\n");
}

void gw_config_help(const char *subcommand, FILE *out)
{
    enum gw_command command = subcommand ? gw_command_find(subcommand) : GW_COMMAND_COUNT;
    unsigned family = subcommand ? gw_command_family(subcommand) : 0;
    if (command != GW_COMMAND_COUNT)
        print_command(out, command);
    else if (family)
        print_family(out, subcommand, family);
    else
        print_overview(out);
}
