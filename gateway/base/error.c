/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int gw_error_set(struct gw_error *err, enum gw_exit exit, const char *fmt, ...)
{
    if (err) {
        va_list args;
        va_start(args, fmt);
        err->exit = exit;
        (void)vsnprintf(err->text, sizeof(err->text), fmt, args);
        va_end(args);
    }
    return exit == GW_EXIT_USAGE ? -EINVAL : -EIO;
}
