/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/pki/text.h"

#include "gateway/base/wipe.h"

#include <errno.h>
#include <openssl/bio.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void gw_pki_text_done(struct gw_pki_text *text)
{
    gw_wipe(text->data, text->len);
    free(text->data);
    *text = (struct gw_pki_text){.data = NULL};
}

/* Does not use realloc, which would leave a copy behind. */
int gw_pki_text_add(struct gw_pki_text *text, const void *data, size_t len)
{
    struct gw_pki_text whole = {.data = malloc(text->len + len + 1), .len = text->len + len};
    if (!whole.data)
        return -ENOMEM;
    if (text->len)
        memcpy(whole.data, text->data, text->len);
    if (len)
        memcpy(whole.data + text->len, data, len);
    whole.data[whole.len] = '\0';
    gw_pki_text_done(text);
    *text = whole;
    return 0;
}

int gw_pki_text_append(struct gw_pki_text *text, BIO *memory)
{
    char *data = NULL;
    long len = BIO_get_mem_data(memory, &data);
    return len < 0 ? -ENOMEM : gw_pki_text_add(text, data, (size_t)len);
}

int gw_pki_text_printf(struct gw_pki_text *text, const char *fmt, ...)
{
    char *line = NULL;
    va_list args;
    va_start(args, fmt);
    int len = vasprintf(&line, fmt, args);
    va_end(args);
    if (len < 0)
        return -ENOMEM;
    int error = gw_pki_text_add(text, line, (size_t)len);
    free(line);
    return error;
}
