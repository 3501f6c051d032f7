/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A double of gateway/tls/handshake.h for those services whose clients follow a script (script.h):
 * a hundred times cheaper than cryptography, so that a run spends its time on the connection steps.
 * Services that are not said to be scripted go to the real one: the linker sends each call here
 * first (--wrap).
 */
#pragma once

#include "gateway/tls/handshake.h"

#include <stdbool.h>

/* Handshakes of this context follow scripts from now on; those of a server fail, when `mutual`,
 * unless the client has a certificate. NULL: of none. */
void gw_handshake_fake_add(const struct gw_tls_context *tls, enum gw_role role, bool mutual);
/* Tickets that were taken in the client role since. */
uint64_t gw_handshake_fake_tickets(void);
