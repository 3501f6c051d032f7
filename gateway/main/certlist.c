/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/main/certlist.h"

#include "gateway/base/text.h"

#include <ctype.h>

enum {
    NAMES_SHOWN = 4
};

/* A path may contain any bytes, which must not control a terminal. */
static void put_text(FILE *out, const char *text)
{
    for (; *text; text++)
        (void)fputc(iscntrl((unsigned char)*text) ? '?' : *text, out);
}

static void put_names(FILE *out, const struct gw_cert_facts *f)
{
    if (f->name_count == 0)
        (void)fputs("no DNS name", out);
    for (unsigned i = 0; i < f->name_count && i < NAMES_SHOWN; i++) {
        (void)fputs(i ? ", " : "", out);
        put_text(out, f->names[i]);
    }
    if (f->name_count > NAMES_SHOWN)
        (void)fprintf(out, " and %u more", f->name_count - NAMES_SHOWN);
}

static void put_ocsp(FILE *out, const struct gw_cert_facts *f, int64_t now)
{
    char text[GW_TEXT_DATE];
    if (!f->has_ocsp)
        (void)fputs("no OCSP response", out);
    else if (now < f->ocsp_begins)
        (void)fprintf(out, "OCSP response not before %s", gw_text_date(f->ocsp_begins, text));
    else
        (void)fprintf(out, "OCSP response %s %s", now < f->ocsp_ends ? "until" : "expired on",
                      gw_text_date(f->ocsp_ends, text));
}

static void put_cert(FILE *out, const struct gw_cert_facts *f, int64_t now)
{
    char text[GW_TEXT_DATE];
    long long days = (long long)((f->ends - now) / 86400);
    (void)fprintf(out, "%s ", f->flag);
    put_text(out, f->file);
    (void)fputs(": ", out);
    put_names(out, f);
    (void)fprintf(out, "; %s; %lld day%s left, to %s; ", f->key, days, days == 1 ? "" : "s",
                  gw_text_date(f->ends, text));
    put_ocsp(out, f, now);
    (void)fputc('\n', out);
}

void gw_certlist_print(FILE *out, const struct gw_termset *set, int64_t now)
{
    for (unsigned i = 0; i < set->count; i++) {
        const struct gw_tls_context *tls = set->terms[i]->tls;
        for (unsigned c = 0; c < gw_tls_context_cert_count(tls); c++) {
            struct gw_cert_facts facts;
            gw_tls_context_cert(tls, c, &facts);
            put_cert(out, &facts, now);
        }
    }
}
