/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TLS client on wolfSSL: its standard input goes to the server and what the server sends to its
 * standard output, until the server has ended its stream. tests/peers/README.md says what its
 * words mean and what it says.
 */
#include <wolfssl/options.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wolfssl/ssl.h>

enum {
    CHUNK = 16384,
    STUCK_MS = 60000,
};

struct words {
    const char *port;
    const char *ca;
    const char *version;
    const char *suite;
    const char *cert;
    const char *key;
    const char *connections;
    const char *half_close;
    const char *update;
};

/* All of the standard input, where there are several connections: each sends it. */
static struct {
    bool used;
    char *data;
    size_t len;
} replay;

struct stream {
    const struct words *words;
    WOLFSSL *ssl;
    int fd;
    size_t replayed; /* of the input that each of several connections sends */
    char up[CHUNK];
    int up_len; /* read, and not yet sent */
    bool up_ended;
    long update_every; /* bytes moved between key updates; 0: none */
    long moved;
    long updates;
    bool failed;
    bool over;
};

static _Noreturn void give_up(const char *what)
{
    (void)fprintf(stderr, "peer: %s\n", what);
    exit(2);
}

static void require(bool fine, const char *what)
{
    if (!fine)
        give_up(what);
}

/* ---- the connection ---- */

static WOLFSSL_CTX *context(const struct words *w)
{
    bool old = w->version && strcmp(w->version, "1.2") == 0;
    WOLFSSL_CTX *ctx =
        wolfSSL_CTX_new(old ? wolfTLSv1_2_client_method() : wolfTLSv1_3_client_method());
    require(ctx, "no context");
    require(wolfSSL_CTX_load_verify_locations(ctx, w->ca, NULL) == WOLFSSL_SUCCESS, "bad CA");
    require(wolfSSL_CTX_UseSessionTicket(ctx) == WOLFSSL_SUCCESS, "no tickets");
    if (w->suite)
        require(wolfSSL_CTX_set_cipher_list(ctx, w->suite) == WOLFSSL_SUCCESS, "bad suite");
    if (w->cert) {
        require(wolfSSL_CTX_use_certificate_chain_file(ctx, w->cert) == WOLFSSL_SUCCESS,
                "bad cert");
        require(wolfSSL_CTX_use_PrivateKey_file(ctx, w->key, WOLFSSL_FILETYPE_PEM) ==
                    WOLFSSL_SUCCESS,
                "bad key");
    }
    return ctx;
}

static int dial(const char *port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0, "cannot connect");
    return fd;
}

static void open_ssl(struct stream *s, WOLFSSL_CTX *ctx, WOLFSSL_SESSION *session)
{
    s->fd = dial(s->words->port);
    s->ssl = wolfSSL_new(ctx);
    require(s->ssl, "no memory");
    require(wolfSSL_set_fd(s->ssl, s->fd) == WOLFSSL_SUCCESS, "bad descriptor");
    require(wolfSSL_check_domain_name(s->ssl, "localhost") == WOLFSSL_SUCCESS, "bad name");
    require(wolfSSL_UseSNI(s->ssl, WOLFSSL_SNI_HOST_NAME, "localhost", strlen("localhost")) ==
                WOLFSSL_SUCCESS,
            "no SNI");
    if (session)
        require(wolfSSL_set_session(s->ssl, session) == WOLFSSL_SUCCESS, "bad session");
    if (wolfSSL_connect(s->ssl) != WOLFSSL_SUCCESS)
        s->failed = s->over = true;
    require(fcntl(s->fd, F_SETFL, O_NONBLOCK) == 0, "no O_NONBLOCK");
}

/* ---- moving bytes ---- */

/* True when the call that returned `n` has to be made again later. */
static bool is_pending(struct stream *s, int n)
{
    int error = wolfSSL_get_error(s->ssl, n);
    if (error == WOLFSSL_ERROR_WANT_READ || error == WOLFSSL_ERROR_WANT_WRITE)
        return true;
    s->over = true;
    s->failed = error != WOLFSSL_ERROR_ZERO_RETURN;
    return false;
}

static void count(struct stream *s, long bytes)
{
    s->moved += bytes;
    if (!s->update_every || s->moved < s->update_every)
        return;
    s->moved = 0;
    s->updates++;
    int n = wolfSSL_update_keys(s->ssl);
    if (n != WOLFSSL_SUCCESS)
        (void)is_pending(s, n);
}

static void take(struct stream *s)
{
    char data[CHUNK];
    int n = 0;
    while (!s->over && (n = wolfSSL_read(s->ssl, data, sizeof(data))) > 0) {
        require(fwrite(data, 1, (size_t)n, stdout) == (size_t)n, "standard output fails");
        count(s, n);
    }
    if (!s->over)
        (void)is_pending(s, n);
}

static void end_up(struct stream *s)
{
    s->up_ended = true;
    if (s->words->half_close)
        (void)wolfSSL_shutdown(s->ssl); /* the first call says close_notify */
}

static size_t from_replay(struct stream *s)
{
    size_t left = replay.len - s->replayed;
    size_t n = left < sizeof(s->up) ? left : sizeof(s->up);
    if (n > 0)
        memcpy(s->up, replay.data + s->replayed, n);
    s->replayed += n;
    return n;
}

static void fill(struct stream *s)
{
    ssize_t n = replay.used ? (ssize_t)from_replay(s) : read(STDIN_FILENO, s->up, sizeof(s->up));
    if (n <= 0)
        end_up(s);
    else
        s->up_len = (int)n;
}

static void give(struct stream *s)
{
    int n = wolfSSL_write(s->ssl, s->up, s->up_len);
    if (n <= 0) {
        (void)is_pending(s, n);
        return;
    }
    s->up_len -= n;
    memmove(s->up, s->up + n, (size_t)s->up_len);
    count(s, n);
}

static void turn(struct stream *s)
{
    bool fillable = !s->up_ended && s->up_len == 0;
    if (fillable && replay.used)
        fill(s);
    struct pollfd polls[] = {
        {.fd = s->fd, .events = (short)(POLLIN | (s->up_len ? POLLOUT : 0))},
        {.fd = fillable && !replay.used ? STDIN_FILENO : -1, .events = POLLIN},
    };
    require(poll(polls, 2, STUCK_MS) > 0, "nothing moves");
    if (polls[0].revents)
        take(s);
    if (!s->over && polls[1].revents)
        fill(s);
    if (!s->over && s->up_len)
        give(s);
}

/* ---- what is said ---- */

static void report(struct stream *s)
{
    WOLFSSL_ALERT_HISTORY alerts;
    memset(&alerts, 0, sizeof(alerts));
    (void)wolfSSL_get_alert_history(s->ssl, &alerts);
    (void)fprintf(stderr, "peer: version=%s resumed=%d updates=%ld alert=%d end=%s\n",
                  wolfSSL_get_version(s->ssl), wolfSSL_session_reused(s->ssl), s->updates,
                  alerts.last_rx.code, s->failed ? "failure" : "close_notify");
}

static bool visit(const struct words *w, WOLFSSL_CTX *ctx, WOLFSSL_SESSION **session)
{
    static struct stream s;
    s = (struct stream){
        .words = w,
        .update_every = w->update ? strtol(w->update, NULL, 10) : 0,
    };
    open_ssl(&s, ctx, *session);
    while (!s.over)
        turn(&s);
    report(&s);
    wolfSSL_SESSION_free(*session);
    *session = s.failed ? NULL : wolfSSL_get1_session(s.ssl);
    if (!s.failed)
        (void)wolfSSL_shutdown(s.ssl);
    wolfSSL_free(s.ssl);
    (void)close(s.fd);
    return !s.failed;
}

static void read_all_input(void)
{
    ssize_t n;
    replay.used = true;
    do {
        replay.data = realloc(replay.data, replay.len + CHUNK);
        require(replay.data, "no memory");
        n = read(STDIN_FILENO, replay.data + replay.len, CHUNK);
        replay.len += n > 0 ? (size_t)n : 0;
    } while (n > 0);
}

static void read_word(struct words *w, const char *word)
{
    const struct {
        const char *name;
        const char **value;
    } rows[] = {
        {"port=", &w->port},
        {"ca=", &w->ca},
        {"version=", &w->version},
        {"suite=", &w->suite},
        {"cert=", &w->cert},
        {"key=", &w->key},
        {"connections=", &w->connections},
        {"half-close=", &w->half_close},
        {"update=", &w->update},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strncmp(word, rows[i].name, strlen(rows[i].name)) == 0) {
            *rows[i].value = word + strlen(rows[i].name);
            return;
        }
    give_up(word);
}

int main(int argc, char **argv)
{
    struct words w = {.connections = "1"};
    WOLFSSL_SESSION *session = NULL;
    bool fine = true;
    for (int i = 1; i < argc; i++)
        read_word(&w, argv[i]);
    require(w.port && w.ca, "usage: peer_wolfssl port=N ca=FILE [version=1.2|1.3] …");
    (void)signal(SIGPIPE, SIG_IGN);
    (void)setvbuf(stdout, NULL, _IONBF, 0);
    require(wolfSSL_Init() == WOLFSSL_SUCCESS, "no wolfSSL");
    WOLFSSL_CTX *ctx = context(&w);
    long connections = strtol(w.connections, NULL, 10);
    if (connections > 1)
        read_all_input();
    for (long i = 0; i < connections && fine; i++)
        fine = visit(&w, ctx, &session);
    wolfSSL_SESSION_free(session);
    wolfSSL_CTX_free(ctx);
    (void)wolfSSL_Cleanup();
    free(replay.data);
    return fine && fflush(stdout) == 0 ? 0 : 1;
}
