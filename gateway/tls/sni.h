/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maps a server name to a certificate (RFC 6066 3). An exact name precedes a wildcard. A wildcard
 * stands for exactly one label. Of several certificates for one name the one with more key types
 * comes first, then the one named first on the command line.
 */
#pragma once

#include "gateway/base/attr.h"

#include <stdbool.h>

struct gw_sni_name {
    const char *name;   /* lower case, may begin with "*."; owned by the caller of gw_sni_add */
    unsigned index;     /* the certificate's index */
    unsigned key_types; /* the number of key types that answer with it */
};

struct gw_sni_table {
    struct gw_sni_name *names; /* sorted once sealed */
    unsigned count;
};

/* Adds a name. Returns 0 or -ENOMEM. */
gw_must_check int gw_sni_add(struct gw_sni_table *table, const char *name, unsigned index,
                             unsigned key_types);
/* Sorts the table. Call it after the last gw_sni_add and before the first find. */
void gw_sni_seal(struct gw_sni_table *table);
/* Finds the index for a name that a client sent (any case, hostile). False when nothing matches. */
bool gw_sni_find(const struct gw_sni_table *table, const char *name, unsigned *ret_index);
/* Finds all entries with exactly this name; a wildcard matches only as it is written. Returns their
 * number; *ret_first is the first of them. */
unsigned gw_sni_find_all(const struct gw_sni_table *table, const char *name,
                         const struct gw_sni_name **ret_first);
void gw_sni_done(struct gw_sni_table *table);
