/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fresh key pairs of X25519, each handed out once. On suitable processors eight are made at once
 * (x25519_lanes.h). Each thread keeps its own until they are needed, for at most two seconds: older
 * ones are wiped, not used. A child process gets none.
 *
 * Eight keys take 27 KiB of stack, so they are made between the steps of handshakes, and only while
 * keys are in demand. A handshake that finds the stock empty makes one key, with a third of that.
 */
#pragma once

#include "gateway/crypto/x25519_lanes.h"

#include <stdbool.h>
#include <stdint.h>

/* Makes the public key of a private one, without the lanes. */
typedef bool gw_x25519_publish(uint8_t private[GW_X25519_KEY_LEN], uint8_t *ret_public);

/* Call it before the first key is taken; repeated calls are allowed. False: no memory. */
bool gw_x25519_stock_begin(void);
/* Wipes the calling thread's keys. */
void gw_x25519_stock_end(void);
/* Call it between the steps of handshakes: makes keys if none is left and the last two were taken
 * within two seconds. Otherwise it costs nothing. */
void gw_x25519_stock_refill(void);
/* Wipes keys that are too old. Returns when to call it next, on the clock of `now_ns`
 * (gw_clock_ns); 0: no keys are left. */
int64_t gw_x25519_stock_turn(int64_t now_ns);
/* Takes a key pair. False: no random numbers, or `publish` failed. The caller wipes the private key
 * in either case. */
bool gw_x25519_stock_take(gw_x25519_publish *publish, uint8_t ret_private[GW_X25519_KEY_LEN],
                          uint8_t ret_public[GW_X25519_KEY_LEN]);
