/* SPDX-License-Identifier: Apache-2.0 */
/* All records of a CA: one folder issued/SERIAL for each, its record in record.txt. */
#pragma once

#include "gateway/pki/record.h"
#include "gateway/pki/store.h"

#define GW_PKI_ISSUED "issued"

struct gw_pki_register {
    struct gw_pki_record *records; /* sorted by serial */
    size_t count;
    struct gw_error *damage; /* one for each unreadable record */
    size_t damage_count;
};

/* Reads all records. Damaged ones are kept as error messages, and do not change the result.
 * Commands that need every record call gw_pki_register_whole. */
gw_must_check int gw_pki_register_load(struct gw_pki_register *ret,
                                       const struct gw_pki_store *store, struct gw_error *err);
/* Fails with the first damaged record. */
gw_must_check int gw_pki_register_whole(const struct gw_pki_register *reg, struct gw_error *err);
void gw_pki_register_done(struct gw_pki_register *reg);

struct gw_pki_record *gw_pki_register_by_serial(const struct gw_pki_register *reg,
                                                const char *serial);
/* The newest of the name, which no other replaces. NULL: none. */
struct gw_pki_record *gw_pki_register_by_name(const struct gw_pki_register *reg, const char *name);

/* Adds a copy of the record, and marks the one that it replaces. Pointers to records become
 * invalid. Returns 0; -ENOMEM or -EIO with *err filled. */
gw_must_check int gw_pki_register_add(struct gw_pki_register *reg,
                                      const struct gw_pki_record *record, struct gw_error *err);
