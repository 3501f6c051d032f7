/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For fuzz targets: a service with its certificates, and a real TLS client over memory whose bytes
 * the target may change on their way.
 */
#pragma once

#include "gateway/tls/handshake.h"
#include "gateway/tls/tickets.h"
#include "tests/unit/certs.h"

#include <openssl/ssl.h>

enum fuzz_cert {
    FUZZ_CERT_NONE,
    FUZZ_CERT_ALICE,   /* of the CA, and let in */
    FUZZ_CERT_MALLORY, /* of the CA, but not let in */
    FUZZ_CERT_FOREIGN, /* of another CA */
    FUZZ_CERT_COUNT
};

/* All of it is made from fixed random numbers, once in a process. */
struct fuzz_world {
    struct test_dir *dir;
    struct test_cert *certs[FUZZ_CERT_COUNT];
    char fingerprints[FUZZ_CERT_COUNT][65];
    const char *ca_file;
    struct gw_cert_pair pair, other_pair;
};
const struct fuzz_world *fuzz_world(void);

/* A context of a service of that name with certificates for gate.test, *.gate.test, other.test. */
struct gw_tls_context *fuzz_context(const char *name, enum gw_verify verify,
                                    struct gw_ticket_keys *keys);
/* A client context of one version that shows a certificate. */
SSL_CTX *fuzz_client_ctx(int version, enum fuzz_cert cert);

struct fuzz_pair {
    struct gw_handshake *server;
    SSL *client;
    BIO *to_client, *from_client;
    enum gw_handshake_verdict verdict;
    unsigned flights; /* of the client */
    /* May change what the client sends; NULL: nothing does. Frees what it replaces. */
    void (*change)(struct fuzz_pair *p, uint8_t **data, size_t *len);
    void *arg;
    size_t piece; /* bytes at a time; 0: all */
};

void fuzz_pair_init(struct fuzz_pair *p, struct gw_tls_context *tls, SSL_CTX *client_ctx,
                    gw_handshake_allows *allows);
/* Until neither side has anything to say. */
void fuzz_pair_run(struct fuzz_pair *p);
/* What the server wrote goes to the client; their number. */
size_t fuzz_pair_to_client(struct fuzz_pair *p);
void fuzz_pair_done(struct fuzz_pair *p);
