/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A BIO over a socket that can shape what OpenSSL sends: hold bytes back so that several flights
 * leave as one piece, or cut everything into small odd pieces, each a packet of its own.
 */
#pragma once

#include <openssl/bio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wire {
    int fd;
    bool hold; /* keep what is written */
    bool chop; /* send 1, 2, 3, … 7, 1, … bytes at a time */
    unsigned chopped;
    uint8_t *held;
    size_t held_len;
    size_t held_room;
};

/* A BIO over *wire, which must outlive it; the descriptor stays the caller's. */
BIO *wire_bio(struct wire *wire);
/* Ends holding and sends what was held, waiting where needed; false when the socket failed. */
bool wire_release(struct wire *wire);
void wire_done(struct wire *wire);
