/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CA in a folder:
 *
 *   ca.pem                  the file to trust: the root's certificate, then the intermediate's,
 *                           which is needed to check revocation
 *   crl.pem                 the CRL of each CA in the folder
 *   ca/root.pem, root.key   (intermediate.pem and .key if there is one)
 *   issued/SERIAL/          one folder for each certificate: record.txt, cert.pem, chain.pem,
 *                           key.pem, bundle.p12, ca.pem
 *   certs/NAME              a link to the newest of that name
 *   tmp/                    files under construction
 *
 * One rename creates issued/SERIAL, including the record. So no certificate exists without a
 * record, and none is incomplete. All else (ca.pem, crl.pem, certs/) is derived from ca/ and the
 * records, and the next writer repairs it after a crash.
 */
#pragma once

#include "gateway/pki/certificate.h"
#include "gateway/pki/register.h"
#include "gateway/pki/store.h"

#define GW_PKI_CERTS "certs"

struct gw_pki_ca {
    struct gw_pki_store store;
    OSSL_LIB_CTX *library;
    int64_t now; /* Unix time of the whole command */
    struct gw_pki_signer root;
    struct gw_pki_signer intermediate; /* .cert is NULL if there is none */
    struct gw_pki_register reg;
};

struct gw_pki_init {
    const char *path;
    const char *name; /* common name of the root; NULL: a unique one */
    enum gw_pki_key_type key_type;
    unsigned days; /* 0: the default, as below */
    bool intermediate;
    unsigned intermediate_days;
    const struct gw_pki_permits *permits; /* NULL: no restriction */
    const char *pass;                     /* for the CA's keys; NULL: do not encrypt them */
    int64_t now;
};

/* Makes a CA in a new folder, or in one without a CA, and opens it with its keys. */
gw_must_check int gw_pki_ca_init(struct gw_pki_ca *ret, const struct gw_pki_init *init,
                                 struct gw_error *err);

/* Opens a CA; for writing only if every record can be read. Does not read the keys. End with
 * gw_pki_ca_close. Returns 0, or a negative errno with *err filled. */
gw_must_check int gw_pki_ca_open(struct gw_pki_ca *ret, const char *path, enum gw_pki_access access,
                                 int64_t now, struct gw_error *err);
/* Reads the keys of the issuing CA and, if available, of the root. Then renews crl.pem if it lacks
 * a revoked certificate. */
gw_must_check int gw_pki_ca_keys(struct gw_pki_ca *ca, const char *pass, struct gw_error *err);
/* Makes a new certificate for the key of the intermediate, valid as long as the previous one or the
 * root. Certificates that it signed stay valid. Needs the root's key. */
gw_must_check int gw_pki_ca_renew(struct gw_pki_ca *ca, struct gw_error *err);
/* Unlocks and frees. Allowed for an object that is zeroed except for store.fd = -1. */
void gw_pki_ca_close(struct gw_pki_ca *ca);

/* The CA that signs certificates of servers and clients. */
static inline const struct gw_pki_signer *gw_pki_ca_issuer(const struct gw_pki_ca *ca)
{
    return ca->intermediate.cert ? &ca->intermediate : &ca->root;
}

/* Appends the contents of ca.pem. */
gw_must_check int gw_pki_ca_write_trust(const struct gw_pki_ca *ca, struct gw_pki_text *text,
                                        struct gw_error *err);
/* Points certs/NAME to the record's folder, if it is the newest of its name. */
gw_must_check int gw_pki_ca_hand_out(const struct gw_pki_ca *ca, const struct gw_pki_record *record,
                                     struct gw_error *err);
/* Removes the private key of a certificate that was replaced. */
gw_must_check int gw_pki_ca_forget_keys(const struct gw_pki_ca *ca,
                                        const struct gw_pki_record *record, struct gw_error *err);
