/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/sessionstack.h"

#include "gateway/base/attr.h"

#include <stdbool.h>
#include <string.h>

static void remove_at(struct gw_session_stack *s, unsigned at)
{
    SSL_SESSION_free(s->sessions[at]);
    s->count--;
    memmove(&s->sessions[at], &s->sessions[at + 1], (s->count - at) * sizeof(*s->sessions));
}

/* A resumed handshake shows no certificate, so the one of the first handshake is looked at again.
 * How long a ticket is good is judged by libssl (TLS 1.3) and by whoever sealed it. */
static bool usable(const SSL_SESSION *session)
{
    const X509 *cert = SSL_SESSION_get0_peer((SSL_SESSION *)(uintptr_t)session);
    return SSL_SESSION_is_resumable(session) && cert &&
           X509_cmp_current_time(X509_get0_notBefore(cert)) < 0 &&
           X509_cmp_current_time(X509_get0_notAfter(cert)) > 0;
}

void gw_session_stack_push(struct gw_session_stack *s, SSL_SESSION *session)
{
    if (!usable(session)) {
        SSL_SESSION_free(session);
        return;
    }
    if (s->count == GW_SESSION_STACK_MAX)
        remove_at(s, 0);
    s->sessions[s->count++] = session;
}

SSL_SESSION *gw_session_stack_take(struct gw_session_stack *s)
{
    for (; s->count > 0; remove_at(s, s->count - 1)) {
        SSL_SESSION *newest = s->sessions[s->count - 1];
        if (!usable(newest) || !SSL_SESSION_up_ref(newest))
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
        if (s->sessions[i] == session)
            remove_at(s, i);
}

void gw_session_stack_done(struct gw_session_stack *s)
{
    while (s->count > 0)
        remove_at(s, s->count - 1);
}
