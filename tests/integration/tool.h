/* SPDX-License-Identifier: Apache-2.0 */
/* Other people's TLS clients as child processes: what they are fed and what they write are
 * patterns, checked on the way without a file. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    TOOL_TEXT_MAX = 16384
};

/* A step of a talk: once `await` has come from it, on either output, since the step before, `say`
 * is fed to it; NULL: the end of its input. */
struct tool_cue {
    const char *await;
    const char *say;
};

struct tool_work {
    const char *const *words; /* the command, NULL-terminated; found by PATH */
    uint64_t input;           /* bytes of the stream `seed` for its standard input */
    uint64_t seed;
    bool input_stays_open; /* keep its standard input open until the output ended */
    uint64_t last_after;   /* the last byte of it only after so many bytes of output */
    const char *head;      /* text to feed before that; NULL: none */
    const char *skip;      /* output up to the end of these words is not checked; NULL: all is */
    const struct tool_cue *cues; /* instead of all that: a talk; its output is not checked */
    unsigned cue_count;
};

struct tool_result {
    int exit;                  /* code; -1: killed, or it took longer than allowed */
    uint64_t output;           /* bytes of standard output that are the stream `seed` */
    bool wrong;                /* other bytes followed */
    unsigned cues;             /* fulfilled */
    char heard[TOOL_TEXT_MAX]; /* the beginning of its standard output, as text */
    char said[TOOL_TEXT_MAX];  /* the beginning of its standard error */
};

/* True when the program is installed. */
bool tool_exists(const char *program);
/* Runs it to its end, or kills it after `limit_ms`. */
void tool_run(const struct tool_work *work, int limit_ms, struct tool_result *ret);
