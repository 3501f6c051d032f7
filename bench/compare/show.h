/* SPDX-License-Identifier: Apache-2.0 */
/* A comparison for people: a table for each case. */
#pragma once

#include "bench/compare/figures.h"

#include <stdio.h>

void bench_show_tables(FILE *out, const struct bench_config *config, const struct bench_figures *f);
