/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/trust.h"

#include "gateway/base/clock.h"
#include "gateway/tls/canames.h"
#include "gateway/tls/dname.h"
#include "gateway/tls/failure.h"
#include "gateway/tls/fileset.h"
#include "gateway/tls/issuer.h"
#include "gateway/tls/points.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <string.h>

static int out_of_memory(struct gw_error *err)
{
    return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
}

struct loading {
    struct gw_trust *trust;
    struct gw_files *files;
    OSSL_LIB_CTX *library;
    bool some_usable; /* at least one has not expired */
    bool some_new;    /* at least one file is not in force yet */
};

static int add_ca(struct loading *l, X509 *ca, const char *path, struct gw_error *err)
{
    struct gw_trust *t = l->trust;
    char subject[256];
    gw_dname_print(X509_get_subject_name(ca), subject, sizeof(subject));
    if (!X509_check_ca(ca) && X509_self_signed(ca, 1) != 1)
        return gw_error_set(err, GW_EXIT_USAGE,
                            "--cacert %s: the certificate of %s is neither a CA's nor self-signed; "
                            "give that of the CA that signed it",
                            path, subject);
    int64_t ends = 0;
    int added =
        gw_anchors_time(X509_get0_notAfter(ca), &ends) ? gw_anchors_add(&t->anchors, ca) : -EINVAL;
    if (gw_files_time(l->files) < ends)
        l->some_usable = true;
    else if (added != -EINVAL)
        gw_notes_add(
            gw_files_notes(l->files),
            "--cacert %s: the certificate of %s has expired, so it verifies no peer any more", path,
            subject);
    if (added == -EINVAL)
        return gw_error_set(err, GW_EXIT_USAGE, "--cacert %s: the certificate of %s is damaged",
                            path, subject);
    if (added == 0)
        return 0;
    return added > 0 && X509_STORE_add_cert(t->store, ca) ? 0 : out_of_memory(err);
}

static int read_der(const struct gw_pemfile *file, OSSL_LIB_CTX *library, STACK_OF(X509) * *ret,
                    struct gw_error *err)
{
    if (gw_pemfile_der(file, library, ret) == 0)
        return 0;
    return gw_error_set(err, GW_EXIT_USAGE,
                        "--cacert %s: the file is neither PEM nor one certificate in DER",
                        file->path);
}

static int load_file(void *arg, const struct gw_pemfile *file, struct gw_error *err)
{
    struct loading *l = arg;
    STACK_OF(X509) *cas = NULL;
    int r = gw_pemfile_is_der(file) ? read_der(file, l->library, &cas, err)
                                    : gw_pemfile_certs(file, l->library, &cas, err);
    for (int i = 0; r == 0 && i < sk_X509_num(cas); i++)
        r = add_ca(l, sk_X509_value(cas, i), file->path, err);
    sk_X509_pop_free(cas, X509_free);
    l->some_new |= gw_files_is_new(l->files, file->path);
    return r;
}

/* A CA that expires while in force stops no reload of other files. */
static int check_usable(const struct loading *l, const struct gw_tls_side *side,
                        struct gw_error *err)
{
    if (l->some_usable || !l->some_new || side->verify != GW_VERIFY_REQUIRED)
        return 0;
    return gw_error_set(err, GW_EXIT_USAGE,
                        "--cacert %s: all certificates in it have expired, so no peer could be "
                        "verified; give the CA's current certificate",
                        side->cacerts[0]);
}

static int load_cas(struct gw_trust *t, const struct gw_tls_side *side, struct gw_files *files,
                    OSSL_LIB_CTX *library, struct gw_error *err)
{
    static const char *const endings[] = {".pem", ".crt", ".cer", NULL};
    const struct gw_fileset set = {"--cacert", side->cacerts, endings, GW_PEMFILE_MAX};
    struct loading loading = {.trust = t, .files = files, .library = library};
    t->store = X509_STORE_new();
    if (!t->store || gw_anchors_init(&t->anchors, library) < 0)
        return out_of_memory(err);
    /* A CA that the operator names is trusted as such, even an intermediate one whose root is not
     * in the file. */
    X509_STORE_set_flags(t->store, X509_V_FLAG_PARTIAL_CHAIN);
    gw_issuer_apply(t->store);
    int r = gw_fileset_each(&set, files, load_file, &loading, err);
    if (r == 0)
        r = check_usable(&loading, side, err);
    if (r == 0 && side->role == GW_ROLE_SERVER) /* in the order of the files */
        r = gw_canames_load(&t->names, side, &t->anchors, files, library, err);
    gw_anchors_seal(&t->anchors);
    return r;
}

/* Adds a field with its length, so that no two sets of fields give the same bytes. */
static bool add_field(EVP_MD_CTX *md, const void *data, size_t len)
{
    uint8_t n = (uint8_t)len;
    return len <= UINT8_MAX && EVP_DigestUpdate(md, &n, 1) && EVP_DigestUpdate(md, data, len);
}

static bool add_anchors(EVP_MD_CTX *md, const struct gw_anchors *anchors)
{
    bool ok = true;
    for (unsigned i = 0; ok && i < anchors->count; i++)
        ok = add_field(md, anchors->all[i].fingerprint, sizeof(anchors->all[i].fingerprint));
    return ok;
}

static int make_session_context(struct gw_trust *t, const char *name, OSSL_LIB_CTX *library,
                                struct gw_error *err)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_MD *sha256 = EVP_MD_fetch(library, "SHA256", NULL);
    uint8_t verify = (uint8_t)t->verify;
    bool ok = md && sha256 && EVP_DigestInit_ex(md, sha256, NULL) &&
              add_field(md, name, strlen(name)) && add_field(md, &verify, 1) &&
              add_anchors(md, &t->anchors) && EVP_DigestFinal_ex(md, t->session_context, NULL);
    EVP_MD_free(sha256);
    EVP_MD_CTX_free(md);
    return ok ? 0 : gw_error_set(err, GW_EXIT_OTHER, "libcrypto has no SHA-256");
}

static bool is_address(const char *name)
{
    struct in6_addr any;
    return name && (inet_pton(AF_INET, name, &any) == 1 || inet_pton(AF_INET6, name, &any) == 1);
}

int gw_trust_load(struct gw_trust *ret, const struct gw_tls_side *side, struct gw_files *files,
                  OSSL_LIB_CTX *library, struct gw_error *err)
{
    *ret = (struct gw_trust){
        .role = side->role,
        .verify = side->verify,
        .depth = side->verify_depth,
        .session_age = side->session_age_ns / GW_NS_PER_SEC,
        .crl_soft = side->crl_soft,
        .peer_name = side->peer_name,
        .peer_is_address = is_address(side->peer_name),
        .peer_unnamed = side->peer_unnamed,
    };
    int r = 0;
    if (side->role == GW_ROLE_CLIENT &&
        (side->verify != GW_VERIFY_REQUIRED || (!side->peer_name && !side->peer_unnamed)))
        return gw_error_set(err, GW_EXIT_USAGE,
                            "--cacert: the target must be verified, by a CA and by its name");
    if (side->verify != GW_VERIFY_NONE) {
        if (!side->cacerts[0])
            return gw_error_set(err, GW_EXIT_USAGE,
                                "--verify: client certificates can only be verified against a "
                                "CA; name it with --cacert");
        r = load_cas(ret, side, files, library, err);
        if (r == 0 && side->crls[0])
            r = gw_revocation_load(&ret->revocation, side, &ret->anchors, files, library, err);
    }
    if (r == 0)
        r = make_session_context(ret, side->session_scope ? side->session_scope : "", library, err);
    return r;
}

void gw_trust_done(struct gw_trust *t)
{
    X509_STORE_free(t->store);
    sk_X509_NAME_pop_free(t->names, X509_NAME_free);
    gw_revocation_free(t->revocation);
    gw_anchors_done(&t->anchors);
    *t = (struct gw_trust){0};
}

/* A server gets no CA names: in TLS 1.3 they would be on the wire in the clear. */
static int send_names(const struct gw_trust *t, SSL_CTX *ctx)
{
    if (!t->names)
        return 0;
    STACK_OF(X509_NAME) *names = SSL_dup_CA_list(t->names);
    if (!names)
        return -ENOMEM;
    SSL_CTX_set0_CA_list(ctx, names);
    return 0;
}

/* The name must be among the alternative names of the certificate (RFC 9525); the common name does
 * not count. */
static int expect_name(const struct gw_trust *t, SSL_CTX *ctx)
{
    if (t->role == GW_ROLE_SERVER || t->peer_unnamed)
        return 0;
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    bool ok = t->peer_is_address ? X509_VERIFY_PARAM_set1_ip_asc(param, t->peer_name)
                                 : X509_VERIFY_PARAM_set1_host(param, t->peer_name, 0);
    return ok ? 0 : -ENOMEM;
}

int gw_trust_apply(const struct gw_trust *t, SSL_CTX *ctx)
{
    static const int modes[] = {
        [GW_VERIFY_NONE] = SSL_VERIFY_NONE,
        [GW_VERIFY_OPTIONAL] = SSL_VERIFY_PEER,
        [GW_VERIFY_REQUIRED] = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
    };
    SSL_CTX_set_verify(ctx, modes[t->verify], NULL);
    SSL_CTX_set_verify_depth(ctx, (int)t->depth);
    if (!SSL_CTX_set_session_id_context(ctx, t->session_context, sizeof(t->session_context)))
        return -ENOMEM;
    if (!t->store)
        return 0;
    /* libssl would require it too; do not rely on that default. */
    if (!SSL_CTX_set_purpose(ctx, t->role == GW_ROLE_SERVER ? X509_PURPOSE_SSL_CLIENT
                                                            : X509_PURPOSE_SSL_SERVER))
        return -ENOMEM;
    if (send_names(t, ctx) < 0 || expect_name(t, ctx) < 0)
        return -ENOMEM;
    return SSL_CTX_set1_verify_cert_store(ctx, t->store) ? 0 : -ENOMEM;
}

/* ---- chains ---- */

static bool read_entry(const struct gw_trust *t, const X509 *cert, const X509 *issuer,
                       struct gw_chain_entry *e)
{
    const struct gw_anchor *anchor = gw_anchors_of(&t->anchors, issuer);
    if (anchor)
        memcpy(e->issuer, anchor->id, sizeof(e->issuer));
    /* Reading them takes a microsecond and is useless without CRLs. If CRLs come later, a ticket
     * without them leads to a full handshake. */
    if (t->revocation)
        gw_points_of_cert(&e->points, cert, t->anchors.sha256);
    else
        e->points.more = true;
    return (anchor || gw_anchors_id(&t->anchors, issuer, e->issuer)) &&
           gw_anchors_serial(&t->anchors, X509_get0_serialNumber(cert), &e->serial);
}

bool gw_trust_read_chain(const struct gw_trust *t, STACK_OF(X509) * verified, struct gw_chain *ret)
{
    int last = sk_X509_num(verified) - 1;
    const struct gw_anchor *anchor =
        last < 0 ? NULL : gw_anchors_of(&t->anchors, sk_X509_value(verified, last));
    *ret = (struct gw_chain){0};
    if (!anchor || last > GW_CHAIN_MAX)
        return false;
    ret->count = (unsigned)last;
    ret->not_after = anchor->not_after;
    memcpy(ret->anchor, anchor->fingerprint, sizeof(ret->anchor));
    for (int i = 0; i < last; i++) {
        X509 *cert = sk_X509_value(verified, i);
        int64_t not_after;
        if (!read_entry(t, cert, sk_X509_value(verified, i + 1), &ret->entries[i]) ||
            !gw_anchors_time(X509_get0_notAfter(cert), &not_after))
            return false;
        ret->entries[i].is_ca = i > 0 || X509_check_ca(cert) > 0;
        ret->not_after = GW_MIN(ret->not_after, not_after);
    }
    ret->present = true;
    return true;
}

/* The worse of two results: revoked outweighs unknown. */
static int worse(int a, int b)
{
    return a == X509_V_OK || b == X509_V_ERR_CERT_REVOKED ? b : a;
}

/* An anchor as a certificate of its issuer, which must be an anchor too. */
static struct gw_chain_entry entry_of(const struct gw_anchor *anchor)
{
    struct gw_chain_entry e = {.serial = anchor->serial, .is_ca = true, .points = anchor->points};
    memcpy(e.issuer, anchor->issuer->id, sizeof(e.issuer));
    return e;
}

/* An anchor's own issuer may be an anchor that has revoked it. The check continues up to an anchor
 * without such an issuer. Two that signed each other end it at the maximum length of a chain. */
static int judge_anchor(const struct gw_trust *t, const struct gw_anchor *anchor, time_t now)
{
    int result = X509_V_OK;
    for (int i = 0; anchor->issuer && i < GW_CHAIN_MAX; i++, anchor = anchor->issuer) {
        struct gw_chain_entry e = entry_of(anchor);
        result = worse(result, gw_revocation_look(t->revocation, &e, now));
    }
    return result;
}

static int judge_revocation(const struct gw_trust *t, const struct gw_chain *chain,
                            const struct gw_anchor *anchor, time_t now, bool *ret_tolerated)
{
    if (!t->revocation)
        return X509_V_OK;
    int result = judge_anchor(t, anchor, now);
    for (unsigned i = 0; i < chain->count; i++)
        result = worse(result, gw_revocation_look(t->revocation, &chain->entries[i], now));
    bool tolerated = t->crl_soft && result != X509_V_OK && result != X509_V_ERR_CERT_REVOKED;
    if (ret_tolerated)
        *ret_tolerated = tolerated;
    return tolerated ? X509_V_OK : result;
}

int gw_trust_judge(const struct gw_trust *t, const struct gw_chain *chain, time_t now,
                   bool *ret_tolerated)
{
    if (ret_tolerated)
        *ret_tolerated = false;
    if (t->verify == GW_VERIFY_NONE)
        return X509_V_OK;
    const struct gw_anchor *anchor = gw_anchors_find(&t->anchors, chain->anchor);
    if (!anchor)
        return X509_V_ERR_CERT_UNTRUSTED;
    if (chain->count > t->depth + 1)
        return X509_V_ERR_CERT_CHAIN_TOO_LONG;
    if (chain->not_after <= now)
        return X509_V_ERR_CERT_HAS_EXPIRED;
    return judge_revocation(t, chain, anchor, now, ret_tolerated);
}

const X509 *gw_trust_find(const struct gw_trust *t, STACK_OF(X509) * verified, int result,
                          struct gw_chain_entry *ret)
{
    struct gw_chain chain;
    time_t now = time(NULL);
    if (!t->revocation || !gw_trust_read_chain(t, verified, &chain))
        return NULL;
    for (unsigned i = 0; i < chain.count; i++) {
        *ret = chain.entries[i];
        if (gw_revocation_look(t->revocation, ret, now) == result)
            return sk_X509_value(verified, (int)i);
    }
    const struct gw_anchor *anchor = gw_anchors_find(&t->anchors, chain.anchor);
    for (int i = 0; anchor && anchor->issuer && i < GW_CHAIN_MAX; i++, anchor = anchor->issuer) {
        *ret = entry_of(anchor);
        if (gw_revocation_look(t->revocation, ret, now) == result)
            return anchor->cert;
    }
    return NULL;
}

/* Whether the peer shows more certificates than a chain with its anchor may have. Many small ones
 * cost libcrypto milliseconds. */
static bool shows_too_many(const struct gw_trust *t, X509_STORE_CTX *verification)
{
    return sk_X509_num(X509_STORE_CTX_get0_untrusted(verification)) > (int)t->depth + 2;
}

int gw_trust_verify(const struct gw_trust *t, X509_STORE_CTX *verification, struct gw_chain *ret,
                    bool *ret_tolerated)
{
    struct gw_chain chain;
    time_t now = time(NULL);
    if (shows_too_many(t, verification))
        return X509_V_ERR_CERT_CHAIN_TOO_LONG;
    struct gw_issuer_search search;
    gw_issuer_begin(&search, &t->anchors, verification);
    bool verified = X509_verify_cert(verification) == 1;
    gw_issuer_end(verification);
    if (!verified) {
        int error = X509_STORE_CTX_get_error(verification);
        return error == X509_V_OK ? X509_V_ERR_UNSPECIFIED : error;
    }
    if (!gw_trust_read_chain(t, X509_STORE_CTX_get0_chain(verification), &chain))
        return X509_V_ERR_UNSPECIFIED;
    chain.since = now;
    int result = gw_trust_judge(t, &chain, now, ret_tolerated);
    if (result == X509_V_OK)
        *ret = chain;
    return result;
}

enum gw_reason gw_trust_judge_reason(const struct gw_trust *t, const struct gw_chain *chain,
                                     time_t now, int *ret_result, bool *ret_tolerated)
{
    int result = chain->present ? gw_trust_judge(t, chain, now, ret_tolerated) : X509_V_OK;
    if (ret_result)
        *ret_result = result;
    if (!chain->present)
        return t->verify == GW_VERIFY_REQUIRED ? GW_REASON_CERT_MISSING : GW_REASON_NONE;
    return result == X509_V_OK ? GW_REASON_NONE : gw_failure_of_verify(result);
}
