/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An OCSP response for --ocsp-file. Input: which of the good ones (1 byte), and edits to it. What
 * is taken must be about our certificate and signed by its issuer, so but for parts that nobody
 * signs it is one of the good ones.
 */
#include "gateway/base/log.h"
#include "gateway/tls/library.h"
#include "gateway/tls/ocsp.h"
#include "tests/fuzz/edits.h"
#include "tests/fuzz/fixed_random.h"
#include "tests/fuzz/target.h"
#include "tests/unit/responder.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    GOOD,      /* by the issuer */
    DELEGATED, /* by a responder that it named */
    REVOKED,
    OTHER, /* about another certificate */
    COUNT
};

static struct gw_files *files; /* of the good ones */
static struct gw_file responses[COUNT];
static struct gw_ocsp_subject subject;

static void keep(int which, const char *path)
{
    gw_require(gw_files_read(files, path, GW_OCSP_MAX, &responses[which]) == 0);
}

static void swallow(void *arg, enum gw_log_level level, const char *message)
{
    (void)arg;
    gw_require(level == GW_LOG_WARNING && strlen(message) > 20);
}

static void make_world(void)
{
    fixed_random_start();
    struct test_dir *dir = test_dir_new();
    struct test_cert *ca = test_cert_new(&(struct test_cert_spec){.cn = "CA", .ca = true});
    struct test_cert *leaf = test_cert_new(&(struct test_cert_spec){.cn = "a", .issuer = ca});
    struct test_cert *other = test_cert_new(&(struct test_cert_spec){.cn = "b", .issuer = ca});
    struct test_cert *delegate =
        test_cert_new(&(struct test_cert_spec){.cn = "r", .eku = "OCSPSigning", .issuer = ca});
    files = gw_files_new();
    gw_require(files);
    keep(GOOD, test_dir_ocsp(dir, "good", &(struct test_ocsp_spec){leaf}));
    keep(DELEGATED, test_dir_ocsp(dir, "delegated", &(struct test_ocsp_spec){leaf, delegate}));
    keep(REVOKED,
         test_dir_ocsp(dir, "revoked",
                       &(struct test_ocsp_spec){leaf, .status = V_OCSP_CERTSTATUS_REVOKED}));
    keep(OTHER, test_dir_ocsp(dir, "other", &(struct test_ocsp_spec){other}));
    subject.leaf = X509_dup(leaf->x509);
    subject.chain = sk_X509_new_null();
    gw_require(subject.leaf && sk_X509_push(subject.chain, X509_dup(ca->x509)));
    test_cert_free(delegate);
    test_cert_free(other);
    test_cert_free(leaf);
    test_cert_free(ca);
    test_dir_free(dir);
    gw_log_setup(&(struct gw_log_config){.level = GW_LOG_INFO, .sink = swallow});
}

/* The same descriptor for all inputs; its path. */
static const char *write_file(const void *data, size_t len)
{
    static char path[32];
    static int fd = -1;
    if (fd < 0)
        fd = memfd_create("fuzz", MFD_CLOEXEC);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    gw_require(fd >= 0 && ftruncate(fd, 0) == 0);
    gw_require(pwrite(fd, data, len, 0) == (ssize_t)len);
    return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static OSSL_LIB_CTX *library;
    struct gw_reader r = gw_reader_of(data, size);
    struct gw_ocsp ocsp;
    struct gw_error err = {.text = ""};
    if (!library) {
        library = gw_tls_library_get(); /* before libcrypto reads a configuration */
        make_world();
    }
    int which = gw_read_u8(&r) % COUNT;
    struct edited e = edit_copy(responses[which].data, responses[which].len, 8, &r);
    bool same = e.len == responses[which].len && memcmp(e.data, responses[which].data, e.len) == 0;
    const char *path = write_file(e.data, e.len);
    struct gw_files *set = gw_files_new();
    gw_require(set);
    if (gw_ocsp_load(&ocsp, set, "--ocsp-file", path, &subject, &err)) {
        gw_require(!ocsp.der && !(same && which <= DELEGATED));
        gw_require(strncmp(err.text, "--ocsp-file ", 12) == 0 && strlen(err.text) > 20);
    } else {
        gw_require(which <= DELEGATED);
        gw_require(ocsp.len == e.len && memcmp(ocsp.der, e.data, e.len) == 0);
        gw_require(ocsp.begins < ocsp.ends);
    }
    gw_require(ERR_peek_error() == 0);
    gw_ocsp_done(&ocsp);
    gw_log_notes(gw_files_notes(set));
    gw_files_free(set);
    free(e.data);
    return 0;
}
