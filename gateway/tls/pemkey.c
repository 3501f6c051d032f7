/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/pemkey.h"

#include "gateway/base/attr.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

/* The decoders, by what they read. PKCS #8 names the algorithm, the others are for one each. */
static const struct {
    int type; /* EVP_PKEY_…, also the number of the algorithm's name */
    const char *name;
    const char *label; /* of the PEM block */
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

/* What came of looking for one. */
enum found {
    FOUND,
    NOTHING, /* no such block */
    DAMAGED, /* or no memory */
    ENCRYPTED,
    UNUSABLE, /* of a kind that TLS has no use for */
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
    *reader = (struct gw_pemkey_reader){.library = NULL};
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

/* The next block whose label ends in PRIVATE KEY. */
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

/* The row of a block, NULL without: *ret says then why. */
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

static bool is_encrypted(const struct block *b)
{
    return strcmp(b->label, PEM_STRING_PKCS8) == 0 || *b->header;
}

static enum found read_key(struct gw_pemkey_reader *r, const struct gw_pemfile *file, int *ret_type)
{
    struct block b = {NULL};
    BIO *bio = BIO_new_mem_buf(file->file.data, (int)file->file.len);
    enum found found = bio ? next_key_block(bio, &b) : DAMAGED;
    if (found == FOUND)
        found = is_encrypted(&b) ? ENCRYPTED : decode(r, &b, ret_type);
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
        [ENCRYPTED] = "the key is encrypted, which is not supported; decrypt it first (openssl "
                      "pkey -in FILE -out FILE)",
        [UNUSABLE] = "this kind of key cannot be used; RSA, ECDSA and EdDSA can",
    };
    enum found found = read_key(reader, file, ret_type);
    if (found != FOUND)
        return gw_error_set(err, GW_EXIT_USAGE, "%s %s: %s", file->flag, file->path,
                            sentences[found]);
    *ret = reader->key;
    reader->key = NULL;
    return 0;
}
