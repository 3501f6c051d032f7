/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines. A line is built field by field, as text (`time level message key=value …`) or as one
 * JSON object; values from the network are escaped by the builder, so no peer can forge a line.
 * Where lines go is a sink: the master writes to standard error; a worker hands the same message
 * to the master through shared memory (gateway/base/logring.h) and never blocks on a log.
 *
 * Library code below layer 5 does not log; it returns errors, and the caller logs once.
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
    GW_LOG_LINE_MAX = 4096, /* not above PIPE_BUF: a pipe takes such a line whole */
    GW_LOG_PATIENCE_MS = 100
};

/* One line being built. Too long a line is cut and still well formed: the value that did not fit
 * ends in "…", fields after it are left out, and the last field is cut=true. */
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
/* Ends the line with a newline; line->text/len are then ready to be written. */
void gw_line_end(struct gw_line *line);

struct gw_log_config {
    enum gw_log_level level; /* messages above it are not made */
    enum gw_log_format format;
    int worker; /* -1 in the master */
    /* Takes a finished message; must not block. `arg` is handed through. */
    void (*sink)(void *arg, enum gw_log_level level, const char *message);
    void *arg;
};

/* Replaces the process's log configuration; before that, messages go to standard error as text
 * at level info. `config` is copied. */
void gw_log_setup(const struct gw_log_config *config);
const struct gw_log_config *gw_log_config(void);

/* Messages of the calling thread are dropped from now on, or made again: sinks take one thread. */
void gw_log_mute(bool mute);

/* Logs one message (cut at GW_LOG_MESSAGE_MAX bytes). Control bytes are escaped. */
void gw_log(enum gw_log_level level, const char *fmt, ...) gw_printf(2, 3);

/* Logs each note as a warning; how many more there were, at last. */
void gw_log_notes(const struct gw_notes *notes);

static inline bool gw_log_wanted(enum gw_log_level level)
{
    return level <= gw_log_config()->level;
}

/* True when descriptor 2 takes a line now, or within `wait_ms`. Whoever reads our pipe may have
 * stopped reading; the process must not stop with him. */
bool gw_log_ready(int wait_ms);

/* Writes a line to descriptor 2; a log that cannot be written is not an error. A reader that takes
 * nothing is waited for GW_LOG_PATIENCE_MS once. Until he reads again, or a full disk has room
 * again, lines are lost at once, and their number is told then. */
void gw_log_write(const char *text, size_t len);

/* Words of levels and formats, for parsing and printing: NULL past the last. */
const char *gw_log_level_word(enum gw_log_level level);
const char *gw_log_format_word(enum gw_log_format format);
