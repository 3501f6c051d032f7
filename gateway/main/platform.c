/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/main/platform.h"

#include "gateway/base/attr.h"
#include "gateway/base/compat.h"

#if GW_ON_X86_64
#include <cpuid.h>
#endif
#include <stdio.h>
#include <string.h>

#if GW_ON_X86_64

enum {
    EBX,
    ECX
};
/* Register state that the kernel must save and restore for an instruction to be usable. */
enum {
    STATE_NONE = 0,
    STATE_AVX = 0x06,
    STATE_AVX512 = 0xe6
};

static const struct {
    const char *name;
    unsigned leaf, reg, bit; /* CPUID */
    unsigned state;          /* XCR0 */
} cpu_features[] = {
    {"AES-NI", 1, ECX, 25, STATE_NONE},
    {"PCLMULQDQ", 1, ECX, 1, STATE_NONE},
    {"AVX2", 7, EBX, 5, STATE_AVX},
    {"VAES", 7, ECX, 9, STATE_AVX},
    {"VPCLMULQDQ", 7, ECX, 10, STATE_AVX},
    {"AVX-512", 7, EBX, 16, STATE_AVX512},
    {"AVX-512 IFMA", 7, EBX, 21, STATE_AVX512},
};

static unsigned cpu_register(unsigned leaf, unsigned reg)
{
    unsigned a, b, c, d;
    if (!__get_cpuid_count(leaf, 0, &a, &b, &c, &d))
        return 0;
    return reg == EBX ? b : c;
}

static unsigned enabled_state(void)
{
    const unsigned osxsave = 1U << 27;
    unsigned low, high;
    if (!(cpu_register(1, ECX) & osxsave))
        return 0;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

const char *gw_platform_cpu_feature(size_t index, bool *ret_there)
{
    if (index >= GW_ARRAY_SIZE(cpu_features))
        return NULL;
    unsigned state = cpu_features[index].state;
    unsigned bits = cpu_register(cpu_features[index].leaf, cpu_features[index].reg);
    *ret_there = (bits >> cpu_features[index].bit & 1) && (enabled_state() & state) == state;
    return cpu_features[index].name;
}

#else

const char *gw_platform_cpu_feature(size_t index, bool *ret_there)
{
    (void)index, (void)ret_there;
    return NULL;
}

#endif

void gw_platform_cpu_name(char *ret_name, size_t room)
{
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "re");
    (void)snprintf(ret_name, room, "unknown");
    while (file && fgets(line, sizeof(line), file)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon)
            continue;
        line[strcspn(line, "\n")] = '\0';
        (void)snprintf(ret_name, room, "%s", colon + 1 + strspn(colon + 1, " "));
        break;
    }
    if (file)
        (void)fclose(file);
}

/* The accelerated drivers have names like generic-gcm-aesni: the word "generic" alone does not
 * decide. */
bool gw_platform_is_slow_aes(const char *driver)
{
    return strstr(driver, "aes-generic") || strstr(driver, "aes-lib") ||
           strstr(driver, "aes-fixed");
}
