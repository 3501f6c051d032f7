/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/pki/serial.h"

#include <errno.h>
#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

static void to_text(struct gw_pki_serial *ret, const unsigned char bytes[GW_PKI_SERIAL_BYTES])
{
    for (int i = 0; i < GW_PKI_SERIAL_BYTES; i++)
        (void)snprintf(ret->text + 2 * (size_t)i, 3, "%02x", bytes[i]);
}

int gw_pki_serial_make(struct gw_pki_serial *ret, OSSL_LIB_CTX *library)
{
    unsigned char bytes[GW_PKI_SERIAL_BYTES];
    if (RAND_bytes_ex(library, bytes, sizeof(bytes), 0) != 1)
        return -EIO;
    bytes[0] = (unsigned char)((bytes[0] & 0x3f) | 0x40);
    to_text(ret, bytes);
    return 0;
}

bool gw_pki_serial_good(const char *text)
{
    return strlen(text) == GW_PKI_SERIAL_TEXT && text[0] >= '4' && text[0] <= '7' &&
           strspn(text, "0123456789abcdef") == GW_PKI_SERIAL_TEXT;
}

bool gw_pki_serial_put(const struct gw_pki_serial *serial, ASN1_INTEGER *number)
{
    BIGNUM *n = NULL;
    bool ok = BN_hex2bn(&n, serial->text) == GW_PKI_SERIAL_TEXT && BN_to_ASN1_INTEGER(n, number);
    BN_free(n);
    return ok;
}

bool gw_pki_serial_of(struct gw_pki_serial *ret, const ASN1_INTEGER *number)
{
    unsigned char bytes[GW_PKI_SERIAL_BYTES];
    BIGNUM *n = ASN1_INTEGER_to_BN(number, NULL);
    bool ok = n && !BN_is_negative(n) && BN_num_bytes(n) == GW_PKI_SERIAL_BYTES &&
              BN_bn2bin(n, bytes) == GW_PKI_SERIAL_BYTES;
    BN_free(n);
    if (ok)
        to_text(ret, bytes);
    return ok && gw_pki_serial_good(ret->text);
}
