/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/pki/key.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <string.h>

enum {
    SCRYPT_N = 16384, /* 16 MiB, a twentieth of a second: like `openssl pkcs8 -scrypt` */
    SCRYPT_R = 8,
    SCRYPT_P = 1,
    RSA_BITS = 3072,
};

static const char *const words[GW_PKI_KEY_COUNT] = {
    [GW_PKI_KEY_ECDSA_P256] = "ecdsa-p256",
    [GW_PKI_KEY_ECDSA_P384] = "ecdsa-p384",
    [GW_PKI_KEY_RSA_3072] = "rsa-3072",
    [GW_PKI_KEY_ED25519] = "ed25519",
};

const char *gw_pki_key_word(enum gw_pki_key_type type)
{
    return type < GW_PKI_KEY_COUNT ? words[type] : NULL;
}

int gw_pki_key_error(const char *what, struct gw_error *err)
{
    const char *why = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return gw_error_set(err, GW_EXIT_OTHER, "cannot %s: %s", what, why ? why : "out of memory");
}

static EVP_PKEY *generate(enum gw_pki_key_type type, OSSL_LIB_CTX *library)
{
    switch (type) {
    case GW_PKI_KEY_ECDSA_P256:
        return EVP_PKEY_Q_keygen(library, NULL, "EC", "P-256");
    case GW_PKI_KEY_ECDSA_P384:
        return EVP_PKEY_Q_keygen(library, NULL, "EC", "P-384");
    case GW_PKI_KEY_RSA_3072:
        return EVP_PKEY_Q_keygen(library, NULL, "RSA", (size_t)RSA_BITS);
    case GW_PKI_KEY_ED25519:
        return EVP_PKEY_Q_keygen(library, NULL, "ED25519");
    case GW_PKI_KEY_COUNT:
        break;
    }
    return NULL;
}

int gw_pki_key_make(EVP_PKEY **ret, enum gw_pki_key_type type, OSSL_LIB_CTX *library,
                    struct gw_error *err)
{
    EVP_PKEY *key = generate(type, library);
    if (!key)
        return gw_pki_key_error("make a key", err);
    *ret = key;
    return 0;
}

/* ---- PEM ---- */

static bool write_plain(BIO *bio, EVP_PKEY *key)
{
    return PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;
}

static bool write_encrypted(BIO *bio, EVP_PKEY *key, const char *pass, OSSL_LIB_CTX *library)
{
    PKCS8_PRIV_KEY_INFO *plain = EVP_PKEY2PKCS8(key);
    X509_ALGOR *how =
        PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), NULL, 0, NULL, SCRYPT_N, SCRYPT_R, SCRYPT_P);
    X509_SIG *sealed = NULL;
    if (plain && how) /* on success it takes ownership of `how` */
        sealed = PKCS8_set0_pbe_ex(pass, (int)strlen(pass), plain, how, library, NULL);
    bool ok = sealed && PEM_write_bio_PKCS8(bio, sealed) == 1;
    if (!sealed)
        X509_ALGOR_free(how);
    X509_SIG_free(sealed);
    PKCS8_PRIV_KEY_INFO_free(plain);
    return ok;
}

int gw_pki_key_write(struct gw_pki_text *ret, EVP_PKEY *key, const char *pass,
                     OSSL_LIB_CTX *library, struct gw_error *err)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    bool ok = bio && (pass ? write_encrypted(bio, key, pass, library) : write_plain(bio, key)) &&
              !gw_pki_text_append(ret, bio);
    BIO_free(bio);
    return ok ? 0 : gw_pki_key_error("write a key", err);
}

struct asked {
    const char *pass; /* NULL: no pass phrase */
    bool at_all;
};

static int give_pass(char *buf, int size, int writing, void *arg)
{
    struct asked *asked = arg;
    size_t len = asked->pass ? strlen(asked->pass) : 0;
    (void)writing;
    asked->at_all = true;
    if (!asked->pass || len > (size_t)size)
        return -1;
    memcpy(buf, asked->pass, len);
    return (int)len;
}

int gw_pki_key_read(EVP_PKEY **ret, const struct gw_pki_text *text, const char *pass,
                    const char *file, OSSL_LIB_CTX *library, struct gw_error *err)
{
    struct asked asked = {.pass = pass};
    BIO *bio = BIO_new_mem_buf(text->data, (int)text->len);
    EVP_PKEY *key =
        bio ? PEM_read_bio_PrivateKey_ex(bio, NULL, give_pass, &asked, library, NULL) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    if (key) {
        *ret = key;
        return 0;
    }
    if (asked.at_all && !pass)
        return gw_error_set(err, GW_EXIT_USAGE,
                            "%s: the key is encrypted; name the file with its pass phrase "
                            "(--key-pass-file)",
                            file);
    if (asked.at_all)
        return gw_error_set(err, GW_EXIT_USAGE,
                            "%s: the pass phrase of --key-pass-file is wrong for this key", file);
    return gw_error_set(err, GW_EXIT_START,
                        "%s: the private key is damaged; restore it from a "
                        "backup",
                        file);
}
