/* SPDX-License-Identifier: Apache-2.0 */
/* The paths that the command line and the configuration file name. Searches for words, without
 * parsing. */
#pragma once

#include "gateway/config/config.h"

/*
 * Whether `path` is a word of the command line of `config` or of `text`, the `len` bytes of its
 * configuration file (NULL: none); or is below a folder that is such a word; or is such a word with
 * .ocsp appended. Words in comments do not count, and a path below a folder must not contain "..".
 */
bool gw_named(const struct gw_config *config, const char *text, size_t len, const char *path);
