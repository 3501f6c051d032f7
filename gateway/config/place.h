/* SPDX-License-Identifier: Apache-2.0 */
/* A place in a configuration file, put before the sentence of an error: "gate.conf:7: service web:
 * cert web.pem: the file cannot be read". */
#pragma once

#include "gateway/base/error.h"
#include "gateway/base/notes.h"
#include "gateway/config/config.h"

/* All 0 for the command line. */
struct gw_where {
    const char *file;
    unsigned line;    /* 0: no particular line */
    const char *kind; /* kind of section: "service", "client"; NULL: outside */
    const char *name; /* name of the section; NULL: none */
};

enum {
    GW_SENTENCE_MAX = GW_NOTES_TEXT_MAX /* of any `size` below */
};

/* Completes the sentence in a buffer of `size` bytes: the place, then the fault, with keys instead
 * of flags. Truncates it if needed. Does nothing for the command line. */
void gw_place_sentence(const struct gw_where *where, char *sentence, size_t size);

/* Does the same for an error that was found later, in the files of a service: uses the line of the
 * value that the sentence begins with ("--cert web.pem: …"), else that of the section. `err` may be
 * NULL. */
void gw_place_error(const struct gw_config *config, unsigned service, struct gw_error *err);

/* The same for the notes from number `from` on, wherever in a note the value stands. A note that
 * becomes equal to an earlier one is removed. */
void gw_place_notes(const struct gw_config *config, unsigned service, struct gw_notes *notes,
                    unsigned from);
