/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/crypto/x25519_stock: its key pairs fit together. They are computed the slow way only
 * where there is no other, ahead only while they are in demand, and not on a handshake's stack.
 * None is old or from the parent process. */
#define OPENSSL_SUPPRESS_DEPRECATED /* the only way to count the keys that are drawn */
#include "gateway/base/clock.h"
#include "gateway/base/compat.h"
#include "gateway/crypto/x25519_stock.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/skip.h"
#include "tests/unit/own_stack.h"

enum {
    LANES = GW_X25519_LANES,
    KEY_LEN = GW_X25519_KEY_LEN,
    HANDSHAKE_STACK_MAX = 12 << 10, /* of a key that a handshake takes */
    KEYS_DRAWN = LANES * KEY_LEN
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
static uint8_t last_drawn[KEYS_DRAWN]; /* inverted, so that it is found nowhere for this */

static int draw(unsigned char *out, int len)
{
    drawn++;
    int r = RAND_OpenSSL()->bytes(out, len);
    for (int i = 0; i < len && i < KEYS_DRAWN; i++)
        last_drawn[i] = (uint8_t)~out[i];
    return r;
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

static void skip_without_lanes(void)
{
    if (!gw_x25519_lanes_work())
        skip_with("the processor has no AVX-512 IFMA");
}

/* Two handshakes shortly after each other, then keys of the stock. */
static void fill_stock(void)
{
    (void)take(publish);
    (void)take(publish);
    gw_x25519_stock_refill();
    drawn = 0;
}

/* ---- what memory holds ---- */

static bool is_drawn_key(const uint8_t *at, unsigned key)
{
    const uint8_t *inverted = last_drawn + key * KEY_LEN;
    for (unsigned i = 0; i < KEY_LEN; i++)
        if ((at[i] ^ inverted[i]) != 0xff)
            return false;
    return true;
}

static unsigned keys_within(const uint8_t *from, const uint8_t *end)
{
    unsigned found = 0;
    for (const uint8_t *at = from; at + KEY_LEN <= end; at += 8)
        for (unsigned key = 0; key < LANES; key++)
            found += is_drawn_key(at, key);
    return found;
}

/* Places in this process that have a private key of those that were last drawn. */
static unsigned keys_in_memory(void)
{
    char line[256], mode[8];
    if (GW_WITH_ASAN)
        skip_with("the address sanitizer has memory that must not be looked at");
    unsigned long from, end;
    unsigned found = 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps))
        if (sscanf(line, "%lx-%lx %7s", &from, &end, mode) == 3 && !strcmp(mode, "rw-p"))
            found += keys_within((const uint8_t *)from, (const uint8_t *)end);
    (void)fclose(maps);
    return found;
}

/* ---- tests ---- */

static void the_lanes_make_all_where_they_work(void **state)
{
    (void)state;
    skip_without_lanes();
    for (unsigned i = 0; i < 3 * LANES; i++) {
        (void)take(publish);
        gw_x25519_stock_refill();
    }
    assert_int_equal(published, gw_x25519_ladder_works() ? 0 : 2); /* before there was demand */
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

/* One key within two seconds is not a demand; two are. */
static void only_demand_fills_the_stock(void **state)
{
    (void)state;
    skip_without_lanes();
    drawn = 0;
    for (unsigned i = 0; i < 3; i++) {
        (void)take(publish);
        gw_x25519_stock_refill();
        assert_int_equal(drawn, i + 1); /* that key alone */
        ahead_ns += 2 * GW_NS_PER_SEC;
    }
    gw_x25519_stock_refill();
    assert_int_equal(drawn, 3);
    fill_stock();
    for (unsigned i = 0; i < LANES; i++) {
        gw_x25519_stock_refill();
        assert_int_equal(drawn, 0);
        (void)take(publish);
    }
    assert_int_equal(drawn, 0);
    gw_x25519_stock_refill();
    (void)take(publish);
    assert_int_equal(drawn, 1);
}

static void take_on_own_stack(void *arg)
{
    struct pair *p = arg;
    (void)take(publish); /* what libcrypto does once is done */
    gw_x25519_stock_end();
    *p = take(publish);
}

static void refill_on_own_stack(void *arg)
{
    (void)arg;
    fill_stock();
}

static void a_handshake_has_little_stack(void **state)
{
    struct own_stack stack;
    struct pair p;
    (void)state;
    skip_without_lanes();
    if (GW_WITH_ASAN)
        skip_with("the address sanitizer makes frames larger");
    own_stack_init(&stack);
    own_stack_run(&stack, take_on_own_stack, &p);
    check_pair(&p);
    assert_in_range(own_stack_depth(&stack), KEY_LEN, HANDSHAKE_STACK_MAX);
    own_stack_run(&stack, refill_on_own_stack, NULL); /* so it would be seen */
    assert_true(own_stack_depth(&stack) > HANDSHAKE_STACK_MAX || !gw_x25519_ladder_is_built);
    own_stack_done(&stack);
}

/* What was left in stock is gone: random numbers are drawn for the next one. */
static void whoever_ends_begins_anew(void **state)
{
    (void)state;
    fill_stock();
    (void)take(publish);
    drawn = 0;
    gw_x25519_stock_end();
    gw_x25519_stock_refill();
    assert_int_equal(drawn, 0);
    struct pair p = take(publish);
    assert_int_equal(drawn, 1);
    check_pair(&p);
}

static void old_keys_are_not_used(void **state)
{
    (void)state;
    skip_without_lanes();
    fill_stock();
    (void)take(publish);
    assert_int_equal(drawn, 0);
    ahead_ns += 2 * GW_NS_PER_SEC;
    struct pair p = take(publish);
    assert_int_equal(drawn, 1);
    check_pair(&p);
}

/* A worker that takes none for two seconds has none left, needs no timer, and makes none. */
static void the_idle_have_none(void **state)
{
    (void)state;
    skip_without_lanes();
    assert_int_equal(gw_x25519_stock_turn(gw_clock_ns()), 0);
    fill_stock();
    int64_t now = gw_clock_ns(), due = gw_x25519_stock_turn(now);
    assert_true(due > now && due <= now + 2 * GW_NS_PER_SEC);
    assert_int_equal(gw_x25519_stock_turn(due - 1), due);
    assert_int_equal(gw_x25519_stock_turn(due), 0);
    gw_x25519_stock_refill();
    assert_int_equal(drawn, 0);
    assert_int_equal(gw_x25519_stock_turn(due + 1), 0);
}

static void old_keys_are_wiped(void **state)
{
    (void)state;
    skip_without_lanes();
    fill_stock();
    assert_int_equal(keys_in_memory(), LANES);
    (void)gw_x25519_stock_turn(gw_clock_ns() + 2 * GW_NS_PER_SEC);
    assert_int_equal(keys_in_memory(), 0);
}

static void what_is_used_up_is_not_waited_for(void **state)
{
    (void)state;
    skip_without_lanes();
    fill_stock();
    for (int i = 0; i < LANES; i++)
        (void)take(publish);
    assert_int_equal(gw_x25519_stock_turn(gw_clock_ns()), 0);
    assert_int_equal(drawn, 0);
}

static void a_child_takes_none_of_its_parents(void **state)
{
    struct pair p, theirs;
    int ends[2], status = -1;
    (void)state;
    fill_stock();
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        gw_x25519_stock_refill();
        p = take(publish);
        _exit(write(ends[1], &p, sizeof(p)) == sizeof(p) ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(read(ends[0], &theirs, sizeof(theirs)), sizeof(theirs));
    (void)close(ends[0]);
    (void)close(ends[1]);
    for (int i = 0; i < LANES; i++) {
        p = take(publish);
        assert_memory_not_equal(p.private, theirs.private, KEY_LEN);
    }
}

/* Without lanes there is no stock, and the key drawn last is one that take() dropped. */
static void a_child_has_no_key_in_memory(void **state)
{
    int status = -1;
    (void)state;
    skip_without_lanes();
    fill_stock();
    assert_int_not_equal(keys_in_memory(), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(keys_in_memory() > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static struct pair taken;

static void take_one(void *arg)
{
    fill_stock();
    *(bool *)arg = gw_x25519_stock_take(publish, taken.private, taken.public);
}

/* A thread has its stock on its stack's memory. The public key stays there, and shows that. */
static void a_key_that_was_taken_is_wiped(void **state)
{
    struct own_stack stack;
    bool ok = false;
    (void)state;
    skip_without_lanes();
    own_stack_init(&stack);
    own_stack_run(&stack, take_one, &ok);
    assert_true(ok);
    assert_true(own_stack_holds(&stack, taken.public, KEY_LEN));
    assert_false(own_stack_holds(&stack, taken.private, KEY_LEN));
    own_stack_done(&stack);
}

/* With lanes or without, out of the stock or not. */
static void pairs_are_pairs(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3 * LANES; i++) {
        struct pair p = take(publish);
        check_pair(&p);
        if (i % 2)
            gw_x25519_stock_refill();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(pairs_are_pairs, set_up),
        cmocka_unit_test_setup(the_lanes_make_all_where_they_work, set_up),
        cmocka_unit_test_setup(what_cannot_be_published_is_no_key, set_up),
        cmocka_unit_test_setup(only_demand_fills_the_stock, set_up),
        cmocka_unit_test_setup(a_handshake_has_little_stack, set_up),
        cmocka_unit_test_setup(whoever_ends_begins_anew, set_up),
        cmocka_unit_test_setup(old_keys_are_not_used, set_up),
        cmocka_unit_test_setup(the_idle_have_none, set_up),
        cmocka_unit_test_setup(old_keys_are_wiped, set_up),
        cmocka_unit_test_setup(what_is_used_up_is_not_waited_for, set_up),
        cmocka_unit_test_setup(a_child_takes_none_of_its_parents, set_up),
        cmocka_unit_test_setup(a_child_has_no_key_in_memory, set_up),
        cmocka_unit_test_setup(a_key_that_was_taken_is_wiped, set_up),
    };
    if (!RAND_set_rand_method(&counting))
        return 1;
    return cmocka_run_group_tests_name("x25519_stock", tests, NULL, NULL);
}
