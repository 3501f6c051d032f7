/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The traffic secrets of TLS 1.3 as libssl offers them to anyone: a line of text for each
 * (SSL_CTX_set_keylog_callback(3)). So they are taken where none of our algorithms sees them come
 * into being. No branch and no address depends on a secret.
 */
#pragma once

#include "gateway/crypto/provider.h"

/* Keeps the secret in a line "LABEL CLIENT_RANDOM SECRET" whose label is that of one of the two
 * application traffic secrets. Other lines change nothing; one of those two that is malformed, or
 * whose secret is longer than a hash, leaves the length 0. The line stays the caller's to wipe. */
void gw_keylog_take(const char *line, struct gw_traffic_secrets *ret);
