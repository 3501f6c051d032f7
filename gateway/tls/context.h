/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TLS set-up of one side, made once in the master before workers start. Server role:
 * certificates and keys chosen by SNI, CA, policy, ticket keys. Client role: the CA and name that
 * the target is verified against, and the certificate shown to it. Immutable except for the
 * sessions of the client role; workers inherit it by fork.
 *
 * It uses a library context of its own, so that the system-wide openssl.cnf neither weakens nor
 * breaks the policy.
 */
#pragma once

#include "gateway/base/error.h"
#include "gateway/base/files.h"
#include "gateway/base/reason.h"
#include "gateway/config/config.h"
#include "gateway/tls/chain.h"

#include <time.h>

struct gw_tls_context;
struct gw_ticket_keys; /* defined in tickets.h */

/*
 * Loads files through `files` and checks them: pairs match, certificates are in date, no cipher is
 * below policy. `files` NULL: from disk. `tickets` (server role; NULL: no tickets) and the strings
 * of the side must outlive the context. Findings for people (a certificate that is skipped, a key
 * file that others can read) are added to the notes of `files`. Returns 0, or a negative errno with
 * *err filled: GW_EXIT_USAGE for bad content, GW_EXIT_START for a file that cannot be read.
 */
gw_must_check int gw_tls_context_new(struct gw_tls_context **ret, const struct gw_tls_side *side,
                                     struct gw_ticket_keys *tickets, struct gw_files *files,
                                     struct gw_error *err);
void gw_tls_context_free(struct gw_tls_context *ctx);

/* Judges a peer that was verified once (gw_handshake_chain) by the current state: GW_REASON_NONE,
 * or the reason to refuse it, in server terms (gw_reason_in): expired, anchor no longer trusted,
 * revoked, no current CRL, no certificate where one is required. *ret_detail (may be NULL):
 * the cause (gw_fault_word), or "". */
gw_must_check enum gw_reason gw_tls_context_judge_chain(const struct gw_tls_context *ctx,
                                                        const struct gw_chain *chain, time_t now,
                                                        const char **ret_detail);

/* Findings made while peers were judged (for example an expired CRL), each once. The caller that
 * logs them calls gw_notes_done. NULL: there can be none. */
struct gw_notes *gw_tls_context_notes(const struct gw_tls_context *ctx);

/* The next time at which that judgement may change without a changed file: the first CRL expiry
 * after `now`, in seconds since 1970. INT64_MAX: never. */
int64_t gw_tls_context_next_end(const struct gw_tls_context *ctx, time_t now);

/* The facts of a loaded certificate, for people. Owned by the context. */
struct gw_cert_facts {
    const char *flag, *file; /* "--cert", its path */
    char *const *names;      /* the names it answers to */
    unsigned name_count;
    char key[16];         /* "EC256" */
    int64_t begins, ends; /* seconds since 1970 */
    bool has_ocsp;
    int64_t ocsp_begins, ocsp_ends;
};
unsigned gw_tls_context_cert_count(const struct gw_tls_context *ctx);
void gw_tls_context_cert(const struct gw_tls_context *ctx, unsigned index,
                         struct gw_cert_facts *ret);

/* The library's version at run time, for the probe: "OpenSSL 3.0.22 …". */
const char *gw_tls_library_version(void);
/* The key exchange groups that the library offers by default, in order of preference: "X25519,
 * P-256, …"; "" when it has none of them. */
const char *gw_tls_library_groups(void);
