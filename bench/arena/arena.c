/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/arena/arena.h"

#include "gateway/base/fd.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    SCRIPT_MAX = 4096
};

/* ---- addresses ---- */

static void set_end(struct bench_arena_end *end, unsigned space, const char *name, unsigned link,
                    uint8_t number)
{
    *end = (struct bench_arena_end){
        .space = space,
        .mac = {2, 0, 0, 0, (uint8_t)link, number}, /* of those that nobody gives out */
        .v4 = {198, 18, (uint8_t)link, number},
        .v6 = {0x20, 0x01, 0, 2, 0, 0, 0, (uint8_t)link, [15] = number},
    };
    (void)snprintf(end->name, sizeof(end->name), "%s", name);
    (void)inet_ntop(AF_INET, end->v4, end->v4_text, sizeof(end->v4_text));
    (void)inet_ntop(AF_INET6, end->v6, end->v6_text, sizeof(end->v6_text));
}

void bench_arena_foresee(const struct bench_arena_plan *plan, unsigned link,
                         struct bench_arena_link *ret)
{
    gw_require(link < plan->links && plan->links <= BENCH_ARENA_LINKS_MAX);
    gw_require(plan->link[link].near < plan->spaces && plan->link[link].far < plan->spaces);
    set_end(&ret->near, plan->link[link].near, plan->link[link].name, link, 1);
    set_end(&ret->far, plan->link[link].far, plan->link[link].name, link, 2);
}

struct sockaddr_storage bench_arena_address(const struct bench_arena_end *end, int family,
                                            uint16_t port, socklen_t *ret_len)
{
    struct sockaddr_storage s = {.ss_family = (sa_family_t)family};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&s;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&s;
    *ret_len = family == AF_INET ? sizeof(*v4) : sizeof(*v6);
    if (family == AF_INET)
        memcpy(&v4->sin_addr, end->v4, sizeof(end->v4));
    else
        memcpy(&v6->sin6_addr, end->v6, sizeof(end->v6));
    v4->sin_port = htons(port); /* at the same place in both */
    return s;
}

const char *bench_arena_mac(const struct bench_arena_end *end, char out[BENCH_ARENA_MAC_MAX])
{
    const uint8_t *m = end->mac;
    (void)snprintf(out, BENCH_ARENA_MAC_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2],
                   m[3], m[4], m[5]);
    return out;
}

/* ---- the input of ip(8) ---- */

struct script {
    char text[SCRIPT_MAX];
    size_t len;
};

static void tell(struct script *s, const char *fmt, ...) gw_printf(2, 3);
static void tell(struct script *s, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    s->len += (size_t)vsnprintf(s->text + s->len, sizeof(s->text) - s->len, fmt, args);
    va_end(args);
    gw_require(s->len < sizeof(s->text));
}

/* Both ends at once, each born in its own namespace. */
static int make_link(const struct bench_arena *arena, const struct bench_arena_link *link,
                     struct gw_error *err)
{
    static const char *const words[] = {"ip", "-batch", "-", NULL};
    char near[BENCH_ARENA_MAC_MAX], far[BENCH_ARENA_MAC_MAX];
    struct script s = {.len = 0};
    tell(&s, "link add %s address %s type veth peer name %s address %s netns /proc/%d/fd/%d\n",
         link->near.name, bench_arena_mac(&link->near, near), link->far.name,
         bench_arena_mac(&link->far, far), (int)getpid(), arena->spaces[link->far.space]);
    return bench_space_run(arena->spaces[link->near.space], words, s.text, err);
}

/* The kernel sends nothing of its own accord: it has no link-local address (`addrgenmode none`) and
 * no group to join (`arp off`). */
static int raise_end(const struct bench_arena *arena, const struct bench_arena_end *end,
                     const struct bench_arena_end *other, bool rest, struct gw_error *err)
{
    static const char *const words[] = {"ip", "-batch", "-", NULL};
    char mac[BENCH_ARENA_MAC_MAX];
    const char *name = end->name;
    struct script s = {.len = 0};
    (void)bench_arena_mac(other, mac);
    if (arena->has_v6)
        tell(&s, "link set %s addrgenmode none\n", name);
    tell(&s, "link set %s arp off up\n", name);
    tell(&s, "address add %s/24 dev %s\n", end->v4_text, name);
    tell(&s, "neighbour add %s lladdr %s dev %s nud permanent\n", other->v4_text, mac, name);
    if (rest)
        tell(&s, "route add 198.18.0.0/15 via %s dev %s\n", other->v4_text, name);
    if (arena->has_v6) {
        tell(&s, "address add %s/64 dev %s nodad\n", end->v6_text, name);
        tell(&s, "neighbour add %s lladdr %s dev %s nud permanent\n", other->v6_text, mac, name);
        if (rest)
            tell(&s, "route add 2001:2::/48 via %s dev %s\n", other->v6_text, name);
    }
    int r = bench_space_run(arena->spaces[end->space], words, s.text, err);
    return r ? r : bench_space_checksums(arena->spaces[end->space], name, err);
}

/* ---- all of it ---- */

static int make_spaces(struct bench_arena *arena, unsigned count, struct gw_error *err)
{
    gw_require(count <= BENCH_ARENA_SPACES_MAX);
    arena->home = bench_space_here(err);
    int r = GW_MIN(arena->home, 0);
    while (!r && arena->space_count < count) {
        int space = bench_space_make(err);
        if (space >= 0)
            arena->spaces[arena->space_count++] = space;
        r = GW_MIN(space, 0);
    }
    return r;
}

int bench_arena_init(struct bench_arena *arena, const struct bench_arena_plan *plan,
                     struct gw_error *err)
{
    *arena = (struct bench_arena){
        .made = true, .home = -1, .has_v6 = access("/proc/net/if_inet6", F_OK) == 0};
    int r = make_spaces(arena, plan->spaces, err);
    if (r)
        return r;
    for (unsigned i = 0; i < plan->links && !r; i++) {
        struct bench_arena_link *link = &arena->links[arena->link_count++];
        bench_arena_foresee(plan, i, link);
        r = make_link(arena, link, err);
        if (!r)
            r = raise_end(arena, &link->near, &link->far, plan->link[i].rest, err);
        if (!r)
            r = raise_end(arena, &link->far, &link->near, true, err);
    }
    return r;
}

void bench_arena_done(struct bench_arena *arena)
{
    if (arena->made)
        gw_fd_close(&arena->home);
    while (arena->space_count)
        gw_fd_close(&arena->spaces[--arena->space_count]);
}

int bench_arena_enter(const struct bench_arena *arena, unsigned space, struct gw_error *err)
{
    gw_require(space < arena->space_count);
    return bench_space_enter(arena->spaces[space], err);
}

bool bench_arena_is_in(const struct bench_arena *arena, unsigned space)
{
    gw_auto_fd here = bench_space_here(NULL);
    return here >= 0 && space < arena->space_count && bench_space_is(here, arena->spaces[space]) &&
           !bench_space_is(here, arena->home);
}
