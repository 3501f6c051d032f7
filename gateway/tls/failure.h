/* SPDX-License-Identifier: Apache-2.0 */
/* Why a handshake failed: translates libssl's error queue to a reason and a detail for the log. The
 * only place that reads the queue of a handshake. */
#pragma once

#include "gateway/base/reason.h"
#include "gateway/tls/fault.h"

#include <openssl/ssl.h>
#include <stddef.h>

struct gw_failure {
    enum gw_reason reason;
    char detail[GW_FAULT_MAX]; /* "" when there is none */
};

/* Empties the error queue after a failed SSL_do_handshake. `ssl_error` comes from SSL_get_error.
 * `fault` describes what is wrong with the peer's certificate (gw_fault_describe), if verification
 * failed. */
void gw_failure_take(SSL *ssl, int ssl_error, const char *fault, struct gw_failure *ret);

/* The reason for a verification result (X509_V_ERR_…). */
enum gw_reason gw_failure_of_verify(int result);
