/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What most tests stand on: one backend, one gateway of the server role before it, and the steps of
 * a client that behaves. Each test gets them anew.
 */
#pragma once

#include "tests/integration/backend.h"
#include "tests/integration/client.h"

enum {
    STAGE_SEED = 7 /* of the streams of stage_join, both ways */
};

extern struct backend *backend;
extern struct gateway *gateway; /* stays where it was when it is stopped */

/* cmocka's set-up of a test: a backend that echoes, or does what `plan` says; 0. */
int stage_start(void **state);
int stage_start_with(const struct backend_plan *plan);
/* Its tear-down: whatever runs goes. */
int stage_stop(void **state);
#define STAGED(name) cmocka_unit_test_setup_teardown(name, stage_start, stage_stop)

/* Starts the gateway before the backend, which is its target. */
void stage_serve(const struct gateway_options *options);
/* The process of its only worker. */
pid_t stage_worker(void);

/* A client of the gateway that shows the certificate of `identity`. */
struct client_options stage_client(enum identity identity, int version);
/* A handshake with the gateway, whatever port `options` say (NULL: none), asserting that it is
 * done. */
void stage_join(struct client *c, const struct client_options *options);
/* The next bytes of the stream, there and back. */
void stage_echo(struct client *c, uint64_t bytes);
/* close_notify from both sides, then closes. */
void stage_leave(struct client *c);
