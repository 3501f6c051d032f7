/* SPDX-License-Identifier: Apache-2.0 */
/* A test program that is ahead of its time, so that nobody has to wait for a certificate, a CRL or
 * a ticket to expire: whoever asks time(2) or gettimeofday(2) in it, libcrypto too, is told the
 * time that will be. Naming the variable is enough. */
#pragma once

#include <time.h>

extern time_t test_ahead; /* seconds */
