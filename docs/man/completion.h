/* SPDX-License-Identifier: Apache-2.0 */
/* The generated parts of the completions of three shells. */
#pragma once

#include "docs/man/catalog.h"

#include <stdio.h>

/* bash: branches of a `case` over the words before the cursor; what may follow them, and what the
 * command takes, as completion.bash.in reads it. */
void doc_bash_next(FILE *out, const struct doc_program *program);
void doc_bash_flags(FILE *out, const struct doc_program *program);

/* zsh: the same, for _describe and _arguments. */
void doc_zsh_next(FILE *out, const struct doc_program *program);
void doc_zsh_flags(FILE *out, const struct doc_program *program);

/* fish: the words of commands that have two; a `complete` for each word and each flag. */
void doc_fish_pairs(FILE *out, const struct doc_program *program);
void doc_fish_next(FILE *out, const struct doc_program *program);
void doc_fish_flags(FILE *out, const struct doc_program *program);
