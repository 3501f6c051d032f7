/* SPDX-License-Identifier: Apache-2.0 */
/* To be preloaded: see alloc_fault.h. Without a plan it changes nothing. */
#include "tests/integration/alloc_fault.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* The C library's own names for what stands behind malloc and its kin. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *p);

#define PUBLIC __attribute__((visibility("default")))

static struct alloc_fault *plan;

__attribute__((constructor)) static void map_plan(void)
{
    const char *path = getenv(ALLOC_FAULT_FILE);
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *p = mmap(NULL, sizeof(*plan), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd);
    if (p != MAP_FAILED)
        plan = p;
}

/* How deep in pthread_once. The model of TLS that allocates nothing. */
static _Thread_local unsigned once_depth __attribute__((tls_model("initial-exec")));

/* libcrypto 3.5 waits for itself for ever when an allocation in its own initialisation fails: to
 * note the error, it begins the initialisation once more. 3.0 does not. */
static bool waits_for_itself(void)
{
    unsigned long (*version)(void) =
        (unsigned long (*)(void))(uintptr_t)dlsym(RTLD_DEFAULT, "OpenSSL_version_num");
    return version && version() >= 0x30100000UL;
}

PUBLIC int pthread_once(pthread_once_t *once, void (*init)(void))
{
    int (*real)(pthread_once_t *, void (*)(void)) =
        (int (*)(pthread_once_t *, void (*)(void)))(uintptr_t)dlsym(RTLD_NEXT, "pthread_once");
    once_depth++;
    int r = real(once, init);
    once_depth--;
    return r;
}

static bool fails(void)
{
    if (!plan || (once_depth && waits_for_itself()))
        return false;
    uint64_t number = __atomic_add_fetch(&plan->calls, 1, __ATOMIC_RELAXED);
    uint64_t at = __atomic_load_n(&plan->at, __ATOMIC_RELAXED);
    uint64_t until = __atomic_load_n(&plan->until, __ATOMIC_RELAXED);
    uint64_t every = __atomic_load_n(&plan->every, __ATOMIC_RELAXED);
    bool in_range = number == at || (at && number > at && number <= until);
    if (!in_range && (!every || number % every))
        return false;
    (void)__atomic_add_fetch(&plan->failed, 1, __ATOMIC_RELAXED);
    errno = ENOMEM;
    return true;
}

static void *count_live(void *p)
{
    if (p && plan) {
        (void)__atomic_add_fetch(&plan->live, 1, __ATOMIC_RELAXED);
        (void)__atomic_add_fetch(&plan->bytes, malloc_usable_size(p), __ATOMIC_RELAXED);
    }
    return p;
}

static void count_dead(void *p)
{
    if (p && plan) {
        (void)__atomic_sub_fetch(&plan->live, 1, __ATOMIC_RELAXED);
        (void)__atomic_sub_fetch(&plan->bytes, malloc_usable_size(p), __ATOMIC_RELAXED);
    }
}

PUBLIC void *malloc(size_t size)
{
    return fails() ? NULL : count_live(__libc_malloc(size));
}

PUBLIC void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : count_live(__libc_calloc(count, size));
}

PUBLIC void free(void *p)
{
    count_dead(p);
    __libc_free(p);
}

PUBLIC void *realloc(void *old, size_t size)
{
    if (!old)
        return malloc(size);
    if (size == 0) {
        free(old);
        return NULL;
    }
    if (fails())
        return NULL;
    count_dead(old);
    void *p = __libc_realloc(old, size);
    (void)count_live(p ? p : old);
    return p;
}

PUBLIC void *aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : count_live(__libc_memalign(alignment, size));
}

PUBLIC int posix_memalign(void **ret, size_t alignment, size_t size)
{
    void *p = aligned_alloc(alignment, size);
    if (p)
        *ret = p;
    return p ? 0 : ENOMEM;
}
