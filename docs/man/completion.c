/* SPDX-License-Identifier: Apache-2.0 */
#include "docs/man/completion.h"

#include "gateway/base/attr.h"

#include <string.h>

enum {
    ABOUT_MAX = 64 /* of a flag: shells show it beside the name */
};

/* ---- words that follow words ---- */

/* Prints what may follow `before`, in the shell's words. */
typedef void print_next_fn(FILE *out, const struct doc_program *program, const char *before);

/* Whether something may follow: "" and the first words of commands that have two. */
static void each_before(FILE *out, const struct doc_program *program, print_next_fn *print)
{
    char before[DOC_WORD_MAX];
    char about[DOC_ABOUT_MAX];
    char next[DOC_WORD_MAX];
    print(out, program, "");
    for (unsigned i = 0; doc_next_word(program, "", &i, before, about);) {
        unsigned first = 0;
        if (doc_next_word(program, before, &first, next, about))
            print(out, program, before);
    }
}

/* The patterns of a branch: what was typed, or the same behind `help`. */
static void print_branch(FILE *out, const struct doc_program *program, const char *before)
{
    (void)fprintf(out, "    '%s'", before);
    if (program->helps)
        (void)fprintf(out, " | 'help%s%s'", *before ? " " : "", before);
    (void)fputs(")\n", out);
}

static void print_bash_next(FILE *out, const struct doc_program *program, const char *before)
{
    char word[DOC_WORD_MAX];
    char about[DOC_ABOUT_MAX];
    const char *blank = "";
    print_branch(out, program, before);
    (void)fputs("        echo '", out);
    for (unsigned i = 0; doc_next_word(program, before, &i, word, about); blank = " ")
        (void)fprintf(out, "%s%s", blank, word);
    (void)fputs("'\n        ;;\n", out);
}

void doc_bash_next(FILE *out, const struct doc_program *program)
{
    each_before(out, program, print_bash_next);
}

/* Text within single quotes; `special` are characters that want a backslash of their own. */
static void print_quoted(FILE *out, const char *text, size_t len, const char *quote,
                         const char *special)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\'')
            (void)fputs(quote, out);
        else if (strchr(special, text[i]))
            (void)fprintf(out, "\\%c", text[i]);
        else
            (void)fputc(text[i], out);
    }
}

static const char zsh_quote[] = "'\\''";
static const char fish_quote[] = "\\'";

static void print_zsh_next(FILE *out, const struct doc_program *program, const char *before)
{
    char word[DOC_WORD_MAX];
    char about[DOC_ABOUT_MAX];
    print_branch(out, program, before);
    (void)fputs("        next=(\n", out);
    for (unsigned i = 0; doc_next_word(program, before, &i, word, about);) {
        (void)fprintf(out, "            '%s:", word);
        print_quoted(out, about, strlen(about), zsh_quote, "\\");
        (void)fputs("'\n", out);
    }
    (void)fputs("        )\n        ;;\n", out);
}

void doc_zsh_next(FILE *out, const struct doc_program *program)
{
    each_before(out, program, print_zsh_next);
}

/* ---- flags ---- */

/* What of a flag's sentence stands beside its name: all up to the first semicolon, cut where it is
 * long. */
static size_t length_of_about(const char *help, bool *ret_cut)
{
    size_t len = strcspn(help, ";");
    *ret_cut = len > ABOUT_MAX;
    if (*ret_cut)
        for (len = ABOUT_MAX - 3; len && help[len] != ' ';)
            len--;
    return len;
}

static void print_about(FILE *out, const char *help, const char *quote, const char *special)
{
    bool cut;
    size_t len = length_of_about(help, &cut);
    print_quoted(out, help, len, quote, special);
    (void)fputs(cut ? "..." : "", out);
}

static void print_joined(FILE *out, const char *const *words, const char *between)
{
    for (unsigned i = 0; words[i]; i++)
        (void)fprintf(out, "%s%s", i ? between : "", words[i]);
}

/* --NAME for a switch, --NAME:KIND or --NAME:KIND:WORD,WORD for others. */
static void print_bash_flag(FILE *out, const struct doc_flag *flag)
{
    static const char *const kinds[] = {
        [DOC_TAKES_TEXT] = "text",   [DOC_TAKES_WORD] = "word",     [DOC_TAKES_WORDS] = "words",
        [DOC_TAKES_FILE] = "file",   [DOC_TAKES_FOLDER] = "folder", [DOC_TAKES_USER] = "user",
        [DOC_TAKES_GROUP] = "group",
    };
    (void)fprintf(out, " --%s", flag->name);
    if (flag->takes == DOC_TAKES_NOTHING)
        return;
    (void)fprintf(out, ":%s%s", kinds[flag->takes], flag->alone ? "?" : "");
    if (flag->words) {
        (void)fputc(':', out);
        print_joined(out, flag->words, ",");
    }
}

void doc_bash_flags(FILE *out, const struct doc_program *program)
{
    for (unsigned c = 0; c < program->command_count; c++) {
        (void)fprintf(out, "    '%s')\n        echo '%s", program->commands[c].word,
                      program->commands[c].takes_files ? ":file" : "");
        for (unsigned i = 0; i < program->flag_count; i++)
            if (doc_takes(&program->flags[i], c))
                print_bash_flag(out, &program->flags[i]);
        (void)fputs("'\n        ;;\n", out);
    }
}

static void print_zsh_action(FILE *out, const struct doc_flag *flag)
{
    switch (flag->takes) {
    case DOC_TAKES_WORD:
        (void)fputc('(', out);
        print_joined(out, flag->words, " ");
        (void)fputc(')', out);
        break;
    case DOC_TAKES_WORDS:
        (void)fputs("_sequence compadd - ", out);
        print_joined(out, flag->words, " ");
        break;
    case DOC_TAKES_FILE:
        (void)fputs("_files", out);
        break;
    case DOC_TAKES_FOLDER:
        (void)fputs("_files -/", out);
        break;
    case DOC_TAKES_USER:
        (void)fputs("_users", out);
        break;
    case DOC_TAKES_GROUP:
        (void)fputs("_groups", out);
        break;
    case DOC_TAKES_NOTHING:
    case DOC_TAKES_TEXT:
        (void)fputc(' ', out);
        break;
    }
}

/* An argument of _arguments. */
static void print_zsh_flag(FILE *out, const struct doc_flag *flag)
{
    const char *value = flag->value ? flag->value : "word";
    bool takes = flag->takes != DOC_TAKES_NOTHING;
    (void)fprintf(out, "            '%s--%s%s[", flag->repeatable ? "*" : "", flag->name,
                  takes ? "=" : "");
    print_about(out, flag->help, zsh_quote, "\\[]");
    (void)fputc(']', out);
    if (takes) {
        (void)fputs(flag->alone ? "::" : ":", out);
        print_quoted(out, value, strlen(value), zsh_quote, "\\:");
        (void)fputc(':', out);
        print_zsh_action(out, flag);
    }
    (void)fputs("'\n", out);
    if (flag->bare)
        (void)fprintf(out, "            ':%s: '\n", flag->value);
}

void doc_zsh_flags(FILE *out, const struct doc_program *program)
{
    for (unsigned c = 0; c < program->command_count; c++) {
        (void)fprintf(out, "    '%s')\n        flags=(\n", program->commands[c].word);
        for (unsigned i = 0; i < program->flag_count; i++)
            if (doc_takes(&program->flags[i], c))
                print_zsh_flag(out, &program->flags[i]);
        if (program->commands[c].takes_files)
            (void)fputs("            '*:FILE:_files'\n", out);
        (void)fputs("        )\n        ;;\n", out);
    }
}

/* ---- fish ---- */

/* A function of completion.fish.in. Its name has no "-". */
static void print_function(FILE *out, const struct doc_program *program, const char *function)
{
    (void)fputs("__", out);
    for (const char *at = program->name; *at; at++)
        (void)fputc(*at == '-' ? '_' : *at, out);
    (void)fprintf(out, "_%s", function);
}

static void print_condition(FILE *out, const struct doc_program *program, const char *function)
{
    (void)fprintf(out, "complete -c %s -n \"", program->name);
    print_function(out, program, function);
}

void doc_fish_pairs(FILE *out, const struct doc_program *program)
{
    (void)fputs("    set -l pairs", out);
    for (unsigned c = 0; c < program->command_count; c++)
        if (strchr(program->commands[c].word, ' '))
            (void)fprintf(out, " '%s'", program->commands[c].word);
    (void)fputc('\n', out);
}

static void print_fish_next(FILE *out, const struct doc_program *program, const char *before)
{
    char word[DOC_WORD_MAX];
    char about[DOC_ABOUT_MAX];
    for (unsigned i = 0; doc_next_word(program, before, &i, word, about);) {
        print_condition(out, program, "typed");
        (void)fprintf(out, " '%s'", before);
        if (program->helps)
            (void)fprintf(out, " 'help%s%s'", *before ? " " : "", before);
        (void)fprintf(out, "\" -a %s -d '", word);
        print_quoted(out, about, strlen(about), fish_quote, "\\");
        (void)fputs("'\n", out);
    }
}

void doc_fish_next(FILE *out, const struct doc_program *program)
{
    each_before(out, program, print_fish_next);
}

static void print_fish_value(FILE *out, const struct doc_program *program,
                             const struct doc_flag *flag)
{
    switch (flag->takes) {
    case DOC_TAKES_NOTHING:
        break;
    case DOC_TAKES_TEXT:
        (void)fputs(" -x", out);
        break;
    case DOC_TAKES_WORD:
        (void)fputs(" -x -a '", out);
        print_joined(out, flag->words, " ");
        (void)fputc('\'', out);
        break;
    case DOC_TAKES_WORDS:
        (void)fputs(" -x -a '(", out);
        print_function(out, program, "list ");
        print_joined(out, flag->words, " ");
        (void)fputs(")'", out);
        break;
    case DOC_TAKES_FILE:
        (void)fputs(" -r -F", out);
        break;
    case DOC_TAKES_FOLDER:
        (void)fputs(" -x -a '(__fish_complete_directories)'", out);
        break;
    case DOC_TAKES_USER:
        (void)fputs(" -x -a '(__fish_complete_users)'", out);
        break;
    case DOC_TAKES_GROUP:
        (void)fputs(" -x -a '(__fish_complete_groups)'", out);
        break;
    }
}

static void print_commands_of(FILE *out, const struct doc_program *program,
                              const struct doc_flag *flag)
{
    for (unsigned c = 0; c < program->command_count; c++)
        if (doc_takes(flag, c))
            (void)fprintf(out, " '%s'", program->commands[c].word);
}

void doc_fish_flags(FILE *out, const struct doc_program *program)
{
    for (unsigned i = 0; i < program->flag_count; i++) {
        const struct doc_flag *flag = &program->flags[i];
        print_condition(out, program, "runs");
        print_commands_of(out, program, flag);
        (void)fprintf(out, "\" -l %s", flag->name);
        print_fish_value(out, program, flag);
        (void)fputs(" -d '", out);
        print_about(out, flag->help, fish_quote, "\\");
        (void)fputs("'\n", out);
    }
    for (unsigned c = 0; c < program->command_count; c++) {
        if (!program->commands[c].takes_files)
            continue;
        print_condition(out, program, "runs");
        (void)fprintf(out, " '%s'\" -F\n", program->commands[c].word);
    }
}
