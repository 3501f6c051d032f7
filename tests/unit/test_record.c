/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The user engine against records made and opened by plain libcrypto code (ktls_soft_…), and
 * against the bytes of RFC 8448. What must fail is in test_record_faults.c.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/record_sides.h"

static const uint8_t types[] = {GW_CONTENT_DATA, GW_CONTENT_ALERT, GW_CONTENT_HANDSHAKE};
static const size_t sizes[] = {0, 1, 2, 15, 16, 17, 255, 256, 1000, 16383, 16384};

/* ---- RFC 8448 section 3 ---- */

static const struct trace_record {
    bool from_client;
    uint8_t type;
    uint64_t seq; /* the server's ticket was its record 0 */
    const char *wire;
} trace[] = {
    {true, GW_CONTENT_DATA, 0,
     "1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a20441"
     "e2b62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4"},
    {false, GW_CONTENT_DATA, 1,
     "17030300432e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36e30efaf97d90e6dffc602dcb501a5"
     "9a8fcc49c4bf2e5f0a21c0047c2abf332540dd032e167c2955d"},
    {true, GW_CONTENT_ALERT, 1, "1703030013c9872760655666b74d7ff1153efd6db6d0b0e3"},
    {false, GW_CONTENT_ALERT, 2, "1703030013b58fd67166ebf599d24720cfbe7efa7a8864a9"},
};

/* The gateway as one side of the trace. */
static void trace_init(struct gw_record *rec, enum gw_role role)
{
    static const char *const secrets[] = {
        [GW_ROLE_SERVER] = "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643",
        [GW_ROLE_CLIENT] = "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5",
    };
    enum gw_role peer = role == GW_ROLE_SERVER ? GW_ROLE_CLIENT : GW_ROLE_SERVER;
    struct gw_handover_keys keys = {.role = role};
    uint8_t secret[32];
    unhex(secrets[role], secret);
    assert_int_equal(ktls_derive_tls13(ktls_suite_find(0x1301), secret, 32, &keys.tx), 0);
    unhex(secrets[peer], secret);
    assert_int_equal(ktls_derive_tls13(ktls_suite_find(0x1301), secret, 32, &keys.rx), 0);
    keys.tx.seq = role == GW_ROLE_SERVER;
    keys.rx.seq = peer == GW_ROLE_SERVER;
    assert_int_equal(gw_record_init(rec, &keys), 0);
}

/* What the record of the trace holds: bytes 0 to 49, or close_notify. */
static size_t trace_content(const struct trace_record *r, uint8_t *out)
{
    if (r->type == GW_CONTENT_ALERT)
        return unhex("0100", out);
    for (uint8_t i = 0; i < 50; i++)
        out[i] = i;
    return 50;
}

static void rfc8448_records(void **state)
{
    (void)state;
    struct gw_record client, server;
    trace_init(&client, GW_ROLE_CLIENT);
    trace_init(&server, GW_ROLE_SERVER);
    for (size_t i = 0; i < GW_ARRAY_SIZE(trace); i++) {
        const struct trace_record *r = &trace[i];
        struct gw_record *from = r->from_client ? &client : &server;
        struct gw_record *to = r->from_client ? &server : &client;
        uint8_t content[50], want[128], *start;
        size_t len = trace_content(r, content), size, want_size = unhex(r->wire, want);
        struct gw_opened o;
        assert_int_equal(from->tx.keys.seq, r->seq);
        memcpy(slot.content, content, len);
        assert_int_equal(gw_record_seal(from, r->type, slot.content, len, &start, &size), 0);
        assert_int_equal(size, want_size);
        assert_memory_equal(start, want, size);
        assert_int_equal(gw_record_open(to, want, want_size, &o), GW_OPEN_RECORD);
        assert_int_equal(o.type, r->type);
        assert_int_equal(o.payload_len, len);
        assert_memory_equal(o.payload, content, len);
    }
    gw_record_done(&client);
    gw_record_done(&server);
}

/* ---- what both sides agree on ---- */

static void check_sealing(struct record_fixture *f, const struct ktls_suite *suite)
{
    (void)suite;
    for (size_t t = 0; t < GW_ARRAY_SIZE(types); t++) {
        for (size_t s = 0; s < GW_ARRAY_SIZE(sizes); s++)
            assert_peer_opens(f, types[t], sizes[s]);
    }
    assert_int_equal(f->rec.tx.records, GW_ARRAY_SIZE(types) * GW_ARRAY_SIZE(sizes));
}

static void sealed_records_open(void **state)
{
    (void)state;
    each_suite(check_sealing);
}

static void check_opening(struct record_fixture *f, const struct ktls_suite *suite)
{
    (void)suite;
    for (size_t t = 0; t < GW_ARRAY_SIZE(types); t++) {
        for (size_t s = 0; s < GW_ARRAY_SIZE(sizes); s++) {
            size_t size = peer_seals(f, types[t], sizes[s], 0);
            assert_we_open(f, size, types[t], sizes[s]);
        }
    }
}

static void opened_records_match(void **state)
{
    (void)state;
    each_suite(check_opening);
}

static void check_padding(struct record_fixture *f, const struct ktls_suite *suite)
{
    static const size_t pads[] = {1, 2, 100, 4000};
    if (!is_tls13(suite))
        return;
    for (size_t s = 0; s < GW_ARRAY_SIZE(sizes); s++) {
        for (size_t p = 0; p < GW_ARRAY_SIZE(pads); p++) {
            size_t pad = GW_MIN(pads[p], GW_RECORD_PLAINTEXT_MAX - sizes[s]);
            size_t size = peer_seals(f, GW_CONTENT_DATA, sizes[s], pad);
            assert_we_open(f, size, GW_CONTENT_DATA, sizes[s]);
        }
    }
    /* Nothing but padding, as much as there can be. */
    size_t size = peer_seals(f, GW_CONTENT_DATA, 0, GW_RECORD_PLAINTEXT_MAX);
    assert_int_equal(size, GW_RECORD_HEADER + GW_RECORD_PLAINTEXT_MAX + 1 + KTLS_TAG_LEN);
    assert_we_open(f, size, GW_CONTENT_DATA, 0);
}

static void padding_is_taken_off(void **state)
{
    (void)state;
    each_suite(check_padding);
}

static void check_stream(struct record_fixture *f, const struct ktls_suite *suite)
{
    enum {
        RECORDS = 120,
        MAX = 700
    };
    static uint8_t stream[RECORDS * (MAX * 2 + KTLS_SOFT_OVERHEAD)];
    static uint8_t want[RECORDS * MAX];
    size_t total = 0, want_len = 0, got = 0, have = 0, at = 0, records = 0;
    for (size_t i = 0; i < RECORDS; i++) {
        size_t len = random_below(MAX), from = random_below(MAX);
        size_t pad = is_tls13(suite) ? random_below(MAX) : 0;
        int size =
            ktls_soft_seal(&f->peer_tx, GW_CONTENT_DATA, plain + from, len, pad, stream + total);
        assert_true(size > 0);
        memcpy(want + want_len, plain + from, len);
        total += (size_t)size;
        want_len += len;
    }
    while (records < RECORDS) {
        struct gw_opened o;
        if (gw_record_open(&f->rec, stream + at, have - at, &o) == GW_OPEN_PARTIAL) {
            assert_in_range(o.need, 1, total - have);
            have += 1 + random_below((uint32_t)GW_MIN(total - have, 2 * o.need));
            have = GW_MIN(have, total);
            continue;
        }
        assert_int_equal(o.consumed > 0 && o.consumed <= have - at, true);
        assert_true(got + o.payload_len <= want_len);
        assert_memory_equal(o.payload, want + got, o.payload_len);
        got += o.payload_len;
        at += o.consumed;
        records++;
    }
    assert_int_equal(got, want_len);
    assert_int_equal(at, total);
}

static void streams_cut_anywhere(void **state)
{
    (void)state;
    each_suite(check_stream);
}

static void check_truncation(struct record_fixture *f, const struct ktls_suite *suite)
{
    (void)suite;
    size_t size = peer_seals(f, GW_CONTENT_DATA, 50, 0);
    uint8_t copy[128];
    memcpy(copy, wire, size);
    for (size_t len = 0; len < size; len++) {
        struct gw_opened o;
        assert_int_equal(gw_record_open(&f->rec, wire, len, &o), GW_OPEN_PARTIAL);
        assert_int_equal(o.need, (len < GW_RECORD_HEADER ? GW_RECORD_HEADER : size) - len);
        assert_int_equal(o.consumed, 0);
        assert_memory_equal(wire, copy, size);
    }
    assert_we_open(f, size, GW_CONTENT_DATA, 50);
}

static void truncated_records_are_awaited(void **state)
{
    (void)state;
    each_suite(check_truncation);
}

/* ---- sequence numbers, nonces, limits ---- */

static void check_sequence(struct record_fixture *f, const struct ktls_suite *suite)
{
    (void)suite;
    static const uint64_t starts[] = {0, 1, 255, 65535, UINT32_MAX, UINT64_MAX - 3};
    for (size_t i = 0; i < GW_ARRAY_SIZE(starts); i++) {
        f->rec.tx.keys.seq = f->peer_rx.seq = starts[i];
        f->rec.rx.keys.seq = f->peer_tx.seq = starts[i];
        for (int n = 0; n < 3; n++) {
            assert_peer_opens(f, GW_CONTENT_DATA, 5);
            assert_we_open(f, peer_seals(f, GW_CONTENT_DATA, 5, 0), GW_CONTENT_DATA, 5);
        }
        assert_int_equal(f->rec.tx.keys.seq, starts[i] + 3);
        assert_int_equal(f->rec.rx.keys.seq, starts[i] + 3);
    }
    /* It must never wrap (RFC 8446 5.3, RFC 5246 6.1). */
    uint8_t *start;
    size_t size;
    assert_int_equal(f->rec.tx.keys.seq, UINT64_MAX);
    assert_int_equal(seal(f, GW_CONTENT_DATA, 5, &start, &size), -EKEYEXPIRED);
    assert_int_equal(seal(f, GW_CONTENT_ALERT, 2, &start, &size), -EKEYEXPIRED);
    size = peer_seals(f, GW_CONTENT_DATA, 5, 0);
    assert_failed(f, size, GW_REASON_KEY_LIMIT, GW_ALERT_INTERNAL_ERROR);
}

static void sequence_numbers(void **state)
{
    (void)state;
    each_suite(check_sequence);
}

static void check_explicit_nonce(struct record_fixture *f, const struct ktls_suite *suite)
{
    if (suite->explicit_nonce_len == 0)
        return;
    static const char *const want[] = {"fffffffffffffffe", "ffffffffffffffff", "0000000000000000",
                                       "0000000000000001"};
    for (size_t i = 0; i < GW_ARRAY_SIZE(want); i++) {
        uint8_t *start, nonce[8];
        size_t size;
        unhex(want[i], nonce);
        assert_int_equal(seal(f, GW_CONTENT_DATA, 3, &start, &size), 0);
        assert_int_equal(size, GW_RECORD_HEADER + 8 + 3 + KTLS_TAG_LEN);
        assert_memory_equal(start + GW_RECORD_HEADER, nonce, 8);
    }
}

static void explicit_nonces_count(void **state)
{
    (void)state;
    each_suite(check_explicit_nonce);
}

static void check_key_limit(struct record_fixture *f, const struct ktls_suite *suite)
{
    uint8_t *start;
    size_t size;
    f->rec.tx.records = GW_RECORDS_PER_KEY_MAX - 1;
    assert_true(gw_record_key_has_room(&f->rec, 1));
    assert_int_equal(gw_record_key_has_room(&f->rec, 2), suite->cipher == KTLS_CHACHA20_POLY1305);
    assert_int_equal(seal(f, GW_CONTENT_DATA, 1, &start, &size), 0);
    if (suite->cipher == KTLS_CHACHA20_POLY1305) {
        assert_int_equal(seal(f, GW_CONTENT_DATA, 1, &start, &size), 0);
        return;
    }
    assert_int_equal(seal(f, GW_CONTENT_DATA, 1, &start, &size), -EKEYEXPIRED);
    int controls = 0;
    while (seal(f, GW_CONTENT_HANDSHAKE, 5, &start, &size) == 0)
        controls++;
    assert_in_range(controls, 8, 100);
    assert_int_equal(seal(f, GW_CONTENT_ALERT, 2, &start, &size), -EKEYEXPIRED);
    assert_int_equal(gw_record_update(&f->rec.tx), is_tls13(suite) ? 0 : -EIO);
    if (is_tls13(suite))
        assert_int_equal(seal(f, GW_CONTENT_DATA, 1, &start, &size), 0);
}

static void keys_are_used_up(void **state)
{
    (void)state;
    each_suite(check_key_limit);
}

/* A key that is changed in time never comes near its end, however little --rekey-after allows. */
static void check_rekey_after(struct record_fixture *f, const struct ktls_suite *suite)
{
    static const uint32_t numbers[] = {1, 2, 3, 4, 5, 100, GW_REKEY_AFTER_MAX};
    bool endless = suite->cipher == KTLS_CHACHA20_POLY1305;
    for (size_t i = 0; i < GW_ARRAY_SIZE(numbers); i++) {
        uint32_t n = numbers[i];
        gw_record_rekey_after(&f->rec, n);
        f->rec.tx.records = n - 1;
        assert_false(gw_record_key_is_old(&f->rec, &f->rec.tx));
        assert_true(gw_record_key_has_room(&f->rec, GW_BATCH_RECORDS_MAX));
        f->rec.tx.records = f->rec.rx.records = n;
        assert_true(gw_record_key_is_old(&f->rec, &f->rec.tx));
        assert_true(gw_record_key_is_old(&f->rec, &f->rec.rx));
        uint32_t more = GW_MAX(n, (uint32_t)GW_BATCH_RECORDS_MAX);
        assert_int_equal(gw_record_key_limit(n), (uint64_t)n + more);
        assert_true(gw_record_key_has_room(&f->rec, more));
        assert_int_equal(gw_record_key_has_room(&f->rec, more + 1), endless);
    }
    assert_int_equal(gw_record_can_rekey(&f->rec, &f->rec.tx), is_tls13(suite));
    gw_record_moved(&f->rec.tx);
    assert_false(gw_record_can_rekey(&f->rec, &f->rec.tx));
    f->rec.kernel_rekeys = true;
    assert_int_equal(gw_record_can_rekey(&f->rec, &f->rec.tx), is_tls13(suite));
}

static void keys_grow_old(void **state)
{
    (void)state;
    each_suite(check_rekey_after);
}

/* A half in the kernel has its next key only for as long as it takes to install it, and it is the
 * one that the user engine would have. */
static void check_kernel_update(struct record_fixture *f, const struct ktls_suite *suite)
{
    struct gw_record_half *half = &f->rec.tx;
    gw_record_moved(half);
    for (int generation = 0; generation < 3 && is_tls13(suite); generation++) {
        half->records = 5;
        assert_int_equal(ktls_update(&f->peer_rx), 0);
        assert_int_equal(gw_record_update(half), 0);
        assert_memory_equal(&half->keys, &f->peer_rx, sizeof(half->keys));
        assert_int_equal(half->records, 0);
        gw_record_moved(half);
        assert_true(all_zero(half->keys.key, sizeof(half->keys.key)));
        assert_true(all_zero(half->keys.iv, sizeof(half->keys.iv)));
    }
    if (!is_tls13(suite))
        assert_int_equal(gw_record_update(half), -EIO);
}

static void keys_of_the_kernel_chain(void **state)
{
    (void)state;
    each_suite(check_kernel_update);
}

static void check_update(struct record_fixture *f, const struct ktls_suite *suite)
{
    if (!is_tls13(suite))
        return;
    for (int generation = 0; generation < 4; generation++) {
        for (int n = 0; n < 3; n++) {
            assert_peer_opens(f, GW_CONTENT_DATA, 100);
            assert_we_open(f, peer_seals(f, GW_CONTENT_DATA, 100, 1), GW_CONTENT_DATA, 100);
        }
        assert_int_equal(f->rec.tx.records, 3);
        uint8_t old_key[KTLS_KEY_MAX];
        memcpy(old_key, f->rec.tx.keys.key, sizeof(old_key));
        assert_int_equal(gw_record_update(&f->rec.tx), 0);
        assert_int_equal(gw_record_update(&f->rec.rx), 0);
        assert_memory_not_equal(f->rec.tx.keys.key, old_key, suite->key_len);
        assert_int_equal(ktls_update(&f->peer_rx), 0);
        assert_int_equal(ktls_update(&f->peer_tx), 0);
        assert_int_equal(f->rec.tx.records + f->rec.tx.keys.seq + f->rec.rx.keys.seq, 0);
    }
    /* One side alone: nothing opens any more. */
    assert_int_equal(gw_record_update(&f->rec.rx), 0);
    size_t size = peer_seals(f, GW_CONTENT_DATA, 100, 0);
    assert_failed(f, size, GW_REASON_RECORD_BAD_MAC, GW_ALERT_BAD_RECORD_MAC);
}

static void key_updates_chain(void **state)
{
    (void)state;
    each_suite(check_update);
}

/* ---- rest ---- */

static void both_ways(struct record_fixture *f)
{
    assert_peer_opens(f, GW_CONTENT_DATA, 100);
    assert_we_open(f, peer_seals(f, GW_CONTENT_DATA, 100, 0), GW_CONTENT_DATA, 100);
}

static void check_rest(struct record_fixture *f, const struct ktls_suite *suite)
{
    for (int i = 0; i < 3; i++) {
        both_ways(f);
        gw_record_rest(&f->rec);
        gw_record_rest(&f->rec); /* twice is harmless */
        assert_null(f->rec.tx.aead);
        assert_null(f->rec.rx.aead);
    }
    both_ways(f);
    assert_non_null(f->rec.tx.aead);
    if (!is_tls13(suite))
        return;
    gw_record_rest(&f->rec); /* a key may change meanwhile */
    assert_int_equal(gw_record_update(&f->rec.tx), 0);
    assert_int_equal(gw_record_update(&f->rec.rx), 0);
    assert_int_equal(ktls_update(&f->peer_rx), 0);
    assert_int_equal(ktls_update(&f->peer_tx), 0);
    both_ways(f);
}

static void streams_go_on_after_a_rest(void **state)
{
    (void)state;
    each_suite(check_rest);
}

/* ---- life ---- */

static void nothing_is_sealed_after_close(void **state)
{
    (void)state;
    struct record_fixture f;
    uint8_t *start;
    size_t size;
    fixture_init(&f, ktls_suite_find(0x1301), GW_ROLE_SERVER);
    f.rec.close_sent = true;
    assert_int_equal(seal(&f, GW_CONTENT_DATA, 1, &start, &size), -EPIPE);
    assert_int_equal(seal(&f, GW_CONTENT_ALERT, 2, &start, &size), -EPIPE);
    assert_int_equal(f.rec.tx.keys.seq, 0);
    fixture_done(&f);
}

static void check_wiping(struct record_fixture *f, const struct ktls_suite *suite)
{
    struct gw_handover_keys keys = {.tx = fixture_keys(suite, 1), .rx = fixture_keys(suite, 2)};
    struct gw_record rec;
    (void)f;
    assert_int_equal(gw_record_init(&rec, &keys), 0);
    assert_true(all_zero(&keys, sizeof(keys)));

    struct ktls_keys before = rec.tx.keys;
    rec.tx.records = 7;
    gw_record_moved(&rec.tx);
    assert_int_equal(rec.tx.engine, GW_ENGINE_KERNEL);
    assert_int_equal(rec.rx.engine, GW_ENGINE_USER);
    assert_null(rec.tx.aead);
    assert_ptr_equal(rec.tx.keys.suite, suite);
    assert_true(all_zero(rec.tx.keys.key, sizeof(rec.tx.keys.key)));
    assert_true(all_zero(rec.tx.keys.iv, sizeof(rec.tx.keys.iv)));
    assert_int_equal(rec.tx.keys.seq | rec.tx.keys.explicit_nonce, 0);
    assert_memory_equal(rec.tx.keys.secret, before.secret, sizeof(before.secret));
    assert_int_equal(all_zero(before.secret, sizeof(before.secret)), !is_tls13(suite));
    assert_int_equal(rec.tx.records, 7);

    gw_record_done(&rec);
    assert_true(all_zero(&rec, sizeof(rec)));
    gw_record_done(&rec);
}

static void keys_are_wiped(void **state)
{
    (void)state;
    each_suite(check_wiping);
}

static void kernel_records_are_counted(void **state)
{
    (void)state;
    static const struct {
        size_t bytes;
        uint64_t records;
    } rows[] = {{1, 1}, {16383, 1}, {16384, 1}, {16385, 2}, {65536, 4}, {65537, 5}};
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        struct gw_record rec = {.key_updates = 7};
        gw_record_count_received(&rec, rows[i].bytes);
        assert_int_equal(rec.rx.records, rows[i].records);
        assert_int_equal(rec.key_updates, 7);
        assert_int_equal(rec.updates_granted, 0);
        gw_record_count_sent(&rec, rows[i].bytes);
        assert_int_equal(rec.tx.records, rows[i].records);
        assert_int_equal(rec.key_updates, 0);
        assert_int_equal(rec.updates_granted, rows[i].records);
    }
    assert_string_equal(gw_engine_word(GW_ENGINE_KERNEL), "kernel");
    assert_string_equal(gw_engine_word(GW_ENGINE_USER), "user");
}

/* ---- no allocation per record ---- */

static unsigned long allocations;

static void *counting_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    allocations++;
    return malloc(size);
}

static void *counting_realloc(void *p, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    allocations++;
    return realloc(p, size);
}

static void counting_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    free(p);
}

static void check_allocations(struct record_fixture *f, const struct ktls_suite *suite)
{
    enum {
        RECORDS = 8,
        SIZE = 100
    };
    static uint8_t from_peer[RECORDS][SIZE + KTLS_SOFT_OVERHEAD];
    int sizes_of[RECORDS];
    (void)suite;
    for (int i = 0; i < RECORDS; i++) {
        sizes_of[i] = ktls_soft_seal(&f->peer_tx, GW_CONTENT_DATA, plain, SIZE, 0, from_peer[i]);
        assert_true(sizes_of[i] > 0);
    }
    unsigned long before = allocations;
    assert_true(before > 0); /* libcrypto asks us at all */
    for (int i = 0; i < RECORDS; i++) {
        uint8_t *start;
        size_t size;
        struct gw_opened o;
        assert_int_equal(seal(f, GW_CONTENT_DATA, SIZE, &start, &size), 0);
        assert_int_equal(gw_record_open(&f->rec, from_peer[i], (size_t)sizes_of[i], &o),
                         GW_OPEN_RECORD);
    }
    assert_int_equal(allocations, before);
}

static void records_cost_no_allocation(void **state)
{
    (void)state;
    each_suite(check_allocations);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc8448_records),
        cmocka_unit_test(sealed_records_open),
        cmocka_unit_test(opened_records_match),
        cmocka_unit_test(padding_is_taken_off),
        cmocka_unit_test(streams_cut_anywhere),
        cmocka_unit_test(truncated_records_are_awaited),
        cmocka_unit_test(sequence_numbers),
        cmocka_unit_test(explicit_nonces_count),
        cmocka_unit_test(keys_are_used_up),
        cmocka_unit_test(keys_grow_old),
        cmocka_unit_test(key_updates_chain),
        cmocka_unit_test(keys_of_the_kernel_chain),
        cmocka_unit_test(streams_go_on_after_a_rest),
        cmocka_unit_test(nothing_is_sealed_after_close),
        cmocka_unit_test(keys_are_wiped),
        cmocka_unit_test(kernel_records_are_counted),
        cmocka_unit_test(records_cost_no_allocation),
    };
    if (!CRYPTO_set_mem_functions(counting_malloc, counting_realloc, counting_free))
        return 1;
    return cmocka_run_group_tests(tests, setup, NULL);
}
