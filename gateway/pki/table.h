/* SPDX-License-Identifier: Apache-2.0 */
/* Output for people: the table of `pki list`, the lines of `pki show`. */
#pragma once

#include "gateway/pki/ca.h"

#include <stdio.h>

/* CAs first, then names in order. `all`: replaced certificates too. */
void gw_pki_table_list(const struct gw_pki_ca *ca, bool all, FILE *out);
/* One certificate. Returns 0, or a negative errno with *err filled when cert.pem cannot be read. */
gw_must_check int gw_pki_table_show(const struct gw_pki_ca *ca, const struct gw_pki_record *record,
                                    FILE *out, struct gw_error *err);
/* The CA: its certificates, its name constraints, the number of issued certificates, its CRL. */
void gw_pki_table_show_ca(const struct gw_pki_ca *ca, FILE *out);
