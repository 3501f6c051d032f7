/* SPDX-License-Identifier: Apache-2.0 */
/* A list of facts, printed as aligned text for people or as one JSON object for programs. Each fact
 * has a key for JSON and a label for people. Sections do not nest. Keys may be written for people:
 * "TLS 1.2 send" becomes "tls_1_2_send". */
#pragma once

#include "ktlsinstall.h"

#include "gateway/base/attr.h"

#include <stdio.h>

struct gw_report {
    FILE *out;
    bool json;
    bool in_section;
    bool separate; /* JSON: the next member needs a comma before it */
};

void gw_report_begin(struct gw_report *r, FILE *out, bool json);
/* Returns 0, or -EIO when some output failed. */
gw_must_check int gw_report_end(struct gw_report *r);

void gw_report_section(struct gw_report *r, const char *key, const char *title);
void gw_report_string(struct gw_report *r, const char *key, const char *label, const char *value);
/* `unit` is for people; "" if there is none. UINT64_MAX: unlimited (JSON: null). */
void gw_report_number(struct gw_report *r, const char *key, const char *label, uint64_t value,
                      const char *unit);
void gw_report_bool(struct gw_report *r, const char *key, const char *label, bool value);
/* "yes", or "no: " and the error in words. `why` NULL: uses the errno's own text. In JSON an object
 * of works, error (the errno's name) and why. */
void gw_report_trial(struct gw_report *r, const char *key, const char *label,
                     struct ktls_trial trial, const char *why);
/* Text only: a line with a recommendation. */
void gw_report_hint(struct gw_report *r, const char *text);
