/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/pki/revoke.h"

#include "gateway/pki/crl.h"

#include <errno.h>
#include <openssl/x509.h>
#include <stdio.h>

#define CRL_FILE "crl.pem"

enum {
    SPAN_S = 7 * 86400,
    ROOT_SPAN_S = 365 * 86400, /* for a root that only signs one intermediate */
};

int gw_pki_revoke(struct gw_pki_ca *ca, struct gw_pki_record *record, enum gw_pki_reason reason,
                  struct gw_error *err)
{
    struct gw_pki_text text = {.data = NULL};
    struct gw_pki_record revoked = *record;
    char name[GW_PKI_NAME_BYTES];
    if (record->revoked)
        return 0;
    revoked.revoked = ca->now;
    revoked.reason = reason;
    (void)snprintf(name, sizeof(name), GW_PKI_ISSUED "/%s/record.txt", record->serial.text);
    int error = gw_pki_record_write(&text, &revoked);
    if (error)
        (void)gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    else
        error = gw_pki_store_write(&ca->store, name, 0644, text.data, text.len, err);
    gw_pki_text_done(&text);
    if (!error) {
        record->revoked = revoked.revoked;
        record->reason = reason;
    }
    return error;
}

/* The contents of crl.pem; empty when it cannot be read, since it is then made anew. */
static struct gw_pki_text read_file(const struct gw_pki_ca *ca)
{
    struct gw_pki_text text = {.data = NULL};
    struct gw_error absent;
    if (gw_pki_store_read(&ca->store, CRL_FILE, GW_PKI_CRL_MAX, &text, NULL, &absent))
        return (struct gw_pki_text){.data = NULL};
    return text;
}

static X509_CRL *find(const struct gw_pki_ca *ca, const struct gw_pki_text *file,
                      const struct gw_pki_signer *signer)
{
    return file->data ? gw_pki_crl_find(file, signer->cert, ca->library) : NULL;
}

/* Appends one CA's CRL: a new one or, if the key is not available, the present one. */
static int put_list(const struct gw_pki_ca *ca, const struct gw_pki_text *file,
                    const struct gw_pki_signer *signer, int64_t span_s, struct gw_pki_text *out,
                    struct gw_error *err)
{
    bool issues = signer == gw_pki_ca_issuer(ca);
    X509_CRL *before = find(ca, file, signer);
    X509_CRL *crl = NULL;
    int error = 0;
    if (signer->key) {
        int64_t last = before ? gw_pki_crl_span(before) : 0;
        int64_t usual = !issues ? ROOT_SPAN_S : last > 0 ? last : SPAN_S;
        const struct gw_pki_crl_draft draft = {.signer = signer,
                                               .reg = issues ? &ca->reg : NULL,
                                               .before = before,
                                               .now = ca->now,
                                               .span_s = issues && span_s ? span_s : usual};
        error = gw_pki_crl_make(&crl, &draft, ca->library, err);
    } else if (!before) {
        error = gw_error_set(err, GW_EXIT_START,
                             "%s/" CRL_FILE ": it lacks the root's CRL, and ca/root.key is not "
                             "here to make one; bring the key back once",
                             ca->store.path);
    }
    if (!error)
        error = gw_pki_crl_write(out, crl ? crl : before, err);
    X509_CRL_free(crl);
    X509_CRL_free(before);
    return error;
}

int gw_pki_crl_renew(struct gw_pki_ca *ca, int64_t span_s, struct gw_error *err)
{
    struct gw_pki_text out = {.data = NULL};
    struct gw_pki_text file = read_file(ca);
    int error = put_list(ca, &file, gw_pki_ca_issuer(ca), span_s, &out, err);
    if (!error && ca->intermediate.cert)
        error = put_list(ca, &file, &ca->root, 0, &out, err);
    if (!error)
        error = gw_pki_store_write(&ca->store, CRL_FILE, 0644, out.data, out.len, err);
    gw_pki_text_done(&out);
    gw_pki_text_done(&file);
    return error;
}

static int64_t next_update(const X509_CRL *crl)
{
    return gw_pki_certificate_time(X509_CRL_get0_nextUpdate(crl));
}

void gw_pki_crl_look(const struct gw_pki_ca *ca, struct gw_pki_crl_status *ret)
{
    struct gw_pki_text file = read_file(ca);
    X509_CRL *crl = find(ca, &file, gw_pki_ca_issuer(ca));
    X509_CRL *root = find(ca, &file, &ca->root);
    *ret = (struct gw_pki_crl_status){.there = crl && root};
    if (crl && root) {
        ret->complete = gw_pki_crl_complete(crl, &ca->reg, ca->now);
        ret->next_update = GW_MIN(next_update(crl), next_update(root));
    }
    X509_CRL_free(root);
    X509_CRL_free(crl);
    gw_pki_text_done(&file);
}

int gw_pki_crl_mend(struct gw_pki_ca *ca, struct gw_error *err)
{
    struct gw_pki_crl_status status;
    gw_pki_crl_look(ca, &status);
    return status.there && status.complete ? 0 : gw_pki_crl_renew(ca, 0, err);
}
