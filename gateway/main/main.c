/* SPDX-License-Identifier: Apache-2.0 */
/* ktlsgate: the program. Parses the command line and runs one subcommand. */
#include "gateway/base/error.h"
#include "gateway/config/command.h"
#include "gateway/config/help.h"
#include "gateway/config/parse.h"
#include "gateway/demo/demo.h"
#include "gateway/main/certlist.h"
#include "gateway/main/check.h"
#include "gateway/main/explain.h"
#include "gateway/main/probe.h"
#include "gateway/pki/pki.h"
#include "gateway/proc/master.h"
#include "gateway/tls/fips.h"
#include "gateway/tls/library.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static enum gw_exit run_gateway(const struct gw_config *config, int argc, char **argv,
                                struct gw_error *err)
{
    (void)argc, (void)argv;
    return gw_master_run(config, gw_worker_run, err);
}

static void show(const struct gw_termset *set)
{
    gw_certlist_print(stdout, set, time(NULL));
    gw_check_print(set);
}

static enum gw_exit run_check(const struct gw_config *config, int argc, char **argv,
                              struct gw_error *err)
{
    (void)argc, (void)argv;
    if (config->explain)
        return gw_explain_run(config, err);
    return gw_master_check(config, show, err);
}

static enum gw_exit run_pki(const struct gw_config *config, int argc, char **argv,
                            struct gw_error *err)
{
    (void)argc, (void)argv;
    return gw_pki_run(config, err);
}

static enum gw_exit run_probe(const struct gw_config *config, int argc, char **argv,
                              struct gw_error *err)
{
    (void)argc, (void)argv;
    if (!gw_probe_print(config->json, config->measure))
        return GW_EXIT_OK;
    (void)gw_error_set(err, GW_EXIT_OTHER, "standard output could not be written");
    return GW_EXIT_OTHER;
}

/* The function of a subcommand. argv: the flags after it, already parsed into `config`. Returns the
 * exit code. If that is not GW_EXIT_OK, err->text is the sentence to print, or "" if nothing more
 * is to print. */
typedef enum gw_exit command_fn(const struct gw_config *config, int argc, char **argv,
                                struct gw_error *err);

static command_fn *const commands[GW_COMMAND_COUNT] = {
    [GW_COMMAND_SERVER] = run_gateway, [GW_COMMAND_CLIENT] = run_gateway,
    [GW_COMMAND_CHECK] = run_check,    [GW_COMMAND_CHECK_CLIENT] = run_check,
    [GW_COMMAND_DEMO] = gw_demo_run,   [GW_COMMAND_PROBE] = run_probe,
    [GW_COMMAND_PKI_INIT] = run_pki,   [GW_COMMAND_PKI_ISSUE] = run_pki,
    [GW_COMMAND_PKI_RENEW] = run_pki,  [GW_COMMAND_PKI_REVOKE] = run_pki,
    [GW_COMMAND_PKI_CRL] = run_pki,    [GW_COMMAND_PKI_LIST] = run_pki,
    [GW_COMMAND_PKI_SHOW] = run_pki,
};

/* A socket must not become descriptor 0, 1 or 2, to which text is written. */
static void open_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
            _exit(GW_EXIT_OTHER);
}

static void set_up_log(const struct gw_config *config)
{
    const struct gw_log_config log = {
        .level = config->log_level,
        .format = config->log_format,
        .worker = -1,
    };
    gw_log_setup(&log);
    (void)signal(SIGPIPE, SIG_IGN); /* standard error may be a pipe without a reader */
    for (unsigned i = 0; i < config->warning_count; i++)
        gw_log(GW_LOG_WARNING, "%s", config->warnings[i]);
}

/* The gateway's own cryptography is not in a validated module. */
static bool fips_permits(struct gw_error *err)
{
    const char *by = gw_fips_asked_by(GW_FIPS_KERNEL_FILE);
    if (by)
        (void)gw_error_set(err, GW_EXIT_START,
                           "%s demands FIPS mode, and ktlsgate computes outside any validated "
                           "module; it does not run in that mode",
                           by);
    return !by;
}

static enum gw_exit run(const struct gw_config *config, int argc, char **argv, struct gw_error *err)
{
    switch (config->ask) {
    case GW_ASK_HELP:
        gw_config_help(config->command < GW_COMMAND_COUNT ? gw_command_info(config->command)->word
                                                          : config->subcommand,
                       stdout);
        return GW_EXIT_OK;
    case GW_ASK_VERSION:
        (void)puts("ktlsgate " KTLSGATE_VERSION);
        return GW_EXIT_OK;
    case GW_ASK_RUN:
        break;
    }
    set_up_log(config);
    if (config->command != GW_COMMAND_PROBE && !fips_permits(err))
        return err->exit;
    gw_require(config->command < GW_COMMAND_COUNT && commands[config->command]);
    return commands[config->command](config, argc, argv, err);
}

static enum gw_exit fail(const struct gw_error *err)
{
    if (err->text[0])
        (void)fprintf(stderr, "ktlsgate: %s\n", err->text);
    return err->exit;
}

/* `help` and `help COMMAND` equal `--help` and `COMMAND --help`, also for commands of two words. */
static int parse(struct gw_config **ret, int argc, char **argv, struct gw_error *err)
{
    static char flag[] = "--help"; /* the configuration keeps a pointer to it */
    char *flags[] = {argc > 3 ? argv[3] : flag, flag};
    const char *word = argc > 1 ? argv[1] : NULL;
    if (!word || strcmp(word, "help"))
        return gw_config_parse(ret, word, argc > 2 ? argc - 2 : 0, argv + 2, err);
    if (argc > 2)
        return gw_config_parse(ret, argv[2], argc > 3 ? 2 : 1, flags, err);
    return gw_config_parse(ret, flag, 0, NULL, err);
}

int main(int argc, char **argv)
{
    struct gw_config *config;
    struct gw_error err = {.exit = GW_EXIT_OK};
    open_standard_streams();
    if (!gw_tls_library_begin()) {
        (void)gw_error_set(&err, GW_EXIT_OTHER, "libssl cannot be initialized; out of memory");
        return (int)fail(&err);
    }
    if (parse(&config, argc, argv, &err))
        return (int)fail(&err);
    enum gw_exit code = run(config, argc > 2 ? argc - 2 : 0, argv + 2, &err);
    gw_config_free(config);
    return (int)(code == GW_EXIT_OK ? code : fail(&err));
}
