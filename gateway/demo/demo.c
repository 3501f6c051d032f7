/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/demo/demo.h"

#include "gateway/base/tmpdir.h"
#include "gateway/config/parse.h"
#include "gateway/demo/backend.h"
#include "gateway/pki/issue.h"
#include "gateway/proc/master.h"
#include "gateway/proc/worker.h"

#include "ktlsinstall.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    ARGS_MAX = 64,
    PATH_MAX_LEN = 128,
};

struct demo {
    char dir[PATH_MAX_LEN];
    struct gw_demo_backend backend;
};

/* One row per certificate that the demo's CA issues. */
static const struct gw_pki_request requests[] = {
    {.kind = GW_PKI_SERVER,
     .name = "localhost",
     .sans = {{GW_PKI_SAN_IP, "127.0.0.1"}, {GW_PKI_SAN_IP, "::1"}},
     .san_count = 2},
    {.kind = GW_PKI_CLIENT,
     .name = "demo-client",
     .ou = "demo",
     .sans = {{GW_PKI_SAN_DNS, "client.demo"}},
     .san_count = 1},
    {.kind = GW_PKI_CLIENT,
     .name = "stranger",
     .ou = "demo",
     .sans = {{GW_PKI_SAN_DNS, "stranger.demo"}},
     .san_count = 1},
};

static int make_certs(const struct demo *demo, struct gw_error *err)
{
    struct gw_pki_ca ca;
    const struct gw_pki_record *made;
    const struct gw_pki_wish wish = {.days = 0};
    const struct gw_pki_init init = {
        .path = demo->dir, .name = "ktlsgate demo CA", .now = (int64_t)time(NULL)};
    int error = gw_pki_ca_init(&ca, &init, err);
    if (error)
        return error;
    for (size_t i = 0; i < GW_ARRAY_SIZE(requests) && !error; i++)
        error = gw_pki_issue(&ca, &requests[i], &wish, &made, err);
    gw_pki_ca_close(&ca);
    return error;
}

static int make_dir(struct demo *demo, struct gw_error *err)
{
    (void)snprintf(demo->dir, sizeof(demo->dir), "%s/ktlsgate-demo-XXXXXX", gw_tmpdir());
    if (mkdtemp(demo->dir))
        return 0;
    demo->dir[0] = '\0';
    return gw_error_set(err, GW_EXIT_START, "cannot create a folder in %s: %s", gw_tmpdir(),
                        strerror(errno));
}

static void remove_dir(const struct demo *demo)
{
    if (demo->dir[0])
        gw_pki_store_destroy(demo->dir);
}

/* ---- the gateway's own command line ---- */

struct args {
    char *argv[ARGS_MAX];
    int argc;
    char text[ARGS_MAX][PATH_MAX_LEN + 32]; /* the arguments made here */
};

static void add(struct args *a, const char *flag, const char *value)
{
    if (a->argc + 2 > ARGS_MAX)
        return;
    (void)snprintf(a->text[a->argc], sizeof(a->text[0]), "%s", flag);
    (void)snprintf(a->text[a->argc + 1], sizeof(a->text[0]), "%s", value);
    a->argv[a->argc] = a->text[a->argc];
    a->argv[a->argc + 1] = a->text[a->argc + 1];
    a->argc += 2;
}

static void add_file(struct args *a, const char *flag, const struct demo *demo, const char *file)
{
    char path[PATH_MAX_LEN + 32];
    (void)snprintf(path, sizeof(path), "%s/%s", demo->dir, file);
    add(a, flag, path);
}

/* Passes the given flags on to the gateway, except for --listen, which has a default here. */
static void add_given(struct args *a, int argc, char **argv)
{
    for (int i = 0; i < argc && a->argc < ARGS_MAX; i++) {
        if (!strcmp(argv[i], "--listen"))
            i++;
        else if (strncmp(argv[i], "--listen=", strlen("--listen=")) != 0)
            a->argv[a->argc++] = argv[i];
    }
}

static void make_args(struct args *a, const struct demo *demo, const char *listen, int argc,
                      char **argv)
{
    char target[32];
    (void)snprintf(target, sizeof(target), "127.0.0.1:%u", demo->backend.port);
    a->argc = 0;
    add(a, "--listen", listen);
    add(a, "--target", target);
    add_file(a, "--cert", demo, "certs/localhost/chain.pem");
    add_file(a, "--key", demo, "certs/localhost/key.pem");
    add_file(a, "--cacert", demo, "ca.pem");
    add(a, "--allow-cn", "demo-client");
    add_given(a, argc, argv);
}

/* ---- the output ---- */

static const char *engine_sentence(const struct gw_config *config)
{
    struct ktls_probe probe;
    if (config->services[0]->records == GW_RECORDS_USER)
        return "the user engine (set by --records user)";
    if (ktls_probe(&probe) || !probe.attach.works)
        return "the user engine: this kernel has no tls (see: ktlsgate probe)";
    return "the kernel (kTLS)";
}

static const char *port_of(const struct gw_config *config)
{
    const char *colon = strrchr(config->services[0]->listen[0].text, ':');
    return colon ? colon + 1 : "";
}

static void print_welcome(const struct demo *demo, const struct gw_config *config)
{
    const char *listen = config->services[0]->listen[0].text;
    const char *port = port_of(config);
    const char *d = demo->dir;
    printf("ktlsgate demo: TLS on %s, records run by %s\nCertificates of a throw-away CA are in "
           "%s\n\nIn another terminal:\n\n  # a client that is allowed\n  curl --cacert %s/ca.pem "
           "--cert %s/certs/demo-client/chain.pem \\\n      --key %s/certs/demo-client/key.pem "
           "\\\n      https://localhost:%s/\n\n  # a client with a valid certificate whose name no "
           "rule allows: refused, access denied\n  curl --cacert %s/ca.pem --cert "
           "%s/certs/stranger/chain.pem \\\n      --key %s/certs/stranger/key.pem \\\n      "
           "https://localhost:%s/\n\n  # no certificate: refused\n  curl --cacert %s/ca.pem "
           "https://localhost:%s/\n\n  # by hand; then type GET / HTTP/1.0 and press Enter twice\n "
           " openssl s_client -quiet -crlf -connect localhost:%s -CAfile %s/ca.pem \\\n      -cert "
           "%s/certs/demo-client/chain.pem -key %s/certs/demo-client/key.pem\n\nCtrl-C ends it and "
           "removes the certificates. The gateway's log follows.\n\n",
           listen, engine_sentence(config), d, d, d, d, port, d, d, d, port, d, port, port, d, d,
           d);
    (void)fflush(stdout);
}

static enum gw_exit run_gateway(struct demo *demo, const struct gw_config *given, int argc,
                                char **argv, struct gw_error *err)
{
    struct args args;
    struct gw_config *config = NULL;
    make_args(&args, demo, given->services[0]->listen[0].text, argc, argv);
    if (gw_config_parse(&config, "server", args.argc, args.argv, err))
        return err->exit;
    print_welcome(demo, config);
    enum gw_exit code = gw_master_run(config, gw_worker_run, err);
    gw_config_free(config);
    return code;
}

enum gw_exit gw_demo_run(const struct gw_config *config, int argc, char **argv,
                         struct gw_error *err)
{
    struct demo demo = {.backend = {.leash_fd = -1}};
    enum gw_exit code = GW_EXIT_OTHER;
    const struct gw_address *listen = &config->services[0]->listen[0];
    if (listen->addr.ss_family == AF_UNIX || !strcmp(port_of(config), "0")) {
        (void)gw_error_set(err, GW_EXIT_USAGE,
                           "--listen %s: the demo needs HOST:PORT with a port other than 0, for "
                           "the commands it prints",
                           listen->text);
        return GW_EXIT_USAGE;
    }
    if (make_dir(&demo, err) || make_certs(&demo, err) || gw_demo_backend_start(&demo.backend, err))
        code = err->exit;
    else
        code = run_gateway(&demo, config, argc, argv, err);
    gw_demo_backend_stop(&demo.backend);
    remove_dir(&demo);
    return code;
}
