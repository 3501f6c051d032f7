/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration: immutable once parsed; every layer above reads it through a const pointer. It
 * is a list of services; flags describe one service. Durations are nanoseconds (0 = off where the
 * flag allows it). The configuration owns its strings.
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
    GW_SERVICE_NAME_SIZE = 32, /* includes the NUL */
};

struct gw_address {
    struct sockaddr_storage addr; /* AF_INET, AF_INET6 or AF_UNIX */
    socklen_t len;
    char text[GW_ADDRESS_TEXT_MAX]; /* as given; numeric if it was a name */
    /* For AF_INET6 listeners. True for `:PORT` and `*:PORT`, which accept IPv4 too (IPV6_V6ONLY 0).
     * False for an address in brackets (IPV6_V6ONLY 1). */
    bool dual_stack;
};

/* A backend: the addresses of its name, tried in this order. */
struct gw_target {
    struct gw_address addrs[GW_TARGET_ADDRS_MAX];
    unsigned addr_count;
    const char *text; /* as given */
};

/* The value of gw_tls_side.ca_names that is not a file: send no names. */
#define GW_CA_NAMES_NONE "none"

/* The SNI that a client must send. */
enum gw_strict_sni {
    GW_STRICT_SNI_OFF,     /* any, or none: the first certificate answers for unknown names */
    GW_STRICT_SNI_UNKNOWN, /* a name that a certificate covers, or none */
    GW_STRICT_SNI_ON,      /* a name that a certificate covers */
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
    GW_RECORDS_MEASURED, /* like auto, but each direction where it is cheaper */
};

/* Whether TLS 1.3 may run in a kernel that cannot change keys. */
enum gw_without_rekey {
    GW_WITHOUT_REKEY_ALLOW,
    GW_WITHOUT_REKEY_DENY,
};

/* How bytes move between the two sockets when the kernel runs the records. */
enum gw_relay {
    GW_RELAY_AUTO,
    GW_RELAY_SPLICE,
    GW_RELAY_COPY,
    GW_RELAY_COUNT
};

/* The cryptography of handshakes (gateway/crypto/README.md). */
enum gw_crypto {
    GW_CRYPTO_AUTO,    /* the gateway's own algorithms, where they work */
    GW_CRYPTO_LIBRARY, /* libcrypto alone */
};

/* How the plain side's stream ends if the TLS side's was truncated, after all bytes before that. */
enum gw_truncation {
    GW_TRUNCATION_RESET,
    GW_TRUNCATION_END,
};

enum gw_proxy_protocol {
    GW_PROXY_OFF,
    GW_PROXY_V1,
    GW_PROXY_V2,
    GW_PROXY_V2_TLS,      /* v2 with facts about TLS */
    GW_PROXY_V2_TLS_FULL, /* the same, with the client's certificate */
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

/* A rule that admits or refuses. gateway/config/pattern.h explains patterns. */
struct gw_rule {
    enum gw_rule_kind kind;
    const char *pattern; /* as given; NULL for GW_RULE_ALL */
    bool deny;
};

struct gw_cert_pair {
    const char *cert_file; /* PEM: leaf first, then intermediates */
    const char *key_file;  /* PEM */
    /* DER; NULL: the certificate's name with .ocsp appended, if that exists */
    const char *ocsp_file;
};

/* One side of TLS: all that gateway/tls needs to make its context. */
struct gw_tls_side {
    enum gw_role role; /* who we are in its handshake */
    /* Sessions of one scope cannot be resumed in another: the name of the service. NULL is as "".
     */
    const char *session_scope;
    /* Client role: the DNS name or address that the server's certificate must match. A name is also
     * sent as SNI. NULL in the server role. */
    const char *peer_name;
    /* The certificate need not match: only the rules judge. Then the name may be NULL. */
    bool peer_unnamed;

    struct gw_cert_pair *certs; /* owned, like the next */
    unsigned cert_count;
    const char **cert_dirs; /* folders with more (gateway/tls/certdir.h) */
    unsigned cert_dir_count;
    /* fnmatch(3) pattern for certificates' names in them; NULL: by their endings */
    const char *cert_glob;
    const char *key_pass_file; /* its first line decrypts keys; NULL: no encrypted keys */
    enum gw_strict_sni strict_sni;
    const char *cacerts[GW_MAX_TRUST_PATHS + 1]; /* files and folders; NULL after the last */
    const char *crls[GW_MAX_TRUST_PATHS + 1];    /* like cacerts */
    const char *ca_names;    /* PEM file whose subjects clients are sent; NULL: those of cacerts */
    bool crl_soft;           /* a missing or expired CRL refuses nobody */
    uint32_t verify_depth;   /* certificates between leaf and anchor, up to GW_VERIFY_DEPTH_MAX */
    uint32_t max_cert_chain; /* bytes of all certificates that a peer sends */
    enum gw_verify verify;

    uint16_t tls_min; /* 0x0303 or 0x0304 */
    uint16_t tls_max;
    const char *ciphers;      /* TLS 1.2, OpenSSL names joined by ':'; NULL: built-in list */
    const char *ciphersuites; /* TLS 1.3, joined by ':'; NULL: built-in list */
    const char *groups;       /* joined by ':'; NULL: built-in list */
    const char *alpn[GW_MAX_ALPN];
    unsigned alpn_count;
    bool session_tickets;
    int64_t session_age_ns; /* maximum age of a session since its last full handshake */
};

struct gw_service {
    const char *name; /* the name of its section; "default" when flags describe it */
    unsigned line;    /* the section's first line; 0: no section */
    enum gw_role role;
    struct gw_address listen[GW_MAX_ADDRESSES];
    unsigned listen_count;
    /* A PROXY header precedes a client's first byte, and is accepted from those networks only. At
     * least one of them if this is on, else none. */
    bool accept_proxy;
    struct gw_net accept_proxy_from[GW_MAX_NETS];
    unsigned accept_proxy_from_count;
    bool accept_proxy_unix; /* accepted by a unix socket too */
    struct gw_target target;
    struct gw_tls_side tls; /* server role: towards clients; client role: towards the target */
    /* At most GW_MAX_RULES, owned by the configuration; they judge clients or, in the client role,
     * the target. A served configuration always has an allow rule: `verify none` gets a
     * GW_RULE_ALL, and so does a client without rules. */
    struct gw_rule *rules;
    unsigned rule_count;

    enum gw_records records;
    enum gw_without_rekey ktls_without_rekey;
    uint32_t rekey_after; /* records */
    enum gw_relay relay;
    enum gw_truncation truncation;
    enum gw_proxy_protocol proxy_protocol;
    bool proxy_authority; /* the header includes the name that the client requested */

    int64_t handshake_timeout_ns;
    int64_t connect_timeout_ns;
    int64_t idle_timeout_ns; /* 0: off */
    int64_t close_timeout_ns;
    int64_t max_conn_age_ns; /* 0: off */
};

/* The subcommand that the configuration is for; see gateway/config/command.h. */
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
    GW_COMMAND_COUNT, /* no command: only --help or --version */
};

enum gw_ask {
    GW_ASK_RUN,     /* run the subcommand */
    GW_ASK_HELP,    /* --help: arguments after it are not read, nothing below is checked */
    GW_ASK_VERSION, /* --version: likewise */
};

#define GW_SETTING_OF_ALL UINT32_MAX

/* One setting that a reload does not apply, as it was given; see gateway/config/again.h. */
struct gw_setting {
    const char *name; /* the option's name */
    const char *value;
    unsigned service; /* number of the service; GW_SETTING_OF_ALL for the whole gateway */
};

/* A value in a configuration file that names a file; see gateway/config/place.h. */
struct gw_place {
    const char *name; /* the option's name */
    const char *value;
    unsigned service; /* number of the service; GW_SETTING_OF_ALL before the sections */
    unsigned line;
};

struct gw_config {
    enum gw_command command;
    enum gw_ask ask;

    struct gw_service *services[GW_MAX_SERVICES];
    unsigned service_count;

    unsigned workers; /* 1 to GW_MAX_WORKERS, `auto` resolved */
    int cpus[GW_MAX_WORKERS];
    unsigned cpu_count; /* 0: no pinning */

    int64_t shutdown_timeout_ns;
    int64_t reload_interval_ns; /* 0: off */
    bool recheck_on_reload;     /* end connections that may no longer pass; see options.c */
    uint32_t max_conns;         /* for the whole gateway; a single worker may come to hold all */
    enum gw_crypto crypto;

    enum gw_log_format log_format;
    enum gw_log_level log_level;
    uint32_t log_rate;       /* see gateway/proc/strangers.h */
    const char *config_file; /* NULL: flags only */
    const char *pidfile;     /* NULL: none */
    const char *user;        /* NULL: keep the user */
    const char *group;
    uid_t uid; /* resolved from user and group if those are set */
    gid_t gid;

    const char *explain; /* check: the certificate to judge; NULL: none */

    bool json;    /* probe: output for programs */
    bool measure; /* probe: also measure the cost of relaying */

    struct gw_config_pki pki; /* for the commands of `pki` */

    /* Warnings that do not prevent the start. The caller logs them once. */
    const char *warnings[GW_CONFIG_WARNINGS_MAX];
    unsigned warning_count;

    /* in the order given */
    struct gw_setting *settings;
    unsigned setting_count;
    struct gw_place *places;
    unsigned place_count;

    /* The command line, by pointer to the caller's: for gw_config_again. */
    const char *subcommand;
    int argc;
    char **argv;

    struct gw_config_string *strings; /* owns every const char * above */
};

/* Frees the configuration and everything it owns. NULL is allowed. */
void gw_config_free(struct gw_config *config);

/* The descriptors of a worker, not counting those of its connections. */
unsigned gw_config_worker_fds(const struct gw_config *config);

/* Copies the first `len` bytes of `text`; the configuration owns the copy. NULL without memory. */
const char *gw_config_keep(struct gw_config *config, const char *text, size_t len);
