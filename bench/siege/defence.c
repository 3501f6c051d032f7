/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/siege/defence.h"

#include "gateway/base/fd.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const bench_defence_words[BENCH_DEFENCES + 1] = {
    "none", "cookies", "always", "limit", "synproxy", "both", NULL};

static const struct bench_defence defences[BENCH_DEFENCES] = {
    {.about = "no SYN cookies", .syncookies = "0"},
    {.about = "SYN cookies when the backlog is full, the kernel's default", .syncookies = "1"},
    {.about = "SYN cookies for everybody", .syncookies = "2"},
    {.about = "syn-limit.nft with SYN cookies", .syncookies = "1", .limit = true},
    {.about = "synproxy.nft with SYN cookies", .syncookies = "1", .proxy = true},
    {.about = "syn-limit.nft, then synproxy.nft", .syncookies = "1", .limit = true, .proxy = true},
};

const struct bench_defence *bench_defence_at(unsigned i)
{
    gw_require(i < BENCH_DEFENCES);
    return &defences[i];
}

/* ---- sysctls ---- */

/* The values that the shipped files change, as in Debian. The receive window is Debian's too: the
 * window scale that synproxy sends to clients depends on it. */
static const char *const before[][2] = {
    {"net/ipv4/tcp_timestamps", "1"},
    {"net/core/somaxconn", "4096"},
    {"net/ipv4/tcp_max_syn_backlog", "4096"},
    {"net/ipv4/tcp_synack_retries", "5"},
    {"net/ipv4/tcp_rmem", "4096 131072 6291456"},
};

static int load_sysctls(const struct bench_defence_place *place, const char *file,
                        struct gw_error *err)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/%s", place->folder, file);
    return bench_space_sysctls(place->arena->spaces[place->space], path, err);
}

static int set_sysctls(const struct bench_defence *defence, const struct bench_defence_place *place,
                       struct gw_error *err)
{
    int space = place->arena->spaces[place->space];
    int r = 0;
    for (size_t i = 0; i < GW_ARRAY_SIZE(before) && !r; i++)
        r = bench_space_sysctl(space, before[i][0], before[i][1], err);
    if (!r && (defence->limit || defence->proxy))
        r = load_sysctls(place, "60-ktlsgate-syn.conf", err);
    if (!r && defence->proxy)
        r = load_sysctls(place, "60-ktlsgate-synproxy.conf", err);
    return r ? r : bench_space_sysctl(space, "net/ipv4/tcp_syncookies", defence->syncookies, err);
}

/* ---- rules ---- */

/* The file itself guards the first link; another takes a chain, as ktlsgate.nft says. */
static void write_limit(FILE *out, const struct bench_defence_place *place)
{
    const struct bench_arena *arena = place->arena;
    (void)fprintf(out, "define ktlsgate_device = %s\ninclude \"%s/syn-limit.nft\"\n",
                  arena->links[0].near.name, place->folder);
    for (unsigned i = 1; i < arena->link_count; i++)
        (void)fprintf(out,
                      "table netdev ktlsgate_syn_limit {\n chain ingress_%s {\n"
                      "  type filter hook ingress device %s priority -500; policy accept;\n"
                      "  jump guard\n }\n}\n",
                      arena->links[i].near.name, arena->links[i].near.name);
}

static int load_rules(const struct bench_defence *defence, const struct bench_defence_place *place,
                      struct gw_error *err)
{
    char *rules = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&rules, &size);
    if (!out)
        return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    (void)fprintf(out, "flush ruleset\ndefine ktlsgate_ports = %u\n", place->port);
    if (defence->limit)
        write_limit(out, place);
    if (defence->proxy)
        (void)fprintf(out, "include \"%s/synproxy.nft\"\n", place->folder);
    int r = fclose(out) ? gw_error_set(err, GW_EXIT_OTHER, "out of memory") : 0;
    if (!r)
        r = bench_space_nft(place->arena->spaces[place->space], rules, err);
    free(rules);
    return r;
}

int bench_defence_raise(const struct bench_defence *defence,
                        const struct bench_defence_place *place, struct gw_error *err)
{
    int r = load_rules(defence, place, err);
    return r ? r : set_sysctls(defence, place, err);
}
