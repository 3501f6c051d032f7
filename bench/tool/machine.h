/* SPDX-License-Identifier: Apache-2.0 */
/* What a result was measured on. */
#pragma once

#include <jansson.h>

/* Processor, how many of them may be used, memory, kernel, libraries, date and load; a new
 * reference, NULL without memory. */
json_t *bench_machine_json(void);
