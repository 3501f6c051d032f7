/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client may send before it has any keys. Input: one byte (how many bytes the server is fed
 * at a time, 0: all at once), then what comes over the wire. The server asks for a certificate,
 * knows several names, ALPN and tickets.
 */
#include "gateway/base/limits.h"
#include "tests/fuzz/client.h"
#include "tests/fuzz/fixed_random.h"
#include "tests/fuzz/target.h"

/* Keys that do not change, so that seeds can name one. */
static struct gw_tls_context *make_context(void)
{
    static struct gw_ticket_keys keys = {.count = GW_TICKET_KEYS};
    for (int i = 0; i < GW_TICKET_KEYS; i++)
        memset(&keys.keys[i], '0' + i, sizeof(keys.keys[i]));
    return fuzz_context("fuzz", GW_VERIFY_OPTIONAL, &keys);
}

static bool allows(void *arg, const struct gw_identity *identity)
{
    (void)arg;
    return !identity->present || identity->used <= GW_IDENTITY_BYTES_MAX;
}

/* Takes the output as a socket would: all of it. */
static size_t take_output(struct gw_handshake *hs)
{
    const uint8_t *data;
    size_t len = gw_handshake_output(hs, &data);
    size_t sum = 0;
    for (size_t i = 0; i < len; i++)
        sum += data[i];
    gw_handshake_output_sent(hs, len);
    gw_require(gw_handshake_output(hs, &data) == 0);
    return sum;
}

static void check_end(struct gw_handshake *hs, enum gw_handshake_verdict verdict)
{
    struct gw_handover_keys keys;
    struct gw_handshake_info info;
    gw_handshake_get_info(hs, &info);
    gw_require(strnlen(info.sni, sizeof(info.sni)) < sizeof(info.sni));
    /* Nobody without the keys of an exchange gets to the end. */
    gw_require(verdict != GW_HANDSHAKE_DONE);
    gw_require(gw_handshake_keys(hs, &keys) < 0);
    gw_require(gw_handshake_tickets(hs) == 0);
    if (verdict == GW_HANDSHAKE_FAILED) {
        gw_require(gw_handshake_reason(hs) != GW_REASON_NONE);
        gw_require(gw_handshake_reason(hs) != GW_REASON_HANDSHAKE_INTERNAL);
        gw_require(gw_handshake_input(hs, "x", 1) == GW_HANDSHAKE_FAILED);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct gw_tls_context *tls;
    if (!tls)
        tls = make_context();
    if (size < 1)
        return 0;
    size_t piece = data[0] ? data[0] : size;
    fixed_random_start();
    struct gw_handshake *hs = gw_handshake_new(tls, allows, NULL);
    enum gw_handshake_verdict verdict = GW_HANDSHAKE_MORE;
    gw_require(hs);
    for (size_t at = 1; at < size && verdict == GW_HANDSHAKE_MORE;) {
        size_t len = GW_MIN(piece, size - at);
        verdict = gw_handshake_input(hs, data + at, len);
        (void)take_output(hs);
        at += len;
    }
    check_end(hs, verdict);
    gw_handshake_free(hs);
    return 0;
}
