/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/record/record.h"

#include "gateway/base/wipe.h"
#include "gateway/record/record_private.h"

#include <errno.h>

static void half_rest(struct gw_record_half *half)
{
    if (half->aead)
        half->provider->destroy(half->aead);
    half->aead = NULL;
}

int gw_record_wake(struct gw_record_half *half, bool seal)
{
    if (!half->aead)
        half->aead = half->provider->create(half->keys.suite->cipher, half->keys.key, seal);
    return half->aead ? 0 : -ENOMEM;
}

static int half_init(struct gw_record_half *half, const struct ktls_keys *keys, bool seal)
{
    half->keys = *keys;
    half->engine = GW_ENGINE_USER;
    half->provider = gw_aead_choose(keys->suite->cipher);
    return gw_record_wake(half, seal);
}

static void half_done(struct gw_record_half *half)
{
    half_rest(half);
    gw_wipe_object(half);
}

int gw_record_init(struct gw_record *rec, struct gw_handover_keys *keys)
{
    gw_require(keys->tx.suite && keys->tx.suite == keys->rx.suite);
    *rec = (struct gw_record){
        .role = keys->role,
        .tx_payload_max = keys->payload_max ? keys->payload_max : GW_RECORD_PLAINTEXT_MAX,
    };
    int error = half_init(&rec->tx, &keys->tx, true);
    if (!error)
        error = half_init(&rec->rx, &keys->rx, false);
    if (!error)
        gw_record_rekey_after(rec, GW_REKEY_AFTER_MAX);
    gw_wipe_object(keys);
    return error;
}

void gw_record_done(struct gw_record *rec)
{
    half_done(&rec->tx);
    half_done(&rec->rx);
    gw_wipe_object(rec);
}

void gw_record_rest(struct gw_record *rec)
{
    half_rest(&rec->tx);
    half_rest(&rec->rx);
}

const char *gw_engine_word(enum gw_engine engine)
{
    return engine == GW_ENGINE_KERNEL ? "kernel" : "user";
}

/* ---- keys ---- */

uint64_t gw_record_key_limit(uint32_t rekey_after)
{
    return (uint64_t)rekey_after + GW_MAX(rekey_after, (uint32_t)GW_BATCH_RECORDS_MAX);
}

/* The limit for ChaCha20-Poly1305 exceeds the range of the sequence number. */
static uint64_t records_max(const struct ktls_suite *suite, uint32_t rekey_after)
{
    if (suite->cipher == KTLS_CHACHA20_POLY1305)
        return UINT64_MAX / 2;
    return gw_record_key_limit(rekey_after);
}

void gw_record_rekey_after(struct gw_record *rec, uint32_t records)
{
    gw_require(records > 0);
    rec->rekey_after = records;
    rec->tx_records_max = records_max(rec->tx.keys.suite, records);
}

bool gw_record_can_rekey(const struct gw_record *rec, const struct gw_record_half *half)
{
    return gw_record_is_tls13(rec) && (half->engine == GW_ENGINE_USER || rec->kernel_rekeys);
}

int gw_record_update(struct gw_record_half *half)
{
    if (ktls_update(&half->keys))
        return -EIO;
    half->records = 0;
    if (half->aead)
        return half->provider->rekey(half->aead, half->keys.key) ? -EIO : 0;
    return 0;
}

/* ---- kernel engine ---- */

void gw_record_moved(struct gw_record_half *half)
{
    half_rest(half);
    half->engine = GW_ENGINE_KERNEL;
    /* TLS 1.2 has no traffic secret: those bytes are already zero. */
    gw_wipe(half->keys.key, sizeof(half->keys.key));
    gw_wipe(half->keys.iv, sizeof(half->keys.iv));
    half->keys.seq = half->keys.explicit_nonce = 0;
}

void gw_record_count_sent(struct gw_record *rec, size_t bytes)
{
    rec->tx.records += gw_record_count_of(bytes);
    gw_record_sent_data(rec, gw_record_count_of(bytes));
}

void gw_record_count_received(struct gw_record *rec, size_t bytes)
{
    rec->rx.records += gw_record_count_of(bytes);
}
