/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast the user engine seals and opens records on one processor: CPU time per GiB of payload in
 * full records, and for one small record. Run it by `meson test -C build --benchmark`.
 */
#include "gateway/base/limits.h"
#include "gateway/record/record.h"
#include "tests/support/record_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    ROUNDS = 400,
    SMALL = 128,
    SLOT_BYTES = GW_RECORD_SEAL_ROOM_FRONT + GW_RECORD_PLAINTEXT_MAX + GW_RECORD_SEAL_ROOM_BACK,
    SLOTS = GW_BUFFER_SLOTS, /* of the size of a relay buffer: what is sealed is still in a cache */
    SMALL_SLOT_BYTES = GW_RECORD_SEAL_ROOM_FRONT + SMALL + GW_RECORD_SEAL_ROOM_BACK,
    SMALL_SLOTS = 256, /* so that reading the clock counts for nothing */
};

/* Seconds that a record takes, best of all rounds. */
struct cost {
    double seal;
    double open;
};

static uint8_t slots[SLOTS * SLOT_BYTES];

_Static_assert((int)SMALL_SLOTS *SMALL_SLOT_BYTES <= (int)SLOTS * SLOT_BYTES, "room");

static double cpu_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Both directions under one key, so that what is sealed can be opened. */
static void begin(struct gw_record *rec, const struct ktls_suite *suite,
                  const struct gw_aead_provider *provider)
{
    struct gw_handover_keys keys = {.role = GW_ROLE_SERVER};
    keys.tx = (struct ktls_keys){.suite = suite, .key = {1}, .iv = {2}, .secret = {3}};
    keys.rx = keys.tx;
    if (gw_record_init(rec, &keys)) {
        (void)fprintf(stderr, "record_speed: no memory\n");
        exit(1);
    }
    record_use(rec, provider);
}

static void run_round(struct gw_record *rec, size_t len, size_t slot_bytes, size_t count,
                      struct cost *best)
{
    uint8_t *starts[SMALL_SLOTS];
    size_t sizes[SMALL_SLOTS];
    struct gw_opened opened;
    int failed = 0;
    double t0 = cpu_s();
    for (size_t i = 0; i < count; i++)
        failed |=
            gw_record_seal(rec, GW_CONTENT_DATA, slots + i * slot_bytes + GW_RECORD_SEAL_ROOM_FRONT,
                           len, &starts[i], &sizes[i]);
    double t1 = cpu_s();
    for (size_t i = 0; i < count && !failed; i++)
        failed |= gw_record_open(rec, starts[i], sizes[i], &opened) != GW_OPEN_RECORD;
    double t2 = cpu_s();
    if (failed) {
        (void)fprintf(stderr, "record_speed: does not open what it sealed\n");
        exit(1);
    }
    best->seal = GW_MIN(best->seal, (t1 - t0) / (double)count);
    best->open = GW_MIN(best->open, (t2 - t1) / (double)count);
}

static void measure(const struct ktls_suite *suite, const struct gw_aead_provider *provider)
{
    const double full_records = (double)(1 << 30) / GW_RECORD_PLAINTEXT_MAX;
    struct cost full = {1e9, 1e9}, small = {1e9, 1e9};
    struct gw_record rec;
    begin(&rec, suite, provider);
    for (int i = 0; i < ROUNDS; i++) {
        run_round(&rec, GW_RECORD_PLAINTEXT_MAX, SLOT_BYTES, SLOTS, &full);
        run_round(&rec, SMALL, SMALL_SLOT_BYTES, SMALL_SLOTS, &small);
    }
    gw_record_done(&rec);
    printf("%-46s %-10s %7.3f %7.3f %7.0f %7.0f%s\n", suite->name, provider->name,
           full.seal * full_records, full.open * full_records, small.seal * 1e9, small.open * 1e9,
           provider == gw_aead_choose(suite->cipher) ? "  chosen" : "");
}

static void measure_all(const struct ktls_suite *suite)
{
    const struct gw_aead_provider *provider;
    struct gw_aead_figure figure;
    for (size_t i = 0; (provider = gw_aead_at(suite->cipher, i, &figure)); i++) {
        if (figure.error)
            printf("%-46s %-10s %s\n", suite->name, provider->name, gw_aead_why(figure.error));
        else
            measure(suite, provider);
    }
}

/* Suites that differ in the handshake only cost the same. */
static bool is_repeated(size_t index)
{
    const struct ktls_suite *suite = ktls_suite_at(index);
    for (size_t i = 0; i < index; i++)
        if (ktls_suite_at(i)->version == suite->version &&
            ktls_suite_at(i)->cipher == suite->cipher)
            return true;
    return false;
}

int main(void)
{
    if (gw_aead_init())
        return 1;
    printf("best of %d rounds:%39s %15s %15s\n%-46s %-10s %7s %7s %7s %7s\n", ROUNDS, "",
           "CPU-s per GiB", "ns per 128 byte", "suite", "provider", "seal", "open", "seal", "open");
    for (size_t i = 0; ktls_suite_at(i); i++)
        if (!is_repeated(i))
            measure_all(ktls_suite_at(i));
    return 0;
}
