/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/tls/x25519_lanes: public keys, in each lane, and secrets as RFC 7748 and libcrypto have
 * them. */
#include "gateway/crypto/x25519_lanes.h"

#include "gateway/base/compat.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/skip.h"

enum {
    LANES = GW_X25519_LANES,
    KEY_LEN = GW_X25519_KEY_LEN,
    ROUNDS = 500,
    PAIRS = 2000,
    PAIRS_OF_ALL = 1000000, /* of ./dev test --all */
    BITS = 256
};

struct keys {
    uint8_t private[LANES][KEY_LEN];
    uint8_t public[LANES][KEY_LEN];
};

/* Where the processor can, it must. */
static void skip_unless_it_works(void)
{
    bool can = false;
#if GW_ON_X86_64
    can = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
          __builtin_cpu_supports("avx512ifma");
#endif
    assert_int_equal(gw_x25519_lanes_work(), can);
    if (!can)
        skip_with("the processor has no AVX-512 IFMA");
}

static void skip_unless_secrets_work(void)
{
    skip_unless_it_works();
    assert_int_equal(gw_x25519_ladder_works(), gw_x25519_ladder_is_built);
    if (!gw_x25519_ladder_is_built)
        skip_with("this build leaves secrets to libcrypto");
}

static void of_libcrypto(const uint8_t private[KEY_LEN], uint8_t ret_public[KEY_LEN])
{
    size_t len = KEY_LEN;
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, private, KEY_LEN);
    assert_int_equal(EVP_PKEY_get_raw_public_key(key, ret_public, &len), 1);
    EVP_PKEY_free(key);
}

static void check(struct keys *k)
{
    gw_x25519_lanes_keys(k->public, k->private);
    for (unsigned lane = 0; lane < LANES; lane++) {
        uint8_t want[KEY_LEN];
        of_libcrypto(k->private[lane], want);
        assert_memory_equal(k->public[lane], want, KEY_LEN);
    }
}

/* RFC 7748 6.1: Alice's keys and Bob's, and their secret. */
static const uint8_t alice[KEY_LEN] = {
    0x77, 0x07, 0x6d, 0x0a, 0x73, 0x18, 0xa5, 0x7d, 0x3c, 0x16, 0xc1, 0x72, 0x51, 0xb2, 0x66, 0x45,
    0xdf, 0x4c, 0x2f, 0x87, 0xeb, 0xc0, 0x99, 0x2a, 0xb1, 0x77, 0xfb, 0xa5, 0x1d, 0xb9, 0x2c, 0x2a,
};
static const uint8_t alice_public[KEY_LEN] = {
    0x85, 0x20, 0xf0, 0x09, 0x89, 0x30, 0xa7, 0x54, 0x74, 0x8b, 0x7d, 0xdc, 0xb4, 0x3e, 0xf7, 0x5a,
    0x0d, 0xbf, 0x3a, 0x0d, 0x26, 0x38, 0x1a, 0xf4, 0xeb, 0xa4, 0xa9, 0x8e, 0xaa, 0x9b, 0x4e, 0x6a,
};
static const uint8_t bob[KEY_LEN] = {
    0x5d, 0xab, 0x08, 0x7e, 0x62, 0x4a, 0x8a, 0x4b, 0x79, 0xe1, 0x7f, 0x8b, 0x83, 0x80, 0x0e, 0xe6,
    0x6f, 0x3b, 0xb1, 0x29, 0x26, 0x18, 0xb6, 0xfd, 0x1c, 0x2f, 0x8b, 0x27, 0xff, 0x88, 0xe0, 0xeb,
};
static const uint8_t bob_public[KEY_LEN] = {
    0xde, 0x9e, 0xdb, 0x7d, 0x7b, 0x7d, 0xc1, 0xb4, 0xd3, 0x5b, 0x61, 0xc2, 0xec, 0xe4, 0x35, 0x37,
    0x3f, 0x83, 0x43, 0xc8, 0x5b, 0x78, 0x67, 0x4d, 0xad, 0xfc, 0x7e, 0x14, 0x6f, 0x88, 0x2b, 0x4f,
};
static const uint8_t shared[KEY_LEN] = {
    0x4a, 0x5d, 0x9d, 0x5b, 0xa4, 0xce, 0x2d, 0xe1, 0x72, 0x8e, 0x3b, 0xf4, 0x80, 0x35, 0x0f, 0x25,
    0xe0, 0x7e, 0x21, 0xc9, 0x47, 0xd1, 0x9e, 0x33, 0x76, 0xf0, 0x9b, 0x3c, 0x1e, 0x16, 0x17, 0x42,
};

static void keys_as_the_rfc_has_them(void **state)
{
    struct keys k;
    (void)state;
    skip_unless_it_works();
    for (unsigned lane = 0; lane < LANES; lane++)
        memcpy(k.private[lane], lane % 2 ? bob : alice, KEY_LEN);
    gw_x25519_lanes_keys(k.public, k.private);
    for (unsigned lane = 0; lane < LANES; lane++)
        assert_memory_equal(k.public[lane], lane % 2 ? bob_public : alice_public, KEY_LEN);
}

static void keys_drawn_at_random(void **state)
{
    struct keys k;
    (void)state;
    skip_unless_it_works();
    for (unsigned round = 0; round < ROUNDS; round++) {
        assert_int_equal(RAND_bytes(&k.private[0][0], sizeof(k.private)), 1);
        check(&k);
    }
}

/* All bits, none, and each alone or missing alone: in each lane another. */
static void odd_keys(void **state)
{
    struct keys k;
    (void)state;
    skip_unless_it_works();
    memset(k.private, 0x00, sizeof(k.private));
    check(&k);
    memset(k.private, 0xff, sizeof(k.private));
    check(&k);
    for (unsigned bit = 0; bit < BITS; bit++) {
        for (unsigned lane = 0; lane < LANES; lane++) {
            unsigned at = (bit + lane * 31) % BITS;
            memset(k.private[lane], lane % 2 ? 0xff : 0x00, KEY_LEN);
            k.private[lane][at / 8] ^= (uint8_t)(1U << at % 8);
        }
        check(&k);
    }
}

/* ---- secrets ---- */

/* libcrypto's; false where it refuses to make one. */
static bool secret_of_libcrypto(const uint8_t private[KEY_LEN], const uint8_t public[KEY_LEN],
                                uint8_t ret[KEY_LEN])
{
    size_t len = KEY_LEN;
    EVP_PKEY *own = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, private, KEY_LEN);
    EVP_PKEY *peer = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, public, KEY_LEN);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
    assert_int_equal(EVP_PKEY_derive_init(ctx), 1);
    assert_int_equal(EVP_PKEY_derive_set_peer_ex(ctx, peer, 0), 1);
    bool made = EVP_PKEY_derive(ctx, ret, &len) == 1;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
    EVP_PKEY_free(own);
    return made;
}

static void check_secret(const uint8_t private[KEY_LEN], const uint8_t public[KEY_LEN])
{
    static const uint8_t zero[KEY_LEN];
    uint8_t got[KEY_LEN], want[KEY_LEN];
    bool made = secret_of_libcrypto(private, public, want);
    assert_int_equal(gw_x25519_lanes_secret(got, private, public), made);
    assert_memory_equal(got, made ? want : zero, KEY_LEN);
}

static void secrets_as_the_rfc_has_them(void **state)
{
    uint8_t secret[KEY_LEN];
    (void)state;
    skip_unless_secrets_work();
    assert_true(gw_x25519_lanes_secret(secret, alice, bob_public));
    assert_memory_equal(secret, shared, KEY_LEN);
    assert_true(gw_x25519_lanes_secret(secret, bob, alice_public));
    assert_memory_equal(secret, shared, KEY_LEN);
}

/* RFC 7748 5.2: each secret is the next key, and each key the next public one; after a thousand. */
static void a_thousand_in_a_row(void **state)
{
    static const uint8_t last[KEY_LEN] = {
        0x68, 0x4c, 0xf5, 0x9b, 0xa8, 0x33, 0x09, 0x55, 0x28, 0x00, 0xef,
        0x56, 0x6f, 0x2f, 0x4d, 0x3c, 0x1c, 0x38, 0x87, 0xc4, 0x93, 0x60,
        0xe3, 0x87, 0x5f, 0x2e, 0xb9, 0x4d, 0x99, 0x53, 0x2c, 0x51,
    };
    uint8_t key[KEY_LEN] = {9}, public[KEY_LEN] = {9}, secret[KEY_LEN];
    (void)state;
    skip_unless_secrets_work();
    for (unsigned i = 0; i < 1000; i++) {
        assert_true(gw_x25519_lanes_secret(secret, key, public));
        memcpy(public, key, KEY_LEN);
        memcpy(key, secret, KEY_LEN);
    }
    assert_memory_equal(key, last, KEY_LEN);
}

/* SplitMix64: for keys that can be had again by their seed. */
static uint64_t next_word(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static void check_pairs(uint64_t seed, unsigned count)
{
    uint64_t words[2][KEY_LEN / 8];
    print_message("%u pairs of the seed 0x%016llx\n", count, (unsigned long long)seed);
    for (unsigned i = 0; i < count; i++) {
        for (unsigned k = 0; k < 2 * KEY_LEN / 8; k++)
            words[k / (KEY_LEN / 8)][k % (KEY_LEN / 8)] = next_word(&seed);
        check_secret((const uint8_t *)words[0], (const uint8_t *)words[1]);
    }
}

/* Half of them the same each time, half others each time. */
static void secrets_of_pairs(void **state)
{
    unsigned pairs = getenv("KTLSGATE_TEST_PAIRS") ? PAIRS_OF_ALL : PAIRS;
    uint64_t seed = 0;
    (void)state;
    skip_unless_secrets_work();
    check_pairs(7748, pairs / 2);
    assert_int_equal(RAND_bytes((uint8_t *)&seed, sizeof(seed)), 1);
    check_pairs(seed, pairs / 2);
}

/* Public keys near zero, near the prime and near 2^255, with the top bit and without: some have no
 * secret, and some stand for another number. Limbs are full in them. */
static void odd_public_keys(void **state)
{
    static const uint8_t ends[] = {0x00, 0x7f, 0x80, 0xff};
    (void)state;
    skip_unless_secrets_work();
    for (unsigned first = 0; first < 256; first++) {
        for (unsigned end = 0; end < sizeof(ends); end++) {
            uint8_t key[KEY_LEN], public[KEY_LEN];
            assert_int_equal(RAND_bytes(key, KEY_LEN), 1);
            memset(public, ends[end] & 0x7f ? 0xff : 0x00, KEY_LEN);
            public[0] = (uint8_t)first;
            public[KEY_LEN - 1] = ends[end];
            check_secret(key, public);
        }
    }
}

/* Of small order (RFC 7748 6.1): the secret is always zero. The numbers are 0, 1, those of order
 * eight, and the prime less one, none and plus one. */
static void points_of_small_order(void **state)
{
    static const uint8_t small[][KEY_LEN] = {
        {0},
        {1},
        {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3,
         0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32,
         0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
        {0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1,
         0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c,
         0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57},
        {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
        {0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
        {0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    };
    uint8_t key[KEY_LEN], public[KEY_LEN], secret[KEY_LEN];
    (void)state;
    skip_unless_secrets_work();
    for (unsigned i = 0; i < sizeof(small) / sizeof(*small); i++) {
        for (unsigned top = 0; top < 2; top++) {
            assert_int_equal(RAND_bytes(key, KEY_LEN), 1);
            memcpy(public, small[i], KEY_LEN);
            public[KEY_LEN - 1] |= (uint8_t)(top << 7);
            assert_false(gw_x25519_lanes_secret(secret, key, public));
            check_secret(key, public);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_as_the_rfc_has_them),
        cmocka_unit_test(keys_drawn_at_random),
        cmocka_unit_test(odd_keys),
        cmocka_unit_test(secrets_as_the_rfc_has_them),
        cmocka_unit_test(a_thousand_in_a_row),
        cmocka_unit_test(secrets_of_pairs),
        cmocka_unit_test(odd_public_keys),
        cmocka_unit_test(points_of_small_order),
    };
    return cmocka_run_group_tests_name("x25519_lanes", tests, NULL, NULL);
}
