/* SPDX-License-Identifier: Apache-2.0 */
/* Strict readers of the gateway's log lines, for fuzz targets: whatever a line was made of, it must
 * be one line, and say of itself what its fields are. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* One line: ends with its only newline, holds nothing that a terminal obeys, and is UTF-8. */
bool line_is_plain(const char *text, size_t len);
/* Whether the line is one flat JSON object with unique keys (RFC 8259); values are strings,
 * numbers, true. */
bool line_is_json(const char *text, size_t len);
/* Whether the line is `head`, then fields ` key=value` with values quoted where needed. `head`
 * follows the time and the level. */
bool line_is_text(const char *text, size_t len, const char *head);
