/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The self-test of the gateway's own cryptography (gateway/crypto), before the first connection:
 * its vectors and comparisons with libcrypto (gateway/crypto/trial.h); then a full and a resumed
 * handshake in memory, in TLS 1.2 and in TLS 1.3, of the gateway's server with a client of plain
 * libssl, and a record each way under the keys from the handshake. It takes some milliseconds.
 */
#pragma once

/* Does nothing if the library context would not use the gateway's algorithms anyway. If a result
 * differs, or the trial cannot run, the gateway uses libcrypto alone from then on, also in children
 * of a fork; gw_tls_library_describe has the reason. Call it only while no reference to the library
 * exists. */
void gw_tls_trial(void);
