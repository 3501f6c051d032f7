/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/credential.h"

#include "gateway/base/array.h"
#include "gateway/base/text.h"
#include "gateway/tls/anchors.h"
#include "gateway/tls/chainfile.h"
#include "gateway/tls/pkcs12.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

/* The load of one certificate with its key. */
struct load {
    struct gw_credential *c;
    struct gw_credential_loader *loader;
    const struct gw_credential_files *names;
    struct gw_files *files; /* the loader's, or the files that were in force before */
    struct gw_error *err;
    struct gw_pemkey_reader *keys;
};

static int out_of_memory(struct gw_error *err)
{
    return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
}

/* A certificate that expired while in force stays. */
static int check_dates(const struct load *l)
{
    struct gw_credential *c = l->c;
    int64_t now = gw_files_time(l->files);
    bool fresh = l->files == l->loader->files;
    char text[GW_TEXT_DATE];
    if (!gw_anchors_time(X509_get0_notBefore(c->leaf), &c->begins) ||
        !gw_anchors_time(X509_get0_notAfter(c->leaf), &c->ends))
        return gw_error_set(l->err, GW_EXIT_USAGE,
                            "%s %s: the dates of the certificate are damaged", c->flag, c->file);
    if (now < c->begins)
        return gw_error_set(l->err, GW_EXIT_USAGE,
                            "%s %s: the certificate is not valid before %s (is the clock right?)",
                            c->flag, c->file, gw_text_date(c->begins, text));
    if (now >= c->ends && fresh)
        return gw_error_set(l->err, GW_EXIT_USAGE, "%s %s: the certificate expired on %s; renew it",
                            c->flag, c->file, gw_text_date(c->ends, text));
    return 0;
}

/* Also loads the key, unless that is in a file of its own. */
static int load_pkcs12(const struct load *l, const struct gw_pemfile *file)
{
    struct gw_credential *c = l->c;
    struct gw_pkcs12 p;
    int r = gw_pkcs12_read(l->keys, file, &p, l->err);
    if (r < 0)
        return r;
    c->leaf = p.leaf;
    c->chain = p.chain;
    if (strcmp(l->names->key_file, l->names->cert_file) != 0) {
        EVP_PKEY_free(p.key);
        return 0;
    }
    c->key = p.key;
    c->key_type = p.key_type;
    gw_pemfile_note_readers(file, l->files);
    return 0;
}

static int load_cert(const struct load *l)
{
    struct gw_credential *c = l->c;
    struct gw_pemfile file = {0};
    int r = gw_pemfile_read(&file, l->files, c->flag, c->file, l->err);
    if (r == 0 && gw_pemfile_is_der(&file))
        r = load_pkcs12(l, &file);
    else if (r == 0)
        r = gw_pemfile_chain(&file, l->loader->library, &l->loader->shared, &c->chain, l->err);
    if (r < 0)
        return r;
    if (!c->leaf)
        c->leaf = sk_X509_shift(c->chain);
    return check_dates(l);
}

static int load_key(const struct load *l)
{
    struct gw_pemfile file = {0};
    if (l->c->key)
        return 0;
    int r = gw_pemfile_read(&file, l->files, l->names->key_flag, l->names->key_file, l->err);
    if (r < 0)
        return r;
    r = gw_pemkey_read(l->keys, &file, &l->c->key, &l->c->key_type, l->err);
    if (r == 0)
        gw_pemfile_note_readers(&file, l->files);
    return r;
}

static int check_key(const struct load *l, const struct gw_chainfile *chain)
{
    const struct gw_credential_files *n = l->names;
    unsigned owner = gw_chainfile_owner(chain, l->c->key);
    if (owner > 1)
        return gw_error_set(
            l->err, GW_EXIT_USAGE,
            "%s %s: this key belongs to certificate %u in %s %s; that certificate must come first",
            n->key_flag, n->key_file, owner, n->cert_flag, n->cert_file);
    return owner ? 0
                 : gw_error_set(l->err, GW_EXIT_USAGE,
                                "%s %s: this key does not belong to the certificate of %s %s",
                                n->key_flag, n->key_file, n->cert_flag, n->cert_file);
}

static int check_chain(const struct load *l)
{
    const struct gw_chainfile chain = {
        .flag = l->c->flag,
        .path = l->c->file,
        .leaf = l->c->leaf,
        .chain = l->c->chain,
        .notes = gw_files_notes(l->files),
    };
    int r = check_key(l, &chain);
    if (r < 0)
        return r;
    return gw_chainfile_arrange(&chain) < 0 ? out_of_memory(l->err) : 0;
}

/* Why libssl refuses a certificate whose files are in order. */
static const char *why_unusable(void)
{
    switch (ERR_GET_REASON(ERR_peek_last_error())) {
    case SSL_R_EE_KEY_TOO_SMALL:
        return "its key is too small; RSA keys need at least 2048 bits";
    case SSL_R_CA_KEY_TOO_SMALL:
        return "the key of a CA in its chain is too small; RSA keys need at least 2048 bits";
    case SSL_R_CA_MD_TOO_WEAK:
        return "its chain is signed with a broken hash (SHA-1 or MD5)";
    default:
        return "libssl refuses it";
    }
}

static int check_policy(const struct load *l)
{
    struct gw_credential *c = l->c;
    if (SSL_use_cert_and_key(l->loader->trial, c->leaf, c->key, c->chain, 1) == 1)
        return 0;
    const char *why = why_unusable();
    ERR_clear_error();
    return gw_error_set(l->err, GW_EXIT_USAGE, "%s %s: the certificate cannot be used: %s", c->flag,
                        c->file, why);
}

/* A certificate without the extension may be used for everything (RFC 5280 4.2.1.12). */
static void note_usage(const struct load *l)
{
    bool server = SSL_is_server(l->loader->trial);
    uint32_t usages = X509_get_extended_key_usage(l->c->leaf);
    if (!(usages & ((server ? XKU_SSL_SERVER : XKU_SSL_CLIENT) | XKU_ANYEKU)))
        gw_notes_add(gw_files_notes(l->files),
                     "%s %s: the certificate lists its usages (extendedKeyUsage), and %s "
                     "authentication is not among them; most peers refuse it",
                     l->c->flag, l->c->file, server ? "server" : "client");
}

/* Whether a name can match an SNI; an address or an embedded NUL cannot. */
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

/* Collects the DNS names of the certificate; the CN only if it has none (RFC 6125 6.4.4). */
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

int gw_credential_loader_init(struct gw_credential_loader *loader, struct gw_files *files,
                              OSSL_LIB_CTX *library, SSL_CTX *ctx)
{
    *loader = (struct gw_credential_loader){.files = files, .library = library};
    gw_pemkey_init(&loader->keys, library);
    loader->trial = SSL_new(ctx);
    return loader->trial ? 0 : -ENOMEM;
}

void gw_credential_loader_done(struct gw_credential_loader *loader)
{
    SSL_free(loader->trial);
    gw_pemkey_done(&loader->keys);
    gw_pemfile_shared_done(&loader->shared);
}

/* Frees the result of an earlier attempt first. */
static int load_pair(const struct load *l)
{
    gw_credential_done(l->c);
    *l->c =
        (struct gw_credential){.flag = l->names->cert_flag, .file = strdup(l->names->cert_file)};
    int r = l->c->file ? load_cert(l) : out_of_memory(l->err);
    if (r == 0)
        r = load_key(l);
    if (r == 0)
        r = check_chain(l);
    if (r == 0)
        r = check_policy(l);
    if (r == 0)
        note_usage(l);
    return r == 0 && collect_names(l->c) < 0 ? out_of_memory(l->err) : r;
}

/* Falls back to the previous files, with the pass phrase of then, when the new ones cannot be used.
 */
static int load_pair_before(const struct load *l)
{
    struct gw_error other = {.text = ""};
    struct gw_pemkey_reader keys;
    struct load before = *l;
    const char *phrase_file = l->keys->phrase_file;
    before.files = gw_files_before(l->files, l->names->cert_file);
    before.err = &other;
    before.keys = &keys;
    if (!before.files || l->err->exit == GW_EXIT_OTHER)
        return -EINVAL;
    gw_pemkey_init(&keys, l->loader->library);
    int r = phrase_file ? gw_pemkey_read_phrase(&keys, before.files, phrase_file, &other) : 0;
    if (r == 0)
        r = load_pair(&before);
    gw_pemkey_done(&keys);
    l->c->kept = r == 0;
    if (r == 0)
        gw_notes_add(gw_files_notes(l->files), "the previous certificate stays in force: %s",
                     l->err->text);
    else if (other.exit == GW_EXIT_OTHER)
        *l->err = other;
    return r;
}

static int load_response(const struct load *l)
{
    const struct gw_ocsp_subject subject = {l->c->leaf, l->c->chain};
    return gw_ocsp_load(&l->c->ocsp, l->files, l->names->ocsp_flag, l->names->ocsp_file, &subject,
                        l->err);
}

/* An unusable response does not keep its certificate from being served. */
static int load_some_response(const struct load *l)
{
    struct gw_error other = {.text = ""};
    struct load before = *l;
    struct gw_notes *notes = gw_files_notes(l->files);
    before.files = gw_files_before(l->files, l->names->cert_file);
    before.err = &other;
    int r = load_response(l);
    if (r == 0 || r == -EKEYREVOKED || l->err->exit == GW_EXIT_OTHER)
        return r;
    if (before.files && load_response(&before) == 0)
        gw_notes_add(notes, "the previous OCSP response stays in force: %s", l->err->text);
    else
        gw_notes_add(notes, "an OCSP response is skipped: %s", l->err->text);
    return 0;
}

int gw_credential_load(struct gw_credential *ret, struct gw_credential_loader *loader,
                       const struct gw_credential_files *files, struct gw_error *err)
{
    const struct load load = {ret, loader, files, loader->files, err, &loader->keys};
    *ret = (struct gw_credential){NULL};
    int r = load_pair(&load);
    if (r < 0)
        r = load_pair_before(&load);
    return r == 0 && files->ocsp_file ? load_some_response(&load) : r;
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
