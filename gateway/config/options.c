/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/config/options_side.h"

#include "gateway/base/clock.h"

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
        .help = "address to accept connections on; also [v6]:PORT, unix:PATH, and :PORT for every "
                "address, IPv4 and IPv6",
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
        .help = "address to accept connections on",
        .set = gw_set_listen,
    },
    {
        .name = "accept-proxy",
        .kind = GW_OPTION_WORD,
        .group = GW_GROUP_ADDRESSES,
        .commands = IN_SERVER,
        .initial = "off",
        .help = "expect a PROXY header (version 1 or 2) at the start of each connection, in which "
                "a load balancer names its client",
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
        .help = "networks of the load balancers, required with --accept-proxy on; connections from "
                "anywhere else are closed; unix stands for connections through a Unix socket",
        .also = "set_real_ip_from trusted-proxies trusted-ips",
        .set = gw_set_networks,
    },
    {
        .name = "target",
        .kind = GW_OPTION_ADDRESS,
        .group = GW_GROUP_ADDRESSES,
        .commands = IN_SERVER,
        .value = "HOST:PORT",
        .help = "backend to forward the plaintext to, or unix:PATH; a name is resolved at start, "
                "to at most 8 addresses, which are tried in turn",
        .also = "backend connect proxy-pass",
        .set = gw_set_target,
    },
    {
        .name = "target",
        .kind = GW_OPTION_ADDRESS,
        .group = GW_GROUP_ADDRESSES,
        .commands = IN_CLIENT,
        .value = "HOST:PORT",
        .help = "TLS server to forward the stream to, or unix:PATH; a name is resolved at start, "
                "to at most 8 addresses, which are tried in turn",
        .also = "backend connect proxy-pass",
        .set = gw_set_target,
    },
    TLS_POLICY_ROWS("", GW_GROUP_POLICY, GATEWAY, tls),
    TLS_ALPN_ROW("", GW_GROUP_POLICY, IN_SERVER, tls, "to accept"),
    TLS_ALPN_ROW("", GW_GROUP_POLICY, IN_CLIENT, tls, "to offer to the target"),
    TLS_TICKETS_ROW("", GW_GROUP_POLICY, IN_SERVER, tls,
                    "let clients resume sessions without a full handshake"),
    TLS_TICKETS_ROW("", GW_GROUP_POLICY, IN_CLIENT, tls,
                    "resume sessions with the target without a full handshake"),
    TLS_SESSION_AGE_ROW("", GW_GROUP_POLICY, GATEWAY, tls),
    {
        .name = "records",
        .kind = GW_OPTION_WORD,
        .group = GW_GROUP_RECORDS,
        .commands = GATEWAY_DEMO,
        .initial = "auto",
        .help = "engine that encrypts and decrypts records: the kernel (kTLS), ktlsgate itself "
                "(user), the kernel where its self-test passes (auto), or like auto but for each "
                "direction the one that is cheaper when measured at start (measured)",
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
        .help = "change TLS 1.3 keys after this many records; where keys cannot change (TLS 1.2, "
                "older kernels), a connection with AES-GCM ends before ktlsgate has sent twice as "
                "many under one key (at least 32 more)",
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
        .help = "whether TLS 1.3 may run in a kernel that cannot change keys (before 6.14), where "
                "a connection ends when its peer changes keys",
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
        .help = "how data passes between sockets with the kernel engine: through a pipe (splice), "
                "through a buffer (copy), or for each direction the way that works correctly and "
                "is cheaper when measured at start (auto)",
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
        .help = "number of worker processes; auto: one per available processor, or per processor "
                "in --cpus",
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
        .otherwise = "one processor each, if there are as many as workers",
        .help = "pin worker i to the i-th processor in this list, such as 0-3,8",
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
        .help = "close a connection if its TLS handshake has not finished this long after accept",
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
        .help = "close a connection if its TLS handshake has not finished this long after the "
                "target accepted it",
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
        .help = "give up on an address of the target that has not accepted after this long",
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
        .help = "close a connection after this long without data in either direction; 0: never",
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
        .help = "close a half-closed connection after this long without data",
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
        .help = "close a connection this long after accept, even while data is moving; 0: never",
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
        .help = "what the plaintext side sees, after all data, when the TLS peer closes without "
                "close_notify: a reset, because the stream may have been cut, or a normal end",
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
        .help = "how long open connections may continue after SIGTERM before they are closed",
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
        .help = "maximum number of open connections, all workers together; each takes 2 file "
                "descriptors",
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
        .help = "send the backend a PROXY header with the client's address first; v2-tls adds the "
                "requested server name (SNI), ALPN, TLS parameters and the common name of the "
                "client's certificate, v2-tls-full also the certificate itself",
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
        .help = "whether v2-tls and v2-tls-full headers include the server name that the client "
                "requested (SNI)",
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
        .help = "switch to this user once the sockets are open and the keys are read",
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
        .otherwise = "the primary group of --user",
        .help = "switch to this group as well",
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
        .help = "write the process ID of the master to this file",
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
        .help = "check this often whether files have changed (certificates, keys, CAs, CRLs, OCSP "
                "responses), and load the new ones without interrupting connections, as SIGHUP "
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
        .help = "authorize open connections again when a reload brings new files, at every "
                "--reload-interval, and when a certificate or CRL expires; close those with a "
                "certificate that is now revoked, expired or no longer allowed",
        IN_CONFIG(recheck_on_reload),
        .set = gw_set_switch,
    },
    {
        .name = "crypto",
        .kind = GW_OPTION_WORD,
        .group = GW_GROUP_PROCESS,
        .commands = GATEWAY_DEMO,
        .initial = "auto",
        .help = "cryptography of handshakes: ktlsgate's own key schedule, HMAC and X25519 within "
                "OpenSSL (auto), or OpenSSL's libcrypto alone (library), which is slower",
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
        .help = "text for people, or one JSON object per line",
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
        .help = "least important messages to write",
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
        .help = "log lines per second and worker for connections that ended before the client was "
                "known (such as handshake-reset or cert-untrusted); the others are counted in one "
                "line per reason",
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
        .help = "print one JSON object instead of text",
        IN_CONFIG(json),
        .set = gw_set_switch,
    },
    {
        .name = "measure",
        .kind = GW_OPTION_SWITCH,
        .group = GW_GROUP_OBSERVING,
        .commands = BIT(PROBE),
        .help = "also measure what relaying costs with each engine, copied and spliced; takes a "
                "few seconds",
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
        .help = "read settings from a file with a section for each service; flags that do not "
                "describe a service may be given as well, and override the file",
        .also = "conf cfg f",
        .set = gw_set_config,
    },
    {
        .name = "explain",
        .kind = GW_OPTION_FILE,
        .group = GW_GROUP_GENERAL,
        .commands = BIT(CHECK) | BIT(CHECK_CLIENT),
        .value = "FILE",
        .help = "say whether the certificate in this file (PEM, DER or PKCS #12), of a client "
                "(`check client`: of a target), would be accepted now, by which rule, or why not; "
                "exit 0 if it would be, else 1",
        .also = "who why",
        IN_CONFIG(explain),
        .set = gw_set_text,
    },
    {
        .name = "help",
        .kind = GW_OPTION_SWITCH,
        .group = GW_GROUP_GENERAL,
        .commands = EVERY,
        .help = "print this text",
        .also = "h usage",
        .first = GW_ASK_HELP,
        .set = gw_set_ask,
    },
    {
        .name = "version",
        .kind = GW_OPTION_SWITCH,
        .group = GW_GROUP_GENERAL,
        .commands = EVERY,
        .help = "print the version",
        .also = "V",
        .first = GW_ASK_VERSION,
        .set = gw_set_ask,
    },
};

static const char *const group_titles[GW_GROUP_COUNT] = {
    [GW_GROUP_ADDRESSES] = "Addresses",
    [GW_GROUP_IDENTITY] = "Server identity",
    [GW_GROUP_CLIENTS] = "Client authorization",
    [GW_GROUP_TRUST] = "Target verification",
    [GW_GROUP_SHOWN] = "Client identity",
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

/* All parts of the table, in the order of --help. */
static const struct part {
    const struct gw_option *rows;
    const unsigned *count; /* NULL: the number of `options` */
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
