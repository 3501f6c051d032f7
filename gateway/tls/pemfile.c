/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/pemfile.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

int gw_pemfile_read(struct gw_pemfile *ret, struct gw_files *files, const char *flag,
                    const char *path, struct gw_error *err)
{
    *ret = (struct gw_pemfile){.flag = flag, .path = path};
    int r = gw_files_read(files, path, GW_PEMFILE_MAX, &ret->file);
    if (r < 0)
        return gw_error_set(err, GW_EXIT_START, "%s %s: the file cannot be read: %s", flag, path,
                            strerror(-r));
    return 0;
}

static int not_pem(const struct gw_pemfile *file, const char *what, struct gw_error *err)
{
    return gw_error_set(err, GW_EXIT_USAGE,
                        "%s %s: no PEM %s in the file (it must have a line -----BEGIN …-----)",
                        file->flag, file->path, what);
}

/* 1: a certificate was appended; 0: no more; -1: a block is damaged or memory ran out. */
static int next_cert(BIO *bio, OSSL_LIB_CTX *library, STACK_OF(X509) * certs)
{
    X509 *cert = X509_new_ex(library, NULL);
    if (!cert)
        return -1;
    if (!PEM_read_bio_X509(bio, &cert, NULL, NULL)) {
        X509_free(cert); /* NULL when the bytes were no certificate */
        unsigned long e = ERR_peek_last_error();
        return ERR_GET_LIB(e) == ERR_LIB_PEM && ERR_GET_REASON(e) == PEM_R_NO_START_LINE ? 0 : -1;
    }
    if (!sk_X509_push(certs, cert)) {
        X509_free(cert);
        return -1;
    }
    return 1;
}

int gw_pemfile_certs(const struct gw_pemfile *file, OSSL_LIB_CTX *library, STACK_OF(X509) * *ret,
                     struct gw_error *err)
{
    BIO *bio = BIO_new_mem_buf(file->file.data, (int)file->file.len);
    STACK_OF(X509) *certs = sk_X509_new_null();
    int more = -1;
    if (bio && certs)
        while ((more = next_cert(bio, library, certs)) > 0)
            ;
    BIO_free(bio);
    ERR_clear_error();
    if (more == 0 && sk_X509_num(certs) > 0) {
        *ret = certs;
        return 0;
    }
    sk_X509_pop_free(certs, X509_free);
    if (more == 0)
        return not_pem(file, "certificate", err);
    return gw_error_set(err, GW_EXIT_USAGE, "%s %s: a certificate in the file is damaged",
                        file->flag, file->path);
}

/* Asked only for encrypted keys; remembers that and gives no phrase. */
static int no_phrase(char *buf, int size, int writing, void *asked)
{
    (void)buf;
    (void)size;
    (void)writing;
    *(bool *)asked = true;
    return -1;
}

int gw_pemfile_key(const struct gw_pemfile *file, OSSL_LIB_CTX *library, EVP_PKEY **ret,
                   struct gw_error *err)
{
    bool asked = false;
    BIO *bio = BIO_new_mem_buf(file->file.data, (int)file->file.len);
    EVP_PKEY *key =
        bio ? PEM_read_bio_PrivateKey_ex(bio, NULL, no_phrase, &asked, library, NULL) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    if (key) {
        *ret = key;
        return 0;
    }
    if (asked)
        return gw_error_set(err, GW_EXIT_USAGE,
                            "%s %s: the key is encrypted, which is not supported; decrypt it "
                            "first (openssl pkey -in FILE -out FILE)",
                            file->flag, file->path);
    if (!memmem(file->file.data, file->file.len, "PRIVATE KEY-----", 16))
        return not_pem(file, "private key", err);
    return gw_error_set(err, GW_EXIT_USAGE, "%s %s: the private key in the file is damaged",
                        file->flag, file->path);
}
