/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of authorities that a server sends when it asks a client for a certificate, from which
 * a client with several may choose (RFC 8446 4.2.4, RFC 5246 7.4.4). Both versions may leave the
 * list out, and have room for a bounded one.
 */
#pragma once

#include "gateway/base/error.h"
#include "gateway/base/files.h"
#include "gateway/config/config.h"
#include "gateway/tls/anchors.h"

#include <openssl/ssl.h>

/* Bytes of all names together, each with the two of its length. TLS 1.2 has room for 65535. In TLS
 * 1.3 that is the room of all extensions of the message; besides this one there are the signature
 * algorithms, and what a later library may add. */
enum {
    GW_CANAMES_BYTES_MAX = 65535 - 256
};

/*
 * The list of a service, which the caller frees: the subjects of --ca-names, else of the anchors,
 * in their order, each once; empty with `--ca-names none`, or when the anchors' names have no room,
 * which is noted (gw_files_notes). Returns 0; negative errno with *err filled: among others when
 * the names of the file have no room.
 */
gw_must_check int gw_canames_load(STACK_OF(X509_NAME) * *ret, const struct gw_service *service,
                                  const struct gw_anchors *anchors, struct gw_files *files,
                                  OSSL_LIB_CTX *library, struct gw_error *err);
