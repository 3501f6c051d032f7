/* SPDX-License-Identifier: Apache-2.0 */
/* Why a kernel has no tls upper layer, and what to do: of what the machine's files say. */
#pragma once

enum gw_tls_module {
    GW_TLS_MODULE_UNKNOWN,   /* nothing tells */
    GW_TLS_MODULE_INSTALLED, /* there is a module: it only has to be loaded */
    GW_TLS_MODULE_MISSING,   /* the kernel can have it as a module, which is not installed */
    GW_TLS_MODULE_BUILTIN,   /* part of the kernel */
    GW_TLS_MODULE_NOT_BUILT, /* the kernel was built without it */
};

/*
 * Looks below `root` ("" for the machine itself): lib/modules/RELEASE/modules.dep, then the
 * kernel's configuration in boot/config-RELEASE, lib/modules/RELEASE/config or proc/config.gz.
 */
enum gw_tls_module gw_tlsmodule_find(const char *root, const char *release);
/* Of this machine and the kernel it runs. */
enum gw_tls_module gw_tlsmodule_here(void);

/* One word for programs, and one sentence for people: what it means and what to do. */
const char *gw_tlsmodule_word(enum gw_tls_module module);
const char *gw_tlsmodule_advice(enum gw_tls_module module);
