/* SPDX-License-Identifier: Apache-2.0 */
/* What `ktlsgate check` prints of a configuration that is good. */
#pragma once

#include "gateway/config/config.h"

/* To standard output: what each service would do, a line each, then that all is good. */
void gw_check_print(const struct gw_config *config);
