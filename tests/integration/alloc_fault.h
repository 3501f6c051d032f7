/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocations that fail on purpose, in a process that was started with the library of alloc_fault.c
 * preloaded, and in what it forks. The plan lies in a file that test and processes have mapped, so
 * that it can change while they run. All of it is read and written by __atomic builtins.
 */
#pragma once

#include <stdint.h>

/* Names the file of struct alloc_fault, in the environment of the process. */
#define ALLOC_FAULT_FILE "ALLOC_FAULT_FILE"

struct alloc_fault {
    uint64_t calls;  /* of malloc, calloc, realloc and their kin, since it was set to 0 */
    uint64_t failed; /* of these */
    uint64_t live;   /* number of live allocations */
    uint64_t bytes;  /* their total size */
    uint64_t at;     /* the call that fails, from 1; 0: none */
    uint64_t until;  /* end of the failing range, if it is larger */
    uint64_t every;  /* each call whose number it divides fails; 0: none */
};
