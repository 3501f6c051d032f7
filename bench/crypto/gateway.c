/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/crypto/gateway.h"

#include "gateway/base/clock.h"
#include "gateway/record/aead.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    SLOT_GAP = 64, /* so that slots begin on a cache line, with a tag before it */
};

struct run {
    const struct bench_crypto_task *task;
    const struct gw_aead_provider *provider;
    struct gw_aead *aead;
    size_t slot;   /* bytes from one record to the next */
    uint8_t *data; /* task->ops records */
};

/* The provider of that name for the cipher; NULL when there is none that works. */
static const struct gw_aead_provider *find(const char *name, enum ktls_cipher cipher)
{
    const struct gw_aead_provider *p;
    struct gw_aead_figure figure;
    for (size_t i = 0; (p = gw_aead_at(cipher, i, &figure)); i++)
        if (!strcmp(p->name, name))
            return figure.error ? NULL : p;
    return NULL;
}

static void end(void *arg)
{
    struct run *run = arg;
    if (!run)
        return;
    if (run->aead)
        run->provider->destroy(run->aead);
    free(run->data);
    free(run);
}

static int begin(const struct bench_crypto_provider *p, const struct bench_crypto_task *task,
                 void **ret_run)
{
    const struct gw_aead_provider *provider = find(p->name, task->cipher);
    struct run *run = provider ? calloc(1, sizeof(*run)) : NULL;
    if (!run)
        return provider ? -ENOMEM : -ENOTSUP;
    run->task = task;
    run->provider = provider;
    run->slot = (task->len + KTLS_TAG_LEN + SLOT_GAP - 1) / SLOT_GAP * SLOT_GAP;
    run->data = aligned_alloc(SLOT_GAP, run->slot * task->ops);
    run->aead = provider->create(task->cipher, task->key, task->seal);
    if (!run->data || !run->aead) {
        end(run);
        return -ENOMEM;
    }
    *ret_run = run;
    return 0;
}

static int once(const struct run *run, uint8_t *at)
{
    const struct bench_crypto_task *t = run->task;
    int (*way)(struct gw_aead *, const uint8_t *, const uint8_t *, size_t, uint8_t *, size_t) =
        t->seal ? run->provider->seal : run->provider->open;
    return way(run->aead, t->nonce, t->aad, sizeof(t->aad), at, t->len);
}

/* Puts the record before the operation at *at, with its tag if it is opened. */
static void put(const struct run *run, uint8_t *at)
{
    memcpy(at, bench_crypto_before(run->task),
           run->task->len + (run->task->seal ? 0 : KTLS_TAG_LEN));
}

static int check(void *arg)
{
    const struct run *run = arg;
    put(run, run->data);
    int r = once(run, run->data);
    if (r)
        return r;
    if (memcmp(run->data, bench_crypto_after(run->task), bench_crypto_after_len(run->task)) != 0)
        return -EBADMSG;
    if (run->task->seal)
        return 0;
    put(run, run->data);
    run->data[run->task->len] ^= 1;
    return once(run, run->data) == -EBADMSG ? 0 : -EBADMSG;
}

static int lap(void *arg, int64_t *ret_ns)
{
    const struct run *run = arg;
    int r = 0;
    for (unsigned i = 0; i < run->task->ops; i++)
        put(run, run->data + i * run->slot);
    int64_t began_ns = gw_clock_ns();
    for (unsigned i = 0; i < run->task->ops && !r; i++)
        r = once(run, run->data + i * run->slot);
    *ret_ns = gw_clock_ns() - began_ns;
    return r;
}

static const struct bench_crypto_ways ways = {
    .begin = begin, .check = check, .lap = lap, .end = end};

static bool is_listed(const struct bench_crypto_provider *list, unsigned count, const char *name)
{
    for (unsigned i = 0; i < count; i++)
        if (!strcmp(list[i].name, name))
            return true;
    return false;
}

/* Why it runs no cipher at all; "" when it runs one. */
static void explain(const char *name, char *out, size_t size)
{
    struct gw_aead_figure figure = {0};
    const struct gw_aead_provider *p;
    const char *why = "";
    for (int c = 0; c < KTLS_CIPHER_COUNT; c++) {
        if (find(name, (enum ktls_cipher)c))
            return;
        for (size_t i = 0; (p = gw_aead_at((enum ktls_cipher)c, i, &figure)); i++)
            if (!strcmp(p->name, name))
                why = gw_aead_why(figure.error);
    }
    (void)snprintf(out, size, "%s", why);
}

unsigned bench_crypto_gateway_providers(struct bench_crypto_provider *ret, unsigned room)
{
    unsigned count = 0;
    const struct gw_aead_provider *p;
    struct gw_aead_figure figure;
    for (int c = 0; c < KTLS_CIPHER_COUNT; c++) {
        for (size_t i = 0; (p = gw_aead_at((enum ktls_cipher)c, i, &figure)); i++) {
            if (count == room || is_listed(ret, count, p->name))
                continue;
            ret[count] = (struct bench_crypto_provider){.name = p->name, .ways = &ways};
            explain(p->name, ret[count].absent, sizeof(ret[count].absent));
            count++;
        }
    }
    return count;
}
