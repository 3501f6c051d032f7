/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All checks that need no open port: files, keys, kernel, processors. `check` stops here; `server`
 * continues.
 */
#pragma once

#include "gateway/proc/heritage.h"

/*
 * Makes the TLS contexts of *h (initialized) and fills h->ktls, h->standing and h->choice; tries
 * io_uring and --cpus. Logs warnings, engines and ring. Returns 0, or a negative errno with *err
 * filled.
 */
gw_must_check int gw_preflight(struct gw_heritage *h, struct gw_error *err);
