/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/compare/site.h"

#include "gateway/base/fd.h"
#include "gateway/base/tmpdir.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CERT_SECONDS = 7 * 86400
};

/* A port that nobody uses now. */
static uint16_t free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    gw_auto_fd fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) ||
        getsockname(fd, (struct sockaddr *)&at, &len))
        return 0;
    return ntohs(at.sin_port);
}

static bool fill(X509 *cert, EVP_PKEY *key)
{
    X509_NAME *name = X509_get_subject_name(cert);
    X509_EXTENSION *san =
        X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
    bool ok = san && X509_set_version(cert, X509_VERSION_3) &&
              ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) &&
              X509_gmtime_adj(X509_getm_notBefore(cert), -3600) &&
              X509_gmtime_adj(X509_getm_notAfter(cert), CERT_SECONDS) &&
              X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                         (const unsigned char *)"localhost", -1, -1, 0) &&
              X509_set_issuer_name(cert, name) && X509_set_pubkey(cert, key) &&
              X509_add_ext(cert, san, -1) && X509_sign(cert, key, EVP_sha256());
    X509_EXTENSION_free(san);
    return ok;
}

/* Writes what is not NULL. */
static bool write_pem(const char *path, X509 *cert, EVP_PKEY *key)
{
    FILE *f = fopen(path, "wxe");
    bool ok = f && !fchmod(fileno(f), 0600) && (!cert || PEM_write_X509(f, cert)) &&
              (!key || PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL));
    if (f && fclose(f))
        ok = false;
    return ok;
}

static bool make_cert(const struct bench_site *site, bool rsa)
{
    EVP_PKEY *key = rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    bool ok = key && cert && fill(cert, key) && write_pem(site->cert, cert, NULL) &&
              write_pem(site->key, NULL, key) && write_pem(site->both, cert, key);
    X509_free(cert);
    EVP_PKEY_free(key);
    return ok;
}

int bench_site_make(struct bench_site *site, bool rsa, struct gw_error *err)
{
    (void)snprintf(site->folder, sizeof(site->folder), "%.400s/ktlsgate-bench-XXXXXX", gw_tmpdir());
    if (!mkdtemp(site->folder)) {
        site->folder[0] = '\0';
        return gw_error_set(err, GW_EXIT_START, "no folder can be made in %s: %s", gw_tmpdir(),
                            strerror(errno));
    }
    (void)snprintf(site->cert, sizeof(site->cert), "%s/cert.pem", site->folder);
    (void)snprintf(site->key, sizeof(site->key), "%s/key.pem", site->folder);
    (void)snprintf(site->both, sizeof(site->both), "%s/both.pem", site->folder);
    site->port = free_port();
    site->origin = free_port();
    if (!site->port || !site->origin || site->port == site->origin)
        return gw_error_set(err, GW_EXIT_START, "no free port on 127.0.0.1");
    /* Some systems read it only once they have given up root's rights. */
    if (!make_cert(site, rsa) || chmod(site->folder, 0755))
        return gw_error_set(err, GW_EXIT_START, "no certificate can be written to %s: %s",
                            site->folder, strerror(errno));
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

void bench_site_remove(const char *folder)
{
    if (folder[0])
        (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
