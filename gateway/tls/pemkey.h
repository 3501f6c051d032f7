/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private keys from PEM files: PKCS #8 (PRIVATE KEY), PKCS #1 (RSA PRIVATE KEY) and SEC 1 (EC
 * PRIVATE KEY), each encrypted or not. One reader serves all files of a side: libcrypto searches
 * for its decoders anew for each key, which takes ten times as long as decoding it.
 */
#pragma once

#include "gateway/tls/pemfile.h"

enum {
    GW_PEMKEY_ALGORITHM = 64, /* bytes of a name, including the NUL */
    GW_PEMKEY_DECODERS = 7,
    GW_PEMKEY_PHRASE_MAX = 1024 /* libcrypto's PEM_BUFSIZE */
};

struct gw_pemkey_reader {
    OSSL_LIB_CTX *library;
    OSSL_DECODER_CTX *decoders[GW_PEMKEY_DECODERS]; /* created on first use */
    EVP_PKEY *key;                                  /* where the decoders put the key */
    const char *phrase_file;                        /* the value of --key-pass-file; NULL: none */
    char phrase[GW_PEMKEY_PHRASE_MAX + 1];
    /* the algorithm that the last key needs and libcrypto lacks */
    char algorithm[GW_PEMKEY_ALGORITHM];
};

/* Follows the name of an algorithm in a sentence. */
#define GW_PEMKEY_LEGACY "which OpenSSL supports only with its legacy provider; "

/* Empties libcrypto's error queue. True if the errors say that libcrypto lacks an algorithm, whose
 * name is then in `ret`. */
bool gw_pemkey_unsupported(char ret[static GW_PEMKEY_ALGORITHM]);

void gw_pemkey_init(struct gw_pemkey_reader *reader, OSSL_LIB_CTX *library);
/* Uses the first line of the file, which may be empty, as the pass phrase of encrypted keys.
 * Returns 0, or a negative errno with *err filled. `path` must outlive the reader. */
gw_must_check int gw_pemkey_read_phrase(struct gw_pemkey_reader *reader, struct gw_files *files,
                                        const char *path, struct gw_error *err);
/* Wipes the reader. A zeroed one is allowed. */
void gw_pemkey_done(struct gw_pemkey_reader *reader);

/*
 * Reads the first private key of the file whose kind a TLS certificate may have: RSA, RSA-PSS, EC,
 * Ed25519, Ed448. *ret_type is its EVP_PKEY_… number. Returns 0, or a negative errno with *err
 * filled (GW_EXIT_USAGE).
 */
gw_must_check int gw_pemkey_read(struct gw_pemkey_reader *reader, const struct gw_pemfile *file,
                                 EVP_PKEY **ret, int *ret_type, struct gw_error *err);
