/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/base/log.h"

#include "gateway/base/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const level_words[] = {"error", "warning", "info", "debug", NULL};
static const char *const format_words[] = {"text", "json", NULL};

const char *gw_log_level_word(enum gw_log_level level)
{
    return (unsigned)level < GW_ARRAY_SIZE(level_words) ? level_words[level] : NULL;
}

const char *gw_log_format_word(enum gw_log_format format)
{
    return (unsigned)format < GW_ARRAY_SIZE(format_words) ? format_words[format] : NULL;
}

/* ---- one line ---- */

/* The end of a truncated line: "…", a quote, the cut field, a brace, newline, NUL. */
enum {
    TAIL_ROOM = 24
};

static void add(struct gw_line *line, const char *text, size_t len)
{
    if (line->full || line->len + len > sizeof(line->text) - TAIL_ROOM) {
        line->full = true;
        return;
    }
    memcpy(line->text + line->len, text, len);
    line->len += len;
}

static void add_str(struct gw_line *line, const char *text)
{
    add(line, text, strlen(text));
}

/* Length of the well-formed UTF-8 sequence at s (1 to 4). 0 when there is none (RFC 3629 4). */
static size_t utf8_len(const unsigned char *s)
{
    static const struct {
        unsigned char first_min, first_max, second_min, second_max;
        size_t len;
    } forms[] = {
        {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
        {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
        {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(forms); i++) {
        if (s[0] < forms[i].first_min || s[0] > forms[i].first_max)
            continue;
        if (s[1] < forms[i].second_min || s[1] > forms[i].second_max)
            return 0;
        for (size_t k = 2; k < forms[i].len; k++)
            if ((s[k] & 0xc0) != 0x80)
                return 0;
        return forms[i].len;
    }
    return 0;
}

static unsigned code_point(const unsigned char *s, size_t len)
{
    unsigned cp = s[0] & (0xffU >> (len + 1));
    for (size_t i = 1; i < len; i++)
        cp = cp << 6 | (s[i] & 0x3f);
    return cp;
}

/* Characters that a terminal obeys instead of printing: controls, zero-width marks, line
 * separators, changes of direction. With them a peer could disguise one line as another. */
static bool is_unseen(unsigned cp)
{
    static const struct {
        unsigned first, last;
    } ranges[] = {
        {0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},   {0x200b, 0x200f},
        {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(ranges); i++)
        if (cp >= ranges[i].first && cp <= ranges[i].last)
            return true;
    return false;
}

/* Adds the character at s. Returns its length in bytes. A byte that is not UTF-8 counts as a
 * character of that number, to be escaped. */
static size_t add_character(struct gw_line *line, const unsigned char *s)
{
    char escape[12];
    size_t wide = *s < 0x80 ? 1 : utf8_len(s);
    unsigned cp = wide > 1 ? code_point(s, wide) : *s;
    if (cp == '"' || cp == '\\') {
        (void)snprintf(escape, sizeof(escape), "\\%c", (char)cp);
    } else if (!wide || is_unseen(cp)) {
        (void)snprintf(escape, sizeof(escape), "\\u%04x", cp);
    } else {
        add(line, (const char *)s, wide);
        return wide;
    }
    add_str(line, escape);
    return wide ? wide : 1;
}

/* Adds untrusted text: quotes, backslashes, unprintable characters and bytes that are not UTF-8 are
 * escaped as in JSON, in both formats. Text that does not fit ends in "…". */
static void add_escaped(struct gw_line *line, const char *text)
{
    if (line->full)
        return;
    for (const unsigned char *s = (const unsigned char *)text; *s && !line->full;)
        s += add_character(line, s);
    if (line->full) {
        memcpy(line->text + line->len, "…", strlen("…"));
        line->len += strlen("…");
    }
}

static bool needs_quotes(const char *value)
{
    for (const unsigned char *s = (const unsigned char *)value; *s; s++)
        if (*s <= ' ' || *s == '"' || *s == '=' || *s == '\\' || *s >= 0x7f)
            return true;
    return *value == '\0';
}

static void add_key(struct gw_line *line, const char *key)
{
    bool json = line->format == GW_LOG_JSON;
    add_str(line, json ? ",\"" : " ");
    add_str(line, key);
    add_str(line, json ? "\":" : "=");
}

/* A field is added whole, or cut within its value; never within its key. */
void gw_line_str(struct gw_line *line, const char *key, const char *value)
{
    if (line->full || line->len + strlen(key) + TAIL_ROOM * 2 > sizeof(line->text)) {
        line->full = true;
        return;
    }
    bool quoted = line->format == GW_LOG_JSON || needs_quotes(value);
    add_key(line, key);
    if (quoted)
        add_str(line, "\"");
    add_escaped(line, value);
    if (quoted)
        line->text[line->len++] = '"';
}

static void add_number(struct gw_line *line, const char *key, const char *digits)
{
    if (line->full ||
        line->len + strlen(key) + strlen(digits) + TAIL_ROOM * 2 > sizeof(line->text)) {
        line->full = true;
        return;
    }
    add_key(line, key);
    add_str(line, digits);
}

void gw_line_u64(struct gw_line *line, const char *key, uint64_t value)
{
    char digits[24];
    (void)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
    add_number(line, key, digits);
}

void gw_line_milli(struct gw_line *line, const char *key, uint64_t milli)
{
    char digits[32];
    (void)snprintf(digits, sizeof(digits), "%llu.%03u", (unsigned long long)(milli / 1000),
                   (unsigned)(milli % 1000));
    add_number(line, key, digits);
}

static void format_time(char *out, size_t size, int64_t wall_ns)
{
    int64_t rest = wall_ns % GW_NS_PER_SEC;
    bool early = rest < 0; /* before 1970: the report may come from a faulty worker */
    time_t seconds = (time_t)(wall_ns / GW_NS_PER_SEC) - early;
    rest += early ? GW_NS_PER_SEC : 0;
    struct tm tm;
    char date[32] = "?";
    if (gmtime_r(&seconds, &tm))
        (void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(out, size, "%s.%03dZ", date, (int)(rest / GW_NS_PER_MS));
}

static void begin_text(struct gw_line *line, const char *time, const char *level, int worker,
                       const char *message)
{
    char head[96];
    if (worker >= 0)
        (void)snprintf(head, sizeof(head), "%s %s worker=%d ", time, level, worker);
    else
        (void)snprintf(head, sizeof(head), "%s %s ", time, level);
    add_str(line, head);
    add_escaped(line, message);
}

static void begin_json(struct gw_line *line, const char *time, const char *level, int worker,
                       const char *message)
{
    char head[96];
    (void)snprintf(head, sizeof(head), "{\"time\":\"%s\",\"level\":\"%s\"", time, level);
    add_str(line, head);
    if (worker >= 0)
        gw_line_u64(line, "worker", (uint64_t)worker);
    gw_line_str(line, "message", message);
}

void gw_line_begin(struct gw_line *line, enum gw_log_format format, int64_t wall_ns,
                   enum gw_log_level level, int worker, const char *message)
{
    char time[48];
    const char *word = gw_log_level_word(level);
    line->len = 0;
    line->full = false;
    line->format = format;
    format_time(time, sizeof(time), wall_ns);
    (format == GW_LOG_JSON ? begin_json : begin_text)(line, time, word ? word : "?", worker,
                                                      message);
}

void gw_line_end(struct gw_line *line)
{
    bool json = line->format == GW_LOG_JSON;
    const char *cut = json ? ",\"cut\":true" : " cut=true";
    int len = snprintf(line->text + line->len, sizeof(line->text) - line->len, "%s%s\n",
                       line->full ? cut : "", json ? "}" : "");
    line->len += (size_t)len;
}

/* ---- the process's log ---- */

static struct gw_log_config current = {
    .level = GW_LOG_INFO,
    .format = GW_LOG_TEXT,
    .worker = -1,
};

void gw_log_setup(const struct gw_log_config *config)
{
    current = *config;
}

const struct gw_log_config *gw_log_config(void)
{
    return &current;
}

bool gw_log_ready(int wait_ms)
{
    struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
    return poll(&p, 1, wait_ms) > 0; /* an error counts: the write then fails without waiting */
}

static unsigned long lost; /* lines lost since standard error last accepted one */
static bool torn;          /* only part of the last line was written: the disk is full */

/* True when standard error accepted all of it. */
static bool put(const char *text, size_t len)
{
    ssize_t n;
    do
        n = write(STDERR_FILENO, text, len);
    while (n < 0 && errno == EINTR);
    if (n > 0)
        torn = (size_t)n < len;
    return n == (ssize_t)len;
}

/* Ends a torn line before the next one begins. */
static bool put_line(const char *text, size_t len)
{
    return (!torn || put("\n", 1)) && put(text, len);
}

static void report_lost(void)
{
    struct gw_line line;
    char message[96];
    (void)snprintf(message, sizeof(message), "the log could not be written: %lu lines are lost",
                   lost);
    gw_line_begin(&line, current.format, gw_clock_wall_ns(), GW_LOG_WARNING, current.worker,
                  message);
    gw_line_end(&line);
    if (put_line(line.text, line.len))
        lost = 0;
}

void gw_log_write(const char *text, size_t len)
{
    if (lost && gw_log_ready(0))
        report_lost();
    if (!gw_log_ready(lost ? 0 : GW_LOG_PATIENCE_MS) || !put_line(text, len))
        lost++;
}

static void write_line(enum gw_log_level level, const char *message)
{
    struct gw_line line;
    gw_line_begin(&line, current.format, gw_clock_wall_ns(), level, current.worker, message);
    gw_line_end(&line);
    gw_log_write(line.text, line.len);
}

static _Thread_local bool muted;

void gw_log_mute(bool mute)
{
    muted = mute;
}

void gw_log(enum gw_log_level level, const char *fmt, ...)
{
    char message[GW_LOG_MESSAGE_MAX];
    va_list args;
    if (muted || !gw_log_wanted(level))
        return;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    if (current.sink)
        current.sink(current.arg, level, message);
    else
        write_line(level, message);
}

void gw_log_notes(const struct gw_notes *notes)
{
    for (unsigned i = 0; i < notes->count; i++)
        gw_log(GW_LOG_WARNING, "%s", notes->all[i]);
    if (notes->more)
        gw_log(GW_LOG_WARNING, "there are %u more such warnings", notes->more);
}
