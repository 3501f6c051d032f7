/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Findings for people about actions that succeeded nevertheless: sentences, each with a flag or
 * file and a remedy. Code that does not log leaves them here; the caller at the top logs or prints
 * them once.
 */
#pragma once

#include "gateway/base/attr.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    GW_NOTES_MAX = 64,       /* further notes are only counted: nobody would read them */
    GW_NOTES_TEXT_MAX = 1024 /* bytes of a note, including the NUL; a longer one is truncated */
};

struct gw_notes {
    char **all; /* in order of arrival, without duplicates */
    unsigned count;
    unsigned more; /* notes that found no room */
};

/* Adds a sentence unless it is present. */
void gw_notes_add(struct gw_notes *notes, const char *fmt, ...) gw_printf(2, 3);

/* Gives note number `i` another text. False: removes it instead, since an earlier note has that
 * text already. Out of memory the note keeps its text. */
bool gw_notes_change(struct gw_notes *notes, unsigned i, const char *text);

/* Whether both have the same contents. */
bool gw_notes_equal(const struct gw_notes *a, const struct gw_notes *b);

/* A zeroed object is allowed. */
void gw_notes_done(struct gw_notes *notes);
