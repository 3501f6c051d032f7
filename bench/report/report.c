/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/report/report.h"

#include "bench/report/aead.h"
#include "bench/report/cases.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static int write_input(struct bench_page *page, const struct bench_input *in, struct gw_error *err)
{
    if (in->kind == BENCH_INPUT_CRYPTO)
        return bench_aead_write(page, in->json, err);
    if (in->kind != BENCH_INPUT_COMPARE)
        return 0;
    int r = bench_cases_overview(page, in->json, err);
    if (!r)
        r = bench_cases_write(page, json_object_get(in->json, "cases"), err);
    return r ? r : bench_cases_scaling(page, in->json, err);
}

static int write_page(struct bench_page *page, const struct bench_inputs *inputs,
                      struct gw_error *err)
{
    json_t *singles = bench_cases_of_singles(inputs);
    page->systems.has_ours = true;
    bench_page_begin(page, inputs);
    int r = 0;
    for (unsigned i = 0; i < inputs->count && !r; i++)
        r = write_input(page, &inputs->list[i], err);
    if (!r)
        r = bench_cases_write(page, singles, err);
    bench_page_end(page, inputs);
    json_decref(singles);
    return r;
}

/* Writes a temporary file and renames it: a reader meanwhile sees the old one. */
static int write_file(const char *path, struct bench_page *page, const struct bench_inputs *inputs,
                      struct gw_error *err)
{
    char part[4096];
    int n = snprintf(part, sizeof(part), "%s.part", path);
    if (n < 0 || (size_t)n >= sizeof(part))
        return gw_error_set(err, GW_EXIT_OTHER, "--out '%.80s...': the path is too long", path);
    page->out = fopen(part, "we");
    if (!page->out)
        return gw_error_set(err, GW_EXIT_OTHER, "%s: %s", part, strerror(errno));
    int r = write_page(page, inputs, err);
    bool failed = ferror(page->out);
    failed |= fclose(page->out) != 0;
    if (!r && (failed || rename(part, path)))
        r = gw_error_set(err, GW_EXIT_OTHER, "%s could not be written: %s", path, strerror(errno));
    if (r)
        (void)unlink(part);
    return r;
}

int bench_report_run(const struct bench_config *config, struct gw_error *err)
{
    struct bench_inputs *inputs = calloc(1, sizeof(*inputs));
    struct bench_page *page = calloc(1, sizeof(*page));
    int r = inputs && page ? bench_inputs_read(&config->report, inputs, err)
                           : gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    if (!r)
        r = write_file(config->report.out, page, inputs, err);
    if (!r)
        (void)printf("%s: %u plots of %u results\n", config->report.out, page->plots,
                     inputs->count);
    if (inputs)
        bench_inputs_clear(inputs);
    free(inputs);
    free(page);
    return r;
}
