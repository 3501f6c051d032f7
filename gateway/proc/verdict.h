/* SPDX-License-Identifier: Apache-2.0 */
/* The engine of a service's records, logged once at start with the reason. */
#pragma once

#include "gateway/base/error.h"
#include "gateway/config/config.h"
#include "gateway/proc/tlsmodule.h"

#include "ktlsinstall.h"

enum {
    GW_VERDICT_TEXT_MAX = 512
};

/*
 * Writes one line of text such as "records: kernel" or "records: user, because …". `probe_error`:
 * 0, or the negative errno of a ktls_probe that could not run; *probe is then not read. `module`:
 * the known facts about an absent tls module. Returns 0; -EIO with *err filled (GW_EXIT_START) when
 * --records kernel requires something that the kernel lacks: the tls layer, a suite that the
 * service's settings let clients choose, or key changes when --ktls-without-rekey deny demands
 * them. (TLS 1.2 suites and --ciphers are judged together: all three ciphers must work.)
 */
gw_must_check int gw_verdict_describe(const struct gw_service *service,
                                      const struct ktls_probe *probe, int probe_error,
                                      enum gw_tls_module module, char ret_text[GW_VERDICT_TEXT_MAX],
                                      struct gw_error *err);
