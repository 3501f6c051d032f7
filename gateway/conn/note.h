/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose certificate a connection was shown, for its log line: also of those that were refused. Made
 * only where there is one, and as long as it needs to be: texts behind each other, each with its
 * field. It goes to the master through shared memory as it is; whoever reads it there believes
 * nothing in it.
 */
#pragma once

#include "gateway/base/log.h"
#include "gateway/tls/handshake.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GW_NOTE_TEXT_MAX = 256, /* bytes of a text; a longer one is cut, and ends in "..." */
    GW_NOTE_BYTES_MAX = 2048
};

struct gw_note {
    uint16_t len;
    char packed[]; /* of each text its field, the bytes, a NUL */
};

/* Fields: serial number, fingerprint, subject and issuer; common name and URI, or without both the
 * first other alternative name; the first name that cannot be used, and why. NULL without memory;
 * to be freed. */
struct gw_note *gw_note_new(const struct gw_identity *id, const struct gw_handshake_holder *holder);

/* Adds fields to the line from any `len` bytes, as far as they are a note. */
void gw_note_tell(const char *packed, size_t len, struct gw_line *line);
