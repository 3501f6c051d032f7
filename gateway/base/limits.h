/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every fixed limit and tick of the gateway in one place, with its unit and its reason. What an
 * operator may want to change is a flag instead (gateway/config/options.c).
 */
#pragma once

#include <stdint.h>

enum {
    GW_MAX_WORKERS = 256,
    GW_MAX_SERVICES = 256,
    GW_MAX_ADDRESSES = 64,  /* that a service listens on */
    GW_MAX_LISTENERS = 512, /* … all services together */
    GW_MAX_CERTS = 100000,  /* per service: in its folders, and by flags */
    GW_MAX_CERT_DIRS = 64,
    GW_MAX_RULES = 100000, /* allow and deny rules per service */
    GW_MAX_ALPN = 16,
    GW_MAX_TRUST_PATHS = 32, /* of --cacert and of --crl, each; a folder is one */
    GW_VERIFY_DEPTH_MAX = 10,
    GW_MAX_NETS = 64, /* networks of load balancers per service */

    GW_MAX_CPU = 8192,         /* processor numbers are below it (NR_CPUS of big kernels) */
    GW_VALUE_BYTES_MAX = 4096, /* of one value on the command line; PATH_MAX of Linux */
    GW_CONN_FDS = 2,           /* descriptors of one connection: client and backend */
    GW_WORKER_FDS = 96,        /* a worker's others: listeners, ring, channel, log */
    GW_WORKER_LISTENERS = 64,  /* … as many of them; each more is one more */

    /* TLS record layer (RFC 8446 5.1, 5.2; RFC 5246 6.2.3). */
    GW_RECORD_HEADER = 5,
    GW_RECORD_PLAINTEXT_MAX = 16384,
    GW_RECORD_BODY_MAX = 16384 + 256, /* TLS 1.3; AEAD suites of TLS 1.2 need 24 of the 2048 */
    GW_RECORD_SEAL_ROOM_FRONT = 13,   /* header + explicit nonce of TLS 1.2 AES-GCM */
    GW_RECORD_SEAL_ROOM_BACK = 17,    /* inner content type of TLS 1.3 + tag */

    /* A relay buffer holds this many full records side by side, each with room to be sealed in
     * place: 64 KiB of payload for each receive and each send. */
    GW_BUFFER_SLOTS = 4,
    GW_BATCH_RECORDS_MAX = 32, /* that become of one read: of a full pipe, counted with care */

    /* What a peer may make us swallow without progress (as OpenSSL limits it). */
    GW_EMPTY_RECORDS_MAX = 32,
    GW_WARNING_ALERTS_MAX = 5,
    GW_RENEGOTIATIONS_MAX = 3, /* asked for, and refused, in one connection of TLS 1.2 */
    GW_KEY_UPDATES_MAX = 32,   /* between two records of application data, either way */

    /* KeyUpdates of one peer in a second, and as many at once. Each costs some ten microseconds. A
     * Java client with jdk.tls.keyLimits of 2^20 bytes sends one for each MiB that it sends: at 500
     * MB/s five hundred a second. */
    GW_KEY_UPDATES_PER_SEC = 2000,

    /* Beyond both limits each record of data that is sent to a peer, which costs more, grants it
     * one KeyUpdate. Once our key is too old for it, Java asks for the next one with every record
     * that it reads, until it comes to our answer, behind all that is on its way: so many records
     * in the buffers of both ends. */
    GW_KEY_UPDATES_GRANTED_MAX = 8192,

    /* Handshake: bytes a peer may send before it is done; of them, certificates (--max-cert-chain),
     * and a ClientHello, which of all known clients has less than 4 KiB. */
    GW_HANDSHAKE_BYTES_MAX = 128 * 1024,
    GW_CERT_CHAIN_BYTES_MAX = 100 * 1024,
    GW_CLIENT_HELLO_BYTES_MAX = 32 * 1024,

    /* Client role: connections of a worker that keep libssl's state (some 20 KiB) after the
     * handshake, in hope of a ticket. */
    GW_TICKET_WAITERS_MAX = 1024,

    /* Bytes of all names that are kept of a certificate, each with two more. They lie in the
     * identity itself, which is on the stack, until they are more than most ever are. */
    GW_IDENTITY_BYTES_MAX = 64 * 1024,
    GW_IDENTITY_OWN_BYTES = 2 * 1024,
};

/* AES-GCM seals at most 2^24.5 full records under one key (RFC 8446 5.5). A key is changed after at
 * most half of 2^24 (--rekey-after); one that cannot be changed never seals more than 2^24. */
#define GW_RECORDS_PER_KEY_MAX (UINT64_C(1) << 24)
#define GW_REKEY_AFTER_MAX (GW_RECORDS_PER_KEY_MAX / 2)

#define GW_LINGER_NS (2 * INT64_C(1000000000))      /* after an alert, for the peer to end too */
#define GW_TICKET_WAIT_NS (3 * INT64_C(1000000000)) /* client role: for tickets, in silence */
#define GW_DRAIN_TICK_NS (10 * INT64_C(1000000))    /* between two looks at SIOCOUTQ; > 1 jiffy */

/* A worker that lived shorter than FAST is replaced after FIRST, then twice as long, … MAX. */
#define GW_RESPAWN_FAST_NS (1 * INT64_C(1000000000))
#define GW_RESPAWN_FIRST_NS (100 * INT64_C(1000000))
#define GW_RESPAWN_MAX_NS (30 * INT64_C(1000000000))
/* timeout(1), sudo and shells pass a signal on to who got it from the terminal already. */
#define GW_STOP_AGAIN_NS (250 * INT64_C(1000000))
/* A draining worker is killed this long after its time-out; until then it sends last alerts. */
#define GW_KILL_GRACE_NS (GW_LINGER_NS + 2 * INT64_C(1000000000))
#define GW_STRANGERS_SUM_NS (1 * INT64_C(1000000000))      /* what is summed in the log */
#define GW_EXPIRY_LOOK_NS (3600 * INT64_C(1000000000))     /* at the ends of certificates */
#define GW_TICKET_KEY_LIFE_NS (3600 * INT64_C(1000000000)) /* then the next key encrypts */
