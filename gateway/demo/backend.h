/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The demo's HTTP backend, in plaintext on loopback, as a child process.
 *   GET /          a greeting
 *   GET /bytes/N   N pseudo-random bytes, at most 16 GiB, the same each time
 *   PUT or POST    reads the body, responds with its length and SHA-256
 */
#pragma once

#include "gateway/base/error.h"

#include <stdint.h>
#include <sys/types.h>

struct gw_demo_backend {
    pid_t pid;
    int leash_fd; /* the child ends when this closes, including when this process is killed */
    uint16_t port;
};

/* Returns 0; -EIO with *err filled. */
gw_must_check int gw_demo_backend_start(struct gw_demo_backend *ret, struct gw_error *err);
void gw_demo_backend_stop(struct gw_demo_backend *backend);
