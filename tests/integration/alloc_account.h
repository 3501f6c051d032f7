/* SPDX-License-Identifier: Apache-2.0 */
/* A struct alloc_fault for a test and the processes that it starts, one at a time. */
#pragma once

#include "tests/integration/alloc_fault.h"

#include <stdbool.h>

/* A new one, all zero, in the world's folder; NULL: it cannot be made. */
struct alloc_fault *alloc_account_open(void);
void alloc_account_close(void);
/* Whether programs that start from now on are accounted for. None is without a library to preload,
 * or with the address sanitizer, which has its own malloc. */
void alloc_account_preload(bool on);
