/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/x25519_stock.h"

#include "gateway/base/wipe.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>

enum {
    LANES = GW_X25519_LANES,
    KEY_LEN = GW_X25519_KEY_LEN
};

struct stock {
    uint8_t private[LANES][KEY_LEN];
    uint8_t public[LANES][KEY_LEN];
    unsigned left;
    bool compared; /* the lanes make what they should … */
    bool differed; /* … or do not, and are left alone */
};

static _Thread_local struct stock stock;
static pthread_once_t forks = PTHREAD_ONCE_INIT;

static void empty(void)
{
    gw_wipe_object(&stock);
}

static void watch_forks(void)
{
    (void)pthread_atfork(NULL, NULL, empty);
}

void gw_x25519_stock_begin(void)
{
    (void)pthread_once(&forks, watch_forks);
}

static bool compare(gw_x25519_publish *publish)
{
    uint8_t public[KEY_LEN];
    for (unsigned i = 0; i < LANES; i++)
        if (!publish(stock.private[i], public) || memcmp(public, stock.public[i], KEY_LEN) != 0)
            return false;
    return true;
}

static bool fill(gw_x25519_publish *publish)
{
    if (RAND_priv_bytes(&stock.private[0][0], sizeof(stock.private)) != 1)
        return false;
    gw_x25519_lanes(stock.public, stock.private);
    if (!stock.compared && !compare(publish)) {
        empty();
        stock.differed = true;
        return false;
    }
    stock.compared = true;
    stock.left = LANES;
    return true;
}

static bool take(gw_x25519_publish *publish, uint8_t ret_private[KEY_LEN],
                 uint8_t ret_public[KEY_LEN])
{
    if (!gw_x25519_lanes_work() || stock.differed || (stock.left == 0 && !fill(publish)))
        return false;
    stock.left--;
    memcpy(ret_private, stock.private[stock.left], KEY_LEN);
    memcpy(ret_public, stock.public[stock.left], KEY_LEN);
    gw_wipe(stock.private[stock.left], KEY_LEN);
    return true;
}

bool gw_x25519_stock_take(gw_x25519_publish *publish, uint8_t ret_private[KEY_LEN],
                          uint8_t ret_public[KEY_LEN])
{
    return take(publish, ret_private, ret_public) ||
           (RAND_priv_bytes(ret_private, KEY_LEN) == 1 && publish(ret_private, ret_public));
}
