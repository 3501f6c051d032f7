/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/tls/x25519_lanes: public keys as RFC 7748 and libcrypto have them, in each lane. */
#include "gateway/tls/x25519_lanes.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/skip.h"

enum {
    LANES = GW_X25519_LANES,
    KEY_LEN = GW_X25519_KEY_LEN,
    ROUNDS = 500,
    BITS = 256
};

struct keys {
    uint8_t private[LANES][KEY_LEN];
    uint8_t public[LANES][KEY_LEN];
};

static void skip_unless_it_works(void)
{
    if (!gw_x25519_lanes_work())
        skip_with("the processor has no AVX-512 IFMA");
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
    gw_x25519_lanes(k->public, k->private);
    for (unsigned lane = 0; lane < LANES; lane++) {
        uint8_t want[KEY_LEN];
        of_libcrypto(k->private[lane], want);
        assert_memory_equal(k->public[lane], want, KEY_LEN);
    }
}

/* RFC 7748 6.1: Alice's keys and Bob's. */
static void as_the_rfc_has_it(void **state)
{
    static const uint8_t alice[KEY_LEN] = {
        0x77, 0x07, 0x6d, 0x0a, 0x73, 0x18, 0xa5, 0x7d, 0x3c, 0x16, 0xc1,
        0x72, 0x51, 0xb2, 0x66, 0x45, 0xdf, 0x4c, 0x2f, 0x87, 0xeb, 0xc0,
        0x99, 0x2a, 0xb1, 0x77, 0xfb, 0xa5, 0x1d, 0xb9, 0x2c, 0x2a,
    };
    static const uint8_t alice_public[KEY_LEN] = {
        0x85, 0x20, 0xf0, 0x09, 0x89, 0x30, 0xa7, 0x54, 0x74, 0x8b, 0x7d,
        0xdc, 0xb4, 0x3e, 0xf7, 0x5a, 0x0d, 0xbf, 0x3a, 0x0d, 0x26, 0x38,
        0x1a, 0xf4, 0xeb, 0xa4, 0xa9, 0x8e, 0xaa, 0x9b, 0x4e, 0x6a,
    };
    static const uint8_t bob[KEY_LEN] = {
        0x5d, 0xab, 0x08, 0x7e, 0x62, 0x4a, 0x8a, 0x4b, 0x79, 0xe1, 0x7f,
        0x8b, 0x83, 0x80, 0x0e, 0xe6, 0x6f, 0x3b, 0xb1, 0x29, 0x26, 0x18,
        0xb6, 0xfd, 0x1c, 0x2f, 0x8b, 0x27, 0xff, 0x88, 0xe0, 0xeb,
    };
    static const uint8_t bob_public[KEY_LEN] = {
        0xde, 0x9e, 0xdb, 0x7d, 0x7b, 0x7d, 0xc1, 0xb4, 0xd3, 0x5b, 0x61,
        0xc2, 0xec, 0xe4, 0x35, 0x37, 0x3f, 0x83, 0x43, 0xc8, 0x5b, 0x78,
        0x67, 0x4d, 0xad, 0xfc, 0x7e, 0x14, 0x6f, 0x88, 0x2b, 0x4f,
    };
    struct keys k;
    (void)state;
    skip_unless_it_works();
    for (unsigned lane = 0; lane < LANES; lane++)
        memcpy(k.private[lane], lane % 2 ? bob : alice, KEY_LEN);
    gw_x25519_lanes(k.public, k.private);
    for (unsigned lane = 0; lane < LANES; lane++)
        assert_memory_equal(k.public[lane], lane % 2 ? bob_public : alice_public, KEY_LEN);
}

static void drawn_at_random(void **state)
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
static void odd_ones(void **state)
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_the_rfc_has_it),
        cmocka_unit_test(drawn_at_random),
        cmocka_unit_test(odd_ones),
    };
    return cmocka_run_group_tests_name("x25519_lanes", tests, NULL, NULL);
}
