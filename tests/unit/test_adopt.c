/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/proc/adopt and gateway/proc/termset: sets that come faster than they can be loaded, and
 * how long old ones stay. */
#include "gateway/proc/adopt.h"

#include "gateway/config/parse.h"
#include "gateway/proc/expiry.h"
#include "gateway/tls/context_private.h"
#include "tests/unit/tlspair.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    PATIENCE_MS = 20000
};

static int no_files(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void expect_kept(struct gw_adopt *a, int64_t number)
{
    struct gw_termset current = {0};
    struct pollfd p = {.fd = a->done_fd, .events = POLLIN};
    int64_t got = 0;
    assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
    assert_int_equal(gw_adopt_take(a, &current, 0, &got), GW_ADOPT_KEPT);
    assert_int_equal(got, number);
    assert_non_null(strstr(a->err.text, "the copy of the files cannot be used"));
}

static void each_result_has_the_number_of_its_set(void **state)
{
    static const struct gw_config config;
    struct gw_adopt a;
    (void)state;
    assert_int_equal(gw_adopt_init(&a, &config, NULL), 0);
    int replaced = no_files();
    gw_adopt_begin(&a, no_files(), 7);
    gw_adopt_begin(&a, replaced, 8);
    gw_adopt_begin(&a, no_files(), 9);
    assert_int_equal(fcntl(replaced, F_GETFD), -1);
    expect_kept(&a, 7);
    expect_kept(&a, 9);
    gw_adopt_begin(&a, no_files(), 10);
    expect_kept(&a, 10);
    gw_adopt_done(&a);
}

/* ---- sets of two services, with other certificates ---- */

static char flag[] = "--config";
static char *args[] = {flag, NULL};

static struct gw_config *two_services(const struct tlsworld *w)
{
    static const char service[] = "service %s {\n listen = 127.0.0.1:0\n target = 127.0.0.1:80\n"
                                  " cert = %s\n key = %s\n}\n";
    const struct gw_cert_pair *pairs[] = {&w->ec_pair, &w->other_pair};
    char text[2048];
    int len = 0;
    struct gw_config *config = NULL;
    struct gw_error err;
    for (size_t i = 0; i < GW_ARRAY_SIZE(pairs); i++)
        len += snprintf(text + len, sizeof(text) - (size_t)len, service, i ? "second" : "first",
                        pairs[i]->cert_file, pairs[i]->key_file);
    args[1] = (char *)(uintptr_t)test_dir_file(w->dir, "gateway.conf", text, (size_t)len);
    if (gw_config_parse(&config, "server", 2, args, &err))
        fail_msg("%s", err.text);
    return config;
}

/* Loads the files and seals them. */
static int load(struct gw_termset *ret, const struct gw_config *config,
                struct gw_ticket_keys *tickets)
{
    struct gw_files *files = gw_files_new();
    struct gw_error err;
    if (gw_termset_reload(ret, config, tickets, files, &err))
        fail_msg("%s", err.text);
    int fd = gw_files_seal(files);
    assert_true(fd >= 0);
    gw_files_free(files);
    return fd;
}

static void expect_changed(struct gw_adopt *a, struct gw_termset *current, int64_t now_ns,
                           int64_t number)
{
    struct pollfd p = {.fd = a->done_fd, .events = POLLIN};
    int64_t got = 0;
    assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
    assert_int_equal(gw_adopt_take(a, current, now_ns, &got), GW_ADOPT_CHANGED);
    assert_int_equal(got, number);
}

static void expect_burial(struct gw_adopt *a, struct gw_termset *current, int64_t now_ns)
{
    struct pollfd p = {.fd = a->done_fd, .events = POLLIN};
    int64_t number;
    assert_int_equal(a->job, GW_ADOPT_BURY);
    assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
    assert_int_equal(gw_adopt_take(a, current, now_ns, &number), GW_ADOPT_NOTHING);
}

static size_t old_sets(const struct gw_adopt *a)
{
    size_t count = 0;
    for (const struct gw_list *n = a->old.next; n != &a->old; n = n->next)
        count++;
    return count;
}

/* A handshake of the second service holds the first set: it stays, and the sets after it go. */
static void what_is_held_stays_and_nothing_else(void **state)
{
    struct gw_config *config = two_services(*state);
    struct gw_ticket_keys tickets[2] = {{.count = 0}};
    struct gw_termset current;
    struct gw_adopt a;
    int fd = load(&current, config, tickets);
    assert_int_equal(gw_adopt_init(&a, config, tickets), 0);
    struct gw_terms *held = gw_terms_hold(current.terms[1]);
    for (int64_t number = 1; number <= 3; number++) {
        gw_adopt_begin(&a, fcntl(fd, F_DUPFD_CLOEXEC, 0), number);
        expect_changed(&a, &current, 1000 * number, number);
        assert_true(a.due_ns > 1000 * number);
        assert_int_equal(old_sets(&a), number);
    }
    for (size_t left = 2; left > 0; left--) { /* one after the other, without a pause */
        gw_adopt_bury(&a, 5000);
        assert_true(a.due_ns > 5000);
        expect_burial(&a, &current, 6000);
        assert_int_equal(old_sets(&a), left);
        assert_int_equal(a.due_ns, 6000);
    }
    gw_adopt_bury(&a, 7000);
    assert_int_equal(a.job, GW_ADOPT_IDLE);
    assert_int_equal(old_sets(&a), 1);
    assert_true(a.due_ns > 7000);
    gw_terms_put(held);
    gw_adopt_bury(&a, 8000);
    expect_burial(&a, &current, 9000);
    assert_int_equal(old_sets(&a), 0);
    assert_int_equal(a.due_ns, 0);
    gw_termset_done(&current);
    gw_adopt_done(&a);
    (void)close(fd);
    gw_config_free(config);
}

static void each_service_has_its_own(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_config *config = two_services(w);
    struct gw_ticket_keys tickets[2] = {{.count = 0}};
    static struct gw_expiry expiry;
    struct gw_termset set;
    (void)close(load(&set, config, tickets));
    assert_int_equal(set.count, 2);
    for (unsigned i = 0; i < set.count; i++)
        assert_ptr_equal(set.terms[i]->tls->tickets, &tickets[i]);
    gw_expiry_make(&expiry, &set);
    assert_int_equal(expiry.count, 2);
    assert_string_not_equal(expiry.rows[0].name, expiry.rows[1].name);
    gw_termset_done(&set);
    gw_config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_result_has_the_number_of_its_set),
        cmocka_unit_test(what_is_held_stays_and_nothing_else),
        cmocka_unit_test(each_service_has_its_own),
    };
    return cmocka_run_group_tests(tests, tlsworld_setup, tlsworld_teardown);
}
