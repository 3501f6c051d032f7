/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/ktls/softrecord.h"

#include "gateway/base/bytes.h"

#include <errno.h>
#include <openssl/evp.h>

enum {
    TYPE_APPLICATION_DATA = 23,
    AAD_MAX = 13
};

/* The parameters of one AEAD operation, which depend on version and cipher. */
struct operation {
    const struct ktls_keys *keys;
    uint8_t nonce[KTLS_IV_LEN];
    uint8_t aad[AAD_MAX];
    size_t aad_len;
};

static const EVP_CIPHER *cipher_of(const struct ktls_suite *suite)
{
    switch (suite->cipher) {
    case KTLS_AES_128_GCM:
        return EVP_aes_128_gcm();
    case KTLS_AES_256_GCM:
        return EVP_aes_256_gcm();
    default:
        return EVP_chacha20_poly1305();
    }
}

/* RFC 5288 3: implicit part, then the explicit one; RFC 8446 5.3, RFC 7905 2: IV xor sequence
 * number. */
static void make_nonce(struct operation *op, const uint8_t *explicit_nonce)
{
    memcpy(op->nonce, op->keys->iv, KTLS_IV_LEN);
    if (op->keys->suite->explicit_nonce_len) {
        memcpy(op->nonce + 4, explicit_nonce, 8);
        return;
    }
    for (int i = 0; i < 8; i++)
        op->nonce[4 + i] ^= (uint8_t)(op->keys->seq >> (8 * (7 - i)));
}

/* RFC 8446 5.2: the record's header; RFC 5246 6.2.3.3: sequence, type, version, plain length. */
static void make_aad(struct operation *op, const uint8_t *header, size_t plain_len)
{
    struct gw_writer w = gw_writer_of(op->aad, sizeof(op->aad));
    if (op->keys->suite->version == KTLS_TLS_1_3) {
        gw_write_bytes(&w, header, KTLS_SOFT_HEADER_LEN);
    } else {
        gw_write_be(&w, op->keys->seq, 8);
        gw_write_bytes(&w, header, 3);
        gw_write_be(&w, plain_len, 2);
    }
    op->aad_len = gw_writer_len(&w);
}

/* 1: done; 0: the tag of an opened record is wrong; negative: libcrypto failed. */
static int run_aead(const struct operation *op, bool seal, const uint8_t *in, size_t len,
                    uint8_t *out, uint8_t tag[KTLS_TAG_LEN])
{
    int n = 0, r = -EIO;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (ctx &&
        EVP_CipherInit_ex(ctx, cipher_of(op->keys->suite), NULL, op->keys->key, op->nonce, seal) &&
        (seal || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, KTLS_TAG_LEN, tag) > 0) &&
        EVP_CipherUpdate(ctx, NULL, &n, op->aad, (int)op->aad_len) &&
        (!len || EVP_CipherUpdate(ctx, out, &n, in, (int)len)))
        r = EVP_CipherFinal_ex(ctx, out + (len ? n : 0), &n) > 0 ? 1 : 0;
    if (r == 1 && seal && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, KTLS_TAG_LEN, tag) <= 0)
        r = -EIO;
    EVP_CIPHER_CTX_free(ctx);
    return r;
}

int ktls_soft_seal(struct ktls_keys *keys, uint8_t type, const void *data, size_t len, size_t pad,
                   uint8_t *out)
{
    const struct ktls_suite *suite = keys->suite;
    bool tls13 = suite->version == KTLS_TLS_1_3;
    if (len > KTLS_SOFT_PLAIN_MAX || pad > KTLS_SOFT_PLAIN_MAX - len || (pad && !tls13))
        return -EINVAL;

    size_t plain_len = len + pad + (tls13 ? 1 : 0);
    struct gw_writer w = gw_writer_of(out, plain_len + KTLS_SOFT_OVERHEAD);
    gw_write_be(&w, tls13 ? TYPE_APPLICATION_DATA : type, 1);
    gw_write_be(&w, KTLS_TLS_1_2, 2);
    gw_write_be(&w, suite->explicit_nonce_len + plain_len + KTLS_TAG_LEN, 2);
    if (suite->explicit_nonce_len)
        gw_write_be(&w, keys->explicit_nonce, 8);

    struct operation op = {.keys = keys};
    make_nonce(&op, out + KTLS_SOFT_HEADER_LEN);
    make_aad(&op, out, plain_len);
    uint8_t *body = w.at;
    gw_write_bytes(&w, data, len);
    if (tls13) {
        *w.at++ = type;
        memset(w.at, 0, pad);
        w.at += pad;
    }
    if (run_aead(&op, true, body, plain_len, body, w.at) != 1)
        return -EIO;
    keys->seq++;
    keys->explicit_nonce++;
    return (int)(gw_writer_len(&w) + KTLS_TAG_LEN);
}

/* Removes the padding and the content type from the end (RFC 8446 5.4). -EBADMSG: nothing but
 * zeroes. */
static int strip_padding(const uint8_t *plain, int len, uint8_t *ret_type)
{
    while (len && !plain[len - 1])
        len--;
    if (!len)
        return -EBADMSG;
    *ret_type = plain[len - 1];
    return len - 1;
}

int ktls_soft_open(struct ktls_keys *keys, const uint8_t *record, size_t len, uint8_t *ret_type,
                   uint8_t *out)
{
    const struct ktls_suite *suite = keys->suite;
    struct gw_reader r = gw_reader_of(record, len);
    uint8_t type = gw_read_u8(&r);
    uint16_t version = gw_read_u16(&r);
    uint16_t body_len = gw_read_u16(&r);
    const uint8_t *nonce = gw_read_span(&r, suite->explicit_nonce_len);
    if (r.failed || version != KTLS_TLS_1_2 || body_len != len - KTLS_SOFT_HEADER_LEN ||
        gw_reader_left(&r) < KTLS_TAG_LEN)
        return -EBADMSG;

    size_t plain_len = gw_reader_left(&r) - KTLS_TAG_LEN;
    const uint8_t *body = gw_read_span(&r, plain_len);
    uint8_t tag[KTLS_TAG_LEN];
    memcpy(tag, gw_read_span(&r, KTLS_TAG_LEN), sizeof(tag));

    struct operation op = {.keys = keys};
    make_nonce(&op, nonce);
    make_aad(&op, record, plain_len);
    int done = run_aead(&op, false, body, plain_len, out, tag);
    if (done != 1)
        return done ? done : -EBADMSG;
    keys->seq++;
    if (suite->version == KTLS_TLS_1_3)
        return strip_padding(out, (int)plain_len, ret_type);
    *ret_type = type;
    return (int)plain_len;
}
