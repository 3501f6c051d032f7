/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration file (--config): keys of the whole gateway, and a section for each service:
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
 * The keys are the flags of `ktlsgate server` and `ktlsgate client` without the dashes, and so is
 * what they take; a key without a value takes on or off. What may be repeated may be a list, stand
 * several times, or both. What the text may hold stands in gateway/config/filetext.h; there is no
 * include. No key takes a secret: keys are files.
 */
#pragma once

#include "gateway/base/files.h"
#include "gateway/config/draft.h"

enum {
    GW_CONFIGFILE_MAX = 32 << 20 /* bytes: 100,000 rules with room */
};

/* The services of a file, each a draft of its own with the same configuration. */
struct gw_drafts {
    struct gw_draft *of[GW_MAX_SERVICES];
    unsigned count;
};

/*
 * Reads the file through `files` (NULL: from disk): its global keys into `whole`, and a draft for
 * each section, with its defaults not yet set. Returns 0; a negative errno with the error filled,
 * which names file, line, section and key. The drafts are to be freed in either case.
 */
gw_must_check int gw_configfile_read(struct gw_draft *whole, const char *path,
                                     struct gw_files *files, struct gw_drafts *ret);
void gw_drafts_done(struct gw_drafts *drafts); /* not their services: the configuration's */
