/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files of a --cert-dir make up which certificate. A folder holds
 *
 *   NAME.pem, .crt or .cer  a certificate and its intermediates; its key is in the file with .key
 *                           added to the whole name, else in NAME.key, else in the same file
 *   NAME.p12 or .pfx        PKCS #12, which includes the key
 *   a folder                the same in it, or one certificate in another program's layout:
 *                           fullchain.pem + privkey.pem (certbot), tls.crt + tls.key (Kubernetes),
 *                           cert.pem + key.pem
 *   NAME.ocsp, or .ocsp added to a certificate's whole name: an OCSP response to be stapled to it
 *
 * With --cert-glob the certificates are instead the files whose names match the pattern
 * (fnmatch(3)) and end in neither .key nor .ocsp; NAME is then the name without its last ending, if
 * it has one. Files that do not match are skipped without a note. Folders in another program's
 * layout are read as before.
 *
 * Hidden files are ignored, so that a program that replaces files can prepare them there. Any other
 * file gets a note by name: a key or response without its certificate, an inner folder without any,
 * a file of another kind. A folder that cannot be read any more keeps its listing in force.
 */
#pragma once

#include "gateway/base/error.h"
#include "gateway/base/files.h"

struct gw_certdir_entry {
    char *cert_file;
    char *key_file;  /* the same path if that file holds the key */
    char *ocsp_file; /* NULL: none */
};

struct gw_certdir {
    struct gw_certdir_entry *entries; /* sorted by name */
    unsigned count;
};

/* Reads the folder, not the files. `glob`: the pattern, or NULL. Returns 0; -E2BIG: more than
 * GW_MAX_CERTS; -ENOMEM; another negative errno: the folder cannot be read, or holds no
 * certificate. On failure *err is filled and *ret may still be passed to gw_certdir_done. */
gw_must_check int gw_certdir_read(struct gw_certdir *ret, struct gw_files *files,
                                  const char *folder, const char *glob, struct gw_error *err);
/* A zeroed object is allowed. */
void gw_certdir_done(struct gw_certdir *dir);
