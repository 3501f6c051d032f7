/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The self-test of our cryptography passes here; and with a fault in any one part it names that
 * part, and handshakes use libcrypto alone.
 */
#include "gateway/base/attr.h"
#include "gateway/base/wipe.h"
#include "gateway/crypto/kdf.h"
#include "gateway/crypto/x25519_lanes.h"
#include "gateway/tls/library.h"
#include "gateway/tls/trial.h"
#include "tests/unit/tlspair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

/* ---- faults: calls from one part to another that this test stands in for ---- */

enum part {
    NOTHING,
    HMAC_AT_ONCE,
    HMAC_ADDED,
    HASH,
    EXPAND_LABEL,
    PRF,
    P_HASH,
    HASH_384,
    HMAC_ADDED_384,
    P_HASH_384,
    SECRETS,
    KEYS,
    ENCAPSULATE,
    DECAPSULATE,
    KEYS_12,
    KEYS_13,
    TICKET_KEY,
    TICKET_FOUND,
    ALGORITHM,
    GROUPS,
    LANES,
};

static enum part broken;

static void spoil(enum part part, uint8_t *out)
{
    if (broken == part)
        out[0] ^= 1;
}

#define WRAP(type, name, ...)                                                                      \
    type __real_##name(__VA_ARGS__);                                                               \
    type __wrap_##name(__VA_ARGS__);                                                               \
    type __wrap_##name(__VA_ARGS__)

WRAP(void, gw_hmac, enum gw_hash hash, const uint8_t *key, size_t key_len, const uint8_t *data,
     size_t len, uint8_t *out)
{
    __real_gw_hmac(hash, key, key_len, data, len, out);
    spoil(HMAC_AT_ONCE, out);
}

/* More at once than any derivation has is added as a MAC alone. */
WRAP(void, gw_hmac_add, struct gw_hmac_run *run, const uint8_t *data, size_t len)
{
    bool at_fault = broken == HMAC_ADDED || (broken == HMAC_ADDED_384 && run->hash == GW_SHA384);
    __real_gw_hmac_add(run, data, at_fault && len > 150 ? len - 1 : len);
}

WRAP(void, gw_hash, enum gw_hash hash, const uint8_t *data, size_t len, uint8_t *out)
{
    __real_gw_hash(hash, data, len, out);
    spoil(hash == GW_SHA384 && broken == HASH_384 ? HASH_384 : HASH, out);
}

WRAP(int, gw_kdf_expand_label, enum gw_hash hash, const uint8_t *secret, size_t secret_len,
     const char *label, const uint8_t *context, size_t context_len, uint8_t *out, size_t out_len)
{
    int r = __real_gw_kdf_expand_label(hash, secret, secret_len, label, context, context_len, out,
                                       out_len);
    spoil(EXPAND_LABEL, out);
    return r;
}

WRAP(int, gw_kdf_prf, enum gw_hash hash, const uint8_t *secret, size_t secret_len,
     const char *label, const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len,
     uint8_t *out, size_t out_len)
{
    int r = __real_gw_kdf_prf(hash, secret, secret_len, label, a, a_len, b, b_len, out, out_len);
    spoil(PRF, out);
    return r;
}

WRAP(int, gw_kdf_p_hash, enum gw_hash hash, const uint8_t *secret, size_t secret_len,
     const uint8_t *seed, size_t seed_len, uint8_t *out, size_t out_len)
{
    int r = __real_gw_kdf_p_hash(hash, secret, secret_len, seed, seed_len, out, out_len);
    spoil(hash == GW_SHA384 && broken == P_HASH_384 ? P_HASH_384 : P_HASH, out);
    return r;
}

WRAP(bool, gw_x25519_lanes_secret, uint8_t *secret, const uint8_t *private, const uint8_t *public)
{
    bool ok = __real_gw_x25519_lanes_secret(secret, private, public);
    spoil(SECRETS, secret);
    return ok;
}

WRAP(void, gw_x25519_lanes_keys, uint8_t (*public)[GW_X25519_KEY_LEN],
     const uint8_t (*private)[GW_X25519_KEY_LEN])
{
    __real_gw_x25519_lanes_keys(public, private);
    for (int i = 0; i < GW_X25519_LANES; i++)
        spoil(KEYS, public[i]);
}

/* Of the self-test: libssl's calls go to libcrypto as they are. */
WRAP(int, EVP_PKEY_encapsulate, EVP_PKEY_CTX *ctx, unsigned char *sent, size_t *sent_len,
     unsigned char *secret, size_t *secret_len)
{
    int r = __real_EVP_PKEY_encapsulate(ctx, sent, sent_len, secret, secret_len);
    spoil(ENCAPSULATE, secret);
    return r;
}

WRAP(int, EVP_PKEY_decapsulate, EVP_PKEY_CTX *ctx, unsigned char *secret, size_t *secret_len,
     const unsigned char *sent, size_t sent_len)
{
    int r = __real_EVP_PKEY_decapsulate(ctx, secret, secret_len, sent, sent_len);
    spoil(DECAPSULATE, secret);
    return r;
}

WRAP(bool, gw_x25519_lanes_wrong, void)
{
    return broken == LANES || __real_gw_x25519_lanes_wrong();
}

WRAP(int, ktls_derive_tls12, const struct ktls_suite *suite, const uint8_t *master,
     const uint8_t *client_random, const uint8_t *server_random, struct ktls_keys *client,
     struct ktls_keys *server)
{
    int r = __real_ktls_derive_tls12(suite, master, client_random, server_random, client, server);
    spoil(KEYS_12, client->key);
    return r;
}

WRAP(int, ktls_derive_tls13, const struct ktls_suite *suite, const uint8_t *secret,
     size_t secret_len, struct ktls_keys *keys)
{
    int r = __real_ktls_derive_tls13(suite, secret, secret_len, keys);
    spoil(KEYS_13, keys->key);
    return r;
}

WRAP(int, ktls_hkdf_expand_label, enum ktls_hash hash, const uint8_t *secret, size_t secret_len,
     const char *label, const uint8_t *context, size_t context_len, uint8_t *out, size_t out_len)
{
    int r = __real_ktls_hkdf_expand_label(hash, secret, secret_len, label, context, context_len,
                                          out, out_len);
    spoil(TICKET_KEY, out);
    return r;
}

WRAP(bool, gw_tickets_find, const struct gw_ticket_keys *keys, const uint8_t *name,
     struct gw_ticket_key *ret, bool *ret_newest)
{
    return __real_gw_tickets_find(keys, name, ret, ret_newest) && broken != TICKET_FOUND;
}

/* A possible later libcrypto: its KDF has another name, or X25519 is not a group of TLS. */
WRAP(const OSSL_ALGORITHM *, OSSL_PROVIDER_query_operation, const OSSL_PROVIDER *provider,
     int operation, int *no_cache)
{
    static OSSL_ALGORITHM rows[64];
    const OSSL_ALGORITHM *a = __real_OSSL_PROVIDER_query_operation(provider, operation, no_cache);
    size_t count = 0;
    if (broken != ALGORITHM || operation != OSSL_OP_KDF)
        return a;
    for (; a->algorithm_names && count < GW_ARRAY_SIZE(rows) - 1; a++)
        if (strncmp(a->algorithm_names, "TLS13-KDF", 9) != 0)
            rows[count++] = *a;
    rows[count] = (OSSL_ALGORITHM){NULL};
    return rows;
}

WRAP(int, OSSL_PROVIDER_get_capabilities, const OSSL_PROVIDER *provider, const char *name,
     OSSL_CALLBACK *callback, void *arg)
{
    return broken == GROUPS || __real_OSSL_PROVIDER_get_capabilities(provider, name, callback, arg);
}

/* ---- the tests ---- */

static void use_ours_again(void)
{
    gw_tls_library_use(GW_CRYPTO_LIBRARY);
    gw_tls_library_use(GW_CRYPTO_AUTO);
}

static void connect_in(const struct tlsworld *w, int version)
{
    struct gw_tls_side side;
    struct tlspair p;
    tlsworld_side(w, &side);
    struct gw_ticket_keys *keys = tlsworld_ticket_keys();
    struct gw_tls_context *tls = tlsworld_context(&side, keys);
    SSL_CTX *client = tlspair_client_ctx(w, version);
    tlspair_init(&p, tls, client, NULL);
    tlspair_succeed(&p);
    tlspair_done(&p);
    SSL_CTX_free(client);
    gw_tls_context_free(tls);
    gw_wipe_pages_free(keys, sizeof(*keys));
}

static void it_passes(void **state)
{
    char text[GW_LIBRARY_TEXT_MAX];
    (void)state;
    use_ours_again();
    gw_tls_trial();
    assert_true(gw_tls_library_describe(text));
    assert_non_null(strstr(text, "our own key schedule"));
}

static void libcrypto_alone_is_not_tried(void **state)
{
    char text[GW_LIBRARY_TEXT_MAX];
    (void)state;
    gw_tls_library_use(GW_CRYPTO_LIBRARY);
    broken = HMAC_AT_ONCE;
    gw_tls_trial();
    broken = NOTHING;
    assert_true(gw_tls_library_describe(text));
    assert_string_equal(text, "libcrypto alone, as set by --crypto library");
}

static const struct {
    enum part part;
    const char *what;
} faults[] = {
    {HMAC_AT_ONCE, "HMAC does not compute the keys of RFC 5869"},
    {EXPAND_LABEL, "the key schedule of TLS 1.3 does not compute the secrets of RFC 8448"},
    {PRF, "the PRF of TLS 1.2 computes wrong bytes"},
    {HASH, "the key schedule of TLS 1.3 differs from libcrypto's"},
    {P_HASH, "the PRF of TLS 1.2 differs from libcrypto's"},
    {HMAC_ADDED, "HMAC differs from libcrypto's"},
    {HASH_384, "the key schedule of TLS 1.3 differs from libcrypto's"},
    {P_HASH_384, "the PRF of TLS 1.2 differs from libcrypto's"},
    {HMAC_ADDED_384, "HMAC differs from libcrypto's"},
    {SECRETS, "X25519 differs from libcrypto's"},
    {KEYS, "X25519 keys do not agree with libcrypto's"},
    {ENCAPSULATE, "X25519 keys do not agree with libcrypto's"}, /* our server */
    {DECAPSULATE, "X25519 keys do not agree with libcrypto's"}, /* our client */
    {KEYS_12, "a handshake of TLS 1.2 fails"},
    {TICKET_FOUND, "a session of TLS 1.2 is not resumed"},
    {KEYS_13, "a handshake of TLS 1.3 fails"},
    {TICKET_KEY, "a session of TLS 1.3 is not resumed"},
    {ALGORITHM, "libcrypto has no TLS13-KDF"},
    {GROUPS, "its self-test could not run"},
};

static void each_fault_is_found(void **state)
{
    for (size_t i = 0; i < GW_ARRAY_SIZE(faults); i++) {
        char text[GW_LIBRARY_TEXT_MAX], want[GW_LIBRARY_TEXT_MAX];
        bool of_both = faults[i].part == KEYS_12 || faults[i].part == KEYS_13;
        if ((faults[i].part == KEYS && !gw_x25519_lanes_work()) ||
            (faults[i].part == SECRETS && !gw_x25519_ladder_works()))
            continue;
        use_ours_again();
        broken = faults[i].part;
        gw_tls_trial();
        assert_false(gw_tls_library_describe(text));
        if (of_both) /* the hand-over of keys is the same for both */
            broken = NOTHING;
        (void)snprintf(want, sizeof(want), "libcrypto alone, because %s", faults[i].what);
        if (strncmp(text, want, strlen(want)) != 0)
            fail_msg("'%s' instead of '%s'", text, want);
        if (faults[i].part == ALGORITHM)
            continue; /* it is there again */
        connect_in(*state, TLS1_2_VERSION);
        connect_in(*state, TLS1_3_VERSION);
        assert_false(gw_tls_library_describe(text));
    }
    broken = NOTHING;
}

/* A processor that computes wrongly is reported, with a warning. */
static void wrong_lanes_are_told(void **state)
{
    char text[GW_LIBRARY_TEXT_MAX];
    use_ours_again();
    broken = LANES;
    gw_tls_trial();
    assert_false(gw_tls_library_describe(text));
    assert_non_null(strstr(text, "our own key schedule"));
    assert_non_null(strstr(text, "(libcrypto's ladder, because this processor's AVX-512 IFMA"));
    assert_non_null(strstr(text, "RFC 7748) within OpenSSL"));
    connect_in(*state, TLS1_3_VERSION);
    broken = NOTHING;
}

/* No key of the stock is left that was made while it was broken. */
static void ours_come_back(void **state)
{
    char text[GW_LIBRARY_TEXT_MAX];
    use_ours_again();
    gw_tls_trial();
    assert_true(gw_tls_library_describe(text));
    connect_in(*state, TLS1_3_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_passes),           cmocka_unit_test(libcrypto_alone_is_not_tried),
        cmocka_unit_test(each_fault_is_found), cmocka_unit_test(wrong_lanes_are_told),
        cmocka_unit_test(ours_come_back),
    };
    return cmocka_run_group_tests(tests, tlsworld_setup, tlsworld_teardown);
}
