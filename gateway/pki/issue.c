/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/pki/issue.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

enum {
    DAY_S = 86400,
    KEY_FILE_MAX = 64 * 1024,
};

/* A certificate that is being made in a folder of its own. */
struct making {
    struct gw_pki_ca *ca;
    struct gw_pki_record record;
    EVP_PKEY *key;
    X509 *cert;
};

/* No certificate outlives the CA that signed it: clients would refuse it from then on anyway. */
static int set_times(struct making *m, struct gw_error *err)
{
    const struct gw_pki_ca *ca = m->ca;
    int64_t end = gw_pki_certificate_time(X509_get0_notAfter(gw_pki_ca_issuer(ca)->cert));
    char text[GW_PKI_TIME_TEXT];
    m->record.issued = ca->now;
    m->record.expires =
        GW_MIN(ca->now + (int64_t)m->record.request.days * DAY_S, end > 0 ? end : 0);
    if (m->record.expires > ca->now)
        return 0;
    return gw_error_set(
        err, GW_EXIT_OTHER,
        "%s: the CA's own certificate expired on %s; renew an intermediate with `ktlsgate pki "
        "renew intermediate`, or create a new CA with `ktlsgate pki init --dir FOLDER`",
        ca->store.path, gw_pki_time_text(end, text));
}

static int make_certificate(struct making *m, struct gw_error *err)
{
    const struct gw_pki_ca *ca = m->ca;
    const struct gw_pki_request *q = &m->record.request;
    char address[GW_PKI_NAME_MAX + 16];
    bool is_address = gw_pki_name_is_address(q->name);
    /* A bare address looks like a DNS name to OpenSSL, which would check it against the CA's name
     * constraints. */
    (void)snprintf(address, sizeof(address), "address %s", q->name);
    struct gw_pki_draft draft = {.kind = q->kind,
                                 .name = is_address ? address : q->name,
                                 .request = q,
                                 .serial = m->record.serial,
                                 .key = m->key,
                                 .from = m->record.issued - GW_PKI_BACKDATE_S,
                                 .until = m->record.expires,
                                 .signer = gw_pki_ca_issuer(ca)};
    int error = gw_pki_certificate_make(&m->cert, &draft, ca->library, err);
    if (!error)
        error = gw_pki_certificate_verify(m->cert, q->kind, ca->root.cert, ca->intermediate.cert,
                                          ca->now, ca->library, err);
    return error;
}

/* ---- the folder: each function makes the contents of one file ---- */

static int put_record(struct gw_pki_text *text, const struct making *m, const char *pass,
                      struct gw_error *err)
{
    (void)pass;
    if (gw_pki_record_write(text, &m->record))
        return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    return 0;
}

static int put_cert(struct gw_pki_text *text, const struct making *m, const char *pass,
                    struct gw_error *err)
{
    (void)pass;
    return gw_pki_certificate_write(text, m->cert, err);
}

static int put_chain(struct gw_pki_text *text, const struct making *m, const char *pass,
                     struct gw_error *err)
{
    int error = put_cert(text, m, pass, err);
    if (!error && m->ca->intermediate.cert)
        error = gw_pki_certificate_write(text, m->ca->intermediate.cert, err);
    return error;
}

static int put_trust(struct gw_pki_text *text, const struct making *m, const char *pass,
                     struct gw_error *err)
{
    (void)pass;
    return gw_pki_ca_write_trust(m->ca, text, err);
}

static int put_key(struct gw_pki_text *text, const struct making *m, const char *pass,
                   struct gw_error *err)
{
    (void)pass;
    return gw_pki_key_write(text, m->key, NULL, m->ca->library, err);
}

static int put_bundle(struct gw_pki_text *text, const struct making *m, const char *pass,
                      struct gw_error *err)
{
    X509 *below = m->ca->intermediate.cert;
    X509 *const chain[2] = {below ? below : m->ca->root.cert, below ? m->ca->root.cert : NULL};
    return gw_pki_certificate_bundle(text, m->record.request.name, m->key, m->cert, chain,
                                     pass ? pass : "", m->ca->library, err);
}

static const struct file {
    const char *name;
    mode_t mode;
    int (*put)(struct gw_pki_text *text, const struct making *m, const char *pass,
               struct gw_error *err);
} files[] = {
    {"key.pem", 0600, put_key},   {"bundle.p12", 0600, put_bundle},
    {"cert.pem", 0644, put_cert}, {"chain.pem", 0644, put_chain},
    {"ca.pem", 0644, put_trust},  {"record.txt", 0644, put_record},
};

static int write_folder(const struct making *m, const char *pass, struct gw_error *err)
{
    char folder[GW_PKI_NAME_BYTES];
    int error = gw_pki_stage_begin(&m->ca->store, err);
    for (size_t i = 0; !error && i < GW_ARRAY_SIZE(files); i++) {
        struct gw_pki_text text = {.data = NULL};
        error = files[i].put(&text, m, pass, err);
        if (!error)
            error = gw_pki_stage_add(&m->ca->store, files[i].name, files[i].mode, &text, err);
        gw_pki_text_done(&text);
    }
    (void)snprintf(folder, sizeof(folder), GW_PKI_ISSUED "/%s", m->record.serial.text);
    return error ? error : gw_pki_stage_commit(&m->ca->store, folder, err);
}

/* ---- the whole ---- */

static int finish(struct making *m, const struct gw_pki_record **ret, struct gw_error *err)
{
    struct gw_pki_ca *ca = m->ca;
    int error = gw_pki_register_add(&ca->reg, &m->record, err);
    if (error)
        return error;
    const struct gw_pki_record *made = gw_pki_register_by_serial(&ca->reg, m->record.serial.text);
    const struct gw_pki_record *old = gw_pki_register_by_serial(&ca->reg, m->record.replaces.text);
    error = gw_pki_ca_hand_out(ca, made, err);
    if (!error && old)
        error = gw_pki_ca_forget_keys(ca, old, err);
    if (!error)
        *ret = made;
    return error;
}

/* Called with a request, possibly a key, and the serial number of the replaced certificate. */
static int make(struct making *m, const struct gw_pki_wish *wish, const struct gw_pki_record **ret,
                struct gw_error *err)
{
    struct gw_pki_ca *ca = m->ca;
    int error = set_times(m, err);
    if (!error && gw_pki_serial_make(&m->record.serial, ca->library))
        error = gw_pki_key_error("make a serial number", err);
    if (!error && !m->key)
        error = gw_pki_key_make(&m->key, m->record.request.key_type, ca->library, err);
    if (!error)
        error = make_certificate(m, err);
    if (!error)
        error = write_folder(m, wish->bundle_pass, err);
    if (!error)
        error = finish(m, ret, err);
    X509_free(m->cert);
    EVP_PKEY_free(m->key);
    return error;
}

int gw_pki_issue(struct gw_pki_ca *ca, const struct gw_pki_request *request,
                 const struct gw_pki_wish *wish, const struct gw_pki_record **ret,
                 struct gw_error *err)
{
    struct making m = {.ca = ca, .record = {.request = *request}};
    int error = gw_pki_request_complete(&m.record.request, err);
    if (error)
        return error;
    const struct gw_pki_record *old = gw_pki_register_by_name(&ca->reg, request->name);
    if (old && gw_pki_record_state(old, ca->now) == GW_PKI_ACTIVE)
        return gw_error_set(
            err, GW_EXIT_USAGE,
            "%s has an active certificate; for a new one of the same holder use `ktlsgate pki "
            "renew %s`, for another holder first `ktlsgate pki revoke %s`",
            request->name, request->name, request->name);
    if (old)
        m.record.replaces = old->serial;
    return make(&m, wish, ret, err);
}

static int read_old_key(struct making *m, const struct gw_pki_record *old, struct gw_error *err)
{
    struct gw_pki_text text;
    char name[GW_PKI_NAME_BYTES], file[GW_PKI_NAME_BYTES + 512];
    (void)snprintf(name, sizeof(name), GW_PKI_ISSUED "/%s/key.pem", old->serial.text);
    (void)snprintf(file, sizeof(file), "%s/%s", m->ca->store.path, name);
    int error = gw_pki_store_read(&m->ca->store, name, KEY_FILE_MAX, &text, NULL, err);
    if (error)
        return error;
    error = gw_pki_key_read(&m->key, &text, NULL, file, m->ca->library, err);
    gw_pki_text_done(&text);
    return error;
}

int gw_pki_renew(struct gw_pki_ca *ca, const struct gw_pki_record *old,
                 const struct gw_pki_wish *wish, const struct gw_pki_record **ret,
                 struct gw_error *err)
{
    struct making m = {.ca = ca, .record = {.request = old->request, .replaces = old->serial}};
    const char *name = old->request.name;
    if (old->revoked)
        return gw_error_set(
            err, GW_EXIT_USAGE,
            "%s: the certificate was revoked; for a new one use `ktlsgate pki issue --%s %s`", name,
            gw_pki_kind_word(old->request.kind), name);
    if (old->replaced)
        return gw_error_set(err, GW_EXIT_USAGE,
                            "%s: this certificate was replaced already; `ktlsgate pki renew %s` "
                            "renews the newest",
                            old->serial.text, name);
    if (wish->days)
        m.record.request.days = wish->days;
    int error = gw_pki_request_check(&m.record.request, err);
    if (!error && wish->keep_key)
        error = read_old_key(&m, old, err);
    return error ? error : make(&m, wish, ret, err);
}
