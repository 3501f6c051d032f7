/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contents of files at one moment. All loads of certificates, keys, CRLs or a configuration go
 * through this module. So the process that may open them can pass exactly the contents that it
 * checked to another process, which loads the same without reading the disk.
 *
 * A set either reads from disk and stores the contents (gw_files_new), or has only stored contents
 * (gw_files_open). Contents are secrets: gw_files_free wipes them. Not thread-safe.
 */
#pragma once

#include "gateway/base/attr.h"
#include "gateway/base/notes.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct gw_files;

struct gw_file {
    const uint8_t *data; /* owned by the set; never NULL, and followed by a NUL */
    size_t len;
    mode_t mode; /* permission bits */
    uid_t owner;
};

/* Opens a file or a folder for reading. Returns a descriptor, owned by the caller, or a negative
 * errno. */
typedef int gw_files_opener(void *arg, const char *path);

/* Opens in this process; ignores `arg`. Does not wait for a FIFO. */
gw_must_check int gw_files_open_path(void *arg, const char *path);

/* An empty set that reads from disk. NULL without memory. */
struct gw_files *gw_files_new(void);
/* A set whose files `opener` opens, which may get them from another process. */
struct gw_files *gw_files_new_by(gw_files_opener *opener, void *arg);
void gw_files_free(struct gw_files *files); /* NULL is allowed */

/* The set's moment in seconds since 1970: when it was made; for an opened copy, when the original
 * was made. Dates are judged by it at load, so a load of a copy has the same result, however
 * late. */
int64_t gw_files_time(const struct gw_files *files);

/* The notes about the files, owned by the set. An opened copy has none: they were reported when the
 * files were read. */
struct gw_notes *gw_files_notes(struct gw_files *files);

/*
 * Lets the set fall back on the files of `last`, the set in force: see gw_files_before. `last` must
 * outlive all loads through this set; NULL ends the fallback. Call it before the first file is
 * read. Returns 0 or -ENOMEM.
 */
gw_must_check int gw_files_follow(struct gw_files *files, const struct gw_files *last);

/*
 * The files in force, for a load that finds those of `files` unusable. NULL if there are none.
 * Files read through it belong to `files`: they are compared, sealed and opened with it, so that a
 * load of a copy has the same result.
 *
 * For a file with several owners, different contents may be in force: `whose` (at most
 * GW_FILES_PATH_MAX bytes) identifies the owner. It must stay valid for all reads until the next
 * call.
 */
struct gw_files *gw_files_before(struct gw_files *files, const char *whose);

/*
 * The whole file, of at most `max` bytes. A file that was read before, with any result, is not read
 * again. Returns 0; a negative errno from open(2) or read(2); -EFBIG; -ENOMEM; -ETIME for a pipe
 * whose writer sends nothing for ten seconds; -ESTALE when the set has only stored contents, and
 * not this file's.
 */
gw_must_check int gw_files_read(struct gw_files *files, const char *path, size_t max,
                                struct gw_file *ret);

/*
 * The names in a folder, sorted, each terminated by a NUL, one after another in ret->data, without
 * hidden ones. At most GW_FILES_LIST_MAX bytes. Returns like gw_files_read.
 */
gw_must_check int gw_files_list(struct gw_files *files, const char *folder, struct gw_file *ret);

/* Whether the file was read from disk and is not in force with the same contents. False for an
 * opened copy, whose files were judged where they were read. */
bool gw_files_is_new(const struct gw_files *files, const char *path);

/* Whether both have the same paths with the same contents and results, and the same notes. */
bool gw_files_equal(const struct gw_files *a, const struct gw_files *b);

/* Writes the set to an anonymous file that is sealed against changes (memfd_create(2)). Returns its
 * descriptor or a negative errno. */
gw_must_check int gw_files_seal(const struct gw_files *files);

/* Opens the set in such a file; the descriptor stays the caller's. Returns 0; -EPROTO when it is
 * damaged or not sealed; -ENOMEM; other negative errnos from reading. */
gw_must_check int gw_files_open(struct gw_files **ret, int fd);

enum {
    GW_FILES_LIST_MAX = 4 << 20,
    GW_FILES_PATH_MAX = 4096,
};
