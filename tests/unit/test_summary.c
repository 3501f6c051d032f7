/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/proc/summary: the last log line. */
#include "gateway/proc/summary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void the_summary_names_what_occurred(void **state)
{
    (void)state;
    struct gw_stats s = {0};
    char out[200];
    s.counters[GW_COUNTER_ACCEPTED] = 12;
    s.ended[GW_REASON_FINISHED] = 9;
    s.ended[GW_REASON_CERT_EXPIRED] = 3;
    gw_summary_write(&s, out, sizeof(out));
    assert_string_equal(out, "connections: 12 accepted, finished 9, cert-expired 3");
    gw_summary_write(&s, out, 40); /* too short for the third */
    assert_string_equal(out, "connections: 12 accepted, finished 9");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_summary_names_what_occurred),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
