/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's records, over one loopback connection: an operation is the call of send(2) or
 * recv(2) that moves one record, so TCP and the system call are in its time. The same call on a
 * connection without TLS is measured, too: subtract its time.
 */
#pragma once

#include "bench/crypto/provider.h"

unsigned bench_crypto_kernel_providers(struct bench_crypto_provider *ret, unsigned room);
