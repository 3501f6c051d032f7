/* SPDX-License-Identifier: Apache-2.0 */
/* How splice(2) and poll(2) treat records: this differs between kernels. */
#include "gateway/ktls/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum {
    DATA = 23,
    SPLICED_LEN = 5000
};

struct pipe_ends {
    int read_end, write_end;
};

static int pipe_open(struct pipe_ends *ends)
{
    int fds[2] = {-1, -1};
    *ends = (struct pipe_ends){-1, -1};
    if (pipe2(fds, O_NONBLOCK | O_CLOEXEC))
        return -errno;
    *ends = (struct pipe_ends){fds[0], fds[1]};
    return 0;
}

static void pipe_close(struct pipe_ends *ends)
{
    (void)close(ends->read_end);
    (void)close(ends->write_end);
}

/* Bytes whose values depend on their position, so that a lost piece is detected. */
static void fill_pattern(uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)(i ^ i >> 8);
}

static ssize_t splice_once(struct ktls_pair *pair, const struct pipe_ends *ends)
{
    for (;;) {
        ssize_t n = splice(pair->far, NULL, ends->write_end, NULL, KTLS_SOFT_PLAIN_MAX,
                           SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
        if (n >= 0 || errno != EAGAIN)
            return n < 0 ? -errno : n;
        int r = ktls_pair_wait(pair, pair->far, POLLIN);
        if (r)
            return r;
    }
}

/* Empties the pipe and compares its content with *want, which is advanced. */
static int drain(const struct pipe_ends *ends, const uint8_t **want, size_t *left)
{
    uint8_t chunk[4096];
    for (;;) {
        ssize_t n = read(ends->read_end, chunk, sizeof(chunk));
        if (n < 0)
            return errno == EAGAIN ? 0 : -errno;
        if ((size_t)n > *left || memcmp(chunk, *want, (size_t)n) != 0)
            return -EBADMSG;
        *want += n;
        *left -= (size_t)n;
    }
}

/* Seals two records with the halves of a pattern and reads all of it through the pipe, which is
 * emptied after each splice. The second record also reveals a loss in the first at once, without a
 * wait. */
static int splice_pattern(struct ktls_pair *pair, const struct pipe_ends *ends, size_t len)
{
    uint8_t *pattern = pair->in; /* unused otherwise: nothing is opened here */
    fill_pattern(pattern, len);
    int r = ktls_pair_seal(pair, DATA, pattern, len, 0);
    if (!r)
        r = ktls_pair_seal(pair, DATA, pattern, len, 0);
    if (!r)
        r = ktls_pair_flush(pair);
    for (int record = 0; record < 2 && !r; record++) {
        const uint8_t *want = pattern;
        size_t left = len;
        while (left && !r) {
            ssize_t n = splice_once(pair, ends);
            r = n > 0 ? drain(ends, &want, &left) : n < 0 ? (int)n : -ENODATA;
        }
    }
    return r;
}

static int splice_through(struct ktls_pair *pair, const struct ktls_suite *suite, size_t len,
                          size_t pipe_len)
{
    struct pipe_ends ends;
    int r = pipe_open(&ends);
    if (r)
        return r;
    if (pipe_len && fcntl(ends.write_end, F_SETPIPE_SZ, (int)pipe_len) < 0)
        r = -errno;
    if (!r)
        r = ktls_pair_start(pair, suite, KTLS_RX);
    if (!r)
        r = splice_pattern(pair, &ends, len);
    pipe_close(&ends);
    return r;
}

int ktls_try_splice(struct ktls_pair *pair, const struct ktls_suite *suite)
{
    return splice_through(pair, suite, SPLICED_LEN, 0);
}

/* kernel-notes/splice-short-pipe.md: a pipe of one page, and a record of the maximum size. */
int ktls_try_splice_full(struct ktls_pair *pair, const struct ktls_suite *suite)
{
    return splice_through(pair, suite, KTLS_SOFT_PLAIN_MAX, (size_t)sysconf(_SC_PAGESIZE));
}

/* kernel-notes/splice-to-tls.md: bytes of several pages become one record, which ends
 * immediately. */
int ktls_try_splice_tx(struct ktls_pair *pair, const struct ktls_suite *suite)
{
    static uint8_t pattern[SPLICED_LEN];
    struct pipe_ends ends;
    int r = ktls_pair_start(pair, suite, KTLS_TX);
    if (!r)
        r = pipe_open(&ends);
    if (r)
        return r;
    fill_pattern(pattern, sizeof(pattern));
    for (int record = 0; record < 2 && !r; record++) {
        if (write(ends.write_end, pattern, sizeof(pattern)) != sizeof(pattern))
            r = -EIO;
        ssize_t n =
            r ? 0
              : splice(ends.read_end, NULL, pair->far, NULL, sizeof(pattern), SPLICE_F_NONBLOCK);
        if (!r && n != sizeof(pattern))
            r = n < 0 ? -errno : -ENODATA;
        if (!r)
            r = ktls_pair_expect(pair, DATA, pattern, sizeof(pattern));
    }
    pipe_close(&ends);
    return r;
}

/* kernel-notes/splice-empty-record.md */
int ktls_try_splice_empty(struct ktls_pair *pair, const struct ktls_suite *suite)
{
    struct pipe_ends ends;
    int r = ktls_pair_start(pair, suite, KTLS_RX);
    if (!r)
        r = ktls_pair_seal(pair, DATA, "", 0, 0);
    if (!r)
        r = ktls_pair_seal(pair, DATA, "x", 1, 0);
    if (!r)
        r = ktls_pair_flush(pair);
    if (!r)
        r = pipe_open(&ends);
    if (r)
        return r;
    ssize_t n = splice_once(pair, &ends);
    pipe_close(&ends);
    if (n > 0)
        return -EPROTO;
    return (int)n;
}

/* kernel-notes/partial-record-poll.md */
int ktls_try_poll_partial(struct ktls_pair *pair, const struct ktls_suite *suite)
{
    int r = ktls_pair_start(pair, suite, KTLS_RX);
    if (!r)
        r = ktls_pair_seal(pair, DATA, "half of this is sent", 20, 0);
    if (r)
        return r;
    pair->sealed /= 2;
    r = ktls_pair_flush(pair);
    if (!r)
        r = ktls_pair_settle(pair);
    if (r)
        return r;
    struct pollfd p = {.fd = pair->far, .events = POLLIN};
    int n = poll(&p, 1, 0);
    if (n < 0)
        return -errno;
    return n ? 0 : -EPROTO;
}
