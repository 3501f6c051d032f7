/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of HTTP/1.1 (RFC 9112) that a load and its origin use: one head, and a body with the
 * length that the head contains. Heads are parsed from bytes of the network: lengths are checked,
 * nothing is copied.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BENCH_HTTP_HEAD_MAX = 8192
};

/* Bytes of the head with its empty line; 0: it is not all there. */
size_t bench_http_head_len(const uint8_t *data, size_t len);
/* The number behind a response's version; 0: it is none. */
unsigned bench_http_status(const uint8_t *head, size_t len);
/* False: there is no such header, it is duplicate or not a number, or the length is given by a
 * Transfer-Encoding. */
bool bench_http_content_length(const uint8_t *head, size_t len, uint64_t *ret);
/* Whether the head has this line; names without regard to case. */
bool bench_http_has_line(const uint8_t *head, size_t len, const char *line);
