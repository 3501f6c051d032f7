/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/config/parse and validate: what a whole command line becomes, or why it is refused. */
#include "tests/unit/cmdline.h"

#include "gateway/base/clock.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/skip.h"

static struct gw_config *accepted(const char *line)
{
    struct cmdline c = cmdline_parse(line);
    if (c.result)
        print_error("%s\n  refused: %s\n", line, c.err.text);
    assert_int_equal(c.result, 0);
    assert_non_null(c.config);
    return c.config;
}

static void defaults_are_those_of_the_contract(void **state gw_unused)
{
    struct gw_config *c = accepted("server " SERVED);
    const struct gw_service *s = c->services[0];
    assert_int_equal(c->command, GW_COMMAND_SERVER);
    assert_int_equal(c->ask, GW_ASK_RUN);
    assert_int_equal(c->service_count, 1);
    assert_string_equal(s->name, "default");
    assert_string_equal(s->tls.session_scope, "default");
    assert_int_equal(s->tls.cert_count, 1);
    assert_string_equal(s->tls.certs[0].cert_file, "c.pem");
    assert_ptr_equal(s->tls.certs[0].key_file, s->tls.certs[0].cert_file);
    assert_null(s->tls.cacerts[0]);
    assert_int_equal(s->tls.verify, GW_VERIFY_NONE);
    assert_int_equal(s->rule_count, 1);
    assert_int_equal(s->rules[0].kind, GW_RULE_ALL);
    assert_int_equal(s->tls.tls_min, 0x0303);
    assert_int_equal(s->tls.tls_max, 0x0304);
    assert_null(s->tls.ciphers);
    assert_null(s->tls.ciphersuites);
    assert_null(s->tls.groups);
    assert_int_equal(s->tls.alpn_count, 0);
    assert_true(s->tls.session_tickets);
    assert_int_equal(s->records, GW_RECORDS_AUTO);
    assert_int_equal(s->proxy_protocol, GW_PROXY_OFF);
    assert_false(s->accept_proxy);
    assert_in_range(c->workers, 1, GW_MAX_WORKERS);
    assert_int_equal(c->cpu_count, 0);
    assert_true(s->handshake_timeout_ns == 10 * GW_NS_PER_SEC);
    assert_true(c->services[0]->connect_timeout_ns == 5 * GW_NS_PER_SEC);
    assert_true(c->services[0]->idle_timeout_ns == 600 * GW_NS_PER_SEC);
    assert_true(c->services[0]->close_timeout_ns == 60 * GW_NS_PER_SEC);
    assert_true(c->shutdown_timeout_ns == 300 * GW_NS_PER_SEC);
    assert_int_equal(c->log_format, GW_LOG_TEXT);
    assert_int_equal(c->log_level, GW_LOG_INFO);
    assert_null(c->pidfile);
    assert_null(c->user);
    assert_null(c->group);
    gw_config_free(c);
}

static void every_flag_arrives(void **state gw_unused)
{
    struct gw_config *c = accepted(
        "server --listen 127.0.0.1:1 --listen=[::1]:2 --listen unix:/run/g --target unix:/run/b "
        "--cert a.pem --key a.key --cert=b.pem --key=b.key --cacert ca.pem --verify optional "
        "--ca-names names.pem "
        "--allow-cn My^Client --allow-cn two --allow-ou ops --allow-dns a.example.com "
        "--allow-uri spiffe://x/** --deny-dns *.bad.test --allow-ip 10.0.0.0/8 --deny-email *@x "
        "--tls-min 1.2 --tls-max 1.3 "
        "--ciphers ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305 "
        "--ciphersuites TLS_AES_128_GCM_SHA256 --groups X25519:P-256 --alpn h2,http/1.1 "
        "--alpn acme --session-tickets off --records user --workers 3 --handshake-timeout 500ms "
        "--connect-timeout 2s --idle-timeout 0 --close-timeout 1m --shutdown-timeout 1h "
        "--accept-proxy on --accept-proxy-from 10.0.0.0/8,::1 --accept-proxy-from unix "
        "--max-conns 7 --proxy-protocol v2 --log-format json --log-level debug --pidfile /run/p");
    const struct gw_service *s = c->services[0];
    assert_int_equal(s->listen_count, 3);
    assert_int_equal(s->listen[0].addr.ss_family, AF_INET);
    assert_int_equal(s->listen[1].addr.ss_family, AF_INET6);
    assert_int_equal(s->listen[2].addr.ss_family, AF_UNIX);
    assert_string_equal(s->listen[2].text, "unix:/run/g");
    assert_int_equal(s->target.addr_count, 1);
    assert_int_equal(s->target.addrs[0].addr.ss_family, AF_UNIX);
    assert_string_equal(s->target.text, "unix:/run/b");
    assert_int_equal(s->tls.cert_count, 2);
    assert_string_equal(s->tls.certs[0].cert_file, "a.pem");
    assert_string_equal(s->tls.certs[0].key_file, "a.key");
    assert_string_equal(s->tls.certs[1].cert_file, "b.pem");
    assert_string_equal(s->tls.certs[1].key_file, "b.key");
    assert_string_equal(s->tls.cacerts[0], "ca.pem");
    assert_null(s->tls.cacerts[1]);
    assert_int_equal(s->tls.verify, GW_VERIFY_OPTIONAL);
    static const struct gw_rule rules[] = {
        {GW_RULE_CN, "My Client"},
        {GW_RULE_CN, "two"},
        {GW_RULE_OU, "ops"},
        {GW_RULE_DNS, "a.example.com"},
        {GW_RULE_URI, "spiffe://x/**"},
        {GW_RULE_DNS, "*.bad.test", true},
        {GW_RULE_IP, "10.0.0.0/8"},
        {GW_RULE_EMAIL, "*@x", true},
    };
    assert_int_equal(s->rule_count, GW_ARRAY_SIZE(rules));
    for (unsigned i = 0; i < s->rule_count; i++) {
        assert_int_equal(s->rules[i].kind, rules[i].kind);
        assert_int_equal(s->rules[i].deny, rules[i].deny);
        assert_string_equal(s->rules[i].pattern, rules[i].pattern);
    }
    assert_string_equal(s->tls.ciphers,
                        "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305");
    assert_string_equal(s->tls.ciphersuites, "TLS_AES_128_GCM_SHA256");
    assert_string_equal(s->tls.groups, "X25519:P-256");
    assert_string_equal(s->tls.ca_names, "names.pem");
    assert_int_equal(s->tls.alpn_count, 3);
    assert_string_equal(s->tls.alpn[0], "h2");
    assert_string_equal(s->tls.alpn[1], "http/1.1");
    assert_string_equal(s->tls.alpn[2], "acme");
    assert_false(s->tls.session_tickets);
    assert_int_equal(s->records, GW_RECORDS_USER);
    assert_int_equal(s->proxy_protocol, GW_PROXY_V2);
    assert_true(s->accept_proxy && s->accept_proxy_unix);
    assert_int_equal(s->accept_proxy_from_count, 2);
    assert_int_equal(s->accept_proxy_from[0].bits, 8);
    assert_int_equal(s->accept_proxy_from[1].bits, 128);
    assert_int_equal(c->workers, 3);
    assert_true(c->services[0]->handshake_timeout_ns == 500 * GW_NS_PER_MS);
    assert_true(c->services[0]->connect_timeout_ns == 2 * GW_NS_PER_SEC);
    assert_true(c->services[0]->idle_timeout_ns == 0);
    assert_true(c->services[0]->close_timeout_ns == 60 * GW_NS_PER_SEC);
    assert_true(c->shutdown_timeout_ns == 3600 * GW_NS_PER_SEC);
    assert_int_equal(c->max_conns, 7);
    assert_int_equal(c->log_format, GW_LOG_JSON);
    assert_int_equal(c->log_level, GW_LOG_DEBUG);
    assert_string_equal(c->pidfile, "/run/p");
    gw_config_free(c);
}

static void other_commands(void **state gw_unused)
{
    struct gw_config *c = accepted("check " SERVED);
    assert_int_equal(c->command, GW_COMMAND_CHECK);
    gw_config_free(c);

    c = accepted("demo");
    assert_int_equal(c->command, GW_COMMAND_DEMO);
    assert_int_equal(c->services[0]->listen_count, 1);
    assert_string_equal(c->services[0]->listen[0].text, "127.0.0.1:8443");
    assert_true(c->services[0]->handshake_timeout_ns == 10 * GW_NS_PER_SEC);
    assert_int_equal(c->services[0]->tls.tls_max, 0x0304);
    gw_config_free(c);

    c = accepted("demo --listen 127.0.0.1:0 --records user --workers 2 --log-level error");
    assert_int_equal(c->services[0]->listen_count, 1);
    assert_string_equal(c->services[0]->listen[0].text, "127.0.0.1:0");
    assert_int_equal(c->services[0]->records, GW_RECORDS_USER);
    assert_int_equal(c->workers, 2);
    assert_int_equal(c->log_level, GW_LOG_ERROR);
    gw_config_free(c);

    c = accepted("probe");
    assert_int_equal(c->command, GW_COMMAND_PROBE);
    assert_false(c->json);
    gw_config_free(c);
    c = accepted("probe --json");
    assert_true(c->json);
    gw_config_free(c);
}

static void help_and_version_come_before_all_checks(void **state gw_unused)
{
    static const struct {
        const char *line;
        enum gw_command command;
        enum gw_ask ask;
    } rows[] = {
        {"--help", GW_COMMAND_COUNT, GW_ASK_HELP},
        {"--version", GW_COMMAND_COUNT, GW_ASK_VERSION},
        {"--help --nonsense", GW_COMMAND_COUNT, GW_ASK_HELP},
        {"server --help", GW_COMMAND_SERVER, GW_ASK_HELP},
        {"server --tls-min 1.3 --help --nonsense", GW_COMMAND_SERVER, GW_ASK_HELP},
        {"probe --version", GW_COMMAND_PROBE, GW_ASK_VERSION},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        struct gw_config *c = accepted(rows[i].line);
        assert_int_equal(c->command, rows[i].command);
        assert_int_equal(c->ask, rows[i].ask);
        gw_config_free(c);
    }
}

static const struct {
    const char *line;
    enum gw_exit exit;
    const char *sentence;
} refused[] = {
    /* Commands and the shape of flags. */
    {"server " SERVED " --accept-proxy on", GW_EXIT_USAGE,
     "--accept-proxy on needs --accept-proxy-from: name the networks of the load balancers, such "
     "as 10.0.0.0/8, since a sender of PROXY headers can claim any address"},
    {"server " SERVED " --accept-proxy-from 10.0.0.0/8", GW_EXIT_USAGE,
     "--accept-proxy-from has no effect without --accept-proxy on; add that, or leave it out"},
    {"server " SERVED " --accept-proxy on --accept-proxy-from 10.0.0.0/8,", GW_EXIT_USAGE,
     "--accept-proxy-from '10.0.0.0/8,': it is not an IP address; give CIDR,CIDR, such as "
     "10.0.0.0/8,2001:db8::/32"},
    {"server " SERVED " --accept-proxy on --accept-proxy-from 10.0.0.1/8", GW_EXIT_USAGE,
     "--accept-proxy-from '10.0.0.1/8': bits after the network's are set; give CIDR,CIDR, such as "
     "10.0.0.0/8,2001:db8::/32"},
    {"", GW_EXIT_USAGE, "a command is missing; `ktlsgate --help` lists them"},
    {"servr", GW_EXIT_USAGE, "unknown command 'servr'; did you mean server?"},
    {"--cleint", GW_EXIT_USAGE, "unknown command '--cleint'; did you mean client?"},
    {"servce", GW_EXIT_USAGE, "unknown command 'servce'; did you mean server?"},
    {"client --config x", GW_EXIT_USAGE,
     "'--config' is a flag of `ktlsgate server`, not of `ktlsgate client`; run `ktlsgate server "
     "--config FILE`, which runs the client sections of the file, too"},
    {"check client --config x", GW_EXIT_USAGE,
     "'--config' is a flag of `ktlsgate server`, not of `ktlsgate check client`; run `ktlsgate "
     "check --config FILE`, which checks the client sections of the file, too"},
    {"help", GW_EXIT_USAGE, "unknown command 'help'; did you mean --help?"},
    {"-version", GW_EXIT_USAGE, "unknown command '-version'; did you mean --version?"},
    {"frobnicate", GW_EXIT_USAGE,
     "unknown command 'frobnicate'; `ktlsgate --help` lists the commands"},
    {"server 8443", GW_EXIT_USAGE,
     "'8443' is not expected here; every setting is a flag, see `ktlsgate server --help`"},
    {"server --cert-glob a.combined b.combined", GW_EXIT_USAGE,
     "'b.combined' is not expected here, after the value of --cert-glob; put quotes around a value "
     "with *, or the shell replaces it"},
    {"server --workers 1 2", GW_EXIT_USAGE,
     "'2' is not expected here; every setting is a flag, see `ktlsgate server --help`"},
    {"server --", GW_EXIT_USAGE, "unknown flag '--'; `ktlsgate server --help` lists its flags"},
    {"server --lisen :1", GW_EXIT_USAGE, "unknown flag '--lisen'; did you mean --listen?"},
    {"server -listen :1", GW_EXIT_USAGE, "unknown flag '-listen'; did you mean --listen?"},
    {"server ---listen=:1", GW_EXIT_USAGE, "unknown flag '---listen'; did you mean --listen?"},
    {"server -h", GW_EXIT_USAGE, "unknown flag '-h'; did you mean --help?"},
    {"server --hand 1s", GW_EXIT_USAGE, "unknown flag '--hand'; did you mean --handshake-timeout?"},
    {"server --curves=x", GW_EXIT_USAGE, "unknown flag '--curves'; did you mean --groups?"},
    {"server --ca-file x", GW_EXIT_USAGE, "unknown flag '--ca-file'; did you mean --cacert?"},
    {"server --qqqqqqqq", GW_EXIT_USAGE,
     "unknown flag '--qqqqqqqq'; `ktlsgate server --help` lists its flags"},
    {"server --json", GW_EXIT_USAGE,
     "'--json' is a flag of `ktlsgate probe`, not of `ktlsgate server`"},
    {"demo --cert=x", GW_EXIT_USAGE,
     "'--cert' is a flag of `ktlsgate server`, not of `ktlsgate demo`"},
    {"server --cert", GW_EXIT_USAGE, "--cert: the value is missing; give FILE"},
    {"server --cert --key k", GW_EXIT_USAGE,
     "--cert: the value is missing before '--key'; give FILE, or --cert=VALUE if it begins with "
     "dashes"},
    {"server --cert=", GW_EXIT_USAGE, "--cert: the value is empty; give FILE"},
    {"server --cert ''", GW_EXIT_USAGE, "--cert: the value is empty; give FILE"},
    {"server --cert a\tb", GW_EXIT_USAGE, "--cert 'a?b': it contains a control character"},
    {"server --allow-all=on", GW_EXIT_USAGE, "--allow-all takes no value; write it without '='"},
    {"server --tls-min 1.2 --tls-min 1.3", GW_EXIT_USAGE,
     "--tls-min is given twice; leave one out"},
    /* Values. */
    {"server --handshake-timeout 10", GW_EXIT_USAGE,
     "--handshake-timeout '10': the unit is missing (ms, s, m, h or d); give 1ms to 1h, such as "
     "10s"},
    {"server --handshake-timeout 0", GW_EXIT_USAGE,
     "--handshake-timeout '0': the duration is out of range; give 1ms to 1h, such as 10s"},
    {"server --idle-timeout 31w", GW_EXIT_USAGE,
     "--idle-timeout '31w': the unit is not one of ms, s, m, h and d; give 1ms to 30d or 0 for "
     "off, "
     "such as 10m"},
    {"server --max-conn-age x", GW_EXIT_USAGE,
     "--max-conn-age 'x': it does not begin with a number; give 1s to 365d or 0 for off"},
    {"server --max-conns 0", GW_EXIT_USAGE,
     "--max-conns '0': the number is out of range; give a whole number from 1 to 1000000"},
    {"server --max-conns 10k", GW_EXIT_USAGE,
     "--max-conns '10k': it is not a whole number; give a whole number from 1 to 1000000"},
    {"server --workers all", GW_EXIT_USAGE,
     "--workers 'all': it does not begin with a number; give auto or a whole number from 1 to 256"},
    {"server --verify yes", GW_EXIT_USAGE, "--verify 'yes': give none, optional or required"},
    {"server --session-tickets true", GW_EXIT_USAGE, "--session-tickets 'true': give on or off"},
    {"server --tls-min 1.1", GW_EXIT_USAGE,
     "--tls-min '1.1': versions below TLS 1.2 are broken and not offered (RFC 8996); give 1.2 or "
     "1.3"},
    {"server --tls-max TLSv1", GW_EXIT_USAGE,
     "--tls-max 'TLSv1': versions below TLS 1.2 are broken and not offered (RFC 8996); give 1.2 "
     "or 1.3"},
    {"server --tls-min SSLv3", GW_EXIT_USAGE,
     "--tls-min 'SSLv3': versions below TLS 1.2 are broken and not offered (RFC 8996); give 1.2 "
     "or 1.3"},
    {"server --tls-min 1.4", GW_EXIT_USAGE, "--tls-min '1.4': give 1.2 or 1.3"},
    {"server --ciphers HIGH:!aNULL", GW_EXIT_USAGE,
     "--ciphers 'HIGH:!aNULL': '!' cannot be in a name; give names joined by ':'"},
    {"server --groups X25519::P-256", GW_EXIT_USAGE,
     "--groups 'X25519::P-256': a name is empty; give names joined by ':'"},
    {"server --alpn h2,,x", GW_EXIT_USAGE,
     "--alpn 'h2,,x': a protocol name has 1 to 255 bytes; give NAME,NAME, such as h2,http/1.1"},
    {"server --alpn h2 --alpn x,h2", GW_EXIT_USAGE,
     "--alpn 'x,h2': 'h2' is named twice; once is enough"},
    {"server --listen localhost", GW_EXIT_USAGE,
     "--listen 'localhost': it is not HOST:PORT, [v6]:PORT or unix:PATH; give HOST:PORT"},
    {"server --target :80", GW_EXIT_USAGE,
     "--target ':80': the host before the colon is missing; give HOST:PORT"},
    {"server --cpus 0-3,2", GW_EXIT_USAGE, "--cpus '0-3,2': a processor is named twice; give LIST"},
    /* Flags together. */
    {"server", GW_EXIT_USAGE,
     "--listen is missing: say where clients connect, such as --listen :8443"},
    {"server --listen :1", GW_EXIT_USAGE,
     "--target is missing: say where the backend is, such as --target 127.0.0.1:8080"},
    {"check --listen :1 --target 127.0.0.1:2", GW_EXIT_USAGE,
     "--cert is missing: give a PEM certificate, such as --cert server.pem --key server.key, or "
     "a folder of them with --cert-dir"},
    {"server " SERVED "--cert-glob *", GW_EXIT_USAGE,
     "--cert-glob has no effect without --cert-dir; add that, or leave it out"},
    {"server --cert-glob certs/*", GW_EXIT_USAGE,
     "--cert-glob 'certs/*': it can never match: file names have no '/' in them; give folders with "
     "--cert-dir"},
    {"server " SERVED "--key a --key b", GW_EXIT_USAGE,
     "--key is given 2 times but --cert 1 times; give each --key after its --cert"},
    {"server " SERVED "--cert d --cert e --key a --key b", GW_EXIT_USAGE,
     "--key 'b': it is unclear which --cert it belongs to; give each --key right after its --cert"},
    {"server --key a " SERVED "--cert d", GW_EXIT_USAGE,
     "--key 'a': it is unclear which --cert it belongs to; give each --key right after its --cert"},
    {"server " SERVED "--verify required", GW_EXIT_USAGE,
     "--verify required needs --cacert: give the PEM file of the authorities that sign clients' "
     "certificates"},
    {"server " SERVED "--verify optional --allow-all", GW_EXIT_USAGE,
     "--verify optional needs --cacert: give the PEM file of the authorities that sign clients' "
     "certificates"},
    {"server " SERVED "--cacert ca", GW_EXIT_USAGE,
     "no client could pass: with --cacert add --allow-cn, --allow-dns, --allow-uri or another "
     "--allow flag, or --allow-all for every client with a certificate of these authorities"},
    {"server " SERVED "--cacert ca --verify optional", GW_EXIT_USAGE,
     "no client could pass: with --cacert add --allow-cn, --allow-dns, --allow-uri or another "
     "--allow flag, or --allow-all for every client with a certificate of these authorities"},
    {"server " SERVED "--allow-cn x", GW_EXIT_USAGE,
     "the --allow flags would have no effect: add --cacert, so that clients present a certificate"},
    {"server " SERVED "--allow-all --deny-cn x", GW_EXIT_USAGE,
     "the --allow flags would have no effect: add --cacert, so that clients present a certificate"},
    {"server " SERVED "--ca-names none", GW_EXIT_USAGE,
     "--ca-names needs --cacert: no client certificate is requested, so no names would be sent"},
    {"server " SERVED "--cacert ca --allow-all --crl-soft", GW_EXIT_USAGE,
     "--crl-soft has no effect without --crl; add a CRL, or leave it out"},
    {"server " SERVED "--crl x", GW_EXIT_USAGE,
     "--crl would have no effect: add --cacert, so that clients present a certificate"},
    {"server " SERVED "--cacert ca --verify none --crl x", GW_EXIT_USAGE,
     "--crl would have no effect: --verify none requests no client certificate; leave it out, or "
     "--crl"},
    {"server " SERVED "--cacert ca --verify none --allow-cn x", GW_EXIT_USAGE,
     "the --allow flags would have no effect: --verify none requests no client certificate; leave "
     "it out, or the flags"},
    {"server " SERVED "--cacert ca --verify none --deny-cn x", GW_EXIT_USAGE,
     "the --deny flags would have no effect: --verify none requests no client certificate; leave "
     "it out, or the flags"},
    {"server " SERVED "--cacert ca --deny-cn x", GW_EXIT_USAGE,
     "no client could pass: with --cacert add --allow-cn, --allow-dns, --allow-uri or another "
     "--allow flag, or --allow-all for every client with a certificate of these authorities"},
    {"server " SERVED "--cacert ca --allow-ip 10.0.0.1/8", GW_EXIT_USAGE,
     "--allow-ip '10.0.0.1/8': it can never match: bits after the network's are set"},
    {"server " SERVED "--cacert ca --allow-all --deny-uri spiffe://A/b", GW_EXIT_USAGE,
     "--deny-uri 'spiffe://A/b': it can never match: it is not a SPIFFE ID: spiffe://, a trust "
     "domain in small letters, then parts of letters, digits, '.', '-' and '_'"},
    {"server " SERVED "--cacert ca --allow-all --allow-ou x", GW_EXIT_USAGE,
     "--allow-all admits every client, so the other --allow flags would have no effect; leave it "
     "out, or them"},
    {"server " SERVED "--tls-min 1.3 --tls-max 1.2", GW_EXIT_USAGE,
     "--tls-min 1.3 is above --tls-max 1.2; change one of them"},
    {"server " SERVED "--tls-min 1.3 --ciphers A", GW_EXIT_USAGE,
     "--ciphers applies to TLS 1.2, which --tls-min 1.3 disables; use --ciphersuites, or leave one "
     "of them out"},
    {"server " SERVED "--tls-max 1.2 --ciphersuites A", GW_EXIT_USAGE,
     "--ciphersuites applies to TLS 1.3, which --tls-max 1.2 disables; use --ciphers, or leave one "
     "of them out"},
    {"server " SERVED "--cpus 0 --workers 2", GW_EXIT_USAGE,
     "--workers 2 is more than the 1 processors of --cpus; name one for each worker, or leave "
     "--workers out"},
    {"server " SERVED "--user nobody-of-that-name", GW_EXIT_USAGE,
     "--user 'nobody-of-that-name': there is no such user; create it or name another"},
    {"server " SERVED "--user 4294967295", GW_EXIT_USAGE,
     "--user '4294967295': there is no such user; create it or name another"},
    {"server " SERVED "--user 3999999999", GW_EXIT_USAGE,
     "--user '3999999999': no user has this number, so give --group too"},
    {"server " SERVED "--group nobody-of-that-name", GW_EXIT_USAGE,
     "--group 'nobody-of-that-name': there is no such group; create it or name another"},
    {"server " SERVED "--listen 127.0.0.1:9 --listen 127.0.0.1:9", GW_EXIT_USAGE,
     "--listen 127.0.0.1:9: --listen 127.0.0.1:9 already listens there; leave one out"},
    {"server " SERVED "--listen :9 --listen 0.0.0.0:9", GW_EXIT_USAGE,
     "--listen 0.0.0.0:9: --listen :9 already listens there; leave one out"},
    {"server " SERVED "--listen 127.0.0.1:80", GW_EXIT_USAGE,
     "--target 127.0.0.1:80 is where the gateway itself listens; name the backend's address"},
    {"server " SERVED "--listen :80", GW_EXIT_USAGE,
     "--target 127.0.0.1:80 is where the gateway itself listens; name the backend's address"},
};

static void refusals_say_what_to_do(void **state gw_unused)
{
    for (size_t i = 0; i < GW_ARRAY_SIZE(refused); i++) {
        struct cmdline c = cmdline_parse(refused[i].line);
        if (!c.result || strcmp(c.err.text, refused[i].sentence))
            print_error("%s\n", refused[i].line);
        assert_int_not_equal(c.result, 0);
        assert_null(c.config);
        assert_string_equal(c.err.text, refused[i].sentence);
        assert_int_equal(c.err.exit, refused[i].exit);
    }
}

int __real_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **ret);
int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **ret);
int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **ret)
{
    bool both = node && strcmp(node, "both.test") == 0;
    int r = __real_getaddrinfo(both ? "192.0.2.7" : node, service, hints, ret);
    return r || !both ? r : __real_getaddrinfo("127.0.0.1", service, hints, &(*ret)->ai_next);
}

/* Whichever of its addresses it is. */
static void a_target_is_not_the_gateway_by_any_address(void **state gw_unused)
{
    static const struct {
        const char *line;
        bool loops;
    } rows[] = {
        {"--listen 127.0.0.1:80 --target both.test:80", true},
        {"--listen 127.0.0.1:81 --listen 127.0.0.1:80 --target both.test:80", true},
        {"--listen :80 --target both.test:80", true},
        {"--listen 192.0.2.7:80 --target both.test:80", true},
        {"--listen 127.0.0.1:81 --target both.test:80", false},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        char line[256];
        (void)snprintf(line, sizeof(line), "server --cert c.pem --key k.pem %s", rows[i].line);
        struct cmdline c = cmdline_parse(line);
        assert_int_equal(c.result != 0, rows[i].loops);
        if (rows[i].loops)
            assert_non_null(strstr(c.err.text, "is where the gateway itself listens"));
        gw_config_free(c.config);
    }
}

/* A line of `head`, then `count` times the format with a running number. */
static char *many(const char *head, const char *fmt, unsigned count)
{
    char *line = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&line, &len);
    (void)fputs(head, f);
    for (unsigned i = 0; i < count; i++) {
        (void)fputs(fmt, f);
        (void)fprintf(f, "%u ", i + 1);
    }
    (void)fclose(f);
    return line;
}

static void certificates_may_be_many(void **state gw_unused)
{
    char *line = many("server --listen :0 --target unix:/b ", "--cert=c", 400);
    struct gw_config *c = accepted(line);
    assert_int_equal(c->services[0]->tls.cert_count, 400);
    assert_string_equal(c->services[0]->tls.certs[399].cert_file, "c400");
    gw_config_free(c);
    free(line);
    c = accepted("server --listen :0 --target unix:/b --cert-dir a --cert-dir b --strict-sni");
    assert_int_equal(c->services[0]->tls.cert_count, 0);
    assert_int_equal(c->services[0]->tls.cert_dir_count, 2);
    assert_string_equal(c->services[0]->tls.cert_dirs[0], "a");
    assert_string_equal(c->services[0]->tls.cert_dirs[1], "b");
    assert_int_equal(c->services[0]->tls.strict_sni, GW_STRICT_SNI_ON);
    gw_config_free(c);
}

static void a_pattern_is_as_long_as_a_name(void **state gw_unused)
{
    char line[512];
    for (int len = 255; len <= 256; len++) {
        (void)snprintf(line, sizeof(line),
                       "server --listen :0 --target unix:/b --cert-dir a "
                       "--cert-glob %0*d",
                       len, 7);
        struct cmdline c = cmdline_parse(line);
        assert_int_equal(c.result != 0, len == 256);
        if (c.result)
            assert_non_null(strstr(c.err.text, "a pattern has at most 255 bytes"));
        else
            assert_int_equal(strlen(c.config->services[0]->tls.cert_glob), len);
        gw_config_free(c.config);
    }
}

/* A flag whose value may be left out takes the next argument unless it begins with a dash. */
static void a_value_may_be_left_out(void **state gw_unused)
{
    static const struct {
        const char *flags;
        enum gw_strict_sni strict;
    } rows[] = {
        {"", GW_STRICT_SNI_OFF},
        {"--strict-sni", GW_STRICT_SNI_ON},
        {"--strict-sni --relay copy", GW_STRICT_SNI_ON},
        {"--strict-sni on", GW_STRICT_SNI_ON},
        {"--strict-sni=on", GW_STRICT_SNI_ON},
        {"--strict-sni unknown", GW_STRICT_SNI_UNKNOWN},
        {"--strict-sni=unknown --relay copy", GW_STRICT_SNI_UNKNOWN},
        {"--strict-sni off", GW_STRICT_SNI_OFF},
        {"--strict-sni=off", GW_STRICT_SNI_OFF},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        char line[256];
        (void)snprintf(line, sizeof(line), "server --listen :0 --target unix:/b --cert a %s",
                       rows[i].flags);
        struct gw_config *c = accepted(line);
        assert_int_equal(c->services[0]->tls.strict_sni, rows[i].strict);
        assert_int_equal(c->services[0]->relay,
                         strstr(line, "copy") ? GW_RELAY_COPY : GW_RELAY_AUTO);
        gw_config_free(c);
    }
}

static void responses_find_their_certificates(void **state gw_unused)
{
    struct gw_config *c = accepted("server --listen :0 --target unix:/b --cert a --cert b "
                                   "--ocsp-file o --key k --cert c");
    const struct gw_service *s = c->services[0];
    assert_null(s->tls.certs[0].ocsp_file);
    assert_string_equal(s->tls.certs[1].ocsp_file, "o");
    assert_null(s->tls.certs[2].ocsp_file);
    gw_config_free(c);
    static const char *const lines[] = {"--ocsp-file o --cert a",
                                        "--cert a --ocsp-file o --ocsp-file p"};
    for (size_t i = 0; i < GW_ARRAY_SIZE(lines); i++) {
        char line[256];
        (void)snprintf(line, sizeof(line), "server --listen :0 --target unix:/b %s", lines[i]);
        struct cmdline got = cmdline_parse(line);
        assert_int_equal(got.err.exit, GW_EXIT_USAGE);
        assert_non_null(strstr(got.err.text, "after its --cert"));
    }
}

static void keys_find_their_certificates(void **state gw_unused)
{
    static const struct {
        const char *flags;
        const char *keys; /* of the certificates in order, joined by ' ' */
    } rows[] = {
        {"--cert a --key ka --cert b --key kb", "ka kb"},
        {"--cert a --cert b --key ka --key kb", "ka kb"},
        {"--key ka --cert a --key kb --cert b", "ka kb"},
        {"--cert a --cert b --key kb", "a kb"},
        {"--cert a --key ka --cert b", "ka b"},
        {"--cert a --cert b", "a b"},
        {"--key ka --cert a", "ka"},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        char line[256];
        char keys[64] = "";
        (void)snprintf(line, sizeof(line), "server --listen :0 --target unix:/b %s", rows[i].flags);
        struct gw_config *c = accepted(line);
        for (unsigned k = 0; k < c->services[0]->tls.cert_count; k++)
            (void)snprintf(keys + strlen(keys), sizeof(keys) - strlen(keys), "%s%s", k ? " " : "",
                           c->services[0]->tls.certs[k].key_file);
        assert_string_equal(keys, rows[i].keys);
        gw_config_free(c);
    }
}

static void verify_follows_cacert(void **state gw_unused)
{
    struct gw_config *c = accepted("server " SERVED "--cacert ca --allow-all");
    assert_int_equal(c->services[0]->tls.verify, GW_VERIFY_REQUIRED);
    assert_int_equal(c->services[0]->rule_count, 1);
    assert_int_equal(c->services[0]->rules[0].kind, GW_RULE_ALL);
    assert_null(c->services[0]->rules[0].pattern);
    gw_config_free(c);
    c = accepted("server " SERVED "--cacert ca --verify none");
    assert_int_equal(c->services[0]->tls.verify, GW_VERIFY_NONE);
    gw_config_free(c);
    /* It says what is so. */
    c = accepted("server " SERVED "--allow-all");
    assert_int_equal(c->services[0]->tls.verify, GW_VERIFY_NONE);
    assert_int_equal(c->services[0]->rule_count, 1);
    assert_int_equal(c->services[0]->rules[0].kind, GW_RULE_ALL);
    gw_config_free(c);
}

static void users_and_groups_become_ids(void **state gw_unused)
{
    struct gw_config *c = accepted("server " SERVED "--user root");
    assert_string_equal(c->user, "root");
    assert_int_equal(c->uid, 0);
    assert_int_equal(c->gid, 0);
    gw_config_free(c);
    c = accepted("server " SERVED "--user 3999999999 --group 1234567");
    assert_int_equal(c->uid, 3999999999U);
    assert_int_equal(c->gid, 1234567);
    gw_config_free(c);
    c = accepted("server " SERVED "--user nobody --group root");
    assert_int_not_equal(c->uid, 0);
    assert_int_equal(c->gid, 0);
    gw_config_free(c);
}

static void each_list_has_an_end(void **state gw_unused)
{
    static const struct {
        const char *fmt;
        unsigned max;
        const char *sentence;
    } rows[] = {
        {"--listen=127.0.0.1:", GW_MAX_ADDRESSES,
         "--listen: more than 64 are given; leave some out"},
        {"--cert-dir=d", GW_MAX_CERT_DIRS, "--cert-dir: more than 64 are given; leave some out"},
        {"--alpn=p", GW_MAX_ALPN, "--alpn: more than 16 are given; leave some out"},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        char *line = many("server ", rows[i].fmt, rows[i].max + 1);
        struct cmdline c = cmdline_parse(line);
        assert_int_equal(c.err.exit, GW_EXIT_USAGE);
        assert_string_equal(c.err.text, rows[i].sentence);
        free(line);
    }
    char *line =
        many("server --target 127.0.0.1:80 --cert c ", "--listen=127.0.0.1:", GW_MAX_ADDRESSES);
    struct cmdline c = cmdline_parse(line);
    assert_int_equal(c.result, 0);
    assert_int_equal(c.config->services[0]->listen_count, GW_MAX_ADDRESSES);
    gw_config_free(c.config);
    free(line);
}

static void a_long_value_is_cut_in_the_sentence(void **state gw_unused)
{
    char line[8192] = "server --cert ";
    size_t start = strlen(line);
    memset(line + start, 'x', GW_VALUE_BYTES_MAX + 1);
    struct cmdline c = cmdline_parse(line);
    assert_int_not_equal(c.result, 0);
    assert_string_equal(c.err.text,
                        "--cert 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                        "xxxxxxxxxxxxxx...': the value is longer than 4096 bytes");
    line[start + GW_VALUE_BYTES_MAX] = '\0';
    c = cmdline_parse(line);
    assert_string_equal(c.err.text,
                        "--listen is missing: say where clients connect, such as --listen :8443");
}

static void the_error_may_be_unwanted(void **state gw_unused)
{
    char flag[] = "--nonsense";
    char *argv[] = {flag};
    struct gw_config *c = NULL;
    assert_int_equal(gw_config_parse(&c, "server", 1, argv, NULL), -EINVAL);
    assert_null(c);
    gw_config_free(NULL);
}

/* What the process may do cannot be undone, so it is tried in a child. */
static int status_of(int (*run)(void))
{
    int status = 0;
    pid_t child = fork();
    if (!child)
        _exit(run());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int few_files(void)
{
    const struct rlimit lim = {200, 200};
    if (setrlimit(RLIMIT_NOFILE, &lim))
        return 77;
    struct cmdline c = cmdline_parse("server " SERVED);
    if (c.result || c.config->max_conns != (200 - GW_WORKER_FDS) / 2 ||
        c.config->warning_count != 1)
        return 1;
    if (strcmp(c.config->warnings[0],
               "--max-conns is 52 instead of the default, because a process may open only 200 "
               "files; raise the limit (LimitNOFILE= of systemd, ulimit -Hn) or give --max-conns"))
        return 2;
    gw_config_free(c.config);
    c = cmdline_parse("server " SERVED "--max-conns 52");
    if (c.result || c.config->warning_count)
        return 3;
    gw_config_free(c.config);
    c = cmdline_parse("server " SERVED "--max-conns 53");
    return !c.result || c.err.exit != GW_EXIT_USAGE ||
           strcmp(c.err.text, "--max-conns 53 needs 202 open files, and a process may open only "
                              "200; raise the limit (LimitNOFILE= of systemd, ulimit -Hn) or give "
                              "at most 52");
}

static int hardly_any_files(void)
{
    const struct rlimit lim = {GW_WORKER_FDS, GW_WORKER_FDS};
    if (setrlimit(RLIMIT_NOFILE, &lim))
        return 77;
    struct cmdline c = cmdline_parse("server " SERVED);
    return !c.result || c.err.exit != GW_EXIT_USAGE ||
           strncmp(c.err.text, "a process may open only 96 files; raise the limit to ", 53) != 0;
}

static void connections_fit_the_limit_of_files(void **state gw_unused)
{
    assert_int_equal(status_of(few_files), 0);
    assert_int_equal(status_of(hardly_any_files), 0);
}

static int one_processor(void)
{
    cpu_set_t set;
    int mine = 0;
    if (sched_getaffinity(0, sizeof(set), &set))
        return 77;
    while (!CPU_ISSET(mine, &set))
        mine++;
    CPU_ZERO(&set);
    CPU_SET(mine, &set);
    if (sched_setaffinity(0, sizeof(set), &set))
        return 77;
    char line[256];
    struct cmdline c = cmdline_parse("server " SERVED);
    if (c.result || c.config->workers != 1)
        return 1;
    gw_config_free(c.config);
    (void)snprintf(line, sizeof(line), "server " SERVED "--cpus %d", mine);
    c = cmdline_parse(line);
    if (c.result || c.config->workers != 1 || c.config->cpu_count != 1 || c.config->cpus[0] != mine)
        return 2;
    gw_config_free(c.config);
    (void)snprintf(line, sizeof(line), "server " SERVED "--cpus %d", mine + 1);
    c = cmdline_parse(line);
    char sentence[256];
    (void)snprintf(sentence, sizeof(sentence),
                   "--cpus '%d': this process may not use processor %d; see `nproc` and `taskset "
                   "-p $$` for those it may",
                   mine + 1, mine + 1);
    return !c.result || c.err.exit != GW_EXIT_USAGE || strcmp(c.err.text, sentence) != 0;
}

static void workers_follow_the_affinity(void **state gw_unused)
{
    int status = status_of(one_processor);
    if (status == 77)
        skip_with("this process cannot be bound to one processor");
    assert_int_equal(status, 0);
}

static int no_resolver(void)
{
    if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET))
        return 77;
    struct cmdline c =
        cmdline_parse("server --listen 127.0.0.1:0 --target nobody.invalid:80 --cert c");
    return !c.result || c.err.exit != GW_EXIT_START ||
           strncmp(c.err.text, "--target 'nobody.invalid:80': the name cannot be resolved (", 59) !=
               0;
}

static void an_unknown_host_is_not_bad_usage(void **state gw_unused)
{
    int status = status_of(no_resolver);
    if (status == 77)
        skip_with("no namespace without a resolver can be made here");
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_contract),
        cmocka_unit_test(every_flag_arrives),
        cmocka_unit_test(other_commands),
        cmocka_unit_test(help_and_version_come_before_all_checks),
        cmocka_unit_test(refusals_say_what_to_do),
        cmocka_unit_test(a_target_is_not_the_gateway_by_any_address),
        cmocka_unit_test(certificates_may_be_many),
        cmocka_unit_test(a_pattern_is_as_long_as_a_name),
        cmocka_unit_test(a_value_may_be_left_out),
        cmocka_unit_test(responses_find_their_certificates),
        cmocka_unit_test(keys_find_their_certificates),
        cmocka_unit_test(verify_follows_cacert),
        cmocka_unit_test(users_and_groups_become_ids),
        cmocka_unit_test(each_list_has_an_end),
        cmocka_unit_test(a_long_value_is_cut_in_the_sentence),
        cmocka_unit_test(the_error_may_be_unwanted),
        cmocka_unit_test(connections_fit_the_limit_of_files),
        cmocka_unit_test(workers_follow_the_affinity),
        cmocka_unit_test(an_unknown_host_is_not_bad_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
