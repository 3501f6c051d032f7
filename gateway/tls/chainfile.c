/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/chainfile.h"

#include "gateway/tls/dname.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

enum {
    NAME_SIZE = 160
};

static bool signs(X509 *issuer, X509 *cert)
{
    return X509_check_issued(issuer, cert) == X509_V_OK &&
           X509_verify(cert, X509_get0_pubkey(issuer)) == 1;
}

static const char *name_of(const X509_NAME *name, char text[static NAME_SIZE])
{
    gw_dname_print(name, text, NAME_SIZE);
    return text;
}

/* Whether the certificate is among the first `count`. */
static bool is_among(STACK_OF(X509) * certs, int count, const X509 *cert)
{
    for (int i = 0; i < count; i++)
        if (X509_cmp(sk_X509_value(certs, i), cert) == 0)
            return true;
    return false;
}

/* ---- the order ---- */

/* The state while the chain is put in order. Owns nothing. */
struct order {
    STACK_OF(X509) * done; /* the ordered part, from the leaf on */
    STACK_OF(X509) * left; /* the rest, in the order of the file */
};

static bool is_done(const struct order *o, const X509 *cert)
{
    return is_among(o->done, sk_X509_num(o->done), cert);
}

/* The first of the remaining certificates that signed the last ordered one, or else any ordered
 * one. -1: none. */
static int find_next(const struct order *o)
{
    int last = sk_X509_num(o->done) - 1;
    for (int d = last; d >= 0; d--)
        for (int i = 0; i < sk_X509_num(o->left); i++)
            if (!is_done(o, sk_X509_value(o->left, i)) &&
                signs(sk_X509_value(o->left, i), sk_X509_value(o->done, d)))
                return i;
    return -1;
}

static bool sort(const struct order *o)
{
    for (int next = find_next(o); next >= 0; next = find_next(o))
        if (!sk_X509_push(o->done, sk_X509_delete(o->left, next)))
            return false;
    return true;
}

/* Appends the remaining certificates, which may be intended, unless they are duplicates. */
static bool add_rest(const struct gw_chainfile *f, const struct order *o)
{
    char name[NAME_SIZE];
    for (int i = 0; i < sk_X509_num(o->left); i++) {
        X509 *cert = sk_X509_value(o->left, i);
        (void)name_of(X509_get_subject_name(cert), name);
        if (is_done(o, cert)) {
            gw_notes_add(f->notes, "%s %s: the certificate of %s is in the file twice", f->flag,
                         f->path, name);
            continue;
        }
        gw_notes_add(f->notes,
                     "%s %s: the certificate of %s signed none of those before it in the file; "
                     "remove it, or add the missing certificates",
                     f->flag, f->path, name);
        if (!sk_X509_push(o->done, cert))
            return false;
    }
    return true;
}

/* Replaces the chain by the ordered part after the leaf. */
static bool take_over(const struct gw_chainfile *f, const struct order *o)
{
    STACK_OF(X509) *kept = X509_chain_up_ref(o->done);
    if (!kept)
        return false;
    X509_free(sk_X509_shift(kept));
    while (sk_X509_num(f->chain) > 0)
        X509_free(sk_X509_pop(f->chain));
    while (sk_X509_num(kept) > 0)
        if (!sk_X509_push(f->chain, sk_X509_value(kept, 0)))
            break;
        else
            (void)sk_X509_shift(kept);
    bool ok = sk_X509_num(kept) == 0;
    sk_X509_pop_free(kept, X509_free);
    return ok;
}

static bool rearrange(const struct gw_chainfile *f, const struct order *o)
{
    if (!o->done || !o->left || !sk_X509_push(o->done, f->leaf) || !sort(o))
        return false;
    if (sk_X509_num(o->left) == 0)
        gw_notes_add(f->notes,
                     "%s %s: the intermediates are in the wrong order in the file, and are sent in "
                     "the correct one; each must follow the certificate that it signed",
                     f->flag, f->path);
    return add_rest(f, o) && take_over(f, o);
}

/* Whether each certificate signed one before it, mostly the one right before, and none appears
 * twice. */
static bool is_in_order(const struct gw_chainfile *f)
{
    for (int i = 0; i < sk_X509_num(f->chain); i++) {
        X509 *cert = sk_X509_value(f->chain, i);
        bool found = false;
        if (X509_cmp(cert, f->leaf) == 0 || is_among(f->chain, i, cert))
            return false;
        for (int before = i - 1; !found && before >= -1; before--)
            found = signs(cert, before < 0 ? f->leaf : sk_X509_value(f->chain, before));
        if (!found)
            return false;
    }
    return true;
}

/* ---- the issuer ---- */

/* Whether the issuer appears to be an intermediate. */
static bool is_needed(const struct gw_chainfile *f)
{
    if (X509_check_issued(f->leaf, f->leaf) == X509_V_OK)
        return false;
    return sk_X509_num(f->chain) > 0 || X509_get_ext_by_NID(f->leaf, NID_info_access, -1) >= 0;
}

static void note_missing(const struct gw_chainfile *f)
{
    char name[NAME_SIZE];
    for (int i = 0; i < sk_X509_num(f->chain); i++)
        if (signs(sk_X509_value(f->chain, i), f->leaf))
            return;
    if (is_needed(f))
        gw_notes_add(f->notes,
                     "%s %s: the certificate of its issuer %s is not in the file; peers without it "
                     "will refuse this certificate; add it to the file",
                     f->flag, f->path, name_of(X509_get_issuer_name(f->leaf), name));
}

int gw_chainfile_arrange(const struct gw_chainfile *f)
{
    bool ok = true;
    if (!is_in_order(f)) {
        struct order o = {sk_X509_new_null(), sk_X509_dup(f->chain)};
        ok = rearrange(f, &o);
        sk_X509_free(o.done);
        sk_X509_free(o.left);
    }
    if (ok)
        note_missing(f);
    ERR_clear_error();
    return ok ? 0 : -ENOMEM;
}

unsigned gw_chainfile_owner(const struct gw_chainfile *f, const EVP_PKEY *key)
{
    unsigned owner = X509_check_private_key(f->leaf, key) ? 1 : 0;
    for (int i = 0; !owner && i < sk_X509_num(f->chain); i++)
        if (X509_check_private_key(sk_X509_value(f->chain, i), key))
            owner = (unsigned)i + 2;
    ERR_clear_error();
    return owner;
}
