/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files of a --cert-dir make up which certificate. A folder holds
 *
 *   NAME.pem, .crt or .cer  a certificate and its intermediates; its key is in the file with .key
 *                           added to the whole name, else in NAME.key, else in the same file
 *   NAME.p12 or .pfx        PKCS #12, which holds the key, too
 *   a folder                the same in it, or one certificate as other programs lay it out:
 *                           fullchain.pem + privkey.pem (certbot), tls.crt + tls.key (Kubernetes),
 *                           cert.pem + key.pem
 *   NAME.ocsp, or .ocsp added to a certificate's whole name: an OCSP response to be stapled to it
 *
 * With --cert-glob certificates are instead the files whose names fit the pattern (fnmatch(3)) and
 * end in neither .key nor .ocsp; NAME is without the last ending, if there is one. Other files are
 * then passed over without a note. Folders of other programs stay what they are.
 *
 * Hidden files are left out, as whoever replaces files needs a place to prepare them. What else
 * there is gets a note by name: a key or response without its certificate, an inner folder without
 * any, what is none of these. A folder that cannot be read any more is taken as it is in force.
 */
#pragma once

#include "gateway/base/error.h"
#include "gateway/base/files.h"

struct gw_certdir_entry {
    char *cert_file;
    char *key_file;  /* the same path when that file holds the key too */
    char *ocsp_file; /* NULL: none */
};

struct gw_certdir {
    struct gw_certdir_entry *entries; /* in the order of their names */
    unsigned count;
};

/* Reads the folder, not the files. `glob`: the pattern, or NULL. Returns 0; -E2BIG: more than
 * GW_MAX_CERTS; -ENOMEM; another negative errno: it cannot be read, or has no certificate. *err is
 * filled then, and *ret may still be passed to _done. */
gw_must_check int gw_certdir_read(struct gw_certdir *ret, struct gw_files *files,
                                  const char *folder, const char *glob, struct gw_error *err);
/* A zeroed one is allowed. */
void gw_certdir_done(struct gw_certdir *dir);
