/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A distinguished name as text (RFC 4514): "CN=alice,O=Example", most specific part first. Special
 * characters are escaped with a backslash, control characters as a backslash and two hex digits.
 * For people only; rules compare its parts (identity.h).
 */
#pragma once

#include <openssl/types.h>
#include <stddef.h>

/* Writes to out[0…size), where `size` is at least 8, and always terminates. A name that does not
 * fit ends in "...". */
void gw_dname_print(const X509_NAME *name, char *out, size_t size);
