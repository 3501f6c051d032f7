/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/pki/ca.h"

#include "gateway/pki/revoke.h"
#include "gateway/tls/library.h"

#include <errno.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#define CA "ca"

enum {
    ROOT_DAYS = 3650,
    INTERMEDIATE_DAYS = 1095,
    FILE_MAX = 64 * 1024,
    FILE_TEXT = 1024,
};

void gw_pki_ca_close(struct gw_pki_ca *ca)
{
    gw_pki_register_done(&ca->reg);
    gw_pki_signer_done(&ca->root);
    gw_pki_signer_done(&ca->intermediate);
    gw_pki_store_close(&ca->store);
    if (ca->library)
        gw_tls_library_put();
    ca->library = NULL;
}

/* ---- reading ---- */

static int read_cert(const struct gw_pki_ca *ca, const char *name, X509 **ret, struct gw_error *err)
{
    struct gw_pki_text text;
    char file[FILE_TEXT];
    (void)snprintf(file, sizeof(file), "%s/%s", ca->store.path, name);
    int error = gw_pki_store_read(&ca->store, name, FILE_MAX, &text, NULL, err);
    if (error)
        return error;
    error = gw_pki_certificate_read(ret, &text, file, ca->library, err);
    gw_pki_text_done(&text);
    return error;
}

static int read_key(const struct gw_pki_ca *ca, const char *name, const char *pass,
                    struct gw_pki_signer *signer, struct gw_error *err)
{
    struct gw_pki_text text;
    char file[FILE_TEXT];
    mode_t mode;
    (void)snprintf(file, sizeof(file), "%s/%s", ca->store.path, name);
    int error = gw_pki_store_read(&ca->store, name, FILE_MAX, &text, &mode, err);
    if (error)
        return error;
    if (mode & 077)
        error = gw_error_set(err, GW_EXIT_START,
                             "%s: other users may read this key (mode %04o); prevent that (chmod "
                             "600 FILE), and consider who may have a copy already",
                             file, (unsigned)mode);
    else
        error = gw_pki_key_read(&signer->key, &text, pass, file, ca->library, err);
    gw_pki_text_done(&text);
    if (!error && X509_check_private_key(signer->cert, signer->key) != 1)
        error = gw_error_set(
            err, GW_EXIT_START,
            "%s: this is not the key of the certificate next to it; restore both from a backup",
            file);
    return error;
}

static int read_certs(struct gw_pki_ca *ca, struct gw_error *err)
{
    if (!gw_pki_store_has(&ca->store, CA))
        return gw_error_set(err, GW_EXIT_START,
                            "%s: there is no CA in this folder; create one with `ktlsgate pki "
                            "init`, or name its folder with --dir",
                            ca->store.path);
    int error = read_cert(ca, CA "/root.pem", &ca->root.cert, err);
    if (!error && gw_pki_store_has(&ca->store, CA "/intermediate.pem"))
        error = read_cert(ca, CA "/intermediate.pem", &ca->intermediate.cert, err);
    return error;
}

/* ---- files derived from the rest, which may be missing after a crash ---- */

int gw_pki_ca_write_trust(const struct gw_pki_ca *ca, struct gw_pki_text *text,
                          struct gw_error *err)
{
    int error = gw_pki_certificate_write(text, ca->root.cert, err);
    if (!error && ca->intermediate.cert)
        error = gw_pki_certificate_write(text, ca->intermediate.cert, err);
    return error;
}

static int mend_trust(const struct gw_pki_ca *ca, struct gw_error *err)
{
    struct gw_pki_text want = {.data = NULL}, have = {.data = NULL};
    struct gw_error absent;
    int error = gw_pki_ca_write_trust(ca, &want, err);
    bool same = !error &&
                !gw_pki_store_read(&ca->store, "ca.pem", FILE_MAX, &have, NULL, &absent) &&
                have.len == want.len && !memcmp(have.data, want.data, want.len);
    if (!error && !same)
        error = gw_pki_store_write(&ca->store, "ca.pem", 0644, want.data, want.len, err);
    gw_pki_text_done(&have);
    gw_pki_text_done(&want);
    return error;
}

int gw_pki_ca_hand_out(const struct gw_pki_ca *ca, const struct gw_pki_record *r,
                       struct gw_error *err)
{
    char link[GW_PKI_NAME_BYTES], target[GW_PKI_NAME_BYTES];
    (void)snprintf(link, sizeof(link), GW_PKI_CERTS "/%s", r->request.name);
    (void)snprintf(target, sizeof(target), "../" GW_PKI_ISSUED "/%s", r->serial.text);
    if (gw_pki_store_links_to(&ca->store, link, target) ||
        gw_pki_register_by_name(&ca->reg, r->request.name) != r)
        return 0;
    return gw_pki_store_link(&ca->store, link, target, err);
}

int gw_pki_ca_forget_keys(const struct gw_pki_ca *ca, const struct gw_pki_record *r,
                          struct gw_error *err)
{
    static const char *const files[] = {"key.pem", "bundle.p12"};
    char name[GW_PKI_NAME_BYTES];
    for (size_t i = 0; i < GW_ARRAY_SIZE(files); i++) {
        (void)snprintf(name, sizeof(name), GW_PKI_ISSUED "/%s/%s", r->serial.text, files[i]);
        int error = gw_pki_store_remove(&ca->store, name);
        if (error)
            return gw_error_set(err, GW_EXIT_START, "%s/%s: cannot be removed: %s", ca->store.path,
                                name, strerror(-error));
    }
    return 0;
}

static int mend(const struct gw_pki_ca *ca, struct gw_error *err)
{
    int error = mend_trust(ca, err);
    for (size_t i = 0; !error && i < ca->reg.count; i++)
        if (!ca->reg.records[i].replaced)
            error = gw_pki_ca_hand_out(ca, &ca->reg.records[i], err);
    for (size_t i = 0; !error && i < ca->reg.count; i++)
        if (ca->reg.records[i].replaced)
            error = gw_pki_ca_forget_keys(ca, &ca->reg.records[i], err);
    return error;
}

/* ---- opening ---- */

static int open_store(struct gw_pki_ca *ca, const char *path, enum gw_pki_access access,
                      int64_t now, struct gw_error *err)
{
    *ca = (struct gw_pki_ca){.store = {.fd = -1}, .now = now, .library = gw_tls_library_get()};
    if (!ca->library)
        return gw_error_set(err, GW_EXIT_OTHER, "%s", gw_tls_library_trouble());
    return gw_pki_store_open(&ca->store, path, access, GW_PKI_LOCK_PATIENCE_MS, err);
}

static int load(struct gw_pki_ca *ca, enum gw_pki_access access, struct gw_error *err)
{
    int error = read_certs(ca, err);
    if (!error)
        error = gw_pki_register_load(&ca->reg, &ca->store, err);
    if (!error && access == GW_PKI_WRITE)
        error = gw_pki_register_whole(&ca->reg, err);
    if (!error && access == GW_PKI_WRITE)
        error = mend(ca, err);
    return error;
}

int gw_pki_ca_open(struct gw_pki_ca *ret, const char *path, enum gw_pki_access access, int64_t now,
                   struct gw_error *err)
{
    int error = open_store(ret, path, access, now, err);
    if (!error)
        error = load(ret, access, err);
    if (error)
        gw_pki_ca_close(ret);
    return error;
}

int gw_pki_ca_keys(struct gw_pki_ca *ca, const char *pass, struct gw_error *err)
{
    bool below = ca->intermediate.cert != NULL;
    int error = 0;
    if (!below || gw_pki_store_has(&ca->store, CA "/root.key"))
        error = read_key(ca, CA "/root.key", pass, &ca->root, err);
    if (!error && below)
        error = read_key(ca, CA "/intermediate.key", pass, &ca->intermediate, err);
    return error ? error : gw_pki_crl_mend(ca, err);
}

/* ---- renewing the intermediate ---- */

static int make_again(struct gw_pki_ca *ca, X509 **ret, struct gw_error *err)
{
    X509 *old = ca->intermediate.cert;
    int64_t from = gw_pki_certificate_time(X509_get0_notBefore(old));
    int64_t until = gw_pki_certificate_time(X509_get0_notAfter(old));
    int64_t end = gw_pki_certificate_time(X509_get0_notAfter(ca->root.cert));
    if (from < 0 || until < 0 || end < 0)
        return gw_error_set(err, GW_EXIT_OTHER,
                            "%s: a date of the CA's certificates is damaged; restore them from a "
                            "backup",
                            ca->store.path);
    struct gw_pki_draft draft = {
        .kind = GW_PKI_INTERMEDIATE,
        .from = ca->now - GW_PKI_BACKDATE_S,
        .until = GW_MIN(ca->now - GW_PKI_BACKDATE_S + (until - from), end),
        .signer = &ca->root,
    };
    if (gw_pki_serial_make(&draft.serial, ca->library))
        return gw_pki_key_error("make a serial number", err);
    int error = gw_pki_certificate_again(ret, &draft, old, err);
    return error ? error
                 : gw_pki_certificate_verify(*ret, GW_PKI_INTERMEDIATE, ca->root.cert, NULL,
                                             ca->now, ca->library, err);
}

int gw_pki_ca_renew(struct gw_pki_ca *ca, struct gw_error *err)
{
    struct gw_pki_text text = {.data = NULL};
    X509 *cert = NULL;
    if (!ca->intermediate.cert)
        return gw_error_set(err, GW_EXIT_USAGE, "%s: this CA has no intermediate", ca->store.path);
    if (!ca->root.key)
        return gw_error_set(err, GW_EXIT_START,
                            "%s/" CA "/root.key: this needs the root's key; bring it back here, "
                            "and remove it again afterwards",
                            ca->store.path);
    int error = make_again(ca, &cert, err);
    if (!error)
        error = gw_pki_certificate_write(&text, cert, err);
    if (!error)
        error =
            gw_pki_store_write(&ca->store, CA "/intermediate.pem", 0644, text.data, text.len, err);
    gw_pki_text_done(&text);
    if (error) {
        X509_free(cert);
        return error;
    }
    X509_free(ca->intermediate.cert);
    ca->intermediate.cert = cert;
    return mend_trust(ca, err);
}

/* ---- making ---- */

/* Makes one CA's key and certificate, in the new folder. */
static int make_signer(struct gw_pki_ca *ca, const struct gw_pki_init *init,
                       struct gw_pki_draft *draft, struct gw_pki_signer *ret, struct gw_error *err)
{
    struct gw_pki_text cert = {.data = NULL}, key = {.data = NULL};
    char file[64];
    const char *word = gw_pki_kind_word(draft->kind);
    int error = gw_pki_key_make(&ret->key, init->key_type, ca->library, err);
    if (!error && gw_pki_serial_make(&draft->serial, ca->library))
        error = gw_pki_key_error("make a serial number", err);
    draft->key = ret->key;
    if (!error)
        error = gw_pki_certificate_make(&ret->cert, draft, ca->library, err);
    if (!error)
        error = gw_pki_certificate_write(&cert, ret->cert, err);
    if (!error)
        error = gw_pki_key_write(&key, ret->key, init->pass, ca->library, err);
    (void)snprintf(file, sizeof(file), "%s.key", word);
    if (!error)
        error = gw_pki_stage_add(&ca->store, file, 0600, &key, err);
    (void)snprintf(file, sizeof(file), "%s.pem", word);
    if (!error)
        error = gw_pki_stage_add(&ca->store, file, 0644, &cert, err);
    gw_pki_text_done(&key);
    gw_pki_text_done(&cert);
    return error;
}

static int make_signers(struct gw_pki_ca *ca, const struct gw_pki_init *init, struct gw_error *err)
{
    struct gw_pki_serial unique;
    char root_name[GW_PKI_NAME_MAX + 1], intermediate_name[GW_PKI_NAME_MAX + 16];
    unsigned days = init->days ? init->days : ROOT_DAYS;
    unsigned below = init->intermediate_days ? init->intermediate_days : INTERMEDIATE_DAYS;
    if (gw_pki_serial_make(&unique, ca->library))
        return gw_pki_key_error("make a name", err);
    (void)snprintf(root_name, sizeof(root_name), init->name ? "%s" : "ktlsgate CA %.8s",
                   init->name ? init->name : unique.text);
    (void)snprintf(intermediate_name, sizeof(intermediate_name), "%s intermediate", root_name);
    struct gw_pki_draft draft = {.kind = GW_PKI_ROOT,
                                 .name = root_name,
                                 .permits = init->permits,
                                 .path_len = init->intermediate,
                                 .from = init->now - GW_PKI_BACKDATE_S,
                                 .until = init->now + (int64_t)days * 86400};
    int error = make_signer(ca, init, &draft, &ca->root, err);
    if (error || !init->intermediate)
        return error;
    draft.kind = GW_PKI_INTERMEDIATE;
    draft.name = intermediate_name;
    draft.path_len = 0;
    draft.until = init->now + (int64_t)GW_MIN(below, days) * 86400;
    draft.signer = &ca->root;
    error = make_signer(ca, init, &draft, &ca->intermediate, err);
    if (!error)
        error = gw_pki_certificate_verify(ca->intermediate.cert, GW_PKI_INTERMEDIATE, ca->root.cert,
                                          NULL, ca->now, ca->library, err);
    return error;
}

static int make(struct gw_pki_ca *ca, const struct gw_pki_init *init, struct gw_error *err)
{
    if (gw_pki_store_has(&ca->store, CA))
        return gw_error_set(err, GW_EXIT_USAGE,
                            "%s: there is a CA in this folder already; name another with --dir",
                            init->path);
    int error = gw_pki_store_folder(&ca->store, GW_PKI_ISSUED, err);
    if (!error)
        error = gw_pki_store_folder(&ca->store, GW_PKI_CERTS, err);
    if (!error)
        error = gw_pki_stage_begin(&ca->store, err);
    if (!error)
        error = make_signers(ca, init, err);
    if (!error)
        error = gw_pki_stage_commit(&ca->store, CA, err);
    if (!error)
        error = gw_pki_register_load(&ca->reg, &ca->store, err);
    if (!error)
        error = mend(ca, err);
    return error ? error : gw_pki_crl_mend(ca, err);
}

static int check_init(const struct gw_pki_init *init, struct gw_error *err)
{
    size_t max = GW_PKI_NAME_MAX - (init->intermediate ? strlen(" intermediate") : 0);
    if (init->name && (!*init->name || strlen(init->name) > max))
        return gw_error_set(err, GW_EXIT_USAGE, "%.80s: the CA's name has 1 to %zu bytes",
                            init->name, max);
    return init->permits ? gw_pki_permits_check(init->permits, err) : 0;
}

int gw_pki_ca_init(struct gw_pki_ca *ret, const struct gw_pki_init *init, struct gw_error *err)
{
    int error = check_init(init, err);
    if (!error)
        error = gw_pki_store_create(init->path, err);
    if (error)
        return error;
    error = open_store(ret, init->path, GW_PKI_WRITE, init->now, err);
    if (!error)
        error = make(ret, init, err);
    if (error)
        gw_pki_ca_close(ret);
    return error;
}
