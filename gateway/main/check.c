/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/main/check.h"

#include <stdio.h>

static void print_count(unsigned count, const char *what)
{
    printf(", %u %s%s", count, what, count == 1 ? "" : "s");
}

static void print_rules(const struct gw_service *s)
{
    unsigned denies = 0;
    for (unsigned i = 0; i < s->rule_count; i++)
        denies += s->rules[i].deny;
    print_count(s->rule_count - denies, "allow rule");
    if (denies)
        print_count(denies, "deny rule");
}

static void print_target(const struct gw_service *s)
{
    printf(", target must be %s", s->tls.peer_unnamed ? "admitted by a rule" : s->tls.peer_name);
    if (s->rule_count != 1 || s->rules[0].kind != GW_RULE_ALL)
        print_rules(s);
}

static void print_clients(const struct gw_service *s)
{
    static const char *const words[] = {
        [GW_VERIFY_NONE] = ", requests no client certificates",
        [GW_VERIFY_OPTIONAL] = ", requests client certificates",
        [GW_VERIFY_REQUIRED] = ", requires client certificates",
    };
    (void)fputs(words[s->tls.verify], stdout);
    if (s->tls.verify != GW_VERIFY_NONE)
        print_rules(s);
}

static void print_service(const struct gw_terms *terms)
{
    const struct gw_service *s = terms->service;
    unsigned certs =
        gw_tls_context_cert_count(terms->tls); /* those that are left out are not there */
    bool server = s->role == GW_ROLE_SERVER;
    printf("%s %s:", server ? "service" : "client", s->name);
    for (unsigned i = 0; i < s->listen_count; i++)
        printf("%s %s", i ? "," : " listens on", s->listen[i].text);
    printf(", %s to %s", server ? "TLS in, plain" : "plain in, TLS", s->target.text);
    if (certs)
        print_count(certs, "certificate");
    if (s->tls.cert_dir_count)
        print_count(s->tls.cert_dir_count, "certificate folder");
    if (server)
        print_clients(s);
    else
        print_target(s);
    (void)puts("");
}

void gw_check_print(const struct gw_termset *set)
{
    for (unsigned i = 0; i < set->count; i++)
        print_service(set->terms[i]);
    (void)puts("configuration is good");
}
