/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handshakes of a load, by libssl in the role of the client, without I/O. After the handshake
 * the keys go to the gateway's own record layer (gateway/record), which costs the client far less
 * than SSL_read: else the client would be what is measured.
 */
#pragma once

#include "bench/tool/config.h"
#include "gateway/base/error.h"
#include "gateway/tls/handover.h"

/* What all connections of a thread share; used by that thread alone, as libssl locks what threads
 * share. */
struct bench_tls_client;
/* One handshake. */
struct bench_tls_handshake;

/* 0, or negative errno with *err filled: a file or a list that cannot be used. */
gw_must_check int bench_tls_client_new(struct bench_tls_client **ret,
                                       const struct bench_config *config, struct gw_error *err);
void bench_tls_client_free(struct bench_tls_client *client);

/* Connects to the target, waits for at most --timeout, and keeps the session that it gives, which
 * all handshakes offer from then on. 0, or negative errno with *err filled. */
gw_must_check int bench_tls_client_get_session(struct bench_tls_client *client,
                                               const struct bench_config *config,
                                               struct gw_error *err);

/* NULL: no memory. */
struct bench_tls_handshake *bench_tls_handshake_new(struct bench_tls_client *client);
void bench_tls_handshake_free(struct bench_tls_handshake *hs);
/* Takes all of data (len 0: begins). There may be output after it. False: it failed, and
 * bench_tls_handshake_why says why. */
bool bench_tls_handshake_input(struct bench_tls_handshake *hs, const void *data, size_t len);
bool bench_tls_handshake_done(const struct bench_tls_handshake *hs);
/* Output that is not sent yet; valid until the next call on hs. */
size_t bench_tls_handshake_output(struct bench_tls_handshake *hs, const uint8_t **ret);
void bench_tls_handshake_sent(struct bench_tls_handshake *hs, size_t len);
const char *bench_tls_handshake_why(const struct bench_tls_handshake *hs);

/* Once it is done. */
bool bench_tls_handshake_resumed(const struct bench_tls_handshake *hs);
const char *bench_tls_handshake_group(const struct bench_tls_handshake *hs);
gw_must_check int bench_tls_handshake_keys(struct bench_tls_handshake *hs,
                                           struct gw_handover_keys *ret);
/* Takes the bytes that came after the handshake's last; their number, at most what the last input
 * brought. */
size_t bench_tls_handshake_unread(struct bench_tls_handshake *hs, void *data, size_t cap);
