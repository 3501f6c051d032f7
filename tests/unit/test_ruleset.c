/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/route/ruleset: admission by rules. The compiled set must agree with a plain loop over the
 * rules. */
#include "gateway/config/pattern.h"
#include "gateway/route/ruleset.h"
#include "tests/unit/linear.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define BASE64 "ASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4mrze8="

enum {
    RANDOM_SETS = 3000,
    RANDOM_RULES = 24,
    RANDOM_NAMES = 5,
    RANDOM_ASKED = 12,
    TEXT_BYTES = 72,
};

static void add_name(struct gw_identity *id, enum gw_name_kind kind, const char *text)
{
    gw_identity_add(id, kind, text, strlen(text));
}

static struct gw_identity with_name(enum gw_name_kind kind, const char *text)
{
    struct gw_identity id = {.present = true};
    add_name(&id, kind, text);
    (void)strcpy(id.fingerprint, HEX);
    (void)strcpy(id.spki, HEX);
    return id;
}

static struct gw_ruleset *compile(const struct gw_rule *rules, unsigned count)
{
    struct gw_ruleset *set = NULL;
    struct gw_error err;
    if (gw_ruleset_new(&set, rules, count, &err))
        fail_msg("%s", err.text);
    return set;
}

/* The number of the rule that decides: as it passes, or -1 - number as it is denied; NOBODY. */
enum {
    NOBODY = 1000000
};

static unsigned last_doubt;

static int judge(const struct gw_rule *rules, unsigned count, const struct gw_identity *id,
                 bool absent_ok)
{
    struct gw_ruleset *set = compile(rules, count);
    struct gw_ruling ruling = gw_ruleset_judge(set, id, absent_ok);
    int number = NOBODY;
    last_doubt = ruling.doubt;
    for (unsigned i = 0; ruling.rule && i < count && number == NOBODY; i++)
        if (rules[i].kind == ruling.rule->kind && rules[i].deny == ruling.rule->deny &&
            (!rules[i].pattern || strcmp(rules[i].pattern, ruling.rule->pattern) == 0))
            number = ruling.pass ? (int)i : -1 - (int)i;
    assert_true(!ruling.pass || number != NOBODY);
    gw_ruleset_free(set);
    return number;
}

struct row {
    const char *pattern;
    const char *text;
    enum gw_rule_kind rule;
    enum gw_name_kind name;
    bool passes;
};

#define R(rule, pattern, name, text, passes)                                                       \
    {                                                                                              \
        pattern, text, GW_RULE_##rule, GW_NAME_##name, passes                                      \
    }

static const struct row rows[] = {
    R(CN, "alice", CN, "alice", true),
    R(CN, "alice", CN, "Alice", false),
    R(CN, "alice", CN, "alice2", false),
    R(CN, "alice2", CN, "alice", false),
    R(CN, "*", CN, "alice", false),
    R(CN, "*", CN, "*", true),
    R(CN, "alice", OU, "alice", false),
    R(OU, "ops", OU, "ops", true),
    R(OU, "ops", CN, "ops", false),
    R(OU, "*", OU, "ops", false),
    R(DNS, "a.test", DNS, "a.test", true),
    R(DNS, "A.Test.", DNS, "a.tEST", true),
    R(DNS, "a.test", DNS, "b.a.test", false),
    R(DNS, "a.test", DNS, "test", false),
    R(DNS, "a.test", DNS, "*.test", false),
    R(DNS, "a.test", CN, "a.test", false),
    R(DNS, "*.test", DNS, "A.Test", true),
    R(DNS, "*.test", DNS, "test", false),
    R(DNS, "*.test", DNS, "b.a.test", false),
    R(DNS, "*.test", DNS, "*.test", true),
    R(DNS, "*.*.test", DNS, "b.a.test", true),
    R(DNS, "b.*.test", DNS, "b.a.test", true),
    R(DNS, "b.*.test", DNS, "c.a.test", false),
    R(DNS, "**.test", DNS, "a.test", true),
    R(DNS, "**.test", DNS, "c.b.a.test", true),
    R(DNS, "**.test", DNS, "test", false),
    R(DNS, "**.test", DNS, "atest", false),
    R(DNS, "**.test", DNS, "*.a.test", true),
    R(DNS, "**.test", DNS, "a.test.evil", false),
    R(DNS, "**.*.test", DNS, "a.test", false),
    R(DNS, "**.*.test", DNS, "b.a.test", true),
    R(DNS, "**", DNS, "a", true),
    R(DNS, "*", DNS, "a", true),
    R(DNS, "*", DNS, "a.b", false),
    R(URI, "spiffe://t/a", URI, "spiffe://t/a", true),
    R(URI, "spiffe://t/a", URI, "spiffe://t/A", false),
    R(URI, "spiffe://t/a", URI, "spiffe://t/a/", true),
    R(URI, "spiffe://t/a/", URI, "spiffe://t/a", true),
    R(URI, "spiffe://t/a", URI, "spiffe://t/a//", false),
    R(URI, "spiffe://t/a", URI, "spiffe://t/a/b", false),
    R(URI, "spiffe://t/a", URI, "spiffe://t/ab", false),
    R(URI, "spiffe://t/a", URI, "spiffe://t", false),
    R(URI, "spiffe://t/*", URI, "spiffe://t/a", true),
    R(URI, "spiffe://t/*", URI, "spiffe://t/a/", true),
    R(URI, "spiffe://t/*", URI, "spiffe://t/", false),
    R(URI, "spiffe://t/*", URI, "spiffe://t", false),
    R(URI, "spiffe://t/*", URI, "spiffe://t/a/b", false),
    R(URI, "spiffe://t/*", URI, "spiffe://tt/a", false),
    R(URI, "spiffe://*/*/b", URI, "spiffe://t/a/b", true),
    R(URI, "spiffe://*/*/b", URI, "spiffe://t//b", false),
    R(URI, "spiffe://t/*/b/**", URI, "spiffe://t/a/b", true),
    R(URI, "spiffe://t/*/b/**", URI, "spiffe://t/a/b/", true),
    R(URI, "spiffe://t/*/b/**", URI, "spiffe://t/a/b/c/d", true),
    R(URI, "spiffe://t/*/b/**/", URI, "spiffe://t/a/b/c/d", true),
    R(URI, "spiffe://t/*/b/**", URI, "spiffe://t/a/bb", false),
    R(URI, "spiffe://t/*/b/**", URI, "spiffe://t/a", false),
    R(URI, "spiffe://t/ns/*/sa/**", URI, "spiffe://t/ns/x/sa/y", true),
    R(URI, "spiffe://t/**", URI, "spiffe://t", true),
    R(URI, "spiffe://t/**", URI, "spiffe://t.evil/a", false),
    R(URI, "**", URI, "https://x.test/y", true),
    R(URI, "**", DNS, "x.test", false),
    R(URI, "*", URI, "urn:a", true),
    R(URI, "*", URI, "urn:a/b", false),
    R(IP, "192.0.2.1", IP, "192.0.2.1", true),
    R(IP, "192.0.2.1", IP, "192.0.2.2", false),
    R(IP, "192.0.2.0/24", IP, "192.0.2.255", true),
    R(IP, "192.0.2.0/24", IP, "192.0.3.0", false),
    R(IP, "192.0.2.128/25", IP, "192.0.2.127", false),
    R(IP, "192.0.2.128/25", IP, "192.0.2.200", true),
    R(IP, "0.0.0.0/0", IP, "1.2.3.4", true),
    R(IP, "0.0.0.0/0", IP, "2001:db8::1", false),
    R(IP, "::/0", IP, "2001:db8::1", true),
    R(IP, "::/0", IP, "1.2.3.4", false),
    R(IP, "192.0.2.1", IP, "::ffff:192.0.2.1", true),
    R(IP, "::ffff:192.0.2.1", IP, "192.0.2.1", true),
    R(IP, "::ffff:0:0/96", IP, "1.2.3.4", true),
    R(IP, "::ffff:0:0/96", IP, "2001:db8::1", false),
    R(IP, "::ffff:192.0.2.0/120", IP, "192.0.2.9", true),
    R(IP, "::ffff:192.0.2.0/120", IP, "192.0.3.9", false),
    R(IP, "2001:db8::1", IP, "2001:db8::1", true),
    R(IP, "2001:db8::1", IP, "2001:DB8:0:0::1", true),
    R(IP, "2001:db8::1", IP, "2001:db8::2", false),
    R(IP, "10.0.0.0/8", IP, "a00::", false),
    R(IP, "2001:db8::/33", IP, "2001:db8:7fff::1", true),
    R(IP, "2001:db8::/33", IP, "2001:db8:8000::1", false),
    R(IP, "192.0.2.1", DNS, "192.0.2.1", false),
    R(EMAIL, "Ann@example.com", EMAIL, "Ann@Example.Com", true),
    R(EMAIL, "ann@example.com", EMAIL, "Ann@example.com", false),
    R(EMAIL, "*@example.com", EMAIL, "bob@EXAMPLE.com", true),
    R(EMAIL, "*@example.com", EMAIL, "bob@a.example.com", false),
    R(EMAIL, "*@example.com", EMAIL, "bob@example.com.evil", false),
    R(EMAIL, "bob@example.com", URI, "bob@example.com", false),
    R(FINGERPRINT, HEX, CN, "x", true),
    R(FINGERPRINT, OTHER, CN, "x", false),
    R(FINGERPRINT, HEX, CN, HEX, true),
    R(SPKI, HEX, CN, "x", true),
    R(SPKI, "sha256/" BASE64, CN, "x", true),
    R(SPKI, OTHER, CN, OTHER, false),
    R(ALL, NULL, EMAIL, "a@b", true),
};

static void matches_as_documented(void **state gw_unused)
{
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        struct gw_rule rule = {rows[i].rule, rows[i].pattern, false};
        struct gw_identity id = with_name(rows[i].name, rows[i].text);
        if (judge(&rule, 1, &id, false) != (rows[i].passes ? 0 : NOBODY))
            fail_msg("row %zu: '%s' against '%s'", i, rows[i].pattern, rows[i].text);
    }
}

/* The same table, admitting everybody except those that the pattern denies. */
static void denies_as_documented(void **state gw_unused)
{
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        struct gw_rule both[] = {{GW_RULE_ALL, NULL, false}, {rows[i].rule, rows[i].pattern, true}};
        struct gw_identity id = with_name(rows[i].name, rows[i].text);
        if (rows[i].rule == GW_RULE_ALL)
            continue;
        if (judge(both, 2, &id, false) != (rows[i].passes ? -2 : 0))
            fail_msg("row %zu: '%s' against '%s'", i, rows[i].pattern, rows[i].text);
    }
}

static void any_rule_and_any_name_will_do(void **state gw_unused)
{
    const struct gw_rule rules[] = {
        {GW_RULE_CN, "bob", false}, {GW_RULE_DNS, "b.test", false}, {GW_RULE_OU, "ops", false}};
    struct gw_identity id = with_name(GW_NAME_CN, "alice");
    assert_int_equal(judge(rules, 3, &id, true), NOBODY);
    add_name(&id, GW_NAME_OU, "dev");
    add_name(&id, GW_NAME_OU, "ops");
    assert_int_equal(judge(rules, 3, &id, false), 2);
    add_name(&id, GW_NAME_DNS, "a.test");
    add_name(&id, GW_NAME_DNS, "b.test");
    assert_int_equal(judge(rules, 3, &id, false), 1);
    /* Only the most specific CN counts. */
    add_name(&id, GW_NAME_CN, "bob");
    assert_int_equal(judge(rules, 1, &id, false), NOBODY);
    /* No rule lets nobody in. */
    assert_int_equal(judge(rules, 0, &id, true), NOBODY);
    assert_int_equal(judge(NULL, 0, &id, true), NOBODY);
}

static void deny_comes_first(void **state gw_unused)
{
    const struct gw_rule rules[] = {{GW_RULE_CN, "alice", false},
                                    {GW_RULE_ALL, NULL, false},
                                    {GW_RULE_CN, "bob", true},
                                    {GW_RULE_DNS, "**.bad", true}};
    struct gw_identity id = with_name(GW_NAME_CN, "alice");
    assert_int_equal(judge(rules, 4, &id, false), 0);
    add_name(&id, GW_NAME_DNS, "a.good");
    add_name(&id, GW_NAME_DNS, "a.bad");
    assert_int_equal(judge(rules, 4, &id, false), -4);
    /* Where only the last CN lets in, every one keeps out. */
    add_name(&id, GW_NAME_CN, "bob");
    assert_int_equal(judge(rules, 4, &id, false), -3);
    /* A deny rule alone lets nobody in. */
    assert_int_equal(judge(rules + 2, 1, &id, false), -1);
    id = with_name(GW_NAME_CN, "carol");
    assert_int_equal(judge(rules + 2, 2, &id, false), NOBODY);
}

static void the_absent_pass_only_where_allowed(void **state gw_unused)
{
    const struct gw_rule rules[] = {
        {GW_RULE_CN, "alice", false}, {GW_RULE_ALL, NULL, false}, {GW_RULE_CN, "bob", true}};
    struct gw_identity absent = {0};
    assert_int_equal(judge(rules, 3, &absent, false), NOBODY);
    assert_int_equal(judge(rules, 1, &absent, true), NOBODY);
    assert_int_equal(judge(rules, 3, &absent, true), 1);
    /* Names left over in an absent identity are not looked at. */
    absent = with_name(GW_NAME_CN, "alice");
    absent.present = false;
    assert_int_equal(judge(rules, 1, &absent, true), NOBODY);
}

/* A name that cannot be compared lets nobody in; where a deny rule is about such names, it could be
 * the name meant. */
static void doubt_refuses(void **state gw_unused)
{
    const struct gw_rule rules[] = {{GW_RULE_ALL, NULL, false},
                                    {GW_RULE_CN, "bob", true},
                                    {GW_RULE_DNS, "a.bad", true},
                                    {GW_RULE_DNS, "b.bad", true},
                                    {GW_RULE_FINGERPRINT, OTHER, true}};
    for (int kind = 0; kind < GW_NAME_KIND_COUNT; kind++) {
        struct gw_identity id = with_name(GW_NAME_OU, "ops");
        gw_identity_add_unusable(&id, (enum gw_name_kind)kind, "x y", 3, "of the test");
        int wanted = kind == GW_NAME_CN ? -2 : kind == GW_NAME_DNS ? -3 : 0;
        assert_int_equal(judge(rules, 5, &id, false), wanted);
        assert_int_equal(last_doubt, wanted < 0 ? 1U << kind : 0);
        assert_int_equal(judge(rules, 1, &id, false), 0);
        /* A rule that matches is reported first. */
        add_name(&id, GW_NAME_DNS, "B.bad");
        assert_int_equal(judge(rules, 5, &id, false), -4);
    }
}

static void what_can_never_match_is_told(void **state gw_unused)
{
    static const struct {
        struct gw_rule rule;
        const char *sentence;
    } bad[] = {
        {{GW_RULE_DNS, "a*.test", false},
         "--allow-dns 'a*.test': it can never match: * must be a whole label between two dots"},
        {{GW_RULE_URI, "spiffe://t/**/x", true},
         "--deny-uri 'spiffe://t/**/x': it can never match: ** must be the last part"},
        {{GW_RULE_ALL, NULL, true}, "--deny-all '': it can never match: it has no pattern"},
        {{GW_RULE_CN, NULL, false}, "--allow-cn '': it can never match: it is empty"},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(bad); i++) {
        struct gw_ruleset *set = NULL;
        struct gw_error err;
        assert_true(gw_ruleset_new(&set, &bad[i].rule, 1, &err) < 0);
        assert_string_equal(err.text, bad[i].sentence);
        assert_int_equal(err.exit, GW_EXIT_USAGE);
        assert_null(set);
    }
}

static void the_name_that_matched_is_told(void **state gw_unused)
{
    const struct gw_rule rules[] = {{GW_RULE_DNS, "*.Test", false}};
    struct gw_identity id = with_name(GW_NAME_CN, "x");
    add_name(&id, GW_NAME_DNS, "A.test");
    struct gw_ruleset *set = compile(rules, 1);
    struct gw_ruling ruling = gw_ruleset_judge(set, &id, false);
    assert_true(ruling.pass);
    assert_string_equal(ruling.name, "A.test");
    assert_string_equal(ruling.rule->pattern, "*.Test");
    gw_ruleset_free(set);
}

/* ---- against the plain loop ---- */

static unsigned below(unsigned n)
{
    static uint32_t state = 12345;
    state = state * 1664525 + 1013904223;
    return (state >> 8) % n;
}

/* Few parts, so that names and patterns often agree. */
static void random_text(enum gw_rule_kind kind, bool pattern, char *text, size_t size)
{
    static const char *const parts[] = {"a", "b", "C", "*", "**"};
    static const char *const emails[] = {"a@x", "A@x", "b@X", "*@x", "a@y"};
    static const char *const nets[] = {"10.0.0.1", "10.0.0.2",        "10.0.1.1",    "2001:db8::1",
                                       "::1",      "::ffff:10.0.0.1", "10.0.0.0/24", "10.0.0.0/8",
                                       "::/0",     "2001:db8::/32"};
    unsigned kinds = pattern ? 5 : 3;
    char separator = kind == GW_RULE_DNS ? '.' : '/';
    if (kind == GW_RULE_EMAIL) {
        (void)snprintf(text, size, "%s", emails[pattern ? below(5) : below(4) % 3]);
    } else if (kind == GW_RULE_IP) {
        (void)snprintf(text, size, "%s", nets[below(pattern ? 10 : 6)]);
    } else if (kind == GW_RULE_FINGERPRINT || kind == GW_RULE_SPKI) {
        (void)snprintf(text, size, "%s", below(2) ? HEX : OTHER);
    } else if (kind == GW_RULE_CN || kind == GW_RULE_OU) {
        (void)snprintf(text, size, "%s", parts[below(kinds)]);
    } else {
        size_t len = kind == GW_RULE_URI ? (size_t)snprintf(text, size, "x:") : 0;
        for (unsigned n = 1 + below(4), i = 0; i < n; i++)
            len +=
                (size_t)snprintf(text + len, size - len, "%.*s%s", i || kind == GW_RULE_URI ? 1 : 0,
                                 &separator, parts[below(kinds)]);
        if (below(6) == 0)
            (void)snprintf(text + len, size - len, "%c", separator);
    }
}

struct random_case {
    struct gw_rule rules[RANDOM_RULES];
    char patterns[RANDOM_RULES][TEXT_BYTES];
    unsigned count;
    struct gw_identity id;
};

static void make_rules(struct random_case *c)
{
    char normal[GW_PATTERN_BYTES_MAX];
    const char *why;
    unsigned wanted = below(RANDOM_RULES);
    for (c->count = 0; wanted > 0; wanted--) {
        struct gw_rule *rule = &c->rules[c->count];
        char *text = c->patterns[c->count];
        *rule = (struct gw_rule){(enum gw_rule_kind)(1 + below(GW_RULE_KIND_COUNT - 1)), text,
                                 below(3) == 0};
        random_text(rule->kind, true, text, sizeof(c->patterns[0]));
        c->count += gw_pattern_read(rule->kind, text, normal, &why) == 0;
    }
}

static void make_identity(struct random_case *c)
{
    static const enum gw_rule_kind kinds[] = {
        [GW_NAME_CN] = GW_RULE_CN,   [GW_NAME_OU] = GW_RULE_OU, [GW_NAME_DNS] = GW_RULE_DNS,
        [GW_NAME_URI] = GW_RULE_URI, [GW_NAME_IP] = GW_RULE_IP, [GW_NAME_EMAIL] = GW_RULE_EMAIL,
    };
    char text[TEXT_BYTES];
    c->id = with_name(GW_NAME_CN, "a");
    gw_identity_drop_names(&c->id);
    for (unsigned n = below(RANDOM_NAMES); n > 0; n--) {
        enum gw_name_kind kind = (enum gw_name_kind)below(GW_NAME_KIND_COUNT);
        random_text(kinds[kind], false, text, sizeof(text));
        if (below(8) == 0)
            gw_identity_add_unusable(&c->id, kind, text, strlen(text), "at random");
        else
            add_name(&c->id, kind, text);
    }
}

static void agrees_with_a_plain_loop(void **state gw_unused)
{
    static struct random_case c;
    unsigned passed = 0;
    unsigned denied = 0;
    for (int i = 0; i < RANDOM_SETS; i++) {
        make_rules(&c);
        struct gw_ruleset *set = compile(c.rules, c.count);
        for (int k = 0; k < RANDOM_ASKED; k++) {
            make_identity(&c);
            struct gw_ruling got = gw_ruleset_judge(set, &c.id, false);
            int want = linear_judge(c.rules, c.count, &c.id);
            const struct gw_rule *rule = want == LINEAR_NOBODY ? NULL
                                         : want < 0            ? &c.rules[-1 - want]
                                                               : &c.rules[want];
            if (got.pass != (want >= 0) || !got.rule != !rule ||
                (rule && (rule->kind != got.rule->kind || rule->deny != got.rule->deny ||
                          strcmp(rule->pattern, got.rule->pattern) != 0)))
                fail_msg("set %d: %s '%s', the loop says %d", i, got.pass ? "passes by" : "refused",
                         got.rule ? got.rule->pattern : "", want);
            passed += got.pass;
            denied += !got.pass && rule;
        }
        gw_ruleset_free(set);
    }
    /* Both answers are common, or nothing was compared. */
    assert_in_range(passed, RANDOM_SETS, RANDOM_SETS * RANDOM_ASKED);
    assert_in_range(denied, RANDOM_SETS, RANDOM_SETS * RANDOM_ASKED);
}

/* More than a byte or a word of anything: each rule is still found. */
static void each_of_many_rules_is_found(void **state gw_unused)
{
    enum {
        MANY = 100000
    };
    struct gw_rule *rules = calloc(MANY, sizeof(*rules));
    char(*text)[32] = calloc(MANY, sizeof(*text));
    assert_non_null(rules);
    assert_non_null(text);
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(text[i], sizeof(text[i]), i % 2 ? "n%d.test" : "*.n%d.test", i);
        rules[i] = (struct gw_rule){GW_RULE_DNS, text[i], false};
    }
    struct gw_ruleset *set = compile(rules, MANY);
    for (int i = 0; i < MANY; i++) {
        struct gw_identity id = with_name(GW_NAME_DNS, text[i]);
        struct gw_ruling ruling = gw_ruleset_judge(set, &id, false);
        assert_true(ruling.pass);
        assert_string_equal(ruling.rule->pattern, text[i]);
    }
    gw_ruleset_free(set);
    free(text);
    free(rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_as_documented),
        cmocka_unit_test(denies_as_documented),
        cmocka_unit_test(any_rule_and_any_name_will_do),
        cmocka_unit_test(deny_comes_first),
        cmocka_unit_test(the_absent_pass_only_where_allowed),
        cmocka_unit_test(doubt_refuses),
        cmocka_unit_test(what_can_never_match_is_told),
        cmocka_unit_test(the_name_that_matched_is_told),
        cmocka_unit_test(agrees_with_a_plain_loop),
        cmocka_unit_test(each_of_many_rules_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
