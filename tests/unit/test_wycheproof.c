/* SPDX-License-Identifier: Apache-2.0 */
/* The vectors of Project Wycheproof (wycheproof.txt): inputs that implementations have got wrong,
 * in each way in which this program computes X25519, HMAC, HKDF and the ciphers of records. */
#include "gateway/base/attr.h"
#include "gateway/crypto/kdf.h"
#include "gateway/crypto/x25519_lanes.h"
#include "gateway/record/aead.h"
#include "gateway/tls/library.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>

enum {
    LANES = GW_X25519_LANES,
    KEY_LEN = GW_X25519_KEY_LEN,
    FIELDS_MAX = 5,
    OUT_MAX = 255 * GW_HASH_MAX
};

/* ---- the file ---- */

struct bytes {
    uint8_t *data;
    size_t len;
};

struct vector {
    const char *what;
    unsigned id;
    bool valid, acceptable;
    char *fields[FIELDS_MAX];
};

static const char digits[] = "0123456789abcdef";

static uint8_t nibble(char c)
{
    const char *at = c ? strchr(digits, c) : NULL;
    assert_non_null(at);
    return (uint8_t)(at - digits);
}

/* Of a field, whose place they take. */
static struct bytes bytes_of(char *field)
{
    struct bytes r = {.data = (uint8_t *)field};
    if (!strcmp(field, "-"))
        return r;
    for (; field[0]; field += 2)
        r.data[r.len++] = (uint8_t)(nibble(field[0]) << 4 | nibble(field[1]));
    return r;
}

static void parse(char *line, struct vector *v)
{
    char *rest = NULL;
    *v = (struct vector){.what = strtok_r(line, " \n", &rest)};
    const char *id = strtok_r(NULL, " \n", &rest), *result = strtok_r(NULL, " \n", &rest);
    assert_true(id && result && strchr("via", *result));
    v->id = (unsigned)strtoul(id, NULL, 10);
    v->valid = *result == 'v';
    v->acceptable = *result == 'a';
    for (size_t i = 0; i < FIELDS_MAX; i++)
        v->fields[i] = strtok_r(NULL, " \n", &rest);
}

static void fail_at(const struct vector *v, const char *by, const char *words)
{
    fail_msg("%s, vector %u, by %s: %s", v->what, v->id, by, words);
}

/* Checks all whose name begins so. */
static void each(const char *what, void (*check)(struct vector *v), unsigned count)
{
    char *line = NULL;
    size_t size = 0;
    FILE *file = fopen(WYCHEPROOF, "r");
    assert_non_null(file);
    while (getline(&line, &size, file) > 0) {
        struct vector v;
        if (strncmp(line, what, strlen(what)) != 0)
            continue;
        parse(line, &v);
        check(&v);
        count--;
    }
    assert_int_equal(count, 0);
    free(line);
    (void)fclose(file);
}

/* ---- X25519 ---- */

/* A secret that is acceptable is made, but for zero: that is refused (RFC 8446 7.4.2). */
static void check_secret(const struct vector *v, const char *by, bool made, const uint8_t *secret,
                         struct bytes want)
{
    static const uint8_t zero[KEY_LEN];
    bool refused = !memcmp(want.data, zero, KEY_LEN);
    if (made == refused || (refused && v->valid))
        fail_at(v, by, made ? "is not refused" : "is refused");
    if (made && memcmp(secret, want.data, KEY_LEN) != 0)
        fail_at(v, by, "another secret");
}

static bool derive(EVP_PKEY *own, OSSL_LIB_CTX *library, struct bytes public, uint8_t *secret)
{
    size_t len = KEY_LEN;
    EVP_PKEY *peer = EVP_PKEY_new_raw_public_key_ex(library, "X25519", NULL, public.data, KEY_LEN);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(library, own, NULL);
    assert_int_equal(EVP_PKEY_derive_init(ctx), 1);
    assert_int_equal(EVP_PKEY_derive_set_peer_ex(ctx, peer, 0), 1);
    bool made = EVP_PKEY_derive(ctx, secret, &len) == 1;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
    return made;
}

static bool decapsulate(EVP_PKEY *own, OSSL_LIB_CTX *library, struct bytes public, uint8_t *secret)
{
    size_t len = KEY_LEN;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(library, own, NULL);
    assert_int_equal(EVP_PKEY_decapsulate_init(ctx, NULL), 1);
    bool made = EVP_PKEY_decapsulate(ctx, secret, &len, public.data, KEY_LEN) == 1;
    EVP_PKEY_CTX_free(ctx);
    return made;
}

static OSSL_LIB_CTX *library;

/* Each key in a lane, together with those of the vectors before. */
static void check_public(const struct vector *v, EVP_PKEY *own, struct bytes private)
{
    static uint8_t keys[LANES][KEY_LEN];
    uint8_t public[LANES][KEY_LEN], want[KEY_LEN];
    size_t len = KEY_LEN;
    memcpy(keys[v->id % LANES], private.data, KEY_LEN);
    gw_x25519_lanes_keys(public, (const uint8_t(*)[KEY_LEN])keys);
    assert_int_equal(EVP_PKEY_get_raw_public_key(own, want, &len), 1);
    if (memcmp(public[v->id % LANES], want, KEY_LEN) != 0)
        fail_at(v, "lanes", "another public key");
}

static void check_x25519(struct vector *v)
{
    uint8_t secret[KEY_LEN];
    struct bytes private = bytes_of(v->fields[0]), public = bytes_of(v->fields[1]);
    struct bytes want = bytes_of(v->fields[2]);
    assert_true(private.len == KEY_LEN && public.len == KEY_LEN && want.len == KEY_LEN);
    EVP_PKEY *own = EVP_PKEY_new_raw_private_key_ex(library, "X25519", NULL, private.data, KEY_LEN);
    check_secret(v, "exchange", derive(own, library, public, secret), secret, want);
    if (gw_tls_library_is_ours())
        check_secret(v, "decapsulation", decapsulate(own, library, public, secret), secret, want);
    if (gw_x25519_ladder_works()) {
        bool made = gw_x25519_lanes_secret(secret, private.data, public.data);
        check_secret(v, "the ladder", made, secret, want);
    }
    if (gw_x25519_lanes_work())
        check_public(v, own, private);
    EVP_PKEY_free(own);
}

static void x25519(void **state)
{
    (void)state;
    each("x25519 ", check_x25519, 518);
}

/* ---- HMAC and HKDF ---- */

static enum gw_hash hash_of(const struct vector *v)
{
    return strstr(v->what, "sha384") ? GW_SHA384 : GW_SHA256;
}

static void in_pieces(enum gw_hash hash, struct bytes key, struct bytes message, uint8_t *out)
{
    struct gw_hmac_run run;
    size_t first = message.len / 3;
    gw_hmac_begin(&run, hash, key.data, key.len);
    gw_hmac_add(&run, message.data, first);
    gw_hmac_add(&run, message.data + first, message.len - first);
    gw_hmac_end(&run, out);
}

static void by_provider(enum gw_hash hash, struct bytes key, struct bytes message, uint8_t *out)
{
    size_t len = 0;
    assert_non_null(EVP_Q_mac(library, "HMAC", NULL, hash == GW_SHA384 ? "SHA384" : "SHA256", NULL,
                              key.data, key.len, message.data, message.len, out, GW_HASH_MAX,
                              &len));
    assert_int_equal(len, gw_hash_len(hash));
}

/* As the tickets' is, a tag may be shorter than the hash. */
static void check_tag(const struct vector *v, const char *by, const uint8_t *tag, struct bytes want)
{
    bool same = memcmp(tag, want.data, want.len) == 0;
    if (same != v->valid)
        fail_at(v, by, same ? "a wrong tag is right" : "another tag");
}

static void check_hmac(struct vector *v)
{
    uint8_t tag[GW_HASH_MAX];
    enum gw_hash hash = hash_of(v);
    struct bytes key = bytes_of(v->fields[0]), message = bytes_of(v->fields[1]);
    struct bytes want = bytes_of(v->fields[2]);
    assert_in_range(want.len, 16, gw_hash_len(hash));
    gw_hmac(hash, key.data, key.len, message.data, message.len, tag);
    check_tag(v, "one call", tag, want);
    in_pieces(hash, key, message, tag);
    check_tag(v, "pieces", tag, want);
    by_provider(hash, key, message, tag);
    check_tag(v, "the provider", tag, want);
}

static void hmac(void **state)
{
    (void)state;
    each("hmac-", check_hmac, 348);
}

static void check_hkdf(struct vector *v)
{
    static uint8_t out[OUT_MAX];
    uint8_t prk[GW_HASH_MAX];
    enum gw_hash hash = hash_of(v);
    size_t len = strtoul(v->fields[3], NULL, 10);
    struct bytes key = bytes_of(v->fields[0]), salt = bytes_of(v->fields[1]);
    struct bytes info = bytes_of(v->fields[2]), want = bytes_of(v->fields[4]);
    gw_hmac(hash, salt.data, salt.len, key.data, key.len, prk);
    int r = gw_kdf_expand(hash, prk, gw_hash_len(hash), info.data, info.len, out, len);
    if (r != (v->valid ? 0 : -EINVAL))
        fail_at(v, "HKDF", v->valid ? "is refused" : "is not refused");
    if (v->valid && (want.len != len || memcmp(out, want.data, len) != 0))
        fail_at(v, "HKDF", "another output");
}

static void hkdf(void **state)
{
    (void)state;
    each("hkdf-", check_hkdf, 169);
}

/* ---- records ---- */

static const char *const cipher_names[KTLS_CIPHER_COUNT] = {
    [KTLS_AES_128_GCM] = "aes-128-gcm",
    [KTLS_AES_256_GCM] = "aes-256-gcm",
    [KTLS_CHACHA20_POLY1305] = "chacha20-poly1305",
};

struct record {
    uint8_t key[KTLS_KEY_MAX];
    struct bytes nonce, aad, plain, sealed;
    uint8_t *data; /* no longer than the record */
};

static void check_seal(const struct vector *v, const struct gw_aead_provider *p,
                       enum ktls_cipher cipher, struct record *r)
{
    struct gw_aead *aead = p->create(cipher, r->key, true);
    assert_non_null(aead);
    memcpy(r->data, r->plain.data, r->plain.len);
    assert_int_equal(p->seal(aead, r->nonce.data, r->aad.data, r->aad.len, r->data, r->plain.len),
                     0);
    if ((memcmp(r->data, r->sealed.data, r->sealed.len) == 0) != v->valid)
        fail_at(v, p->name, v->valid ? "another ciphertext" : "a wrong ciphertext");
    p->destroy(aead);
}

static void check_open(const struct vector *v, const struct gw_aead_provider *p,
                       enum ktls_cipher cipher, struct record *r)
{
    struct gw_aead *aead = p->create(cipher, r->key, false);
    assert_non_null(aead);
    memcpy(r->data, r->sealed.data, r->sealed.len);
    int got = p->open(aead, r->nonce.data, r->aad.data, r->aad.len, r->data, r->plain.len);
    if (got != (v->valid ? 0 : -EBADMSG))
        fail_at(v, p->name, v->valid ? "is not opened" : "is opened");
    if (v->valid && memcmp(r->data, r->plain.data, r->plain.len) != 0)
        fail_at(v, p->name, "another plaintext");
    p->destroy(aead);
}

static enum ktls_cipher cipher_of(const struct vector *v)
{
    int c = 0;
    while (c < KTLS_CIPHER_COUNT && strcmp(cipher_names[c], v->what) != 0)
        c++;
    assert_in_range(c, 0, KTLS_CIPHER_COUNT - 1);
    return (enum ktls_cipher)c;
}

static void check_record(struct vector *v)
{
    enum ktls_cipher cipher = cipher_of(v);
    struct bytes key = bytes_of(v->fields[0]);
    struct record r = {
        .nonce = bytes_of(v->fields[1]),
        .aad = bytes_of(v->fields[2]),
        .plain = bytes_of(v->fields[3]),
        .sealed = bytes_of(v->fields[4]),
    };
    assert_true(r.nonce.len == KTLS_IV_LEN && r.sealed.len == r.plain.len + KTLS_TAG_LEN);
    assert_in_range(key.len, 1, sizeof(r.key));
    memcpy(r.key, key.data, key.len);
    r.data = malloc(r.sealed.len);
    assert_non_null(r.data);
    struct gw_aead_figure figure;
    const struct gw_aead_provider *p;
    for (size_t i = 0; (p = gw_aead_at(cipher, i, &figure)); i++) {
        if (figure.error)
            continue;
        check_seal(v, p, cipher, &r);
        check_open(v, p, cipher, &r);
    }
    free(r.data);
}

static void records(void **state)
{
    (void)state;
    assert_int_equal(gw_aead_init(), 0);
    each("aes-", check_record, 133);
    each("chacha20-", check_record, 316);
}

static int set_up(void **state)
{
    (void)state;
    library = gw_tls_library_get();
    return library ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    gw_tls_library_put();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(x25519),
        cmocka_unit_test(hmac),
        cmocka_unit_test(hkdf),
        cmocka_unit_test(records),
    };
    return cmocka_run_group_tests_name("wycheproof", tests, set_up, tear_down);
}
