/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/config/cpus.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>

static int refuse(const char *why, const char **ret_why)
{
    *ret_why = why;
    return -EINVAL;
}

/* Skips the digits at *at. Returns their value; GW_MAX_CPU if it is too large; -1 without
 * digits. */
static int read_number(const char **at)
{
    int n = -1;
    for (; **at >= '0' && **at <= '9'; (*at)++)
        n = GW_MIN((n < 0 ? 0 : n) * 10 + (**at - '0'), GW_MAX_CPU);
    return n;
}

static int read_range(const char **at, int *ret_first, int *ret_last, const char **ret_why)
{
    int first = read_number(at);
    int last = first;
    if (first >= 0 && **at == '-') {
        (*at)++;
        last = read_number(at);
    }
    if (first < 0 || last < 0 || (**at && **at != ','))
        return refuse("it is not a list like 0-3,8", ret_why);
    if (first > last)
        return refuse("a range begins above its end", ret_why);
    if (last >= GW_MAX_CPU)
        return refuse("a processor number is above 8191", ret_why);
    *ret_first = first;
    *ret_last = last;
    return 0;
}

static bool listed(const int *cpus, unsigned count, int cpu)
{
    for (unsigned i = 0; i < count; i++)
        if (cpus[i] == cpu)
            return true;
    return false;
}

int gw_cpus_read(const char *text, int out[GW_MAX_WORKERS], const char **ret_why)
{
    int cpus[GW_MAX_WORKERS];
    unsigned count = 0;
    const char *at = text;
    do {
        int first;
        int last;
        at += at != text;
        int error = read_range(&at, &first, &last, ret_why);
        if (error)
            return error;
        for (int cpu = first; cpu <= last; cpu++) {
            if (listed(cpus, count, cpu))
                return refuse("a processor is named twice", ret_why);
            if (count == GW_MAX_WORKERS)
                return refuse("it names more than 256 processors", ret_why);
            cpus[count++] = cpu;
        }
    } while (*at);
    for (unsigned i = 0; i < count; i++)
        out[i] = cpus[i];
    return (int)count;
}

union affinity {
    cpu_set_t set; /* for alignment and type; the kernel may have more processors */
    uint8_t bytes[GW_MAX_CPU / 8];
};

static bool ask_affinity(union affinity *ret)
{
    return !sched_getaffinity(0, sizeof(*ret), &ret->set);
}

unsigned gw_cpus_allowed_count(void)
{
    union affinity a = {.bytes = {0}};
    if (!ask_affinity(&a))
        return 1;
    return GW_MAX(1U, (unsigned)CPU_COUNT_S(sizeof(a), &a.set));
}

bool gw_cpus_allowed(int cpu)
{
    union affinity a = {.bytes = {0}};
    return !ask_affinity(&a) || CPU_ISSET_S((size_t)cpu, sizeof(a), &a.set);
}
