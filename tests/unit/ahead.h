/* SPDX-License-Identifier: Apache-2.0 */
/* Moves the clock of a test program ahead, so that it need not wait for a certificate, a CRL or a
 * ticket to expire: time(2) and gettimeofday(2) in it, also in libcrypto, return the future time.
 * Naming the variable is enough. */
#pragma once

#include <time.h>

extern time_t test_ahead; /* seconds */
