/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/keyring.h"

#include "gateway/base/array.h"
#include "gateway/tls/certdir.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int out_of_memory(struct gw_error *err)
{
    return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
}

/* ---- loading ---- */

/* The state while a ring is filled. */
struct loading {
    struct gw_keyring *ring;
    struct gw_credential_loader loader;
    struct gw_files *files;
    struct gw_error *err;
    struct gw_error first; /* the first mistake */
    unsigned mistakes;
    /* `first` is not noted yet: if nothing else is usable, it becomes the error */
    bool first_waits;
};

static void count_mistake(struct loading *l, const struct gw_error *why)
{
    if (l->mistakes++ == 0)
        l->first = *why;
}

static void note_first(struct loading *l)
{
    if (l->first_waits)
        gw_notes_add(gw_files_notes(l->files), "skipped: %s", l->first.text);
    l->first_waits = false;
}

/* Skips the certificate with the mistake. The end of the load checks whether any is left. */
static int leave_out(struct loading *l, const struct gw_error *why)
{
    count_mistake(l, why);
    l->first_waits |= l->mistakes == 1;
    if (l->mistakes == 1)
        return 0;
    note_first(l);
    gw_notes_add(gw_files_notes(l->files), "skipped: %s", why->text);
    return 0;
}

static int add(struct loading *l, const struct gw_credential_files *names)
{
    struct gw_keyring *ring = l->ring;
    struct gw_error why = {.text = ""};
    struct gw_credential fresh;
    if (ring->count == GW_MAX_CERTS)
        return gw_error_set(l->err, GW_EXIT_USAGE, "%s %s: more than %d certificates; remove some",
                            names->cert_flag, names->cert_file, GW_MAX_CERTS);
    if (!gw_array_grow(&ring->all, ring->count, sizeof(*ring->all)))
        return out_of_memory(l->err);
    int r = gw_credential_load(&fresh, &l->loader, names, &why);
    if (r == 0) {
        if (fresh.kept)
            count_mistake(l, &why);
        ring->all[ring->count++] = fresh;
        return 0;
    }
    gw_credential_done(&fresh);
    return why.exit == GW_EXIT_OTHER ? out_of_memory(l->err) : leave_out(l, &why);
}

/* The response file beside the certificate's file, if there is one. The caller frees *ret_path. */
static int find_ocsp(struct gw_files *files, const char *cert_file, char **ret_path)
{
    struct gw_file file;
    if (asprintf(ret_path, "%s.ocsp", cert_file) < 0) {
        *ret_path = NULL;
        return -ENOMEM;
    }
    if (gw_files_read(files, *ret_path, GW_OCSP_MAX, &file) == -ENOENT) {
        free(*ret_path);
        *ret_path = NULL;
    }
    return 0;
}

static int add_pair(struct loading *l, const struct gw_cert_pair *pair, bool serves)
{
    bool together = strcmp(pair->key_file, pair->cert_file) == 0; /* --key was not given */
    struct gw_credential_files names = {
        "--cert",       pair->cert_file, together ? "--cert" : "--key",
        pair->key_file, "--ocsp-file",   pair->ocsp_file};
    char *beside = NULL;
    if (serves && !pair->ocsp_file) {
        if (find_ocsp(l->files, pair->cert_file, &beside) < 0)
            return out_of_memory(l->err);
        names.ocsp_flag = "--cert";
        names.ocsp_file = beside;
    }
    int r = add(l, &names);
    free(beside);
    return r;
}

static int add_folder(struct loading *l, const char *folder, const char *glob)
{
    struct gw_certdir dir;
    struct gw_error why = {.text = ""};
    int r = gw_certdir_read(&dir, l->files, folder, glob, &why);
    if (r == -ENOMEM || r == -E2BIG) {
        *l->err = why;
    } else if (r) {
        gw_certdir_done(&dir);
        r = leave_out(l, &why);
    }
    for (unsigned i = 0; r == 0 && i < dir.count; i++) {
        const struct gw_certdir_entry *e = &dir.entries[i];
        const struct gw_credential_files names = {"--cert-dir", e->cert_file, "--cert-dir",
                                                  e->key_file,  "--cert-dir", e->ocsp_file};
        r = add(l, &names);
    }
    gw_certdir_done(&dir);
    return r;
}

/* At least one certificate must be good with the present files. Otherwise reports the first mistake
 * and the number of mistakes. */
static int check_left(struct loading *l)
{
    bool left = l->mistakes == 0;
    for (unsigned i = 0; !left && i < l->ring->count; i++)
        left = !l->ring->all[i].kept;
    if (left) {
        note_first(l);
        return 0;
    }
    if (l->mistakes > 1)
        return gw_error_set(
            l->err, l->first.exit,
            "--cert: none of the %u certificates can be used; the first error: %.*s", l->mistakes,
            (int)sizeof(l->first.text) - 64, l->first.text);
    return gw_error_set(l->err, l->first.exit, "%s", l->first.text);
}

static int load_all(struct loading *l, const struct gw_tls_side *side)
{
    const char *phrase = side->key_pass_file;
    bool serves = side->role == GW_ROLE_SERVER;
    int r = phrase ? gw_pemkey_read_phrase(&l->loader.keys, l->files, phrase, l->err) : 0;
    for (unsigned i = 0; r == 0 && i < side->cert_count; i++)
        r = add_pair(l, &side->certs[i], serves);
    for (unsigned i = 0; r == 0 && i < side->cert_dir_count; i++)
        r = add_folder(l, side->cert_dirs[i], side->cert_glob);
    return r < 0 ? r : check_left(l);
}

/* ---- families ---- */

static int list_names(struct gw_keyring *ring)
{
    for (unsigned i = 0; i < ring->count; i++)
        for (unsigned n = 0; n < ring->all[i].name_count; n++)
            if (gw_sni_add(&ring->sni, ring->all[i].names[n], i, 0) < 0)
                return -ENOMEM;
    gw_sni_seal(&ring->sni);
    return 0;
}

/* Adds a certificate whose type the family lacks. The first of a type is kept. */
static void consider(const struct gw_keyring *ring, struct gw_family *f, unsigned candidate)
{
    const struct gw_credential *all = ring->all;
    const struct gw_credential *main = &all[f->members[0]];
    if (all[candidate].key_type == main->key_type)
        return;
    unsigned at = 1;
    while (at < f->count && all[f->members[at]].key_type != all[candidate].key_type)
        at++;
    if ((at == f->count || candidate < f->members[at]) &&
        gw_credential_covers(&all[candidate], main)) {
        gw_require(at < GW_KEY_TYPES);
        f->members[at] = candidate;
        f->count += at == f->count;
    }
}

/* A certificate that is good for all names is good for the first one, exactly or by a wildcard. */
static void join_by_name(const struct gw_keyring *ring, struct gw_family *f, const char *name)
{
    const char *dot = strchr(name, '.');
    const struct gw_sni_name *same;
    char wild[256];
    (void)snprintf(wild, sizeof(wild), "*%s", dot ? dot : "");
    unsigned count = gw_sni_find_all(&ring->sni, name, &same);
    for (unsigned i = 0; i < count; i++)
        consider(ring, f, same[i].index);
    count = dot ? gw_sni_find_all(&ring->sni, wild, &same) : 0;
    for (unsigned i = 0; i < count; i++)
        consider(ring, f, same[i].index);
}

/* A certificate without names joins those without names. `first` has the first of each type, as a
 * family. */
static void join_nameless(const struct gw_keyring *ring, struct gw_family *f,
                          const struct gw_family *first)
{
    for (unsigned i = 0; i < first->count; i++)
        consider(ring, f, first->members[i]);
}

static struct gw_family first_nameless(const struct gw_keyring *ring)
{
    struct gw_family first = {.count = 0};
    for (unsigned i = 0; i < ring->count && first.count < GW_KEY_TYPES; i++) {
        bool have = ring->all[i].name_count > 0;
        for (unsigned t = 0; !have && t < first.count; t++)
            have = ring->all[first.members[t]].key_type == ring->all[i].key_type;
        if (!have)
            first.members[first.count++] = i;
    }
    return first;
}

static int make_families(struct gw_keyring *ring)
{
    const struct gw_family nameless = first_nameless(ring);
    ring->families = calloc(ring->count, sizeof(*ring->families));
    if (!ring->families)
        return -ENOMEM;
    for (unsigned i = 0; i < ring->count; i++) {
        struct gw_family *f = &ring->families[i];
        *f = (struct gw_family){.members = {i}, .count = 1};
        if (ring->all[i].name_count)
            join_by_name(ring, f, ring->all[i].names[0]);
        else
            join_nameless(ring, f, &nameless);
    }
    for (unsigned i = 0; i < ring->sni.count; i++)
        ring->sni.names[i].key_types = ring->families[ring->sni.names[i].index].count;
    gw_sni_seal(&ring->sni);
    return 0;
}

int gw_keyring_load(struct gw_keyring *ret, const struct gw_tls_side *side, struct gw_files *files,
                    OSSL_LIB_CTX *library, SSL_CTX *ctx, struct gw_error *err)
{
    struct loading loading = {.ring = ret, .files = files, .err = err};
    *ret = (struct gw_keyring){NULL};
    int r = gw_credential_loader_init(&loading.loader, files, library, ctx) < 0
                ? out_of_memory(err)
                : load_all(&loading, side);
    gw_credential_loader_done(&loading.loader);
    if (r < 0 || ret->count == 0)
        return r;
    return list_names(ret) < 0 || make_families(ret) < 0 ? out_of_memory(err) : 0;
}

void gw_keyring_done(struct gw_keyring *ring)
{
    gw_sni_done(&ring->sni);
    for (unsigned i = 0; i < ring->count; i++)
        gw_credential_done(&ring->all[i]);
    free(ring->all);
    free(ring->families);
    *ring = (struct gw_keyring){NULL};
}
