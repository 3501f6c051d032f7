/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/base/attr.h"

#include <stdio.h>

void gw_require_failed(const char *cond, const char *file, int line)
{
    fprintf(stderr, "ktlsgate: internal error: %s does not hold at %s:%d\n", cond, file, line);
    abort();
}
