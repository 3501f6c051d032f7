/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network namespaces joined by links (veth), for traffic that no other network may see: nothing in
 * them leads out of them. Addresses are those set aside for benchmarks, 198.18.0.0/15 (RFC 2544)
 * and 2001:2::/48 (RFC 5180). Each link has a near end (198.18.N.1, 2001:2:0:N::1) and a far one
 * (.2, ::2), N being its number, and the ends know each other's MAC, so that nobody asks for it.
 * The namespaces have no names (space.h): all of it goes with the processes that use it.
 */
#pragma once

#include "bench/arena/space.h"

#include <net/if.h>
#include <sys/socket.h>

enum {
    BENCH_ARENA_SPACES_MAX = 4,
    BENCH_ARENA_LINKS_MAX = 4,
    BENCH_ARENA_TEXT_MAX = 46, /* an address; INET6_ADDRSTRLEN */
    BENCH_ARENA_MAC_MAX = 18,
};

struct bench_arena_plan {
    unsigned spaces;
    unsigned links;
    struct {
        const char *name;   /* of its interface in both namespaces */
        unsigned near, far; /* numbers of these */
        bool rest;          /* all other addresses of the two ranges are behind the far end */
    } link[BENCH_ARENA_LINKS_MAX];
};

struct bench_arena_end {
    unsigned space;
    char name[IFNAMSIZ];
    uint8_t mac[6];
    uint8_t v4[4], v6[16];
    char v4_text[BENCH_ARENA_TEXT_MAX], v6_text[BENCH_ARENA_TEXT_MAX];
};

struct bench_arena_link {
    struct bench_arena_end near, far;
};

struct bench_arena {
    bool made;
    int home;                           /* where it was made */
    int spaces[BENCH_ARENA_SPACES_MAX]; /* descriptors, for space.h */
    unsigned space_count;
    struct bench_arena_link links[BENCH_ARENA_LINKS_MAX];
    unsigned link_count;
    bool has_v6; /* of this kernel; without it v6 addresses lead nowhere */
};

/* The ends of a link of the plan, as they will be. */
void bench_arena_foresee(const struct bench_arena_plan *plan, unsigned link,
                         struct bench_arena_link *ret);
/* Makes everything of the plan. 0, or a negative errno with *err filled; call bench_arena_done in
 * either case. */
gw_must_check int bench_arena_init(struct bench_arena *arena, const struct bench_arena_plan *plan,
                                   struct gw_error *err);
/* Lets go of it. A zeroed object is fine. */
void bench_arena_done(struct bench_arena *arena);

/* The address of an end with a port, for the calls of sockets; AF_INET or AF_INET6. */
struct sockaddr_storage bench_arena_address(const struct bench_arena_end *end, int family,
                                            uint16_t port, socklen_t *ret_len);
/* A MAC as text, in `out`. */
const char *bench_arena_mac(const struct bench_arena_end *end, char out[BENCH_ARENA_MAC_MAX]);

/* A child process goes to live in a namespace. */
gw_must_check int bench_arena_enter(const struct bench_arena *arena, unsigned space,
                                    struct gw_error *err);
/* Whether the calling thread is in that namespace, and that is not where the arena was made. */
bool bench_arena_is_in(const struct bench_arena *arena, unsigned space);
