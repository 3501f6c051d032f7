/* SPDX-License-Identifier: Apache-2.0 */
/* Steps of a client that never wait, shared by the calls that do and by the runner of many. */
#pragma once

#include "tests/integration/client.h"

enum {
    SEND_CHUNK = 65536
};

/* An SSL_CTX for clients alike. */
SSL_CTX *client_context(const struct client_options *options);
/* Begins to connect, with an SSL object of `ctx`. */
void client_begin(struct client *c, SSL_CTX *ctx, const struct client_options *options);

/* Each goes as far as it can: returns the poll event it waits for; 0 when it came to its goal or
 * when c->end says that it cannot. Goals: a handshake, `until` bytes sent or received in all. */
short client_step_handshake(struct client *c);
short client_step_send(struct client *c, uint64_t until);
short client_step_receive(struct client *c, uint64_t until);
/* One line on how it stands. */
void client_describe(const struct client *c, char out[160]);
