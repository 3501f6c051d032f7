/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a connection ended. One row per reason: enum name, counter and log word, whether it counts as
 * an error, and the sentence for people. Enum, counters, log words and tests come from here. A
 * connection ends exactly once, with exactly one reason.
 */
#pragma once

#include "gateway/base/role.h"

#include <stdbool.h>

// clang-format off
#define GW_REASONS(X)                                                                                                   \
    X(NONE,                 "none",                   false, "still open")                                              \
    X(FINISHED,             "finished",               false, "both sides ended their streams")                          \
    X(SHUTDOWN,             "shutdown",               false, "the gateway was stopped")                                 \
    X(IDLE_TIMEOUT,         "idle-timeout",           false, "no byte moved for --idle-timeout")                        \
    X(MAX_CONN_AGE,         "max-conn-age",           false, "the connection was open for --max-conn-age")               \
    X(CLOSE_TIMEOUT,        "close-timeout",          true,  "one side ended and no byte of the other moved for --close-timeout") \
    X(MAX_CONNS,            "max-conns",              true,  "--max-conns connections were open already")               \
    X(NO_MEMORY,            "no-memory",              true,  "no memory or no descriptor was left")                     \
    X(PROXY_STRANGER,       "proxy-stranger",         true,  "the peer is not a load balancer of --accept-proxy-from")  \
    X(PROXY_HEADER,         "proxy-header",           true,  "the connection did not begin with a valid PROXY header, which --accept-proxy requires") \
    X(HANDSHAKE_TIMEOUT,    "handshake-timeout",      true,  "the handshake did not finish within --handshake-timeout") \
    X(HANDSHAKE_CLOSED,     "handshake-closed",       true,  "the client closed during the handshake")                  \
    X(HANDSHAKE_RESET,      "handshake-reset",        true,  "the client reset the connection during the handshake")    \
    X(HANDSHAKE_ALERT,      "handshake-client-alert", true,  "the client ended the handshake with an alert")            \
    X(HANDSHAKE_NOT_TLS,    "handshake-not-tls",      true,  "the client does not speak TLS")                           \
    X(HANDSHAKE_HTTP,       "handshake-http",         true,  "the client speaks HTTP without TLS")                      \
    X(HANDSHAKE_VERSION,    "handshake-version",      true,  "no TLS version in common")                                \
    X(HANDSHAKE_CIPHER,     "handshake-cipher",       true,  "no cipher suite, group or signature in common")           \
    X(HANDSHAKE_ALPN,       "handshake-alpn",         true,  "no application protocol in common")                       \
    X(HANDSHAKE_SNI,        "handshake-sni",          true,  "no certificate is for the requested name (--strict-sni)") \
    X(HANDSHAKE_TOO_LARGE,  "handshake-too-large",    true,  "the peer sent more handshake data than is allowed")       \
    X(HANDSHAKE_PROTOCOL,   "handshake-protocol",     true,  "the peer violated the handshake protocol")                \
    X(HANDSHAKE_INTERNAL,   "handshake-internal",     true,  "the TLS library failed")                                  \
    X(CERT_MISSING,         "cert-missing",           true,  "the client sent no certificate")                          \
    X(CERT_UNTRUSTED,       "cert-untrusted",         true,  "the client certificate is not signed by a CA of --cacert") \
    X(CERT_EXPIRED,         "cert-expired",           true,  "the client certificate is expired or not yet valid")      \
    X(CERT_REVOKED,         "cert-revoked",           true,  "the client certificate or a CA above it is revoked by a CRL of --crl") \
    X(CERT_NO_CRL,          "cert-no-crl",            true,  "a CA of the client certificate has no current CRL in --crl") \
    X(CERT_INVALID,         "cert-invalid",           true,  "the client certificate or its signature is not acceptable") \
    X(NOT_ALLOWED,          "not-allowed",            true,  "no allow rule matches the client certificate")            \
    X(CERT_TOO_LARGE,       "cert-too-large",         true,  "the certificate does not fit into a PROXY header of 65535 bytes") \
    X(BACKEND_REFUSED,      "backend-refused",        true,  "the backend refused the connection")                      \
    X(BACKEND_UNREACHABLE,  "backend-unreachable",    true,  "the backend cannot be reached")                           \
    X(BACKEND_TIMEOUT,      "backend-timeout",        true,  "the backend did not accept within --connect-timeout")     \
    X(BACKEND_RESET,        "backend-reset",          true,  "the backend reset the connection")                        \
    X(BACKEND_TRUNCATED,    "backend-truncated",      true,  "the backend closed without close_notify")                 \
    X(BACKEND_ALERT,        "backend-alert",          true,  "the backend sent a fatal alert")                          \
    X(BACKEND_NOT_TLS,      "backend-not-tls",        true,  "the backend does not speak TLS")                          \
    X(BACKEND_HS_CLOSED,    "backend-handshake-closed", true,  "the backend closed during the handshake")               \
    X(BACKEND_HS_RESET,     "backend-handshake-reset", true,  "the backend reset the connection during the handshake")  \
    X(BACKEND_HS_ALERT,     "backend-handshake-alert", true,  "the backend ended the handshake with an alert")          \
    X(BACKEND_UNTRUSTED,    "backend-cert-untrusted", true,  "the backend's certificate is not signed by a CA of --cacert") \
    X(BACKEND_EXPIRED,      "backend-cert-expired",   true,  "the backend's certificate is expired or not yet valid")   \
    X(BACKEND_REVOKED,      "backend-cert-revoked",   true,  "the backend's certificate or a CA above it is revoked by a CRL of --crl") \
    X(BACKEND_NO_CRL,       "backend-cert-no-crl",    true,  "a CA of the backend's certificate has no current CRL in --crl") \
    X(BACKEND_INVALID,      "backend-cert-invalid",   true,  "the backend's certificate or its signature is not acceptable") \
    X(BACKEND_NOT_ALLOWED,  "backend-not-allowed",    true,  "no allow rule matches the backend's certificate, or a deny rule does") \
    X(BACKEND_NAME,         "backend-cert-name",      true,  "the backend's certificate is not for the name of --target or --target-name") \
    X(CLIENT_RESET,         "client-reset",           true,  "the client reset the connection")                         \
    X(CLIENT_TRUNCATED,     "client-truncated",       true,  "the client closed without close_notify")                  \
    X(CLIENT_ALERT,         "client-alert",           true,  "the client sent a fatal alert")                           \
    X(RECORD_BAD_MAC,       "record-bad-mac",         true,  "a record failed authentication")                          \
    X(RECORD_OVERFLOW,      "record-overflow",        true,  "a record is longer than TLS allows")                      \
    X(RECORD_UNEXPECTED,    "record-unexpected",      true,  "a record arrived that is not allowed here")               \
    X(RECORD_FLOOD,         "record-flood",           true,  "too many empty records, warnings or key updates")         \
    X(RENEGOTIATION,        "renegotiation",          true,  "the peer kept requesting renegotiation, which is refused") \
    X(REKEY_UNSUPPORTED,    "rekey-unsupported",      true,  "the peer changed its key, which this kernel cannot follow") \
    X(KEY_LIMIT,            "key-limit",              true,  "the key has encrypted as many records as is safe")        \
    X(KERNEL_KEYS,          "kernel-keys",            true,  "the kernel cannot run the records, and --records kernel allows no other engine") \
    X(WORKER_DIED,          "worker-died",            true,  "the worker process that carried it died")                 \
    X(INTERNAL,             "internal",               true,  "an error inside the gateway")
// clang-format on

/* The reasons that anybody can cause in a handshake. Showing a certificate takes no key: anybody
 * can make one up or copy an old one. Above a rate, the log sums them up in one line
 * (gateway/proc/strangers.h). */
#define GW_REASONS_OF_STRANGERS(X)                                                                 \
    X(PROXY_STRANGER)                                                                              \
    X(PROXY_HEADER)                                                                                \
    X(HANDSHAKE_TIMEOUT)                                                                           \
    X(HANDSHAKE_CLOSED)                                                                            \
    X(HANDSHAKE_RESET)                                                                             \
    X(HANDSHAKE_ALERT)                                                                             \
    X(HANDSHAKE_NOT_TLS)                                                                           \
    X(HANDSHAKE_HTTP)                                                                              \
    X(HANDSHAKE_VERSION)                                                                           \
    X(HANDSHAKE_CIPHER)                                                                            \
    X(HANDSHAKE_ALPN)                                                                              \
    X(HANDSHAKE_SNI)                                                                               \
    X(HANDSHAKE_TOO_LARGE)                                                                         \
    X(HANDSHAKE_PROTOCOL)                                                                          \
    X(CERT_MISSING)                                                                                \
    X(CERT_UNTRUSTED)                                                                              \
    X(CERT_EXPIRED)                                                                                \
    X(CERT_REVOKED)                                                                                \
    X(CERT_NO_CRL)                                                                                 \
    X(CERT_INVALID)

enum gw_reason {
#define X(id, word, is_error, sentence) GW_REASON_##id,
    GW_REASONS(X)
#undef X
    GW_REASON_COUNT
};

struct gw_reason_info {
    const char *word; /* in logs, counters and metrics */
    bool is_error;
    const char *sentence;
};

/* Whether it is one of GW_REASONS_OF_STRANGERS. */
bool gw_reason_of_strangers(enum gw_reason reason);

/* The row of a reason; the row of INTERNAL for an invalid number. Never NULL. */
const struct gw_reason_info *gw_reason_info(enum gw_reason reason);

/*
 * TLS and relay use server terms: the TLS side is the client and the plain side the backend. In a
 * service of the client role it is the other way round; only this function translates. Returns a
 * reason that is the same for both unchanged.
 */
enum gw_reason gw_reason_in(enum gw_role role, enum gw_reason reason);
