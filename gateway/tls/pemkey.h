/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private keys out of PEM files: PKCS #8 (PRIVATE KEY), PKCS #1 (RSA PRIVATE KEY) and SEC 1
 * (EC PRIVATE KEY), each encrypted or not. One reader for all files of a service: libcrypto looks
 * for its decoders anew for each key that it is given, which takes ten times as long as decoding
 * it.
 */
#pragma once

#include "gateway/tls/pemfile.h"

enum {
    GW_PEMKEY_ALGORITHM = 64, /* bytes of a name, with the NUL */
    GW_PEMKEY_DECODERS = 7,
    GW_PEMKEY_PHRASE_MAX = 1024 /* as of libcrypto's PEM_BUFSIZE */
};

struct gw_pemkey_reader {
    OSSL_LIB_CTX *library;
    OSSL_DECODER_CTX *decoders[GW_PEMKEY_DECODERS]; /* made when first needed */
    EVP_PKEY *key;                                  /* where they put it */
    const char *phrase_file;                        /* of --key-pass-file; NULL: none */
    char phrase[GW_PEMKEY_PHRASE_MAX + 1];
    char algorithm[GW_PEMKEY_ALGORITHM]; /* that the last key needs and libcrypto has not */
};

/* Behind the name of an algorithm, in a sentence. */
#define GW_PEMKEY_LEGACY "which OpenSSL opens no more without its legacy provider; "

/* Whether the errors that libcrypto has queued, which are taken, say that it has not such an
 * algorithm. */
bool gw_pemkey_unsupported(char ret[static GW_PEMKEY_ALGORITHM]);

void gw_pemkey_init(struct gw_pemkey_reader *reader, OSSL_LIB_CTX *library);
/* Takes the first line of the file, which may be empty, for the pass phrase of encrypted keys.
 * Returns 0; negative errno with *err filled. `path` must outlive the reader. */
gw_must_check int gw_pemkey_read_phrase(struct gw_pemkey_reader *reader, struct gw_files *files,
                                        const char *path, struct gw_error *err);
/* Wipes. A zeroed one is allowed. */
void gw_pemkey_done(struct gw_pemkey_reader *reader);

/*
 * The first private key of the file, of a kind that a certificate of TLS may have: RSA, RSA-PSS,
 * EC, Ed25519, Ed448. *ret_type is its EVP_PKEY_… number.
 * Returns 0; negative errno with *err filled (GW_EXIT_USAGE).
 */
gw_must_check int gw_pemkey_read(struct gw_pemkey_reader *reader, const struct gw_pemfile *file,
                                 EVP_PKEY **ret, int *ret_type, struct gw_error *err);
