/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/dpdk/eal.h"

#include "gateway/base/attr.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>

static FILE *nowhere; /* where its log goes */
static bool started;

/* It binds the thread to the first processor it sees; here --cpus says where it runs. */
int bench_eal_start(void)
{
    static char words[][20] = {
        "ktlsgate-bench", "--no-huge",      "--no-shconf",      "-m", "64", "--no-pci",
        "--no-telemetry", "--iova-mode=va", "--log-level=emerg"};
    char *argv[GW_ARRAY_SIZE(words) + 1] = {NULL};
    for (size_t i = 0; i < GW_ARRAY_SIZE(words); i++)
        argv[i] = words[i];
    cpu_set_t before;
    bool known = sched_getaffinity(0, sizeof(before), &before) == 0;
    nowhere = fopen("/dev/null", "we");
    if (nowhere)
        (void)rte_openlog_stream(nowhere);
    int r = rte_eal_init((int)GW_ARRAY_SIZE(words), argv);
    if (known)
        (void)sched_setaffinity(0, sizeof(before), &before);
    started = r >= 0;
    return started ? 0 : -rte_errno;
}

void bench_eal_end(void)
{
    if (started)
        (void)rte_eal_cleanup();
    started = false;
}
