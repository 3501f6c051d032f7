/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/record/aead and its providers: each against all others, what they refuse, what they
 * touch, and which of them is used. */
#include "gateway/record/aead.h"

#include "gateway/record/aead_evp.h"
#include "gateway/record/aead_ipsec_mb.h"
#include "gateway/record/aead_trial.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/record_sides.h"

enum {
    MAX = GW_RECORD_PLAINTEXT_MAX + 1,
    ROOM = MAX + KTLS_TAG_LEN,
};

/* ---- what is done to each ---- */

/* Two providers of a cipher, which may be the same one: the first seals, the second opens. */
struct two {
    enum ktls_cipher cipher;
    const struct gw_aead_provider *sealer, *opener;
    struct gw_aead *seal, *open;
    uint8_t key[KTLS_KEY_MAX], nonce[KTLS_IV_LEN], aad[13];
};

static void randomize(uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)random_below(256);
}

static void run_two(void (*check)(struct two *t), struct two *t)
{
    randomize(t->key, sizeof(t->key));
    randomize(t->nonce, sizeof(t->nonce));
    randomize(t->aad, sizeof(t->aad));
    t->seal = t->sealer->create(t->cipher, t->key, true);
    t->open = t->opener->create(t->cipher, t->key, false);
    assert_true(t->seal && t->open);
    check(t);
    t->sealer->destroy(t->seal);
    t->opener->destroy(t->open);
}

static void each_two(void (*check)(struct two *t))
{
    for (int c = 0; c < KTLS_CIPHER_COUNT; c++) {
        struct two t = {.cipher = (enum ktls_cipher)c};
        struct gw_aead_figure figure;
        for (size_t i = 0; (t.sealer = gw_aead_at(t.cipher, i, &figure)); i++) {
            bool usable = figure.error == 0;
            for (size_t k = 0; (t.opener = gw_aead_at(t.cipher, k, &figure)); k++)
                if (usable && figure.error == 0)
                    run_two(check, &t);
        }
    }
}

static int seal_it(struct two *t, size_t aad_len, uint8_t *data, size_t len)
{
    return t->sealer->seal(t->seal, t->nonce, t->aad, aad_len, data, len);
}

static int open_it(struct two *t, size_t aad_len, uint8_t *data, size_t len)
{
    return t->opener->open(t->open, t->nonce, t->aad, aad_len, data, len);
}

/* ---- what they agree on ---- */

static size_t random_length(size_t i)
{
    static const size_t edges[] = {0, 1, 15, 16, 17, 255, 256, 257, MAX - 1, MAX};
    if (i < GW_ARRAY_SIZE(edges))
        return edges[i];
    return random_below(i % 4 ? 600 : MAX + 1);
}

/* At every place in a cache line; with all lengths of additional data that records have. */
static void check_agreement(struct two *t)
{
    static _Alignas(64) uint8_t room[64 + ROOM], content[MAX];
    static const size_t aad_lengths[] = {5, 13};
    for (size_t i = 0; i < 300; i++) {
        size_t len = random_length(i), aad_len = aad_lengths[i % 2];
        uint8_t *data = room + i % 64;
        randomize(content, GW_MIN(len, (size_t)600));
        randomize(t->nonce, sizeof(t->nonce));
        memcpy(data, content, len);
        assert_int_equal(seal_it(t, aad_len, data, len), 0);
        if (len >= 16)
            assert_memory_not_equal(data, content, len);
        assert_int_equal(open_it(t, aad_len, data, len), 0);
        assert_memory_equal(data, content, len);
    }
}

static void providers_agree(void **state)
{
    (void)state;
    each_two(check_agreement);
}

static void check_rekey(struct two *t)
{
    uint8_t data[100 + KTLS_TAG_LEN] = {0};
    for (int generation = 0; generation < 3; generation++) {
        randomize(t->key, sizeof(t->key));
        assert_int_equal(t->sealer->rekey(t->seal, t->key), 0);
        memset(data, 7, 100);
        assert_int_equal(seal_it(t, 5, data, 100), 0);
        assert_int_equal(open_it(t, 5, data, 100), -EBADMSG);
        assert_int_equal(t->opener->rekey(t->open, t->key), 0);
        memset(data, 7, 100);
        assert_int_equal(seal_it(t, 5, data, 100), 0);
        assert_int_equal(open_it(t, 5, data, 100), 0);
        assert_int_equal(data[0] + data[99], 14);
    }
}

static void keys_change_in_place(void **state)
{
    (void)state;
    each_two(check_rekey);
}

/* ---- what they refuse ---- */

/* Opens a sealed copy with one bit of `what` flipped. */
static void assert_refused(struct two *t, const uint8_t *sealed, size_t len, uint8_t *what)
{
    uint8_t data[64 + KTLS_TAG_LEN];
    uint8_t before = *what;
    *what ^= (uint8_t)(1 << random_below(8));
    memcpy(data, sealed, len + KTLS_TAG_LEN);
    assert_int_equal(open_it(t, 13, data, len), -EBADMSG);
    assert_true(all_zero(data, len));
    *what = before;
}

static void check_refusal(struct two *t)
{
    static const size_t lens[] = {0, 1, 16, 17, 64};
    for (size_t i = 0; i < GW_ARRAY_SIZE(lens); i++) {
        uint8_t sealed[64 + KTLS_TAG_LEN];
        size_t len = lens[i];
        randomize(sealed, len);
        assert_int_equal(seal_it(t, 13, sealed, len), 0);
        for (size_t at = 0; at < len + KTLS_TAG_LEN; at++)
            assert_refused(t, sealed, len, &sealed[at]);
        for (size_t at = 0; at < sizeof(t->nonce); at++)
            assert_refused(t, sealed, len, &t->nonce[at]);
        for (size_t at = 0; at < sizeof(t->aad); at++)
            assert_refused(t, sealed, len, &t->aad[at]);
        assert_int_equal(open_it(t, 13, sealed, len), 0);
    }
}

static void changes_are_refused(void **state)
{
    (void)state;
    each_two(check_refusal);
}

/* ---- what they touch ---- */

static uint8_t *guarded_end(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = 8 * page;
    uint8_t *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(p, MAP_FAILED);
    assert_int_equal(mprotect(p + size - page, page, PROT_NONE), 0);
    return p + size - page;
}

/* All that is given lies directly before a page that must not be touched; what lies before the data
 * stays. */
static void check_bounds(struct two *t)
{
    static uint8_t *ends[4];
    uint8_t before[64];
    memset(before, 0x5a, sizeof(before));
    for (size_t i = 0; i < GW_ARRAY_SIZE(ends); i++)
        ends[i] = ends[i] ? ends[i] : guarded_end();
    size_t key_len = t->cipher == KTLS_AES_128_GCM ? 16 : 32;
    uint8_t *key = memcpy(ends[0] - key_len, t->key, key_len);
    assert_int_equal(t->sealer->rekey(t->seal, key), 0);
    assert_int_equal(t->opener->rekey(t->open, key), 0);
    for (size_t len = 0; len < 600; len++) {
        size_t aad_len = len % 2 ? 5 : 13;
        uint8_t *nonce = memcpy(ends[1] - KTLS_IV_LEN, t->nonce, KTLS_IV_LEN);
        uint8_t *aad = memcpy(ends[2] - aad_len, t->aad, aad_len);
        uint8_t *data = ends[3] - KTLS_TAG_LEN - len;
        memset(data, (int)len, len);
        memcpy(data - sizeof(before), before, sizeof(before));
        assert_int_equal(t->sealer->seal(t->seal, nonce, aad, aad_len, data, len), 0);
        assert_int_equal(t->opener->open(t->open, nonce, aad, aad_len, data, len), 0);
        assert_memory_equal(data - sizeof(before), before, sizeof(before));
    }
}

static void nothing_else_is_touched(void **state)
{
    (void)state;
    each_two(check_bounds);
}

/* ---- allocations ---- */

/* While this is set, what is allocated lies directly before a page that must not be touched. */
static bool guarding;
static const void *guarded[64];
static size_t guarded_count;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    if (!guarding || guarded_count == GW_ARRAY_SIZE(guarded))
        return __real_calloc(count, size);
    uint8_t *p = guarded_end() - ((count * size + 15) & ~(size_t)15);
    guarded[guarded_count++] = p;
    return p;
}

static bool is_guarded(const void *p)
{
    for (size_t i = 0; i < guarded_count; i++)
        if (guarded[i] == p)
            return true;
    return false;
}

/* What malloc gets back, looked at before it does. */
void __real_free(void *p);
void __wrap_free(void *p);
static const void *watched;
static size_t watched_len;
static bool watched_came, watched_was_zero;

void __wrap_free(void *p)
{
    if (p && p == watched) {
        watched_came = true;
        watched_was_zero = all_zero(p, watched_len);
    }
    if (!is_guarded(p))
        __real_free(p);
}

/* Nor what lies beyond the object that holds the key. */
static void nothing_beyond_the_key_is_read(void **state)
{
    (void)state;
    guarding = true;
    each_two(check_refusal);
    guarding = false;
    assert_int_not_equal(guarded_count, 0);
}

/* Of what libcrypto keeps to itself the test knows nothing. */
static void keys_are_wiped(void **state)
{
    (void)state;
    static const uint8_t key[KTLS_KEY_MAX] = {1, 2, 3};
    for (int c = 0; c < KTLS_CIPHER_COUNT; c++) {
        struct gw_aead_figure figure;
        const struct gw_aead_provider *p = gw_aead_at((enum ktls_cipher)c, 0, &figure);
        if (figure.error)
            continue;
        struct gw_aead *aead = p->create((enum ktls_cipher)c, key, true);
        assert_non_null(aead);
        watched = aead;
        watched_len = c == KTLS_CHACHA20_POLY1305 ? KTLS_KEY_MAX : 1000;
        watched_came = false;
        assert_false(all_zero(aead, watched_len));
        p->destroy(aead);
        assert_true(watched_came);
        assert_true(watched_was_zero);
        p->destroy(NULL);
    }
    watched = NULL;
}

/* ---- the self-test ---- */

/* libcrypto's with a fault. */
static enum fault {
    FAULT_NONE,
    FAULT_FIRST_KEY,
    FAULT_CIPHERTEXT,
    FAULT_TAG,
    FAULT_AAD_UNREAD,
    FAULT_OPENS_ANYTHING,
    FAULT_REFUSES_ALL,
    FAULT_UNWIPED,
    FAULT_REKEY,
    FAULT_LONG,
    FAULT_COUNT
} fault;

static bool any_supports(enum ktls_cipher cipher)
{
    (void)cipher;
    return true;
}

static struct gw_aead *faulty_create(enum ktls_cipher cipher, const uint8_t *key, bool seal)
{
    uint8_t used[KTLS_KEY_MAX] = {0};
    memcpy(used, key, cipher == KTLS_AES_128_GCM ? 16 : 32);
    used[15] ^= fault == FAULT_FIRST_KEY;
    return gw_aead_evp.create(cipher, used, seal);
}

static int faulty_rekey(struct gw_aead *aead, const uint8_t *key)
{
    return fault == FAULT_REKEY ? 0 : gw_aead_evp.rekey(aead, key);
}

static int faulty_seal(struct gw_aead *aead, const uint8_t nonce[KTLS_IV_LEN], const uint8_t *aad,
                       size_t aad_len, uint8_t *data, size_t len)
{
    if (fault == FAULT_AAD_UNREAD)
        aad_len = 5;
    int r = gw_aead_evp.seal(aead, nonce, aad, aad_len, data, len);
    if ((fault == FAULT_CIPHERTEXT && len == 17) ||
        (fault == FAULT_LONG && len == GW_RECORD_PLAINTEXT_MAX))
        data[len - 1] ^= 1;
    if (fault == FAULT_TAG && len == 0)
        data[15] ^= 0x80;
    return r;
}

static int faulty_open(struct gw_aead *aead, const uint8_t nonce[KTLS_IV_LEN], const uint8_t *aad,
                       size_t aad_len, uint8_t *data, size_t len)
{
    uint8_t first = len ? data[0] : 0;
    int r = gw_aead_evp.open(aead, nonce, aad, aad_len, data, len);
    if (r && fault == FAULT_UNWIPED && len)
        data[0] = first | 1;
    if (fault == FAULT_REFUSES_ALL)
        return -EBADMSG;
    return fault == FAULT_OPENS_ANYTHING ? 0 : r;
}

static void self_test_finds_faults(void **state)
{
    (void)state;
    struct gw_aead_provider faulty = gw_aead_evp;
    faulty.supports = any_supports;
    faulty.create = faulty_create;
    faulty.rekey = faulty_rekey;
    faulty.seal = faulty_seal;
    faulty.open = faulty_open;
    for (int c = 0; c < KTLS_CIPHER_COUNT; c++)
        for (int f = FAULT_NONE; f < FAULT_COUNT; f++) {
            fault = (enum fault)f;
            int r = gw_aead_trial_check(&faulty, &gw_aead_evp, (enum ktls_cipher)c);
            if (r != (f == FAULT_NONE ? 0 : -EBADMSG))
                fail_msg("cipher %d, fault %d: %d", c, f, r);
        }
}

/* ---- which one ---- */

static void choice_asks_for_ten_percent(void **state)
{
    (void)state;
    static const struct {
        struct gw_aead_figure one, plain;
        bool prefers;
    } rows[] = {
        {{0, 900, 100}, {0, 1000, 100}, true},
        {{0, 901, 100}, {0, 1000, 100}, false},
        {{0, 1000, 90}, {0, 1000, 100}, true},
        {{0, 1000, 91}, {0, 1000, 100}, false},
        {{0, 500, 111}, {0, 1000, 100}, true},
        {{0, 500, 112}, {0, 1000, 100}, false}, /* 100 is less than 90 % of it */
        {{0, 1112, 50}, {0, 1000, 100}, false},
        {{0, 2000, 200}, {0, 1000, 100}, false},
        {{-EBADMSG, 1, 1}, {0, 1000, 100}, false},
        {{0, 1, 1}, {-ENOMEM, 0, 0}, false},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++)
        if (gw_aead_trial_prefers(&rows[i].one, &rows[i].plain) != rows[i].prefers)
            fail_msg("row %zu", i);
}

static void choice_follows_figures(void **state)
{
    (void)state;
    int there = gw_aead_ipsec_mb_init();
    for (int c = 0; c < KTLS_CIPHER_COUNT; c++) {
        enum ktls_cipher cipher = (enum ktls_cipher)c;
        struct gw_aead_figure one, plain_one;
        const struct gw_aead_provider *first = gw_aead_at(cipher, 0, &one);
        const struct gw_aead_provider *last = gw_aead_at(cipher, 1, &plain_one);
        assert_null(gw_aead_at(cipher, 2, &plain_one));
        assert_string_equal(first->name, "ipsec_mb");
        assert_ptr_equal(last, &gw_aead_evp);
        assert_int_equal(one.error, there);
        assert_int_equal(first->supports(cipher), there == 0);
        assert_int_equal(plain_one.error, 0);
        assert_true(plain_one.full_ns > 0 && plain_one.small_ns > 0);
        bool prefers = gw_aead_trial_prefers(&one, &plain_one);
        assert_ptr_equal(gw_aead_choose(cipher), prefers ? first : last);
        assert_int_equal(gw_aead_mb_per_s(&plain_one), 32768000 / plain_one.full_ns);
    }
}

static void is_told_in_a_line(void **state)
{
    (void)state;
    char text[GW_AEAD_TEXT_MAX], piece[64];
    gw_aead_describe(text);
    assert_null(strchr(text, '\n'));
    assert_true(strlen(text) < sizeof(text) - 1);
    for (int c = 0; c < KTLS_CIPHER_COUNT; c++) {
        enum ktls_cipher cipher = (enum ktls_cipher)c;
        (void)snprintf(piece, sizeof(piece), "%s by %s ", ktls_cipher_name(cipher),
                       gw_aead_choose(cipher)->name);
        if (!strstr(text, piece))
            fail_msg("\"%s\" is not in \"%s\"", piece, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(providers_agree),
        cmocka_unit_test(keys_change_in_place),
        cmocka_unit_test(changes_are_refused),
        cmocka_unit_test(nothing_else_is_touched),
        cmocka_unit_test(nothing_beyond_the_key_is_read),
        cmocka_unit_test(keys_are_wiped),
        cmocka_unit_test(self_test_finds_faults),
        cmocka_unit_test(choice_asks_for_ten_percent),
        cmocka_unit_test(choice_follows_figures),
        cmocka_unit_test(is_told_in_a_line),
    };
    return cmocka_run_group_tests_name("aead", tests, setup, NULL);
}
