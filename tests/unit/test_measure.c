/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/record/measure: every way that works here gets a figure, and a way that relays wrongly
 * gets none. How large figures are is not asserted. */
#include "gateway/record/measure.h"

#include "gateway/base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "tests/support/skip.h"

#define BRIEF_NS (2 * GW_NS_PER_MS)

static const unsigned all_ways = (1U << GW_WAY_COUNT) - 1;
static struct ktls_probe probe;

static int find_out(void **state)
{
    (void)state;
    return ktls_probe(&probe);
}

static bool should_work(unsigned v, unsigned flow, unsigned way, enum ktls_cipher cipher)
{
    bool rx = flow == GW_FLOW_RX;
    if (way == GW_WAY_USER)
        return true;
    if (!(rx ? probe.rx : probe.tx)[v][cipher].works)
        return false;
    return way == GW_WAY_COPY || (rx ? probe.splice.works : probe.splice_tx.works);
}

static void all_that_works_is_measured(void **state)
{
    (void)state;
    for (unsigned cipher = 0; cipher < KTLS_CIPHER_COUNT; cipher++) {
        struct gw_figures f;
        gw_measure_all((enum ktls_cipher)cipher, &probe, all_ways, BRIEF_NS, &f);
        for (unsigned v = 0; v < GW_VERSIONS; v++)
            for (unsigned flow = 0; flow < GW_FLOW_COUNT; flow++)
                for (unsigned way = 0; way < GW_WAY_COUNT; way++) {
                    const struct gw_figure *at = &f.at[v][flow][way];
                    bool works = should_work(v, flow, way, (enum ktls_cipher)cipher);
                    if (works != (at->ns_per_gib > 0) || works != (at->error == 0))
                        fail_msg("%s, TLS 1.%u %s, %s: %llu ns per GiB, %s",
                                 ktls_cipher_name((enum ktls_cipher)cipher), 2 + v,
                                 gw_flow_word((enum gw_flow)flow), gw_way_word((enum gw_way)way),
                                 (unsigned long long)at->ns_per_gib, strerror(at->error));
                }
    }
}

static void only_what_is_asked_for(void **state)
{
    (void)state;
    struct gw_figures f;
    gw_measure_all(KTLS_AES_128_GCM, &probe, 1U << GW_WAY_USER, BRIEF_NS, &f);
    for (unsigned v = 0; v < GW_VERSIONS; v++)
        for (unsigned flow = 0; flow < GW_FLOW_COUNT; flow++) {
            assert_true(f.at[v][flow][GW_WAY_USER].ns_per_gib > 0);
            for (unsigned way = GW_WAY_COPY; way < GW_WAY_COUNT; way++)
                assert_memory_equal(&f.at[v][flow][way], &(struct gw_figure){0},
                                    sizeof(struct gw_figure));
        }
}

/* ---- relays that are wrong ---- */

static const struct ktls_suite *a_suite(void)
{
    return ktls_suite_find(0x1301); /* TLS_AES_128_GCM_SHA256 */
}

static struct gw_figure measure_with(enum gw_flow flow, gw_lane_step *step)
{
    gw_lane_step *const steps[GW_WAY_COUNT] = {[GW_WAY_USER] = step};
    struct gw_figure figures[GW_WAY_COUNT];
    gw_measure_flow(a_suite(), flow, 1U << GW_WAY_USER, &probe, BRIEF_NS, steps, figures);
    return figures[GW_WAY_USER];
}

static void is_not_measured(struct gw_figure figure, int error)
{
    assert_int_equal(figure.ns_per_gib, 0);
    assert_int_equal(figure.error, error);
}

/* A record of right length and tag, but for one bit of its plaintext. */
static int flips_a_bit_tx(struct gw_lane *lane)
{
    uint8_t *payload = lane->buffer + GW_RECORD_SEAL_ROOM_FRONT, *start;
    size_t size;
    ssize_t n = recv(lane->from, payload, GW_RECORD_PLAINTEXT_MAX, MSG_DONTWAIT);
    if (n <= 0)
        return n < 0 ? -errno : -ECONNRESET;
    payload[n / 2] ^= 1;
    int r = gw_record_seal(&lane->rec, GW_CONTENT_DATA, payload, (size_t)n, &start, &size);
    return r || send(lane->to, start, size, MSG_DONTWAIT) == (ssize_t)size ? r : -EIO;
}

static int sends_ciphertext_tx(struct gw_lane *lane)
{
    ssize_t n = recv(lane->from, lane->buffer, GW_RECORD_PLAINTEXT_MAX, MSG_DONTWAIT);
    if (n > 0)
        n = send(lane->to, lane->buffer, (size_t)n, MSG_DONTWAIT);
    return n < 0 ? -errno : 0;
}

static int forwards_records_rx(struct gw_lane *lane)
{
    return sends_ciphertext_tx(lane); /* still sealed */
}

static int swallows(struct gw_lane *lane)
{
    ssize_t n = recv(lane->from, lane->buffer, GW_RECORD_PLAINTEXT_MAX, MSG_DONTWAIT);
    return n < 0 ? -errno : 0;
}

static int fails(struct gw_lane *lane)
{
    (void)lane;
    return -EXDEV;
}

static void a_wrong_relay_gets_no_figure(void **state)
{
    (void)state;
    is_not_measured(measure_with(GW_FLOW_TX, flips_a_bit_tx), EBADMSG);
    is_not_measured(measure_with(GW_FLOW_TX, sends_ciphertext_tx), EBADMSG);
    is_not_measured(measure_with(GW_FLOW_RX, forwards_records_rx), EBADMSG);
    is_not_measured(measure_with(GW_FLOW_RX, swallows), ETIMEDOUT);
    is_not_measured(measure_with(GW_FLOW_RX, fails), EXDEV);
}

/* One that cannot even be set up, and one that goes wrong in its first round. */
static void the_others_are_measured_all_the_same(void **state)
{
    (void)state;
    gw_lane_step *const steps[GW_WAY_COUNT] = {[GW_WAY_SPLICE] = fails};
    bool copies = probe.tx[1][KTLS_AES_128_GCM].works;
    struct gw_figure figures[GW_WAY_COUNT];
    gw_measure_flow(a_suite(), GW_FLOW_TX, all_ways, &probe, BRIEF_NS, steps, figures);
    assert_true(figures[GW_WAY_USER].ns_per_gib > 0);
    assert_int_equal(figures[GW_WAY_COPY].ns_per_gib > 0, copies);
    is_not_measured(figures[GW_WAY_SPLICE], copies ? EXDEV : probe.attach.error);
}

static unsigned count_fds(void)
{
    unsigned count = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static unsigned fds_while_it_runs;

static int counts_fds_and_fails(struct gw_lane *lane)
{
    fds_while_it_runs = count_fds();
    return fails(lane);
}

/* Two connections for each way, and a pipe. */
static void descriptors_are_few_and_closed(void **state)
{
    (void)state;
    gw_lane_step *const steps[GW_WAY_COUNT] = {
        [GW_WAY_USER] = counts_fds_and_fails,
        [GW_WAY_COPY] = fails,
        [GW_WAY_SPLICE] = fails,
    };
    struct gw_figure figures[GW_WAY_COUNT];
    unsigned before = count_fds();
    gw_measure_flow(a_suite(), GW_FLOW_RX, all_ways, &probe, BRIEF_NS, steps, figures);
    assert_in_range(fds_while_it_runs, before + 4, before + GW_WAY_COUNT * 4 + 2);
    assert_int_equal(count_fds(), before);
}

static void test_kernel_measures_it_all(void **state)
{
    (void)state;
    if (!getenv("KTLS_EXPECTED"))
        skip_with("for the test kernel, which has tls");
    for (unsigned v = 0; v < GW_VERSIONS; v++)
        for (unsigned flow = 0; flow < GW_FLOW_COUNT; flow++)
            for (unsigned way = 0; way < GW_WAY_COUNT; way++)
                assert_true(should_work(v, flow, way, KTLS_AES_128_GCM));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_works_is_measured),
        cmocka_unit_test(only_what_is_asked_for),
        cmocka_unit_test(a_wrong_relay_gets_no_figure),
        cmocka_unit_test(the_others_are_measured_all_the_same),
        cmocka_unit_test(descriptors_are_few_and_closed),
        cmocka_unit_test(test_kernel_measures_it_all),
    };
    return cmocka_run_group_tests_name("measure", tests, find_out, NULL);
}
