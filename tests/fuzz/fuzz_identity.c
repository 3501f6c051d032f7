/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate, DER, as a CA of the operator might have signed it: names read from it are what
 * they claim to be and within the limits. */
#include "gateway/base/attr.h"
#include "gateway/tls/identity_private.h"
#include "tests/fuzz/target.h"

#include <openssl/err.h>
#include <openssl/x509.h>

static void check_name(const struct gw_identity *id, const struct gw_name *name)
{
    gw_require(name->kind <= GW_NAME_EMAIL);
    gw_require(name->text >= id->text && name->text < id->text + sizeof(id->text));
    size_t room = (size_t)(id->text + sizeof(id->text) - name->text);
    size_t len = strnlen(name->text, room);
    gw_require(len > 0 && len < room);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)name->text[i];
        gw_require(c >= ' ' && c != 0x7f);
        gw_require(c < 0x80 || name->kind <= GW_NAME_OU);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct gw_identity id;
    const unsigned char *at = data;
    X509 *cert = d2i_X509(NULL, &at, (long)size);
    if (cert) {
        bool ok = gw_identity_read(&id, cert);
        gw_require(ok == id.present);
        gw_require(id.name_count <= GW_IDENTITY_NAMES_MAX && (ok || id.name_count == 0));
        for (unsigned i = 0; i < id.name_count; i++)
            check_name(&id, &id.names[i]);
        gw_require(!ok || strlen(id.fingerprint) == 64);
        gw_require(!ok || strnlen(id.serial, sizeof(id.serial)) < sizeof(id.serial));
    }
    ERR_clear_error();
    X509_free(cert);
    return 0;
}
