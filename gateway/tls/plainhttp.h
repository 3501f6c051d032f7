/* SPDX-License-Identifier: Apache-2.0 */
/* Recognizes a client that speaks plain HTTP to a TLS port, such as a browser given http:// by
 * mistake. It gets one response in HTTP. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum gw_plainhttp {
    GW_PLAINHTTP_NO,
    GW_PLAINHTTP_PERHAPS, /* undecided until more bytes arrive */
    GW_PLAINHTTP_YES,
};

/* Judges the first bytes of a connection. With 8 bytes the result is never PERHAPS. */
enum gw_plainhttp gw_plainhttp_look(const uint8_t *data, size_t len);

/* A complete response; its length goes to *ret_len. */
const char *gw_plainhttp_answer(size_t *ret_len);
