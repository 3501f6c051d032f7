/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/pki/pass.h"

#include "gateway/base/fd.h"
#include "gateway/base/wipe.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Reads at most `max` bytes. Returns their number; -1 with errno. A pipe (a shell's `<(…)`) may
 * deliver them in parts. */
static ssize_t read_up_to(int fd, char *data, size_t max)
{
    size_t len = 0;
    while (len < max) {
        ssize_t n = read(fd, data + len, max - len);
        if (n < 0 && errno != EINTR)
            return -1;
        if (n == 0)
            break;
        if (n > 0)
            len += (size_t)n;
    }
    return (ssize_t)len;
}

int gw_pki_pass_read(struct gw_pki_text *ret, const char *flag, const char *path,
                     struct gw_error *err)
{
    char data[GW_PKI_PASS_MAX + 2];
    struct gw_pki_text text = {.data = NULL};
    gw_auto_fd fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    ssize_t n = fd < 0 ? -1 : read_up_to(fd, data, sizeof(data));
    if (n < 0) {
        int error = errno;
        gw_wipe(data, sizeof(data)); /* a part may have arrived */
        return gw_error_set(err, GW_EXIT_START, "%s %s: the file cannot be read: %s", flag, path,
                            strerror(error));
    }
    size_t len = 0;
    while (len < (size_t)n && data[len] != '\n' && data[len] != '\r' && data[len] != '\0')
        len++;
    int error = 0;
    if (!len || len > GW_PKI_PASS_MAX)
        error = gw_error_set(err, GW_EXIT_USAGE,
                             "%s %s: the first line must be a pass phrase of 1 to %d bytes", flag,
                             path, GW_PKI_PASS_MAX);
    else if (gw_pki_text_add(&text, data, len))
        error = gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    gw_wipe(data, sizeof(data));
    if (!error)
        *ret = text;
    return error;
}
