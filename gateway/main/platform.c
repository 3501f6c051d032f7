/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/main/platform.h"

#include "gateway/base/attr.h"
#include "gateway/base/compat.h"

#if GW_ON_X86_64
#include <cpuid.h>
#endif
#include <limits.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *word, *advice;
} modules[] = {
    [GW_TLS_MODULE_UNKNOWN] = {"unknown", "try to load it as root: modprobe tls"},
    [GW_TLS_MODULE_INSTALLED] = {"installed", "load it as root: modprobe tls"},
    [GW_TLS_MODULE_MISSING] = {"missing", "this kernel takes it as a module that is not installed "
                                          "here: install the kernel's package of modules (in a "
                                          "container: on its host), then: modprobe tls"},
    [GW_TLS_MODULE_BUILTIN] = {"builtin", "it is part of this kernel; a container's or sandbox's "
                                          "policy may hide it"},
    [GW_TLS_MODULE_NOT_BUILT] = {"not-built", "this kernel was built without it (CONFIG_TLS): use "
                                              "a kernel that has it, such as Debian's own"},
};

const char *gw_platform_tls_module_word(enum gw_tls_module module)
{
    return modules[module].word;
}

const char *gw_platform_tls_module_advice(enum gw_tls_module module)
{
    return modules[module].advice;
}

/* Calls look() for each line until it gives an answer. Lines longer than the buffer come in pieces,
 * which is right for what is looked for here: it stands at the front. */
static enum gw_tls_module scan(FILE *file, enum gw_tls_module (*look)(const char *line))
{
    char line[1024];
    enum gw_tls_module found = GW_TLS_MODULE_UNKNOWN;
    while (found == GW_TLS_MODULE_UNKNOWN && fgets(line, sizeof(line), file))
        found = look(line);
    return found;
}

static enum gw_tls_module look_in_dep(const char *line)
{
    return strncmp(line, "kernel/net/tls/tls.ko", 21) ? GW_TLS_MODULE_UNKNOWN
                                                      : GW_TLS_MODULE_INSTALLED;
}

static enum gw_tls_module look_in_config(const char *line)
{
    static const struct {
        const char *line;
        enum gw_tls_module means;
    } lines[] = {
        {"CONFIG_TLS=y\n", GW_TLS_MODULE_BUILTIN},
        {"CONFIG_TLS=m\n", GW_TLS_MODULE_MISSING},
        {"# CONFIG_TLS is not set\n", GW_TLS_MODULE_NOT_BUILT},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(lines); i++)
        if (!strcmp(line, lines[i].line))
            return lines[i].means;
    return GW_TLS_MODULE_UNKNOWN;
}

struct place {
    const char *before, *after; /* of the kernel's release, below the root */
    enum gw_tls_module (*look)(const char *line);
};

static enum gw_tls_module scan_place(const struct place *place, const char *root,
                                     const char *release)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/%s%s%s", root, place->before, release, place->after);
    FILE *file = n > 0 && (size_t)n < sizeof(path) ? fopen(path, "re") : NULL;
    if (!file)
        return GW_TLS_MODULE_UNKNOWN;
    enum gw_tls_module found = scan(file, place->look);
    (void)fclose(file);
    return found;
}

/* Only of the machine itself, so that the path is fixed: it goes through a shell. */
static enum gw_tls_module scan_proc_config(void)
{
    FILE *pipe = popen("gzip -dc </proc/config.gz 2>/dev/null", "re");
    if (!pipe)
        return GW_TLS_MODULE_UNKNOWN;
    enum gw_tls_module found = scan(pipe, look_in_config);
    (void)pclose(pipe);
    return found;
}

enum gw_tls_module gw_platform_tls_module(const char *root, const char *release)
{
    static const struct place places[] = {
        {"lib/modules/", "/modules.dep", look_in_dep},
        {"boot/config-", "", look_in_config},
        {"lib/modules/", "/config", look_in_config},
    };
    enum gw_tls_module found = GW_TLS_MODULE_UNKNOWN;
    for (size_t i = 0; i < GW_ARRAY_SIZE(places) && found == GW_TLS_MODULE_UNKNOWN; i++)
        found = scan_place(&places[i], root, release);
    if (found == GW_TLS_MODULE_UNKNOWN && !*root)
        found = scan_proc_config();
    return found;
}

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
    {"AES-NI", 1, ECX, 25, STATE_NONE},    {"PCLMULQDQ", 1, ECX, 1, STATE_NONE},
    {"AVX2", 7, EBX, 5, STATE_AVX},        {"VAES", 7, ECX, 9, STATE_AVX},
    {"VPCLMULQDQ", 7, ECX, 10, STATE_AVX}, {"AVX-512", 7, EBX, 16, STATE_AVX512},
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

/* The accelerated ones are called generic-gcm-aesni and the like: the word alone does not tell. */
bool gw_platform_is_slow_aes(const char *driver)
{
    return strstr(driver, "aes-generic") || strstr(driver, "aes-lib") ||
           strstr(driver, "aes-fixed");
}
