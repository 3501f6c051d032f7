/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network namespaces without a name: a descriptor holds one, and it is gone with its links when the
 * last descriptor and the last process in it are, however they end.
 */
#pragma once

#include "gateway/base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct bench_space_traffic {
    uint64_t rx_packets, rx_dropped, tx_packets;
};

/* A new one that holds nothing but its loopback device, which is up. The caller stays where it is.
 * Returns the descriptor, or negative errno with *err filled. */
gw_must_check int bench_space_make(struct gw_error *err);
/* The namespace that the calling thread is in. -errno with *err filled. */
gw_must_check int bench_space_here(struct gw_error *err);
/* The calling thread goes there and stays. */
gw_must_check int bench_space_enter(int space, struct gw_error *err);
bool bench_space_is(int space, int other);

/* A socket of that namespace, which any process may use later; -errno with *err filled. */
gw_must_check int bench_space_socket(int space, int family, int type, struct gw_error *err);
/* Runs a program there with `input` (NULL: none) as its standard input, and waits for it. What it
 * says is part of *err when it fails. It is looked for where root's programs are, too. */
gw_must_check int bench_space_run(int space, const char *const *words, const char *input,
                                  struct gw_error *err);
/* Sets what /proc/sys/NAME holds there, such as "net/ipv4/tcp_syncookies". */
gw_must_check int bench_space_sysctl(int space, const char *name, const char *value,
                                     struct gw_error *err);
/* Sets the values of a sysctl.d file, as sysctl(8) does, except those of the whole machine. */
gw_must_check int bench_space_sysctls(int space, const char *path, struct gw_error *err);
/* Loads rules of nftables there. */
gw_must_check int bench_space_nft(int space, const char *rules, struct gw_error *err);
/* What a link there has carried. */
gw_must_check int bench_space_traffic(int space, const char *link, struct bench_space_traffic *ret,
                                      struct gw_error *err);
/* The link computes checksums itself instead of leaving them to the other end, which takes whatever
 * comes from a wire of this kind for checked. */
gw_must_check int bench_space_checksums(int space, const char *link, struct gw_error *err);
