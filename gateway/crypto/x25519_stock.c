/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/crypto/x25519_stock.h"

#include "gateway/base/clock.h"
#include "gateway/base/wipe.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>

enum {
    LANES = GW_X25519_LANES,
    KEY_LEN = GW_X25519_KEY_LEN
};

/* The maximum age of a key: an older one might be read from memory long before its connection. */
#define LIFE_NS (2 * GW_NS_PER_SEC)

struct stock {
    int64_t due_ns; /* when the rest is wiped; 0: there is none */
    uint8_t private[LANES][KEY_LEN];
    uint8_t public[LANES][KEY_LEN];
    unsigned left;
};

/* The state that decides about a refill. */
struct demand {
    int64_t taken_ns; /* when the last key was taken */
    bool low;         /* none is left, and another is likely to be needed soon */
};

static _Thread_local struct stock stock;
static _Thread_local struct demand demand;
static pthread_once_t forks = PTHREAD_ONCE_INIT;
static bool forks_watched;

static void empty(void)
{
    gw_wipe_object(&stock);
}

void gw_x25519_stock_end(void)
{
    demand = (struct demand){0};
    empty();
}

static void watch_forks(void)
{
    forks_watched = pthread_atfork(NULL, NULL, gw_x25519_stock_end) == 0;
}

bool gw_x25519_stock_begin(void)
{
    return pthread_once(&forks, watch_forks) == 0 && forks_watched;
}

/* Uses much stack: eight keys under way, and their traces. */
void gw_x25519_stock_refill(void)
{
    if (!demand.low)
        return;
    demand.low = false;
    if (stock.left > 0 || RAND_priv_bytes(&stock.private[0][0], sizeof(stock.private)) != 1)
        return;
    gw_x25519_lanes_keys(stock.public, stock.private);
    stock.left = LANES;
    stock.due_ns = gw_clock_ns() + LIFE_NS;
}

int64_t gw_x25519_stock_turn(int64_t now_ns)
{
    if (stock.due_ns && now_ns >= stock.due_ns)
        empty();
    return stock.due_ns;
}

/* In the ladder the public key is the secret with the base point (RFC 7748 6.1). */
static bool make_one(gw_x25519_publish *publish, uint8_t ret_private[KEY_LEN],
                     uint8_t ret_public[KEY_LEN])
{
    static const uint8_t base[KEY_LEN] = {9};
    if (RAND_priv_bytes(ret_private, KEY_LEN) != 1)
        return false;
    if (gw_x25519_ladder_works())
        return gw_x25519_lanes_secret(ret_public, ret_private, base);
    return publish(ret_private, ret_public);
}

static void hand_out(uint8_t ret_private[KEY_LEN], uint8_t ret_public[KEY_LEN])
{
    stock.left--;
    memcpy(ret_private, stock.private[stock.left], KEY_LEN);
    memcpy(ret_public, stock.public[stock.left], KEY_LEN);
    gw_wipe(stock.private[stock.left], KEY_LEN);
    if (stock.left == 0)
        stock.due_ns = 0;
}

static bool take(gw_x25519_publish *publish, uint8_t ret_private[KEY_LEN],
                 uint8_t ret_public[KEY_LEN])
{
    bool made = true;
    int64_t now = gw_clock_ns();
    (void)gw_x25519_stock_turn(now);
    if (stock.left > 0)
        hand_out(ret_private, ret_public);
    else
        made = make_one(publish, ret_private, ret_public);
    demand.low = stock.left == 0 && demand.taken_ns && now < demand.taken_ns + LIFE_NS;
    demand.taken_ns = now;
    return made;
}

bool gw_x25519_stock_take(gw_x25519_publish *publish, uint8_t ret_private[KEY_LEN],
                          uint8_t ret_public[KEY_LEN])
{
    if (gw_x25519_lanes_work())
        return take(publish, ret_private, ret_public);
    return make_one(publish, ret_private, ret_public);
}
