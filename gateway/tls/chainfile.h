/* SPDX-License-Identifier: Apache-2.0 */
/* The certificates behind a server's own one in its file: whether they lead from it to a root, in
 * the order in which a server sends them (RFC 5246 7.4.2). */
#pragma once

#include "gateway/base/notes.h"

#include <openssl/types.h>
#include <openssl/x509.h>
#include <stdbool.h>

struct gw_chainfile {
    const char *flag, *path; /* for the notes */
    X509 *leaf;
    STACK_OF(X509) * chain; /* what follows it in the file */
    X509_STORE *known;      /* CAs of the service; NULL: none */
    struct gw_notes *notes;
};

/*
 * Puts the chain into the order of issuing where that is clear, without what stands there twice.
 * Notes that it has done so, and what belongs to no other certificate of the file. An issuer that
 * is missing is noted where it is surely not a root: another one is there in its place, the
 * certificate says where to get it, or the service knows other CAs only.
 * Returns 0 or -ENOMEM.
 */
gw_must_check int gw_chainfile_arrange(const struct gw_chainfile *file);

/* The number in the file of the certificate that the key belongs to, the first being 1; 0: none. */
unsigned gw_chainfile_owner(const struct gw_chainfile *file, const EVP_PKEY *key);
