/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder of a CA: plain files that are always complete. An open folder is locked (flock): by
 * one writer, or by any number of readers. Changes are made in tmp/, synced and renamed into place,
 * and the target folder is synced. So a crash leaves the old or the new contents, and possibly
 * leftovers in tmp/, which the next writer removes. File names are relative to the folder. Errors
 * name the file and have GW_EXIT_START.
 */
#pragma once

#include "gateway/base/error.h"
#include "gateway/pki/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    GW_PKI_NAME_BYTES = 256,            /* a file name in the folder, including its NUL */
    GW_PKI_LOCK_PATIENCE_MS = 60 * 1000 /* how long to wait for another command to end */
};

enum gw_pki_access {
    GW_PKI_READ,
    GW_PKI_WRITE, /* also removes leftovers of a crash in tmp/ */
};

struct gw_pki_store {
    int fd;           /* the folder; -1: not open */
    const char *path; /* as given; must outlive the store */
};

/* Makes the folder (mode 0700) unless it exists. Refuses a folder that belongs to another user than
 * root, or that others may write to, here and at every opening. */
gw_must_check int gw_pki_store_create(const char *path, struct gw_error *err);
/* Opens and locks the folder; waits `patience_ms` for others. Returns 0; -EIO with *err filled. */
gw_must_check int gw_pki_store_open(struct gw_pki_store *ret, const char *path,
                                    enum gw_pki_access access, int patience_ms,
                                    struct gw_error *err);
/* Unlocks and closes. A store that is not open is allowed. */
void gw_pki_store_close(struct gw_pki_store *store);

/* Whether a file, folder or link of the name exists. */
bool gw_pki_store_has(const struct gw_pki_store *store, const char *name);
/* Reads a regular file of at most `max` bytes; does not follow a link. The caller ends *ret with
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
/* Makes a folder of mode 0700 unless it exists. */
gw_must_check int gw_pki_store_folder(const struct gw_pki_store *store, const char *name,
                                      struct gw_error *err);

/* A folder that appears completely or not at all: begin, add its files, then commit it under a name
 * that must be free. One at a time. After a failure the next begin starts anew. */
gw_must_check int gw_pki_stage_begin(const struct gw_pki_store *store, struct gw_error *err);
gw_must_check int gw_pki_stage_add(const struct gw_pki_store *store, const char *file, mode_t mode,
                                   const struct gw_pki_text *text, struct gw_error *err);
gw_must_check int gw_pki_stage_commit(const struct gw_pki_store *store, const char *name,
                                      struct gw_error *err);

/* Names in a folder, sorted. The caller ends it with gw_pki_names_done. */
struct gw_pki_names {
    char **items;
    size_t count;
};
gw_must_check int gw_pki_store_list(const struct gw_pki_store *store, const char *folder,
                                    struct gw_pki_names *ret, struct gw_error *err);
void gw_pki_names_done(struct gw_pki_names *names);

/* Removes a file, a link, or a folder with its contents. Succeeds if there is none. 0 or -errno. */
int gw_pki_store_remove(const struct gw_pki_store *store, const char *name);
/* Removes a whole CA that is not open. */
void gw_pki_store_destroy(const char *path);
