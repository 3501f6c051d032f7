/* SPDX-License-Identifier: Apache-2.0 */
/* The trials of ktls_probe(). Each takes a connected pair and returns 0 when the feature works,
 * else a negative errno. -EBADMSG: the bytes came out wrong. */
#pragma once

#include "gateway/ktls/pair.h"

#include <stdio.h>

int ktls_try_tx(struct ktls_pair *pair, const struct ktls_suite *suite);
int ktls_try_rx(struct ktls_pair *pair, const struct ktls_suite *suite);
int ktls_try_rekey(struct ktls_pair *pair, const struct ktls_suite *suite);
int ktls_try_no_pad(struct ktls_pair *pair, const struct ktls_suite *suite);
int ktls_try_splice(struct ktls_pair *pair, const struct ktls_suite *suite);
int ktls_try_splice_full(struct ktls_pair *pair, const struct ktls_suite *suite);
int ktls_try_splice_tx(struct ktls_pair *pair, const struct ktls_suite *suite);
/* 0: splice(2) returned 0 for an empty record; -EPROTO: it skipped it. */
int ktls_try_splice_empty(struct ktls_pair *pair, const struct ktls_suite *suite);
/* 0: poll(2) reported half a record as readable; -EPROTO: it did not. */
int ktls_try_poll_partial(struct ktls_pair *pair, const struct ktls_suite *suite);

/* The driver of gcm(aes) with the highest priority that passed its self-test, from text in the
 * format of /proc/crypto; "" when there is none. A name that is too long is truncated. */
void ktls_find_gcm_driver(FILE *crypto, char *ret_name, size_t room);
