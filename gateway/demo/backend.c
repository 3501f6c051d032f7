/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/demo/backend.h"

#include "gateway/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/evp.h>

#define BYTES_MAX (UINT64_C(16) << 30)
enum {
    BLOCK = 64 * 1024
};

/* The body of one upload, hashed as it arrives. */
struct upload {
    EVP_MD_CTX *digest;
    uint64_t bytes;
};

static const char greeting[] =
    "Hello from behind ktlsgate.\n"
    "\n"
    "The gateway terminated TLS; this answer came from a plain HTTP server on loopback.\n"
    "Try /bytes/1000000000 for a download, or PUT something to see its SHA-256.\n";

static enum MHD_Result answer(struct MHD_Connection *conn, unsigned status,
                              struct MHD_Response *response, const char *type)
{
    if (!response)
        return MHD_NO;
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    enum MHD_Result result = MHD_queue_response(conn, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer_text(struct MHD_Connection *conn, unsigned status, const char *text)
{
    return answer(conn, status,
                  MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text,
                                                  MHD_RESPMEM_MUST_COPY),
                  "text/plain");
}

/* Byte i of the stream depends only on i (splitmix64 of its 8-byte word). */
static ssize_t make_bytes(void *cls, uint64_t pos, char *out, size_t max)
{
    (void)cls;
    for (size_t i = 0; i < max; i++) {
        uint64_t z = ((pos + i) / 8 + 1) * UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        out[i] = (char)((z ^ z >> 31) >> 8 * ((pos + i) % 8));
    }
    return (ssize_t)max;
}

static enum MHD_Result answer_bytes(struct MHD_Connection *conn, const char *number)
{
    char *end;
    errno = 0;
    unsigned long long n = strtoull(number, &end, 10);
    if (*number < '0' || *number > '9' || *end || errno || n > BYTES_MAX)
        return answer_text(conn, MHD_HTTP_BAD_REQUEST, "use /bytes/N with N up to 17179869184\n");
    return answer(conn, MHD_HTTP_OK,
                  MHD_create_response_from_callback(n, BLOCK, make_bytes, NULL, NULL),
                  "application/octet-stream");
}

static enum MHD_Result answer_get(struct MHD_Connection *conn, const char *url)
{
    static const char prefix[] = "/bytes/";
    if (!strcmp(url, "/"))
        return answer_text(conn, MHD_HTTP_OK, greeting);
    if (!strncmp(url, prefix, strlen(prefix)))
        return answer_bytes(conn, url + strlen(prefix));
    return answer_text(conn, MHD_HTTP_NOT_FOUND, "there is / and /bytes/N\n");
}

static enum MHD_Result answer_upload(struct MHD_Connection *conn, struct upload *up)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    char text[128];
    if (EVP_DigestFinal_ex(up->digest, sum, &len) != 1)
        return MHD_NO;
    int at = snprintf(text, sizeof(text), "%llu ", (unsigned long long)up->bytes);
    for (unsigned i = 0; i < len; i++)
        at += snprintf(text + at, sizeof(text) - (size_t)at, "%02x", sum[i]);
    (void)snprintf(text + at, sizeof(text) - (size_t)at, "\n");
    return answer_text(conn, MHD_HTTP_OK, text);
}

static struct upload *begin_upload(void)
{
    struct upload *up = calloc(1, sizeof(*up));
    if (up)
        up->digest = EVP_MD_CTX_new();
    if (up && up->digest && EVP_DigestInit_ex(up->digest, EVP_sha256(), NULL) == 1)
        return up;
    free(up);
    return NULL;
}

/* Called once with the headers, then for each part of the body, then at its end. */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *conn, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **state)
{
    (void)cls;
    (void)version;
    struct upload *up = *state;
    if (!up) {
        *state = begin_upload();
        return *state ? MHD_YES : MHD_NO;
    }
    if (*size > 0) {
        up->bytes += *size;
        enum MHD_Result ok = EVP_DigestUpdate(up->digest, data, *size) == 1 ? MHD_YES : MHD_NO;
        *size = 0;
        return ok;
    }
    if (!strcmp(method, MHD_HTTP_METHOD_GET) || !strcmp(method, MHD_HTTP_METHOD_HEAD))
        return answer_get(conn, url);
    if (!strcmp(method, MHD_HTTP_METHOD_PUT) || !strcmp(method, MHD_HTTP_METHOD_POST))
        return answer_upload(conn, up);
    return answer_text(conn, MHD_HTTP_METHOD_NOT_ALLOWED, "GET, PUT or POST\n");
}

static void on_done(void *cls, struct MHD_Connection *conn, void **state,
                    enum MHD_RequestTerminationCode code)
{
    (void)cls;
    (void)conn;
    (void)code;
    struct upload *up = *state;
    if (up)
        EVP_MD_CTX_free(up->digest);
    free(up);
    *state = NULL;
}

static int listen_loopback(uint16_t *ret_port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET};
    socklen_t len = sizeof(addr);
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    gw_auto_fd fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&addr, len) || listen(fd, SOMAXCONN) ||
        getsockname(fd, (struct sockaddr *)&addr, &len))
        return -errno;
    *ret_port = ntohs(addr.sin_port);
    int result = fd;
    fd = -1;
    return result;
}

/* The child: serves until the parent closes the leash. */
gw_noreturn static void serve(int listen_fd, int leash_fd)
{
    char byte;
    (void)signal(SIGINT, SIG_IGN); /* the parent decides */
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, on_request, NULL, MHD_OPTION_LISTEN_SOCKET,
        listen_fd, MHD_OPTION_NOTIFY_COMPLETED, on_done, NULL, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)2 * BLOCK, MHD_OPTION_END);
    while (daemon && read(leash_fd, &byte, 1) < 0 && errno == EINTR) {
    }
    if (daemon)
        MHD_stop_daemon(daemon);
    _exit(daemon ? GW_EXIT_OK : GW_EXIT_OTHER);
}

int gw_demo_backend_start(struct gw_demo_backend *ret, struct gw_error *err)
{
    int leash[2];
    gw_auto_fd listener = listen_loopback(&ret->port);
    if (listener < 0)
        return gw_error_set(err, GW_EXIT_START, "cannot listen on loopback for the backend: %s",
                            strerror(-listener));
    if (pipe2(leash, O_CLOEXEC))
        return gw_error_set(err, GW_EXIT_OTHER, "cannot create a pipe: %s", strerror(errno));
    ret->pid = fork();
    if (ret->pid == 0) {
        (void)close(leash[1]);
        serve(listener, leash[0]);
    }
    (void)close(leash[0]);
    ret->leash_fd = leash[1];
    if (ret->pid > 0)
        return 0;
    gw_fd_close(&ret->leash_fd);
    return gw_error_set(err, GW_EXIT_OTHER, "cannot start the backend: %s", strerror(errno));
}

void gw_demo_backend_stop(struct gw_demo_backend *backend)
{
    gw_fd_close(&backend->leash_fd);
    if (backend->pid > 0)
        (void)waitpid(backend->pid, NULL, 0);
    backend->pid = 0;
}
