/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/compare/place.h"

#include "bench/compare/certificate.h"
#include "bench/compare/child.h"
#include "bench/compare/janitor.h"
#include "bench/load/origin.h"
#include "bench/tool/options.h"
#include "gateway/base/fd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PATIENCE_MS = 10000, /* for the origin to open its port */
};

/* ---- the folder ---- */

int bench_place_write(const struct bench_place *place, const char *name, const char *text,
                      struct gw_error *err)
{
    char path[BENCH_PLACE_FOLDER_MAX + 64];
    (void)snprintf(path, sizeof(path), "%s/%.48s", place->folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *f = fd >= 0 ? fdopen(fd, "we") : NULL;
    bool good = f && fputs(text, f) >= 0;
    if (f && fclose(f))
        good = false;
    return good ? 0
                : gw_error_set(err, GW_EXIT_OTHER, "%s could not be written: %s", path,
                               strerror(errno));
}

static int write_certificate(const struct bench_place *place, enum bench_key_type type,
                             struct gw_error *err)
{
    struct gw_pki_text cert = {0}, key = {0}, both = {0};
    int r = bench_certificate_make(type, &cert, &key, err);
    if (!r && gw_pki_text_printf(&both, "%s%s", key.data, cert.data))
        r = gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    if (!r)
        r = bench_place_write(place, "cert.pem", cert.data, err);
    if (!r)
        r = bench_place_write(place, "key.pem", key.data, err);
    if (!r)
        r = bench_place_write(place, "both.pem", both.data, err);
    gw_pki_text_done(&cert);
    gw_pki_text_done(&key);
    gw_pki_text_done(&both);
    return r;
}

static int make_folder(struct bench_place *place, struct gw_error *err)
{
    (void)snprintf(place->folder, sizeof(place->folder), "%s/ktlsgate-bench-XXXXXX", gw_tmpdir());
    if (mkdtemp(place->folder))
        return bench_janitor_start(place->folder, err);
    place->folder[0] = '\0';
    return gw_error_set(err, GW_EXIT_START, "cannot make a folder in %s: %s", gw_tmpdir(),
                        strerror(errno));
}

/* ---- the origin ---- */

static gw_noreturn void be_origin(const struct bench_comparison *compare, int out)
{
    struct bench_config config;
    struct gw_error err = {.exit = GW_EXIT_OTHER};
    bench_options_defaults(BENCH_ORIGIN, &config);
    config.threads = GW_MAX(compare->load_cpus.count, 1U);
    config.cpus = compare->load_cpus;
    ((struct sockaddr_in *)&config.listen.addr)->sin_port = 0;
    (void)dup2(out, STDOUT_FILENO);
    if (!bench_origin_run(&config, &err))
        _exit(GW_EXIT_OK);
    (void)fprintf(stderr, "ktlsgate-bench: the origin: %s\n", err.text);
    _exit(GW_EXIT_OTHER);
}

/* The port that it prints; 0: it did not. */
static unsigned read_port(int fd)
{
    char line[64] = "";
    unsigned port = 0;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, PATIENCE_MS) == 1 && read(fd, line, sizeof(line) - 1) > 0 &&
        sscanf(line, "origin: port %u", &port) != 1)
        return 0;
    return port;
}

static int start_origin(struct bench_place *place, const struct bench_comparison *compare,
                        struct gw_error *err)
{
    int pipe_fds[2];
    if (pipe2(pipe_fds, O_CLOEXEC))
        return gw_error_set(err, GW_EXIT_OTHER, "no pipe: %s", strerror(errno));
    gw_auto_fd in = pipe_fds[0];
    gw_auto_fd out = pipe_fds[1];
    pid_t pid = bench_child_fork(&compare->load_cpus);
    if (pid < 0)
        return gw_error_set(err, GW_EXIT_OTHER, "no process: %s", strerror(-pid));
    if (pid == 0)
        be_origin(compare, out);
    place->origin = pid;
    gw_fd_close(&out);
    place->backend = read_port(in);
    return place->backend ? 0
                          : gw_error_set(err, GW_EXIT_START, "the origin does not open its port");
}

/* ---- both ---- */

int bench_place_init(struct bench_place *place, const struct bench_comparison *compare,
                     struct gw_error *err)
{
    int r = make_folder(place, err);
    if (!r)
        r = write_certificate(place, (enum bench_key_type)compare->key_type, err);
    return r ? r : start_origin(place, compare, err);
}

void bench_place_done(struct bench_place *place)
{
    bench_child_stop(place->origin);
    bench_janitor_end();
    *place = (struct bench_place){0};
}
