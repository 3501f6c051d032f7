/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of a page. Results may come from anywhere: whatever stands in them goes through
 * bench_html_text, which leaves nothing that a browser takes for anything but text. */
#pragma once

#include "gateway/base/attr.h"

#include <stdio.h>

enum {
    BENCH_NUMBER_MAX = 32,
};

/* Writes it with & < > " ' escaped; control characters and what is no UTF-8 become U+FFFD. */
void bench_html_text(FILE *out, const char *text);
/* printf, its result through bench_html_text. */
void bench_html_printf(FILE *out, const char *fmt, ...) gw_printf(2, 3);
/* Three digits that count: "0.552", "12.4", "1,234,567". Returns out. */
const char *bench_number(double value, char out[BENCH_NUMBER_MAX]);
