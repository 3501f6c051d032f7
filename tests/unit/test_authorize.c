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
    enum gw_rule_kind rule;
    const char *pattern;
    enum gw_name_kind name;
    const char *text;
    bool passes;
};

static const struct row rows[] = {
    {GW_RULE_CN, "alice", GW_NAME_CN, "alice", true},
    {GW_RULE_CN, "alice", GW_NAME_CN, "Alice", false},
    {GW_RULE_CN, "alice", GW_NAME_CN, "alice2", false},
    {GW_RULE_CN, "*", GW_NAME_CN, "alice", false},
    {GW_RULE_CN, "alice", GW_NAME_OU, "alice", false},
    {GW_RULE_OU, "ops", GW_NAME_OU, "ops", true},
    {GW_RULE_OU, "ops", GW_NAME_CN, "ops", false},
    {GW_RULE_OU, "*", GW_NAME_OU, "ops", false},
    {GW_RULE_DNS, "a.test", GW_NAME_DNS, "a.test", true},
    {GW_RULE_DNS, "A.Test", GW_NAME_DNS, "a.tEST", true},
    {GW_RULE_DNS, "a.test", GW_NAME_DNS, "b.a.test", false},
    {GW_RULE_DNS, "a.test", GW_NAME_DNS, "*.test", false},
    {GW_RULE_DNS, "a.test", GW_NAME_CN, "a.test", false},
    {GW_RULE_DNS, "*.test", GW_NAME_DNS, "a.test", false},
    {GW_RULE_URI, "spiffe://t/a", GW_NAME_URI, "spiffe://t/a", true},
    {GW_RULE_URI, "spiffe://t/a", GW_NAME_URI, "spiffe://t/A", false},
    {GW_RULE_URI, "spiffe://t/a", GW_NAME_URI, "spiffe://t/a/", true},
    {GW_RULE_URI, "spiffe://t/a/", GW_NAME_URI, "spiffe://t/a", true},
    {GW_RULE_URI, "spiffe://t/a", GW_NAME_URI, "spiffe://t/a//", false},
    {GW_RULE_URI, "spiffe://t/a", GW_NAME_URI, "spiffe://t/a/b", false},
    {GW_RULE_URI, "spiffe://t/a", GW_NAME_URI, "spiffe://t/ab", false},
    {GW_RULE_URI, "spiffe://t/a", GW_NAME_URI, "spiffe://t", false},
    {GW_RULE_URI, "spiffe://t/*", GW_NAME_URI, "spiffe://t/a", true},
    {GW_RULE_URI, "spiffe://t/*", GW_NAME_URI, "spiffe://t/a/", true},
    {GW_RULE_URI, "spiffe://t/*", GW_NAME_URI, "spiffe://t/", false},
    {GW_RULE_URI, "spiffe://t/*", GW_NAME_URI, "spiffe://t", false},
    {GW_RULE_URI, "spiffe://t/*", GW_NAME_URI, "spiffe://t/a/b", false},
    {GW_RULE_URI, "spiffe://t/*", GW_NAME_URI, "spiffe://tt/a", false},
    {GW_RULE_URI, "spiffe://*/*/b", GW_NAME_URI, "spiffe://t/a/b", true},
    {GW_RULE_URI, "spiffe://*/*/b", GW_NAME_URI, "spiffe://t//b", false},
    {GW_RULE_URI, "spiffe://t/*/b/**", GW_NAME_URI, "spiffe://t/a/b", true},
    {GW_RULE_URI, "spiffe://t/*/b/**", GW_NAME_URI, "spiffe://t/a/b/", true},
    {GW_RULE_URI, "spiffe://t/*/b/**", GW_NAME_URI, "spiffe://t/a/b/c/d", true},
    {GW_RULE_URI, "spiffe://t/*/b/**/", GW_NAME_URI, "spiffe://t/a/b/c/d", true},
    {GW_RULE_URI, "spiffe://t/*/b/**", GW_NAME_URI, "spiffe://t/a/bb", false},
    {GW_RULE_URI, "spiffe://t/*/b/**", GW_NAME_URI, "spiffe://t/a", false},
    {GW_RULE_URI, "**", GW_NAME_URI, "https://x.test/y", true},
    {GW_RULE_URI, "**", GW_NAME_DNS, "x.test", false},
    {GW_RULE_URI, "*", GW_NAME_URI, "urn:a", true},
    {GW_RULE_URI, "*", GW_NAME_URI, "urn:a/b", false},
    {GW_RULE_URI, "spiffe://t/a*", GW_NAME_URI, "spiffe://t/ab", false},
    {GW_RULE_URI, "", GW_NAME_URI, "spiffe://t/ab", false},
    {GW_RULE_ALL, NULL, GW_NAME_EMAIL, "a@b", true},
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
        enum gw_rule_kind kind;
        const char *pattern;
        bool ok;
    } cases[] = {
        {GW_RULE_CN, "alice", true},
        {GW_RULE_CN, "*", true}, /* a CN may be a star */
        {GW_RULE_CN, "", false},
        {GW_RULE_CN, NULL, false},
        {GW_RULE_DNS, "a.test", true},
        {GW_RULE_DNS, "*.test", false},
        {GW_RULE_URI, "spiffe://t/*", true},
        {GW_RULE_URI, "spiffe://t/*/x/**", true},
        {GW_RULE_URI, "spiffe://t/**/", true},
        {GW_RULE_URI, "**", true},
        {GW_RULE_URI, "spiffe://t/**/x", false},
        {GW_RULE_URI, "spiffe://t/a*", false},
        {GW_RULE_URI, "spiffe://t/***", false},
        {GW_RULE_URI, "", false},
        {GW_RULE_ALL, NULL, true},
        {GW_RULE_ALL, "x", false},
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
