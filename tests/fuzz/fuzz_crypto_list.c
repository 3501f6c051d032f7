/* SPDX-License-Identifier: Apache-2.0 */
/* Text in the format of /proc/crypto, as the probe reads it. Input: room for the name (1 byte),
 * then the text. */
#include "gateway/ktls/probe.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_reader r = gw_reader_of(data, size);
    size_t room = 1 + (size_t)gw_read_u8(&r) % 80;
    size_t len;
    uint8_t *text = input_bytes(&r, SIZE_MAX, &len);
    if (len > 0) {
        FILE *file = fmemopen(text, len, "r");
        char *name = malloc(room);
        gw_require(file && name);
        ktls_find_gcm_driver(file, name, room);
        size_t name_len = strnlen(name, room);
        gw_require(name_len < room && name_len < 64 && !strchr(name, '\n'));
        gw_require(name_len == 0 || memmem(text, len, "gcm(aes)", 8));
        gw_require(memmem(text, len, name, name_len));
        free(name);
        (void)fclose(file);
    }
    free(text);
    return 0;
}
