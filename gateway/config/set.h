/* SPDX-License-Identifier: Apache-2.0 */
/* Setters: from the text of a value to the draft. The option's row names its setter and the range
 * it checks. The contract is `set` in gateway/config/options.h. */
#pragma once

#include "gateway/config/options.h"

/* Store a value of the kind at the row's offset, in the type named beside. */
int gw_set_switch(struct gw_draft *d, const struct gw_option *opt, const char *value);   /* bool */
int gw_set_on_off(struct gw_draft *d, const struct gw_option *opt, const char *value);   /* bool */
int gw_set_word(struct gw_draft *d, const struct gw_option *opt, const char *value);     /* enum */
int gw_set_count(struct gw_draft *d, const struct gw_option *opt, const char *value);    /* u32 */
int gw_set_size(struct gw_draft *d, const struct gw_option *opt, const char *value);     /* u32 */
int gw_set_duration(struct gw_draft *d, const struct gw_option *opt, const char *value); /* i64 */
int gw_set_text(struct gw_draft *d, const struct gw_option *opt, const char *value);
/* in the next free place */
int gw_set_path(struct gw_draft *d, const struct gw_option *opt, const char *value);
int gw_set_names(struct gw_draft *d, const struct gw_option *opt, const char *value);
int gw_set_tls_version(struct gw_draft *d, const struct gw_option *opt, const char *value);

/* Values with a place of their own. */
int gw_set_ask(struct gw_draft *d, const struct gw_option *opt, const char *value);
int gw_set_config(struct gw_draft *d, const struct gw_option *opt, const char *value);
int gw_set_listen(struct gw_draft *d, const struct gw_option *opt, const char *value);
int gw_set_target_name(struct gw_draft *d, const struct gw_option *opt, const char *value);
int gw_set_target(struct gw_draft *d, const struct gw_option *opt, const char *value);
int gw_set_cert(struct gw_draft *d, const struct gw_option *opt, const char *value);
int gw_set_cert_dir(struct gw_draft *d, const struct gw_option *opt, const char *value);
int gw_set_glob(struct gw_draft *d, const struct gw_option *opt, const char *value);
int gw_set_ocsp_file(struct gw_draft *d, const struct gw_option *opt, const char *value);
int gw_set_key(struct gw_draft *d, const struct gw_option *opt, const char *value);
int gw_set_rule(struct gw_draft *d, const struct gw_option *opt, const char *value);
int gw_set_deny(struct gw_draft *d, const struct gw_option *opt, const char *value);
int gw_set_alpn(struct gw_draft *d, const struct gw_option *opt, const char *value);
int gw_set_networks(struct gw_draft *d, const struct gw_option *opt, const char *value);
int gw_set_workers(struct gw_draft *d, const struct gw_option *opt, const char *value);
int gw_set_cpus(struct gw_draft *d, const struct gw_option *opt, const char *value);

/* Setters of `pki` (gateway/config/pki.c). */
int gw_set_san(struct gw_draft *d, const struct gw_option *opt, const char *value);
int gw_set_permit_dns(struct gw_draft *d, const struct gw_option *opt, const char *value);
int gw_set_permit_ip(struct gw_draft *d, const struct gw_option *opt, const char *value);
int gw_set_permit_uri(struct gw_draft *d, const struct gw_option *opt, const char *value);
int gw_set_permit_email(struct gw_draft *d, const struct gw_option *opt, const char *value);
