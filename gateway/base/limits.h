/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every fixed limit and tick of the gateway, with its unit and reason. A value that an operator may
 * want to change is a flag instead (gateway/config/options.c).
 */
#pragma once

#include <stdint.h>

enum {
    GW_MAX_WORKERS = 256,
    GW_MAX_SERVICES = 256,
    GW_MAX_ADDRESSES = 64,  /* listening addresses per service */
    GW_MAX_LISTENERS = 512, /* listening addresses of all services together */
    GW_MAX_CERTS = 100000,  /* per service, in its folders and by flags together */
    GW_MAX_CERT_DIRS = 64,
    GW_MAX_RULES = 100000, /* allow and deny rules per service */
    GW_MAX_ALPN = 16,
    GW_MAX_TRUST_PATHS = 32, /* paths of --cacert, and of --crl; a folder counts as one */
    GW_VERIFY_DEPTH_MAX = 10,
    GW_MAX_NETS = 64, /* networks of load balancers per service */

    GW_MAX_CPU = 8192,         /* exclusive limit of processor numbers (NR_CPUS of big kernels) */
    GW_VALUE_BYTES_MAX = 4096, /* bytes of one value on the command line; PATH_MAX of Linux */
    GW_CONN_FDS = 2,           /* descriptors of one connection: client and backend */
    GW_WORKER_FDS = 96,        /* a worker's other descriptors: listeners, ring, channel, log */
    GW_WORKER_LISTENERS = 64,  /* listeners included in that; each further one adds one */

    /* TLS record layer (RFC 8446 5.1, 5.2; RFC 5246 6.2.3). */
    GW_RECORD_HEADER = 5,
    GW_RECORD_PLAINTEXT_MAX = 16384,
    GW_RECORD_BODY_MAX = 16384 + 256, /* TLS 1.3; AEAD suites of TLS 1.2 need 24 of the 2048 */
    GW_RECORD_SEAL_ROOM_FRONT = 13,   /* header + explicit nonce of TLS 1.2 AES-GCM */
    GW_RECORD_SEAL_ROOM_BACK = 17,    /* inner content type of TLS 1.3 + tag */

    /* Full records per relay buffer, side by side, each with room to be sealed in place: 64 KiB of
     * payload for each receive and each send. */
    GW_BUFFER_SLOTS = 4,
    /* records that one read may become; for a full pipe, an upper bound */
    GW_BATCH_RECORDS_MAX = 32,

    /* The records that a peer may send without progress (OpenSSL's limits). */
    GW_EMPTY_RECORDS_MAX = 32,
    GW_WARNING_ALERTS_MAX = 5,
    GW_RENEGOTIATIONS_MAX = 3, /* requested and refused in one connection of TLS 1.2 */
    GW_KEY_UPDATES_MAX = 32,   /* between two records of application data in either direction */

    /* KeyUpdates of one peer per second, and at once. Each costs some ten microseconds. A Java
     * client with jdk.tls.keyLimits of 2^20 bytes sends one per MiB: five hundred a second at 500
     * MB/s. */
    GW_KEY_UPDATES_PER_SEC = 2000,

    /* Beyond both limits, each data record sent to a peer, which costs more, grants it one
     * KeyUpdate. When our key is too old for Java, it requests the next one with every record that
     * it reads, until it reaches our answer after all data in transit: that many records in the
     * buffers of both ends. */
    GW_KEY_UPDATES_GRANTED_MAX = 8192,

    /* Handshake: the bytes that a peer may send; the part that certificates may take
     * (--max-cert-chain); and a ClientHello, which has less than 4 KiB from all known clients. */
    GW_HANDSHAKE_BYTES_MAX = 128 * 1024,
    GW_CERT_CHAIN_BYTES_MAX = 100 * 1024,
    GW_CLIENT_HELLO_BYTES_MAX = 32 * 1024,

    /* Client role: connections per worker that keep libssl's state (some 20 KiB) after the
     * handshake, to wait for a ticket. */
    GW_TICKET_WAITERS_MAX = 1024,

    /* Bytes of all names kept from a certificate, plus two for each. They are stored in the
     * identity itself, which is on the stack, up to the size that most need. */
    GW_IDENTITY_BYTES_MAX = 64 * 1024,
    GW_IDENTITY_OWN_BYTES = 2 * 1024,
};

/* AES-GCM may seal at most 2^24.5 full records under one key (RFC 8446 5.5). A key changes after at
 * most half of 2^24 (--rekey-after); a key that cannot change never seals more than 2^24. */
#define GW_RECORDS_PER_KEY_MAX (UINT64_C(1) << 24)
#define GW_REKEY_AFTER_MAX (GW_RECORDS_PER_KEY_MAX / 2)

/* how long the peer may take to end after an alert */
#define GW_LINGER_NS (2 * INT64_C(1000000000))
/* client role: how long to wait for tickets in silence */
#define GW_TICKET_WAIT_NS (3 * INT64_C(1000000000))
/* between two checks of SIOCOUTQ; more than 1 jiffy */
#define GW_DRAIN_TICK_NS (10 * INT64_C(1000000))

/* A worker that lived less than FAST is replaced after FIRST, then twice as long each time, up to
 * MAX. */
#define GW_RESPAWN_FAST_NS (1 * INT64_C(1000000000))
#define GW_RESPAWN_FIRST_NS (100 * INT64_C(1000000))
#define GW_RESPAWN_MAX_NS (30 * INT64_C(1000000000))
/* timeout(1), sudo and shells pass a signal on to processes that got it from the terminal
 * already. */
#define GW_STOP_AGAIN_NS (250 * INT64_C(1000000))
/* How long after its time-out a draining worker is killed; until then it sends last alerts. */
#define GW_KILL_GRACE_NS (GW_LINGER_NS + 2 * INT64_C(1000000000))
#define GW_STRANGERS_SUM_NS (1 * INT64_C(1000000000)) /* the period of sums in the log */
/* between two checks of certificates' expiry */
#define GW_EXPIRY_LOOK_NS (3600 * INT64_C(1000000000))
#define GW_TICKET_KEY_LIFE_NS (3600 * INT64_C(1000000000)) /* how long a key encrypts */
