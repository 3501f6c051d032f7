/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/x25519_stock.h"

#include "gateway/base/log.h"
#include "gateway/base/wipe.h"

#include <openssl/err.h>
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
static bool forks_watched;

static void empty(void)
{
    gw_wipe_object(&stock);
}

static void watch_forks(void)
{
    forks_watched = pthread_atfork(NULL, NULL, empty) == 0;
}

bool gw_x25519_stock_begin(void)
{
    return pthread_once(&forks, watch_forks) == 0 && forks_watched;
}

void gw_x25519_stock_end(void)
{
    empty();
}

/* False: they differ, or `publish` had no memory, and the next ones are compared again. */
static bool compare(gw_x25519_publish *publish)
{
    uint8_t public[KEY_LEN];
    for (unsigned i = 0; i < LANES && !stock.differed; i++) {
        if (!publish(stock.private[i], public))
            return false;
        stock.differed = memcmp(public, stock.public[i], KEY_LEN) != 0;
    }
    if (stock.differed)
        gw_log(GW_LOG_ERROR,
               "X25519: eight keys made at once are not what libcrypto makes of them; "
               "each is made for itself from now on");
    return !stock.differed;
}

static bool fill(gw_x25519_publish *publish)
{
    if (RAND_priv_bytes(&stock.private[0][0], sizeof(stock.private)) != 1)
        return false;
    gw_x25519_lanes_keys(stock.public, stock.private);
    stock.compared = stock.compared || compare(publish);
    if (stock.compared)
        stock.left = LANES;
    else
        gw_wipe(stock.private, sizeof(stock.private));
    return stock.compared;
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

/* What went wrong in vain leaves no error in the queue, by which libssl would take the handshake
 * for a failed one. */
bool gw_x25519_stock_take(gw_x25519_publish *publish, uint8_t ret_private[KEY_LEN],
                          uint8_t ret_public[KEY_LEN])
{
    (void)ERR_set_mark();
    bool taken = take(publish, ret_private, ret_public);
    (void)ERR_pop_to_mark();
    return taken ||
           (RAND_priv_bytes(ret_private, KEY_LEN) == 1 && publish(ret_private, ret_public));
}
