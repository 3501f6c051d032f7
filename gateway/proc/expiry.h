/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Warns in time that a certificate of the gateway expires: once each at 30, 7 and 1 days before,
 * and after the expiry. Warnings come only after two thirds of a certificate's life, so that
 * short-lived ones do not start with them. The master keeps the table, and gets a new one from the
 * process that reads the files again.
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
    char name[GW_EXPIRY_NAME]; /* flag and file; a long path loses its beginning */
    uint32_t warned;           /* the number of warnings made or skipped so far */
};

/* Plain data that may be sent between processes. */
struct gw_expiry {
    struct gw_expiry_row rows[GW_EXPIRY_ROWS]; /* the ones that expire first */
    uint32_t count;
};

void gw_expiry_make(struct gw_expiry *ret, const struct gw_termset *set);

/* Replaces the table by a fresh one, whose shape alone is trusted. Warnings about a certificate
 * that is still present are not repeated. */
void gw_expiry_replace(struct gw_expiry *e, const struct gw_expiry *fresh);

/* Logs the warnings that are due at this time (seconds since 1970). */
void gw_expiry_warn(struct gw_expiry *e, int64_t now);
