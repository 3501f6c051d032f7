/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificate that a connection was shown, for its log line; refused connections included. A
 * note exists only where there is a certificate, and is as long as it needs to be: texts one after
 * another, each preceded by its field. It reaches the master unchanged through shared memory, where
 * the reader trusts nothing in it.
 */
#pragma once

#include "gateway/base/log.h"
#include "gateway/tls/handshake.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GW_NOTE_TEXT_MAX = 256, /* bytes of a text; a longer one is cut and ends in "..." */
    GW_NOTE_BYTES_MAX = 2048
};

struct gw_note {
    uint16_t len;
    char packed[]; /* for each text: its field, its bytes, a NUL */
};

/* Makes a note of these fields: serial number, fingerprint, subject and issuer; common name and
 * URI, or without both the first other alternative name; an unusable name, and why: the first whose
 * kind is in `deciding` (a bit for each), or of none the first. NULL without memory. The caller
 * frees it. */
struct gw_note *gw_note_new(const struct gw_identity *id, const struct gw_handshake_holder *holder,
                            unsigned deciding);

/* Adds the fields of a note to the line. `packed` may hold any `len` bytes; fields are added up to
 * the first that is malformed or comes again. */
void gw_note_tell(const char *packed, size_t len, struct gw_line *line);
