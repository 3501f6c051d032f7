/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words PROGRAM TEMPLATE OPERATIONS: prints the template with what the option table of PROGRAM
 * says, and the page OPERATIONS (docs/operations.md) of the log. Runs at build time, so that manual
 * pages and completions cannot say anything else than --help and that page.
 *
 * A line of a template that begins with @ is a directive, and what it stands for is printed
 * instead: one of the table below, for some with commands behind it, joined by ','. In all other
 * lines @name@ is the name of the program, @function@ the same with '_' for '-', and @version@ the
 * version.
 */
#include "docs/man/catalog.h"
#include "docs/man/completion.h"
#include "docs/man/fields.h"
#include "docs/man/mdoc.h"
#include "gateway/base/attr.h"

#include <stdio.h>
#include <string.h>

enum {
    LINE_BYTES = 1024,
};

static int fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "words: %s: %s\n", what, why);
    return 1;
}

/* ---- directives that name commands ---- */

typedef void print_of_fn(FILE *out, const struct doc_program *program, unsigned commands);

static void print_keys_before(FILE *out, const struct doc_program *program, unsigned commands)
{
    doc_mdoc_keys(out, program, commands, DOC_BEFORE_SECTIONS);
}

static void print_keys_either(FILE *out, const struct doc_program *program, unsigned commands)
{
    doc_mdoc_keys(out, program, commands, DOC_IN_EITHER);
}

static void print_keys_in(FILE *out, const struct doc_program *program, unsigned commands)
{
    doc_mdoc_keys(out, program, commands, DOC_IN_SECTIONS);
}

static const struct {
    const char *word;
    print_of_fn *print;
} directives_of[] = {
    {"flags", doc_mdoc_flags},
    {"keys-before", print_keys_before},
    {"keys-either", print_keys_either},
    {"keys-in", print_keys_in},
};

/* The commands as bits; 0 where one of them is none. `list` is taken apart. */
static unsigned commands_of(const struct doc_program *program, char *list)
{
    unsigned commands = 0;
    char *rest = list;
    for (char *word; (word = strsep(&rest, ","));) {
        unsigned command = doc_command_find(program, word);
        if (command == program->command_count)
            return 0;
        commands |= 1U << command;
    }
    return commands;
}

static bool print_of(FILE *out, const struct doc_program *program, const char *word, char *list)
{
    unsigned commands = list ? commands_of(program, list) : 0;
    for (size_t i = 0; commands && i < GW_ARRAY_SIZE(directives_of); i++) {
        if (strcmp(directives_of[i].word, word) != 0)
            continue;
        directives_of[i].print(out, program, commands);
        return true;
    }
    return false;
}

/* ---- the others ---- */

static void print_reasons(FILE *out, const struct doc_program *program gw_unused)
{
    doc_mdoc_reasons(out);
}

/* The path of docs/operations.md, and whether its fields were printed or not asked for. */
static const char *operations;
static bool fields_good = true;

static void print_fields(FILE *out, const struct doc_program *program gw_unused)
{
    FILE *page = fopen(operations, "r");
    fields_good = page && doc_fields_print(out, page);
    if (page)
        (void)fclose(page);
}

static const struct {
    const char *word;
    void (*print)(FILE *out, const struct doc_program *program);
} directives[] = {
    {"synopsis", doc_mdoc_synopsis}, {"commands", doc_mdoc_commands},
    {"reasons", print_reasons},      {"fields", print_fields},
    {"bash-next", doc_bash_next},    {"bash-flags", doc_bash_flags},
    {"zsh-next", doc_zsh_next},      {"zsh-flags", doc_zsh_flags},
    {"fish-pairs", doc_fish_pairs},  {"fish-next", doc_fish_next},
    {"fish-flags", doc_fish_flags},
};

static bool print_directive(FILE *out, const struct doc_program *program, char *line)
{
    char *rest = line;
    const char *word = strsep(&rest, " ");
    for (size_t i = 0; !rest && i < GW_ARRAY_SIZE(directives); i++) {
        if (strcmp(directives[i].word, word) != 0)
            continue;
        directives[i].print(out, program);
        return true;
    }
    return print_of(out, program, word, rest);
}

/* ---- lines ---- */

static void print_function(FILE *out, const char *name)
{
    for (; *name; name++)
        (void)fputc(*name == '-' ? '_' : *name, out);
}

static void print_line(FILE *out, const struct doc_program *program, const char *line)
{
    while (*line) {
        if (!strncmp(line, "@name@", 6)) {
            (void)fputs(program->name, out);
            line += 6;
        } else if (!strncmp(line, "@function@", 10)) {
            print_function(out, program->name);
            line += 10;
        } else if (!strncmp(line, "@version@", 9)) {
            (void)fputs(KTLSGATE_VERSION, out);
            line += 9;
        } else {
            (void)fputc(*line++, out);
        }
    }
    (void)fputc('\n', out);
}

static int print_template(FILE *out, const struct doc_program *program, FILE *template)
{
    char line[LINE_BYTES];
    while (fgets(line, sizeof(line), template)) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '@' && strchr(line + 1, '@') == NULL) {
            if (!print_directive(out, program, line + 1))
                return fail(line, "there is no such directive, or no such command");
        } else {
            print_line(out, program, line);
        }
    }
    return fflush(out) || ferror(template) ? fail("template", "cannot be read or written") : 0;
}

int main(int argc, char **argv)
{
    static struct doc_program program;
    if (argc != 4)
        return fail("usage", "words PROGRAM TEMPLATE OPERATIONS");
    operations = argv[3];
    if (!strcmp(argv[1], "ktlsgate"))
        doc_catalog_gateway(&program);
    else if (!strcmp(argv[1], "ktlsgate-bench"))
        doc_catalog_bench(&program);
    else
        return fail(argv[1], "is not a program of ours");
    FILE *template = fopen(argv[2], "r");
    if (!template)
        return fail(argv[2], "cannot be opened");
    int result = print_template(stdout, &program, template);
    (void)fclose(template);
    if (!fields_good)
        return fail(operations, "has no table of the log's fields, or a row that cannot be read");
    return result;
}
