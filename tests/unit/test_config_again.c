/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/config/again: the configuration is read again, and its changes are found. */
#include "gateway/config/again.h"
#include "gateway/config/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum {
    ARGS_MAX = 32
};

/* A command line that stays while its configuration does. */
struct line {
    char text[512];
    char *args[ARGS_MAX];
    struct gw_config *config;
};

static void parse(struct line *l, const char *text)
{
    struct gw_error err;
    int count = 0;
    (void)strcpy(l->text, text);
    for (char *at = strtok(l->text, " "); at; at = strtok(NULL, " "))
        l->args[count++] = at;
    if (gw_config_parse(&l->config, l->args[0], count - 1, l->args + 1, &err))
        fail_msg("%s", err.text);
}

static struct gw_config *again(const struct gw_config *first)
{
    struct gw_config *second = NULL;
    struct gw_error err;
    if (gw_config_again(&second, first, NULL, &err))
        fail_msg("%s", err.text);
    return second;
}

#define SERVED "server --listen localhost:0 --target localhost:80 --cert c.pem "

static void the_same_line_gives_the_same(void **state gw_unused)
{
    struct line l;
    char what[GW_SETTING_TEXT_MAX];
    parse(&l, SERVED "--cacert ca.pem --allow-cn a --deny-ip 10.0.0.0/8 --max-conns 9 --user root");
    struct gw_config *second = again(l.config);
    const struct gw_service *a = l.config->services[0];
    const struct gw_service *b = second->services[0];
    assert_true(gw_config_same_settings(l.config, second, what));
    assert_int_equal(b->listen_count, a->listen_count);
    assert_string_equal(b->listen[0].text, a->listen[0].text);
    assert_int_equal(b->target.addr_count, a->target.addr_count);
    assert_string_equal(b->target.text, "localhost:80");
    assert_string_equal(b->tls.certs[0].cert_file, "c.pem");
    assert_int_equal(b->rule_count, 2);
    assert_string_equal(b->rules[1].pattern, "10.0.0.0/8");
    assert_int_equal(second->workers, l.config->workers);
    assert_int_equal(second->max_conns, 9);
    /* It stands alone, and may itself be read again. */
    gw_config_free(l.config);
    assert_string_equal(b->target.text, "localhost:80");
    struct gw_config *third = again(second);
    gw_config_free(second);
    gw_config_free(third);
}

/* Settings that a reload exchanges do not count as different, even if they are. */
static void differences_are_named(void **state gw_unused)
{
    static const struct {
        const char *a;
        const char *b;
        const char *what; /* NULL: none */
    } rows[] = {
        {SERVED, SERVED, NULL},
        {SERVED "--cacert a --allow-all", SERVED "--cacert b --allow-cn x --deny-ou y --key k",
         NULL},
        {SERVED "--max-conns 9", SERVED "--max-conns 9", NULL},
        {SERVED "--max-conns 9", SERVED "--max-conns 8", "max-conns"},
        {SERVED, SERVED "--records user", "records"},
        {SERVED, SERVED "--crypto library", "crypto"},
        {SERVED "--alpn h2 --tls-min 1.3", SERVED "--tls-min 1.3 --alpn h2", NULL},
        {SERVED "--alpn h2 --tls-max 1.2", SERVED "--groups P-256", NULL},
        {SERVED "--listen 127.0.0.1:0 --listen 127.0.0.2:0",
         SERVED "--listen 127.0.0.2:0 --listen 127.0.0.1:0", "listen"},
        {SERVED "--listen 127.0.0.1:0", SERVED, "listen"},
        {SERVED "--max-conns 9 --listen 127.0.0.1:0 --relay copy",
         SERVED "--relay splice --records user", "max-conns, listen, relay, records"},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        struct line a;
        struct line b;
        char what[GW_SETTING_TEXT_MAX] = "";
        parse(&a, rows[i].a);
        parse(&b, rows[i].b);
        bool same = gw_config_same_settings(a.config, b.config, what);
        if (same != !rows[i].what || (rows[i].what && strcmp(what, rows[i].what)))
            fail_msg("row %zu: '%s'", i, what);
        assert_int_equal(gw_config_same_settings(b.config, a.config, what), same);
        gw_config_free(a.config);
        gw_config_free(b.config);
    }
}

static void another_role_is_another_service(void **state gw_unused)
{
    struct line a;
    struct line b;
    char what[GW_SETTING_TEXT_MAX];
    parse(&a, "server --listen 127.0.0.1:0 --target 127.0.0.1:80 --cert c");
    parse(&b, "client --listen 127.0.0.1:0 --target 127.0.0.1:80 --cacert c");
    assert_false(gw_config_same_settings(a.config, b.config, what));
    assert_string_equal(what, "the services");
    gw_config_free(a.config);
    gw_config_free(b.config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_line_gives_the_same),
        cmocka_unit_test(differences_are_named),
        cmocka_unit_test(another_role_is_another_service),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
