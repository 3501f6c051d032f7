/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling in time that a certificate of ours ends: once each 30, 7 and 1 days before it, and when
 * it has. A warning comes only after two thirds of a certificate's life, so that short-lived ones
 * do not begin with it. Kept by the master, which gets a new table from whoever reads the files
 * again.
 */
#pragma once

#include "gateway/proc/termset.h"

#include <stdint.h>

enum {
    GW_EXPIRY_ROWS = 32,
    GW_EXPIRY_NAME = 168
};

struct gw_expiry_row {
    int64_t begins, ends;      /* seconds since 1970 */
    char name[GW_EXPIRY_NAME]; /* flag and file; a long path without its beginning */
    uint32_t told;             /* how many of the warnings it has had, also those skipped */
};

/* Plain data, which may cross from process to process. */
struct gw_expiry {
    struct gw_expiry_row rows[GW_EXPIRY_ROWS]; /* those that end first */
    uint32_t count;
};

void gw_expiry_make(struct gw_expiry *ret, const struct gw_termset *set);

/* Takes over a fresh table, of which only the shape is trusted; what was told of a certificate that
 * is still there is not told again. */
void gw_expiry_replace(struct gw_expiry *e, const struct gw_expiry *fresh);

/* Logs what is to be told at this time (seconds since 1970). */
void gw_expiry_tell(struct gw_expiry *e, int64_t now);
