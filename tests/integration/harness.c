/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/integration/harness.h"

#include "tests/integration/check.h"
#include "tests/integration/net.h"
#include "tests/unit/certs.h"

#include "gateway/base/role.h"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct gateway the_gateways[GW_ROLE_COUNT];

/* ---- identities ---- */

static const char *const id_names[ID_COUNT] = {
#define X(id, name) [ID_##id] = name,
    IDENTITIES(X)
#undef X
};

static struct test_dir *folder;
static const char *cert_files[ID_COUNT];
static const char *key_files[ID_COUNT];

static void make(struct test_cert *certs[ID_COUNT], enum identity id, struct test_cert_spec spec)
{
    char name[64];
    spec.cn = id_names[id];
    certs[id] = test_cert_new(&spec);
    (void)snprintf(name, sizeof(name), "%s.pem", id_names[id]);
    cert_files[id] = test_dir_cert(folder, name, certs[id], NULL);
    (void)snprintf(name, sizeof(name), "%s.key", id_names[id]);
    key_files[id] = test_dir_key(folder, name, certs[id]);
}

/* What fills it is an extension that says nothing. */
static void fill_with_comment(X509 *cert)
{
    enum {
        COMMENT_BYTES = 66000
    };
    char *comment = malloc(COMMENT_BYTES + 1);
    assert_non_null(comment);
    memset(comment, 'x', COMMENT_BYTES);
    comment[COMMENT_BYTES] = '\0';
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_netscape_comment, comment);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
    free(comment);
}

static void make_identities(void)
{
    struct test_cert *c[ID_COUNT];
    make(c, ID_CA, (struct test_cert_spec){.ca = true});
    make(c, ID_FOREIGN, (struct test_cert_spec){.ca = true});
    struct test_cert_spec server = {.issuer = c[ID_CA], .san = "DNS:localhost,IP:127.0.0.1"};
    make(c, ID_SERVER, server);
    make(c, ID_SERVER_NEXT, server);
    server.key = TEST_KEY_RSA;
    make(c, ID_SERVER_RSA, server);
    make(c, ID_SERVER_EXPIRED,
         (struct test_cert_spec){
             .issuer = c[ID_CA], .san = server.san, .begins = -7200, .ends = -3600});
    struct test_cert_spec client = {.issuer = c[ID_CA], .ou = "tests", .eku = "clientAuth"};
    make(c, ID_ALICE, client);
    make(c, ID_MALLORY, client);
    client.tweak = fill_with_comment;
    make(c, ID_BULKY, client);
    client.tweak = NULL;
    client.begins = -7200;
    client.ends = -3600;
    make(c, ID_EXPIRED, client);
    make(c, ID_STRANGER, (struct test_cert_spec){.issuer = c[ID_FOREIGN], .eku = "clientAuth"});
    for (int i = 0; i < ID_COUNT; i++)
        test_cert_free(c[i]);
}

static int set_up(void **state)
{
    (void)state;
    struct rlimit files;
    (void)signal(SIGPIPE, SIG_IGN);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    folder = test_dir_new();
    make_identities();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_dir_free(folder);
    folder = NULL;
    return 0;
}

int world_run(const char *name, const struct CMUnitTest *tests, size_t count)
{
    const char *filter = getenv("KTLSGATE_TEST_FILTER");
    (void)setvbuf(stdout, NULL, _IOLBF, 0); /* output before a crash must not be lost */
    if (filter)
        cmocka_set_test_filter(filter);
    return _cmocka_run_group_tests(name, tests, count, set_up, tear_down);
}

const char *world_cert(enum identity id)
{
    return cert_files[id];
}

const char *world_key(enum identity id)
{
    return key_files[id];
}

const char *world_folder(void)
{
    return test_dir_path(folder);
}

/* ---- what this run is about ---- */

bool engine_is_kernel(void)
{
    const char *flags = getenv("KTLSGATE_TEST_FLAGS");
    return flags && strstr(flags, "--records kernel");
}

bool engine_is_measured(void)
{
    const char *flags = getenv("KTLSGATE_TEST_FLAGS");
    return flags && strstr(flags, "--records measured");
}

bool relay_is_splice(void)
{
    const char *flags = getenv("KTLSGATE_TEST_FLAGS");
    return flags && strstr(flags, "--relay splice");
}

bool world_is_small(void)
{
    return getenv("KTLSGATE_TEST_SMALL") != NULL;
}

bool world_wants_all(void)
{
    return getenv("KTLSGATE_TEST_ALL") != NULL;
}

void skip_because(const char *why)
{
    print_message("SKIP: %s\n", why);
    for (int i = 0; i < GW_ROLE_COUNT; i++)
        the_gateways[i].unused = true;
    skip();
}

/* ---- starting a gateway ---- */

enum {
    WORDS_MAX = 64
};

struct words {
    char *word[WORDS_MAX + 1];
    unsigned count;
};

static void add(struct words *w, const char *word)
{
    assert_true(w->count < WORDS_MAX);
    w->word[w->count++] = (char *)(uintptr_t)word;
}

static void add_pair(struct words *w, const char *flag, const char *value)
{
    add(w, flag);
    add(w, value);
}

/* The words of `text` are cut out in place. */
static void add_words(struct words *w, char *text)
{
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
        add(w, word);
}

static const char *gateway_program(void)
{
    const char *program = getenv("KTLSGATE");
    if (!program) {
        (void)fprintf(stderr, "KTLSGATE must name the program to test\n");
        exit(EXIT_FAILURE);
    }
    return program;
}

/* In the child: a test program that is killed takes its gateway with it. */
static _Noreturn void become(char *const words[], int output, pid_t parent)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)dup2(output, STDOUT_FILENO);
    (void)dup2(output, STDERR_FILENO);
    execv(words[0], words);
    _exit(127);
}

static void launch(struct gateway *g, struct words *w)
{
    int out[2];
    pid_t self = getpid();
    assert_return_code(pipe2(out, O_CLOEXEC), 0);
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        become(w->word, out[1], self);
    (void)close(out[1]);
    g->pid = pid;
    logbook_open(&g->log, out[0]);
}

static const char *const proof_rows[PROOF_COUNT] = {
    [PROOF_TX] = "TlsTxSw",
    [PROOF_RX] = "TlsRxSw",
    [PROOF_DECRYPT_ERRORS] = "TlsDecryptError",
};

static void read_proof(long proof[PROOF_COUNT])
{
    for (int i = 0; i < PROOF_COUNT; i++)
        proof[i] = tls_stat(proof_rows[i]);
}

/* The kernel counts for the whole machine, so all gateways that run at a time are one account. */
static struct {
    long began[PROOF_COUNT];
    long logged[PROOF_COUNT]; /* by those that ended */
    long unlogged;            /* entries that their logs say are lost */
    bool bad_records;
    bool lost_some;
} account;

static unsigned running_gateways(void)
{
    unsigned running = 0;
    for (int i = 0; i < GW_ROLE_COUNT; i++)
        running += the_gateways[i].pid > 0;
    return running;
}

/* A gateway is ready: its self-test, which the kernel counts too, is none of the account's. */
static void open_account(const long before[PROOF_COUNT])
{
    long now[PROOF_COUNT];
    read_proof(now);
    if (running_gateways() == 1) {
        memset(&account, 0, sizeof(account));
        memcpy(account.began, now, sizeof(now));
        return;
    }
    for (int i = 0; i < PROOF_COUNT; i++)
        account.began[i] += now[i] - before[i];
}

static void await_words(struct gateway *g, const char *words, char line[LOG_LINE_MAX])
{
    size_t cursor = 0;
    if (!logbook_await(&g->log, &cursor, words, line))
        fail_msg("the gateway's log never said \"%s\"", words);
}

/* False when it ended, or does not come so far. */
static bool await_ready(struct gateway *g, bool own_port)
{
    char line[LOG_LINE_MAX];
    size_t cursor = 0;
    if (!logbook_await(&g->log, &cursor, "listening on ", line))
        return false;
    if (own_port)
        g->port = (uint16_t)strtoul(strrchr(line, ':') + 1, NULL, 10);
    while (logbook_await(&g->log, &cursor, " ready", line))
        if (strcmp(line + strlen(line) - strlen(" ready"), " ready") == 0)
            return true;
    return false;
}

static void drop(struct gateway *g)
{
    pid_t pids[WORKERS_MAX];
    int status;
    if (!g->log.text && !g->pid)
        return;
    if (!g->unused)
        logbook_print(&g->log);
    if (g->pid) {
        unsigned n = gateway_workers(g, pids);
        (void)kill(g->pid, SIGKILL);
        for (unsigned i = 0; i < n; i++)
            (void)kill(pids[i], SIGKILL);
        (void)waitpid(g->pid, &status, 0);
    }
    logbook_close(&g->log);
    g->pid = 0;
}

/* The flags that describe a service; `target` and `more` are room for words of theirs. */
static void add_service(struct words *w, const struct gateway_options *options, char target[128],
                        char more[512])
{
    const char *flags = getenv("KTLSGATE_TEST_FLAGS");
    (void)snprintf(more, 512, "%s", flags ? flags : "");
    if (options->target_path)
        (void)snprintf(target, 128, "unix:%s", options->target_path);
    else
        (void)snprintf(target, 128, "127.0.0.1:%u", options->target);
    add_pair(w, "--listen", options->listen ? options->listen : "127.0.0.1:0");
    add_pair(w, "--target", target);
    if (options->client) {
        add_pair(w, "--cacert", options->cacert ? options->cacert : world_cert(ID_CA));
    } else {
        add_pair(w, "--cert", options->cert ? options->cert : world_cert(ID_SERVER));
        add_pair(w, "--key", options->cert ? options->key : world_key(ID_SERVER));
    }
}

/* False when it ended instead of being ready. */
static bool begin(const struct gateway_options *options, struct gateway **ret)
{
    struct gateway *g = &the_gateways[options->client ? GW_ROLE_CLIENT : GW_ROLE_SERVER];
    struct words w = {.count = 0};
    char target[128], workers[16], more[512] = "";
    long before[PROOF_COUNT];
    drop(g);
    read_proof(before);
    *g = (struct gateway){.workers = options->workers ? options->workers : 1};
    (void)snprintf(workers, sizeof(workers), "%u", g->workers);
    add_pair(&w, gateway_program(), options->client ? "client" : "server");
    if (options->config)
        add_pair(&w, "--config", options->config);
    else
        add_service(&w, options, target, more);
    add_pair(&w, "--workers", workers);
    for (unsigned i = 0; i < GATEWAY_FLAGS_MAX && options->flags[i]; i++)
        add(&w, options->flags[i]);
    add_words(&w, more);
    launch(g, &w);
    *ret = g;
    bool ready = await_ready(g, !options->listen);
    if (ready)
        open_account(before);
    return ready;
}

struct gateway *gateway_start(const struct gateway_options *options)
{
    struct gateway *g;
    if (!begin(options, &g))
        fail_msg("the gateway never said that it is ready");
    return g;
}

/* ---- what it says ---- */

void gateway_conn(struct gateway *g, struct conn_line *ret)
{
    char line[LOG_LINE_MAX];
    if (!logbook_await(&g->log, &g->cursor, CONN_LINE_WORDS, line))
        fail_msg("the gateway logged no further connection");
    if (!conn_line_parse(line, ret))
        fail_msg("a field is missing in: %s", line);
}

void gateway_expect(struct gateway *g, const char *reason, struct conn_line *ret)
{
    struct conn_line line;
    gateway_conn(g, &line);
    assert_string_equal(line.reason, reason);
    if (ret)
        *ret = line;
}

void gateway_expect_words(struct gateway *g, const char *words)
{
    char line[LOG_LINE_MAX];
    await_words(g, words, line);
}

unsigned long gateway_summed(struct gateway *g, const char *reason, unsigned long want)
{
    char line[LOG_LINE_MAX], words[96];
    unsigned long summed = 0;
    size_t cursor = 0;
    (void)snprintf(words, sizeof(words), " more connections ended with %s in ", reason);
    while (summed < want && logbook_await(&g->log, &cursor, words, line)) {
        const char *number = strstr(line, words);
        while (number > line && number[-1] >= '0' && number[-1] <= '9')
            number--;
        summed += strtoul(number, NULL, 10);
    }
    return summed;
}

uint16_t gateway_port_of(struct gateway *g, const char *service)
{
    char line[LOG_LINE_MAX], words[64];
    size_t cursor = 0;
    (void)snprintf(words, sizeof(words), " for service %s", service);
    while (logbook_await(&g->log, &cursor, "listening on 127.0.0.1:", line)) {
        const char *found = strstr(line, words);
        if (found && !found[strlen(words)])
            return (uint16_t)strtoul(strrchr(line, ':') + 1, NULL, 10);
    }
    fail_msg("the log names no port of service %s", service);
    return 0;
}

/* ---- its end ---- */

void gateway_term(struct gateway *g)
{
    assert_int_equal(kill(g->pid, SIGTERM), 0);
}

/* True when the process ended; its wait status in *ret_status. */
static bool await_end(pid_t pid, int *ret_status)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    bool ended = fd >= 0 && net_await(fd, POLLIN, net_now_ms() + DEADLINE_MS);
    if (fd >= 0)
        (void)close(fd);
    return ended && waitpid(pid, ret_status, 0) == pid;
}

/* "connections: 5 accepted, finished 4, client-reset 1": the ends must make up the beginnings. */
static void check_summary(struct gateway *g)
{
    char line[LOG_LINE_MAX];
    await_words(g, "connections: ", line);
    const char *at = strstr(line, "connections: ") + strlen("connections: ");
    unsigned long ends = 0;
    unsigned long begins = strtoul(at, NULL, 10);
    while ((at = strchr(at, ','))) {
        at = strchr(at + 2, ' ');
        assert_non_null(at);
        ends += strtoul(at, NULL, 10);
    }
    if (ends != begins)
        fail_msg("connections were lost: %s", line);
}

/* Entries that a worker could not log, as nobody took them: on a machine so busy its lines are not
 * all there, but their number is. */
static long entries_lost(struct gateway *g)
{
    char line[LOG_LINE_MAX];
    size_t cursor = 0;
    long sum = 0;
    while (logbook_find(&g->log, &cursor, " log entries were lost", line))
        sum +=
            strtol(strstr(line, "worker ") + strcspn(strstr(line, "worker "), ":") + 1, NULL, 10);
    return sum;
}

static void check_account(long counted, long logged)
{
    if (counted < logged || counted > logged + account.unlogged)
        fail_msg("the kernel counts %ld, the logs %ld and %ld lost", counted, logged,
                 account.unlogged);
}

/* The kernel's own account, against what the logs say of each connection. */
static void check_proof(struct gateway *g)
{
    long now[PROOF_COUNT];
    account.logged[PROOF_TX] += (long)logbook_count(&g->log, " tx=kernel");
    account.logged[PROOF_RX] += (long)logbook_count(&g->log, " rx=kernel");
    account.unlogged += entries_lost(g);
    account.bad_records |= g->bad_records;
    account.lost_some |= g->lost_some;
    if (!engine_is_kernel() || account.lost_some || running_gateways() > 0)
        return;
    read_proof(now);
    check_account(now[PROOF_TX] - account.began[PROOF_TX], account.logged[PROOF_TX]);
    check_account(now[PROOF_RX] - account.began[PROOF_RX], account.logged[PROOF_RX]);
    if (!account.bad_records)
        assert_int_equal(now[PROOF_DECRYPT_ERRORS], account.began[PROOF_DECRYPT_ERRORS]);
}

void gateway_await_exit(struct gateway *g)
{
    int status;
    if (!await_end(g->pid, &status))
        fail_msg("the gateway does not end");
    g->pid = 0;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("the gateway ended with status 0x%x", status);
    check_summary(g);
    check_proof(g);
    logbook_close(&g->log);
}

struct gateway *gateway_try(const struct gateway_options *options, int *ret_status)
{
    struct gateway *g;
    if (begin(options, &g))
        return g;
    if (!await_end(g->pid, ret_status))
        fail_msg("the gateway neither starts nor ends");
    g->pid = 0;
    return g;
}

void gateway_stop(struct gateway *g)
{
    gateway_term(g);
    gateway_await_exit(g);
}

int gateway_drop(void **state)
{
    (void)state;
    for (int i = 0; i < GW_ROLE_COUNT; i++)
        drop(&the_gateways[i]);
    return 0;
}

/* ---- processes ---- */

/* What proc(5) says of a process. */
struct glance {
    char state; /* Z: it ended, if it ever was */
    pid_t parent;
    char name[16];
};

static struct glance glance_at(pid_t pid)
{
    struct glance g = {.state = 'Z'};
    char path[64], text[512];
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (fd >= 0)
        (void)close(fd);
    text[n > 0 ? n : 0] = '\0';
    const char *name = strchr(text, '(');
    const char *name_end = strrchr(text, ')');
    if (!name || !name_end || strlen(name_end) <= 4)
        return g;
    (void)snprintf(g.name, sizeof(g.name), "%.*s", (int)(name_end - name - 1), name + 1);
    g.parent = (pid_t)strtol(name_end + 4, NULL, 10);
    g.state = name_end[2] == 'X' ? 'Z' : name_end[2];
    return g;
}

/* Living children whose names begin so. */
static unsigned children(pid_t parent, const char *name, pid_t *pids, unsigned max)
{
    unsigned count = 0;
    DIR *dir = opendir("/proc");
    assert_non_null(dir);
    for (struct dirent *e; count < max && (e = readdir(dir));) {
        pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);
        struct glance g = pid > 0 ? glance_at(pid) : (struct glance){.state = 'Z'};
        if (g.state != 'Z' && g.parent == parent && strncmp(g.name, name, strlen(name)) == 0)
            pids[count++] = pid;
    }
    (void)closedir(dir);
    return count;
}

unsigned gateway_workers(const struct gateway *g, pid_t pids[WORKERS_MAX])
{
    return children(g->pid, "ktlsgate-w", pids, WORKERS_MAX);
}

static pid_t await_child(const struct gateway *g, const char *name)
{
    int64_t deadline = net_now_ms() + DEADLINE_MS;
    pid_t pid;
    while (!children(g->pid, name, &pid, 1)) {
        if (net_now_ms() > deadline)
            return 0;
        (void)poll(NULL, 0, 1);
    }
    return pid;
}

pid_t gateway_loader(const struct gateway *g)
{
    return await_child(g, "ktlsgate-files");
}

pid_t gateway_opener(const struct gateway *g)
{
    return await_child(g, "ktlsgate-opener");
}

bool process_runs(pid_t pid)
{
    return glance_at(pid).state != 'Z';
}

void process_await_end(pid_t pid)
{
    int64_t deadline = net_now_ms() + DEADLINE_MS;
    while (process_runs(pid) && net_now_ms() < deadline)
        (void)poll(NULL, 0, 1);
    if (process_runs(pid))
        fail_msg("process %d did not end", (int)pid);
}

void process_row(pid_t pid, const char *row, char ret[256])
{
    char path[64], line[256];
    size_t len = strlen(row);
    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    bool found = false;
    while (!found && fgets(line, sizeof(line), f))
        found = strncmp(line, row, len) == 0 && line[len] == ':';
    (void)fclose(f);
    if (!found)
        fail_msg("%s has no row %s", path, row);
    const char *value = line + len + 1 + strspn(line + len + 1, " \t");
    size_t end = strlen(value);
    while (end > 0 && strchr(" \n", value[end - 1]))
        end--;
    (void)snprintf(ret, 256, "%.*s", (int)end, value);
}

void process_await_state(pid_t pid, char state)
{
    int64_t deadline = net_now_ms() + DEADLINE_MS;
    char now;
    while ((now = glance_at(pid).state) != state && net_now_ms() < deadline)
        (void)poll(NULL, 0, 1);
    assert_int_equal(now, state);
}

int process_fds(pid_t pid)
{
    char path[64];
    int count = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    DIR *dir = opendir(path);
    if (!dir)
        return -1;
    for (struct dirent *e; (e = readdir(dir));) {
        char what[8] = "";
        ssize_t len = readlinkat(dirfd(dir), e->d_name, what, sizeof(what));
        count += e->d_name[0] != '.' && !(len > 5 && memcmp(what, "pipe:", 5) == 0);
    }
    (void)closedir(dir);
    return count;
}

static bool has_descriptor(pid_t pid, unsigned number)
{
    char path[64], target[8];
    (void)snprintf(path, sizeof(path), "/proc/%d/fd/%u", (int)pid, number);
    return readlink(path, target, sizeof(target)) >= 0;
}

/* Those that it has stay below the limit: poll(2) would refuse more than may be open. */
void process_take_fds(pid_t pid, struct rlimit *ret_before)
{
    unsigned number = 0;
    if (prlimit(pid, RLIMIT_NOFILE, NULL, ret_before))
        skip_because("this user may not set limits of the gateway");
    while (has_descriptor(pid, number))
        number++;
    struct rlimit none = {.rlim_cur = number, .rlim_max = ret_before->rlim_max};
    assert_return_code(prlimit(pid, RLIMIT_NOFILE, &none, NULL), 0);
}

void process_give_fds(pid_t pid, const struct rlimit *before)
{
    assert_return_code(prlimit(pid, RLIMIT_NOFILE, before, NULL), 0);
}

void process_await_fds(pid_t pid, int want)
{
    int64_t deadline = net_now_ms() + DEADLINE_MS;
    int now;
    while ((now = process_fds(pid)) != want && net_now_ms() < deadline)
        (void)poll(NULL, 0, 10);
    assert_int_equal(now, want);
}

/* The number behind `row` in a file of /proc; -1: not there. */
static long proc_number(const char *path, const char *row)
{
    char line[256];
    long value = -1;
    size_t len = strlen(row);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f))
        if (strncmp(line, row, len) == 0)
            value = strtol(line + len + strspn(line + len, ": \t"), NULL, 10);
    if (f)
        (void)fclose(f);
    return value;
}

long process_memory_kib(pid_t pid)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    return proc_number(path, "RssAnon");
}

long tls_stat(const char *row)
{
    return proc_number("/proc/net/tls_stat", row);
}
