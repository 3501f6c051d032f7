/* SPDX-License-Identifier: Apache-2.0 */
/* All records of a CA: one folder issued/SERIAL for each, its record in record.txt. */
#pragma once

#include "gateway/pki/record.h"
#include "gateway/pki/store.h"

#define GW_PKI_ISSUED "issued"

struct gw_pki_register {
    struct gw_pki_record *records; /* by serial */
    size_t count;
    struct gw_error *damage; /* one for each record that could not be read */
    size_t damage_count;
};

/* Reads every record there is. Damaged ones are kept as sentences; 0 is returned all the same, and
 * what must not go on without them asks gw_pki_register_whole. */
gw_must_check int gw_pki_register_load(struct gw_pki_register *ret,
                                       const struct gw_pki_store *store, struct gw_error *err);
/* Fails with the first of the damages. */
gw_must_check int gw_pki_register_whole(const struct gw_pki_register *reg, struct gw_error *err);
void gw_pki_register_done(struct gw_pki_register *reg);

struct gw_pki_record *gw_pki_register_by_serial(const struct gw_pki_register *reg,
                                                const char *serial);
/* The newest of the name, the one that no other replaces; NULL without. */
struct gw_pki_record *gw_pki_register_by_name(const struct gw_pki_register *reg, const char *name);

/* Adds a record, which is copied, and marks the one that it replaces. Records that were looked up
 * before are no longer valid. Returns 0; -ENOMEM or -EIO with *err filled. */
gw_must_check int gw_pki_register_add(struct gw_pki_register *reg,
                                      const struct gw_pki_record *record, struct gw_error *err);
