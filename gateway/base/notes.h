/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person should know of things that were done all the same: sentences, each naming a flag or
 * file and what to do. Code that does not log leaves them here; the one that called it from the top
 * logs or prints them once.
 */
#pragma once

#include "gateway/base/attr.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    GW_NOTES_MAX = 64,       /* more are only counted: they are not worth a person's time */
    GW_NOTES_TEXT_MAX = 1024 /* bytes of one, with the NUL; a longer one is cut */
};

struct gw_notes {
    char **all; /* in the order in which they came, none twice */
    unsigned count;
    unsigned more; /* that found no room */
};

/* Adds a sentence unless it is there. */
void gw_notes_add(struct gw_notes *notes, const char *fmt, ...) gw_printf(2, 3);

/* Whether both say the same. */
bool gw_notes_equal(const struct gw_notes *a, const struct gw_notes *b);

/* A zeroed object is allowed. */
void gw_notes_done(struct gw_notes *notes);
