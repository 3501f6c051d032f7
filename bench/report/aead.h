/* SPDX-License-Identifier: Apache-2.0 */
/* The part of a page that shows what the processor's AEAD could do (`ktlsgate-bench crypto`). */
#pragma once

#include "bench/report/page.h"

gw_must_check int bench_aead_write(struct bench_page *page, const json_t *crypto,
                                   struct gw_error *err);
