/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers of libcrypto that are the same in each run of an input, so that a handshake that
 * was found to fail fails again. For fuzz targets only. */
#pragma once

/* From now on all libcrypto contexts of this process get them; starts over. */
void fixed_random_start(void);
