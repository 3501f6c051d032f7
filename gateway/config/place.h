/* SPDX-License-Identifier: Apache-2.0 */
/* The place in a configuration file, which stands in front of an error's sentence:
 * "gate.conf:7: service web: cert web.pem: the file cannot be read". */
#pragma once

#include "gateway/base/error.h"
#include "gateway/config/config.h"

/* All 0 for the command line. */
struct gw_where {
    const char *file;
    unsigned line;    /* 0: none in particular */
    const char *kind; /* of a section: "service", "client"; NULL outside */
    const char *name; /* of the section; NULL: it has none */
};

enum {
    GW_SENTENCE_MAX = sizeof(((struct gw_error *)0)->text)
};

/* The sentence as it is told: where, then what, with keys instead of flags. What does not fit is
 * cut. Nothing is done for the command line. */
void gw_place_sentence(const struct gw_where *where, char sentence[static GW_SENTENCE_MAX]);

/* The same for an error that was found later, with the files that a service names: at the line of
 * the value that the sentence begins with ("--cert web.pem: …"), else at that of the section.
 * `err` may be NULL. */
void gw_place_error(const struct gw_config *config, unsigned service, struct gw_error *err);
