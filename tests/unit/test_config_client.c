/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/config of `ktlsgate client` and `check client`: what it needs, what name it verifies, and
 * that flags which cannot work there are not taken. */
#include "gateway/config/command.h"
#include "tests/unit/cmdline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define CLIENT "client --listen 127.0.0.1:0 --cacert ca.pem "

static void refused(const char *line, const char *words)
{
    struct cmdline c = cmdline_parse(line);
    if (!c.result || !strstr(c.err.text, words))
        print_error("%s: %s\n", line, c.result ? c.err.text : "taken");
    assert_int_not_equal(c.result, 0);
    assert_int_equal(c.err.exit, GW_EXIT_USAGE);
    assert_non_null(strstr(c.err.text, words));
}

static void it_is_the_client_role_and_verifies(void **state gw_unused)
{
    static const struct {
        const char *line;
        enum gw_command command;
        enum gw_role role;
    } rows[] = {
        {CLIENT "--target 127.0.0.1:443", GW_COMMAND_CLIENT, GW_ROLE_CLIENT},
        {"check " CLIENT "--target 127.0.0.1:443", GW_COMMAND_CHECK_CLIENT, GW_ROLE_CLIENT},
        {"server " SERVED, GW_COMMAND_SERVER, GW_ROLE_SERVER},
        {"check " SERVED, GW_COMMAND_CHECK, GW_ROLE_SERVER},
        {"check server " SERVED, GW_COMMAND_CHECK, GW_ROLE_SERVER},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        struct cmdline c = cmdline_parse(rows[i].line);
        assert_int_equal(c.result, 0);
        const struct gw_service *s = c.config->services[0];
        bool client = rows[i].role == GW_ROLE_CLIENT;
        assert_int_equal(c.config->command, rows[i].command);
        assert_int_equal(s->role, rows[i].role);
        assert_int_equal(s->tls.role, rows[i].role);
        assert_int_equal(s->tls.verify, client ? GW_VERIFY_REQUIRED : GW_VERIFY_NONE);
        assert_int_equal(s->tls.peer_name != NULL, client);
        assert_int_equal(s->proxy_protocol, GW_PROXY_OFF);
        assert_int_equal(s->handshake_timeout_ns, INT64_C(10000000000));
        assert_true(s->tls.session_tickets);
        gw_config_free(c.config);
    }
}

static void the_name_is_that_of_the_target(void **state gw_unused)
{
    static const struct {
        const char *flags;
        const char *name;
    } rows[] = {
        {"--target 127.0.0.1:443", "127.0.0.1"},
        {"--target localhost:443", "localhost"},
        {"--target [::1]:443", "::1"},
        {"--target 127.0.0.1:443 --target-name db.example.com", "db.example.com"},
        {"--target 127.0.0.1:443 --target-name 2001:db8::1", "2001:db8::1"},
        {"--target unix:/run/x --target-name db.example.com", "db.example.com"},
        {"--target 127.0.0.1:443 --target-name db.example.com.", "db.example.com"},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        char line[256];
        (void)snprintf(line, sizeof(line), CLIENT "%s", rows[i].flags);
        struct cmdline c = cmdline_parse(line);
        if (c.result)
            print_error("%s: %s\n", line, c.err.text);
        assert_int_equal(c.result, 0);
        assert_string_equal(c.config->services[0]->tls.peer_name, rows[i].name);
        gw_config_free(c.config);
    }
}

static void a_bad_name_is_refused(void **state gw_unused)
{
    static const char *const names[] = {"db.example.com:443",
                                        "[::1]",
                                        "*.example.com",
                                        "a..b",
                                        "-^",
                                        "1.2.3",
                                        "1.2.3.4.5",
                                        "a/b",
                                        ".a"};
    for (size_t i = 0; i < GW_ARRAY_SIZE(names); i++) {
        char line[256];
        (void)snprintf(line, sizeof(line), CLIENT "--target 127.0.0.1:443 --target-name %s",
                       names[i]);
        refused(line, "--target-name");
    }
}

static void what_is_needed_is_asked_for(void **state gw_unused)
{
    refused("client", "--listen is missing");
    refused("client --listen 127.0.0.1:0", "--target is missing");
    refused("client --listen 127.0.0.1:0 --target 127.0.0.1:443", "--cacert is missing");
    refused(CLIENT "--target unix:/run/x", "--target-name is missing");
    refused(CLIENT "--target localhost:1 --target-name none",
            "--target-name none would accept every certificate");
    refused(CLIENT "--target localhost:1 --target-name none --deny-cn x",
            "--target-name none would accept every certificate");
    refused(CLIENT "--target localhost:1 --allow-uri https://X/", "not in small letters");
    refused(CLIENT "--target 127.0.0.1:443 --key k.pem", "--key without --cert");
    refused(CLIENT "--target 127.0.0.1:443 --cert a --cert b", "--cert is given twice");
}

/* In addition to the name or instead of it; never neither. */
static void rules_judge_the_target(void **state gw_unused)
{
    static const struct {
        const char *flags;
        const char *name; /* NULL: there is none to be sent */
        bool unnamed;
        unsigned rules;
        enum gw_rule_kind last;
    } rows[] = {
        {"--target localhost:443", "localhost", false, 1, GW_RULE_ALL},
        {"--target localhost:443 --allow-cn a", "localhost", false, 1, GW_RULE_CN},
        {"--target localhost:443 --deny-cn a", "localhost", false, 2, GW_RULE_ALL},
        {"--target localhost:443 --deny-cn a --allow-ou b", "localhost", false, 2, GW_RULE_OU},
        {"--target localhost:443 --target-name none --allow-uri spiffe://t/a", "localhost", true, 1,
         GW_RULE_URI},
        {"--target unix:/run/x --target-name none --allow-dns **.a.test", NULL, true, 1,
         GW_RULE_DNS},
        {"--target localhost:443 --target-name none --allow-ip ::1 --allow-email *@a.test",
         "localhost", true, 2, GW_RULE_EMAIL},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        char line[256];
        (void)snprintf(line, sizeof(line), CLIENT "%s", rows[i].flags);
        struct cmdline c = cmdline_parse(line);
        if (c.result)
            fail_msg("%s: %s", line, c.err.text);
        const struct gw_service *s = c.config->services[0];
        assert_string_equal(s->tls.peer_name ? s->tls.peer_name : "",
                            rows[i].name ? rows[i].name : "");
        assert_int_equal(s->tls.peer_unnamed, rows[i].unnamed);
        assert_int_equal(s->rule_count, rows[i].rules);
        assert_int_equal(s->rules[s->rule_count - 1].kind, rows[i].last);
        assert_false(s->rules[s->rule_count - 1].deny);
        gw_config_free(c.config);
    }
}

static void what_is_a_servers_is_not_taken(void **state gw_unused)
{
    static const char *const flags[] = {"--proxy-protocol v1", "--accept-proxy on", "--verify none",
                                        "--allow-all"};
    char line[256];
    for (size_t i = 0; i < GW_ARRAY_SIZE(flags); i++) {
        (void)snprintf(line, sizeof(line), CLIENT "--target 127.0.0.1:443 %s", flags[i]);
        refused(line, "is a flag of `ktlsgate server`, not of `ktlsgate client`");
    }
    refused("server " SERVED "--target-name x", "is a flag of `ktlsgate client`");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_client_role_and_verifies),
        cmocka_unit_test(the_name_is_that_of_the_target),
        cmocka_unit_test(a_bad_name_is_refused),
        cmocka_unit_test(what_is_needed_is_asked_for),
        cmocka_unit_test(rules_judge_the_target),
        cmocka_unit_test(what_is_a_servers_is_not_taken),
    };
    return cmocka_run_group_tests_name("config_client", tests, NULL, NULL);
}
