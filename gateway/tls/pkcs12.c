/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/pkcs12.h"

#include "gateway/base/attr.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <string.h>

/* The fault of a file. NULL: none. */
typedef const char *verdict;

static PKCS12 *decode(const struct gw_pemkey_reader *r, const struct gw_pemfile *file)
{
    const unsigned char *at = file->file.data;
    PKCS12 *p = PKCS12_init_ex(NID_pkcs7_data, r->library, NULL);
    /* When d2i_PKCS12 fails it frees the object and sets it to NULL. */
    if (!p || !d2i_PKCS12(&p, &at, (long)file->file.len) ||
        at != file->file.data + file->file.len) {
        PKCS12_free(p);
        return NULL;
    }
    return p;
}

/* A file may have no MAC and still be encrypted; only decryption shows whether the pass phrase
 * fits. PKCS12_parse accepts a pass phrase only if the file has a MAC made with it, so the file
 * gets one. */
static bool fits(PKCS12 *p, bool sealed, const char *phrase)
{
    return sealed ? PKCS12_verify_mac(p, phrase, -1)
                  : PKCS12_set_mac(p, phrase, -1, NULL, 0, 1, EVP_sha256());
}

/* Without a pass phrase, tries both forms of that: "" and none at all. */
static verdict open_up(const struct gw_pemkey_reader *r, PKCS12 *p, struct gw_pkcs12 *ret)
{
    const char *const phrases[] = {r->phrase_file ? r->phrase : "", "", NULL};
    bool sealed = PKCS12_mac_present(p);
    for (size_t i = 0; i < GW_ARRAY_SIZE(phrases); i++) {
        if (!fits(p, sealed, phrases[i]))
            continue;
        if (PKCS12_parse(p, phrases[i], &ret->key, &ret->leaf, &ret->chain))
            return NULL;
        if (sealed)
            return "its contents are damaged";
    }
    if (!sealed)
        return r->phrase_file ? "it is damaged, or the pass phrase of --key-pass-file is wrong"
                              : "it is damaged or encrypted; if encrypted, give its pass phrase in "
                                "a file with --key-pass-file";
    return r->phrase_file ? "it cannot be opened with the pass phrase of --key-pass-file"
                          : "it is encrypted; give its pass phrase in a file with --key-pass-file";
}

static int type_of(const EVP_PKEY *key)
{
    static const int types[] = {EVP_PKEY_EC, EVP_PKEY_RSA, EVP_PKEY_RSA_PSS, EVP_PKEY_ED25519,
                                EVP_PKEY_ED448};
    for (size_t i = 0; i < GW_ARRAY_SIZE(types); i++)
        if (EVP_PKEY_is_a(key, OBJ_nid2sn(types[i])))
            return types[i];
    return EVP_PKEY_NONE;
}

static verdict take(const struct gw_pemkey_reader *r, PKCS12 *p, struct gw_pkcs12 *ret)
{
    verdict shut = open_up(r, p, ret);
    if (shut)
        return shut;
    if (!ret->key)
        return "it contains no private key";
    if (!ret->leaf)
        return "it contains no certificate for its private key";
    if (!ret->chain)
        ret->chain = sk_X509_new_null();
    ret->key_type = type_of(ret->key);
    return ret->key_type == EVP_PKEY_NONE
               ? "this type of key is not supported; use RSA, ECDSA or EdDSA"
               : NULL;
}

static void done(struct gw_pkcs12 *p)
{
    X509_free(p->leaf);
    EVP_PKEY_free(p->key);
    sk_X509_pop_free(p->chain, X509_free);
    *p = (struct gw_pkcs12){NULL};
}

/* Judges a decoded file, and fills *ret. */
typedef verdict take_fn(const struct gw_pemkey_reader *r, PKCS12 *p, struct gw_pkcs12 *ret);

static int read_with(const struct gw_pemkey_reader *reader, const struct gw_pemfile *file,
                     take_fn *take_it, verdict alien, struct gw_pkcs12 *ret, struct gw_error *err)
{
    char algorithm[GW_PEMKEY_ALGORITHM];
    *ret = (struct gw_pkcs12){NULL};
    PKCS12 *p = decode(reader, file);
    verdict v = p ? take_it(reader, p, ret) : alien;
    bool legacy = v && gw_pemkey_unsupported(algorithm);
    PKCS12_free(p);
    ERR_clear_error();
    if (v)
        done(ret);
    if (legacy)
        return gw_error_set(err, GW_EXIT_USAGE,
                            "%s %s: it is encrypted with %s, " GW_PEMKEY_LEGACY
                            "convert it, for example with openssl pkcs12 -legacy -in … -nodes -out "
                            "PEM, then openssl pkcs12 -export -in PEM -out …",
                            file->flag, file->path, algorithm);
    return v ? gw_error_set(err, GW_EXIT_USAGE, "%s %s: %s", file->flag, file->path, v) : 0;
}

int gw_pkcs12_read(const struct gw_pemkey_reader *reader, const struct gw_pemfile *file,
                   struct gw_pkcs12 *ret, struct gw_error *err)
{
    return read_with(reader, file, take, "it is neither PEM nor PKCS #12", ret, err);
}

/* All certificates into the chain. */
static verdict take_certs(const struct gw_pemkey_reader *r, PKCS12 *p, struct gw_pkcs12 *ret)
{
    verdict shut = open_up(r, p, ret);
    if (shut)
        return shut;
    if (!ret->chain)
        ret->chain = sk_X509_new_null();
    if (ret->leaf && ret->chain && sk_X509_unshift(ret->chain, ret->leaf))
        ret->leaf = NULL;
    return sk_X509_num(ret->chain) > 0 && !ret->leaf ? NULL : "it contains no certificate";
}

int gw_pkcs12_certs(const struct gw_pemkey_reader *reader, const struct gw_pemfile *file,
                    STACK_OF(X509) * *ret, struct gw_error *err)
{
    struct gw_pkcs12 p;
    int r = read_with(reader, file, take_certs,
                      "it is neither PEM, nor a certificate in DER, nor PKCS #12", &p, err);
    *ret = p.chain;
    p.chain = NULL;
    done(&p);
    return r;
}
