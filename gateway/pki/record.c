/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/pki/record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define FIRST_LINE "ktlsgate certificate record 1"
#define LAST_LINE "end"

static const struct {
    const char *word;
    long code;
} reasons[GW_PKI_REASON_COUNT] = {
    [GW_PKI_REASON_UNSPECIFIED] = {"unspecified", 0},
    [GW_PKI_REASON_KEY_COMPROMISE] = {"keyCompromise", 1},
    [GW_PKI_REASON_AFFILIATION_CHANGED] = {"affiliationChanged", 3},
    [GW_PKI_REASON_SUPERSEDED] = {"superseded", 4},
    [GW_PKI_REASON_CESSATION] = {"cessationOfOperation", 5},
    [GW_PKI_REASON_PRIVILEGE_WITHDRAWN] = {"privilegeWithdrawn", 9},
};

const char *gw_pki_reason_word(enum gw_pki_reason reason)
{
    return reason < GW_PKI_REASON_COUNT ? reasons[reason].word : NULL;
}

long gw_pki_reason_code(enum gw_pki_reason reason)
{
    return reasons[reason].code;
}

const char *gw_pki_state_word(enum gw_pki_state state)
{
    static const char *const words[] = {
        [GW_PKI_ACTIVE] = "active",
        [GW_PKI_REPLACED] = "replaced",
        [GW_PKI_EXPIRED] = "expired",
        [GW_PKI_REVOKED] = "revoked",
    };
    return words[state];
}

enum gw_pki_state gw_pki_record_state(const struct gw_pki_record *record, int64_t now)
{
    if (record->revoked)
        return GW_PKI_REVOKED;
    if (record->expires <= now)
        return GW_PKI_EXPIRED;
    return record->replaced ? GW_PKI_REPLACED : GW_PKI_ACTIVE;
}

/* ---- times ---- */

const char *gw_pki_time_text(int64_t time, char out[GW_PKI_TIME_TEXT])
{
    struct tm tm;
    time_t t = (time_t)time;
    if (!gmtime_r(&t, &tm) || !strftime(out, GW_PKI_TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm))
        (void)snprintf(out, GW_PKI_TIME_TEXT, "?");
    return out;
}

bool gw_pki_time_read(const char *text, int64_t *ret)
{
    struct tm tm = {.tm_year = 0};
    char again[GW_PKI_TIME_TEXT];
    if (strlen(text) != GW_PKI_TIME_TEXT - 1 || !strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm))
        return false;
    int64_t time = (int64_t)timegm(&tm);
    if (time < 0 || strcmp(gw_pki_time_text(time, again), text) != 0) /* for example 31 February */
        return false;
    *ret = time;
    return true;
}

/* ---- writing ---- */

static int put_sans(struct gw_pki_text *text, const struct gw_pki_request *q)
{
    int error = 0;
    for (unsigned i = 0; !error && i < q->san_count; i++)
        error =
            gw_pki_text_printf(text, "%s %s\n", gw_pki_san_word(q->sans[i].kind), q->sans[i].text);
    return error;
}

int gw_pki_record_write(struct gw_pki_text *text, const struct gw_pki_record *r)
{
    const struct gw_pki_request *q = &r->request;
    char issued[GW_PKI_TIME_TEXT], expires[GW_PKI_TIME_TEXT], revoked[GW_PKI_TIME_TEXT];
    int error = gw_pki_text_printf(text, FIRST_LINE "\nserial %s\nkind %s\nname %s\n",
                                   r->serial.text, gw_pki_kind_word(q->kind), q->name);
    if (!error && q->ou)
        error = gw_pki_text_printf(text, "ou %s\n", q->ou);
    if (!error)
        error = gw_pki_text_printf(
            text, "key-type %s\ndays %u\nissued %s\nexpires %s\n", gw_pki_key_word(q->key_type),
            q->days, gw_pki_time_text(r->issued, issued), gw_pki_time_text(r->expires, expires));
    if (!error)
        error = put_sans(text, q);
    if (!error && r->replaces.text[0])
        error = gw_pki_text_printf(text, "replaces %s\n", r->replaces.text);
    if (!error && r->revoked)
        error = gw_pki_text_printf(text, "revoked %s %s\n", gw_pki_time_text(r->revoked, revoked),
                                   gw_pki_reason_word(r->reason));
    return error ? error : gw_pki_text_printf(text, LAST_LINE "\n");
}

/* ---- reading: each parses a line's value, and returns whether it is valid ---- */

static bool take_serial(struct gw_pki_record *r, const char *value)
{
    if (gw_pki_serial_good(value))
        memcpy(r->serial.text, value, sizeof(r->serial.text));
    return r->serial.text[0] != '\0';
}

static bool take_replaces(struct gw_pki_record *r, const char *value)
{
    if (gw_pki_serial_good(value))
        memcpy(r->replaces.text, value, sizeof(r->replaces.text));
    return r->replaces.text[0] != '\0';
}

static bool take_kind(struct gw_pki_record *r, const char *value)
{
    r->request.kind =
        strcmp(value, gw_pki_kind_word(GW_PKI_SERVER)) ? GW_PKI_CLIENT : GW_PKI_SERVER;
    return !strcmp(value, gw_pki_kind_word(r->request.kind));
}

static bool take_name(struct gw_pki_record *r, const char *value)
{
    r->request.name = value;
    return true; /* checked with the whole request */
}

static bool take_ou(struct gw_pki_record *r, const char *value)
{
    r->request.ou = value;
    return true;
}

static bool take_key_type(struct gw_pki_record *r, const char *value)
{
    unsigned type = 0;
    while (type < GW_PKI_KEY_COUNT && strcmp(gw_pki_key_word((enum gw_pki_key_type)type), value))
        type++;
    r->request.key_type = (enum gw_pki_key_type)type;
    return type < GW_PKI_KEY_COUNT;
}

static bool take_days(struct gw_pki_record *r, const char *value)
{
    unsigned days = 0;
    for (const char *at = value; *at; at++) {
        if (*at < '0' || *at > '9' || days > GW_PKI_DAYS_MAX || (at == value && *at == '0'))
            return false;
        days = days * 10 + (unsigned)(*at - '0');
    }
    r->request.days = days;
    return true;
}

static bool take_issued(struct gw_pki_record *r, const char *value)
{
    return gw_pki_time_read(value, &r->issued);
}

static bool take_expires(struct gw_pki_record *r, const char *value)
{
    return gw_pki_time_read(value, &r->expires);
}

static bool take_san(struct gw_pki_record *r, const char *value, enum gw_pki_san_kind kind)
{
    if (r->request.san_count == GW_PKI_SANS_MAX)
        return false;
    r->request.sans[r->request.san_count++] = (struct gw_pki_san){.kind = kind, .text = value};
    return true;
}

/* The time, a blank, the reason. Changes the value. */
static bool take_revoked(struct gw_pki_record *r, char *value)
{
    char *blank = strchr(value, ' ');
    unsigned reason = 0;
    if (!blank)
        return false;
    *blank = '\0';
    while (reason < GW_PKI_REASON_COUNT && strcmp(reasons[reason].word, blank + 1) != 0)
        reason++;
    r->reason = (enum gw_pki_reason)reason;
    return reason < GW_PKI_REASON_COUNT && gw_pki_time_read(value, &r->revoked) && r->revoked;
}

/* The lines in their order, with those that are required and those that may repeat. */
static const struct line {
    const char *word;
    bool (*take)(struct gw_pki_record *r, const char *value);
    bool needed;
} lines[] = {
    {"serial", take_serial, true}, {"kind", take_kind, true},         {"name", take_name, true},
    {"ou", take_ou, false},        {"key-type", take_key_type, true}, {"days", take_days, true},
    {"issued", take_issued, true}, {"expires", take_expires, true},
};

/* The state while the file is read: one line at a time is cut off. */
struct reading {
    char *at; /* the rest */
    char *end;
    unsigned line;
    char *value; /* of the line last cut off, after its word; "" without one */
};

/* Cuts the next line into word and value. NULL when no whole line is left, or a line ends in a
 * blank. */
static char *next_line(struct reading *in)
{
    char *word = in->at;
    char *newline = word < in->end ? memchr(word, '\n', (size_t)(in->end - word)) : NULL;
    in->line++;
    if (!newline || memchr(word, '\0', (size_t)(newline - word)))
        return NULL;
    *newline = '\0';
    in->at = newline + 1;
    in->value = strchr(word, ' ');
    if (!in->value)
        in->value = newline;
    else if (in->value + 1 == newline)
        return NULL;
    else
        *in->value++ = '\0';
    return word;
}

/* Reads the lines of the table. On success *ret_word is the first line after them. */
static bool read_head(struct gw_pki_record *r, struct reading *in, char **ret_word)
{
    char *word = next_line(in);
    for (size_t i = 0; i < GW_ARRAY_SIZE(lines); i++) {
        bool here = word && !strcmp(word, lines[i].word);
        if (here ? !*in->value || !lines[i].take(r, in->value) : lines[i].needed)
            return false;
        if (here)
            word = next_line(in);
    }
    *ret_word = word;
    return word != NULL;
}

static bool read_sans(struct gw_pki_record *r, struct reading *in, char **word)
{
    for (unsigned kind = 0; *word && kind < GW_PKI_SAN_KIND_COUNT;) {
        if (strcmp(*word, gw_pki_san_word((enum gw_pki_san_kind)kind)) != 0) {
            kind++;
            continue;
        }
        if (!take_san(r, in->value, (enum gw_pki_san_kind)kind))
            return false;
        *word = next_line(in);
        kind = 0; /* they are in the order in which they were given */
    }
    return *word != NULL;
}

static bool read_tail(struct gw_pki_record *r, struct reading *in, char *word)
{
    if (!strcmp(word, "replaces")) {
        if (!take_replaces(r, in->value))
            return false;
        word = next_line(in);
    }
    if (word && !strcmp(word, "revoked")) {
        if (!take_revoked(r, in->value))
            return false;
        word = next_line(in);
    }
    return word && !strcmp(word, LAST_LINE) && !*in->value && in->at == in->end;
}

static bool read_lines(struct gw_pki_record *r, struct reading *in)
{
    char *word = in->at;
    char *newline = memchr(word, '\n', (size_t)(in->end - word));
    in->line = 1;
    if (!newline || (size_t)(newline - word) != strlen(FIRST_LINE) ||
        memcmp(word, FIRST_LINE, strlen(FIRST_LINE)) != 0)
        return false;
    in->at = newline + 1;
    return read_head(r, in, &word) && read_sans(r, in, &word) && read_tail(r, in, word);
}

int gw_pki_record_read(struct gw_pki_record *ret, struct gw_pki_text *text, const char *file,
                       struct gw_error *err)
{
    struct gw_error why;
    *ret = (struct gw_pki_record){.owner = *text};
    *text = (struct gw_pki_text){.data = NULL};
    if (!ret->owner.data)
        return gw_error_set(err, GW_EXIT_START, "%s: the record is empty", file);
    struct reading in = {.at = ret->owner.data, .end = ret->owner.data + ret->owner.len};
    if (!read_lines(ret, &in))
        return gw_error_set(err, GW_EXIT_START,
                            "%s: the record is damaged in line %u; restore it from a backup", file,
                            in.line);
    if (ret->expires < ret->issued || gw_pki_request_check(&ret->request, &why))
        return gw_error_set(
            err, GW_EXIT_START,
            "%s: the record is damaged: its lines contradict each other; restore it from a backup",
            file);
    return 0;
}

void gw_pki_record_done(struct gw_pki_record *record)
{
    gw_pki_text_done(&record->owner);
}
