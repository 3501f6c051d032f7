/* SPDX-License-Identifier: Apache-2.0 */
#include "docs/man/catalog.h"

#include "bench/tool/commands.h"
#include "bench/tool/flags.h"
#include "gateway/base/attr.h"

#include <string.h>

static enum doc_takes takes_of(const struct bench_flag *flag)
{
    switch (flag->kind) {
    case BENCH_FLAG_SWITCH:
    case BENCH_FLAG_HIDDEN_SWITCH:
        return DOC_TAKES_NOTHING;
    case BENCH_FLAG_WORD:
        return DOC_TAKES_WORD;
    case BENCH_FLAG_WORDS:
        return DOC_TAKES_WORDS;
    case BENCH_FLAG_TEXT:
        return !strcmp(flag->value, "FILE")     ? DOC_TAKES_FILE
               : !strcmp(flag->value, "FOLDER") ? DOC_TAKES_FOLDER
                                                : DOC_TAKES_TEXT;
    default:
        return DOC_TAKES_TEXT;
    }
}

static void fill_range(const struct bench_flag *flag, char ret[DOC_RANGE_MAX])
{
    if (flag->kind == BENCH_FLAG_NUMBER)
        doc_range_of_numbers(flag->min, flag->max, ret);
    else if (flag->kind == BENCH_FLAG_SIZE)
        doc_range_of_sizes(flag->min, flag->max, ret);
    else if (flag->kind == BENCH_FLAG_DURATION)
        doc_range_of_durations(flag->min, flag->max, false, ret);
}

static void add_flag(struct doc_program *to, const struct doc_flag *flag)
{
    gw_require(to->flag_count < DOC_FLAGS_MAX);
    to->flags[to->flag_count++] = *flag;
}

/* argp has these, not the table. */
static void add_those_of_argp(struct doc_program *to)
{
    struct doc_flag flag = {
        .commands = (1U << BENCH_COMMAND_COUNT) - 1,
        .takes = DOC_TAKES_NOTHING,
        .group = DOC_NO_GROUP,
        .name = "help",
        .help = "print the flags of the command",
    };
    add_flag(to, &flag);
    flag.name = "usage";
    flag.help = "print the flags of the command in one paragraph";
    add_flag(to, &flag);
}

void doc_catalog_bench(struct doc_program *ret)
{
    *ret = (struct doc_program){.name = "ktlsgate-bench", .command_count = BENCH_COMMAND_COUNT};
    _Static_assert((int)BENCH_COMMAND_COUNT <= DOC_COMMANDS_MAX, "raise DOC_COMMANDS_MAX");
    for (unsigned i = 0; i < ret->command_count; i++) {
        const struct bench_command_info *info = bench_command_info((enum bench_command)i);
        ret->commands[i] = (struct doc_command){
            .word = info->word,
            .title = info->title,
            .about = info->about,
            .usage = info->inputs            ? "[FLAG ...] FILE|FOLDER ..."
                     : 1U << i & BENCH_LOADS ? "--target HOST:PORT [FLAG ...]"
                                             : "[FLAG ...]",
            .takes_files = info->inputs,
        };
    }
    for (unsigned i = 0; i < bench_flags_count; i++) {
        const struct bench_flag *opt = &bench_flags[i];
        struct doc_flag flag = {
            .name = opt->name,
            .takes = takes_of(opt),
            .commands = opt->commands,
            .group = DOC_NO_GROUP,
            .value = opt->value,
            .words = opt->words,
            .initial = opt->initial,
            .help = opt->help,
            .repeatable = opt->kind == BENCH_FLAG_PID,
        };
        fill_range(opt, flag.range);
        if (opt->kind != BENCH_FLAG_HIDDEN_SWITCH)
            add_flag(ret, &flag);
    }
    add_those_of_argp(ret);
}
