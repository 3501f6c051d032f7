/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CA in a folder:
 *
 *   ca.pem                  what others trust: the root's certificate, then the intermediate's,
 *                           which who checks revocation needs to know
 *   crl.pem                 the list of revoked certificates, of each CA in here
 *   ca/root.pem, root.key   (intermediate.pem and .key where there is one)
 *   issued/SERIAL/          one folder for each certificate: record.txt, cert.pem, chain.pem,
 *                           key.pem, bundle.p12, ca.pem
 *   certs/NAME              a link to the newest of that name
 *   tmp/                    what is being made
 *
 * issued/SERIAL comes with one rename, the record in it; so no certificate is ever anywhere that
 * has no record, and none is half there. All else (ca.pem, crl.pem, certs/) follows from ca/ and
 * the records, and the next writer mends it after a crash.
 */
#pragma once

#include "gateway/pki/certificate.h"
#include "gateway/pki/register.h"
#include "gateway/pki/store.h"

#define GW_PKI_CERTS "certs"

struct gw_pki_ca {
    struct gw_pki_store store;
    OSSL_LIB_CTX *library;
    int64_t now; /* Unix time; all that one command does, it does at that time */
    struct gw_pki_signer root;
    struct gw_pki_signer intermediate; /* .cert NULL: there is none */
    struct gw_pki_register reg;
};

struct gw_pki_init {
    const char *path;
    const char *name; /* common name of the root; NULL: one that no other CA has */
    enum gw_pki_key_type key_type;
    unsigned days; /* 0: the default, as below */
    bool intermediate;
    unsigned intermediate_days;
    const struct gw_pki_permits *permits; /* NULL: anything */
    const char *pass;                     /* for the CA's keys; NULL: they are not encrypted */
    int64_t now;
};

/* Makes one in a new folder, or one without a CA, and opens it with its keys. */
gw_must_check int gw_pki_ca_init(struct gw_pki_ca *ret, const struct gw_pki_init *init,
                                 struct gw_error *err);

/* Opens one: for writing only when every record can be read. The keys are not read. End it with
 * gw_pki_ca_close. Returns 0; a negative errno with *err filled. */
gw_must_check int gw_pki_ca_open(struct gw_pki_ca *ret, const char *path, enum gw_pki_access access,
                                 int64_t now, struct gw_error *err);
/* Reads the keys: that of the CA which issues, and the root's where it is at hand. Then renews
 * crl.pem where it lacks somebody. */
gw_must_check int gw_pki_ca_keys(struct gw_pki_ca *ca, const char *pass, struct gw_error *err);
/* A new certificate for the key of the intermediate, good as long as the one before, or as long as
 * the root. What it signed before stays good. Needs the root's key. */
gw_must_check int gw_pki_ca_renew(struct gw_pki_ca *ca, struct gw_error *err);
/* Unlocks and frees; one that is zeroed but for store.fd = -1 is fine. */
void gw_pki_ca_close(struct gw_pki_ca *ca);

/* The CA that signs servers and clients. */
const struct gw_pki_signer *gw_pki_ca_issuer(const struct gw_pki_ca *ca);

/* Appends what ca.pem holds. */
gw_must_check int gw_pki_ca_write_trust(const struct gw_pki_ca *ca, struct gw_pki_text *text,
                                        struct gw_error *err);
/* Makes certs/NAME lead to the record's folder, when it is the newest of its name. */
gw_must_check int gw_pki_ca_hand_out(const struct gw_pki_ca *ca, const struct gw_pki_record *record,
                                     struct gw_error *err);
/* Removes the private key of a certificate that was replaced. */
gw_must_check int gw_pki_ca_forget_keys(const struct gw_pki_ca *ca,
                                        const struct gw_pki_record *record, struct gw_error *err);
