/* SPDX-License-Identifier: Apache-2.0 */
/* A PEM file that a flag names, or its counterpart in DER: read completely and parsed. Every error
 * names flag and file. */
#pragma once

#include "gateway/base/error.h"
#include "gateway/base/files.h"

#include <openssl/types.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    GW_PEMFILE_MAX = 4 << 20 /* bytes; a system's bundle of public CAs has 200 KiB */
};

struct gw_pemfile {
    const char *flag; /* "--cert" */
    const char *path;
    struct gw_file file;
};

/* Returns 0, or a negative errno with *err filled (GW_EXIT_START). Nothing is copied: `flag`,
 * `path` and `files` must outlive *ret. *ret needs no clean-up. */
gw_must_check int gw_pemfile_read(struct gw_pemfile *ret, struct gw_files *files, const char *flag,
                                  const char *path, struct gw_error *err);

/* Adds a note when others than its owner may read or write the file. For secrets. */
void gw_pemfile_note_readers(const struct gw_pemfile *file, struct gw_files *files);

/*
 * Certificates that were parsed before, so that an intermediate that a thousand files share is
 * parsed and kept once. Zeroed: empty.
 */
enum {
    GW_PEMFILE_SHARED = 64
};
struct gw_pemfile_shared {
    struct {
        unsigned char *der;
        long len;
        X509 *cert;
    } certs[GW_PEMFILE_SHARED];
    unsigned count;
};
void gw_pemfile_shared_done(struct gw_pemfile_shared *shared);

/* All certificates of the file, in its order, at least one. Other PEM blocks are skipped. Returns
 * 0, or a negative errno with *err filled (GW_EXIT_USAGE). */
gw_must_check int gw_pemfile_certs(const struct gw_pemfile *file, OSSL_LIB_CTX *library,
                                   STACK_OF(X509) * *ret, struct gw_error *err);
/* Whether the file begins as DER does. */
bool gw_pemfile_is_der(const struct gw_pemfile *file);
/* The file as a single certificate in DER. Returns 0, or -EINVAL when it is anything else. Leaves
 * the error queue empty. */
gw_must_check int gw_pemfile_der(const struct gw_pemfile *file, OSSL_LIB_CTX *library,
                                 STACK_OF(X509) * *ret);
/* Like gw_pemfile_certs, but reuses certificates of other files from `shared`, except for the
 * first. */
gw_must_check int gw_pemfile_chain(const struct gw_pemfile *file, OSSL_LIB_CTX *library,
                                   struct gw_pemfile_shared *shared, STACK_OF(X509) * *ret,
                                   struct gw_error *err);
