/* SPDX-License-Identifier: Apache-2.0 */
/* Why a kernel has no tls ULP, and how to fix it, from files of the machine. */
#pragma once

enum gw_tls_module {
    GW_TLS_MODULE_UNKNOWN,   /* no file shows it */
    GW_TLS_MODULE_INSTALLED, /* the module is installed and only needs to be loaded */
    GW_TLS_MODULE_MISSING,   /* the kernel supports it as a module that is not installed */
    GW_TLS_MODULE_BUILTIN,   /* part of the kernel */
    GW_TLS_MODULE_NOT_BUILT, /* the kernel was built without it */
};

/*
 * Searches below `root` ("" for the machine itself): lib/modules/RELEASE/modules.dep, then the
 * kernel's configuration in boot/config-RELEASE, lib/modules/RELEASE/config or proc/config.gz.
 */
enum gw_tls_module gw_tlsmodule_find(const char *root, const char *release);
/* For this machine and its running kernel. */
enum gw_tls_module gw_tlsmodule_here(void);

/* One word for programs, and one sentence for people: the meaning and the remedy. */
const char *gw_tlsmodule_word(enum gw_tls_module module);
const char *gw_tlsmodule_advice(enum gw_tls_module module);
