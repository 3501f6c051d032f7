/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run needs around it: random bytes and the time of day come from the seed, so that libssl's
 * handshakes are the same in a repetition; and every record sealed, by the gateway, by the double
 * of the kernel or by a client, is watched: a nonce is used once.
 */
#pragma once

#include <stdint.h>

void gw_watch_begin(uint64_t seed);
