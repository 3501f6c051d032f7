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

static int add(struct gw_keyring *ring, struct gw_credential_loader *loader,
               const struct gw_credential_files *files, struct gw_error *err)
{
    if (ring->count == GW_MAX_CERTS)
        return gw_error_set(err, GW_EXIT_USAGE, "%s %s: more than %d certificates; leave some out",
                            files->cert_flag, files->cert_file, GW_MAX_CERTS);
    if (!gw_array_grow(&ring->all, ring->count, sizeof(*ring->all)))
        return out_of_memory(err);
    return gw_credential_load(&ring->all[ring->count++], loader, files, err);
}

/* The response beside the certificate's file, if there is one; *ret_path is freed by the caller. */
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

static int add_pair(struct gw_keyring *ring, struct gw_credential_loader *loader,
                    const struct gw_cert_pair *pair, bool serves, struct gw_error *err)
{
    bool together = strcmp(pair->key_file, pair->cert_file) == 0; /* --key was not typed */
    struct gw_credential_files files = {
        "--cert",       pair->cert_file, together ? "--cert" : "--key",
        pair->key_file, "--ocsp-file",   pair->ocsp_file};
    char *beside = NULL;
    if (serves && !pair->ocsp_file) {
        if (find_ocsp(loader->files, pair->cert_file, &beside) < 0)
            return out_of_memory(err);
        files.ocsp_flag = "--cert";
        files.ocsp_file = beside;
    }
    int r = add(ring, loader, &files, err);
    free(beside);
    return r;
}

static int add_folder(struct gw_keyring *ring, struct gw_credential_loader *loader,
                      const char *folder, struct gw_error *err)
{
    struct gw_certdir dir;
    int r = gw_certdir_read(&dir, loader->files, folder, err);
    for (unsigned i = 0; r == 0 && i < dir.count; i++) {
        const struct gw_certdir_entry *e = &dir.entries[i];
        const struct gw_credential_files files = {"--cert-dir", e->cert_file, "--cert-dir",
                                                  e->key_file,  "--cert-dir", e->ocsp_file};
        r = add(ring, loader, &files, err);
    }
    gw_certdir_done(&dir);
    return r;
}

static int load_all(struct gw_keyring *ring, struct gw_credential_loader *loader,
                    const struct gw_service *service, struct gw_error *err)
{
    const char *phrase = service->key_pass_file;
    bool serves = service->role == GW_ROLE_SERVER;
    int r = phrase ? gw_pemkey_read_phrase(&loader->keys, loader->files, phrase, err) : 0;
    for (unsigned i = 0; r == 0 && i < service->cert_count; i++)
        r = add_pair(ring, loader, &service->certs[i], serves, err);
    for (unsigned i = 0; r == 0 && i < service->cert_dir_count; i++)
        r = add_folder(ring, loader, service->cert_dirs[i], err);
    return r;
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

/* A certificate of a type that the family does not have goes in; of the same type, the first. */
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

/* Who is good for all its names is good for its first, exactly or by a wildcard. */
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

/* Without any names: those without names. `first` has the first of each type, as a family. */
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

int gw_keyring_load(struct gw_keyring *ret, const struct gw_service *service,
                    struct gw_files *files, OSSL_LIB_CTX *library, struct gw_error *err)
{
    struct gw_credential_loader loader;
    *ret = (struct gw_keyring){NULL};
    gw_credential_loader_init(&loader, files, library);
    int r = load_all(ret, &loader, service, err);
    gw_credential_loader_done(&loader);
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
