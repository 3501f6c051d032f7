/* SPDX-License-Identifier: Apache-2.0 */
/* Compiler attributes and the few macros that every module may use. */
#pragma once

#include <stddef.h>
#include <stdlib.h>

/* The result has an error: ignoring it is a compile error. */
#define gw_must_check __attribute__((warn_unused_result))
#define gw_printf(fmt, args) __attribute__((format(printf, fmt, args)))
#define gw_unused __attribute__((unused))
#define gw_noreturn __attribute__((noreturn))
#define gw_cleanup(fn) __attribute__((cleanup(fn)))
#define gw_likely(x) __builtin_expect(!!(x), 1)
#define gw_unlikely(x) __builtin_expect(!!(x), 0)

#define GW_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define GW_MIN(a, b) ((a) < (b) ? (a) : (b))
#define GW_MAX(a, b) ((a) > (b) ? (a) : (b))
#define gw_container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/* An internal invariant, checked in every build: a gateway with invalid state must not continue to
 * relay. Never for conditions that a peer or a file can cause. */
#define gw_require(cond)                                                                           \
    do {                                                                                           \
        if (gw_unlikely(!(cond)))                                                                  \
            gw_require_failed(#cond, __FILE__, __LINE__);                                          \
    } while (0)

gw_noreturn void gw_require_failed(const char *cond, const char *file, int line);

/* free() for locals: gw_cleanup(gw_freep) char *s = ...; */
static inline void gw_freep(void *p)
{
    free(*(void **)p);
}
