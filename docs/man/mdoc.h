/* SPDX-License-Identifier: Apache-2.0 */
/* The generated parts of manual pages, as mdoc(7). */
#pragma once

#include "docs/man/catalog.h"

#include <stdio.h>

/* SYNOPSIS: a line for each command. */
void doc_mdoc_synopsis(FILE *out, const struct doc_program *program);
/* A list of the commands, with what each does. */
void doc_mdoc_commands(FILE *out, const struct doc_program *program);
/* A list of the flags that any of the commands takes (bits), a subsection for each group. A flag
 * that only some of them take says which. */
void doc_mdoc_flags(FILE *out, const struct doc_program *program, unsigned commands);

enum doc_place {
    DOC_BEFORE_SECTIONS, /* and nowhere else */
    DOC_IN_EITHER,
    DOC_IN_SECTIONS, /* and nowhere else */
};

/* The same for a configuration file: the keys that stand there. */
void doc_mdoc_keys(FILE *out, const struct doc_program *program, unsigned commands,
                   enum doc_place place);
/* A list of the reasons in log lines. */
void doc_mdoc_reasons(FILE *out);
/* A sentence in plain text or Markdown's backquotes as a paragraph, with a capital and a full
 * stop. */
void doc_mdoc_sentence(FILE *out, const char *text);
