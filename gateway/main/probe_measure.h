/* SPDX-License-Identifier: Apache-2.0 */
/* `ktlsgate probe --measure`: the cost of relaying on this machine, and the resulting choices. */
#pragma once

#include "gateway/main/report.h"

/* Measures for some seconds, then writes a section. */
void gw_probe_measure(struct gw_report *r, const struct ktls_probe *probe);
