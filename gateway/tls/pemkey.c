/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/pemkey.h"

#include "gateway/base/attr.h"
#include "gateway/base/wipe.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <stdio.h>
#include <string.h>

#define PHRASE_FLAG "--key-pass-file"

/* The decoders by input. PKCS #8 names its algorithm; the others are for one each. */
static const struct {
    int type; /* EVP_PKEY_…, also the index of the algorithm's name */
    const char *name;
    const char *label; /* the label of the PEM block */
    const char *structure;
} kinds[GW_PEMKEY_DECODERS] = {
    {EVP_PKEY_EC, "EC", PEM_STRING_PKCS8INF, "PrivateKeyInfo"},
    {EVP_PKEY_RSA, "RSA", PEM_STRING_PKCS8INF, "PrivateKeyInfo"},
    {EVP_PKEY_RSA_PSS, "RSA-PSS", PEM_STRING_PKCS8INF, "PrivateKeyInfo"},
    {EVP_PKEY_ED25519, "ED25519", PEM_STRING_PKCS8INF, "PrivateKeyInfo"},
    {EVP_PKEY_ED448, "ED448", PEM_STRING_PKCS8INF, "PrivateKeyInfo"},
    {EVP_PKEY_EC, "EC", PEM_STRING_ECPRIVATEKEY, "type-specific"},
    {EVP_PKEY_RSA, "RSA", PEM_STRING_RSA, "type-specific"},
};

/* A block of a PEM file that holds a private key. */
struct block {
    char *label, *header;
    unsigned char *der;
    long len;
};

/* The result of the search for a key. */
enum found {
    FOUND,
    NOTHING,   /* no private key block */
    DAMAGED,   /* damaged, or out of memory */
    ENCRYPTED, /* encrypted, and there is no pass phrase */
    BLANK,     /* encrypted, and the pass phrase is empty, which only PKCS #12 allows */
    LOCKED,    /* encrypted, and the pass phrase is wrong */
    LEGACY,    /* encrypted by an algorithm that libcrypto lacks */
    UNUSABLE,  /* a kind of key that TLS does not use */
};

void gw_pemkey_init(struct gw_pemkey_reader *reader, OSSL_LIB_CTX *library)
{
    *reader = (struct gw_pemkey_reader){.library = library};
}

void gw_pemkey_done(struct gw_pemkey_reader *reader)
{
    for (size_t i = 0; i < GW_PEMKEY_DECODERS; i++)
        OSSL_DECODER_CTX_free(reader->decoders[i]);
    EVP_PKEY_free(reader->key);
    gw_wipe_object(reader);
}

int gw_pemkey_read_phrase(struct gw_pemkey_reader *reader, struct gw_files *files, const char *path,
                          struct gw_error *err)
{
    struct gw_pemfile file;
    int r = gw_pemfile_read(&file, files, PHRASE_FLAG, path, err);
    if (r < 0)
        return r;
    gw_pemfile_note_readers(&file, files);
    const char *line = (const char *)file.file.data;
    size_t len = strcspn(line, "\r\n");
    if (len == 0 || len > GW_PEMKEY_PHRASE_MAX)
        return gw_error_set(err, GW_EXIT_USAGE,
                            PHRASE_FLAG " %s: the first line must be a pass phrase of at most %d "
                                        "bytes",
                            path, GW_PEMKEY_PHRASE_MAX);
    memcpy(reader->phrase, line, len);
    reader->phrase[len] = '\0';
    reader->phrase_file = path;
    return 0;
}

static void free_block(struct block *b)
{
    OPENSSL_free(b->label);
    OPENSSL_free(b->header);
    OPENSSL_clear_free(b->der, (size_t)b->len);
    *b = (struct block){NULL};
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text);
    return len >= strlen(end) && strcmp(text + len - strlen(end), end) == 0;
}

/* Takes the next block whose label ends in PRIVATE KEY. */
static enum found next_key_block(BIO *bio, struct block *ret)
{
    while (PEM_read_bio(bio, &ret->label, &ret->header, &ret->der, &ret->len)) {
        if (ends_with(ret->label, "PRIVATE KEY"))
            return FOUND;
        free_block(ret);
    }
    unsigned long e = ERR_peek_last_error();
    return ERR_GET_LIB(e) == ERR_LIB_PEM && ERR_GET_REASON(e) == PEM_R_NO_START_LINE ? NOTHING
                                                                                     : DAMAGED;
}

static int algorithm_of(const struct block *b)
{
    const unsigned char *at = b->der;
    const ASN1_OBJECT *algorithm = NULL;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, b->len);
    int type = info && PKCS8_pkey_get0(&algorithm, NULL, NULL, NULL, info) ? OBJ_obj2nid(algorithm)
                                                                           : NID_undef;
    PKCS8_PRIV_KEY_INFO_free(info);
    return type;
}

/* The row of a block. Without one, *ret has the reason. */
static enum found find_kind(const struct block *b, size_t *ret)
{
    bool named = strcmp(b->label, PEM_STRING_PKCS8INF) == 0;
    int type = named ? algorithm_of(b) : NID_undef;
    if (named && type == NID_undef)
        return DAMAGED;
    for (size_t i = 0; i < GW_PEMKEY_DECODERS; i++) {
        if (strcmp(b->label, kinds[i].label) != 0 || (named && kinds[i].type != type))
            continue;
        *ret = i;
        return FOUND;
    }
    return UNUSABLE;
}

static OSSL_DECODER_CTX *decoder(struct gw_pemkey_reader *r, size_t kind)
{
    if (!r->decoders[kind])
        r->decoders[kind] =
            OSSL_DECODER_CTX_new_for_pkey(&r->key, "DER", kinds[kind].structure, kinds[kind].name,
                                          EVP_PKEY_KEYPAIR, r->library, NULL);
    return r->decoders[kind];
}

static enum found decode(struct gw_pemkey_reader *r, const struct block *b, int *ret_type)
{
    const unsigned char *at = b->der;
    size_t left = (size_t)b->len;
    size_t kind = 0;
    enum found found = find_kind(b, &kind);
    if (found != FOUND)
        return found;
    OSSL_DECODER_CTX *d = decoder(r, kind);
    EVP_PKEY_free(r->key);
    r->key = NULL;
    *ret_type = kinds[kind].type;
    return d && OSSL_DECODER_from_data(d, &at, &left) && r->key ? FOUND : DAMAGED;
}

/* ---- decrypting ---- */

static bool is_pkcs8(const struct block *b)
{
    return strcmp(b->label, PEM_STRING_PKCS8) == 0;
}

/* PKCS #8: replaces the block by one of the decrypted key. */
static bool open_pkcs8(const struct gw_pemkey_reader *r, struct block *b)
{
    const unsigned char *at = b->der;
    unsigned char *der = NULL;
    X509_SIG *sealed = d2i_X509_SIG(NULL, &at, b->len);
    PKCS8_PRIV_KEY_INFO *info =
        sealed ? PKCS8_decrypt_ex(sealed, r->phrase, (int)strlen(r->phrase), r->library, NULL)
               : NULL;
    int len = info ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : -1;
    char *label = len > 0 ? OPENSSL_strdup(PEM_STRING_PKCS8INF) : NULL;
    X509_SIG_free(sealed);
    PKCS8_PRIV_KEY_INFO_free(info);
    if (!label) {
        OPENSSL_clear_free(der, len > 0 ? (size_t)len : 0);
        return false;
    }
    free_block(b);
    *b = (struct block){.label = label, .der = der, .len = len};
    return true;
}

static int give_phrase(char *buf, int size, int writing, void *arg)
{
    const struct gw_pemkey_reader *r = arg;
    int len = (int)strlen(r->phrase);
    (void)writing;
    if (len > size)
        return -1;
    memcpy(buf, r->phrase, (size_t)len);
    return len;
}

/* The older forms describe their encryption in the header of the PEM block. */
static bool open_headed(struct gw_pemkey_reader *r, struct block *b)
{
    EVP_CIPHER_INFO info;
    return PEM_get_EVP_CIPHER_INFO(b->header, &info) &&
           PEM_do_header(&info, b->der, &b->len, give_phrase, r);
}

/* "Non-default library context, Algorithm (RC2-CBC : 0), Properties ()" */
bool gw_pemkey_unsupported(char ret[static GW_PEMKEY_ALGORITHM])
{
    static const char before[] = "Algorithm (";
    const char *data = NULL;
    bool found = false;
    int flags = 0;
    for (unsigned long e; (e = ERR_get_error_all(NULL, NULL, NULL, &data, &flags));) {
        const char *name = flags & ERR_TXT_STRING ? strstr(data, before) : NULL;
        if (found || ERR_GET_REASON(e) != ERR_R_UNSUPPORTED || !name)
            continue;
        name += strlen(before);
        found = true;
        (void)snprintf(ret, GW_PEMKEY_ALGORITHM, "%.*s", (int)strcspn(name, " )"), name);
    }
    return found;
}

static enum found open_and_decode(struct gw_pemkey_reader *r, struct block *b, int *ret_type)
{
    if (!r->phrase_file)
        return ENCRYPTED;
    if (!*r->phrase)
        return BLANK;
    if (!(is_pkcs8(b) ? open_pkcs8(r, b) : open_headed(r, b)))
        return gw_pemkey_unsupported(r->algorithm) ? LEGACY : LOCKED;
    enum found found = decode(r, b, ret_type);
    return found == DAMAGED ? LOCKED : found; /* a wrong pass phrase may produce any bytes */
}

static enum found read_key(struct gw_pemkey_reader *r, const struct gw_pemfile *file, int *ret_type)
{
    struct block b = {NULL};
    BIO *bio = BIO_new_mem_buf(file->file.data, (int)file->file.len);
    enum found found = bio ? next_key_block(bio, &b) : DAMAGED;
    if (found == FOUND)
        found =
            is_pkcs8(&b) || *b.header ? open_and_decode(r, &b, ret_type) : decode(r, &b, ret_type);
    free_block(&b);
    BIO_free(bio);
    ERR_clear_error();
    return found;
}

int gw_pemkey_read(struct gw_pemkey_reader *reader, const struct gw_pemfile *file, EVP_PKEY **ret,
                   int *ret_type, struct gw_error *err)
{
    static const char *const sentences[] = {
        [NOTHING] = "no PEM private key in the file (it must have a line -----BEGIN …-----)",
        [DAMAGED] = "the private key in the file is damaged",
        [ENCRYPTED] = "the key is encrypted; give its pass phrase in a file with " PHRASE_FLAG,
        [LOCKED] = "the key cannot be decrypted with the pass phrase of " PHRASE_FLAG,
        [UNUSABLE] = "this type of key is not supported; use RSA, ECDSA or EdDSA",
    };
    enum found found = read_key(reader, file, ret_type);
    if (found == NOTHING && strcmp(file->flag, "--cert") == 0)
        return gw_error_set(err, GW_EXIT_USAGE, "--cert %s: holds no private key; add --key",
                            file->path);
    if (found == BLANK)
        return gw_error_set(err, GW_EXIT_USAGE,
                            PHRASE_FLAG
                            " %s: the first line is empty; it must be the pass phrase of %s %s",
                            reader->phrase_file, file->flag, file->path);
    if (found == LEGACY)
        return gw_error_set(err, GW_EXIT_USAGE,
                            "%s %s: the key is encrypted with %s, " GW_PEMKEY_LEGACY
                            "encrypt it again, for example with openssl pkcs8 -topk8 -v2 "
                            "aes-256-cbc -provider default -provider legacy -in … -out …",
                            file->flag, file->path, reader->algorithm);
    if (found != FOUND)
        return gw_error_set(err, GW_EXIT_USAGE, "%s %s: %s", file->flag, file->path,
                            sentences[found]);
    *ret = reader->key;
    reader->key = NULL;
    return 0;
}
