/* SPDX-License-Identifier: Apache-2.0 */
/* --user: no process keeps more rights than it needs, and files that only root may read are read
 * again and again, whichever process dies or is killed by what is in them. */
#include "tests/integration/check.h"
#include "tests/integration/net.h"
#include "tests/integration/renewal.h"
#include "tests/integration/stage.h"

#include "gateway/base/compat.h"

#include <grp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
    GROUPS_MAX = 64,
    WORKERS = 2,
};

#define NO_CAPABILITY "0000000000000000"
#define READS_ALL "0000000000000004" /* CAP_DAC_READ_SEARCH */
#define NOBODY "65534\t65534\t65534\t65534"

/* ---- a start by root, in more groups than one ---- */

static gid_t own_groups[GROUPS_MAX];
static int own_count;

static int start(void **state)
{
    const gid_t many[] = {4, 24};
    keep_files();
    own_count = geteuid() ? -1 : getgroups(GROUPS_MAX, own_groups);
    if (own_count >= 0)
        assert_return_code(setgroups(2, many), errno);
    return stage_start(state);
}

static int stop(void **state)
{
    put_back();
    if (own_count >= 0)
        assert_return_code(setgroups((size_t)own_count, own_groups), errno);
    return stage_stop(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

static void serve_as_nobody(unsigned workers, const char *config)
{
    if (geteuid())
        skip_because("only root can give up its rights");
    stage_serve(&(struct gateway_options){
        .workers = workers,
        .config = config,
        .flags = {"--user", "nobody"},
    });
}

/* ---- rights ---- */

static void has(pid_t pid, const char *row, const char *expected)
{
    char value[256];
    process_row(pid, row, value);
    if (strcmp(value, expected) != 0)
        fail_msg("process %d has %s: %s, not %s", (int)pid, row, value, expected);
}

/* The kernel gives the files of a process that may not be looked into to root. */
static void may_not_be_traced(pid_t pid)
{
    char path[64];
    struct stat st;
    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    assert_return_code(stat(path, &st), errno);
    if (!GW_WITH_ASAN)
        assert_int_equal(st.st_uid, 0);
}

static void has_rights(pid_t pid, const char *capabilities)
{
    assert_true(pid > 0);
    has(pid, "Uid", NOBODY);
    has(pid, "Gid", NOBODY);
    has(pid, "Groups", "");
    has(pid, "CapPrm", capabilities);
    has(pid, "CapEff", capabilities);
    has(pid, "CapInh", NO_CAPABILITY);
    has(pid, "CapAmb", NO_CAPABILITY);
    has(pid, "NoNewPrivs", "1");
    may_not_be_traced(pid);
}

static void all_have_their_rights(void)
{
    pid_t workers[WORKERS_MAX];
    assert_int_equal(gateway_workers(gateway, workers), WORKERS);
    for (int i = 0; i < WORKERS; i++)
        has_rights(workers[i], NO_CAPABILITY);
    has_rights(gateway->pid, NO_CAPABILITY);
    has_rights(gateway_loader(gateway), NO_CAPABILITY);
    has_rights(gateway_opener(gateway), READS_ALL);
}

static void kill_it(pid_t pid)
{
    assert_true(pid > 0);
    assert_return_code(kill(pid, SIGKILL), errno);
}

/* At the start, after reloads, and those that take a dead one's place. */
static void no_process_has_more_rights_than_it_needs(void **state)
{
    pid_t workers[WORKERS_MAX];
    (void)state;
    serve_as_nobody(WORKERS, NULL);
    renew_as(ID_SERVER_RSA);
    hup_until(IN_FORCE); /* so the loader has come so far */
    all_have_their_rights();
    (void)gateway_workers(gateway, workers);
    gateway->lost_some = true;
    for (int i = 0; i < WORKERS; i++) {
        kill_it(workers[i]);
        await_line("is back");
    }
    kill_it(gateway_loader(gateway));
    await_line("the next reload starts another");
    put_back();
    hup_until(IN_FORCE);
    all_have_their_rights();
    pid_t opener = gateway_opener(gateway);
    gateway_stop(gateway);
    process_await_end(opener);
}

/* ---- deaths ---- */

static void renewed_as(enum identity id)
{
    renew_as(id);
    hup_until(IN_FORCE);
    answers(id);
}

static void a_loader_that_dies_is_replaced(void **state)
{
    (void)state;
    stage_serve(&(struct gateway_options){.workers = 1});
    kill_it(gateway_loader(gateway));
    await_line("the loader process ended; the next reload starts another");
    renewed_as(ID_SERVER_RSA);
    pid_t loader = gateway_loader(gateway);
    gateway_stop(gateway);
    process_await_end(loader);
}

/* Idle, and amid a question; the successor of a successor, too. */
static void a_killed_loader_takes_no_right_along(void **state)
{
    (void)state;
    serve_as_nobody(1, NULL);
    for (int i = 0; i < 2; i++) {
        kill_it(gateway_loader(gateway));
        await_line("the loader process ended; the next reload starts another");
        renewed_as(ID_SERVER_RSA);
        pid_t loader = gateway_loader(gateway);
        assert_return_code(kill(loader, SIGSTOP), errno);
        process_await_state(loader, 'T');
        hup_until("HUP: reading the files again");
        hup_until("they will be read once more"); /* so the loader was asked */
        kill_it(loader);
        await_line("reload: the loader process died while it read the files; the previous files "
                   "stay in force");
        answers(ID_SERVER_RSA);
        renewed_as(ID_SERVER_NEXT);
    }
    gateway_stop(gateway);
}

/* A HUP that came while a loader was at it is not lost with that loader. */
static void a_hup_outlives_the_loader(void **state)
{
    (void)state;
    serve_as_nobody(1, NULL);
    pid_t loader = gateway_loader(gateway);
    assert_return_code(kill(loader, SIGSTOP), errno);
    process_await_state(loader, 'T');
    hup_until("HUP: reading the files again");
    hup_until("they will be read once more");
    renew_as(ID_SERVER_RSA);
    kill_it(loader);
    await_line("the loader process died while it read the files");
    await_line(IN_FORCE);
    answers(ID_SERVER_RSA);
    gateway_stop(gateway);
}

/* What only the opener could read stays as it was, and the log says what to do. */
static void a_killed_opener_is_told_of(void **state)
{
    (void)state;
    serve_as_nobody(1, NULL);
    kill_it(gateway_opener(gateway));
    await_line("restart the gateway, or let that user read its files");
    renew_as(ID_SERVER_RSA);
    hup_until("Permission denied");
    answers(ID_SERVER);
    kill_it(gateway_loader(gateway));
    await_line("the next reload starts another");
    hup_until("Permission denied");
    assert_return_code(chmod(world_folder(), 0755), errno);
    assert_return_code(chmod(world_cert(ID_SERVER), 0644), errno);
    assert_return_code(chmod(world_key(ID_SERVER), 0644), errno);
    hup_until(IN_FORCE);
    answers(ID_SERVER_RSA);
    assert_return_code(chmod(world_folder(), 0700), errno);
    assert_int_equal(logbook_count(&gateway->log, "only a restart replaces it"), 1);
    gateway_stop(gateway);
}

/* ---- what is named later ---- */

static const char *config_path(void)
{
    static char path[512];
    (void)snprintf(path, sizeof(path), "%s/gateway.conf", world_folder());
    return path;
}

static void put_config(const char *certificates)
{
    char text[1024];
    int len = snprintf(text, sizeof(text),
                       "service web {\n listen = \"127.0.0.1:0\"\n target = 127.0.0.1:%u\n %s\n}\n",
                       backend_port(backend), certificates);
    assert_in_range(len, 1, sizeof(text) - 1);
    put(config_path(), text, (size_t)len);
}

static void put_pair(enum identity id, const char *quote)
{
    char text[1024];
    (void)snprintf(text, sizeof(text), "cert = %s%s%s\n key = %s%s%s", quote, world_cert(id), quote,
                   quote, world_key(id), quote);
    put_config(text);
}

static void put_into(const char *folder, const char *name, const char *from)
{
    char path[600];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    copy(from, path);
}

/* The configuration file, certificates that it names for the first time, and folders: all of them
 * root's, mode 700 and 600. */
static void what_is_named_later_is_read_too(void **state)
{
    char folder[512], text[600];
    (void)state;
    put_pair(ID_SERVER, "");
    serve_as_nobody(1, config_path());
    answers(ID_SERVER);
    put_pair(ID_SERVER_RSA, "'");
    hup_until(IN_FORCE);
    answers(ID_SERVER_RSA);

    (void)snprintf(folder, sizeof(folder), "%s/live", world_folder());
    assert_return_code(mkdir(folder, 0700), errno);
    put_into(folder, "web.pem", world_cert(ID_SERVER_NEXT));
    put_into(folder, "web.key", world_key(ID_SERVER_NEXT));
    (void)snprintf(text, sizeof(text), "cert-dir = %s", folder);
    put_config(text);
    kill_it(gateway_loader(gateway));
    await_line("the next reload starts another");
    hup_until(IN_FORCE);
    answers(ID_SERVER_NEXT);
    put_into(folder, "web.pem", world_cert(ID_SERVER));
    put_into(folder, "web.key", world_key(ID_SERVER));
    hup_until(IN_FORCE);
    answers(ID_SERVER);
    gateway_stop(gateway);
}

/* As it is mostly: all may read the configuration file, and only root the keys. */
static void so_where_all_may_read_the_names(void **state)
{
    (void)state;
    assert_return_code(chmod(world_folder(), 0755), errno);
    put_pair(ID_SERVER, "");
    assert_return_code(chmod(config_path(), 0644), errno);
    serve_as_nobody(1, config_path());
    static const enum identity later[] = {ID_SERVER_RSA, ID_SERVER_NEXT};
    for (size_t i = 0; i < 2; i++) {
        assert_return_code(chmod(world_key(later[i]), 0600), errno);
        put_pair(later[i], "");
        assert_return_code(chmod(config_path(), 0644), errno);
        hup_until(IN_FORCE);
        answers(later[i]);
    }
    gateway_stop(gateway);
    assert_return_code(chmod(world_folder(), 0700), errno);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_loader_that_dies_is_replaced),       TEST(no_process_has_more_rights_than_it_needs),
        TEST(a_killed_loader_takes_no_right_along), TEST(a_hup_outlives_the_loader),
        TEST(a_killed_opener_is_told_of),           TEST(what_is_named_later_is_read_too),
        TEST(so_where_all_may_read_the_names),
    };
    return run_world("r_rights", tests);
}
