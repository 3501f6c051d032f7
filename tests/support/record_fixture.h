/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests and fuzz targets of the record layer: a gw_record with known keys, and the keys of its
 * peer, to be used with ktls_soft_seal and ktls_soft_open.
 */
#pragma once

#include "gateway/base/attr.h"
#include "gateway/ktls/softrecord.h"
#include "gateway/record/record.h"

#include <string.h>

struct record_fixture {
    struct gw_record rec;
    struct ktls_keys peer_tx; /* what rec.rx opens */
    struct ktls_keys peer_rx; /* what opens rec.tx */
};

/* Keys of `suite` that depend on nothing but `salt`. */
static inline struct ktls_keys fixture_keys(const struct ktls_suite *suite, uint8_t salt)
{
    struct ktls_keys keys = {.suite = suite, .seq = 1};
    if (suite->version == KTLS_TLS_1_3) {
        uint8_t secret[KTLS_HASH_MAX];
        memset(secret, salt, sizeof(secret));
        gw_require(ktls_derive_tls13(suite, secret, ktls_hash_len(suite->hash), &keys) == 0);
        return keys;
    }
    memset(keys.key, salt, suite->key_len);
    memset(keys.iv, salt + 1, (size_t)(KTLS_IV_LEN - suite->explicit_nonce_len));
    if (suite->explicit_nonce_len)
        keys.explicit_nonce = UINT64_C(0xfffffffffffffffe); /* wraps soon, as it may */
    return keys;
}

static inline void fixture_init(struct record_fixture *f, const struct ktls_suite *suite,
                                enum gw_role role)
{
    struct gw_handover_keys keys = {
        .role = role,
        .tx = fixture_keys(suite, 0x11),
        .rx = fixture_keys(suite, 0x77),
    };
    f->peer_rx = keys.tx;
    f->peer_tx = keys.rx;
    gw_require(gw_aead_init() == 0 && gw_record_init(&f->rec, &keys) == 0);
}

static inline void half_use(struct gw_record_half *half, const struct gw_aead_provider *provider,
                            bool seal)
{
    half->provider->destroy(half->aead);
    half->provider = provider;
    half->aead = provider->create(half->keys.suite->cipher, half->keys.key, seal);
    gw_require(half->aead);
}

/* Has the user engine run both directions by this provider, whichever was chosen. */
static inline void record_use(struct gw_record *rec, const struct gw_aead_provider *provider)
{
    half_use(&rec->tx, provider, true);
    half_use(&rec->rx, provider, false);
}

static inline void fixture_done(struct record_fixture *f)
{
    gw_record_done(&f->rec);
}
