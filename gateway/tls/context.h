/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TLS set-up of one service, made once in the master before workers start: certificates and
 * keys chosen by SNI, CA, policy, ticket keys; in the client role the CA and the name that the
 * target is verified by, and the certificate shown to it. Immutable afterwards, but for the
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
struct gw_ticket_keys; /* tickets.h */

/*
 * Loads files, through `files`, and checks them: pairs match, certificates are in date, no cipher
 * below policy. `files` may be NULL: then from disk. `tickets` (server role; may be NULL: no
 * tickets) must outlive the context. What a person should know (a certificate that is left out, a
 * key file that others can read) is among the notes of `files`. Returns 0; negative errno with *err
 * filled: GW_EXIT_USAGE for bad content, GW_EXIT_START for a file that cannot be read.
 */
gw_must_check int gw_tls_context_new(struct gw_tls_context **ret, const struct gw_service *service,
                                     struct gw_ticket_keys *tickets, struct gw_files *files,
                                     struct gw_error *err);
void gw_tls_context_free(struct gw_tls_context *ctx);

/* Whether a peer that was verified once (gw_handshake_chain) would be now: GW_REASON_NONE, or what
 * it would be refused for, in a server's language (gw_reason_in): expired, its anchor no longer
 * trusted, revoked, no current CRL; no certificate where one is required. */
gw_must_check enum gw_reason gw_tls_context_judge_chain(const struct gw_tls_context *ctx,
                                                        const struct gw_chain *chain, time_t now);

/* What has turned out while peers were judged (a CRL has become too old), each once, for whoever
 * logs it to take (gw_notes_done); NULL: nothing can. */
struct gw_notes *gw_tls_context_notes(const struct gw_tls_context *ctx);

/* When that answer may become another one though no file changes: the next end of a CRL after
 * `now`, seconds since 1970; INT64_MAX: never. */
int64_t gw_tls_context_next_end(const struct gw_tls_context *ctx, time_t now);

/* What a person may want to know of a certificate that was loaded; owned by the context. */
struct gw_cert_facts {
    const char *flag, *file; /* "--cert", its path */
    char *const *names;      /* that it answers to */
    unsigned name_count;
    char key[16];         /* "EC256" */
    int64_t begins, ends; /* seconds since 1970 */
    bool has_ocsp;
    int64_t ocsp_begins, ocsp_ends;
};
unsigned gw_tls_context_cert_count(const struct gw_tls_context *ctx);
void gw_tls_context_cert(const struct gw_tls_context *ctx, unsigned index,
                         struct gw_cert_facts *ret);

/* Versions of the library at run time, for probe: "OpenSSL 3.0.22 …". */
const char *gw_tls_library_version(void);
/* The key exchange groups that are offered by default with it, in the order of preference: "X25519,
 * P-256, …"; "" when it has none of them. */
const char *gw_tls_library_groups(void);
