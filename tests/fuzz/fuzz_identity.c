/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate, DER, as a CA of the operator might have signed it: names read from it are what
 * they claim to be and within the limits. */
#include "gateway/base/attr.h"
#include "gateway/tls/identity_private.h"
#include "tests/fuzz/target.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

static void check_name(const struct gw_name *name)
{
    gw_require(name->kind < GW_NAME_KIND_COUNT && name->len > 0);
    for (size_t i = 0; i < name->len; i++) {
        unsigned char c = (unsigned char)name->text[i];
        gw_require(c >= ' ' && c != 0x7f);
        gw_require(c < 0x80 || name->kind <= GW_NAME_OU);
    }
}

static void check_names(const struct gw_identity *id)
{
    unsigned count = 0;
    size_t at = 0;
    struct gw_name name;
    for (; gw_identity_next(id, &at, &name); count++)
        check_name(&name);
    gw_require(count == id->name_count && at == id->used && at <= GW_IDENTITY_BYTES_MAX);
    gw_require(!id->unusable.count == !id->unusable.kinds);
    gw_require(!id->unusable.count == !id->unusable.described);
    gw_require(id->unusable.described <= GW_UNUSABLE_DESCRIBED_MAX);
    for (unsigned i = 0; i < id->unusable.described; i++) {
        const struct gw_unusable_name *u = &id->unusables[i];
        gw_require(id->unusable.kinds & 1U << u->kind && *u->why);
        for (const char *c = u->text; *c; c++)
            gw_require(*c >= ' ' && *c < 0x7f);
    }
}

/* As a connection keeps it. */
static void check_copy(const struct gw_identity *id)
{
    struct gw_name a, b;
    struct gw_identity *copy = malloc(gw_identity_len(id));
    gw_require(copy);
    gw_identity_copy(copy, id);
    for (size_t i = 0, k = 0; gw_identity_next(id, &i, &a);)
        gw_require(gw_identity_next(copy, &k, &b) && a.kind == b.kind && !strcmp(a.text, b.text));
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct gw_identity id;
    const unsigned char *at = data;
    X509 *cert = d2i_X509(NULL, &at, (long)size);
    if (cert) {
        bool ok = gw_identity_read(&id, cert);
        gw_require(ok == id.present);
        gw_require(ok || id.name_count == 0);
        check_names(&id);
        check_copy(&id);
        gw_require(!ok || strlen(id.fingerprint) == 64);
        gw_require(strnlen(id.serial, sizeof(id.serial)) < sizeof(id.serial));
        gw_identity_done(&id);
    }
    ERR_clear_error();
    X509_free(cert);
    return 0;
}
