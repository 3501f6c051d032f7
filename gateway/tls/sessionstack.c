/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/sessionstack.h"

#include "gateway/base/clock.h"
#include "gateway/tls/session.h"

#include <stdbool.h>
#include <string.h>

static void remove_at(struct gw_session_stack *s, unsigned at)
{
    SSL_SESSION_free(s->kept[at].session);
    s->count--;
    memmove(&s->kept[at], &s->kept[at + 1], (s->count - at) * sizeof(*s->kept));
}

/* A resumed handshake shows no certificate, so the chain of the full handshake is checked again. */
static bool usable(SSL_SESSION *session, const struct gw_trust *trust)
{
    return SSL_SESSION_is_resumable(session) && gw_session_holds(session, trust, NULL);
}

void gw_session_stack_push(struct gw_session_stack *s, SSL_SESSION *session,
                           const struct gw_trust *trust)
{
    if (!usable(session, trust)) {
        SSL_SESSION_free(session);
        return;
    }
    if (s->count == GW_SESSION_STACK_MAX)
        remove_at(s, 0);
    s->kept[s->count++] = (struct gw_kept_session){.session = session, .since_ns = gw_clock_ns()};
}

/* In TLS 1.2 all connections of a session depend on one secret, and a target may accept it
 * forever. */
static bool is_old(const struct gw_kept_session *kept)
{
    return gw_clock_ns() - kept->since_ns >= GW_SESSION_LIFE * GW_NS_PER_SEC;
}

SSL_SESSION *gw_session_stack_take(struct gw_session_stack *s, const struct gw_trust *trust)
{
    for (; s->count > 0; remove_at(s, s->count - 1)) {
        SSL_SESSION *newest = s->kept[s->count - 1].session;
        if (is_old(&s->kept[s->count - 1]) || !usable(newest, trust) || !SSL_SESSION_up_ref(newest))
            continue;
        if (SSL_SESSION_get_protocol_version(newest) == TLS1_3_VERSION)
            remove_at(s, s->count - 1);
        return newest;
    }
    return NULL;
}

void gw_session_stack_drop(struct gw_session_stack *s, const SSL_SESSION *session)
{
    for (unsigned i = s->count; i-- > 0;)
        if (s->kept[i].session == session)
            remove_at(s, i);
}

void gw_session_stack_done(struct gw_session_stack *s)
{
    while (s->count > 0)
        remove_at(s, s->count - 1);
}
