/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/crypto/x25519_stock: key pairs that are pairs, made the slow way only where there is no
 * other; none that is old or was the parent process's. */
#define OPENSSL_SUPPRESS_DEPRECATED /* to count what is drawn there is no other way */
#include "gateway/base/clock.h"
#include "gateway/crypto/x25519_stock.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/skip.h"

enum {
    LANES = GW_X25519_LANES,
    KEY_LEN = GW_X25519_KEY_LEN
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

static bool publish_nothing(uint8_t private[KEY_LEN], uint8_t *ret_public)
{
    (void)private, (void)ret_public;
    published++;
    return false;
}

/* ---- random numbers, counted ---- */

static unsigned drawn;

static int draw(unsigned char *out, int len)
{
    drawn++;
    return RAND_OpenSSL()->bytes(out, len);
}

static const RAND_METHOD counting = {.bytes = draw};

/* ---- time ---- */

static int64_t ahead_ns;

int __real_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret)
{
    int r = __real_clock_gettime(clock, ret);
    ret->tv_sec += ahead_ns / GW_NS_PER_SEC;
    return r;
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

/* ---- tests ---- */

static void the_lanes_make_all_where_they_work(void **state)
{
    (void)state;
    if (!gw_x25519_lanes_work())
        skip_with("the processor has no AVX-512 IFMA");
    for (unsigned i = 0; i < 3 * LANES; i++)
        (void)take(publish);
    assert_int_equal(published, 0);
}

static void what_cannot_be_published_is_no_key(void **state)
{
    struct pair p;
    (void)state;
    if (gw_x25519_lanes_work())
        skip_with("the processor has AVX-512 IFMA");
    assert_false(gw_x25519_stock_take(publish_nothing, p.private, p.public));
    assert_int_equal(published, 1);
}

/* What was left in stock is gone: random numbers are drawn for the next one. */
static void whoever_ends_begins_anew(void **state)
{
    (void)state;
    (void)take(publish);
    drawn = 0;
    gw_x25519_stock_end();
    struct pair p = take(publish);
    assert_int_equal(drawn, 1);
    check_pair(&p);
    assert_int_equal(drawn, 1);
    (void)take(publish);
    assert_int_equal(drawn, gw_x25519_lanes_work() ? 1 : 2);
}

static void old_keys_are_not_used(void **state)
{
    (void)state;
    if (!gw_x25519_lanes_work())
        skip_with("the processor has no AVX-512 IFMA");
    (void)take(publish);
    drawn = 0;
    (void)take(publish);
    assert_int_equal(drawn, 0);
    ahead_ns += 2 * GW_NS_PER_SEC;
    struct pair p = take(publish);
    assert_int_equal(drawn, 1);
    check_pair(&p);
}

/* Whoever takes none for two seconds has none. */
static void old_keys_are_wiped(void **state)
{
    (void)state;
    if (!gw_x25519_lanes_work())
        skip_with("the processor has no AVX-512 IFMA");
    assert_int_equal(gw_x25519_stock_turn(gw_clock_ns()), 0);
    (void)take(publish);
    int64_t now = gw_clock_ns(), due = gw_x25519_stock_turn(now);
    assert_true(due > now && due <= now + 2 * GW_NS_PER_SEC);
    assert_int_equal(gw_x25519_stock_turn(due - 1), due);
    assert_int_equal(gw_x25519_stock_turn(due), 0);
    drawn = 0;
    (void)take(publish);
    assert_int_equal(drawn, 1);
    for (int i = 1; i < LANES; i++)
        (void)take(publish);
    assert_int_equal(gw_x25519_stock_turn(gw_clock_ns()), 0); /* all are used */
}

static void a_child_takes_none_of_its_parents(void **state)
{
    struct pair p, theirs;
    int ends[2], status = -1;
    (void)state;
    (void)take(publish);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        p = take(publish);
        _exit(write(ends[1], &p, sizeof(p)) == sizeof(p) ? 0 : 1);
    }
    assert_int_equal(read(ends[0], &theirs, sizeof(theirs)), sizeof(theirs));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    (void)close(ends[0]);
    (void)close(ends[1]);
    for (int i = 1; i < LANES; i++) {
        p = take(publish);
        assert_memory_not_equal(p.private, theirs.private, KEY_LEN);
    }
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
        cmocka_unit_test_setup(the_lanes_make_all_where_they_work, set_up),
        cmocka_unit_test_setup(what_cannot_be_published_is_no_key, set_up),
        cmocka_unit_test_setup(whoever_ends_begins_anew, set_up),
        cmocka_unit_test_setup(old_keys_are_not_used, set_up),
        cmocka_unit_test_setup(old_keys_are_wiped, set_up),
        cmocka_unit_test_setup(a_child_takes_none_of_its_parents, set_up),
    };
    if (!RAND_set_rand_method(&counting))
        return 1;
    return cmocka_run_group_tests_name("x25519_stock", tests, NULL, NULL);
}
