/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/config/validate.h"

#include "gateway/config/address.h"
#include "gateway/config/cpus.h"
#include "gateway/config/ids.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

enum {
    SERVER = 1u << GW_COMMAND_SERVER | 1u << GW_COMMAND_CHECK,
    CLIENT = 1u << GW_COMMAND_CLIENT | 1u << GW_COMMAND_CHECK_CLIENT,
    GATEWAY = SERVER | CLIENT,
    SERVES = GATEWAY | 1u << GW_COMMAND_DEMO,
    EVERY = (1u << GW_COMMAND_COUNT) - 1,
    ISSUE = 1u << GW_COMMAND_PKI_ISSUE,
    RENEW = 1u << GW_COMMAND_PKI_RENEW,
    REVOKE = 1u << GW_COMMAND_PKI_REVOKE,
};

#define refuse_usage(d, ...) gw_draft_refuse(d, GW_EXIT_USAGE, __VA_ARGS__)

static int check_needed(struct gw_draft *d)
{
    if (!d->listen_count)
        return refuse_usage(d, "--listen is missing: say where clients connect, such as "
                               "--listen :8443");
    if (!d->target)
        return refuse_usage(d, "--target is missing: say where the backend is, such as "
                               "--target 127.0.0.1:8080");
    return 0;
}

static int check_server(struct gw_draft *d)
{
    const struct gw_tls_side *side = &d->service->tls;
    if (!side->cert_count && !side->cert_dir_count)
        return refuse_usage(d, "--cert is missing: give a PEM certificate, such as "
                               "--cert server.pem --key server.key, or a folder of them with "
                               "--cert-dir");
    if (side->cert_glob && !side->cert_dir_count)
        return refuse_usage(
            d, "--cert-glob has no effect without --cert-dir; add that, or leave it out");
    return 0;
}

/* A sender of headers can claim any address. */
static int check_accept_proxy(struct gw_draft *d)
{
    const struct gw_service *s = d->service;
    bool from = gw_draft_given(d, "accept-proxy-from");
    if (s->accept_proxy && !from)
        return refuse_usage(
            d,
            "--accept-proxy on needs --accept-proxy-from: name the networks of the load balancers, "
            "such as 10.0.0.0/8, since a sender of PROXY headers can claim any address");
    if (!s->accept_proxy && from)
        return refuse_usage(d, "--accept-proxy-from has no effect without --accept-proxy on; add "
                               "that, or leave it out");
    return 0;
}

/* Takes the name from the host of --target, as certificates name it. */
static int name_by_target(struct gw_draft *d)
{
    struct gw_address_spec spec;
    const char *why;
    gw_require(!gw_address_read(d->target, GW_ADDRESS_TARGET, &spec, &why));
    if (spec.kind == GW_ADDRESS_UNIX && d->service->tls.peer_unnamed)
        return 0;
    if (spec.kind == GW_ADDRESS_UNIX)
        return refuse_usage(d, "--target-name is missing: a path has no name to verify; give the "
                               "name that the target's certificate must have");
    d->service->tls.peer_name = gw_draft_keep(d, spec.host, gw_address_name_len(spec.host));
    return d->service->tls.peer_name ? 0 : -ENOMEM;
}

/* The target is always verified, so a target that cannot be is refused. */
static int check_client(struct gw_draft *d)
{
    struct gw_service *s = d->service;
    s->role = s->tls.role = GW_ROLE_CLIENT;
    s->tls.verify = GW_VERIFY_REQUIRED;
    if (!s->tls.cacerts[0])
        return refuse_usage(d, "--cacert is missing: give the PEM certificates of the authorities "
                               "that sign the target's, such as --cacert ca.pem, or "
                               "/etc/ssl/certs/ca-certificates.crt for the system's list");
    if (d->key_count && !s->tls.cert_count)
        return refuse_usage(d, "--key without --cert: give the certificate it belongs to");
    return s->tls.peer_name ? 0 : name_by_target(d);
}

/* If there are as many keys as certificates, they are paired in order. With fewer, each key belongs
 * to the --cert before it, and a --cert without one contains its own. */
static int pair_certs(struct gw_draft *d)
{
    struct gw_tls_side *side = &d->service->tls;
    bool in_order = d->key_count == side->cert_count;
    if (d->key_count > side->cert_count)
        return refuse_usage(d,
                            "--key is given %u times but --cert %u times; give each --key "
                            "after its --cert",
                            d->key_count, side->cert_count);
    for (unsigned k = 0; k < d->key_count; k++) {
        unsigned after = in_order ? k + 1 : d->keys[k].after;
        if (!after || side->certs[after - 1].key_file)
            return refuse_usage(d,
                                "--key '%s': it is unclear which --cert it belongs to; give each "
                                "--key right after its --cert",
                                gw_draft_shown(d->keys[k].file).text);
        side->certs[after - 1].key_file = d->keys[k].file;
    }
    for (unsigned i = 0; i < side->cert_count; i++)
        if (!side->certs[i].key_file)
            side->certs[i].key_file = side->certs[i].cert_file;
    return 0;
}

/* Each response belongs to the --cert before it. */
static int pair_responses(struct gw_draft *d)
{
    struct gw_tls_side *side = &d->service->tls;
    for (unsigned i = 0; i < d->ocsp_count; i++) {
        unsigned after = d->ocsps[i].after;
        if (!after || side->certs[after - 1].ocsp_file)
            return refuse_usage(d,
                                "--ocsp-file '%s': it is unclear which --cert it belongs to; give "
                                "each --ocsp-file after its --cert",
                                gw_draft_shown(d->ocsps[i].file).text);
        side->certs[after - 1].ocsp_file = d->ocsps[i].file;
    }
    return 0;
}

static int check_verify(struct gw_draft *d)
{
    struct gw_tls_side *side = &d->service->tls;
    if (!gw_draft_given(d, "verify"))
        side->verify = side->cacerts[0] ? GW_VERIFY_REQUIRED : GW_VERIFY_NONE;
    if (side->verify != GW_VERIFY_NONE && !side->cacerts[0])
        return refuse_usage(d,
                            "--verify %s needs --cacert: give the PEM file of the authorities that "
                            "sign clients' certificates",
                            side->verify == GW_VERIFY_REQUIRED ? "required" : "optional");
    if (side->ca_names && side->verify == GW_VERIFY_NONE)
        return refuse_usage(d, "--ca-names needs --cacert: no client certificate is requested, so "
                               "no names would be sent");
    return 0;
}

/* For either role. Refuses options that could have no effect. */
static int check_crls(struct gw_draft *d)
{
    const struct gw_tls_side *side = &d->service->tls;
    if (side->crl_soft && !side->crls[0])
        return refuse_usage(d,
                            "--crl-soft has no effect without --crl; add a CRL, or leave it out");
    if (side->crls[0] && side->verify == GW_VERIFY_NONE)
        return refuse_usage(
            d, "--crl would have no effect: %s",
            side->cacerts[0]
                ? "--verify none requests no client certificate; leave it out, or --crl"
                : "add --cacert, so that clients present a certificate");
    return 0;
}

/* When no client certificate is requested, --allow-all states the fact. */
static bool lets_all_pass(const struct gw_service *s)
{
    return s->rule_count == 1 && s->rules[0].kind == GW_RULE_ALL;
}

static int check_rules(struct gw_draft *d)
{
    struct gw_service *s = d->service;
    const struct gw_rule all = {.kind = GW_RULE_ALL};
    unsigned allows = 0;
    for (unsigned i = 0; i < s->rule_count; i++)
        allows += !s->rules[i].deny;
    if (s->tls.verify != GW_VERIFY_NONE && !allows)
        return refuse_usage(d, "no client could pass: with --cacert add --allow-cn, --allow-dns, "
                               "--allow-uri or another --allow flag, or --allow-all for every "
                               "client with a certificate of these authorities");
    if (s->rule_count && s->tls.verify == GW_VERIFY_NONE && !lets_all_pass(s))
        return refuse_usage(
            d, "the --%s flags would have no effect: %s", allows ? "allow" : "deny",
            s->tls.cacerts[0]
                ? "--verify none requests no client certificate; leave it out, or the flags"
                : "add --cacert, so that clients present a certificate");
    if (allows > 1 && gw_draft_given(d, "allow-all"))
        return refuse_usage(d, "--allow-all admits every client, so the other --allow flags would "
                               "have no effect; leave it out, or them");
    return s->rule_count ? 0 : gw_draft_add_rule(d, &all);
}

/* In addition to the name that the target must have, or instead of it. */
static int check_target_rules(struct gw_draft *d)
{
    struct gw_service *s = d->service;
    const struct gw_rule all = {.kind = GW_RULE_ALL};
    unsigned allows = 0;
    for (unsigned i = 0; i < s->rule_count; i++)
        allows += !s->rules[i].deny;
    if (s->tls.peer_unnamed && !allows)
        return refuse_usage(d, "--target-name none would accept every certificate of the "
                               "authorities; say which target is meant with --allow-uri, "
                               "--allow-dns or another --allow flag, or give its name");
    return allows ? 0 : gw_draft_add_rule(d, &all);
}

static int check_versions(struct gw_draft *d)
{
    struct gw_tls_side *side = &d->service->tls;
    if (side->tls_min > side->tls_max)
        return refuse_usage(d, "--tls-min 1.3 is above --tls-max 1.2; change one of them");
    if (side->ciphers && side->tls_min > 0x0303)
        return refuse_usage(d, "--ciphers applies to TLS 1.2, which --tls-min 1.3 disables; use "
                               "--ciphersuites, or leave one of them out");
    if (side->ciphersuites && side->tls_max < 0x0304)
        return refuse_usage(d, "--ciphersuites applies to TLS 1.3, which --tls-max 1.2 disables; "
                               "use --ciphers, or leave one of them out");
    return 0;
}

static int count_workers(struct gw_draft *d)
{
    struct gw_config *c = d->config;
    if (d->workers_auto)
        c->workers = c->cpu_count ? c->cpu_count : GW_MIN(gw_cpus_allowed_count(), GW_MAX_WORKERS);
    if (c->cpu_count && c->workers > c->cpu_count)
        return refuse_usage(d,
                            "--workers %u is more than the %u processors of --cpus; name one "
                            "for each worker, or leave --workers out",
                            c->workers, c->cpu_count);
    return 0;
}

static int resolve_ids(struct gw_draft *d)
{
    struct gw_config *c = d->config;
    const char *why;
    if (c->user && gw_ids_user(c->user, !c->group, &c->uid, &c->gid, &why))
        return refuse_usage(d, "--user '%s': %s", gw_draft_shown(c->user).text, why);
    if (c->group && gw_ids_group(c->group, &c->gid, &why))
        return refuse_usage(d, "--group '%s': %s", gw_draft_shown(c->group).text, why);
    return 0;
}

/* All services share the machine's addresses. */
static int check_free(struct gw_draft *d, const struct gw_address *a)
{
    for (unsigned k = 0; k < d->config->service_count; k++) {
        const struct gw_service *s = d->config->services[k];
        for (unsigned i = 0; i < s->listen_count; i++)
            if (gw_address_same(&s->listen[i], a))
                return refuse_usage(d,
                                    "--listen %s: --listen %s%s%s already listens there; leave "
                                    "one out",
                                    a->text, s->listen[i].text,
                                    s == d->service ? "" : " of service ",
                                    s == d->service ? "" : s->name);
    }
    return 0;
}

static int add_listener(struct gw_draft *d, const struct gw_address *a)
{
    struct gw_service *s = d->service;
    int error = check_free(d, a);
    if (error)
        return error;
    if (s->listen_count == GW_MAX_ADDRESSES)
        return refuse_usage(d, "--listen: the names stand for more than %d addresses; name fewer",
                            GW_MAX_ADDRESSES);
    s->listen[s->listen_count++] = *a;
    return 0;
}

static int refuse_host(struct gw_draft *d, const char *flag, const char *text, const char *why)
{
    return gw_draft_refuse(d, GW_EXIT_START,
                           "--%s '%s': the name cannot be resolved (%s); check its spelling, or "
                           "give an address",
                           flag, gw_draft_shown(text).text, why);
}

static int resolve_listeners(struct gw_draft *d)
{
    struct gw_address found[GW_TARGET_ADDRS_MAX];
    struct gw_address_spec spec;
    const char *why;
    for (unsigned i = 0; i < d->listen_count; i++) {
        gw_require(!gw_address_read(d->listen[i], GW_ADDRESS_LISTEN, &spec, &why));
        int count = gw_address_resolve(&spec, GW_ADDRESS_LISTEN, found, GW_ARRAY_SIZE(found), &why);
        if (count < 0)
            return refuse_host(d, "listen", d->listen[i], why);
        for (int k = 0; k < count; k++) {
            int error = add_listener(d, &found[k]);
            if (error)
                return error;
        }
    }
    return 0;
}

static int resolve_target(struct gw_draft *d)
{
    struct gw_service *s = d->service;
    struct gw_address_spec spec;
    const char *why;
    gw_require(!gw_address_read(d->target, GW_ADDRESS_TARGET, &spec, &why));
    int count =
        gw_address_resolve(&spec, GW_ADDRESS_TARGET, s->target.addrs, GW_TARGET_ADDRS_MAX, &why);
    if (count < 0)
        return refuse_host(d, "target", d->target, why);
    s->target.addr_count = (unsigned)count;
    s->target.text = d->target;
    return 0;
}

static int check_loop(struct gw_draft *d)
{
    const struct gw_service *s = d->service;
    for (unsigned i = 0; i < s->listen_count; i++)
        for (unsigned k = 0; k < s->target.addr_count; k++)
            if (gw_address_reaches(&s->target.addrs[k], &s->listen[i]))
                return refuse_usage(d,
                                    "--target %s is where the gateway itself listens; name the "
                                    "backend's address",
                                    s->target.addrs[k].text);
    return 0;
}

/* The limit applies to each process, and one worker may come to hold all connections. A requested
 * number must fit; the default is reduced to fit. */
static int check_descriptors(struct gw_draft *d)
{
    struct gw_config *c = d->config;
    struct rlimit lim;
    unsigned fixed = gw_config_worker_fds(c);
    uint64_t need = (uint64_t)c->max_conns * GW_CONN_FDS + fixed;
    if (getrlimit(RLIMIT_NOFILE, &lim) || lim.rlim_max == RLIM_INFINITY || need <= lim.rlim_max)
        return 0;
    unsigned long have = (unsigned long)lim.rlim_max;
    if (have < fixed + GW_CONN_FDS)
        return refuse_usage(d,
                            "a process may open only %lu files; raise the limit to %lu or more "
                            "(LimitNOFILE= of systemd, ulimit -Hn)",
                            have, (unsigned long)need);
    unsigned long fits = (have - fixed) / GW_CONN_FDS;
    if (gw_draft_given(d, "max-conns"))
        return refuse_usage(d,
                            "--max-conns %u needs %lu open files, and a process may open only "
                            "%lu; raise the limit (LimitNOFILE= of systemd, ulimit -Hn) or "
                            "give at most %lu",
                            c->max_conns, (unsigned long)need, have, fits);
    c->max_conns = (uint32_t)fits;
    return gw_draft_warn(d,
                         "--max-conns is %lu instead of the default, because a process may open "
                         "only %lu files; raise the limit (LimitNOFILE= of systemd, ulimit "
                         "-Hn) or give --max-conns",
                         fits, have);
}

/* Uses the machine's earlier answers when the configuration is read again. */
static void take_answers(struct gw_config *c, const struct gw_config *first,
                         struct gw_draft *const *services, unsigned count)
{
    c->workers = first->workers;
    c->uid = first->uid;
    c->gid = first->gid;
    c->max_conns = first->max_conns;
    for (unsigned i = 0; i < GW_MIN(count, first->service_count); i++) {
        struct gw_service *s = c->services[i];
        memcpy(s->listen, first->services[i]->listen, sizeof(s->listen));
        s->listen_count = first->services[i]->listen_count;
        s->target = first->services[i]->target;
        s->target.text = services[i]->target;
    }
}

enum {
    ASKS = 1,     /* asks the machine, not the command line */
    OF_WHOLE = 2, /* runs once, not for each service */
};

/* The order: first the faults visible on the command line, then those that depend on the
 * machine. */
/* clang-format off */
static const struct check {
    unsigned commands;
    int (*run)(struct gw_draft *d);
    unsigned flags;
} checks[] = {
    {GATEWAY, check_needed, 0},
    {SERVER, check_server, 0},
    {SERVER, check_accept_proxy, 0},
    {CLIENT, check_client, 0},
    {GATEWAY, pair_certs, 0},
    {SERVER, pair_responses, 0},
    {SERVER, check_verify, 0},
    {GATEWAY, check_crls, 0},
    {SERVER, check_rules, 0},
    {CLIENT, check_target_rules, 0},
    {GATEWAY, check_versions, 0},
    {EVERY, count_workers, ASKS | OF_WHOLE},
    {GATEWAY, resolve_ids, ASKS | OF_WHOLE},
    {SERVES, resolve_listeners, ASKS},
    {GATEWAY, resolve_target, ASKS},
    {GATEWAY, check_loop, ASKS},
    {SERVES, check_descriptors, ASKS | OF_WHOLE},
    {ISSUE, gw_validate_issue, OF_WHOLE},
    {RENEW, gw_validate_renew, OF_WHOLE},
    {REVOKE, gw_validate_revoke, OF_WHOLE},
};
/* clang-format on */

static int run_check(const struct check *check, struct gw_draft *d)
{
    return check->commands & 1u << d->command ? check->run(d) : 0;
}

int gw_validate_drafts(struct gw_draft *whole, struct gw_draft *const *services, unsigned count)
{
    int error = 0;
    for (unsigned i = 0; i < GW_ARRAY_SIZE(checks); i++) {
        const struct check *check = &checks[i];
        if (check->flags & ASKS && whole->first)
            continue;
        if (check->flags & OF_WHOLE)
            error = run_check(check, whole);
        for (unsigned s = 0; !error && !(check->flags & OF_WHOLE) && s < count; s++)
            error = run_check(check, services[s]);
        if (error)
            return error;
    }
    if (whole->first)
        take_answers(whole->config, whole->first, services, count);
    return 0;
}
