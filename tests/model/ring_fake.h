/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A double of gateway/ring/ring.h for tests: sockets are byte queues in memory, operations complete
 * in seeded random order, with short transfers, missing buffers and cancels that come late. The
 * same seed gives the same run.
 *
 * What the real kernel promises is checked here: a descriptor is closed once and not with
 * operations on it, at most one operation per token, memory of an operation in flight is not given
 * back, a completion after a cancel still comes.
 */
#pragma once

#include "gateway/ring/ring.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    GW_FAKE_REFUSES_REKEY = ENOKEY, /* of nothing else */
};

struct gw_fake_config {
    uint64_t seed;
    uint32_t max_buffers;
    unsigned no_buffer_percent;    /* buffers that are not there though there are some */
    unsigned no_socket_percent;    /* sockets that cannot be made: no descriptor, no memory */
    bool kernel;                   /* kernel_fake.h runs records */
    bool rekeys;                   /* the kernel can change keys */
    unsigned refuse_percent;       /* how often it refuses to attach or to take the first keys */
    unsigned refuse_rekey_percent; /* how often it refuses later keys */
    bool prompt;                   /* what can complete does so at once; in random order still */
    unsigned sockets;              /* at a time, for a quicker run; 0: many */
    bool splice_loses; /* a record that finds too little room in a pipe loses its rest */
    /* The gateway connects `fd`: 0 to accept, a negative errno to fail, 1 to never answer. */
    int (*on_connect)(void *arg, int fd);
    /* The gateway closed `fd`; `reset`: with RST. */
    void (*on_close)(void *arg, int fd, bool reset);
    /* The kernel refused the next key of a direction; NULL: nobody asks. */
    void (*on_refused)(void *arg, int fd, int direction);
    void *arg;
};

struct gw_ring *gw_fake_new(const struct gw_fake_config *config);
/* Asserts that nothing is in flight and every buffer came back. */
void gw_fake_free(struct gw_ring *ring);
/* Asserts what gw_fake_free does, then restarts with this seed, which is cheaper than a new ring.
 */
void gw_fake_again(struct gw_ring *ring, uint64_t seed);
/* How often buffers are not there though there are some. */
void gw_fake_set_scarce(struct gw_ring *ring, unsigned percent);
/* A multishot poll ends each time that it reports something. */
void gw_fake_set_polls_once(struct gw_ring *ring, bool once);
/* What every send of the kernel's records ends with, a negative errno; 0: as usual. */
void gw_fake_set_send_error(struct gw_ring *ring, int error);

/* A connected socket of the gateway's, as accept would return it. */
int gw_fake_accept(struct gw_ring *ring);

/* The peer's side of a socket. */
void gw_fake_peer_send(struct gw_ring *ring, int fd, const void *data, size_t len);
void gw_fake_peer_fin(struct gw_ring *ring, int fd);
void gw_fake_peer_reset(struct gw_ring *ring, int fd);
/* Takes up to cap bytes of what the gateway sent; the gateway can have at most `window` unread. */
size_t gw_fake_peer_receive(struct gw_ring *ring, int fd, void *data, size_t cap);
/* The gateway sent FIN (shutdown) and all before it was received. */
bool gw_fake_peer_saw_fin(struct gw_ring *ring, int fd);
/* The peer is done with it; the number may be used again once the gateway closed it too. */
void gw_fake_peer_release(struct gw_ring *ring, int fd);
/* Whether this fd is open on the gateway's side. */
bool gw_fake_is_open(struct gw_ring *ring, int fd);

/* Records that the kernel sealed under the key in use; 0 where it has none. */
uint64_t gw_fake_sealed(struct gw_ring *ring, int fd);

unsigned gw_fake_in_flight(const struct gw_ring *ring);
unsigned gw_fake_open_sockets(const struct gw_ring *ring);
/* Completions of standing receives that continued, and ends that these did not report. */
uint64_t gw_fake_stood(const struct gw_ring *ring);
uint64_t gw_fake_hidden(const struct gw_ring *ring);
uint64_t gw_fake_events(const struct gw_ring *ring); /* completions delivered */
uint64_t gw_fake_random(struct gw_ring *ring);       /* the run's own random numbers */
