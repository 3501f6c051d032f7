/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/route/authorize: who passes which rule. */
#include "gateway/route/authorize.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct gw_identity with_name(enum gw_name_kind kind, const char *text)
{
    struct gw_identity id = {.present = true, .name_count = 1};
    id.names[0] = (struct gw_name){kind, text};
    return id;
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
    R(CN, "*", CN, "alice", false),
    R(CN, "alice", OU, "alice", false),
    R(OU, "ops", OU, "ops", true),
    R(OU, "ops", CN, "ops", false),
    R(OU, "*", OU, "ops", false),
    R(DNS, "a.test", DNS, "a.test", true),
    R(DNS, "A.Test", DNS, "a.tEST", true),
    R(DNS, "a.test", DNS, "b.a.test", false),
    R(DNS, "a.test", DNS, "*.test", false),
    R(DNS, "a.test", CN, "a.test", false),
    R(DNS, "*.test", DNS, "a.test", false),
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
    R(URI, "**", URI, "https://x.test/y", true),
    R(URI, "**", DNS, "x.test", false),
    R(URI, "*", URI, "urn:a", true),
    R(URI, "*", URI, "urn:a/b", false),
    R(URI, "spiffe://t/a*", URI, "spiffe://t/ab", false),
    R(URI, "", URI, "spiffe://t/ab", false),
    R(ALL, NULL, EMAIL, "a@b", true),
};

static void matches_as_documented(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        struct gw_rule rule = {rows[i].rule, rows[i].pattern};
        struct gw_identity id = with_name(rows[i].name, rows[i].text);
        const struct gw_rule *found = gw_authorize(&rule, 1, &id, false);
        if (found != (rows[i].passes ? &rule : NULL))
            fail_msg("row %zu: '%s' against '%s'", i, rows[i].pattern, rows[i].text);
    }
}

static void any_rule_and_any_name_will_do(void **state)
{
    const struct gw_rule rules[] = {
        {GW_RULE_CN, "bob"}, {GW_RULE_DNS, "b.test"}, {GW_RULE_OU, "ops"}};
    struct gw_identity id = with_name(GW_NAME_CN, "alice");
    (void)state;
    assert_null(gw_authorize(rules, 3, &id, true));
    id.names[id.name_count++] = (struct gw_name){GW_NAME_OU, "dev"};
    id.names[id.name_count++] = (struct gw_name){GW_NAME_OU, "ops"};
    assert_ptr_equal(gw_authorize(rules, 3, &id, false), &rules[2]);
    id.names[id.name_count++] = (struct gw_name){GW_NAME_DNS, "a.test"};
    id.names[id.name_count++] = (struct gw_name){GW_NAME_DNS, "b.test"};
    assert_ptr_equal(gw_authorize(rules, 3, &id, false), &rules[1]);
    /* Only the most specific CN counts. */
    id.names[id.name_count++] = (struct gw_name){GW_NAME_CN, "bob"};
    assert_null(gw_authorize(rules, 1, &id, false));
    /* No rule lets nobody in. */
    assert_null(gw_authorize(rules, 0, &id, true));
    assert_null(gw_authorize(NULL, 0, &id, true));
}

static void the_absent_pass_only_where_allowed(void **state)
{
    const struct gw_rule rules[] = {{GW_RULE_CN, "alice"}, {GW_RULE_ALL, NULL}};
    struct gw_identity absent = {0};
    (void)state;
    assert_null(gw_authorize(rules, 2, &absent, false));
    assert_null(gw_authorize(rules, 1, &absent, true));
    assert_ptr_equal(gw_authorize(rules, 2, &absent, true), &rules[1]);
    /* Names left over in an absent identity are not looked at. */
    absent = with_name(GW_NAME_CN, "alice");
    absent.present = false;
    assert_null(gw_authorize(rules, 1, &absent, true));
}

static void bad_patterns_are_told(void **state)
{
    const struct {
        const char *pattern;
        enum gw_rule_kind kind;
        bool ok;
    } cases[] = {
        {"alice", GW_RULE_CN, true},
        {"*", GW_RULE_CN, true}, /* a CN may be a star */
        {"", GW_RULE_CN, false},
        {NULL, GW_RULE_CN, false},
        {"a.test", GW_RULE_DNS, true},
        {"*.test", GW_RULE_DNS, false},
        {"spiffe://t/*", GW_RULE_URI, true},
        {"spiffe://t/*/x/**", GW_RULE_URI, true},
        {"spiffe://t/**/", GW_RULE_URI, true},
        {"**", GW_RULE_URI, true},
        {"spiffe://t/**/x", GW_RULE_URI, false},
        {"spiffe://t/a*", GW_RULE_URI, false},
        {"spiffe://t/***", GW_RULE_URI, false},
        {"", GW_RULE_URI, false},
        {NULL, GW_RULE_ALL, true},
        {"x", GW_RULE_ALL, false},
    };
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(cases); i++)
        if (gw_authorize_pattern_ok(cases[i].kind, cases[i].pattern) != cases[i].ok)
            fail_msg("'%s'", cases[i].pattern);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_as_documented),
        cmocka_unit_test(any_rule_and_any_name_will_do),
        cmocka_unit_test(the_absent_pass_only_where_allowed),
        cmocka_unit_test(bad_patterns_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
