/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/base/tmpdir.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DIGITS "0123456789"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool is_plain(const char *path)
{
    size_t len = strlen(path);
    return path[0] == '/' && len < GW_TMPDIR_MAX && strspn(path, DIGITS LOWER UPPER "/._-") == len;
}

static bool is_open_to_all(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_mode & S_IXOTH;
}

const char *gw_tmpdir(void)
{
    const char *path = secure_getenv("TMPDIR");
    return path && is_plain(path) && is_open_to_all(path) ? path : "/tmp";
}
