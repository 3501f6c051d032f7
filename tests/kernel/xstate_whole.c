/* SPDX-License-Identifier: Apache-2.0 */
/*
 * To be preloaded into user-mode-linux: lets old ones run on processors with AMX.
 *
 * A kernel takes the extended state of a traced process (NT_X86_XSTATE) only whole, and with AMX
 * that is 11 KiB. Up to some version between 6.1 and 7.2, user-mode-linux has 2696 bytes for it,
 * which end behind PKRU: reading gives it so much of it, and writing that back fails with EFAULT,
 * which kills its first process. Here what it writes is made whole. The rest is what it is at a
 * process's start, always: no process in there gets leave to use AMX.
 */
#include <cpuid.h>
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

#define PUBLIC __attribute__((visibility("default")))

enum {
    LEAF = 0xd,         /* of cpuid: the extended state */
    COMPONENT_MIN = 2,  /* x87 and SSE lie at the beginning always */
    COMPONENT_MAX = 62, /* 63 is not a component */
    BITS_AT = 512,      /* which components are not as they are at a start */
};

typedef long (*ptrace_fn)(int request, pid_t pid, void *address, void *data);

/* Not on the stack: user-mode-linux calls from stacks of 16 KiB. It has one thread. */
static uint8_t whole[64 * 1024];

static ptrace_fn next_ptrace(void)
{
    static ptrace_fn next;
    if (!next)
        next = (ptrace_fn)(uintptr_t)dlsym(RTLD_NEXT, "ptrace");
    return next;
}

/* The components that lie whole within the first `len` bytes. */
static uint64_t components_within(size_t len)
{
    uint64_t bits = 3;
    for (unsigned i = COMPONENT_MIN; i <= COMPONENT_MAX; i++) {
        unsigned size = 0, offset = 0, ecx, edx;
        if (__get_cpuid_count(LEAF, i, &size, &offset, &ecx, &edx) && size && offset + size <= len)
            bits |= UINT64_C(1) << i;
    }
    return bits;
}

/* The number of bytes that the kernel requires; 0: unknown. */
static size_t whole_size(pid_t pid)
{
    struct iovec all = {.iov_base = whole, .iov_len = sizeof(whole)};
    void *type = (void *)(uintptr_t)NT_X86_XSTATE;
    return next_ptrace()(PTRACE_GETREGSET, pid, type, &all) == 0 ? all.iov_len : 0;
}

static long set_state(pid_t pid, void *type, struct iovec *given)
{
    static size_t size, given_len;
    static uint64_t kept;
    uint64_t bits;
    if (size == 0 || given_len != given->iov_len) {
        size = whole_size(pid);
        given_len = given->iov_len;
        kept = components_within(given_len);
        memset(whole, 0, sizeof(whole));
    }
    if (given_len >= size)
        return next_ptrace()(PTRACE_SETREGSET, pid, type, given);
    memcpy(whole, given->iov_base, given_len);
    memcpy(&bits, whole + BITS_AT, sizeof(bits));
    bits &= kept;
    memcpy(whole + BITS_AT, &bits, sizeof(bits));
    struct iovec all = {.iov_base = whole, .iov_len = size};
    return next_ptrace()(PTRACE_SETREGSET, pid, type, &all);
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
PUBLIC long ptrace(enum __ptrace_request request, ...)
{
    va_list rest;
    va_start(rest, request);
    pid_t pid = va_arg(rest, pid_t);
    void *address = va_arg(rest, void *);
    void *data = va_arg(rest, void *);
    va_end(rest);
    if (request == PTRACE_SETREGSET && (uintptr_t)address == NT_X86_XSTATE)
        return set_state(pid, address, data);
    return next_ptrace()((int)request, pid, address, data);
}
