/* SPDX-License-Identifier: Apache-2.0 */
/* OCSP responses for tests, made at test time by libcrypto. What fails ends the test program. */
#pragma once

#include "tests/unit/certs.h"

struct test_ocsp_spec {
    const struct test_cert *about;  /* the response is for a certificate of this issuer */
    const struct test_cert *signer; /* NULL: the issuer; others are sent along in the response */
    int status;                     /* V_OCSP_CERTSTATUS_… of the response */
    /* Validity in seconds from now; both 0: from an hour ago for a day. */
    long begins, ends;
    bool endless; /* without nextUpdate */
};

/* Writes one in DER and returns its path. */
const char *test_dir_ocsp(struct test_dir *dir, const char *name,
                          const struct test_ocsp_spec *spec);
