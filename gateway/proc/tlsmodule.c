/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/proc/tlsmodule.h"

#include "gateway/base/attr.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <zlib.h>

static const struct {
    const char *word, *advice;
} modules[] = {
    [GW_TLS_MODULE_UNKNOWN] = {"unknown", "try to load it as root: modprobe tls"},
    [GW_TLS_MODULE_INSTALLED] = {"installed", "load it as root: modprobe tls"},
    [GW_TLS_MODULE_MISSING] =
        {"missing", "this kernel supports it as a module that is not installed here: install the "
                    "kernel's module package (in a container: on its host), then: modprobe tls"},
    [GW_TLS_MODULE_BUILTIN] = {"builtin", "it is part of this kernel; a container's or sandbox's "
                                          "policy may hide it"},
    [GW_TLS_MODULE_NOT_BUILT] = {"not-built", "this kernel was built without it (CONFIG_TLS): use "
                                              "a kernel that has it, such as Debian's own"},
};

const char *gw_tlsmodule_word(enum gw_tls_module module)
{
    return modules[module].word;
}

const char *gw_tlsmodule_advice(enum gw_tls_module module)
{
    return modules[module].advice;
}

/* Calls look() for each line until it gives an answer. A line longer than the buffer comes in
 * pieces, which is fine here: the relevant part is at its start. */
static enum gw_tls_module scan(gzFile file, enum gw_tls_module (*look)(const char *line))
{
    char line[1024];
    enum gw_tls_module found = GW_TLS_MODULE_UNKNOWN;
    while (found == GW_TLS_MODULE_UNKNOWN && gzgets(file, line, sizeof(line)))
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
    const char *before, *after; /* around the kernel's release, below the root; NULL: without it */
    enum gw_tls_module (*look)(const char *line);
};

/* zlib reads an uncompressed file unchanged. */
static enum gw_tls_module scan_place(const struct place *place, const char *root,
                                     const char *release)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/%s%s%s", root, place->before,
                     place->after ? release : "", place->after ? place->after : "");
    gzFile file = n > 0 && (size_t)n < sizeof(path) ? gzopen(path, "re") : NULL;
    if (!file)
        return GW_TLS_MODULE_UNKNOWN;
    enum gw_tls_module found = scan(file, place->look);
    (void)gzclose(file);
    return found;
}

enum gw_tls_module gw_tlsmodule_find(const char *root, const char *release)
{
    static const struct place places[] = {
        {"lib/modules/", "/modules.dep", look_in_dep},
        {"boot/config-", "", look_in_config},
        {"lib/modules/", "/config", look_in_config},
        {"proc/config.gz", NULL, look_in_config},
    };
    enum gw_tls_module found = GW_TLS_MODULE_UNKNOWN;
    for (size_t i = 0; i < GW_ARRAY_SIZE(places) && found == GW_TLS_MODULE_UNKNOWN; i++)
        found = scan_place(&places[i], root, release);
    return found;
}

enum gw_tls_module gw_tlsmodule_here(void)
{
    struct utsname name;
    return uname(&name) == 0 ? gw_tlsmodule_find("", name.release) : GW_TLS_MODULE_UNKNOWN;
}
