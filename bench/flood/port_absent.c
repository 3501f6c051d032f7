/* SPDX-License-Identifier: Apache-2.0 */
/* Replaces port.c in a build without DPDK. */
#include "bench/flood/port.h"

#include <errno.h>

int bench_port_open(const char *name gw_unused, struct gw_error *err)
{
    (void)gw_error_set(err, GW_EXIT_START,
                       "floods are sent by DPDK, and this program was built without it "
                       "(libdpdk-dev); --pcap FILE writes the packets instead");
    return -ENOTSUP;
}

void bench_port_close(void)
{
}

struct bench_port_sent bench_port_send(bench_port_fill *fill gw_unused, void *arg gw_unused,
                                       unsigned count gw_unused)
{
    return (struct bench_port_sent){.frames = 0};
}

struct bench_port_sent bench_port_receive(bench_port_answer *answer gw_unused, void *arg gw_unused)
{
    return (struct bench_port_sent){.frames = 0};
}
