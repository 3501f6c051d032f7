/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The maximum age of a connection, however busy it is: --max-conn-age, and with --recheck-on-reload
 * the expiry of a certificate that admitted it.
 */
#include "gateway/conn/conn_private.h"

#include "gateway/base/clock.h"

/* Nanoseconds left. INT64_MAX: no limit. */
static int64_t age_left(const struct gw_conn *c)
{
    int64_t most = c->service->max_conn_age_ns;
    return most ? c->began_ns + most - c->env->now_ns : INT64_MAX;
}

/* Nanoseconds left. Reads the clock that certificates go by only if an expiry is known. */
static int64_t certificate_left(const struct gw_conn *c)
{
    int64_t end = gw_recheck_end(c);
    return end == INT64_MAX ? INT64_MAX : gw_clock_until_ns(end, gw_clock_wall_ns());
}

bool gw_tenure_over(struct gw_conn *c)
{
    if (age_left(c) <= 0) {
        gw_conn_end_with(c, GW_REASON_MAX_CONN_AGE, GW_ALERT_CLOSE_NOTIFY);
        return true;
    }
    return certificate_left(c) <= 0 && gw_recheck_ended(c);
}

/* A certificate that has expired, on a connection that may stay because no certificate is required
 * any more, needs no further check. */
int64_t gw_tenure_before(const struct gw_conn *c, int64_t after_ns)
{
    int64_t certificate = certificate_left(c);
    int64_t left = after_ns ? after_ns : INT64_MAX;
    left = GW_MIN(left, GW_MAX(age_left(c), (int64_t)1));
    if (certificate > 0)
        left = GW_MIN(left, certificate);
    return left == INT64_MAX ? 0 : left;
}
