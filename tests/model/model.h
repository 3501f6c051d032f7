/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the model share: the plans, one peer pair (a client and a backend) for each
 * connection, and the run. test_model.c plays the gateway's surroundings, peers.c client and
 * backend.
 */
#pragma once

#include "gateway/base/clock.h"
#include "gateway/conn/conn_private.h"
#include "gateway/tls/tickets.h"
#include "tests/model/ring_fake.h"
#include "tests/model/side.h"
#include "tests/unit/certs.h"

#include "ktlsinstall.h"

#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum {
    CONNS = 64,          /* at a time */
    STREAM_MAX = 200000, /* bytes of one direction */
    REKEY_AFTER = 5,     /* of the services that change keys */
    REKEY_SLACK = 60,    /* records of one batch that short sends cut up */
    PROXY_MAX = 2048,    /* bytes of a PROXY header with a certificate of the test's */
    NO_FD = -1,
    NO_ALERT = -1,
};

/* Types of handshake messages (RFC 8446 4). */
enum {
    HANDSHAKE_TICKET = 4,
    HANDSHAKE_KEY_UPDATE = 24,
};

#define MODEL_RUN UINT64_C(0x6d6f64656c)

/* How a connection goes; the rows that say what must come of it are in test_model.c. */
enum plan {
    PLAN_FINISH,
    PLAN_CLIENT_FIRST,
    PLAN_BACKEND_FIRST,
    PLAN_JUST_CLOSES,
    PLAN_ODD_RECORDS,
    PLAN_UPDATES,
    PLAN_TRUNCATE,
    PLAN_CLIENT_RESET,
    PLAN_BACKEND_RESET,
    PLAN_REFUSED,
    PLAN_BACKEND_SILENT,
    PLAN_STALL,
    PLAN_HANDSHAKE_CLOSE,
    PLAN_IDLE,
    PLAN_GARBAGE,
    PLAN_NOT_TLS,
    PLAN_NOT_ALLOWED,
    PLAN_NO_CERT,
    PLAN_COUNT
};

/* Services: what a connection comes to. */
enum service {
    SERVICE_PLAIN,
    SERVICE_MUTUAL, /* client certificates, PROXY v2 with all, two backend addresses */
    SERVICE_TWO,    /* PROXY v1, and one before each client; two backend addresses */
    SERVICE_KERNEL, /* --records kernel; in a run without it like SERVICE_PLAIN */
    SERVICE_REKEY,  /* --rekey-after REKEY_AFTER */
    SERVICE_OUT,    /* client role: plaintext in, TLS to one of two addresses */
    SERVICE_OUT_KERNEL,
    SERVICE_OUT_REKEY,
    SERVICE_COUNT
};

struct peer {
    bool used;
    bool ended; /* the gateway reported its end */
    enum plan plan;
    enum service service;
    bool rekeys; /* --rekey-after REKEY_AFTER, and it is possible */
    bool real;   /* the handshake is libssl's, at both ends */
    struct gw_conn_report report;
    uint64_t seed;
    uint64_t id;
    const struct side_kind *side; /* the client's TLS: libssl or a script */
    SSL *ssl;
    struct scripted_side own;
    bool ready;      /* its handshake is done */
    bool cut_update; /* sent a KeyUpdate cut in two */
    unsigned warnings;
    unsigned renegotiations; /* renegotiations requested */
    unsigned refusals;       /* renegotiations refused by a warning */
    int client_fd;
    int backend_fd;
    unsigned attempts;  /* to connect the backend */
    bool target_up;     /* the last attempt succeeded */
    bool client_closed; /* the gateway closed its socket to the client */
    bool backend_closed;
    bool backend_reset; /* the backend ended with RST */
    bool backend_fin_sent;
    bool close_sent;                        /* the client's close_notify */
    bool close_seen;                        /* the gateway's */
    int alert;                              /* the last that the client received */
    bool broken;                            /* the plan's mishap has happened */
    bool shutdown;                          /* the gateway was stopped meanwhile */
    bool slow;                              /* stops reading for a while, now and then */
    unsigned client_sleeps, backend_sleeps; /* turns left without reading */
    size_t header_got;                      /* bytes of the PROXY header */
    uint8_t header[PROXY_MAX];
    size_t preface_sent;         /* bytes of the header before the client's first */
    bool tx_refused, rx_refused; /* the kernel refused the next key of TX or RX */
    bool refused_late;           /* the refusal came when it was about to end anyway */
    size_t up_total, up_sent, up_got;
    size_t down_total, down_sent, down_got;
};

struct model {
    struct gw_ring *ring;
    struct gw_conn_env env;
    struct gw_config config;
    /* Each twice: with scripted handshakes, then with real ones. */
    struct gw_service services[2 * SERVICE_COUNT];
    struct gw_cert_pair pair; /* of those of the server role */
    struct gw_terms *terms[2 * SERVICE_COUNT];
    struct gw_ticket_keys tickets;
    struct ktls_probe ktls;
    struct gw_stats stats;
    bool splice_loses;
    bool kernel; /* records may run in the double of the kernel */
    bool rekeys; /* the kernel can change keys */
    struct test_dir *dir;
    struct test_cert *ca, *server, *allowed, *stranger;
    SSL_CTX *client_ctx;
    SSL_CTX *server_ctx;
    SSL_SESSION *sessions[SERVICE_COUNT]; /* the last ticket of each service */
    struct peer peers[CONNS];
    unsigned quiet; /* turns without a completion */
    uint64_t begun;
    uint64_t bytes_up, bytes_down; /* as reported */
    uint64_t given;                /* tickets, right after handshakes of the client role */
    uint64_t refusals;             /* of renegotiation */
    uint64_t asked, answered;      /* connections whose client asked for a KeyUpdate, and got one */
    uint64_t refused[2];           /* connections, by direction, to which a next key was refused */
    uint64_t ended[PLAN_COUNT];
};

static inline uint64_t below(struct model *m, uint64_t n)
{
    return gw_fake_random(m->ring) % n;
}

/* Both streams are whole if nothing goes wrong. */
static inline bool orderly(const struct peer *p)
{
    return p->plan <= PLAN_UPDATES;
}

/* In the client role what is called the client here, the TLS end, is the target. */
static inline enum gw_role role_of(const struct peer *p)
{
    return p->service >= SERVICE_OUT ? GW_ROLE_CLIENT : GW_ROLE_SERVER;
}

static inline bool changes_keys(enum service service)
{
    return service == SERVICE_REKEY || service == SERVICE_OUT_REKEY;
}

/* Makes the client of a new connection. */
void peer_begin(struct model *m, struct peer *p);
/* One step of client and backend. */
void peer_step(struct model *m, struct peer *p);
/* The gateway is done with it: reads what is still on its way. */
void peer_read_rest(struct model *m, struct peer *p);
