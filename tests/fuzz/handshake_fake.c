/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/handshake_fake.h"

#include "gateway/route/terms.h"

#include <stdio.h>
#include <string.h>

enum {
    UNREAD_MAX = 1 << 17,
    OUTPUT_MAX = 1 << 17 /* more than fits into the window of a client that does not read */
};

struct gw_handshake {
    struct handshake_fake like;
    size_t received;
    size_t output; /* bytes not sent yet */
    size_t unread;
    uint8_t *unread_data;
};

static struct handshake_fake next;
static uint8_t zeroes[OUTPUT_MAX];

void handshake_fake_set(const struct handshake_fake *like)
{
    next = *like;
    gw_require(next.out_len + next.ticket_len <= OUTPUT_MAX && next.in_len > 0);
}

struct gw_handshake *gw_handshake_new(struct gw_tls_context *ctx, gw_handshake_allows *allows,
                                      void *arg)
{
    struct gw_handshake *hs = calloc(1, sizeof(*hs));
    (void)ctx;
    (void)allows;
    (void)arg;
    gw_require(hs);
    hs->like = next;
    return hs;
}

void gw_handshake_free(struct gw_handshake *hs)
{
    if (hs)
        free(hs->unread_data);
    free(hs);
}

enum gw_handshake_verdict gw_handshake_begin(struct gw_handshake *hs gw_unused)
{
    return GW_HANDSHAKE_MORE;
}

bool gw_handshake_wants_tickets(const struct gw_handshake *hs gw_unused)
{
    return false;
}

bool gw_handshake_show(struct gw_handshake *hs gw_unused, const void *record gw_unused,
                       size_t len gw_unused)
{
    return false;
}

/* It ends never. */
bool gw_handshake_chain(struct gw_handshake *hs, struct gw_chain *ret)
{
    (void)hs;
    *ret = (struct gw_chain){.present = true, .not_after = INT64_MAX};
    return true;
}

enum gw_reason gw_tls_context_judge_chain(const struct gw_tls_context *tls,
                                          const struct gw_chain *chain, time_t now,
                                          const char **ret_detail)
{
    (void)tls;
    (void)chain;
    (void)now;
    *ret_detail = "";
    return next.good_looks-- ? GW_REASON_NONE : GW_REASON_CERT_REVOKED;
}

int64_t gw_tls_context_next_end(const struct gw_tls_context *tls, time_t now)
{
    (void)tls;
    (void)now;
    return INT64_MAX;
}

struct gw_notes *gw_tls_context_notes(const struct gw_tls_context *tls gw_unused)
{
    return NULL;
}

/* There is nothing in them. */
void gw_terms_put(struct gw_terms *terms)
{
    if (terms)
        terms->holders--;
}

unsigned gw_handshake_sessions(const struct gw_handshake *hs gw_unused)
{
    return 0;
}

enum gw_handshake_verdict gw_handshake_input(struct gw_handshake *hs, const void *data, size_t len)
{
    size_t part = GW_MIN(len, hs->like.in_len - hs->received);
    hs->received += part;
    if (hs->received < hs->like.in_len)
        return GW_HANDSHAKE_MORE;
    hs->output = hs->like.out_len;
    hs->unread = len - part;
    gw_require(hs->unread <= UNREAD_MAX && !hs->unread_data);
    hs->unread_data = malloc(hs->unread ? hs->unread : 1);
    gw_require(hs->unread_data);
    memcpy(hs->unread_data, (const uint8_t *)data + part, hs->unread);
    return GW_HANDSHAKE_DONE;
}

enum gw_reason gw_handshake_reason(const struct gw_handshake *hs)
{
    (void)hs;
    return GW_REASON_NONE;
}

const char *gw_handshake_detail(const struct gw_handshake *hs)
{
    (void)hs;
    return "";
}

size_t gw_handshake_output(struct gw_handshake *hs, const uint8_t **ret_data)
{
    *ret_data = zeroes;
    return hs->output;
}

void gw_handshake_output_sent(struct gw_handshake *hs, size_t len)
{
    gw_require(len <= hs->output);
    hs->output -= len;
}

bool gw_handshake_identity(struct gw_handshake *hs, struct gw_identity *ret)
{
    (void)hs;
    gw_identity_init(ret);
    return true;
}

bool gw_handshake_get_holder(const struct gw_handshake *hs, struct gw_handshake_holder *ret)
{
    (void)hs;
    *ret = (struct gw_handshake_holder){.subject = ""};
    return false;
}

unsigned gw_handshake_tickets(struct gw_handshake *hs)
{
    hs->output += hs->like.ticket_len;
    return hs->like.ticket_len > 0;
}

int gw_handshake_keys(struct gw_handshake *hs, struct gw_handover_keys *ret)
{
    *ret = hs->like.keys;
    return 0;
}

size_t gw_handshake_unread(struct gw_handshake *hs, uint8_t *data, size_t cap)
{
    gw_require(hs->unread <= cap);
    memcpy(data, hs->unread_data, hs->unread);
    return hs->unread;
}

bool gw_handshake_get_facts(struct gw_handshake *hs, bool with_cert, struct gw_handshake_facts *ret)
{
    static const uint8_t cert[FAKE_CERT_MAX];
    *ret = (struct gw_handshake_facts){
        .sni = FAKE_SNI,
        .sig_alg = "",
        .sig_scheme = "",
        .cert = with_cert ? cert : NULL,
        .cert_len = with_cert ? hs->like.cert_len : 0,
    };
    gw_require(hs->like.cert_len <= sizeof(cert));
    return true;
}

void gw_handshake_get_info(struct gw_handshake *hs, struct gw_handshake_info *ret)
{
    (void)hs;
    *ret = (struct gw_handshake_info){.version = FAKE_VERSION};
}
