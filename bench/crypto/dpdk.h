/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DPDK's crypto devices that run on the processor, where this program was built with DPDK (meson
 * option dpdk). An operation goes through the device's queue, a burst at a time, as its users do.
 */
#pragma once

#include "bench/crypto/provider.h"

/* Starts DPDK, once per process: it takes 64 MiB and some tenths of a second. */
unsigned bench_crypto_dpdk_providers(struct bench_crypto_provider *ret, unsigned room);
void bench_crypto_dpdk_end(void);
