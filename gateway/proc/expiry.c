/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/proc/expiry.h"

#include "gateway/base/log.h"
#include "gateway/base/text.h"

#include <stdio.h>
#include <string.h>

#define DAY INT64_C(86400)
/* seconds from 1970, in either direction: beyond the dates of any certificate */
#define FAR (INT64_C(1) << 40)

static const int64_t days_before[] = {30, 7, 1, 0};

enum {
    WARNINGS = GW_ARRAY_SIZE(days_before)
};

/* ---- the table ---- */

static void set_name(struct gw_expiry_row *row, const struct gw_cert_facts *facts)
{
    size_t room = sizeof(row->name) - strlen(facts->flag) - sizeof("…") - 1;
    size_t len = strlen(facts->file);
    bool cut = len > room;
    (void)snprintf(row->name, sizeof(row->name), "%s %s%s", facts->flag, cut ? "…" : "",
                   cut ? facts->file + len - room : facts->file);
}

/* Keeps the rows sorted by expiry. */
static void insert(struct gw_expiry *e, const struct gw_cert_facts *facts)
{
    unsigned at = e->count;
    while (at > 0 && e->rows[at - 1].ends > facts->ends)
        at--;
    if (at == GW_EXPIRY_ROWS)
        return;
    if (e->count < GW_EXPIRY_ROWS)
        e->count++;
    memmove(e->rows + at + 1, e->rows + at, (e->count - at - 1) * sizeof(e->rows[0]));
    e->rows[at] = (struct gw_expiry_row){.begins = facts->begins, .ends = facts->ends};
    set_name(&e->rows[at], facts);
}

void gw_expiry_make(struct gw_expiry *ret, const struct gw_termset *set)
{
    memset(ret, 0, sizeof(*ret)); /* the whole struct is sent between processes */
    for (unsigned i = 0; i < set->count; i++) {
        const struct gw_tls_context *tls = set->terms[i]->tls;
        for (unsigned c = 0; c < gw_tls_context_cert_count(tls); c++) {
            struct gw_cert_facts facts;
            gw_tls_context_cert(tls, c, &facts);
            insert(ret, &facts);
        }
    }
}

static uint32_t warned_before(const struct gw_expiry *e, const struct gw_expiry_row *row)
{
    for (unsigned i = 0; i < e->count; i++)
        if (e->rows[i].ends == row->ends && strcmp(e->rows[i].name, row->name) == 0)
            return e->rows[i].warned;
    return 0;
}

static int64_t possible_date(int64_t seconds)
{
    return GW_MAX(GW_MIN(seconds, FAR), -FAR);
}

void gw_expiry_replace(struct gw_expiry *e, const struct gw_expiry *fresh)
{
    struct gw_expiry next = *fresh;
    next.count = GW_MIN(next.count, (uint32_t)GW_EXPIRY_ROWS);
    for (unsigned i = 0; i < next.count; i++) {
        next.rows[i].name[GW_EXPIRY_NAME - 1] = '\0';
        next.rows[i].begins = possible_date(next.rows[i].begins);
        next.rows[i].ends = possible_date(next.rows[i].ends);
        next.rows[i].warned = warned_before(e, &next.rows[i]);
    }
    *e = next;
}

/* ---- the warnings ---- */

/* The number of warnings that are due. */
static uint32_t due(const struct gw_expiry_row *row, int64_t now)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < WARNINGS; i++)
        if (row->ends - now <= days_before[i] * DAY &&
            row->ends - row->begins >= 3 * days_before[i] * DAY)
            count = i + 1;
    return count;
}

static void warn(const struct gw_expiry_row *row, int64_t now)
{
    char room[GW_TEXT_DATE];
    const char *date = gw_text_date(row->ends, room);
    if (row->ends <= now) {
        gw_log(GW_LOG_ERROR, "%s: the certificate expired on %s, and clients refuse it; renew it",
               row->name, date);
        return;
    }
    long long days = (long long)((row->ends - now) / DAY);
    gw_log(GW_LOG_WARNING, "%s: the certificate expires in %lld day%s, on %s; renew it", row->name,
           days, days == 1 ? "" : "s", date);
}

void gw_expiry_warn(struct gw_expiry *e, int64_t now)
{
    for (unsigned i = 0; i < e->count; i++) {
        struct gw_expiry_row *row = &e->rows[i];
        uint32_t count = due(row, now);
        if (count > row->warned)
            warn(row, now);
        row->warned = GW_MAX(row->warned, count);
    }
}
