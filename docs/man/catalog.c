/* SPDX-License-Identifier: Apache-2.0 */
#include "docs/man/catalog.h"

#include "gateway/base/attr.h"
#include "gateway/base/text.h"
#include "gateway/config/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

unsigned doc_command_find(const struct doc_program *program, const char *word)
{
    unsigned i = 0;
    while (i < program->command_count && strcmp(program->commands[i].word, word) != 0)
        i++;
    return i;
}

bool doc_takes(const struct doc_flag *flag, unsigned command)
{
    return flag->commands & 1U << command;
}

/* The word of the command behind `before`, as its start and length in *ret_len; NULL where the
 * command does not begin so, or has no more words. */
static const char *word_behind(const char *command, const char *before, size_t *ret_len)
{
    size_t len = strlen(before);
    if (len && (strncmp(command, before, len) != 0 || command[len] != ' '))
        return NULL;
    const char *word = command + len + (len > 0);
    *ret_len = strcspn(word, " ");
    return word;
}

static bool is_known(const struct doc_program *program, const char *before, unsigned end,
                     const char *word, size_t len)
{
    for (unsigned i = 0; i < end; i++) {
        size_t other_len;
        const char *other = word_behind(program->commands[i].word, before, &other_len);
        if (other && other_len == len && !memcmp(other, word, len))
            return true;
    }
    return false;
}

/* A word that is no command by itself is described by what may follow it. */
static void describe(const struct doc_program *program, const char *word, size_t len,
                     char ret_about[DOC_ABOUT_MAX])
{
    struct gw_text about = gw_text_in(ret_about, DOC_ABOUT_MAX);
    const char *comma = "";
    for (unsigned i = 0; i < program->command_count; i++) {
        const char *command = program->commands[i].word;
        if (strncmp(command, word, len) != 0 || command[len] != ' ')
            continue;
        gw_text_append(&about, "%s%s", comma, command + len + 1);
        comma = ", ";
    }
}

bool doc_next_word(const struct doc_program *program, const char *before, unsigned *at,
                   char ret_word[static DOC_WORD_MAX], char ret_about[static DOC_ABOUT_MAX])
{
    while (*at < program->command_count) {
        const struct doc_command *command = &program->commands[(*at)++];
        size_t len;
        const char *word = word_behind(command->word, before, &len);
        if (!word || is_known(program, before, *at - 1, word, len))
            continue;
        gw_require(len < DOC_WORD_MAX);
        memcpy(ret_word, word, len);
        ret_word[len] = '\0';
        if (word[len])
            describe(program, word, len, ret_about);
        else
            gw_text_copy(ret_about, DOC_ABOUT_MAX, command->title);
        return true;
    }
    return false;
}

void doc_range_of_numbers(uint64_t min, uint64_t max, char ret[DOC_RANGE_MAX])
{
    (void)snprintf(ret, DOC_RANGE_MAX, "%" PRIu64 " to %" PRIu64, min, max);
}

/* In the largest unit that is exact. */
static void print_size(uint64_t bytes, char ret[GW_UNITS_TEXT_MAX])
{
    static const char *const units[] = {"", "k", "m", "g"};
    unsigned unit = 0;
    while (bytes && bytes % 1024 == 0 && unit < 3) {
        bytes /= 1024;
        unit++;
    }
    (void)snprintf(ret, GW_UNITS_TEXT_MAX, "%" PRIu64 "%s", bytes, units[unit]);
}

void doc_range_of_sizes(uint64_t min, uint64_t max, char ret[DOC_RANGE_MAX])
{
    char from[GW_UNITS_TEXT_MAX];
    char to[GW_UNITS_TEXT_MAX];
    print_size(min, from);
    print_size(max, to);
    (void)snprintf(ret, DOC_RANGE_MAX, "%s to %s", from, to);
}

void doc_range_of_durations(uint64_t min, uint64_t max, bool or_zero, char ret[DOC_RANGE_MAX])
{
    char from[GW_UNITS_TEXT_MAX];
    char to[GW_UNITS_TEXT_MAX];
    (void)snprintf(ret, DOC_RANGE_MAX, "%s to %s%s", gw_units_duration_text((int64_t)min, from),
                   gw_units_duration_text((int64_t)max, to), or_zero ? ", or 0" : "");
}
