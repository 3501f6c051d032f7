/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/credential.h"

#include "gateway/base/array.h"
#include "gateway/base/text.h"
#include "gateway/tls/anchors.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

static int check_dates(struct gw_credential *c, int64_t now, struct gw_error *err)
{
    char text[GW_TEXT_DATE];
    if (!gw_anchors_time(X509_get0_notBefore(c->leaf), &c->begins) ||
        !gw_anchors_time(X509_get0_notAfter(c->leaf), &c->ends))
        return gw_error_set(err, GW_EXIT_USAGE, "%s %s: the dates of the certificate are damaged",
                            c->flag, c->file);
    if (now < c->begins)
        return gw_error_set(err, GW_EXIT_USAGE,
                            "%s %s: the certificate is not valid before %s (is the clock right?)",
                            c->flag, c->file, gw_text_date(c->begins, text));
    if (now >= c->ends)
        return gw_error_set(err, GW_EXIT_USAGE, "%s %s: the certificate expired on %s; renew it",
                            c->flag, c->file, gw_text_date(c->ends, text));
    return 0;
}

static int load_cert(struct gw_credential *c, struct gw_credential_loader *l, struct gw_error *err)
{
    struct gw_pemfile file = {0};
    int r = gw_pemfile_read(&file, l->files, c->flag, c->file, err);
    if (r == 0)
        r = gw_pemfile_chain(&file, l->library, &l->shared, &c->chain, err);
    if (r < 0)
        return r;
    c->leaf = sk_X509_shift(c->chain);
    return check_dates(c, gw_files_time(l->files), err);
}

static int load_key(struct gw_credential *c, struct gw_credential_loader *l,
                    const struct gw_credential_files *files, struct gw_error *err)
{
    struct gw_pemfile file = {0};
    int r = gw_pemfile_read(&file, l->files, files->key_flag, files->key_file, err);
    if (r < 0)
        return r;
    gw_pemfile_warn_of_readers(&file);
    return gw_pemkey_read(&l->keys, &file, &c->key, &c->key_type, err);
}

/* A name worth comparing with SNI; others (an address, an embedded NUL) are left out. */
static bool name_usable(const ASN1_STRING *s)
{
    const unsigned char *p = ASN1_STRING_get0_data(s);
    int len = ASN1_STRING_length(s);
    if (len < 1 || len > 253)
        return false;
    for (int i = 0; i < len; i++)
        if (p[i] <= ' ' || p[i] >= 0x7f)
            return false;
    return true;
}

static int add_name(struct gw_credential *c, const ASN1_STRING *s)
{
    if (!name_usable(s))
        return 0;
    if (!gw_array_grow(&c->names, c->name_count, sizeof(*c->names)))
        return -ENOMEM;
    char *name = strndup((const char *)ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
    if (!name)
        return -ENOMEM;
    for (char *p = name; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    c->names[c->name_count++] = name;
    return 0;
}

static int add_common_name(struct gw_credential *c)
{
    const X509_NAME *subject = X509_get_subject_name(c->leaf);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    return at < 0 ? 0 : add_name(c, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

/* The DNS names of the certificate; the CN only where it has none (RFC 6125 6.4.4). */
static int collect_names(struct gw_credential *c)
{
    GENERAL_NAMES *sans = X509_get_ext_d2i(c->leaf, NID_subject_alt_name, NULL, NULL);
    int r = 0;
    for (int i = 0; r == 0 && i < sk_GENERAL_NAME_num(sans); i++) {
        const GENERAL_NAME *san = sk_GENERAL_NAME_value(sans, i);
        if (san->type == GEN_DNS)
            r = add_name(c, san->d.dNSName);
    }
    GENERAL_NAMES_free(sans);
    return r == 0 && c->name_count == 0 ? add_common_name(c) : r;
}

void gw_credential_loader_init(struct gw_credential_loader *loader, struct gw_files *files,
                               OSSL_LIB_CTX *library)
{
    *loader = (struct gw_credential_loader){.files = files, .library = library};
    gw_pemkey_init(&loader->keys, library);
}

void gw_credential_loader_done(struct gw_credential_loader *loader)
{
    gw_pemkey_done(&loader->keys);
    gw_pemfile_shared_done(&loader->shared);
}

int gw_credential_load(struct gw_credential *ret, struct gw_credential_loader *loader,
                       const struct gw_credential_files *files, struct gw_error *err)
{
    *ret = (struct gw_credential){.flag = files->cert_flag, .file = strdup(files->cert_file)};
    if (!ret->file)
        return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    int r = load_cert(ret, loader, err);
    if (r == 0)
        r = load_key(ret, loader, files, err);
    if (r < 0)
        return r;
    bool fits = X509_check_private_key(ret->leaf, ret->key);
    ERR_clear_error();
    if (!fits)
        return gw_error_set(err, GW_EXIT_USAGE,
                            "%s %s: this key does not belong to the certificate of %s %s",
                            files->key_flag, files->key_file, ret->flag, ret->file);
    if (collect_names(ret) < 0)
        return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    if (!files->ocsp_file)
        return 0;
    const struct gw_ocsp_subject subject = {ret->leaf, ret->chain};
    return gw_ocsp_load(&ret->ocsp, loader->files, files->ocsp_flag, files->ocsp_file, &subject,
                        err);
}

void gw_credential_done(struct gw_credential *c)
{
    free(c->file);
    X509_free(c->leaf);
    sk_X509_pop_free(c->chain, X509_free);
    EVP_PKEY_free(c->key);
    for (unsigned i = 0; i < c->name_count; i++)
        free(c->names[i]);
    free(c->names);
    gw_ocsp_done(&c->ocsp);
    *c = (struct gw_credential){0};
}

static bool has_name(const struct gw_credential *c, const char *name)
{
    for (unsigned i = 0; i < c->name_count; i++)
        if (strcmp(c->names[i], name) == 0)
            return true;
    return false;
}

bool gw_credential_covers(const struct gw_credential *credential, const struct gw_credential *other)
{
    if (other->name_count == 0)
        return credential->name_count == 0;
    for (unsigned i = 0; i < other->name_count; i++) {
        const char *name = other->names[i];
        const char *dot = strchr(name, '.');
        char wild[256];
        (void)snprintf(wild, sizeof(wild), "*%s", dot ? dot : "");
        if (!has_name(credential, name) && !(dot && has_name(credential, wild)))
            return false;
    }
    return true;
}
