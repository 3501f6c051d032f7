/* SPDX-License-Identifier: Apache-2.0 */
/* The certificates after a server's own one in its file: whether they lead from it to a root, in
 * the order in which a server sends them (RFC 5246 7.4.2). */
#pragma once

#include "gateway/base/notes.h"

#include <openssl/types.h>
#include <openssl/x509.h>
#include <stdbool.h>

struct gw_chainfile {
    const char *flag, *path; /* for the notes */
    X509 *leaf;
    STACK_OF(X509) * chain; /* the certificates after the leaf in the file */
    struct gw_notes *notes;
};

/*
 * Puts the chain into the order of issuing where that is unambiguous, and removes duplicates. Notes
 * that it reordered them, and notes certificates that belong to no other certificate of the file.
 * Notes a missing issuer if that is hardly a root: another certificate stands in its place, or the
 * certificate says where to get it. The CAs of the side say nothing: a root that signs servers
 * need not be among those that sign clients.
 * Returns 0 or -ENOMEM.
 */
gw_must_check int gw_chainfile_arrange(const struct gw_chainfile *file);

/* The position in the file, from 1, of the certificate that the key belongs to. 0: none. */
unsigned gw_chainfile_owner(const struct gw_chainfile *file, const EVP_PKEY *key);
