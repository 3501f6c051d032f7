/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What 10,000 rules cost a handshake on one processor: nanoseconds to judge a certificate, for
 * rules of each sort, and to compile them. Run it by `meson test -C build --benchmark`.
 */
#include "gateway/route/ruleset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    RULES = 10000,
    TEXT = 96,
    JUDGED = 20000,
    ROUNDS = 5,
    NAMES = 63,
};

static struct gw_rule rules[RULES];
static char texts[RULES][TEXT];

static double cpu_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Rule `i`, and the name that it lets in. */
static void dns_exact(int i, char *pattern, char *name)
{
    (void)snprintf(pattern, TEXT, "client-%d.prod.example.com", i);
    (void)snprintf(name, TEXT, "Client-%d.prod.example.com", i);
}

static void dns_wild(int i, char *pattern, char *name)
{
    (void)snprintf(pattern, TEXT, "%s.team-%d.example.com", i % 2 ? "*" : "**", i);
    (void)snprintf(name, TEXT, "host.team-%d.example.com", i);
}

static void spiffe_exact(int i, char *pattern, char *name)
{
    (void)snprintf(pattern, TEXT, "spiffe://example.com/ns/n%d/sa/web", i);
    (void)snprintf(name, TEXT, "spiffe://example.com/ns/n%d/sa/web", i);
}

/* The star precedes the part in which the rules differ, so that no rule has a beginning of its
 * own. */
static void spiffe_wild(int i, char *pattern, char *name)
{
    (void)snprintf(pattern, TEXT, "spiffe://example.com/ns/*/sa/s%d/%s", i, i % 2 ? "**" : "*");
    (void)snprintf(name, TEXT, "spiffe://example.com/ns/some/sa/s%d/web", i);
}

static void network(int i, char *pattern, char *name)
{
    unsigned bits = 8 + (unsigned)i % 25;
    unsigned address = (unsigned)i << (32 - 16) & ~(bits == 32 ? 0 : 0xffffffffU >> bits);
    (void)snprintf(pattern, TEXT, "%u.%u.%u.%u/%u", address >> 24, address >> 16 & 255,
                   address >> 8 & 255, address & 255, bits);
    (void)snprintf(name, TEXT, "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
                   address >> 8 & 255, address & 255);
}

static void email(int i, char *pattern, char *name)
{
    (void)snprintf(pattern, TEXT, "%s@d%d.example.com", i % 2 ? "*" : "ann", i);
    (void)snprintf(name, TEXT, "ann@d%d.example.com", i);
}

static const struct sort {
    const char *title;
    enum gw_rule_kind rule;
    enum gw_name_kind name;
    void (*make)(int i, char *pattern, char *name);
} sorts[] = {
    {"dns, whole names", GW_RULE_DNS, GW_NAME_DNS, dns_exact},
    {"dns, * and ** first", GW_RULE_DNS, GW_NAME_DNS, dns_wild},
    {"uri, whole SPIFFE IDs", GW_RULE_URI, GW_NAME_URI, spiffe_exact},
    {"uri, * amid and at the end", GW_RULE_URI, GW_NAME_URI, spiffe_wild},
    {"ip, networks of 25 sizes", GW_RULE_IP, GW_NAME_IP, network},
    {"email, whole and *@", GW_RULE_EMAIL, GW_NAME_EMAIL, email},
};

/* A certificate with a CN, a fingerprint and `names` names of a kind. */
static void make_identity(struct gw_identity *id, const struct sort *sort, unsigned names,
                          const char *text)
{
    gw_identity_done(id);
    gw_identity_init(id);
    id->present = true;
    gw_identity_add(id, GW_NAME_CN, "some client", strlen("some client"));
    while (id->name_count <= names)
        gw_identity_add(id, sort->name, text, strlen(text));
    memset(id->fingerprint, 'a', sizeof(id->fingerprint) - 1);
    memset(id->spki, 'b', sizeof(id->spki) - 1);
}

/* Nanoseconds of one judgement; each is of another rule, so that caches help as they would. */
static double judge_ns(const struct gw_ruleset *set, const struct sort *sort, unsigned names,
                       bool passes)
{
    static struct gw_identity id;
    char pattern[TEXT];
    char name[TEXT];
    double best = 1e18;
    for (int round = 0; round < ROUNDS; round++) {
        double total = 0;
        for (int i = 0; i < JUDGED; i++) {
            sort->make((int)((unsigned)i * 7919 % RULES) + (passes ? 0 : RULES), pattern, name);
            make_identity(&id, sort, names, name);
            double t0 = cpu_ns();
            struct gw_ruling ruling = gw_ruleset_judge(set, &id, false);
            total += cpu_ns() - t0;
            if (sort->rule != GW_RULE_IP && ruling.pass != passes) {
                (void)fprintf(stderr, "rules_speed: '%s' is judged wrong\n", name);
                exit(1);
            }
        }
        best = total < best ? total : best;
    }
    return best / JUDGED;
}

/* What the two looks at the clock cost themselves. */
static double clock_ns(void)
{
    double best = 1e18;
    for (int i = 0; i < JUDGED; i++) {
        double t0 = cpu_ns();
        double t1 = cpu_ns();
        best = t1 - t0 < best ? t1 - t0 : best;
    }
    return best;
}

static void measure(const struct sort *sort)
{
    char name[TEXT];
    struct gw_ruleset *set;
    struct gw_error err;
    for (int i = 0; i < RULES; i++) {
        sort->make(i, texts[i], name);
        rules[i] = (struct gw_rule){sort->rule, texts[i], false};
    }
    double t0 = cpu_ns();
    if (gw_ruleset_new(&set, rules, RULES, &err)) {
        (void)fprintf(stderr, "rules_speed: %s\n", err.text);
        exit(1);
    }
    double compile = cpu_ns() - t0;
    double clock = clock_ns();
    printf("%-28s %10.0f %10.0f %10.0f %12.1f\n", sort->title, judge_ns(set, sort, 1, true) - clock,
           judge_ns(set, sort, 1, false) - clock, judge_ns(set, sort, NAMES, false) - clock,
           compile / 1e6);
    gw_ruleset_free(set);
}

int main(void)
{
    printf("%d rules: ns to judge a certificate with one name, and with %d; ms to compile\n", RULES,
           NAMES);
    printf("%-28s %10s %10s %10s %12s\n", "rules", "passes", "does not", "63 names", "compile");
    for (size_t i = 0; i < sizeof(sorts) / sizeof(sorts[0]); i++)
        measure(&sorts[i]);
    return 0;
}
