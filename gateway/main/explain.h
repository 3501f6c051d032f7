/* SPDX-License-Identifier: Apache-2.0 */
/* `ktlsgate check --explain FILE`: may the client with this certificate pass? */
#pragma once

#include "gateway/base/error.h"
#include "gateway/config/config.h"

/*
 * Prints the names of the certificate, then what each service would say of it now. Loads what the
 * services name, but opens no port. Returns GW_EXIT_OK when one of them lets it in, else
 * GW_EXIT_OTHER with *err empty; another code with *err filled when something cannot be read.
 */
enum gw_exit gw_explain_run(const struct gw_config *config, struct gw_error *err);
