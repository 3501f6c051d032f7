/* SPDX-License-Identifier: Apache-2.0 */
/* Where a comparison takes place: a folder for a while with certificate and key, and the origin. */
#pragma once

#include "bench/tool/config.h"
#include "gateway/base/error.h"
#include "gateway/base/tmpdir.h"

enum {
    BENCH_PLACE_FOLDER_MAX = GW_TMPDIR_MAX + 32
};

struct bench_place {
    char folder[BENCH_PLACE_FOLDER_MAX]; /* "": none */
    pid_t origin;                        /* 0: none */
    unsigned backend;                    /* its port */
};

/* Makes both; the origin runs where the load does. 0, or negative errno with *err filled; done is
 * to be called in either case. */
gw_must_check int bench_place_init(struct bench_place *place,
                                   const struct bench_comparison *compare, struct gw_error *err);
/* Ends the origin and removes the folder with all that is in it. A zeroed object is fine. */
void bench_place_done(struct bench_place *place);
/* Writes a file there; 0, or negative errno with *err filled. */
gw_must_check int bench_place_write(const struct bench_place *place, const char *name,
                                    const char *text, struct gw_error *err);
