/* SPDX-License-Identifier: Apache-2.0 */
/* File descriptors: -1 is "none"; every descriptor is created close-on-exec. */
#pragma once

#include "gateway/base/attr.h"

/* Closes *fd unless it is -1, and sets it to -1. Preserves errno. */
void gw_fd_close(int *fd);

#define gw_auto_fd gw_cleanup(gw_fd_close) int

/* Raises the soft limit of open files to the hard one. Returns the limit now in force. */
unsigned long gw_fd_raise_limit(void);
