/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/tool/options.h"

#include "bench/tool/lists.h"
#include "gateway/base/clock.h"
#include "gateway/config/address.h"
#include "gateway/config/cpus.h"
#include "gateway/config/units.h"

#include <argp.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BIT(command) (1U << BENCH_##command)
#define LOAD (BIT(HANDSHAKE) | BIT(BULK) | BIT(LATENCY) | BIT(IDLE) | BIT(CHURN))
#define AT(member) .at = offsetof(struct bench_config, member)

static const struct bench_command_info commands[BENCH_COMMAND_COUNT] = {
    [BENCH_HANDSHAKE] =
        {
            .word = "handshake",
            .title = "how many handshakes a server does, full or resumed",
            .about = "Connects, does a TLS handshake, closes, and again, over so many connections "
                     "at a time. A handshake counts when the server has ended the connection.",
        },
    [BENCH_BULK] =
        {
            .word = "bulk",
            .title = "how fast bytes go through, and what they cost",
            .about = "Transfers by HTTP: down is GET, up is PUT; both is an echo. What `origin` "
                     "sends is compared byte by byte; of other HTTP servers only the length is. "
                     "Bytes count when they were received, or when the kernel has taken them to "
                     "send.",
        },
    [BENCH_LATENCY] =
        {
            .word = "latency",
            .title = "how long an answer takes: closed loop, or at a given rate",
            .about = "Sends so many bytes and waits for as many to come back, on connections that "
                     "stay. With --rate requests are sent at their time whether the server keeps "
                     "up or not, and time counts from when they were due.",
        },
    [BENCH_IDLE] =
        {
            .word = "idle",
            .title = "what connections cost that do nothing",
            .about = "Opens connections and keeps them. With --pid tells the memory that the "
                     "server took for each.",
        },
    [BENCH_CHURN] =
        {
            .word = "churn",
            .title = "connections that live for one request",
            .about = "Connects, handshakes, sends so many bytes, waits for as many to come back, "
                     "closes, and again.",
        },
    [BENCH_ORIGIN] =
        {
            .word = "origin",
            .title = "the plaintext backend for all of these",
            .about = "Answers GET /bytes/N with N bytes, takes what is PUT and checks it, and "
                     "echoes whatever is no HTTP.",
        },
    [BENCH_COMPARE] =
        {
            .word = "compare",
            .title = "ktlsgate and the other gateways on this machine, in turn",
            .about = "Starts each with one worker on a processor of its own, with the same "
                     "certificate and backend, loads it, and tells its CPU time for each unit of "
                     "work beside the best of the others. Systems take turns in every round, as "
                     "the speed of machines drifts. What is not installed is left out.",
        },
    [BENCH_CRYPTO] =
        {
            .word = "crypto",
            .title = "how fast AEAD is on one processor, by each library that can do it",
            .about = "Seals and opens records by the gateway's providers, DPDK's devices and the "
                     "kernel, one thread, in turn. Each has to do what libcrypto does before its "
                     "time counts. The figure is that of the best round.",
        },
    [BENCH_REPORT] =
        {
            .word = "report",
            .title = "saved results as one page with plots",
            .about = "Reads what --save and `compare` have written (of a FOLDER: its files *.json) "
                     "and writes one HTML file that needs no other. Plots are drawn by gnuplot.",
            .inputs = "FILE|FOLDER ...",
        },
};

enum kind {
    SWITCH,
    TEXT,
    TARGET,
    LISTEN,
    NUMBER,
    SIZE,
    DURATION,
    WORD,
    CPUS,
    PID,
    HIDDEN_SWITCH, /* --help does not list it */
    SIZES,
    WORDS,
};

struct flag {
    const char *name;
    enum kind kind;
    unsigned commands;
    const char *value;   /* what --help calls it */
    const char *initial; /* NULL: none */
    const char *help;
    const char *const *words; /* ends with NULL; the index is stored */
    uint64_t min, max;
    size_t at;
};

static const char *const tls_words[] = {"1.2", "1.3", NULL};
static const char *const cipher_words[] = {"aes-128-gcm", "aes-256-gcm", "chacha20-poly1305", NULL};
static const char *const direction_words[] = {"down", "up", "both", NULL};
static const char *const key_type_words[] = {"ecdsa-p256", "rsa-2048", NULL};
static const char *const resume_words[] = {"full", "resumed", NULL};

#define SECONDS GW_NS_PER_SEC
#define BYTES_MAX (UINT64_C(1) << 40)

/* In the order of --help. A name may stand in several rows, of different commands. */
static const struct flag flags[] = {
    {.name = "target",
     .kind = TARGET,
     .commands = LOAD,
     .value = "HOST:PORT",
     .help = "the server to load (needed)",
     AT(target)},
    {.name = "listen",
     .kind = LISTEN,
     .commands = BIT(ORIGIN),
     .value = "HOST:PORT",
     .initial = "127.0.0.1:8080",
     .help = "where it answers",
     AT(listen)},
    {.name = "plain",
     .kind = SWITCH,
     .commands = LOAD & ~BIT(HANDSHAKE),
     .help = "no TLS, to see what relaying alone costs",
     AT(plain)},
    {.name = "tls",
     .kind = WORD,
     .commands = LOAD | BIT(COMPARE),
     .initial = "1.3",
     .words = tls_words,
     .help = "the version of TLS",
     AT(tls)},
    {.name = "cipher",
     .kind = WORD,
     .commands = LOAD | BIT(COMPARE),
     .initial = "aes-128-gcm",
     .words = cipher_words,
     .help = "the only cipher that is offered",
     AT(cipher)},
    {.name = "groups",
     .kind = TEXT,
     .commands = LOAD,
     .value = "LIST",
     .help = "groups for the key exchange, joined by ':'",
     AT(groups)},
    {.name = "server-name",
     .kind = TEXT,
     .commands = LOAD,
     .value = "NAME",
     .help = "the name that the server is asked for (SNI), and must have with --cacert",
     AT(server_name)},
    {.name = "cacert",
     .kind = TEXT,
     .commands = LOAD,
     .value = "FILE",
     .help = "verify the server by these authorities; without it anything passes",
     AT(cacert)},
    {.name = "cert",
     .kind = TEXT,
     .commands = LOAD,
     .value = "FILE",
     .help = "our own certificate, for mutual TLS",
     AT(cert)},
    {.name = "key",
     .kind = TEXT,
     .commands = LOAD,
     .value = "FILE",
     .help = "its key (default: in the same file)",
     AT(key)},
    {.name = "resume",
     .kind = WORD,
     .commands = BIT(HANDSHAKE),
     .initial = "full",
     .words = resume_words,
     .help = "full handshakes, or resumed ones with a session made before",
     AT(resume)},
    {.name = "direction",
     .kind = WORD,
     .commands = BIT(BULK),
     .initial = "down",
     .words = direction_words,
     .help = "which way the bytes go",
     AT(direction)},
    {.name = "size",
     .kind = SIZE,
     .commands = BIT(BULK),
     .value = "BYTES",
     .initial = "1g",
     .min = 1,
     .max = BYTES_MAX,
     .help = "of one transfer; the next follows on the same connection",
     AT(size)},
    {.name = "size",
     .kind = SIZE,
     .commands = BIT(LATENCY) | BIT(CHURN),
     .value = "BYTES",
     .initial = "128",
     .min = 1,
     .max = 16 << 20,
     .help = "of a request, and of its answer",
     AT(size)},
    {.name = "path",
     .kind = TEXT,
     .commands = BIT(BULK),
     .value = "PATH",
     .help = "what to GET from another HTTP server, instead of --size bytes from `origin`",
     AT(path)},
    {.name = "rate",
     .kind = NUMBER,
     .commands = BIT(LATENCY),
     .value = "N",
     .initial = "0",
     .min = 0,
     .max = 10000000,
     .help = "requests a second; 0: the next is sent when the answer came",
     AT(rate)},
    {.name = "connections",
     .kind = NUMBER,
     .commands = LOAD & ~BIT(IDLE),
     .value = "N",
     .initial = "16",
     .min = 1,
     .max = 100000,
     .help = "at a time, all threads together",
     AT(connections)},
    {.name = "connections",
     .kind = NUMBER,
     .commands = BIT(IDLE),
     .value = "N",
     .initial = "2000",
     .min = 1,
     .max = 1000000,
     .help = "to open and keep",
     AT(connections)},
    {.name = "threads",
     .kind = NUMBER,
     .commands = LOAD | BIT(ORIGIN),
     .value = "N",
     .initial = "1",
     .min = 1,
     .max = BENCH_THREADS_MAX,
     .help = "threads, each with its own io_uring",
     AT(threads)},
    {.name = "cpus",
     .kind = CPUS,
     .commands = LOAD | BIT(ORIGIN) | BIT(CRYPTO),
     .value = "LIST",
     .help = "pins thread i to the i-th of these processors, such as 2-5",
     AT(cpus)},
    {.name = "time",
     .kind = DURATION,
     .commands = LOAD,
     .value = "TIME",
     .initial = "10s",
     .min = 100 * GW_NS_PER_MS,
     .max = 86400 * SECONDS,
     .help = "how long to measure",
     AT(time_ns)},
    {.name = "time",
     .kind = DURATION,
     .commands = BIT(COMPARE),
     .value = "TIME",
     .initial = "5s",
     .min = 100 * GW_NS_PER_MS,
     .max = 3600 * SECONDS,
     .help = "how long to measure, each time",
     AT(time_ns)},
    {.name = "time",
     .kind = DURATION,
     .commands = BIT(CRYPTO),
     .value = "TIME",
     .initial = "100ms",
     .min = GW_NS_PER_MS,
     .max = 3600 * SECONDS,
     .help = "how long to measure each figure",
     AT(time_ns)},
    {.name = "sizes",
     .kind = SIZES,
     .commands = BIT(CRYPTO),
     .value = "LIST",
     .initial = "64,256,1k,4k,16k",
     .help = "bytes of a record, joined by ','",
     AT(crypto.sizes)},
    {.name = "ciphers",
     .kind = WORDS,
     .commands = BIT(CRYPTO),
     .value = "LIST",
     .initial = "aes-128-gcm,aes-256-gcm,chacha20-poly1305",
     .words = cipher_words,
     .help = "joined by ','",
     AT(crypto.ciphers)},
    {.name = "relay",
     .kind = TEXT,
     .commands = BIT(CRYPTO),
     .value = "FILE",
     .help =
         "what `compare` has saved: tells how near ktlsgate's relay is to this processor's AEAD",
     AT(crypto.relay)},
    {.name = "out",
     .kind = TEXT,
     .commands = BIT(REPORT),
     .value = "FILE",
     .initial = "report.html",
     .help = "the page to write",
     AT(report.out)},
    {.name = "units",
     .kind = NUMBER,
     .commands = LOAD & ~BIT(IDLE),
     .value = "N",
     .initial = "0",
     .max = 1000000000,
     .help = "measure so many handshakes, transfers, requests or connections instead of a time, "
             "after a quarter of them and one a connection at least; 0: a time",
     AT(units)},
    {.name = "warmup",
     .kind = DURATION,
     .commands = LOAD & ~BIT(IDLE),
     .value = "TIME",
     .initial = "1s",
     .max = 3600 * SECONDS,
     .help = "how long to load before that",
     AT(warmup_ns)},
    {.name = "timeout",
     .kind = DURATION,
     .commands = LOAD,
     .value = "TIME",
     .initial = "10s",
     .min = 100 * GW_NS_PER_MS,
     .max = 3600 * SECONDS,
     .help = "how long the server may leave a connection without an answer; longer is a failure",
     AT(timeout_ns)},
    {.name = "pid",
     .kind = PID,
     .commands = LOAD,
     .value = "PID",
     .help = "a process of the server; its CPU time and that of its children is told for each unit "
             "of work; repeatable",
     AT(pids)},
    {.name = "rounds",
     .kind = NUMBER,
     .commands = BIT(COMPARE),
     .value = "N",
     .initial = "5",
     .min = 1,
     .max = BENCH_ROUNDS_MAX,
     .help = "how often each case is measured",
     AT(compare.rounds)},
    {.name = "cases",
     .kind = TEXT,
     .commands = BIT(COMPARE),
     .value = "LIST",
     .help = "what to measure, joined by ',' (default: all)",
     AT(compare.cases)},
    {.name = "systems",
     .kind = TEXT,
     .commands = BIT(COMPARE),
     .value = "LIST",
     .help = "which of the systems, joined by ',' (default: all that are installed)",
     AT(compare.systems)},
    {.name = "workers",
     .kind = TEXT,
     .commands = BIT(COMPARE),
     .value = "LIST",
     .help = "measure with so many workers, each on a processor, such as 1,2,4 (default: 1); "
             "without --systems ktlsgate alone",
     AT(compare.workers)},
    {.name = "ktlsgate",
     .kind = TEXT,
     .commands = BIT(COMPARE),
     .value = "PATH",
     .help = "the program (default: the one that was built with this one, else that in PATH)",
     AT(compare.ktlsgate)},
    {.name = "key-type",
     .kind = WORD,
     .commands = BIT(COMPARE),
     .initial = "ecdsa-p256",
     .words = key_type_words,
     .help = "of the certificate",
     AT(compare.key_type)},
    {.name = "server-cpu",
     .kind = CPUS,
     .commands = BIT(COMPARE),
     .value = "LIST",
     .help = "where servers run (default: the first that this process may use, or as many as "
             "there are workers)",
     AT(compare.server_cpus)},
    {.name = "load-cpu",
     .kind = CPUS,
     .commands = BIT(COMPARE),
     .value = "LIST",
     .help = "where load and backend run, a thread of each on every one (default: the next; with "
             "--workers all others)",
     AT(compare.load_cpus)},
    {.name = "quick",
     .kind = SWITCH,
     .commands = BIT(COMPARE),
     .help = "the cases and systems that tell most, in about two minutes",
     AT(compare.quick)},
    {.name = "fixed",
     .kind = SWITCH,
     .commands = BIT(COMPARE),
     .help = "the same amount of work each time, instead of a time: where a clock counts "
             "instructions, figures then repeat",
     AT(compare.fixed)},
    {.name = "smoke",
     .kind = HIDDEN_SWITCH,
     .commands = BIT(COMPARE),
     .help = "everything for a moment, to see that it works",
     AT(compare.smoke)},
    {.name = "baseline",
     .kind = TEXT,
     .commands = BIT(COMPARE),
     .value = "FILE",
     .help = "say where ktlsgate is worse than the ratios in this file; then exit with 1",
     AT(compare.baseline)},
    {.name = "out",
     .kind = TEXT,
     .commands = BIT(COMPARE),
     .value = "FOLDER",
     .help = "write compare.json there, for `report`, and the configurations of all systems",
     AT(compare.out)},
    {.name = "json",
     .kind = SWITCH,
     .commands = LOAD | BIT(COMPARE) | BIT(CRYPTO),
     .help = "print the result for programs",
     AT(json)},
    {.name = "save",
     .kind = TEXT,
     .commands = LOAD | BIT(CRYPTO),
     .value = "FILE",
     .help = "also write it there, for `report`",
     AT(save)},
};

enum {
    KEY_FIRST = 0x1000, /* no characters: the flags have no short forms */
};

const struct bench_command_info *bench_command_info(enum bench_command command)
{
    gw_require(command < BENCH_COMMAND_COUNT);
    return &commands[command];
}

enum bench_command bench_command_find(const char *word)
{
    unsigned i = 0;
    while (i < BENCH_COMMAND_COUNT && strcmp(commands[i].word, word) != 0)
        i++;
    return (enum bench_command)i;
}

/* ---- one value ---- */

struct reading {
    struct bench_config *config;
    struct gw_error *err;
    int error;
};

static int refuse(struct gw_error *err, const struct flag *opt, const char *value, const char *why)
{
    return gw_error_set(err, GW_EXIT_USAGE, "--%s '%.80s': %s", opt->name, value, why);
}

static int set_address(const struct flag *opt, const char *value, struct gw_address *at,
                       struct gw_error *err)
{
    enum gw_address_use use = opt->kind == LISTEN ? GW_ADDRESS_LISTEN : GW_ADDRESS_TARGET;
    struct gw_address_spec spec;
    const char *why;
    if (gw_address_read(value, use, &spec, &why) || gw_address_resolve(&spec, use, at, 1, &why) < 0)
        return refuse(err, opt, value, why);
    return 0;
}

static int read_number(const struct flag *opt, const char *value, uint64_t *ret, const char **why)
{
    int64_t ns = 0;
    switch (opt->kind) {
    case DURATION:
        if (gw_units_duration(value, &ns, why))
            return -EINVAL;
        *ret = (uint64_t)ns;
        return 0;
    case SIZE:
        return gw_units_size(value, ret, why);
    default:
        return gw_units_count(value, ret, why);
    }
}

static int set_number(const struct flag *opt, const char *value, uint64_t *at, struct gw_error *err)
{
    const char *why;
    uint64_t n;
    if (read_number(opt, value, &n, &why))
        return refuse(err, opt, value, why);
    if (n < opt->min || n > opt->max)
        return refuse(err, opt, value, n < opt->min ? "is too small" : "is too large");
    *at = n;
    return 0;
}

static int set_word(const struct flag *opt, const char *value, int *at, struct gw_error *err)
{
    for (int i = 0; opt->words[i]; i++) {
        if (!strcmp(opt->words[i], value)) {
            *at = i;
            return 0;
        }
    }
    char why[128] = "is none of";
    for (int i = 0; opt->words[i]; i++)
        (void)snprintf(why + strlen(why), sizeof(why) - strlen(why), "%s %s", i ? "," : "",
                       opt->words[i]);
    return refuse(err, opt, value, why);
}

static int set_pid(const struct flag *opt, const char *value, struct bench_pids *at,
                   struct gw_error *err)
{
    const char *why;
    uint64_t pid;
    if (gw_units_count(value, &pid, &why) || pid == 0 || pid > INT32_MAX)
        return refuse(err, opt, value, "is no process number");
    for (unsigned i = 0; i < at->count; i++)
        if (at->list[i] == (pid_t)pid)
            return 0;
    if (at->count == BENCH_PIDS_MAX)
        return refuse(err, opt, value, "is one too many; a parent stands for its children");
    at->list[at->count++] = (pid_t)pid;
    return 0;
}

static int set_cpus(const struct flag *opt, const char *value, struct bench_cpus *at,
                    struct gw_error *err)
{
    const char *why;
    int count = gw_cpus_read(value, at->list, &why);
    if (count < 0)
        return refuse(err, opt, value, why);
    at->count = (unsigned)count;
    for (int i = 0; i < count; i++)
        if (!gw_cpus_allowed(at->list[i]))
            return refuse(err, opt, value, "this process may not run there");
    return 0;
}

static int set_sizes(const struct flag *opt, const char *value, struct bench_sizes *at,
                     struct gw_error *err)
{
    const char *why;
    return bench_lists_sizes(value, at, &why) ? refuse(err, opt, value, why) : 0;
}

static int set_words(const struct flag *opt, const char *value, unsigned *at, struct gw_error *err)
{
    const char *why;
    return bench_lists_words(value, opt->words, at, &why) ? refuse(err, opt, value, why) : 0;
}

static int set(const struct flag *opt, const char *value, struct bench_config *config,
               struct gw_error *err)
{
    void *at = (char *)config + opt->at;
    switch (opt->kind) {
    case SWITCH:
    case HIDDEN_SWITCH:
        *(bool *)at = true;
        return 0;
    case TEXT:
        *(const char **)at = value;
        return 0;
    case TARGET:
    case LISTEN:
        return set_address(opt, value, at, err);
    case NUMBER:
    case SIZE:
    case DURATION:
        return set_number(opt, value, at, err);
    case WORD:
        return set_word(opt, value, at, err);
    case CPUS:
        return set_cpus(opt, value, at, err);
    case PID:
        return set_pid(opt, value, at, err);
    case SIZES:
        return set_sizes(opt, value, at, err);
    case WORDS:
        return set_words(opt, value, at, err);
    }
    return -EINVAL;
}

/* ---- all of them ---- */

static int take_input(struct reading *r, const char *value)
{
    struct bench_report_wish *to = &r->config->report;
    if (!commands[r->config->command].inputs)
        return gw_error_set(r->err, GW_EXIT_USAGE, "'%.80s' is no flag; --help lists them", value);
    if (to->count == BENCH_INPUTS_MAX)
        return gw_error_set(r->err, GW_EXIT_USAGE, "'%.80s' is one file too many", value);
    to->inputs[to->count++] = value;
    return 0;
}

static error_t take(int key, char *value, struct argp_state *state)
{
    struct reading *r = state->input;
    if (key == ARGP_KEY_ARG) {
        r->error = take_input(r, value);
        return r->error ? EINVAL : 0;
    }
    if (key < KEY_FIRST || key >= KEY_FIRST + (int)GW_ARRAY_SIZE(flags))
        return ARGP_ERR_UNKNOWN;
    r->error = set(&flags[key - KEY_FIRST], value, r->config, r->err);
    return r->error ? EINVAL : 0;
}

void bench_options_defaults(enum bench_command command, struct bench_config *ret)
{
    struct gw_error err;
    *ret = (struct bench_config){.command = command};
    for (size_t i = 0; i < GW_ARRAY_SIZE(flags); i++)
        if (flags[i].initial && flags[i].commands & 1U << command)
            gw_require(!set(&flags[i], flags[i].initial, ret, &err));
}

enum {
    HELP_MAX = 256,
    PATH_BYTES_MAX = 512,
    NAME_BYTES_MAX = 255,
};

/* What argp is told of a flag. `help` must live as long as it. */
static struct argp_option row_of(size_t i, char help[HELP_MAX])
{
    const struct flag *opt = &flags[i];
    size_t len = (size_t)snprintf(help, HELP_MAX, "%s", opt->help);
    for (unsigned w = 0; opt->kind == WORD && opt->words[w]; w++)
        len += (size_t)snprintf(help + len, HELP_MAX - len, "%s%s", w ? ", " : ": ", opt->words[w]);
    if (opt->initial)
        (void)snprintf(help + len, HELP_MAX - len, " (default: %s)", opt->initial);
    return (struct argp_option){
        .name = opt->name,
        .key = KEY_FIRST + (int)i,
        .arg = opt->value   ? opt->value
               : opt->words ? "WORD"
                            : NULL,
        .flags = opt->kind == HIDDEN_SWITCH ? OPTION_HIDDEN : 0,
        .doc = help,
    };
}

/* Parts of a load's --help, each with the flag of the table that begins it. */
static const struct {
    const char *title;
    const char *first;
} sections[] = {
    {"The server:", "target"},    {"TLS:", "tls"},     {"What connections do:", "resume"},
    {"How much:", "connections"}, {"Results:", "pid"},
};

static unsigned section_of(size_t flag)
{
    unsigned section = 0;
    for (size_t i = 0; i <= flag; i++)
        if (section + 1 < GW_ARRAY_SIZE(sections) &&
            !strcmp(flags[i].name, sections[section + 1].first))
            section++;
    return section;
}

enum {
    ROWS_MAX = GW_ARRAY_SIZE(flags) + GW_ARRAY_SIZE(sections) + 1,
};

/* What argp is told of the flags of a command; the rows after them are zero. */
static void fill_rows(enum bench_command command, struct argp_option rows[ROWS_MAX],
                      char helps[][HELP_MAX])
{
    bool titled = 1U << command & LOAD;
    size_t count = 0;
    int last = -1;
    for (size_t i = 0; i < GW_ARRAY_SIZE(flags); i++) {
        int section = (int)section_of(i);
        if (!(flags[i].commands & 1U << command))
            continue;
        if (titled && section != last)
            rows[count++] =
                (struct argp_option){.doc = sections[section].title, .group = section + 1};
        last = section;
        rows[count] = row_of(i, helps[i]);
        rows[count++].group = titled ? section + 1 : 1;
    }
}

/* What may stand in a line of HTTP. */
static bool is_word(const char *text, size_t max)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    return len > 0 && len <= max;
}

static int check(const struct bench_config *config, struct gw_error *err)
{
    bool loads = 1U << config->command & LOAD;
    if (loads && config->target.len == 0)
        return gw_error_set(err, GW_EXIT_USAGE,
                            "--target is missing: say what to load, such as "
                            "--target 127.0.0.1:8443");
    if (config->threads > config->connections && loads)
        return gw_error_set(err, GW_EXIT_USAGE,
                            "--threads: each thread needs a connection; raise --connections");
    if (config->key && !config->cert)
        return gw_error_set(err, GW_EXIT_USAGE, "--key is of no use without --cert");
    if (config->path && config->direction != BENCH_DOWN)
        return gw_error_set(err, GW_EXIT_USAGE, "--path is for --direction down alone");
    if (config->path && (config->path[0] != '/' || !is_word(config->path, PATH_BYTES_MAX)))
        return gw_error_set(err, GW_EXIT_USAGE,
                            "--path '%.80s': begins with no '/', has a blank, or is too long",
                            config->path);
    if (config->server_name && !is_word(config->server_name, NAME_BYTES_MAX))
        return gw_error_set(err, GW_EXIT_USAGE, "--server-name '%.80s': is no name",
                            config->server_name);
    if (config->units && (config->rate || config->direction == BENCH_BOTH))
        return gw_error_set(err, GW_EXIT_USAGE,
                            "--units is not for --rate, nor for --direction both: a time bounds "
                            "those");
    if (config->command == BENCH_REPORT && !config->report.count)
        return gw_error_set(err, GW_EXIT_USAGE,
                            "say which results: files that --save has written, or their folder");
    return 0;
}

int bench_options_read(enum bench_command command, int argc, char **argv, struct bench_config *ret,
                       struct gw_error *err)
{
    struct argp_option rows[ROWS_MAX] = {0};
    char helps[GW_ARRAY_SIZE(flags)][HELP_MAX];
    char name[64];
    char about[512];
    fill_rows(command, rows, helps);
    (void)snprintf(name, sizeof(name), "ktlsgate-bench %s", commands[command].word);
    (void)snprintf(about, sizeof(about), "%s.\n\v%s", commands[command].title,
                   commands[command].about);
    about[0] = (char)toupper(about[0]);
    struct argp argp = {
        .options = rows, .parser = take, .args_doc = commands[command].inputs, .doc = about};
    struct reading reading = {.config = ret, .err = err};
    bench_options_defaults(command, ret);
    bench_lists_line(argc, argv, ret->line);
    argp_err_exit_status = GW_EXIT_USAGE;
    argv[0] = name;
    if (argp_parse(&argp, argc, argv, 0, NULL, &reading))
        return reading.error ? reading.error : gw_error_set(err, GW_EXIT_USAGE, "bad usage");
    return check(ret, err);
}
