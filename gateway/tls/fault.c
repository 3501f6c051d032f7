/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/fault.h"

#include "gateway/base/text.h"
#include "gateway/tls/dname.h"
#include "gateway/tls/identity_private.h"
#include "gateway/tls/points.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

enum {
    WHOLE_SIZE = 1024, /* a description before it is cut */
    DNAME_SIZE = 160,
    WANTED_SIZE = 84, /* for the name that a target must have */
    HAVE_SIZE = 64,   /* for a name that it has */
    NAMES_SHOWN = 5,
};

const char *gw_fault_word(int result)
{
    switch (result) {
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
        return "certificate chain too long (--verify-depth)";
    case X509_V_ERR_DIFFERENT_CRL_SCOPE:
        return "no CRL covers it";
    default:
        return X509_verify_cert_error_string(result);
    }
}

static void add_dname(struct gw_text *text, const X509_NAME *name)
{
    char printed[DNAME_SIZE];
    gw_dname_print(name, printed, sizeof(printed));
    gw_text_append(text, ": %s", *printed ? printed : "without a name");
}

/* libcrypto leaves the last certificate that it found as the current one. */
static void add_issuer(struct gw_text *text, X509_STORE_CTX *v)
{
    const X509 *last = X509_STORE_CTX_get_current_cert(v);
    if (last)
        add_dname(text, X509_get_issuer_name(last));
}

/* ---- names of a target ---- */

static void add_names(struct gw_text *text, const struct gw_trust *t, const X509 *cert)
{
    struct gw_identity id;
    struct gw_name name;
    char room[WANTED_SIZE];
    unsigned count = 0;
    bool read = gw_identity_read(&id, cert);
    gw_text_copy(room, WANTED_SIZE, t->peer_name);
    gw_text_append(text, ": wanted %s; the certificate has", room);
    for (size_t at = 0; read && gw_identity_next(&id, &at, &name);) {
        if ((name.kind != GW_NAME_DNS && name.kind != GW_NAME_IP) || ++count > NAMES_SHOWN)
            continue;
        gw_text_copy(room, HAVE_SIZE, name.text);
        gw_text_append(text, "%s %s", count > 1 ? "," : "", room);
    }
    if (count > NAMES_SHOWN)
        gw_text_append(text, " and %u more", count - NAMES_SHOWN);
    else if (!count)
        gw_text_append(text, " no DNS name and no address");
    gw_identity_done(&id);
}

/* ---- CRLs ---- */

static void add_lists(struct gw_text *text, const struct gw_trust *t, X509_STORE_CTX *v, int result)
{
    struct gw_chain_entry entry;
    const X509 *cert = gw_trust_find(t, X509_STORE_CTX_get0_chain(v), result, &entry);
    if (!cert)
        return;
    if (result != X509_V_ERR_DIFFERENT_CRL_SCOPE) {
        add_dname(text, X509_get_issuer_name(cert));
        return;
    }
    if (cert != X509_STORE_CTX_get0_cert(v))
        add_dname(text, X509_get_subject_name(cert));
    gw_text_append(text, ": wanted one for %s", entry.is_ca ? "CAs" : "users");
    gw_points_print_cert(text, cert, " at ");
    gw_text_append(text, "; there is one for ");
    gw_revocation_print(t->revocation, &entry, text);
}

void gw_fault_describe(const struct gw_trust *t, X509_STORE_CTX *v, int result,
                       char out[static GW_FAULT_MAX])
{
    char whole[WHOLE_SIZE];
    struct gw_text text = gw_text_in(whole, sizeof(whole));
    (void)ERR_set_mark();
    gw_text_append(&text, "%s", gw_fault_word(result));
    switch (result) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        add_issuer(&text, v);
        break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        add_names(&text, t, X509_STORE_CTX_get0_cert(v));
        break;
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_DIFFERENT_CRL_SCOPE:
        add_lists(&text, t, v, result);
        break;
    default:
        break;
    }
    gw_text_copy(out, GW_FAULT_MAX, whole);
    (void)ERR_pop_to_mark();
}
