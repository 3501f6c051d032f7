/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/keylog.h"

#include "gateway/base/wipe.h"

#include <string.h>

enum {
    RANDOM_DIGITS = 2 * 32
};

/* The value of a lower-case hex digit. Another byte sets bits in *bad: it differs from the digit
 * that the value would be written as. */
static unsigned digit(unsigned char c, unsigned *bad)
{
    unsigned value = (c & 15) + 9 * (c >> 6);
    unsigned above_9 = (9 - value) >> 8 & 1;
    *bad |= ('0' + value + above_9 * ('a' - '0' - 10)) ^ c;
    *bad |= value & ~15U;
    return value & 15;
}

/* Returns the number of bytes; 0 when `hex` is malformed. */
static uint8_t take_secret(const char *hex, uint8_t ret[GW_HASH_MAX])
{
    size_t len = strnlen(hex, 2 * GW_HASH_MAX + 1);
    unsigned bad = len % 2;
    if (len > 2 * GW_HASH_MAX)
        return 0;
    for (size_t i = 0; i + 1 < len; i += 2) {
        unsigned high = digit((unsigned char)hex[i], &bad);
        ret[i / 2] = (uint8_t)(high << 4 | digit((unsigned char)hex[i + 1], &bad));
    }
    if (!bad)
        return (uint8_t)(len / 2);
    gw_wipe(ret, GW_HASH_MAX);
    return 0;
}

/* The text after label and random; "" without a random; NULL: another label. */
static const char *after(const char *line, const char *label)
{
    size_t len = strlen(label);
    if (strncmp(line, label, len) != 0)
        return NULL;
    line += len;
    return strnlen(line, RANDOM_DIGITS + 1) > RANDOM_DIGITS && line[RANDOM_DIGITS] == ' '
               ? line + RANDOM_DIGITS + 1
               : "";
}

void gw_keylog_take(const char *line, struct gw_traffic_secrets *ret)
{
    const char *client = after(line, "CLIENT_TRAFFIC_SECRET_0 ");
    const char *server = after(line, "SERVER_TRAFFIC_SECRET_0 ");
    if (client)
        ret->client_len = take_secret(client, ret->client);
    if (server)
        ret->server_len = take_secret(server, ret->server);
}
