/* SPDX-License-Identifier: Apache-2.0 */
/* A place in a configuration file, put before the sentence of an error: "gate.conf:7: service web:
 * cert web.pem: the file cannot be read". */
#pragma once

#include "gateway/base/error.h"
#include "gateway/config/config.h"

/* All 0 for the command line. */
struct gw_where {
    const char *file;
    unsigned line;    /* 0: no particular line */
    const char *kind; /* kind of section: "service", "client"; NULL: outside */
    const char *name; /* name of the section; NULL: none */
};

enum {
    GW_SENTENCE_MAX = sizeof(((struct gw_error *)0)->text)
};

/* Completes the sentence: the place, then the fault, with keys instead of flags. Truncates it if
 * needed. Does nothing for the command line. */
void gw_place_sentence(const struct gw_where *where, char sentence[static GW_SENTENCE_MAX]);

/* Does the same for an error that was found later, in the files of a service: uses the line of the
 * value that the sentence begins with ("--cert web.pem: …"), else that of the section. `err` may be
 * NULL. */
void gw_place_error(const struct gw_config *config, unsigned service, struct gw_error *err);
