/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/proc/preflight.h"

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/proc/pin.h"
#include "gateway/proc/verdict.h"
#include "gateway/record/aead.h"
#include "gateway/record/measure.h"
#include "gateway/ring/ring.h"
#include "gateway/tls/library.h"
#include "gateway/tls/trial.h"

#include <errno.h>
#include <string.h>

/* For each of eight or twelve ways: the start takes a quarter of a second longer. */
#define MEASURE_NS (20 * GW_NS_PER_MS)

/* Called before anything that depends on it. */
static void choose_crypto(const struct gw_heritage *h)
{
    char text[GW_LIBRARY_TEXT_MAX];
    gw_tls_library_use(h->config->crypto);
    gw_tls_trial();
    bool as_asked = gw_tls_library_describe(text);
    gw_log(as_asked ? GW_LOG_INFO : GW_LOG_WARNING, "handshakes use %s", text);
}

static int make_terms(struct gw_heritage *h, struct gw_error *err)
{
    h->files = gw_files_new();
    if (!h->files)
        return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    int r = gw_termset_load(&h->set, h->config, h->tickets, h->files, err);
    gw_log_notes(gw_files_notes(h->files));
    if (!r)
        gw_expiry_make(&h->expiry, &h->set);
    return r;
}

static int judge_engines(struct gw_heritage *h, struct gw_error *err)
{
    int probe_error = ktls_probe(&h->ktls);
    enum gw_tls_module module = GW_TLS_MODULE_UNKNOWN;
    if (!probe_error && h->ktls.attach.error == ENOENT)
        module = gw_tlsmodule_here();
    if (probe_error)
        memset(&h->ktls, 0, sizeof(h->ktls)); /* to the workers, nothing works */
    for (unsigned i = 0; i < h->config->service_count; i++) {
        const struct gw_service *s = h->config->services[i];
        char text[GW_VERDICT_TEXT_MAX];
        int r = gw_verdict_describe(s, &h->ktls, probe_error, module, text, err);
        if (r)
            return r;
        if (h->config->service_count > 1)
            gw_log(GW_LOG_INFO, "service %s: %s", s->name, text);
        else
            gw_log(GW_LOG_INFO, "%s", text);
    }
    return 0;
}

/* Done here, so that all workers share the result. */
static int choose_aead(struct gw_error *err)
{
    char text[GW_AEAD_TEXT_MAX];
    if (gw_aead_init())
        return gw_error_set(err, GW_EXIT_START, "libcrypto lacks AES-GCM or ChaCha20-Poly1305");
    gw_aead_describe(text);
    gw_log(GW_LOG_INFO, "%s", text);
    return 0;
}

/* The ways that need figures because of a service's settings; a sum of 1 << enum gw_way. */
static unsigned ways_asked_for(const struct gw_service *s)
{
    const unsigned kernel = 1U << GW_WAY_COPY | 1U << GW_WAY_SPLICE;
    if (s->records == GW_RECORDS_MEASURED)
        return kernel | 1U << GW_WAY_USER;
    return s->records != GW_RECORDS_USER && s->relay == GW_RELAY_AUTO ? kernel : 0;
}

/* Only if there is a choice to make; here, so that no client waits for it. */
static void measure(struct gw_heritage *h)
{
    struct gw_figures figures;
    char text[GW_CHOICE_TEXT_MAX];
    unsigned ways = 0;
    for (unsigned i = 0; i < h->config->service_count; i++)
        ways |= ways_asked_for(h->config->services[i]);
    if (!ways || !h->ktls.attach.works)
        return;
    gw_measure_all(KTLS_AES_128_GCM, &h->ktls, ways, MEASURE_NS, &figures);
    gw_choice_make(&figures, &h->ktls, &h->choice);
    gw_choice_describe(&figures, &h->choice, ways & 1U << GW_WAY_USER, text);
    gw_log(GW_LOG_INFO, "%s", text);
}

/* Done once, not in every worker: one error instead of a series of dying processes. */
static int try_ring(struct gw_heritage *h, struct gw_error *err)
{
    const struct gw_ring_config small = {.max_conns = 1, .max_buffers = 2};
    struct gw_ring_features got;
    struct gw_ring *ring;
    int r = gw_ring_new(&ring, &small);
    if (r)
        return gw_error_set(err, GW_EXIT_START, "%s", gw_ring_why(r));
    gw_ring_get_features(ring, &got);
    h->standing = gw_ring_try_standing(ring);
    gw_ring_free(ring);
    gw_log(GW_LOG_INFO, "io_uring: %s; multishot receives: %s",
           got.flags_text[0] ? got.flags_text : "no set-up flags",
           h->standing ? "yes"
                       : "no, in the self-test they did not report every end of a connection");
    return 0;
}

int gw_preflight(struct gw_heritage *h, struct gw_error *err)
{
    choose_crypto(h);
    int r = make_terms(h, err);
    if (!r)
        r = judge_engines(h, err);
    if (!r)
        r = choose_aead(err);
    if (!r)
        r = gw_pin_check(h->config, err);
    if (!r)
        r = try_ring(h, err);
    if (!r)
        measure(h);
    return r;
}
