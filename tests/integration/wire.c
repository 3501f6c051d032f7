/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/integration/wire.h"

#include "tests/integration/net.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    ODD_PIECES = 7
};

static int keep(struct wire *w, const char *data, size_t len)
{
    if (w->held_len + len > w->held_room) {
        w->held_room = (w->held_len + len) * 2;
        w->held = realloc(w->held, w->held_room);
        if (!w->held)
            abort();
    }
    memcpy(w->held + w->held_len, data, len);
    w->held_len += len;
    return (int)len;
}

static int write_some(BIO *bio, const char *data, int len)
{
    struct wire *w = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (w->hold)
        return keep(w, data, (size_t)len);
    size_t n = (size_t)len;
    if (w->chop) {
        size_t piece = 1 + w->chopped++ % ODD_PIECES;
        n = piece < n ? piece : n;
    }
    ssize_t sent = send(w->fd, data, n, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN)
        BIO_set_retry_write(bio);
    return (int)sent;
}

static int read_some(BIO *bio, char *data, int len)
{
    struct wire *w = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t n = recv(w->fd, data, (size_t)len, 0);
    if (n < 0 && errno == EAGAIN)
        BIO_set_retry_read(bio);
    if (n == 0)
        BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return (int)n;
}

static long control(BIO *bio, int command, long number, void *pointer)
{
    (void)number;
    (void)pointer;
    if (command == BIO_CTRL_EOF)
        return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *method(void)
{
    static BIO_METHOD *m;
    if (!m) {
        m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire");
        if (!m || !BIO_meth_set_write(m, write_some) || !BIO_meth_set_read(m, read_some) ||
            !BIO_meth_set_ctrl(m, control))
            abort();
    }
    return m;
}

BIO *wire_bio(struct wire *wire)
{
    BIO *bio = BIO_new(method());
    if (!bio)
        abort();
    BIO_set_data(bio, wire);
    BIO_set_init(bio, 1);
    return bio;
}

bool wire_release(struct wire *w)
{
    bool sent = net_send(w->fd, w->held, w->held_len, w->chop ? ODD_PIECES : 0);
    w->hold = false;
    w->held_len = 0;
    return sent;
}

void wire_done(struct wire *w)
{
    free(w->held);
    w->held = NULL;
    w->held_len = w->held_room = 0;
}
