/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/handshake_private.h"

#include "gateway/base/bytes.h"
#include "gateway/base/wipe.h"
#include "gateway/tls/dname.h"
#include "gateway/tls/failure.h"
#include "gateway/tls/identity_private.h"
#include "gateway/tls/plainhttp.h"
#include "gateway/tls/session.h"
#include "gateway/tls/ticket.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <time.h>

enum {
    TYPE_CHANGE_CIPHER_SPEC = 20,
    TYPE_ALERT = 21,
    TYPE_HANDSHAKE = 22,
    ALERT_ILLEGAL_PARAMETER = 47, /* libssl's alert for a message that is too long */
};

/* Sets the SNI and offers the server a session, if there is one. */
static bool set_up_client(struct gw_handshake *hs)
{
    const struct gw_trust *trust = &hs->tls->trust;
    SSL_set_connect_state(hs->ssl);
    if (trust->peer_name && !trust->peer_is_address) {
        (void)snprintf(hs->sni, sizeof(hs->sni), "%s", trust->peer_name);
        /* The same as SSL_set_tlsext_host_name, which casts the const away. */
        if (!SSL_ctrl(hs->ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                      (void *)(uintptr_t)trust->peer_name))
            return false;
    }
    hs->offered = gw_session_stack_take(&hs->tls->sessions, trust);
    return !hs->offered || SSL_set_session(hs->ssl, hs->offered);
}

static bool set_up(struct gw_handshake *hs)
{
    hs->ssl = SSL_new(hs->tls->ctx);
    hs->in = BIO_new(BIO_s_mem());
    hs->out = BIO_new(BIO_s_mem());
    if (!hs->ssl || !hs->in || !hs->out || !SSL_set_app_data(hs->ssl, hs)) {
        BIO_free(hs->in);
        BIO_free(hs->out);
        return false;
    }
    /* An empty buffer means "not now", not the end. */
    BIO_set_mem_eof_return(hs->in, -1);
    BIO_set_mem_eof_return(hs->out, -1);
    SSL_set_bio(hs->ssl, hs->in, hs->out);
    if (hs->tls->role == GW_ROLE_CLIENT)
        return set_up_client(hs);
    SSL_set_accept_state(hs->ssl);
    return true;
}

struct gw_handshake *gw_handshake_new(struct gw_tls_context *ctx, gw_handshake_allows *allows,
                                      void *arg)
{
    gw_require(allows || ctx->role == GW_ROLE_CLIENT);
    struct gw_handshake *hs = calloc(1, sizeof(*hs));
    if (!hs)
        return NULL;
    hs->tls = ctx;
    hs->chain.since = time(NULL);
    hs->allows = allows;
    hs->allows_arg = arg;
    if (set_up(hs))
        return hs;
    gw_handshake_free(hs);
    ERR_clear_error();
    return NULL;
}

void gw_handshake_free(struct gw_handshake *hs)
{
    if (!hs)
        return;
    /* Otherwise libssl considers the session interrupted and makes it unusable for its holder. */
    if (hs->state == GW_HANDSHAKE_COMPLETE)
        SSL_set_shutdown(hs->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    else if (hs->offered) /* the session may be the cause */
        gw_session_stack_drop(&hs->tls->sessions, hs->offered);
    SSL_free(hs->ssl);
    SSL_SESSION_free(hs->offered);
    X509_free(hs->refused);
    OPENSSL_free(hs->peer_der);
    gw_wipe_object(hs);
    free(hs);
}

void gw_handshake_count_read(struct gw_handshake *hs, uint8_t type)
{
    hs->reads = type == TYPE_CHANGE_CIPHER_SPEC ? 0 : hs->reads + 1;
}

/* Lets the scan see the bytes that libssl wrote since the last call. */
static void scan_output(struct gw_handshake *hs)
{
    char *data = NULL;
    long len = BIO_get_mem_data(hs->out, &data);
    gw_require(len >= 0 && (size_t)len >= hs->out_scanned);
    if ((size_t)len > hs->out_scanned)
        gw_recordscan_add(&hs->sent, (const uint8_t *)data + hs->out_scanned,
                          (size_t)len - hs->out_scanned);
    hs->out_scanned = (size_t)len;
}

static enum gw_handshake_verdict fail(struct gw_handshake *hs, enum gw_reason reason,
                                      const char *detail)
{
    hs->state = GW_HANDSHAKE_BROKEN;
    hs->reason = reason;
    (void)snprintf(hs->detail, sizeof(hs->detail), "%s", detail);
    return GW_HANDSHAKE_FAILED;
}

/* Writes an alert that libssl does not know. Possible only while our side still writes in the
 * clear. */
static void write_plain_alert(struct gw_handshake *hs, uint8_t description)
{
    const uint8_t record[] = {TYPE_ALERT, 3, 3, 0, 2, 2, description};
    if (!hs->sent.protected && !hs->sent.ccs_seen)
        (void)BIO_write(hs->out, record, sizeof(record));
}

static enum gw_handshake_verdict refuse_length(struct gw_handshake *hs, const char *what,
                                               size_t len, unsigned limit)
{
    char detail[sizeof(hs->detail)];
    (void)snprintf(detail, sizeof(detail), "%s of %zu bytes, of at most %u", what, len, limit);
    write_plain_alert(hs, ALERT_ILLEGAL_PARAMETER);
    return fail(hs, GW_REASON_HANDSHAKE_TOO_LARGE, detail);
}

/* What the client speaks instead of TLS. NULL: unknown. */
static const char *guess_protocol(const struct gw_handshake *hs)
{
    static const struct {
        const char *start, *what;
    } rows[] = {
        {"SSH-", "the client speaks SSH"},
        {"PROXY ", "a PROXY header; see --accept-proxy"},
        {"\r\n\r\n", "a PROXY header; see --accept-proxy"}, /* of version 2 */
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++)
        if (memcmp(hs->first, rows[i].start, strlen(rows[i].start)) == 0)
            return rows[i].what;
    return NULL;
}

static enum gw_handshake_verdict fail_by_library(struct gw_handshake *hs, int ssl_error)
{
    struct gw_failure failure;
    gw_failure_take(hs->ssl, ssl_error, hs->fault, &failure);
    if (hs->reason != GW_REASON_NONE)
        return fail(hs, hs->reason, ""); /* our own refusal, which libssl has only carried out */
    if (hs->received > 0 && !hs->speaks_tls) {
        const char *spoken = guess_protocol(hs);
        return fail(hs, GW_REASON_HANDSHAKE_NOT_TLS, spoken ? spoken : failure.detail);
    }
    return fail(hs, failure.reason, failure.detail);
}

/* libssl does not expose the secret that ticket keys derive from; only our own tickets need it. */
static bool has_secrets(const struct gw_handshake *hs, const struct ktls_suite *suite)
{
    const struct gw_traffic_secrets *s = &hs->secrets;
    size_t want = suite->version == KTLS_TLS_1_3 ? ktls_hash_len(suite->hash) : 0;
    return s->client_len == want && s->server_len == want &&
           (s->resumption_len == want || !hs->tls->ours);
}

/* Checks, once, at the end of the handshake, everything that the handover relies on. */
static enum gw_handshake_verdict complete(struct gw_handshake *hs)
{
    const struct ktls_suite *suite = gw_handshake_suite(hs);
    if (!suite || suite->version != (enum ktls_version)SSL_version(hs->ssl))
        return fail(hs, GW_REASON_HANDSHAKE_INTERNAL, "suite without record keys");
    bool shown = SSL_get0_peer_certificate(hs->ssl) != NULL;
    if ((shown || hs->tls->role == GW_ROLE_CLIENT) &&
        !(shown && SSL_get_verify_result(hs->ssl) == X509_V_OK))
        return fail(hs, GW_REASON_CERT_INVALID, "certificate not verified");
    struct gw_chain chain;
    if (!gw_handshake_chain(hs, &chain) || chain.present != shown)
        return fail(hs, GW_REASON_CERT_INVALID, "no chain kept of the certificate");
    if (!has_secrets(hs, suite))
        return fail(hs, GW_REASON_HANDSHAKE_INTERNAL, "no traffic secrets");
    /* More handshake messages in the record of the Finished: in TLS 1.2, a renegotiation. */
    if (SSL_has_pending(hs->ssl))
        return fail(hs, GW_REASON_HANDSHAKE_PROTOCOL, "data after Finished in its record");
    hs->state = GW_HANDSHAKE_COMPLETE;
    hs->sent_before = hs->sent.protected;
    return GW_HANDSHAKE_DONE;
}

static enum gw_handshake_verdict drive(struct gw_handshake *hs)
{
    ERR_clear_error();
    gw_provider_watch(&hs->secrets);
    int r = SSL_do_handshake(hs->ssl);
    gw_provider_watch(NULL);
    int error = SSL_get_error(hs->ssl, r);
    scan_output(hs);
    if (r == 1)
        return complete(hs);
    if (error == SSL_ERROR_WANT_READ)
        return GW_HANDSHAKE_MORE;
    return fail_by_library(hs, error);
}

/* Whether this is a handshake record, or the SSLv2-style ClientHello that old clients begin
 * with. */
static bool begins_like_tls(uint8_t first)
{
    return first == TYPE_HANDSHAKE || first == TYPE_ALERT || first & 0x80;
}

static bool take_in(struct gw_handshake *hs, const uint8_t *data, size_t len)
{
    return len == 0 || BIO_write(hs->in, data, (int)len) == (int)len;
}

/* The limit applies to the bytes of the handshake. What follows it may have any length. */
static enum gw_handshake_verdict go_on(struct gw_handshake *hs, const uint8_t *data, size_t len)
{
    size_t part = GW_MIN(len, GW_HANDSHAKE_BYTES_MAX - hs->received);
    if (hs->received == 0)
        hs->speaks_tls = begins_like_tls(data[0]);
    hs->received += part;
    if (hs->tls->role == GW_ROLE_SERVER && !gw_handshake_hello_fits(hs, data, part))
        return refuse_length(hs, "a ClientHello", hs->hello.message_left,
                             GW_CLIENT_HELLO_BYTES_MAX);
    if (!take_in(hs, data, part))
        return fail(hs, GW_REASON_NO_MEMORY, "");
    enum gw_handshake_verdict verdict = drive(hs);
    if (verdict == GW_HANDSHAKE_DONE && !take_in(hs, data + part, len - part))
        return fail(hs, GW_REASON_NO_MEMORY, "");
    if (verdict == GW_HANDSHAKE_MORE && hs->received == GW_HANDSHAKE_BYTES_MAX)
        return refuse_length(hs, "half a handshake", hs->received, GW_HANDSHAKE_BYTES_MAX);
    return verdict;
}

static enum gw_handshake_verdict answer_http(struct gw_handshake *hs)
{
    size_t len;
    const char *answer = gw_plainhttp_answer(&len);
    (void)BIO_write(hs->out, answer, (int)len);
    return fail(hs, GW_REASON_HANDSHAKE_HTTP, "");
}

/* Holds a client's first bytes while they may be HTTP. */
static enum gw_handshake_verdict look_first(struct gw_handshake *hs, const uint8_t *data,
                                            size_t len)
{
    size_t more = GW_MIN(len, sizeof(hs->first) - hs->first_len);
    memcpy(hs->first + hs->first_len, data, more);
    enum gw_plainhttp http = gw_plainhttp_look(hs->first, hs->first_len + more);
    if (http == GW_PLAINHTTP_YES)
        return answer_http(hs);
    if (http == GW_PLAINHTTP_PERHAPS) {
        hs->first_len += more;
        return GW_HANDSHAKE_MORE;
    }
    hs->first_known = true;
    if (hs->first_len > 0 && go_on(hs, hs->first, hs->first_len) == GW_HANDSHAKE_FAILED)
        return GW_HANDSHAKE_FAILED;
    return go_on(hs, data, len);
}

enum gw_handshake_verdict gw_handshake_begin(struct gw_handshake *hs)
{
    return hs->tls->role == GW_ROLE_CLIENT ? drive(hs) : GW_HANDSHAKE_MORE;
}

enum gw_handshake_verdict gw_handshake_input(struct gw_handshake *hs, const void *data, size_t len)
{
    if (hs->state == GW_HANDSHAKE_BROKEN)
        return GW_HANDSHAKE_FAILED;
    if (hs->state == GW_HANDSHAKE_RUNNING && len == 0)
        return GW_HANDSHAKE_MORE;
    if (hs->state == GW_HANDSHAKE_RUNNING && hs->tls->role == GW_ROLE_SERVER && !hs->first_known)
        return look_first(hs, data, len);
    if (hs->state == GW_HANDSHAKE_RUNNING)
        return go_on(hs, data, len);
    return take_in(hs, data, len) ? GW_HANDSHAKE_DONE : fail(hs, GW_REASON_NO_MEMORY, "");
}

enum gw_reason gw_handshake_reason(const struct gw_handshake *hs)
{
    return hs->reason;
}

const char *gw_handshake_detail(const struct gw_handshake *hs)
{
    return hs->detail;
}

size_t gw_handshake_output(struct gw_handshake *hs, const uint8_t **ret_data)
{
    char *data = NULL;
    long len = BIO_get_mem_data(hs->out, &data);
    *ret_data = (const uint8_t *)data;
    return len > 0 ? (size_t)len : 0;
}

void gw_handshake_output_sent(struct gw_handshake *hs, size_t len)
{
    uint8_t sink[4096];
    scan_output(hs);
    gw_require(len <= hs->out_scanned);
    hs->out_scanned -= len;
    while (len) {
        int n = BIO_read(hs->out, sink, (int)GW_MIN(len, sizeof(sink)));
        gw_require(n > 0);
        len -= (size_t)n;
    }
}

/* libssl keeps no refused certificate. */
static const X509 *peer_certificate(const struct gw_handshake *hs)
{
    return hs->refused ? hs->refused : SSL_get0_peer_certificate(hs->ssl);
}

bool gw_handshake_identity(struct gw_handshake *hs, struct gw_identity *ret)
{
    return gw_identity_read(ret, peer_certificate(hs));
}

bool gw_handshake_get_holder(const struct gw_handshake *hs, struct gw_handshake_holder *ret)
{
    const X509 *cert = peer_certificate(hs);
    if (!cert)
        return false;
    gw_dname_print(X509_get_subject_name(cert), ret->subject, sizeof(ret->subject));
    gw_dname_print(X509_get_issuer_name(cert), ret->issuer, sizeof(ret->issuer));
    ERR_clear_error();
    return true;
}

bool gw_handshake_chain(struct gw_handshake *hs, struct gw_chain *ret)
{
    if (SSL_session_reused(hs->ssl))
        return gw_session_read_chain(SSL_get_session(hs->ssl), ret);
    *ret = hs->chain;
    return true;
}

int gw_handshake_verify(struct gw_handshake *hs, X509_STORE_CTX *verification)
{
    const struct gw_trust *trust = &hs->tls->trust;
    int result = gw_trust_verify(trust, verification, &hs->chain, &hs->crl_tolerated);
    /* libssl has no alert of its own for a list that covers other certificates. */
    X509_STORE_CTX_set_error(verification, result == X509_V_ERR_DIFFERENT_CRL_SCOPE
                                               ? X509_V_ERR_UNABLE_TO_GET_CRL
                                               : result);
    if (result != X509_V_OK)
        gw_fault_describe(trust, verification, result, hs->fault);
    if (result != X509_V_OK && !hs->refused && X509_up_ref(X509_STORE_CTX_get0_cert(verification)))
        hs->refused = X509_STORE_CTX_get0_cert(verification);
    return result == X509_V_OK;
}

/* Writes one ticket, not the two that libssl sends by itself: each resumption brings the next. */
static void write_ticket(struct gw_handshake *hs)
{
    int r = gw_ticket_write(hs);
    gw_wipe(hs->secrets.resumption, sizeof(hs->secrets.resumption));
    ERR_clear_error();
    scan_output(hs);
    if (r)
        (void)fail(hs, r == -ENOMEM ? GW_REASON_NO_MEMORY : GW_REASON_HANDSHAKE_INTERNAL,
                   "no ticket");
}

unsigned gw_handshake_tickets(struct gw_handshake *hs)
{
    if (hs->state != GW_HANDSHAKE_COMPLETE || !hs->tls->tickets)
        return 0; /* always the case in the client role */
    if (SSL_version(hs->ssl) == TLS1_3_VERSION)
        write_ticket(hs);
    return hs->ticket_sent;
}

/* ---- tickets received ---- */

void gw_handshake_take_session(struct gw_handshake *hs, SSL_SESSION *session)
{
    bool allowed = !hs->allows || gw_session_peer_allowed(hs, SSL_get0_peer_certificate(hs->ssl));
    hs->sessions_received++;
    if (!allowed || !gw_session_keep_chain(hs, session)) {
        SSL_SESSION_free(session);
        return;
    }
    gw_session_stack_push(&hs->tls->sessions, session, &hs->tls->trust);
}

unsigned gw_handshake_sessions(const struct gw_handshake *hs)
{
    return hs->sessions_received;
}

bool gw_handshake_wants_tickets(const struct gw_handshake *hs)
{
    return hs->state == GW_HANDSHAKE_COMPLETE && hs->tls->keeps_sessions &&
           SSL_version(hs->ssl) == TLS1_3_VERSION;
}

/* libssl may want to write an alert or its own KeyUpdate. It must not, since its sequence numbers
 * do not advance; by then it has seen enough. */
bool gw_handshake_show(struct gw_handshake *hs, const void *record, size_t len)
{
    char byte;
    ERR_clear_error();
    int r = take_in(hs, record, len) ? SSL_read(hs->ssl, &byte, sizeof(byte)) : 1;
    bool more = r <= 0 && SSL_get_error(hs->ssl, r) == SSL_ERROR_WANT_READ &&
                BIO_ctrl_pending(hs->out) == 0;
    OPENSSL_cleanse(&byte, sizeof(byte));
    ERR_clear_error();
    return more;
}

size_t gw_handshake_unread(struct gw_handshake *hs, uint8_t *data, size_t cap)
{
    size_t len = GW_MIN(BIO_ctrl_pending(hs->in), cap);
    if (len == 0)
        return 0;
    int n = BIO_read(hs->in, data, (int)len);
    return n > 0 ? (size_t)n : 0;
}
