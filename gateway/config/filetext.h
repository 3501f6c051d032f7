/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the text of a configuration file safe for libconfuse, which reads the grammar.
 *
 * libconfuse's own scanner has surprises: it expands environment variables (`${…}`), drops an
 * unquoted `*`, takes `//` in an unquoted URI for a comment, counts a line with a comment three
 * times, and accepts a file that was cut inside a section or a string. So this module finds the
 * words, and passes each on in single quotes, where nothing is special:
 *
 *   # a comment, to the end of the line
 *   word             without blanks and without # { } ( ) = , " ' \ and ${
 *   "text" 'text'    on one line; in "text" \" and \\ stand for " and \, and ${ is refused
 *   { } = += ,       += equals =, since no key replaces another
 */
#pragma once

#include "gateway/base/attr.h"

#include <stddef.h>

struct gw_filetext_error {
    unsigned line;
    const char *why; /* static */
};

/*
 * Returns 0 and *ret, a text with as many lines (malloc'd, the caller's). Returns -EINVAL with
 * *ret_error filled when a part is none of the above or a brace is unmatched; or -ENOMEM.
 */
gw_must_check int gw_filetext_clean(const char *text, size_t len, char **ret,
                                    struct gw_filetext_error *ret_error);

/* The line of the first key `name` in a clean text that no = follows. 0: none. */
unsigned gw_filetext_valueless(const char *clean, const char *name);
