/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway/pki/ca, issue, revoke: what a CA makes, judged by the openssl program; what it refuses;
 * what it remembers.
 */
#include "gateway/pki/crl.h"
#include "gateway/pki/issue.h"
#include "gateway/pki/revoke.h"
#include "gateway/pki/table.h"
#include "tests/unit/certs.h"

#include <errno.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/skip.h"

enum {
    DAY_S = 86400
};

/* A CA in a folder of its own, open with its keys. */
struct world {
    struct test_dir *dir;
    char path[256];
    struct gw_pki_ca ca;
    struct gw_error err;
    int64_t now;
};

static struct world w;

#define good(call)                                                                                 \
    do {                                                                                           \
        if (call)                                                                                  \
            fail_msg("%s: %s", #call, w.err.text);                                                 \
    } while (0)

static int new_folder(void **state)
{
    (void)state;
    w = (struct world){.ca = {.store = {.fd = -1}}, .now = (int64_t)time(NULL)};
    w.dir = test_dir_new();
    (void)snprintf(w.path, sizeof(w.path), "%s/pki", test_dir_path(w.dir));
    return 0;
}

static int drop_folder(void **state)
{
    (void)state;
    gw_pki_ca_close(&w.ca);
    gw_pki_store_destroy(w.path);
    test_dir_free(w.dir);
    return 0;
}

static void init(struct gw_pki_init init)
{
    init.path = w.path;
    init.now = init.now ? init.now : w.now;
    good(gw_pki_ca_init(&w.ca, &init, &w.err));
}

static void reopen(enum gw_pki_access access)
{
    gw_pki_ca_close(&w.ca);
    good(gw_pki_ca_open(&w.ca, w.path, access, w.now, &w.err));
    if (access == GW_PKI_WRITE)
        good(gw_pki_ca_keys(&w.ca, NULL, &w.err));
}

static const struct gw_pki_record *issue(struct gw_pki_request request)
{
    const struct gw_pki_record *made = NULL;
    good(gw_pki_issue(&w.ca, &request, &(struct gw_pki_wish){.days = 0}, &made, &w.err));
    return made;
}

static const struct gw_pki_record *server(const char *name)
{
    return issue((struct gw_pki_request){.kind = GW_PKI_SERVER, .name = name});
}

static const struct gw_pki_record *client(const char *name)
{
    return issue((struct gw_pki_request){.kind = GW_PKI_CLIENT, .name = name});
}

/* Runs a command in the CA's folder; its exit code. What it wrote is in `said`. */
static char said[16384];

static gw_printf(1, 2) int run(const char *fmt, ...)
{
    char command[2048], line[4096];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(command, sizeof(command), fmt, args);
    va_end(args);
    (void)snprintf(line, sizeof(line), "cd %s && { %s; } 2>&1", w.path, command);
    FILE *f = popen(line, "r");
    assert_non_null(f);
    size_t n = fread(said, 1, sizeof(said) - 1, f);
    said[n] = '\0';
    int status = pclose(f);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void says(const char *words)
{
    if (!strstr(said, words))
        fail_msg("no '%s' in: %.2000s", words, said);
}

static void says_not(const char *words)
{
    if (strstr(said, words))
        fail_msg("'%s' in: %.2000s", words, said);
}

#define judged_good(...)                                                                           \
    do {                                                                                           \
        if (run(__VA_ARGS__))                                                                      \
            fail_msg("%.3000s", said);                                                             \
    } while (0)

/* ---- what is made ---- */

static void certificates_are_what_clients_want(void **state gw_unused)
{
    init((struct gw_pki_init){.name = "Test CA"});
    (void)issue((struct gw_pki_request){.kind = GW_PKI_SERVER,
                                        .name = "gate.test",
                                        .sans = {{GW_PKI_SAN_IP, "::1"}},
                                        .san_count = 1});
    (void)issue((struct gw_pki_request){
        .kind = GW_PKI_CLIENT,
        .name = "alice",
        .ou = "ops",
        .sans = {{GW_PKI_SAN_URI, "spiffe://test/alice"}, {GW_PKI_SAN_EMAIL, "alice@gate.test"}},
        .san_count = 2});
    judged_good("openssl verify -x509_strict -purpose sslserver -verify_hostname gate.test "
                "-CAfile ca.pem certs/gate.test/cert.pem");
    judged_good("openssl verify -x509_strict -purpose sslserver -verify_ip ::1 -CAfile ca.pem "
                "certs/gate.test/cert.pem");
    judged_good("openssl verify -x509_strict -purpose sslclient -CAfile ca.pem "
                "certs/alice/cert.pem");
    assert_int_not_equal(run("openssl verify -purpose sslclient -CAfile ca.pem "
                             "certs/gate.test/cert.pem"),
                         0);
    assert_int_not_equal(run("openssl verify -purpose sslserver -CAfile ca.pem "
                             "certs/alice/cert.pem"),
                         0);
    judged_good("openssl x509 -noout -text -nameopt oneline -in certs/alice/cert.pem");
    says("Version: 3");
    says("ecdsa-with-SHA256");
    says("OU = ops, CN = alice");
    says("URI:spiffe://test/alice");
    says("email:alice@gate.test");
    says("Key Usage: critical\n                Digital Signature\n");
    says("Constraints: critical\n                CA:FALSE\n");
    says("TLS Web Client Authentication");
    says("Subject Key Identifier");
    says("Authority Key Identifier");
    judged_good("openssl x509 -noout -text -in ca.pem");
    says("CA:TRUE, pathlen:0");
    says("Certificate Sign, CRL Sign");
    judged_good("openssl x509 -noout -checkend $((3649 * 86400)) -in ca.pem");
}

static mode_t mode_of(const char *file)
{
    char path[512];
    struct stat st;
    (void)snprintf(path, sizeof(path), "%s/%s", w.path, file);
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static void keys_belong_and_nobody_else_may_read_them(void **state gw_unused)
{
    mode_t before = umask(0);
    init((struct gw_pki_init){.intermediate = true});
    (void)server("gate.test");
    (void)umask(before);
    static const char *const secret[] = {"ca/root.key", "ca/intermediate.key",
                                         "certs/gate.test/key.pem", "certs/gate.test/bundle.p12"};
    for (size_t i = 0; i < GW_ARRAY_SIZE(secret); i++)
        assert_int_equal(mode_of(secret[i]), 0600);
    assert_int_equal(mode_of("."), 0700);
    assert_int_equal(mode_of("certs/gate.test/."), 0700);
    judged_good("openssl x509 -noout -pubkey -in certs/gate.test/cert.pem > tmp/a && "
                "openssl pkey -pubout -in certs/gate.test/key.pem > tmp/b && cmp tmp/a tmp/b");
    judged_good("openssl pkcs12 -in certs/gate.test/bundle.p12 -passin pass: -noenc");
    says("friendlyName: gate.test");
    says("PRIVATE KEY");
    judged_good("openssl pkcs12 -in certs/gate.test/bundle.p12 -passin pass: -noenc -nokeys "
                "-cacerts | grep -c 'BEGIN CERTIFICATE' | grep -qx 2");
}

static void an_intermediate_signs_and_the_root_may_go_away(void **state gw_unused)
{
    init((struct gw_pki_init){.intermediate = true});
    judged_good("mv ca/root.key root.key.away");
    reopen(GW_PKI_WRITE);
    const struct gw_pki_record *r = server("gate.test");
    judged_good("grep -c 'BEGIN CERTIFICATE' certs/gate.test/chain.pem | grep -qx 2");
    judged_good("openssl verify -x509_strict -CAfile ca.pem -untrusted certs/gate.test/chain.pem "
                "-crl_check_all -CRLfile crl.pem certs/gate.test/cert.pem");
    /* A check of revocation needs the intermediate, too. */
    judged_good("openssl verify -x509_strict -CAfile ca.pem -crl_check_all -CRLfile crl.pem "
                "certs/gate.test/cert.pem");
    assert_int_not_equal(run("openssl verify -CAfile ca/root.pem certs/gate.test/cert.pem"), 0);
    good(gw_pki_revoke(&w.ca, gw_pki_register_by_serial(&w.ca.reg, r->serial.text),
                       GW_PKI_REASON_UNSPECIFIED, &w.err));
    good(gw_pki_crl_renew(&w.ca, 0, &w.err));
    assert_int_not_equal(run("openssl verify -CAfile ca.pem -untrusted certs/gate.test/chain.pem "
                             "-crl_check_all -CRLfile crl.pem certs/gate.test/cert.pem"),
                         0);
    says("certificate revoked");
    /* The root's list, which nobody can renew, ends before the other one. */
    struct gw_pki_crl_status lists;
    int64_t begun = w.now;
    gw_pki_crl_look(&w.ca, &lists);
    assert_int_equal(lists.next_update, begun + 7 * DAY_S);
    w.now += 360 * DAY_S;
    reopen(GW_PKI_WRITE);
    good(gw_pki_crl_renew(&w.ca, 7 * DAY_S, &w.err));
    gw_pki_crl_look(&w.ca, &lists);
    assert_int_equal(lists.next_update, begun + 365 * DAY_S);
    w.now = begun;
    reopen(GW_PKI_WRITE);
    /* Without its list, and without its key, there is none to be had. */
    judged_good("rm crl.pem");
    assert_int_not_equal(gw_pki_crl_renew(&w.ca, 0, &w.err), 0);
    assert_non_null(strstr(w.err.text, "ca/root.key is not here"));
}

static void the_intermediate_is_renewed_with_its_key(void **state gw_unused)
{
    const struct gw_pki_permits permits = {.dns = {"test"}, .dns_count = 1};
    init((struct gw_pki_init){.intermediate = true, .intermediate_days = 20, .permits = &permits});
    assert_int_equal(server("old.test")->expires, w.now + 20 * DAY_S);
    judged_good("openssl x509 -noout -serial -in ca/intermediate.pem > tmp/a");
    w.now += 15 * DAY_S;
    reopen(GW_PKI_WRITE);
    good(gw_pki_ca_renew(&w.ca, &w.err));
    good(gw_pki_crl_renew(&w.ca, 0, &w.err));
    assert_int_equal(server("new.test")->expires, w.now + 20 * DAY_S);
    judged_good(
        "openssl x509 -noout -serial -in ca/intermediate.pem > tmp/b; ! cmp -s tmp/a tmp/b");
    judged_good("openssl x509 -noout -text -in ca/intermediate.pem");
    says("Name Constraints: critical");
    says("CA:TRUE, pathlen:0");
    judged_good("openssl verify -attime %lld -x509_strict -CAfile ca.pem certs/old.test/cert.pem",
                (long long)w.now);
    judged_good("openssl verify -x509_strict -CAfile ca/root.pem -untrusted "
                "certs/old.test/chain.pem certs/old.test/cert.pem");
    judged_good("openssl verify -attime %lld -x509_strict -CAfile ca/root.pem -crl_check "
                "-CRLfile crl.pem -untrusted certs/new.test/chain.pem certs/new.test/cert.pem",
                (long long)w.now);
    judged_good("mv ca/root.key root.key.away");
    reopen(GW_PKI_WRITE);
    assert_int_not_equal(gw_pki_ca_renew(&w.ca, &w.err), 0);
    assert_non_null(strstr(w.err.text, "this needs the root's key"));
}

static void every_kind_of_key_works(void **state gw_unused)
{
    static const char *const names[] = {"p256", "p384", "rsa", "ed"};
    static const char *const kinds[] = {"prime256v1", "secp384r1", "Public-Key: (3072 bit)",
                                        "ED25519"};
    for (unsigned ca = 0; ca < GW_PKI_KEY_COUNT; ca++) {
        init((struct gw_pki_init){.key_type = (enum gw_pki_key_type)ca, .intermediate = true});
        for (unsigned type = 0; type < GW_PKI_KEY_COUNT; type++) {
            (void)issue((struct gw_pki_request){.kind = GW_PKI_CLIENT,
                                                .name = names[type],
                                                .key_type = (enum gw_pki_key_type)type});
            judged_good("openssl verify -x509_strict -CAfile ca.pem -untrusted "
                        "certs/%s/chain.pem -crl_check_all -CRLfile crl.pem certs/%s/cert.pem",
                        names[type], names[type]);
            judged_good("openssl x509 -noout -text -in certs/%s/cert.pem", names[type]);
            says(kinds[type]);
            judged_good("openssl pkcs12 -in certs/%s/bundle.p12 -passin pass: -noenc", names[type]);
        }
        gw_pki_ca_close(&w.ca);
        gw_pki_store_destroy(w.path);
    }
}

static void a_bounded_ca_issues_within_its_bounds(void **state gw_unused)
{
    const struct gw_pki_permits permits = {
        .dns = {"example.com"}, .dns_count = 1, .ip = {"192.0.2.0/24"}, .ip_count = 1};
    const struct gw_pki_record *made;
    const struct gw_pki_wish wish = {.days = 0};
    struct gw_pki_request outside = {.kind = GW_PKI_SERVER, .name = "gate.example.org"};
    init((struct gw_pki_init){.permits = &permits, .intermediate = true});
    judged_good("openssl x509 -noout -text -in ca.pem");
    says("Name Constraints: critical");
    (void)server("gate.example.com");
    (void)server("example.com");
    (void)server("192.0.2.7");
    (void)client("alice");
    judged_good("openssl verify -x509_strict -CAfile ca.pem -untrusted "
                "certs/192.0.2.7/chain.pem certs/192.0.2.7/cert.pem");
    assert_int_not_equal(gw_pki_issue(&w.ca, &outside, &wish, &made, &w.err), 0);
    assert_non_null(
        strstr(w.err.text, "this CA is not permitted to issue for DNS:gate.example.org (the"));
    outside.name = "192.0.3.1";
    assert_int_not_equal(gw_pki_issue(&w.ca, &outside, &wish, &made, &w.err), 0);
    assert_non_null(strstr(w.err.text, " issue for IP Address:192.0.3.1 (the"));
    outside.name = "2001";
    outside.sans[0] = (struct gw_pki_san){GW_PKI_SAN_IP, "2001:db8::1"};
    outside.san_count = 1;
    assert_int_not_equal(gw_pki_issue(&w.ca, &outside, &wish, &made, &w.err), 0);
    outside = (struct gw_pki_request){.kind = GW_PKI_SERVER, .name = "a.example.com"};
    outside.sans[0] = (struct gw_pki_san){GW_PKI_SAN_DNS, "b.example.com"};
    outside.sans[1] = (struct gw_pki_san){GW_PKI_SAN_DNS, "b.other.test"};
    outside.san_count = 2;
    assert_int_not_equal(gw_pki_issue(&w.ca, &outside, &wish, &made, &w.err), 0);
    assert_non_null(strstr(w.err.text, " issue for DNS:b.other.test (the"));
    outside = (struct gw_pki_request){.kind = GW_PKI_CLIENT, .name = "a.other.test"};
    assert_int_not_equal(gw_pki_issue(&w.ca, &outside, &wish, &made, &w.err), 0);
    assert_non_null(strstr(w.err.text, " issue for its name (the"));
    assert_int_equal(w.ca.reg.count, 4);
    assert_int_not_equal(run("ls certs/192.0.3.1"), 0); /* nothing of it is left */
}

static void issues(const char *name, struct gw_pki_san san, bool yes)
{
    const struct gw_pki_record *made;
    struct gw_pki_request r = {.kind = GW_PKI_CLIENT, .name = name, .sans = {san}, .san_count = 1};
    int error = gw_pki_issue(&w.ca, &r, &(struct gw_pki_wish){.days = 0}, &made, &w.err);
    if (!error != yes)
        fail_msg("'%s' is %s", san.text, yes ? w.err.text : "issued for");
    if (!yes && !strstr(w.err.text, "this CA is "))
        fail_msg("'%s' is refused for another reason: %s", san.text, w.err.text);
}

static void only_dns_names_permitted_means_no_addresses(void **state gw_unused)
{
    const struct gw_pki_permits permits = {.dns = {"example.com"}, .dns_count = 1};
    const struct gw_pki_record *made;
    struct gw_pki_request address = {.kind = GW_PKI_SERVER, .name = "192.0.2.1"};
    init((struct gw_pki_init){.permits = &permits});
    (void)server("gate.example.com");
    assert_int_not_equal(
        gw_pki_issue(&w.ca, &address, &(struct gw_pki_wish){.days = 0}, &made, &w.err), 0);
    assert_non_null(strstr(w.err.text, "this CA is not permitted to issue for "));
    issues("six", (struct gw_pki_san){GW_PKI_SAN_IP, "2001:db8::1"}, false);
    issues("four", (struct gw_pki_san){GW_PKI_SAN_IP, "192.0.2.1"}, false);
}

/* Without a flag for them, URIs and mail addresses of the domain; with one, those it names, too. */
static void names_of_every_kind_are_bounded(void **state gw_unused)
{
    static const struct {
        struct gw_pki_san san;
        bool by_dns, by_flags;
    } rows[] = {
        {{GW_PKI_SAN_URI, "spiffe://example.com/web"}, true, true},
        {{GW_PKI_SAN_URI, "https://a.b.example.com/web"}, true, true},
        {{GW_PKI_SAN_URI, "spiffe://prod.mesh/web"}, false, true},
        {{GW_PKI_SAN_URI, "spiffe://a.prod.mesh/web"}, false, false},
        {{GW_PKI_SAN_URI, "spiffe://a.test.mesh/web"}, false, true},
        {{GW_PKI_SAN_URI, "spiffe://test.mesh/web"}, false, false},
        {{GW_PKI_SAN_URI, "spiffe://other.org/root"}, false, false},
        {{GW_PKI_SAN_URI, "spiffe://badexample.com/root"}, false, false},
        {{GW_PKI_SAN_URI, "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"}, false, false},
        {{GW_PKI_SAN_EMAIL, "ann@example.com"}, true, true},
        {{GW_PKI_SAN_EMAIL, "ann@mail.example.com"}, true, true},
        {{GW_PKI_SAN_EMAIL, "ann@mail.test"}, false, true},
        {{GW_PKI_SAN_EMAIL, "ann@a.mail.test"}, false, false},
        {{GW_PKI_SAN_EMAIL, "bob@other.org"}, false, true},
        {{GW_PKI_SAN_EMAIL, "root@other.org"}, false, false},
        {{GW_PKI_SAN_EMAIL, "ann@badexample.com"}, false, false},
        {{GW_PKI_SAN_DNS, "www.example.com"}, true, true},
        {{GW_PKI_SAN_DNS, "prod.mesh"}, false, false},
        {{GW_PKI_SAN_IP, "2001:db8::1"}, false, false},
    };
    struct gw_pki_permits permits = {.dns = {"example.com"}, .dns_count = 1};
    for (int flags = 0; flags < 2; flags++) {
        init((struct gw_pki_init){.permits = &permits});
        for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
            char name[16];
            (void)snprintf(name, sizeof(name), "n%zu", i);
            issues(name, rows[i].san, flags ? rows[i].by_flags : rows[i].by_dns);
        }
        gw_pki_ca_close(&w.ca);
        gw_pki_store_destroy(w.path);
        permits.uri[permits.uri_count++] = "prod.mesh";
        permits.uri[permits.uri_count++] = ".test.mesh";
        permits.email[permits.email_count++] = "mail.test";
        permits.email[permits.email_count++] = "bob@other.org";
    }
}

/* Another owner of the folder could put another CA into it at any time. */
static void a_folder_of_somebody_else_is_refused(void **state gw_unused)
{
    const struct gw_pki_init plain = {.path = w.path, .now = w.now};
    if (geteuid())
        skip_with("only root can give a folder away");
    assert_return_code(mkdir(w.path, 0755), errno);
    assert_return_code(chown(w.path, 65534, 0), errno);
    assert_int_not_equal(gw_pki_ca_init(&w.ca, &plain, &w.err), 0);
    assert_non_null(strstr(w.err.text, "belongs to user 65534"));
    assert_return_code(chown(w.path, 0, 0), errno);
    init(plain);
    for (enum gw_pki_access access = GW_PKI_READ; access <= GW_PKI_WRITE; access++) {
        reopen(access);
        gw_pki_ca_close(&w.ca);
        assert_return_code(chown(w.path, 65534, 0), errno);
        assert_int_not_equal(gw_pki_ca_open(&w.ca, w.path, access, w.now, &w.err), 0);
        assert_non_null(strstr(w.err.text, "belongs to user 65534"));
        assert_return_code(chown(w.path, 0, 0), errno);
        assert_return_code(chmod(w.path, 0770), errno);
        assert_int_not_equal(gw_pki_ca_open(&w.ca, w.path, access, w.now, &w.err), 0);
        assert_non_null(strstr(w.err.text, "other users may write to this folder"));
        assert_return_code(chmod(w.path, 0700), errno);
    }
    /* A user other than root may use root's folder. */
    assert_return_code(chmod(test_dir_path(w.dir), 0755), errno);
    assert_return_code(chmod(w.path, 0755), errno);
    assert_return_code(seteuid(65534), errno);
    struct gw_pki_store store = {.fd = -1};
    int opened = gw_pki_store_open(&store, w.path, GW_PKI_READ, 0, &w.err);
    gw_pki_store_close(&store);
    assert_return_code(seteuid(0), errno);
    assert_int_equal(opened, 0);
}

static void bad_bounds_are_refused(void **state gw_unused)
{
    static const struct {
        struct gw_pki_permits permits;
        const char *words;
    } rows[] = {
        {{.dns = {"*.example.com"}, .dns_count = 1}, "leave the star out"},
        {{.dns = {"a b"}, .dns_count = 1}, "--permit-dns 'a b'"},
        {{.ip = {"192.0.2.0/24"}, .ip_count = 1}, "give --permit-dns as well"},
        {{.uri = {"a.b"}, .uri_count = 1}, "give --permit-dns as well"},
        {{.email = {"a.b"}, .email_count = 1}, "give --permit-dns as well"},
        {{.dns = {"a"}, .dns_count = 1, .uri = {"spiffe://a/"}, .uri_count = 1}, "the host alone"},
        {{.dns = {"a"}, .dns_count = 1, .uri = {"*.a.b"}, .uri_count = 1}, "write .example.com"},
        {{.dns = {"a"}, .dns_count = 1, .uri = {"..a"}, .uri_count = 1}, "--permit-uri '..a'"},
        {{.dns = {"a"}, .dns_count = 1, .email = {"a@"}, .email_count = 1}, "--permit-email 'a@'"},
        {{.dns = {"a"}, .dns_count = 1, .ip = {"192.0.2.0"}, .ip_count = 1}, "not a network"},
        {{.dns = {"a"}, .dns_count = 1, .ip = {"192.0.2.0/33"}, .ip_count = 1}, "not a network"},
        {{.dns = {"a"}, .dns_count = 1, .ip = {"x/8"}, .ip_count = 1}, "not a network"},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        const struct gw_pki_init bad = {.path = w.path, .permits = &rows[i].permits, .now = w.now};
        assert_int_not_equal(gw_pki_ca_init(&w.ca, &bad, &w.err), 0);
        assert_int_equal(w.err.exit, GW_EXIT_USAGE);
        assert_non_null(strstr(w.err.text, rows[i].words));
        assert_int_not_equal(access(w.path, F_OK), 0);
    }
}

/* ---- lives ---- */

static void a_name_has_one_active_certificate(void **state gw_unused)
{
    const struct gw_pki_record *made;
    const struct gw_pki_request again = {.kind = GW_PKI_CLIENT, .name = "alice"};
    init((struct gw_pki_init){.name = "Test CA"});
    (void)client("alice");
    assert_int_not_equal(
        gw_pki_issue(&w.ca, &again, &(struct gw_pki_wish){.days = 0}, &made, &w.err), 0);
    assert_int_equal(w.err.exit, GW_EXIT_USAGE);
    assert_non_null(strstr(w.err.text, "`ktlsgate pki renew alice`"));
    good(gw_pki_revoke(&w.ca, gw_pki_register_by_name(&w.ca.reg, "alice"), GW_PKI_REASON_SUPERSEDED,
                       &w.err));
    const struct gw_pki_record *second = client("alice");
    assert_ptr_equal(gw_pki_register_by_name(&w.ca.reg, "alice"), second);
    reopen(GW_PKI_READ);
    assert_int_equal(w.ca.reg.count, 2);
    const struct gw_pki_record *newest = gw_pki_register_by_name(&w.ca.reg, "alice");
    assert_int_equal(gw_pki_record_state(newest, w.now), GW_PKI_ACTIVE);
    const struct gw_pki_record *first = gw_pki_register_by_serial(&w.ca.reg, newest->replaces.text);
    assert_int_equal(gw_pki_record_state(first, w.now), GW_PKI_REVOKED);
}

static void renewing_keeps_all_but_the_key(void **state gw_unused)
{
    const struct gw_pki_record *made;
    init((struct gw_pki_init){.name = "Test CA"});
    const struct gw_pki_record *old =
        issue((struct gw_pki_request){.kind = GW_PKI_CLIENT,
                                      .name = "alice",
                                      .ou = "ops",
                                      .sans = {{GW_PKI_SAN_URI, "spiffe://test/alice"}},
                                      .san_count = 1,
                                      .key_type = GW_PKI_KEY_ECDSA_P384,
                                      .days = 7});
    const struct gw_pki_serial first = old->serial;
    judged_good("openssl pkey -pubout -in certs/alice/key.pem > tmp/a; "
                "openssl x509 -noout -subject -ext subjectAltName -in certs/alice/cert.pem "
                "> tmp/sa");
    good(gw_pki_renew(&w.ca, old, &(struct gw_pki_wish){.days = 0}, &made, &w.err));
    assert_int_equal(made->expires, w.now + 7 * DAY_S);
    assert_string_equal(made->replaces.text, first.text);
    judged_good("openssl pkey -pubout -in certs/alice/key.pem > tmp/b; ! cmp -s tmp/a tmp/b");
    judged_good("openssl x509 -noout -subject -ext subjectAltName -in certs/alice/cert.pem "
                "> tmp/sb; cmp tmp/sa tmp/sb");
    judged_good("openssl x509 -noout -text -in certs/alice/cert.pem | grep secp384r1");
    judged_good("test ! -e issued/%s/key.pem && test ! -e issued/%s/bundle.p12 && "
                "test -e issued/%s/cert.pem",
                first.text, first.text, first.text);
    /* With keep_key the key stays. */
    good(gw_pki_renew(&w.ca, made, &(struct gw_pki_wish){.keep_key = true, .days = 9}, &made,
                      &w.err));
    judged_good("openssl pkey -pubout -in certs/alice/key.pem > tmp/c; cmp tmp/b tmp/c");
    judged_good("openssl verify -CAfile ca.pem certs/alice/cert.pem");
    assert_int_equal(made->expires, w.now + 9 * DAY_S);
    /* What is replaced or revoked is not renewed. */
    old = gw_pki_register_by_serial(&w.ca.reg, first.text);
    assert_int_equal(gw_pki_record_state(old, w.now), GW_PKI_REPLACED);
    assert_int_not_equal(gw_pki_renew(&w.ca, old, &(struct gw_pki_wish){.days = 0}, &made, &w.err),
                         0);
    assert_non_null(strstr(w.err.text, "replaced already"));
    struct gw_pki_record *newest = gw_pki_register_by_name(&w.ca.reg, "alice");
    good(gw_pki_revoke(&w.ca, newest, GW_PKI_REASON_UNSPECIFIED, &w.err));
    assert_int_not_equal(
        gw_pki_renew(&w.ca, newest, &(struct gw_pki_wish){.days = 0}, &made, &w.err), 0);
    assert_non_null(strstr(w.err.text, "`ktlsgate pki issue --client alice`"));
}

static void no_certificate_outlives_the_ca(void **state gw_unused)
{
    init((struct gw_pki_init){.days = 10, .now = w.now - 5 * DAY_S});
    reopen(GW_PKI_WRITE);
    const struct gw_pki_record *r = server("gate.test");
    assert_int_equal(r->expires, w.now + 5 * DAY_S);
    w.now += 6 * DAY_S;
    reopen(GW_PKI_WRITE);
    const struct gw_pki_record *made;
    const struct gw_pki_request late = {.kind = GW_PKI_CLIENT, .name = "late"};
    assert_int_not_equal(
        gw_pki_issue(&w.ca, &late, &(struct gw_pki_wish){.days = 0}, &made, &w.err), 0);
    assert_non_null(strstr(w.err.text, "the CA's own certificate expired"));
}

/* ---- lists of the revoked ---- */

static void the_list_refuses_whom_it_names(void **state gw_unused)
{
    init((struct gw_pki_init){.name = "Test CA"});
    (void)client("alice");
    (void)client("bob");
    judged_good("openssl verify -crl_check -CAfile ca.pem -CRLfile crl.pem certs/alice/cert.pem "
                "certs/bob/cert.pem");
    judged_good("openssl crl -in crl.pem -noout -crlnumber > tmp/first");
    good(gw_pki_revoke(&w.ca, gw_pki_register_by_name(&w.ca.reg, "alice"),
                       GW_PKI_REASON_KEY_COMPROMISE, &w.err));
    good(gw_pki_crl_renew(&w.ca, 30 * DAY_S, &w.err));
    assert_int_not_equal(run("openssl verify -crl_check -CAfile ca.pem -CRLfile crl.pem "
                             "certs/alice/cert.pem"),
                         0);
    says("certificate revoked");
    judged_good("openssl verify -crl_check -CAfile ca.pem -CRLfile crl.pem certs/bob/cert.pem");
    judged_good("openssl crl -in crl.pem -noout -text -CAfile ca.pem");
    says("verify OK");
    says("Version 2");
    says("Authority Key Identifier");
    says("Key Compromise");
    judged_good("openssl crl -in crl.pem -noout -crlnumber > tmp/second; "
                "test $(cut -d= -f2 tmp/second) \\> $(cut -d= -f2 tmp/first)");
    /* How long it is good stays as it was last asked for. */
    struct gw_pki_crl_status status;
    good(gw_pki_crl_renew(&w.ca, 0, &w.err));
    gw_pki_crl_look(&w.ca, &status);
    assert_true(status.there && status.complete);
    assert_int_equal(status.next_update, w.now + 30 * DAY_S);
    reopen(GW_PKI_READ);
    assert_int_equal(gw_pki_record_state(gw_pki_register_by_name(&w.ca.reg, "alice"), w.now),
                     GW_PKI_REVOKED);
}

static void the_list_drops_what_expired_long_ago(void **state gw_unused)
{
    init((struct gw_pki_init){.now = w.now - 100 * DAY_S});
    w.now -= 100 * DAY_S;
    reopen(GW_PKI_WRITE);
    (void)client("alice");
    good(gw_pki_revoke(&w.ca, gw_pki_register_by_name(&w.ca.reg, "alice"),
                       GW_PKI_REASON_UNSPECIFIED, &w.err));
    w.now += 40 * DAY_S; /* expired ten days ago */
    reopen(GW_PKI_WRITE);
    good(gw_pki_crl_renew(&w.ca, 0, &w.err));
    judged_good("openssl crl -in crl.pem -noout -text");
    says("Serial Number");
    w.now += 60 * DAY_S;
    reopen(GW_PKI_WRITE);
    good(gw_pki_crl_renew(&w.ca, 0, &w.err));
    judged_good("openssl crl -in crl.pem -noout -text");
    says("No Revoked Certificates");
}

/* ---- damage ---- */

static void damage_stops_writers_and_is_told(void **state gw_unused)
{
    struct gw_pki_ca other;
    init((struct gw_pki_init){.name = "Test CA"});
    const struct gw_pki_serial serial = client("alice")->serial;
    (void)client("bob");
    gw_pki_ca_close(&w.ca);
    judged_good("sed -i s/alice/bob/ issued/%s/record.txt && echo x >> issued/%s/record.txt",
                serial.text, serial.text);
    assert_int_not_equal(gw_pki_ca_open(&other, w.path, GW_PKI_WRITE, w.now, &w.err), 0);
    assert_int_equal(w.err.exit, GW_EXIT_START);
    assert_non_null(strstr(w.err.text, serial.text));
    assert_non_null(strstr(w.err.text, "record.txt: the record is damaged"));
    reopen(GW_PKI_READ);
    assert_int_equal(w.ca.reg.count, 1);
    assert_int_equal(w.ca.reg.damage_count, 1);
    assert_int_not_equal(gw_pki_register_whole(&w.ca.reg, &w.err), 0);
}

static void strange_things_in_the_folder_are_told(void **state gw_unused)
{
    static const char *const strange[] = {
        "mkdir issued/notes",
        "touch issued/4f0c0000000000000000000000000000",
        "mkdir issued/4f0c0000000000000000000000000000",
        "cp -r issued/$(ls issued) issued/4f0c0000000000000000000000000000",
        "d=issued/4f0c0000000000000000000000000000; mkdir $d; ln -s /etc/passwd $d/record.txt",
    };
    init((struct gw_pki_init){.name = "Test CA"});
    (void)client("alice");
    gw_pki_ca_close(&w.ca);
    for (size_t i = 0; i < GW_ARRAY_SIZE(strange); i++) {
        struct gw_pki_ca ca;
        (void)run("%s", strange[i]);
        assert_int_not_equal(gw_pki_ca_open(&ca, w.path, GW_PKI_WRITE, w.now, &w.err), 0);
        assert_non_null(strstr(w.err.text, "issued/"));
        judged_good("rm -rf issued/notes issued/4f0c0000000000000000000000000000");
    }
    reopen(GW_PKI_WRITE);
}

static void keys_that_others_can_read_are_refused(void **state gw_unused)
{
    init((struct gw_pki_init){.name = "Test CA"});
    gw_pki_ca_close(&w.ca);
    judged_good("chmod 640 ca/root.key");
    good(gw_pki_ca_open(&w.ca, w.path, GW_PKI_WRITE, w.now, &w.err));
    assert_int_not_equal(gw_pki_ca_keys(&w.ca, NULL, &w.err), 0);
    assert_non_null(strstr(w.err.text, "other users may read this key"));
}

static void the_ca_key_can_have_a_pass_phrase(void **state gw_unused)
{
    init((struct gw_pki_init){.pass = "open sesame"});
    gw_pki_ca_close(&w.ca);
    judged_good("grep -q 'BEGIN ENCRYPTED PRIVATE KEY' ca/root.key");
    judged_good("openssl pkey -in ca/root.key -passin 'pass:open sesame' -noout");
    good(gw_pki_ca_open(&w.ca, w.path, GW_PKI_WRITE, w.now, &w.err));
    assert_int_not_equal(gw_pki_ca_keys(&w.ca, NULL, &w.err), 0);
    assert_non_null(strstr(w.err.text, "--key-pass-file"));
    assert_int_not_equal(gw_pki_ca_keys(&w.ca, "open barley", &w.err), 0);
    assert_non_null(strstr(w.err.text, "is wrong for this key"));
    assert_null(strstr(w.err.text, "barley"));
    good(gw_pki_ca_keys(&w.ca, "open sesame", &w.err));
    const struct gw_pki_record *made;
    const struct gw_pki_request request = {.kind = GW_PKI_CLIENT, .name = "alice"};
    good(
        gw_pki_issue(&w.ca, &request, &(struct gw_pki_wish){.bundle_pass = "moon"}, &made, &w.err));
    assert_int_not_equal(run("openssl pkcs12 -in certs/alice/bundle.p12 -passin pass: -noenc"), 0);
    judged_good("openssl pkcs12 -in certs/alice/bundle.p12 -passin pass:moon -noenc");
}

static void a_folder_is_taken_once(void **state gw_unused)
{
    const struct gw_pki_init second = {.path = w.path, .now = w.now};
    init((struct gw_pki_init){.name = "Test CA"});
    gw_pki_ca_close(&w.ca);
    assert_int_not_equal(gw_pki_ca_init(&w.ca, &second, &w.err), 0);
    assert_int_equal(w.err.exit, GW_EXIT_USAGE);
    assert_non_null(strstr(w.err.text, "there is a CA in this folder already"));
    judged_good("chmod 777 . && rm -rf ca");
    assert_int_not_equal(gw_pki_ca_init(&w.ca, &second, &w.err), 0);
    assert_non_null(strstr(w.err.text, "other users may write to this folder"));
}

/* ---- the table ---- */

/* A time that X509_cmp_time refuses is not a date; ASN1_TIME_to_tm reads the first as the year
 * 2612. */
static void dates_have_one_form(void **state gw_unused)
{
    static const struct {
        int type;
        const char *text;
        int64_t time;
    } rows[] = {
        {V_ASN1_GENERALIZEDTIME, "261201221111Z", -1},
        {V_ASN1_GENERALIZEDTIME, "20491201221111.5Z", -1},
        {V_ASN1_UTCTIME, "4912012211Z", -1},
        {V_ASN1_UTCTIME, "491201221111+0100", -1},
        {V_ASN1_UTCTIME, "491201221111Z", INT64_C(2522009471)},
    };
    X509_CRL *crl = X509_CRL_new();
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        ASN1_STRING *time = ASN1_STRING_type_new(rows[i].type);
        assert_true(ASN1_STRING_set(time, rows[i].text, -1));
        assert_int_equal(gw_pki_certificate_time(time), rows[i].time);
        assert_true(X509_CRL_set1_nextUpdate(crl, time));
        ASN1_STRING_free(time);
        time = ASN1_TIME_set(NULL, (time_t)(rows[4].time - GW_PKI_BACKDATE_S - 5));
        assert_true(X509_CRL_set1_lastUpdate(crl, time));
        ASN1_STRING_free(time);
        assert_int_equal(gw_pki_crl_span(crl), i < 4 ? 0 : 5);
    }
    X509_CRL_free(crl);
    assert_int_equal(gw_pki_certificate_time(NULL), -1);
}

static void list(bool all)
{
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    gw_pki_table_list(&w.ca, all, out);
    (void)fclose(out);
    (void)snprintf(said, sizeof(said), "%s", text);
    free(text);
}

static void the_table_has_a_row_for_each(void **state gw_unused)
{
    init((struct gw_pki_init){.name = "Test CA", .intermediate = true});
    list(false);
    says("NAME");
    says("Test CA ");
    says("  intermediate  ");
    assert_int_equal(w.ca.reg.count, 0);
    (void)client("alice");
    const struct gw_pki_record *made;
    good(gw_pki_renew(&w.ca, gw_pki_register_by_name(&w.ca.reg, "alice"),
                      &(struct gw_pki_wish){.days = 0}, &made, &w.err));
    const struct gw_pki_serial second = made->serial;
    (void)server("gate.test");
    good(gw_pki_revoke(&w.ca, gw_pki_register_by_name(&w.ca.reg, "gate.test"),
                       GW_PKI_REASON_UNSPECIFIED, &w.err));
    list(false);
    says(second.text);
    says("  active\n");
    says("  revoked\n");
    says_not("  replaced\n");
    list(true);
    says("  replaced\n");
    w.ca.now += 31 * DAY_S;
    list(false);
    says("  expired\n");
}

int main(void)
{
    if (system("openssl version > /dev/null 2>&1") != 0) {
        print_message("SKIP: the openssl program is not installed\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {
#define row(test) cmocka_unit_test_setup_teardown(test, new_folder, drop_folder)
        row(certificates_are_what_clients_want),
        row(keys_belong_and_nobody_else_may_read_them),
        row(an_intermediate_signs_and_the_root_may_go_away),
        row(the_intermediate_is_renewed_with_its_key),
        row(every_kind_of_key_works),
        row(a_bounded_ca_issues_within_its_bounds),
        row(only_dns_names_permitted_means_no_addresses),
        row(names_of_every_kind_are_bounded),
        row(a_folder_of_somebody_else_is_refused),
        row(bad_bounds_are_refused),
        row(a_name_has_one_active_certificate),
        row(renewing_keeps_all_but_the_key),
        row(no_certificate_outlives_the_ca),
        row(the_list_refuses_whom_it_names),
        row(the_list_drops_what_expired_long_ago),
        row(damage_stops_writers_and_is_told),
        row(strange_things_in_the_folder_are_told),
        row(keys_that_others_can_read_are_refused),
        row(the_ca_key_can_have_a_pass_phrase),
        row(a_folder_is_taken_once),
        row(the_table_has_a_row_for_each),
        cmocka_unit_test(dates_have_one_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
