/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/record/aead.h"

#include "gateway/base/text.h"
#include "gateway/record/aead_evp.h"
#include "gateway/record/aead_ipsec_mb.h"
#include "gateway/record/aead_trial.h"

#include <errno.h>
#include <string.h>

enum {
    PLAIN = GW_AEAD_PROVIDERS - 1
};

/* By cipher. The last one is the plain provider: it runs every cipher and is the reference for the
 * others. */
static const struct gw_aead_provider *const providers[KTLS_CIPHER_COUNT][GW_AEAD_PROVIDERS] = {
    [KTLS_AES_128_GCM] = {&gw_aead_ipsec_mb, &gw_aead_evp},
    [KTLS_AES_256_GCM] = {&gw_aead_ipsec_mb, &gw_aead_evp},
    [KTLS_CHACHA20_POLY1305] = {&gw_aead_ipsec_mb_chacha, &gw_aead_evp},
};

/* Written once, before the workers are forked. */
static struct {
    bool done;
    struct gw_aead_figure figures[KTLS_CIPHER_COUNT][GW_AEAD_PROVIDERS];
    size_t chosen[KTLS_CIPHER_COUNT];
} trial;

static void try_cipher(enum ktls_cipher cipher, int ipsec_mb_error)
{
    const struct gw_aead_provider *const *row = providers[cipher];
    struct gw_aead_figure *figures = trial.figures[cipher];
    figures[0].error = ipsec_mb_error;
    if (!ipsec_mb_error)
        figures[0].error = gw_aead_trial_check(row[0], row[PLAIN], cipher);
    gw_aead_trial_time(row, cipher, figures);
    trial.chosen[cipher] = gw_aead_trial_prefers(&figures[0], &figures[PLAIN]) ? 0 : PLAIN;
}

int gw_aead_init(void)
{
    if (trial.done)
        return 0;
    int r = gw_aead_evp_init();
    if (r)
        return r;
    int ipsec_mb_error = gw_aead_ipsec_mb_init();
    for (int cipher = 0; cipher < KTLS_CIPHER_COUNT; cipher++)
        try_cipher((enum ktls_cipher)cipher, ipsec_mb_error);
    trial.done = true;
    return 0;
}

const struct gw_aead_provider *gw_aead_choose(enum ktls_cipher cipher)
{
    gw_require(trial.done && (size_t)cipher < KTLS_CIPHER_COUNT);
    return providers[cipher][trial.chosen[cipher]];
}

const struct gw_aead_provider *gw_aead_at(enum ktls_cipher cipher, size_t index,
                                          struct gw_aead_figure *ret_figure)
{
    gw_require((size_t)cipher < KTLS_CIPHER_COUNT);
    if (index >= GW_AEAD_PROVIDERS)
        return NULL;
    *ret_figure = trial.figures[cipher][index];
    return providers[cipher][index];
}

/* ---- descriptions ---- */

const char *gw_aead_why(int error)
{
    switch (error) {
    case 0:
        return "works";
    case -ENOSYS:
        return "this program was built without it";
    case -ENODEV:
        return "the processor lacks AES-NI or PCLMULQDQ";
    case -EBADMSG:
        return "it failed the self-test";
    case -EIO:
        return "the library reported an error";
    default:
        return strerror(-error);
    }
}

uint64_t gw_aead_mb_per_s(const struct gw_aead_figure *figure)
{
    return figure->full_ns ? UINT64_C(2) * GW_AEAD_TRIAL_FULL * 1000 / figure->full_ns : 0;
}

static void describe_provider(struct gw_text *t, enum ktls_cipher cipher, size_t index)
{
    const struct gw_aead_figure *figure = &trial.figures[cipher][index];
    const char *name = providers[cipher][index]->name;
    if (figure->error)
        gw_text_append(t, "%s: %s", name, gw_aead_why(figure->error));
    else
        gw_text_append(t, "%s %.1f GB/s", name, (double)gw_aead_mb_per_s(figure) / 1000);
}

void gw_aead_describe(char ret_text[GW_AEAD_TEXT_MAX])
{
    struct gw_text t = gw_text_in(ret_text, GW_AEAD_TEXT_MAX);
    gw_text_append(&t, "user engine:");
    for (int c = 0; c < KTLS_CIPHER_COUNT; c++) {
        enum ktls_cipher cipher = (enum ktls_cipher)c;
        size_t chosen = trial.chosen[c];
        gw_text_append(&t, "%s %s by ", c ? ";" : "", ktls_cipher_name(cipher));
        describe_provider(&t, cipher, chosen);
        gw_text_append(&t, " (");
        describe_provider(&t, cipher, GW_AEAD_PROVIDERS - 1 - chosen);
        gw_text_append(&t, ")");
    }
}
