/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session ticket of TLS 1.3 (RFC 8446 4.6.1), made by us in the form in which libssl opens it
 * again. libssl's own encodes the session four times, decodes it once and brings up its state
 * machine, which is a fifth of all that a resumed handshake takes of it. Where no algorithm of ours
 * sees the secret of which the ticket's key is made, libssl makes it.
 */
#pragma once

#include "gateway/base/attr.h"

struct gw_handshake;

/* Writes one to the output of a complete handshake, sealed as the server's next records, and notes
 * that in `ticket_sent`; nothing when there is no key for it, the peer may not pass, or its
 * certificate is too large for one. Once a handshake. Returns 0; -ENOMEM or -EIO (libcrypto
 * failed), after which the handshake is good for nothing. */
gw_must_check int gw_ticket_write(struct gw_handshake *hs);
