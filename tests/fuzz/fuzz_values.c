/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of flags. Input: the kind (one byte), its text, NUL, for addresses a second one. An
 * accepted value has the same meaning for other code; a refused one has a reason and changes
 * nothing.
 */
#include "gateway/config/address.h"
#include "gateway/config/cpus.h"
#include "gateway/config/ids.h"
#include "gateway/config/units.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>

static bool refused(int result, const char *const *why)
{
    if (result >= 0)
        return false;
    gw_require(*why && **why);
    return true;
}

/* The digits at the front as a number; false when there are none or it does not fit 64 bits. */
static bool number_at_front(const char *text, uint64_t *ret, const char **ret_rest)
{
    char *end;
    if (strspn(text, "0123456789") == 0)
        return false;
    errno = 0;
    *ret = strtoull(text, &end, 10);
    *ret_rest = end;
    return errno == 0;
}

static void check_count(const char *text)
{
    uint64_t got = 42, n;
    const char *why = NULL, *rest;
    bool good = number_at_front(text, &n, &rest) && !*rest;
    gw_require(good != refused(gw_units_count(text, &got, &why), &why));
    gw_require(got == (good ? n : 42));
}

static const struct factor {
    const char *suffix;
    uint64_t factor;
} times[] = {{"ms", 1000000},      {"s", 1000000000},     {"m", 60000000000},
             {"h", 3600000000000}, {"d", 86400000000000}, {NULL, 0}},
  sizes[] = {{"", 1}, {"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}, {NULL, 0}};

static bool with_unit(const char *text, const struct factor *units, uint64_t max, uint64_t *ret)
{
    uint64_t n;
    const char *rest;
    if (!number_at_front(text, &n, &rest))
        return false;
    for (int i = 0; units[i].suffix; i++) {
        if (strcmp(units[i].suffix, rest) != 0)
            continue;
        unsigned __int128 product = (unsigned __int128)n * units[i].factor;
        *ret = (uint64_t)product;
        return product <= max;
    }
    *ret = 0;
    return !*rest && n == 0;
}

static void check_duration(const char *text)
{
    int64_t got = 42, again = 0;
    uint64_t ns = 0;
    const char *why = NULL;
    char written[GW_UNITS_TEXT_MAX];
    bool good = with_unit(text, times, INT64_MAX, &ns);
    gw_require(good != refused(gw_units_duration(text, &got, &why), &why));
    gw_require(got == (good ? (int64_t)ns : 42));
    if (!good)
        return;
    gw_require(gw_units_duration(gw_units_duration_text(got, written), &again, &why) == 0);
    gw_require(again == got);
}

static void check_size(const char *text)
{
    uint64_t got = 42, bytes = 0;
    const char *why = NULL;
    bool good = with_unit(text, sizes, UINT64_MAX, &bytes);
    gw_require(good != refused(gw_units_size(text, &got, &why), &why));
    gw_require(got == (good ? bytes : 42));
}

static void check_cpus(const char *text)
{
    int cpus[GW_MAX_WORKERS], again[GW_MAX_WORKERS];
    static char written[GW_MAX_WORKERS * 5 + 1];
    const char *why = NULL;
    size_t len = 0;
    int count = gw_cpus_read(text, cpus, &why);
    if (refused(count, &why))
        return;
    gw_require(count >= 1 && count <= GW_MAX_WORKERS);
    for (int i = 0; i < count; i++) {
        gw_require(cpus[i] >= 0 && cpus[i] < GW_MAX_CPU);
        for (int k = 0; k < i; k++)
            gw_require(cpus[k] != cpus[i]);
        len += (size_t)snprintf(written + len, sizeof(written) - len, i ? ",%d" : "%d", cpus[i]);
    }
    gw_require(gw_cpus_read(written, again, &why) == count);
    gw_require(memcmp(cpus, again, sizeof(*cpus) * (size_t)count) == 0);
}

static void check_ids(const char *text)
{
    uid_t uid = (uid_t)-1;
    gid_t gid = (gid_t)-1;
    const char *why = NULL;
    if (!refused(gw_ids_user(text, true, &uid, &gid, &why), &why))
        gw_require(uid != (uid_t)-1 && gid != (gid_t)-1);
    uid = gid = (uid_t)-1;
    if (!refused(gw_ids_user(text, false, &uid, &gid, &why), &why))
        gw_require(uid != (uid_t)-1 && gid == (gid_t)-1);
    if (!refused(gw_ids_group(text, &gid, &why), &why))
        gw_require(gid != (gid_t)-1);
}

/* The numeric form of a numeric address is read as the same one. */
static void check_numeric(const struct gw_address_spec *spec, enum gw_address_use use)
{
    char host[NI_MAXHOST], text[NI_MAXHOST + 16];
    struct gw_address_spec again;
    const char *why;
    const struct gw_address *a = &spec->numeric;
    const struct sockaddr *sa = (const struct sockaddr *)&a->addr;
    gw_require(a->addr.ss_family == AF_INET || a->addr.ss_family == AF_INET6);
    gw_require(getnameinfo(sa, a->len, host, sizeof(host), NULL, 0, NI_NUMERICHOST) == 0);
    (void)snprintf(text, sizeof(text), a->addr.ss_family == AF_INET6 ? "[%s]:%u" : "%s:%u", host,
                   spec->port);
    gw_require(gw_address_read(text, use, &again, &why) == 0);
    gw_require(again.kind == GW_ADDRESS_NUMERIC && again.numeric.len == a->len);
    gw_require(memcmp(&again.numeric.addr, &a->addr, a->len) == 0);
}

static bool read_address(const char *text, enum gw_address_use use, struct gw_address *ret)
{
    struct gw_address_spec spec, blank;
    const char *why = NULL;
    memset(&spec, 0x5a, sizeof(spec));
    memset(&blank, 0x5a, sizeof(blank));
    if (refused(gw_address_read(text, use, &spec, &why), &why)) {
        gw_require(memcmp(&spec, &blank, sizeof(spec)) == 0);
        return false;
    }
    gw_require(spec.text == text && strnlen(spec.host, sizeof(spec.host)) < sizeof(spec.host));
    gw_require(use == GW_ADDRESS_LISTEN || spec.kind == GW_ADDRESS_UNIX || spec.port > 0);
    gw_require(use == GW_ADDRESS_LISTEN || spec.kind != GW_ADDRESS_ANY);
    if (spec.kind == GW_ADDRESS_NUMERIC)
        check_numeric(&spec, use);
    if (spec.kind == GW_ADDRESS_NAME) /* a resolver is not asked here */
        return false;
    gw_require(gw_address_resolve(&spec, use, ret, 1, &why) == 1);
    gw_require(ret->len <= sizeof(ret->addr));
    gw_require(strncmp(ret->text, text, sizeof(ret->text) - 1) == 0);
    return true;
}

static void check_addresses(const char *text, const char *other)
{
    struct gw_address target, listener;
    bool both = read_address(text, GW_ADDRESS_TARGET, &target);
    if (!read_address(other, GW_ADDRESS_LISTEN, &listener) || !both)
        return;
    bool same = gw_address_same(&target, &listener);
    gw_require(same == gw_address_same(&listener, &target));
    gw_require(gw_address_same(&target, &target)); /* its port is not 0 */
    gw_require(!same || gw_address_reaches(&target, &listener));
    gw_require(target.addr.ss_family != AF_UNIX || listener.addr.ss_family == AF_UNIX || !same);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const checks[])(const char *) = {check_count, check_duration, check_size,
                                                   check_cpus, check_ids};
    struct gw_reader r = gw_reader_of(data, size);
    size_t what = gw_read_u8(&r) % (GW_ARRAY_SIZE(checks) + 1);
    char *text = input_text(&r, '\0');
    char *other = input_text(&r, '\0');
    if (what < GW_ARRAY_SIZE(checks))
        checks[what](text);
    else
        check_addresses(text, other);
    free(other);
    free(text);
    return 0;
}
