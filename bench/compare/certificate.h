/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate of all systems of a comparison; loads do not verify it, so it signs itself. */
#pragma once

#include "bench/tool/config.h"
#include "gateway/base/error.h"
#include "gateway/pki/text.h"

/* Certificate and key as PEM, to be freed by gw_pki_text_done in either case. 0, or negative errno
 * with *err filled. */
gw_must_check int bench_certificate_make(enum bench_key_type type, struct gw_pki_text *ret_cert,
                                         struct gw_pki_text *ret_key, struct gw_error *err);
