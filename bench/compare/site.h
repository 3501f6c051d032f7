/* SPDX-License-Identifier: Apache-2.0 */
/* What all systems of a comparison share: a folder, a certificate, two ports. */
#pragma once

#include "gateway/base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    BENCH_PATH_MAX = 4096
};

struct bench_site {
    char folder[512]; /* made new; whoever made the site removes it */
    char cert[640];   /* PEM files: the certificate … */
    char key[640];    /* … its key … */
    char both[640];   /* … and both in one */
    uint16_t port;    /* where the system answers, on 127.0.0.1 */
    uint16_t origin;  /* … and the origin */
    char ktlsgate[BENCH_PATH_MAX];
};

/* 0, or negative errno with *err filled. */
gw_must_check int bench_site_make(struct bench_site *site, bool rsa, struct gw_error *err);
/* Removes the folder with what is in it. */
void bench_site_remove(const char *folder);
