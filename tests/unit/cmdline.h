/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of the command line: one string in, a configuration or its error out. */
#pragma once

#include "gateway/base/attr.h"
#include "gateway/config/parse.h"

#include <stdio.h>
#include <string.h>

#define SERVED "--listen 127.0.0.1:0 --target 127.0.0.1:80 --cert c.pem "

enum {
    CMDLINE_ARGS_MAX = 512
};

struct cmdline {
    struct gw_config *config; /* NULL: refused */
    struct gw_error err;
    int result;
};

/* Parses a line split at blanks; the first word is the subcommand. `^` in it stands for a blank,
 * and a word that is `''` for the empty one. */
static inline struct cmdline cmdline_parse(const char *line)
{
    struct cmdline c = {.config = NULL};
    char *args[CMDLINE_ARGS_MAX];
    int count = 0;
    char *copy = strdup(line);
    for (char *at = strtok(copy, " "); at && count < CMDLINE_ARGS_MAX; at = strtok(NULL, " ")) {
        for (char *blank = at; (blank = strchr(blank, '^'));)
            *blank = ' ';
        args[count++] = strcmp(at, "''") ? at : at + 2;
    }
    c.result =
        gw_config_parse(&c.config, count ? args[0] : NULL, count ? count - 1 : 0, args + 1, &c.err);
    free(copy);
    return c;
}
