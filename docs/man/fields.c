/* SPDX-License-Identifier: Apache-2.0 */
#include "docs/man/fields.h"

#include "docs/man/mdoc.h"

#include <string.h>

enum {
    LINE_BYTES = 1024,
    CELLS = 3, /* names, JSON type, text */
};

static const char heading[] = "### Fields of a connection's line\n";

/* Cuts "| a | b | c |" into its cells. False: it has another number of them. */
static bool cut(char *line, char *cells[static CELLS])
{
    char *at = line + 2;
    for (int i = 0; i < CELLS; i++) {
        char *end = strstr(at, " |");
        if (!end)
            return false;
        *end = '\0';
        cells[i] = at;
        at = end + (i + 1 < CELLS ? 3 : 2);
    }
    return strcmp(at, "\n") == 0;
}

/* Removes links: of "[text](target)", the text stays, unless it stands in brackets of its own, as
 * it does where only the link says more. */
static void remove_links(char *text)
{
    char *to = text;
    for (const char *at = text; *at;) {
        const char *middle = *at == '[' ? strstr(at, "](") : NULL;
        const char *end = middle ? strchr(middle, ')') : NULL;
        if (!end) {
            *to++ = *at++;
        } else if (to - text >= 2 && to[-1] == '(' && end[1] == ')') {
            to -= 2; /* the blank, too */
            at = end + 2;
        } else {
            memmove(to, at + 1, (size_t)(middle - at - 1));
            to += middle - at - 1;
            at = end + 1;
        }
    }
    *to = '\0';
}

static void print_names(FILE *out, char *names)
{
    bool first = true;
    char *rest = names;
    for (char *name; (name = strsep(&rest, "`, "));) {
        if (!*name)
            continue;
        (void)fprintf(out, "%s %s", first ? ".It Cm" : " ,", name);
        first = false;
    }
    (void)fputc('\n', out);
}

static bool print_row(FILE *out, char *line)
{
    char *cells[CELLS];
    if (!cut(line, cells))
        return false;
    remove_links(cells[2]);
    print_names(out, cells[0]);
    doc_mdoc_sentence(out, cells[2]);
    if (strcmp(cells[1], "string") != 0)
        (void)fprintf(out, "In JSON: %s.\n",
                      strcmp(cells[1], "number") == 0 ? "a number" : cells[1]);
    return true;
}

bool doc_fields_print(FILE *out, FILE *page)
{
    char line[LINE_BYTES];
    bool found = false;
    bool good = true;
    unsigned rows = 0;
    (void)fputs(".Bl -tag -width Ds\n", out);
    while (good && fgets(line, sizeof(line), page)) {
        if (found && line[0] == '#')
            break;
        found |= strcmp(line, heading) == 0;
        if (!found || strncmp(line, "| `", 3) != 0)
            continue;
        good = print_row(out, line);
        rows++;
    }
    (void)fputs(".El\n", out);
    return good && rows > 0;
}
