/* SPDX-License-Identifier: Apache-2.0 */
/* What the machine says of itself, for `ktlsgate probe`: things that cannot be found by trying. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Why a kernel may have no tls upper layer. */
enum gw_tls_module {
    GW_TLS_MODULE_UNKNOWN,   /* nothing tells */
    GW_TLS_MODULE_INSTALLED, /* there is a module: it only has to be loaded */
    GW_TLS_MODULE_MISSING,   /* the kernel can have it as a module, which is not installed */
    GW_TLS_MODULE_BUILTIN,   /* part of the kernel */
    GW_TLS_MODULE_NOT_BUILT, /* the kernel was built without it */
};

/*
 * Looks below `root` ("" for the machine itself): lib/modules/RELEASE/modules.dep, then the
 * kernel's configuration in boot/config-RELEASE, lib/modules/RELEASE/config or proc/config.gz
 * (unpacked by gzip(1)).
 */
enum gw_tls_module gw_platform_tls_module(const char *root, const char *release);

/* One word for programs, and one sentence for people: what it means and what to do. */
const char *gw_platform_tls_module_word(enum gw_tls_module module);
const char *gw_platform_tls_module_advice(enum gw_tls_module module);

/* Rows 0, 1, …: instructions that record protection gains from, and whether this processor and
 * kernel offer them; NULL past the last. */
const char *gw_platform_cpu_feature(size_t index, bool *ret_there);
/* The processor's name from /proc/cpuinfo, "unknown" where it says none. */
void gw_platform_cpu_name(char *ret_name, size_t room);

/* Whether a driver name of /proc/crypto is a general one, made of parts for any processor; false
 * for
 * "". */
bool gw_platform_is_slow_aes(const char *driver);
