/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resumption never bypasses what a full handshake would require. Input: the offered session (1
 * byte), the service, the number of key rotations since (1), whom the rules admit now (1), then
 * changes to the ticket: place (2 bytes), bits (1).
 */
#include "tests/fuzz/client.h"
#include "tests/fuzz/fixed_random.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"

#include <openssl/err.h>

enum {
    SERVICES = 3,
    VERSIONS = 2
};

static const struct {
    const char *name;
    enum gw_verify verify;
} services[SERVICES] = {
    {"one", GW_VERIFY_OPTIONAL}, {"two", GW_VERIFY_OPTIONAL}, {"one", GW_VERIFY_REQUIRED}};

static const enum fuzz_cert shown[] = {FUZZ_CERT_NONE, FUZZ_CERT_ALICE, FUZZ_CERT_MALLORY};

struct session {
    SSL_SESSION *session;
    enum fuzz_cert cert;
    int version;
};

static struct gw_ticket_keys keys;
static struct gw_tls_context *contexts[SERVICES];
static SSL_CTX *clients[VERSIONS][FUZZ_CERT_COUNT];
static struct session sessions[VERSIONS * GW_ARRAY_SIZE(shown)]; /* of service 0 */
static SSL_SESSION *last_session;
static unsigned let_in; /* bits 1 << enum fuzz_cert */

static enum fuzz_cert who(const struct gw_identity *identity)
{
    int i = identity->present ? FUZZ_CERT_ALICE : FUZZ_CERT_COUNT;
    for (; i < FUZZ_CERT_COUNT; i++)
        if (strcmp(identity->fingerprint, fuzz_world()->fingerprints[i]) == 0)
            return (enum fuzz_cert)i;
    gw_require(!identity->present);
    return FUZZ_CERT_NONE;
}

static bool allows(void *arg, const struct gw_identity *identity)
{
    (void)arg;
    return let_in >> who(identity) & 1;
}

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    SSL_SESSION_free(last_session);
    last_session = session;
    return 1;
}

static void take_session(struct session *ret, int version, enum fuzz_cert cert)
{
    struct fuzz_pair p;
    fuzz_pair_init(&p, contexts[0], clients[version][cert], allows);
    fuzz_pair_run(&p);
    gw_require(p.verdict == GW_HANDSHAKE_DONE && gw_handshake_tickets(p.server) > 0);
    (void)fuzz_pair_to_client(&p);
    gw_require(SSL_do_handshake(p.client) == 1);
    char none;
    (void)SSL_read(p.client, &none, 1); /* tickets of TLS 1.3 */
    *ret = (struct session){last_session, cert, version};
    last_session = NULL;
    gw_require(ret->session && SSL_SESSION_has_ticket(ret->session));
    fuzz_pair_done(&p);
}

static void set_up(void)
{
    static const int versions[VERSIONS] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct session *next = sessions;
    gw_require(gw_tickets_init(&keys) == 0);
    let_in = ~0U;
    for (int i = 0; i < SERVICES; i++)
        contexts[i] = fuzz_context(services[i].name, services[i].verify, &keys);
    for (int v = 0; v < VERSIONS; v++)
        for (size_t i = 0; i < GW_ARRAY_SIZE(shown); i++) {
            SSL_CTX *ctx = clients[v][shown[i]] = fuzz_client_ctx(versions[v], shown[i]);
            SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
            SSL_CTX_sess_set_new_cb(ctx, keep_session);
            take_session(next++, v, shown[i]);
        }
}

/* A copy of the session whose ticket is changed; *ret_changed when it is another one. */
static SSL_SESSION *with_changes(SSL_SESSION *session, struct gw_reader *r, bool *ret_changed)
{
    const unsigned char *ticket;
    size_t ticket_len;
    unsigned char *der = NULL;
    SSL_SESSION_get0_ticket(session, &ticket, &ticket_len);
    int len = i2d_SSL_SESSION(session, &der);
    unsigned char *at = len > 0 ? memmem(der, (size_t)len, ticket, ticket_len) : NULL;
    gw_require(at);
    while (gw_reader_left(r) >= 3) {
        size_t place = gw_read_u16(r) % ticket_len;
        at[place] ^= gw_read_u8(r);
    }
    *ret_changed = memcmp(at, ticket, ticket_len) != 0;
    const unsigned char *from = der;
    SSL_SESSION *copy = d2i_SSL_SESSION(NULL, &from, len);
    gw_require(copy);
    OPENSSL_free(der);
    return copy;
}

static void check(struct fuzz_pair *p, const struct session *s, unsigned service, bool may_resume)
{
    struct gw_handshake_info info;
    static struct gw_identity id;
    gw_handshake_get_info(p->server, &info);
    if (services[service].verify == GW_VERIFY_REQUIRED && s->cert == FUZZ_CERT_NONE) {
        gw_require(p->verdict != GW_HANDSHAKE_DONE);
        return;
    }
    gw_require(p->verdict == GW_HANDSHAKE_DONE);
    gw_require(info.resumed == may_resume);
    gw_require(gw_handshake_identity(p->server, &id) && who(&id) == s->cert);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_reader r = gw_reader_of(data, size);
    if (!contexts[0])
        set_up();
    fixed_random_start();
    const struct session *s = &sessions[gw_read_u8(&r) % GW_ARRAY_SIZE(sessions)];
    uint8_t choice = gw_read_u8(&r);
    unsigned service = choice % SERVICES, rotations = choice / SERVICES % (GW_TICKET_KEYS + 1);
    let_in = gw_read_u8(&r);
    bool changed;
    SSL_SESSION *offered = with_changes(s->session, &r, &changed);
    struct gw_ticket_keys before = keys;
    for (unsigned i = 0; i < rotations; i++)
        gw_require(gw_tickets_rotate(&keys) == 0);
    struct fuzz_pair p;
    fuzz_pair_init(&p, contexts[service], clients[s->version][s->cert], allows);
    gw_require(SSL_set_session(p.client, offered) == 1);
    fuzz_pair_run(&p);
    bool allowed = let_in >> s->cert & 1;
    check(&p, s, service, !changed && service == 0 && rotations < GW_TICKET_KEYS && allowed);
    fuzz_pair_done(&p);
    SSL_SESSION_free(offered);
    keys = before;
    return 0;
}
