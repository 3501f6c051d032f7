/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fuzz target is one function of this name in fuzz_NAME.c; what must hold it says with
 * gw_require. Its seeds lie in corpus/NAME and are run in the normal tests too.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
