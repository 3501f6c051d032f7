/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other people's TLS clients: one row each, with what it can do and the arguments for that. What
 * a client cannot do at all is noted at its row, and is not tested.
 */
#pragma once

#include "tests/integration/harness.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum peer_suite {
    SUITE_ANY,
    SUITE_AES_128,
    SUITE_AES_256,
    SUITE_CHACHA,
    SUITE_COUNT
};

enum {
    CAN_CHOOSE_12 = 1 << 0, /* a suite of TLS 1.2 */
    CAN_CHOOSE_13 = 1 << 1,
    CAN_RESUME_12 = 1 << 2, /* with a ticket: the gateway keeps no sessions */
    CAN_RESUME_13 = 1 << 3,
    CAN_HALF_CLOSE = 1 << 4, /* end its stream and continue receiving (TLS 1.3) */
    CAN_UPDATE = 1 << 5,     /* change keys on its own while streams run both ways */
    CAN_TALK = 1 << 6,       /* changes keys on command */
};

/* What it is to do. */
struct peer_task {
    uint16_t port;
    int version; /* TLS1_2_VERSION or TLS1_3_VERSION */
    enum peer_suite suite;
    uint64_t up;
    uint64_t down;
    bool with_cert;
    enum identity identity;
    bool resume;   /* makes a connection for a ticket, then resumes in that of the task */
    unsigned step; /* the run, 0 or 1, if the row needs two */
    bool half_close;
    bool update; /* change keys again and again */
    bool talk;   /* follow commands in its input */
};

enum {
    PEER_WORDS_MAX = 40,
    PEER_TEXT_MAX = 4096,
};

struct peer_words {
    const char *word[PEER_WORDS_MAX + 1];
    unsigned count;
    char text[PEER_TEXT_MAX]; /* of those that were composed */
    size_t text_len;
};

struct peer {
    const char *name;
    const char *needs[3]; /* programs, files, $VARIABLES that name a file */
    unsigned can;
    bool http;          /* moves bytes by GET and PUT */
    bool heavy;         /* only where its row is asked for by name */
    bool input_is_file; /* sends the file `peer-input` of the world's folder */
    unsigned resume_runs;
    const char *resumed; /* what it says of a resumed session */
    const char *refused; /* what it says of the alert access_denied */
    void (*words)(const struct peer_task *task, struct peer_words *ret);
    void (*prepare)(void); /* before its first test; NULL: nothing */
    const char *ready;     /* the line that it prints once it accepts commands */
    const char *command;   /* the command to send, such as a key change */
    const char *commanded; /* the line that it prints after the command */
};

extern const struct peer peers[];
extern const size_t peer_count;

/* OpenSSL's name of a suite, which the gateway's log has too. */
const char *peer_suite_name(int version, enum peer_suite suite);
/* The file that a row with input_is_file sends. */
const char *peer_input_file(void);
