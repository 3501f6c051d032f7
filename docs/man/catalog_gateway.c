/* SPDX-License-Identifier: Apache-2.0 */
#include "docs/man/catalog.h"

#include "gateway/config/command.h"
#include "gateway/config/options.h"

#include <string.h>

static enum doc_takes takes_of(const struct gw_option *opt)
{
    switch (opt->kind) {
    case GW_OPTION_SWITCH:
        return DOC_TAKES_NOTHING;
    case GW_OPTION_WORD:
        return DOC_TAKES_WORD;
    case GW_OPTION_FILE:
        return strcmp(opt->value, "FOLDER") ? DOC_TAKES_FILE : DOC_TAKES_FOLDER;
    default:
        break;
    }
    if (opt->kind == GW_OPTION_STRING && opt->group == GW_GROUP_PROCESS)
        return strcmp(opt->name, "user") ? DOC_TAKES_GROUP : DOC_TAKES_USER;
    return DOC_TAKES_TEXT;
}

static void fill_range(const struct gw_option *opt, char ret[DOC_RANGE_MAX])
{
    uint64_t min = (uint64_t)opt->min;
    uint64_t max = (uint64_t)opt->max;
    if (opt->kind == GW_OPTION_NUMBER)
        doc_range_of_numbers(min, max, ret);
    else if (opt->kind == GW_OPTION_SIZE)
        doc_range_of_sizes(min, max, ret);
    else if (opt->kind == GW_OPTION_DURATION)
        doc_range_of_durations(min, max, opt->zero_off, ret);
}

static struct doc_flag flag_of(const struct gw_option *opt)
{
    struct doc_flag flag = {
        .name = opt->name,
        .takes = takes_of(opt),
        .commands = opt->commands,
        .group = (int)opt->group,
        .group_title = gw_option_group_title(opt->group),
        .value = opt->value,
        .words = opt->words,
        .alone = opt->alone,
        .initial = opt->initial ? opt->initial : opt->otherwise,
        .help = opt->help,
        .repeatable = opt->repeatable,
        .bare = opt->bare,
        .of_all = gw_option_is_key(opt, false),
        .of_service = gw_option_is_key(opt, true),
    };
    fill_range(opt, flag.range);
    return flag;
}

void doc_catalog_gateway(struct doc_program *ret)
{
    *ret = (struct doc_program){
        .name = "ktlsgate",
        .helps = true,
        .command_count = GW_COMMAND_COUNT,
        .flag_count = gw_option_count(),
    };
    _Static_assert((int)GW_COMMAND_COUNT <= DOC_COMMANDS_MAX, "raise DOC_COMMANDS_MAX");
    gw_require(ret->flag_count <= DOC_FLAGS_MAX);
    for (unsigned i = 0; i < ret->command_count; i++) {
        const struct gw_command_info *info = gw_command_info((enum gw_command)i);
        ret->commands[i] =
            (struct doc_command){.word = info->word, .title = info->title, .usage = info->usage};
    }
    for (unsigned i = 0; i < ret->flag_count; i++)
        ret->flags[i] = flag_of(gw_option_at(i));
}
