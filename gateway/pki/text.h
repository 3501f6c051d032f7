/* SPDX-License-Identifier: Apache-2.0 */
/* The contents of a file: bytes followed by a NUL, wiped at the end. */
#pragma once

#include "gateway/base/attr.h"

#include <openssl/types.h>
#include <stddef.h>

struct gw_pki_text {
    char *data;
    size_t len; /* without the NUL */
};

/* Wipes and frees. A zeroed object is allowed. */
void gw_pki_text_done(struct gw_pki_text *text);

/* Each appends to the text. Returns 0; -ENOMEM with the text unchanged. */
gw_must_check int gw_pki_text_add(struct gw_pki_text *text, const void *data, size_t len);
gw_must_check int gw_pki_text_append(struct gw_pki_text *text, BIO *memory);
gw_must_check int gw_pki_text_printf(struct gw_pki_text *text, const char *fmt, ...)
    gw_printf(2, 3);
