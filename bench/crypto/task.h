/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The task of every provider: one cipher, one length, one direction, and the expected result.
 * The record in `sealed` is libcrypto's; a provider must produce the same before its time counts.
 */
#pragma once

#include "gateway/base/attr.h"
#include "gateway/base/limits.h"
#include "ktlsinstall.h"

enum {
    BENCH_CRYPTO_AAD = 5, /* the header of a TLS 1.3 record */
    BENCH_CRYPTO_OPS_MAX = 64,
    BENCH_CRYPTO_LAP_BYTES = 128 * 1024, /* of payload: stays in a processor's own cache */
};

struct bench_crypto_task {
    enum ktls_cipher cipher;
    size_t len;   /* of payload, at most GW_RECORD_PLAINTEXT_MAX */
    unsigned ops; /* of a lap */
    bool seal;    /* else open */
    uint8_t key[KTLS_KEY_MAX];
    uint8_t nonce[KTLS_IV_LEN];
    uint8_t aad[BENCH_CRYPTO_AAD];
    uint8_t plain[GW_RECORD_PLAINTEXT_MAX];
    uint8_t sealed[GW_RECORD_PLAINTEXT_MAX + KTLS_TAG_LEN];
};

/* How many operations of `len` bytes a lap has: many enough that reading the clock counts for
 * little. */
unsigned bench_crypto_ops(size_t len);
/* Fills *ret. 0; -EIO when libcrypto refuses. */
gw_must_check int bench_crypto_task_init(struct bench_crypto_task *ret, enum ktls_cipher cipher,
                                         size_t len, bool seal);
/* What an operation finds before it, and has to leave behind: len, or with the tag 16 more. */
const uint8_t *bench_crypto_before(const struct bench_crypto_task *task);
const uint8_t *bench_crypto_after(const struct bench_crypto_task *task);
size_t bench_crypto_after_len(const struct bench_crypto_task *task);
