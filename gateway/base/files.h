/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contents of files as they were at one moment. Whoever loads certificates, keys, CRLs or a
 * configuration reads them through here, so that the process that may open them can hand exactly
 * what it has checked to another one, which then loads the same without touching the disk.
 *
 * A set either reads from disk and keeps what came (gw_files_new), or knows only what was kept
 * (gw_files_open). Contents are secrets: wiped by gw_files_free. Not for use by two threads.
 */
#pragma once

#include "gateway/base/attr.h"
#include "gateway/base/notes.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct gw_files;

struct gw_file {
    const uint8_t *data; /* owned by the set; never NULL, a NUL stands behind the last byte */
    size_t len;
    mode_t mode; /* permission bits */
    uid_t owner;
};

/* Opens a file or a folder for reading. Returns a descriptor, the caller's; a negative errno. */
typedef int gw_files_opener(void *arg, const char *path);

/* By this process itself; `arg` is not looked at. A FIFO is not waited for. */
gw_must_check int gw_files_open_path(void *arg, const char *path);

/* An empty set that reads from disk. NULL without memory. */
struct gw_files *gw_files_new(void);
/* One whose files are opened by `opener`, which may get them from another process. */
struct gw_files *gw_files_new_by(gw_files_opener *opener, void *arg);
void gw_files_free(struct gw_files *files); /* NULL is allowed */

/* The moment, in seconds since 1970: when the set was made; of one that was opened, when the one
 * was that it copies. What has dates is judged by it when it is loaded: so whoever loads a copy
 * comes to the same end, however late. */
int64_t gw_files_time(const struct gw_files *files);

/* What there is to say of what was read; owned by the set. A copy that is opened has none: what was
 * read has been told of. */
struct gw_notes *gw_files_notes(struct gw_files *files);

/*
 * Lets the set fall back on the files of `last`, the set that is in force: see gw_files_before.
 * `last` must outlive what is loaded through the set; NULL: that is over. Before the first file is
 * read. Returns 0 or -ENOMEM.
 */
gw_must_check int gw_files_follow(struct gw_files *files, const struct gw_files *last);

/*
 * The files as they are in force, for whoever finds that those of `files` are not good; NULL where
 * nothing is known of any. What is read through it belongs to `files`: it is compared, sealed and
 * opened with it, so that whoever loads a copy comes to the same end.
 * A file that several name may be in force as it was for one of them and as it is for another:
 * `whose` tells them apart (at most GW_FILES_PATH_MAX bytes). It must outlive what is read until
 * the next call.
 */
struct gw_files *gw_files_before(struct gw_files *files, const char *whose);

/*
 * The whole file, which may have at most `max` bytes. A file that was read before, with whatever
 * result, is not read again. Returns 0; a negative errno as open(2) and read(2) give it; -EFBIG;
 * -ENOMEM; -ETIME for a pipe whose other end is open and gives nothing for ten seconds; -ESTALE
 * when the set only knows what was kept, and this was not.
 */
gw_must_check int gw_files_read(struct gw_files *files, const char *path, size_t max,
                                struct gw_file *ret);

/*
 * The names in a folder, sorted, each ended by a NUL, one after the other in ret->data; hidden ones
 * are left out. At most GW_FILES_LIST_MAX bytes. Returns as gw_files_read.
 */
gw_must_check int gw_files_list(struct gw_files *files, const char *folder, struct gw_file *ret);

/* Whether both hold the same paths with the same contents and results, and the same is said of
 * them. */
bool gw_files_equal(const struct gw_files *a, const struct gw_files *b);

/* Writes the set to an anonymous file that nobody can change any more (memfd_create(2) with its
 * seals). Returns its descriptor or a negative errno. */
gw_must_check int gw_files_seal(const struct gw_files *files);

/* The set that lies in such a file; the descriptor stays the caller's. Returns 0; -EPROTO when it
 * is damaged or not sealed; -ENOMEM; other negative errnos of reading. */
gw_must_check int gw_files_open(struct gw_files **ret, int fd);

enum {
    GW_FILES_LIST_MAX = 4 << 20,
    GW_FILES_PATH_MAX = 4096,
};
