/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/config/configfile: several services from one file, and what is wrong with others. */
#include "gateway/config/again.h"
#include "gateway/config/parse.h"
#include "gateway/config/place.h"
#include "tests/unit/certs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    ARGS_MAX = 16
};

static struct test_dir *dir;

/* `ktlsgate server --config FILE` and further arguments. */
struct run {
    const char *path;
    char *args[ARGS_MAX];
    int count;
    struct gw_config *config; /* NULL: refused */
    struct gw_error err;
};

static void parse(struct run *r, const char *text, size_t len, const char *more)
{
    static char flag[] = "--config";
    static char words[512];
    *r = (struct run){.path = test_dir_file(dir, "gate.conf", text, len)};
    r->args[r->count++] = flag;
    r->args[r->count++] = (char *)(uintptr_t)r->path;
    (void)snprintf(words, sizeof(words), "%s", more);
    for (char *at = strtok(words, " "); at; at = strtok(NULL, " "))
        r->args[r->count++] = at;
    if (gw_config_parse(&r->config, "server", r->count, r->args, &r->err))
        assert_null(r->config);
}

static struct gw_config *accepted(struct run *r, const char *text, const char *more)
{
    parse(r, text, strlen(text), more);
    if (!r->config)
        fail_msg("%s", r->err.text);
    return r->config;
}

#define WEB                                                                                        \
    "service web {\n"                                                                              \
    "  listen = 127.0.0.1:0\n"                                                                     \
    "  target = 127.0.0.1:80\n"                                                                    \
    "  cert = web.pem\n"

static const char whole[] =
    "# all of the gateway\n"
    "log-format = json\n"
    "max-conns = 100\n"
    "workers = 2\n" WEB "  listen = {127.0.0.1:0, unix:/run/web}\n"
    "  key = web.key\n"
    "  cacert = ca.pem # their CA\n"
    "  allow-dns = {\"*.example.com\", **.x.test,\n"
    "               'a.test'}\n"
    "  allow-cn = J\xc3\xbcrgen\n"
    "  allow-cn += \"My Client\"\n"
    "  deny-uri = spiffe://t/bad/*\n"
    "  alpn = {h2, \"http/1.1\"}\n"
    "  records = user\n"
    "}\n"
    "client db {\n"
    "  listen = 127.0.0.1:0 target = localhost:5432 cacert = db.pem\n"
    "}\n"
    "service open { listen = 127.0.0.1:0 target = unix:/b cert = o.pem tls-min = 1.3 }\n";

static void each_section_is_a_service(void **state gw_unused)
{
    struct run r;
    const struct gw_config *c = accepted(&r, whole, "");
    assert_int_equal(c->service_count, 3);
    assert_int_equal(c->max_conns, 100);
    assert_int_equal(c->workers, 2);
    assert_int_equal(c->log_format, GW_LOG_JSON);
    const struct gw_service *web = c->services[0];
    assert_string_equal(web->name, "web");
    assert_int_equal(web->role, GW_ROLE_SERVER);
    assert_int_equal(web->listen_count, 3);
    assert_string_equal(web->listen[2].text, "unix:/run/web");
    assert_string_equal(web->target.text, "127.0.0.1:80");
    assert_string_equal(web->tls.certs[0].key_file, "web.key");
    assert_int_equal(web->tls.verify, GW_VERIFY_REQUIRED);
    assert_int_equal(web->rule_count, 6);
    assert_string_equal(web->rules[1].pattern, "**.x.test");
    assert_string_equal(web->rules[3].pattern, "J\xc3\xbcrgen");
    assert_string_equal(web->rules[4].pattern, "My Client");
    assert_string_equal(web->rules[5].pattern, "spiffe://t/bad/*");
    assert_true(web->rules[5].deny);
    assert_int_equal(web->tls.alpn_count, 2);
    assert_int_equal(web->records, GW_RECORDS_USER);
    const struct gw_service *db = c->services[1];
    assert_string_equal(db->name, "db");
    assert_int_equal(db->role, GW_ROLE_CLIENT);
    assert_string_equal(db->tls.peer_name, "localhost");
    assert_int_equal(db->records, GW_RECORDS_AUTO);
    const struct gw_service *open = c->services[2];
    assert_int_equal(open->tls.verify, GW_VERIFY_NONE);
    assert_int_equal(open->rule_count, 1);
    assert_int_equal(open->tls.tls_min, 0x0304);
    assert_int_equal(web->tls.tls_min, 0x0303);
    for (unsigned i = 0; i < c->service_count; i++) {
        assert_int_equal(c->services[i]->tls.role, c->services[i]->role);
        assert_string_equal(c->services[i]->tls.session_scope, c->services[i]->name);
    }
    gw_config_free(r.config);
}

static void flags_win_over_global_keys(void **state gw_unused)
{
    struct run r;
    const struct gw_config *c =
        accepted(&r, "max-conns = 7\nidle-timeout = 9s\nworkers = auto\n" WEB "}",
                 "--max-conns 8 --workers 3");
    assert_int_equal(c->max_conns, 8);
    assert_int_equal(c->workers, 3);
    assert_true(c->services[0]->idle_timeout_ns == 9 * INT64_C(1000000000));
    assert_true(c->services[0]->connect_timeout_ns == 5 * INT64_C(1000000000));
    gw_config_free(r.config);
    c = accepted(&r, "workers = 3\n" WEB "}", "--workers auto --cpus 0");
    assert_int_equal(c->workers, 1);
    gw_config_free(r.config);
}

/* A section, then the command line, then what stands before the sections, then the default; of both
 * kinds of section. */
static void time_outs_are_of_each_service(void **state gw_unused)
{
    static const char text[] =
        "handshake-timeout = 1s\nconnect-timeout = 2s\nidle-timeout = 3s\n" WEB
        "  connect-timeout = 20s\n  close-timeout = 40s\n}\n"
        "service bare { listen = 127.0.0.1:0 target = unix:/b cert = c }\n"
        "client db { listen = 127.0.0.1:0 target = localhost:1 cacert = c handshake-timeout = "
        "10ms\n"
        "  idle-timeout = 0 }\n";
    static const int64_t expected[][4] = {
        {1000, 20000, 7000, 40000}, {1000, 2000, 7000, 60000}, {10, 2000, 0, 60000}};
    struct run r;
    const struct gw_config *c = accepted(&r, text, "--idle-timeout 7s");
    for (unsigned i = 0; i < c->service_count; i++) {
        const struct gw_service *s = c->services[i];
        assert_int_equal(s->handshake_timeout_ns, expected[i][0] * 1000000);
        assert_int_equal(s->connect_timeout_ns, expected[i][1] * 1000000);
        assert_int_equal(s->idle_timeout_ns, expected[i][2] * 1000000);
        assert_int_equal(s->close_timeout_ns, expected[i][3] * 1000000);
    }
    gw_config_free(r.config);
}

static void a_switch_is_on_or_off(void **state gw_unused)
{
    struct run r;
    const struct gw_config *c =
        accepted(&r,
                 WEB "cacert = c allow-all = on }\n"
                     "service b { listen = 127.0.0.1:0 target = unix:/b cert = c cacert = d\n"
                     "allow-all = off allow-ou = x }",
                 "");
    assert_int_equal(c->services[0]->rules[0].kind, GW_RULE_ALL);
    assert_int_equal(c->services[1]->rule_count, 1);
    assert_int_equal(c->services[1]->rules[0].kind, GW_RULE_OU);
    gw_config_free(r.config);
}

static void strictness_of_names_is_a_word(void **state gw_unused)
{
    struct run r;
#define MORE(name, key)                                                                            \
    "service " name " { listen = 127.0.0.1:0 target = unix:/b cert = c " key " }\n"
    const struct gw_config *c =
        accepted(&r,
                 MORE("a", "") MORE("b", "strict-sni = on") MORE("c", "strict-sni = unknown")
                     MORE("d", "strict-sni = off"),
                 "");
#undef MORE
    assert_int_equal(c->services[0]->tls.strict_sni, GW_STRICT_SNI_OFF);
    assert_int_equal(c->services[1]->tls.strict_sni, GW_STRICT_SNI_ON);
    assert_int_equal(c->services[2]->tls.strict_sni, GW_STRICT_SNI_UNKNOWN);
    assert_int_equal(c->services[3]->tls.strict_sni, GW_STRICT_SNI_OFF);
    gw_config_free(r.config);
}

/* After the path and its colon; %s in a sentence stands for nothing here. */
static const struct {
    const char *text;
    const char *sentence;
} refusals[] = {
    {"", " no service is described; write a section for each, such as service NAME { … }"},
    {"# c\n\n", " no service is described; write a section for each, such as service NAME { … }"},
    {"\nfoo = 1", "2: unknown key 'foo'; keys are the flags that `ktlsgate help server` lists, "
                  "without their dashes"},
    {"servce w {}", "1: unknown key 'servce'; did you mean a section, service NAME { … }?"},
    {"server w {}", "1: unknown key 'server'; did you mean a section, service NAME { … }?"},
    {"cleint w {}", "1: unknown key 'cleint'; did you mean a section, client NAME { … }?"},
    {"lisen = :1", "1: unknown key 'lisen'; did you mean listen, in a section?"},
    {"--max-conns = 1", "1: keys have no dashes before them; write max-conns"},
    {"-max-cons = 1", "1: unknown key '-max-cons'; did you mean max-conns?"},
    {"log-fromat = json", "1: unknown key 'log-fromat'; did you mean log-format?"},
    {"# c\n# d\nmax-conns = x",
     "3: max-conns 'x': it does not begin with a number; give a whole number from 1 to 1000000"},
    {"max-conns = 1\nmax-conns = 1\n", "2: max-conns is given twice; leave one out"},
    {"idle-timeout = soon",
     "1: idle-timeout 'soon': it does not begin with a number; give 1ms to 30d or 0 for off, such "
     "as 10m"},
    {WEB "  idle-timeout = 1s\n  idle-timeout = 1s\n}",
     "6: service web: idle-timeout is given twice; leave one out"},
    {WEB "  shutdown-timeout = 1s\n}", "5: service web: 'shutdown-timeout' applies to the whole "
                                       "gateway; write it before the sections"},
    {"max-conns = {1}", "1: unexpected token '{'"},
    {"max-conns 1", "1: max-conns needs a value: N"},
    {WEB "  allow-all\n\n  alpn = h2\n}", "5: service web: allow-all needs a value: on or off"},
    {WEB "  deny-cn = {x, allow-all, y}\n  allow-cn = allow-all\n  allow-all # all\n}",
     "7: service web: allow-all needs a value: on or off"},
    {WEB "}\nservice strict-sni {\n  strict-sni\n  strict-sni = on\n}",
     "7: service strict-sni: strict-sni needs a value: off, unknown or on"},
    {WEB "  cacert\n}", "5: service web: cacert needs a value: PATH"},
    {"max-conns = ''", "1: max-conns: the value is empty; give N"},
    {"max-conns =", "1: premature end of file"},
    {"listen = :1", "1: 'listen' describes a service; write it into a section, such as service "
                    "NAME { … }"},
    {"target-name = x", "1: 'target-name' describes a service; write it into a section, such as "
                        "client NAME { … }"},
    {"config = x", "1: unknown key 'config'; keys are the flags that `ktlsgate help server` lists, "
                   "without their dashes"},
    {"help = on", "1: unknown key 'help'; keys are the flags that `ktlsgate help server` lists, "
                  "without their dashes"},
    {"service {}", "1: missing title for section 'service'"},
    {"service a b {}", "1: missing opening brace for section 'service'"},
    {"service 'a b' {}",
     "1: 'a b' cannot be the name of a service; give 1 to 31 letters, digits and . _ -"},
    {"service a2345678901234567890123456789012 {}",
     "1: 'a2345678901234567890123456789012' cannot be the name of a service; give 1 to 31 letters, "
     "digits and . _ -"},
    {"\nservice a { }\n", "2: service a: listen is missing: say where clients connect, such as "
                          "listen :8443"},
    {"client a {\n\n listen = :0 }",
     "1: client a: target is missing: say where the backend is, such as target 127.0.0.1:8080"},
    {WEB "}\nservice web {}", "6: there is a service 'web' already; give each its own name"},
    {WEB "}\nclient web { cacert = c }", "6: there is a service 'web' already; give each its own "
                                         "name"},
    {WEB "}\n}", "6: there is one } too many"},
    {WEB, "1: this { is never closed"},
    {WEB "  foo = 1\n}",
     "5: service web: unknown key 'foo'; keys are the flags that `ktlsgate help "
     "server` lists, without their dashes"},
    {WEB "}\nclient c {\n foo = 1\n}",
     "7: client c: unknown key 'foo'; keys are the flags that `ktlsgate help client` lists, "
     "without their dashes"},
    {WEB "  lisen = 1\n}", "5: service web: unknown key 'lisen'; did you mean listen?"},
    {WEB "  --listen = 1\n}", "5: service web: keys have no dashes before them; write listen"},
    {WEB "  worker = 1\n}",
     "5: service web: unknown key 'worker'; did you mean workers, before the sections?"},
    {WEB "\n  workers = 1\n}",
     "6: service web: 'workers' applies to the whole gateway; write it before the sections"},
    {WEB "  target-name = x\n}", "5: service web: 'target-name' is a key of a client, not of a "
                                 "service"},
    {"client c { proxy-protocol = v1 }",
     "1: client c: 'proxy-protocol' is a key of a service, not of a client"},
    {WEB "  service b {}\n}", "5: service web: unknown key 'service'; keys are the flags that "
                              "`ktlsgate help server` lists, without their dashes"},
    {WEB "  target = :1\n}", "5: service web: target is given twice; leave one out"},
    {WEB "  alpn = h2,h3\n}", "5: service web: unexpected token ','; quotes are needed around a "
                              "value with a comma"},
    {WEB "  alpn = {h2 h3}\n}", "5: service web: unexpected token 'h3'"},
    {WEB "  cacert = ca.pem\n}",
     "1: service web: no client could pass: with cacert add allow-cn, allow-dns, allow-uri or "
     "another allow flag, or allow-all for every client with a certificate of these authorities"},
    {WEB "  cacert = ca\n  allow-dns = {a.test,\n b*.test}\n}",
     "7: service web: allow-dns 'b*.test': it can never match: * must be a whole label between two "
     "dots"},
    {WEB "  allow-all = yes\n}", "5: service web: allow-all 'yes': give on or off"},
    {WEB "  allow-all = on\n  allow-all = off\n}",
     "6: service web: allow-all is given twice; leave one out"},
    {WEB "  allow-all = off\n  allow-all = on\n}",
     "6: service web: allow-all is given twice; leave one out"},
    {WEB "  strict-sni = yes\n}", "5: service web: strict-sni 'yes': give off, unknown or on"},
    {WEB "  crl-soft = off\n  crl-soft = off\n}",
     "6: service web: crl-soft is given twice; leave one out"},
    {"recheck-on-reload = on\nrecheck-on-reload = off\n",
     "2: recheck-on-reload is given twice; leave one out"},
    {WEB "  records = \"${HOME}\"\n}",
     "5: ${ is refused, since variables are not expanded; put a literal ${ in single quotes"},
    {WEB "  service|web|records = user\n}", "5: no key has a | in its name"},
    {"include(other.conf)", "1: quotes are needed around a value with # ( ) ; or \\ in it"},
    {WEB "  deny-cn = mallory;\n}", "5: quotes are needed around a value with # ( ) ; or \\ in it"},
    {WEB "}\nservice b { listen = 127.0.0.1:1 target = unix:/b cert = c }\n"
         "service d { listen = 127.0.0.1:1 target = unix:/b cert = c }",
     "7: service d: listen 127.0.0.1:1: listen 127.0.0.1:1 of service b already listens there; "
     "leave one out"},
    {"workers = 3\ncpus = '0'\n" WEB "}", " workers 3 is more than the 1 processors of cpus; name "
                                          "one for each worker, or leave workers out"},
};

static void what_is_wrong_is_told_with_its_place(void **state gw_unused)
{
    for (size_t i = 0; i < GW_ARRAY_SIZE(refusals); i++) {
        struct run r;
        char want[1024];
        parse(&r, refusals[i].text, strlen(refusals[i].text), "");
        (void)snprintf(want, sizeof(want), "%s:%s", r.path, refusals[i].sentence);
        if (r.config || strcmp(r.err.text, want))
            fail_msg("row %zu:\n%s\nnot\n%s", i, r.config ? "is taken" : r.err.text, want);
        assert_int_equal(r.err.exit, GW_EXIT_USAGE);
    }
}

/* A note about a value of two services stands in the line of each, and once in a common one. */
static void notes_get_their_place(void **state gw_unused)
{
    static const char text[] = "service a { listen = 127.0.0.1:0 target = unix:/b\n"
                               "cert = {web.pem, lost.pem}\n"
                               "cert-dir = certs\n"
                               "} service b { listen = 127.0.0.1:1 target = unix:/b\n"
                               "cert = lost.pem }\n";
    static const struct {
        unsigned service;
        const char *note, *want;
    } rows[] = {
        {0, "left out: --cert lost.pem: it cannot be read", ":2: service a: left out: cert lost"},
        {0, "--cert-dir certs/x: left out: a folder", ":3: service a: cert-dir certs/x: left out"},
        {0, "left out: --cert lost.pemx: other", ":1: service a: left out: cert lost.pemx: other"},
        {0, "something", ":1: service a: something"},
        {1, "left out: --cert lost.pem: it cannot be read", ":5: service b: left out: cert lost"},
    };
    struct run r;
    struct gw_notes notes = {NULL};
    const struct gw_config *c = accepted(&r, text, "");
    gw_notes_add(&notes, "--cert lost.pem: earlier");
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        char want[1024];
        unsigned from = notes.count;
        for (int again = 0; again < 2; again++) { /* the second changes into the first */
            gw_notes_add(&notes, "%s", rows[i].note);
            gw_place_notes(c, rows[i].service, &notes, from + (unsigned)again);
            assert_int_equal(notes.count, from + 1);
        }
        (void)snprintf(want, sizeof(want), "%s%s", r.path, rows[i].want);
        if (strncmp(notes.all[from], want, strlen(want)))
            fail_msg("'%s' instead of '%s'", notes.all[from], want);
    }
    assert_string_equal(notes.all[0], "--cert lost.pem: earlier");
    gw_notes_done(&notes);
    gw_config_free(r.config);
}

static struct gw_config *with_services(unsigned count, const char *more)
{
    static char text[16384];
    struct run r;
    size_t len = 0;
    for (unsigned i = 0; i < count; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len,
                                "service number-%03u { listen = 127.0.0.1:0 target = unix:/b "
                                "cert = c.pem %s }\n",
                                i, more);
    (void)accepted(&r, text, "");
    return r.config;
}

/* All are counted that have no room. */
static void many_differences_are_counted(void **state gw_unused)
{
    enum {
        SERVICES = 40
    };
    char what[GW_SETTING_TEXT_MAX];
    unsigned named = 0, more = 0;
    struct gw_config *a = with_services(SERVICES, ""), *b = with_services(SERVICES, "relay = copy");
    assert_false(gw_config_same_settings(a, b, what));
    for (const char *at = what; (at = strstr(at, "relay")); at++)
        named++;
    const char *end = strstr(what, " and ");
    assert_non_null(end);
    assert_int_equal(sscanf(end, " and %u more", &more), 1);
    assert_int_equal(named + more, SERVICES);
    assert_true(named > SERVICES / 4);
    gw_config_free(a);
    gw_config_free(b);
}

/* A file that was refused, wherever in it, leaves nothing behind for the next one. */
static void a_bad_file_spoils_no_other(void **state gw_unused)
{
    for (size_t i = 0; i < GW_ARRAY_SIZE(refusals); i++) {
        struct run r;
        parse(&r, refusals[i].text, strlen(refusals[i].text), "");
        assert_null(r.config);
        (void)accepted(&r, whole, "");
        assert_int_equal(r.config->service_count, 3);
        gw_config_free(r.config);
    }
}

static void every_cut_is_refused_or_whole(void **state gw_unused)
{
    for (size_t len = 0; len < strlen(whole); len++) {
        struct run r;
        parse(&r, whole, len, "");
        /* Only between two sections is a part a whole, too. */
        if (r.config && whole[len - 1] != '}' && whole[len] != 'c' && whole[len] != 's')
            fail_msg("taken, cut at %zu", len);
        gw_config_free(r.config);
    }
}

static void what_cannot_be_read_is_told(void **state gw_unused)
{
    struct run r;
    static const char nul[] = WEB "\0}";
    char want[1024];
    parse(&r, nul, sizeof(nul) - 1, "");
    (void)snprintf(want, sizeof(want), "%s:5: it contains a control character", r.path);
    assert_string_equal(r.err.text, want);
    parse(&r, whole, strlen(whole), "");
    gw_config_free(r.config);
    r.config = NULL;
    (void)unlink(r.path);
    assert_int_not_equal(gw_config_parse(&r.config, "server", r.count, r.args, &r.err), 0);
    (void)snprintf(want, sizeof(want), "%s: the file cannot be read: No such file or directory",
                   r.path);
    assert_string_equal(r.err.text, want);
    assert_int_equal(r.err.exit, GW_EXIT_START);
}

static void warns_of(struct run *r, const char *words)
{
    char want[1024];
    assert_int_equal(gw_config_parse(&r->config, "server", r->count, r->args, &r->err), 0);
    (void)snprintf(want, sizeof(want), "%s: %s, and so decide who may pass", r->path, words);
    assert_int_equal(r->config->warning_count, 1);
    assert_string_equal(r->config->warnings[0], want);
    gw_config_free(r->config);
    r->config = NULL;
}

static void who_may_write_to_it_is_looked_at(void **state gw_unused)
{
    struct run r;
    (void)accepted(&r, WEB "}", "");
    assert_int_equal(r.config->warning_count, 0);
    gw_config_free(r.config);
    r.config = NULL;
    assert_int_equal(chmod(r.path, 0666), 0);
    warns_of(&r, "everybody may write to it");
    assert_int_equal(chmod(r.path, 0660), 0);
    warns_of(&r, "its group may write to it");
    assert_int_equal(chmod(r.path, 0644), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(r.path, 65534, 0), 0);
        warns_of(&r, "another user, its owner, may write to it");
    }
}

static void service_flags_beside_it_are_refused(void **state gw_unused)
{
    static const char *const flags[] = {"listen", "cert", "allow-cn", "records", "tls-min"};
    static const char *const values[] = {":1", "c", "x", "user", "1.3"};
    for (size_t i = 0; i < GW_ARRAY_SIZE(flags); i++) {
        struct run r;
        char more[64];
        char want[256];
        (void)snprintf(more, sizeof(more), "--%s %s", flags[i], values[i]);
        parse(&r, whole, strlen(whole), more);
        (void)snprintf(want, sizeof(want),
                       "--%s describes a service, and with --config the services are in the file; "
                       "write it into the section there",
                       flags[i]);
        assert_null(r.config);
        assert_string_equal(r.err.text, want);
    }
}

/* Of several keys: libconfuse makes a list longer by one value at a time, and the address sanitizer
 * copies all of it each time. */
static void each_list_has_an_end(void **state gw_unused)
{
    static const char *const keys[] = {"allow-cn", "allow-ou", "allow-dns",
                                       "deny-cn",  "deny-ou",  "deny-dns"};
    char *text = NULL;
    size_t len = 0;
    int rules = 0;
    FILE *f = open_memstream(&text, &len);
    (void)fputs(WEB " cacert = ca", f);
    for (size_t i = 0; i < GW_ARRAY_SIZE(keys); i++) {
        int until = GW_MAX_RULES * (int)(i + 1) / (int)GW_ARRAY_SIZE(keys);
        (void)fprintf(f, "%s\n %s = {x", i ? "}" : "", keys[i]);
        for (rules++; rules < until; rules++)
            (void)fprintf(f, ",c%d", rules);
    }
    long whole_list = ftell(f);
    (void)fputs("}\n}\n", f);
    (void)fclose(f);
    struct run r;
    (void)accepted(&r, text, "");
    assert_int_equal(r.config->services[0]->rule_count, GW_MAX_RULES);
    assert_string_equal(r.config->services[0]->rules[GW_MAX_RULES - 1].pattern, "c99999");
    gw_config_free(r.config);
    (void)memcpy(text + whole_list, ",y}}", 5);
    parse(&r, text, strlen(text), "");
    assert_null(r.config);
    assert_non_null(strstr(r.err.text, "service web: deny-dns: more than 100000 are given"));
    free(text);
}

static void services_have_an_end(void **state gw_unused)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    for (int i = 0; i <= GW_MAX_SERVICES; i++)
        (void)fprintf(f, "service s%d {listen=127.0.0.1:0 target=unix:/b cert=c}\n", i);
    (void)fclose(f);
    struct run r;
    char want[256];
    parse(&r, text, strlen(text), "");
    (void)snprintf(want, sizeof(want), "%s:257: more than 256 services are described", r.path);
    assert_null(r.config);
    assert_string_equal(r.err.text, want);
    free(text);
}

/* Read again without asking the machine (the first row names a target that nobody knows), through
 * other files, and compared. */
static void it_is_read_again(void **state gw_unused)
{
    static const struct {
        const char *text;
        const char *what; /* all differences; NULL: none */
    } rows[] = {
        {WEB " cacert = b\n allow-dns = x.test }\nclient c { listen = 127.0.0.1:0\n target = "
             "nowhere.invalid:1 cacert = d }",
         "service c: target"},
        {"max-conns = 9\n" WEB "cacert = b allow-all = on }\nclient c { listen = 127.0.0.1:0\n "
         "target = localhost:1 cacert = d }",
         "max-conns"},
        {"idle-timeout = 9s\n" WEB "cacert = b allow-all = on }\nclient c { listen = 127.0.0.1:0\n "
         "target = localhost:1 cacert = d }",
         "idle-timeout"},
        {WEB "idle-timeout = 9s cacert = b allow-all = on }\nclient c { listen = 127.0.0.1:0\n "
             "target = localhost:1 cacert = d }",
         "service web: idle-timeout"},
        {WEB "records = user cacert = b allow-all = on }\nclient c { listen = 127.0.0.1:0\n "
             "target = localhost:1 cacert = d }",
         "service web: records"},
        {"max-conns = 9 workers = 1\n" WEB
         "records = user relay = copy cacert = b allow-all = on }\nclient c { "
         "listen = 127.0.0.1:0\n target = localhost:2 idle-timeout = 1s cacert = d }",
         "max-conns, workers; service web: records, relay; service c: target, idle-timeout"},
        {WEB "cacert = b allow-all = on }", "the services"},
        {WEB "cacert = x allow-cn = y cert = other }\nclient c { cacert = d "
             "listen = 127.0.0.1:0 target = localhost:1 key = k cert = l }",
         NULL},
    };
    struct run r;
    (void)accepted(&r,
                   WEB " cacert = b\n allow-all = on }\nclient c { listen = 127.0.0.1:0\n "
                       "target = localhost:1 cacert = d }",
                   "");
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        char what[GW_SETTING_TEXT_MAX] = "";
        struct gw_config *second = NULL;
        struct gw_files *files = gw_files_new();
        (void)test_dir_file(dir, "gate.conf", rows[i].text, strlen(rows[i].text));
        if (gw_config_again(&second, r.config, files, &r.err))
            fail_msg("row %zu: %s", i, r.err.text);
        bool is_same = gw_config_same_settings(r.config, second, what);
        assert_int_equal(is_same, !rows[i].what);
        assert_string_equal(what, rows[i].what ? rows[i].what : "");
        assert_int_equal(second->services[0]->listen_count, 1);
        gw_config_free(second);
        gw_files_free(files);
    }
    gw_config_free(r.config);
}

static int set_up(void **state gw_unused)
{
    dir = test_dir_new();
    return 0;
}

static int tear_down(void **state gw_unused)
{
    test_dir_free(dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_section_is_a_service),
        cmocka_unit_test(flags_win_over_global_keys),
        cmocka_unit_test(time_outs_are_of_each_service),
        cmocka_unit_test(a_switch_is_on_or_off),
        cmocka_unit_test(strictness_of_names_is_a_word),
        cmocka_unit_test(what_is_wrong_is_told_with_its_place),
        cmocka_unit_test(notes_get_their_place),
        cmocka_unit_test(many_differences_are_counted),
        cmocka_unit_test(a_bad_file_spoils_no_other),
        cmocka_unit_test(every_cut_is_refused_or_whole),
        cmocka_unit_test(what_cannot_be_read_is_told),
        cmocka_unit_test(who_may_write_to_it_is_looked_at),
        cmocka_unit_test(service_flags_beside_it_are_refused),
        cmocka_unit_test(each_list_has_an_end),
        cmocka_unit_test(services_have_an_end),
        cmocka_unit_test(it_is_read_again),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
