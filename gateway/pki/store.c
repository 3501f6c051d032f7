/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/pki/store.h"

#include "gateway/base/clock.h"
#include "gateway/base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TMP "tmp"
#define TMP_FILE TMP "/file"
#define TMP_STAGE TMP "/folder"

enum {
    LOCK_TRY_MS = 20,
    DEPTH_MAX = 8, /* maximum depth of folders to remove */
};

static int fail(const struct gw_pki_store *store, const char *name, const char *what,
                struct gw_error *err)
{
    const char *slash = *name ? "/" : "";
    return gw_error_set(err, GW_EXIT_START, "%s%s%s: cannot be %s: %s", store->path, slash, name,
                        what, strerror(errno));
}

/* ---- the folder and its lock ---- */

/* Syncs the parent of a folder. Returns 0 or -1 with errno. */
static int sync_beside(const char *path)
{
    gw_auto_fd fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    gw_auto_fd parent = fd < 0 ? -1 : openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return parent < 0 ? -1 : fsync(parent);
}

/* A user who can change the folder could replace the CA in it. */
static int check_owner(const char *path, const struct stat *st, struct gw_error *err)
{
    if (st->st_uid != geteuid() && st->st_uid)
        return gw_error_set(
            err, GW_EXIT_START,
            "%s: this folder belongs to user %u, who could change its contents; run this as that "
            "user, or give the folder and its contents to yours (chown -R)",
            path, (unsigned)st->st_uid);
    if (st->st_mode & 022)
        return gw_error_set(err, GW_EXIT_START,
                            "%s: other users may write to this folder; prevent that (chmod go-w), "
                            "or name a new one",
                            path);
    return 0;
}

int gw_pki_store_create(const char *path, struct gw_error *err)
{
    struct stat st;
    bool made = mkdir(path, 0700) == 0;
    if ((!made && errno != EEXIST) || stat(path, &st) || (made && sync_beside(path)))
        return gw_error_set(err, GW_EXIT_START, "%s: the folder cannot be created: %s", path,
                            strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return gw_error_set(err, GW_EXIT_START, "%s: this is a file; name a folder", path);
    return check_owner(path, &st, err);
}

static int check_open(const struct gw_pki_store *store, struct gw_error *err)
{
    struct stat st;
    return fstat(store->fd, &st) ? fail(store, "", "looked at", err)
                                 : check_owner(store->path, &st, err);
}

static int lock(const struct gw_pki_store *store, int operation, int patience_ms)
{
    const struct timespec pause = {.tv_nsec = LOCK_TRY_MS * GW_NS_PER_MS};
    for (int waited = 0; flock(store->fd, operation | LOCK_NB); waited += LOCK_TRY_MS) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return -errno;
        if (waited >= patience_ms)
            return -EWOULDBLOCK;
        (void)nanosleep(&pause, NULL);
    }
    return 0;
}

static int empty_tmp(const struct gw_pki_store *store, struct gw_error *err)
{
    errno = -gw_pki_store_remove(store, TMP);
    if (errno || (mkdirat(store->fd, TMP, 0700) && errno != EEXIST))
        return fail(store, TMP, "emptied", err);
    return 0;
}

int gw_pki_store_open(struct gw_pki_store *ret, const char *path, enum gw_pki_access access,
                      int patience_ms, struct gw_error *err)
{
    struct gw_pki_store store = {.path = path};
    store.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store.fd < 0)
        return gw_error_set(err, GW_EXIT_START,
                            "%s: the CA's folder cannot be opened: %s; create one with `ktlsgate "
                            "pki init`, or name it with --dir",
                            path, strerror(errno));
    int error = check_open(&store, err);
    if (error) {
        gw_pki_store_close(&store);
        return error;
    }
    error = lock(&store, access == GW_PKI_WRITE ? LOCK_EX : LOCK_SH, patience_ms);
    if (error == -EWOULDBLOCK)
        error = gw_error_set(err, GW_EXIT_START,
                             "%s: another `ktlsgate pki` has been using this folder for %d "
                             "seconds; try again when it has ended",
                             path, patience_ms / 1000);
    else if (error)
        error = gw_error_set(err, GW_EXIT_START, "%s: the folder cannot be locked: %s", path,
                             strerror(-error));
    else if (access == GW_PKI_WRITE)
        error = empty_tmp(&store, err);
    if (error)
        gw_pki_store_close(&store);
    else
        *ret = store;
    return error;
}

void gw_pki_store_close(struct gw_pki_store *store)
{
    gw_fd_close(&store->fd);
}

/* ---- reading ---- */

bool gw_pki_store_has(const struct gw_pki_store *store, const char *name)
{
    struct stat st;
    return fstatat(store->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Returns 0 or -1 with errno. */
static int read_all(int fd, size_t size, struct gw_pki_text *ret)
{
    *ret = (struct gw_pki_text){.data = malloc(size + 1)};
    if (!ret->data)
        return -1;
    while (ret->len < size) {
        ssize_t n = read(fd, ret->data + ret->len, size - ret->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        ret->len += (size_t)n;
    }
    ret->data[ret->len] = '\0';
    return 0;
}

static int open_and_read(int folder, const char *name, size_t max, struct gw_pki_text *ret,
                         mode_t *ret_mode)
{
    struct stat st;
    gw_auto_fd fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st))
        return -1;
    errno = !S_ISREG(st.st_mode) ? EINVAL : (size_t)st.st_size > max ? EFBIG : 0;
    if (errno)
        return -1;
    if (ret_mode)
        *ret_mode = st.st_mode & 07777;
    return read_all(fd, (size_t)st.st_size, ret);
}

int gw_pki_store_read(const struct gw_pki_store *store, const char *name, size_t max,
                      struct gw_pki_text *ret, mode_t *ret_mode, struct gw_error *err)
{
    struct gw_pki_text text = {.data = NULL};
    if (open_and_read(store->fd, name, max, &text, ret_mode)) {
        gw_pki_text_done(&text);
        return fail(store, name, "read", err);
    }
    *ret = text;
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool add_name(struct gw_pki_names *names, const char *name)
{
    if ((names->count & (names->count - 1)) == 0) { /* room doubles at powers of two */
        size_t room = names->count ? names->count * 2 : 1;
        char **more = realloc(names->items, room * sizeof(*more));
        if (!more)
            return false;
        names->items = more;
    }
    names->items[names->count] = strdup(name);
    return names->items[names->count] && ++names->count;
}

static DIR *open_folder(int at, const char *name)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder)
        gw_fd_close(&fd);
    return folder;
}

/* The next entry except `.` and `..`. NULL at the end, or with errno set. */
static const char *next_name(DIR *folder)
{
    const struct dirent *entry;
    do {
        errno = 0;
        entry = readdir(folder);
    } while (entry && (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")));
    return entry ? entry->d_name : NULL;
}

int gw_pki_store_list(const struct gw_pki_store *store, const char *folder,
                      struct gw_pki_names *ret, struct gw_error *err)
{
    struct gw_pki_names names = {.items = NULL};
    const char *name;
    DIR *dir = open_folder(store->fd, folder);
    if (!dir)
        return fail(store, folder, "read", err);
    while ((name = next_name(dir)))
        if (!add_name(&names, name)) {
            errno = ENOMEM;
            break;
        }
    int error = errno ? fail(store, folder, "read", err) : 0;
    (void)closedir(dir);
    if (error) {
        gw_pki_names_done(&names);
        return error;
    }
    if (names.count)
        qsort(names.items, names.count, sizeof(*names.items), compare_names);
    *ret = names;
    return 0;
}

void gw_pki_names_done(struct gw_pki_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i]);
    free(names->items);
    *names = (struct gw_pki_names){.items = NULL};
}

/* ---- writing ---- */

/* Syncs the parent folder of the name. Returns 0 or -1 with errno. */
static int sync_parent(const struct gw_pki_store *store, const char *name)
{
    char parent[GW_PKI_NAME_BYTES];
    const char *slash = strrchr(name, '/');
    (void)snprintf(parent, sizeof(parent), "%.*s", slash ? (int)(slash - name) : 1,
                   slash ? name : ".");
    gw_auto_fd fd = openat(store->fd, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -1 : fsync(fd);
}

static int move(const struct gw_pki_store *store, const char *from, const char *to)
{
    if (renameat(store->fd, from, store->fd, to))
        return -1;
    return sync_parent(store, to);
}

static int write_all(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

/* Writes a new file and syncs it. Returns 0 or -1 with errno. */
static int write_new(const struct gw_pki_store *store, const char *name, mode_t mode,
                     const void *data, size_t len)
{
    gw_auto_fd fd =
        openat(store->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0 || write_all(fd, data, len) || fsync(fd))
        return -1;
    return 0;
}

int gw_pki_store_write(const struct gw_pki_store *store, const char *name, mode_t mode,
                       const void *data, size_t len, struct gw_error *err)
{
    (void)unlinkat(store->fd, TMP_FILE, 0);
    if (write_new(store, TMP_FILE, mode, data, len) || move(store, TMP_FILE, name))
        return fail(store, name, "written", err);
    return 0;
}

int gw_pki_store_link(const struct gw_pki_store *store, const char *name, const char *target,
                      struct gw_error *err)
{
    (void)unlinkat(store->fd, TMP_FILE, 0);
    if (symlinkat(target, store->fd, TMP_FILE) || move(store, TMP_FILE, name))
        return fail(store, name, "written", err);
    return 0;
}

bool gw_pki_store_links_to(const struct gw_pki_store *store, const char *name, const char *target)
{
    char found[GW_PKI_NAME_BYTES];
    ssize_t n = readlinkat(store->fd, name, found, sizeof(found));
    return n >= 0 && (size_t)n == strlen(target) && !memcmp(found, target, (size_t)n);
}

int gw_pki_store_folder(const struct gw_pki_store *store, const char *name, struct gw_error *err)
{
    if ((mkdirat(store->fd, name, 0700) && errno != EEXIST) || sync_parent(store, name))
        return fail(store, name, "made", err);
    return 0;
}

int gw_pki_stage_begin(const struct gw_pki_store *store, struct gw_error *err)
{
    errno = -gw_pki_store_remove(store, TMP_STAGE);
    if (errno || mkdirat(store->fd, TMP_STAGE, 0700))
        return fail(store, TMP_STAGE, "made", err);
    return 0;
}

int gw_pki_stage_add(const struct gw_pki_store *store, const char *file, mode_t mode,
                     const struct gw_pki_text *text, struct gw_error *err)
{
    char name[GW_PKI_NAME_BYTES];
    (void)snprintf(name, sizeof(name), TMP_STAGE "/%s", file);
    if (write_new(store, name, mode, text->data, text->len))
        return fail(store, name, "written", err);
    return 0;
}

int gw_pki_stage_commit(const struct gw_pki_store *store, const char *name, struct gw_error *err)
{
    if (gw_pki_store_has(store, name)) {
        errno = EEXIST;
        return fail(store, name, "made", err);
    }
    if (sync_parent(store, TMP_STAGE "/.") || move(store, TMP_STAGE, name))
        return fail(store, name, "made", err);
    return 0;
}

/* ---- removing ---- */

/* Empties the folder `name` in `at`. Returns 0 or -errno. */
static int empty(int at, const char *name, int depth)
{
    const char *entry;
    int error = 0;
    DIR *folder = open_folder(at, name);
    if (!folder)
        return -errno;
    while (!error && (entry = next_name(folder))) {
        if (!unlinkat(dirfd(folder), entry, 0))
            continue;
        error = errno == EISDIR && depth ? empty(dirfd(folder), entry, depth - 1) : -errno;
        if (!error && unlinkat(dirfd(folder), entry, AT_REMOVEDIR))
            error = -errno;
    }
    (void)closedir(folder);
    return error;
}

static int remove_at(int at, const char *name)
{
    if (!unlinkat(at, name, 0) || errno == ENOENT)
        return 0;
    int error = errno == EISDIR ? empty(at, name, DEPTH_MAX) : -errno;
    if (!error && unlinkat(at, name, AT_REMOVEDIR))
        error = -errno;
    return error;
}

int gw_pki_store_remove(const struct gw_pki_store *store, const char *name)
{
    return remove_at(store->fd, name);
}

void gw_pki_store_destroy(const char *path)
{
    (void)remove_at(AT_FDCWD, path);
}
