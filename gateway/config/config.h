/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration: immutable once parsed, read by every layer above through a const pointer. It
 * is a list of services from the first day; flags describe one service.
 * Durations are nanoseconds (0 = off where the flag says so); strings are owned by the config.
 */
#pragma once

#include "gateway/base/attr.h"
#include "gateway/base/limits.h"
#include "gateway/base/log.h"
#include "gateway/base/role.h"
#include "gateway/config/net.h"
#include "gateway/config/pki.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

enum {
    GW_ADDRESS_TEXT_MAX = 128,
    GW_TARGET_ADDRS_MAX = 8,
    GW_CONFIG_WARNINGS_MAX = 8,
    GW_SERVICE_NAME_SIZE = 32, /* with the NUL behind it */
};

struct gw_address {
    struct sockaddr_storage addr; /* AF_INET, AF_INET6 or AF_UNIX */
    socklen_t len;
    char text[GW_ADDRESS_TEXT_MAX]; /* as given; numeric when a name stood for it */
    /* AF_INET6 listeners: true for `:PORT` and `*:PORT` (IPv4 comes here too: IPV6_V6ONLY 0);
     * false for what was written in brackets (IPV6_V6ONLY 1). */
    bool dual_stack;
};

/* A backend: the addresses its name stands for, tried in this order. */
struct gw_target {
    struct gw_address addrs[GW_TARGET_ADDRS_MAX];
    unsigned addr_count;
    const char *text; /* as given */
};

/* gw_service.ca_names that is no file: no names are sent. */
#define GW_CA_NAMES_NONE "none"

/* What a client must ask for to be answered to (SNI). */
enum gw_strict_sni {
    GW_STRICT_SNI_OFF,     /* anything: the first certificate is for all other names */
    GW_STRICT_SNI_UNKNOWN, /* a name that a certificate is for, or none */
    GW_STRICT_SNI_ON,      /* a name that a certificate is for */
};

enum gw_verify {
    GW_VERIFY_NONE,
    GW_VERIFY_OPTIONAL,
    GW_VERIFY_REQUIRED,
};

enum gw_records {
    GW_RECORDS_AUTO,
    GW_RECORDS_KERNEL,
    GW_RECORDS_USER,
    GW_RECORDS_MEASURED, /* like auto, but each direction where it costs less */
};

/* TLS 1.3 in the kernel where it cannot change keys. */
enum gw_without_rekey {
    GW_WITHOUT_REKEY_ALLOW,
    GW_WITHOUT_REKEY_DENY,
};

/* How bytes move between the two sockets where the kernel runs the records. */
enum gw_relay {
    GW_RELAY_AUTO,
    GW_RELAY_SPLICE,
    GW_RELAY_COPY,
    GW_RELAY_COUNT
};

/* What libssl computes with in a handshake (gateway/crypto/README.md). */
enum gw_crypto {
    GW_CRYPTO_AUTO,    /* algorithms of our own, where they work */
    GW_CRYPTO_LIBRARY, /* libcrypto alone */
};

/* What the plain side sees where the TLS side's stream was cut, once all before that has arrived.
 */
enum gw_truncation {
    GW_TRUNCATION_RESET,
    GW_TRUNCATION_END,
};

enum gw_proxy_protocol {
    GW_PROXY_OFF,
    GW_PROXY_V1,
    GW_PROXY_V2,
    GW_PROXY_V2_TLS,      /* … and what is known of its TLS */
    GW_PROXY_V2_TLS_FULL, /* … and its certificate */
};

enum gw_rule_kind {
    GW_RULE_ALL,
    GW_RULE_CN,
    GW_RULE_OU,
    GW_RULE_DNS,
    GW_RULE_URI,
    GW_RULE_IP,
    GW_RULE_EMAIL,
    GW_RULE_FINGERPRINT,
    GW_RULE_SPKI,
    GW_RULE_KIND_COUNT,
};

/* Who may pass, or may not; what a pattern means stands in gateway/config/pattern.h. */
struct gw_rule {
    enum gw_rule_kind kind;
    const char *pattern; /* as given; NULL for GW_RULE_ALL */
    bool deny;
};

struct gw_cert_pair {
    const char *cert_file; /* PEM: leaf first, then intermediates */
    const char *key_file;  /* PEM */
    const char *ocsp_file; /* DER; NULL: the certificate's with .ocsp added, if it exists */
};

struct gw_service {
    const char *name; /* of its section; "default" when flags describe it */
    unsigned line;    /* the section's first line; 0: there is no section */
    enum gw_role role;
    struct gw_address listen[GW_MAX_ADDRESSES];
    unsigned listen_count;
    /* A PROXY header comes before the first byte of a client, from those networks only: at least
     * one of them where it is on, else none. */
    bool accept_proxy;
    struct gw_net accept_proxy_from[GW_MAX_NETS];
    unsigned accept_proxy_from_count;
    bool accept_proxy_unix; /* … or by a unix socket */
    struct gw_target target;
    /* Client role: the DNS name or address that the target's certificate must be good for. A name
     * is also sent (SNI). NULL in the server role. */
    const char *target_name;
    /* It need not be good for it: the rules alone judge. Then the name may be NULL, too. */
    bool target_unnamed;

    struct gw_cert_pair *certs; /* owned, as is the next */
    unsigned cert_count;
    const char **cert_dirs; /* folders of more (gateway/tls/certdir.h) */
    unsigned cert_dir_count;
    const char *cert_glob;     /* fnmatch(3): names of certificates in them; NULL: by their ends */
    const char *key_pass_file; /* its first line opens encrypted keys; NULL: none are opened */
    enum gw_strict_sni strict_sni;
    const char *cacerts[GW_MAX_TRUST_PATHS + 1]; /* files and folders; NULL after the last */
    const char *crls[GW_MAX_TRUST_PATHS + 1];    /* the same */
    const char *ca_names;    /* PEM: whose subjects clients are sent; NULL: those of cacerts */
    bool crl_soft;           /* a CRL that is missing or too old refuses nobody */
    uint32_t verify_depth;   /* certificates between leaf and anchor, to GW_VERIFY_DEPTH_MAX */
    uint32_t max_cert_chain; /* bytes of all certificates that a peer shows */
    enum gw_verify verify;
    /* At most GW_MAX_RULES, owned by the configuration; on clients, or in the client role on the
     * target. Never without an allow rule in a served configuration: verify none gets one
     * GW_RULE_ALL, and so does a client without any. */
    struct gw_rule *rules;
    unsigned rule_count;

    uint16_t tls_min; /* 0x0303 or 0x0304 */
    uint16_t tls_max;
    const char *ciphers;      /* TLS 1.2, OpenSSL names joined by ':'; NULL: built-in list */
    const char *ciphersuites; /* TLS 1.3, joined by ':'; NULL: built-in list */
    const char *groups;       /* joined by ':'; NULL: built-in list */
    const char *alpn[GW_MAX_ALPN];
    unsigned alpn_count;
    bool session_tickets;
    int64_t session_age_ns; /* since the last full handshake, then another one */

    enum gw_records records;
    enum gw_without_rekey ktls_without_rekey;
    uint32_t rekey_after; /* records */
    enum gw_relay relay;
    enum gw_truncation truncation;
    enum gw_proxy_protocol proxy_protocol;
    bool proxy_authority; /* the header says which name the client asked for */

    int64_t handshake_timeout_ns;
    int64_t connect_timeout_ns;
    int64_t idle_timeout_ns; /* 0: off */
    int64_t close_timeout_ns;
    int64_t max_conn_age_ns; /* 0: off */
};

/* Which subcommand the configuration is for; see gateway/config/command.h. */
enum gw_command {
    GW_COMMAND_SERVER,
    GW_COMMAND_CLIENT,
    GW_COMMAND_CHECK,
    GW_COMMAND_CHECK_CLIENT, /* `check client` */
    GW_COMMAND_DEMO,
    GW_COMMAND_PROBE,
    GW_COMMAND_PKI_INIT, /* `pki init`, … */
    GW_COMMAND_PKI_ISSUE,
    GW_COMMAND_PKI_RENEW,
    GW_COMMAND_PKI_REVOKE,
    GW_COMMAND_PKI_CRL,
    GW_COMMAND_PKI_LIST,
    GW_COMMAND_PKI_SHOW,
    GW_COMMAND_COUNT, /* not a command: none was given, only --help or --version */
};

enum gw_ask {
    GW_ASK_RUN,     /* do what the subcommand does */
    GW_ASK_HELP,    /* --help: nothing after it was read, nothing below is checked */
    GW_ASK_VERSION, /* --version: the same */
};

#define GW_SETTING_OF_ALL UINT32_MAX

/* One setting that a reload does not exchange, as it was given; see gateway/config/again.h. */
struct gw_setting {
    const char *name; /* of the option */
    const char *value;
    unsigned service; /* its number; GW_SETTING_OF_ALL where it is of the whole gateway */
};

/* A value of a configuration file that names a file; see gateway/config/place.h. */
struct gw_place {
    const char *name; /* of the option */
    const char *value;
    unsigned service; /* its number; GW_SETTING_OF_ALL before the sections */
    unsigned line;
};

struct gw_config {
    enum gw_command command;
    enum gw_ask ask;

    struct gw_service *services[GW_MAX_SERVICES];
    unsigned service_count;

    unsigned workers; /* 1 to GW_MAX_WORKERS, `auto` resolved */
    int cpus[GW_MAX_WORKERS];
    unsigned cpu_count; /* 0: no pinning asked for */

    int64_t shutdown_timeout_ns;
    int64_t reload_interval_ns; /* 0: off */
    bool recheck_on_reload;     /* end connections that may no longer pass: see options.c */
    uint32_t max_conns;         /* of the whole gateway; any one worker may come to hold all */
    enum gw_crypto crypto;

    enum gw_log_format log_format;
    enum gw_log_level log_level;
    uint32_t log_rate;       /* see gateway/proc/strangers.h */
    const char *config_file; /* NULL: the flags say all */
    const char *pidfile;     /* NULL: none */
    const char *user;        /* NULL: stay who we are */
    const char *group;
    uid_t uid; /* resolved from user/group when those are set */
    gid_t gid;

    const char *explain; /* check: the certificate to be judged; NULL: none */

    bool json;    /* probe: for programs */
    bool measure; /* probe: what relaying costs, too */

    struct gw_config_pki pki; /* the commands of `pki` */

    /* What a person should know though it does not stop the start; for the caller to log once. */
    const char *warnings[GW_CONFIG_WARNINGS_MAX];
    unsigned warning_count;

    /* In the order given. */
    struct gw_setting *settings;
    unsigned setting_count;
    struct gw_place *places;
    unsigned place_count;

    /* The command line, the caller's by pointer: for gw_config_again. */
    const char *subcommand;
    int argc;
    char **argv;

    struct gw_config_string *strings; /* owner of every const char * above */
};

/* Frees the configuration and all it owns; NULL is fine. */
void gw_config_free(struct gw_config *config);

/* Descriptors of a worker beside those of its connections. */
unsigned gw_config_worker_fds(const struct gw_config *config);

/* A copy of the first `len` bytes of `text`, owned by the configuration; NULL without memory. */
const char *gw_config_keep(struct gw_config *config, const char *text, size_t len);
