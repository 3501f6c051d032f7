/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/crypto/algorithm.h"

#include <string.h>

bool gw_algorithm_is(const OSSL_ALGORITHM *a, const char *name)
{
    size_t len = strlen(name);
    return !strncmp(a->algorithm_names, name, len) &&
           (a->algorithm_names[len] == ':' || a->algorithm_names[len] == '\0');
}
