/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The traffic secrets of TLS 1.3 in libssl's key log format: one line of text for each
 * (SSL_CTX_set_keylog_callback(3)). The gateway takes them from there when libcrypto, not one of
 * its own algorithms, derives them. No branch and no address depends on a secret.
 */
#pragma once

#include "gateway/crypto/provider.h"

/* Keeps the secret of a line "LABEL CLIENT_RANDOM SECRET" whose label is one of the two application
 * traffic secrets'. Other lines change nothing. A line of those two that is malformed, or whose
 * secret is longer than a hash, sets the length 0. The caller wipes the line. */
void gw_keylog_take(const char *line, struct gw_traffic_secrets *ret);
