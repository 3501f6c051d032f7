/* SPDX-License-Identifier: Apache-2.0 */
/* What the command line of ktlsgate-bench asks for; immutable once read. */
#pragma once

#include "bench/flood/spec.h"
#include "gateway/base/limits.h"
#include "gateway/config/config.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum bench_command {
    BENCH_HANDSHAKE,
    BENCH_BULK,
    BENCH_LATENCY,
    BENCH_IDLE,
    BENCH_CHURN,
    BENCH_ORIGIN,
    BENCH_COMPARE,
    BENCH_CRYPTO,
    BENCH_REPORT,
    BENCH_FLOOD,
    BENCH_SIEGE,
    BENCH_COMMAND_COUNT,
};

enum bench_direction {
    BENCH_DOWN, /* from the server */
    BENCH_UP,
    BENCH_BOTH,
};

enum bench_resume {
    BENCH_FULL,
    BENCH_RESUMED,
};

enum bench_cipher {
    BENCH_AES_128_GCM,
    BENCH_AES_256_GCM,
    BENCH_CHACHA20_POLY1305,
};

enum bench_tls {
    BENCH_TLS_1_2,
    BENCH_TLS_1_3,
};

enum bench_key_type {
    BENCH_KEY_ECDSA_P256,
    BENCH_KEY_RSA_2048,
};

enum {
    BENCH_PIDS_MAX = 16,
    BENCH_THREADS_MAX = 64,
    BENCH_ROUNDS_MAX = 100,
    BENCH_SIZES_MAX = 8,
    BENCH_INPUTS_MAX = 256,
    BENCH_LINE_MAX = 1024,
};

struct bench_cpus {
    int list[GW_MAX_WORKERS];
    unsigned count; /* 0: threads are not pinned */
};

struct bench_pids {
    pid_t list[BENCH_PIDS_MAX];
    unsigned count;
};

/* What `compare` is asked for; lists are as they were typed, NULL: all there is. */
struct bench_comparison {
    uint64_t rounds;
    const char *cases;
    const char *systems;
    const char *workers;  /* NULL: one */
    const char *ktlsgate; /* NULL: the program that was built with this one, else the one in PATH */
    int key_type;         /* enum bench_key_type */
    struct bench_cpus server_cpus;
    struct bench_cpus load_cpus;
    const char *out;      /* NULL: no folder */
    const char *baseline; /* NULL: nothing to compare with */
    bool quick;
    bool smoke; /* only shows that all of it works */
    bool fixed; /* each case its own amount of work, instead of a time */
};

struct bench_sizes {
    size_t list[BENCH_SIZES_MAX];
    unsigned count;
};

struct bench_crypto_wish {
    struct bench_sizes sizes; /* of what is sealed and opened */
    unsigned ciphers;         /* a bit for each enum bench_cipher */
    const char *relay;        /* NULL, or the file of a comparison */
};

struct bench_report_wish {
    const char *inputs[BENCH_INPUTS_MAX]; /* files, and folders of files */
    unsigned count;
    const char *out;
};

enum bench_into {
    BENCH_INTO_AUTO, /* what the kind of flood needs */
    BENCH_INTO_DROP,
    BENCH_INTO_LISTEN,
};

struct bench_flood_wish {
    struct bench_flood flood;
    int into;         /* enum bench_into */
    const char *pcap; /* NULL: it is sent */
};

enum bench_reception {
    BENCH_RECEPTION_GATEWAY, /* its processor receives what is sent to it, as with a network card */
    BENCH_RECEPTION_SENDER,
};

/* The assignment of processors is with that of `compare`. */
struct bench_siege_wish {
    const char *rates;    /* of SYNs, as typed */
    unsigned defences;    /* a bit for each row of bench/siege/defence.h */
    unsigned sources;     /* sources, as in bench/siege/assault.h */
    uint64_t handshakes;  /* of clients, a second */
    uint64_t transfer;    /* MiB a second, 0: as fast as it goes */
    const char *nftables; /* the folder with the rules that are shipped */
    int reception;        /* enum bench_reception */
    struct bench_cpus flood_cpus;
};

struct bench_config {
    enum bench_command command;
    char line[BENCH_LINE_MAX]; /* that asks for it, as a shell would take it */

    struct gw_address target; /* of a load; len 0: not given */
    struct gw_address listen; /* of the origin */
    const char *server_name;  /* NULL: none is sent */
    bool plain;               /* no TLS */
    int tls;                  /* enum bench_tls */
    int cipher;               /* enum bench_cipher */
    const char *groups;       /* NULL: libssl's own */
    const char *cert;         /* NULL: none is shown */
    const char *key;
    const char *cacert; /* NULL: the server's certificate is not verified */
    int resume;         /* enum bench_resume */

    int direction; /* enum bench_direction */
    uint64_t size; /* bytes of a transfer, request or response */
    const char *path;
    uint64_t rate; /* requests per second, 0: closed loop */

    uint64_t connections;
    uint64_t threads;
    struct bench_cpus cpus;
    uint64_t units; /* so many are measured, instead of a time; 0: time_ns says */
    int64_t time_ns;
    int64_t warmup_ns;
    int64_t timeout_ns;     /* the server may take so long for an answer */
    struct bench_pids pids; /* the server's processes; their children's CPU time counts, too */

    bool json;
    const char *save; /* NULL: no file */

    struct bench_comparison compare;
    struct bench_crypto_wish crypto;
    struct bench_report_wish report;
    struct bench_flood_wish flood;
    struct bench_siege_wish siege;
};
