/* SPDX-License-Identifier: Apache-2.0 */
/* Setters and checks of the flags of `pki`. The CA itself decides which names are valid. */
#include "gateway/config/pki.h"

#include "gateway/config/set.h"
#include "gateway/config/validate.h"

#include <errno.h>
#include <string.h>

#define refuse_usage(d, ...) gw_draft_refuse(d, GW_EXIT_USAGE, __VA_ARGS__)

static int refuse_more(struct gw_draft *d, const struct gw_option *opt, unsigned max)
{
    return refuse_usage(d, "--%s: more than %u are given; leave some out", opt->name, max);
}

int gw_set_san(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    struct gw_config_pki *pki = &d->config->pki;
    const char *text = gw_draft_keep(d, value, strlen(value));
    if (!text)
        return -ENOMEM;
    if (pki->san_count == GW_PKI_SANS_MAX)
        return refuse_more(d, opt, GW_PKI_SANS_MAX);
    pki->sans[pki->san_count++] =
        (struct gw_pki_san){.kind = (enum gw_pki_san_kind)opt->first, .text = text};
    return 0;
}

static int add_permit(struct gw_draft *d, const struct gw_option *opt, const char *value,
                      const char *permits[GW_PKI_PERMITS_MAX], unsigned *count)
{
    const char *text = gw_draft_keep(d, value, strlen(value));
    if (!text)
        return -ENOMEM;
    if (*count == GW_PKI_PERMITS_MAX)
        return refuse_more(d, opt, GW_PKI_PERMITS_MAX);
    permits[(*count)++] = text;
    return 0;
}

int gw_set_permit_dns(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    struct gw_pki_permits *p = &d->config->pki.permits;
    return add_permit(d, opt, value, p->dns, &p->dns_count);
}

int gw_set_permit_ip(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    struct gw_pki_permits *p = &d->config->pki.permits;
    return add_permit(d, opt, value, p->ip, &p->ip_count);
}

int gw_set_permit_uri(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    struct gw_pki_permits *p = &d->config->pki.permits;
    return add_permit(d, opt, value, p->uri, &p->uri_count);
}

int gw_set_permit_email(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    struct gw_pki_permits *p = &d->config->pki.permits;
    return add_permit(d, opt, value, p->email, &p->email_count);
}

int gw_validate_issue(struct gw_draft *d)
{
    const struct gw_config_pki *pki = &d->config->pki;
    if (!pki->server && !pki->client)
        return refuse_usage(d, "--server or --client is missing: say whom the certificate is for, "
                               "such as --server gate.example.com or --client alice");
    if (pki->server && pki->client)
        return refuse_usage(d, "--server and --client: a certificate is for one of them; leave one "
                               "out, and issue a second one where both are needed");
    return 0;
}

int gw_validate_renew(struct gw_draft *d)
{
    const struct gw_config_pki *pki = &d->config->pki;
    if (!pki->name && !pki->within_ns)
        return refuse_usage(d, "the NAME is missing: say which certificate to renew, or --within "
                               "10d for all that expire within ten days");
    if (pki->name && pki->within_ns)
        return refuse_usage(d,
                            "--within is for all certificates, and '%s' names one; leave one "
                            "out",
                            gw_draft_shown(pki->name).text);
    return 0;
}

int gw_validate_revoke(struct gw_draft *d)
{
    if (!d->config->pki.name)
        return refuse_usage(d, "the NAME is missing: say which certificate to revoke; `ktlsgate "
                               "pki list` shows names and serial numbers");
    return 0;
}
