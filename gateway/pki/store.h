/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder of a CA: plain files that are always whole. Whoever has it open holds its lock (flock
 * on the folder): one writer, or any number of readers. What is written is made in tmp/, synced and
 * renamed into place, and the folder it went to is synced; so a crash leaves the old or the new,
 * and perhaps rubbish in tmp/, which the next writer throws away. File names are relative to the
 * folder. Errors name the file and are of GW_EXIT_START.
 */
#pragma once

#include "gateway/base/error.h"
#include "gateway/pki/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    GW_PKI_NAME_BYTES = 256,            /* a file name in here, with its NUL */
    GW_PKI_LOCK_PATIENCE_MS = 60 * 1000 /* for another command to end */
};

enum gw_pki_access {
    GW_PKI_READ,
    GW_PKI_WRITE, /* throws away what a crash left in tmp/ */
};

struct gw_pki_store {
    int fd;           /* the folder; -1: not open */
    const char *path; /* as given; the caller keeps it alive */
};

/* Makes the folder (mode 0700) unless there is one. One that belongs to somebody else but root, or
 * that others may write to, is refused here, and whenever it is opened. */
gw_must_check int gw_pki_store_create(const char *path, struct gw_error *err);
/* Opens and locks it, waiting `patience_ms` for others. Returns 0; -EIO with *err filled. */
gw_must_check int gw_pki_store_open(struct gw_pki_store *ret, const char *path,
                                    enum gw_pki_access access, int patience_ms,
                                    struct gw_error *err);
/* Unlocks and closes; a store that is not open is fine. */
void gw_pki_store_close(struct gw_pki_store *store);

/* Whether there is a file, folder or link of the name. */
bool gw_pki_store_has(const struct gw_pki_store *store, const char *name);
/* Reads a regular file of at most `max` bytes, not through a link. The caller ends *ret with
 * gw_pki_text_done. `ret_mode` (may be NULL): its permission bits. */
gw_must_check int gw_pki_store_read(const struct gw_pki_store *store, const char *name, size_t max,
                                    struct gw_pki_text *ret, mode_t *ret_mode,
                                    struct gw_error *err);
/* Makes or replaces a file. */
gw_must_check int gw_pki_store_write(const struct gw_pki_store *store, const char *name,
                                     mode_t mode, const void *data, size_t len,
                                     struct gw_error *err);
/* Makes or replaces a symbolic link. */
gw_must_check int gw_pki_store_link(const struct gw_pki_store *store, const char *name,
                                    const char *target, struct gw_error *err);
/* Whether the name is a link to the target. */
bool gw_pki_store_links_to(const struct gw_pki_store *store, const char *name, const char *target);
/* Makes a folder of mode 0700, or finds it. */
gw_must_check int gw_pki_store_folder(const struct gw_pki_store *store, const char *name,
                                      struct gw_error *err);

/* A folder that comes whole or not at all: begin, add its files, then commit it under a name that
 * must be free. One at a time. After a failure the next begin starts anew. */
gw_must_check int gw_pki_stage_begin(const struct gw_pki_store *store, struct gw_error *err);
gw_must_check int gw_pki_stage_add(const struct gw_pki_store *store, const char *file, mode_t mode,
                                   const struct gw_pki_text *text, struct gw_error *err);
gw_must_check int gw_pki_stage_commit(const struct gw_pki_store *store, const char *name,
                                      struct gw_error *err);

/* Names in a folder, sorted; the caller ends it with gw_pki_names_done. */
struct gw_pki_names {
    char **items;
    size_t count;
};
gw_must_check int gw_pki_store_list(const struct gw_pki_store *store, const char *folder,
                                    struct gw_pki_names *ret, struct gw_error *err);
void gw_pki_names_done(struct gw_pki_names *names);

/* Removes a file, a link, or a folder with all in it; that there is none is fine. 0 or -errno. */
int gw_pki_store_remove(const struct gw_pki_store *store, const char *name);
/* The same for a whole CA that is not open. */
void gw_pki_store_destroy(const char *path);
