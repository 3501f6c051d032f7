/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/crypto/roofline.h"

#include "bench/tool/value.h"

#include <string.h>

static const struct {
    const char *name, *title;
    enum bench_crypto_direction direction;
} cases[] = {
    {"bulk-down", "down", BENCH_SEAL},
    {"bulk-up", "up", BENCH_OPEN},
};

/* CPU seconds for a GiB; 0 when the file does not know. */
static double cost_of(const json_t *bulk, const char *system)
{
    const json_t *row = bench_find(json_object_get(bulk, "rows"), "system", system);
    return bench_value_at(row, "server_cpu").median;
}

/* The cipher that was compared: AES-128-GCM unless the file says another. */
static enum ktls_cipher cipher_of(const json_t *compare)
{
    const char *said = bench_text_at(json_object_get(compare, "settings"), "cipher");
    for (int c = 0; c < KTLS_CIPHER_COUNT; c++)
        if (!strcasecmp(said, ktls_cipher_name((enum ktls_cipher)c)))
            return (enum ktls_cipher)c;
    return KTLS_AES_128_GCM;
}

/* NULL, without an error: the file does not have that case. */
static json_t *roof_of(const json_t *compare, unsigned i, const struct bench_config *config,
                       const struct bench_crypto_result *r)
{
    const json_t *bulk = bench_find(json_object_get(compare, "cases"), "name", cases[i].name);
    double ours = cost_of(bulk, "ktlsgate"), plain = cost_of(bulk, "nginx-plain");
    const char *by = "";
    enum ktls_cipher cipher = cipher_of(compare);
    double floor = bench_crypto_floor(r, &config->crypto.sizes, cipher, cases[i].direction,
                                      GW_RECORD_PLAINTEXT_MAX, &by);
    if (ours <= 0 || plain <= 0 || floor <= 0)
        return NULL;
    json_t *roof =
        json_pack("{s:s, s:s, s:s, s:f, s:f, s:f, s:f}", "case", cases[i].title, "cipher",
                  ktls_cipher_name(cipher), "by", by, "ktlsgate_s_per_gib", ours, "plain_s_per_gib",
                  plain, "over_plain_s_per_gib", ours - plain, "aead_s_per_gib", floor);
    if (ours > plain)
        json_object_set_new(roof, "percent_of_roof", json_real(floor / (ours - plain) * 100));
    return roof;
}

json_t *bench_roofline_of(const json_t *compare, const char *name,
                          const struct bench_config *config, const struct bench_crypto_result *r,
                          struct gw_error *err)
{
    json_t *roofs = json_array();
    for (unsigned i = 0; i < GW_ARRAY_SIZE(cases); i++) {
        json_t *roof = roof_of(compare, i, config, r);
        if (roof)
            json_array_append_new(roofs, roof);
    }
    if (json_array_size(roofs))
        return roofs;
    json_decref(roofs);
    (void)gw_error_set(err, GW_EXIT_START,
                       "--relay %s: it holds no bulk-down or bulk-up of ktlsgate and nginx-plain, "
                       "or %s in 16 KiB was not measured here",
                       name, ktls_cipher_name(cipher_of(compare)));
    return NULL;
}

json_t *bench_roofline_read(const char *path, const struct bench_config *config,
                            const struct bench_crypto_result *r, struct gw_error *err)
{
    json_error_t why;
    json_t *compare = json_load_file(path, 0, &why);
    if (!compare) {
        (void)gw_error_set(err, GW_EXIT_START, "--relay %s: %s", path, why.text);
        return NULL;
    }
    json_t *roofs = bench_roofline_of(compare, path, config, r, err);
    json_decref(compare);
    return roofs;
}

void bench_roofline_print(FILE *out, const json_t *roofs)
{
    size_t i;
    const json_t *roof;
    (void)fputs("\n"
                "ktlsgate's relay compared with this processor's AEAD, CPU-s per GiB\n"
                "          ktlsgate  nginx, plain  difference  AEAD alone   its share\n",
                out);
    json_array_foreach(roofs, i, roof)
    {
        const json_t *percent = json_object_get(roof, "percent_of_roof");
        (void)fprintf(out, "  %-6s %9.3f %13.3f %11.3f %11.3f", bench_text_at(roof, "case"),
                      json_number_value(json_object_get(roof, "ktlsgate_s_per_gib")),
                      json_number_value(json_object_get(roof, "plain_s_per_gib")),
                      json_number_value(json_object_get(roof, "over_plain_s_per_gib")),
                      json_number_value(json_object_get(roof, "aead_s_per_gib")));
        if (percent)
            (void)fprintf(out, " %9.0f %%", json_number_value(percent));
        else
            (void)fputs("  below plain", out);
        (void)fprintf(out, "  (%s by %s)\n", bench_text_at(roof, "cipher"),
                      bench_text_at(roof, "by"));
    }
}
