/* SPDX-License-Identifier: Apache-2.0 */
/* A side with a folder of certificates, and what a test asks of it. */
#pragma once

#include "tests/unit/tlspair.h"

#include <stdbool.h>

/* Where a test puts its certificates; the one of the world's other.test is always there. */
struct certfolder {
    const struct tlsworld *w;
    const char *name, *path;
    const char *dirs[1];
    struct gw_tls_side side;
};

/* A file's name in the test's directory; overwritten by the next call. */
const char *certfolder_in(const struct certfolder *f, const char *name);
void certfolder_init(struct certfolder *f, const struct tlsworld *w, const char *name);

/* The side as a start or a reload loads it; asserts that it can. */
struct gw_tls_context *certfolder_load(const struct gw_tls_side *side, struct gw_files *files);
/* Asserts that it cannot be loaded, with these words in the error. */
void certfolder_refuses(const struct gw_tls_side *side, struct gw_files *files, const char *words);
/* Whether it shows this certificate to a client that asks for the name. */
bool certfolder_shows(const struct tlsworld *w, struct gw_tls_context *tls, const char *name,
                      const struct test_cert *cert);
/* Asserts that a note about the files has these words. */
void certfolder_says(struct gw_files *files, const char *words);
