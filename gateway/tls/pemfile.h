/* SPDX-License-Identifier: Apache-2.0 */
/* A PEM file named by a flag: read whole and parsed, each failure told with flag and file. */
#pragma once

#include "gateway/base/error.h"
#include "gateway/base/files.h"

#include <openssl/types.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    GW_PEMFILE_MAX = 4 << 20 /* bytes; the public CA bundle of a system has 200 KiB */
};

struct gw_pemfile {
    const char *flag; /* "--cert" */
    const char *path;
    struct gw_file file;
};

/* Returns 0; negative errno with *err filled (GW_EXIT_START). Nothing is copied: `flag`, `path` and
 * `files` must outlive *ret, which needs no end of its own. */
gw_must_check int gw_pemfile_read(struct gw_pemfile *ret, struct gw_files *files, const char *flag,
                                  const char *path, struct gw_error *err);

/* Leaves a note when others than its owner may use the file: of secrets. */
void gw_pemfile_note_readers(const struct gw_pemfile *file, struct gw_files *files);

/*
 * Certificates that were parsed before, so that the intermediates that a thousand files share are
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

/* All certificates of the file, in its order, at least one; other PEM blocks are stepped over.
 * Returns 0; negative errno with *err filled (GW_EXIT_USAGE). */
gw_must_check int gw_pemfile_certs(const struct gw_pemfile *file, OSSL_LIB_CTX *library,
                                   STACK_OF(X509) * *ret, struct gw_error *err);
/* The same; all but the first are those of other files where `shared` has them. */
gw_must_check int gw_pemfile_chain(const struct gw_pemfile *file, OSSL_LIB_CTX *library,
                                   struct gw_pemfile_shared *shared, STACK_OF(X509) * *ret,
                                   struct gw_error *err);
