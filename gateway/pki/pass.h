/* SPDX-License-Identifier: Apache-2.0 */
/* Pass phrases, which are in files, never on a command line. */
#pragma once

#include "gateway/base/error.h"
#include "gateway/pki/text.h"

enum {
    GW_PKI_PASS_MAX = 1024 /* bytes of a phrase */
};

/* The first line of a file, without its end; not empty. `flag` is its name for errors. The caller
 * ends *ret with gw_pki_text_done. Returns 0, or a negative errno with *err filled. */
gw_must_check int gw_pki_pass_read(struct gw_pki_text *ret, const char *flag, const char *path,
                                   struct gw_error *err);
