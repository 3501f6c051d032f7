/* SPDX-License-Identifier: Apache-2.0 */
#define OPENSSL_SUPPRESS_DEPRECATED /* RAND_METHOD: the one way to give libssl its random bytes */
#include "tests/model/watch.h"

#include "gateway/record/record.h"

#include <limits.h>
#include <openssl/rand.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <cmocka.h>

enum {
    KEYS = 1 << 16, /* remembered; far more than are in use at a time */
};

static struct {
    uint64_t key; /* a hash of key and IV */
    uint64_t next;
} watched[KEYS];

__typeof__(gw_record_seal) __wrap_gw_record_seal;
__typeof__(gw_record_seal) __real_gw_record_seal;

static uint64_t fingerprint(const struct ktls_keys *keys)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < sizeof(keys->key); i++)
        hash = (hash ^ keys->key[i]) * 0x100000001b3;
    for (size_t i = 0; i < sizeof(keys->iv); i++)
        hash = (hash ^ keys->iv[i]) * 0x100000001b3;
    return hash;
}

/* Records are sealed in the order of their nonces, none left out and none twice, whichever engine
 * does it and in whatever hands the key is. */
int __wrap_gw_record_seal(struct gw_record *rec, uint8_t type, uint8_t *payload, size_t len,
                          uint8_t **ret_start, size_t *ret_len)
{
    const struct ktls_keys *keys = &rec->tx.keys;
    uint64_t nonce = keys->suite->explicit_nonce_len ? keys->explicit_nonce : keys->seq;
    uint64_t key = fingerprint(keys);
    int error = __real_gw_record_seal(rec, type, payload, len, ret_start, ret_len);
    if (error)
        return error;
    unsigned at = (unsigned)(key % KEYS);
    if (watched[at].key == key && watched[at].next != nonce)
        fail_msg("nonce %llu where %llu is next", (unsigned long long)nonce,
                 (unsigned long long)watched[at].next);
    watched[at].key = key;
    watched[at].next = nonce + 1;
    return 0;
}

/* ---- random bytes of libcrypto ---- */

static uint64_t entropy;

static int random_bytes(unsigned char *out, int len)
{
    for (int i = 0; i < len; i++) {
        entropy = entropy * 6364136223846793005 + 1442695040888963407;
        out[i] = (unsigned char)(entropy >> 56);
    }
    return 1;
}

static int random_status(void)
{
    return 1;
}

/* ---- calls of the C library that differ in each run ---- */

ssize_t getrandom(void *out, size_t len, unsigned flags)
{
    (void)flags;
    assert_true(len <= INT_MAX);
    (void)random_bytes(out, (int)len);
    return (ssize_t)len;
}

/* Dates of certificates change the lengths of signatures over them, and so a whole run. */
time_t time(time_t *ret)
{
    enum {
        SOME_DAY = 1800000000
    };
    if (ret)
        *ret = SOME_DAY;
    return SOME_DAY;
}

void gw_watch_begin(uint64_t seed)
{
    static const RAND_METHOD method = {
        .bytes = random_bytes,
        .pseudorand = random_bytes,
        .status = random_status,
    };
    entropy = seed;
    memset(watched, 0, sizeof(watched));
    assert_int_equal(RAND_set_rand_method(&method), 1);
}
