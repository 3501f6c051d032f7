/* SPDX-License-Identifier: Apache-2.0 */
/* `ktlsgate check --explain FILE`: whether the client with this certificate may pass. */
#pragma once

#include "gateway/base/error.h"
#include "gateway/config/config.h"

/*
 * Prints the names of the certificate, then the present decision of each service. Loads the files
 * of the services, but opens no port. Returns GW_EXIT_OK when one of them admits it, else
 * GW_EXIT_OTHER with *err empty; another code with *err filled when a file cannot be read.
 */
enum gw_exit gw_explain_run(const struct gw_config *config, struct gw_error *err);
