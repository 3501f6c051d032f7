/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/main/report.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum {
    LABEL_WIDTH = 40
};

/* Length of the UTF-8 sequence at `s`; 0 when there is none. Values come from files. */
static size_t utf8_len(const unsigned char *s)
{
    size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

static void put_json_string(FILE *out, const char *value)
{
    const unsigned char *s = (const unsigned char *)value;
    (void)fputc('"', out);
    while (*s) {
        size_t n = utf8_len(s);
        if (*s == '"' || *s == '\\')
            (void)fprintf(out, "\\%c", *s);
        else if (n == 0 || *s < 0x20 || *s == 0x7f)
            (void)fprintf(out, "\\u%04x", n ? *s : 0xfffd);
        else
            (void)fwrite(s, 1, n, out);
        s += n ? n : 1;
    }
    (void)fputc('"', out);
}

/* Values from files must not control a terminal. */
static void put_text(FILE *out, const char *value)
{
    for (; *value; value++)
        (void)fputc((unsigned char)*value < 0x20 || *value == 0x7f ? '?' : *value, out);
}

static void put_key(FILE *out, const char *key)
{
    (void)fputc('"', out);
    for (; *key; key++)
        (void)fputc(isalnum((unsigned char)*key) ? tolower((unsigned char)*key) : '_', out);
    (void)fputs("\": ", out);
}

static void key_or_label(struct gw_report *r, const char *key, const char *label)
{
    if (!r->json) {
        (void)fprintf(r->out, "  %-*s ", LABEL_WIDTH, label);
        return;
    }
    (void)fprintf(r->out, "%s\n%s", r->separate ? "," : "", r->in_section ? "    " : "  ");
    put_key(r->out, key);
    r->separate = true;
}

void gw_report_begin(struct gw_report *r, FILE *out, bool json)
{
    *r = (struct gw_report){.out = out, .json = json};
    if (json)
        (void)fputc('{', out);
}

static void end_section(struct gw_report *r)
{
    if (r->in_section && r->json)
        (void)fputs("\n  }", r->out);
    r->in_section = false;
    r->separate = true;
}

int gw_report_end(struct gw_report *r)
{
    end_section(r);
    if (r->json)
        (void)fputs("\n}\n", r->out);
    return fflush(r->out) || ferror(r->out) ? -EIO : 0;
}

void gw_report_section(struct gw_report *r, const char *key, const char *title)
{
    if (r->in_section)
        end_section(r);
    if (r->json) {
        key_or_label(r, key, title);
        (void)fputc('{', r->out);
        r->separate = false;
    } else {
        (void)fprintf(r->out, "\n%s\n", title);
    }
    r->in_section = true;
}

void gw_report_string(struct gw_report *r, const char *key, const char *label, const char *value)
{
    key_or_label(r, key, label);
    if (r->json) {
        put_json_string(r->out, value);
        return;
    }
    put_text(r->out, value);
    (void)fputc('\n', r->out);
}

void gw_report_number(struct gw_report *r, const char *key, const char *label, uint64_t value,
                      const char *unit)
{
    key_or_label(r, key, label);
    if (value == UINT64_MAX)
        (void)fputs(r->json ? "null" : "unlimited\n", r->out);
    else if (r->json)
        (void)fprintf(r->out, "%" PRIu64, value);
    else
        (void)fprintf(r->out, "%" PRIu64 "%s%s\n", value, *unit ? " " : "", unit);
}

void gw_report_bool(struct gw_report *r, const char *key, const char *label, bool value)
{
    key_or_label(r, key, label);
    if (r->json)
        (void)fputs(value ? "true" : "false", r->out);
    else
        (void)fputs(value ? "yes\n" : "no\n", r->out);
}

static void put_json_trial(FILE *out, struct ktls_trial trial, const char *why)
{
    if (trial.works) {
        (void)fputs("{\"works\": true}", out);
        return;
    }
    (void)fputs("{\"works\": false", out);
    if (trial.error) {
        const char *name = strerrorname_np(trial.error);
        (void)fputs(", \"error\": ", out);
        put_json_string(out, name ? name : "unknown");
    }
    (void)fputs(", \"why\": ", out);
    put_json_string(out, why);
    (void)fputc('}', out);
}

void gw_report_trial(struct gw_report *r, const char *key, const char *label,
                     struct ktls_trial trial, const char *why)
{
    if (!why)
        why = trial.error ? strerror(trial.error) : "not tried";
    key_or_label(r, key, label);
    if (r->json) {
        put_json_trial(r->out, trial, why);
        return;
    }
    if (trial.works)
        (void)fputs("yes\n", r->out);
    else
        (void)fprintf(r->out, "no: %s\n", why);
}

void gw_report_hint(struct gw_report *r, const char *text)
{
    if (!r->json)
        (void)fprintf(r->out, "  %-*s %s\n", LABEL_WIDTH, "", text);
}
