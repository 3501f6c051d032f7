/* SPDX-License-Identifier: Apache-2.0 */
/* Binds workers to processors: as --cpus says; without it, one each if there are as many workers as
 * processors. */
#pragma once

#include "gateway/base/error.h"
#include "gateway/config/config.h"

/* Binds the calling process to the processor of worker `index`. Returns 0 or -EIO with *err filled
 * (GW_EXIT_START). */
gw_must_check int gw_pin_worker(const struct gw_config *config, unsigned index,
                                struct gw_error *err);

/* Tries every processor of --cpus and restores the affinity, so that errors show before anything
 * starts. Returns like gw_pin_worker. */
gw_must_check int gw_pin_check(const struct gw_config *config, struct gw_error *err);
