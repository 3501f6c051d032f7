/* SPDX-License-Identifier: Apache-2.0 */
/* Which paths whoever set the gateway up has named. Nothing is parsed here: words are looked for.
 */
#pragma once

#include "gateway/config/config.h"

/*
 * Whether `path` is a word of the command line of `config` or of `text`, the `len` bytes of its
 * configuration file (NULL: none); or lies below a folder that is one; or is one with .ocsp behind
 * it. Words of a comment do not count, and no path below a folder may climb by "..".
 */
bool gw_named(const struct gw_config *config, const char *text, size_t len, const char *path);
