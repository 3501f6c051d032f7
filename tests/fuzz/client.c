/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/client.h"

#include "tests/fuzz/fixed_random.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

static struct test_cert *client_cert(const char *cn, const struct test_cert *ca)
{
    return test_cert_new(&(struct test_cert_spec){
        .cn = cn, .san = "DNS:client.test", .eku = "clientAuth", .issuer = ca});
}

static void set_fingerprint(struct fuzz_world *w, int i)
{
    unsigned char hash[32];
    unsigned len = 0;
    gw_require(X509_digest(w->certs[i]->x509, EVP_sha256(), hash, &len) == 1 && len == 32);
    for (unsigned k = 0; k < len; k++)
        (void)snprintf(w->fingerprints[i] + (size_t)2 * k, 3, "%02x", hash[k]);
}

static struct gw_cert_pair server_pair(struct fuzz_world *w, const char *name, const char *san,
                                       const struct test_cert *ca)
{
    char file[32];
    struct gw_cert_pair pair;
    struct test_cert *cert = test_cert_new(&(struct test_cert_spec){.san = san, .issuer = ca});
    (void)snprintf(file, sizeof(file), "%s.pem", name);
    pair.cert_file = test_dir_cert(w->dir, file, cert, NULL);
    (void)snprintf(file, sizeof(file), "%s.key", name);
    pair.key_file = test_dir_key(w->dir, file, cert);
    test_cert_free(cert);
    return pair;
}

static struct fuzz_world world;

static void remove_files(void)
{
    test_dir_free(world.dir);
}

const struct fuzz_world *fuzz_world(void)
{
    struct fuzz_world *w = &world;
    if (w->dir)
        return w;
    fixed_random_start();
    w->dir = test_dir_new();
    struct test_cert *ca = test_cert_new(&(struct test_cert_spec){.cn = "CA", .ca = true});
    struct test_cert *foreign =
        test_cert_new(&(struct test_cert_spec){.cn = "Foreign CA", .ca = true});
    w->certs[FUZZ_CERT_ALICE] = client_cert("alice", ca);
    w->certs[FUZZ_CERT_MALLORY] = client_cert("mallory", ca);
    w->certs[FUZZ_CERT_FOREIGN] = client_cert("alice", foreign);
    for (int i = FUZZ_CERT_ALICE; i < FUZZ_CERT_COUNT; i++)
        set_fingerprint(w, i);
    w->ca_file = test_dir_cert(w->dir, "ca.pem", ca, NULL);
    w->pair = server_pair(w, "gate", "DNS:gate.test,DNS:*.gate.test", ca);
    w->other_pair = server_pair(w, "other", "DNS:other.test", ca);
    test_cert_free(foreign);
    test_cert_free(ca);
    (void)atexit(remove_files);
    return w;
}

struct gw_tls_context *fuzz_context(const char *name, enum gw_verify verify,
                                    struct gw_ticket_keys *keys)
{
    static struct gw_tls_side side; /* too large for a stack */
    static struct gw_cert_pair pairs[2];
    const struct fuzz_world *w = fuzz_world();
    struct gw_tls_context *tls = NULL;
    struct gw_error err = {.text = ""};
    pairs[0] = w->pair;
    pairs[1] = w->other_pair;
    side = (struct gw_tls_side){
        .session_scope = name,
        .certs = pairs,
        .cert_count = 2,
        .cacerts[0] = verify == GW_VERIFY_NONE ? NULL : w->ca_file,
        .verify = verify,
        .tls_min = 0x0303,
        .tls_max = 0x0304,
        .alpn = {"h2", "http/1.1"},
        .alpn_count = 2,
        .session_tickets = keys != NULL,
        .session_age_ns = INT64_C(86400) * 1000000000,
        .max_cert_chain = 24 << 10,
    };
    gw_require(gw_tls_context_new(&tls, &side, keys, NULL, &err) == 0);
    return tls;
}

SSL_CTX *fuzz_client_ctx(int version, enum fuzz_cert cert)
{
    const struct test_cert *c = fuzz_world()->certs[cert];
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    gw_require(ctx);
    gw_require(SSL_CTX_set_min_proto_version(ctx, version) == 1);
    gw_require(SSL_CTX_set_max_proto_version(ctx, version) == 1);
    if (c)
        gw_require(SSL_CTX_use_certificate(ctx, c->x509) == 1 &&
                   SSL_CTX_use_PrivateKey(ctx, c->key) == 1);
    return ctx;
}

void fuzz_pair_init(struct fuzz_pair *p, struct gw_tls_context *tls, SSL_CTX *client_ctx,
                    gw_handshake_allows *allows)
{
    static const unsigned char alpn[] = "\x02h2";
    char name[] = "a.gate.test";
    *p = (struct fuzz_pair){.verdict = GW_HANDSHAKE_MORE};
    p->server = gw_handshake_new(tls, allows, p);
    p->client = SSL_new(client_ctx);
    p->to_client = BIO_new(BIO_s_mem());
    p->from_client = BIO_new(BIO_s_mem());
    gw_require(p->server && p->client && p->to_client && p->from_client);
    BIO_set_mem_eof_return(p->to_client, -1);
    BIO_set_mem_eof_return(p->from_client, -1);
    SSL_set_bio(p->client, p->to_client, p->from_client);
    SSL_set_connect_state(p->client);
    gw_require(SSL_set_tlsext_host_name(p->client, name) == 1);
    gw_require(SSL_set_alpn_protos(p->client, alpn, sizeof(alpn) - 1) == 0);
}

size_t fuzz_pair_to_client(struct fuzz_pair *p)
{
    const uint8_t *data;
    size_t len = gw_handshake_output(p->server, &data);
    if (len > 0)
        gw_require(BIO_write(p->to_client, data, (int)len) == (int)len);
    gw_handshake_output_sent(p->server, len);
    gw_require(gw_handshake_output(p->server, &data) == 0);
    return len;
}

static void feed(struct fuzz_pair *p, const uint8_t *data, size_t len)
{
    size_t piece = p->piece ? p->piece : len;
    for (size_t at = 0; at < len && p->verdict != GW_HANDSHAKE_FAILED; at += piece) {
        p->verdict = gw_handshake_input(p->server, data + at, GW_MIN(piece, len - at));
        (void)fuzz_pair_to_client(p);
    }
}

static bool to_server(struct fuzz_pair *p)
{
    size_t len = BIO_ctrl_pending(p->from_client);
    if (len == 0)
        return false;
    uint8_t *data = malloc(len);
    gw_require(data && BIO_read(p->from_client, data, (int)len) == (int)len);
    if (p->change)
        p->change(p, &data, &len);
    p->flights++;
    feed(p, data, len);
    free(data);
    return true;
}

void fuzz_pair_run(struct fuzz_pair *p)
{
    bool moved = true;
    while (moved && p->verdict == GW_HANDSHAKE_MORE) {
        (void)SSL_do_handshake(p->client);
        moved = to_server(p);
    }
    ERR_clear_error(); /* the client's own */
}

void fuzz_pair_done(struct fuzz_pair *p)
{
    gw_handshake_free(p->server);
    SSL_set_shutdown(p->client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(p->client);
    ERR_clear_error();
}
