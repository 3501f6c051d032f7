/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world of one test program: certificates in a folder, and gateways that run as the processes
 * they are for users. What goes wrong in here fails the test that called it.
 *
 * From the environment:
 *   KTLSGATE             the program to test
 *   KTLSGATE_TEST_FLAGS  more flags for every gateway, such as `--records kernel`
 *   KTLSGATE_TEST_SMALL  set: smaller transfers, for the slow test kernel
 *   KTLSGATE_TEST_ALL    set: the long variants as well
 *   KTLSGATE_TEST_FILTER only tests whose names match this pattern, such as `half*`
 */
#pragma once

#include "tests/integration/logbook.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

enum {
    EXIT_SKIPPED = 77,
    GATEWAY_FLAGS_MAX = 24,
    WORKERS_MAX = 16,
};

/* ---- identities ---- */

/* Certificates of the test's folder: NAME.pem and NAME.key. `ca` signs all but `stranger`, whose
 * own CA is `foreign`. The server's is for localhost, 127.0.0.1; clients have their name as CN. */
#define IDENTITIES(X)                                                                              \
    X(CA, "ca")                                                                                    \
    X(SERVER, "server")                                                                            \
    X(SERVER_RSA, "server-rsa")                                                                    \
    X(SERVER_NEXT, "server-next")                                                                  \
    X(SERVER_EXPIRED, "server-expired")                                                            \
    X(ALICE, "alice")                                                                              \
    X(MALLORY, "mallory")                                                                          \
    X(EXPIRED, "expired")                                                                          \
    X(FOREIGN, "foreign")                                                                          \
    X(STRANGER, "stranger")                                                                        \
    X(BULKY, "bulky") /* a certificate of 66 KB */

enum identity {
#define X(id, name) ID_##id,
    IDENTITIES(X)
#undef X
    ID_COUNT
};

/* main() of a test program: runs the array `tests` with the folder of certificates in place. */
#define run_world(name, tests) world_run(name, tests, sizeof(tests) / sizeof((tests)[0]))
struct CMUnitTest;
int world_run(const char *name, const struct CMUnitTest *tests, size_t count);

const char *world_cert(enum identity id);
const char *world_key(enum identity id);
const char *world_folder(void);

/* ---- what this run is about ---- */

/* True when KTLSGATE_TEST_FLAGS asks for --records kernel. */
bool engine_is_kernel(void);
/* Whether the tests run with --records measured. */
bool engine_is_measured(void);
/* Whether the tests run with --relay splice. */
bool relay_is_splice(void);
bool world_is_small(void);
bool world_wants_all(void);
/* Ends the current test as skipped, saying why. */
void skip_because(const char *why);

/* ---- the gateway ---- */

struct gateway_options {
    bool client;                          /* `ktlsgate client`, which trusts `ca` */
    uint16_t target;                      /* port of the backend on 127.0.0.1 */
    const char *target_path;              /* the target's Unix socket instead of a port */
    unsigned workers;                     /* 0: one */
    const char *cert, *key;               /* server: NULL: those of `server` */
    const char *cacert;                   /* client: NULL: that of `ca` */
    const char *listen;                   /* NULL: a free port of 127.0.0.1 */
    const char *config;                   /* server: a file that says all but the workers */
    const char *flags[GATEWAY_FLAGS_MAX]; /* more of them, each word its own; NULL ends */
};

/* What the kernel counts in /proc/net/tls_stat. */
enum {
    PROOF_TX,
    PROOF_RX,
    PROOF_DECRYPT_ERRORS,
    PROOF_COUNT
};

struct gateway {
    pid_t pid; /* of the master; 0: not running */
    uint16_t port;
    unsigned workers;
    struct logbook log;
    size_t cursor;    /* in the log: what gateway_conn has not seen yet */
    bool unused;      /* the test was skipped */
    bool lost_some;   /* a worker was killed: no account can balance */
    bool bad_records; /* the test makes the kernel see some */
};

/* Starts it and waits until it serves. One of each role at a time: every test ends with
 * gateway_stop, and has gateway_drop in its tear-down for the case that it does not come so far. */
struct gateway *gateway_start(const struct gateway_options *options);
/* Like gateway_start, for a gateway that may end: its pid is then 0, *ret_status its wait status.
 */
struct gateway *gateway_try(const struct gateway_options *options, int *ret_status);
/* Waits for the next line about a connection that ended. */
void gateway_conn(struct gateway *g, struct conn_line *ret);
/* Like gateway_conn, and asserts the line's reason. */
void gateway_expect(struct gateway *g, const char *reason, struct conn_line *ret);
/* Waits for a line that holds `words`, from the log's beginning on. */
void gateway_expect_words(struct gateway *g, const char *words);
/* Waits until its sums of connections that ended with `reason` come to `want`; what they come to.
 */
unsigned long gateway_summed(struct gateway *g, const char *reason, unsigned long want);
/* The port that a service of its file listens on. */
uint16_t gateway_port_of(struct gateway *g, const char *service);
/* TERM without waiting. */
void gateway_term(struct gateway *g);
/* Waits for the end and asserts that the exit code is 0, that the closing summary counts as many
 * ends as beginnings, and, with --records kernel and once no other gateway runs, that the kernel
 * counted as many connections in each direction as the logs say it carried, and no decrypt error.
 */
void gateway_await_exit(struct gateway *g);
/* Both. */
void gateway_stop(struct gateway *g);
/* cmocka's tear-down of a test: kills gateways that a failed test left, with their logs printed. */
int gateway_drop(void **state);

/* Process ids of the workers that run now; their number. */
unsigned gateway_workers(const struct gateway *g, pid_t pids[WORKERS_MAX]);
/* Process id of the loader, once it has its name; 0: there came none. */
pid_t gateway_loader(const struct gateway *g);
/* Process id of the opener, which runs only with --user; 0: there came none. */
pid_t gateway_opener(const struct gateway *g);
/* False once it ended, whether somebody waited for it or not. */
bool process_runs(pid_t pid);
/* Waits until it runs no more. */
void process_await_end(pid_t pid);
/* The row of /proc/PID/status, without blanks at either end. */
void process_row(pid_t pid, const char *row, char ret[256]);
/* Waits until it is in a state (a letter of proc(5)), such as T after SIGSTOP. */
void process_await_state(pid_t pid, char state);
/* The number of open descriptors of a process. Pipes do not count, since the process keeps a stock
 * of them. -1: access denied. */
int process_fds(pid_t pid);
/* Lets it open no more than it has (pipes too); the test is skipped where it may not be done. */
void process_take_fds(pid_t pid, struct rlimit *ret_before);
void process_give_fds(pid_t pid, const struct rlimit *before);
/* Waits until it has so many. */
void process_await_fds(pid_t pid, int want);
/* Resident memory of a process without what it shares with others, in KiB. */
long process_memory_kib(pid_t pid);
/* A row of /proc/net/tls_stat; -1: this kernel has none. */
long tls_stat(const char *row);
