/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/tool/machine.h"

#include "gateway/config/cpus.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* The value of the first line `name : value` of a file; "" without. */
static void value_in(const char *path, const char *name, char *out, size_t size)
{
    char line[512];
    FILE *f = fopen(path, "re");
    out[0] = '\0';
    while (f && !out[0] && fgets(line, sizeof(line), f)) {
        char *colon = strchr(line, ':');
        if (!colon || strncmp(line, name, strlen(name)) != 0)
            continue;
        line[strcspn(line, "\n")] = '\0';
        (void)snprintf(out, size, "%s", colon + 1 + strspn(colon + 1, " \t"));
    }
    if (f)
        (void)fclose(f);
}

json_t *bench_machine_json(void)
{
    char model[256], memory[64], when[32];
    struct utsname kernel = {0};
    double load[1] = {0};
    time_t now = time(NULL);
    struct tm utc;
    value_in("/proc/cpuinfo", "model name", model, sizeof(model));
    value_in("/proc/meminfo", "MemTotal", memory, sizeof(memory));
    (void)uname(&kernel);
    (void)getloadavg(load, 1);
    (void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    return json_pack("{s:s, s:s, s:i, s:I, s:s, s:s, s:f}", "date", when, "processor", model,
                     "processors", (int)gw_cpus_allowed_count(), "memory_kib",
                     (json_int_t)strtoll(memory, NULL, 10), "kernel", kernel.release, "openssl",
                     OpenSSL_version(OPENSSL_VERSION_STRING), "load_average", load[0]);
}
