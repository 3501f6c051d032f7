/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/conn/report.h"

#include "gateway/base/clock.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* One row per text field, in the order of the line. */
static const struct {
    const char *key;
    size_t offset;
    size_t size;
} texts[] = {
#define ROW(key, field)                                                                            \
    {                                                                                              \
        key, offsetof(struct gw_conn_report, field), sizeof(((struct gw_conn_report *)0)->field)   \
    }
    ROW("service", service),   ROW("client", client),     ROW("via", via),
    ROW("detail", detail),     ROW("version", version),   ROW("suite", suite),
    ROW("group", group),       ROW("sni", sni),           ROW("alpn", alpn),
    ROW("rule", rule),         ROW("tx", tx_engine),      ROW("rx", rx_engine),
    ROW("tx_relay", tx_relay), ROW("rx_relay", rx_relay), ROW("engine_why", engine_why),
#undef ROW
};

void gw_conn_unique_id(char out[GW_UNIQUE_ID_MAX], uint64_t run, uint64_t id)
{
    (void)snprintf(out, GW_UNIQUE_ID_MAX, "%016" PRIx64 "-%" PRIx64, run, id);
}

static void add_unique_id(struct gw_line *line, const struct gw_conn_report *r)
{
    char text[GW_UNIQUE_ID_MAX];
    if (!r->run)
        return;
    gw_conn_unique_id(text, r->run, r->id);
    gw_line_str(line, "unique_id", text);
}

static void add_texts(struct gw_line *line, struct gw_conn_report *report)
{
    for (size_t i = 0; i < GW_ARRAY_SIZE(texts); i++) {
        char *text = (char *)report + texts[i].offset;
        text[texts[i].size - 1] = '\0';
        if (*text)
            gw_line_str(line, texts[i].key, text);
    }
}

/* A flag may hold any byte. */
static bool is_set(const bool *flag)
{
    uint8_t byte;
    memcpy(&byte, flag, sizeof(byte));
    return byte != 0;
}

enum gw_log_level gw_conn_report_level(const struct gw_conn_report *r)
{
    bool is_error = gw_reason_info((enum gw_reason)r->reason)->is_error;
    return is_error && !is_set(&r->harmless) ? GW_LOG_WARNING : GW_LOG_INFO;
}

bool gw_conn_report_of_stranger(const struct gw_conn_report *r, const struct gw_note *note)
{
    bool proved = note && r->handshake_us;
    return !proved && gw_reason_of_strangers((enum gw_reason)r->reason);
}

/* Formats the line without the peer's certificate, which can be long and comes last. */
static void format_report(struct gw_conn_report *r, enum gw_log_format format, int worker,
                          struct gw_line *line)
{
    const struct gw_reason_info *reason = gw_reason_info((enum gw_reason)r->reason);
    gw_line_begin(line, format, r->wall_ns, gw_conn_report_level(r), worker, "connection closed");
    gw_line_str(line, "reason", reason->word);
    gw_line_u64(line, "id", r->id);
    add_unique_id(line, r);
    add_texts(line, r);
    if (is_set(&r->resumed))
        gw_line_u64(line, "resumed", 1);
    gw_line_u64(line, "bytes_up", r->bytes_up);
    gw_line_u64(line, "bytes_down", r->bytes_down);
    if (r->key_updates_in)
        gw_line_u64(line, "key_updates_in", r->key_updates_in);
    if (r->key_updates_out)
        gw_line_u64(line, "key_updates_out", r->key_updates_out);
    gw_line_milli(line, "ms", r->duration_us);
    if (r->handshake_us)
        gw_line_milli(line, "handshake_ms", r->handshake_us);
}

size_t gw_entry_text_make(struct gw_entry_text *entry, enum gw_log_level level, const char *message)
{
    size_t len = strnlen(message, sizeof(entry->message) - 1);
    entry->kind = GW_ENTRY_TEXT;
    entry->level = (uint8_t)level;
    memcpy(entry->message, message, len);
    return offsetof(struct gw_entry_text, message) + len;
}

size_t gw_entry_conn_make(struct gw_entry_conn *entry, const struct gw_conn_report *report,
                          const struct gw_note *note)
{
    size_t len = note ? note->len : 0;
    gw_require(len <= sizeof(entry->note));
    entry->kind = GW_ENTRY_CONN;
    entry->report = *report;
    memcpy(entry->note, note ? note->packed : "", len);
    return offsetof(struct gw_entry_conn, note) + len;
}

static bool format_text(const void *data, size_t len, enum gw_log_format format, int worker,
                        struct gw_line *line)
{
    struct gw_entry_text entry;
    if (len < offsetof(struct gw_entry_text, message) || len >= sizeof(entry))
        return false;
    memcpy(&entry, data, len);
    ((char *)&entry)[len] = '\0';
    enum gw_log_level level = entry.level <= GW_LOG_DEBUG ? entry.level : GW_LOG_ERROR;
    gw_line_begin(line, format, gw_clock_wall_ns(), level, worker, entry.message);
    gw_line_end(line);
    return true;
}

bool gw_entry_format(const void *data, size_t len, enum gw_log_format format, int worker,
                     struct gw_line *line)
{
    uint8_t kind = len ? *(const uint8_t *)data : 0;
    if (kind == GW_ENTRY_TEXT)
        return format_text(data, len, format, worker, line);
    struct gw_entry_conn entry;
    size_t head = offsetof(struct gw_entry_conn, note);
    if (kind != GW_ENTRY_CONN || len < head || len > sizeof(entry))
        return false;
    memcpy(&entry, data, len);
    format_report(&entry.report, format, worker, line);
    gw_note_tell(entry.note, len - head, line);
    gw_line_end(line);
    return true;
}
