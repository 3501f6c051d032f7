/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client that, once its handshake is done, sends records made by hand: right keys, right sequence
 * numbers, and whatever else. It receives as any client does.
 */
#pragma once

#include "ktlsinstall.h"
#include "tests/integration/client.h"

struct forge {
    struct client client;
    struct ktls_keys keys; /* of what it sends */
    int warned;            /* the last alert of level warning that came; -1: none */
};

/* Connects; asserts that the handshake is done. */
void forge_connect(struct forge *f, uint16_t port, int version);
/* One record, sealed as it should be; `pad`: TLS 1.3 only. */
void forge_send(struct forge *f, uint8_t type, const void *data, size_t len, size_t pad);
/* The next `len` bytes of the stream client.work.up_seed, in one record: at most 16384. */
void forge_send_data(struct forge *f, size_t len);
/* Like forge_send_data, with one bit changed after the header, and cut to `cut` bytes; 0: all. */
void forge_send_damaged(struct forge *f, size_t len, uint8_t flip, size_t cut);
/* Bytes as they are. */
void forge_send_raw(struct forge *f, const void *data, size_t len);
