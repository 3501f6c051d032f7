/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/fileset.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct walk {
    const struct gw_fileset *set;
    struct gw_files *files;
    gw_fileset_visit *visit;
    void *arg;
};

static int unreadable(const struct walk *w, const char *what, const char *path, int error,
                      struct gw_error *err)
{
    if (error == -EFBIG)
        return gw_error_set(err, GW_EXIT_START, "%s %s: the %s is too large (more than %zu MiB)",
                            w->set->flag, path, what, w->set->max >> 20);
    return gw_error_set(err, GW_EXIT_START, "%s %s: the %s cannot be read: %s", w->set->flag, path,
                        what, strerror(-error));
}

static int visit_file(const struct walk *w, const char *path, struct gw_error *err)
{
    struct gw_pemfile file = {.flag = w->set->flag, .path = path};
    int r = gw_files_read(w->files, path, w->set->max, &file.file);
    return r < 0 ? unreadable(w, "file", path, r, err) : w->visit(w->arg, &file, err);
}

static bool counts(const struct gw_fileset *set, const char *name)
{
    size_t len = strlen(name);
    for (const char *const *e = set->endings; *e; e++)
        if (len > strlen(*e) && strcmp(name + len - strlen(*e), *e) == 0)
            return true;
    return false;
}

static int visit_member(const struct walk *w, const char *folder, const char *name,
                        struct gw_error *err)
{
    char path[GW_FILES_PATH_MAX];
    int len = snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (len < 0 || (size_t)len >= sizeof(path))
        return unreadable(w, "folder", folder, -ENAMETOOLONG, err);
    return visit_file(w, path, err);
}

static int visit_folder(const struct walk *w, const char *folder, struct gw_error *err)
{
    struct gw_file names;
    unsigned count = 0;
    int r = gw_files_list(w->files, folder, &names);
    if (r < 0)
        return unreadable(w, "folder", folder, r, err);
    const char *end = (const char *)names.data + names.len;
    for (const char *name = (const char *)names.data; r == 0 && name < end;
         name += strlen(name) + 1) {
        if (!counts(w->set, name))
            continue;
        count++;
        r = visit_member(w, folder, name, err);
    }
    if (r < 0 || count)
        return r;
    return gw_error_set(
        err, GW_EXIT_USAGE,
        "%s %s: the folder has no file with a name like *%s; add one, or name a file", w->set->flag,
        folder, w->set->endings[0]);
}

int gw_fileset_each(const struct gw_fileset *set, struct gw_files *files, gw_fileset_visit *visit,
                    void *arg, struct gw_error *err)
{
    const struct walk w = {set, files, visit, arg};
    int r = 0;
    for (const char *const *path = set->paths; r == 0 && *path; path++) {
        struct gw_file file;
        bool folder = gw_files_read(files, *path, set->max, &file) == -EISDIR;
        r = folder ? visit_folder(&w, *path, err) : visit_file(&w, *path, err);
    }
    return r;
}
