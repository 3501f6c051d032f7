/* SPDX-License-Identifier: Apache-2.0 */
/* The group that both sides take in TLS 1.3 where nothing is said: with OpenSSL 3.5 the hybrid one.
 */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>

static inline const char *test_best_group(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    char group[] = "X25519MLKEM768"; /* the macro casts its const away */
    bool hybrid = ctx && SSL_CTX_set1_groups_list(ctx, group);
    SSL_CTX_free(ctx);
    return hybrid ? "X25519MLKEM768" : "x25519";
}
