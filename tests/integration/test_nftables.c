/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contrib/nftables as it is shipped, in network namespaces of its own: clients pass, floods from a
 * source do not, and whatever a flood sends, no table grows without end.
 */
#include "bench/arena/arena.h"
#include "check.h"
#include "gateway/base/clock.h"
#include "gateway/base/fd.h"
#include "syn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <linux/ethtool.h>
#include <linux/if_ether.h>

#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <linux/virtio_net.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    HUB,
    CLIENTS,
    FLOOD,
    PORT = 8443,
    RATE = 50, /* as syn-limit.nft has them */
    BURST = 200,
    SOURCES_MAX = 65536,
    NEW = SOURCES_MAX + 1000, /* more sources than that */
    AGAIN = 5 * BURST,
    FEW = 5,
    STREAM = 1 << 20,
};

#define DEADLINE_NS (20 * GW_NS_PER_SEC)

static const struct bench_arena_plan plan = {
    .spaces = 3,
    .links = 2,
    .link = {{.name = "eth0", .near = HUB, .far = FLOOD, .rest = true},
             {.name = "eth1", .near = HUB, .far = CLIENTS}},
};

static const int families[] = {AF_INET, AF_INET6};
static const struct timeval patience = {.tv_sec = 10};

static struct bench_arena arena;
static struct gw_error err;
static int wire = -1; /* writes frames at the far end of eth0 */
static int listeners[2] = {-1, -1};

static void must(int r)
{
    if (r)
        fail_msg("%s", err.text);
}

/* ---- in the namespaces ---- */

static int socket_in(unsigned space, int family, int type, int protocol)
{
    must(bench_arena_enter(&arena, space, &err));
    int fd = socket(family, type | SOCK_CLOEXEC, protocol);
    gw_require(!bench_space_enter(arena.home, &err));
    return fd;
}

/* From there on an end leaves checksums to its network card. */
static void offload_checksums(unsigned space, const char *link)
{
    struct ethtool_value value = {.cmd = ETHTOOL_STXCSUM, .data = 1};
    struct ifreq request = {.ifr_data = (char *)&value};
    gw_auto_fd fd = socket_in(space, AF_INET, SOCK_DGRAM, 0);
    (void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%.15s", link);
    assert_int_equal(ioctl(fd, SIOCETHTOOL, &request), 0);
}

static int open_listener(unsigned space, int family)
{
    const struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    const struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};
    int one = 1;
    int fd = socket_in(space, family, SOCK_STREAM, 0);
    if (family == AF_INET6)
        assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)), 0);
    assert_int_equal(family == AF_INET ? bind(fd, (const struct sockaddr *)&v4, sizeof(v4))
                                       : bind(fd, (const struct sockaddr *)&v6, sizeof(v6)),
                     0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    assert_int_equal(listen(fd, SOMAXCONN), 0);
    return fd;
}

/* A client connects within a second. */
static int try_connect(const struct bench_arena_end *to, int family)
{
    const struct timeval second = {.tv_sec = 1};
    socklen_t len;
    const struct sockaddr_storage at = bench_arena_address(to, family, PORT, &len);
    gw_auto_fd fd = socket_in(CLIENTS, family, SOCK_STREAM, 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof(second)), 0);
    return connect(fd, (const struct sockaddr *)&at, len) ? -errno : 0;
}

static void clients_connect(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        for (unsigned f = 0; f < GW_ARRAY_SIZE(families); f++)
            assert_int_equal(try_connect(&arena.links[1].near, families[f]), 0);
}

/* ---- frames ---- */

static struct syn syn_of(int family)
{
    const struct bench_arena_link *link = &arena.links[0];
    struct syn syn = {
        .family = family, .from_port = 1024, .to_port = PORT, .number = 1, .flags = SYN_SYN};
    memcpy(syn.from_mac, link->far.mac, 6);
    memcpy(syn.to_mac, link->near.mac, 6);
    memcpy(syn.from, family == AF_INET ? link->far.v4 : link->far.v6, family == AF_INET ? 4 : 16);
    memcpy(syn.to, family == AF_INET ? link->near.v4 : link->near.v6, family == AF_INET ? 4 : 16);
    return syn;
}

/* 198.19.0.0/16 has too few for `NEW`; a source without a way back counts like any other. */
static void set_source(struct syn *syn, uint32_t number)
{
    const uint32_t bits = htonl(number);
    if (syn->family == AF_INET)
        memcpy(syn->from, &(uint32_t){htonl(0x0b000000 + number)}, 4);
    else
        memcpy(syn->from + 4, &bits, sizeof(bits)); /* the bits of the network */
}

static void send_frame(const uint8_t *frame, size_t len, const struct virtio_net_hdr *head)
{
    struct iovec iov[] = {{(void *)(uintptr_t)head, sizeof(*head)},
                          {(void *)(uintptr_t)frame, len}};
    while (writev(wire, iov, 2) != (ssize_t)(sizeof(*head) + len))
        assert_true(errno == ENOBUFS || errno == EAGAIN);
}

/* Of IPv6 as from a network card that has verified the checksum, as some of the kernel relies on it
 * (kernel-notes/synproxy-ipv6-checksum.md). */
static void send_syn(const struct syn *syn)
{
    uint8_t frame[SYN_FRAME_MAX];
    struct virtio_net_hdr head = {0};
    size_t len = syn_frame(syn, frame);
    if (syn->family == AF_INET6)
        head = (struct virtio_net_hdr){
            .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
            .csum_start = (uint16_t)(len - sizeof(struct tcphdr)),
            .csum_offset = offsetof(struct tcphdr, check),
        };
    send_frame(frame, len, &head);
}

static void open_wire(void)
{
    wire = socket_in(FLOOD, AF_PACKET, SOCK_RAW, 0);
    must(bench_arena_enter(&arena, FLOOD, &err));
    const struct sockaddr_ll at = {.sll_family = AF_PACKET,
                                   .sll_ifindex = (int)if_nametoindex("eth0")};
    gw_require(!bench_space_enter(arena.home, &err));
    int one = 1;
    assert_int_equal(setsockopt(wire, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)), 0);
    assert_int_equal(bind(wire, (const struct sockaddr *)&at, sizeof(at)), 0);
}

/* ---- nft ---- */

/* What a command line prints in the gateway's namespace, to be freed. */
static char *output_of(const char *line)
{
    char whole[512], *text = NULL;
    size_t size = 0;
    char piece[4096];
    gw_auto_fd out = memfd_create("out", MFD_CLOEXEC);
    (void)snprintf(whole, sizeof(whole), "%s >/proc/%d/fd/%d", line, (int)getpid(), out);
    must(bench_space_run(arena.spaces[HUB], (const char *const[]){"sh", "-c", whole, NULL}, NULL,
                         &err));
    FILE *f = open_memstream(&text, &size);
    ssize_t n;
    assert_int_equal(lseek(out, 0, SEEK_SET), 0);
    while ((n = read(out, piece, sizeof(piece))) > 0)
        assert_int_equal(fwrite(piece, 1, (size_t)n, f), n);
    assert_int_equal(fclose(f), 0);
    return text;
}

static json_t *list(const char *what)
{
    char line[256];
    (void)snprintf(line, sizeof(line), "nft -j list %.200s", what);
    char *text = output_of(line);
    json_t *all = json_loads(text, 0, NULL);
    free(text);
    assert_non_null(all);
    return all;
}

static uint64_t counter(const char *table, const char *name)
{
    char what[128];
    json_int_t packets = -1;
    (void)snprintf(what, sizeof(what), "counter %.48s %.48s", table, name);
    json_t *all = list(what), *one;
    size_t i;
    json_array_foreach(json_object_get(all, "nftables"), i, one)(void)
        json_unpack(one, "{s:{s:I}}", "counter", "packets", &packets);
    json_decref(all);
    assert_true(packets >= 0);
    return (uint64_t)packets;
}

static uint64_t limit_counter(const char *name)
{
    return counter("netdev ktlsgate_syn_limit", name);
}

static size_t sources_known(int family)
{
    json_t *all = list(family == AF_INET ? "set netdev ktlsgate_syn_limit sources4"
                                         : "set netdev ktlsgate_syn_limit sources6");
    json_t *one, *elements;
    size_t i, count = 0;
    json_array_foreach(json_object_get(all, "nftables"), i,
                       one) if (!json_unpack(one, "{s:{s:o}}", "set", "elem", &elements)) count =
        json_array_size(elements);
    json_decref(all);
    return count;
}

/* An included file, which keeps sources as long as that instead of 5 seconds. */
static void write_keeping(FILE *out, const char *name, const char *keep)
{
    static const char shipped[] = "timeout 5s";
    char line[512], path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/%.*s", KTLSGATE_NFTABLES, (int)strcspn(name, "\""),
                   name);
    FILE *in = fopen(path, "re");
    assert_non_null(in);
    while (fgets(line, sizeof(line), in)) {
        const char *at = strstr(line, shipped);
        if (at)
            (void)fprintf(out, "%.*stimeout %s%s", (int)(at - line), line, keep,
                          at + sizeof(shipped) - 1);
        else
            (void)fputs(line, out);
    }
    (void)fclose(in);
}

/* The shipped file with everything in it switched on, its folder being that of the sources. `keep`:
 * NULL, or how long sources are kept. */
static void write_ruleset(FILE *out, const char *keep)
{
    static const char installed[] = "/etc/ktlsgate/nftables/";
    char line[512], *at;
    FILE *in = fopen(KTLSGATE_NFTABLES "/ktlsgate.nft", "re");
    assert_non_null(in);
    while (fgets(line, sizeof(line), in)) {
        const char *begin = line;
        if (strstr(line, "synproxy"))
            continue;
        if (!strncmp(line, "# table", 7) || !strncmp(line, "#\t", 2) || !strncmp(line, "# }", 3))
            begin = line + 1;
        if (strstr(line, "define ktlsgate_ports"))
            begin = "define ktlsgate_ports = { 443, 8443 }\n";
        at = strstr(line, installed);
        if (at && keep)
            write_keeping(out, at + sizeof(installed) - 1, keep);
        else if (at)
            (void)fprintf(out, "include \"%s/%s", KTLSGATE_NFTABLES, at + sizeof(installed) - 1);
        else
            (void)fputs(begin, out);
    }
    (void)fclose(in);
}

/* Gives `check` the text as its file. */
static int nft(const char *text, const char *flag)
{
    const char *const words[] = {"nft", flag, "-f", "-", NULL};
    const char *const plain[] = {"nft", "-f", "-", NULL};
    return bench_space_run(arena.spaces[HUB], flag ? words : plain, text, &err);
}

static void load_keeping(const char *flag, const char *keep)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    write_ruleset(out, keep);
    assert_int_equal(fclose(out), 0);
    must(nft(text, flag));
    free(text);
}

static void load_limit(const char *flag)
{
    load_keeping(flag, NULL);
}

static int fresh(void **state gw_unused)
{
    must(nft("flush ruleset", NULL));
    load_limit(NULL);
    return 0;
}

/* ---- the limiter ---- */

static void files_load_and_load_again(void **state gw_unused)
{
    load_limit("-c");
    load_limit(NULL);
    clients_connect(1);
    load_limit(NULL);
    assert_int_equal(limit_counter("passed"), 0);
    clients_connect(1);
    assert_int_equal(limit_counter("passed"), 2);
}

static void clients_pass(void **state gw_unused)
{
    clients_connect(100);
    assert_int_equal(limit_counter("dropped"), 0);
    assert_int_equal(limit_counter("passed"), 200);
    assert_int_equal(sources_known(AF_INET), 1);
    assert_int_equal(sources_known(AF_INET6), 1);
}

/* So many more than its burst as the time allows. */
static void expect_limited(uint64_t sent, int64_t began_ns)
{
    uint64_t passed = limit_counter("passed");
    uint64_t more = (uint64_t)((gw_clock_ns() - began_ns) * RATE / GW_NS_PER_SEC) + 2;
    assert_in_range(passed, BURST - 1, BURST + more);
    assert_int_equal(limit_counter("dropped"), sent - passed);
}

static void flood_of(int family)
{
    enum {
        SENT = 20000
    };
    struct syn syn = syn_of(family);
    int64_t began_ns = gw_clock_ns();
    for (uint32_t i = 0; i < SENT; i++) {
        syn.number = i;
        syn.from_port = (uint16_t)i;
        syn.from[15] = family == AF_INET6 ? (uint8_t)i : 0; /* all of its network */
        send_syn(&syn);
    }
    expect_limited(SENT, began_ns);
    assert_int_equal(sources_known(family), 1);
    clients_connect(5);
}

static void one_v4_source_is_limited(void **state gw_unused)
{
    flood_of(AF_INET);
}

static void one_v6_network_is_limited(void **state gw_unused)
{
    flood_of(AF_INET6);
}

static void only_syns_to_the_ports_count(void **state gw_unused)
{
    static const struct {
        uint16_t port;
        uint8_t flags;
        bool counts;
    } rows[] = {
        {443, SYN_SYN, true},
        {PORT, SYN_SYN | SYN_ECE | SYN_CWR, true},
        {22, SYN_SYN, false},
        {PORT, SYN_SYN | SYN_ACK, false},
        {PORT, SYN_ACK, false},
        {PORT, SYN_RST, false},
        {PORT, SYN_FIN | SYN_ACK, false},
    };
    for (unsigned f = 0; f < GW_ARRAY_SIZE(families); f++) {
        for (unsigned i = 0; i < GW_ARRAY_SIZE(rows); i++) {
            uint64_t before = limit_counter("passed");
            struct syn syn = syn_of(families[f]);
            syn.to_port = rows[i].port;
            syn.flags = rows[i].flags;
            send_syn(&syn);
            assert_int_equal(limit_counter("passed") - before, rows[i].counts);
        }
    }
}

/* Whether a SYN from that port has come through to TCP, which waits for the ACK then. */
static bool was_answered(uint16_t from_port)
{
    char line[128];
    (void)snprintf(line, sizeof(line), "ss -Htn state syn-recv 'sport = %d and dport = %d'", PORT,
                   from_port);
    char *text = output_of(line);
    bool answered = text[0] != '\0';
    free(text);
    return answered;
}

static void send_fragments(uint16_t from_port)
{
    uint8_t frame[2][SYN_FRAME_MAX];
    size_t len[2];
    struct syn syn = syn_of(AF_INET);
    syn.from[3]++; /* an address that sends no RST */
    syn.from_port = from_port;
    syn_fragments(&syn, frame, len);
    for (unsigned i = 0; i < 2; i++)
        send_frame(frame[i], len[i], &(struct virtio_net_hdr){0});
}

static void no_fragment_hides_a_syn(void **state gw_unused)
{
    send_fragments(2000);
    assert_false(was_answered(2000));
    assert_int_equal(limit_counter("fragments"), 1);
    must(nft("flush ruleset", NULL));
    send_fragments(2001);
    assert_true(was_answered(2001)); /* so it would have been one */
}

static void wait_until_forgotten(int family)
{
    int64_t until = gw_clock_ns() + DEADLINE_NS;
    while (sources_known(family) > 0 && gw_clock_ns() < until)
        (void)usleep(200000);
    assert_int_equal(sources_known(family), 0);
}

static void send_syns(const struct syn *syn, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        send_syn(syn);
}

/* How many of AGAIN SYNs from there are dropped. */
static uint64_t dropped_of(const struct syn *syn)
{
    uint64_t before = limit_counter("dropped");
    send_syns(syn, AGAIN);
    return limit_counter("dropped") - before;
}

/* What a table does that has just been filled. */
struct when_full {
    uint64_t known,
        stranger; /* dropped of AGAIN SYNs from a source in it, and from one not in it */
    size_t sources;
};

static struct when_full fill_table(int family)
{
    struct when_full ret;
    struct syn known = syn_of(family), other = known;
    send_syns(&known, 2 * BURST);
    for (uint32_t i = 0; i < NEW; i++) {
        set_source(&other, i);
        send_syn(&other);
    }
    set_source(&other, NEW);
    ret.known = dropped_of(&known);
    ret.stranger = dropped_of(&other);
    ret.sources = sources_known(family);
    return ret;
}

/* A full table lets the new pass, and still holds those it knows to their limit. A machine may take
 * longer than 5 seconds to fill it and to look. */
static void table_is_bounded(int family)
{
    must(nft("flush ruleset", NULL));
    load_keeping(NULL, "10m");
    struct when_full full = fill_table(family);
    assert_int_equal(full.sources, SOURCES_MAX);
    assert_in_range(full.known, AGAIN - 2 * BURST, AGAIN); /* its budget may be full again */
    assert_int_equal(full.stranger, 0);
    assert_int_equal(limit_counter("passed") + limit_counter("dropped"),
                     2 * BURST + NEW + 2 * AGAIN);
    clients_connect(5);
}

static void v4_table_is_bounded(void **state gw_unused)
{
    table_is_bounded(AF_INET);
}

static void v6_table_is_bounded(void **state gw_unused)
{
    table_is_bounded(AF_INET6);
}

static void sources_are_forgotten(void **state gw_unused)
{
    for (unsigned f = 0; f < GW_ARRAY_SIZE(families); f++) {
        struct syn syn = syn_of(families[f]);
        for (uint32_t i = 0; i < FEW; i++) {
            set_source(&syn, i);
            send_syn(&syn);
        }
        assert_int_equal(sources_known(families[f]), FEW);
    }
    for (unsigned f = 0; f < GW_ARRAY_SIZE(families); f++)
        wait_until_forgotten(families[f]);
}

/* ---- synproxy ---- */

static uint64_t conntrack_count(void)
{
    char *text = output_of("cat /proc/sys/net/netfilter/nf_conntrack_count");
    uint64_t count = strtoull(text, NULL, 10);
    free(text);
    return count;
}

/* Of all processors: SYNs that were answered, ACKs whose cookie was wrong, and right. */
struct proxied {
    unsigned syns, wrong, right;
};

static struct proxied proxied(void)
{
    struct proxied all = {0};
    char *text = output_of("cat /proc/net/stat/synproxy");
    for (char *line = strchr(text, '\n'); line && line[1]; line = strchr(line + 1, '\n')) {
        (void)strtoul(line, &line, 16); /* entries */
        all.syns += (unsigned)strtoul(line, &line, 16);
        all.wrong += (unsigned)strtoul(line, &line, 16);
        all.right += (unsigned)strtoul(line, &line, 16);
    }
    free(text);
    return all;
}

/* A change that contrib/nftables/README.md recommends, in the line with `from`. */
struct change {
    const char *from, *to;
};

static void write_changed(FILE *out, const char *line, const struct change *change)
{
    const char *at = change && change->from ? strstr(line, change->from) : NULL;
    if (at) {
        (void)fprintf(out, "%.*s%s", (int)(at - line), line, change->to);
        line = at + strlen(change->from);
    }
    if (change && change->from)
        write_changed(out, line, change + 1);
    else
        (void)fputs(line, out);
}

/* The shipped file with changes, which end with an empty one; NULL: none. */
static void load_synproxy(const struct change *changes)
{
    char line[512], *text = NULL;
    size_t size = 0;
    FILE *in = fopen(KTLSGATE_NFTABLES "/synproxy.nft", "re");
    FILE *out = open_memstream(&text, &size);
    assert_non_null(in);
    (void)fputs("flush ruleset\ndefine ktlsgate_ports = { 443, 8443 }\n", out);
    while (fgets(line, sizeof(line), in))
        write_changed(out, line, changes);
    (void)fclose(in);
    assert_int_equal(fclose(out), 0);
    must(nft(text, NULL));
    free(text);
}

static int with_synproxy(void **state gw_unused)
{
    load_synproxy(NULL);
    must(bench_space_sysctls(arena.spaces[HUB], KTLSGATE_NFTABLES "/60-ktlsgate-syn.conf", &err));
    must(bench_space_sysctls(arena.spaces[HUB], KTLSGATE_NFTABLES "/60-ktlsgate-synproxy.conf",
                             &err));
    return 0;
}

static void synproxy_floods_leave_no_trace(void **state gw_unused)
{
    struct proxied proxied_before = proxied();
    uint64_t before = conntrack_count();
    for (unsigned f = 0; f < GW_ARRAY_SIZE(families); f++) {
        struct syn syn = syn_of(families[f]);
        for (uint32_t i = 0; i < 5000; i++) {
            set_source(&syn, i);
            send_syn(&syn);
        }
    }
    assert_int_equal(proxied().syns - proxied_before.syns, 10000);
    assert_int_equal(conntrack_count(), before);
}

static void wrong_cookies_are_dropped(void **state gw_unused)
{
    for (unsigned f = 0; f < GW_ARRAY_SIZE(families); f++) {
        struct proxied before = proxied();
        struct syn syn = syn_of(families[f]);
        syn.flags = SYN_ACK;
        for (uint32_t i = 0; i < 1000; i++) {
            syn.number = i;
            send_syn(&syn);
        }
        assert_int_equal(proxied().wrong - before.wrong, 1000);
        assert_int_equal(proxied().right - before.right, 0);
        clients_connect(1);
    }
}

static uint16_t port_of(int fd, int (*name)(int, struct sockaddr *, socklen_t *))
{
    struct sockaddr_storage at;
    socklen_t len = sizeof(at);
    assert_int_equal(name(fd, (struct sockaddr *)&at, &len), 0);
    return ((const struct sockaddr_in *)&at)->sin_port; /* at the same place in IPv6 */
}

/* The other end of a client's connection; those of other tests are closed. */
static int accept_from(int listener, int client)
{
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        assert_true(fd >= 0);
        if (port_of(fd, getpeername) == port_of(client, getsockname))
            return fd;
        (void)close(fd);
    }
}

/* A stream to the gateway and back. */
static void echo_through(int listener, int family)
{
    static uint8_t data[STREAM];
    socklen_t len;
    const struct sockaddr_storage at =
        bench_arena_address(&arena.links[1].near, family, PORT, &len);
    gw_auto_fd client = socket_in(CLIENTS, family, SOCK_STREAM, 0);
    assert_int_equal(setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)), 0);
    assert_int_equal(connect(client, (const struct sockaddr *)&at, len), 0);
    gw_auto_fd server = accept_from(listener, client);
    for (size_t done = 0; done < STREAM;) {
        size_t part = GW_MIN((size_t)STREAM - done, (size_t)16384);
        assert_int_equal(send(client, data, part, 0), part);
        assert_int_equal(recv(server, data, part, MSG_WAITALL), part);
        assert_int_equal(send(server, data, part, 0), part);
        assert_int_equal(recv(client, data, part, MSG_WAITALL), part);
        done += part;
    }
}

static void synproxy_lets_clients_pass(void **state gw_unused)
{
    unsigned before = proxied().right;
    for (unsigned f = 0; f < GW_ARRAY_SIZE(families); f++)
        echo_through(listeners[f], families[f]);
    assert_int_equal(proxied().right - before, 2);
}

/* What is invalid is dropped, as many firewalls do. */
static void ipv6_can_be_left_to_cookies(void **state gw_unused)
{
    static const struct change changes[] = {
        {"tcp dport $ktlsgate_ports", "meta nfproto ipv4 tcp dport $ktlsgate_ports"},
        {"meta nfproto ipv6 synproxy", "# "},
        {NULL, NULL},
    };
    load_synproxy(changes);
    must(nft("table inet firewall {\n"
             " chain input {\n"
             "  type filter hook input priority 10; policy accept;\n"
             "  ct state invalid drop\n"
             " }\n"
             "}\n",
             NULL));
    unsigned before = proxied().right;
    for (unsigned f = 0; f < GW_ARRAY_SIZE(families); f++)
        echo_through(listeners[f], families[f]);
    assert_int_equal(proxied().right - before, 1);
}

/* The server is at the far end of the flood's link. */
static void a_router_guards_servers(void **state gw_unused)
{
    static const struct change to_v4[] = {
        {"hook input", "hook forward"},
        {"fib daddr type local", "ip daddr { 198.18.0.2 }"},
        {NULL, NULL},
    };
    static const struct change to_v6[] = {
        {"hook input", "hook forward"},
        {"fib daddr type local", "ip6 daddr { 2001:2::2 }"},
        {NULL, NULL},
    };
    static const struct change *const changes[] = {to_v4, to_v6};
    must(bench_space_sysctl(arena.spaces[HUB], "net/ipv4/ip_forward", "1", &err));
    must(bench_space_sysctl(arena.spaces[HUB], "net/ipv6/conf/all/forwarding", "1", &err));
    for (unsigned f = 0; f < GW_ARRAY_SIZE(families); f++) {
        gw_auto_fd server = open_listener(FLOOD, families[f]);
        struct proxied before = proxied();
        load_synproxy(changes[f]);
        assert_int_equal(try_connect(&arena.links[0].far, families[f]), 0);
        gw_auto_fd client = accept(server, NULL, NULL);
        assert_true(client >= 0);
        assert_int_equal(proxied().syns - before.syns, 1);
        assert_int_equal(proxied().right - before.right, 1);
    }
}

/* ---- all ---- */

static int set_up(void **state gw_unused)
{
    must(bench_arena_init(&arena, &plan, &err));
    for (unsigned f = 0; f < GW_ARRAY_SIZE(families); f++)
        listeners[f] = open_listener(HUB, families[f]);
    open_wire();
    offload_checksums(FLOOD, "eth0");
    offload_checksums(CLIENTS, "eth1");
    return 0;
}

static int tear_down(void **state gw_unused)
{
    for (unsigned f = 0; f < GW_ARRAY_SIZE(families); f++)
        gw_fd_close(&listeners[f]);
    gw_fd_close(&wire);
    bench_arena_done(&arena);
    return 0;
}

/* NULL, or why the tests cannot run here. Whatever else goes wrong is for the tests to meet. */
static const char *obstacle(void)
{
    static char why[sizeof(err.text) + 64];
    gw_auto_fd space = bench_space_make(&err);
    if (space < 0 && !strstr(err.text, "it takes root"))
        return NULL;
    if (space < 0 || bench_space_nft(space, "add table netdev x; add table inet x", &err)) {
        (void)snprintf(why, sizeof(why), "%s (Debian package nftables, and root)", err.text);
        return why;
    }
    return access("/proc/net/if_inet6", F_OK) ? "this kernel has no IPv6" : NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(files_load_and_load_again, fresh),
        cmocka_unit_test_setup(clients_pass, fresh),
        cmocka_unit_test_setup(one_v4_source_is_limited, fresh),
        cmocka_unit_test_setup(one_v6_network_is_limited, fresh),
        cmocka_unit_test_setup(only_syns_to_the_ports_count, fresh),
        cmocka_unit_test_setup(no_fragment_hides_a_syn, fresh),
        cmocka_unit_test_setup(v4_table_is_bounded, fresh),
        cmocka_unit_test_setup(v6_table_is_bounded, fresh),
        cmocka_unit_test_setup(sources_are_forgotten, fresh),
        cmocka_unit_test_setup(synproxy_floods_leave_no_trace, with_synproxy),
        cmocka_unit_test_setup(wrong_cookies_are_dropped, with_synproxy),
        cmocka_unit_test_setup(synproxy_lets_clients_pass, with_synproxy),
        cmocka_unit_test_setup(ipv6_can_be_left_to_cookies, with_synproxy),
        cmocka_unit_test_setup(a_router_guards_servers, with_synproxy),
    };
    const char *why = obstacle();
    if (why) {
        print_message("SKIP: %s\n", why);
        return 77;
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
