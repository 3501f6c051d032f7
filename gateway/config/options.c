/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/config/options_private.h"

#include "gateway/base/clock.h"
#include "gateway/config/set.h"

static const char *const on_off_words[] = {"on", "off", NULL};
static const char *const version_words[] = {"1.2", "1.3", NULL};
static const char *const records_words[] = {"auto", "kernel", "user", "measured", NULL};
static const char *const crypto_words[] = {"auto", "library", NULL};
static const char *const allow_words[] = {"allow", "deny", NULL};
static const char *const relay_words[] = {"auto", "splice", "copy", NULL};
static const char *const truncation_words[] = {"reset", "end", NULL};
static const char *const proxy_words[] = {"off", "v1", "v2", "v2-tls", "v2-tls-full", NULL};
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
        .name = "accept-proxy",
        .kind = GW_OPTION_WORD,
        .group = GW_GROUP_ADDRESSES,
        .commands = IN_SERVER,
        .initial = "off",
        .help =
            "a load balancer in front of us says first, in a PROXY header (version 1 or 2), who "
            "its client is",
        .also = "proxy-protocol-in proxy_protocol real-ip set-real-ip-from",
        .words = on_off_words,
        IN_SERVICE(accept_proxy),
        .set = gw_set_on_off,
    },
    {
        .name = "accept-proxy-from",
        .kind = GW_OPTION_LIST,
        .group = GW_GROUP_ADDRESSES,
        .commands = IN_SERVER,
        .repeatable = true,
        .value = "CIDR,CIDR",
        .help = "networks of the load balancers, needed with --accept-proxy on: nobody else may "
                "connect; unix stands for those that come by a Unix socket",
        .also = "set_real_ip_from trusted-proxies trusted-ips",
        .set = gw_set_networks,
    },
    {
        .name = "target",
        .kind = GW_OPTION_ADDRESS,
        .group = GW_GROUP_ADDRESSES,
        .commands = IN_SERVER,
        .value = "HOST:PORT",
        .help = "the backend that gets the plaintext, or unix:PATH; a name is resolved at start, "
                "to up to 8 addresses tried in turn",
        .also = "backend connect proxy-pass",
        .set = gw_set_target,
    },
    {
        .name = "target",
        .kind = GW_OPTION_ADDRESS,
        .group = GW_GROUP_ADDRESSES,
        .commands = IN_CLIENT,
        .value = "HOST:PORT",
        .help = "the TLS server that gets the stream, or unix:PATH; a name is resolved at start, "
                "to up to 8 addresses tried in turn",
        .also = "backend connect proxy-pass",
        .set = gw_set_target,
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
        .commands = IN_SERVER,
        .repeatable = true,
        .value = "NAME,NAME",
        .otherwise = "no ALPN",
        .help = "application protocols offered, the preferred one first, such as h2,http/1.1",
        .also = "alpn-protos ssl-alpn",
        .set = gw_set_alpn,
    },
    {
        .name = "alpn",
        .kind = GW_OPTION_LIST,
        .group = GW_GROUP_POLICY,
        .commands = IN_CLIENT,
        .repeatable = true,
        .value = "NAME,NAME",
        .otherwise = "no ALPN",
        .help = "application protocols offered to the target, the preferred one first, such as "
                "h2,http/1.1",
        .also = "alpn-protos ssl-alpn",
        .set = gw_set_alpn,
    },
    {
        .name = "session-tickets",
        .kind = GW_OPTION_WORD,
        .group = GW_GROUP_POLICY,
        .commands = IN_SERVER,
        .initial = "on",
        .help = "let clients resume without a full handshake",
        .also = "no-tls-tickets ssl-session-tickets tickets",
        .words = on_off_words,
        IN_SERVICE(session_tickets),
        .set = gw_set_on_off,
    },
    {
        .name = "session-tickets",
        .kind = GW_OPTION_WORD,
        .group = GW_GROUP_POLICY,
        .commands = IN_CLIENT,
        .initial = "on",
        .help = "resume sessions with the target, without a full handshake",
        .also = "no-tls-tickets ssl-session-tickets tickets",
        .words = on_off_words,
        IN_SERVICE(session_tickets),
        .set = gw_set_on_off,
    },
    {
        .name = "session-age",
        .kind = GW_OPTION_DURATION,
        .group = GW_GROUP_POLICY,
        .commands = GATEWAY,
        .value = "TIME",
        .initial = "24h",
        .help = "how long after a full handshake a session may be resumed, however often it was "
                "resumed meanwhile; then the certificates are shown again",
        .also = "ssl-session-timeout tune.ssl.lifetime session-timeout sessionCacheTimeout",
        .min = GW_NS_PER_SEC,
        .max = 30 * 24 * HOURS,
        IN_SERVICE(session_age_ns),
        .set = gw_set_duration,
    },
    {
        .name = "records",
        .kind = GW_OPTION_WORD,
        .group = GW_GROUP_RECORDS,
        .commands = GATEWAY_DEMO,
        .initial = "auto",
        .help = "who runs the TLS records: the kernel (kTLS), ktlsgate itself (user), the kernel "
                "where its self-test passes (auto), or like auto but each direction where it is "
                "measured to cost less at start (measured)",
        .also = "ktls ssl-offload",
        .words = records_words,
        IN_SERVICE(records),
        .set = gw_set_word,
    },
    {
        .name = "rekey-after",
        .kind = GW_OPTION_NUMBER,
        .group = GW_GROUP_RECORDS,
        .commands = GATEWAY_DEMO,
        .value = "RECORDS",
        .initial = "8388608",
        .help = "change the keys of TLS 1.3 after so many records; where they cannot be changed "
                "(TLS 1.2, older kernels) a connection with AES-GCM ends before we have sent as "
                "many again, or 32 more where that is more",
        .also = "key-limits keyLimits keyupdate",
        .min = 1,
        .max = GW_REKEY_AFTER_MAX,
        IN_SERVICE(rekey_after),
        .set = gw_set_count,
    },
    {
        .name = "ktls-without-rekey",
        .kind = GW_OPTION_WORD,
        .group = GW_GROUP_RECORDS,
        .commands = GATEWAY_DEMO,
        .initial = "allow",
        .help = "whether TLS 1.3 may run in a kernel that cannot change its keys (before 6.14); a "
                "connection whose peer changes them ends there",
        .also = "ktls-rekey enable-unsafe-tls13",
        .words = allow_words,
        IN_SERVICE(ktls_without_rekey),
        .set = gw_set_word,
    },
    {
        .name = "relay",
        .kind = GW_OPTION_WORD,
        .group = GW_GROUP_RECORDS,
        .commands = GATEWAY_DEMO,
        .initial = "auto",
        .help =
            "how bytes pass where the kernel runs the records: through a pipe (splice), through "
            "a buffer (copy), or each direction the way that is right and measured to be cheaper "
            "at start (auto)",
        .also = "zero-copy sendfile",
        .words = relay_words,
        IN_SERVICE(relay),
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
        .commands = IN_SERVER,
        .value = "TIME",
        .initial = "10s",
        .help = "from accept to the end of the TLS handshake",
        .also = "ssl-handshake-timeout timeout-client-hs",
        .min = GW_NS_PER_MS,
        .max = HOURS,
        IN_EACH(handshake_timeout_ns),
        .set = gw_set_duration,
    },
    {
        .name = "handshake-timeout",
        .kind = GW_OPTION_DURATION,
        .group = GW_GROUP_LIMITS,
        .commands = IN_CLIENT,
        .value = "TIME",
        .initial = "10s",
        .help = "from the connection to the target to the end of the TLS handshake",
        .also = "ssl-handshake-timeout",
        .min = GW_NS_PER_MS,
        .max = HOURS,
        IN_EACH(handshake_timeout_ns),
        .set = gw_set_duration,
    },
    {
        .name = "connect-timeout",
        .kind = GW_OPTION_DURATION,
        .group = GW_GROUP_LIMITS,
        .commands = GATEWAY,
        .value = "TIME",
        .initial = "5s",
        .help = "for one connection to the target",
        .also = "backend-connect-timeout proxy-connect-timeout TIMEOUTconnect",
        .min = GW_NS_PER_MS,
        .max = HOURS,
        IN_EACH(connect_timeout_ns),
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
        IN_EACH(idle_timeout_ns),
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
        IN_EACH(close_timeout_ns),
        .set = gw_set_duration,
    },
    {
        .name = "max-conn-age",
        .kind = GW_OPTION_DURATION,
        .group = GW_GROUP_LIMITS,
        .commands = GATEWAY,
        .value = "TIME",
        .initial = "0",
        .help = "from accept on, then the connection is closed even while bytes move; 0: never",
        .also = "max-connection-age max_connection_duration keepalive_time",
        .zero_off = true,
        .min = GW_NS_PER_SEC,
        .max = 365 * 24 * HOURS,
        IN_EACH(max_conn_age_ns),
        .set = gw_set_duration,
    },
    {
        .name = "truncation",
        .kind = GW_OPTION_WORD,
        .group = GW_GROUP_RECORDS,
        .commands = GATEWAY,
        .initial = "reset",
        .help = "what the plain side sees when the other one closes without close_notify, after "
                "all that came before: a reset, as the stream may have been cut, or its end",
        .also = "allow-truncation ssl-shutdown ignore-eof fin-without-close-notify",
        .words = truncation_words,
        IN_SERVICE(truncation),
        .set = gw_set_word,
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
        .commands = IN_SERVER,
        .initial = "off",
        .help = "tell the backend the client's address first, in a PROXY header; v2-tls adds its "
                "name for us (SNI), ALPN, its TLS parameters and its certificate's common name, "
                "v2-tls-full the certificate, too",
        .also = "send-proxy send-proxy-v2 send-proxy-v2-ssl send-proxy-v2-ssl-cn write-proxy "
                "write-proxy-v1 write-proxy-v2",
        .words = proxy_words,
        IN_SERVICE(proxy_protocol),
        .set = gw_set_word,
    },
    {
        .name = "proxy-authority",
        .kind = GW_OPTION_WORD,
        .group = GW_GROUP_BACKEND,
        .commands = IN_SERVER,
        .initial = "on",
        .help = "whether v2-tls and v2-tls-full tell the name that the client asked for (SNI)",
        .also = "proxy-v2-options set-proxy-v2-tlv-fmt",
        .words = on_off_words,
        IN_SERVICE(proxy_authority),
        .set = gw_set_on_off,
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
        .name = "reload-interval",
        .kind = GW_OPTION_DURATION,
        .group = GW_GROUP_PROCESS,
        .commands = GATEWAY,
        .value = "TIME",
        .initial = "0",
        .help = "look this often whether files have changed (certificates, keys, CAs, CRLs, OCSP "
                "responses), and take new ones without touching connections, as the signal HUP "
                "does at once; 0: never",
        .also = "timed-reload",
        .zero_off = true,
        .min = GW_NS_PER_SEC,
        .max = 30 * 24 * HOURS,
        IN_CONFIG(reload_interval_ns),
        .set = gw_set_duration,
    },
    {
        .name = "recheck-on-reload",
        .kind = GW_OPTION_SWITCH,
        .group = GW_GROUP_PROCESS,
        .commands = GATEWAY,
        .help = "judge open connections again when a reload brings new files, at every "
                "--reload-interval, and when a certificate or a CRL ends; close those whose "
                "certificate has been revoked since, is expired or is no longer allowed",
        IN_CONFIG(recheck_on_reload),
        .set = gw_set_switch,
    },
    {
        .name = "crypto",
        .kind = GW_OPTION_WORD,
        .group = GW_GROUP_PROCESS,
        .commands = GATEWAY_DEMO,
        .initial = "auto",
        .help = "what handshakes are computed with: ktlsgate's own key schedule, HMAC and X25519 "
                "within OpenSSL (auto), or OpenSSL's libcrypto alone (library), which is slower",
        .also = "ssl-engine provider sslEngine",
        .words = crypto_words,
        IN_CONFIG(crypto),
        .set = gw_set_word,
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
        .name = "log-rate",
        .kind = GW_OPTION_NUMBER,
        .group = GW_GROUP_OBSERVING,
        .commands = GATEWAY_DEMO,
        .value = "N",
        .initial = "100",
        .help = "connections that ended before anybody was known (handshake-reset, cert-untrusted "
                "and their kin), each with a line, in a second of a worker; the rest is one line "
                "for each reason",
        .also = "rate-limit-logs log-ratelimit dontlognull",
        .min = 1,
        .max = 1000000,
        IN_CONFIG(log_rate),
        .set = gw_set_count,
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
        .name = "measure",
        .kind = GW_OPTION_SWITCH,
        .group = GW_GROUP_OBSERVING,
        .commands = BIT(PROBE),
        .help = "also measure what relaying costs with either engine, copied and spliced; takes "
                "a few seconds",
        .also = "benchmark bench speed",
        IN_CONFIG(measure),
        .set = gw_set_switch,
    },
    {
        .name = "config",
        .kind = GW_OPTION_FILE,
        .group = GW_GROUP_GENERAL,
        .commands = IN_SERVER,
        .value = "FILE",
        .help = "read the flags from a file, with a section for each service; those that describe "
                "no service may stand here, too, and win",
        .also = "conf cfg f",
        .set = gw_set_config,
    },
    {
        .name = "explain",
        .kind = GW_OPTION_FILE,
        .group = GW_GROUP_GENERAL,
        .commands = BIT(CHECK) | BIT(CHECK_CLIENT),
        .value = "FILE",
        .help = "say whether the certificate of a client (`check client`: of a target) in this PEM "
                "file would pass now, by which rule, or why not; exit 0 when it would, else 1",
        .also = "who why",
        IN_CONFIG(explain),
        .set = gw_set_text,
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

static const char *const group_titles[GW_GROUP_COUNT] = {
    [GW_GROUP_ADDRESSES] = "Addresses",
    [GW_GROUP_IDENTITY] = "Server identity",
    [GW_GROUP_CLIENTS] = "Which clients may pass",
    [GW_GROUP_TRUST] = "Which target is trusted",
    [GW_GROUP_SHOWN] = "Our own identity",
    [GW_GROUP_POLICY] = "TLS policy",
    [GW_GROUP_RECORDS] = "Records",
    [GW_GROUP_PLACEMENT] = "Processors",
    [GW_GROUP_LIMITS] = "Limits (TIME such as 500ms, 10s, 5m, 1h)",
    [GW_GROUP_BACKEND] = "Backend",
    [GW_GROUP_PROCESS] = "Process",
    [GW_GROUP_CA] = "The CA",
    [GW_GROUP_CERTIFICATE] = "The certificate",
    [GW_GROUP_OBSERVING] = "Output",
    [GW_GROUP_GENERAL] = "General",
};

/* The one table, in the order of --help. */
static const struct part {
    const struct gw_option *rows;
    const unsigned *count; /* NULL: of `options` */
} parts[] = {
    {options, NULL},
    {gw_options_trust, &gw_options_trust_count},
    {gw_options_pki, &gw_options_pki_count},
};

static unsigned rows_of(const struct part *p)
{
    return p->count ? *p->count : GW_ARRAY_SIZE(options);
}

unsigned gw_option_count(void)
{
    unsigned count = 0;
    for (size_t i = 0; i < GW_ARRAY_SIZE(parts); i++)
        count += rows_of(&parts[i]);
    gw_require(count <= GW_OPTIONS_MAX);
    return count;
}

const struct gw_option *gw_option_at(unsigned index)
{
    const struct part *p = parts;
    gw_require(index < gw_option_count());
    while (index >= rows_of(p))
        index -= rows_of(p++);
    return &p->rows[index];
}

unsigned gw_option_index(const struct gw_option *opt)
{
    unsigned index = 0;
    while (gw_option_at(index) != opt)
        index++;
    return index;
}

const char *gw_option_group_title(enum gw_option_group group)
{
    return group_titles[group];
}
