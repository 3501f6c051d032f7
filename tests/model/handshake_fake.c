/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/model/handshake_fake.h"

#include "gateway/base/attr.h"
#include "gateway/record/control.h"
#include "tests/model/script.h"

#include <stdio.h>

enum {
    CONTEXTS = 32,
    HANDSHAKE_TICKET = 4,
};

#define MAGIC UINT64_C(0x7363726970746564)

/* What struct gw_handshake is when it is ours. */
struct scripted {
    uint64_t magic;
    struct gw_talk talk;
    struct gw_queue out;
    struct gw_queue unread;
    enum gw_reason reason;
    bool done;
    bool mutual;
    unsigned tickets;      /* sent or, in the client role, received */
    struct gw_record peek; /* client role: opens copies of the records that are shown */
};

static struct {
    const struct gw_tls_context *tls;
    enum gw_role role;
    bool mutual;
} contexts[CONTEXTS];
static unsigned context_count;
static uint64_t scripts; /* made here, in the client role */
static uint64_t tickets_taken;

void gw_handshake_fake_add(const struct gw_tls_context *tls, enum gw_role role, bool mutual)
{
    assert_true(context_count < CONTEXTS);
    if (!tls) {
        context_count = 0;
        scripts = tickets_taken = 0;
        return;
    }
    contexts[context_count].tls = tls;
    contexts[context_count].role = role;
    contexts[context_count++].mutual = mutual;
}

uint64_t gw_handshake_fake_tickets(void)
{
    return tickets_taken;
}

/* NULL: a real one. */
static struct scripted *of(const struct gw_handshake *hs)
{
    uint64_t magic = 0;
    if (hs)
        memcpy(&magic, (const void *)hs, sizeof(magic));
    return magic == MAGIC ? (struct scripted *)(uintptr_t)hs : NULL;
}

/* The output moves with every call, as it may: whoever still sends from the old place is seen. */
static void move_output(struct scripted *s)
{
    struct gw_queue moved = {0};
    gw_queue_add(&moved, s->out.data + s->out.at, gw_queued(&s->out));
    if (s->out.data)
        memset(s->out.data, 0xdb, s->out.cap);
    gw_queue_free(&s->out);
    s->out = moved;
}

/* One row a function: what stands behind the linker's --wrap, in the types of the header. */
#define WRAP(name)                                                                                 \
    __typeof__(name) __wrap_##name;                                                                \
    __typeof__(name) __real_##name

WRAP(gw_handshake_new);
WRAP(gw_handshake_free);
WRAP(gw_handshake_begin);
WRAP(gw_handshake_input);
WRAP(gw_handshake_reason);
WRAP(gw_handshake_detail);
WRAP(gw_handshake_output);
WRAP(gw_handshake_output_sent);
WRAP(gw_handshake_identity);
WRAP(gw_handshake_tickets);
WRAP(gw_handshake_keys);
WRAP(gw_handshake_unread);
WRAP(gw_handshake_wants_tickets);
WRAP(gw_handshake_show);
WRAP(gw_handshake_sessions);
WRAP(gw_handshake_get_info);
WRAP(gw_handshake_get_facts);
WRAP(gw_handshake_get_holder);

struct gw_handshake *__wrap_gw_handshake_new(struct gw_tls_context *ctx,
                                             gw_handshake_allows *allows, void *arg)
{
    unsigned i = 0;
    while (i < context_count && contexts[i].tls != ctx)
        i++;
    if (i == context_count)
        return __real_gw_handshake_new(ctx, allows, arg);
    struct scripted *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    s->magic = MAGIC;
    s->talk.server = contexts[i].role == GW_ROLE_SERVER;
    s->mutual = contexts[i].mutual;
    return (struct gw_handshake *)s;
}

void __wrap_gw_handshake_free(struct gw_handshake *hs)
{
    struct scripted *s = of(hs);
    if (!s) {
        __real_gw_handshake_free(hs);
        return;
    }
    gw_queue_free(&s->out);
    gw_queue_free(&s->unread);
    gw_record_done(&s->peek);
    memset(s, 0, sizeof(*s));
    free(s);
}

enum gw_handshake_verdict __wrap_gw_handshake_begin(struct gw_handshake *hs)
{
    struct scripted *s = of(hs);
    struct gw_script script;
    if (!s)
        return __real_gw_handshake_begin(hs);
    if (s->talk.server)
        return GW_HANDSHAKE_MORE;
    uint64_t seed = gw_script_random(&scripts);
    gw_script_make(&script, seed, seed % 3 ? KTLS_TLS_1_3 : KTLS_TLS_1_2);
    script.payload_max = 0; /* a client of ours asks for none */
    gw_talk_begin(&s->talk, &script, &s->out);
    return GW_HANDSHAKE_MORE;
}

static void begin_peek(struct scripted *s)
{
    struct gw_handover_keys keys;
    gw_script_keys(&s->talk.script, false, 0, &keys);
    assert_int_equal(gw_record_init(&s->peek, &keys), 0);
}

enum gw_handshake_verdict __wrap_gw_handshake_input(struct gw_handshake *hs, const void *data,
                                                    size_t len)
{
    struct scripted *s = of(hs);
    size_t used;
    if (!s)
        return __real_gw_handshake_input(hs, data, len);
    assert_false(s->done);
    move_output(s);
    s->talk.wants_cert = s->mutual;
    switch (gw_talk_take(&s->talk, data, len, &used, &s->out)) {
    case GW_TALK_MORE:
        return GW_HANDSHAKE_MORE;
    case GW_TALK_DONE:
        s->done = true;
        if (!s->talk.server)
            begin_peek(s);
        gw_queue_add(&s->unread, (const uint8_t *)data + used, len - used);
        return GW_HANDSHAKE_DONE;
    case GW_TALK_FAILS:
        s->reason = GW_REASON_CERT_MISSING;
        gw_talk_add_alert(&s->out, GW_ALERT_HANDSHAKE_FAILURE);
        break;
    case GW_TALK_NOT_TLS:
        s->reason = GW_REASON_HANDSHAKE_NOT_TLS;
        break;
    case GW_TALK_ALERT:
        s->reason = GW_REASON_HANDSHAKE_ALERT;
        break;
    }
    return GW_HANDSHAKE_FAILED;
}

enum gw_reason __wrap_gw_handshake_reason(const struct gw_handshake *hs)
{
    const struct scripted *s = of(hs);
    return s ? s->reason : __real_gw_handshake_reason(hs);
}

const char *__wrap_gw_handshake_detail(const struct gw_handshake *hs)
{
    return of(hs) ? "scripted" : __real_gw_handshake_detail(hs);
}

size_t __wrap_gw_handshake_output(struct gw_handshake *hs, const uint8_t **ret_data)
{
    struct scripted *s = of(hs);
    if (!s)
        return __real_gw_handshake_output(hs, ret_data);
    move_output(s);
    *ret_data = s->out.data;
    return gw_queued(&s->out);
}

void __wrap_gw_handshake_output_sent(struct gw_handshake *hs, size_t len)
{
    struct scripted *s = of(hs);
    if (!s) {
        __real_gw_handshake_output_sent(hs, len);
        return;
    }
    assert_true(len <= gw_queued(&s->out));
    s->out.at += len;
}

/* By the client as the script says; a server always shows one. */
static enum gw_script_cert shown(const struct scripted *s)
{
    return s->talk.server ? s->talk.script.cert : GW_SCRIPT_ALLOWED;
}

bool __wrap_gw_handshake_identity(struct gw_handshake *hs, struct gw_identity *ret)
{
    const struct scripted *s = of(hs);
    if (!s)
        return __real_gw_handshake_identity(hs, ret);
    enum gw_script_cert cert = shown(s);
    const char *cn = cert == GW_SCRIPT_ALLOWED ? "allowed" : "stranger";
    gw_identity_init(ret);
    ret->present = cert != GW_SCRIPT_NO_CERT;
    if (!ret->present)
        return true;
    gw_identity_add(ret, GW_NAME_CN, cn, strlen(cn));
    (void)snprintf(ret->serial, sizeof(ret->serial), "%08X", (unsigned)s->talk.script.seed);
    return true;
}

bool __wrap_gw_handshake_get_holder(const struct gw_handshake *hs, struct gw_handshake_holder *ret)
{
    const struct scripted *s = of(hs);
    if (!s)
        return __real_gw_handshake_get_holder(hs, ret);
    (void)snprintf(ret->subject, sizeof(ret->subject), "CN=%08X", (unsigned)s->talk.script.seed);
    (void)snprintf(ret->issuer, sizeof(ret->issuer), "CN=a CA");
    return shown(s) != GW_SCRIPT_NO_CERT;
}

static void seal_ticket(struct scripted *s, struct gw_record *rec, uint64_t *rng)
{
    uint8_t record[GW_RECORD_SEAL_ROOM_FRONT + GW_SCRIPT_TICKET_BYTES + GW_RECORD_SEAL_ROOM_BACK];
    uint8_t *body = record + GW_RECORD_SEAL_ROOM_FRONT;
    size_t len = 20 + gw_script_random(rng) % (GW_SCRIPT_TICKET_BYTES - 20);
    const uint8_t header[] = {4, 0, (uint8_t)((len - 4) >> 8), (uint8_t)(len - 4)};
    uint8_t *start;
    size_t size;
    memset(body, 0x74, len);
    memcpy(body, header, sizeof(header));
    assert_int_equal(gw_record_seal(rec, GW_CONTENT_HANDSHAKE, body, len, &start, &size), 0);
    gw_queue_add(&s->out, start, size);
}

unsigned __wrap_gw_handshake_tickets(struct gw_handshake *hs)
{
    struct scripted *s = of(hs);
    if (!s)
        return __real_gw_handshake_tickets(hs);
    const struct gw_script *script = &s->talk.script;
    if (!s->talk.server)
        return 0;
    if (script->suite->version != KTLS_TLS_1_3 || script->tickets == 0)
        return script->tickets;
    struct gw_record rec;
    struct gw_handover_keys keys;
    uint64_t rng = script->seed;
    gw_script_keys(script, true, 0, &keys);
    assert_int_equal(gw_record_init(&rec, &keys), 0);
    move_output(s);
    for (s->tickets = 0; s->tickets < script->tickets; s->tickets++)
        seal_ticket(s, &rec, &rng);
    gw_record_done(&rec);
    return s->tickets;
}

int __wrap_gw_handshake_keys(struct gw_handshake *hs, struct gw_handover_keys *ret)
{
    const struct scripted *s = of(hs);
    if (!s)
        return __real_gw_handshake_keys(hs, ret);
    assert_true(s->done);
    gw_script_keys(&s->talk.script, s->talk.server, s->tickets, ret);
    return 0;
}

size_t __wrap_gw_handshake_unread(struct gw_handshake *hs, uint8_t *data, size_t cap)
{
    struct scripted *s = of(hs);
    return s ? gw_queue_take(&s->unread, data, cap) : __real_gw_handshake_unread(hs, data, cap);
}

bool __wrap_gw_handshake_wants_tickets(const struct gw_handshake *hs)
{
    const struct scripted *s = of(hs);
    return s ? s->done && !s->talk.server && s->talk.script.suite->version == KTLS_TLS_1_3
             : __real_gw_handshake_wants_tickets(hs);
}

bool __wrap_gw_handshake_show(struct gw_handshake *hs, const void *record, size_t len)
{
    struct scripted *s = of(hs);
    uint8_t copy[GW_RECORD_HEADER + GW_RECORD_BODY_MAX];
    struct gw_opened o;
    if (!s)
        return __real_gw_handshake_show(hs, record, len);
    assert_true(len <= sizeof(copy));
    memcpy(copy, record, len);
    if (gw_record_open(&s->peek, copy, len, &o) != GW_OPEN_RECORD)
        return false;
    bool ticket = o.type == GW_CONTENT_HANDSHAKE && o.payload[0] == HANDSHAKE_TICKET;
    s->tickets += ticket;
    tickets_taken += ticket;
    return ticket;
}

unsigned __wrap_gw_handshake_sessions(const struct gw_handshake *hs)
{
    const struct scripted *s = of(hs);
    return s ? s->tickets : __real_gw_handshake_sessions(hs);
}

void __wrap_gw_handshake_get_info(struct gw_handshake *hs, struct gw_handshake_info *ret)
{
    const struct scripted *s = of(hs);
    if (!s) {
        __real_gw_handshake_get_info(hs, ret);
        return;
    }
    const struct gw_script *script = &s->talk.script;
    *ret = (struct gw_handshake_info){.resumed = script->resumed, .ticket_sent = script->tickets};
    if (!script->suite)
        return; /* of a handshake that failed before */
    bool tls13 = script->suite->version == KTLS_TLS_1_3;
    (void)snprintf(ret->version, sizeof(ret->version), "%s", tls13 ? "TLSv1.3" : "TLSv1.2");
    (void)snprintf(ret->suite, sizeof(ret->suite), "%s", script->suite->name);
}

bool __wrap_gw_handshake_get_facts(struct gw_handshake *hs, bool with_cert,
                                   struct gw_handshake_facts *ret)
{
    static const uint8_t cert[] = "a certificate";
    if (!of(hs))
        return __real_gw_handshake_get_facts(hs, with_cert, ret);
    *ret = (struct gw_handshake_facts){
        .sni = "localhost",
        .sig_alg = "",
        .sig_scheme = "",
        .cert = with_cert ? cert : NULL,
        .cert_len = with_cert ? sizeof(cert) : 0,
    };
    return true;
}
