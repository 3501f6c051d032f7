/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of authorities that a server sends when it requests a client certificate, so that a
 * client with several can choose (RFC 8446 4.2.4, RFC 5246 7.4.4). Both versions permit an empty
 * list and limit its length.
 */
#pragma once

#include "gateway/base/error.h"
#include "gateway/base/files.h"
#include "gateway/config/config.h"
#include "gateway/tls/anchors.h"

#include <openssl/ssl.h>

/* The maximum of bytes of all names together, each with its two-byte length. TLS 1.2 has room for
 * 65535. In TLS 1.3 that is the room of all extensions of the message: this one, the signature
 * algorithms, and any that a later library adds. */
enum {
    GW_CANAMES_BYTES_MAX = 65535 - 256
};

/*
 * Makes the list of a side, which the caller frees: the subjects of --ca-names or else of the
 * anchors, in their order, without duplicates. Empty with `--ca-names none`; empty with a note
 * (gw_files_notes) when the anchors' names exceed the room. Returns 0, or a negative errno with
 * *err filled, for instance when the names of the file exceed the room.
 */
gw_must_check int gw_canames_load(STACK_OF(X509_NAME) * *ret, const struct gw_tls_side *side,
                                  const struct gw_anchors *anchors, struct gw_files *files,
                                  OSSL_LIB_CTX *library, struct gw_error *err);
