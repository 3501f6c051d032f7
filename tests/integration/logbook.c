/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/integration/logbook.h"

#include "tests/integration/net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    USUAL_LINES = 20 /* on connections that just finished, in what is printed */
};

/* ---- reading ---- */

static bool append(struct logbook *book, const char *data, size_t len)
{
    if (book->len + len + 1 > book->room) {
        size_t room = (book->len + len + 1) * 2;
        char *text = realloc(book->text, room);
        if (!text)
            return false;
        book->text = text;
        book->room = room;
    }
    memcpy(book->text + book->len, data, len);
    book->len += len;
    book->text[book->len] = '\0';
    return true;
}

static void *read_all(void *arg)
{
    struct logbook *book = arg;
    char data[16384];
    ssize_t n;
    bool more = true;
    while (more) {
        n = read(book->fd, data, sizeof(data));
        if (n < 0 && errno == EINTR)
            continue;
        (void)pthread_mutex_lock(&book->lock);
        more = n > 0 && append(book, data, (size_t)n);
        book->ended = !more;
        (void)pthread_cond_broadcast(&book->grown);
        (void)pthread_mutex_unlock(&book->lock);
    }
    return NULL;
}

void logbook_open(struct logbook *book, int fd)
{
    pthread_condattr_t attr;
    *book = (struct logbook){.fd = fd};
    (void)pthread_mutex_init(&book->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&book->grown, &attr);
    (void)pthread_condattr_destroy(&attr);
    if (pthread_create(&book->reader, NULL, read_all, book))
        abort();
}

void logbook_close(struct logbook *book)
{
    (void)pthread_join(book->reader, NULL);
    (void)close(book->fd);
    (void)pthread_cond_destroy(&book->grown);
    (void)pthread_mutex_destroy(&book->lock);
    free(book->text);
    *book = (struct logbook){.fd = -1};
}

/* ---- searching ---- */

/* The length of the whole line at *cursor; 0: its end has not come yet. */
static size_t line_at(const struct logbook *book, size_t cursor)
{
    const char *start = book->text ? book->text + cursor : NULL;
    const char *end = start ? memchr(start, '\n', book->len - cursor) : NULL;
    return end ? (size_t)(end - start) + 1 : 0;
}

static bool next_with(struct logbook *book, size_t *cursor, const char *words,
                      char line[LOG_LINE_MAX])
{
    size_t len;
    while ((len = line_at(book, *cursor))) {
        size_t keep = len - 1 < LOG_LINE_MAX ? len - 1 : LOG_LINE_MAX - 1;
        memcpy(line, book->text + *cursor, keep);
        line[keep] = '\0';
        *cursor += len;
        if (strstr(line, words))
            return true;
    }
    return false;
}

static struct timespec deadline(void)
{
    int64_t at = net_now_ms() + DEADLINE_MS;
    return (struct timespec){.tv_sec = at / 1000, .tv_nsec = at % 1000 * 1000000};
}

bool logbook_await(struct logbook *book, size_t *cursor, const char *words, char line[LOG_LINE_MAX])
{
    struct timespec until = deadline();
    int64_t began = net_now_ms();
    bool found;
    int error = 0;
    (void)pthread_mutex_lock(&book->lock);
    while (!(found = next_with(book, cursor, words, line)) && !book->ended && !error)
        error = pthread_cond_timedwait(&book->grown, &book->lock, &until);
    (void)pthread_mutex_unlock(&book->lock);
    if (!found && !book->ended)
        net_give_up(net_now_ms() - began);
    return found;
}

bool logbook_find(struct logbook *book, size_t *cursor, const char *words, char line[LOG_LINE_MAX])
{
    (void)pthread_mutex_lock(&book->lock);
    bool found = next_with(book, cursor, words, line);
    (void)pthread_mutex_unlock(&book->lock);
    return found;
}

unsigned logbook_count(struct logbook *book, const char *words)
{
    char line[LOG_LINE_MAX];
    size_t cursor = 0;
    unsigned count = 0;
    while (logbook_find(book, &cursor, words, line))
        count++;
    return count;
}

void logbook_print(struct logbook *book)
{
    char line[LOG_LINE_MAX];
    size_t cursor = 0;
    unsigned usual = 0;
    (void)pthread_mutex_lock(&book->lock);
    (void)fprintf(stderr, "---- the gateway's log ----\n");
    while (next_with(book, &cursor, "", line)) {
        if (strstr(line, CONN_LINE_WORDS "reason=finished ") && ++usual > USUAL_LINES)
            continue;
        (void)fprintf(stderr, "%s\n", line);
    }
    (void)fprintf(stderr, "---- %u lines on connections that finished ----\n", usual);
    (void)pthread_mutex_unlock(&book->lock);
}

/* ---- lines ---- */

bool logline_field(const char *line, const char *key, char *ret, size_t size)
{
    char words[64];
    (void)snprintf(words, sizeof(words), " %s=", key);
    const char *at = strstr(line, words);
    *ret = '\0';
    if (!at)
        return false;
    at += strlen(words);
    bool quoted = *at == '"';
    at += quoted;
    size_t len = quoted ? strcspn(at, "\"") : strcspn(at, " ");
    (void)snprintf(ret, size, "%.*s", (int)len, at);
    return true;
}

static bool number(const char *line, const char *key, uint64_t *ret)
{
    char text[32];
    bool there = logline_field(line, key, text, sizeof(text));
    *ret = there ? strtoull(text, NULL, 10) : 0;
    return there;
}

bool conn_line_parse(const char *line, struct conn_line *ret)
{
#define TEXT(field) logline_field(line, #field, ret->field, sizeof(ret->field))
    uint64_t worker, resumed;
    (void)TEXT(service);
    (void)TEXT(detail);
    (void)TEXT(version);
    (void)TEXT(suite);
    (void)TEXT(unique_id);
    (void)TEXT(client);
    (void)TEXT(via);
    (void)TEXT(cn);
    (void)TEXT(uri);
    (void)TEXT(subject);
    (void)TEXT(fingerprint);
    (void)TEXT(rule);
    (void)TEXT(sni);
    (void)TEXT(alpn);
    (void)TEXT(tx);
    (void)TEXT(rx);
    (void)TEXT(tx_relay);
    (void)TEXT(rx_relay);
    (void)TEXT(engine_why);
    (void)number(line, "key_updates_in", &ret->key_updates_in);
    (void)number(line, "key_updates_out", &ret->key_updates_out);
    ret->resumed = number(line, "resumed", &resumed);
    bool whole = number(line, "worker", &worker) && TEXT(reason) &&
                 number(line, "bytes_up", &ret->bytes_up) &&
                 number(line, "bytes_down", &ret->bytes_down);
    ret->worker = (int)worker;
    return whole;
#undef TEXT
}
