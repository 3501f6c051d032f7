/* SPDX-License-Identifier: Apache-2.0 */
/* Strict readers of the gateway's log lines, for fuzz targets: whatever a line was made of, it must
 * be one line, and say of itself what its fields are. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* One line: ends with its only newline, holds nothing that a terminal obeys, and is UTF-8. */
bool line_is_plain(const char *text, size_t len);
/* … which is one flat JSON object with each key once (RFC 8259), values strings, numbers, true. */
bool line_is_json(const char *text, size_t len);
/* … which is `head`, then fields ` key=value` with values in quotes where they need them. `head`
 * stands behind the time and the level. */
bool line_is_text(const char *text, size_t len, const char *head);
