/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/record/choice: what follows from figures, all by hand. */
#include "gateway/record/choice.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct ktls_probe probe_of_everything(void)
{
    const struct ktls_trial works = {.works = true};
    return (struct ktls_probe){.splice = works, .splice_full = works, .splice_tx = works};
}

/* The same figures for every flow and version; 0: not measured. */
static struct gw_choice choose(uint64_t user, uint64_t copy, uint64_t splice,
                               const struct ktls_probe *probe)
{
    struct gw_figures figures;
    struct gw_choice choice;
    memset(&figures, 0, sizeof(figures));
    for (unsigned v = 0; v < GW_VERSIONS; v++)
        for (unsigned flow = 0; flow < GW_FLOW_COUNT; flow++) {
            figures.at[v][flow][GW_WAY_USER].ns_per_gib = user;
            figures.at[v][flow][GW_WAY_COPY].ns_per_gib = copy;
            figures.at[v][flow][GW_WAY_SPLICE].ns_per_gib = splice;
        }
    gw_choice_make(&figures, probe, &choice);
    return choice;
}

static const struct row {
    uint64_t user, copy, splice;
    bool splices, kernel_auto, kernel_copy, kernel_splice;
} rows[] = {
    {1000, 800, 400, true, true, true, true},
    {1000, 1000, 1000, false, false, false, false},
    {1000, 400, 800, false, true, true, true},
    /* the margin: a tenth, exactly */
    {1000, 900, 810, true, true, true, true},
    {1000, 901, 811, false, false, false, true},
    {1000, 900, 811, false, true, true, true},
    /* only splicing makes the kernel cheaper */
    {1000, 1200, 800, true, true, false, true},
    {1000, 2000, 950, true, false, false, false},
    /* not measured, never chosen */
    {1000, 0, 400, false, false, false, true},
    {1000, 800, 0, false, true, true, true},
    {0, 800, 400, true, false, false, false},
    {0, 0, 0, false, false, false, false},
    {UINT64_MAX, UINT64_MAX / 2, UINT64_MAX / 4, true, true, true, true},
};

static void every_row(void **state)
{
    const struct ktls_probe probe = probe_of_everything();
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        struct gw_choice c = choose(row->user, row->copy, row->splice, &probe);
        for (unsigned v = 0; v < GW_VERSIONS; v++)
            for (unsigned flow = 0; flow < GW_FLOW_COUNT; flow++) {
                assert_int_equal(c.splice[v][flow], row->splices);
                assert_int_equal(c.kernel[GW_RELAY_AUTO][v][flow], row->kernel_auto);
                assert_int_equal(c.kernel[GW_RELAY_COPY][v][flow], row->kernel_copy);
                assert_int_equal(c.kernel[GW_RELAY_SPLICE][v][flow], row->kernel_splice);
            }
    }
}

static void splices(const struct ktls_probe *probe, bool rx, bool tx)
{
    struct gw_choice c = choose(1000, 800, 100, probe);
    for (unsigned v = 0; v < GW_VERSIONS; v++) {
        assert_int_equal(c.splice[v][GW_FLOW_RX], rx);
        assert_int_equal(c.splice[v][GW_FLOW_TX], tx);
    }
}

/* However cheap it is. */
static void only_where_it_is_right(void **state)
{
    (void)state;
    struct ktls_probe probe = probe_of_everything();
    splices(&probe, true, true);
    probe.splice_full = (struct ktls_trial){.error = EBADMSG};
    splices(&probe, false, true);
    probe = probe_of_everything();
    probe.splice = (struct ktls_trial){.error = EBADMSG};
    splices(&probe, false, true);
    probe = probe_of_everything();
    probe.splice_tx = (struct ktls_trial){.error = EBADMSG};
    splices(&probe, true, false);
}

static void flows_and_versions_stand_alone(void **state)
{
    (void)state;
    const struct ktls_probe probe = probe_of_everything();
    for (unsigned v = 0; v < GW_VERSIONS; v++)
        for (unsigned flow = 0; flow < GW_FLOW_COUNT; flow++) {
            struct gw_figures figures;
            struct gw_choice c;
            memset(&figures, 0, sizeof(figures));
            figures.at[v][flow][GW_WAY_USER].ns_per_gib = 1000;
            figures.at[v][flow][GW_WAY_COPY].ns_per_gib = 500;
            figures.at[v][flow][GW_WAY_SPLICE].ns_per_gib = 300;
            gw_choice_make(&figures, &probe, &c);
            for (unsigned w = 0; w < GW_VERSIONS; w++)
                for (unsigned other = 0; other < GW_FLOW_COUNT; other++) {
                    assert_int_equal(c.splice[w][other], w == v && other == flow);
                    assert_int_equal(c.kernel[GW_RELAY_AUTO][w][other], w == v && other == flow);
                }
        }
}

static void says_it_in_a_line(void **state)
{
    (void)state;
    char text[GW_CHOICE_TEXT_MAX];
    struct gw_figures figures;
    struct gw_choice choice;
    const struct ktls_probe probe = probe_of_everything();
    memset(&figures, 0, sizeof(figures));
    for (unsigned v = 0; v < GW_VERSIONS; v++) {
        figures.at[v][GW_FLOW_RX][GW_WAY_USER].ns_per_gib = 500000000;
        figures.at[v][GW_FLOW_RX][GW_WAY_COPY].ns_per_gib = 400000000;
        figures.at[v][GW_FLOW_RX][GW_WAY_SPLICE].ns_per_gib = 300000000;
        figures.at[v][GW_FLOW_TX][GW_WAY_USER].ns_per_gib = 1234000000;
        figures.at[v][GW_FLOW_TX][GW_WAY_COPY].error = ENOENT;
    }
    gw_choice_make(&figures, &probe, &choice);
    gw_choice_describe(&figures, &choice, true, text);
    assert_string_equal(
        text, "measured, seconds of processor time per GiB of AES-128-GCM: "
              "TLS 1.2 rx: user 0.500, kernel copy 0.400, kernel splice 0.300 -> splice, kernel; "
              "TLS 1.2 tx: user 1.234, kernel copy not measured (No such file or directory), "
              "kernel splice not measured (not tried) -> copy, user; "
              "TLS 1.3 rx: user 0.500, kernel copy 0.400, kernel splice 0.300 -> splice, kernel; "
              "TLS 1.3 tx: user 1.234, kernel copy not measured (No such file or directory), "
              "kernel splice not measured (not tried) -> copy, user");
    gw_choice_describe(&figures, &choice, false, text);
    assert_null(strstr(text, "user"));
    assert_non_null(strstr(text, "TLS 1.2 rx: kernel copy 0.400, kernel splice 0.300 -> splice; "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row),
        cmocka_unit_test(only_where_it_is_right),
        cmocka_unit_test(flows_and_versions_stand_alone),
        cmocka_unit_test(says_it_in_a_line),
    };
    return cmocka_run_group_tests_name("choice", tests, NULL, NULL);
}
