/* SPDX-License-Identifier: Apache-2.0 */
/* Lists as people type them: names joined by ','. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Copies the next name and moves on; false at the end. Names that are too long are cut. */
bool bench_namelist_next(const char **at, char *name, size_t size);
/* Whether it holds the name; NULL holds all. */
bool bench_namelist_has(const char *list, const char *name);
