/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session ticket of TLS 1.3 (RFC 8446 4.6.1), made by the gateway in the form that libssl opens.
 * libssl's own code encodes the session four times, decodes it once and runs its state machine,
 * which is a fifth of its work for a resumed handshake. If none of the gateway's algorithms sees
 * the secret that the ticket's key derives from, libssl makes the ticket.
 */
#pragma once

#include "gateway/base/attr.h"

struct gw_handshake;

/* Appends a ticket to the output of a complete handshake, sealed as the server's next records, and
 * sets `ticket_sent`. Writes nothing when there is no key, the peer may not pass, or its
 * certificate is too large for a ticket. Call it once per handshake. Returns 0; -ENOMEM or -EIO
 * (libcrypto failed), after which the handshake is unusable. */
gw_must_check int gw_ticket_write(struct gw_handshake *hs);
