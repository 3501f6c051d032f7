/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/tool/cores.h"

#include "gateway/config/cpus.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

/* Where the idle time of a processor is added up; -1: it does not matter. */
static int place_of(const struct bench_cpus *cpus, int cpu)
{
    if (cpus->count == 0)
        return gw_cpus_allowed(cpu) ? 0 : -1;
    for (unsigned i = 0; i < cpus->count; i++)
        if (cpus->list[i] == cpu)
            return (int)i;
    return -1;
}

void bench_cores_read(const struct bench_cpus *cpus, struct bench_cores *ret)
{
    char line[512];
    FILE *f = fopen("/proc/stat", "re");
    *ret = (struct bench_cores){0};
    while (f && fgets(line, sizeof(line), f)) {
        int cpu;
        uint64_t idle, iowait;
        if (sscanf(line, "cpu%d %*u %*u %*u %" SCNu64 " %" SCNu64, &cpu, &idle, &iowait) != 3)
            continue;
        int place = place_of(cpus, cpu);
        if (place < 0)
            continue;
        ret->idle[place] += idle + iowait;
        ret->count = cpus->count ? cpus->count : 1;
    }
    if (f)
        (void)fclose(f);
}

double bench_cores_busy(const struct bench_cpus *cpus, const struct bench_cores *from,
                        const struct bench_cores *to, double seconds)
{
    double each = seconds * (double)sysconf(_SC_CLK_TCK);
    double ticks = cpus->count ? each : each * gw_cpus_allowed_count();
    double busiest = 0;
    for (unsigned i = 0; i < to->count && from->count; i++)
        busiest = GW_MAX(busiest, 1 - (double)(to->idle[i] - from->idle[i]) / ticks);
    return GW_MIN(busiest, 1.0);
}
