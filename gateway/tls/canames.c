/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/canames.h"

#include "gateway/tls/pemfile.h"

#include <openssl/x509.h>
#include <string.h>

enum {
    LENGTH = 2 /* the length field before each name */
};

static bool has(const STACK_OF(X509_NAME) * names, const X509_NAME *name)
{
    for (int i = 0; i < sk_X509_NAME_num(names); i++)
        if (X509_NAME_cmp(sk_X509_NAME_value(names, i), name) == 0)
            return true;
    return false;
}

static bool add(STACK_OF(X509_NAME) * names, const X509 *ca)
{
    if (has(names, X509_get_subject_name(ca)))
        return true;
    X509_NAME *name = X509_NAME_dup(X509_get_subject_name(ca));
    if (name && sk_X509_NAME_push(names, name))
        return true;
    X509_NAME_free(name);
    return false;
}

static bool add_anchors(STACK_OF(X509_NAME) * names, const struct gw_anchors *anchors)
{
    bool ok = true;
    for (unsigned i = 0; ok && i < anchors->count; i++)
        ok = add(names, anchors->all[i].cert);
    return ok;
}

static int add_file(STACK_OF(X509_NAME) * names, const char *path, struct gw_files *files,
                    OSSL_LIB_CTX *library, struct gw_error *err)
{
    struct gw_pemfile file;
    STACK_OF(X509) *cas = NULL;
    int r = gw_pemfile_read(&file, files, "--ca-names", path, err);
    if (r == 0)
        r = gw_pemfile_certs(&file, library, &cas, err);
    for (int i = 0; r == 0 && i < sk_X509_num(cas); i++)
        if (!add(names, sk_X509_value(cas, i)))
            r = gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    sk_X509_pop_free(cas, X509_free);
    return r;
}

static size_t size_of(const STACK_OF(X509_NAME) * names)
{
    size_t size = 0;
    for (int i = 0; i < sk_X509_NAME_num(names); i++) {
        const unsigned char *der;
        size_t len = 0;
        (void)X509_NAME_get0_der(sk_X509_NAME_value(names, i), &der, &len);
        size += LENGTH + len;
    }
    return size;
}

static void leave_out(STACK_OF(X509_NAME) * names, size_t size, struct gw_files *files)
{
    gw_notes_add(gw_files_notes(files),
                 "--cacert: the names of its %d authorities take %zu bytes, and a handshake has "
                 "room for %d, so clients get no list to choose a certificate by; name fewer with "
                 "--ca-names FILE, or give --ca-names none",
                 sk_X509_NAME_num(names), size, (int)GW_CANAMES_BYTES_MAX);
    while (sk_X509_NAME_num(names) > 0)
        X509_NAME_free(sk_X509_NAME_pop(names));
}

static int fill(STACK_OF(X509_NAME) * names, const struct gw_tls_side *side,
                const struct gw_anchors *anchors, struct gw_files *files, OSSL_LIB_CTX *library,
                struct gw_error *err)
{
    const char *file = side->ca_names;
    int r = 0;
    if (file && strcmp(file, GW_CA_NAMES_NONE) == 0)
        return 0;
    if (file)
        r = add_file(names, file, files, library, err);
    else if (!add_anchors(names, anchors))
        r = gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    size_t size = r == 0 ? size_of(names) : 0;
    if (size <= GW_CANAMES_BYTES_MAX)
        return r;
    if (file)
        return gw_error_set(err, GW_EXIT_USAGE,
                            "--ca-names %s: the names in the file take %zu bytes, and a handshake "
                            "has room for %d; remove some, or give --ca-names none",
                            file, size, (int)GW_CANAMES_BYTES_MAX);
    leave_out(names, size, files);
    return 0;
}

int gw_canames_load(STACK_OF(X509_NAME) * *ret, const struct gw_tls_side *side,
                    const struct gw_anchors *anchors, struct gw_files *files, OSSL_LIB_CTX *library,
                    struct gw_error *err)
{
    STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
    int r = names ? fill(names, side, anchors, files, library, err)
                  : gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    if (r < 0)
        sk_X509_NAME_pop_free(names, X509_NAME_free);
    else
        *ret = names;
    return r;
}
