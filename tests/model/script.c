/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/model/script.h"

#include "gateway/base/attr.h"

enum {
    TYPE_ALERT = 21,
    TYPE_HANDSHAKE = 22,
    LEN_MIN = 32,
};

uint64_t gw_script_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* ---- what both ends know ---- */

static const struct ktls_suite *pick_suite(enum ktls_version version, uint64_t *rng)
{
    const struct ktls_suite *suite;
    size_t count = 0;
    while (ktls_suite_at(count))
        count++;
    do
        suite = ktls_suite_at(gw_script_random(rng) % count);
    while (suite->version != version);
    return suite;
}

/* TLS 1.3 ends with the client's flight, after a HelloRetryRequest one exchange later; TLS 1.2 with
 * the server's in a full handshake, the client's in a resumed one. */
void gw_script_make(struct gw_script *s, uint64_t seed, enum ktls_version version)
{
    static const uint16_t payloads[] = {512, 1024, 2048, 4096};
    uint64_t rng = seed;
    *s = (struct gw_script){.seed = seed, .suite = pick_suite(version, &rng)};
    s->resumed = gw_script_random(&rng) % 2;
    bool longer = version == KTLS_TLS_1_3 ? gw_script_random(&rng) % 8 == 0 : !s->resumed;
    s->flights = 3;
    if (longer)
        s->flights = version == KTLS_TLS_1_3 ? 5 : 4;
    for (unsigned i = 0; i < s->flights; i++)
        s->len[i] = (uint16_t)(LEN_MIN + gw_script_random(&rng) % (i == 1 ? 4000 : 900));
    s->len[0] = (uint16_t)(s->len[0] + sizeof(*s));
    s->tickets = (uint8_t)(gw_script_random(&rng) % (GW_SCRIPT_TICKETS_MAX + 1));
    if (gw_script_random(&rng) % 16 == 0)
        s->payload_max = payloads[gw_script_random(&rng) % GW_ARRAY_SIZE(payloads)];
}

static void random_bytes(uint64_t *rng, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)gw_script_random(rng);
}

static void make_keys(const struct gw_script *s, unsigned which, struct ktls_keys *keys)
{
    uint64_t rng = s->seed + which;
    bool tls13 = s->suite->version == KTLS_TLS_1_3;
    *keys = (struct ktls_keys){.suite = s->suite, .seq = tls13 ? 0 : 1};
    random_bytes(&rng, keys->key, s->suite->key_len);
    random_bytes(&rng, keys->iv, KTLS_IV_LEN - s->suite->explicit_nonce_len);
    if (tls13)
        random_bytes(&rng, keys->secret, ktls_hash_len(s->suite->hash));
    if (s->suite->explicit_nonce_len)
        keys->explicit_nonce = gw_script_random(&rng);
}

void gw_script_keys(const struct gw_script *s, bool server, unsigned tickets,
                    struct gw_handover_keys *ret)
{
    *ret = (struct gw_handover_keys){
        .role = server ? GW_ROLE_SERVER : GW_ROLE_CLIENT,
        .payload_max = server ? s->payload_max : 0,
    };
    make_keys(s, 1, server ? &ret->tx : &ret->rx);
    make_keys(s, 2, server ? &ret->rx : &ret->tx);
    if (server && s->suite->version == KTLS_TLS_1_3)
        ret->tx.seq = tickets;
}

/* ---- the flights ---- */

static uint8_t flight_byte(const struct gw_script *s, unsigned flight, size_t i)
{
    return (uint8_t)(s->seed + flight * 29 + i * 11);
}

static void send_flight(struct gw_talk *t, struct gw_queue *out)
{
    const struct gw_script *s = &t->script;
    size_t len = s->len[t->flight];
    uint8_t flight[8192] = {TYPE_HANDSHAKE};
    assert_true(len <= sizeof(flight));
    for (size_t i = 1; i < len; i++)
        flight[i] = flight_byte(s, t->flight, i);
    if (t->flight == 0)
        memcpy(flight + 1, s, sizeof(*s));
    gw_queue_add(out, flight, len);
    t->flight++;
}

void gw_talk_begin(struct gw_talk *t, const struct gw_script *script, struct gw_queue *out)
{
    *t = (struct gw_talk){.script = *script, .known = true};
    send_flight(t, out);
}

static bool ours(const struct gw_talk *t)
{
    return (t->flight % 2 == 1) == t->server;
}

static bool last_of_client(const struct gw_talk *t)
{
    return t->flight + 2 >= t->script.flights && t->flight % 2 == 0;
}

/* The beginning of a flight is kept: what it is, and in the first the script. */
static size_t take_head(struct gw_talk *t, const uint8_t *data, size_t len)
{
    size_t want = t->known ? 1 : 1 + sizeof(t->script);
    size_t n = t->at < want ? GW_MIN(want - t->at, len) : 0;
    memcpy(t->head + t->at, data, n);
    t->at += n;
    if (!t->known && t->at == want) {
        memcpy(&t->script, t->head + 1, sizeof(t->script));
        t->known = true;
    }
    return n;
}

static size_t take_rest(struct gw_talk *t, const uint8_t *data, size_t len)
{
    size_t n = GW_MIN(t->script.len[t->flight] - t->at, len);
    for (size_t i = 0; i < n; i++)
        if (data[i] != flight_byte(&t->script, t->flight, t->at + i))
            fail_msg("byte %zu of flight %u is wrong", t->at + i, t->flight);
    t->at += n;
    return n;
}

/* A flight is through: what follows is ours to send, or an end. */
void gw_talk_add_alert(struct gw_queue *out, uint8_t description)
{
    const uint8_t alert[] = {TYPE_ALERT, 3, 3, 0, 2, 2, description};
    gw_queue_add(out, alert, sizeof(alert));
}

static enum gw_talk_news next(struct gw_talk *t, struct gw_queue *out)
{
    const struct gw_script *s = &t->script;
    t->at = 0;
    if (t->server && t->wants_cert && !s->cert && last_of_client(t))
        return GW_TALK_FAILS;
    t->flight++;
    while (t->flight < s->flights && ours(t))
        send_flight(t, out);
    return t->flight < s->flights ? GW_TALK_MORE : GW_TALK_DONE;
}

enum gw_talk_news gw_talk_take(struct gw_talk *t, const uint8_t *data, size_t len, size_t *ret_used,
                               struct gw_queue *out)
{
    *ret_used = 0;
    while (*ret_used < len) {
        const uint8_t *at = data + *ret_used;
        size_t left = len - *ret_used;
        if (t->at == 0 && *at != TYPE_HANDSHAKE)
            return *at == TYPE_ALERT ? GW_TALK_ALERT : GW_TALK_NOT_TLS;
        size_t head = take_head(t, at, left);
        *ret_used += head + (t->known ? take_rest(t, at + head, left - head) : 0);
        if (!t->known || t->at < t->script.len[t->flight])
            continue;
        enum gw_talk_news news = next(t, out);
        if (news != GW_TALK_MORE)
            return news;
    }
    return GW_TALK_MORE;
}
