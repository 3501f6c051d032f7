/* SPDX-License-Identifier: Apache-2.0 */
/* Work on a stack that can be looked at afterwards: what it has left there. */
#pragma once

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

enum {
    OWN_STACK_SIZE = 512 << 10,
    OWN_STACK_FILL = 0xa5,     /* before the work */
    OWN_STACK_ROOM = 32 << 10, /* for the end of the thread, which shall not write over the rest */
};

struct own_stack {
    uint8_t *memory;
    void (*work)(void *arg);
    void *arg;
    const volatile uint8_t *top; /* the work is below */
};

static inline void own_stack_init(struct own_stack *s)
{
    s->memory = mmap(NULL, OWN_STACK_SIZE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    assert_true(s->memory != MAP_FAILED);
}

static inline void own_stack_done(struct own_stack *s)
{
    assert_int_equal(munmap(s->memory, OWN_STACK_SIZE), 0);
}

static inline void *own_stack_enter(void *arg)
{
    struct own_stack *s = arg;
    volatile uint8_t room[OWN_STACK_ROOM];
    room[0] = 0;
    s->top = room;
    s->work(s->arg);
    room[OWN_STACK_ROOM - 1] = room[0];
    return NULL;
}

/* Runs the work to its end, on memory that is filled. */
static inline void own_stack_run(struct own_stack *s, void (*work)(void *arg), void *arg)
{
    pthread_attr_t attr;
    pthread_t thread;
    memset(s->memory, OWN_STACK_FILL, OWN_STACK_SIZE);
    s->work = work;
    s->arg = arg;
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstack(&attr, s->memory, OWN_STACK_SIZE), 0);
    assert_int_equal(pthread_create(&thread, &attr, own_stack_enter, s), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(pthread_attr_destroy(&attr), 0);
}

static inline int own_stack_holds(const struct own_stack *s, const void *data, size_t len)
{
    return memmem(s->memory, OWN_STACK_SIZE, data, len) != NULL;
}

/* Bytes that the work took, wiped ones with them. */
static inline size_t own_stack_depth(const struct own_stack *s)
{
    const uint8_t *lowest = s->memory;
    while (lowest < s->top && *lowest == OWN_STACK_FILL)
        lowest++;
    return (size_t)(s->top - lowest);
}
