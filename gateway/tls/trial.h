/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The self-test of the cryptography of our own (gateway/crypto), before the first connection: its
 * vectors and comparisons with libcrypto (gateway/crypto/trial.h), then a full handshake and a
 * resumed one in memory in TLS 1.2 and in TLS 1.3, our server with a client of plain libssl, with
 * a record each way under the keys that leave the handshake. It takes some milliseconds.
 */
#pragma once

/* Does nothing where the library context would not compute with ours anyhow. Where something
 * differs, or the trial cannot be made, libcrypto alone computes from then on, here and in children
 * of a fork; gw_tls_library_tell says why. Only while nobody has a reference to the library. */
void gw_tls_trial(void);
