/* SPDX-License-Identifier: Apache-2.0 */
/* Who speaks plain HTTP where TLS is spoken: a browser with http:// before the name, mostly. It is
 * answered in its own language, once. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum gw_plainhttp {
    GW_PLAINHTTP_NO,
    GW_PLAINHTTP_PERHAPS, /* so far; more bytes tell */
    GW_PLAINHTTP_YES,
};

/* By the first bytes of a connection; 8 of them never give PERHAPS. */
enum gw_plainhttp gw_plainhttp_look(const uint8_t *data, size_t len);

/* A whole response; its length in *ret_len. */
const char *gw_plainhttp_answer(size_t *ret_len);
