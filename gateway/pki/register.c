/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/pki/register.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int read_record(struct gw_pki_record *ret, const struct gw_pki_store *store,
                       const char *serial, struct gw_error *err)
{
    char name[GW_PKI_NAME_BYTES];
    char file[GW_PKI_NAME_BYTES + 512];
    struct gw_pki_text text;
    if (!gw_pki_serial_good(serial))
        return gw_error_set(err, GW_EXIT_START,
                            "%s/" GW_PKI_ISSUED
                            "/%.80s: this is not the folder of a certificate; move it elsewhere",
                            store->path, serial);
    (void)snprintf(name, sizeof(name), GW_PKI_ISSUED "/%s/record.txt", serial);
    (void)snprintf(file, sizeof(file), "%s/%s", store->path, name);
    int error = gw_pki_store_read(store, name, GW_PKI_RECORD_MAX, &text, NULL, err);
    if (!error)
        error = gw_pki_record_read(ret, &text, file, err);
    if (!error && strcmp(ret->serial.text, serial) != 0)
        error = gw_error_set(
            err, GW_EXIT_START,
            "%s: the record is for another certificate than the folder; restore it from a backup",
            file);
    return error;
}

static void mark_replaced(struct gw_pki_register *reg)
{
    for (size_t i = 0; i < reg->count; i++) {
        struct gw_pki_record *old = gw_pki_register_by_serial(reg, reg->records[i].replaces.text);
        if (old)
            old->replaced = true;
    }
}

static void load_each(struct gw_pki_register *reg, const struct gw_pki_store *store,
                      const struct gw_pki_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        struct gw_pki_record *r = &reg->records[reg->count];
        *r = (struct gw_pki_record){.issued = 0};
        if (!read_record(r, store, names->items[i], &reg->damage[reg->damage_count])) {
            reg->count++;
            continue;
        }
        reg->damage_count++;
        gw_pki_record_done(r);
    }
}

int gw_pki_register_load(struct gw_pki_register *ret, const struct gw_pki_store *store,
                         struct gw_error *err)
{
    struct gw_pki_names names;
    struct gw_pki_register reg = {.records = NULL};
    int error = gw_pki_store_list(store, GW_PKI_ISSUED, &names, err);
    if (error)
        return error;
    reg.records = calloc(names.count + 1, sizeof(*reg.records));
    reg.damage = calloc(names.count + 1, sizeof(*reg.damage));
    if (reg.records && reg.damage)
        load_each(&reg, store, &names);
    else
        error = gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    gw_pki_names_done(&names);
    if (error) {
        gw_pki_register_done(&reg);
        return error;
    }
    mark_replaced(&reg);
    *ret = reg;
    return 0;
}

int gw_pki_register_whole(const struct gw_pki_register *reg, struct gw_error *err)
{
    if (!reg->damage_count)
        return 0;
    return gw_error_set(err, GW_EXIT_START, "%s", reg->damage[0].text);
}

void gw_pki_register_done(struct gw_pki_register *reg)
{
    for (size_t i = 0; i < reg->count; i++)
        gw_pki_record_done(&reg->records[i]);
    free(reg->records);
    free(reg->damage);
    *reg = (struct gw_pki_register){.records = NULL};
}

static int compare_serial(const void *key, const void *record)
{
    return strcmp(key, ((const struct gw_pki_record *)record)->serial.text);
}

struct gw_pki_record *gw_pki_register_by_serial(const struct gw_pki_register *reg,
                                                const char *serial)
{
    if (!*serial || !reg->count)
        return NULL;
    return bsearch(serial, reg->records, reg->count, sizeof(*reg->records), compare_serial);
}

struct gw_pki_record *gw_pki_register_by_name(const struct gw_pki_register *reg, const char *name)
{
    struct gw_pki_record *newest = NULL;
    for (size_t i = 0; i < reg->count; i++) {
        struct gw_pki_record *r = &reg->records[i];
        if (!r->replaced && !strcmp(r->request.name, name) &&
            (!newest || r->issued > newest->issued))
            newest = r;
    }
    return newest;
}

int gw_pki_register_add(struct gw_pki_register *reg, const struct gw_pki_record *record,
                        struct gw_error *err)
{
    struct gw_pki_record copy;
    struct gw_pki_text text = {.data = NULL};
    size_t at = 0;
    struct gw_pki_record *more = realloc(reg->records, (reg->count + 2) * sizeof(*more));
    if (more)
        reg->records = more;
    if (!more || gw_pki_record_write(&text, record))
        return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    int error = gw_pki_record_read(&copy, &text, "the new record", err);
    if (error) {
        gw_pki_record_done(&copy);
        return error;
    }
    while (at < reg->count && strcmp(reg->records[at].serial.text, copy.serial.text) < 0)
        at++;
    memmove(&reg->records[at + 1], &reg->records[at], (reg->count - at) * sizeof(*reg->records));
    reg->records[at] = copy;
    reg->count++;
    mark_replaced(reg);
    return 0;
}
