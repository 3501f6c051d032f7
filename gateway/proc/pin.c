/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/proc/pin.h"

#include "gateway/config/cpus.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

static int pin_to(int cpu)
{
    cpu_set_t *set = CPU_ALLOC((size_t)cpu + 1);
    if (!set)
        return -ENOMEM;
    size_t size = CPU_ALLOC_SIZE((size_t)cpu + 1);
    CPU_ZERO_S(size, set);
    CPU_SET_S((size_t)cpu, size, set);
    int r = sched_setaffinity(0, size, set) ? -errno : 0;
    CPU_FREE(set);
    return r;
}

static int fail(struct gw_error *err, int cpu, int error)
{
    if (error == EINVAL)
        return gw_error_set(err, GW_EXIT_START,
                            "--cpus: processor %d does not exist or is not available to this "
                            "process; `nproc` and `taskset -cp $$` show which are",
                            cpu);
    return gw_error_set(err, GW_EXIT_START, "--cpus: processor %d cannot be used: %s", cpu,
                        strerror(error));
}

/* The index-th processor that this process may use. -1 when there are fewer. */
static int allowed_cpu(unsigned index)
{
    for (int cpu = 0; cpu < GW_MAX_CPU; cpu++)
        if (gw_cpus_allowed(cpu) && index-- == 0)
            return cpu;
    return -1;
}

int gw_pin_worker(const struct gw_config *config, unsigned index, struct gw_error *err)
{
    if (!config->cpu_count) {
        /* One worker per processor stays on its own. With fewer workers the scheduler decides
         * better, and two gateways would share the first processors. */
        if (config->workers == gw_cpus_allowed_count())
            (void)pin_to(GW_MAX(allowed_cpu(index), 0));
        return 0;
    }
    int cpu = config->cpus[index % config->cpu_count];
    int r = pin_to(cpu);
    return r ? fail(err, cpu, -r) : 0;
}

int gw_pin_check(const struct gw_config *config, struct gw_error *err)
{
    /* Large enough for every kernel: a smaller set makes sched_getaffinity fail. */
    cpu_set_t before[GW_MAX_CPU / CPU_SETSIZE];
    if (!config->cpu_count)
        return 0;
    if (sched_getaffinity(0, sizeof(before), before))
        return fail(err, config->cpus[0], errno);
    int r = 0;
    for (unsigned i = 0; !r && i < config->cpu_count; i++)
        r = gw_pin_worker(config, i, err);
    (void)sched_setaffinity(0, sizeof(before), before);
    return r;
}
