/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines. A line is built field by field, as text (`time level message key=value …`) or as one
 * JSON object. The builder escapes values from the network, so no peer can forge a line. A sink
 * receives the lines: the master writes to standard error; a worker passes the message to the
 * master through shared memory (gateway/base/logring.h) and never blocks on a log.
 *
 * Library code below layer 5 does not log. It returns errors, and the caller logs once.
 */
#pragma once

#include "gateway/base/attr.h"
#include "gateway/base/notes.h"

#include <stdbool.h>
#include <stdint.h>

enum gw_log_level {
    GW_LOG_ERROR,
    GW_LOG_WARNING,
    GW_LOG_INFO,
    GW_LOG_DEBUG,
};

enum gw_log_format {
    GW_LOG_TEXT,
    GW_LOG_JSON,
};

enum {
    GW_LOG_MESSAGE_MAX = 1024,
    GW_LOG_LINE_MAX = 4096, /* at most PIPE_BUF: a pipe accepts such a line as a whole */
    GW_LOG_PATIENCE_MS = 100
};

/* A line under construction. A line that is too long is truncated and still well formed: the value
 * that did not fit ends in "…", later fields are dropped, and the last field is cut=true. */
struct gw_line {
    char text[GW_LOG_LINE_MAX];
    size_t len;
    enum gw_log_format format;
    bool full;
};

/* Begins a line with time (UTC, milliseconds), level, worker (-1: the master) and message. */
void gw_line_begin(struct gw_line *line, enum gw_log_format format, int64_t wall_ns,
                   enum gw_log_level level, int worker, const char *message);
void gw_line_str(struct gw_line *line, const char *key, const char *value);
void gw_line_u64(struct gw_line *line, const char *key, uint64_t value);
/* A number with exactly three decimals: `milli` = 1500 prints 1.500. */
void gw_line_milli(struct gw_line *line, const char *key, uint64_t milli);
/* Ends the line with a newline. line->text and len can then be written. */
void gw_line_end(struct gw_line *line);

struct gw_log_config {
    enum gw_log_level level; /* messages above it are dropped */
    enum gw_log_format format;
    int worker; /* -1 in the master */
    /* Receives a finished message; must not block. `arg` is passed through. */
    void (*sink)(void *arg, enum gw_log_level level, const char *message);
    void *arg;
};

/* Replaces the process's log configuration. Before that, messages go to standard error as text at
 * level info. `config` is copied. */
void gw_log_setup(const struct gw_log_config *config);
const struct gw_log_config *gw_log_config(void);

/* Drops messages of the calling thread from now on, or stops that: sinks support one thread. */
void gw_log_mute(bool mute);

/* Logs one message (truncated at GW_LOG_MESSAGE_MAX bytes). Escapes control bytes. */
void gw_log(enum gw_log_level level, const char *fmt, ...) gw_printf(2, 3);

/* Logs each note as a warning, and finally the number of further notes. */
void gw_log_notes(const struct gw_notes *notes);

static inline bool gw_log_wanted(enum gw_log_level level)
{
    return level <= gw_log_config()->level;
}

/* Whether descriptor 2 accepts a line now, or within `wait_ms`. The reader of a pipe may have
 * stopped; the process must not stop with it. */
bool gw_log_ready(int wait_ms);

/* Writes a line to descriptor 2. A log that cannot be written is not an error. Waits
 * GW_LOG_PATIENCE_MS once for a reader that accepts nothing. Until it reads again, or a full disk
 * has room again, lines are lost immediately; then their number is logged. */
void gw_log_write(const char *text, size_t len);

/* Words of levels and formats, for parsing and printing. NULL after the last. */
const char *gw_log_level_word(enum gw_log_level level);
const char *gw_log_format_word(enum gw_log_format format);
