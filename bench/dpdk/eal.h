/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DPDK's environment, for the files of this program that use DPDK: they alone include this. It has
 * no huge pages, no files and no devices but those that are asked for; it takes 64 MiB and some
 * tenths of a second.
 */
#pragma once

/* Once in the life of a process. 0, or negative errno. */
int bench_eal_start(void);
/* Nothing where it has not started. */
void bench_eal_end(void);
