/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/context_private.h"

#include "gateway/tls/handshake_private.h"
#include "gateway/tls/keylog.h"
#include "gateway/tls/library.h"
#include "gateway/tls/policy.h"
#include "gateway/tls/session.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <time.h>

static int out_of_memory(struct gw_error *err)
{
    return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
}

/* The server's preference decides. Without overlap the handshake fails (RFC 7301 3.2). */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                   const unsigned char *offered, unsigned offered_len, void *arg)
{
    const struct gw_tls_context *tls = arg;
    unsigned char *chosen = NULL;
    (void)ssl;
    if (SSL_select_next_proto(&chosen, out_len, tls->alpn, tls->alpn_len, offered, offered_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* Reports to libssl whether the name was recognized; hello.c has already chosen the certificate. */
static int on_server_name(SSL *ssl, int *alert, void *arg)
{
    const struct gw_handshake *hs = SSL_get_app_data(ssl);
    (void)alert;
    (void)arg;
    return hs->name_known ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

/* Called in full handshakes only. The SSL has the first family from its SSL_CTX. */
static int on_certificate(SSL *ssl, void *arg)
{
    const struct gw_tls_context *tls = arg;
    const struct gw_handshake *hs = SSL_get_app_data(ssl);
    const struct gw_family *f = &tls->keyring.families[hs->family];
    if (hs->family == 0)
        return 1;
    SSL_certs_clear(ssl);
    for (unsigned i = 0; i < f->count; i++) {
        const struct gw_credential *c = &tls->keyring.all[f->members[i]];
        if (SSL_use_cert_and_key(ssl, c->leaf, c->key, c->chain, 1) != 1)
            return 0;
    }
    return 1;
}

/* The response for the chosen certificate. */
static const struct gw_ocsp *response_for(const struct gw_keyring *ring, unsigned family,
                                          const X509 *shown)
{
    const struct gw_family *f = &ring->families[family];
    for (unsigned i = 0; i < f->count; i++)
        if (ring->all[f->members[i]].leaf == shown)
            return &ring->all[f->members[i]].ocsp;
    return NULL;
}

/* Called when the client requests a response. */
static int on_status(SSL *ssl, void *arg)
{
    const struct gw_tls_context *tls = arg;
    const struct gw_handshake *hs = SSL_get_app_data(ssl);
    const struct gw_ocsp *ocsp = response_for(&tls->keyring, hs->family, SSL_get_certificate(ssl));
    if (!ocsp || !gw_ocsp_in_date(ocsp, time(NULL)))
        return SSL_TLSEXT_ERR_NOACK;
    void *copy = OPENSSL_memdup(ocsp->der, ocsp->len); /* libssl frees it */
    if (!copy)
        return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)ocsp->len);
    return SSL_TLSEXT_ERR_OK;
}

static void on_message(int written, int version, int type, const void *data, size_t len, SSL *ssl,
                       void *arg)
{
    (void)version;
    (void)arg;
    if (!written && type == SSL3_RT_HEADER && len > 0)
        gw_handshake_count_read(SSL_get_app_data(ssl), *(const uint8_t *)data);
}

/* Replaces libssl's own verification, which is the first half of this one. */
static int on_verify(X509_STORE_CTX *verification, void *arg)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx());
    (void)arg;
    return gw_handshake_verify(SSL_get_app_data(ssl), verification);
}

static void on_key_log(const SSL *ssl, const char *line)
{
    struct gw_handshake *hs = SSL_get_app_data(ssl);
    gw_keylog_take(line, &hs->secrets);
}

static int add_alpn(struct gw_tls_context *tls, const char *name, struct gw_error *err)
{
    size_t len = strlen(name);
    if (len == 0 || len > 255)
        return gw_error_set(err, GW_EXIT_USAGE,
                            "--alpn '%s': a protocol name must have 1 to 255 bytes", name);
    tls->alpn[tls->alpn_len] = (uint8_t)len;
    memcpy(tls->alpn + tls->alpn_len + 1, name, len);
    tls->alpn_len += (unsigned)len + 1;
    return 0;
}

/* Called when a session becomes resumable: in TLS 1.3, for each ticket. */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
    gw_handshake_take_session(SSL_get_app_data(ssl), session);
    return 1; /* libssl's reference becomes ours */
}

/* Settings of the server role only. */
static int set_up_server(struct gw_tls_context *tls, SSL_CTX *ctx)
{
    if (gw_session_apply(tls, ctx) < 0)
        return -ENOMEM;
    if (!tls->tickets)
        SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    if (tls->alpn_len)
        SSL_CTX_set_alpn_select_cb(ctx, on_alpn, tls);
    SSL_CTX_set_client_hello_cb(ctx, gw_handshake_take_hello, NULL);
    SSL_CTX_set_tlsext_servername_callback(ctx, on_server_name);
    SSL_CTX_set_tlsext_status_cb(ctx, on_status);
    SSL_CTX_set_tlsext_status_arg(ctx, tls);
    return 0;
}

/* Settings of the client role only. libssl stores no session itself: its store is not ordered. */
static int set_up_client(struct gw_tls_context *tls, SSL_CTX *ctx)
{
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    if (tls->keeps_sessions)
        SSL_CTX_sess_set_new_cb(ctx, on_session);
    /* This function returns 0 on success. */
    return tls->alpn_len && SSL_CTX_set_alpn_protos(ctx, tls->alpn, tls->alpn_len) ? -ENOMEM : 0;
}

static int set_up(struct gw_tls_context *tls, SSL_CTX *ctx, const struct gw_tls_side *side,
                  struct gw_error *err)
{
    int r = gw_policy_apply(ctx, side, err);
    if (r < 0)
        return r;
    r = tls->role == GW_ROLE_SERVER ? set_up_server(tls, ctx) : set_up_client(tls, ctx);
    if (r < 0 || gw_trust_apply(&tls->trust, ctx) < 0)
        return out_of_memory(err);
    SSL_CTX_set_max_cert_list(ctx, (long)side->max_cert_chain);
    SSL_CTX_set_cert_verify_callback(ctx, on_verify, NULL);
    SSL_CTX_set_msg_callback(ctx, on_message);
    if (!tls->ours)
        SSL_CTX_set_keylog_callback(ctx, on_key_log);
    return 0;
}

/* Sets the certificates that the context shows unless a handshake gets others. libssl has checked
 * them already. */
static int use_keyring(struct gw_tls_context *tls, struct gw_error *err)
{
    const struct gw_keyring *ring = &tls->keyring;
    for (unsigned i = 0; ring->count > 0 && i < ring->families[0].count; i++) {
        const struct gw_credential *c = &ring->all[ring->families[0].members[i]];
        if (SSL_CTX_use_cert_and_key(tls->ctx, c->leaf, c->key, c->chain, 1) != 1)
            return out_of_memory(err);
    }
    if (tls->role == GW_ROLE_SERVER && ring->count > 1)
        SSL_CTX_set_cert_cb(tls->ctx, on_certificate, tls);
    return 0;
}

static int load_keyring(struct gw_tls_context *tls, const struct gw_tls_side *side,
                        struct gw_files *files, struct gw_error *err)
{
    int r = gw_keyring_load(&tls->keyring, side, files, tls->library, tls->ctx, err);
    if (r < 0 || tls->role == GW_ROLE_CLIENT)
        return r;
    if (tls->keyring.count == 0)
        return gw_error_set(err, GW_EXIT_USAGE,
                            "--cert and --key: give at least one pair, or a --cert-dir");
    if (tls->strict_sni == GW_STRICT_SNI_ON && tls->keyring.sni.count == 0)
        return gw_error_set(err, GW_EXIT_USAGE,
                            "--strict-sni: no certificate has a DNS name, so no client could "
                            "connect; leave it out, or use certificates with names");
    return 0;
}

/* For example an algorithm that libcrypto lacks. */
static const char *why_libssl(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason ? reason : "out of memory";
}

static int make_ctx(struct gw_tls_context *tls, const struct gw_tls_side *side,
                    struct gw_error *err)
{
    bool server = tls->role == GW_ROLE_SERVER;
    tls->ctx =
        SSL_CTX_new_ex(tls->library, NULL, server ? TLS_server_method() : TLS_client_method());
    if (!tls->ctx)
        return gw_error_set(err, GW_EXIT_OTHER, "libssl cannot be set up: %s", why_libssl());
    return set_up(tls, tls->ctx, side, err);
}

static int fill(struct gw_tls_context *tls, const struct gw_tls_side *side, struct gw_files *files,
                struct gw_error *err)
{
    tls->ticket_cipher = EVP_CIPHER_fetch(tls->library, "AES-256-CBC", NULL);
    if (!tls->ticket_cipher)
        return gw_error_set(err, GW_EXIT_OTHER, "libcrypto has no AES-256-CBC");
    int r = gw_trust_load(&tls->trust, side, files, tls->library, err);
    for (unsigned i = 0; r == 0 && i < side->alpn_count; i++)
        r = add_alpn(tls, side->alpn[i], err);
    if (r == 0)
        r = make_ctx(tls, side, err);
    if (r == 0)
        r = load_keyring(tls, side, files, err);
    return r < 0 ? r : use_keyring(tls, err);
}

int gw_tls_context_new(struct gw_tls_context **ret, const struct gw_tls_side *side,
                       struct gw_ticket_keys *tickets, struct gw_files *files, struct gw_error *err)
{
    OSSL_LIB_CTX *library = gw_tls_library_get();
    if (!library)
        return gw_error_set(err, GW_EXIT_OTHER, "%s", gw_tls_library_trouble());
    struct gw_tls_context *tls = calloc(1, sizeof(*tls));
    if (!tls) {
        gw_tls_library_put();
        return out_of_memory(err);
    }
    tls->library = library;
    tls->ours = gw_tls_library_is_ours();
    tls->role = side->role;
    tls->strict_sni = side->strict_sni;
    tls->keeps_sessions = side->role == GW_ROLE_CLIENT && side->session_tickets;
    if (side->role == GW_ROLE_SERVER && side->session_tickets)
        tls->tickets = tickets;
    struct gw_files *own = files ? NULL : gw_files_new();
    int r = files || own ? fill(tls, side, files ? files : own, err) : out_of_memory(err);
    gw_files_free(own);
    ERR_clear_error();
    if (r < 0)
        gw_tls_context_free(tls);
    else
        *ret = tls;
    return r;
}

void gw_tls_context_free(struct gw_tls_context *tls)
{
    if (!tls)
        return;
    gw_session_stack_done(&tls->sessions);
    SSL_CTX_free(tls->ctx);
    gw_keyring_done(&tls->keyring);
    gw_trust_done(&tls->trust);
    EVP_CIPHER_free(tls->ticket_cipher);
    free(tls);
    gw_tls_library_put();
}

enum gw_reason gw_tls_context_judge_chain(const struct gw_tls_context *tls,
                                          const struct gw_chain *chain, time_t now,
                                          const char **ret_detail)
{
    int result = X509_V_OK;
    enum gw_reason reason = gw_trust_judge_reason(&tls->trust, chain, now, &result, NULL);
    if (ret_detail)
        *ret_detail = result == X509_V_OK ? "" : gw_fault_word(result);
    return reason;
}

struct gw_notes *gw_tls_context_notes(const struct gw_tls_context *tls)
{
    struct gw_revocation *lists = tls->trust.revocation;
    return lists ? gw_revocation_notes(lists) : NULL;
}

int64_t gw_tls_context_next_end(const struct gw_tls_context *tls, time_t now)
{
    const struct gw_revocation *lists = tls->trust.revocation;
    return lists ? gw_revocation_next_end(lists, now) : INT64_MAX;
}

unsigned gw_tls_context_cert_count(const struct gw_tls_context *ctx)
{
    return ctx->keyring.count;
}

void gw_tls_context_cert(const struct gw_tls_context *ctx, unsigned index,
                         struct gw_cert_facts *ret)
{
    const struct gw_credential *c = &ctx->keyring.all[index];
    *ret = (struct gw_cert_facts){
        .flag = c->flag,
        .file = c->file,
        .names = c->names,
        .name_count = c->name_count,
        .begins = c->begins,
        .ends = c->ends,
        .has_ocsp = c->ocsp.der != NULL,
        .ocsp_begins = c->ocsp.begins,
        .ocsp_ends = c->ocsp.ends,
    };
    gw_handshake_name_key(c->key, ret->key, sizeof(ret->key));
}
