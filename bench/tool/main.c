/* SPDX-License-Identifier: Apache-2.0 */
/* ktlsgate-bench: measures TLS servers. Reads the command line and hands over to one subcommand. */
#include "bench/compare/compare.h"
#include "bench/crypto/crypto.h"
#include "bench/flood/flood.h"
#include "bench/load/origin.h"
#include "bench/load/run.h"
#include "bench/report/report.h"
#include "bench/siege/siege.h"
#include "bench/tool/commands.h"
#include "bench/tool/options.h"
#include "bench/tool/output.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static int run_load(const struct bench_config *config, struct gw_error *err)
{
    static struct bench_result result; /* its histogram is large */
    struct bench_config shown = *config;
    int r = bench_run(config, bench_output_progress, &shown, &result, err);
    bench_output_progress_end();
    if (!r)
        r = bench_output_result(config, &result, err);
    if (!r && result.errors)
        r = gw_error_set(err, GW_EXIT_OTHER, "%llu connections failed, the first: %s",
                         (unsigned long long)result.errors, result.first_error);
    return r;
}

typedef int command_fn(const struct bench_config *config, struct gw_error *err);

static command_fn *const commands[BENCH_COMMAND_COUNT] = {
    [BENCH_HANDSHAKE] = run_load,
    [BENCH_BULK] = run_load,
    [BENCH_LATENCY] = run_load,
    [BENCH_IDLE] = run_load,
    [BENCH_CHURN] = run_load,
    [BENCH_ORIGIN] = bench_origin_run,
    [BENCH_COMPARE] = bench_compare_run,
    [BENCH_CRYPTO] = bench_crypto_run,
    [BENCH_REPORT] = bench_report_run,
    [BENCH_FLOOD] = bench_flood_run,
    [BENCH_SIEGE] = bench_siege_run,
};

static void print_overview(FILE *out)
{
    (void)fprintf(out, "ktlsgate-bench " KTLSGATE_VERSION ": measures TLS servers\n"
                       "\nUsage: ktlsgate-bench COMMAND [FLAG ...]\n"
                       "\nExample\n"
                       "  ktlsgate-bench origin --listen 127.0.0.1:8080 &\n"
                       "  ktlsgate-bench bulk --target 127.0.0.1:8443 --connections 4\n"
                       "\nCommands\n");
    for (unsigned i = 0; i < BENCH_COMMAND_COUNT; i++) {
        const struct bench_command_info *info = bench_command_info((enum bench_command)i);
        (void)fprintf(out, "  %-12s %s\n", info->word, info->title);
    }
    (void)fprintf(out, "\n`ktlsgate-bench COMMAND --help` lists the flags of a command.\n");
}

static int fail(const struct gw_error *err)
{
    (void)fprintf(stderr, "ktlsgate-bench: %s\n", err->text);
    return (int)err->exit;
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    enum bench_command command = bench_command_find(word);
    struct bench_config config;
    struct gw_error err = {.exit = GW_EXIT_OTHER};
    (void)signal(SIGPIPE, SIG_IGN);
    if (!strcmp(word, "--help") || !strcmp(word, "help")) {
        print_overview(stdout);
        return GW_EXIT_OK;
    }
    if (!strcmp(word, "--version")) {
        (void)puts("ktlsgate-bench " KTLSGATE_VERSION);
        return GW_EXIT_OK;
    }
    if (command == BENCH_COMMAND_COUNT) {
        print_overview(stderr);
        if (word[0])
            (void)fprintf(stderr, "\nktlsgate-bench: there is no command '%.40s'\n", word);
        return GW_EXIT_USAGE;
    }
    if (bench_options_read(command, argc - 1, argv + 1, &config, &err) ||
        commands[command](&config, &err))
        return fail(&err);
    return GW_EXIT_OK;
}
