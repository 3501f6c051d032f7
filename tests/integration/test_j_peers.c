/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other people's clients against the gateway: a row of peers.c times a column of this file is a
 * test, named ROW_COLUMN, where the row can do what the column asks for.
 *
 * From the environment, in addition to what harness.h lists:
 *   KTLSGATE_TEST_PEERS    rows, with spaces between them; unset: all that are not heavy
 *   KTLSGATE_PEERS         the folder tests/peers
 *   KTLSGATE_PEER_WOLFSSL  the wolfSSL client; unset: it was not built
 */
#include "tests/integration/check.h"
#include "tests/integration/pattern.h"
#include "tests/integration/peers.h"
#include "tests/integration/stage.h"
#include "tests/integration/tool.h"

#include <inttypes.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KIB UINT64_C(1024)
#define MIB (KIB * 1024)

enum {
    SEED = 29,
    LIMIT_MS = 120000,
    ROWS_MAX = 16,
    CELLS_MAX = 256,
    NAME_MAX_LEN = 64,
};

struct column {
    const char *name;
    unsigned needs;
    int version;
    enum peer_suite suite;
    void (*run)(const struct peer *peer, const struct column *column);
};

struct cell {
    const struct peer *peer;
    const struct column *column;
    char name[NAME_MAX_LEN];
};

/* ---- running a client ---- */

static struct peer_task task_of(const struct column *column)
{
    return (struct peer_task){
        .port = gateway->port,
        .version = column->version,
        .suite = column->suite,
    };
}

static void write_input(const struct peer_task *task)
{
    static uint8_t data[65536];
    uint64_t bytes = task->up ? task->up : 1; /* nothing to send would be nothing to do */
    FILE *f = fopen(peer_input_file(), "we");
    assert_non_null(f);
    for (uint64_t at = 0; at < bytes; at += sizeof(data)) {
        size_t n = bytes - at < sizeof(data) ? (size_t)(bytes - at) : sizeof(data);
        pattern_fill(data, n, SEED, at);
        assert_int_equal(fwrite(data, 1, n, f), n);
    }
    assert_int_equal(fclose(f), 0);
}

/* What it did is in *ret; whether that was right is the caller's to say. */
static void run(const struct peer *peer, const struct peer_task *task, struct tool_work work,
                struct tool_result *ret)
{
    struct peer_words words = {.count = 0};
    peer->words(task, &words);
    if (peer->input_is_file)
        write_input(task);
    work.words = words.word;
    work.seed = SEED;
    work.input = peer->input_is_file ? 0 : task->up;
    work.input_stays_open |= work.input == 0;
    tool_run(&work, LIMIT_MS, ret);
}

static void fail_peer(const struct peer *peer, const struct tool_result *r, const char *what)
{
    fail_msg("%s: %s: exit %d, %" PRIu64 " bytes right%s; it said: %s", peer->name, what, r->exit,
             r->output, r->wrong ? ", then wrong ones" : "", r->said);
}

/* All bytes arrived, in both directions, and both ends of the connection were proper. */
static void transfer(const struct peer *peer, const struct peer_task *task, struct conn_line *ret)
{
    struct tool_result result;
    struct backend_account account;
    /* Java takes a stream's end that comes before the key that it asked for as a failure. */
    run(peer, task, (struct tool_work){.last_after = task->update ? task->down : 0}, &result);
    if (result.exit != 0 || result.wrong || result.output != task->down)
        fail_peer(peer, &result, "a transfer");
    assert_true(backend_await(backend, 0, &account));
    assert_false(account.wrong);
    if (!peer->http && !peer->input_is_file)
        assert_int_equal(account.received, task->up);
    gateway_expect(gateway, "finished", ret);
    assert_string_equal(ret->version, task->version == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3");
    assert_true(ret->bytes_up >= task->up);
    assert_true(ret->bytes_down >= task->down);
}

static void plan(const struct peer *peer, struct backend_plan p)
{
    p.up_seed = p.down_seed = SEED;
    p.http = peer->http;
    backend_set_plan(backend, &p);
}

static bool says(const struct tool_result *r, const char *words)
{
    return strstr(r->said, words) || strstr(r->heard, words);
}

/* ---- columns ---- */

static uint64_t large(const struct peer *peer, bool down)
{
    /* gnutls-cli writes what it got one byte a system call, which are slow in the test kernel. */
    if (world_is_small() && down && strcmp(peer->name, "gnutls") == 0)
        return 60001;
    return world_is_small() ? MIB + 1 : 8 * MIB + 1;
}

/* A direction that moved so much did so in the engine that is asked for. */
static void check_engine(const char *direction)
{
    assert_string_equal(direction, engine_is_kernel() ? "kernel" : "user");
}

static void receives(const struct peer *peer, const struct column *column)
{
    struct conn_line line;
    struct peer_task task = task_of(column);
    task.down = large(peer, true);
    plan(peer, (struct backend_plan){.down_bytes = task.down});
    transfer(peer, &task, &line);
    if (engine_is_kernel())
        check_engine(line.tx);
}

static void sends(const struct peer *peer, const struct column *column)
{
    struct conn_line line;
    struct peer_task task = task_of(column);
    task.up = large(peer, false);
    plan(peer, (struct backend_plan){.fin_after_up = task.up});
    transfer(peer, &task, &line);
    if (engine_is_kernel())
        check_engine(line.rx);
}

/* The gateway would rather have another one of them. */
static void chooses_suite(const struct peer *peer, const struct column *column)
{
    struct conn_line line;
    struct peer_task task = task_of(column);
    task.down = 50001;
    plan(peer, (struct backend_plan){.down_bytes = task.down});
    transfer(peer, &task, &line);
    assert_string_equal(line.suite, peer_suite_name(column->version, column->suite));
    task.down = 0;
    task.up = 200003;
    plan(peer, (struct backend_plan){.fin_after_up = task.up});
    transfer(peer, &task, &line);
    assert_string_equal(line.suite, peer_suite_name(column->version, column->suite));
}

/* Of two connections, in any order of their ends. gnutls-cli may end the other one with a RST:
 * it leaves a ticket unread, so its FIN becomes a RST. */
static void expect_one_resumed(void)
{
    struct conn_line lines[2];
    gateway_conn(gateway, &lines[0]);
    gateway_conn(gateway, &lines[1]);
    assert_int_equal(lines[0].resumed + lines[1].resumed, 1);
    assert_string_equal(lines[lines[1].resumed].reason, "finished");
}

/* Both the gateway and the client say so, and the resumed connection carries bytes. */
static void resumes(const struct peer *peer, const struct column *column)
{
    struct tool_result result;
    struct backend_account account;
    struct peer_task task = task_of(column);
    const unsigned runs = peer->resume_runs ? peer->resume_runs : 1;
    task.resume = true;
    task.up = peer->http ? 0 : 100003;
    task.down = peer->http ? 100003 : 0;
    plan(peer, (struct backend_plan){.fin_after_up = task.up});
    for (task.step = 0; task.step < runs; task.step++) {
        run(peer, &task, (struct tool_work){.input_stays_open = runs > 1}, &result);
        if (result.exit != 0)
            fail_peer(peer, &result, "a visit");
    }
    expect_one_resumed();
    if (!says(&result, peer->resumed))
        fail_peer(peer, &result, "it does not say that it resumed");
    if (peer->http)
        assert_int_equal(result.output, task.down);
    assert_true(backend_await(backend, backend_accepted(backend) - 1, &account));
    assert_false(account.wrong);
    assert_true(account.received >= task.up);
}

static void shows_certificate(const struct peer *peer, const struct column *column)
{
    struct conn_line line;
    struct peer_task task = task_of(column);
    task.with_cert = true;
    task.identity = ID_ALICE;
    task.down = 30001;
    plan(peer, (struct backend_plan){.down_bytes = task.down});
    transfer(peer, &task, &line);
    assert_string_equal(line.cn, "alice");
}

static void is_refused(const struct peer *peer, const struct column *column)
{
    struct tool_result result;
    struct conn_line line;
    struct peer_task task = task_of(column);
    task.with_cert = true;
    task.identity = ID_MALLORY;
    task.down = 1000;
    plan(peer, (struct backend_plan){.down_bytes = task.down});
    run(peer, &task, (struct tool_work){.head = NULL}, &result);
    gateway_expect(gateway, "not-allowed", &line);
    assert_string_equal(line.cn, "mallory");
    assert_int_equal(backend_accepted(backend), 0);
    if (result.exit <= 0 || result.output || !says(&result, peer->refused))
        fail_peer(peer, &result, "it does not tell of the alert");
}

/* Its stream is over before the backend begins with its own. */
static void half_closes(const struct peer *peer, const struct column *column)
{
    struct conn_line line;
    struct peer_task task = task_of(column);
    task.half_close = true;
    task.up = 300007;
    task.down = large(peer, true) / 8;
    plan(peer, (struct backend_plan){.down_bytes = task.down, .down_after_fin = true});
    transfer(peer, &task, &line);
    assert_int_equal(line.bytes_up, task.up);
    assert_int_equal(line.bytes_down, task.down);
}

/* ---- key updates: the engine follows, or the kernel cannot and the connection ends properly ----
 */

static bool engine_can_rekey;

/* Before the gateway counts what the kernel counts: the probe makes connections, too. */
static void ask_whether_engine_can_rekey(void)
{
    struct tool_result result;
    const char *words[] = {getenv("KTLSGATE"), "probe", "--json", NULL};
    engine_can_rekey = !engine_is_kernel();
    if (engine_can_rekey)
        return;
    tool_run(&(struct tool_work){.words = words}, LIMIT_MS, &result);
    assert_non_null(strstr(result.heard, "\"rekey\": {"));
    engine_can_rekey = strstr(result.heard, "\"rekey\": {\"works\": true");
}

static void updates_keys(const struct peer *peer, const struct column *column)
{
    struct tool_result result;
    struct conn_line line;
    struct peer_task task = task_of(column);
    task.suite = SUITE_AES_128; /* Java's limit is set for this one */
    task.update = true;
    task.up = large(peer, true);
    task.down = engine_can_rekey ? task.up : 1000; /* few: Java shall not ask at its end */
    plan(peer, (struct backend_plan){.down_bytes = task.down, .fin_after_up = task.up});
    if (engine_can_rekey) {
        transfer(peer, &task, &line);
        return;
    }
    gateway->bad_records = true; /* those under the next key, that it was not given */
    run(peer, &task, (struct tool_work){.head = NULL}, &result);
    gateway_expect(gateway, "rekey-unsupported", &line);
    if (result.wrong || !says(&result, "end=close_notify"))
        fail_peer(peer, &result, "not the end that it should see");
}

static void updates_keys_when_told(const struct peer *peer, const struct column *column)
{
    const struct tool_cue cues[] = {
        {peer->ready, "the first line\n"},      {"the first line", peer->command},
        {peer->commanded, "the second line\n"}, {"the second line", peer->command},
        {peer->commanded, "the third line\n"},  {"the third line", NULL},
    };
    enum {
        CUES = sizeof(cues) / sizeof(cues[0])
    };
    struct tool_result result;
    struct peer_task task = task_of(column);
    const bool can = engine_can_rekey;
    task.talk = true;
    gateway->bad_records = !can;
    backend_set_plan(backend, &BACKEND_PLAN(.echo = true));
    run(peer, &task, (struct tool_work){.cues = cues, .cue_count = CUES}, &result);
    gateway_expect(gateway, can ? "finished" : "rekey-unsupported", NULL);
    if ((result.cues == CUES) != can || (can && result.exit != 0))
        fail_peer(peer, &result, "the talk ended elsewhere");
}

/* ---- the table ---- */

static const struct column columns[] = {
    {"receives_tls12", 0, TLS1_2_VERSION, SUITE_ANY, receives},
    {"receives_tls13", 0, TLS1_3_VERSION, SUITE_ANY, receives},
    {"sends_tls12", 0, TLS1_2_VERSION, SUITE_ANY, sends},
    {"sends_tls13", 0, TLS1_3_VERSION, SUITE_ANY, sends},
    {"aes_128_tls12", CAN_CHOOSE_12, TLS1_2_VERSION, SUITE_AES_128, chooses_suite},
    {"aes_256_tls12", CAN_CHOOSE_12, TLS1_2_VERSION, SUITE_AES_256, chooses_suite},
    {"chacha_tls12", CAN_CHOOSE_12, TLS1_2_VERSION, SUITE_CHACHA, chooses_suite},
    {"aes_128_tls13", CAN_CHOOSE_13, TLS1_3_VERSION, SUITE_AES_128, chooses_suite},
    {"aes_256_tls13", CAN_CHOOSE_13, TLS1_3_VERSION, SUITE_AES_256, chooses_suite},
    {"chacha_tls13", CAN_CHOOSE_13, TLS1_3_VERSION, SUITE_CHACHA, chooses_suite},
    {"resumes_tls12", CAN_RESUME_12, TLS1_2_VERSION, SUITE_ANY, resumes},
    {"resumes_tls13", CAN_RESUME_13, TLS1_3_VERSION, SUITE_ANY, resumes},
    {"shows_certificate_tls12", 0, TLS1_2_VERSION, SUITE_ANY, shows_certificate},
    {"shows_certificate_tls13", 0, TLS1_3_VERSION, SUITE_ANY, shows_certificate},
    {"is_refused_tls12", 0, TLS1_2_VERSION, SUITE_ANY, is_refused},
    {"is_refused_tls13", 0, TLS1_3_VERSION, SUITE_ANY, is_refused},
    {"half_closes", CAN_HALF_CLOSE, TLS1_3_VERSION, SUITE_ANY, half_closes},
    {"updates_keys", CAN_UPDATE, TLS1_3_VERSION, SUITE_ANY, updates_keys},
    {"updates_keys_when_told", CAN_TALK, TLS1_3_VERSION, SUITE_ANY, updates_keys_when_told},
};

enum {
    COLUMNS = sizeof(columns) / sizeof(columns[0])
};

/* ---- cells ---- */

static bool is_here(const char *need)
{
    if (*need == '$')
        return getenv(need + 1) != NULL;
    return *need == '/' ? access(need, R_OK) == 0 : tool_exists(need);
}

static void skip_what_is_not_here(const struct peer *peer)
{
    char why[128];
    for (unsigned i = 0; i < sizeof(peer->needs) / sizeof(peer->needs[0]); i++) {
        if (!peer->needs[i] || is_here(peer->needs[i]))
            continue;
        (void)snprintf(why, sizeof(why), "%s: %s is not installed", peer->name, peer->needs[i]);
        skip_because(why);
    }
}

static void prepare_once(const struct peer *peer)
{
    static const struct peer *prepared[ROWS_MAX];
    unsigned i = 0;
    while (prepared[i] && prepared[i] != peer)
        i++;
    if (!prepared[i] && peer->prepare)
        peer->prepare();
    prepared[i] = peer;
}

static void run_cell(void **state)
{
    const struct cell *cell = *state;
    bool mutual = cell->column->run == shows_certificate || cell->column->run == is_refused;
    skip_what_is_not_here(cell->peer);
    prepare_once(cell->peer);
    if (cell->column->needs & (CAN_UPDATE | CAN_TALK))
        ask_whether_engine_can_rekey();
    (void)stage_start(NULL);
    struct gateway_options options = {.workers = 1};
    if (mutual)
        memcpy(options.flags,
               (const char *[]){"--cacert", world_cert(ID_CA), "--allow-cn", "alice"},
               4 * sizeof(options.flags[0]));
    stage_serve(&options);
    cell->column->run(cell->peer, cell->column);
    gateway_stop(gateway);
}

static bool is_asked_for(const struct peer *peer)
{
    const char *rows = getenv("KTLSGATE_TEST_PEERS");
    size_t len = strlen(peer->name);
    if (!rows)
        return !peer->heavy;
    for (const char *at = rows; *at; at += strcspn(at, " ") + (at[strcspn(at, " ")] == ' '))
        if (strcspn(at, " ") == len && strncmp(at, peer->name, len) == 0)
            return true;
    return false;
}

static size_t add_row(const struct peer *peer, struct cell *cells, struct CMUnitTest *tests)
{
    size_t count = 0;
    for (unsigned i = 0; i < COLUMNS; i++) {
        struct cell *cell = &cells[count];
        if (columns[i].needs & ~peer->can)
            continue;
        *cell = (struct cell){.peer = peer, .column = &columns[i]};
        (void)snprintf(cell->name, sizeof(cell->name), "%s_%s", peer->name, columns[i].name);
        tests[count++] = (struct CMUnitTest){
            .name = cell->name,
            .test_func = run_cell,
            .teardown_func = stage_stop,
            .initial_state = cell,
        };
    }
    return count;
}

int main(void)
{
    static struct cell cells[CELLS_MAX];
    static struct CMUnitTest tests[CELLS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < peer_count; i++)
        if (is_asked_for(&peers[i]) && count + COLUMNS <= CELLS_MAX)
            count += add_row(&peers[i], cells + count, tests + count);
    return world_run("j_peers", tests, count);
}
