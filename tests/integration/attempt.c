/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/integration/attempt.h"

#include "tests/integration/check.h"
#include "tests/integration/client_steps.h"
#include "tests/integration/net.h"

#include <openssl/err.h>
#include <poll.h>

void attempts_begin(struct attempts *a, const struct client_options *options, uint64_t bytes)
{
    *a = (struct attempts){.options = *options, .bytes = bytes};
    a->ctx = client_context(options);
}

void attempts_done(struct attempts *a)
{
    SSL_SESSION_free(a->session);
    SSL_CTX_free(a->ctx);
    *a = (struct attempts){.bytes = 0};
}

static short shake(struct client *c, uint64_t until)
{
    (void)until;
    return client_step_handshake(c);
}

/* False when it ended, or nothing comes any more. */
static bool go(struct client *c, short (*step)(struct client *c, uint64_t until), uint64_t until)
{
    short events;
    while ((events = step(c, until))) {
        if (net_await(c->fd, events, net_now_ms() + DEADLINE_MS))
            continue;
        c->end = CLIENT_STUCK;
        return false;
    }
    return c->end == CLIENT_OPEN && !c->wrong;
}

/* In pieces, so that no echo fills every buffer on its way. */
static bool echo(struct client *c, uint64_t bytes)
{
    while (c->received < bytes) {
        uint64_t next = c->sent + SEND_CHUNK < bytes ? c->sent + SEND_CHUNK : bytes;
        if (!go(c, client_step_send, next) || !go(c, client_step_receive, next))
            return false;
    }
    return true;
}

static enum attempt how_it_went(struct client *c, uint64_t bytes)
{
    if (go(c, shake, 0) && echo(c, bytes)) {
        ERR_clear_error();
        (void)SSL_shutdown(c->ssl);
        (void)go(c, client_step_receive, UINT64_MAX);
    }
    if (c->wrong || c->received > bytes)
        return ATTEMPT_WRONG;
    if (c->end == CLIENT_STUCK)
        return ATTEMPT_STUCK;
    return c->end == CLIENT_CLOSE_NOTIFY && c->received == bytes ? ATTEMPT_GOOD : ATTEMPT_FAILED;
}

enum attempt attempt_one(struct attempts *a)
{
    struct client c;
    client_begin(&c, a->ctx, &a->options);
    c.work.up_seed = c.work.down_seed = 1 + a->count[ATTEMPT_GOOD];
    enum attempt how = net_await(c.fd, POLLOUT, net_now_ms() + DEADLINE_MS)
                           ? how_it_went(&c, a->bytes)
                           : ATTEMPT_STUCK;
    SSL_SESSION *session = client_take_session(&c);
    if (session) {
        SSL_SESSION_free(a->session);
        a->session = session;
    }
    client_close(&c);
    a->count[how]++;
    return how;
}

void attempts_check(const struct attempts *a)
{
    if (a->count[ATTEMPT_WRONG] || a->count[ATTEMPT_STUCK])
        fail_msg("%u connections carried a wrong byte, %u were stuck (%u good, %u failed)",
                 a->count[ATTEMPT_WRONG], a->count[ATTEMPT_STUCK], a->count[ATTEMPT_GOOD],
                 a->count[ATTEMPT_FAILED]);
}
