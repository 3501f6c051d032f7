/* SPDX-License-Identifier: Apache-2.0 */
/* Serial numbers: 16 octets with 126 random bits; as text 32 small hexadecimal digits. */
#pragma once

#include "gateway/base/attr.h"

#include <openssl/types.h>
#include <stdbool.h>

enum {
    GW_PKI_SERIAL_BYTES = 16,
    GW_PKI_SERIAL_TEXT = 2 * GW_PKI_SERIAL_BYTES,
};

struct gw_pki_serial {
    char text[GW_PKI_SERIAL_TEXT + 1]; /* "": none */
};

/* Makes a new one: positive, 16 octets (RFC 5280 4.1.2.2). -EIO when there are no random bytes. */
gw_must_check int gw_pki_serial_make(struct gw_pki_serial *ret, OSSL_LIB_CTX *library);
/* Whether the text is a serial number. */
bool gw_pki_serial_good(const char *text);
/* Convert to and from the number in a certificate. False without memory, or for another CA's
 * number. */
gw_must_check bool gw_pki_serial_put(const struct gw_pki_serial *serial, ASN1_INTEGER *number);
gw_must_check bool gw_pki_serial_of(struct gw_pki_serial *ret, const ASN1_INTEGER *number);
