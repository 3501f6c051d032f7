/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/revocation.h"

#include "gateway/base/text.h"
#include "gateway/tls/dname.h"
#include "gateway/tls/fileset.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

enum {
    FILE_MAX = 64 << 20, /* bytes; a million entries take 40 MiB */
    DER_SEQUENCE = 0x30, /* the first byte of a CRL in DER */
    LISTS_SHOWN = 4,
};

struct list {
    struct gw_crl crl;
    bool noted; /* there is a note that it is not current */
};

struct gw_revocation {
    struct list *lists; /* sorted by issuer; one per scope */
    unsigned count;
    bool soft;
    struct gw_notes notes;
};

struct loading {
    struct gw_revocation *revocation;
    const struct gw_anchors *anchors;
    OSSL_LIB_CTX *library;
};

/* ---- files ---- */

/* Takes ownership of the CRL, even on failure. */
static int keep(struct gw_revocation *v, struct gw_crl *crl, struct gw_error *err)
{
    for (unsigned i = 0; i < v->count; i++) {
        struct gw_crl *other = &v->lists[i].crl;
        if (!gw_crl_same_scope(other, crl))
            continue;
        struct gw_crl older = gw_crl_is_newer(crl, other) ? *other : *crl;
        if (older.path == other->path)
            *other = *crl;
        gw_crl_done(&older);
        return 0;
    }
    struct list *grown = reallocarray(v->lists, v->count + 1, sizeof(*grown));
    if (!grown) {
        gw_crl_done(crl);
        return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    }
    v->lists = grown;
    grown[v->count++] = (struct list){.crl = *crl};
    return 0;
}

static int add(const struct loading *l, X509_CRL *crl, const char *path, struct gw_error *err)
{
    struct gw_crl fresh;
    int r = gw_crl_read(&fresh, crl, path, l->anchors, err);
    return r < 0 ? r : keep(l->revocation, &fresh, err);
}

static int damaged(const struct gw_pemfile *file, struct gw_error *err)
{
    ERR_clear_error();
    return gw_error_set(err, GW_EXIT_USAGE, "--crl %s: a CRL in the file is damaged", file->path);
}

static int read_der(const struct loading *l, const struct gw_pemfile *file, struct gw_error *err)
{
    const unsigned char *at = file->file.data;
    const unsigned char *end = at + file->file.len;
    int r = 0;
    while (r == 0 && at < end) {
        X509_CRL *crl = X509_CRL_new_ex(l->library, NULL);
        /* When d2i_X509_CRL fails it frees the object and sets it to NULL. */
        bool ok = crl && d2i_X509_CRL(&crl, &at, (long)(end - at));
        r = ok ? add(l, crl, file->path, err) : damaged(file, err);
        X509_CRL_free(crl);
    }
    return r;
}

/* 1: a CRL was added; 0: no more; negative errno with *err filled. */
static int next_pem(const struct loading *l, BIO *bio, const struct gw_pemfile *file,
                    struct gw_error *err)
{
    X509_CRL *crl = X509_CRL_new_ex(l->library, NULL);
    if (!crl || !PEM_read_bio_X509_CRL(bio, &crl, NULL, NULL)) {
        X509_CRL_free(crl); /* NULL when the block is not a CRL */
        unsigned long e = ERR_peek_last_error();
        bool end = ERR_GET_LIB(e) == ERR_LIB_PEM && ERR_GET_REASON(e) == PEM_R_NO_START_LINE;
        return end ? 0 : damaged(file, err);
    }
    int r = add(l, crl, file->path, err);
    X509_CRL_free(crl);
    return r < 0 ? r : 1;
}

static int read_pem(const struct loading *l, const struct gw_pemfile *file, struct gw_error *err)
{
    BIO *bio = BIO_new_mem_buf(file->file.data, (int)file->file.len);
    unsigned count = 0;
    int r = bio ? 1 : gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    while (r > 0) {
        r = next_pem(l, bio, file, err);
        count += r > 0;
    }
    BIO_free(bio);
    ERR_clear_error();
    if (r < 0 || count)
        return r;
    return gw_error_set(err, GW_EXIT_USAGE,
                        "--crl %s: no CRL in the file, neither in PEM (it must have a line "
                        "-----BEGIN X509 CRL-----) nor in DER",
                        file->path);
}

static int read_file(void *arg, const struct gw_pemfile *file, struct gw_error *err)
{
    bool der = file->file.len > 0 && file->file.data[0] == DER_SEQUENCE;
    return der ? read_der(arg, file, err) : read_pem(arg, file, err);
}

/* ---- times ---- */

static int check_times(const struct gw_revocation *v, struct list *l, struct gw_files *files,
                       struct gw_error *err)
{
    const struct gw_crl *c = &l->crl;
    int64_t now = gw_files_time(files);
    char text[GW_TEXT_DATE];
    bool early = c->this_update > now;
    if (!early && c->next_update > now)
        return 0;
    const char *what = early ? "is not valid before" : "expired on";
    const char *when = gw_text_date(early ? c->this_update : c->next_update, text);
    if (v->soft) {
        l->noted = true;
        gw_notes_add(gw_files_notes(files),
                     "--crl %s: the CRL of %s %s %s; --crl-soft accepts that", c->path,
                     c->issuer_name, what, when);
        return 0;
    }
    return gw_error_set(err, GW_EXIT_USAGE, "--crl %s: the CRL of %s %s %s; %s", c->path,
                        c->issuer_name, what, when,
                        early ? "is the clock right?" : "get the CA's new CRL");
}

static int by_issuer(const void *a, const void *b)
{
    const struct list *x = a;
    const struct list *y = b;
    return memcmp(x->crl.issuer, y->crl.issuer, sizeof(x->crl.issuer));
}

/* The first of an issuer's lists; v->count when it has none. */
static unsigned find(const struct gw_revocation *v, const uint8_t issuer[GW_CHAIN_ID_LEN])
{
    unsigned low = 0;
    unsigned high = v->count;
    while (low < high) {
        unsigned mid = low + (high - low) / 2;
        if (memcmp(v->lists[mid].crl.issuer, issuer, GW_CHAIN_ID_LEN) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    bool found = low < v->count && memcmp(v->lists[low].crl.issuer, issuer, GW_CHAIN_ID_LEN) == 0;
    return found ? low : v->count;
}

/* Notes CAs without a CRL, whose certificates are all refused. One sentence for all: a system's
 * list of CAs has a hundred. */
static void note_missing(const struct gw_revocation *v, const struct gw_anchors *anchors,
                         struct gw_notes *notes)
{
    char name[256];
    unsigned missing = 0;
    for (unsigned i = 0; i < anchors->count; i++) {
        if (!anchors->all[i].is_ca || find(v, anchors->all[i].id) < v->count)
            continue;
        if (missing++ == 0)
            gw_dname_print(X509_get_subject_name(anchors->all[i].cert), name, sizeof(name));
    }
    if (missing && !v->soft)
        gw_notes_add(
            notes, "--crl: there is no CRL of %s%s; certificates that such a CA signed are refused",
            name, missing > 1 ? ", nor of other CAs in --cacert" : "");
}

static int check(struct gw_revocation *v, const struct gw_anchors *anchors, struct gw_files *files,
                 struct gw_error *err)
{
    int r = 0;
    if (v->count)
        qsort(v->lists, v->count, sizeof(*v->lists), by_issuer);
    for (unsigned i = 0; r == 0 && i < v->count; i++)
        r = check_times(v, &v->lists[i], files, err);
    if (r == 0)
        note_missing(v, anchors, gw_files_notes(files));
    return r;
}

int gw_revocation_load(struct gw_revocation **ret, const struct gw_tls_side *side,
                       const struct gw_anchors *anchors, struct gw_files *files,
                       OSSL_LIB_CTX *library, struct gw_error *err)
{
    static const char *const endings[] = {".crl", ".pem", ".der", NULL};
    const struct gw_fileset set = {"--crl", side->crls, endings, FILE_MAX};
    struct gw_revocation *v = calloc(1, sizeof(*v));
    if (!v)
        return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    v->soft = side->crl_soft;
    struct loading loading = {v, anchors, library};
    int r = gw_fileset_each(&set, files, read_file, &loading, err);
    if (r == 0)
        r = check(v, anchors, files, err);
    if (r < 0)
        gw_revocation_free(v);
    else
        *ret = v;
    return r;
}

void gw_revocation_free(struct gw_revocation *v)
{
    if (!v)
        return;
    for (unsigned i = 0; i < v->count; i++)
        gw_crl_done(&v->lists[i].crl);
    gw_notes_done(&v->notes);
    free(v->lists);
    free(v);
}

int64_t gw_revocation_next_end(const struct gw_revocation *v, time_t now)
{
    int64_t next = INT64_MAX;
    for (unsigned i = 0; i < v->count; i++)
        if (v->lists[i].crl.next_update > now)
            next = GW_MIN(next, v->lists[i].crl.next_update);
    return next;
}

size_t gw_revocation_size(const struct gw_revocation *v)
{
    size_t size = 0;
    for (unsigned i = 0; i < v->count; i++)
        size += v->lists[i].crl.count;
    return size;
}

/* ---- looking ---- */

static void note_expired(struct gw_revocation *v, struct list *l)
{
    char text[GW_TEXT_DATE];
    if (l->noted)
        return;
    l->noted = true;
    gw_notes_add(&v->notes, "--crl %s: the CRL of %s expired on %s; %s", l->crl.path,
                 l->crl.issuer_name, gw_text_date(l->crl.next_update, text),
                 v->soft ? "--crl-soft accepts that"
                         : "certificates that this CA signed are refused until there is a new one");
}

struct gw_notes *gw_revocation_notes(struct gw_revocation *v)
{
    return &v->notes;
}

/* The result of a list that covers the certificate and does not revoke it. */
static int look_at(struct gw_revocation *v, struct list *l, time_t now)
{
    if (l->crl.this_update > now)
        return X509_V_ERR_CRL_NOT_YET_VALID;
    if (l->crl.next_update > now)
        return X509_V_OK;
    note_expired(v, l);
    return X509_V_ERR_CRL_HAS_EXPIRED;
}

/* Whether the list has the issuer of the entry. */
static bool is_of(const struct gw_revocation *v, unsigned i, const struct gw_chain_entry *entry)
{
    return i < v->count && memcmp(v->lists[i].crl.issuer, entry->issuer, GW_CHAIN_ID_LEN) == 0;
}

int gw_revocation_look(struct gw_revocation *v, const struct gw_chain_entry *entry, time_t now)
{
    int result = X509_V_ERR_UNABLE_TO_GET_CRL;
    for (unsigned i = find(v, entry->issuer); is_of(v, i, entry); i++) {
        struct list *l = &v->lists[i];
        if (result == X509_V_ERR_UNABLE_TO_GET_CRL)
            result = X509_V_ERR_DIFFERENT_CRL_SCOPE;
        if (!gw_crl_may_cover(&l->crl, entry))
            continue;
        if (gw_crl_has(&l->crl, &entry->serial))
            return X509_V_ERR_CERT_REVOKED;
        /* One current list is enough. */
        if (result != X509_V_OK && gw_crl_covers(&l->crl, entry))
            result = look_at(v, l, now);
    }
    return result;
}

static void print_list(const struct gw_crl *crl, struct gw_text *out)
{
    static const char *const words[] = {[GW_CRL_USERS] = "users", [GW_CRL_CAS] = "CAs"};
    const char *scope = crl->scope == (GW_CRL_USERS | GW_CRL_CAS) ? NULL : words[crl->scope];
    const char *points = crl->points_text;
    gw_text_append(out, "%s%s%s", scope ? scope : "", scope && points ? " at " : "",
                   points  ? points
                   : scope ? ""
                           : "all");
}

void gw_revocation_print(const struct gw_revocation *v, const struct gw_chain_entry *entry,
                         struct gw_text *out)
{
    unsigned first = find(v, entry->issuer);
    unsigned i = first;
    for (; is_of(v, i, entry); i++) {
        if (i - first >= LISTS_SHOWN)
            continue;
        gw_text_append(out, "%s", i > first ? ", " : "");
        print_list(&v->lists[i].crl, out);
    }
    if (i - first > LISTS_SHOWN)
        gw_text_append(out, " and %u more", i - first - LISTS_SHOWN);
}
