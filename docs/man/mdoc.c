/* SPDX-License-Identifier: Apache-2.0 */
#include "docs/man/mdoc.h"

#include "gateway/base/attr.h"
#include "gateway/base/reason.h"

#include <ctype.h>
#include <string.h>

enum {
    WIDTH = 78,
    WORD_MAX = 256, /* of a word with what is escaped in it */
};

/* Whether a list is of flags or of the keys of a configuration file, which have no dashes. */
enum look {
    AS_FLAGS,
    AS_KEYS,
};

/* ---- text ---- */

struct word {
    char bytes[WORD_MAX];
    size_t len;
};

static void put(struct word *w, const char *bytes, size_t len)
{
    gw_require(w->len + len < sizeof(w->bytes));
    memcpy(w->bytes + w->len, bytes, len);
    w->bytes[w->len += len] = '\0';
}

/* A hyphen of prose may become a typographic one; in names, paths and addresses it must not. */
static bool is_technical(const char *word, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (strchr("/.=_*@", word[i]) && i + 1 < len)
            return true;
    return false;
}

static void put_character(struct word *w, char c, bool technical)
{
    switch (c) {
    case '\\':
        put(w, "\\e", 2);
        break;
    case '\'':
        put(w, "\\(aq", 4);
        break;
    case '"':
        put(w, "\\(dq", 4);
        break;
    case '^':
        put(w, "\\(ha", 4);
        break;
    case '~':
        put(w, "\\(ti", 4);
        break;
    case '-':
        put(w, technical ? "\\-" : "-", technical ? 2 : 1);
        break;
    default:
        put(w, &c, 1);
    }
}

static size_t length_of_flag(const char *at)
{
    size_t len = 0;
    if (strncmp(at, "--", 2) != 0 || !islower((unsigned char)at[2]))
        return 0;
    for (len = 2; islower((unsigned char)at[len]) ||
                  (at[len] == '-' && islower((unsigned char)at[len + 1]));)
        len++;
    return len;
}

/* A flag in bold, with its dashes or, as a key, without. */
static void put_flag(struct word *w, const char *at, size_t len, enum look look)
{
    put(w, "\\fB", 3);
    for (size_t i = look == AS_KEYS ? 2 : 0; i < len; i++)
        put_character(w, at[i], true);
    put(w, "\\fP", 3);
}

/* `code` sets the font of what is in backquotes, which may be several words. */
static struct word escape(const char *word, size_t len, enum look look, bool *code)
{
    struct word w = {.len = 0};
    bool technical = is_technical(word, len);
    for (size_t i = 0; i < len; i++) {
        size_t flag = *code ? 0 : length_of_flag(word + i);
        if (i == 0 && word[i] == '.')
            put(&w, "\\&", 2);
        if (flag) {
            put_flag(&w, word + i, flag, look);
            i += flag - 1;
        } else if (word[i] == '`') {
            put(&w, *code ? "\\fP" : "\\fB", 3);
            *code = !*code;
        } else {
            put_character(&w, word[i], technical || *code);
        }
    }
    return w;
}

/* A sentence of the table as a paragraph of its own lines, with a capital and a full stop. */
static void print_sentence(FILE *out, const char *text, enum look look)
{
    size_t column = 0;
    bool code = false;
    bool first = true;
    bool ended = false; /* a sentence within the text: the next begins a line */
    while (*text) {
        size_t len = strcspn(text, " ");
        struct word w = escape(text, len, look, &code);
        bool last = !text[len];
        if (first && strncmp(text, "ktlsgate", 8) != 0)
            w.bytes[0] = (char)toupper((unsigned char)w.bytes[0]);
        if (last && w.bytes[w.len - 1] != '.')
            put(&w, ".", 1);
        if (column + 1 + w.len > WIDTH || ended)
            column = 0;
        ended = w.bytes[w.len - 1] == '.';
        column += (size_t)fprintf(out, "%s%s", first ? "" : column ? " " : "\n", w.bytes);
        first = false;
        text += len + !last;
    }
    (void)fputc('\n', out);
}

/* ---- flags ---- */

static void print_words(FILE *out, const struct doc_flag *flag)
{
    (void)fprintf(out, " %sCm", flag->alone ? "Op " : "");
    for (unsigned i = 0; flag->words[i]; i++)
        (void)fprintf(out, "%s %s", i ? " |" : "", flag->words[i]);
}

static void print_tag(FILE *out, const struct doc_flag *flag, enum look look)
{
    if (look == AS_KEYS)
        (void)fprintf(out, ".It Cm %s No =", flag->name);
    else if (flag->bare)
        (void)fprintf(out, ".It Oo Fl -%s Oc", flag->name);
    else
        (void)fprintf(out, ".It Fl -%s", flag->name);
    if (flag->value)
        (void)fprintf(out, " Ar %s", flag->value);
    else if (flag->words)
        print_words(out, flag);
    else if (look == AS_KEYS)
        (void)fprintf(out, " Cm on | off");
    (void)fputc('\n', out);
}

/* Which of the commands take it, where not all do. */
static void print_commands_of(FILE *out, const struct doc_program *program,
                              const struct doc_flag *flag, unsigned commands)
{
    bool first = true;
    if ((flag->commands & commands) == commands)
        return;
    (void)fputs("Commands:", out);
    for (unsigned i = 0; i < program->command_count; i++) {
        if (!(flag->commands & commands & 1U << i))
            continue;
        (void)fprintf(out, "%s \\fB%s\\fP", first ? "" : ",", program->commands[i].word);
        first = false;
    }
    (void)fputs(".\n", out);
}

static void print_labelled(FILE *out, const char *label, const char *text, enum look look)
{
    char sentence[512];
    (void)snprintf(sentence, sizeof(sentence), "%s: %s", label, text);
    print_sentence(out, sentence, look);
}

static void print_flag(FILE *out, const struct doc_program *program, const struct doc_flag *flag,
                       unsigned commands, enum look look)
{
    print_tag(out, flag, look);
    print_sentence(out, flag->help, look);
    if (flag->repeatable)
        (void)fputs("May be given several times.\n", out);
    if (flag->alone && look == AS_FLAGS)
        print_labelled(out, "without a value", flag->alone, look);
    if (flag->range[0])
        print_labelled(out, "range", flag->range, look);
    if (flag->initial)
        print_labelled(out, "default", flag->initial, look);
    print_commands_of(out, program, flag, commands);
}

static void begin_list(FILE *out)
{
    (void)fputs(".Bl -tag -width Ds\n", out);
}

static void end_list(FILE *out)
{
    (void)fputs(".El\n", out);
}

/* Whether the list asked for holds it. */
typedef bool is_in_fn(const struct doc_flag *flag, int place);

static void print_group(FILE *out, const struct doc_program *program, unsigned commands, int group,
                        is_in_fn *is_in, int place, enum look look)
{
    bool begun = false;
    for (unsigned i = 0; i < program->flag_count; i++) {
        const struct doc_flag *flag = &program->flags[i];
        if (flag->group != group || !(flag->commands & commands) || !is_in(flag, place))
            continue;
        if (!begun && flag->group_title)
            (void)fprintf(out, ".Ss %s\n", flag->group_title);
        if (!begun)
            begin_list(out);
        begun = true;
        print_flag(out, program, flag, commands, look);
    }
    if (begun)
        end_list(out);
}

static void print_groups(FILE *out, const struct doc_program *program, unsigned commands,
                         is_in_fn *is_in, int place, enum look look)
{
    int last = DOC_NO_GROUP;
    for (unsigned i = 0; i < program->flag_count; i++)
        last = GW_MAX(last, program->flags[i].group);
    for (int group = DOC_NO_GROUP; group <= last; group++)
        print_group(out, program, commands, group, is_in, place, look);
}

static bool is_any(const struct doc_flag *flag gw_unused, int place gw_unused)
{
    return true;
}

void doc_mdoc_flags(FILE *out, const struct doc_program *program, unsigned commands)
{
    print_groups(out, program, commands, is_any, 0, AS_FLAGS);
}

static bool is_there(const struct doc_flag *flag, int place)
{
    return flag->of_all == (place != DOC_IN_SECTIONS) &&
           flag->of_service == (place != DOC_BEFORE_SECTIONS);
}

void doc_mdoc_keys(FILE *out, const struct doc_program *program, unsigned commands,
                   enum doc_place place)
{
    print_groups(out, program, commands, is_there, (int)place, AS_KEYS);
}

/* ---- commands ---- */

/* One word of a usage, such as "[--reason" or "NAME|SERIAL". */
static void print_usage_word(FILE *out, const char *word, size_t len)
{
    bool opened = *word == '[';
    word += opened;
    len -= opened;
    bool closed = len && word[len - 1] == ']';
    len -= closed;
    (void)fputs(opened ? " Oo" : "", out);
    while (len) {
        size_t part = 0;
        while (part < len && word[part] != '|')
            part++;
        bool more = part < len;
        bool flag = part > 1 && word[0] == '-';
        bool upper = isupper((unsigned char)*word);
        (void)fprintf(out, " %s%.*s%s",
                      flag    ? "Fl "
                      : upper ? "Ar "
                              : "",
                      (int)(part - flag), word + flag, more ? " |" : "");
        word += part + more;
        len -= part + more;
    }
    (void)fputs(closed ? " Oc" : "", out);
}

void doc_mdoc_synopsis(FILE *out, const struct doc_program *program)
{
    for (unsigned i = 0; i < program->command_count; i++) {
        const char *at = program->commands[i].usage;
        (void)fprintf(out, ".Nm\n.Cm %s", program->commands[i].word);
        while (*at) {
            size_t len = strcspn(at, " ");
            print_usage_word(out, at, len);
            at += len + (at[len] == ' ');
        }
        (void)fputc('\n', out);
    }
}

void doc_mdoc_commands(FILE *out, const struct doc_program *program)
{
    begin_list(out);
    for (unsigned i = 0; i < program->command_count; i++) {
        const struct doc_command *command = &program->commands[i];
        (void)fprintf(out, ".It Cm %s\n", command->word);
        print_sentence(out, command->title, AS_FLAGS);
        if (command->about)
            print_sentence(out, command->about, AS_FLAGS);
    }
    end_list(out);
}

void doc_mdoc_reasons(FILE *out)
{
    begin_list(out);
    for (unsigned i = GW_REASON_NONE + 1; i < GW_REASON_COUNT; i++) {
        const struct gw_reason_info *info = gw_reason_info((enum gw_reason)i);
        (void)fprintf(out, ".It Cm %s\n", info->word);
        print_sentence(out, info->sentence, AS_FLAGS);
    }
    end_list(out);
}

void doc_mdoc_sentence(FILE *out, const char *text)
{
    print_sentence(out, text, AS_FLAGS);
}
