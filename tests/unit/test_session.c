/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/tls/session: a ticket never admits a peer that a full handshake would not. */
#include "gateway/base/attr.h"
#include "gateway/base/wipe.h"
#include "gateway/tls/session.h"
#include "gateway/tls/ticket.h"
#include "tests/unit/ahead.h"
#include "tests/unit/own_stack.h"
#include "tests/unit/tlspair.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    const struct tlsworld *world;
    struct gw_tls_side side;
    struct gw_ticket_keys *keys;
    struct gw_tls_context *tls;
    SSL_CTX *ctx;
    SSL_SESSION *session; /* of a first, full connection */
};

static bool connect_with(struct fixture *f, struct gw_tls_context *tls, bool allow,
                         bool *ret_ticket);

/* Mutual TLS with `cert` (NULL: none asked for), which `middle` (NULL: the CA) signed, and a first
 * connection. */
static void begin_with(struct fixture *f, const struct tlsworld *w, int version,
                       const struct test_cert *cert, const struct test_cert *middle)
{
    memset(f, 0, sizeof(*f));
    test_ahead = 0;
    f->world = w;
    tlsworld_side(w, &f->side);
    f->ctx = tlspair_client_ctx(w, version);
    if (cert) {
        f->side.cacerts[0] = w->ca_file;
        f->side.verify = GW_VERIFY_REQUIRED;
        tlspair_show(f->ctx, cert);
    }
    if (middle)
        assert_true(SSL_CTX_add1_chain_cert(f->ctx, middle->x509));
    f->keys = tlsworld_ticket_keys();
    f->tls = tlsworld_context(&f->side, f->keys);
    assert_false(connect_with(f, f->tls, true, NULL));
    assert_non_null(f->session);
}

static void begin(struct fixture *f, const struct tlsworld *w, int version,
                  const struct test_cert *cert)
{
    begin_with(f, w, version, cert, NULL);
}

static void end(struct fixture *f)
{
    SSL_SESSION_free(f->session);
    SSL_CTX_free(f->ctx);
    gw_tls_context_free(f->tls);
    gw_wipe_pages_free(f->keys, sizeof(*f->keys));
    test_ahead = 0;
}

/* One connection that offers the session; true when it was resumed. The session stays the first
 * one, so that each test uses the same ticket again. */
static bool connect_with(struct fixture *f, struct gw_tls_context *tls, bool allow,
                         bool *ret_ticket)
{
    struct tlspair p;
    struct gw_handshake_info info;
    tlspair_init(&p, tls, f->ctx, f->session);
    p.allow = allow;
    assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_DONE);
    gw_handshake_get_info(p.server, &info);
    if (ret_ticket)
        *ret_ticket = info.ticket_sent;
    if (allow)
        tlspair_succeed(&p);
    if (!f->session)
        f->session = tlspair_take_session(&p);
    tlspair_done(&p);
    return info.resumed;
}

static void old_keys_open_and_renew_until_dropped(void **state)
{
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct fixture f;
        bool renewed;
        begin(&f, *state, version, NULL);
        assert_true(connect_with(&f, f.tls, true, &renewed));
        assert_false(renewed);
        for (int i = 1; i < GW_TICKET_KEYS; i++) {
            assert_int_equal(gw_tickets_rotate(f.keys), 0);
            assert_true(connect_with(&f, f.tls, true, &renewed));
            assert_int_equal(renewed, version == TLS1_2_VERSION); /* 1.3 renews after DONE */
        }
        assert_int_equal(gw_tickets_rotate(f.keys), 0);
        assert_false(connect_with(&f, f.tls, true, NULL));
        end(&f);
    }
}

/* What the client has got from a connection that is resumed with `session` (NULL: a full one); the
 * caller frees it. */
static SSL_SESSION *next_session(struct fixture *f, SSL_SESSION *session)
{
    struct tlspair p;
    struct gw_handshake_info info;
    tlspair_init(&p, f->tls, f->ctx, session);
    assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_DONE);
    gw_handshake_get_info(p.server, &info);
    assert_int_equal(info.resumed, session != NULL);
    tlspair_handover(&p);
    tlspair_send_to_client(&p, "after it", 8);
    SSL_SESSION *next = tlspair_take_session(&p);
    assert_non_null(next);
    tlspair_done(&p);
    return next;
}

enum {
    IV_LEN = 16
};

/* Sealed by the newest key, with an IV of its own, for as long as sessions live. */
static void check_ticket(const struct fixture *f, const SSL_SESSION *session, uint8_t iv[IV_LEN])
{
    const unsigned char *ticket = NULL;
    size_t len = 0;
    SSL_SESSION_get0_ticket(session, &ticket, &len);
    assert_true(len > GW_TICKET_NAME_LEN + IV_LEN);
    assert_memory_equal(ticket, f->keys->keys[0].name, GW_TICKET_NAME_LEN);
    assert_memory_not_equal(ticket + GW_TICKET_NAME_LEN, iv, IV_LEN);
    memcpy(iv, ticket + GW_TICKET_NAME_LEN, IV_LEN);
    assert_int_equal(SSL_SESSION_get_ticket_lifetime_hint(session), GW_SESSION_LIFE);
}

/* Of each suite, as the key is as long as its hash; with and without a certificate in it; and for
 * clients that take short records alone. */
static void each_ticket_brings_the_next(void **state)
{
    static const char *const suites[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                         "TLS_CHACHA20_POLY1305_SHA256"};
    const struct tlsworld *w = *state;
    for (unsigned way = 0; way < 4 * GW_ARRAY_SIZE(suites); way++) {
        struct fixture f;
        uint8_t iv[IV_LEN] = {0};
        begin(&f, w, TLS1_3_VERSION, way % 2 ? w->client : NULL);
        assert_true(SSL_CTX_set_ciphersuites(f.ctx, suites[way / 4]));
        assert_true(SSL_CTX_set_tlsext_max_fragment_length(
            f.ctx,
            way % 4 > 1 ? TLSEXT_max_fragment_length_512 : TLSEXT_max_fragment_length_DISABLED));
        SSL_SESSION *session = next_session(&f, NULL);
        for (int i = 0; i < 3; i++) {
            check_ticket(&f, session, iv);
            SSL_SESSION *next = next_session(&f, session);
            SSL_SESSION_free(session);
            session = next;
        }
        SSL_SESSION_free(session);
        end(&f);
    }
}

/* Half a key is one register of those that keys are moved with. */
static bool holds_a_key(const struct own_stack *stack, const struct gw_ticket_keys *keys)
{
    const struct gw_ticket_key *key = &keys->keys[0];
    size_t half = sizeof(key->aes_key) / 2;
    _Static_assert(sizeof(key->aes_key) == sizeof(key->hmac_key), "two keys of a length");
    for (size_t at = 0; at < sizeof(key->aes_key); at += half)
        if (own_stack_holds(stack, key->aes_key + at, half) ||
            own_stack_holds(stack, key->hmac_key + at, half))
            return true;
    return false;
}

typedef int ticket_callback(SSL *ssl, unsigned char *name, unsigned char *iv,
                            EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int sealing);

/* What libssl calls for the key of a ticket, and what was seen of it. */
static struct {
    ticket_callback *real;
    const struct gw_ticket_keys *keys; /* NULL: nobody looks */
    unsigned sealed, opened, left;     /* times */
} ticket_key;

struct ticket_call {
    SSL *ssl;
    unsigned char *name, *iv;
    EVP_CIPHER_CTX *cipher;
    EVP_MAC_CTX *mac;
    int sealing, result;
};

static void call_real(void *arg)
{
    struct ticket_call *c = arg;
    c->result = ticket_key.real(c->ssl, c->name, c->iv, c->cipher, c->mac, c->sealing);
}

static int on_ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                         EVP_MAC_CTX *mac, int sealing)
{
    struct ticket_call call = {ssl, name, iv, cipher, mac, sealing, 0};
    struct own_stack stack;
    if (!ticket_key.keys)
        return ticket_key.real(ssl, name, iv, cipher, mac, sealing);
    own_stack_init(&stack);
    own_stack_run(&stack, call_real, &call);
    *(sealing ? &ticket_key.sealed : &ticket_key.opened) += call.result > 0;
    ticket_key.left += holds_a_key(&stack, ticket_key.keys);
    own_stack_done(&stack);
    return call.result;
}

/* Stands in the place of libssl's. */
int SSL_CTX_set_tlsext_ticket_key_evp_cb(SSL_CTX *ctx, ticket_callback *callback)
{
    int (*real)(SSL_CTX *, ticket_callback *) = NULL;
    *(void **)&real = dlsym(RTLD_NEXT, "SSL_CTX_set_tlsext_ticket_key_evp_cb");
    assert_non_null(real);
    ticket_key.real = callback;
    return real(ctx, on_ticket_key);
}

static void write_ticket(void *server)
{
    assert_int_equal(gw_ticket_write(server), 0);
}

static void look_at_the_writer(struct fixture *f)
{
    struct own_stack stack;
    struct tlspair p;
    own_stack_init(&stack);
    tlspair_init(&p, f->tls, f->ctx, f->session);
    assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_DONE);
    own_stack_run(&stack, write_ticket, p.server);
    assert_false(holds_a_key(&stack, f->keys));
    assert_true(tlspair_to_client(&p)); /* there was one */
    tlspair_done(&p);
    own_stack_done(&stack);
}

/* The table of keys is shared, and wiped where it lies; a copy on a stack would be nobody's. */
static void keys_do_not_stay_on_the_stack(void **state)
{
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct fixture f;
        begin(&f, *state, version, NULL);
        ticket_key.keys = f.keys;
        ticket_key.sealed = ticket_key.opened = ticket_key.left = 0;
        if (version == TLS1_3_VERSION)
            look_at_the_writer(&f);
        else
            assert_true(connect_with(&f, f.tls, true, NULL));
        SSL_SESSION_free(f.session);
        f.session = NULL;
        assert_false(connect_with(&f, f.tls, true, NULL)); /* a full one */
        ticket_key.keys = NULL;
        assert_true(ticket_key.opened > 0);
        assert_true(ticket_key.sealed > 0 || version == TLS1_3_VERSION);
        assert_int_equal(ticket_key.left, 0);
        end(&f);
    }
}

static void the_refused_get_no_ticket(void **state)
{
    const struct tlsworld *w = *state;
    struct fixture f;
    bool ticket = true;
    begin(&f, w, TLS1_2_VERSION, w->client);
    SSL_SESSION_free(f.session);
    f.session = NULL;
    assert_false(connect_with(&f, f.tls, false, &ticket));
    assert_false(ticket);
    assert_null(f.session);
    end(&f);
}

static void allow_rules_are_asked_again(void **state)
{
    const struct tlsworld *w = *state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct fixture f;
        begin(&f, w, version, w->client);
        assert_true(connect_with(&f, f.tls, true, NULL));
        assert_false(connect_with(&f, f.tls, false, NULL));
        assert_true(connect_with(&f, f.tls, true, NULL));
        end(&f);
    }
}

/* Another service with the same ticket keys, whose trust differs in one point. */
static void no_ticket_crosses_services(void **state)
{
    const struct tlsworld *w = *state;
    const char *other_ca = test_dir_cert(w->dir, "two-ca.pem", w->ca, w->foreign_ca);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct fixture f;
        begin(&f, w, version, w->client);
        struct gw_tls_side others[3] = {f.side, f.side, f.side};
        others[0].session_scope = "other";
        others[1].verify = GW_VERIFY_OPTIONAL;
        others[2].cacerts[0] = other_ca;
        for (size_t i = 0; i < GW_ARRAY_SIZE(others); i++) {
            struct gw_tls_context *tls = tlsworld_context(&others[i], f.keys);
            assert_false(connect_with(&f, tls, true, NULL));
            gw_tls_context_free(tls);
        }
        /* The same service built anew, as after a restart or on another machine, takes it. */
        struct gw_tls_context *same = tlsworld_context(&f.side, f.keys);
        assert_true(connect_with(&f, same, true, NULL));
        gw_tls_context_free(same);
        end(&f);
    }
}

/* Published faults of other servers (nginx CVE-2025-23419, HAProxy 4a8f7622): a ticket from a
 * service that requires less is used with one that requires more, by a peer that the latter would
 * refuse. */
static void no_ticket_of_a_weak_place_is_good_in_a_strict_one(void **state)
{
    const struct tlsworld *w = *state;
    const char *foreign = test_dir_cert(w->dir, "foreign.pem", w->foreign_ca, NULL);
    const struct {
        const char *name; /* of the weak service; the certificates are the same */
        enum gw_verify verify;
        const char *ca_file;
        const struct test_cert *shown;
        enum gw_reason reason; /* of the strict one's refusal */
    } rows[] = {
        {"default", GW_VERIFY_NONE, NULL, NULL, GW_REASON_CERT_MISSING},
        {"default", GW_VERIFY_OPTIONAL, w->ca_file, NULL, GW_REASON_CERT_MISSING},
        {"default", GW_VERIFY_REQUIRED, foreign, w->client_foreign, GW_REASON_CERT_UNTRUSTED},
        {"other", GW_VERIFY_NONE, NULL, NULL, GW_REASON_CERT_MISSING},
        {"other", GW_VERIFY_REQUIRED, foreign, w->client_foreign, GW_REASON_CERT_UNTRUSTED},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++)
        for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
            struct fixture f;
            struct tlspair p;
            begin(&f, w, version, w->client);
            struct gw_tls_side weak = f.side;
            weak.session_scope = rows[i].name;
            weak.verify = rows[i].verify;
            weak.cacerts[0] = rows[i].ca_file;
            SSL_CTX_free(f.ctx);
            f.ctx = tlspair_client_ctx(w, version);
            if (rows[i].shown)
                tlspair_show(f.ctx, rows[i].shown);
            SSL_SESSION_free(f.session);
            f.session = NULL;
            struct gw_tls_context *lax = tlsworld_context(&weak, f.keys);
            assert_false(connect_with(&f, lax, true, NULL));
            assert_true(connect_with(&f, lax, true, NULL));
            tlspair_init(&p, f.tls, f.ctx, f.session);
            assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_FAILED);
            assert_int_equal(gw_handshake_reason(p.server), rows[i].reason);
            tlspair_done(&p);
            gw_tls_context_free(lax);
            end(&f);
        }
}

/* All names of a service ask for the same. A ticket that came by one name is judged under another
 * as it would be there: whose it is, and whether that one may pass. */
static void a_ticket_under_another_name_lets_in_nobody_else(void **state)
{
    const struct tlsworld *w = *state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++)
        for (int allow = 0; allow < 2; allow++) {
            struct fixture f;
            struct tlspair p;
            struct gw_chain chain;
            static struct gw_identity id;
            begin(&f, w, version, w->client);
            tlspair_init(&p, f.tls, f.ctx, f.session);
            p.allow = allow;
            assert_true(tlspair_name(&p, "a.wild.test"));
            assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_DONE);
            assert_true(p.asked > 0);
            if (!allow)
                assert_false(SSL_session_reused(p.client));
            assert_true(gw_handshake_chain(p.server, &chain) && chain.present);
            assert_true(gw_handshake_identity(p.server, &id));
            assert_string_equal(gw_identity_first(&id, GW_NAME_CN), "alice");
            tlspair_done(&p);
            end(&f);
        }
}

/* The same CAs in other files, in another order and one of them twice, are the same trust. */
static void how_cas_are_cut_does_not_matter(void **state)
{
    const struct tlsworld *w = *state;
    const char *both = test_dir_cert(w->dir, "both.pem", w->foreign_ca, w->ca);
    const char *foreign = test_dir_cert(w->dir, "foreign.pem", w->foreign_ca, NULL);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct fixture f;
        begin(&f, w, version, w->client);
        struct gw_tls_side other = f.side;
        other.cacerts[0] = both;
        struct gw_tls_context *one_file = tlsworld_context(&other, f.keys);
        assert_false(connect_with(&f, one_file, true, NULL));
        SSL_SESSION_free(f.session);
        f.session = NULL;
        assert_false(connect_with(&f, one_file, true, NULL));
        other.cacerts[0] = w->ca_file;
        other.cacerts[1] = foreign;
        other.cacerts[2] = w->ca_file;
        struct gw_tls_context *three_files = tlsworld_context(&other, f.keys);
        assert_true(connect_with(&f, three_files, true, NULL));
        gw_tls_context_free(one_file);
        gw_tls_context_free(three_files);
        end(&f);
    }
}

/* A ticket of a service that asks for no certificate, in one that does. */
static void no_ticket_replaces_a_certificate(void **state)
{
    const struct tlsworld *w = *state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct fixture f;
        begin(&f, w, version, NULL);
        struct gw_tls_side strict = f.side;
        strict.cacerts[0] = w->ca_file;
        strict.verify = GW_VERIFY_REQUIRED;
        struct gw_tls_context *tls = tlsworld_context(&strict, f.keys);
        struct tlspair p;
        tlspair_init(&p, tls, f.ctx, f.session);
        assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_FAILED);
        assert_int_equal(gw_handshake_reason(p.server), GW_REASON_CERT_MISSING);
        tlspair_done(&p);
        gw_tls_context_free(tls);
        end(&f);
    }
}

static void an_expired_certificate_does_not_resume(void **state)
{
    const struct tlsworld *w = *state;
    struct test_cert *brief = test_cert_new(
        &(struct test_cert_spec){.cn = "brief", .begins = -3600, .ends = 3600, .issuer = w->ca});
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct fixture f;
        begin(&f, w, version, brief);
        test_ahead = 3500;
        assert_true(connect_with(&f, f.tls, true, NULL));
        test_ahead = 3700;
        struct tlspair p;
        tlspair_init(&p, f.tls, f.ctx, f.session);
        assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_FAILED);
        assert_int_equal(gw_handshake_reason(p.server), GW_REASON_CERT_EXPIRED);
        tlspair_done(&p);
        end(&f);
    }
    test_cert_free(brief);
}

/* The leaf is good for long, but the CA above it is not; the client sends that along. */
static void an_expired_intermediate_does_not_resume(void **state)
{
    const struct tlsworld *w = *state;
    struct test_cert *middle = test_cert_new(&(struct test_cert_spec){
        .cn = "middle", .ca = true, .begins = -3600, .ends = 3600, .issuer = w->ca});
    struct test_cert *leaf =
        test_cert_new(&(struct test_cert_spec){.cn = "leaf", .issuer = middle});
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct fixture f;
        begin_with(&f, w, version, leaf, middle);
        test_ahead = 3500;
        assert_true(connect_with(&f, f.tls, true, NULL));
        test_ahead = 3700;
        struct tlspair p;
        tlspair_init(&p, f.tls, f.ctx, f.session);
        assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_FAILED);
        assert_int_equal(gw_handshake_reason(p.server), GW_REASON_CERT_EXPIRED);
        tlspair_done(&p);
        end(&f);
    }
    test_cert_free(leaf);
    test_cert_free(middle);
}

/* Leaf and CA end one after the other; the anchor's end is in no certificate that a client shows.
 */
static void an_expired_anchor_does_not_resume(void **state)
{
    struct tlsworld other = *(const struct tlsworld *)*state;
    struct test_cert *ca = test_cert_new(
        &(struct test_cert_spec){.cn = "brief CA", .ca = true, .begins = -3600, .ends = 3600});
    struct test_cert *leaf = test_cert_new(&(struct test_cert_spec){.cn = "leaf", .issuer = ca});
    other.ca_file = test_dir_cert(other.dir, "brief-ca.pem", ca, NULL);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct fixture f;
        begin(&f, &other, version, leaf);
        test_ahead = 3500;
        assert_true(connect_with(&f, f.tls, true, NULL));
        test_ahead = 3700;
        struct tlspair p;
        tlspair_init(&p, f.tls, f.ctx, f.session);
        assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_FAILED);
        assert_int_equal(gw_handshake_reason(p.server), GW_REASON_CERT_EXPIRED);
        tlspair_done(&p);
        end(&f);
    }
    test_cert_free(leaf);
    test_cert_free(ca);
}

/* As a certificate that is not valid yet would be refused. */
static void a_clock_set_back_does_not_resume(void **state)
{
    const struct tlsworld *w = *state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++)
        for (int mutual = 0; mutual < 2; mutual++) {
            struct fixture f;
            begin(&f, w, version, mutual ? w->client : NULL);
            assert_true(connect_with(&f, f.tls, true, NULL));
            test_ahead = -60;
            assert_false(connect_with(&f, f.tls, true, NULL));
            end(&f);
        }
}

/* A connection `ahead` seconds from now that offers what the last one brought; whether it was
 * resumed. */
static bool connect_later(struct fixture *f, time_t ahead)
{
    struct tlspair p;
    test_ahead = ahead;
    assert_int_equal(gw_tickets_rotate(f->keys), 0); /* makes TLS 1.2 send a new one */
    tlspair_init(&p, f->tls, f->ctx, f->session);
    tlspair_succeed(&p);
    bool resumed = SSL_session_reused(p.client);
    SSL_SESSION_free(f->session);
    f->session = p.session ? tlspair_take_session(&p) : SSL_get1_session(p.client);
    tlspair_done(&p);
    return resumed;
}

/* However often it was resumed meanwhile. */
static void sessions_end_with_the_age_of_the_full_handshake(void **state)
{
    enum {
        AGE = 3500
    };
    const struct tlsworld *w = *state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++)
        for (int mutual = 0; mutual < 2; mutual++) {
            struct fixture f;
            begin(&f, w, version, mutual ? w->client : NULL);
            gw_tls_context_free(f.tls);
            f.side.session_age_ns = INT64_C(1000000000) * AGE;
            f.tls = tlsworld_context(&f.side, f.keys);
            for (int round = 0; round < 2; round++) {
                SSL_SESSION_free(f.session);
                f.session = NULL;
                assert_false(connect_later(&f, 0));
                assert_int_equal(SSL_SESSION_get_ticket_lifetime_hint(f.session), AGE);
                for (time_t ahead = 1000; ahead < AGE; ahead += 1000)
                    assert_true(connect_later(&f, ahead));
                assert_true(connect_later(&f, AGE - 5));
                assert_false(connect_later(&f, AGE));
                assert_true(connect_later(&f, AGE + 1000));
            }
            end(&f);
        }
}

/* The ticket of a resumed connection says no less than the first one. */
static void the_chain_goes_from_ticket_to_ticket(void **state)
{
    const struct tlsworld *w = *state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct fixture f;
        struct gw_chain first = {0}, chain;
        begin(&f, w, version, w->client);
        for (int i = 0; i < 4; i++) {
            struct tlspair p;
            tlspair_init(&p, f.tls, f.ctx, i ? f.session : NULL);
            assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_DONE);
            assert_int_equal(SSL_session_reused(p.client), i > 0);
            assert_true(gw_handshake_chain(p.server, &chain));
            assert_true(chain.present);
            assert_int_equal(chain.count, 1);
            if (i == 0)
                first = chain;
            assert_memory_equal(&chain, &first, sizeof(chain));
            assert_int_equal(gw_tickets_rotate(f.keys), 0); /* makes TLS 1.2 send a new one */
            tlspair_handover(&p);
            tlspair_exchange(&p);
            SSL_SESSION_free(f.session);
            f.session = p.session ? tlspair_take_session(&p) : SSL_get1_session(p.client);
            tlspair_done(&p);
        }
        end(&f);
    }
}

static void a_ticket_ends_after_its_life(void **state)
{
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct fixture f;
        begin(&f, *state, version, NULL);
        test_ahead = 7000;
        assert_true(connect_with(&f, f.tls, true, NULL));
        test_ahead = 7300;
        assert_false(connect_with(&f, f.tls, true, NULL));
        end(&f);
    }
}

static void nothing_but_our_tickets_opens(void **state)
{
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct fixture f;
        begin(&f, *state, version, NULL);
        struct gw_ticket_keys *others = tlsworld_ticket_keys();
        struct gw_tls_context *tls = tlsworld_context(&f.side, others);
        assert_false(connect_with(&f, tls, true, NULL));
        gw_tls_context_free(tls);
        /* The right name with another key: the MAC detects it. */
        memcpy(others->keys[0].name, f.keys->keys[0].name, GW_TICKET_NAME_LEN);
        tls = tlsworld_context(&f.side, others);
        assert_false(connect_with(&f, tls, true, NULL));
        gw_tls_context_free(tls);
        gw_wipe_pages_free(others, sizeof(*others));
        end(&f);
    }
}

static void off_is_off(void **state)
{
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct fixture f;
        begin(&f, *state, version, NULL);
        struct gw_tls_side without = f.side;
        without.session_tickets = false;
        struct gw_tls_context *off[2] = {tlsworld_context(&without, f.keys),
                                         tlsworld_context(&f.side, NULL)};
        for (int i = 0; i < 2; i++) {
            struct tlspair p;
            tlspair_init(&p, off[i], f.ctx, f.session);
            tlspair_succeed(&p);
            assert_false(SSL_session_reused(p.client));
            assert_int_equal(p.tickets, 0);
            assert_null(p.session && SSL_SESSION_has_ticket(p.session) ? p.session : NULL);
            tlspair_done(&p);
            gw_tls_context_free(off[i]);
        }
        end(&f);
    }
}

/* A writer that died in a rotation: no ticket is given or taken, and nobody is turned away. */
static void no_keys_no_tickets(void **state)
{
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct fixture f;
        bool ticket;
        begin(&f, *state, version, NULL);
        f.keys->sequence |= 1;
        struct tlspair p;
        tlspair_init(&p, f.tls, f.ctx, f.session);
        tlspair_succeed(&p);
        assert_int_equal(p.tickets, 0);
        assert_false(SSL_session_reused(p.client));
        tlspair_done(&p);
        f.keys->sequence++;
        assert_true(connect_with(&f, f.tls, true, &ticket));
        end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(old_keys_open_and_renew_until_dropped),
        cmocka_unit_test(each_ticket_brings_the_next),
        cmocka_unit_test(keys_do_not_stay_on_the_stack),
        cmocka_unit_test(the_refused_get_no_ticket),
        cmocka_unit_test(allow_rules_are_asked_again),
        cmocka_unit_test(no_ticket_crosses_services),
        cmocka_unit_test(no_ticket_of_a_weak_place_is_good_in_a_strict_one),
        cmocka_unit_test(a_ticket_under_another_name_lets_in_nobody_else),
        cmocka_unit_test(how_cas_are_cut_does_not_matter),
        cmocka_unit_test(no_ticket_replaces_a_certificate),
        cmocka_unit_test(an_expired_certificate_does_not_resume),
        cmocka_unit_test(an_expired_intermediate_does_not_resume),
        cmocka_unit_test(an_expired_anchor_does_not_resume),
        cmocka_unit_test(a_clock_set_back_does_not_resume),
        cmocka_unit_test(sessions_end_with_the_age_of_the_full_handshake),
        cmocka_unit_test(the_chain_goes_from_ticket_to_ticket),
        cmocka_unit_test(a_ticket_ends_after_its_life),
        cmocka_unit_test(nothing_but_our_tickets_opens),
        cmocka_unit_test(off_is_off),
        cmocka_unit_test(no_keys_no_tickets),
    };
    return cmocka_run_group_tests(tests, tlsworld_setup, tlsworld_teardown);
}
