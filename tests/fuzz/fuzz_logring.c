/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker that is not ours any more writes into the memory that it shares with the master: what
 * the master makes of it must be whole lines, each the worker's own. Input: steps of one byte and
 * what they need.
 */
#include "gateway/base/logring.h"
#include "gateway/conn/report.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/line_check.h"
#include "tests/fuzz/target.h"

enum {
    WORKER = 7,
    STEPS_MAX = 64
};

static struct gw_logring ring;

static void push(const void *entry, size_t len)
{
    bool wake;
    (void)gw_logring_push(&ring, entry, len, 0, &wake);
}

static void step_text(struct gw_reader *r)
{
    struct gw_entry_text entry;
    size_t len = gw_read_u16(r);
    uint8_t *raw = input_bytes(r, len % sizeof(entry.message), &len);
    char message[sizeof(entry.message)] = {0};
    memcpy(message, raw, len);
    push(&entry, gw_entry_text_make(&entry, (enum gw_log_level)(len % 4), message));
    free(raw);
}

/* A report with parts of it overwritten: number of parts, then offset, length and bytes of each. */
static void step_report(struct gw_reader *r)
{
    struct gw_conn_report report;
    struct gw_entry_conn entry;
    memset(&report, 0, sizeof(report));
    memset(&entry, 0, sizeof(entry));
    for (unsigned parts = gw_read_u8(r) % 16; parts > 0; parts--) {
        size_t at = gw_read_u16(r) % sizeof(report);
        size_t len = gw_read_u8(r);
        uint8_t *bytes = input_bytes(r, GW_MIN(len, sizeof(report) - at), &len);
        memcpy((uint8_t *)&report + at, bytes, len);
        free(bytes);
    }
    entry.kind = GW_ENTRY_CONN;
    memcpy((void *)&entry.report, &report, sizeof(report)); /* as bytes: a bool may be any */
    size_t len = gw_read_u16(r);
    uint8_t *note = input_bytes(r, len % sizeof(entry.note), &len);
    memcpy(entry.note, note, len);
    free(note);
    push(&entry, offsetof(struct gw_entry_conn, note) + len);
}

static void step_raw_entry(struct gw_reader *r)
{
    size_t len = gw_read_u16(r);
    uint8_t *bytes = input_bytes(r, len, &len);
    push(bytes, len);
    free(bytes);
}

static void step_memory(struct gw_reader *r)
{
    size_t at = gw_read_u24(r) % sizeof(ring.data);
    size_t len = gw_read_u8(r);
    uint8_t *bytes = input_bytes(r, GW_MIN(len, sizeof(ring.data) - at), &len);
    memcpy(ring.data + at, bytes, len);
    free(bytes);
}

/* Moves a position by up to 2^15 either way, or puts it anywhere. */
static void step_position(struct gw_reader *r)
{
    uint8_t choice = gw_read_u8(r);
    uint64_t *position = choice & 1 ? &ring.head : &ring.tail;
    *position = choice & 2 ? gw_read_be(r, 8) : *position + (uint64_t)(int16_t)gw_read_u16(r);
}

static void step_sleep(struct gw_reader *r)
{
    ring.reader_sleeps = gw_read_u8(r);
    bool empty = ring.head == ring.tail;
    gw_require(gw_logring_sleep(&ring) == empty);
}

static void check_line(const struct gw_line *line, const uint8_t *entry)
{
    gw_require(line->len > 0 && line->len < sizeof(line->text));
    gw_require(line_is_plain(line->text, line->len));
    if (line->format == GW_LOG_JSON)
        gw_require(line_is_json(line->text, line->len));
    else if (entry[0] == GW_ENTRY_CONN)
        gw_require(line_is_text(line->text, line->len, " worker=7 connection closed"));
    else
        gw_require(memmem(line->text, line->len, " worker=7 ", 10));
}

/* As the master does it; false when the ring is empty. */
static bool pop_one(void)
{
    uint8_t entry[GW_LOGRING_ENTRY_MAX] __attribute__((aligned(8)));
    struct gw_line line;
    uint64_t filled = ring.head - ring.tail;
    size_t len = gw_logring_pop(&ring, entry);
    gw_require(len <= sizeof(entry) && len <= filled);
    gw_require(filled == 0 || ring.head - ring.tail < filled); /* on, and not past the writer */
    for (int format = GW_LOG_TEXT; len > 0 && format <= GW_LOG_JSON; format++)
        if (gw_entry_format(entry, len, (enum gw_log_format)format, WORKER, &line))
            check_line(&line, entry);
    return len > 0;
}

static void step_pop(struct gw_reader *r)
{
    (void)r;
    (void)pop_one();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const steps[])(struct gw_reader *) = {
        step_text, step_report, step_raw_entry, step_memory, step_position, step_sleep, step_pop,
    };
    struct gw_reader r = gw_reader_of(data, size);
    memset(&ring, 0, sizeof(ring));
    for (int i = 0; i < STEPS_MAX && gw_reader_left(&r) > 0; i++)
        steps[gw_read_u8(&r) % GW_ARRAY_SIZE(steps)](&r);
    /* It comes to an end, whatever the worker left there. */
    size_t entries = 0;
    while (pop_one())
        gw_require(++entries <= sizeof(ring.data) / 4);
    gw_require(ring.head == ring.tail);
    return 0;
}
