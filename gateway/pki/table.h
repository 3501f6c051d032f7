/* SPDX-License-Identifier: Apache-2.0 */
/* What a person reads of a CA: the table of `pki list`, the lines of `pki show`. */
#pragma once

#include "gateway/pki/ca.h"

#include <stdio.h>

/* CAs first, then names in order; `all`: also what was replaced. */
void gw_pki_table_list(const struct gw_pki_ca *ca, bool all, FILE *out);
/* One certificate. Returns 0; a negative errno with *err filled when cert.pem cannot be read. */
gw_must_check int gw_pki_table_show(const struct gw_pki_ca *ca, const struct gw_pki_record *record,
                                    FILE *out, struct gw_error *err);
/* The CA: its certificates, what it may issue for, how many it issued, its list of revoked ones. */
void gw_pki_table_show_ca(const struct gw_pki_ca *ca, FILE *out);
