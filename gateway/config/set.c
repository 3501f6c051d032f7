/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/config/set.h"

#include "gateway/base/array.h"
#include "gateway/config/address.h"
#include "gateway/config/cpus.h"
#include "gateway/config/pattern.h"
#include "gateway/config/units.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    ALPN_NAME_MAX = 255
}; /* RFC 7301 3.1 */

static void *place_of(struct gw_draft *d, const struct gw_option *opt)
{
    return (char *)(opt->in_service ? (void *)d->service : (void *)d->config) + opt->at;
}

static int keep(struct gw_draft *d, const char *value, const char **ret_copy)
{
    const char *copy = gw_draft_keep(d, value, strlen(value));
    if (!copy)
        return -ENOMEM;
    *ret_copy = copy;
    return 0;
}

static int need_room(struct gw_draft *d, const struct gw_option *opt, unsigned count, unsigned max)
{
    if (count < max)
        return 0;
    return gw_draft_refuse(d, GW_EXIT_USAGE, "--%s: more than %u are given; leave some out",
                           opt->name, max);
}

/* Makes room for one more in an array of gateway/base/array.h. */
static int grow(struct gw_draft *d, const struct gw_option *opt, void *array, unsigned count,
                unsigned max, size_t size)
{
    int error = need_room(d, opt, count, max);
    if (error || gw_array_grow(array, count, size))
        return error;
    (void)gw_draft_refuse(d, GW_EXIT_OTHER, "out of memory");
    return -ENOMEM;
}

int gw_set_switch(struct gw_draft *d, const struct gw_option *opt, const char *value gw_unused)
{
    *(bool *)place_of(d, opt) = true;
    return 0;
}

int gw_set_ask(struct gw_draft *d, const struct gw_option *opt, const char *value gw_unused)
{
    d->config->ask = (enum gw_ask)opt->first;
    return 0;
}

/* Index of the value among the row's words. -EINVAL with the error filled when it is not one of
 * them. */
static int find_word(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    char all[128];
    size_t len = 0;
    for (int i = 0; opt->words[i]; i++) {
        if (!strcmp(opt->words[i], value))
            return i;
        const char *before = i == 0 ? "" : opt->words[i + 1] ? ", " : " or ";
        len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s", before, opt->words[i]);
        gw_require(len < sizeof(all));
    }
    return gw_draft_refuse_value(d, opt, value, "give %s", all);
}

int gw_set_word(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    int word = find_word(d, opt, value);
    if (word < 0)
        return word;
    word += opt->first;
    memcpy(place_of(d, opt), &word, sizeof(word));
    return 0;
}

int gw_set_on_off(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    int word = find_word(d, opt, value);
    if (word < 0)
        return word;
    *(bool *)place_of(d, opt) = word == 0;
    return 0;
}

/* Whether the value names a version below TLS 1.2: in OpenSSL's or HAProxy's spelling, or bare. */
static bool is_old_tls(const char *value)
{
    bool ssl = !strncasecmp(value, "ssl", 3);
    size_t name = ssl || !strncasecmp(value, "tls", 3) ? 3 : 0;
    const char *version = value + name + (value[name] == 'v' || value[name] == 'V');
    return ssl || !strcmp(version, "1") || !strcmp(version, "1.0") || !strcmp(version, "1.1");
}

int gw_set_tls_version(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    if (is_old_tls(value))
        return gw_draft_refuse_value(d, opt, value,
                                     "versions below TLS 1.2 are broken and not offered "
                                     "(RFC 8996); give 1.2 or 1.3");
    int word = find_word(d, opt, value);
    if (word < 0)
        return word;
    *(uint16_t *)place_of(d, opt) = (uint16_t)(opt->first + word);
    return 0;
}

int gw_set_count(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    uint64_t n;
    const char *why;
    int error = gw_units_count(value, &n, &why);
    if (!error && (n < (uint64_t)opt->min || n > (uint64_t)opt->max)) {
        error = -ERANGE;
        why = "the number is out of range";
    }
    if (error)
        return gw_draft_refuse_value(
            d, opt, value, "%s; give %sa whole number from %" PRId64 " to %" PRId64, why,
            opt->set == gw_set_workers ? "auto or " : "", opt->min, opt->max);
    *(uint32_t *)place_of(d, opt) = (uint32_t)n;
    return 0;
}

int gw_set_size(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    uint64_t n;
    const char *why;
    int error = gw_units_size(value, &n, &why);
    if (!error && (n < (uint64_t)opt->min || n > (uint64_t)opt->max)) {
        error = -ERANGE;
        why = "the size is out of range";
    }
    if (error)
        return gw_draft_refuse_value(d, opt, value, "%s; give %" PRId64 "k to %" PRId64 "k", why,
                                     opt->min >> 10, opt->max >> 10);
    *(uint32_t *)place_of(d, opt) = (uint32_t)n;
    return 0;
}

int gw_set_duration(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    int64_t ns;
    const char *why;
    char min[GW_UNITS_TEXT_MAX];
    char max[GW_UNITS_TEXT_MAX];
    const char *example = opt->initial && strcmp(opt->initial, "0") != 0 ? opt->initial : NULL;
    int error = gw_units_duration(value, &ns, &why);
    if (!error && (ns < opt->min || ns > opt->max) && !(ns == 0 && opt->zero_off)) {
        error = -ERANGE;
        why = "the duration is out of range";
    }
    if (error)
        return gw_draft_refuse_value(
            d, opt, value, "%s; give %s to %s%s%s%s", why, gw_units_duration_text(opt->min, min),
            gw_units_duration_text(opt->max, max), opt->zero_off ? " or 0 for off" : "",
            example ? ", such as " : "", example ? example : "");
    *(int64_t *)place_of(d, opt) = ns;
    return 0;
}

int gw_set_text(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    return keep(d, value, place_of(d, opt));
}

/* Stores the value in the next free place of GW_MAX_TRUST_PATHS. */
int gw_set_path(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    const char **paths = place_of(d, opt);
    unsigned count = 0;
    while (paths[count])
        count++;
    int error = need_room(d, opt, count, GW_MAX_TRUST_PATHS);
    return error ? error : keep(d, value, &paths[count]);
}

/* Names joined by ':'. OpenSSL's other signs (`!`, `@`, `+`) could only weaken the policy. */
int gw_set_names(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    size_t name = 0;
    for (const char *at = value;; at++) {
        if (*at != '\0' && *at != ':') {
            if (!isalnum((unsigned char)*at) && !strchr("-_.", *at))
                return gw_draft_refuse_value(
                    d, opt, value, "'%c' cannot be in a name; give names joined by ':'", *at);
            name++;
            continue;
        }
        if (!name)
            return gw_draft_refuse_value(d, opt, value,
                                         "a name is empty; give names joined by ':'");
        name = 0;
        if (!*at)
            return gw_set_text(d, opt, value);
    }
}

int gw_set_config(struct gw_draft *d, const struct gw_option *opt gw_unused, const char *value)
{
    return keep(d, value, &d->config_file);
}

static int check_address(struct gw_draft *d, const struct gw_option *opt, const char *value,
                         enum gw_address_use use)
{
    struct gw_address_spec spec;
    const char *why;
    if (!gw_address_read(value, use, &spec, &why))
        return 0;
    return gw_draft_refuse_value(d, opt, value, "%s; give %s", why, opt->value);
}

int gw_set_listen(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    int error = check_address(d, opt, value, GW_ADDRESS_LISTEN);
    if (!error)
        error = need_room(d, opt, d->listen_count, GW_MAX_ADDRESSES);
    if (!error)
        error = keep(d, value, &d->listen[d->listen_count]);
    d->listen_count += !error;
    return error;
}

int gw_set_target(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    int error = check_address(d, opt, value, GW_ADDRESS_TARGET);
    return error ? error : keep(d, value, &d->target);
}

int gw_set_target_name(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    struct gw_tls_side *side = place_of(d, opt);
    side->peer_unnamed = strcmp(value, "none") == 0;
    if (side->peer_unnamed)
        return 0;
    if (!gw_address_is_host(value))
        return gw_draft_refuse_value(d, opt, value,
                                     "it is neither a DNS name nor an address; give one, without "
                                     "a port and without brackets");
    size_t len = gw_address_name_len(value);
    side->peer_name = gw_draft_keep(d, value, len);
    return side->peer_name ? 0 : -ENOMEM;
}

int gw_set_cert(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    struct gw_tls_side *side = place_of(d, opt);
    struct gw_cert_pair pair = {NULL};
    int error = grow(d, opt, &side->certs, side->cert_count, GW_MAX_CERTS, sizeof(pair));
    if (!error)
        error = keep(d, value, &pair.cert_file);
    if (!error)
        side->certs[side->cert_count++] = pair;
    return error;
}

int gw_set_cert_dir(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    struct gw_tls_side *side = place_of(d, opt);
    const char *folder;
    int error =
        grow(d, opt, &side->cert_dirs, side->cert_dir_count, GW_MAX_CERT_DIRS, sizeof(folder));
    if (!error)
        error = keep(d, value, &folder);
    if (!error)
        side->cert_dirs[side->cert_dir_count++] = folder;
    return error;
}

/* For names in a folder. The time of fnmatch(3) depends only on the lengths of both. */
int gw_set_glob(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    if (strlen(value) > NAME_MAX)
        return gw_draft_refuse_value(d, opt, value, "a pattern has at most %d bytes", NAME_MAX);
    if (strchr(value, '/'))
        return gw_draft_refuse_value(
            d, opt, value,
            "it can never match: file names have no '/' in them; give folders with --cert-dir");
    return gw_set_text(d, opt, value);
}

static int set_beside(struct gw_draft *d, const struct gw_option *opt, const char *value,
                      struct gw_draft_beside **files, unsigned *count)
{
    const struct gw_tls_side *side = place_of(d, opt);
    struct gw_draft_beside file = {.after = side->cert_count};
    int error = grow(d, opt, files, *count, GW_MAX_CERTS, sizeof(file));
    if (!error)
        error = keep(d, value, &file.file);
    if (!error)
        (*files)[(*count)++] = file;
    return error;
}

int gw_set_key(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    return set_beside(d, opt, value, &d->keys, &d->key_count);
}

int gw_set_ocsp_file(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    return set_beside(d, opt, value, &d->ocsps, &d->ocsp_count);
}

static int add_rule(struct gw_draft *d, const struct gw_option *opt, const char *value, bool deny)
{
    struct gw_rule rule = {.kind = (enum gw_rule_kind)opt->first, .deny = deny};
    char normal[GW_PATTERN_BYTES_MAX];
    const char *why;
    int error = need_room(d, opt, d->service->rule_count, GW_MAX_RULES);
    if (!error && value && gw_pattern_read(rule.kind, value, normal, &why))
        error = gw_draft_refuse_value(d, opt, value, "it can never match: %s", why);
    if (!error && value)
        error = keep(d, value, &rule.pattern);
    return error ? error : gw_draft_add_rule(d, &rule);
}

int gw_set_rule(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    return add_rule(d, opt, value, false);
}

int gw_set_deny(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    return add_rule(d, opt, value, true);
}

static int add_alpn(struct gw_draft *d, const struct gw_option *opt, const char *name, size_t len,
                    const char *value)
{
    struct gw_tls_side *side = place_of(d, opt);
    if (!len || len > ALPN_NAME_MAX)
        return gw_draft_refuse_value(d, opt, value,
                                     "a protocol name has 1 to 255 bytes; give %s, such as %s",
                                     opt->value, "h2,http/1.1");
    for (unsigned i = 0; i < side->alpn_count; i++)
        if (strlen(side->alpn[i]) == len && !memcmp(side->alpn[i], name, len))
            return gw_draft_refuse_value(d, opt, value, "'%s' is named twice; once is enough",
                                         side->alpn[i]);
    int error = need_room(d, opt, side->alpn_count, GW_MAX_ALPN);
    if (error)
        return error;
    side->alpn[side->alpn_count] = gw_draft_keep(d, name, len);
    if (!side->alpn[side->alpn_count])
        return -ENOMEM;
    side->alpn_count++;
    return 0;
}

/* Adds the parts of a comma-separated list one by one. */
static int for_each_part(struct gw_draft *d, const struct gw_option *opt, const char *value,
                         int (*add)(struct gw_draft *d, const struct gw_option *opt,
                                    const char *part, size_t len, const char *value))
{
    const char *at = value;
    for (;;) {
        size_t len = strcspn(at, ",");
        int error = add(d, opt, at, len, value);
        if (error || !at[len])
            return error;
        at += len + 1;
    }
}

int gw_set_alpn(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    return for_each_part(d, opt, value, add_alpn);
}

static int add_network(struct gw_draft *d, const struct gw_option *opt, const char *part,
                       size_t len, const char *value)
{
    struct gw_service *s = d->service;
    char text[64];
    const char *why;
    int error = need_room(d, opt, s->accept_proxy_from_count, GW_MAX_NETS);
    if (error)
        return error;
    (void)snprintf(text, sizeof(text), "%.*s", (int)len, part); /* a longer one is invalid */
    if (!strcmp(text, "unix")) {
        s->accept_proxy_unix = true;
        return 0;
    }
    if (gw_net_read(text, &s->accept_proxy_from[s->accept_proxy_from_count], &why))
        return gw_draft_refuse_value(d, opt, value, "%s; give %s, such as 10.0.0.0/8,2001:db8::/32",
                                     why, opt->value);
    s->accept_proxy_from_count++;
    return 0;
}

int gw_set_networks(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    return for_each_part(d, opt, value, add_network);
}

int gw_set_workers(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    d->workers_auto = !strcmp(value, "auto");
    return d->workers_auto ? 0 : gw_set_count(d, opt, value);
}

int gw_set_cpus(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    struct gw_config *c = d->config;
    const char *why;
    int count = gw_cpus_read(value, c->cpus, &why);
    if (count < 0)
        return gw_draft_refuse_value(d, opt, value, "%s; give %s", why, opt->value);
    for (int i = 0; i < count; i++)
        if (!d->first && !gw_cpus_allowed(c->cpus[i]))
            return gw_draft_refuse_value(d, opt, value,
                                         "this process may not use processor %d; see `nproc` and "
                                         "`taskset -p $$` for those it may",
                                         c->cpus[i]);
    c->cpu_count = (unsigned)count;
    return 0;
}
