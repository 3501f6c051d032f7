/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/proc/privilege.h"

#include "gateway/base/wipe.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define READING (UINT32_C(1) << CAP_DAC_READ_SEARCH)

static int fail(struct gw_error *err, const char *flag, const char *name, int error)
{
    return gw_error_set(err, GW_EXIT_START, "--%s %s: cannot switch to that %s: %s%s", flag, name,
                        flag, strerror(error), error == EPERM ? "; start as root" : "");
}

static bool is_group_alone(gid_t gid)
{
    gid_t r, e, s;
    return !getresgid(&r, &e, &s) && r == gid && e == gid && s == gid;
}

static bool is_user_alone(uid_t uid)
{
    uid_t r, e, s;
    return !getresuid(&r, &e, &s) && r == uid && e == uid && s == uid;
}

static int become_group(const struct gw_config *c, struct gw_error *err)
{
    const char *flag = c->group ? "group" : "user";
    const char *name = c->group ? c->group : c->user;
    if (is_group_alone(c->gid) && geteuid())
        return 0; /* already started with that group: nothing to do, and no right to do it */
    if (setgroups(0, NULL) || setresgid(c->gid, c->gid, c->gid))
        return fail(err, flag, name, errno);
    return is_group_alone(c->gid) ? 0 : fail(err, flag, name, EPERM);
}

static int become_user(const struct gw_config *c, struct gw_error *err)
{
    if (is_user_alone(c->uid) && c->uid)
        return 0;
    if (setresuid(c->uid, c->uid, c->uid))
        return fail(err, "user", c->user, errno);
    return is_user_alone(c->uid) ? 0 : fail(err, "user", c->user, EPERM);
}

/* The capabilities that this process may use, of the first 32. 0 also if the kernel does not report
 * them. */
static uint32_t permitted(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = {{0}};
    return syscall(SYS_capget, &head, caps) ? 0 : caps[0].permitted;
}

/* Keeps those of `kept` (a mask of the first 32) that the process has. */
static int drop_capabilities(uint32_t kept)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = {{0}};
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    kept &= permitted();
    caps[0].permitted = caps[0].effective = kept;
    return syscall(SYS_capset, &head, caps) ? -errno : 0;
}

/* Detects a set-uid call that succeeds when it must fail, a typical privilege bug. */
static bool can_go_back(void)
{
    if (!setuid(0) || !seteuid(0))
        return true;
    return getgid() && (!setgid(0) || !setegid(0)); /* unless --group requested it */
}

static int drop_for_good(uint32_t kept, struct gw_error *err)
{
    int r = drop_capabilities(kept);
    if (r)
        return gw_error_set(err, GW_EXIT_START, "the capabilities cannot be dropped: %s",
                            strerror(-r));
    if (can_go_back())
        return gw_error_set(err, GW_EXIT_START,
                            "root rights can be regained after dropping them; refusing to run");
    return 0;
}

static int drop(const struct gw_config *config, uint32_t kept, struct gw_error *err)
{
    int r = 0;
    if (config->user || config->group)
        r = become_group(config, err);
    if (!r && config->user)
        r = become_user(config, err);
    if (!r && geteuid())
        r = drop_for_good(kept, err);
    if (!r && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        r = gw_error_set(err, GW_EXIT_START, "no_new_privs cannot be set: %s", strerror(errno));
    /* Last: a change of user resets the dump flag. */
    gw_wipe_forbid_dumps();
    return r;
}

int gw_privilege_drop(const struct gw_config *config, struct gw_error *err)
{
    return drop(config, 0, err);
}

bool gw_privilege_reads_all(void)
{
    return permitted() & READING;
}

bool gw_privilege_will_drop(const struct gw_config *config)
{
    return config->user ? config->uid != 0 : geteuid() != 0;
}

int gw_privilege_keep_reading(const struct gw_config *config, struct gw_error *err)
{
    /* Keeps them across the change of user. Nothing here calls exec. */
    (void)prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
    int r = drop(config, READING, err);
    (void)prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
    return r;
}
