/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/base/files.h"

#include "gateway/base/array.h"
#include "gateway/base/fd.h"
#include "gateway/base/wipe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE,
    FIRST_ROOM = 16384,
    PIPE_PATIENCE_MS = 10000, /* for the writer of a pipe such as a shell's `<(…)` */
};

enum kind {
    KIND_FILE,
    KIND_FOLDER,
    KIND_COUNT
};

/* One path and the result of reading it. */
struct entry {
    enum kind kind;
    char *path;
    char *whose; /* the `whose` of gw_files_before; else "" */
    int error;   /* 0, or a negative errno without data */
    mode_t mode;
    uid_t owner;
    uint8_t *data;
    size_t len, room;
};

struct gw_files {
    struct entry **entries; /* sorted by kind, path and `whose` */
    size_t count, room;
    bool closed; /* has only what is stored; reads no disk */
    int64_t time;
    gw_files_opener *open;
    void *arg; /* for `open` */
    struct gw_notes notes;
    struct gw_files *before; /* NULL: none */
    /* For a set that is the `before` of another one. */
    struct gw_files *after;
    const struct gw_files *last; /* the set with its files; NULL: the owner is gone */
    const char *whose;           /* the `whose` of the next read */
};

/* The form of an entry in a sealed file, after the set's time: this header, the path and `whose`
 * without their NULs, the data. */
struct sealed_entry {
    uint32_t kind; /* plus KIND_COUNT for entries of the set's `before` */
    int32_t error;
    uint32_t mode;
    uint32_t owner;
    uint32_t path_len;
    uint32_t whose_len;
    uint64_t len;
};

struct gw_files *gw_files_new_by(gw_files_opener *opener, void *arg)
{
    struct gw_files *files = calloc(1, sizeof(*files));
    if (files)
        *files = (struct gw_files){.time = time(NULL), .open = opener, .arg = arg, .whose = ""};
    return files;
}

struct gw_files *gw_files_new(void)
{
    return gw_files_new_by(gw_files_open_path, NULL);
}

int64_t gw_files_time(const struct gw_files *files)
{
    return files->time;
}

static void drop_data(struct entry *e)
{
    gw_wipe(e->data, e->len);
    free(e->data);
    e->data = NULL;
    e->len = e->room = 0;
}

static void free_entry(struct entry *e)
{
    drop_data(e);
    free(e->path);
    free(e->whose);
    free(e);
}

void gw_files_free(struct gw_files *files)
{
    if (!files)
        return;
    for (size_t i = 0; i < files->count; i++)
        free_entry(files->entries[i]);
    free(files->entries);
    gw_notes_done(&files->notes);
    gw_files_free(files->before);
    free(files);
}

struct gw_notes *gw_files_notes(struct gw_files *files)
{
    return files->after ? &files->after->notes : &files->notes;
}

static struct gw_files *need_before(struct gw_files *files)
{
    if (!files->before && (files->before = gw_files_new())) {
        files->before->time = files->time;
        files->before->after = files;
        files->before->closed = true;
    }
    return files->before;
}

int gw_files_follow(struct gw_files *files, const struct gw_files *last)
{
    if (!files->before && !last)
        return 0;
    if (!need_before(files))
        return -ENOMEM;
    files->before->last = last;
    files->before->closed = !last;
    return 0;
}

struct gw_files *gw_files_before(struct gw_files *files, const char *whose)
{
    if (files->before)
        files->before->whose = whose;
    return files->before;
}

/* Appends bytes, and keeps a NUL after them. Wipes the old memory when they move. */
static int add_bytes(struct entry *e, const void *data, size_t len)
{
    if (e->len + len >= e->room) {
        size_t room = GW_MAX((e->len + len + 1) * 2, (size_t)FIRST_ROOM);
        uint8_t *grown = malloc(room);
        if (!grown)
            return -ENOMEM;
        if (e->len)
            memcpy(grown, e->data, e->len);
        gw_wipe(e->data, e->len);
        free(e->data);
        e->data = grown;
        e->room = room;
    }
    if (len)
        memcpy(e->data + e->len, data, len);
    e->len += len;
    e->data[e->len] = '\0';
    return 0;
}

/* ---- the table ---- */

/* The key of an entry. */
struct key {
    enum kind kind;
    const char *path;
    const char *whose;
};

static struct key key_of(const struct entry *e)
{
    return (struct key){e->kind, e->path, e->whose};
}

static int compare(const struct key *a, const struct entry *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    int order = strcmp(a->path, b->path);
    return order ? order : strcmp(a->whose, b->whose);
}

/* Whether the entry exists. *ret_at is its index, or where to insert it. */
static bool find(const struct gw_files *files, const struct key *key, size_t *ret_at)
{
    size_t low = 0;
    size_t high = files->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = compare(key, files->entries[mid]);
        if (order == 0) {
            *ret_at = mid;
            return true;
        }
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    *ret_at = low;
    return false;
}

static int make_room(struct gw_files *files)
{
    if (files->count < files->room)
        return 0;
    size_t room = files->room ? files->room * 2 : 16;
    struct entry **grown = reallocarray(files->entries, room, sizeof(struct entry *));
    if (!grown)
        return -ENOMEM;
    files->entries = grown;
    files->room = room;
    return 0;
}

/* Takes ownership of both texts, even on failure. NULL without memory. */
static struct entry *new_entry(enum kind kind, char *path, char *whose)
{
    struct entry *e = path && whose ? malloc(sizeof(*e)) : NULL;
    if (!e) {
        free(path);
        free(whose);
        return NULL;
    }
    *e = (struct entry){.kind = kind, .path = path, .whose = whose};
    return e;
}

/* Takes ownership of the entry, even on failure. */
static int insert(struct gw_files *files, struct entry *e)
{
    size_t at;
    const struct key key = key_of(e);
    if (find(files, &key, &at) || make_room(files)) {
        free_entry(e);
        return -ENOMEM;
    }
    memmove(files->entries + at + 1, files->entries + at,
            (files->count - at) * sizeof(*files->entries));
    files->entries[at] = e;
    files->count++;
    return 0;
}

/* ---- the disk ---- */

/* Waits until a pipe has data. 0 or a negative errno. */
static int wait_for(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int n = poll(&p, 1, PIPE_PATIENCE_MS);
    return n > 0 || (n < 0 && errno == EINTR) ? 0 : n == 0 ? -ETIME : -errno;
}

static int read_whole(struct entry *e, int fd, size_t max)
{
    uint8_t piece[16384];
    int error = add_bytes(e, NULL, 0);
    while (!error) {
        ssize_t n = read(fd, piece, sizeof(piece));
        if (n == 0)
            break;
        if (n < 0 && errno == EAGAIN)
            error = wait_for(fd);
        else if (n < 0 && errno != EINTR)
            error = -errno;
        else if (n > 0 && (size_t)n > max - e->len)
            error = -EFBIG;
        else if (n > 0)
            error = add_bytes(e, piece, (size_t)n);
    }
    gw_wipe_object(&piece);
    return error;
}

/* A FIFO in a folder must not block a start or the loader: without a writer it is empty, and a
 * silent writer is waited for only a limited time. A terminal must not become the controlling
 * one. */
int gw_files_open_path(void *arg gw_unused, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

static int read_file(struct entry *e, int fd, const struct stat *st, size_t max)
{
    if (S_ISDIR(st->st_mode))
        return -EISDIR;
    e->mode = st->st_mode & 07777;
    e->owner = st->st_uid;
    return read_whole(e, fd, max);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

struct names {
    char **all;
    size_t count;
    size_t bytes; /* including the NUL of each */
};

static int add_name(struct names *names, const char *name, size_t max)
{
    size_t len = strlen(name) + 1;
    if (len > max - names->bytes)
        return -EFBIG;
    if (!gw_array_grow(&names->all, names->count, sizeof(*names->all)))
        return -ENOMEM;
    names->all[names->count] = strdup(name);
    if (!names->all[names->count])
        return -ENOMEM;
    names->count++;
    names->bytes += len;
    return 0;
}

static int collect(struct names *names, DIR *folder, size_t max)
{
    int error = 0;
    errno = 0;
    for (const struct dirent *d; !error && (d = readdir(folder)); errno = 0)
        if (d->d_name[0] != '.') /* a hidden one */
            error = add_name(names, d->d_name, max);
    return error ? error : -errno;
}

static int list_folder(struct names *names, int fd, size_t max)
{
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0); /* closedir closes it */
    DIR *folder = own < 0 ? NULL : fdopendir(own);
    if (!folder) {
        int error = -errno;
        gw_fd_close(&own);
        return error;
    }
    int error = collect(names, folder, max);
    (void)closedir(folder);
    return error;
}

static int read_folder(struct entry *e, int fd, const struct stat *st, size_t max)
{
    struct names names = {NULL};
    if (!S_ISDIR(st->st_mode))
        return -ENOTDIR;
    int error = list_folder(&names, fd, max);
    if (names.count)
        qsort(names.all, names.count, sizeof(*names.all), by_bytes);
    if (!error)
        error = add_bytes(e, NULL, 0);
    for (size_t i = 0; i < names.count; i++) {
        if (!error)
            error = add_bytes(e, names.all[i], strlen(names.all[i]) + 1);
        free(names.all[i]);
    }
    free(names.all);
    return error;
}

static int (*const readers[KIND_COUNT])(struct entry *e, int fd, const struct stat *st,
                                        size_t max) = {
    [KIND_FILE] = read_file,
    [KIND_FOLDER] = read_folder,
};

static int read_entry(const struct gw_files *files, struct entry *e, size_t max)
{
    struct stat st;
    gw_auto_fd fd = files->open(files->arg, e->path);
    if (fd < 0)
        return fd;
    return fstat(fd, &st) ? -errno : readers[e->kind](e, fd, &st, max);
}

static const struct entry *entry_of(const struct gw_files *files, const struct key *key)
{
    size_t at;
    return files && find(files, key, &at) ? files->entries[at] : NULL;
}

/* The entry in force: the earlier one if its owner has fallen back on that, while other owners may
 * have taken a later one. NULL: none, or an error. */
static const struct entry *in_force(const struct gw_files *files, const struct key *key)
{
    const struct key read = {key->kind, key->path, ""};
    const struct entry *e = entry_of(files->before, key);
    return e && !e->error ? e : entry_of(files, &read);
}

static int copy_last(const struct gw_files *last, struct entry *fresh)
{
    const struct key key = key_of(fresh);
    const struct entry *e = in_force(last, &key);
    if (!e || e->error)
        return -ENOENT;
    fresh->mode = e->mode;
    fresh->owner = e->owner;
    return add_bytes(fresh, e->data, e->len);
}

static int get(struct gw_files *files, enum kind kind, const char *path, size_t max,
               struct gw_file *ret)
{
    const struct key key = {kind, path, files->whose};
    size_t at;
    if (!find(files, &key, &at)) {
        if (files->closed)
            return -ESTALE;
        struct entry *fresh = new_entry(kind, strdup(path), strdup(files->whose));
        if (!fresh)
            return -ENOMEM;
        fresh->error = files->last ? copy_last(files->last, fresh) : read_entry(files, fresh, max);
        if (fresh->error)
            drop_data(fresh);
        if (insert(files, fresh))
            return -ENOMEM;
    }
    const struct entry *e = files->entries[at];
    if (e->error)
        return e->error;
    if (e->len > max)
        return -EFBIG;
    *ret = (struct gw_file){.data = e->data, .len = e->len, .mode = e->mode, .owner = e->owner};
    return 0;
}

int gw_files_read(struct gw_files *files, const char *path, size_t max, struct gw_file *ret)
{
    return get(files, KIND_FILE, path, max, ret);
}

int gw_files_list(struct gw_files *files, const char *folder, struct gw_file *ret)
{
    return get(files, KIND_FOLDER, folder, GW_FILES_LIST_MAX, ret);
}

static bool same(const struct entry *a, const struct entry *b)
{
    const struct key key = key_of(a);
    return compare(&key, b) == 0 && a->error == b->error && a->mode == b->mode &&
           a->owner == b->owner && a->len == b->len &&
           (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

bool gw_files_is_new(const struct gw_files *files, const char *path)
{
    const struct gw_files *last = files->before ? files->before->last : NULL;
    const struct key key = {KIND_FILE, path, ""};
    size_t at, last_at;
    if (files->closed || !find(files, &key, &at))
        return false;
    return !last || !find(last, &key, &last_at) ||
           !same(files->entries[at], last->entries[last_at]);
}

static bool same_entries(const struct gw_files *a, const struct gw_files *b)
{
    size_t count = a ? a->count : 0;
    if (count != (b ? b->count : 0))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!same(a->entries[i], b->entries[i]))
            return false;
    return true;
}

bool gw_files_equal(const struct gw_files *a, const struct gw_files *b)
{
    return same_entries(a, b) && same_entries(a->before, b->before) &&
           gw_notes_equal(&a->notes, &b->notes);
}

/* ---- sealed ---- */

static int write_whole(int fd, const void *data, size_t len)
{
    const uint8_t *at = data;
    while (len) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

static int write_entry(int fd, const struct entry *e, bool before)
{
    const struct sealed_entry head = {
        .kind = e->kind + (before ? KIND_COUNT : 0),
        .error = e->error,
        .mode = e->mode,
        .owner = e->owner,
        .path_len = (uint32_t)strlen(e->path),
        .whose_len = (uint32_t)strlen(e->whose),
        .len = e->len,
    };
    int error = write_whole(fd, &head, sizeof(head));
    if (!error)
        error = write_whole(fd, e->path, head.path_len);
    if (!error)
        error = write_whole(fd, e->whose, head.whose_len);
    return error ? error : write_whole(fd, e->data, e->len);
}

static int write_entries(int fd, const struct gw_files *files, bool before)
{
    int error = 0;
    for (size_t i = 0; !error && i < files->count; i++)
        error = write_entry(fd, files->entries[i], before);
    return error;
}

int gw_files_seal(const struct gw_files *files)
{
    int fd = memfd_create("ktlsgate-files", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int error = fd < 0 ? -errno : write_whole(fd, &files->time, sizeof(files->time));
    if (!error)
        error = write_entries(fd, files, false);
    if (!error && files->before)
        error = write_entries(fd, files->before, true);
    if (!error && fcntl(fd, F_ADD_SEALS, SEALS))
        error = -errno;
    if (error)
        gw_fd_close(&fd);
    return error ? error : fd;
}

struct sealed {
    const uint8_t *at;
    size_t left;
};

/* Takes the next `len` bytes. NULL when fewer are left. */
static const void *take(struct sealed *s, uint64_t len)
{
    if (len > s->left)
        return NULL;
    const uint8_t *p = s->at;
    s->at += len;
    s->left -= len;
    return p;
}

/* NULL also when it is too long or contains a NUL. */
static const char *take_text(struct sealed *s, uint32_t len)
{
    const char *text = len <= GW_FILES_PATH_MAX ? take(s, len) : NULL;
    return text && !memchr(text, '\0', len) ? text : NULL;
}

static int open_entry(struct gw_files *files, struct sealed *s)
{
    struct sealed_entry head;
    const void *p = take(s, sizeof(head));
    if (!p)
        return -EPROTO;
    memcpy(&head, p, sizeof(head));
    bool before = head.kind >= KIND_COUNT;
    const char *path = take_text(s, head.path_len);
    const char *whose = path ? take_text(s, head.whose_len) : NULL;
    const void *data = whose ? take(s, head.len) : NULL;
    if (!data || head.kind >= 2 * KIND_COUNT || head.error > 0 || !head.path_len ||
        (head.whose_len && !before))
        return -EPROTO;
    struct entry *e = new_entry((enum kind)(head.kind % KIND_COUNT), strndup(path, head.path_len),
                                strndup(whose, head.whose_len));
    if (!e)
        return -ENOMEM;
    e->error = head.error;
    e->mode = head.mode & 07777;
    e->owner = head.owner;
    if (!e->error && add_bytes(e, data, head.len)) {
        free_entry(e);
        return -ENOMEM;
    }
    if (before)
        files = need_before(files);
    if (files)
        return insert(files, e);
    free_entry(e);
    return -ENOMEM;
}

static int open_all(struct gw_files *files, const void *data, size_t len)
{
    struct sealed s = {data, len};
    const void *when = take(&s, sizeof(files->time));
    int error = when ? 0 : -EPROTO;
    if (when)
        memcpy(&files->time, when, sizeof(files->time));
    while (!error && s.left)
        error = open_entry(files, &s);
    return error;
}

int gw_files_open(struct gw_files **ret, int fd)
{
    struct stat st;
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & SEALS) != SEALS)
        return -EPROTO;
    if (fstat(fd, &st))
        return -errno;
    size_t len = (size_t)st.st_size;
    if (!len)
        return -EPROTO;
    void *data = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
        return -errno;
    struct gw_files *files = gw_files_new();
    int error = files ? open_all(files, data, len) : -ENOMEM;
    (void)munmap(data, len);
    if (error) {
        gw_files_free(files);
        return error;
    }
    files->closed = true;
    *ret = files;
    return 0;
}
