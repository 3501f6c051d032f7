/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/proc/expiry: each warning comes once, in time, and reloads neither repeat nor lose it. */
#include "gateway/proc/expiry.h"

#include "gateway/base/log.h"
#include "tests/unit/tlspair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DAY INT64_C(86400)
#define T0 INT64_C(1800000000)

static char told[4096];
static unsigned times;

static void keep(void *arg, enum gw_log_level level, const char *message)
{
    (void)arg;
    assert_true(level == GW_LOG_WARNING || level == GW_LOG_ERROR);
    times++;
    (void)snprintf(told, sizeof(told), "%s", message);
}

/* A table of one certificate that is good for `life` days from T0. */
static struct gw_expiry one(int64_t life, const char *name)
{
    struct gw_expiry e = {.count = 1};
    e.rows[0].begins = T0;
    e.rows[0].ends = T0 + life * DAY;
    (void)snprintf(e.rows[0].name, sizeof(e.rows[0].name), "--cert %s", name);
    return e;
}

/* Looks each hour through its life and a week more; the days left at each warning. */
static void warns_at(int64_t life, const char *expected)
{
    struct gw_expiry e = one(life, "x.pem");
    char days[128] = "";
    for (int64_t now = T0; now < T0 + (life + 7) * DAY; now += 3600) {
        size_t len = strlen(days);
        times = 0;
        gw_expiry_warn(&e, now);
        assert_in_range(times, 0, 1);
        if (times)
            (void)snprintf(days + len, sizeof(days) - len, "%lld ",
                           (long long)((e.rows[0].ends - now) / DAY));
    }
    assert_string_equal(days, expected);
}

static void each_warning_comes_once(void **state)
{
    (void)state;
    warns_at(365, "30 7 1 0 ");
    warns_at(90, "30 7 1 0 ");
    warns_at(89, "7 1 0 "); /* after two thirds of its life */
    warns_at(21, "7 1 0 ");
    warns_at(6, "1 0 ");
    warns_at(1, "0 ");
}

static void sentences(void **state)
{
    struct gw_expiry e = one(365, "x.pem");
    (void)state;
    times = 0;
    gw_expiry_warn(&e, T0 + 360 * DAY); /* the first look, late: one warning, not two */
    assert_int_equal(times, 1);
    assert_string_equal(told, "--cert x.pem: the certificate expires in 5 days, on 2028-01-15 "
                              "08:00 UTC; renew it");
    gw_expiry_warn(&e, T0 + 364 * DAY);
    assert_non_null(strstr(told, "expires in 1 day, on"));
    gw_expiry_warn(&e, T0 + 365 * DAY);
    assert_string_equal(told, "--cert x.pem: the certificate expired on 2028-01-15 08:00 UTC, and "
                              "clients refuse it; renew it");
}

static void reloads_repeat_and_lose_nothing(void **state)
{
    struct gw_expiry e = one(365, "x.pem");
    struct gw_expiry same = one(365, "x.pem");
    struct gw_expiry renewed = one(380, "x.pem");
    struct gw_expiry other = one(365, "y.pem");
    (void)state;
    times = 0;
    gw_expiry_warn(&e, T0 + 359 * DAY);
    assert_int_equal(times, 1);
    gw_expiry_replace(&e, &same);
    gw_expiry_warn(&e, T0 + 359 * DAY);
    assert_int_equal(times, 1);
    gw_expiry_replace(&e, &renewed);
    gw_expiry_warn(&e, T0 + 359 * DAY); /* its own first one: 21 days left */
    assert_int_equal(times, 2);
    gw_expiry_replace(&e, &other);
    gw_expiry_warn(&e, T0 + 359 * DAY);
    assert_int_equal(times, 3);
}

/* What comes from another process cannot lead out of the table. */
static void a_strange_table_is_harmless(void **state)
{
    static struct gw_expiry e, strange;
    (void)state;
    memset(&strange, 0xff, sizeof(strange));
    gw_expiry_replace(&e, &strange);
    assert_int_equal(e.count, GW_EXPIRY_ROWS);
    assert_int_equal(strlen(e.rows[GW_EXPIRY_ROWS - 1].name), GW_EXPIRY_NAME - 1);
    gw_expiry_warn(&e, T0);
}

/* Nor beyond what a number holds: an undefined sum, which the sanitizer sees. */
static void strange_dates_are_harmless(void **state)
{
    static struct gw_expiry e;
    static struct gw_expiry strange = {
        .rows = {{.begins = INT64_MIN, .ends = INT64_MAX, .name = "a"},
                 {.begins = INT64_MAX, .ends = INT64_MIN, .name = "b"},
                 {.begins = INT64_MIN, .ends = INT64_MIN, .name = "c"}},
        .count = 3,
    };
    (void)state;
    times = 0;
    gw_expiry_replace(&e, &strange);
    gw_expiry_warn(&e, T0);
    assert_int_equal(e.count, 3);
    assert_int_equal(e.rows[0].warned, 0);
    assert_int_equal(times, 1); /* of c, which ended long ago */
}

static void the_first_to_end_are_kept(void **state)
{
    const struct tlsworld *w = *state;
    static struct gw_expiry e;
    struct gw_service service = {.name = "default"};
    struct gw_termset set = {.count = 1};
    struct gw_error err;
    const char *folder = test_dir_folder(w->dir, "many");
    tlsworld_side(w, &service.tls);
    service.tls.cert_dirs = &folder;
    service.tls.cert_dir_count = 1;
    for (int i = 0; i < GW_EXPIRY_ROWS + 5; i++) {
        char name[300];
        (void)snprintf(name, sizeof(name), "many/%0*d.pem", i ? 1 : 180, i);
        struct test_cert *c = test_cert_new(&(struct test_cert_spec){
            .cn = "x", .begins = -60, .ends = (i * 7 % 37 + 1) * DAY, .issuer = w->ca});
        (void)test_dir_bundle(w->dir, name, c, NULL);
        test_cert_free(c);
    }
    assert_int_equal(gw_terms_new(&set.terms[0], &service, NULL, NULL, &err), 0);
    gw_expiry_make(&e, &set);
    gw_termset_done(&set);
    assert_int_equal(e.count, GW_EXPIRY_ROWS);
    for (unsigned i = 0; i < e.count; i++) {
        int64_t days = (e.rows[i].ends - time(NULL) + DAY / 2) / DAY;
        assert_int_equal(days, i + 1);
    }
    assert_non_null(strstr(e.rows[0].name, "--cert-dir …"));
    assert_int_equal(strlen(e.rows[0].name), GW_EXPIRY_NAME - 1);
    assert_non_null(strstr(e.rows[1].name, "many/16.pem"));
}

static int set_up(void **state)
{
    gw_log_setup(&(struct gw_log_config){.level = GW_LOG_INFO, .sink = keep});
    return tlsworld_setup(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_warning_comes_once),
        cmocka_unit_test(sentences),
        cmocka_unit_test(reloads_repeat_and_lose_nothing),
        cmocka_unit_test(a_strange_table_is_harmless),
        cmocka_unit_test(strange_dates_are_harmless),
        cmocka_unit_test(the_first_to_end_are_kept),
    };
    return cmocka_run_group_tests(tests, set_up, tlsworld_teardown);
}
