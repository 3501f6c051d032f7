/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One tree for all rules, with a root for each kind on each side (allow, deny). The normalized
 * pattern is a path through it, part by part: the labels of a DNS name from its end, the parts of a
 * URI from its beginning, the domain of an email address before its name. `*` is an edge of its
 * own, so a name has at most two ways to continue at each node. `**` and the end of a pattern are
 * marks on a node. A network has two parts: the number of its bits, and these.
 */
#include "gateway/route/ruleset.h"

#include "gateway/base/text.h"
#include "gateway/config/pattern.h"
#include "gateway/route/trie.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    SIDES = 2, /* allow, deny */
    ROOTS = SIDES * GW_RULE_KIND_COUNT,
    NET_BYTES = 18, /* a network in the text: len, bits, address */
    NETS_MAX = 162, /* 0 to 32 and 0 to 128 bits */
    FOLD_MAX = 256, /* a DNS name or the domain of an address has at most 253 bytes */
    IP_PARTS = 2,
};

#define NO_RULE UINT32_MAX

/* The rules whose patterns end at a node: the lowest rule number, or NO_RULE. */
struct node {
    uint32_t end;  /* for a name that ends at this node */
    uint32_t rest; /* for a name that continues, too (`**`) */
    uint32_t star; /* the node after any one part; or GW_TRIE_NONE */
};

/* How names of a kind are split. */
static const struct shape {
    enum gw_name_kind name;
    char separator; /* '\0': one part */
    bool from_end;
    bool rest_may_be_nothing;
    bool allow_first_only;
} shapes[GW_RULE_KIND_COUNT] = {
    [GW_RULE_CN] = {.name = GW_NAME_CN, .allow_first_only = true},
    [GW_RULE_OU] = {.name = GW_NAME_OU},
    [GW_RULE_DNS] = {.name = GW_NAME_DNS, .separator = '.', .from_end = true},
    [GW_RULE_URI] = {.name = GW_NAME_URI, .separator = '/', .rest_may_be_nothing = true},
    [GW_RULE_IP] = {.name = GW_NAME_IP},
    [GW_RULE_EMAIL] = {.name = GW_NAME_EMAIL, .separator = '@', .from_end = true},
};

/* The kinds of rule that judge a name. */
static const enum gw_rule_kind kinds[] = {
    [GW_NAME_CN] = GW_RULE_CN,   [GW_NAME_OU] = GW_RULE_OU, [GW_NAME_DNS] = GW_RULE_DNS,
    [GW_NAME_URI] = GW_RULE_URI, [GW_NAME_IP] = GW_RULE_IP, [GW_NAME_EMAIL] = GW_RULE_EMAIL,
};

struct gw_ruleset {
    struct gw_rule *rules;
    uint32_t count;
    char *text; /* the patterns, as given and normalized */
    struct gw_trie trie;
    struct node *nodes;
    uint32_t all;                              /* the first GW_RULE_ALL */
    uint32_t first[SIDES][GW_RULE_KIND_COUNT]; /* the first rule of the kind, or NO_RULE */
    struct {
        uint8_t len;
        uint8_t bits;
        uint32_t node;
    } nets[SIDES][NETS_MAX]; /* the sizes of the networks that occur */
    unsigned net_count[SIDES];
};

static uint32_t root_of(unsigned side, enum gw_rule_kind kind)
{
    return side * GW_RULE_KIND_COUNT + (uint32_t)kind;
}

/* ---- parts of a name or of a pattern's normal form ---- */

struct parts {
    const char *text;
    size_t len;
    char separator;
    bool from_end;
    bool over;
};

static struct parts parts_of(const struct shape *shape, const char *text, size_t len)
{
    return (struct parts){text, len, shape->separator, shape->from_end, false};
}

/* Takes the next part. Call it only while parts are left. */
static size_t take_part(struct parts *p, const char **ret)
{
    const char *at = !p->separator ? NULL
                     : p->from_end ? memrchr(p->text, p->separator, p->len)
                                   : memchr(p->text, p->separator, p->len);
    size_t before = at ? (size_t)(at - p->text) : 0;
    size_t behind = at ? p->len - before - 1 : 0;
    size_t len = !at ? p->len : p->from_end ? behind : before;
    *ret = at && p->from_end ? at + 1 : p->text;
    p->over = !at;
    p->text = at && !p->from_end ? at + 1 : p->text;
    p->len = p->from_end ? before : behind;
    return len;
}

/* ---- compile ---- */

static uint32_t lowest(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t step(struct gw_ruleset *set, uint32_t from, const char *part, size_t len)
{
    return gw_trie_add(&set->trie, from, part, len);
}

/* `*` uses an edge of its own name, which no part can have: find_part skips it. */
static uint32_t step_star(struct gw_ruleset *set, uint32_t from, const char *part)
{
    if (set->nodes[from].star == GW_TRIE_NONE)
        set->nodes[from].star = step(set, from, part, 1);
    return set->nodes[from].star;
}

static void add_way(struct gw_ruleset *set, uint32_t number, unsigned side, const char *normal)
{
    enum gw_rule_kind kind = set->rules[number].kind;
    struct parts parts = parts_of(&shapes[kind], normal, strlen(normal));
    uint32_t at = root_of(side, kind);
    while (!parts.over) {
        const char *part;
        size_t len = take_part(&parts, &part);
        if (shapes[kind].separator && len == 2 && memcmp(part, "**", 2) == 0) {
            set->nodes[at].rest = lowest(set->nodes[at].rest, number);
            return;
        }
        at = shapes[kind].separator && len == 1 && *part == '*' ? step_star(set, at, part)
                                                                : step(set, at, part, len);
    }
    set->nodes[at].end = lowest(set->nodes[at].end, number);
}

/* The node whose edges are the networks of this size. */
static uint32_t step_size(struct gw_ruleset *set, unsigned side, const struct gw_net *net,
                          const char *bytes)
{
    unsigned i = 0;
    while (i < set->net_count[side] &&
           (set->nets[side][i].len != net->len || set->nets[side][i].bits != net->bits))
        i++;
    if (i == set->net_count[side]) {
        set->nets[side][i].len = net->len;
        set->nets[side][i].bits = net->bits;
        set->nets[side][i].node = step(set, root_of(side, GW_RULE_IP), bytes, 2);
        set->net_count[side]++;
    }
    return set->nets[side][i].node;
}

/* Adds the network from the text at `bytes`, which has NET_BYTES of them. */
static void add_net(struct gw_ruleset *set, uint32_t number, unsigned side, const char *normal,
                    char *bytes)
{
    struct gw_net net;
    const char *why;
    gw_require(!gw_net_read(normal, &net, &why));
    bytes[0] = (char)net.len;
    bytes[1] = (char)net.bits;
    memcpy(bytes + 2, net.bytes, net.len);
    uint32_t size = step_size(set, side, &net, bytes);
    uint32_t at = step(set, size, bytes + 2, net.len);
    set->nodes[at].end = lowest(set->nodes[at].end, number);
}

static void add_rule(struct gw_ruleset *set, uint32_t number, char *normal)
{
    const struct gw_rule *rule = &set->rules[number];
    set->first[rule->deny][rule->kind] = lowest(set->first[rule->deny][rule->kind], number);
    if (rule->kind == GW_RULE_ALL)
        set->all = lowest(set->all, number);
    else if (rule->kind == GW_RULE_IP)
        add_net(set, number, rule->deny, normal, normal + strlen(normal) + 1);
    else
        add_way(set, number, rule->deny, normal);
}

/* Measures the bytes of a rule in the text, and the parts of its pattern. -EINVAL when it cannot
 * match. */
static int measure(const struct gw_rule *rule, char *normal, size_t *ret_bytes, uint32_t *ret_parts,
                   const char **ret_why)
{
    *ret_bytes = 0;
    *ret_parts = 0;
    *ret_why = "it has no pattern";
    if (rule->kind == GW_RULE_ALL)
        return rule->pattern || rule->deny ? -EINVAL : 0;
    if (gw_pattern_read(rule->kind, rule->pattern, normal, ret_why))
        return -EINVAL;
    *ret_bytes = strlen(rule->pattern) + strlen(normal) + 2 + NET_BYTES;
    *ret_parts = IP_PARTS;
    for (const char *at = normal; *at && shapes[rule->kind].separator; at++)
        *ret_parts += *at == shapes[rule->kind].separator;
    return 0;
}

/* Writes the texts of rule `i` at *at: as given, normalized, room for a network. */
static void keep_rule(struct gw_ruleset *set, const struct gw_rule *rule, uint32_t i, char **at)
{
    char normal[GW_PATTERN_BYTES_MAX];
    const char *why;
    set->rules[i] = *rule;
    if (rule->kind == GW_RULE_ALL) {
        add_rule(set, i, NULL);
        return;
    }
    gw_require(!gw_pattern_read(rule->kind, rule->pattern, normal, &why));
    set->rules[i].pattern = *at;
    *at = stpcpy(*at, rule->pattern) + 1;
    char *own = *at;
    *at = stpcpy(*at, normal) + 1 + NET_BYTES;
    add_rule(set, i, own);
}

static int measure_all(const struct gw_rule *rules, unsigned count, size_t *ret_bytes,
                       uint32_t *ret_parts, struct gw_error *err)
{
    char normal[GW_PATTERN_BYTES_MAX];
    *ret_bytes = 1;
    *ret_parts = 0;
    for (unsigned i = 0; i < count; i++) {
        const char *why;
        size_t bytes;
        uint32_t parts;
        if (measure(&rules[i], normal, &bytes, &parts, &why))
            return gw_error_set(err, GW_EXIT_USAGE, "--%s-%s '%s': it can never match: %s",
                                rules[i].deny ? "deny" : "allow",
                                gw_pattern_kind_word(rules[i].kind),
                                rules[i].pattern ? rules[i].pattern : "", why);
        *ret_bytes += bytes;
        *ret_parts += parts;
    }
    return 0;
}

static int make_room(struct gw_ruleset *set, unsigned count, size_t bytes, uint32_t parts,
                     struct gw_error *err)
{
    set->all = NO_RULE;
    set->count = count;
    memset(set->first, 0xff, sizeof(set->first)); /* every one becomes NO_RULE */
    set->rules = calloc(count ? count : 1, sizeof(*set->rules));
    set->text = malloc(bytes);
    set->nodes = calloc(ROOTS + (size_t)parts, sizeof(*set->nodes));
    if (!set->rules || !set->text || !set->nodes || gw_trie_init(&set->trie, ROOTS, parts))
        return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    for (size_t i = 0; i < ROOTS + (size_t)parts; i++)
        set->nodes[i] = (struct node){NO_RULE, NO_RULE, GW_TRIE_NONE};
    return 0;
}

int gw_ruleset_new(struct gw_ruleset **ret, const struct gw_rule *rules, unsigned count,
                   struct gw_error *err)
{
    size_t bytes;
    uint32_t parts;
    int r = measure_all(rules, count, &bytes, &parts, err);
    if (r)
        return r;
    struct gw_ruleset *set = calloc(1, sizeof(*set));
    if (!set)
        return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    r = make_room(set, count, bytes, parts, err);
    if (r) {
        gw_ruleset_free(set);
        return r;
    }
    char *at = set->text;
    for (unsigned i = 0; i < count; i++)
        keep_rule(set, &rules[i], i, &at);
    *ret = set;
    return 0;
}

void gw_ruleset_free(struct gw_ruleset *set)
{
    if (!set)
        return;
    gw_trie_done(&set->trie);
    free(set->nodes);
    free(set->rules);
    free(set->text);
    free(set);
}

/* ---- judge ---- */

struct search {
    const struct gw_ruleset *set;
    unsigned side;
    uint32_t best; /* the lowest matching number so far */
    const char *name;
};

static void note(struct search *s, uint32_t number, const char *name)
{
    if (number >= s->best)
        return;
    s->best = number;
    s->name = name;
}

/* Recurses at most as deep as the longest pattern. */
static uint32_t walk(const struct gw_ruleset *set, const struct shape *shape, uint32_t at,
                     struct parts left)
{
    const struct node *node = &set->nodes[at];
    if (left.over)
        return shape->rest_may_be_nothing ? lowest(node->end, node->rest) : node->end;
    uint32_t best = node->rest;
    const char *part;
    size_t len = take_part(&left, &part);
    uint32_t next = gw_trie_find(&set->trie, at, part, len);
    if (next != GW_TRIE_NONE && next != node->star)
        best = lowest(best, walk(set, shape, next, left));
    if (node->star != GW_TRIE_NONE && len > 0)
        best = lowest(best, walk(set, shape, node->star, left));
    return best;
}

/* The text with small letters from `from` on. NULL when it is longer than any pattern's. */
static const char *fold(char buf[static FOLD_MAX], const char *text, size_t len)
{
    if (len >= FOLD_MAX)
        return NULL;
    for (size_t i = 0; i < len; i++)
        buf[i] = (char)tolower((unsigned char)text[i]);
    buf[len] = '\0';
    return buf;
}

static void ask_dns(struct search *s, const char *text, size_t len)
{
    char small[FOLD_MAX];
    if (fold(small, text, len))
        note(s,
             walk(s->set, &shapes[GW_RULE_DNS], root_of(s->side, GW_RULE_DNS),
                  parts_of(&shapes[GW_RULE_DNS], small, len)),
             text);
}

/* The domain in small letters, then the name unchanged: the two steps of walk. */
static void ask_email(struct search *s, const char *text)
{
    char small[FOLD_MAX];
    const char *at = strrchr(text, '@');
    if (!at || !fold(small, at + 1, strlen(at + 1)))
        return;
    uint32_t domain =
        gw_trie_find(&s->set->trie, root_of(s->side, GW_RULE_EMAIL), small, strlen(small));
    if (domain == GW_TRIE_NONE)
        return;
    const struct shape whole = {.separator = '\0'};
    note(s, walk(s->set, &whole, domain, parts_of(&whole, text, (size_t)(at - text))), text);
}

/* Clears the bits after the first `bits`. */
static void mask(uint8_t *bytes, unsigned len, unsigned bits)
{
    unsigned whole = bits / 8;
    if (whole == len)
        return;
    bytes[whole] &= (uint8_t)(0xff00 >> bits % 8);
    memset(bytes + whole + 1, 0, len - whole - 1);
}

static void ask_ip(struct search *s, const char *text)
{
    const struct gw_ruleset *set = s->set;
    struct gw_net net;
    const char *why;
    if (gw_net_read(text, &net, &why))
        return;
    for (unsigned i = 0; i < set->net_count[s->side]; i++) {
        struct gw_net part = net;
        if (set->nets[s->side][i].len != net.len)
            continue;
        mask(part.bytes, part.len, set->nets[s->side][i].bits);
        uint32_t at = gw_trie_find(&set->trie, set->nets[s->side][i].node, (const char *)part.bytes,
                                   part.len);
        if (at != GW_TRIE_NONE)
            note(s, set->nodes[at].end, text);
    }
}

static void ask_text(struct search *s, enum gw_rule_kind kind, const char *text, size_t len)
{
    len -= kind == GW_RULE_URI && len > 1 && text[len - 1] == '/';
    note(s, walk(s->set, &shapes[kind], root_of(s->side, kind), parts_of(&shapes[kind], text, len)),
         text);
}

static void ask(struct search *s, enum gw_rule_kind kind, const char *text, size_t len)
{
    if (s->set->first[s->side][kind] == NO_RULE)
        return;
    switch (kind) {
    case GW_RULE_DNS:
        ask_dns(s, text, len);
        return;
    case GW_RULE_EMAIL:
        ask_email(s, text);
        return;
    case GW_RULE_IP:
        ask_ip(s, text);
        return;
    default:
        ask_text(s, kind, text, len);
    }
}

static struct search search(const struct gw_ruleset *set, unsigned side,
                            const struct gw_identity *id)
{
    struct search s = {.set = set, .side = side, .best = NO_RULE};
    bool asked[GW_RULE_KIND_COUNT] = {false};
    struct gw_name name;
    if (side == 0)
        note(&s, set->all, NULL);
    for (size_t at = 0; gw_identity_next(id, &at, &name);) {
        enum gw_rule_kind kind = kinds[name.kind];
        if (side == 0 && shapes[kind].allow_first_only && asked[kind])
            continue;
        asked[kind] = true;
        ask(&s, kind, name.text, name.len);
    }
    ask(&s, GW_RULE_FINGERPRINT, id->fingerprint, strlen(id->fingerprint));
    ask(&s, GW_RULE_SPKI, id->spki, strlen(id->spki));
    return s;
}

/* A name that cannot be compared may be one that a deny rule forbids. Returns the first such rule
 * and the kind of name, or NO_RULE. */
static uint32_t find_doubt(const struct gw_ruleset *set, const struct gw_identity *id,
                           unsigned *ret_kind)
{
    uint32_t best = NO_RULE;
    for (unsigned kind = 0; id->unusable.kinds && kind < GW_NAME_KIND_COUNT; kind++) {
        uint32_t first = set->first[1][kinds[kind]];
        if (!(id->unusable.kinds & 1U << kind) || lowest(best, first) == best)
            continue;
        best = first;
        *ret_kind = 1U << kind;
    }
    return best;
}

void gw_ruleset_kinds(const struct gw_ruleset *set, char room[static GW_RULESET_KINDS_MAX])
{
    struct gw_text text = gw_text_in(room, GW_RULESET_KINDS_MAX);
    for (unsigned kind = 0; kind < GW_RULE_KIND_COUNT; kind++)
        if (kind != GW_RULE_ALL && set->first[0][kind] != NO_RULE)
            gw_text_append(&text, "%s%s", *room ? ", " : "", gw_pattern_kind_word(kind));
}

struct gw_ruling gw_ruleset_judge(const struct gw_ruleset *set, const struct gw_identity *id,
                                  bool absent_ok)
{
    struct gw_ruling ruling = {.pass = false};
    if (!id->present) {
        ruling.pass = absent_ok && set->all != NO_RULE;
        ruling.rule = ruling.pass ? &set->rules[set->all] : NULL;
        return ruling;
    }
    struct search denied = search(set, 1, id);
    if (denied.best != NO_RULE)
        return (struct gw_ruling){.rule = &set->rules[denied.best], .name = denied.name};
    unsigned kind = 0;
    uint32_t doubt = find_doubt(set, id, &kind);
    if (doubt != NO_RULE)
        return (struct gw_ruling){.rule = &set->rules[doubt], .doubt = kind};
    struct search allowed = search(set, 0, id);
    if (allowed.best != NO_RULE)
        ruling = (struct gw_ruling){true, 0, &set->rules[allowed.best], allowed.name};
    return ruling;
}
