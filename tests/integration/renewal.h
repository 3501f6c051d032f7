/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of reloads, in addition to stage.h: files of the world that change, the HUP that
 * reloads them, and what is then in force. Include after check.h. */
#pragma once

#include "tests/integration/check.h"
#include "tests/integration/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    FILE_MAX = 16384,
};

#define IN_FORCE "reload: new files are in force"

/* ---- files that change ---- */

static inline size_t slurp(const char *path, char data[FILE_MAX])
{
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t len = fread(data, 1, FILE_MAX, f);
    assert_in_range(len, 1, FILE_MAX - 1);
    (void)fclose(f);
    return len;
}

/* As careful people do it: nobody sees half a file. */
static inline void put(const char *path, const char *data, size_t len)
{
    char fresh[1024];
    (void)snprintf(fresh, sizeof(fresh), "%.1000s.new", path);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_return_code(fd, errno);
    assert_int_equal(write(fd, data, len), len);
    (void)close(fd);
    assert_return_code(rename(fresh, path), errno);
}

static struct keepsake {
    const char *path;
    char data[FILE_MAX];
    size_t len;
} kept[3];

/* Each test leaves the files as it found them. */
static inline void keep_files(void)
{
    const char *const paths[] = {world_cert(ID_SERVER), world_key(ID_SERVER), world_cert(ID_CA)};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        kept[i].path = paths[i];
        kept[i].len = slurp(paths[i], kept[i].data);
    }
}

static inline void put_back(void)
{
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
        put(kept[i].path, kept[i].data, kept[i].len);
}

static inline void copy(const char *from, const char *to)
{
    char data[FILE_MAX];
    size_t len = slurp(from, data);
    put(to, data, len);
}

/* The server becomes `id`. */
static inline void renew_as(enum identity id)
{
    copy(world_cert(id), world_cert(ID_SERVER));
    copy(world_key(id), world_key(ID_SERVER));
}

static inline void put_garbage(const char *path)
{
    put(path, "nothing\n", 8);
}

/* ---- what is in force ---- */

static inline void hup(void)
{
    assert_return_code(kill(gateway->pid, SIGHUP), errno);
}

/* The next line that holds the words, after those that were waited for before. */
static inline void await_line(const char *words)
{
    static size_t cursor;
    static const struct gateway *of;
    static pid_t pid;
    char line[LOG_LINE_MAX];
    if (of != gateway || pid != gateway->pid)
        cursor = 0;
    of = gateway;
    pid = gateway->pid;
    if (!logbook_await(&gateway->log, &cursor, words, line))
        fail_msg("the log does not say '%s'", words);
}

static inline void hup_until(const char *words)
{
    hup();
    await_line(words);
}

/* Connects anew and returns which identity answers; the connection echoes and ends properly. */
static inline enum identity who_answers(void)
{
    struct client c;
    char cn[64] = "";
    stage_join(&c, &(struct client_options){.any_server = true});
    X509_NAME *subject = X509_get_subject_name(SSL_get0_peer_certificate(c.ssl));
    assert_true(X509_NAME_get_text_by_NID(subject, NID_commonName, cn, sizeof(cn)) > 0);
    stage_echo(&c, 3000);
    stage_leave(&c);
    if (strcmp(cn, "server-next") == 0)
        return ID_SERVER_NEXT;
    return strcmp(cn, "server") == 0 ? ID_SERVER : ID_SERVER_RSA;
}

static inline void answers(enum identity id)
{
    assert_int_equal(who_answers(), id);
}
