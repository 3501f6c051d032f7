/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a connection's log line, from the table of docs/operations.md. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/* Prints a list of the fields as mdoc(7). False: `page` has no such table, or a row that cannot be
 * read. */
bool doc_fields_print(FILE *out, FILE *page);
