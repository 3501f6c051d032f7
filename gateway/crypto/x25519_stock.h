/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fresh key pairs of X25519, each handed out once. Where the processor can, eight are made at once
 * (x25519_lanes.h) and kept until they are wanted, in each thread for itself, but for two seconds
 * at most: older ones are wiped, not used. A child of the process is given none of them.
 *
 * Eight keys take 27 KiB of stack, so they are made between the steps of handshakes, and only while
 * keys are in demand. A handshake that finds the stock empty makes one key, on a third of that.
 */
#pragma once

#include "gateway/crypto/x25519_lanes.h"

#include <stdbool.h>
#include <stdint.h>

/* Makes the public key of a private one, the slow way. */
typedef bool gw_x25519_publish(uint8_t private[GW_X25519_KEY_LEN], uint8_t *ret_public);

/* Before the first is taken; any number of times. False: no memory. */
bool gw_x25519_stock_begin(void);
/* Wipes what the calling thread has. */
void gw_x25519_stock_end(void);
/* Between the steps of handshakes: makes keys if none is left and the last two were taken within
 * two seconds. At other times it costs nothing. */
void gw_x25519_stock_refill(void);
/* Wipes it if it is too old by now. Returns when to come again for what is left: a time as `now_ns`
 * is one (gw_clock_ns); 0: nothing is. */
int64_t gw_x25519_stock_turn(int64_t now_ns);
/* The caller wipes the private key, also after false: no random numbers, or `publish` failed. */
bool gw_x25519_stock_take(gw_x25519_publish *publish, uint8_t ret_private[GW_X25519_KEY_LEN],
                          uint8_t ret_public[GW_X25519_KEY_LEN]);
