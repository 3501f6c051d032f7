/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that can be found out before a port is opened: files, keys, kernel, processors. `check`
 * stops here; `server` goes on.
 */
#pragma once

#include "gateway/proc/heritage.h"

/*
 * Makes the TLS contexts of *h (inited) and fills h->ktls, h->standing and h->choice; tries
 * io_uring and --cpus. Logs what a person should know: warnings, engines, ring. Returns 0; negative
 * errno with *err filled.
 */
gw_must_check int gw_preflight(struct gw_heritage *h, struct gw_error *err);
