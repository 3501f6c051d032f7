/* SPDX-License-Identifier: Apache-2.0 */
/* The flags of `ktlsgate pki`, and the words that they share with a CA's records. */
#pragma once

#include "gateway/base/attr.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    GW_PKI_SANS_MAX = 32,    /* names and addresses per certificate */
    GW_PKI_PERMITS_MAX = 32, /* the maximum of each kind of permit */
    GW_PKI_DAYS_MAX = 825,   /* for a server or client; Apple's clients accept no more */
    GW_PKI_CA_DAYS_MAX = 7300,
};

enum gw_pki_key_type {
    GW_PKI_KEY_ECDSA_P256,
    GW_PKI_KEY_ECDSA_P384,
    GW_PKI_KEY_RSA_3072,
    GW_PKI_KEY_ED25519,
    GW_PKI_KEY_COUNT,
};

enum gw_pki_san_kind {
    GW_PKI_SAN_DNS,
    GW_PKI_SAN_URI,
    GW_PKI_SAN_EMAIL,
    GW_PKI_SAN_IP,
    GW_PKI_SAN_KIND_COUNT,
};

/* The reason of a revocation, as in CRLs (RFC 5280 5.3.1). */
enum gw_pki_reason {
    GW_PKI_REASON_UNSPECIFIED,
    GW_PKI_REASON_KEY_COMPROMISE,
    GW_PKI_REASON_AFFILIATION_CHANGED,
    GW_PKI_REASON_SUPERSEDED,
    GW_PKI_REASON_CESSATION,
    GW_PKI_REASON_PRIVILEGE_WITHDRAWN,
    GW_PKI_REASON_COUNT,
};

/* One subject alternative name. */
struct gw_pki_san {
    enum gw_pki_san_kind kind;
    const char *text;
};

/* The names that a CA may issue for (nameConstraints, RFC 5280 4.2.1.10). `dns`: only these DNS
 * names and those below them, and only URIs and mail addresses at such hosts; no IP addresses then,
 * except for `ip`. `uri` and `email` permit more. All empty: no restriction. */
struct gw_pki_permits {
    const char *dns[GW_PKI_PERMITS_MAX];
    unsigned dns_count;
    const char *ip[GW_PKI_PERMITS_MAX]; /* ADDRESS/BITS */
    unsigned ip_count;
    const char *uri[GW_PKI_PERMITS_MAX]; /* the host of URIs, or .DOMAIN for all hosts below */
    unsigned uri_count;
    const char *email[GW_PKI_PERMITS_MAX]; /* like uri, or one mailbox */
    unsigned email_count;
};

struct gw_config_pki {
    const char *dir;
    const char *name; /* NAME, or the SERIAL of an issued certificate; NULL: none */

    const char *server; /* issue: exactly one of them is set */
    const char *client;
    const char *ou; /* NULL: none */
    struct gw_pki_san sans[GW_PKI_SANS_MAX];
    unsigned san_count;
    enum gw_pki_key_type key_type;
    uint32_t days; /* 0: the default */

    bool intermediate; /* init */
    uint32_t intermediate_days;
    struct gw_pki_permits permits;

    bool keep_key;          /* renew */
    int64_t within_ns;      /* 0: not given */
    int64_t next_update_ns; /* for a CRL; 0: as before */
    enum gw_pki_reason reason;
    bool all; /* list */

    const char *key_pass_file;    /* NULL: the CA's keys are not encrypted */
    const char *bundle_pass_file; /* NULL: PKCS #12 files have no pass phrase */
};
