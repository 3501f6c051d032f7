/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of one side of TLS, each written once. Every macro takes the prefix of the side's flags
 * ("" or such as "target-"), the group of the rows, the commands that take them, and the member of
 * struct gw_service that is the side. What differs between sides beyond that is a parameter, too.
 */
#pragma once

#include "gateway/config/options_private.h"
#include "gateway/config/set.h"

/* Versions, suites and groups. Needs the words of a TLS version, `version_words`. */
#define TLS_POLICY_ROWS(prefix, group_, commands_, side)                                           \
    {                                                                                              \
        .name = prefix "tls-min",                                                                  \
        .kind = GW_OPTION_WORD,                                                                    \
        .group = group_,                                                                           \
        .commands = commands_,                                                                     \
        .initial = "1.2",                                                                          \
        .help = "lowest TLS version to negotiate",                                                 \
        .also = "ssl-min-ver sslVersionMin min-tls-version tls-protos ssl-protocols",              \
        .words = version_words,                                                                    \
        .first = 0x0303,                                                                           \
        IN_SERVICE(side.tls_min),                                                                  \
        .set = gw_set_tls_version,                                                                 \
    },                                                                                             \
        {                                                                                          \
            .name = prefix "tls-max",                                                              \
            .kind = GW_OPTION_WORD,                                                                \
            .group = group_,                                                                       \
            .commands = commands_,                                                                 \
            .initial = "1.3",                                                                      \
            .help = "highest TLS version to negotiate",                                            \
            .also = "ssl-max-ver sslVersionMax max-tls-version",                                   \
            .words = version_words,                                                                \
            .first = 0x0303,                                                                       \
            IN_SERVICE(side.tls_max),                                                              \
            .set = gw_set_tls_version,                                                             \
        },                                                                                         \
        {                                                                                          \
            .name = prefix "ciphers",                                                              \
            .kind = GW_OPTION_NAMES,                                                               \
            .group = group_,                                                                       \
            .commands = commands_,                                                                 \
            .value = "NAME:NAME",                                                                  \
            .otherwise = "all that are safe",                                                      \
            .help = "TLS 1.2 cipher suites by their OpenSSL names; only AEAD suites with forward " \
                    "secrecy are accepted",                                                        \
            .also = "ssl-ciphers cipher-list cipher-suites",                                       \
            IN_SERVICE(side.ciphers),                                                              \
            .set = gw_set_names,                                                                   \
        },                                                                                         \
        {                                                                                          \
            .name = prefix "ciphersuites",                                                         \
            .kind = GW_OPTION_NAMES,                                                               \
            .group = group_,                                                                       \
            .commands = commands_,                                                                 \
            .value = "NAME:NAME",                                                                  \
            .otherwise = "all that are safe",                                                      \
            .help = "TLS 1.3 cipher suites",                                                       \
            IN_SERVICE(side.ciphersuites),                                                         \
            .set = gw_set_names,                                                                   \
        },                                                                                         \
    {                                                                                              \
        .name = prefix "groups", .kind = GW_OPTION_NAMES, .group = group_, .commands = commands_,  \
        .value = "NAME:NAME", .otherwise = "built in",                                             \
        .help = "key exchange groups, most preferred first",                                       \
        .also = "curves ecdh-curve ssl-ecdh-curve", IN_SERVICE(side.groups), .set = gw_set_names,  \
    }
/* `use`: what the side does with the protocols. */
#define TLS_ALPN_ROW(prefix, group_, commands_, side, use)                                         \
    {                                                                                              \
        .name = prefix "alpn", .kind = GW_OPTION_LIST, .group = group_, .commands = commands_,     \
        .repeatable = true, .value = "NAME,NAME", .otherwise = "no ALPN",                          \
        .help = "application protocols " use ", most preferred first, such as h2,http/1.1",        \
        .also = "alpn-protos ssl-alpn", IN_SERVICE(side), .set = gw_set_alpn,                      \
    }
/* Needs `on_off_words`. */
#define TLS_TICKETS_ROW(prefix, group_, commands_, side, help_)                                    \
    {                                                                                              \
        .name = prefix "session-tickets", .kind = GW_OPTION_WORD, .group = group_,                 \
        .commands = commands_, .initial = "on", .help = help_,                                     \
        .also = "no-tls-tickets ssl-session-tickets tickets", .words = on_off_words,               \
        IN_SERVICE(side.session_tickets), .set = gw_set_on_off,                                    \
    }
#define TLS_SESSION_AGE_ROW(prefix, group_, commands_, side)                                       \
    {                                                                                              \
        .name = prefix "session-age", .kind = GW_OPTION_DURATION, .group = group_,                 \
        .commands = commands_, .value = "TIME", .initial = "24h",                                  \
        .help =                                                                                    \
            "how long after its full handshake a session may be resumed, however often it was "    \
            "resumed since; after that, certificates are presented again",                         \
        .also = "ssl-session-timeout tune.ssl.lifetime session-timeout sessionCacheTimeout",       \
        .min = GW_NS_PER_SEC, .max = 30 * 24 * HOURS, IN_SERVICE(side.session_age_ns),             \
        .set = gw_set_duration,                                                                    \
    }
/* `cert_help`: which certificates, and when they are presented. */
#define TLS_CERT_ROWS(prefix, group_, commands_, side, repeatable_, otherwise_, cert_help)         \
    {                                                                                              \
        .name = prefix "cert",                                                                     \
        .kind = GW_OPTION_FILE,                                                                    \
        .group = group_,                                                                           \
        .commands = commands_,                                                                     \
        .repeatable = repeatable_,                                                                 \
        .value = "FILE",                                                                           \
        .otherwise = otherwise_,                                                                   \
        .help = cert_help,                                                                         \
        .also = "crt pem-file certificate ssl-certificate",                                        \
        IN_SERVICE(side),                                                                          \
        .set = gw_set_cert,                                                                        \
    },                                                                                             \
    {                                                                                              \
        .name = prefix "key", .kind = GW_OPTION_FILE, .group = group_, .commands = commands_,      \
        .repeatable = repeatable_, .value = "FILE",                                                \
        .help = "PEM private key of the --" prefix "cert; not needed if the --" prefix             \
                "cert file contains it",                                                           \
        .also = "ssl-certificate-key", IN_SERVICE(side), .set = gw_set_key,                        \
    }
#define TLS_KEY_PASS_ROW(prefix, group_, commands_, side)                                          \
    {                                                                                              \
        .name = prefix "key-pass-file", .kind = GW_OPTION_FILE, .group = group_,                   \
        .commands = commands_, .value = "FILE",                                                    \
        .help = "file with the pass phrase of encrypted keys in its first line",                   \
        .also = "key-password-file password-file ssl-password-file pem-passphrase",                \
        IN_SERVICE(side.key_pass_file), .set = gw_set_text,                                        \
    }
#define TLS_CACERT_ROW(prefix, group_, commands_, side, help_, also_)                              \
    {                                                                                              \
        .name = prefix "cacert", .kind = GW_OPTION_FILE, .group = group_, .commands = commands_,   \
        .repeatable = true, .value = "PATH", .help = help_, .also = also_,                         \
        IN_SERVICE(side.cacerts), .set = gw_set_path,                                              \
    }
/* CRLs, and limits of what a peer presents. `peer`: such as "a client". */
#define TLS_TRUST_ROWS(prefix, group_, commands_, side, peer)                                      \
    {                                                                                              \
        .name = prefix "crl",                                                                      \
        .kind = GW_OPTION_FILE,                                                                    \
        .group = group_,                                                                           \
        .commands = commands_,                                                                     \
        .repeatable = true,                                                                        \
        .value = "PATH",                                                                           \
        .help = "certificate revocation lists: a file in PEM or DER, or a folder of *.crl, *.pem " \
                "and *.der files; each CA in a chain must then have a current one",                \
        .also = "crl-file CRLfile CRLpath ssl-crl",                                                \
        IN_SERVICE(side.crls),                                                                     \
        .set = gw_set_path,                                                                        \
    },                                                                                             \
        {                                                                                          \
            .name = prefix "crl-soft",                                                             \
            .kind = GW_OPTION_SWITCH,                                                              \
            .group = group_,                                                                       \
            .commands = commands_,                                                                 \
            .help = "accept certificates of a CA without a current CRL; revoked ones are still "   \
                    "refused",                                                                     \
            IN_SERVICE(side.crl_soft),                                                             \
            .set = gw_set_switch,                                                                  \
        },                                                                                         \
        {                                                                                          \
            .name = prefix "verify-depth",                                                         \
            .kind = GW_OPTION_NUMBER,                                                              \
            .group = group_,                                                                       \
            .commands = commands_,                                                                 \
            .value = "N",                                                                          \
            .initial = "10",                                                                       \
            .help = "maximum number of intermediates between " peer "'s certificate and the CA's", \
            .also = "verifyDepth ssl-verify-depth",                                                \
            .max = GW_VERIFY_DEPTH_MAX,                                                            \
            IN_SERVICE(side.verify_depth),                                                         \
            .set = gw_set_count,                                                                   \
        },                                                                                         \
    {                                                                                              \
        .name = prefix "max-cert-chain", .kind = GW_OPTION_SIZE, .group = group_,                  \
        .commands = commands_, .value = "SIZE", .initial = "24k",                                  \
        .help = "maximum size of the certificates that " peer " sends, intermediates included",    \
        .also = "max-cert-list", .min = 1 << 10, .max = GW_CERT_CHAIN_BYTES_MAX,                   \
        IN_SERVICE(side.max_cert_chain), .set = gw_set_size,                                       \
    }
