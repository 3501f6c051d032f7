/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a configuration file, made safe for libconfuse, which reads the grammar.
 *
 * libconfuse's own scanner surprises: it puts environment variables in (`${…}`), drops a `*` that
 * stands unquoted, takes `//` in an unquoted URI for a comment, counts a line with a comment three
 * times, and takes a file that was cut inside a section or a string for a whole one. So the words
 * are found here, and each is handed over in single quotes, where nothing is special:
 *
 *   # a comment, to the end of the line
 *   word             without blanks and without # { } ( ) = , " ' \ and ${
 *   "text" 'text'    on one line; in "text" \" and \\ stand for " and \, and ${ is refused
 *   { } = += ,       += is the same as =, since nothing is ever replaced
 */
#pragma once

#include "gateway/base/attr.h"

#include <stddef.h>

struct gw_filetext_error {
    unsigned line;
    const char *why; /* static */
};

/*
 * Returns 0 and *ret, a text of as many lines (malloc'd, the caller's). Else -EINVAL with
 * *ret_error filled, when something in it is none of the above, or a brace has no partner; or
 * -ENOMEM.
 */
gw_must_check int gw_filetext_clean(const char *text, size_t len, char **ret,
                                    struct gw_filetext_error *ret_error);
