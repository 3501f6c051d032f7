/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast the user engine seals and opens full records on one processor, for each suite: CPU time
 * per GiB of payload. Run it by `meson test -C build --benchmark`.
 */
#include "gateway/base/limits.h"
#include "gateway/record/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    RECORDS = 4096,
    ROUNDS = 5
};

static double cpu_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Both directions under one key, so that what is sealed can be opened. */
static void begin(struct gw_record *rec, const struct ktls_suite *suite)
{
    struct gw_handover_keys keys = {.role = GW_ROLE_SERVER};
    keys.tx = (struct ktls_keys){.suite = suite, .key = {1}, .iv = {2}, .secret = {3}};
    keys.rx = keys.tx;
    if (gw_record_init(rec, &keys)) {
        (void)fprintf(stderr, "record_speed: no memory\n");
        exit(1);
    }
}

/* CPU seconds of RECORDS seals and as many opens. */
static void measure(const struct ktls_suite *suite, double *ret_seal, double *ret_open)
{
    static uint8_t
        slot[GW_RECORD_SEAL_ROOM_FRONT + GW_RECORD_PLAINTEXT_MAX + GW_RECORD_SEAL_ROOM_BACK];
    struct gw_record rec;
    begin(&rec, suite);
    *ret_seal = *ret_open = 0;
    for (int i = 0; i < RECORDS; i++) {
        uint8_t *start;
        size_t len;
        struct gw_opened opened;
        double t0 = cpu_s();
        int error = gw_record_seal(&rec, GW_CONTENT_DATA, slot + GW_RECORD_SEAL_ROOM_FRONT,
                                   GW_RECORD_PLAINTEXT_MAX, &start, &len);
        double t1 = cpu_s();
        if (error || gw_record_open(&rec, start, len, &opened) != GW_OPEN_RECORD) {
            (void)fprintf(stderr, "record_speed: %s does not open what it sealed\n", suite->name);
            exit(1);
        }
        *ret_open += cpu_s() - t1;
        *ret_seal += t1 - t0;
    }
    gw_record_done(&rec);
}

int main(void)
{
    double gib = (double)RECORDS * GW_RECORD_PLAINTEXT_MAX / (1 << 30);
    if (gw_aead_init())
        return 1;
    printf("%-46s %10s %10s   CPU-s per GiB, best of %d\n", "suite", "seal", "open", ROUNDS);
    for (size_t i = 0; ktls_suite_at(i); i++) {
        double best_seal = 1e9;
        double best_open = 1e9;
        for (int round = 0; round < ROUNDS; round++) {
            double seal;
            double open;
            measure(ktls_suite_at(i), &seal, &open);
            best_seal = seal < best_seal ? seal : best_seal;
            best_open = open < best_open ? open : best_open;
        }
        printf("%-46s %10.3f %10.3f\n", ktls_suite_at(i)->name, best_seal / gib, best_open / gib);
    }
    return 0;
}
