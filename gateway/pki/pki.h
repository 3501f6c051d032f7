/* SPDX-License-Identifier: Apache-2.0 */
/* `ktlsgate pki WORD`: an organisation's own CA. Results go to standard output, notes about
 * possible trouble to standard error. */
#pragma once

#include "gateway/base/error.h"
#include "gateway/config/config.h"

/* Runs config->command. Returns the exit code. If that is not GW_EXIT_OK, err->text is the sentence
 * to print. */
enum gw_exit gw_pki_run(const struct gw_config *config, struct gw_error *err);
