/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A distinguished name as text (RFC 4514): "CN=alice,O=Example", the most specific part first, with
 * a backslash before what is special and before two hex digits for a control character. For people;
 * rules compare its parts (identity.h).
 */
#pragma once

#include <openssl/types.h>
#include <stddef.h>

/* To out[0…size), `size` of 8 or more, always terminated; one that does not fit ends in "...". */
void gw_dname_print(const X509_NAME *name, char *out, size_t size);
