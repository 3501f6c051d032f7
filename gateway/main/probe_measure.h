/* SPDX-License-Identifier: Apache-2.0 */
/* `ktlsgate probe --measure`: what relaying costs here, and what would be chosen. */
#pragma once

#include "gateway/main/report.h"

/* Measures for some seconds, then writes a section. */
void gw_probe_measure(struct gw_report *r, const struct ktls_probe *probe);
