/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The implementations that can seal and open: a row of the table for each. The gateway's own
 * providers, DPDK's and the kernel each come with a few functions; the measurement calls only
 * these.
 */
#pragma once

#include "bench/crypto/task.h"

enum {
    BENCH_CRYPTO_PROVIDERS_MAX = 16,
};

struct bench_crypto_provider;

struct bench_crypto_ways {
    /* Sets up one task, which stays the caller's. 0 and *ret_run; -ENOTSUP: not this cipher;
     * another negative errno. */
    int (*begin)(const struct bench_crypto_provider *p, const struct bench_crypto_task *task,
                 void **ret_run);
    /* Does it once and compares. 0; -EBADMSG: wrong bytes, or a wrong tag passed; others. */
    int (*check)(void *run);
    /* Does it task->ops times; what they took, without what was put in place for them. */
    int (*lap)(void *run, int64_t *ret_ns);
    void (*end)(void *run);
};

struct bench_crypto_provider {
    const char *name;
    const char *remark; /* NULL, or what its figures include in addition to AEAD */
    const struct bench_crypto_ways *ways;
    size_t index;    /* of its own kind */
    char absent[96]; /* why it cannot be used here; "": it can */
};

/* Fills ret[] with all there are, in the order of the table; returns how many. Afterwards, and not
 * before, bench_crypto_providers_end. */
unsigned bench_crypto_providers_begin(struct bench_crypto_provider ret[BENCH_CRYPTO_PROVIDERS_MAX]);
void bench_crypto_providers_end(void);
