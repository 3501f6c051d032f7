/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/record/record.h"

#include "gateway/base/wipe.h"
#include "gateway/record/record_private.h"

#include <errno.h>

static int half_init(struct gw_record_half *half, const struct ktls_keys *keys, bool seal)
{
    half->keys = *keys;
    half->engine = GW_ENGINE_USER;
    half->provider = gw_aead_choose(keys->suite->cipher);
    half->aead = half->provider->create(keys->suite->cipher, keys->key, seal);
    return half->aead ? 0 : -ENOMEM;
}

static void half_done(struct gw_record_half *half)
{
    if (half->aead)
        half->provider->destroy(half->aead);
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
    gw_wipe_object(keys);
    return error;
}

void gw_record_done(struct gw_record *rec)
{
    half_done(&rec->tx);
    half_done(&rec->rx);
    gw_wipe_object(rec);
}

const char *gw_engine_word(enum gw_engine engine)
{
    return engine == GW_ENGINE_KERNEL ? "kernel" : "user";
}

bool gw_record_key_has_room(const struct gw_record_half *half, uint64_t records)
{
    return half->records + records <= gw_suite_records_max(half->keys.suite);
}

int gw_record_update(struct gw_record_half *half)
{
    if (half->engine != GW_ENGINE_USER || ktls_update(&half->keys) ||
        half->provider->rekey(half->aead, half->keys.key))
        return -EIO;
    half->records = 0;
    return 0;
}

void gw_record_moved(struct gw_record_half *half)
{
    half->provider->destroy(half->aead);
    half->aead = NULL;
    half->engine = GW_ENGINE_KERNEL;
    /* TLS 1.2 has no traffic secret: those bytes are zero already. */
    gw_wipe(half->keys.key, sizeof(half->keys.key));
    gw_wipe(half->keys.iv, sizeof(half->keys.iv));
    half->keys.seq = half->keys.explicit_nonce = 0;
}

bool gw_record_count_sent(struct gw_record_half *half, size_t bytes)
{
    /* The kernel ends a record with each send, even a short one. */
    half->records += bytes / GW_RECORD_PLAINTEXT_MAX + (bytes % GW_RECORD_PLAINTEXT_MAX != 0);
    return half->records < gw_suite_records_max(half->keys.suite);
}
