/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/pemfile.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/stat.h>

enum {
    DER_SEQUENCE = 0x30 /* the first byte of a certificate, and of PKCS #12 */
};

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

void gw_pemfile_note_readers(const struct gw_pemfile *file, struct gw_files *files)
{
    if (file->file.mode & (S_IRWXG | S_IRWXO))
        gw_notes_add(gw_files_notes(files),
                     "%s %s: users other than its owner have access to the file (mode %04o); run "
                     "chmod 600 on it",
                     file->flag, file->path, (unsigned)file->file.mode);
}

void gw_pemfile_shared_done(struct gw_pemfile_shared *shared)
{
    for (unsigned i = 0; i < shared->count; i++) {
        OPENSSL_free(shared->certs[i].der);
        X509_free(shared->certs[i].cert);
    }
    shared->count = 0;
}

/* A block of a PEM file. */
struct block {
    char *name, *header;
    unsigned char *der;
    long len;
};

static void free_block(struct block *b)
{
    OPENSSL_free(b->name);
    OPENSSL_free(b->header);
    OPENSSL_free(b->der);
    *b = (struct block){NULL};
}

static bool holds_cert(const struct block *b)
{
    return strcmp(b->name, PEM_STRING_X509) == 0 || strcmp(b->name, PEM_STRING_X509_OLD) == 0 ||
           strcmp(b->name, PEM_STRING_X509_TRUSTED) == 0;
}

/* NULL: the block is damaged or memory ran out. */
static X509 *parse_cert(const struct block *b, OSSL_LIB_CTX *library)
{
    const unsigned char *at = b->der;
    X509 *cert = X509_new_ex(library, NULL);
    bool trusted = strcmp(b->name, PEM_STRING_X509_TRUSTED) == 0;
    if (!cert || !(trusted ? d2i_X509_AUX(&cert, &at, b->len) : d2i_X509(&cert, &at, b->len))) {
        X509_free(cert); /* NULL when the block is not a certificate */
        return NULL;
    }
    return cert;
}

/* Returns the same certificate if it was parsed before; otherwise keeps this one for later
 * files. */
static X509 *share_cert(struct block *b, OSSL_LIB_CTX *library, struct gw_pemfile_shared *shared)
{
    for (unsigned i = 0; i < shared->count; i++)
        if (shared->certs[i].len == b->len &&
            memcmp(shared->certs[i].der, b->der, (size_t)b->len) == 0)
            return X509_up_ref(shared->certs[i].cert) ? shared->certs[i].cert : NULL;
    X509 *cert = parse_cert(b, library);
    if (cert && shared->count < GW_PEMFILE_SHARED && X509_up_ref(cert)) {
        shared->certs[shared->count].cert = cert;
        shared->certs[shared->count].der = b->der;
        shared->certs[shared->count++].len = b->len;
        b->der = NULL;
    }
    return cert;
}

static int add_cert(struct block *b, OSSL_LIB_CTX *library, struct gw_pemfile_shared *shared,
                    STACK_OF(X509) * certs)
{
    X509 *cert =
        shared && sk_X509_num(certs) > 0 ? share_cert(b, library, shared) : parse_cert(b, library);
    if (cert && sk_X509_push(certs, cert))
        return 1;
    X509_free(cert);
    return -1;
}

/* 1: a block was taken; 0: no more; -1: a block is damaged, or memory ran out. */
static int next_block(BIO *bio, OSSL_LIB_CTX *library, struct gw_pemfile_shared *shared,
                      STACK_OF(X509) * certs)
{
    struct block b = {NULL};
    if (!PEM_read_bio(bio, &b.name, &b.header, &b.der, &b.len)) {
        unsigned long e = ERR_peek_last_error();
        return ERR_GET_LIB(e) == ERR_LIB_PEM && ERR_GET_REASON(e) == PEM_R_NO_START_LINE ? 0 : -1;
    }
    int r = holds_cert(&b) ? add_cert(&b, library, shared, certs) : 1;
    if (!holds_cert(&b))
        OPENSSL_cleanse(b.der, (size_t)b.len);
    free_block(&b);
    return r;
}

bool gw_pemfile_is_der(const struct gw_pemfile *file)
{
    return file->file.len > 0 && file->file.data[0] == DER_SEQUENCE;
}

int gw_pemfile_der(const struct gw_pemfile *file, OSSL_LIB_CTX *library, STACK_OF(X509) * *ret)
{
    const unsigned char *at = file->file.data;
    X509 *cert = X509_new_ex(library, NULL);
    STACK_OF(X509) *certs = sk_X509_new_null();
    /* When d2i_X509 fails it frees the object and sets it to NULL. */
    bool ok = cert && certs && d2i_X509(&cert, &at, (long)file->file.len) &&
              at == file->file.data + file->file.len && sk_X509_push(certs, cert);
    ERR_clear_error();
    if (ok) {
        *ret = certs;
        return 0;
    }
    X509_free(cert);
    sk_X509_free(certs);
    return -EINVAL;
}

int gw_pemfile_certs(const struct gw_pemfile *file, OSSL_LIB_CTX *library, STACK_OF(X509) * *ret,
                     struct gw_error *err)
{
    return gw_pemfile_chain(file, library, NULL, ret, err);
}

int gw_pemfile_chain(const struct gw_pemfile *file, OSSL_LIB_CTX *library,
                     struct gw_pemfile_shared *shared, STACK_OF(X509) * *ret, struct gw_error *err)
{
    BIO *bio = BIO_new_mem_buf(file->file.data, (int)file->file.len);
    STACK_OF(X509) *certs = sk_X509_new_null();
    int more = -1;
    if (bio && certs)
        while ((more = next_block(bio, library, shared, certs)) > 0)
            ;
    BIO_free(bio);
    ERR_clear_error();
    if (more == 0 && sk_X509_num(certs) > 0) {
        *ret = certs;
        return 0;
    }
    sk_X509_pop_free(certs, X509_free);
    if (more == 0)
        return gw_error_set(err, GW_EXIT_USAGE,
                            "%s %s: no PEM certificate in the file (it must have a line "
                            "-----BEGIN …-----)",
                            file->flag, file->path);
    return gw_error_set(err, GW_EXIT_USAGE, "%s %s: a certificate in the file is damaged",
                        file->flag, file->path);
}
