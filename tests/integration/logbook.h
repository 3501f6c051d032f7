/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process wrote: a thread reads a pipe into memory; the test searches lines and waits for
 * those that are still to come. The one place that knows how the gateway's log lines look.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LOG_LINE_MAX = 4096
};

struct logbook {
    pthread_t reader;
    pthread_mutex_t lock;
    pthread_cond_t grown;
    int fd;
    char *text;
    size_t len;
    size_t room;
    bool ended; /* the writers are gone: nothing more comes */
};

/* Reads from fd, which it owns from here. */
void logbook_open(struct logbook *book, int fd);
/* Every writer must be gone. */
void logbook_close(struct logbook *book);

/* Copies the first line at or after *cursor that holds `words`, and moves *cursor behind it. Waits
 * for it until DEADLINE_MS; false when it did not come. */
bool logbook_await(struct logbook *book, size_t *cursor, const char *words,
                   char line[LOG_LINE_MAX]);
/* Like logbook_await, without waiting: searches the lines that have come so far. */
bool logbook_find(struct logbook *book, size_t *cursor, const char *words, char line[LOG_LINE_MAX]);
/* The number of lines so far that contain `words`. */
unsigned logbook_count(struct logbook *book, const char *words);
/* Prints it to standard error for the analysis of a failure; of lines about finished connections
 * only the first few. */
void logbook_print(struct logbook *book);

/* The value of key=value in a line, without its quotes; false when the key is not there. */
bool logline_field(const char *line, const char *key, char *ret, size_t size);

/* A "connection closed" line. Texts are "" and numbers 0 when the line does not have them. */
struct conn_line {
    char service[32];
    char reason[32];
    char detail[96];
    char version[8];
    char suite[48];
    char unique_id[48];
    char client[64];
    char via[64];
    char cn[64];
    char uri[64];
    char subject[64];
    char fingerprint[80];
    char rule[256];
    char sni[128];
    char alpn[32];
    char tx[8];
    char rx[8];
    char tx_relay[8];
    char rx_relay[8];
    char engine_why[48];
    int worker;
    bool resumed;
    uint64_t bytes_up;
    uint64_t bytes_down;
    uint64_t key_updates_in;
    uint64_t key_updates_out;
};

#define CONN_LINE_WORDS " connection closed "

/* False when a field that every such line has is missing. */
bool conn_line_parse(const char *line, struct conn_line *ret);
