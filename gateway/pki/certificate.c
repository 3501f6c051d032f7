/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/pki/certificate.h"

#include "gateway/tls/anchors.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Extensions of each kind (RFC 5280 4.2). basicConstraints of a CA gets its path length. */
static const struct {
    const char *constraints;
    const char *usage;
    const char *extended;
    int purpose;
} profiles[GW_PKI_KIND_COUNT] = {
    [GW_PKI_ROOT] = {NULL, "critical,keyCertSign,cRLSign", NULL, X509_PURPOSE_ANY},
    [GW_PKI_INTERMEDIATE] = {NULL, "critical,keyCertSign,cRLSign", NULL, X509_PURPOSE_ANY},
    [GW_PKI_SERVER] = {"critical,CA:FALSE", "critical,digitalSignature", "serverAuth",
                       X509_PURPOSE_SSL_SERVER},
    [GW_PKI_CLIENT] = {"critical,CA:FALSE", "critical,digitalSignature", "clientAuth",
                       X509_PURPOSE_SSL_CLIENT},
};

void gw_pki_signer_done(struct gw_pki_signer *signer)
{
    X509_free(signer->cert);
    EVP_PKEY_free(signer->key);
    *signer = (struct gw_pki_signer){.cert = NULL};
}

/* ---- extensions ---- */

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    if (!value)
        return true;
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool ok = ext && X509_add_ext(cert, ext, -1);
    X509_EXTENSION_free(ext);
    return ok;
}

static bool add_constraints(X509 *cert, const struct gw_pki_draft *d)
{
    if (profiles[d->kind].constraints)
        return add_extension(cert, NULL, NID_basic_constraints, profiles[d->kind].constraints);
    BASIC_CONSTRAINTS *c = BASIC_CONSTRAINTS_new();
    bool ok = c != NULL;
    if (ok) {
        c->ca = 0xff;
        c->pathlen = ASN1_INTEGER_new();
        ok = c->pathlen && ASN1_INTEGER_set_uint64(c->pathlen, d->path_len) &&
             X509_add1_ext_i2d(cert, NID_basic_constraints, c, 1, 0) == 1;
    }
    BASIC_CONSTRAINTS_free(c);
    return ok;
}

/* The name in the form of a certificate. Text from people is never parsed as OpenSSL's
 * configuration language, in which a comma would begin another name. NULL without memory. */
static GENERAL_NAME *name_of(int type, const void *data, int len)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *text =
        ASN1_STRING_type_new(type == GEN_IPADD ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
    if (name && text && ASN1_STRING_set(text, data, len)) {
        GENERAL_NAME_set0_value(name, type, text);
        return name;
    }
    GENERAL_NAME_free(name);
    ASN1_STRING_free(text);
    return NULL;
}

static GENERAL_NAME *address_name(const char *text)
{
    unsigned char bytes[16];
    if (inet_pton(AF_INET, text, bytes) == 1)
        return name_of(GEN_IPADD, bytes, 4);
    return inet_pton(AF_INET6, text, bytes) == 1 ? name_of(GEN_IPADD, bytes, 16) : NULL;
}

static GENERAL_NAME *san_name(const struct gw_pki_san *san)
{
    static const int types[GW_PKI_SAN_KIND_COUNT] = {
        [GW_PKI_SAN_DNS] = GEN_DNS,
        [GW_PKI_SAN_URI] = GEN_URI,
        [GW_PKI_SAN_EMAIL] = GEN_EMAIL,
    };
    if (san->kind == GW_PKI_SAN_IP)
        return address_name(san->text);
    return name_of(types[san->kind], san->text, (int)strlen(san->text));
}

static bool add_sans(X509 *cert, const struct gw_pki_request *r)
{
    if (!r || !r->san_count)
        return true;
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    bool ok = names != NULL;
    for (unsigned i = 0; ok && i < r->san_count; i++) {
        GENERAL_NAME *name = san_name(&r->sans[i]);
        ok = name && sk_GENERAL_NAME_push(names, name);
        if (!ok)
            GENERAL_NAME_free(name);
    }
    ok = ok && X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0) == 1;
    GENERAL_NAMES_free(names);
    return ok;
}

/* ---- name constraints ---- */

static bool add_subtree(STACK_OF(GENERAL_SUBTREE) * *trees, GENERAL_NAME *name)
{
    GENERAL_SUBTREE *tree = GENERAL_SUBTREE_new();
    if (!*trees)
        *trees = sk_GENERAL_SUBTREE_new_null();
    if (!name || !tree || !*trees || !sk_GENERAL_SUBTREE_push(*trees, tree)) {
        GENERAL_SUBTREE_free(tree);
        GENERAL_NAME_free(name);
        return false;
    }
    GENERAL_NAME_free(tree->base);
    tree->base = name;
    return true;
}

/* ADDRESS/BITS as address and mask. NULL when it is malformed. */
static GENERAL_NAME *network_name(const char *text)
{
    char address[64];
    unsigned char bytes[32] = {0};
    const char *slash = strchr(text, '/');
    char *end;
    if (!slash || slash - text >= (int)sizeof(address) || slash[1] < '0' || slash[1] > '9')
        return NULL;
    memcpy(address, text, (size_t)(slash - text));
    address[slash - text] = '\0';
    unsigned long bits = strtoul(slash + 1, &end, 10);
    int len = inet_pton(AF_INET, address, bytes) == 1    ? 4
              : inet_pton(AF_INET6, address, bytes) == 1 ? 16
                                                         : 0;
    if (!len || *end || bits > (unsigned)len * 8)
        return NULL;
    for (unsigned long i = 0; i < bits; i++)
        bytes[(unsigned long)len + i / 8] |= (unsigned char)(0x80 >> i % 8);
    for (int i = 0; i < len; i++)
        bytes[i] &= bytes[len + i];
    return name_of(GEN_IPADD, bytes, 2 * len);
}

static int refuse_permit(const char *flag, const char *text, const char *why, struct gw_error *err)
{
    return gw_error_set(err, GW_EXIT_USAGE, "--permit-%s '%.80s': %s", flag, text, why);
}

static const char *wrong_domain(const char *text)
{
    const char *why = gw_pki_san_wrong(GW_PKI_SAN_DNS, text);
    return !why && *text == '*' ? "it includes all names that end in it; leave the star out" : why;
}

/* HOST or .DOMAIN. */
static const char *wrong_host(const char *text)
{
    const char *why = gw_pki_san_wrong(GW_PKI_SAN_DNS, text + (*text == '.'));
    if (strchr(text, '/') || strchr(text, ':'))
        return "give the host alone, such as example.com, or .example.com for all below it";
    return !why && strchr(text, '*') ? "write .example.com for all hosts below example.com" : why;
}

static const char *wrong_mailbox(const char *text)
{
    return strchr(text, '@') ? gw_pki_san_wrong(GW_PKI_SAN_EMAIL, text) : wrong_host(text);
}

static const char *wrong_network(const char *text)
{
    GENERAL_NAME *name = network_name(text);
    GENERAL_NAME_free(name);
    return name ? NULL : "it is not a network such as 192.0.2.0/24 or 2001:db8::/32";
}

int gw_pki_permits_check(const struct gw_pki_permits *p, struct gw_error *err)
{
    const struct {
        const char *flag;
        const char *const *texts;
        unsigned count;
        const char *(*wrong)(const char *text);
    } kinds[] = {
        {"dns", p->dns, p->dns_count, wrong_domain},
        {"ip", p->ip, p->ip_count, wrong_network},
        {"uri", p->uri, p->uri_count, wrong_host},
        {"email", p->email, p->email_count, wrong_mailbox},
    };
    for (size_t k = 0; k < GW_ARRAY_SIZE(kinds); k++) {
        for (unsigned i = 0; i < kinds[k].count; i++) {
            const char *why = kinds[k].wrong(kinds[k].texts[i]);
            if (why)
                return refuse_permit(kinds[k].flag, kinds[k].texts[i], why, err);
        }
        if (kinds[k].count && !p->dns_count)
            return gw_error_set(err, GW_EXIT_USAGE,
                                "--permit-%s alone would leave every DNS name open; give "
                                "--permit-dns as well",
                                kinds[k].flag);
    }
    return 0;
}

enum {
    DOMAIN_MAX = 253 /* bytes; gw_pki_permits_check enforces it */
};

static bool permit(NAME_CONSTRAINTS *c, int type, const char *text)
{
    return add_subtree(&c->permittedSubtrees, name_of(type, text, (int)strlen(text)));
}

/* A DNS domain includes all names that end in it. For hosts of URIs and mail addresses two
 * constraints are needed: the domain itself, and with a leading dot everything below. */
static bool permit_domain(NAME_CONSTRAINTS *c, const char *domain)
{
    char below[DOMAIN_MAX + 2];
    (void)snprintf(below, sizeof(below), ".%s", domain);
    return permit(c, GEN_DNS, domain) && permit(c, GEN_URI, domain) && permit(c, GEN_URI, below) &&
           permit(c, GEN_EMAIL, domain) && permit(c, GEN_EMAIL, below);
}

/* RFC 5280 4.2.1.10: a kind of name that is not mentioned is unrestricted. So where only domains
 * are permitted, addresses are excluded. */
static bool fill_permits(NAME_CONSTRAINTS *c, const struct gw_pki_permits *p)
{
    static const char *const all[] = {"0.0.0.0/0", "::/0"};
    bool ok = true;
    for (unsigned i = 0; ok && i < p->dns_count; i++)
        ok = permit_domain(c, p->dns[i]);
    for (unsigned i = 0; ok && i < p->uri_count; i++)
        ok = permit(c, GEN_URI, p->uri[i]);
    for (unsigned i = 0; ok && i < p->email_count; i++)
        ok = permit(c, GEN_EMAIL, p->email[i]);
    for (unsigned i = 0; ok && i < p->ip_count; i++)
        ok = add_subtree(&c->permittedSubtrees, network_name(p->ip[i]));
    for (unsigned i = 0; ok && !p->ip_count && i < GW_ARRAY_SIZE(all); i++)
        ok = add_subtree(&c->excludedSubtrees, network_name(all[i]));
    return ok;
}

static bool add_permits(X509 *cert, const struct gw_pki_permits *p)
{
    if (!p || !p->dns_count)
        return true;
    NAME_CONSTRAINTS *c = NAME_CONSTRAINTS_new();
    bool ok =
        c && fill_permits(c, p) && X509_add1_ext_i2d(cert, NID_name_constraints, c, 1, 0) == 1;
    NAME_CONSTRAINTS_free(c);
    return ok;
}

/* ---- the whole ---- */

static bool add_name(X509_NAME *name, int nid, const char *value)
{
    return !value || X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8,
                                                (const unsigned char *)value, -1, -1, 0);
}

static bool fill(X509 *cert, const struct gw_pki_draft *d, X509 *issuer)
{
    X509_NAME *name = X509_get_subject_name(cert);
    return X509_set_version(cert, X509_VERSION_3) &&
           gw_pki_serial_put(&d->serial, X509_get_serialNumber(cert)) &&
           ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)d->from) &&
           ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)d->until) &&
           X509_set_pubkey(cert, d->key) &&
           add_name(name, NID_organizationalUnitName, d->request ? d->request->ou : NULL) &&
           add_name(name, NID_commonName, d->name) &&
           X509_set_issuer_name(cert, X509_get_subject_name(issuer));
}

static bool extend(X509 *cert, const struct gw_pki_draft *d, X509 *issuer)
{
    return add_constraints(cert, d) &&
           add_extension(cert, issuer, NID_key_usage, profiles[d->kind].usage) &&
           add_extension(cert, issuer, NID_ext_key_usage, profiles[d->kind].extended) &&
           add_extension(cert, issuer, NID_subject_key_identifier, "hash") &&
           add_extension(cert, issuer, NID_authority_key_identifier, "keyid") &&
           add_sans(cert, d->request) && add_permits(cert, d->permits);
}

/* Ed25519 includes the hash. */
static bool sign(X509 *cert, EVP_PKEY *key)
{
    const EVP_MD *hash = EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256();
    return X509_sign(cert, key, hash) > 0;
}

int gw_pki_certificate_make(X509 **ret, const struct gw_pki_draft *draft, OSSL_LIB_CTX *library,
                            struct gw_error *err)
{
    char what[64 + GW_PKI_NAME_MAX];
    X509 *cert = X509_new_ex(library, NULL);
    X509 *issuer = draft->signer ? draft->signer->cert : cert;
    EVP_PKEY *key = draft->signer ? draft->signer->key : draft->key;
    if (cert && fill(cert, draft, issuer) && extend(cert, draft, issuer) && sign(cert, key)) {
        *ret = cert;
        return 0;
    }
    X509_free(cert);
    (void)snprintf(what, sizeof(what), "make a certificate for %s", draft->name);
    return gw_pki_key_error(what, err);
}

int gw_pki_certificate_again(X509 **ret, const struct gw_pki_draft *draft, X509 *old,
                             struct gw_error *err)
{
    X509 *cert = X509_dup(old);
    if (cert && gw_pki_serial_put(&draft->serial, X509_get_serialNumber(cert)) &&
        ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)draft->from) &&
        ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)draft->until) &&
        sign(cert, draft->signer->key)) {
        *ret = cert;
        return 0;
    }
    X509_free(cert);
    return gw_pki_key_error("renew a certificate", err);
}

/* Whether the CA may not issue for the name: asks with a copy of the certificate that has no
 * other alternative name. */
static bool is_outside(X509 *cert, GENERAL_NAME *name, NAME_CONSTRAINTS *limits)
{
    GENERAL_NAMES *alone = sk_GENERAL_NAME_new_null();
    X509 *copy = X509_dup(cert);
    int verdict = X509_V_OK;
    if (alone && copy && sk_GENERAL_NAME_push(alone, name) &&
        X509_add1_ext_i2d(copy, NID_subject_alt_name, alone, 0, X509V3_ADD_REPLACE) == 1) {
        (void)X509_check_purpose(copy, -1, 0); /* reads the extensions */
        verdict = NAME_CONSTRAINTS_check(copy, limits);
    }
    X509_free(copy);
    sk_GENERAL_NAME_free(alone);
    return verdict == X509_V_ERR_PERMITTED_VIOLATION || verdict == X509_V_ERR_EXCLUDED_VIOLATION;
}

/* Writes the first alternative name that the CA may not issue for; nothing if there is none. */
static void print_outside(BIO *out, X509 *cert, X509 *ca)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    NAME_CONSTRAINTS *limits = ca ? X509_get_ext_d2i(ca, NID_name_constraints, NULL, NULL) : NULL;
    bool found = false;
    for (int i = 0; limits && !found && i < sk_GENERAL_NAME_num(names); i++) {
        found = is_outside(cert, sk_GENERAL_NAME_value(names, i), limits);
        if (found)
            (void)GENERAL_NAME_print(out, sk_GENERAL_NAME_value(names, i));
    }
    NAME_CONSTRAINTS_free(limits);
    GENERAL_NAMES_free(names);
}

static int refuse_outside(X509 *cert, X509 *root, X509 *intermediate, struct gw_error *err)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *name = NULL;
    long len = 0;
    if (out) {
        print_outside(out, cert, root);
        if (BIO_get_mem_data(out, &name) == 0)
            print_outside(out, cert, intermediate);
        len = BIO_get_mem_data(out, &name);
    }
    int error = gw_error_set(
        err, GW_EXIT_OTHER,
        "the certificate would not be accepted: this CA is not permitted to issue for %.*s (the "
        "--permit flags of `ktlsgate pki init`; see `ktlsgate pki show`)",
        len > 0 ? (int)GW_MIN(len, 260) : 8, len > 0 ? name : "its name");
    BIO_free(out);
    return error;
}

static const char *explain(int verdict)
{
    if (verdict == X509_V_ERR_UNSUPPORTED_NAME_SYNTAX)
        return "a URI in it has no host, and this CA is permitted only URIs of certain hosts (the "
               "--permit flags of `ktlsgate pki init`)";
    return X509_verify_cert_error_string(verdict);
}

int gw_pki_certificate_verify(X509 *cert, enum gw_pki_kind kind, X509 *root, X509 *intermediate,
                              int64_t now, OSSL_LIB_CTX *library, struct gw_error *err)
{
    int verdict = X509_V_ERR_OUT_OF_MEM;
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new_ex(library, NULL);
    STACK_OF(X509) *between = sk_X509_new_null();
    if (store && ctx && between && X509_STORE_add_cert(store, root) &&
        (!intermediate || sk_X509_push(between, intermediate)) &&
        X509_STORE_CTX_init(ctx, store, cert, between)) {
        X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT);
        X509_STORE_CTX_set_time(ctx, 0, (time_t)now);
        (void)X509_STORE_CTX_set_purpose(ctx, profiles[kind].purpose);
        verdict = X509_verify_cert(ctx) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(ctx);
    }
    sk_X509_free(between);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    bool outside =
        verdict == X509_V_ERR_PERMITTED_VIOLATION || verdict == X509_V_ERR_EXCLUDED_VIOLATION;
    int error = outside ? refuse_outside(cert, root, intermediate, err) : 0;
    ERR_clear_error();
    if (verdict == X509_V_OK || error)
        return error;
    return gw_error_set(err, GW_EXIT_OTHER, "the certificate would not be accepted: %s",
                        explain(verdict));
}

int64_t gw_pki_certificate_time(const ASN1_TIME *time)
{
    int64_t ret;
    return gw_anchors_time(time, &ret) ? ret : -1;
}

/* ---- files ---- */

int gw_pki_certificate_write(struct gw_pki_text *text, X509 *cert, struct gw_error *err)
{
    BIO *bio = BIO_new(BIO_s_mem());
    int error = bio && PEM_write_bio_X509(bio, cert) == 1 ? gw_pki_text_append(text, bio) : -ENOMEM;
    BIO_free(bio);
    return error ? gw_pki_key_error("write a certificate", err) : 0;
}

int gw_pki_certificate_read(X509 **ret, const struct gw_pki_text *text, const char *file,
                            OSSL_LIB_CTX *library, struct gw_error *err)
{
    BIO *bio = BIO_new_mem_buf(text->data, (int)text->len);
    X509 *cert = X509_new_ex(library, NULL);
    X509 *read = bio && cert ? PEM_read_bio_X509(bio, &cert, NULL, NULL) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    if (read) {
        *ret = read;
        return 0;
    }
    X509_free(cert);
    return gw_error_set(err, GW_EXIT_START,
                        "%s: the certificate is damaged; restore it from a backup", file);
}

int gw_pki_certificate_bundle(struct gw_pki_text *ret, const char *name, EVP_PKEY *key, X509 *cert,
                              X509 *const chain[2], const char *pass, OSSL_LIB_CTX *library,
                              struct gw_error *err)
{
    BIO *bio = BIO_new(BIO_s_mem());
    STACK_OF(X509) *more = sk_X509_new_null();
    PKCS12 *bundle = NULL;
    bool ok = bio && more;
    for (int i = 0; ok && i < 2 && chain[i]; i++)
        ok = sk_X509_push(more, chain[i]) > 0;
    if (ok)
        bundle = PKCS12_create_ex(pass, name, key, cert, more, 0, 0, 0, 0, 0, library, NULL);
    ok = bundle && i2d_PKCS12_bio(bio, bundle) == 1 && !gw_pki_text_append(ret, bio);
    PKCS12_free(bundle);
    sk_X509_free(more);
    BIO_free(bio);
    return ok ? 0 : gw_pki_key_error("write a PKCS #12 file", err);
}
