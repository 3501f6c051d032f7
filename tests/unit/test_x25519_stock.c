/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/tls/x25519_stock: what the lanes make counts only if it is what it should be. */
#include "gateway/tls/x25519_stock.h"

#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/skip.h"

enum {
    LANES = GW_X25519_LANES,
    KEY_LEN = GW_X25519_KEY_LEN,
    LIE = 0x5a
};

/* ---- what stands for libcrypto ---- */

static unsigned published;

static bool publish(uint8_t private[KEY_LEN], uint8_t *ret_public)
{
    size_t len = KEY_LEN;
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, private, KEY_LEN);
    bool ok = EVP_PKEY_get_raw_public_key(key, ret_public, &len) == 1;
    EVP_PKEY_free(key);
    published++;
    return ok;
}

/* Its last is not what the lanes make. */
static bool publish_otherwise(uint8_t private[KEY_LEN], uint8_t *ret_public)
{
    bool ok = publish(private, ret_public);
    if (published >= LANES)
        memset(ret_public, LIE, KEY_LEN);
    return ok;
}

static bool publish_nothing(uint8_t private[KEY_LEN], uint8_t *ret_public)
{
    (void)private, (void)ret_public;
    published++;
    return false;
}

/* ---- taking ---- */

struct pair {
    uint8_t private[KEY_LEN];
    uint8_t public[KEY_LEN];
};

static struct pair take(gw_x25519_publish *by)
{
    struct pair p;
    assert_true(gw_x25519_stock_take(by, p.private, p.public));
    return p;
}

static void check_pair(struct pair *p)
{
    uint8_t want[KEY_LEN];
    assert_true(publish(p->private, want));
    assert_memory_equal(p->public, want, KEY_LEN);
}

static int set_up(void **state)
{
    (void)state;
    gw_x25519_stock_end();
    published = 0;
    return gw_x25519_stock_begin() ? 0 : -1;
}

static void skip_unless_it_works(void)
{
    if (!gw_x25519_lanes_work())
        skip_with("the processor has no AVX-512 IFMA");
}

/* ---- tests ---- */

static void the_first_are_compared_once(void **state)
{
    struct pair pairs[3 * LANES];
    (void)state;
    skip_unless_it_works();
    pairs[0] = take(publish);
    assert_int_equal(published, LANES);
    for (unsigned i = 1; i < 3 * LANES; i++)
        pairs[i] = take(publish);
    assert_int_equal(published, LANES);
    for (unsigned i = 0; i < 3 * LANES; i++)
        check_pair(&pairs[i]);
}

/* One of eight is enough: none of them is used, nor any of the lanes' later. */
static void those_that_differ_are_never_used(void **state)
{
    (void)state;
    skip_unless_it_works();
    for (unsigned i = 0; i < 2 * LANES; i++) {
        struct pair p = take(publish_otherwise);
        assert_int_equal(published, LANES + 1 + i); /* each by itself */
        assert_int_equal(p.public[0], LIE);
    }
}

static void what_could_not_be_compared_is_tried_again(void **state)
{
    struct pair p;
    (void)state;
    skip_unless_it_works();
    assert_false(gw_x25519_stock_take(publish_nothing, p.private, p.public));
    assert_int_equal(published, 2); /* for the comparison, and for one key by itself */
    p = take(publish);
    assert_int_equal(published, 2 + LANES);
    check_pair(&p);
    p = take(publish);
    assert_int_equal(published, 2 + LANES + 1); /* by check_pair */
    check_pair(&p);
}

static void whoever_ends_begins_anew(void **state)
{
    struct pair a, b;
    (void)state;
    skip_unless_it_works();
    a = take(publish);
    gw_x25519_stock_end();
    b = take(publish);
    assert_int_equal(published, 2 * LANES);
    assert_memory_not_equal(a.public, b.public, KEY_LEN);
}

/* With lanes or without. */
static void pairs_are_pairs(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * LANES; i++) {
        struct pair p = take(publish);
        check_pair(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(pairs_are_pairs, set_up),
        cmocka_unit_test_setup(the_first_are_compared_once, set_up),
        cmocka_unit_test_setup(those_that_differ_are_never_used, set_up),
        cmocka_unit_test_setup(what_could_not_be_compared_is_tried_again, set_up),
        cmocka_unit_test_setup(whoever_ends_begins_anew, set_up),
    };
    return cmocka_run_group_tests_name("x25519_stock", tests, NULL, NULL);
}
