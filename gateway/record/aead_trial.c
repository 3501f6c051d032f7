/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/record/aead_trial.h"

#include "gateway/base/clock.h"
#include "gateway/record/choice.h"
#include "gateway/record/turns.h"

#include <errno.h>
#include <string.h>

enum {
    SIZES = 2,
    CONTENDERS = GW_AEAD_PROVIDERS * SIZES,
    SMALLS_PER_ROUND = 16, /* so that reading the clock is negligible */
    AAD_MAX = 13,
};

#define BUDGET_NS (GW_NS_PER_MS / 2)

static const size_t lengths[] = {0, 1, 15, 16, 17, 255, 256, 1024, GW_AEAD_TRIAL_FULL};
static const size_t aad_lengths[] = {5, AAD_MAX}; /* TLS 1.3's and TLS 1.2's */

/* ---- correctness ---- */

/* One key in both providers, and room for a record in each. */
struct check {
    const struct gw_aead_provider *tried, *plain;
    struct gw_aead *tried_seal, *tried_open, *plain_seal;
    uint8_t aad[AAD_MAX];
    uint8_t nonce[KTLS_IV_LEN];
    uint8_t content[GW_AEAD_TRIAL_FULL];
    uint8_t ours[GW_AEAD_TRIAL_FULL + KTLS_TAG_LEN];
    uint8_t theirs[GW_AEAD_TRIAL_FULL + KTLS_TAG_LEN];
};

static void fill(uint8_t *out, size_t len, uint32_t salt)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(((uint32_t)i + salt) * UINT32_C(2654435761) >> 24);
}

static bool is_zero(const uint8_t *data, size_t len)
{
    uint8_t any = 0;
    for (size_t i = 0; i < len; i++)
        any |= data[i];
    return any == 0;
}

static bool seals_alike(struct check *c, size_t len, size_t aad_len)
{
    memcpy(c->ours, c->content, len);
    memcpy(c->theirs, c->content, len);
    return c->tried->seal(c->tried_seal, c->nonce, c->aad, aad_len, c->ours, len) == 0 &&
           c->plain->seal(c->plain_seal, c->nonce, c->aad, aad_len, c->theirs, len) == 0 &&
           memcmp(c->ours, c->theirs, len + KTLS_TAG_LEN) == 0;
}

/* Call it after seals_alike: both copies of the record exist. */
static bool opens_only_what_is_right(struct check *c, size_t len, size_t aad_len)
{
    c->theirs[len + len % KTLS_TAG_LEN] ^= 0x10;
    return c->tried->open(c->tried_open, c->nonce, c->aad, aad_len, c->ours, len) == 0 &&
           memcmp(c->ours, c->content, len) == 0 &&
           c->tried->open(c->tried_open, c->nonce, c->aad, aad_len, c->theirs, len) == -EBADMSG &&
           is_zero(c->theirs, len);
}

static int check_lengths(struct check *c)
{
    for (size_t i = 0; i < GW_ARRAY_SIZE(lengths); i++) {
        for (size_t k = 0; k < GW_ARRAY_SIZE(aad_lengths); k++) {
            if (!seals_alike(c, lengths[i], aad_lengths[k]) ||
                !opens_only_what_is_right(c, lengths[i], aad_lengths[k]))
                return -EBADMSG;
        }
    }
    return 0;
}

static int rekey_all(struct check *c, const uint8_t *key)
{
    if (c->tried->rekey(c->tried_seal, key) || c->tried->rekey(c->tried_open, key) ||
        c->plain->rekey(c->plain_seal, key))
        return -EBADMSG;
    return 0;
}

static int run_check(struct check *c, enum ktls_cipher cipher)
{
    uint8_t keys[2][KTLS_KEY_MAX];
    fill(keys[0], sizeof(keys), 1);
    fill(c->aad, sizeof(c->aad), 2);
    fill(c->nonce, sizeof(c->nonce), 3);
    fill(c->content, sizeof(c->content), 4);
    c->tried_seal = c->tried->create(cipher, keys[0], true);
    c->tried_open = c->tried->create(cipher, keys[0], false);
    c->plain_seal = c->plain->create(cipher, keys[0], true);
    if (!c->tried_seal || !c->tried_open || !c->plain_seal)
        return -ENOMEM;
    int r = check_lengths(c);
    if (!r)
        r = rekey_all(c, keys[1]);
    return r ? r : check_lengths(c);
}

int gw_aead_trial_check(const struct gw_aead_provider *tried, const struct gw_aead_provider *plain,
                        enum ktls_cipher cipher)
{
    struct check *c = calloc(1, sizeof(*c));
    if (!c)
        return -ENOMEM;
    c->tried = tried;
    c->plain = plain;
    int r = run_check(c, cipher);
    tried->destroy(c->tried_seal);
    tried->destroy(c->tried_open);
    plain->destroy(c->plain_seal);
    free(c);
    return r;
}

/* ---- speed ---- */

/* Records of one length, sealed and opened in place. */
struct bench {
    const struct gw_aead_provider *provider;
    struct gw_aead *seal, *open;
    uint8_t *data;
    size_t len;
    unsigned records; /* per round */
};

struct stage {
    struct bench benches[CONTENDERS];
    struct gw_contender contenders[CONTENDERS];
    uint8_t data[GW_AEAD_TRIAL_FULL + KTLS_TAG_LEN]; /* used by the contender whose turn it is */
};

static int run_round(void *arg, int64_t *ret_ns)
{
    static const uint8_t aad[5] = {23, 3, 3}, nonce[KTLS_IV_LEN];
    struct bench *b = arg;
    int r = 0;
    int64_t began_ns = gw_clock_ns();
    for (unsigned i = 0; i < b->records && !r; i++) {
        r = b->provider->seal(b->seal, nonce, aad, sizeof(aad), b->data, b->len);
        if (!r)
            r = b->provider->open(b->open, nonce, aad, sizeof(aad), b->data, b->len);
    }
    *ret_ns = gw_clock_ns() - began_ns;
    return r;
}

static struct gw_contender set_up(struct bench *b, const struct gw_aead_provider *provider,
                                  enum ktls_cipher cipher, bool full, uint8_t *data)
{
    static const uint8_t key[KTLS_KEY_MAX] = {1};
    *b = (struct bench){
        .provider = provider,
        .seal = provider->create(cipher, key, true),
        .open = provider->create(cipher, key, false),
        .data = data,
        .len = full ? GW_AEAD_TRIAL_FULL : GW_AEAD_TRIAL_SMALL,
        .records = full ? 1 : SMALLS_PER_ROUND,
    };
    return (struct gw_contender){
        .run = run_round, .arg = b, .error = b->seal && b->open ? 0 : -ENOMEM};
}

/* Combines the two contenders of one provider. */
static void take_figure(const struct gw_contender *full, const struct gw_contender *small,
                        struct gw_aead_figure *ret)
{
    ret->error = full->error ? full->error : small->error;
    if (ret->error)
        return;
    ret->full_ns = (uint64_t)GW_MAX(full->best_ns, INT64_C(1));
    ret->small_ns = (uint64_t)GW_MAX(small->best_ns / SMALLS_PER_ROUND, INT64_C(1));
}

static void tear_down(struct stage *s)
{
    for (size_t i = 0; i < CONTENDERS; i++) {
        struct bench *b = &s->benches[i];
        if (!b->provider)
            continue;
        b->provider->destroy(b->seal);
        b->provider->destroy(b->open);
    }
    free(s);
}

void gw_aead_trial_time(const struct gw_aead_provider *const providers[GW_AEAD_PROVIDERS],
                        enum ktls_cipher cipher, struct gw_aead_figure figures[GW_AEAD_PROVIDERS])
{
    struct stage *s = calloc(1, sizeof(*s));
    for (size_t i = 0; s && i < CONTENDERS; i++) {
        int error = figures[i / SIZES].error;
        s->contenders[i] =
            error ? (struct gw_contender){.error = error}
                  : set_up(&s->benches[i], providers[i / SIZES], cipher, i % SIZES == 0, s->data);
    }
    if (s)
        gw_turns_take(s->contenders, CONTENDERS, BUDGET_NS, gw_clock_ns);
    for (size_t p = 0; p < GW_AEAD_PROVIDERS; p++) {
        if (s)
            take_figure(&s->contenders[p * SIZES], &s->contenders[p * SIZES + 1], &figures[p]);
        else if (!figures[p].error)
            figures[p].error = -ENOMEM;
    }
    if (s)
        tear_down(s);
}

static bool cheaper(uint64_t one, uint64_t other)
{
    return one * 100 <= other * (100 - GW_CHOICE_MARGIN_PERCENT);
}

bool gw_aead_trial_prefers(const struct gw_aead_figure *one, const struct gw_aead_figure *plain)
{
    if (one->error || plain->error)
        return false;
    bool gains = cheaper(one->full_ns, plain->full_ns) || cheaper(one->small_ns, plain->small_ns);
    bool loses = cheaper(plain->full_ns, one->full_ns) || cheaper(plain->small_ns, one->small_ns);
    return gains && !loses;
}
