/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/certdir.h"

#include "gateway/base/array.h"
#include "gateway/base/limits.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

/* The layout of a folder that another program writes for one certificate. `beside`: further files
 * of that program, which are ignored. */
static const struct layout {
    const char *cert, *key;
    const char *beside[6];
} layouts[] = {
    {"fullchain.pem", "privkey.pem", {"cert.pem", "chain.pem", "README"}},
    {"tls.crt", "tls.key", {"ca.crt", "keystore.p12", "truststore.p12"}},
    {"cert.pem", "key.pem", {"ca.pem"}},
};

static const char *const cert_ends[] = {".pem", ".crt", ".cer", ".p12", ".pfx"};
static const char key_end[] = ".key";
static const char ocsp_end[] = ".ocsp";

/* The state while a folder is read. */
struct reading {
    struct gw_certdir *dir;
    struct gw_files *files;
    struct gw_error *err;
    const char *folder;
    const char *glob;   /* NULL: names are matched by their endings */
    const char **names; /* in the listing, sorted */
    unsigned count;
    bool inner;                  /* a folder within the one that was named */
    const struct layout *layout; /* NULL: no known layout */
};

static int out_of_memory(struct gw_error *err)
{
    (void)gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    return -ENOMEM;
}

/* Whether the error ends the whole read, not only that of one folder. */
static bool is_fatal(int error)
{
    return error == -ENOMEM || error == -E2BIG;
}

static int cannot_read(struct gw_error *err, const char *path, int error)
{
    if (error == -ENOMEM)
        return out_of_memory(err);
    return gw_error_set(err, GW_EXIT_START, "--cert-dir %s: the folder cannot be read: %s", path,
                        strerror(-error));
}

/* ---- names ---- */

static int compare_names(const void *key, const void *item)
{
    return strcmp(key, *(const char *const *)item);
}

static bool has(const struct reading *r, const char *name)
{
    return r->count && bsearch(name, r->names, r->count, sizeof(*r->names), compare_names);
}

static bool ends_with(const char *name, const char *end)
{
    size_t len = strlen(name);
    return len > strlen(end) && strcmp(name + len - strlen(end), end) == 0;
}

static bool names_cert(const struct reading *r, const char *name)
{
    if (r->glob)
        return !ends_with(name, key_end) && !ends_with(name, ocsp_end) &&
               fnmatch(r->glob, name, FNM_PERIOD) == 0;
    for (size_t i = 0; i < GW_ARRAY_SIZE(cert_ends); i++)
        if (ends_with(name, cert_ends[i]))
            return true;
    return false;
}

/* "a.pem" and ".key" make "a.key". The caller frees the path. NULL without memory. */
static char *sibling(const struct reading *r, const char *name, const char *end)
{
    char *path = NULL;
    const char *dot = strrchr(name, '.');
    int base = (int)(dot ? (size_t)(dot - name) : strlen(name));
    return asprintf(&path, "%s/%.*s%s", r->folder, base, name, end) < 0 ? NULL : path;
}

static char *path_of(const struct reading *r, const char *name)
{
    char *path = NULL;
    return asprintf(&path, "%s/%s", r->folder, name) < 0 ? NULL : path;
}

static const char *name_in(const struct reading *r, const char *path)
{
    return path + strlen(r->folder) + 1;
}

/* ---- certificates ---- */

static void free_entry(struct gw_certdir_entry *e)
{
    free(e->cert_file);
    free(e->key_file);
    free(e->ocsp_file);
}

/* "a.pem.ocsp" or "a.ocsp" for "a.pem" and ".ocsp"; NULL if neither exists. False without
 * memory. */
static bool find_beside(const struct reading *r, const char *name, const char *end, char **ret_path)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s%s", r->folder, name, end) < 0)
        return false;
    if (!has(r, name_in(r, path))) {
        free(path);
        path = sibling(r, name, end);
        if (!path)
            return false;
    }
    *ret_path = has(r, name_in(r, path)) ? path : NULL;
    if (!*ret_path)
        free(path);
    return true;
}

/* Adds the certificate `name`, whose key is at this path. Takes ownership of the path. */
static int add(struct reading *r, const char *name, char *key_file)
{
    struct gw_certdir *d = r->dir;
    struct gw_certdir_entry e = {.cert_file = path_of(r, name), .key_file = key_file};
    int error = d->count == GW_MAX_CERTS ? -E2BIG : 0;
    if (error)
        (void)gw_error_set(r->err, GW_EXIT_USAGE,
                           "--cert-dir %s: more than %d certificates; remove some", r->folder,
                           GW_MAX_CERTS);
    else if (!e.cert_file || !e.key_file || !find_beside(r, name, ocsp_end, &e.ocsp_file) ||
             !gw_array_grow(&d->entries, d->count, sizeof(*d->entries)))
        error = out_of_memory(r->err);
    if (error)
        free_entry(&e);
    else
        d->entries[d->count++] = e;
    return error;
}

/* A PKCS #12 file contains its key. */
static int add_cert(struct reading *r, const char *name)
{
    bool whole = ends_with(name, ".p12") || ends_with(name, ".pfx");
    char *key = NULL;
    if (!whole && !find_beside(r, name, key_end, &key))
        return out_of_memory(r->err);
    return add(r, name, key ? key : path_of(r, name));
}

/* Whether a certificate exists that a file of this name belongs to. Negative errno on failure. */
static int belongs(const struct reading *r, const char *name)
{
    char *whole = sibling(r, name, "");
    bool found = whole && names_cert(r, whole) && has(r, name_in(r, whole));
    int error = whole ? 0 : out_of_memory(r->err);
    free(whole);
    for (size_t i = 0; !error && !found && i < GW_ARRAY_SIZE(cert_ends); i++) {
        char *cert = sibling(r, name, cert_ends[i]);
        found = cert && has(r, name_in(r, cert));
        error = cert ? 0 : out_of_memory(r->err);
        free(cert);
    }
    return error ? error : found;
}

static int check_belongs(const struct reading *r, const char *name, const char *what)
{
    int found = belongs(r, name);
    if (found == 0)
        gw_notes_add(
            gw_files_notes(r->files),
            "--cert-dir %s/%s: %s without its certificate (the same name with .pem, .crt or .cer)",
            r->folder, name, what);
    return found < 0 ? found : 0;
}

/* ---- folders ---- */

static int read_folder(struct reading *r);

static int read_inner(struct reading *outer, const char *path)
{
    struct gw_error why = {.text = ""};
    struct reading r = {
        .dir = outer->dir,
        .files = outer->files,
        .err = &why,
        .folder = path,
        .glob = outer->glob,
        .inner = true,
    };
    int error = read_folder(&r);
    if (is_fatal(error)) {
        *outer->err = why;
        return error;
    }
    if (error)
        gw_notes_add(gw_files_notes(r.files), "%s", why.text);
    return 0;
}

/* Uses the listing in force if the folder cannot be read any more. */
static int list(const struct reading *r, const char *path, struct gw_file *ret)
{
    struct gw_files *before = gw_files_before(r->files, "");
    int error = gw_files_list(r->files, path, ret);
    if (!error || error == -ENOTDIR || !before || gw_files_list(before, path, ret))
        return error;
    gw_notes_add(gw_files_notes(r->files),
                 "--cert-dir %s: the folder cannot be read: %s; its certificates stay in force",
                 path, strerror(-error));
    return 0;
}

static void leave_out(const struct reading *r, const char *name, bool folder)
{
    gw_notes_add(
        gw_files_notes(r->files), "--cert-dir %s/%s: skipped: %s", r->folder, name,
        folder ? "folders are read one level deep"
               : "neither a certificate (.pem, .crt, .cer, .p12, .pfx) nor its key (.key) or OCSP "
                 "response (.ocsp)");
}

static int leave_unreadable(const struct reading *r, const char *path, int error)
{
    gw_notes_add(gw_files_notes(r->files), "--cert-dir %s: it cannot be read: %s", path,
                 strerror(-error));
    return 0;
}

static int take_file(struct reading *r, const char *name)
{
    if (names_cert(r, name))
        return add_cert(r, name);
    if (r->glob)
        return 0;
    if (ends_with(name, key_end))
        return check_belongs(r, name, "a key");
    if (ends_with(name, ocsp_end))
        return check_belongs(r, name, "an OCSP response");
    leave_out(r, name, false);
    return 0;
}

static int take_name(struct reading *r, const char *name)
{
    struct gw_file listing;
    char *path = path_of(r, name);
    int error = path ? list(r, path, &listing) : -ENOMEM;
    if (error == -ENOMEM)
        error = out_of_memory(r->err);
    else if (error == -ENOTDIR || (error && names_cert(r, name)))
        error = take_file(r, name);
    else if (error)
        error = leave_unreadable(r, path, error);
    else if (r->inner)
        leave_out(r, name, true);
    else
        error = read_inner(r, path);
    free(path);
    return error;
}

static bool in_layout(const struct layout *layout, const char *name)
{
    if (strcmp(name, layout->cert) == 0 || strcmp(name, layout->key) == 0)
        return true;
    for (size_t i = 0; i < GW_ARRAY_SIZE(layout->beside) && layout->beside[i]; i++)
        if (strcmp(name, layout->beside[i]) == 0)
            return true;
    return false;
}

static int take_names(struct reading *r)
{
    unsigned before = r->dir->count;
    int error = 0;
    for (size_t i = 0; !r->layout && i < GW_ARRAY_SIZE(layouts); i++)
        if (has(r, layouts[i].cert) && has(r, layouts[i].key))
            r->layout = &layouts[i];
    if (r->layout)
        error = add(r, r->layout->cert, path_of(r, r->layout->key));
    for (unsigned i = 0; !error && i < r->count; i++)
        if (!r->layout || !in_layout(r->layout, r->names[i]))
            error = take_name(r, r->names[i]);
    if (!error && r->dir->count == before && r->glob)
        return gw_error_set(r->err, GW_EXIT_USAGE,
                            "--cert-dir %s: no certificate in this folder (no file name matches "
                            "the pattern %s of --cert-glob)",
                            r->folder, r->glob);
    if (!error && r->dir->count == before)
        return gw_error_set(r->err, GW_EXIT_USAGE,
                            "--cert-dir %s: no certificate in this folder (NAME.pem, .crt or .cer "
                            "with NAME.key, or a folder for each)",
                            r->folder);
    return error;
}

/* Splits a listing into its names, each terminated by a NUL. */
static int split_names(struct reading *r, const struct gw_file *listing)
{
    const char *at = (const char *)listing->data;
    const char *end = at + listing->len;
    for (; at < end; at += strlen(at) + 1) {
        if (!gw_array_grow(&r->names, r->count, sizeof(*r->names)))
            return out_of_memory(r->err);
        r->names[r->count++] = at;
    }
    return 0;
}

static int read_folder(struct reading *r)
{
    struct gw_file listing;
    int error = list(r, r->folder, &listing);
    if (error)
        return cannot_read(r->err, r->folder, error);
    error = split_names(r, &listing);
    if (!error)
        error = take_names(r);
    free(r->names);
    return error;
}

int gw_certdir_read(struct gw_certdir *ret, struct gw_files *files, const char *folder,
                    const char *glob, struct gw_error *err)
{
    struct reading r = {.dir = ret, .files = files, .err = err, .folder = folder, .glob = glob};
    *ret = (struct gw_certdir){NULL};
    return read_folder(&r);
}

void gw_certdir_done(struct gw_certdir *dir)
{
    for (unsigned i = 0; i < dir->count; i++)
        free_entry(&dir->entries[i]);
    free(dir->entries);
    *dir = (struct gw_certdir){NULL};
}
