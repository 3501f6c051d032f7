/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/config/ids.h"

#include "gateway/config/units.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>

/* An entry may be long (a group with thousands of members), but there is a limit. */
enum {
    ENTRY_BYTES_FIRST = 4096,
    ENTRY_BYTES_MAX = 1 << 20
};

static int refuse(int error, const char *why, const char **ret_why)
{
    *ret_why = why;
    return error;
}

/* Whole numbers below -1, which system calls take for "no id". */
static bool read_id(const char *text, uint32_t *ret_id)
{
    uint64_t n;
    const char *unused;
    if (gw_units_count(text, &n, &unused) || n >= UINT32_MAX)
        return false;
    *ret_id = (uint32_t)n;
    return true;
}

struct found {
    bool exists;
    uint32_t uid;
    uint32_t gid;
};

static int ask_user(const char *name, char *buf, size_t len, struct found *found)
{
    struct passwd entry;
    struct passwd *result = NULL;
    uint32_t id;
    int error = getpwnam_r(name, &entry, buf, len, &result);
    if (!error && !result && read_id(name, &id))
        error = getpwuid_r(id, &entry, buf, len, &result);
    if (!error && result)
        *found = (struct found){.exists = true, .uid = entry.pw_uid, .gid = entry.pw_gid};
    return error;
}

static int ask_group(const char *name, char *buf, size_t len, struct found *found)
{
    struct group entry;
    struct group *result = NULL;
    int error = getgrnam_r(name, &entry, buf, len, &result);
    if (!error && result)
        *found = (struct found){.exists = true, .gid = entry.gr_gid};
    return error;
}

/* Repeats the query with a larger buffer until the entry fits. */
static int ask(int (*one)(const char *, char *, size_t, struct found *), const char *name,
               struct found *found)
{
    int error = ERANGE;
    for (size_t len = ENTRY_BYTES_FIRST; error == ERANGE && len <= ENTRY_BYTES_MAX; len *= 4) {
        char *buf = malloc(len);
        error = buf ? one(name, buf, len, found) : ENOMEM;
        free(buf);
    }
    /* getpwnam(3): some name services report "not found" with one of these. */
    return error == ENOENT || error == ESRCH || error == EBADF || error == EPERM ? 0 : error;
}

int gw_ids_user(const char *name, bool want_group, uid_t *ret_uid, gid_t *ret_gid,
                const char **ret_why)
{
    struct found found = {.exists = false};
    uint32_t id;
    if (ask(ask_user, name, &found))
        return refuse(-EIO, "the user database cannot be read", ret_why);
    if (!found.exists && !read_id(name, &id))
        return refuse(-ENOENT, "there is no such user; create it or name another", ret_why);
    if (!found.exists && want_group)
        return refuse(-ENOENT, "no user has this number, so give --group too", ret_why);
    *ret_uid = found.exists ? found.uid : id;
    if (want_group)
        *ret_gid = found.gid;
    return 0;
}

int gw_ids_group(const char *name, gid_t *ret_gid, const char **ret_why)
{
    struct found found = {.exists = false};
    uint32_t id;
    if (ask(ask_group, name, &found))
        return refuse(-EIO, "the group database cannot be read", ret_why);
    if (!found.exists && !read_id(name, &id))
        return refuse(-ENOENT, "there is no such group; create it or name another", ret_why);
    *ret_gid = found.exists ? found.gid : id;
    return 0;
}
