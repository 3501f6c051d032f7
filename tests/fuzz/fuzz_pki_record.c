/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of a certificate (record.txt). Input: the file. An accepted record is written again
 * as the same bytes, names its own folder, and requests only what a certificate may hold.
 */
#include "gateway/pki/record.h"
#include "tests/fuzz/target.h"

static void check_request(const struct gw_pki_request *q)
{
    const char *why;
    gw_require(gw_pki_name_good(q->name, &why));
    gw_require(!strchr(q->name, '/') && q->name[0] != '.' && q->name[0] != '-');
    gw_require(strlen(q->name) <= GW_PKI_NAME_MAX);
    gw_require(q->kind == GW_PKI_SERVER || q->kind == GW_PKI_CLIENT);
    gw_require(q->days >= 1 && q->days <= GW_PKI_DAYS_MAX && q->key_type < GW_PKI_KEY_COUNT);
    gw_require(q->san_count <= GW_PKI_SANS_MAX);
    for (unsigned i = 0; i < q->san_count; i++)
        for (const char *at = q->sans[i].text; *at; at++)
            gw_require((unsigned char)*at > ' ' && (unsigned char)*at < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_pki_record r;
    struct gw_error err = {.text = ""};
    struct gw_pki_text in = {.data = NULL}, out = {.data = NULL};
    gw_require(gw_pki_text_add(&in, data, size) == 0);
    if (gw_pki_record_read(&r, &in, "record.txt", &err)) {
        gw_require(err.exit == GW_EXIT_START && !strncmp(err.text, "record.txt: ", 12));
    } else {
        check_request(&r.request);
        gw_require(gw_pki_serial_good(r.serial.text));
        gw_require(!r.replaces.text[0] || gw_pki_serial_good(r.replaces.text));
        gw_require(gw_pki_record_write(&out, &r) == 0);
        gw_require(out.len == size && memcmp(out.data, data, size) == 0);
    }
    gw_pki_text_done(&out);
    gw_pki_record_done(&r);
    return 0;
}
