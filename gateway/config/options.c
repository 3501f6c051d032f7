/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/config/options.h"

#include "gateway/base/clock.h"
#include "gateway/config/set.h"
#include "gateway/config/spelling.h"

#include <stddef.h>
#include <string.h>

#define BIT(command) (1u << GW_COMMAND_##command)
#define GATEWAY (BIT(SERVER) | BIT(CHECK))
#define GATEWAY_DEMO (GATEWAY | BIT(DEMO))
#define EVERY (GATEWAY_DEMO | BIT(PROBE) | 1u << GW_COMMAND_COUNT)
#define IN_SERVICE(member) .in_service = true, .at = offsetof(struct gw_service, member)
#define IN_CONFIG(member) .at = offsetof(struct gw_config, member)
#define MINUTES (60 * GW_NS_PER_SEC)
#define HOURS (60 * MINUTES)

static const char *const on_off_words[] = {"on", "off", NULL};
static const char *const verify_words[] = {"none", "optional", "required", NULL};
static const char *const version_words[] = {"1.2", "1.3", NULL};
static const char *const records_words[] = {"auto", "kernel", "user", NULL};
static const char *const proxy_words[] = {"off", "v1", "v2", NULL};
static const char *const format_words[] = {"text", "json", NULL};
static const char *const level_words[] = {"error", "warning", "info", "debug", NULL};

static const struct gw_option options[] = {
    {
        .name = "listen",
        .kind = GW_OPTION_ADDRESS,
        .group = GW_GROUP_ADDRESSES,
        .commands = GATEWAY,
        .repeatable = true,
        .value = "HOST:PORT",
        .help = "where clients connect; also [v6]:PORT, unix:PATH, and :PORT for every address, "
                "IPv4 and IPv6",
        .also = "frontend bind accept",
        .set = gw_set_listen,
    },
    {
        .name = "listen",
        .kind = GW_OPTION_ADDRESS,
        .group = GW_GROUP_ADDRESSES,
        .commands = BIT(DEMO),
        .value = "HOST:PORT",
        .initial = "127.0.0.1:8443",
        .help = "where clients connect",
        .set = gw_set_listen,
    },
    {
        .name = "target",
        .kind = GW_OPTION_ADDRESS,
        .group = GW_GROUP_ADDRESSES,
        .commands = GATEWAY,
        .value = "HOST:PORT",
        .help = "the backend that gets the plaintext, or unix:PATH; a name is resolved at start, "
                "to up to 8 addresses tried in turn",
        .also = "backend connect proxy-pass",
        .set = gw_set_target,
    },
    {
        .name = "cert",
        .kind = GW_OPTION_FILE,
        .group = GW_GROUP_IDENTITY,
        .commands = GATEWAY,
        .repeatable = true,
        .value = "FILE",
        .help = "PEM certificate, then its intermediates; several are chosen by name (SNI) and "
                "by what the client can (ECDSA, RSA)",
        .also = "crt pem-file certificate ssl-certificate",
        .set = gw_set_cert,
    },
    {
        .name = "key",
        .kind = GW_OPTION_FILE,
        .group = GW_GROUP_IDENTITY,
        .commands = GATEWAY,
        .repeatable = true,
        .value = "FILE",
        .help = "PEM private key of the --cert; not needed when the --cert file holds it too",
        .also = "ssl-certificate-key",
        .set = gw_set_key,
    },
    {
        .name = "cacert",
        .kind = GW_OPTION_FILE,
        .group = GW_GROUP_CLIENTS,
        .commands = GATEWAY,
        .value = "FILE",
        .help = "PEM certificates of the authorities whose clients are known",
        .also = "ca-file CAfile client-verify-ca ssl-client-certificate",
        IN_SERVICE(cacert_file),
        .set = gw_set_text,
    },
    {
        .name = "verify",
        .kind = GW_OPTION_WORD,
        .group = GW_GROUP_CLIENTS,
        .commands = GATEWAY,
        .otherwise = "required with --cacert, else none",
        .help = "whether a client must show a certificate",
        .also = "client-verify ssl-verify-client disable-authentication",
        .words = verify_words,
        IN_SERVICE(verify),
        .set = gw_set_word,
    },
    {
        .name = "allow-all",
        .kind = GW_OPTION_SWITCH,
        .group = GW_GROUP_CLIENTS,
        .commands = GATEWAY,
        .help = "let every verified client pass",
        .first = GW_RULE_ALL,
        .set = gw_set_rule,
    },
    {
        .name = "allow-cn",
        .kind = GW_OPTION_PATTERN,
        .group = GW_GROUP_CLIENTS,
        .commands = GATEWAY,
        .repeatable = true,
        .value = "NAME",
        .help = "let clients with this common name pass",
        .also = "verify-cn",
        .first = GW_RULE_CN,
        .set = gw_set_rule,
    },
    {
        .name = "allow-ou",
        .kind = GW_OPTION_PATTERN,
        .group = GW_GROUP_CLIENTS,
        .commands = GATEWAY,
        .repeatable = true,
        .value = "NAME",
        .help = "let clients with this organizational unit pass",
        .also = "verify-ou",
        .first = GW_RULE_OU,
        .set = gw_set_rule,
    },
    {
        .name = "allow-dns",
        .kind = GW_OPTION_PATTERN,
        .group = GW_GROUP_CLIENTS,
        .commands = GATEWAY,
        .repeatable = true,
        .value = "NAME",
        .help = "let clients with this DNS name pass",
        .also = "allow-dns-san verify-dns",
        .first = GW_RULE_DNS,
        .set = gw_set_rule,
    },
    {
        .name = "allow-uri",
        .kind = GW_OPTION_PATTERN,
        .group = GW_GROUP_CLIENTS,
        .commands = GATEWAY,
        .repeatable = true,
        .value = "PATTERN",
        .help = "let clients with such a URI name pass; * stands for one part between slashes, a "
                "final ** for any rest",
        .also = "allow-uri-san verify-uri",
        .first = GW_RULE_URI,
        .set = gw_set_rule,
    },
    {
        .name = "tls-min",
        .kind = GW_OPTION_WORD,
        .group = GW_GROUP_POLICY,
        .commands = GATEWAY,
        .initial = "1.2",
        .help = "lowest TLS version offered",
        .also = "ssl-min-ver sslVersionMin min-tls-version tls-protos ssl-protocols",
        .words = version_words,
        .first = 0x0303,
        IN_SERVICE(tls_min),
        .set = gw_set_tls_version,
    },
    {
        .name = "tls-max",
        .kind = GW_OPTION_WORD,
        .group = GW_GROUP_POLICY,
        .commands = GATEWAY,
        .initial = "1.3",
        .help = "highest TLS version offered",
        .also = "ssl-max-ver sslVersionMax max-tls-version",
        .words = version_words,
        .first = 0x0303,
        IN_SERVICE(tls_max),
        .set = gw_set_tls_version,
    },
    {
        .name = "ciphers",
        .kind = GW_OPTION_NAMES,
        .group = GW_GROUP_POLICY,
        .commands = GATEWAY,
        .value = "NAME:NAME",
        .otherwise = "all that are safe",
        .help = "suites of TLS 1.2, by their OpenSSL names; AEAD with forward secrecy only",
        .also = "ssl-ciphers cipher-list cipher-suites",
        IN_SERVICE(ciphers),
        .set = gw_set_names,
    },
    {
        .name = "ciphersuites",
        .kind = GW_OPTION_NAMES,
        .group = GW_GROUP_POLICY,
        .commands = GATEWAY,
        .value = "NAME:NAME",
        .otherwise = "all that are safe",
        .help = "suites of TLS 1.3",
        IN_SERVICE(ciphersuites),
        .set = gw_set_names,
    },
    {
        .name = "groups",
        .kind = GW_OPTION_NAMES,
        .group = GW_GROUP_POLICY,
        .commands = GATEWAY,
        .value = "NAME:NAME",
        .otherwise = "built in",
        .help = "key exchange groups, the preferred one first",
        .also = "curves ecdh-curve ssl-ecdh-curve",
        IN_SERVICE(groups),
        .set = gw_set_names,
    },
    {
        .name = "alpn",
        .kind = GW_OPTION_LIST,
        .group = GW_GROUP_POLICY,
        .commands = GATEWAY,
        .repeatable = true,
        .value = "NAME,NAME",
        .otherwise = "no ALPN",
        .help = "application protocols offered, the preferred one first, such as h2,http/1.1",
        .also = "alpn-protos ssl-alpn",
        .set = gw_set_alpn,
    },
    {
        .name = "session-tickets",
        .kind = GW_OPTION_WORD,
        .group = GW_GROUP_POLICY,
        .commands = GATEWAY,
        .initial = "on",
        .help = "let clients resume without a full handshake",
        .also = "no-tls-tickets ssl-session-tickets tickets",
        .words = on_off_words,
        IN_SERVICE(session_tickets),
        .set = gw_set_on_off,
    },
    {
        .name = "records",
        .kind = GW_OPTION_WORD,
        .group = GW_GROUP_RECORDS,
        .commands = GATEWAY_DEMO,
        .initial = "auto",
        .help = "who runs the TLS records: the kernel (kTLS), ktlsgate itself (user), or the "
                "kernel where its self-test passes (auto)",
        .also = "ktls ssl-offload",
        .words = records_words,
        IN_SERVICE(records),
        .set = gw_set_word,
    },
    {
        .name = "workers",
        .kind = GW_OPTION_NUMBER,
        .group = GW_GROUP_PLACEMENT,
        .commands = GATEWAY_DEMO,
        .value = "N|auto",
        .initial = "auto",
        .help = "worker processes; auto: one per processor this process may use, or per --cpus",
        .also = "threads nbthread nbproc worker-processes",
        .min = 1,
        .max = GW_MAX_WORKERS,
        IN_CONFIG(workers),
        .set = gw_set_workers,
    },
    {
        .name = "cpus",
        .kind = GW_OPTION_LIST,
        .group = GW_GROUP_PLACEMENT,
        .commands = GATEWAY_DEMO,
        .value = "LIST",
        .otherwise = "one each, when there are as many workers",
        .help = "pin worker i to the i-th processor of a list such as 0-3,8",
        .also = "cpu-map worker-cpu-affinity cpuset",
        .set = gw_set_cpus,
    },
    {
        .name = "handshake-timeout",
        .kind = GW_OPTION_DURATION,
        .group = GW_GROUP_LIMITS,
        .commands = GATEWAY,
        .value = "TIME",
        .initial = "10s",
        .help = "from accept to the end of the TLS handshake",
        .also = "ssl-handshake-timeout timeout-client-hs",
        .min = GW_NS_PER_MS,
        .max = HOURS,
        IN_CONFIG(handshake_timeout_ns),
        .set = gw_set_duration,
    },
    {
        .name = "connect-timeout",
        .kind = GW_OPTION_DURATION,
        .group = GW_GROUP_LIMITS,
        .commands = GATEWAY,
        .value = "TIME",
        .initial = "5s",
        .help = "for one connection to the backend",
        .also = "backend-connect-timeout proxy-connect-timeout TIMEOUTconnect",
        .min = GW_NS_PER_MS,
        .max = HOURS,
        IN_CONFIG(connect_timeout_ns),
        .set = gw_set_duration,
    },
    {
        .name = "idle-timeout",
        .kind = GW_OPTION_DURATION,
        .group = GW_GROUP_LIMITS,
        .commands = GATEWAY,
        .value = "TIME",
        .initial = "10m",
        .help = "without a byte either way, then the connection is closed; 0: never",
        .also = "proxy-timeout TIMEOUTidle timeout-tunnel timeout-client",
        .zero_off = true,
        .min = GW_NS_PER_MS,
        .max = 30 * 24 * HOURS,
        IN_CONFIG(idle_timeout_ns),
        .set = gw_set_duration,
    },
    {
        .name = "close-timeout",
        .kind = GW_OPTION_DURATION,
        .group = GW_GROUP_LIMITS,
        .commands = GATEWAY,
        .value = "TIME",
        .initial = "60s",
        .help = "without a byte once one direction has ended",
        .also = "TIMEOUTclose timeout-client-fin",
        .min = GW_NS_PER_MS,
        .max = 24 * HOURS,
        IN_CONFIG(close_timeout_ns),
        .set = gw_set_duration,
    },
    {
        .name = "shutdown-timeout",
        .kind = GW_OPTION_DURATION,
        .group = GW_GROUP_LIMITS,
        .commands = GATEWAY,
        .value = "TIME",
        .initial = "5m",
        .help = "for open connections to end after TERM, then they are cut",
        .also = "worker-shutdown-timeout hard-stop-after",
        .min = GW_NS_PER_MS,
        .max = 24 * HOURS,
        IN_CONFIG(shutdown_timeout_ns),
        .set = gw_set_duration,
    },
    {
        .name = "max-conns",
        .kind = GW_OPTION_NUMBER,
        .group = GW_GROUP_LIMITS,
        .commands = GATEWAY,
        .value = "N",
        .initial = "8192",
        .help = "connections at a time, all workers together; each takes 2 descriptors",
        .also = "maxconn max-concurrent-conns worker-connections limit-conn",
        .min = 1,
        .max = 1000000,
        IN_CONFIG(max_conns),
        .set = gw_set_count,
    },
    {
        .name = "proxy-protocol",
        .kind = GW_OPTION_WORD,
        .group = GW_GROUP_BACKEND,
        .commands = GATEWAY,
        .initial = "off",
        .help = "tell the backend the client's address first, in a PROXY header",
        .also = "send-proxy send-proxy-v2 write-proxy write-proxy-v1 write-proxy-v2",
        .words = proxy_words,
        IN_SERVICE(proxy_protocol),
        .set = gw_set_word,
    },
    {
        .name = "user",
        .kind = GW_OPTION_STRING,
        .group = GW_GROUP_PROCESS,
        .commands = GATEWAY,
        .value = "NAME",
        .help = "become this user once the sockets are open and the keys are read",
        .also = "setuid uid",
        IN_CONFIG(user),
        .set = gw_set_text,
    },
    {
        .name = "group",
        .kind = GW_OPTION_STRING,
        .group = GW_GROUP_PROCESS,
        .commands = GATEWAY,
        .value = "NAME",
        .otherwise = "the first of --user",
        .help = "become this group as well",
        .also = "setgid gid",
        IN_CONFIG(group),
        .set = gw_set_text,
    },
    {
        .name = "pidfile",
        .kind = GW_OPTION_FILE,
        .group = GW_GROUP_PROCESS,
        .commands = GATEWAY,
        .value = "FILE",
        .help = "write the process id of the master there",
        .also = "pid pid-file",
        IN_CONFIG(pidfile),
        .set = gw_set_text,
    },
    {
        .name = "log-format",
        .kind = GW_OPTION_WORD,
        .group = GW_GROUP_OBSERVING,
        .commands = GATEWAY_DEMO,
        .initial = "text",
        .help = "lines for people or one JSON object a line",
        .words = format_words,
        IN_CONFIG(log_format),
        .set = gw_set_word,
    },
    {
        .name = "log-level",
        .kind = GW_OPTION_WORD,
        .group = GW_GROUP_OBSERVING,
        .commands = GATEWAY_DEMO,
        .initial = "info",
        .help = "the least important messages still written",
        .also = "verbose debug",
        .words = level_words,
        IN_CONFIG(log_level),
        .set = gw_set_word,
    },
    {
        .name = "json",
        .kind = GW_OPTION_SWITCH,
        .group = GW_GROUP_OBSERVING,
        .commands = BIT(PROBE),
        .help = "one JSON object instead of text",
        IN_CONFIG(json),
        .set = gw_set_switch,
    },
    {
        .name = "help",
        .kind = GW_OPTION_SWITCH,
        .group = GW_GROUP_GENERAL,
        .commands = EVERY,
        .help = "this text",
        .also = "h usage",
        .first = GW_ASK_HELP,
        .set = gw_set_ask,
    },
    {
        .name = "version",
        .kind = GW_OPTION_SWITCH,
        .group = GW_GROUP_GENERAL,
        .commands = EVERY,
        .help = "the version",
        .also = "V",
        .first = GW_ASK_VERSION,
        .set = gw_set_ask,
    },
};

_Static_assert(GW_ARRAY_SIZE(options) <= GW_OPTIONS_MAX, "the draft counts every option");

static const char *const group_titles[GW_GROUP_COUNT] = {
    [GW_GROUP_ADDRESSES] = "Addresses",
    [GW_GROUP_IDENTITY] = "Server identity",
    [GW_GROUP_CLIENTS] = "Which clients may pass",
    [GW_GROUP_POLICY] = "TLS policy",
    [GW_GROUP_RECORDS] = "Records",
    [GW_GROUP_PLACEMENT] = "Processors",
    [GW_GROUP_LIMITS] = "Limits (TIME such as 500ms, 10s, 5m, 1h)",
    [GW_GROUP_BACKEND] = "Backend",
    [GW_GROUP_PROCESS] = "Process",
    [GW_GROUP_OBSERVING] = "Output",
    [GW_GROUP_GENERAL] = "General",
};

unsigned gw_option_count(void)
{
    return GW_ARRAY_SIZE(options);
}

const struct gw_option *gw_option_at(unsigned index)
{
    gw_require(index < GW_ARRAY_SIZE(options));
    return &options[index];
}

static bool takes(enum gw_command command, const struct gw_option *opt)
{
    return opt->commands & 1u << command;
}

static bool is_word(const char *word, size_t word_len, const char *name, size_t len)
{
    return word_len == len && !memcmp(word, name, len);
}

const struct gw_option *gw_option_find(enum gw_command command, const char *name, size_t len)
{
    for (unsigned i = 0; i < GW_ARRAY_SIZE(options); i++)
        if (takes(command, &options[i]) &&
            is_word(options[i].name, strlen(options[i].name), name, len))
            return &options[i];
    return NULL;
}

static bool is_also(const struct gw_option *opt, const char *name, size_t len)
{
    const char *at = opt->also ? opt->also : "";
    while (*at) {
        size_t word = strcspn(at, " ");
        if (is_word(at, word, name, len))
            return true;
        at += word + (at[word] == ' ');
    }
    return false;
}

/* A spelling of four letters or more that only one name begins with is as good as that name. */
static int distance_to(const struct gw_option *opt, const char *name, size_t len)
{
    if (len >= 4 && !strncmp(opt->name, name, len))
        return 1;
    return gw_spelling_distance(opt->name, strlen(opt->name), name, len);
}

const struct gw_option *gw_option_nearest(enum gw_command command, const char *name, size_t len)
{
    const struct gw_option *nearest = NULL;
    int best = GW_SPELLING_MAX;
    for (unsigned i = 0; i < GW_ARRAY_SIZE(options); i++) {
        const struct gw_option *opt = &options[i];
        if (!takes(command, opt))
            continue;
        if (is_also(opt, name, len))
            return opt;
        int distance = distance_to(opt, name, len);
        if (gw_spelling_near(distance, len) && distance < best) {
            best = distance;
            nearest = opt;
        }
    }
    return nearest;
}

const char *gw_option_group_title(enum gw_option_group group)
{
    return group_titles[group];
}
