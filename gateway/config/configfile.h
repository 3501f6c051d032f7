/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration file (--config): keys for the whole gateway, and a section for each service:
 *
 *   log-format = json
 *   service web {
 *       listen = ":8443"
 *       target = 127.0.0.1:8080
 *       cert = web.pem
 *       cacert = clients-ca.pem
 *       allow-dns = {"*.example.com", admin.example.org}
 *   }
 *   client db { listen = 127.0.0.1:5432  target = db.example.com:8443  cacert = ca.pem }
 *
 * The keys and their values are the flags of `ktlsgate server` and `ktlsgate client` without the
 * dashes. A key for a flag without a value takes on or off. A repeatable key may have a list, be
 * repeated, or both. gateway/config/filetext.h defines the syntax of the text. There is no include.
 * No key takes a secret: keys are files.
 */
#pragma once

#include "gateway/base/files.h"
#include "gateway/config/draft.h"

enum {
    GW_CONFIGFILE_MAX = 32 << 20 /* bytes: room for 100,000 rules and more */
};

/* The services of a file: one draft each, sharing one configuration. */
struct gw_drafts {
    struct gw_draft *of[GW_MAX_SERVICES];
    unsigned count;
};

/*
 * Reads the file through `files` (NULL: from disk): its global keys into `whole`, and a draft for
 * each section, without defaults. Returns 0, or a negative errno with the error filled, which names
 * file, line, section and key. The caller frees the drafts in either case.
 */
gw_must_check int gw_configfile_read(struct gw_draft *whole, const char *path,
                                     struct gw_files *files, struct gw_drafts *ret);
/* except for their services, which the configuration owns */
void gw_drafts_done(struct gw_drafts *drafts);
