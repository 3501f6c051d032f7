/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which certificate answers for a server name (RFC 6066 3). An exact name goes before a wildcard;
 * a wildcard stands for exactly one label; of several certificates for one name the one with more
 * key types goes first, then the one named first on the command line.
 */
#pragma once

#include "gateway/base/attr.h"

#include <stdbool.h>

struct gw_sni_name {
    const char *name;   /* lower case, may begin with "*."; owned by whoever added it */
    unsigned index;     /* of the certificate */
    unsigned key_types; /* that answer with it */
};

struct gw_sni_table {
    struct gw_sni_name *names; /* sorted once sealed */
    unsigned count;
};

/* Returns 0 or -ENOMEM. */
gw_must_check int gw_sni_add(struct gw_sni_table *table, const char *name, unsigned index,
                             unsigned key_types);
/* Sorts; after the last change and before the first find. */
void gw_sni_seal(struct gw_sni_table *table);
/* The index for a name sent by a client (any case, hostile); false when nothing matches. */
bool gw_sni_find(const struct gw_sni_table *table, const char *name, unsigned *ret_index);
/* All entries of exactly this name, a wildcard as it is written: their number, the first of them in
 * *ret_first. */
unsigned gw_sni_find_all(const struct gw_sni_table *table, const char *name,
                         const struct gw_sni_name **ret_first);
void gw_sni_done(struct gw_sni_table *table);
