/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of the user engine: the gateway's side of a connection and its peer, which seals
 * and opens with plain libcrypto code, and assertions that one understands the other.
 */
#pragma once

#include "gateway/base/limits.h"
#include "gateway/record/control.h"
#include "tests/support/record_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum {
    WIRE_MAX = GW_RECORD_PLAINTEXT_MAX + KTLS_SOFT_OVERHEAD,
};

/* A slot as the gateway uses it: content with exactly the room that sealing may need around it. */
struct slot {
    uint8_t before[8];
    uint8_t front[GW_RECORD_SEAL_ROOM_FRONT];
    uint8_t content[GW_RECORD_PLAINTEXT_MAX + GW_RECORD_SEAL_ROOM_BACK + 8];
};

static uint8_t gw_unused plain[GW_RECORD_PLAINTEXT_MAX];
static uint8_t gw_unused wire[WIRE_MAX * 2];
static uint8_t gw_unused opened[WIRE_MAX];
static struct slot gw_unused slot;

static inline size_t unhex(const char *hex, uint8_t *out)
{
    size_t len = 0;
    for (; hex[0] && hex[1]; hex += 2) {
        unsigned v;
        assert_int_equal(sscanf(hex, "%2x", &v), 1);
        out[len++] = (uint8_t)v;
    }
    return len;
}

/* Small and repeatable; tests need no better one. */
static inline uint32_t random_below(uint32_t bound)
{
    static uint64_t state = 42;
    state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(state >> 33) % bound;
}

static inline bool all_zero(const void *p, size_t len)
{
    const uint8_t *bytes = p;
    uint8_t sum = 0;
    for (size_t i = 0; i < len; i++)
        sum |= bytes[i];
    return sum == 0;
}

static inline int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(plain); i++)
        plain[i] = (uint8_t)random_below(256);
    return gw_aead_init();
}

/* Calls `check` with a fresh pair of sides for every suite and every AEAD provider of it. */
static inline void each_suite(void (*check)(struct record_fixture *f,
                                            const struct ktls_suite *suite))
{
    const struct ktls_suite *suite;
    for (size_t i = 0; (suite = ktls_suite_at(i)); i++) {
        const struct gw_aead_provider *provider;
        struct gw_aead_figure figure;
        for (size_t p = 0; (provider = gw_aead_at(suite->cipher, p, &figure)); p++) {
            struct record_fixture f;
            if (figure.error)
                continue;
            fixture_init(&f, suite, GW_ROLE_SERVER);
            record_use(&f.rec, provider);
            check(&f, suite);
            fixture_done(&f);
        }
    }
}

static inline bool is_tls13(const struct ktls_suite *suite)
{
    return suite->version == KTLS_TLS_1_3;
}

/* Seals through `slot`, asserting that nothing outside of the allowed room is touched. */
static inline int seal(struct record_fixture *f, uint8_t type, size_t len, uint8_t **start,
                       size_t *size)
{
    memset(&slot, 0xa5, sizeof(slot));
    memcpy(slot.content, plain, len);
    int error = gw_record_seal(&f->rec, type, slot.content, len, start, size);
    for (size_t i = 0; i < sizeof(slot.before); i++) {
        assert_int_equal(slot.before[i], 0xa5);
        assert_int_equal(slot.content[len + GW_RECORD_SEAL_ROOM_BACK + i], 0xa5);
    }
    return error;
}

static inline void assert_peer_opens(struct record_fixture *f, uint8_t type, size_t len)
{
    uint8_t *start, got_type = 0;
    size_t size;
    assert_int_equal(seal(f, type, len, &start, &size), 0);
    assert_int_equal(ktls_soft_open(&f->peer_rx, start, size, &got_type, opened), len);
    assert_int_equal(got_type, type);
    assert_memory_equal(opened, plain, len);
}

static inline size_t peer_seals(struct record_fixture *f, uint8_t type, size_t len, size_t pad)
{
    int size = ktls_soft_seal(&f->peer_tx, type, plain, len, pad, wire);
    assert_true(size > 0);
    return (size_t)size;
}

static inline void assert_we_open(struct record_fixture *f, size_t size, uint8_t type, size_t len)
{
    struct gw_opened o;
    assert_int_equal(gw_record_open(&f->rec, wire, size, &o), GW_OPEN_RECORD);
    assert_int_equal(o.type, type);
    assert_int_equal(o.consumed, size);
    assert_int_equal(o.payload_len, len);
    assert_memory_equal(o.payload, plain, len);
}

static inline void assert_failed(struct record_fixture *f, size_t size, enum gw_reason reason,
                                 uint8_t alert)
{
    struct gw_opened o;
    uint64_t seq = f->rec.rx.keys.seq;
    assert_int_equal(gw_record_open(&f->rec, wire, size, &o), GW_OPEN_FAILED);
    assert_int_equal(o.reason, reason);
    assert_int_equal(o.alert, alert);
    assert_int_equal(f->rec.rx.keys.seq, seq);
}
